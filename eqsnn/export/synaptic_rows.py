"""The synapses of a pathway as rows that need no memory in a run.

The engine keeps segments of rows in queues that grow. An exported program has no such queue: with several delays, row ``r*D + d`` holds
the synapses of neuron r whose delay is the d-th, counted from the shortest, and what arrives in a step is found among the spikes of the
last steps, the earliest first. That is the order in which the engine's queues are filled, so sums have the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.export.memory import Field, Memory, Ref
from eqsnn.runtime.plan import Op, RowBlock

_MOST = 1 << 28
"""So many rows, of 4 bytes each, and the table of delays is larger than what anybody exports knowingly."""


@dataclass(eq=False)
class Rows:
    """``start``: where each row begins; ``far``: the neuron at the other end of each synapse; ``synapse``: where its variables lie, None
    if at the place that it has in the rows. ``shortest``, ``longest``: delays in steps where there are several, else None. ``pending``:
    of events that were on their way at the start, the rows, where those of each step begin, and the step (three fields), or None."""

    n: int
    start: Ref
    far: Ref
    synapse: Ref | None
    shortest: int | None = None
    longest: int | None = None
    pending: tuple[Field, Field, Field] | None = None

    @property
    def delays(self) -> int:
        """How many rows a neuron has."""
        return self.longest - self.shortest + 1


def rows_of(memory: Memory, op: Op) -> Rows:
    """The rows of a pathway with one block. Raises EqsnnError."""
    block, o, label = op.rows[0], op.owner, op.label.removeprefix("pathway ")
    if op.queues:
        return _with_delays(memory, op, block)
    key = ("start", block.start.__array_interface__["data"][0], len(block.start))
    about = "where the synapses of each neuron begin"
    start = memory.once(key, o, f"{label}_first", lambda: narrow(block.start), about)
    return Rows(len(block.start) - 1, Ref(start), _far(memory, op, block.far), _synapse(memory, op, block.synapse))


def narrow(array: np.ndarray) -> np.ndarray:
    """Numbers of 32 bits, if they fit."""
    return array.astype(np.int32) if not len(array) or array.max() < 1 << 31 else array


def _far(memory: Memory, op: Op, far: np.ndarray) -> Ref:
    return memory.ref(far, op.owner, f"{'target' if op.kernel.rows == 'pre' else 'source'}")


def _synapse(memory: Memory, op: Op, synapse: np.ndarray | None) -> Ref | None:
    if synapse is None:
        return None
    key = ("synapse", synapse.__array_interface__["data"][0], len(synapse))
    return Ref(
        memory.once(key, op.owner, "synapse", lambda: narrow(synapse), "where the variables of each synapse lie")
    )


def _with_delays(memory: Memory, op: Op, block: RowBlock) -> Rows:
    o, label = op.owner, op.label.removeprefix("pathway ")
    shortest, longest = int(block.delay.min(initial=1 << 30)), int(block.delay.max(initial=0))
    shortest = min(shortest, longest)
    width, n = longest - shortest + 1, len(block.first) - 1
    if n * width > _MOST:
        raise EqsnnError(
            f"export(): the delays of '{o.name}' have {width} different lengths in steps, from {shortest} to {longest}, for "
            f"each of {n} neurons; a table of "
            f"them has {n * width} entries, and a program takes at most {_MOST}: use a longer time step, or delays that differ less"
        )
    row = block.near.astype(np.int64) * width + (block.delay - shortest)
    sizes = np.diff(block.start)
    far, synapse = block.far, block.synapse
    first = int(block.start[0])
    if np.any(row[1:] < row[:-1]):
        order = np.argsort(row, kind="stable")
        places = np.concatenate([np.arange(block.start[k], block.start[k + 1]) for k in order])
        far, synapse = far[places], places if synapse is None else synapse[places]
        first = 0
    counts = np.zeros(n * width + 1, np.int64)
    np.add.at(counts, row + 1, sizes)
    start = first + np.cumsum(counts)
    about = f"where the synapses of each neuron with each delay begin: {width} delays, from {shortest} steps on"
    found = Rows(
        n * width,
        Ref(memory.add(o, f"{label}_first", narrow(start), about, written=False)),
        _far(memory, op, far),
        _synapse(memory, op, synapse),
        shortest,
        longest,
    )
    found.pending = _pending(memory, op, row)
    return found


def _pending(memory: Memory, op: Op, row: np.ndarray) -> tuple[Field, Field, Field] | None:
    """What was on its way when the network was exported: it is delivered from a list of its own, and the spikes of these steps, which lie
    in the ring as well, are not delivered from there."""
    queue, o, label = op.queues[0], op.owner, op.label.removeprefix("pathway ")
    waiting = [row[queue.read(ahead)] for ahead in range(queue.depth)]
    if op.source.step < 0:
        return None
    ends = np.cumsum([0, *(len(w) for w in waiting)])
    rows = np.concatenate(waiting) if ends[-1] else np.zeros(1, np.int64)
    return (
        memory.add(o, f"{label}_pending", narrow(rows), "rows that were on their way at the start", written=False),
        memory.add(
            o, f"{label}_pending_first", narrow(ends), "where those for each of the first steps begin", written=False
        ),
        memory.number(o, f"{label}_step", 0, "how many steps of this pathway are over"),
    )
