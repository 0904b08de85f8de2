"""A device that does nothing and remembers everything: the CUDA engine puts a plan on it, and an exported project does the same elsewhere."""

from __future__ import annotations

import bisect
from collections.abc import Sequence

import numpy as np

from eqsnn.backends.cuda.device import Device, Function, Graph, Launch, Module
from eqsnn.errors import InternalError

_BETWEEN = 256
"""Blocks of memory are that far apart at least, so that an address belongs to one of them."""


class NamedFunction(Function):
    """A kernel by its name."""

    def __init__(self, name: str):
        self.name = name


class NamedModule(Module):
    """A text whose kernels are called by name."""

    def function(self, name: str) -> NamedFunction:
        return NamedFunction(name)


class Block:
    """Memory that was asked for: where it begins, how large it is, and what was put there (None: nothing yet)."""

    def __init__(self, address: int, nbytes: int):
        self.address, self.nbytes = address, nbytes
        self._content: bytearray | None = None

    @property
    def written(self) -> bool:
        """Whether anything was put there."""
        return self._content is not None

    def put(self, at: int, data: bytes) -> None:
        """Bytes from place ``at`` on."""
        if self._content is None:
            self._content = bytearray(self.nbytes)
        self._content[at : at + len(data)] = data

    def values(self, dtype) -> np.ndarray:
        """What is there, as an array."""
        n = self.nbytes // np.dtype(dtype).itemsize
        if self._content is None:
            return np.zeros(n, dtype)
        return np.frombuffer(bytes(self._content[: n * np.dtype(dtype).itemsize]), dtype)


class Blueprint(Device):
    """The memory of a network as the engine lays it out, by made-up addresses."""

    name = "a blueprint"

    def __init__(self):
        self._starts: list[int] = []
        self._blocks: list[Block] = []
        self._next = 1 << 20

    def block(self, address: int) -> Block:
        """The block in which an address lies. Raises InternalError."""
        k = bisect.bisect_right(self._starts, address) - 1
        if k < 0 or address >= self._starts[k] + max(self._blocks[k].nbytes, 1):
            raise InternalError(f"nothing lies at {address} on the blueprint")
        return self._blocks[k]

    def compile(self, text: str) -> NamedModule:
        return NamedModule()

    def allocate(self, nbytes: int) -> int:
        address = self._next
        self._starts.append(address)
        self._blocks.append(Block(address, nbytes))
        self._next = (-(-(address + nbytes) // _BETWEEN) + 1) * _BETWEEN
        return address

    def free(self, address: int) -> None:
        """Nothing was taken."""

    def upload(self, address: int, array: np.ndarray) -> None:
        block = self.block(address)
        block.put(address - block.address, np.ascontiguousarray(array).tobytes())

    def download(self, address: int, array: np.ndarray) -> None:
        raise InternalError("nothing runs on a blueprint")

    def capture(self, launches: Sequence[Launch]) -> Graph:
        raise InternalError("nothing runs on a blueprint")

    def run(self, launches: Sequence[Launch]) -> None:
        raise InternalError("nothing runs on a blueprint")

    def synchronise(self) -> None:
        """Nothing is under way."""
