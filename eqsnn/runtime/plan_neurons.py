"""The operations of a neuron group: its update, threshold, marks of a spike and reset."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from eqsnn import pipeline
from eqsnn.kernel.interpret import Memory, interpret
from eqsnn.kernel.ir import Kernel, Let, Load, Store, expressions
from eqsnn.kernel.ir import walk as walk_kernel
from eqsnn.kernel.passes.dead_code import remove_dead_code
from eqsnn.network.base import SimObject, slot_rank
from eqsnn.network.inputs import PoissonInput
from eqsnn.network.monitors import PopulationRateMonitor, SpikeMonitor
from eqsnn.network.neurongroup import NeuronGroup
from eqsnn.network.operations import NetworkOperation
from eqsnn.network.synapses import Synapses
from eqsnn.runtime.plan import Binding, Op
from eqsnn.runtime.questions import places, root_of

if TYPE_CHECKING:
    from eqsnn.runtime.planner import Planner


@dataclass(frozen=True)
class Refresh:
    """``not_refractory`` of a group in whose run nobody read it: computed once at the end instead of stored in every step."""

    group: NeuronGroup
    kernel: Kernel
    binding: Binding
    clock: int

    def run(self, steps: int) -> None:
        """Bring it to the state after ``steps`` steps of the group's clock."""
        if steps < 1:
            return
        t = (steps - 1) * self.group.clock.dt_
        scalars = {
            **self.binding.scalars,
            **{s.name: t for s in self.kernel.scalars if (s.owner, s.variable) == ("clock", "t")},
        }
        interpret(self.kernel, Memory(self.binding.buffers, scalars), 0, len(self.group))
        self.group.arrays["not_refractory"][self.group.arrays["lastspike"] == t] = 0


def place_neurons(plan: Planner, o: NeuronGroup) -> None:
    condition = next((e.condition for e in o.model.events if e.condition is not None), None)
    steps = bool(o.model.of_kind("state", "recurrence", "input")) or o.model.refractory is not None
    fused = steps and condition is not None and not is_observed_between(plan, o)
    stem = plan.name(o.name)
    emits = o.spikes if condition is not None else None
    if steps:
        kernels = pipeline.neuron_step(o.model, o.method, plan.varying(o), f"{stem}_step", True, fused, plan.check)
        if kernels.message:
            plan.messages.append(kernels.message)
        if kernels.own is not None:
            plan.add(
                o, "groups", o.order, 0, plan.map(o, kernels.own, "step", len(o), emits if fused else None), "step"
            )
        if kernels.shared is not None:
            plan.add(o, "groups", o.order, 1, plan.map(o, kernels.shared, "shared step", 1), "shared step")
    if condition is not None and not fused:
        kernels = pipeline.neuron_step(o.model, o.method, plan.varying(o), f"{stem}_threshold", False, True, plan.check)
        plan.add(o, "thresholds", o.order, 0, plan.map(o, kernels.own, "threshold", len(o), emits), "threshold")
    if condition is None:
        return
    marks = pipeline.marks_of_a_spike(o.model, f"{stem}_marks")
    if marks is not None:
        plan.add(o, "thresholds", o.order, 1, at_spikes(plan, o, marks, "marks"))
    for event in o.model.events:
        if event.reset is not None:
            kernel = pipeline.reset(o.model, event.reset, f"{stem}_reset", plan.check)
            if kernel is not None:
                plan.add(o, "resets", o.order, 0, at_spikes(plan, o, kernel, "reset"), "reset")


def at_spikes(plan: Planner, o: NeuronGroup, kernel: Kernel, label: str) -> Op:
    binding = plan.binding(kernel, o, {"self": o}, o.clock, label)
    return Op("events", plan.clock(o.clock), label, o, kernel, binding, n=len(o), source=o.spikes, first=0, last=len(o))


def is_observed_between(plan: Planner, o: NeuronGroup) -> bool:
    """Whether anything between the update and the threshold of ``o`` could change what the threshold reads, or hear of its spikes."""
    start, end = (slot_rank("groups"), o.order, o.name), (slot_rank("thresholds"), o.order, o.name)
    for other in plan.objects:
        for when, order in places(other):
            if not start < (slot_rank(when), order, other.name) < end or other is o:
                continue
            if isinstance(other, (NetworkOperation, PoissonInput)):
                return True
            if isinstance(other, Synapses) and slot_rank(when) != slot_rank("groups"):
                return True
            if isinstance(other, (SpikeMonitor, PopulationRateMonitor)) and root_of(other.source) is o:
                return True
    return False


def drop_marks(plan: Planner, o: SimObject) -> Refresh | None:
    """Where no other operation reads ``not_refractory`` of a group, and it follows from ``lastspike`` and constants, do not store it."""
    if not isinstance(o, NeuronGroup) or o.model.refractory is None:
        return None
    array = o.arrays["not_refractory"]
    own = [p.op for p in plan.placed if p.op.owner is o and p.op.label in ("step", "marks")]
    step = next((op for op in own if op.label == "step"), None)
    for p in plan.placed:
        if p.op.kind == "python" or (p.op.array is not None and np.may_share_memory(p.op.array, array)):
            return None
        others = p.op.binding.buffers.values() if p.op.binding is not None and p.op not in own else ()
        if any(np.may_share_memory(b, array) for b in others):
            return None
    if step is None:
        return None
    names = {b.name for b in step.kernel.buffers if b.variable == "not_refractory"}
    loads = {
        e.buffer for s in step.kernel.body for part in expressions(s) for e in walk_kernel(part) if isinstance(e, Load)
    }
    alone = tuple(s for s in step.kernel.body if isinstance(s, Let) or (isinstance(s, Store) and s.buffer in names))
    refresh = remove_dead_code(replace(step.kernel, body=alone, hoisted=()))
    resting = {v.name for v in o.model.variables if v.kind == "parameter"} - plan.written.get(o, set())
    read = {b.variable for b in refresh.buffers} - {"lastspike", "not_refractory"}
    if names & loads or not read <= resting or any(s.owner == "random" for s in refresh.scalars):
        return None
    kept = Binding(dict(step.binding.buffers), dict(step.binding.scalars))
    for op in own:
        gone = {b.name for b in op.kernel.buffers if b.variable == "not_refractory"}
        body = tuple(s for s in op.kernel.body if not (isinstance(s, Store) and s.buffer in gone))
        op.kernel = remove_dead_code(replace(op.kernel, body=body))
    return Refresh(o, refresh, kept, step.clock)
