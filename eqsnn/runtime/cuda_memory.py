"""Memory of a run on a CUDA device: arrays of the host where kernels find them, and what outlives a run."""

from __future__ import annotations

import bisect
from collections.abc import Iterable

import numpy as np

from eqsnn.backends.cuda.device import Device
from eqsnn.runtime.reference import ReferenceQueue, ReferenceRecord, ReferenceSpikes


class CudaSpikes(ReferenceSpikes):
    """The events of a group in the last steps: on the device while a run goes on, and here when it pauses or has ended."""

    def replace(self, past: list[np.ndarray], step: int) -> None:
        """What was emitted in the last steps up to ``step``, the last of them last."""
        self._past, self.step = past, step


class CudaRecord(ReferenceRecord):
    """A growing table: what the device has recorded comes here when its own is full, when a run pauses, and when it has ended."""


class CudaQueue(ReferenceQueue):
    """Row segments on their way; here when a run pauses or has ended."""

    def replace(self, slots: list[np.ndarray]) -> None:
        """What waits now: ``slots[ahead]``."""
        self._slots = [s.tolist() for s in slots]


class Arrays:
    """Arrays of the host on the device. Those that share memory here share it there: a view of an array lies inside it."""

    def __init__(self, own: Owned):
        self.device, self._own = own.device, own
        self._arrays: dict[tuple[int, int], np.ndarray] = {}
        self._starts: list[int] = []
        self._there: list[int] = []

    def add(self, array: np.ndarray | None) -> None:
        """An array that will be asked for."""
        if array is not None and array.nbytes:
            self._arrays.setdefault((array.ctypes.data, array.nbytes), array)

    def place(self) -> int:
        """Find memory for all of them, and copy them there. Returns how many bytes it takes."""
        total, regions = 0, []
        for start, nbytes in sorted(self._arrays):
            if regions and start < regions[-1][1]:
                regions[-1][1] = max(regions[-1][1], start + nbytes)
            else:
                regions.append([start, start + nbytes])
        for start, stop in regions:
            self._starts.append(start)
            self._there.append(self._own.new(stop - start))
            total += stop - start
        self.upload(self._arrays.values())
        return total

    def address(self, array: np.ndarray | None) -> int:
        """Where an array lies on the device; 0 for none."""
        if array is None or not array.nbytes:
            return 0
        k = bisect.bisect_right(self._starts, array.ctypes.data) - 1
        return self._there[k] + array.ctypes.data - self._starts[k]

    def upload(self, arrays: Iterable[np.ndarray]) -> None:
        """Copy arrays to the device."""
        for array in arrays:
            if array.nbytes:
                self.device.upload(self.address(array), np.ascontiguousarray(array))

    def download(self, arrays: Iterable[np.ndarray]) -> None:
        """Copy arrays from the device, into themselves."""
        for array in arrays:
            if array.nbytes:
                self.device.download(self.address(array), array)


class Owned:
    """Memory of the device, given back when its owner goes."""

    def __init__(self, device: Device):
        self.device = device
        self.addresses: list[int] = []

    def new(self, nbytes: int) -> int:
        """So many bytes, with nothing in particular in them."""
        self.addresses.append(self.device.allocate(max(nbytes, 8)))
        return self.addresses[-1]

    def put(self, array: np.ndarray) -> int:
        """The address of a copy."""
        address = self.new(array.nbytes)
        if array.nbytes:
            self.device.upload(address, np.ascontiguousarray(array))
        return address

    def replace(self, old: int, nbytes: int) -> int:
        """Other memory in place of some, which is given back."""
        self.addresses.remove(old)
        self.device.free(old)
        return self.new(nbytes)

    def free(self) -> None:
        """Give everything back."""
        for address in self.addresses:
            self.device.free(address)
        self.addresses.clear()
