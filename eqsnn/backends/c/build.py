"""The backend 'c': kernels as a plain shared library, without Python headers. And the engine, which every compiled backend shares."""

from __future__ import annotations

import ctypes
import functools
import re
from collections.abc import Sequence

from eqsnn.backends import cache, compiler
from eqsnn.backends.backend import Addresses, Backend
from eqsnn.backends.render import c_source, templates, text_key
from eqsnn.errors import CompileError, InternalError
from eqsnn.kernel.ir import Kernel

EXPORT = '__attribute__((visibility("default")))'
_SHARED = ("-shared", "-fvisibility=hidden")
_engine_job: compiler.Job | None = None


def start_engine() -> compiler.Job:
    """Begin to compile the engine, or find it in the cache."""
    global _engine_job
    if _engine_job is None:
        folder = templates() / "c"
        headers = [(n, (folder / n).read_text(encoding="utf-8")) for n in ("eq_abi.h", "engine.h")]
        source = (folder / "engine.c").read_text(encoding="utf-8")
        options = (*_SHARED, "-std=c11", "-pthread")
        _engine_job = compiler.start("engine.c", source, suffix=".so", options=options, headers=headers)
    return _engine_job


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
        options = (*_SHARED, "-std=c99")
        key = cache.key_of("library", text_key(kernels), compiler.compiler().identity(), *options)
        path = cache.find(key, ".so")
        if path is None:
            job = compiler.start("kernels.c", c_source(kernels, EXPORT), suffix=".so", options=options, key=key)
            try:
                path = job.finish()
            except compiler.BuildFailure as failure:
                raise explain(failure, kernels) from None
        library = _load(str(path))
        library.eq_kernel_name.restype = ctypes.c_char_p
        library.eq_kernel_address.restype = ctypes.c_void_p
        found, k = {}, 0
        while (name := library.eq_kernel_name(ctypes.c_int64(k))) is not None:
            found[name.decode()] = library.eq_kernel_address(ctypes.c_int64(k))
            k += 1
        return checked(found, kernels)


def checked(found: dict[str, int], kernels: Sequence[Kernel]) -> Addresses:
    """The addresses by name, all of them present."""
    missing = {k.name for k in kernels} - set(found)
    if missing:
        raise InternalError(f"the compiled file lacks the kernels {sorted(missing)}")
    return found.__getitem__


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
