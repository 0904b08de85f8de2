"""The backend 'cython', the default: the C text of the kernels behind a door that Cython has made.

The door (templates/c/door.pyx) does not depend on the model. It is translated and compiled once for a machine and linked to each file of kernels.
"""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from eqsnn.backends import cache, compiler
from eqsnn.backends.backend import Addresses, Backend
from eqsnn.backends.c.build import checked, explain, start_engine
from eqsnn.backends.render import c_source, templates, text_key
from eqsnn.errors import CompileError
from eqsnn.kernel.ir import Kernel

_MODULE = "door"


def _cython_version() -> str:
    from importlib.metadata import version

    return version("cython")


class _Door:
    """The compiled door: translation by Cython, then the compiler, each in a process of its own."""

    def __init__(self) -> None:
        self.source = (templates() / "c" / "door.pyx").read_text(encoding="utf-8")
        self.identity = (
            self.source,
            compiler.compiler().identity(),
            sys.version,
            _cython_version(),
            sysconfig.get_paths()["include"],
        )
        self.key = cache.key_of("door", *self.identity)
        self.path = cache.find(self.key, ".o")
        self.translation: subprocess.Popen | None = None
        if self.path is None:
            self.folder = cache.workspace({f"{_MODULE}.pyx": self.source})
            command = [sys.executable, "-m", "cython", "-3", f"{_MODULE}.pyx", "-o", f"{_MODULE}.c"]
            self.command = command
            self.translation = subprocess.Popen(
                command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )

    def finish(self) -> Path:
        """The object file."""
        if self.path is not None:
            return self.path
        log, _ = self.translation.communicate()
        if self.translation.returncode != 0:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise CompileError(
                f"Cython could not translate the door (exit code {self.translation.returncode}):\n{log.decode(errors='replace')}"
            )
        include = sysconfig.get_paths()["include"]
        if not (Path(include) / "Python.h").is_file():
            shutil.rmtree(self.folder, ignore_errors=True)
            raise CompileError(
                f"the headers of Python are missing ({include}/Python.h). Install them (Debian/Ubuntu: apt install python3-dev), "
                "or use the backend that needs none: eqsnn.settings.backend = 'c'"
            )
        used = compiler.compiler()
        output = self.folder / "door.o"
        command = [
            *used.command,
            "-O1",
            "-fPIC",
            "-fvisibility=hidden",
            "-I",
            include,
            "-c",
            f"{_MODULE}.c",
            "-o",
            output.name,
        ]
        done = subprocess.run(
            command, cwd=self.folder, env=compiler.environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise compiler.BuildFailure(command, done.returncode, done.stderr, self.source)
        self.path = cache.store(self.key, ".o", output)
        shutil.rmtree(self.folder, ignore_errors=True)
        return self.path


_door: _Door | None = None


def door() -> _Door:
    """The door, being built or found; built again if the cache has been cleared since."""
    global _door
    if _door is None or (_door.path is not None and not _door.path.is_file()):
        _door = _Door()
    return _door


@functools.cache
def _load(path: str):
    loader = importlib.machinery.ExtensionFileLoader(_MODULE, path)
    spec = importlib.util.spec_from_file_location(_MODULE, path, loader=loader)
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
        global _door
        identity = "\n".join(door().identity)
        key = cache.key_of("module", text_key(kernels), identity)
        path = cache.find(key, ".so")
        if path is None:
            source = c_source(kernels)
            options = ("-c", "-fvisibility=hidden", "-std=c99")
            job = compiler.start("kernels.c", source, suffix=".o", options=options)
            try:
                objects = (job.finish(), door().finish())
            except CompileError as failure:
                _door = None  # the next run tries again
                if isinstance(failure, compiler.BuildFailure):
                    raise explain(failure, kernels) from None
                raise
            path = self._link(key, objects)
        return checked(_load(str(path)).kernels(), kernels)

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
