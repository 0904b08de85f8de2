"""What the operations of a step did on the device, for profiles: read from its memory after the step, as the compiled engine counts it."""

from __future__ import annotations

import numpy as np

from eqsnn.runtime.cuda_plan import Placed
from eqsnn.runtime.cuda_tables import Queues
from eqsnn.runtime.plan import Op


def tally(placed: Placed, queues: Queues) -> None:
    """Add what one operation has just done. The host has its own copy of the operations and of the rings as they are now."""
    op, words = placed.op, placed.words
    if not words[placed.k, "due"]:
        return
    op.work.add(1)
    if op.kind == "map":
        op.work.add(0, 0 if op.emits is None else len(op.emits.read(0)), op.n)
    elif op.kind == "pathway":
        _tally_pathway(placed, queues)
    elif op.kind in ("record_state", "clear"):
        op.work.add(0, 0, op.n)
    elif op.kind in ("events", "record_events", "record_values", "count_events"):
        events = op.index if op.source is None else _events(op)
        op.work.add(0, 0 if op.source is None else len(events), len(events))


def _events(op: Op) -> np.ndarray:
    events = op.source.read(op.delay)
    return events[(events >= op.first) & (events < op.last)]


def _tally_pathway(placed: Placed, queues: Queues) -> None:
    op, (block,) = placed.op, placed.op.rows
    rows = (
        queues.delivered(placed) if op.queues else np.arange(len(block.start) - 1) if op.source is None else _events(op)
    )
    synapses, many = int(np.sum(block.start[rows + 1] - block.start[rows])), bool(op.many) and len(rows) >= op.many
    op.work.add(0, len(rows), synapses, many * synapses, int(many))
