"""A stand-in for NVIDIA's driver and compiler behind the names of cuda-bindings: it keeps a record of calls, holds everyone to the documented rules,
and runs what is launched on the CPU (HostDevice).

It is as unhelpful as the real one may be: nothing that is enqueued happens before somebody waits for it, not even copies; a call without a current
context, a handle that is not alive, memory that is given back while work on it is enqueued are errors. ``FakeGpu.left()`` is what was not given back.
"""

import ctypes
import re
import sys
import types
from enum import IntEnum

from eqsnn.backends.cuda.device import DeviceError, Launch
from eqsnn.backends.cuda.host import HostDevice
from eqsnn.errors import CompileError


class CUresult(IntEnum):
    CUDA_SUCCESS = 0
    CUDA_ERROR_INVALID_VALUE = 1
    CUDA_ERROR_OUT_OF_MEMORY = 2
    CUDA_ERROR_NOT_INITIALIZED = 3
    CUDA_ERROR_NO_DEVICE = 100
    CUDA_ERROR_INVALID_DEVICE = 101
    CUDA_ERROR_INVALID_IMAGE = 200
    CUDA_ERROR_INVALID_CONTEXT = 201
    CUDA_ERROR_INVALID_HANDLE = 400
    CUDA_ERROR_NOT_FOUND = 500
    CUDA_ERROR_ILLEGAL_ADDRESS = 700
    CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900
    CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = 901


class nvrtcResult(IntEnum):
    NVRTC_SUCCESS = 0
    NVRTC_ERROR_INVALID_OPTION = 5
    NVRTC_ERROR_COMPILATION = 6


class CUstream_flags(IntEnum):
    CU_STREAM_DEFAULT = 0
    CU_STREAM_NON_BLOCKING = 1


class CUstreamCaptureMode(IntEnum):
    CU_STREAM_CAPTURE_MODE_GLOBAL = 0
    CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1
    CU_STREAM_CAPTURE_MODE_RELAXED = 2


class CUdevice_attribute(IntEnum):
    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75
    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76


ENUMERATIONS = (CUresult, nvrtcResult, CUstream_flags, CUstreamCaptureMode, CUdevice_attribute)

PARAMETERS = {
    "cuInit": "Flags",
    "cuDriverGetVersion": "",
    "cuDeviceGetCount": "",
    "cuDeviceGet": "ordinal",
    "cuDeviceGetName": "length dev",
    "cuDeviceGetAttribute": "attrib dev",
    "cuDevicePrimaryCtxRetain": "dev",
    "cuDevicePrimaryCtxRelease": "dev",
    "cuCtxPushCurrent": "ctx",
    "cuCtxPopCurrent": "",
    "cuCtxSynchronize": "",
    "cuMemGetInfo": "",
    "cuMemAlloc": "bytesize",
    "cuMemFree": "dptr",
    "cuMemcpyHtoDAsync": "dstDevice srcHost ByteCount hStream",
    "cuMemcpyDtoHAsync": "dstHost srcDevice ByteCount hStream",
    "cuStreamCreate": "Flags",
    "cuStreamSynchronize": "hStream",
    "cuStreamDestroy": "hStream",
    "cuStreamBeginCapture": "hStream mode",
    "cuStreamEndCapture": "hStream",
    "cuGraphInstantiate": "hGraph flags",
    "cuGraphDestroy": "hGraph",
    "cuGraphExecDestroy": "hGraphExec",
    "cuGraphLaunch": "hGraphExec hStream",
    "cuModuleLoadData": "image",
    "cuModuleUnload": "hmod",
    "cuModuleGetFunction": "hmod name",
    "cuLaunchKernel": "f gridDimX gridDimY gridDimZ blockDimX blockDimY blockDimZ sharedMemBytes hStream kernelParams extra",
    "cuGetErrorName": "error",
    "cuGetErrorString": "error",
    "nvrtcVersion": "",
    "nvrtcGetSupportedArchs": "",
    "nvrtcCreateProgram": "src name numHeaders headers includeNames",
    "nvrtcCompileProgram": "prog numOptions options",
    "nvrtcGetProgramLogSize": "prog",
    "nvrtcGetProgramLog": "prog log",
    "nvrtcGetCUBINSize": "prog",
    "nvrtcGetCUBIN": "prog cubin",
    "nvrtcDestroyProgram": "prog",
    "nvrtcGetErrorString": "result",
}
"""What the functions take, as their documentation says; test_cuda_driver.py compares it with the real ones where they are installed."""

