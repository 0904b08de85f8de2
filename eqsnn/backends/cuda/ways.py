"""How the synapses of a pathway are done at once on a device where nobody waits for another.

A kernel is classified by what it writes. Only synapses: each is free. The same number at every synapse: arrivals are counted, by integers, whose
sum has no order, and applied once a neuron. Sums at the neurons: atomics, in whatever order they come, or, where the result must not depend on
that, the arrivals are sorted by neuron and each neuron goes through its own in their order. What is assigned there, and not added, has an order
in any case. What writes both ends, or reads at one what it writes at the other, is done in turn by one thread, as the order says.
"""

from __future__ import annotations

from typing import Literal

from eqsnn.kernel.counted import counted
from eqsnn.kernel.ir import Chance, Drawn, Emit, Kernel, Load, Store, expressions, walk

Way = Literal[
    "elements", "emitting", "chance", "events", "free", "counted", "atomic", "gather far", "gather near", "serial"
]
_ATOMIC = ("f64", "f32", "i64", "i32")


def way_of(kernel: Kernel, deterministic: bool = False, one_memory: bool = False) -> Way:
    """How a kernel is done. ``one_memory``: what it writes at one end of the synapses is bound under another name, too."""
    if kernel.domain == "event":
        return "events"
    if kernel.domain == "neuron":
        last = kernel.body[-1] if kernel.body else None
        return "chance" if isinstance(last, Chance) else "emitting" if isinstance(last, Emit) else "elements"
    far, near = ("post", "pre") if kernel.rows == "pre" else ("pre", "post")
    written = {b.name: b.extent for b in kernel.buffers if b.writable}
    ends = set(written.values()) & {"pre", "post"}
    if kernel.ordered or "shared" in written.values() or (ends and one_memory):
        return "serial"
    if not ends:
        return "free"
    if counted(kernel) is not None:
        return "counted"
    if not deterministic and _only_adds(kernel, {n for n, extent in written.items() if extent in ends}):
        return "atomic"
    return "gather far" if ends == {far} else "gather near" if ends == {near} else "serial"


def _only_adds(kernel: Kernel, at_ends: set[str]) -> bool:
    """Whether nothing that is written at the neurons is assigned or read, so that it does not matter who comes first."""
    types = {b.name: b.type for b in kernel.buffers}
    stores = [s for s in kernel.body if isinstance(s, Store) and s.buffer in at_ends]
    read = {e.buffer for s in kernel.body for x in expressions(s) for e in walk(x) if isinstance(e, (Load, Drawn))}
    return all(s.add and types[s.buffer] in _ATOMIC for s in stores) and not read & at_ends


def added_at_ends(kernel: Kernel) -> frozenset[str]:
    """The buffers of the neurons to which synapses add."""
    return frozenset(b.name for b in kernel.buffers if b.writable and b.extent in ("pre", "post"))
