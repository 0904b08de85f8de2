"""What one core of this machine can do, measured in about half a second by small compiled loops (templates/c/machine.c.j2).

These are the figures that a kernel's time is compared with: the bandwidth of a loop over as much memory as the network works on, arrivals at
scattered places, arithmetic, exponentials and random numbers with the functions that kernels call.
"""

from __future__ import annotations

import ctypes
import functools
from dataclasses import dataclass

import numpy as np

from eqsnn.backends import compiler
from eqsnn.backends.c.build import EXPORT
from eqsnn.backends.render import environment, prelude
from eqsnn.errors import CompileError

_SIZES = tuple(1 << k for k in range(14, 29, 2))
"""Bytes that a loop works on, from what fits into the first cache to what fits into none."""
_IN_CACHE = 1 << 14
_LONG_ENOUGH = 1 << 21
"""So many bytes or elements are gone through in a round at least, or it would be over before the clock can tell."""


@dataclass(frozen=True)
class Machine:
    """``bandwidth``: bytes a second by bytes that are gone through again and again; ``scatter``: seconds an arrival by bytes of the targets;
    ``simple``, ``division``, ``exp`` and ``uniform``: seconds of one sum or product, division or root, exponential, random number."""

    bandwidth: dict[int, float]
    scatter: dict[int, float]
    simple: float
    division: float
    exp: float
    uniform: float

    def bandwidth_at(self, size: int) -> float:
        """Bytes a second of a loop over ``size`` bytes."""
        return _between(self.bandwidth, size)

    def scatter_at(self, size: int) -> float:
        """Seconds of an arrival at one of targets of ``size`` bytes."""
        return _between(self.scatter, size)

    @property
    def memory_bandwidth(self) -> float:
        """Bytes a second from and to main memory."""
        return self.bandwidth[max(self.bandwidth)]


def _between(table: dict[int, float], size: int) -> float:
    """Interpolated over the logarithm of the size; beyond the table its ends."""
    sizes = sorted(table)
    return float(np.interp(np.log2(max(size, 1)), np.log2(sizes), [table[s] for s in sizes]))


@functools.cache
def _library() -> ctypes.CDLL:
    abi, mathematics = prelude()
    text = environment().get_template("c/machine.c.j2").render(abi=abi, math=mathematics, export=EXPORT)
    text = f"#define _POSIX_C_SOURCE 200809L\n{text}"
    options = ("-shared", "-fvisibility=hidden", "-std=c99")
    try:
        path = compiler.start("machine.c", text, suffix=".so", options=options).finish()
    except compiler.BuildFailure as failure:
        raise CompileError(f"the loops that measure the machine did not compile.\n{failure}") from None
    library = ctypes.CDLL(str(path))
    for name in ("stream", "scatter", "simple", "division", "exp", "uniform"):
        getattr(library, f"eq_machine_{name}").restype = ctypes.c_double
    return library


def _timed(name: str, a: np.ndarray, b: np.ndarray | int, n: int, rounds: int) -> float:
    second = ctypes.c_int64(b) if isinstance(b, int) else ctypes.c_void_p(b.ctypes.data)
    function = getattr(_library(), f"eq_machine_{name}")
    return function(ctypes.c_void_p(a.ctypes.data), second, ctypes.c_int64(n), ctypes.c_int64(rounds))


def _bandwidth(size: int) -> float:
    n = size // 16
    a, b = np.zeros(n), np.ones(n)
    return 24 * n / _timed("stream", a, b, n, max(4, 16 * _LONG_ENOUGH // size))


def _scatter(size: int) -> float:
    a = np.zeros(size // 8)
    at = np.random.default_rng(0).integers(0, len(a), 1 << 16).astype(np.int32)
    return _timed("scatter", a, at, len(at), 40) / len(at)


@functools.cache
def machine() -> Machine:
    """The figures of this machine; measured when first asked for."""
    n = _IN_CACHE // 16
    a, b = np.full(n, 0.5), np.full(n, 0.5)
    rounds = 8 * _LONG_ENOUGH // _IN_CACHE
    return Machine(
        {size: _bandwidth(size) for size in _SIZES},
        {size: _scatter(size) for size in _SIZES if size <= 1 << 26},
        _timed("simple", a, b, n, rounds) / (32 * n),
        _timed("division", a, b, n, rounds) / n,
        _timed("exp", a, b, n, rounds) / n,
        _timed("uniform", a, 7, n, rounds) / n,
    )
