"""In which order the variables of synapses lie in memory: by the connectivity and the equations alone, the same for every engine.

Of synapses that one pathway reads by source, runtime/arranged_rows.py decides; of all others, this module.
Synapses are created source by source, as a rule. Where targets are fewer than sources, and their spikes change synapses too, the rows of a
target are the longer ones: with the variables in the order of the targets, such a row is one piece of memory, and vector code. Numbers that
users see, and those that random streams count by, are the order of creation in any case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eqsnn.model.sharing import reads, unforeseeable
from eqsnn.model.statements import bind
from eqsnn.network.arrangement import Permutation
from eqsnn.network.regular import CodeRunner
from eqsnn.network.rowpairs import ascending
from eqsnn.network.synapses import Synapses
from eqsnn.runtime.arranged_rows import may_be_arranged
from eqsnn.runtime.plan_sharing import connected_or_linked, possible_sharing
from eqsnn.runtime.questions import root_of

if TYPE_CHECKING:
    from eqsnn.runtime.planner import Planner


def lay_out(plan: Planner, o: Synapses) -> None:
    """Have the variables of ``o`` lie in the order of its targets, if that pays; else in the order of creation."""
    if may_be_arranged(plan, o):
        return
    if not _pays(plan, o):
        o.in_order()
        return
    if o.__dict__.get("_by_target") == (o.connectivity_version, o.ends.version):
        return
    o.in_order()
    order = ascending(o.targets, len(root_of(o.target)))[0]
    if np.any(order[1:] < order[:-1]):
        o.arrange(Permutation.by(order))
    o.__dict__["_by_target"] = (o.connectivity_version, o.ends.version)


def _pays(plan: Planner, o: Synapses) -> bool:
    if len(o.target) >= len(o.source) or len(o) == 0 or not o.active:
        return False
    numbered = o.multisynaptic_index is not None or connected_or_linked(plan, o)
    stepped = any(
        v.held or "summed" in v.flags or v.kind == "recurrence" or (v.kind == "state" and "event-driven" not in v.flags)
        for v in o.model.variables
    )
    if numbered or stepped or not _own_in_on_post(plan, o):
        return False
    scope = o.model.scope
    parts = [(v.expr, scope) for v in o.model.variables if v.expr is not None]
    for p in o.pathways.values():
        statements, inner = bind(p.statements, scope)
        parts += [(b.value, inner) for b in statements]
    for runner in plan.objects:
        if isinstance(runner, CodeRunner) and root_of(runner.group) is o:
            statements, inner = bind(runner.statements, runner.scope(), everywhere=True)
            parts += [(b.value, inner) for b in statements]
    return not any(unforeseeable(expr, inner) for expr, inner in parts)


def _own_in_on_post(plan: Planner, o: Synapses) -> bool:
    """Whether spikes of targets read or write what each synapse has for itself."""
    common = possible_sharing(plan, o).sides
    for p in o.pathways.values():
        if p.prepost != "post":
            continue
        statements, scope = bind(p.statements, o.model.scope)
        used = {b.target.variable for b in statements if b.target.owner == "self"}
        used |= {k.variable for b in statements for owner, k in reads(b.value, scope) if owner == "self"}
        if used - set(common):
            return True
    return False
