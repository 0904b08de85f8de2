"""Events on their way from a source to a synapse, between two runs.

Within a run a pathway with one delay reads the ring of its source's past events; one with several delays has a queue of row segments
for each block of its rows. If nothing changed since the last run, the next one goes on with them. If synapses, delays, dt or the engine
have changed, an event that was on its way still arrives when it would have, at the synapses at which it would have: the rows are then cut
so finely that each segment has one delay now and belonged to one ``group`` (the segments of the last run) before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from eqsnn.network.clock import exact_seconds
from eqsnn.network.delays import Held, SteppedDelays, steps_in_part
from eqsnn.runtime.plan import Queue, RowBlock, Spikes


class Steps:
    """Delays as they were when this was made, in steps of ``dt`` seconds, rounded. ``one``: that of all where they are equal, else None."""

    def __init__(self, held: Held, dt: float):
        if isinstance(held, SteppedDelays):
            held.frozen = True
        self.held, self.dt = held, dt
        lowest, self.longest = self._range()
        self.one = self.longest if lowest == self.longest else None

    def _range(self) -> tuple[int, int]:
        if isinstance(self.held, SteppedDelays):
            ends = np.array([self.held.parts.min(), self.held.parts.max()], self.held.parts.dtype)
            steps = SteppedDelays(ends, self.held.dt, self.held.fineness).steps(self.dt, slice(None))
        else:
            ends = (
                np.array([self.held.min(initial=np.inf), self.held.max(initial=0.0)]) if self.held.size else np.zeros(2)
            )
            steps = steps_in_part(ends, self.dt, slice(None))
        return int(steps[0]), int(steps[1])

    def each(self) -> np.ndarray:
        """One for all, or one a synapse, int32."""
        if self.one is not None:
            return np.array([self.one], np.int32)
        return steps_in_part(self.held, self.dt, slice(None)).astype(np.int32, copy=False)


@dataclass(frozen=True)
class Pending:
    """Events on their way: each stands for the synapses of the neuron ``near`` in ``group``, and arrives in ``ahead`` steps of ``dt``.

    One array entry an event and block of rows, in order of delivery; ``of``: the group of each synapse that existed then.
    """

    block: np.ndarray
    ahead: np.ndarray
    near: np.ndarray
    group: np.ndarray
    of: np.ndarray
    dt: float
    n_blocks: int

    def __len__(self) -> int:
        return len(self.near)


def nothing_pending() -> Pending:
    """No events, and no synapse that has a group."""
    none = np.empty(0, np.int64)
    return Pending(none, none, none, none, none, 1.0, 1)


def ring_is_quiet(ring: Spikes, steps: int, first: int, last: int) -> bool:
    """Whether no neuron from ``first`` to ``last`` emitted an event in the last ``steps`` steps."""
    events = [ring.read(back) for back in range(min(steps, ring.depth))]
    return not any(np.any((e >= first) & (e < last)) for e in events)


@dataclass
class Flight:
    """How a pathway carried its events in its last run: by ``queues`` over ``rows``, or, without them, by the ``ring`` of its source.

    ``steps``: the delays. ``group``: of each segment of each block; ``of``: of each synapse.
    """

    signature: tuple
    n: int
    steps: Steps
    dt: float
    ring: Spikes
    first: int
    last: int
    rows: tuple[RowBlock, ...]
    queues: tuple[Queue, ...] = ()
    group: tuple[np.ndarray, ...] = ()
    of: np.ndarray | None = None
    began: int = 0  # the step of the ring when the queues were made
    laid: int = 0  # the order of the synapses for which the rows of the queues were made (Ends.version)

    def pending(self) -> Pending:
        """What is on its way now."""
        parts = list(self._queued() if self.queues else self._in_ring())
        columns = [np.concatenate(c) if parts else np.empty(0, np.int64) for c in (zip(*parts) if parts else [()] * 4)]
        of = np.broadcast_to(self.steps.each(), self.n) if self.of is None else self.of
        return Pending(*columns, of, self.dt, max(len(self.queues), 1))

    def _in_ring(self):
        delay = self.steps.one
        for back in reversed(range(delay)):
            events = self.ring.read(back)
            events = events[(events >= self.first) & (events < self.last)]
            if len(events):
                yield tuple(np.broadcast_to(x, len(events)) for x in (0, delay - 1 - back, events, delay))

    def _queued(self):
        for b, (queue, block, group) in enumerate(zip(self.queues, self.rows, self.group)):
            for ahead in range(queue.depth):
                segments = queue.read(ahead)
                if len(segments):
                    near, which = block.near[segments], group[segments]
                    yield tuple(np.broadcast_to(x, len(segments)) for x in (b, ahead, near, which))


def cut_by_group(steps: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A number for each pair of delay and group, ascending in delay, one a synapse; and the pairs."""
    pairs, number = np.unique(np.stack([steps, group], axis=1), axis=0, return_inverse=True)
    return number.reshape(-1).astype(np.int32), pairs


