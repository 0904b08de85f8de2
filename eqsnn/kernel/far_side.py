"""Values of a pathway that depend on the neuron at the far end alone: they can be computed once a neuron instead of once a synapse.

A spike of a target that brings a thousand traces of its sources up to date needs a thousand exponentials; ten such spikes in a step need no
more. So what is dear about the far neurons is computed first, into memory: in one vector pass over all of them where more synapses are reached
than there are neurons, else for the neurons that are reached. The values have the same bits either way, and as if each synapse computed them.
"""

from __future__ import annotations

from dataclasses import dataclass

from eqsnn.kernel.counted import counted
from eqsnn.kernel.ir import Call, Drawn, Kernel, Let, Load, Local, expressions, walk
from eqsnn.kernel.withheld import leading, withheld

_CHEAP = {"abs", "ceil", "clip", "floor", "sign", "sqrt"}


@dataclass(frozen=True)
class FarSide:
    """The statements that make the values, in their order, and the ``values`` that the rest of the kernel uses."""

    leading: tuple[Let, ...]
    values: tuple[Let, ...]


def far_side(kernel: Kernel) -> FarSide | None:
    """What can be computed once for each neuron at the far end; None if nothing is dear enough."""
    if kernel.domain != "pathway" or kernel.externs or withheld(kernel) is not None or counted(kernel) is not None:
        return None
    far = "post" if kernel.rows == "pre" else "pre"
    found = same_for(kernel, far)
    alike = same_for(kernel, None)
    dear = any(isinstance(e, Call) and e.function not in _CHEAP for s in found if s not in alike for e in walk(s.expr))
    if not dear:
        return None
    rest = [s for s in kernel.body if s not in found]
    used = {e.name for s in rest for x in expressions(s) for e in walk(x) if isinstance(e, Local)}
    used |= {s.name for s in rest if not isinstance(s, Let) and hasattr(s, "name")}
    values = tuple(s for s in found if s.name in used and s not in alike)
    return FarSide(leading([Local(v.name, v.expr.type) for v in values], found), values)


def same_for(kernel: Kernel, side: str | None) -> list[Let]:
    """The statements of a pathway that use nothing but the neuron of ``side`` and what is the same for all (None: only that)."""
    found: list[Let] = []
    known = {s.name for s in kernel.scalars} | {f"@{side}"}
    steady = {
        b.name
        for b in kernel.buffers
        if b.extent in (side, "shared", "table") and not b.writable and not has_alias(kernel, b)
    }
    for s in kernel.body:
        if not isinstance(s, Let):
            continue
        parts = list(walk(s.expr))
        names = {e.name for e in parts if isinstance(e, Local)}
        read = {e.buffer for e in parts if isinstance(e, (Load, Drawn))}
        if names <= known and read <= steady:
            found.append(s)
            known.add(s.name)
    return found


def has_alias(kernel: Kernel, buffer) -> bool:
    """Source and target may be one group, and then two buffers are the same memory."""
    groups = [b for b in kernel.buffers if b.owner.split(".")[0] in ("self", "pre", "post")]
    same = [b for b in groups if b.variable == buffer.variable]
    return buffer in groups and buffer.owner != "self" and len(same) > 1 and any(b.writable for b in same)
