"""The device that is an NVIDIA GPU: its driver through cuda-bindings, and NVRTC (nvrtc.py), which compiles for it.

Everything is enqueued in one stream of our own, which neither waits for the streams of other libraries nor lets them wait. The context is the
device's primary one, which CuPy, PyTorch and JAX use, too, so that memory can be passed between them and us; whatever context was current before
a call is so after it.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from contextlib import contextmanager

import numpy as np

from eqsnn.backends.cuda import nvrtc
from eqsnn.backends.cuda.calls import Driver, DriverError
from eqsnn.backends.cuda.device import Device, DeviceError, Function, Graph, Launch, Module

_MOST_ARGUMENTS = 6
_MOST_BLOCKS = (1 << 31) - 1


class DriverFunction(Function):
    """A kernel of a module, which it keeps."""

    def __init__(self, module: DriverModule, name: str):
        self.name, self.module = name, module
        device = module.device
        with device.current():
            try:
                self.handle = device.driver.cuModuleGetFunction(module.handle, name.encode())
            except DriverError as error:
                if error.code == "CUDA_ERROR_NOT_FOUND":
                    raise KeyError(name) from None
                raise


class DriverModule(Module):
    """Loaded machine code, unloaded when nobody holds it or a function of it."""

    def __init__(self, device: DriverDevice, code: bytes):
        self.device = device
        with device.current():
            self.handle = device.driver.cuModuleLoadData(code)
        _when_gone(self, device.give_back, "cuModuleUnload", self.handle)

    def function(self, name: str) -> DriverFunction:
        return DriverFunction(self, name)


class DriverGraph(Graph):
    """An executable graph; it keeps the functions that it launches."""

    def __init__(self, device: DriverDevice, launches: Sequence[Launch]):
        self.device, self.launches = device, tuple(launches)
        if not self.launches:
            return
        driver = device.driver
        with device.current():
            captured = self._captured()
            try:
                self.handle = driver.cuGraphInstantiate(captured, 0)
            finally:
                driver.cuGraphDestroy(captured)
        _when_gone(self, device.give_back, "cuGraphExecDestroy", self.handle)

    def _captured(self):
        """In a stream of its own, and relaxed: memory that Python happens to give back meanwhile is no part of it, and does not spoil it."""
        driver, words = self.device.driver, self.device.driver.bindings
        stream = driver.cuStreamCreate(words.CUstream_flags.CU_STREAM_NON_BLOCKING)
        try:
            driver.cuStreamBeginCapture(stream, words.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED)
            try:
                self.device.enqueue(self.launches, stream)
            except DeviceError:
                words.cuStreamEndCapture(stream)  # whatever it says: the first error is the one to tell
                raise
            return driver.cuStreamEndCapture(stream)
        finally:
            driver.cuStreamDestroy(stream)

    def run(self, times: int = 1) -> None:
        if not self.launches:
            return
        device = self.device
        with device.current():
            for _ in range(times):
                device.driver.cuGraphLaunch(self.handle, device.stream)


class DriverDevice(Device):
    """A GPU by its number among those that the driver shows (CUDA_VISIBLE_DEVICES chooses them). Raises ImportError without cuda-bindings,
    DeviceError without NVRTC, driver or GPU."""

    def __init__(self, number: int = 0):
        self.driver = driver = Driver()
        nvrtc.version()
        driver.cuInit(0)
        if driver.cuDeviceGetCount() <= number:
            raise DeviceError(f"the driver shows {driver.cuDeviceGetCount()} GPUs, and number {number} was asked for")
        device = driver.cuDeviceGet(number)
        name = driver.cuDeviceGetName(256, device)
        self.architecture = nvrtc.architecture_for(_capability(driver, device))
        self.number, self.name = number, name.split(b"\0")[0].decode(errors="replace")
        _check_versions(driver.cuDriverGetVersion(), nvrtc.version())
        self._context = driver.cuDevicePrimaryCtxRetain(device)
        self._lost = False
        with self.current():
            self.stream = driver.cuStreamCreate(driver.bindings.CUstream_flags.CU_STREAM_NON_BLOCKING)
        _when_gone(self, _release, driver, self._context, self.stream, device)

    @contextmanager
    def current(self):
        """Within, the calls of this thread are about this GPU."""
        self.driver.cuCtxPushCurrent(self._context)
        try:
            yield
        finally:
            self.driver.bindings.cuCtxPopCurrent()  # what it says may be about earlier work, and whoever waits for that is told

    def compile(self, text: str) -> DriverModule:
        return DriverModule(self, nvrtc.cubin(text, self.architecture))

    def allocate(self, nbytes: int) -> int:
        with self.current():
            try:
                return int(self.driver.cuMemAlloc(nbytes))
            except DriverError as error:
                if error.code != "CUDA_ERROR_OUT_OF_MEMORY":
                    raise
                free, total = self.driver.cuMemGetInfo()
                raise DeviceError(
                    f"there is no room for {nbytes} bytes more on {self.name}, where {free} of {total} are free; {error}"
                ) from error

    def free(self, address: int) -> None:
        self.give_back("cuMemFree", address)

    def give_back(self, function: str, handle) -> None:
        """Call a function that frees something, after everything that was enqueued before. After a failure of the GPU there is nothing to free, and
        whoever asks for a result is told of it."""
        if self._lost:
            return
        with self.current():
            try:
                self._wait()
            except DeviceError:
                return
            getattr(self.driver, function)(handle)

    def upload(self, address: int, array: np.ndarray) -> None:
        if array.nbytes:
            with self.current():
                self.driver.cuMemcpyHtoDAsync(address, array.ctypes.data, array.nbytes, self.stream)
                self._wait()  # where the array lies in pinned memory, it is read while we go on

    def download(self, address: int, array: np.ndarray) -> None:
        with self.current():
            if array.nbytes:
                self.driver.cuMemcpyDtoHAsync(array.ctypes.data, address, array.nbytes, self.stream)
            self._wait()

    def capture(self, launches: Sequence[Launch]) -> DriverGraph:
        return DriverGraph(self, launches)

    def run(self, launches: Sequence[Launch]) -> None:
        with self.current():
            self.enqueue(launches, self.stream)

    def enqueue(self, launches: Sequence[Launch], stream) -> None:
        """Launch kernels in a stream; the driver copies their arguments before a launch returns."""
        values = np.zeros((len(launches), _MOST_ARGUMENTS), np.uint64)
        places = values.ctypes.data + 8 * np.arange(values.size, dtype=np.uint64).reshape(values.shape)
        for k, launch in enumerate(launches):
            self._check(launch)
            for q, value in enumerate(launch.args):
                values[k, q] = value & 0xFFFFFFFFFFFFFFFF
        place = places.ctypes.data
        for k, launch in enumerate(launches):
            row = place + 8 * _MOST_ARGUMENTS * k
            try:
                self.driver.cuLaunchKernel(
                    launch.function.handle, launch.grid, 1, 1, launch.block, 1, 1, 0, stream, row, 0
                )
            except DriverError as error:
                raise DeviceError(
                    f"the kernel {launch.function.name} ({launch.grid} blocks of {launch.block}): {error}"
                ) from error

    def _check(self, launch: Launch) -> None:
        if not (1 <= launch.grid <= _MOST_BLOCKS and 1 <= launch.block <= 1024 and len(launch.args) <= _MOST_ARGUMENTS):
            raise DeviceError(
                f"the kernel {launch.function.name}: {launch.grid} blocks of {launch.block} threads with {len(launch.args)} arguments; there may be "
                f"1 to {_MOST_BLOCKS} blocks of 1 to 1024, and {_MOST_ARGUMENTS} arguments"
            )

    def settle(self) -> None:
        """Wait for everything on this GPU, of other libraries, too."""
        with self.current():
            self.driver.cuCtxSynchronize()

    def synchronise(self) -> None:
        with self.current():
            self._wait()

    def _wait(self) -> None:
        try:
            self.driver.cuStreamSynchronize(self.stream)
        except DriverError as error:
            self._lost = True  # every further call says the same
            raise DeviceError(f"what was enqueued on {self.name} went wrong: {error}") from error


def _capability(driver: Driver, device) -> tuple[int, int]:
    words = driver.bindings.CUdevice_attribute
    names = ("CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR", "CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR")
    major, minor = (driver.cuDeviceGetAttribute(getattr(words, name), device) for name in names)
    return major, minor


def _check_versions(driver: int, compiler: tuple[int, int]) -> None:
    """A driver loads the machine code of its own major version of CUDA and of those before."""
    if driver // 1000 < compiler[0]:
        raise DeviceError(
            f"the driver knows CUDA up to {driver // 1000}.{driver % 1000 // 10}, and NVRTC is of CUDA {compiler[0]}.{compiler[1]}; install a newer "
            f"driver, or an NVRTC of its version: pip install 'cuda-bindings<{driver // 1000 + 1}' {nvrtc.package(driver // 1000)}"
        )


def _when_gone(owner: object, function, *args) -> None:
    """Call a function when ``owner`` is no more; what is left at the end of the process goes with it."""
    weakref.finalize(owner, function, *args).atexit = False


def _release(driver: Driver, context, stream, device) -> None:
    """The device is no more, and nobody is there to be told what these say."""
    driver.bindings.cuCtxPushCurrent(context)
    driver.bindings.cuStreamDestroy(stream)
    driver.bindings.cuCtxPopCurrent()
    driver.bindings.cuDevicePrimaryCtxRelease(device)
