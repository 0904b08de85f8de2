"""What ``eqsnn doctor`` says of a GPU and of what it takes to use one: each thing found by trying, with the reason quoted and what to do about it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from eqsnn.backends.cuda import build, nvrtc
from eqsnn.backends.cuda.calls import INSTALL, Driver, version_of_bindings
from eqsnn.errors import EqsnnError

_CHECKS = "kernels for GPUs can be run without one, for checking: eqsnn.backend('cuda-host')"


def report(say: Callable[[str, str], None]) -> bool:
    """Say what there is, line by line; True if there is a GPU that a network can run on."""
    say("nvcc", _nvcc())
    try:
        bindings = version_of_bindings()
    except ImportError as error:
        say("bindings", f"none ({type(error).__name__}: {error}); for an NVIDIA GPU: {INSTALL}")
        say("GPU", f"not looked for, without the bindings; {_CHECKS}")
        return False
    say("bindings", f"cuda-bindings {bindings}")
    compiles, drives = _told(say, "NVRTC", _compiler), _told(say, "driver", _driver)
    if not (compiles and drives):
        say("GPU", f"not looked for, without {'NVRTC' if drives else 'the driver'}; {_CHECKS}")
        return False
    return _told(say, "GPU", _device)


def _told(say: Callable[[str, str], None], what: str, find: Callable[[], str]) -> bool:
    try:
        say(what, find())
    except (ImportError, OSError, EqsnnError) as error:
        say(what, f"none. {error}")
        return False
    return True


def _compiler() -> str:
    (major, minor), known = nvrtc.version(), nvrtc.architectures()
    return f"{major}.{minor}, compiles for sm_{known[0]} to sm_{known[-1]}"


def _driver() -> str:
    version = Driver().cuDriverGetVersion()
    return f"knows CUDA up to {version // 1000}.{version % 1000 // 10}"


def _device() -> str:
    device = build.CudaBackend().device()
    return f"{device.name}, compiled for as {device.architecture}"


def _nvcc() -> str:
    """Only tests and exported projects need it."""
    found, elsewhere = build.nvcc(), build.nvcc_elsewhere()
    if found is None:
        text = f"at {elsewhere}, which is not on the PATH: put its folder there" if elsewhere else "not found"
        return f"{text} (only tests of CUDA text and exported CUDA projects use it)"
    done = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    release = next(
        (line.split("release ")[1].split(",")[0] for line in done.stdout.splitlines() if "release " in line), "?"
    )
    return f"{found} ({release})"
