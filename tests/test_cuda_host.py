"""The CPU stands in for a GPU: what a kernel does wrong there is caught here. Each mistake is made on purpose, and seen."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn.backends.cuda.device import DeviceError
from eqsnn.backends.cuda.host import HostDevice

ORDERS = ["ascending", "descending", 2, 3]

SUMS = """
extern "C" __global__ void sums(const int64_t *in, int64_t *out, int64_t n)
{
    __shared__ int64_t part[64];
    const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    part[threadIdx.x] = i < n ? in[i] : 0;
    __syncthreads();
    for (unsigned step = 1; step < 64; step *= 2) {
        const int64_t other = threadIdx.x >= step ? part[threadIdx.x - step] : 0;
        __syncthreads();
        part[threadIdx.x] += other;
        __syncthreads();
    }
    if (i < n) out[i] = part[threadIdx.x];
}
"""


def sums(text, device, n=100):
    module = device.compile(text)
    numbers = np.arange(n, dtype=np.int64)
    result = np.zeros(n, np.int64)
    a, b = device.allocate(numbers.nbytes), device.allocate(result.nbytes)
    try:
        device.upload(a, numbers)
        device.run([module.function("sums").launch(2, 64, a, b, n)])
        device.download(b, result)
    finally:
        device.free(a)
        device.free(b)
    return result


WANTED = np.concatenate([np.cumsum(np.arange(64)), np.cumsum(np.arange(64, 100))])


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("order", ORDERS)
def test_threads_meet_at_barriers(order, watched):
    np.testing.assert_array_equal(sums(SUMS, HostDevice(order, watched)), WANTED)


@pytest.mark.parametrize("number", range(3))
def test_a_missing_barrier_is_a_race_in_any_order_and_wrong_in_some(number):
    parts = SUMS.split("__syncthreads();")
    broken = "__syncthreads();".join(parts[: number + 1]) + "".join(parts[number + 1 : number + 2])
    broken += "".join("__syncthreads();" + p for p in parts[number + 2 :])
    assert broken.count("__syncthreads") == 2
    wrong = [not np.array_equal(sums(broken, HostDevice(order)), WANTED) for order in ORDERS]
    assert any(wrong)
    for order in ORDERS:
        with pytest.raises(
            DeviceError,
            match=r"sums went wrong: threads .* touch one address without a barrier between them.*shared memory",
        ):
            sums(broken, HostDevice(order, watched=True))


@pytest.mark.parametrize("bound", ["if (i <= n) out[i]", "if (i < n) out[i + 1]", "if (i < n) out[i - 512]"])
def test_memory_outside_the_buffers_cannot_be_touched(bound):
    with pytest.raises(
        DeviceError, match=r"the kernel sums went wrong: thread \d+ of block \d .* touches memory outside its buffers"
    ):
        sums(SUMS.replace("if (i < n) out[i]", bound), HostDevice())


def test_a_barrier_that_some_threads_never_reach_is_an_error():
    broken = SUMS.replace("part[threadIdx.x] = i", "if (i >= n) return;\n    part[threadIdx.x] = i")
    with pytest.raises(DeviceError, match=r"block 1: a barrier that not all threads reach \(line \d+ of the text\)"):
        sums(broken, HostDevice())


BALLOT = """
extern "C" __global__ void sums(const int64_t *in, int64_t *out, int64_t n)
{
    const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    const unsigned bits = __ballot_sync(0xffffffffu, i < n && in[i] % 3 == 0);
    if (i < n) out[i] = __popc(bits & ((1u << (threadIdx.x & 31)) - 1));
}
"""


@pytest.mark.parametrize("order", ORDERS)
def test_a_warp_votes(order):
    i = np.arange(100)
    wanted = [np.sum(i[k - k % 32 : k] % 3 == 0) for k in i]
    np.testing.assert_array_equal(sums(BALLOT, HostDevice(order)), wanted)


SHARED_TARGET = """
extern "C" __global__ void sums(const int64_t *in, int64_t *out, int64_t n)
{
    const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) atomicAdd((unsigned long long *)&out[in[i] % 7], 1ULL);
}
"""


def test_a_forgotten_atomic_is_a_race():
    assert (
        sums(SHARED_TARGET, HostDevice(2, watched=True))[:7].sum()
        == 100 + (np.frombuffer(b"\xfb" * 56, np.int64)).sum()
    )
    with pytest.raises(DeviceError, match="touch one address without a barrier"):
        sums(
            SHARED_TARGET.replace("atomicAdd((unsigned long long *)&out[in[i] % 7], 1ULL)", "out[in[i] % 7]++"),
            HostDevice(2, watched=True),
        )


def test_what_does_not_compile_shows_the_log():
    with pytest.raises(eq.CompileError, match="compiling CUDA text for the CPU failed(.|\n)*nonsense"):
        HostDevice().compile("nonsense")
