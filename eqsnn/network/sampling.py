"""Random choices for many rows at once. Each is keyed by its row, so that nothing depends on the chunks in which rows are treated.

``rows`` are the numbers by which the rows draw; a choice is returned as (row, position) pairs, ascending in both.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eqsnn.kernel import functions
from eqsnn.network.hostrun import uniform

CHUNK = 1 << 22
"""About how many candidates are held in memory at a time."""

Pairs = tuple[np.ndarray, np.ndarray]


def bernoulli(key: int, rows: np.ndarray, lengths: np.ndarray, p: np.ndarray) -> Pairs:
    """Each of the positions 0 .. ``lengths`` - 1 with probability ``p`` (both one a row), by the geometric gaps between those that are taken.

    The work is proportional to what is taken, not to what could be.
    """
    found: list[Pairs] = []
    mean = lengths * p
    draws = (mean + 6 * np.sqrt(mean + 1)).astype(np.int64) + 8
    for part in _chunks(np.arange(len(rows)), draws):
        found.append(_by_gaps(key, rows[part], lengths[part, None], p[part, None], int(draws[part].max())))
    return _joined(found)


def _by_gaps(key: int, rows: np.ndarray, lengths: np.ndarray, p: np.ndarray, draws: int) -> Pairs:
    at = np.full((len(rows), 1), -1, np.int64)
    first, blocks = 0, []
    sure, never = p >= 1, p <= 0
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 1 / functions.log1p(-np.where(sure | never, 0.5, p))
    while np.any(at < lengths - 1) or not blocks:
        u = _uniform(key, rows, first, draws)
        gaps = np.minimum(np.floor(functions.log1p(-u) * scale), 2.0**40).astype(np.int64)
        gaps = np.where(sure, 0, np.where(never, 1 << 40, gaps))
        blocks.append(np.minimum(at + np.cumsum(gaps + 1, axis=1), 1 << 41))
        at = blocks[-1][:, -1:]
        first += draws
    positions = np.concatenate(blocks, axis=1)
    row, column = np.nonzero(positions < lengths)
    return rows[row], positions[row, column]


def distinct(key: int, rows: np.ndarray, lengths: np.ndarray, size: np.ndarray) -> Pairs:
    """``size`` different ones of the positions 0 .. ``lengths`` - 1 in each row, every set of that size equally likely."""
    few = 2 * size <= lengths
    some, most = np.flatnonzero(few & (size > 0)), np.flatnonzero(~few)
    found = [_first_different(key, rows[p], lengths[p], size[p]) for p in _chunks(some, size + 8)]
    found += [_smallest(key, rows[p], lengths[p], size[p]) for p in _chunks(most, lengths)]
    row, position = _joined(found)
    if not (len(some) and len(most)):
        return row, position
    order = np.argsort(row, kind="stable")
    return row[order], position[order]


def _first_different(key: int, rows: np.ndarray, lengths: np.ndarray, size: np.ndarray) -> Pairs:
    """The first ``size`` different values of a sequence of independent draws."""
    expected = (lengths * np.log(lengths / (lengths - size))).max()
    draws = int(expected + 6 * np.sqrt((size**2 / lengths).max() + 1)) + 4
    while True:
        drawn = (_uniform(key, rows, 0, draws) * lengths[:, None]).astype(np.int64)
        # Sorted by value, then by draw: both in one number, which sorts faster than by an index.
        both = np.sort(drawn * draws + np.arange(draws), axis=1)
        value, draw = np.divmod(both, draws)
        new = np.ones(value.shape, bool)
        new[:, 1:] = value[:, 1:] != value[:, :-1]
        first = np.zeros(value.shape, bool)
        np.put_along_axis(first, draw, new, axis=1)
        rank = np.cumsum(first, axis=1)
        if np.all(rank[:, -1] >= size):
            row, column = np.nonzero(new & (np.take_along_axis(rank, draw, axis=1) <= size[:, None]))
            return rows[row], value[row, column]
        draws *= 2


def _smallest(key: int, rows: np.ndarray, lengths: np.ndarray, size: np.ndarray) -> Pairs:
    """Give every position a random number and take those with the smallest."""
    most = int(lengths.max(initial=0))
    u = _uniform(key, rows, 0, most) if most else np.empty((len(rows), 0))
    order = np.argsort(np.where(np.arange(most) < lengths[:, None], u, 2.0), axis=1, kind="stable")
    taken = np.zeros(u.shape, bool)
    np.put_along_axis(taken, order, np.broadcast_to(np.arange(most), u.shape) < size[:, None], axis=1)
    row, column = np.nonzero(taken)
    return rows[row], column


def repeated(key: int, rows: np.ndarray, lengths: np.ndarray, size: np.ndarray) -> Pairs:
    """``size`` independent draws from the positions 0 .. ``lengths`` - 1 in each row."""
    found = []
    for part in _chunks(np.flatnonzero(size > 0), size):
        u = _uniform(key, rows[part], 0, int(size[part].max()))
        row, column = np.nonzero(np.arange(u.shape[1]) < size[part, None])
        found.append((rows[part][row], (u[row, column] * lengths[part][row]).astype(np.int64)))
    row, position = _joined(found)
    order = np.lexsort((position, row))
    return row[order], position[order]


def _uniform(key: int, rows: np.ndarray, first: int, n: int) -> np.ndarray:
    """``n`` numbers in [0, 1) a row, from draw ``first`` on."""
    k = np.arange(first, first + n, dtype=np.uint64)
    return uniform(key, np.repeat(rows.astype(np.uint64), n), np.tile(k, len(rows))).reshape(len(rows), n)


def _chunks(index: np.ndarray, weight: np.ndarray) -> Iterator[np.ndarray]:
    """``index`` in parts in which the largest weight times the number of rows is at most about ``CHUNK``."""
    start = 0
    while start < len(index):
        reach = np.maximum.accumulate(weight[index[start:]]) * np.arange(1, len(index) - start + 1)
        stop = start + max(1, int(np.searchsorted(reach, CHUNK, side="right")))
        yield index[start:stop]
        start = stop


def _joined(found: list[Pairs]) -> Pairs:
    empty = np.empty(0, np.int64)
    return tuple(np.concatenate([x[k] for x in found] or [empty]).astype(np.int64) for k in (0, 1))
