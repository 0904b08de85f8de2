"""The backends 'cuda', on a GPU, and 'cuda-host', which runs the same text on the CPU for checking; and nvcc, which compiles it for any GPU."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eqsnn.backends.backend import Backend
from eqsnn.backends.cuda.device import Device
from eqsnn.errors import CompileError, EqsnnError
from eqsnn.kernel.ir import Kernel

FLAGS = ("-O3", "-fmad=false", "-ftz=true", "-prec-div=true", "-prec-sqrt=true", "-std=c++14")
"""As for C: no fused multiply-add behind our back, float32 below the normal numbers is 0, and the bits are those of the other backends."""
ARCHITECTURES = ("sm_75", "sm_80", "sm_90")


class CudaBackend(Backend):
    """Kernels on a GPU. What compiles them is the device that runs them, when it is given a plan."""

    name = "cuda"

    def prepare(self) -> None:
        """See that there is a GPU. Raises EqsnnError."""
        self.device()

    def build(self, kernels: Sequence[Kernel]) -> None:
        """Nothing yet: how the kernels of synapses are done depends on what they are bound to."""

    def device(self) -> Device:
        """The GPU. Raises EqsnnError that quotes why there is none."""
        try:
            return _gpu()
        except (ImportError, OSError, EqsnnError) as error:
            raise EqsnnError(
                f"the backend 'cuda' finds no GPU ({type(error).__name__}: {error}); it needs an NVIDIA GPU with its driver, and "
                "pip install 'eqsnn[cuda]'. Without one, eqsnn.settings.backend = 'cuda-host' runs the same kernels on the CPU, for checking"
            ) from error


@functools.cache
def _gpu() -> Device:
    """One for the whole process."""
    from eqsnn.backends.cuda.driver import DriverDevice

    return DriverDevice()


class HostBackend(CudaBackend):
    """The same text on the CPU."""

    name = "cuda-host"

    def device(self) -> Device:
        from eqsnn.backends.cuda.host import HostDevice

        order = os.environ.get("EQSNN_CUDA_ORDER", "descending")
        return HostDevice(
            int(order) if order.isdigit() else order, os.environ.get("EQSNN_CUDA_WATCH", "") not in ("", "0")
        )


@dataclass(frozen=True)
class Resources:
    """What a kernel takes of a multiprocessor, as ptxas says: registers a thread, bytes spilled, bytes of shared memory a block, and of a stack."""

    architecture: str
    kernel: str
    registers: int
    spilled: int
    shared: int
    stack: int


def nvcc() -> str | None:
    """The CUDA compiler on the PATH, or None."""
    return shutil.which("nvcc")


def nvcc_elsewhere() -> str | None:
    """A CUDA compiler that is installed but not on the PATH."""
    homes = [os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH"), "/usr/local/cuda", "/opt/cuda", "/usr/lib/cuda"]
    homes += [str(p) for p in sorted(Path("/usr/local").glob("cuda-*"))]
    return next((p for h in homes if h and os.access(p := os.path.join(h, "bin", "nvcc"), os.X_OK)), None)


def compile_for(source: str, folder: Path, architectures: Sequence[str] = ARCHITECTURES) -> list[Resources]:
    """Compile a CUDA file for several GPUs, any warning an error. Returns what its kernels take. Raises CompileError."""
    compiler = nvcc()
    if compiler is None:
        there = nvcc_elsewhere()
        why = (
            "was not found; install the CUDA toolkit"
            if there is None
            else f"is at {there}, which is not on the PATH; put its folder there"
        )
        raise CompileError(f"nvcc {why} to compile CUDA text")
    (folder / "kernels.cu").write_text(source, encoding="utf-8")
    numbers = [a.removeprefix("sm_") for a in architectures]
    codes = [f"-gencode=arch=compute_{n},code=sm_{n}" for n in numbers]
    command = [
        compiler,
        *FLAGS,
        *codes,
        "--fatbin",
        "-Werror",
        "all-warnings",
        "-Xptxas",
        "-v",
        "kernels.cu",
        "-o",
        "kernels.fatbin",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    log = done.stdout + done.stderr
    if done.returncode != 0:
        raise CompileError(f"nvcc failed (exit code {done.returncode}):\n  {' '.join(command)}\n{log}")
    return resources(log)


_COMPILED = re.compile(
    r"Compiling entry function '(\w+)' for '(\w+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads.*?"
    r"Used (\d+) registers([^\n]*)",
    re.DOTALL,
)


def resources(log: str) -> list[Resources]:
    """What ``ptxas -v`` says."""
    found = []
    for name, architecture, stack, stores, loads, registers, rest in _COMPILED.findall(log):
        shared = re.search(r"(\d+) bytes smem", rest)
        size = int(shared[1]) if shared else 0
        found.append(Resources(architecture, name, int(registers), int(stores) + int(loads), size, int(stack)))
    return found
