"""A given number of synapses in all: ``connect(total=)``. Each of the pairs that may be taken is as likely as any other, at every draw.

Draw t chooses a row, with a probability in proportion to the pairs of that row; which of them, the k-th draw of the row decides. So rows can be
made one after the other, and none depends on the parts in which they are made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from eqsnn.kernel.random import key_of
from eqsnn.network.hostrun import uniform
from eqsnn.network.rowpairs import Gathering, RowPairs, parts_of

AT_ONCE = 1 << 21
"""About so many draws are held in memory at a time."""


@dataclass(frozen=True)
class Choice:
    """The pairs that may be taken: ``lengths[r]`` of row r, and ``target(rows, positions)`` of each of them, ascending in its position."""

    n_pre: int
    n_post: int
    lengths: np.ndarray
    target: Callable[[np.ndarray, np.ndarray], np.ndarray]

    @property
    def size(self) -> int:
        """How many there are."""
        return int(self.lengths.sum())


def with_repetition(choice: Choice, site: tuple, n: int) -> RowPairs:
    """``n`` independent draws."""
    counts = row_counts(choice.lengths, key_of(*site, "total rows"), 0, n)
    found = Gathering(choice.n_pre, choice.n_post)
    for rows, positions in _drawn(choice.lengths, key_of(*site, "total"), np.zeros_like(counts), counts):
        found.add(rows, choice.target(rows, positions))
    return found.rows()


def different(choice: Choice, site: tuple, n: int) -> RowPairs:
    """``n`` different pairs, every set of them equally likely: the first different ones of a sequence of draws, or all but these."""
    size = choice.size
    rest = 2 * n > size
    positions = _different(choice.lengths, site, size - n if rest else n)
    found = Gathering(choice.n_pre, choice.n_post)
    for rows, chosen in _left_out(choice.lengths, positions) if rest else _by_rows(positions):
        found.add(rows, choice.target(rows, chosen))
    return found.rows()


def _different(lengths: np.ndarray, site: tuple, n: int) -> np.ndarray:
    """The first ``n`` different pairs drawn, as row << 32 | position, ascending."""
    keys = key_of(*site, "total rows"), key_of(*site, "total")
    seen, done, drawn = np.empty(0, np.int64), np.zeros(len(lengths), np.int64), 0
    while len(seen) < n:
        missing = n - len(seen)  # so many draws more can give too few pairs, but not too many
        counts = row_counts(lengths, keys[0], drawn, missing)
        new = np.concatenate([rows << 32 | positions for rows, positions in _drawn(lengths, keys[1], done, counts)])
        new = new[np.append(True, new[1:] != new[:-1])]
        place = np.searchsorted(seen, new)
        fresh = np.ones(len(new), bool) if not len(seen) else seen[np.minimum(place, len(seen) - 1)] != new
        seen = np.insert(seen, place[fresh], new[fresh])
        done, drawn = done + counts, drawn + missing
    return seen


def row_counts(lengths: np.ndarray, key: int, first: int, n: int) -> np.ndarray:
    """How many of the draws ``first`` to ``first + n`` fall into each row."""
    rows = np.flatnonzero(lengths)
    counts = np.zeros(len(lengths), np.int64)
    up_to = np.cumsum(lengths[rows])
    equal = len(rows) and np.ptp(lengths[rows]) == 0
    for start in range(first, first + n, AT_ONCE):
        t = np.arange(start, min(start + AT_ONCE, first + n))
        u = uniform(key, t, np.zeros_like(t))
        if equal:
            which = (u * len(rows)).astype(np.int64)
        else:
            which = np.searchsorted(up_to, (u * up_to[-1]).astype(np.int64), side="right")
        counts[rows] += np.bincount(which, minlength=len(rows))
    return counts


def _drawn(
    lengths: np.ndarray, key: int, first: np.ndarray, counts: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The positions that the draws ``first`` to ``first + counts`` of each row take, ascending in rows and positions."""
    for lo, hi in parts_of(np.concatenate([[0], np.cumsum(counts)]), AT_ONCE):
        here = counts[lo:hi]
        rows = np.repeat(np.arange(lo, hi), here)
        k = np.arange(len(rows)) - np.repeat(np.cumsum(here) - here - first[lo:hi], here)
        positions = (uniform(key, rows, k) * lengths[rows]).astype(np.int64)
        both = np.sort(rows << 32 | positions)
        yield both >> 32, both & 0xFFFFFFFF


def _by_rows(both: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, len(both), AT_ONCE):
        part = both[start : start + AT_ONCE]
        yield part >> 32, part & 0xFFFFFFFF


def _left_out(lengths: np.ndarray, both: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All pairs but these."""
    start = np.concatenate([[0], np.cumsum(lengths)])
    out = start[both >> 32] + (both & 0xFFFFFFFF)
    for lo, hi in parts_of(start, AT_ONCE):
        kept = np.ones(start[hi] - start[lo], bool)
        a, z = np.searchsorted(out, [start[lo], start[hi]])
        kept[out[a:z] - start[lo]] = False
        number = np.flatnonzero(kept) + start[lo]
        rows = np.searchsorted(start, number, side="right") - 1
        yield rows, number - start[rows]
