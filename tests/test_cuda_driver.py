"""The device that is a GPU, against a driver that is not there: the order of its calls, what it passes, what it gives back, what it says.

The same tests run twice: behind names like those of cuda-bindings, and, where the real ones are installed, behind a library that they take for the
driver's, so that every argument goes through their checks.
"""

import gc
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import fake_cuda
import fake_libcuda
from cuda_networks import both_ends, ways
from fake_cuda import CUresult, FakeGpu
from models import MODELS
from test_backends import assert_same

import eqsnn as eq
from eqsnn import ms
from eqsnn.backends.cuda import nvrtc
from eqsnn.backends.cuda.device import DeviceError
from eqsnn.backends.cuda.driver import DriverDevice
from eqsnn.backends.render import templates

KERNELS = (
    (templates() / "cuda" / "eq_words.h").read_text()
    + """
extern "C" __global__ void add(int64_t *x, int64_t n, int64_t by)
{
    const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] += by;
}
extern "C" __global__ void twice(int64_t *x, int64_t n)
{
    const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] *= 2;
}
extern "C" __global__ void six(int64_t *x, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e)
{
    if (threadIdx.x == 0) x[0] = a + 10 * b + 100 * c + 1000 * d + e;
}
extern "C" __global__ void astray(int64_t *x)
{
    x[5] = 1;
}
"""
)


REAL = bool(os.environ.get("EQSNN_FAKE_LIBCUDA"))
"""The bindings are the real ones."""


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    if REAL:
        fake_libcuda.load(tmp_path_factory.mktemp("libcuda"))


@pytest.fixture
def gpu(monkeypatch, library):
    fake_cuda.forget()
    yield (fake_libcuda if REAL else fake_cuda).install(monkeypatch, FakeGpu())
    fake_cuda.forget()
    gc.collect()
    assert fake_libcuda.wrong == []


of_names = pytest.mark.skipif(REAL, reason="about other versions of the compiler than the one that is here")


def have_bindings():
    try:
        return importlib.util.find_spec("cuda.bindings.driver") is not None
    except ImportError:
        return False


