"""Kernels over plain lists of elements, called from Python: by the interpreter, or compiled where there are many elements.

Both give the same bits, so that what is chosen here is seen in nothing but the time. Connectivity with a condition or a probability for each pair
of neurons is the case that matters: 10^8 pairs and more.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Mapping

import numpy as np

from eqsnn.backends import compiler
from eqsnn.backends.backend import backend
from eqsnn.errors import CompileError
from eqsnn.kernel import random
from eqsnn.kernel.interpret import Memory, interpret
from eqsnn.kernel.ir import Buffer, Call, Const, Kernel, Load, Local, Scalar, Store, expressions, walk

COMPILED_FROM = 1 << 20
"""From so many elements on, compiling pays."""
COSTLY_FROM = 1 << 15
"""The same for kernels with functions such as ``exp`` or ``randn``, which numpy computes slowly in our arithmetic (2 us a normal number)."""

_NOT_FINITE = 1 << 62  # EQ_NOT_FINITE of templates/c/eq_abi.h


class Context(ctypes.Structure):
    """``eq_ctx`` of templates/c/eq_abi.h."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("buffer", "real", "integer", "events", "emitted", "rows", "call")),
        *((name, ctypes.c_void_p) for name in ("scratch", "resting", "rests", "saved")),
        ("era", ctypes.c_int64),
    ]


_addresses: dict[Kernel, int] = {}
_UNIFORM = Kernel(
    "eqk_uniform",
    "random numbers",
    "neuron",
    (
        Buffer("a", "i64", "self", "self", "a"),
        Buffer("b", "i64", "self", "self", "b"),
        Buffer("u", "f64", "self", "self", "u", True),
    ),
    (Scalar("key", "i64", "random", "key"),),
    (),
    (
        Store(
            "u",
            Call("uniform", (Local("key", "i64"), Load("a", "i64"), Load("b", "i64"), Const(0, "i64")), "f64"),
        ),
    ),
)


def run_kernel(
    kernel: Kernel, buffers: Mapping[str, np.ndarray], scalars: Mapping[str, float | int], functions: Mapping, n: int
) -> None:
    """Do the elements 0 to ``n`` of a neuron kernel."""
    if not compiled(kernel, n):
        interpret(kernel, Memory(dict(buffers), dict(scalars), functions=dict(functions)), 0, n)
        return
    _Bound(kernel, buffers, scalars)(0, n)


def compiled(kernel: Kernel, n: int) -> bool:
    """Whether a kernel with ``n`` things to do is compiled for them, or was before."""
    enough = n >= COMPILED_FROM or (n >= 1024 and kernel in _addresses) or (n >= COSTLY_FROM and _is_costly(kernel))
    return enough and not kernel.externs and may_compile()


def _is_costly(kernel: Kernel) -> bool:
    parts = (part for s in kernel.body for e in expressions(s) for part in walk(e))
    return any(
        isinstance(e, Call) and e.function in ("normal", "exp", "log", "sin", "cos", "tanh", "pow") for e in parts
    )


def taken_pairs(kernel: Kernel, memory: Memory, rows: int, step: int) -> Iterator[tuple[int, np.ndarray, bool]]:
    """For each ``step`` of the ``rows`` of a pair kernel: the first, the numbers of the pairs that are taken (valid until the next), and
    whether what is checked was finite."""
    columns = int(memory.scalars["columns"])
    if not compiled(kernel, rows * columns):
        for start in range(0, rows, step):
            yield start, *interpret(kernel, memory, start, min(start + step, rows))
        return
    numbers = np.empty(min(step, rows) * columns + 1, np.int32)
    run = _Bound(kernel, memory.buffers, memory.scalars, numbers)
    for start in range(0, rows, step):
        result = run(start, min(start + step, rows))
        yield start, numbers[: result & ~_NOT_FINITE], not result & _NOT_FINITE


class _Bound:
    """A compiled kernel with its arrays and numbers: called with the range of what it is to do."""

    def __init__(
        self,
        kernel: Kernel,
        buffers: Mapping[str, np.ndarray],
        scalars: Mapping[str, float | int],
        emitted: np.ndarray | None = None,
    ):
        if kernel not in _addresses:
            _addresses[kernel] = backend("c").build([kernel])(kernel.name)
        real = [scalars[s.name] for s in kernel.scalars if s.type in ("f64", "f32")]
        integer = [int(scalars[s.name]) for s in kernel.scalars if s.type not in ("f64", "f32")]
        self._arrays = [np.ascontiguousarray(buffers[b.name]) for b in kernel.buffers]
        self._numbers = np.array(real or [0.0], np.float64), np.array(integer or [0], np.int64)
        self._pointers = (ctypes.c_void_p * max(len(self._arrays), 1))(*(a.ctypes.data for a in self._arrays))
        self._context = Context(ctypes.addressof(self._pointers), *(a.ctypes.data for a in self._numbers))
        if emitted is not None:
            self._context.emitted = emitted.ctypes.data
        self._kernel = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(
            _addresses[kernel]
        )

    def __call__(self, lo: int, hi: int) -> int:
        return self._kernel(ctypes.addressof(self._context), lo, hi)


def uniform(key: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A number in [0, 1) for each pair of counters; see ``kernel/random.py``."""
    if not compiled(_UNIFORM, len(a)):
        return random.uniform(key, a.astype(np.uint64), b.astype(np.uint64))
    result = np.empty(len(a))
    buffers = {"a": a.astype(np.int64, copy=False), "b": b.astype(np.int64, copy=False), "u": result}
    run_kernel(_UNIFORM, buffers, {"key": key}, {}, len(a))
    return result


def may_compile() -> bool:
    """Whether there is a compiler, and nobody has asked to do without."""
    if os.environ.get("EQSNN_BACKEND") == "numpy":
        return False
    try:
        compiler.compiler()
    except CompileError:
        return False
    return True
