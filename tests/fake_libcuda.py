"""The stand-in of fake_cuda.py as a library that the real cuda-bindings take for the driver's: what we pass goes through their checks and conversions
and arrives as C sees it. NVRTC is the real one.

The bindings look for ``libcuda.so.1`` once in a process: this is for a process of its own (EQSNN_FAKE_LIBCUDA=1 python -m pytest tests/test_cuda_driver.py,
which test_cuda_driver.py does by itself).
"""

import ctypes
import subprocess
import traceback
from pathlib import Path

from fake_cuda import PARAMETERS, TEXTS, CUresult, FakeGpu

_LIBRARY = """
#include <string.h>
static struct { char name[64]; void *function; } table[128];
static int n;
void eq_fake_set(const char *name, void *function) { strncpy(table[n].name, name, 63); table[n++].function = function; }
int cuGetProcAddress_v2(const char *symbol, void **function, int version, unsigned long long flags, int *status)
{
    (void)version, (void)flags;
    *function = 0;
    for (int k = 0; k < n; k++)
        if (!strcmp(table[k].name, symbol)) *function = table[k].function;
    if (status) *status = *function ? 0 : 1;
    return *function ? 0 : 500;
}
"""

_TYPES = {
    "i": ctypes.c_int,
    "u": ctypes.c_uint,
    "p": ctypes.c_void_p,
    "z": ctypes.c_size_t,
    "q": ctypes.c_uint64,
    "s": ctypes.c_char_p,
}
_C = {
    "cuInit": "u",
    "cuDriverGetVersion": "*i",
    "cuDeviceGetCount": "*i",
    "cuDeviceGet": "*i i",
    "cuDeviceGetName": "*n i i",
    "cuDeviceGetAttribute": "*i i i",
    "cuDevicePrimaryCtxRetain": "*p i",
    "cuDevicePrimaryCtxRelease": "i",
    "cuCtxPushCurrent": "p",
    "cuCtxPopCurrent": "*p",
    "cuCtxSynchronize": "",
    "cuMemGetInfo": "*z *z",
    "cuMemAlloc": "*q z",
    "cuMemFree": "q",
    "cuMemcpyHtoDAsync": "q p z p",
    "cuMemcpyDtoHAsync": "p q z p",
    "cuStreamCreate": "*p u",
    "cuStreamSynchronize": "p",
    "cuStreamDestroy": "p",
    "cuStreamBeginCapture": "p i",
    "cuStreamEndCapture": "p *p",
    "cuGraphInstantiate": "*p p q",
    "cuGraphDestroy": "p",
    "cuGraphExecDestroy": "p",
    "cuGraphLaunch": "p p",
    "cuModuleLoadData": "*p p",
    "cuModuleUnload": "p",
    "cuModuleGetFunction": "*p p s",
    "cuLaunchKernel": "p u u u u u u u p p p",
    "cuGetErrorName": "i *s",
    "cuGetErrorString": "i *s",
}
"""The parameters of each function in cuda.h; ``*`` is where it puts something."""

_SYMBOLS = {"cuGraphInstantiate": "cuGraphInstantiateWithFlags"}
"""What a function is called in the library, since CUDA 12."""

gpu: FakeGpu | None = None
"""The one that is there now."""
wrong: list[str] = []
"""What a test must not see: exceptions in here do not reach it by themselves."""
_kept = []


def load(folder: Path) -> None:
    """Be the driver of this process. Before anything calls it."""
    (folder / "cuda.c").write_text(_LIBRARY)
    library = folder / "libcuda.so.1"
    command = ["cc", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", str(folder / "cuda.c"), "-o", str(library)]
    subprocess.run(command, check=True)
    loaded = ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    for name, arguments in _C.items():
        kinds = arguments.split()
        types = [ctypes.c_void_p if k[0] == "*" else _TYPES[k] for k in kinds]
        function = ctypes.CFUNCTYPE(ctypes.c_int, *types)(_entry(name, kinds))
        _kept.append(function)
        loaded.eq_fake_set(_SYMBOLS.get(name, name).encode(), function)
    assert {n for n in PARAMETERS if n.startswith("cu")} == set(_C)


def _entry(name: str, kinds: list[str]):
    def enter(*args):
        try:
            given = [a for a, kind in zip(args, kinds) if kind[0] != "*"]
            if name == "cuLaunchKernel":
                given[-1] = given[-1] or 0
            code, values = _called(name, [0 if a is None else a for a in given])
            values = values if isinstance(values, tuple) else (values,)
            places = [(a, kind[1:]) for a, kind in zip(args, kinds) if kind[0] == "*"]
            for (place, kind), value in zip(places, values):
                if code == 0:
                    _put(place, kind, value)
            return int(code)
        except BaseException:
            wrong.append(traceback.format_exc())
            return 999

    return enter


def _called(name: str, args: list):
    if name.startswith("cuGetError"):
        known = CUresult(args[0])
        text = known.name.encode() if name == "cuGetErrorName" else TEXTS.get(known, b"no text")
        _kept.append(ctypes.create_string_buffer(text))
        return 0, ctypes.addressof(_kept[-1])
    return gpu.called(name, tuple(args))


def _put(place: int, kind: str, value) -> None:
    if kind == "n":
        ctypes.memmove(place, value, len(value))
    elif value is not None:
        (ctypes.c_uint64 if kind == "s" else _TYPES[kind]).from_address(place).value = value


def install(monkeypatch, there: FakeGpu) -> FakeGpu:
    """Let this be the GPU, and know the text of what the real NVRTC compiles."""
    global gpu
    from eqsnn.backends.cuda import nvrtc

    gpu, compile_by = there, nvrtc.cubin

    def cubin(text: str, architecture: str) -> bytes:
        there.texts[code := compile_by(text, architecture)] = text
        return code

    monkeypatch.setattr(nvrtc, "cubin", cubin)
    return there
