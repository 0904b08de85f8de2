"""Pathways that add the same number at every synapse: what arrives at a neuron can be counted first and multiplied once.

Where many spikes arrive in a step, most of the time goes into reading and writing floats at scattered places. Counts of 16 bits stay in the first
cache, and where a tenth of all pairs is connected they can be counted in bit matrices (``runtime/counting.py``). ``w*n`` rounds once where n
additions round n times, so whether to count follows from the connectivity and the number of spikes alone, in every backend alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from eqsnn.kernel.ir import Binary, Cast, Drawn, Expr, Extern, Kernel, Let, Load, Local, Store, expressions, walk
from eqsnn.kernel.withheld import leading

ARRIVALS = Local("@n", "i64")
"""How many synapses have brought something to the neuron in this step."""


@dataclass(frozen=True)
class Counted:
    """What a neuron gets: the statements that lead to guards and values, and the stores, whose values are those of ``ARRIVALS`` synapses."""

    leading: tuple[Let, ...]
    stores: tuple[Store, ...]


def counted(kernel: Kernel) -> Counted | None:
    """How the arrivals of ``kernel`` are applied once they are counted; None if its synapses do not all add the same."""
    far = "post" if kernel.rows == "pre" else "pre"
    stores = [s for s in kernel.body if isinstance(s, Store)]
    lets = [s for s in kernel.body if isinstance(s, Let)]
    if kernel.domain != "pathway" or kernel.whole or kernel.one_by_one or kernel.externs:
        return None
    if not stores or len(stores) + len(lets) < len(kernel.body):
        return None
    buffers = {b.name: b for b in kernel.buffers}
    written = [s.buffer for s in stores]
    names = [b.variable for b in kernel.buffers]
    if len(set(written)) < len(written):
        return None
    if any(
        buffers[b].extent != far or names.count(buffers[b].variable) > 1 or not _adds(buffers[b], s)
        for b, s in zip(written, stores)
    ):
        return None
    guards, values = [s.guard for s in stores if s.guard is not None], [s.expr for s in stores]
    if not all(_within(e, lets, buffers, {"shared"}, kernel.scalars) for e in values):
        return None
    if not all(_within(e, lets, buffers, {far, "shared"}, kernel.scalars, frozenset(written)) for e in guards):
        return None
    if any(e.buffer in written for s in kernel.body for x in expressions(s) for e in walk(x) if isinstance(e, Load)):
        return None
    many = tuple(replace(s, expr=Binary("*", s.expr, Cast(ARRIVALS, s.expr.type), s.expr.type)) for s in stores)
    return Counted(leading([*values, *guards], lets), many)


def _adds(buffer, store: Store) -> bool:
    return store.add and buffer.type in ("f64", "f32") and store.expr.type == buffer.type


def _within(
    expr: Expr, lets: list[Let], buffers, extents: set[str], scalars, barred: frozenset[str] = frozenset()
) -> bool:
    """Whether an expression reads nothing but scalars and unwritten buffers of these extents, itself and what leads to it."""
    allowed = {s.name for s in scalars if s.owner != "random"} | {s.name for s in lets}
    for part in (expr, *(s.expr for s in leading([expr], lets))):
        for e in walk(part):
            if isinstance(e, Local) and e.name not in allowed:
                return False
            if isinstance(e, Load) and (
                e.index is not None or buffers[e.buffer].extent not in extents or e.buffer in barred
            ):
                return False
            if isinstance(e, (Drawn, Extern)):
                return False
    return True
