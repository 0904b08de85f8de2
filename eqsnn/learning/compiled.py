"""Kernels over neurons, called from Python as machine code: what a batch makes of parameters before it, and of their gradients after it."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np

from eqsnn.backends.c.build import CBackend
from eqsnn.kernel.interpret import Memory
from eqsnn.kernel.ir import Kernel

_CONTEXT = 12
"""Words of an eq_ctx (templates/c/eq_abi.h): the first three are buffers, reals and integers; a kernel of ``Let`` and ``Store`` reads no others."""


class NativeKernels:
    """``kernels``, compiled together; their names differ."""

    def __init__(self, kernels: Sequence[Kernel]):
        address = CBackend().build(kernels)
        kind = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
        self._functions = {k.name: kind(address(k.name)) for k in kernels}

    def __call__(self, kernel: Kernel, memory: Memory, lo: int, hi: int) -> None:
        """As ``interpret``, for elements lo to hi."""
        arrays = [np.ascontiguousarray(memory.buffers[b.name]) for b in kernel.buffers]
        buffers = (ctypes.c_void_p * max(len(arrays), 1))(*(a.ctypes.data for a in arrays))
        real = np.array([memory.scalars[s.name] for s in kernel.scalars if s.type in ("f64", "f32")] or [0.0])
        integer = np.array([memory.scalars[s.name] for s in kernel.scalars if s.type not in ("f64", "f32")] or [0])
        integer = integer.astype(np.int64)
        context = (ctypes.c_void_p * _CONTEXT)(ctypes.addressof(buffers), real.ctypes.data, integer.ctypes.data)
        self._functions[kernel.name](ctypes.addressof(context), lo, hi)
