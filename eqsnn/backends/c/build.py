"""The backend 'c': kernels as a plain shared library, without Python headers. And the engine, which every compiled backend shares."""

from __future__ import annotations

import ctypes
import functools
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from eqsnn.backends import cache, compiler
from eqsnn.backends.backend import Addresses, Backend
from eqsnn.backends.render import c_source, templates, text_key, unnamed
from eqsnn.errors import CompileError, InternalError
from eqsnn.kernel.ir import Kernel

EXPORT = '__attribute__((visibility("default")))'
_SHARED = ("-shared", "-fvisibility=hidden")
_OPTIONS = (*_SHARED, "-std=c99")
_engine_job: compiler.Job | None = None


def start_engine() -> compiler.Job:
    """Begin to compile the engine, or find it in the cache."""
    global _engine_job
    if _engine_job is None:
        folder = templates() / "c"
        headers = [(n, (folder / n).read_text(encoding="utf-8")) for n in ("eq_abi.h", "engine.h")]
        source = (folder / "engine.c").read_text(encoding="utf-8")
        options = ("-O2", *_SHARED, "-std=c11", "-pthread")  # -O3 takes a quarter longer, and no loop of it is faster
        _engine_job = compiler.start("engine.c", source, suffix=".so", options=options, headers=headers)
    return _engine_job


def _forget_the_running() -> None:
    """A process that was forked is not the parent of the compiler that runs, and cannot wait for it."""
    global _engine_job
    if _engine_job is not None and _engine_job.process is not None:
        _engine_job = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_the_running)


@functools.cache
def _load(path: str) -> ctypes.CDLL:
    return ctypes.CDLL(path)


def engine_library() -> ctypes.CDLL:
    """The compiled engine."""
    global _engine_job
    try:
        path = start_engine().finish()
    except compiler.BuildFailure as failure:
        _engine_job = None
        raise CompileError(f"the engine did not compile.\n{failure}") from None
    return _load(str(path))


class CBackend(Backend):
    """Kernels compiled as C99."""

    name = "c"

    def prepare(self) -> None:
        start_engine()

    def build(self, kernels: Sequence[Kernel]) -> Addresses:
        identity = (compiler.compiler().identity(), *_OPTIONS)
        library = _load(str(library_of(kernels, "library", EXPORT, identity, self._compiled)))
        library.eq_kernel_name.restype = ctypes.c_char_p
        library.eq_kernel_address.restype = ctypes.c_void_p
        found, k = [], 0
        while library.eq_kernel_name(ctypes.c_int64(k)) is not None:
            found.append(library.eq_kernel_address(ctypes.c_int64(k)))
            k += 1
        return checked(found, kernels)

    @staticmethod
    def _compiled(key: str, source: str) -> Path:
        return compiler.start("kernels.c", source, suffix=".so", options=_OPTIONS, key=key).finish()


def library_of(
    kernels: Sequence[Kernel],
    kind: str,
    export: str,
    identity: tuple[str, ...],
    compiled: Callable[[str, str], Path],
) -> Path:
    """The shared library of ``kernels``, found or made: by their description, which needs no text, or by their text without its names.

    ``export`` stands before what the file shows to others; ``compiled`` makes it from the key to keep it under and the C file. Raises CompileError.
    """
    key = cache.key_of(kind, text_key(kernels), *identity)
    path = cache.find(key, ".so")
    if path is not None:
        return path
    source = c_source(kernels, export)
    of_text = cache.key_of(f"{kind} of text", unnamed(source), *identity)
    path = cache.find(of_text, ".so")
    if path is None:
        try:
            path = compiled(of_text, source)
        except compiler.BuildFailure as failure:
            raise explain(failure, kernels) from None
    return cache.store_again(path, key, ".so")


def checked(found: Sequence[int], kernels: Sequence[Kernel]) -> Addresses:
    """The addresses by name, from those in the order of the file: the names in it may be those of another model."""
    if len(found) != len(kernels):
        raise InternalError(f"the compiled file has {len(found)} kernels in place of {len(kernels)}")
    return {k.name: address for k, address in zip(kernels, found)}.__getitem__


def explain(failure: compiler.BuildFailure, kernels: Sequence[Kernel]) -> CompileError:
    """The failure with the group and the equation that the compiler stumbled over."""
    lines = failure.source.splitlines()
    match = re.search(r"kernels\.c:(\d+):", failure.log)
    where = ""
    if match:
        at = min(int(match[1]), len(lines)) - 1
        header = next((line for line in reversed(lines[: at + 1]) if line.startswith("/* kernel ")), "")
        name = re.match(r"/\* kernel (\w+)", header)
        owner = next((k.owner for k in kernels if name and k.name == name[1]), None)
        equation = re.search(r"/\* (.*) \*/\s*$", lines[at])
        if owner is not None:
            where = f"the code of {owner} did not compile"
            where += f", at '{equation[1]}'" if equation and not lines[at].startswith("/* kernel") else ""
    where = where or f"the code of {', '.join(dict.fromkeys(k.owner for k in kernels))} did not compile"
    return CompileError(f"{where}.\n{failure}")
