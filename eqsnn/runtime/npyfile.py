"""A npy file that grows while a run lasts: rows are appended, and the header says how many there are."""

from __future__ import annotations

import os
import weakref
from pathlib import Path

import numpy as np

CHUNK = 1 << 20
"""Bytes of a record that wait in memory before they are written."""
_HEADER = 128
"""Bytes of the header, padded, so that a longer shape needs no more of them (npy format 1.0)."""


class NpyFile:
    """An array of ``width`` columns of ``dtype`` in npy format at ``path``, at first without rows; an old file there is replaced."""

    def __init__(self, path: str | os.PathLike, dtype, width: int):
        self.path, self.dtype, self.width = Path(path), np.dtype(dtype), width
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666)
        weakref.finalize(self, os.close, self.descriptor)
        self._rows = -1
        self.describe(0)
        os.lseek(self.descriptor, _HEADER, os.SEEK_SET)

    def describe(self, values: int) -> None:
        """Say in the header that ``values`` values have been written."""
        rows = values // max(self.width, 1)
        if rows == self._rows:
            return
        text = f"{{'descr': {np.lib.format.dtype_to_descr(self.dtype)!r}, 'fortran_order': False, 'shape': ({rows}, {self.width}), }}"
        header = b"\x93NUMPY\x01\x00" + (_HEADER - 10).to_bytes(2, "little") + text.encode().ljust(_HEADER - 11) + b"\n"
        at = os.lseek(self.descriptor, 0, os.SEEK_CUR)
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        os.write(self.descriptor, header)
        os.lseek(self.descriptor, max(at, _HEADER), os.SEEK_SET)
        self._rows = rows

    def write(self, values: np.ndarray) -> None:
        """Append values."""
        left = memoryview(np.ascontiguousarray(values, self.dtype)).cast("B")
        while len(left):
            left = left[os.write(self.descriptor, left) :]

    def array(self) -> np.ndarray:
        """The rows so far, mapped into memory when they are read; flat."""
        shape = (self._rows, self.width)
        if 0 in shape:
            return np.empty(0, self.dtype)
        return np.memmap(self.path, self.dtype, "r", _HEADER, shape).reshape(-1)
