"""What the CUDA engine needs of a device, and no more: two devices fit in behind it, and a third could.

- ``host.HostDevice`` compiles the same text with the C++ compiler of this machine and runs it on the CPU, in orders chosen to show mistakes.
- ``driver.DriverDevice`` compiles it with NVRTC and runs it on a GPU.

Memory is named by addresses of the device (integers). Every argument of a kernel has 64 bits: an address, or an integer. Work is done in the
order in which it is asked for; ``download`` and ``synchronise`` wait for it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eqsnn.errors import EqsnnError


class DeviceError(EqsnnError):
    """The device refused, or a kernel went wrong on it."""


class Function(ABC):
    """A ``__global__`` function of a module."""

    name: str

    def launch(self, grid: int, block: int, *args: int) -> Launch:
        """A launch of ``grid`` blocks of ``block`` threads (1 to 1024), to be given to ``Device.run`` or ``Device.capture``."""
        return Launch(self, grid, block, tuple(args))


class Module(ABC):
    """Compiled text. It is kept for as long as anybody holds it."""

    @abstractmethod
    def function(self, name: str) -> Function:
        """The ``extern "C" __global__`` function called ``name``. Raises KeyError."""


@dataclass(frozen=True)
class Launch:
    """One launch: of at most six arguments, in one dimension, without dynamic shared memory."""

    function: Function
    grid: int
    block: int
    args: tuple[int, ...]


class Graph(ABC):
    """Launches that were captured: they run in their order, each after the one before has ended."""

    @abstractmethod
    def run(self, times: int = 1) -> None:
        """Enqueue the whole list ``times`` times; returns before it has run."""


class Device(ABC):
    """Memory, compiled text, and launches. One owner at a time; used from one thread."""

    name: str
    """What is said of it: the model of the GPU, or of the CPU."""

    @abstractmethod
    def compile(self, text: str) -> Module:
        """CUDA C++ text as a module, from the cache if it was compiled before. Raises CompileError with the log of the compiler."""

    @abstractmethod
    def allocate(self, nbytes: int) -> int:
        """The address of ``nbytes`` (at least 1) bytes, whose contents are undefined, aligned for any type. Raises DeviceError, saying how much was
        asked for, if there is no room."""

    @abstractmethod
    def free(self, address: int) -> None:
        """Give memory back, after everything that was enqueued before."""

    @abstractmethod
    def upload(self, address: int, array: np.ndarray) -> None:
        """Copy a contiguous array to the device. The array may change as soon as this returns."""

    @abstractmethod
    def download(self, address: int, array: np.ndarray) -> None:
        """Fill a contiguous array from the device, after everything that was enqueued before. Raises DeviceError if any of that went wrong."""

    @abstractmethod
    def capture(self, launches: Sequence[Launch]) -> Graph:
        """A graph of these launches."""

    @abstractmethod
    def run(self, launches: Sequence[Launch]) -> None:
        """Enqueue launches, without a graph."""

    @abstractmethod
    def synchronise(self) -> None:
        """Wait for all that was enqueued. Raises DeviceError if any of it went wrong."""
