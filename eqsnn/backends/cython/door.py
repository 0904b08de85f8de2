"""The compiled door (templates/cython/door.pyx): an object file that does not depend on the model, made once for a machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from eqsnn.backends import cache, compiler
from eqsnn.backends.cython import translate
from eqsnn.errors import CompileError

MODULE = "door"
_OPTIONS = ("-O0", "-fvisibility=hidden", "-c")  # it is passed once a run


class Door:
    """The door, found or being made in a process of its own. Where its translation is not for this Python, Cython comes first."""

    def __init__(self):
        self._include = sysconfig.get_paths()["include"]
        text = translate.translated()
        known = (text,) if text is not None else (translate.pyx(), _cython_version())
        self.identity = (*known, compiler.compiler().identity(), sys.version, self._include)
        self._job: compiler.Job | None = None
        self._translation: subprocess.Popen | None = None
        self._path = cache.find(self._key(), ".o")
        if self._path is not None or not (Path(self._include) / "Python.h").is_file():
            return
        if text is not None:
            self._compile(text)
        else:
            self._folder = cache.workspace({f"{MODULE}.pyx": translate.pyx()})
            self._translation = subprocess.Popen(
                translate.command(MODULE), cwd=self._folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )

    def _key(self) -> str:
        return cache.key_of("door", *self.identity)

    def _compile(self, text: str) -> None:
        options = (*_OPTIONS, "-I", self._include)
        self._job = compiler.start(f"{MODULE}.c", text, suffix=".o", options=options, key=self._key())
        self._job.yield_to_others()  # the engine is waited for before the door is

    def is_gone(self) -> bool:
        """Whether its file is no longer in the cache, which may be cleared at any time."""
        return self._path is not None and not self._path.exists()

    def finish(self) -> Path:
        """The object file. Raises CompileError."""
        if self._path is None:
            if self._translation is not None:
                self._compile(self._translated())
            if self._job is None:
                raise CompileError(
                    f"the headers of Python are missing ({self._include}/Python.h). Install them (Debian/Ubuntu: apt install python3-dev), "
                    "or use the backend that needs none: eqsnn.settings.backend = 'c'"
                )
            self._path = self._job.finish()
        return self._path

    def _translated(self) -> str:
        log, _ = self._translation.communicate()
        try:
            if self._translation.returncode != 0:
                raise CompileError(
                    f"Cython could not translate the door (exit code {self._translation.returncode}):\n{log.decode(errors='replace')}"
                )
            return (self._folder / f"{MODULE}.c").read_text(encoding="utf-8")
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)


def _cython_version() -> str:
    from importlib.metadata import version

    return version("cython")


_door: Door | None = None


def door() -> Door:
    """The door, being made or found."""
    global _door
    if _door is None or _door.is_gone():
        _door = Door()
    return _door


def forget() -> None:
    """Let the next run try again. A process that was forked must, too: it is not the parent of what runs."""
    global _door
    _door = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget)
