"""The operations of a neuron group: its update, threshold, marks of a spike and reset."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from eqsnn import pipeline
from eqsnn.kernel.interpret import Memory, interpret
from eqsnn.kernel.ir import Kernel, Let, Load, Local, Store, expressions
from eqsnn.kernel.ir import walk as walk_kernel
from eqsnn.kernel.passes.dead_code import remove_dead_code
from eqsnn.network.base import SLOTS, SimObject
from eqsnn.network.inputs import PoissonInput
from eqsnn.network.monitors import EventMonitor, PopulationRateMonitor
from eqsnn.network.neurongroup import NeuronGroup
from eqsnn.network.operations import NetworkOperation
from eqsnn.network.regular import CodeRunner
from eqsnn.network.synapses import Synapses
from eqsnn.runtime.plan import Binding, Op
from eqsnn.runtime.questions import places, root_of
from eqsnn.runtime.schedule import rank_in

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
    steps = bool(o.model.of_kind("state", "recurrence", "input")) or o.model.refractory is not None
    fused = steps and "spike" in o.event_names and not o.links and not is_observed_between(plan, o)
    stem = plan.name(o.name)
    emits = o._last_events.get("spike")
    name = f"{o.name}_stateupdater"
    if steps:
        kernels = pipeline.neuron_step(o.model, o.method, plan.varying(o), f"{stem}_step", True, fused, plan.check)
        if kernels.message:
            plan.messages.append(kernels.message)
        if kernels.own is not None:
            op = plan.map(o, kernels.own, "step", len(o), emits if fused else None)
            plan.add(o, "groups", o.order, 0, op, "step", name)
        if kernels.shared is not None:
            op = plan.map(o, kernels.shared, "shared step", 1)
            plan.add(o, "groups", o.order, 1, op, "shared step", name)
    for event in o.event_names:
        if event != "spike" or not fused:
            _place_check(plan, o, event, stem)
    marks = pipeline.marks_of_a_spike(o.model, f"{stem}_marks") if "spike" in o.event_names else None
    if marks is not None:
        check = o.thresholder["spike"]
        plan.add(o, check.when, check.order, 1, at_events(plan, o, "spike", marks, "marks"), name=check.name)
    for event in o.model.events:
        code = o.resetter.get(event.name)
        if code is not None and code.active:
            label = "reset" if event.name == "spike" else f"code for {event.name}"
            kernel = pipeline.reset(o.model, event.reset, f"{stem}_reset_{event.name}", plan.check)
            if kernel is not None:
                op = at_events(plan, o, event.name, kernel, label)
                plan.add(o, code.when, code.order, 0, op, label, code.name)


def _place_check(plan: Planner, o: NeuronGroup, event: str, stem: str) -> None:
    """A kernel of its own for the condition of an event."""
    check = o.thresholder[event]
    label, suffix = ("threshold", "threshold") if event == "spike" else (f"event {event}", f"event_{event}")
    step = pipeline.neuron_step(o.model, o.method, plan.varying(o), f"{stem}_{suffix}", False, True, plan.check, event)
    op = plan.map(o, step.own, label, len(o), o._last_events[event])
    plan.add(o, check.when, check.order, 0, op, label, check.name)


def at_events(plan: Planner, o: NeuronGroup, event: str, kernel: Kernel, label: str) -> Op:
    """A kernel for the elements at which an event has just been emitted."""
    binding = plan.binding(kernel, o, {"self": o}, o.clock, label)
    events = dict(source=o._last_events[event], first=0, last=len(o))
    op = Op("events", plan.clock(o.clock), label, o, kernel, binding, n=len(o), **events)
    op.block = max(op.n, 1) if kernel.ordered else plan.settings.block_for(op.n)
    return op


def is_observed_between(plan: Planner, o: NeuronGroup) -> bool:
    """Whether anything between the update and the threshold of ``o`` could change what the threshold reads, or hear of its spikes."""
    check = o.thresholder["spike"]

    def place(of: SimObject, when: str, order: int, name: str) -> tuple[int, int, str]:
        return rank_in(plan.schedule, when, of), order, plan.names(of, name)

    start = place(o, "groups", o.order, f"{o.name}_stateupdater")
    end = place(o, check.when, check.order, check.name)
    own = [place(o, code.when, code.order, code.name) for code in o.resetter.values() if code.active]
    if not start < end or any(start <= place < end for place in own):
        return True
    for other in plan.objects:
        for when, order, name in places(other):
            if not start < place(other, when, order, name) < end or other is o:
                continue
            if isinstance(other, (NetworkOperation, PoissonInput, CodeRunner)):
                return True
            if isinstance(other, Synapses) and when != "groups":
                return True
            if isinstance(other, (EventMonitor, PopulationRateMonitor)) and root_of(other.source) is o:
                return True
    return False


def drop_marks(plan: Planner, o: SimObject) -> Refresh | None:
    """Where no other operation reads ``not_refractory`` of a group, and it follows from ``lastspike`` and constants, do not store it."""
    if not isinstance(o, NeuronGroup) or o.model.refractory is None or tuple(plan.schedule) != SLOTS:
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
    if names & loads or not read <= resting or any(s.owner == "random" for s in refresh.scalars) or refresh.externs:
        return None
    kept = Binding(dict(step.binding.buffers), dict(step.binding.scalars))
    for op in own:
        gone = {b.name for b in op.kernel.buffers if b.variable == "not_refractory"}
        body = tuple(s for s in op.kernel.body if not (isinstance(s, Store) and s.buffer in gone))
        op.kernel = remove_dead_code(replace(op.kernel, body=body))
    return Refresh(o, refresh, kept, step.clock)


def leave_out_resting(plan: Planner, o: SimObject) -> None:
    """Where only its own spikes make a neuron of a group rest, the loop need not ask every neuron (kernel/resting.py)."""
    if not isinstance(o, NeuronGroup) or o.model.refractory is None or any(p.op.kind == "python" for p in plan.placed):
        return
    arrays = [o.arrays["lastspike"], o.arrays["not_refractory"]]
    step = next((p.op for p in plan.placed if p.op.owner is o and p.op.label == "step"), None)
    for p in plan.placed:
        if p.op is step or (p.op.owner is o and p.op.label == "marks") or p.op.binding is None:
            continue
        written = [a for n, a in p.op.binding.buffers.items() if p.op.kernel.buffer(n).writable]
        if any(np.may_share_memory(a, b) for a in written for b in arrays):
            return
    if step is None or step.emits is None:
        return
    marks = {b.name for b in step.kernel.buffers if b.variable == "not_refractory"}
    guards = [s.expr for s in step.kernel.body if isinstance(s, Store) and s.buffer in marks]
    if len(guards) == 1 and isinstance(guards[0], Local):
        step.kernel = replace(step.kernel, awake=guards[0].name)