TEXTS = {
    CUresult.CUDA_ERROR_OUT_OF_MEMORY: b"out of memory",
    CUresult.CUDA_ERROR_NO_DEVICE: b"no CUDA-capable device is detected",
    CUresult.CUDA_ERROR_ILLEGAL_ADDRESS: b"an illegal memory access was encountered",
}
_PARAMETERS_OF = r'extern "C" __global__ void (?:__launch_bounds__\([^)]*\) )?{}\(([^)]*)\)'


class Refused(Exception):
    """A call that does not succeed."""


class FakeGpu:
    """One GPU of compute capability 8.0, and the compiler for it."""

    def __init__(self, count: int = 1, capability=(8, 0), version: int = 13000, nvrtc=(13, 0), order="descending"):
        self.host = HostDevice(order)
        self.count, self.capability, self.version, self.nvrtc = count, capability, version, nvrtc
        self.calls: list[tuple] = []
        self.fails: dict[str, CUresult] = {}
        """Functions that do not succeed any more, and what they say."""
        self.why = ""
        self.room = 1 << 30
        self.contexts: list[int] = []
        self.retained = 0
        self.alive: dict[int, tuple[str, object]] = {}
        self.memory: dict[int, int] = {}
        self.texts: dict[bytes, str] = {}
        """The text of machine code that a real compiler made."""
        self.capturing: set[int] = set()
        self._next, self._lost, self._initialised = 0x1000, False, False

    # -- the rules ---------------------------------------------------------------------------------------------------------------

    def called(self, name: str, args: tuple) -> tuple:
        """A call of the driver: (result code, values)."""
        self.calls.append((name, *args))
        try:
            if name in self.fails:
                raise Refused(self.fails[name])
            if name not in ("cuInit", "cuDriverGetVersion") and not self._initialised:
                raise Refused(CUresult.CUDA_ERROR_NOT_INITIALIZED)
            if self._lost and not name.startswith("cuCtx"):
                raise Refused(CUresult.CUDA_ERROR_ILLEGAL_ADDRESS)
            if not name.startswith(("cuInit", "cuDriver", "cuDevice", "cuCtxPush")) and not self.contexts:
                raise Refused(CUresult.CUDA_ERROR_INVALID_CONTEXT)
            values = getattr(self, name)(*args)
        except Refused as refused:
            return refused.args[0], None
        return CUresult.CUDA_SUCCESS, values

    def new(self, kind: str, what: object = None) -> int:
        self._next += 0x10
        self.alive[self._next] = (kind, what)
        return self._next

    def get(self, kind: str, handle):
        found = self.alive.get(int(handle), ("", None))
        if found[0] != kind:
            raise Refused(CUresult.CUDA_ERROR_INVALID_HANDLE)
        return found[1]

    def end(self, kind: str, handle) -> None:
        self.get(kind, handle)
        del self.alive[int(handle)]

    def left(self) -> list[str]:
        """What is still there: kinds of things."""
        return sorted(kind for kind, _ in self.alive.values()) + ["memory"] * len(self.memory)

    def names(self) -> list[str]:
        """The functions that were called, without those about the context."""
        return [c[0] for c in self.calls if not c[0].startswith("cuCtx")]

    # -- device, context, memory -------------------------------------------------------------------------------------------------

    def cuInit(self, flags):
        if int(flags) != 0:
            raise Refused(CUresult.CUDA_ERROR_INVALID_VALUE)
        if self.count == 0:
            raise Refused(CUresult.CUDA_ERROR_NO_DEVICE)
        self._initialised = True

    def cuDriverGetVersion(self):
        return self.version

    def cuDeviceGetCount(self):
        return self.count

    def cuDeviceGet(self, ordinal):
        if not 0 <= ordinal < self.count:
            raise Refused(CUresult.CUDA_ERROR_INVALID_DEVICE)
        return int(ordinal)

    def cuDeviceGetName(self, length, device):
        return b"Imaginary GPU".ljust(length, b"\0")

    def cuDeviceGetAttribute(self, attribute, device):
        return self.capability[int(attribute) - CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR]

    def cuDevicePrimaryCtxRetain(self, device):
        self.retained += 1
        return 0xC0

    def cuDevicePrimaryCtxRelease(self, device):
        self.retained -= 1

    def cuCtxPushCurrent(self, context):
        if int(context) != 0xC0 or not self.retained:
            raise Refused(CUresult.CUDA_ERROR_INVALID_CONTEXT)
        self.contexts.append(int(context))

    def cuCtxPopCurrent(self):
        return self.contexts.pop()

    def cuCtxSynchronize(self):
        for handle, (kind, _) in list(self.alive.items()):
            if kind == "stream":
                self.cuStreamSynchronize(handle)

    def cuMemGetInfo(self):
        return self.room - sum(self.memory.values()), self.room

    def cuMemAlloc(self, nbytes):
        if nbytes == 0:
            raise Refused(CUresult.CUDA_ERROR_INVALID_VALUE)
        if nbytes + sum(self.memory.values()) > self.room:
            raise Refused(CUresult.CUDA_ERROR_OUT_OF_MEMORY)
        address = self.host.allocate(nbytes)
        self.memory[address] = nbytes
        return address

    def cuMemFree(self, address):
        streams = {h: work for h, (kind, work) in self.alive.items() if kind == "stream" and h not in self.capturing}
        assert not any(streams.values()), "work on it may be enqueued"
        if int(address) not in self.memory:
            raise Refused(CUresult.CUDA_ERROR_INVALID_VALUE)
        del self.memory[int(address)]
        self.host.free(int(address))

    def _holds(self, address: int, nbytes: int) -> None:
        if not any(start <= address and address + nbytes <= start + size for start, size in self.memory.items()):
            raise Refused(CUresult.CUDA_ERROR_INVALID_VALUE)

    # -- streams and graphs ------------------------------------------------------------------------------------------------------

    def cuStreamCreate(self, flags):
        return self.new("stream", [])

    def cuStreamDestroy(self, stream):
        self.end("stream", stream)

    def _enqueue(self, stream, work: tuple) -> None:
        self.get("stream", stream).append(work)

    def cuMemcpyHtoDAsync(self, device, host, nbytes, stream):
        self._holds(int(device), nbytes)
        self._enqueue(stream, (ctypes.memmove, int(device), int(host), nbytes))

    def cuMemcpyDtoHAsync(self, host, device, nbytes, stream):
        self._holds(int(device), nbytes)
        self._enqueue(stream, (ctypes.memmove, int(host), int(device), nbytes))

    def cuLaunchKernel(self, function, gx, gy, gz, bx, by, bz, shared, stream, parameters, extra):
        if (gy, gz, by, bz, shared, extra) != (1, 1, 1, 1, 0, 0) or not 1 <= bx <= 1024 or not 1 <= gx < 1 << 31:
            raise Refused(CUresult.CUDA_ERROR_INVALID_VALUE)
        kernel, n = self.get("function", function)
        places = (ctypes.c_uint64 * n).from_address(int(parameters))
        values = tuple(ctypes.c_uint64.from_address(p).value for p in places)
        self._enqueue(stream, (self._launch, Launch(kernel, gx, bx, values)))

    def _launch(self, launch: Launch) -> None:
        self.host.run([launch])

    def cuStreamBeginCapture(self, stream, mode):
        assert int(mode) == CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED
        if self.get("stream", stream):
            raise Refused(CUresult.CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED)
        self.capturing.add(int(stream))

    def cuStreamEndCapture(self, stream):
        work = self.get("stream", stream)
        self.capturing.discard(int(stream))
        graph = self.new("graph", tuple(work))
        work.clear()
        return graph

    def cuGraphInstantiate(self, graph, flags):
        assert int(flags) == 0
        return self.new("exec", self.get("graph", graph))

    def cuGraphDestroy(self, graph):
        self.end("graph", graph)

    def cuGraphExecDestroy(self, graph):
        self.end("exec", graph)

    def cuGraphLaunch(self, graph, stream):
        for work in self.get("exec", graph):
            self._enqueue(stream, work)

    def cuStreamSynchronize(self, stream):
        work = self.get("stream", stream)
        if int(stream) in self.capturing:
            raise Refused(CUresult.CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED)
        try:
            for do, *args in work:
                do(*args)
        except DeviceError as error:
            self._lost, self.why = True, str(error)
            raise Refused(CUresult.CUDA_ERROR_ILLEGAL_ADDRESS) from None
        finally:
            work.clear()

    # -- modules -----------------------------------------------------------------------------------------------------------------

    def cuModuleLoadData(self, image):
        text = self._text_of(image)
        return self.new("module", (self.host.compile(text), text))

    def _text_of(self, image) -> str:
        if isinstance(image, bytes) and image.startswith(b"FAKE"):
            return image[4:].decode()
        at = image if isinstance(image, int) else ctypes.cast(image, ctypes.c_void_p).value
        same = (
            t for code, t in self.texts.items() if ctypes.CDLL(None).memcmp(ctypes.c_void_p(at), code, len(code)) == 0
        )
        found = next(same, None)
        if found is None:
            raise Refused(CUresult.CUDA_ERROR_INVALID_IMAGE)
        return found

    def cuModuleUnload(self, module):
        self.end("module", module)
        for handle, (kind, what) in list(self.alive.items()):  # functions go with their module
            if kind == "function" and what[0].of == int(module):
                del self.alive[handle]

    def cuModuleGetFunction(self, module, name):
        loaded, text = self.get("module", module)
        try:
            kernel = loaded.function(name.decode())
        except KeyError:
            raise Refused(CUresult.CUDA_ERROR_NOT_FOUND) from None
        kernel.of = int(module)
        parameters = re.search(_PARAMETERS_OF.format(kernel.name), text)[1]
        return self.new("function", (kernel, len(parameters.split(",")) if parameters.strip() else 0))


