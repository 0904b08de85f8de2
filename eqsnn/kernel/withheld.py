"""Pathways whose guard can be asked once a neuron instead of once a synapse.

Where many spikes arrive in a step, looking up at each synapse whether its target is refractory takes longer than what happens there (measured:
1.8 ns a synapse against 0.7). So the kernel then remembers what the targets hold, lets everything arrive, and puts back what the guard keeps
from changing. The result has the same bits, which is what the conditions here are for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eqsnn.kernel.ir import Expr, Kernel, Let, Load, Local, Store, expressions, walk


@dataclass(frozen=True)
class Withheld:
    """The ``guard`` of all stores, the statements that lead to it, and the ``buffers`` of the targets that are written."""

    guard: Expr
    leading: tuple[Let, ...]
    buffers: tuple[str, ...]


def withheld(kernel: Kernel) -> Withheld | None:
    """What can be put back after a pathway; None if its effects are not all under one guard that only the written neuron decides."""
    far = "post" if kernel.rows == "pre" else "pre"
    stores = [s for s in kernel.body if isinstance(s, Store)]
    lets = [s for s in kernel.body if isinstance(s, Let)]
    if kernel.domain != "pathway" or kernel.one_by_one or kernel.externs or len(stores) + len(lets) < len(kernel.body):
        return None
    guards = {s.guard for s in stores}
    if len(guards) != 1 or None in guards:
        return None
    buffers = {b.name: b for b in kernel.buffers}
    written = {s.buffer for s in stores}
    names = [b.variable for b in kernel.buffers]
    if any(buffers[b].extent != far or names.count(buffers[b].variable) > 1 for b in written):
        return None  # also where source and target may be the same memory
    guard = guards.pop()
    first = leading([guard], lets)
    read = {e.buffer for x in (guard, *(s.expr for s in first)) for e in walk(x) if isinstance(e, Load)}
    within = all(buffers[b].extent in (far, "shared") and b not in written for b in read)
    near = {f"@{kernel.rows}", "@s"}
    used = {e.name for x in (guard, *(s.expr for s in first)) for e in walk(x) if isinstance(e, Local)}
    loads = {e.buffer for s in kernel.body for x in expressions(s) for e in walk(x) if isinstance(e, Load)}
    if not within or used & near or loads & written:
        return None
    return Withheld(guard, first, tuple(b.name for b in kernel.buffers if b.name in written))


def leading(needed: Sequence[Expr], lets: Sequence[Let]) -> tuple[Let, ...]:
    """Those of the statements that these expressions need, in their order."""
    wanted = {e.name for part in needed for e in walk(part) if isinstance(e, Local)}
    found: list[Let] = []
    for s in reversed(lets):
        if s.name in wanted:
            wanted |= {e.name for e in walk(s.expr) if isinstance(e, Local)}
            found.insert(0, s)
    return tuple(found)
