"""What only a GPU can show. On a machine that has one:

    pip install -e '.[test,cuda]' && python -m pytest -m gpu

The device does what it promises; every model of the suite, networks that need every kernel of the engine, models drawn at random and the examples have
the bits of the C backend where the order of sums is fixed, and its statistics where it is not. The same tests have been run against the stand-in for
the driver (EQSNN_GPU_TESTS=stand-in), which shows that they are ready, and nothing about a GPU.
"""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import cuda_examples
import fake_cuda
import golden_functions
import random_synapses
from cuda_networks import both_ends, ways
from models import DURATION, MODELS
from random_models import random_case
from test_backends import assert_same

import eqsnn as eq
from eqsnn import Hz, ms
from eqsnn.backends.cuda.build import CudaBackend
from eqsnn.backends.cuda.device import DeviceError
from eqsnn.backends.render import templates

if os.environ.get("EQSNN_GPU_TESTS") == "stand-in":
    sys.modules.update(fake_cuda.modules(fake_cuda.FakeGpu()))


def why_not():
    """Why there is no GPU to run on, or None."""
    try:
        CudaBackend().device()
    except eq.EqsnnError as error:
        return str(error)
    return None


WHY_NOT = why_not()
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))]


@pytest.fixture
def device():
    return CudaBackend().device()


# -- the device --------------------------------------------------------------------------------------------------------------------

WORDS = (templates() / "cuda" / "eq_words.h").read_text(encoding="utf-8")
KERNELS = """
extern "C" __global__ void add(int64_t *x, int64_t n, int64_t by)
{
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += (int64_t)gridDim.x * blockDim.x) x[i] += by;
}
extern "C" __global__ void twice(int64_t *x, int64_t n)
{
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += (int64_t)gridDim.x * blockDim.x) x[i] *= 2;
}
extern "C" __global__ void six(int64_t *x, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e)
{
    if (blockIdx.x == 0 && threadIdx.x == 0) x[0] = a + 10 * b + 100 * c + 1000 * d + e;
}
extern "C" __global__ void total(const int64_t *x, int64_t n, unsigned long long *sum)
{
    __shared__ int64_t part[256];
    int64_t mine = 0;
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += (int64_t)gridDim.x * blockDim.x) mine += x[i];
    part[threadIdx.x] = mine;
    for (unsigned half = 128; half; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
    }
    if (threadIdx.x == 0) atomicAdd(sum, (unsigned long long)part[0]);
}
extern "C" __global__ void where_warps_agree(int64_t *x)
{
    const unsigned bits = __ballot_sync(0xffffffffu, threadIdx.x % 3 == 0);
    x[threadIdx.x] = __popc(bits & ((1u << (threadIdx.x & 31)) - 1));
}
"""


@pytest.mark.parametrize("n", [1, 31, 1000, 1 << 22])
def test_copies_there_and_back(n, device):
    rng = np.random.default_rng(1)
    for dtype in (np.float64, np.float32, np.int64, np.int32, np.uint16, np.int8):
        x, y = rng.integers(0, 100, n).astype(dtype), np.zeros(n, dtype)
        at = device.allocate(x.nbytes)
        device.upload(at, x)
        kept, x[:] = x.copy(), 0
        device.download(at, y)
        device.free(at)
        np.testing.assert_array_equal(y, kept)


def test_launches_and_graphs_keep_their_order(device):
    n = 100_000
    module, x = device.compile(WORDS + KERNELS), np.arange(n, dtype=np.int64)
    at = device.allocate(x.nbytes)
    device.upload(at, x)
    add, twice = (module.function(f) for f in ("add", "twice"))
    device.run([add.launch(64, 256, at, n, 3), twice.launch(64, 256, at, n)])
    graph = device.capture([add.launch(7, 128, at, n, -1), twice.launch(400, 256, at, n)] * 3)
    graph.run(4)
    device.run([add.launch(1, 1024, at, n, 5)])
    found = np.empty_like(x)
    device.download(at, found)
    x = (x + 3) * 2
    for _ in range(12):
        x = (x - 1) * 2
    np.testing.assert_array_equal(found, x + 5)
    device.free(at)


def test_arguments_shared_memory_atomics_and_warps(device):
    n = 1_000_000
    module = device.compile(WORDS + KERNELS)
    x, sums = np.arange(n, dtype=np.int64), np.zeros(1024, np.int64)
    at, out = device.allocate(x.nbytes), device.allocate(sums.nbytes)
    device.upload(at, x)
    device.upload(out, sums)
    device.run([module.function("total").launch(300, 256, at, n, out)])
    device.download(out, sums)
    assert sums[0] == n * (n - 1) // 2
    device.run([module.function("six").launch(2, 64, out, 1, 2, 3, 4, -5)])
    device.download(out, sums)
    assert sums[0] == 1 + 20 + 300 + 4000 - 5
    device.run([module.function("where_warps_agree").launch(1, 96, out)])
    device.download(out, sums)
    lanes = np.arange(96)
    np.testing.assert_array_equal(sums[:96], [np.sum(lanes[k - k % 32 : k] % 3 == 0) for k in lanes])
    for address in (at, out):
        device.free(address)