class FakeNvrtc:
    """The compiler: its code is the text, if the CPU's compiler takes it."""

    def __init__(self, gpu: FakeGpu):
        self.gpu = gpu
        self.programs: dict[int, list] = {}

    def nvrtcVersion(self):
        return nvrtcResult.NVRTC_SUCCESS, *self.gpu.nvrtc

    def nvrtcGetSupportedArchs(self):
        return nvrtcResult.NVRTC_SUCCESS, [75, 80, 86, 89, 90, 100, 120]

    def nvrtcCreateProgram(self, src, name, numHeaders, headers, includeNames):
        assert (
            isinstance(src, bytes) and isinstance(name, bytes) and numHeaders == len(headers) == len(includeNames) == 0
        )
        self.gpu.calls.append(("nvrtcCreateProgram", name))
        self.programs[len(self.programs)] = [src, b"\0", b""]
        return nvrtcResult.NVRTC_SUCCESS, len(self.programs) - 1

    def nvrtcCompileProgram(self, prog, numOptions, options):
        assert numOptions == len(options) and all(isinstance(o, bytes) for o in options)
        self.gpu.calls.append(("nvrtcCompileProgram", *(o.decode() for o in options)))
        program = self.programs[prog]
        try:
            self.gpu.host.compile(program[0].decode())
        except CompileError as error:
            program[1] = str(error).encode() + b"\0"
            return (nvrtcResult.NVRTC_ERROR_COMPILATION,)
        program[2] = b"FAKE" + program[0]
        return (nvrtcResult.NVRTC_SUCCESS,)

    def nvrtcGetProgramLogSize(self, prog):
        return nvrtcResult.NVRTC_SUCCESS, len(self.programs[prog][1])

    def nvrtcGetProgramLog(self, prog, log):
        log[:] = self.programs[prog][1]
        return (nvrtcResult.NVRTC_SUCCESS,)

    def nvrtcGetCUBINSize(self, prog):
        return nvrtcResult.NVRTC_SUCCESS, len(self.programs[prog][2])

    def nvrtcGetCUBIN(self, prog, cubin):
        cubin[:] = self.programs[prog][2]
        return (nvrtcResult.NVRTC_SUCCESS,)

    def nvrtcDestroyProgram(self, prog):
        del self.programs[prog]
        return (nvrtcResult.NVRTC_SUCCESS,)

    def nvrtcGetErrorString(self, result):
        return nvrtcResult.NVRTC_SUCCESS, result.name.encode()


