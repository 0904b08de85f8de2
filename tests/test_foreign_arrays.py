"""Arrays of other libraries as values of variables, and variables for them: DLPack, and the CUDA array interface. CuPy and CUDA tensors are stood in for."""

import ctypes
import gc
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import fake_cuda
from fake_cuda import FakeGpu

import eqsnn as eq
from eqsnn import ms, mV
from eqsnn.backends.cuda import exchange
from eqsnn.backends.cuda.build import CudaBackend


class OnlyDLPack:
    """An array of a library that has nothing but DLPack."""

    def __init__(self, values, device=(1, 0)):
        self.values, self.device = values, device

    def __dlpack__(self, **how):
        return self.values.__dlpack__()

    def __dlpack_device__(self):
        return self.device


class LikeCuPy:
    """Memory of the GPU with the CUDA array interface, which numpy is refused."""

    def __init__(self, values, device, strides=None):
        self.array = exchange.GpuArray(device, values)
        self.__cuda_array_interface__ = {**self.array.__cuda_array_interface__, "strides": strides}

    def __array__(self, *_, **__):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")


class LikeJax(OnlyDLPack):
    """The same, with DLPack alone."""

    def __init__(self, values, device):
        super().__init__(exchange.GpuArray(device, values), (2, 0))
        self.asked = {}

    def __dlpack__(self, **how):
        self.asked = how
        return super().__dlpack__()


@pytest.fixture
def gpu(monkeypatch):
    fake_cuda.forget()
    yield fake_cuda.install(monkeypatch, FakeGpu())
    fake_cuda.forget()


@pytest.fixture
def G():
    return eq.NeuronGroup(4, "dv/dt = -v/(10*ms) : volt\nx : 1\nk : integer\nb : boolean", name="g", method="exact")


def test_an_array_with_nothing_but_dlpack_is_taken(G):
    G.x = OnlyDLPack(np.array([1.0, 2.0, 3.0, 4.0]))
    G.k[1:3] = OnlyDLPack(np.array([7, 8]))
    G.v_[:] = OnlyDLPack(np.array([1, 2, 3, 4], np.float32))
    np.testing.assert_array_equal(G.x, [1, 2, 3, 4])
    np.testing.assert_array_equal(G.k, [0, 7, 8, 0])
    np.testing.assert_array_equal(G.v / mV, [1000, 2000, 3000, 4000])


def test_values_of_synapses_too(G):
    S = eq.Synapses(G, G, "w : 1")
    S.connect("i != j")
    S.w = OnlyDLPack(np.arange(12.0))
    np.testing.assert_array_equal(S.w, np.arange(12))
    np.testing.assert_array_equal(np.from_dlpack(S.w), np.arange(12))


def test_the_rules_of_units_and_shapes_are_those_of_numpy(G):
    with pytest.raises(eq.UnitError, match="'v' of g has unit"):
        G.v = OnlyDLPack(np.array([1.0, 2.0, 3.0, 4.0]))
    with pytest.raises(eq.EqsnnError, match="4 elements are set, and the value has shape"):
        G.x = OnlyDLPack(np.array([1.0, 2.0]))


def test_a_variable_is_an_array_for_others(G):
    G.x, G.v, G.k, G.b = [1, 2, 3, 4], "i*mV", "i", "i > 1"
    assert G.x.__dlpack_device__() == (1, 0)
    for name in ("x", "v_", "k", "b"):
        found = np.from_dlpack(getattr(G, name))
        np.testing.assert_array_equal(found, np.asarray(getattr(G, name)))
    np.testing.assert_allclose(np.from_dlpack(G.v), [0, 1e-3, 2e-3, 3e-3])
    np.testing.assert_array_equal(G.v / mV, [0, 1, 2, 3])
    with pytest.raises(BufferError, match="copy=False cannot be met"):
        G.x.__dlpack__(copy=False)
    with pytest.raises(BufferError, match=r"not on the device \(10, 0\)"):
        G.x.__dlpack__(dl_device=(10, 0))


