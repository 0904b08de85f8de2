"""Rows whose synapses lie in memory as the engine reads them (network/arrangement.py): no synapse has a number, and none is copied."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.kernel.ir import Kernel, Local, Require, expressions, walk
from eqsnn.network.arrangement import Arrangement, arrangement
from eqsnn.network.base import SimObject
from eqsnn.network.delays import SteppedDelays
from eqsnn.network.heap import MANY, give_back
from eqsnn.network.operations import NetworkOperation
from eqsnn.network.pathway import Pathway
from eqsnn.network.rowpairs import counts_of
from eqsnn.network.synapses import Synapses
from eqsnn.runtime.plan import RowBlock
from eqsnn.runtime.questions import root_of

if TYPE_CHECKING:
    from eqsnn.runtime.planner import Planner


def may_be_arranged(plan: Planner, o: Synapses) -> bool:
    """Whether in this run nothing but one pathway reads what belongs to the synapses, and that by source. Trials have their
    order in common, and move none."""
    own = o.model.variables
    simple = all(v.kind in ("parameter", "subexpression") and not v.linked and not v.held for v in own)
    one = len(o.pathways) == 1 and all(p.prepost == "pre" for p in o.pathways.values())
    alone = o not in plan.referred_to and plan.moves
    return (
        o.ends.made is None and simple and one and alone and o.multisynaptic_index is None and o.ends.rows is not None
    )


def referred_to(objects: Iterable[SimObject]) -> frozenset[Synapses]:
    """The synapses that other objects of a run read or write, or may."""
    objects = tuple(objects)
    found = set()
    for x in objects:
        found.update(root_of(getattr(x, side, None)) for side in ("source", "target", "group"))
        found.update(link.source for link in getattr(x, "links", {}).values())
    if any(
        isinstance(x, NetworkOperation) for x in objects
    ):  # which may set delays, or connect, in the middle of the run
        return frozenset(x for x in objects if isinstance(x, Synapses))
    return frozenset(x for x in found if isinstance(x, Synapses))


def _reads_them_in_turn(kernel: Kernel, o: Synapses) -> bool:
    """Whether a pathway's kernel reads of synapses only what is stored for each, and asks for the number of none."""
    stored = all(b.variable in o.arrays and b.owner == "self" for b in kernel.buffers if b.extent == "self")
    numbered = any(
        isinstance(e, Local) and e.name == "@s" for s in kernel.body for part in expressions(s) for e in walk(part)
    )
    return stored and not numbered and not any(isinstance(s, Require) for s in kernel.body)


def arranged_rows(
    plan: Planner,
    o: Synapses,
    kernel: Kernel,
    p: Pathway | None,
    by: str | None,
    n_blocks: int,
    uniform: bool,
    dt: float,
) -> tuple[RowBlock, ...] | None:
    """The rows of pathway ``p`` in ``n_blocks`` blocks of targets, the synapses arranged for them; None where rows are made another way, and
    the synapses lie in order of creation."""
    fits = (
        p is not None and kernel.rows == "pre" and (by == "post" or n_blocks == 1) and not (uniform and n_blocks == 1)
    )
    if not may_be_arranged(plan, o):  # another order, if any, is that of plan_layout.py
        return None
    if not fits or not _reads_them_in_turn(kernel, o):
        o.in_order()
        o.__dict__.pop("_arranged", None)
        return None
    now = (o.connectivity_version, n_blocks, uniform, dt)
    known = o.__dict__.get("_arranged")
    if known is not None and known[0] == (o.ends.version, *now):
        return known[1]
    o.in_order()
    held = None if uniform else p.held
    if isinstance(held, SteppedDelays):
        held.frozen = True
    bounds = None if n_blocks == 1 else block_bounds(o.ends.lying, len(root_of(o.target)), n_blocks)
    how = arrangement(o.ends.rows, o.ends.lying, held, dt, bounds)
    segments = _Segments(how)
    o.arrange(how, segments.see if held is not None else None)
    rows = segments.rows() if held is not None else _whole_rows(how)
    blocks = tuple(RowBlock(start, o.ends.lying, near, None, first, delay) for start, near, first, delay in rows)
    if len(o) > MANY:
        give_back()
    o.__dict__["_arranged"] = ((o.ends.version, *now), blocks)
    return blocks


def _whole_rows(how: Arrangement) -> list[tuple]:
    total = int(how.start[-1])
    ends = [*(b[0] for b in how.base[1:]), total]
    return [(np.append(base, end), None, None, None) for base, end in zip(how.base, ends)]


class _Segments:
    """Finds where the segments of each block begin, while the synapses are put in order."""

    def __init__(self, how: Arrangement):
        self.how = how
        self._parts: list[list[tuple]] = [[] for _ in range(how.n_blocks)]

    def see(self, lo: int, hi: int, key: np.ndarray) -> None:
        """The rows ``lo`` to ``hi``, whose synapses have these keys (``Arrangement.keys``) in their order."""
        how = self.how
        if not len(key):
            return
        head = np.ones(len(key), bool)
        head[1:] = key[1:] != key[:-1]
        heads = np.flatnonzero(head)
        group, delay = key[heads] >> 32, (key[heads] & 0xFFFFFFFF).astype(np.int32)
        if how.n_blocks == 1:
            self._parts[0].append((heads + how.start[lo], (group + lo).astype(np.int32), delay))
            return
        count = np.bincount(key >> 32, minlength=(hi - lo) * how.n_blocks)
        shift = how.base[:, lo:hi].T.ravel() - (np.cumsum(count) - count)
        place, row, block = heads + shift[group], group // how.n_blocks + lo, group % how.n_blocks
        for b in range(how.n_blocks):
            here = block == b
            self._parts[b].append((place[here], row[here].astype(np.int32), delay[here]))

    def rows(self) -> list[tuple]:
        """Of each block: where its segments begin, and end; their neurons; the segments of each neuron; their delays."""
        found = []
        ends = [*(int(b[0]) for b in self.how.base[1:]), int(self.how.start[-1])]
        for parts, end in zip(self._parts, ends):
            place, near, delay = (np.concatenate(c) for c in zip(*parts)) if parts else (np.empty(0, np.int32),) * 3
            parts.clear()
            first = np.searchsorted(near, np.arange(len(self.how.start))).astype(np.int64)
            found.append((np.append(place, end).astype(np.int64), near, first, delay))
        return found


def block_bounds(owner: np.ndarray, n: int, n_blocks: int) -> np.ndarray:
    """The first neuron of each block, and ``n``: blocks of about as many synapses."""
    up_to = np.cumsum(counts_of(owner, n))
    inner = np.searchsorted(up_to, np.arange(1, n_blocks) * len(owner) / n_blocks) + 1
    return np.concatenate([[0], inner, [n]])
