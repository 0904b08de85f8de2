"""Kernels over plain lists of elements, called from Python: by the interpreter, or compiled where there are many elements.

Both give the same bits, so that what is chosen here is seen in nothing but the time. Connectivity with a condition or a probability for each pair
of neurons is the case that matters: 10^8 pairs and more.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping

import numpy as np

from eqsnn.backends import compiler
from eqsnn.backends.backend import backend
from eqsnn.errors import CompileError
from eqsnn.kernel import random
from eqsnn.kernel.interpret import Memory, interpret
from eqsnn.kernel.ir import Buffer, Call, Const, Kernel, Load, Local, Scalar, Store

COMPILED_FROM = 1 << 20
"""From so many elements on, compiling pays."""

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
    if n < COMPILED_FROM or kernel.externs or not _may_compile():
        interpret(kernel, Memory(dict(buffers), dict(scalars), functions=dict(functions)), 0, n)
        return
    if kernel not in _addresses:
        _addresses[kernel] = backend("c").build([kernel])(kernel.name)
    arrays = [buffers[b.name] for b in kernel.buffers]
    arrays = [a if a.flags.c_contiguous else np.ascontiguousarray(a) for a in arrays]
    pointers = (ctypes.c_void_p * max(len(arrays), 1))(*(a.ctypes.data for a in arrays))
    real = np.array([scalars[s.name] for s in kernel.scalars if s.type in ("f64", "f32")] or [0.0], np.float64)
    integer = np.array([int(scalars[s.name]) for s in kernel.scalars if s.type not in ("f64", "f32")] or [0], np.int64)
    context = (ctypes.c_void_p * 8)(ctypes.addressof(pointers), real.ctypes.data, integer.ctypes.data)
    call = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(_addresses[kernel])
    call(ctypes.addressof(context), 0, n)


def uniform(key: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A number in [0, 1) for each pair of counters; see ``kernel/random.py``."""
    if len(a) < COMPILED_FROM or not _may_compile():
        return random.uniform(key, a.astype(np.uint64), b.astype(np.uint64))
    result = np.empty(len(a))
    buffers = {"a": a.astype(np.int64, copy=False), "b": b.astype(np.int64, copy=False), "u": result}
    run_kernel(_UNIFORM, buffers, {"key": key}, {}, len(a))
    return result


def _may_compile() -> bool:
    """Whether there is a compiler, and nobody has asked to do without."""
    if os.environ.get("EQSNN_BACKEND") == "numpy":
        return False
    try:
        compiler.compiler()
    except CompileError:
        return False
    return True