def test_an_array_on_a_gpu_is_copied_from_there(G, gpu):
    device = CudaBackend().device()
    G.x = LikeCuPy(np.array([4.0, 3.0, 2.0, 1.0]), device)
    np.testing.assert_array_equal(G.x, [4, 3, 2, 1])
    tensor = LikeJax(np.array([[5, 6, 7, 8]], np.int32)[0], device)
    G.k = tensor
    np.testing.assert_array_equal(G.k, [5, 6, 7, 8])
    assert tensor.asked == {"stream": int(device.stream)}
    G.b = LikeJax(np.array([True, False, True, True]), device)
    np.testing.assert_array_equal(G.b, [1, 0, 1, 1])
    assert "cuCtxSynchronize" in {c[0] for c in gpu.calls}
    del tensor
    gc.collect()
    assert gpu.left() == ["stream"] and exchange._exported == {}


def test_what_cannot_be_read_says_why(G, gpu):
    device = CudaBackend().device()
    with pytest.raises(
        eq.EqsnnError,
        match="a .*LikeCuPy cannot be read .DeviceError: .*do not lie one after the other; make it contiguous",
    ):
        G.x = LikeCuPy(np.arange(4.0), device, strides=(16,))
    with pytest.raises(
        eq.EqsnnError, match=r"lies on a device of another kind \(DLPack's 10\); copy it to the memory of the CPU"
    ):
        G.x = OnlyDLPack(np.arange(4.0), (10, 0))

    class Stubborn(OnlyDLPack):
        def __array__(self, *_, **__):
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")

    with pytest.raises(
        eq.EqsnnError,
        match=r"Stubborn cannot be read \(RuntimeError: Can't call numpy\(\) on Tensor that requires grad",
    ):
        G.x = Stubborn(np.arange(4.0))
    gpu.count = 0
    fake_cuda.forget()
    with pytest.raises(eq.EqsnnError, match="the backend 'cuda' finds no GPU .*CUDA_ERROR_NO_DEVICE"):
        G.x = OnlyDLPack(np.arange(4.0), (2, 0))


def test_a_variable_goes_to_a_gpu(G, gpu):
    G.v = "i*mV"
    there = G.v.on_gpu()
    told = there.__cuda_array_interface__
    assert (told["shape"], told["typestr"], told["version"], told["stream"]) == ((4,), "<f8", 3, None)
    values = (ctypes.c_double * 4).from_address(told["data"][0])
    np.testing.assert_array_equal(values, [0, 1e-3, 2e-3, 3e-3])
    assert there.__dlpack_device__() == (2, 0)
    with pytest.raises(BufferError, match=r"on GPU 0; it was asked for on the device \(2, 1\)"):
        there.__dlpack__(dl_device=(2, 1))
    G.x_[:] = there  # and back
    np.testing.assert_array_equal(G.x, [0, 1e-3, 2e-3, 3e-3])


def test_memory_of_a_capsule_lives_as_long_as_somebody_holds_it(G, gpu):
    G.x = "i"
    capsule = G.x.__dlpack__(dl_device=(2, 0))
    gc.collect()
    assert gpu.left() == ["memory", "stream"] or gpu.left() == ["stream", "memory"]
    G.k[:] = OnlyCapsule(capsule)
    np.testing.assert_array_equal(G.k, [0, 1, 2, 3])
    gc.collect()
    assert gpu.left() == ["stream"]  # whoever took it has called its deleter
    capsule = G.x.__dlpack__(dl_device=(2, 0))
    del capsule  # nobody took it
    gc.collect()
    assert gpu.left() == ["stream"] and exchange._exported == {}


class OnlyCapsule:
    def __init__(self, capsule):
        self.capsule = capsule

    def __dlpack__(self, stream=None):
        return self.capsule

    def __dlpack_device__(self):
        return 2, 0


def test_after_a_run_on_the_gpu_the_values_are_those_of_the_run(G, gpu):
    eq.backend("cuda")
    G.v = 1 * mV
    net = eq.Network(G)
    net.run(1 * ms)
    at = G.v.on_gpu().__cuda_array_interface__["data"][0]
    assert at
    np.testing.assert_allclose(np.from_dlpack(G.v), 1e-3 * np.exp(-0.1))


@pytest.mark.parametrize("library", ["torch", "jax.numpy"])
def test_with_the_real_library(library, G):
    module = pytest.importorskip(library, reason=f"{library} is not installed")
    values = np.array([1.0, 2.0, 3.0, 4.0], np.float32)
    G.x = module.from_dlpack(values)
    np.testing.assert_array_equal(G.x, values)
    np.testing.assert_array_equal(np.asarray(module.from_dlpack(G.k)), np.asarray(G.k))
