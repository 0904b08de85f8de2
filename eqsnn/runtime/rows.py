"""Synapses as compressed rows: for each neuron of one side, which synapses leave it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eqsnn.network.rowpairs import ascending, counts_of, narrowest
from eqsnn.runtime.arranged_rows import block_bounds
from eqsnn.runtime.plan import RowBlock

_AT_ONCE = 1 << 18


def row_blocks(
    near: np.ndarray,
    far: np.ndarray,
    n_near: int,
    n_far: int,
    n_blocks: int,
    side: str | None,
    far_type: type,
    delays: np.ndarray | None,
    numbered: bool = True,
    position: np.ndarray | None = None,
) -> tuple[RowBlock, ...]:
    """Blocks of rows. ``near``/``far``: the neurons of each synapse; ``side`` ('near' or 'far'): whose neurons are shared out over the blocks,
    each with about as many synapses.

    ``numbered``: the blocks know the number of each synapse, which a kernel without variables of the synapse does not need. Within a row,
    synapses keep their order of creation. ``delays`` (steps, one a synapse) splits each row into segments of one delay. ``position``: where the
    variables of each synapse lie, if not in their order of creation.
    """
    blocks = _blocks(near, far, n_near, n_far, n_blocks, side, far_type, delays, numbered)
    if position is not None and numbered:
        blocks = tuple(replace(b, synapse=_places(b.synapse, position)) for b in blocks)
    return blocks


def _places(synapse: np.ndarray | None, position: np.ndarray) -> np.ndarray | None:
    """Where the variables of the synapses of a block lie: None if one after the other."""
    n = len(position) if synapse is None else len(synapse)
    for lo in range(0, n, _AT_ONCE):
        hi = min(lo + _AT_ONCE, n)
        here = position[lo:hi] if synapse is None else position[synapse[lo:hi]]
        if not np.array_equal(here, np.arange(lo, hi)):
            return position if synapse is None else position[synapse]
    return None


def _blocks(near, far, n_near, n_far, n_blocks, side, far_type, delays, numbered) -> tuple[RowBlock, ...]:
    if n_blocks == 1 or side is None:
        return (_block(near, far, None, n_near, far_type, delays, numbered),)
    owner, n = (near, n_near) if side == "near" else (far, n_far)
    bounds = block_bounds(owner, n, n_blocks)
    block_of = np.repeat(np.arange(n_blocks, dtype=narrowest(n_blocks)), np.diff(bounds))[owner]
    order, cuts = ascending(block_of, n_blocks)
    del block_of
    blocks = []
    for b in range(n_blocks):
        chosen = order[cuts[b] : cuts[b + 1]]
        part = None if delays is None else delays[chosen]
        blocks.append(_block(near[chosen], far[chosen], chosen, n_near, far_type, part, numbered))
    return tuple(blocks)


def _block(near, far, synapse, n_near: int, far_type: type, delays, numbered: bool) -> RowBlock:
    if delays is not None:
        return _segments(near, far, synapse, n_near, far_type, delays, numbered)
    if np.any(near[1:] < near[:-1]):
        order, start = ascending(near, n_near)
        far = far[order]
        synapse = order if synapse is None else synapse[order] if numbered else None
    else:
        start = np.zeros(n_near + 1, np.int64)
        np.cumsum(counts_of(near, n_near), out=start[1:])
    return RowBlock(start, np.ascontiguousarray(far, far_type), None, _numbers(synapse, numbered))


def _numbers(synapse: np.ndarray | None, numbered: bool) -> np.ndarray | None:
    return np.ascontiguousarray(synapse) if synapse is not None and numbered else None


def _segments(near, far, synapse, n_near: int, far_type: type, delays, numbered: bool) -> RowBlock:
    by_delay = ascending(delays, int(delays.max(initial=0)) + 1)[0]
    order = by_delay[ascending(near[by_delay], n_near)[0]]
    del by_delay
    if np.all(order[1:] == order[:-1] + 1):
        chosen = synapse
    else:
        chosen = order if synapse is None else synapse[order]
    near, far, delays = near[order], far[order], delays[order]
    new = np.ones(len(near), bool)
    new[1:] = (np.diff(near) != 0) | (np.diff(delays) != 0)
    heads = np.flatnonzero(new)
    start = np.append(heads, len(near)).astype(np.int64)
    first = np.searchsorted(near[heads], np.arange(n_near + 1)).astype(np.int64)
    return RowBlock(
        start,
        np.ascontiguousarray(far, far_type),
        np.ascontiguousarray(near[heads], np.int32),
        _numbers(chosen, numbered),
        first,
        np.ascontiguousarray(delays[heads], np.int32),
    )
