"""The backend 'cython', the default: the C text of the kernels behind a door that Cython has made.

The door (door.py) does not depend on the model. It is compiled once for a machine and linked to each file of kernels.
"""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from eqsnn.backends import cache, compiler
from eqsnn.backends.backend import Addresses, Backend
from eqsnn.backends.c.build import checked, library_of, start_engine
from eqsnn.backends.cython.door import MODULE, door, forget
from eqsnn.errors import CompileError
from eqsnn.kernel.ir import Kernel


@functools.cache
def _load(path: str):
    loader = importlib.machinery.ExtensionFileLoader(MODULE, path)
    spec = importlib.util.spec_from_file_location(MODULE, path, loader=loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


class CythonBackend(Backend):
    """Kernels compiled as C99 and linked to a Cython module."""

    name = "cython"

    def prepare(self) -> None:
        start_engine()
        door()

    def build(self, kernels: Sequence[Kernel]) -> Addresses:
        try:
            path = library_of(kernels, "module", "", door().identity, self._compiled)
        except CompileError:
            forget()  # the next run tries again
            raise
        return checked(list(_load(str(path)).kernels().values()), kernels)

    def _compiled(self, key: str, source: str) -> Path:
        options = ("-c", "-fvisibility=hidden", "-std=c99")
        job = compiler.start("kernels.c", source, suffix=".o", options=options)
        return self._link(key, (job.finish(), door().finish()))

    @staticmethod
    def _link(key: str, objects: tuple[Path, ...]) -> Path:
        used = compiler.compiler()
        folder = cache.workspace()
        output = folder / "module.so"
        extra = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
        command = [*used.command, "-shared", *extra, *(str(o) for o in objects), "-o", str(output), "-lm"]
        try:
            done = subprocess.run(command, env=compiler.environment(), capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise compiler.BuildFailure(command, done.returncode, done.stderr, "")
            return cache.store(key, ".so", output)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
