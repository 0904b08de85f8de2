"""CUDA text of per-neuron kernels: the same body as in C, inside a grid-stride loop. Compiled by nvcc; running it is later work."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from eqsnn.backends.printer import text_of
from eqsnn.backends.render import Rendered, environment, prelude
from eqsnn.errors import CompileError, EqsnnError
from eqsnn.kernel.ir import Kernel, Require

FLAGS = ("-O3", "-fmad=false", "-std=c++14")
"""As for C: no fused multiply-add behind our back, so that the bits are those of the other backends."""


def cuda_source(kernels: Sequence[Kernel]) -> str:
    """The CUDA file of per-neuron kernels. Raises EqsnnError for other domains, which the CUDA backend does not have yet."""
    for k in kernels:
        if k.domain != "neuron":
            raise EqsnnError(
                f"the kernel {k.name} of {k.owner} works on a {k.domain}; CUDA text exists for per-neuron kernels only"
            )
        if any(isinstance(s, Require) for s in k.body):
            raise EqsnnError(
                f"the kernel {k.name} of {k.owner} takes adaptive steps, which CUDA text does not have yet; use a method of fixed step"
            )
        if k.externs:
            raise EqsnnError(
                f"the kernel {k.name} of {k.owner} calls the function '{k.externs[0].function}', whose code runs on the CPU only; "
                "give it as an expression: eqsnn.function('f(x) = ...')"
            )
    abi, math = prelude()
    rendered = [Rendered("", text_of(k, pairs=False)) for k in kernels]
    return environment().get_template("cuda/kernels.cu.j2").render(abi=abi, math=math, kernels=rendered)


def compile_to_ptx(source: str, folder: Path, architecture: str = "sm_80") -> Path:
    """Compile a CUDA file with nvcc. Raises CompileError."""
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        raise CompileError("nvcc was not found; install the CUDA toolkit to compile CUDA text")
    (folder / "kernels.cu").write_text(source, encoding="utf-8")
    command = [nvcc, *FLAGS, f"-arch={architecture}", "--cubin", "kernels.cu", "-o", "kernels.cubin"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CompileError(
            f"nvcc failed (exit code {done.returncode}):\n  {' '.join(command)}\n{done.stdout}{done.stderr}"
        )
    return folder / "kernels.cubin"
