"""In which order the values and targets of synapses lie in memory. Users count synapses in order of creation.

There is one order at a time, that of ``Ends.order``, and two kinds of it. A ``Permutation`` is a list that says where each synapse is. An
``Arrangement`` is the order in which the engine reads, without such a list: where every synapse is read by one pathway only, and that goes by parts
of a row (those of one delay, or those of one thread's targets), values and targets are moved so that each part is one piece of memory: within a
row by block, then delay, then creation. As delays and blocks are kept in order of creation, that order can be computed again for any row, and no
synapse needs a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from eqsnn.network.delays import Held, steps_in_part
from eqsnn.network.rowpairs import number_type, parts_of

See = Callable[[int, int, np.ndarray], None]

AT_ONCE = 1 << 17
"""About so many synapses are sorted at once: what stays in the cache sorts faster."""


class Order(Protocol):
    """Where the synapses lie. ``position``: of those of an index (None: all), in order of creation; ``arrange`` and ``restore``: arrays with a
    value for each, from the order of creation to this one and back."""

    def position(self, index: np.ndarray | slice | None) -> np.ndarray: ...
    def arrange(self, arrays: Sequence[np.ndarray], see: See | None = None) -> list[np.ndarray]: ...
    def restore(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]: ...


@dataclass(frozen=True, eq=False)
class Permutation:
    """``places``: where each synapse lies."""

    places: np.ndarray

    @classmethod
    def by(cls, order: np.ndarray) -> Permutation:
        """The synapses in this ``order`` of their numbers."""
        places = np.empty(len(order), number_type(len(order)))
        places[order] = np.arange(len(order), dtype=places.dtype)
        return cls(places)

    def position(self, index: np.ndarray | slice | None) -> np.ndarray:
        return self.places if index is None else self.places[index]

    def arrange(self, arrays: Sequence[np.ndarray], see: See | None = None) -> list[np.ndarray]:
        results = [np.zeros(len(a), a.dtype) for a in arrays]
        for values, result in zip(arrays, results):
            if values.any():  # what nobody has set stays memory that nobody has touched
                result[self.places] = values
        return results

    def restore(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [a[self.places] if a.any() else np.zeros(len(a), a.dtype) for a in arrays]


@dataclass(frozen=True, eq=False)
class Arrangement:
    """``start``: the rows by source, in order of creation; ``held``: the delays, or None for one; ``dt``: of the steps by which they are parted;
    ``block``: of each synapse, uint8, or None for one block."""

    start: np.ndarray
    held: Held | None
    dt: float
    block: np.ndarray | None
    n_blocks: int
    base: np.ndarray  # (n_blocks, n_rows): where the part of a row begins

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Ranges of rows that are treated at once."""
        return parts_of(self.start, AT_ONCE)

    def keys(self, lo: int, hi: int) -> tuple[np.ndarray, np.ndarray]:
        """For the rows ``lo`` to ``hi``: the synapses in their order in a row, as numbers from the first of row ``lo``, and by what they are
        ordered: ((row - lo) * n_blocks + block) << 32 | delay."""
        part = slice(int(self.start[lo]), int(self.start[hi]))
        n = part.stop - part.start
        key = np.repeat(np.arange(hi - lo, dtype=np.int64), np.diff(self.start[lo : hi + 1]))
        if self.block is not None:
            key = key * self.n_blocks + self.block[part]
        if self.held is None:
            delay, width = None, 0
        else:
            delay = steps_in_part(self.held, self.dt, part)
            width = int(delay.max(initial=0)).bit_length()
            key = key << width | delay
        number = int(n).bit_length()
        if (((hi - lo) * self.n_blocks) << width).bit_length() + number < 63:
            both = np.sort(key << number | np.arange(n))
            order, key = both & ((1 << number) - 1), both >> number
        else:  # very long delays
            order = np.argsort(key, kind="stable")
            key = key[order]
        return order, (key >> width) << 32 | (key & ((1 << width) - 1))

    def places(self, lo: int, hi: int) -> np.ndarray:
        """Where the synapses of the rows ``lo`` to ``hi`` are, in order of creation."""
        order, key = self.keys(lo, hi)
        place = np.empty(len(order), np.int64)
        place[order] = self._places_in_order(lo, hi, key)
        return place

    def _places_in_order(self, lo: int, hi: int, key: np.ndarray) -> np.ndarray:
        if self.n_blocks == 1:
            return np.arange(self.start[lo], self.start[hi])
        count = np.bincount(key >> 32, minlength=(hi - lo) * self.n_blocks)
        shift = self.base[:, lo:hi].T.ravel() - (np.cumsum(count) - count)
        return np.arange(len(key)) + np.repeat(shift, count)

    def position(self, index: np.ndarray | slice | None) -> np.ndarray:
        """Where the synapses ``index`` (None: all) are."""
        n = int(self.start[-1])
        if index is None:
            index = slice(None)
        if isinstance(index, slice):
            index = np.arange(*index.indices(n)) if index != slice(None) else None
        if index is not None and len(index) < n // 4:
            return self._of_few(np.asarray(index))
        place = np.empty(n, number_type(n))
        for lo, hi in self.chunks():
            place[self.start[lo] : self.start[hi]] = self.places(lo, hi)
        return place if index is None else place[index]

    def _of_few(self, index: np.ndarray) -> np.ndarray:
        if not len(index):
            return np.empty(0, np.int64)
        row = np.searchsorted(self.start, index, side="right") - 1
        touched, which = np.unique(row, return_inverse=True)
        result = np.empty(len(index), np.int64)
        order = np.argsort(which, kind="stable")
        cuts = np.searchsorted(which[order], np.arange(len(touched) + 1))
        at = 0
        while at < len(touched):  # neighbouring rows at once
            stop = at + 1
            lo = int(touched[at])
            while (
                stop < len(touched)
                and touched[stop] == touched[stop - 1] + 1
                and self.start[touched[stop] + 1] - self.start[lo] < AT_ONCE
            ):
                stop += 1
            here = order[cuts[at] : cuts[stop]]
            result[here] = self.places(lo, int(touched[stop - 1]) + 1)[index[here] - self.start[lo]]
            at = stop
        return result

    def arrange(self, arrays: Sequence[np.ndarray], see: See | None = None) -> list[np.ndarray]:
        """Arrays in order of creation as they are to lie; in the same memory where there is one block. ``see(lo, hi, keys)`` is told of all
        rows by what their synapses are ordered."""
        results = [a if self.n_blocks == 1 else np.empty_like(a) for a in arrays]
        for lo, hi in self.chunks():
            part = slice(int(self.start[lo]), int(self.start[hi]))
            order, key = self.keys(lo, hi)
            if see is not None:
                see(lo, hi, key)
            place = part if self.n_blocks == 1 else self._places_in_order(lo, hi, key)
            for values, result in zip(arrays, results):
                result[place] = values[part][order]
        return results

    def restore(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The inverse of ``arrange``."""
        results = [a if self.n_blocks == 1 else np.empty_like(a) for a in arrays]
        for lo, hi in self.chunks():
            place = self.places(lo, hi)
            for values, result in zip(arrays, results):
                result[self.start[lo] : self.start[hi]] = values[place]
        return results


def arrangement(
    start: np.ndarray, targets: np.ndarray, held: Held | None, dt: float, bounds: np.ndarray | None
) -> Arrangement:
    """``bounds``: the first target of each block, and their number; None for one block."""
    n_rows = len(start) - 1
    if bounds is None:
        return Arrangement(start, held, dt, None, 1, start[None, :-1])
    n_blocks = len(bounds) - 1
    block = np.empty(len(targets), np.uint8)
    count = np.zeros((n_blocks, n_rows), np.int64)
    for lo, hi in parts_of(start, AT_ONCE):
        part = slice(int(start[lo]), int(start[hi]))
        here = np.searchsorted(bounds, targets[part], side="right") - 1
        block[part] = here
        row = np.repeat(np.arange(hi - lo), np.diff(start[lo : hi + 1]))
        count[:, lo:hi] = np.bincount(here * (hi - lo) + row, minlength=n_blocks * (hi - lo)).reshape(n_blocks, -1)
    base = (np.cumsum(count.ravel()) - count.ravel()).reshape(n_blocks, n_rows)
    return Arrangement(start, held, dt, block, n_blocks, base)
