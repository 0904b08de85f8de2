"""Before anything else in a step: the subexpressions that keep one value in it, ``(constant over dt)``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eqsnn import pipeline
from eqsnn.network.group import Group
from eqsnn.runtime.plan_synapses import everywhere
from eqsnn.runtime.questions import root_of

if TYPE_CHECKING:
    from eqsnn.runtime.planner import Planner


def place_held(plan: Planner, o: Group) -> None:
    kernels = pipeline.held(o.model, f"{plan.name(o.name)}_held", plan.check)
    if kernels.shared is not None:
        plan.add(o, f"before_{plan.schedule[0]}", o.order, 0, plan.map(o, kernels.shared, "held", 1), "held")
    if kernels.own is None or not len(o):
        return
    if kernels.own.domain == "neuron":
        op = plan.map(o, kernels.own, "held", len(o))
    else:
        sides = {"self": o, "pre": root_of(o.source), "post": root_of(o.target)}
        op = everywhere(plan, o, kernels.own, sides, "held", o.clock)
    plan.add(o, f"before_{plan.schedule[0]}", o.order, 1, op, "held")
