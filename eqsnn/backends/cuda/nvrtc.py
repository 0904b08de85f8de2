"""CUDA text to machine code by NVRTC, NVIDIA's compiler as a library: it needs neither a GPU nor a driver, and no compiler of this machine.

NVRTC has no headers of C; what kernels need of them is in templates/cuda/eq_words.h.
"""

from __future__ import annotations

import functools
import shutil

from eqsnn.backends import cache
from eqsnn.backends.cuda.calls import INSTALL, nvrtc_bindings, values_of
from eqsnn.backends.cuda.device import DeviceError
from eqsnn.errors import CompileError

FLAGS = ("--fmad=false", "--ftz=true", "--prec-div=true", "--prec-sqrt=true", "--std=c++14")
"""Those of nvcc (build.FLAGS); NVRTC optimises anyway."""
_WITHOUT = f"{INSTALL} brings NVRTC"


def version() -> tuple[int, int]:
    """The version of NVRTC that is installed. Raises ImportError, DeviceError."""
    return _values("nvrtcVersion")


@functools.cache
def architectures() -> tuple[int, ...]:
    """What it compiles for, ascending: 75 is sm_75."""
    return tuple(_values("nvrtcGetSupportedArchs")[0])


def architecture_for(capability: tuple[int, int]) -> str:
    """The architecture whose code runs on a GPU of this compute capability: its own, or the last before it of its generation. Raises DeviceError."""
    wanted = 10 * capability[0] + capability[1]
    known = architectures()
    fit = [a for a in known if a // 10 == capability[0] and a <= wanted]
    if fit:
        return f"sm_{fit[-1]}"
    major, minor = version()
    name = f"a GPU of compute capability {capability[0]}.{capability[1]}, and NVRTC {major}.{minor} compiles for sm_{known[0]} to sm_{known[-1]}"
    if wanted < known[0]:
        raise DeviceError(f"this is {name}; an older one knows it: pip install 'cuda-bindings<13' {package(12)}")
    raise DeviceError(f"this is {name}; a newer one may know it: pip install --upgrade cuda-bindings nvidia-cuda-nvrtc")


def package(major: int) -> str:
    """The distribution that brings NVRTC of a major version of CUDA."""
    return "nvidia-cuda-nvrtc" if major >= 13 else f"nvidia-cuda-nvrtc-cu{major}"


def cubin(text: str, architecture: str) -> bytes:
    """The machine code of a CUDA text, from the cache if it was compiled before. Raises CompileError with the compiler's log."""
    key = cache.key_of("cubin by nvrtc", text, architecture, *map(str, version()), *FLAGS)
    path = cache.find(key, ".cubin")
    if path is not None:
        return path.read_bytes()
    code, _ = compiled(text, architecture)
    folder = cache.workspace()
    try:
        (folder / "kernels.cubin").write_bytes(code)
        cache.store(key, ".cubin", folder / "kernels.cubin")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return code


def compiled(text: str, architecture: str) -> tuple[bytes, str]:
    """Machine code, and what the compiler said about it (nothing if all is well). Raises CompileError."""
    bindings = nvrtc_bindings()
    options = [f"--gpu-architecture={architecture}", *FLAGS]
    program = _values("nvrtcCreateProgram", text.encode(), b"kernels.cu", 0, [], [])[0]
    try:
        code = values_of(
            bindings.nvrtcCompileProgram, (program, len(options), [o.encode() for o in options]), _WITHOUT
        )[0]
        log = (
            _filled("nvrtcGetProgramLog", program, _values("nvrtcGetProgramLogSize", program)[0])
            .rstrip(b"\0")
            .decode(errors="replace")
            .strip()
        )
        if code != bindings.nvrtcResult.NVRTC_SUCCESS:
            raise CompileError(f"NVRTC failed ({_name(code)}):\n  {' '.join(options)}\n{log}")
        return _filled("nvrtcGetCUBIN", program, _values("nvrtcGetCUBINSize", program)[0]), log
    finally:
        _values("nvrtcDestroyProgram", program)


def _filled(name: str, program, size: int) -> bytes:
    room = bytearray(size)
    _values(name, program, room)
    return bytes(room)


def _name(code) -> str:
    return nvrtc_bindings().nvrtcGetErrorString(code)[1].decode(errors="replace")


def _values(name: str, *args) -> tuple:
    bindings = nvrtc_bindings()
    code, *values = values_of(getattr(bindings, name), args, _WITHOUT)
    if code != bindings.nvrtcResult.NVRTC_SUCCESS:
        raise DeviceError(f"{name}: {_name(code)}")
    return tuple(values)