@pytest.mark.skipif(not have_bindings(), reason="cuda-bindings is not installed (pip install 'eqsnn[cuda]')")
@pytest.mark.skipif(REAL, reason="this is that")
def test_the_real_bindings_take_what_we_pass():
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--import-mode=importlib", __file__]
    done = subprocess.run(command, env={**os.environ, "EQSNN_FAKE_LIBCUDA": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:]


@pytest.mark.skipif(not have_bindings(), reason="cuda-bindings is not installed (pip install 'eqsnn[cuda]')")
def test_the_stand_in_has_the_parameters_and_numbers_of_the_real_bindings():
    from cuda.bindings import driver, nvrtc

    for name, parameters in fake_cuda.PARAMETERS.items():
        documented = getattr(nvrtc if name.startswith("nvrtc") else driver, name).__doc__.strip().splitlines()[0]
        taken = re.fullmatch(rf"{name}\((.*?)\)( ->.*)?", documented)[1].split(",")
        names = [t.split(":")[0].split()[-1].strip("*") for t in taken if t.strip()]
        assert names == parameters.split(), documented
    for enumeration in fake_cuda.ENUMERATIONS:
        real = getattr(nvrtc if enumeration.__name__.startswith("nvrtc") else driver, enumeration.__name__)
        assert {m.name: int(m) for m in enumeration} == {m.name: int(getattr(real, m.name)) for m in enumeration}


def device_of(gpu):
    device = DriverDevice()
    gpu.calls.clear()
    return device


def numbers(device, n=5):
    x = np.arange(n, dtype=np.int64)
    at = device.allocate(x.nbytes)
    device.upload(at, x)
    return at, x


def test_which_gpu_and_for_what_it_is_compiled(gpu):
    device = DriverDevice()
    assert (device.name, device.architecture, device.number) == ("Imaginary GPU", "sm_80", 0)
    assert gpu.names()[:3] == ["cuInit", "cuDeviceGetCount", "cuDeviceGet"] and gpu.retained == 1
    assert gpu.contexts == []  # nobody else's thread is left with ours


def test_launches_come_in_order_with_their_arguments(gpu):
    device = device_of(gpu)
    module = device.compile(KERNELS)
    at, x = numbers(device)
    add, twice = module.function("add"), module.function("twice")
    device.run([add.launch(1, 32, at, 5, 3), twice.launch(1, 32, at, 5), add.launch(1, 32, at, 5, -1)])
    result = np.empty(5, np.int64)
    device.download(at, result)
    np.testing.assert_array_equal(result, 2 * (x + 3) - 1)
    one = np.zeros(1, np.int64)
    device.run([module.function("six").launch(2, 64, at, 1, 2, 3, 4, -5)])
    device.download(at, one)
    assert one[0] == 1 + 20 + 300 + 4000 - 5
    launches = [c for c in gpu.calls if c[0] == "cuLaunchKernel"]
    assert [c[2:8] for c in launches] == [(1, 1, 1, 32, 1, 1)] * 3 + [(2, 1, 1, 64, 1, 1)]


def test_nothing_waits_but_copies_and_synchronise(gpu):
    device = device_of(gpu)
    module = device.compile(KERNELS)
    at, _ = numbers(device)
    gpu.calls.clear()
    device.run([module.function("twice").launch(1, 32, at, 5)] * 3)
    graph = device.capture([module.function("twice").launch(1, 32, at, 5)])
    graph.run(4)
    assert "cuStreamSynchronize" not in gpu.names()
    device.synchronise()
    assert gpu.names()[-1] == "cuStreamSynchronize"
    result = np.empty(5, np.int64)
    device.download(at, result)
    np.testing.assert_array_equal(result, 2**7 * np.arange(5))


def test_an_array_may_change_as_soon_as_it_was_uploaded(gpu):
    device = device_of(gpu)
    at, x = numbers(device)
    x[:] = -1
    result = np.empty(5, np.int64)
    device.download(at, result)
    np.testing.assert_array_equal(result, np.arange(5))


def test_a_graph_is_captured_apart_and_launched_as_often_as_wished(gpu):
    device = device_of(gpu)
    module = device.compile(KERNELS)
    at, x = numbers(device)
    add, twice = module.function("add"), module.function("twice")
    gpu.calls.clear()
    graph = device.capture([add.launch(1, 32, at, 5, 1), twice.launch(1, 32, at, 5)])
    assert gpu.names() == [
        "cuStreamCreate", "cuStreamBeginCapture", "cuLaunchKernel", "cuLaunchKernel", "cuStreamEndCapture", "cuStreamDestroy",
        "cuGraphInstantiate", "cuGraphDestroy",
    ]  # fmt: skip
    captured_in = next(c[1] for c in gpu.calls if c[0] == "cuStreamBeginCapture")
    assert int(captured_in) != int(device.stream)
    gpu.calls.clear()
    graph.run(3)
    graph.run(0)
    assert gpu.names() == ["cuGraphLaunch"] * 3
    result = np.empty(5, np.int64)
    device.download(at, result)
    for _ in range(3):
        x = 2 * (x + 1)
    np.testing.assert_array_equal(result, x)
    device.capture([]).run(2)  # nothing is a graph, too


def test_everything_is_given_back(gpu):
    device = device_of(gpu)
    module = device.compile(KERNELS)
    at, _ = numbers(device)
    graph = device.capture([module.function("twice").launch(1, 32, at, 5)])
    graph.run(2)
    device.free(at)
    del module  # the graph holds it
    gc.collect()
    assert "module" in gpu.left() and "exec" in gpu.left()
    del graph
    gc.collect()
    assert gpu.left() == ["stream"]
    del device
    gc.collect()
    assert gpu.left() == [] and gpu.retained == 0 and gpu.contexts == []


def test_a_capture_that_fails_leaves_nothing_behind(gpu):
    device = device_of(gpu)
    module = device.compile(KERNELS)
    at, _ = numbers(device)
    launch = module.function("twice").launch(1, 32, at, 5)
    gpu.fails["cuLaunchKernel"] = CUresult.CUDA_ERROR_INVALID_VALUE
    with pytest.raises(
        DeviceError, match=r"the kernel twice \(1 blocks of 32\): cuLaunchKernel: CUDA_ERROR_INVALID_VALUE"
    ):
        device.capture([launch])
    assert gpu.names()[-2:] == ["cuStreamEndCapture", "cuStreamDestroy"]
    assert gpu.left().count("stream") == 1


def test_memory_that_python_gives_back_during_a_capture_does_not_spoil_it(gpu, monkeypatch):
    device = device_of(gpu)
    module = device.compile(KERNELS)
    at, x = numbers(device)
    old, _ = numbers(device)
    enqueue = device.enqueue

    def and_garbage_is_collected(launches, stream):
        enqueue(launches[:1], stream)
        device.free(old)
        enqueue(launches[1:], stream)

    monkeypatch.setattr(device, "enqueue", and_garbage_is_collected)
    graph = device.capture([module.function("twice").launch(1, 32, at, 5)] * 3)
    graph.run()
    device.download(at, x)
    np.testing.assert_array_equal(x, 8 * np.arange(5))
    assert gpu.left().count("memory") == 1


@of_names
def test_what_is_compiled_is_kept(gpu, monkeypatch, tmp_path):
    monkeypatch.setenv("EQSNN_CACHE_DIR", str(tmp_path))
    device = device_of(gpu)
    for _ in range(2):
        device.compile(KERNELS)
    compiled = [c for c in gpu.calls if c[0] == "nvrtcCompileProgram"]
    assert compiled == [("nvrtcCompileProgram", "--gpu-architecture=sm_80", *nvrtc.FLAGS)]
    assert gpu.names().count("cuModuleLoadData") == 2
    assert [p.suffix for p in tmp_path.glob("??/*.cubin")] == [".cubin"]
    gpu.nvrtc = (13, 1)  # another compiler is another key
    device.compile(KERNELS)
    assert gpu.names().count("nvrtcCompileProgram") == 2


def test_text_that_does_not_compile_shows_the_log(gpu):
    with pytest.raises(
        eq.CompileError, match=r"NVRTC failed \(NVRTC_ERROR_COMPILATION\):\n  --gpu-architecture=sm_80 (.|\n)*nonsense"
    ):
        device_of(gpu).compile("nonsense")


def test_a_function_that_is_not_there(gpu):
    with pytest.raises(KeyError, match="nobody"):
        device_of(gpu).compile(KERNELS).function("nobody")


def test_no_room_says_how_much_was_asked_for(gpu):
    device = device_of(gpu)
    gpu.room = 1000
    at = device.allocate(600)
    with pytest.raises(
        DeviceError,
        match=r"no room for 500 bytes more on Imaginary GPU, where 400 of 1000 are free; cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY \(out of memory\); make",
    ):
        device.allocate(500)
    device.free(at)
    assert gpu.left() == ["stream"]


def test_a_kernel_that_went_astray_is_told_where_somebody_waits(gpu):
    device = device_of(gpu)
    module = device.compile(KERNELS)
    at, x = numbers(device)
    device.run([module.function("astray").launch(1, 1, at)])
    with pytest.raises(
        DeviceError,
        match=r"what was enqueued on Imaginary GPU went wrong: cuStreamSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS \(an illegal memory access was "
        r"encountered\); this is a bug of eqsnn.*'cuda-host'",
    ):
        device.download(at, x)
    gpu.calls.clear()
    device.free(at)  # there is nothing to free any more, and nothing more to say
    assert gpu.names() == []
    with pytest.raises(DeviceError, match="CUDA_ERROR_ILLEGAL_ADDRESS"):
        device.upload(at, x)


def test_launches_that_no_gpu_takes(gpu):
    device = device_of(gpu)
    function = device.compile(KERNELS).function("twice")
    for launch in (
        function.launch(0, 32),
        function.launch(1, 1025),
        function.launch(1 << 31, 32),
        function.launch(1, 1, *range(7)),
    ):
        with pytest.raises(
            DeviceError, match=r"the kernel twice: .* there may be 1 to 2147483647 blocks of 1 to 1024, and 6 arguments"
        ):
            device.run([launch])
    assert "cuLaunchKernel" not in gpu.names()


# -- what is missing ---------------------------------------------------------------------------------------------------------------


def refusal(match):
    return pytest.raises(eq.EqsnnError, match=match)


@of_names
def test_without_the_bindings_the_import_error_is_quoted(monkeypatch):
    fake_cuda.forget()
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    monkeypatch.setitem(sys.modules, "cuda", None)
    with refusal(r"finds no GPU \(ModuleNotFoundError: .*cuda.*\); it needs .* pip install 'eqsnn\[cuda\]'"):
        eq.backend("cuda")


@of_names
def test_without_a_driver_what_the_bindings_say_is_quoted(gpu):
    def missing(flags):
        raise RuntimeError('"cuda" is an NVIDIA driver library\nand can only be found via system search')

    missing.__name__ = "cuInit"
    sys.modules["cuda.bindings.driver"].cuInit = missing
    with refusal(
        r'cuInit: RuntimeError: "cuda" is an NVIDIA driver library and can .*; install the NVIDIA driver of this GPU'
    ):
        eq.backend("cuda")


@of_names
def test_without_nvrtc_what_the_bindings_say_is_quoted(gpu):
    def missing():
        raise RuntimeError("Failure finding libnvrtc.so")

    missing.__name__ = "nvrtcVersion"
    sys.modules["cuda.bindings.nvrtc"].nvrtcVersion = missing
    with refusal(r"nvrtcVersion: RuntimeError: Failure finding libnvrtc.so; pip install 'eqsnn\[cuda\]' brings NVRTC"):
        eq.backend("cuda")


def test_without_a_gpu(gpu):
    gpu.count = 0
    with refusal(
        r"cuInit: CUDA_ERROR_NO_DEVICE \(no CUDA-capable device is detected\); nvidia-smi shows .* CUDA_VISIBLE_DEVICES"
    ):
        eq.backend("cuda")


def test_a_gpu_that_is_not_there(gpu):
    with refusal("the driver shows 1 GPUs, and number 1 was asked for"):
        DriverDevice(1)


@of_names
@pytest.mark.parametrize(
    "capability, wanted",
    [((7, 5), "sm_75"), ((8, 0), "sm_80"), ((8, 9), "sm_89"), ((8, 7), "sm_86"), ((12, 1), "sm_120")],
)
def test_the_architecture_is_the_gpus_or_the_last_before_it(gpu, capability, wanted):
    gpu.capability = capability
    assert DriverDevice().architecture == wanted


@of_names
@pytest.mark.parametrize(
    "capability, advice",
    [
        ((7, 0), "pip install 'cuda-bindings<13' nvidia-cuda-nvrtc-cu12"),
        ((13, 0), "pip install --upgrade cuda-bindings"),
    ],
)
def test_a_gpu_that_the_compiler_does_not_know(gpu, capability, advice):
    gpu.capability = capability
    with refusal(
        rf"capability {capability[0]}.{capability[1]}, and NVRTC 13.0 compiles for sm_75 to sm_120; .*{advice}"
    ):
        DriverDevice()


@of_names
def test_a_driver_older_than_the_compiler(gpu):
    gpu.version = 12040
    with refusal(
        r"knows CUDA up to 12.4, and NVRTC is of CUDA 13.0; .* pip install 'cuda-bindings<13' nvidia-cuda-nvrtc-cu12"
    ):
        DriverDevice()


# -- whole networks ----------------------------------------------------------------------------------------------------------------

NETWORKS = {"ways": ways, "both_ends": both_ends, **{n: MODELS[n] for n in ("cuba", "stdp")}}


def outcome(build, backend):
    eq.backend(backend, deterministic=True)
    eq.start_scope()
    eq.seed(7)
    case = build()
    case.network.run(4 * ms)
    return [*case.outcome(), *getattr(case, "more", list)()]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_on_the_driver_has_the_bits_of_the_interpreter(name, gpu):
    found = outcome(NETWORKS[name], "cuda")
    assert {"cuGraphLaunch", "cuLaunchKernel", "cuMemcpyDtoHAsync"} <= set(gpu.names())
    assert_same(outcome(NETWORKS[name], "numpy"), found)
    eq.start_scope()
    gc.collect()
    assert gpu.left() == ["stream"] and gpu.contexts == []


def test_a_run_goes_on_and_what_was_set_between_is_there(gpu):
    def halves(backend):
        eq.backend(backend, deterministic=True)
        eq.start_scope()
        eq.seed(7)
        case = ways()
        case.network.run(1 * ms)
        case.arrays[1][0].v = "0.9*rand()"
        case.network.run(1 * ms)
        return [*case.outcome(), *case.more()]

    assert_same(halves("numpy"), halves("cuda"))
    gc.collect()
    assert gpu.left() == ["stream"]


def test_a_gpu_without_room_says_so_before_the_first_step(gpu):
    eq.backend("cuda")
    gpu.room = 5000
    with pytest.raises(DeviceError, match="there is no room for .* bytes more on Imaginary GPU"):
        MODELS["cuba"]().network.run(1 * ms)
    eq.start_scope()
    gc.collect()
    assert "cuLaunchKernel" not in gpu.names()
    assert gpu.left() == ["stream"]