def test_more_memory_than_there_is(device):
    with pytest.raises(DeviceError, match=r"no room for \d+ bytes more on .*CUDA_ERROR_OUT_OF_MEMORY"):
        device.allocate(1 << 50)


def test_text_that_does_not_compile(device):
    with pytest.raises(eq.CompileError, match="nonsense"):
        device.compile("nonsense")


# -- the same bits -----------------------------------------------------------------------------------------------------------------

NETWORKS = {"ways": ways, "both_ends": both_ends}


def outcome(build, backend, duration=DURATION, deterministic=True):
    eq.backend(backend, deterministic=deterministic)
    eq.start_scope()
    eq.seed(7)
    case = build()
    case.network.run(duration)
    return [*case.outcome(), *getattr(case, "more", list)()]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_the_suite_has_the_bits_of_the_interpreter(name):
    assert_same(outcome(MODELS[name], "numpy"), outcome(MODELS[name], "cuda"))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_kernel_of_the_engine_has_the_bits_of_the_interpreter(name):
    assert_same(outcome(NETWORKS[name], "numpy", 20 * ms), outcome(NETWORKS[name], "cuda", 20 * ms))


@pytest.mark.parametrize("name", [*MODELS, *NETWORKS])
def test_sums_in_any_order_differ_by_rounding_at_first(name):
    build = {**MODELS, **NETWORKS}[name]
    for a, b in zip(outcome(build, "c", 5 * ms), outcome(build, "cuda", 5 * ms, deterministic=False), strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_random_models_and_synapses_have_the_bits_of_the_c_backend(seed):
    assert_same(outcome(lambda: random_case(seed), "c", 20 * ms), outcome(lambda: random_case(seed), "cuda", 20 * ms))
    eq.backend("cuda", deterministic=True)
    assert_same(random_synapses.outcome(seed, "c"), random_synapses.outcome(seed, "cuda"))


def functions():
    """Every function and operator of the language, over 30,000 numbers of many sizes."""
    lines = ["x : 1", "u = x*1.1 : 1", "k = int(clip(x, -1000, 1000)) : integer", "b = x > 0 : boolean"]
    sets = []
    for n, (text, kind) in enumerate(golden_functions.EXPRESSIONS):
        lines.append(f"y{n} : {kind}")
        sets.append(f"y{n} = {text}")
    G = eq.NeuronGroup(30_000, "\n".join(lines), name="g")
    G.x = "(rand() - 0.5)*10**(rand()*6 - 3)"
    objects = [G.run_regularly(line) for line in sets]
    net = eq.Network(G, *objects)
    net.stop_if_not_finite = False
    net.run(0.1 * ms)
    return [np.asarray(G.state(f"y{n}")[:]) for n in range(len(sets))]


@pytest.mark.filterwarnings("ignore:.*NaN or infinite")
def test_every_function_has_the_bits_of_the_c_backend():
    found = {}
    for backend in ("c", "cuda"):
        eq.backend(backend)
        eq.start_scope()
        eq.seed(3)
        found[backend] = functions()
    for (text, _), a, b in zip(golden_functions.EXPRESSIONS, found["c"], found["cuda"]):
        np.testing.assert_array_equal(a, b, err_msg=text)


def test_the_same_random_numbers_are_drawn():
    found = {}
    for backend in ("c", "cuda"):
        eq.backend(backend)
        eq.start_scope()
        eq.seed(11)
        G = eq.NeuronGroup(5000, "dv/dt = -v/(5*ms) + 0.1*xi/ms**0.5 : 1\nu : 1\nn : 1\np : 1", method="euler")
        G.run_regularly("u = rand()\nn = randn()\np = poisson(3)")
        P = eq.PoissonGroup(20_000, "(i % 100)*Hz")
        M = eq.SpikeMonitor(P)
        eq.Network(G, P, M).run(5 * ms)
        found[backend] = [np.asarray(x) for x in (G.v, G.u, G.n, G.p, M.i, M.t_)]
    assert_same(found["c"], found["cuda"])


# -- whole networks ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted({*cuda_examples.SIZES} - {"cuda_kernels"}))
def test_an_example_has_the_bits_of_the_c_backend(name):
    first, second = (cuda_examples.outcome(name, backend) for backend in ("c", "cuda"))
    assert first.keys() == second.keys()
    for key, values in first.items():
        np.testing.assert_array_equal(values, second[key], err_msg=key)


def brunel(n=2500):
    """Half the size of a network whose spikes are many; weights of their own and delays of their own."""
    n_exc = 4 * n // 5
    P = eq.NeuronGroup(n, "dv/dt = -v/(20*ms) : 1 (unless refractory)", threshold="v > 20", reset="v = 10",
                       refractory=2 * ms, method="exact")  # fmt: skip
    P.v = "rand()*20"
    E, I = eq.Synapses(P, P, "w : 1", on_pre="v += w"), eq.Synapses(P, P, "w : 1", on_pre="v -= w")
    E.connect(f"i < {n_exc}", p=0.1)
    I.connect(f"i >= {n_exc}", p=0.1)
    E.w, I.w = "0.4*rand()", "2*rand()"
    E.delay, I.delay = "0.5*ms + 2*rand()*ms", 1.5 * ms
    drive = eq.PoissonInput(P, "v", 200, 2 * 20 / (0.2 * 200 * 20 * ms), 0.2)
    M = eq.SpikeMonitor(P)
    return eq.Network(P, E, I, drive, M), M


def spikes(backend, deterministic, seed=7, duration=200 * ms):
    eq.backend(backend, deterministic=deterministic)
    eq.start_scope()
    eq.seed(seed)
    net, M = brunel()
    net.run(duration)
    return np.array(M.i), np.array(M.t_)


SHORT = 10 * ms if os.environ.get("EQSNN_GPU_TESTS") == "stand-in" else 200 * ms


def test_a_large_network_has_the_spikes_of_the_c_backend_and_the_same_ones_again():
    first, second, third = (spikes(b, True, duration=SHORT) for b in ("c", "cuda", "cuda"))
    assert len(first[0]) > 1000
    assert_same(first, second)
    assert_same(second, third)


def test_in_any_order_a_large_network_has_the_same_statistics():
    first, second = spikes("c", False, duration=SHORT), spikes("cuda", False, duration=SHORT)
    assert abs(len(first[0]) - len(second[0])) < 0.02 * len(first[0]) + 4 * np.sqrt(len(first[0]))
    rates = [np.bincount(i, minlength=2500) for i, _ in (first, second)]
    assert abs(rates[0].std() - rates[1].std()) < 0.1 * rates[0].std()


def test_a_run_goes_on_with_python_in_the_middle_and_after_another_backend():
    def halves(first, second):
        eq.start_scope()
        eq.seed(7)
        G = eq.NeuronGroup(500, "dv/dt = (1.2 - v)/(9*ms) : 1", threshold="v > 1", reset="v = 0", method="exact")
        G.v = "rand()"
        S = eq.Synapses(G, G, "w : 1", on_pre="v += w", delay=1 * ms)
        S.connect(p=0.1)
        S.w = "0.02*rand()"
        M, seen = eq.SpikeMonitor(G), []

        @eq.network_operation(dt=2 * ms)
        def look(t):
            seen.append(float(np.sum(G.v)))
            G.v[:10] = 0.5

        net = eq.Network(G, S, M, look)
        for backend in (first, second):
            eq.backend(backend, deterministic=True)
            net.run(10 * ms)
            S.w = "w*0.5"
        return [np.array(M.i), np.array(M.t_), np.array(G.v), np.array(S.w), np.array(seen)]

    wanted = halves("c", "c")
    for pair in (("cuda", "cuda"), ("c", "cuda"), ("cuda", "c")):
        assert_same(wanted, halves(*pair))


def test_profile_and_rates():
    eq.backend("cuda")
    eq.seed(7)
    P = eq.PoissonGroup(10_000, 50 * Hz)
    R = eq.PopulationRateMonitor(P)
    net = eq.Network(P, R)
    net.run(100 * ms, profile=True)
    assert 45 < np.mean(R.rate / Hz) < 55
    assert all(seconds >= 0 for _, seconds in net.profiling_info)


# -- training ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "case", ["delays", "late reset", "many neurons", "liquid time constants", "one layer", "noisy", "penalised"]
)
def test_gradients_are_those_of_the_c_engine(case, dtype):
    """Bit by bit, where gcc has fused multiply-add for this CPU."""
    import test_cuda_learning as learning

    before, eq.defaultclock.dt = eq.defaultclock.dt, 1 * ms
    try:
        learning.same(learning.gradients(case, "cuda", dtype), learning.gradients(case, "c", dtype))
    finally:
        eq.defaultclock.dt = before
