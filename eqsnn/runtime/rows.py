"""Synapses as compressed rows: for each neuron of one side, which synapses leave it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eqsnn.network.heap import MANY, give_back
from eqsnn.runtime.arranged_rows import block_bounds
from eqsnn.runtime.plan import RowBlock


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
    if position is None or not numbered:
        return blocks
    return tuple(replace(b, synapse=_places(b.synapse, position)) for b in blocks)


def _places(synapse: np.ndarray | None, position: np.ndarray) -> np.ndarray | None:
    """Where the variables of the synapses of a block lie: None if one after the other."""
    places = position if synapse is None else position[synapse]
    return None if np.array_equal(places, np.arange(len(places))) else places


def _blocks(near, far, n_near, n_far, n_blocks, side, far_type, delays, numbered) -> tuple[RowBlock, ...]:
    if n_blocks == 1 or side is None:
        return (_block(near, far, None, n_near, far_type, delays, numbered),)
    owner, n = (near, n_near) if side == "near" else (far, n_far)
    bounds = block_bounds(owner, n, n_blocks)
    block_of = np.searchsorted(bounds, owner, side="right") - 1
    order = np.argsort(block_of, kind="stable")
    cuts = np.searchsorted(block_of[order], np.arange(n_blocks + 1))
    blocks = []
    for b in range(n_blocks):
        chosen = order[cuts[b] : cuts[b + 1]]
        part = None if delays is None else delays[chosen]
        blocks.append(_block(near[chosen], far[chosen], chosen, n_near, far_type, part, numbered))
    if len(near) > MANY:
        give_back()
    return tuple(blocks)


def _block(near, far, synapse, n_near: int, far_type: type, delays, numbered: bool) -> RowBlock:
    if delays is not None:
        return _segments(near, far, synapse, n_near, far_type, delays, numbered)
    if np.any(near[1:] < near[:-1]):
        order = np.argsort(near, kind="stable")
        near, far = near[order], far[order]
        synapse = order if synapse is None else synapse[order]
    start = np.zeros(n_near + 1, np.int64)
    np.cumsum(np.bincount(near, minlength=n_near), out=start[1:])
    known = np.ascontiguousarray(synapse, np.int64) if synapse is not None and numbered else None
    return RowBlock(start, np.ascontiguousarray(far, far_type), None, known)


def _segments(near, far, synapse, n_near: int, far_type: type, delays, numbered: bool) -> RowBlock:
    order = np.lexsort((delays, near))
    if np.all(order == np.arange(len(order))):
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
        np.ascontiguousarray(chosen, np.int64) if chosen is not None and numbered else None,
        first,
        np.ascontiguousarray(delays[heads], np.int32),
    )
