"""New synapses as compressed rows: what connectivity is made as, so that 10^8 synapses need no list of pairs on their way into a network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

_AT_ONCE = 1 << 18


def narrowest(n: int) -> type:
    """The smallest type for indices below ``n``."""
    return np.uint16 if n <= 1 << 16 else np.int32


WIDE = 1 << 31
"""From so many synapses on, the number of one takes 64 bits."""


def number_type(n: int) -> type:
    """The type of the numbers of ``n`` synapses."""
    return np.int32 if n < WIDE else np.int64


def ascending(key: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the elements in the order of their ``key`` (0 .. n - 1), equal ones in theirs; and where each key begins, n + 1 numbers.

    As ``numpy.argsort``, in parts that stay in the cache and without more memory than the result.
    """
    start = np.zeros(n + 1, np.int64)
    np.cumsum(counts_of(key, n), out=start[1:])
    at, order = start[:-1].copy(), np.empty(len(key), number_type(len(key)))
    step = max(_AT_ONCE, n)
    for first in range(0, len(key), step):
        part = key[first : first + step]
        here = np.argsort(part, kind="stable")
        count = np.bincount(part, minlength=n)
        place = np.repeat(at - (np.cumsum(count) - count), count) + np.arange(len(part))
        order[place] = here + first
        at += count
    return order, start


def parts_of(start: np.ndarray, most: int) -> Iterator[tuple[int, int]]:
    """Ranges of rows with at most ``most`` elements each, or one row; row r has those from ``start[r]`` to ``start[r + 1]``."""
    lo, n = 0, len(start) - 1
    while lo < n:
        hi = max(lo + 1, int(np.searchsorted(start, start[lo] + most, side="right")) - 1)
        yield lo, hi
        lo = hi


def counts_of(index: np.ndarray, n: int) -> np.ndarray:
    """``numpy.bincount`` with ``n`` bins, and without a copy of ``index`` in a wider type."""
    counts = np.zeros(n, np.int64)
    for start in range(0, len(index), _AT_ONCE):
        counts += np.bincount(index[start : start + _AT_ONCE], minlength=n)
    return counts


@dataclass(frozen=True)
class RowPairs:
    """Pairs that ascend in their source: those of source r are ``post[start[r]:start[r + 1]]``; ``post`` is of the narrowest type."""

    start: np.ndarray
    post: np.ndarray

    def __len__(self) -> int:
        return len(self.post)

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """The same as two arrays (i, j) of int64."""
        rows = np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))
        return rows, self.post.astype(np.int64)

    def within(self, first_pre: int, n_pre: int, first_post: int, n_post: int) -> RowPairs:
        """The same pairs, counted in groups of ``n_pre`` and ``n_post`` elements of which the connected ones begin at ``first_...``."""
        start, post = self.start, self.post
        if first_pre or len(start) != n_pre + 1:
            after = np.full(n_pre - first_pre - (len(start) - 1), start[-1], np.int64)
            start = np.concatenate([np.zeros(first_pre, np.int64), start, after])
        if first_post or post.dtype != narrowest(n_post):
            post = post.astype(narrowest(n_post))
            post += post.dtype.type(first_post)
        return RowPairs(start, post)


class Gathering:
    """Takes pairs in parts that ascend in their source, and keeps them in the narrowest type, in memory that grows in its place."""

    def __init__(self, n_pre: int, n_post: int):
        self._count = np.zeros(n_pre + 1, np.int64)
        self._post, self._n = np.empty(1 << 12, narrowest(n_post)), 0

    def add(self, pre: np.ndarray, post: np.ndarray) -> None:
        """More pairs, none of a source before those that came already."""
        if not len(pre):
            return
        first = int(pre[0])
        self.add_rows(first, np.bincount(pre - first), post)

    def add_rows(self, first: int, count: np.ndarray, post: np.ndarray) -> None:
        """The same, ``count`` pairs of each source from ``first`` on."""
        self._count[first + 1 : first + 1 + len(count)] += count
        stop = self._n + len(post)
        if stop > len(self._post):
            self._post.resize(stop + stop // 8, refcheck=False)
        self._post[self._n : stop] = post
        self._n = stop

    def rows(self) -> RowPairs:
        """All of them."""
        self._post.resize(self._n, refcheck=False)
        return RowPairs(np.cumsum(self._count), self._post)