def modules(gpu: FakeGpu) -> dict[str, types.ModuleType]:
    """``cuda.bindings.driver`` and ``cuda.bindings.nvrtc`` that lead to this GPU, by their names in ``sys.modules``."""
    driver, nvrtc = types.ModuleType("cuda.bindings.driver"), types.ModuleType("cuda.bindings.nvrtc")
    for module in (driver, nvrtc):
        for enumeration in ENUMERATIONS:
            setattr(module, enumeration.__name__, enumeration)
    for name, parameters in PARAMETERS.items():
        if name.startswith("cuGetError"):
            continue
        if name.startswith("cu"):
            setattr(driver, name, _function(gpu, name, len(parameters.split())))
    driver.cuGetErrorName = lambda error: (CUresult.CUDA_SUCCESS, CUresult(error).name.encode())
    driver.cuGetErrorString = lambda error: (CUresult.CUDA_SUCCESS, TEXTS.get(CUresult(error), b"no text"))
    compiler = FakeNvrtc(gpu)
    for name in PARAMETERS:
        if name.startswith("nvrtc"):
            setattr(nvrtc, name, getattr(compiler, name))
    bindings = types.ModuleType("cuda.bindings")
    bindings.driver, bindings.nvrtc, bindings.__path__ = driver, nvrtc, []
    bindings.__version__ = "13.0.0"
    package = types.ModuleType("cuda")
    package.bindings, package.__path__ = bindings, []
    return {"cuda": package, "cuda.bindings": bindings, "cuda.bindings.driver": driver, "cuda.bindings.nvrtc": nvrtc}


def _function(gpu: FakeGpu, name: str, n: int):
    def call(*args):
        assert len(args) == n, f"{name} takes {n} arguments"
        code, values = gpu.called(name, args)
        if values is None:
            return (code, None) if code else (code,)
        return (code, *values) if isinstance(values, tuple) else (code, values)

    call.__name__ = name
    return call


def install(monkeypatch, gpu: FakeGpu) -> FakeGpu:
    """Let ``from cuda.bindings import driver, nvrtc`` find this GPU for the rest of a test."""
    for name, module in modules(gpu).items():
        monkeypatch.setitem(sys.modules, name, module)
    return gpu


def forget() -> None:
    """Whoever asks for a GPU now looks for one again."""
    from eqsnn.backends.cuda import build, nvrtc
    from eqsnn.runtime import simulation

    build._gpu.cache_clear()
    nvrtc.architectures.cache_clear()
    simulation._engines.pop("cuda", None)