def with_delays(blocks: Sequence[RowBlock], pairs: np.ndarray) -> tuple[tuple[RowBlock, ...], tuple[np.ndarray, ...]]:
    """Blocks whose segments were cut by those numbers, with the delays that they stand for; and the group of each segment."""
    delays = tuple(np.ascontiguousarray(pairs[b.delay, 0], np.int32) for b in blocks)
    groups = tuple(np.ascontiguousarray(pairs[b.delay, 1], np.int32) for b in blocks)
    return tuple(replace(b, delay=d) for b, d in zip(blocks, delays)), groups


def steps_ahead(pending: Pending, dt: float) -> np.ndarray:
    """In how many steps of a new dt the events arrive, rounded."""
    ratio = exact_seconds(pending.dt) / exact_seconds(dt)
    return np.array([int(Fraction(int(a)) * ratio + Fraction(1, 2)) for a in pending.ahead], np.int64)


def deliver(
    pending: Pending, ahead: np.ndarray, rows: Sequence[RowBlock], groups: Sequence[np.ndarray], queues
) -> None:
    """Put the events on their way into new queues, in their order, whatever blocks there were and are."""
    if not len(pending):
        return
    key = pending.near.astype(np.int64) << 32 | pending.group.astype(np.int64)
    places = [
        np.argsort(b.near.astype(np.int64) << 32 | g.astype(np.int64), kind="stable") for b, g in zip(rows, groups)
    ]
    known = [(b.near.astype(np.int64) << 32 | g.astype(np.int64))[o] for b, g, o in zip(rows, groups, places)]
    for old in np.unique(pending.ahead):
        now = pending.ahead == old
        when = int(ahead[np.flatnonzero(now)[0]])
        events = np.empty((0, 2), np.int64)
        for block in range(pending.n_blocks):
            events = _merged(events, _counted(key[now & (pending.block == block)]))
        for there, order, queue in zip(known, places, queues):
            lo, hi = (np.searchsorted(there, events[:, 0], side) for side in ("left", "right"))
            here = [order[a:z] for a, z in zip(lo, hi) if a < z]
            if here:
                queue.put(when, np.concatenate(here).astype(np.int32))


def _counted(key: np.ndarray) -> np.ndarray:
    """Events of one block that arrive together, in their order: key, and how many of the same key came before."""
    order = np.argsort(key, kind="stable")
    new = np.ones(len(key), bool)
    new[1:] = key[order][1:] != key[order][:-1]
    place = np.arange(len(key))
    before = np.empty(len(key), np.int64)
    before[order] = place - np.maximum.accumulate(np.where(new, place, 0))
    return np.stack([key, before], axis=1)


def _merged(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The events of two blocks in an order that agrees with both: two events of which no block has both meet at no neuron."""
    both, which = np.unique(np.concatenate([a, b]), axis=0, return_inverse=True)
    which = which.reshape(-1)
    place = np.full(len(both), -1, np.int64)
    place[which[: len(a)]] = np.arange(len(a))
    in_a = place[which[len(a) :]]
    new = in_a < 0
    after = np.maximum.accumulate(in_a) if len(b) else in_a
    rank = np.concatenate([np.arange(len(a)), after[new]]), np.concatenate([np.full(len(a), -1), np.flatnonzero(new)])
    return np.concatenate([a, b[new]])[np.lexsort(rank[::-1])]
