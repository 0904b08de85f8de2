"""Objects to a plan: the operations of a step in Brian 2's order, each bound to its memory.

Every object contributes code objects, each with a place in the schedule (slot, order, name): a group its update ('groups'), its threshold
('thresholds') and its reset ('resets'), synapses their pathways ('synapses') and so on. Where nothing lies between a group's update
and its threshold that could see or change the group, both are one kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from eqsnn import pipeline
from eqsnn.errors import EqsnnError
from eqsnn.kernel.interpret import Memory, evaluate_hoisted, interpret
from eqsnn.kernel.ir import Kernel, Let, Load, Local, Store, expressions, identifier
from eqsnn.kernel.ir import walk as walk_kernel
from eqsnn.kernel.passes.dead_code import remove_dead_code
from eqsnn.kernel.random import binomial_table, key_of
from eqsnn.language.ast import Expr, Name, walk
from eqsnn.model.model import Model
from eqsnn.model.rules import check_model
from eqsnn.model.statements import bind
from eqsnn.network.base import SimObject, slot_rank
from eqsnn.network.clock import Clock, common_ticks, steps_in
from eqsnn.network.evaluate import close_scope
from eqsnn.network.group import Group, zeros
from eqsnn.network.hostkernel import result_name, shape_value, table_of
from eqsnn.network.inputs import PoissonInput, SpikeGeneratorGroup
from eqsnn.network.monitors import PopulationRateMonitor, SpikeMonitor, StateMonitor
from eqsnn.network.namespace import constants
from eqsnn.network.neurongroup import NeuronGroup, SpikeSource, Subgroup
from eqsnn.network.operations import NetworkOperation
from eqsnn.network.synapses import Pathway, Synapses
from eqsnn.runtime.plan import Binding, ClockPlan, Op, Plan, RowBlock, Schedule
from eqsnn.runtime.rows import row_blocks
from eqsnn.runtime.settings import Settings

Rank = tuple[int, int, str, int]
"""(slot, order, name of the object, position within the object)"""


@dataclass
class _Placed:
    rank: Rank
    op: Op
    count_label: str | None = None
    finish: Callable[[], None] | None = None


@dataclass(frozen=True)
class Built:
    """A plan with what belongs to it: the tick in seconds, the messages about methods, and what to do when the run has ended."""

    plan: Plan
    tick: Fraction
    messages: tuple[str, ...]
    counts: tuple[tuple[SimObject, str, Op], ...]
    refresh: tuple[Refresh, ...]
    clocks: tuple[Clock, ...]


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


class Planner:
    """Makes the plan of one run of ``objects``. ``space``: the namespace of the run, after that of each object; with ``check`` the run stops
    where a variable becomes NaN or infinite."""

    def __init__(
        self, objects: Iterable[SimObject], space: Mapping[str, object], engine, settings: Settings, check: bool = True
    ):
        self.objects = sorted(objects, key=lambda o: o.name)
        self.space, self.engine, self.settings, self.check = space, engine, settings, check
        self.clocks: list[Clock] = []
        self.placed: list[_Placed] = []
        self.messages: list[str] = []
        self.constants: dict[SimObject, dict[str, float | int | bool]] = {}
        self.counts: list[tuple[SimObject, str, Op]] = []
        self.kernel_names: set[str] = set()
        self.depths: dict[SpikeSource, int] = {}

    def build(self) -> Built:
        """The plan. Raises what is wrong with the network, before anything is compiled."""
        for o in self.objects:
            self._check_dependencies(o)
            self._close(o)
        self._find_writes()
        self._spikes()
        for o in self.objects:
            self._place(o)
        self.placed.sort(key=lambda p: p.rank)
        refresh = tuple(r for r in map(self._drop_marks, self.objects) if r is not None)
        tick, periods = common_ticks([c.dt_ for c in self.clocks] or [1e-4])
        plan = Plan(
            tuple(ClockPlan(c.name, p, c.dt_) for c, p in zip(self.clocks, periods))
            or (ClockPlan("defaultclock", 1, 1e-4),),
            [p.op for p in self.placed],
        )
        return Built(plan, tick, tuple(self.messages), tuple(self.counts), refresh, tuple(self.clocks))

    # -- what a run has to know before ---------------------------------------------------------------------------------------------

    def _check_dependencies(self, o: SimObject) -> None:
        for attribute in ("source", "target"):
            needed = getattr(o, attribute, None) if not isinstance(o, NeuronGroup) else None
            if needed is None:
                continue
            root = needed.root if isinstance(needed, SpikeSource) else needed
            if root not in self.objects:
                raise EqsnnError(f"'{o.name}' uses '{root.name}', which is not part of the network that runs; add it")

    def _spaces(self, o: SimObject) -> list[Mapping[str, object]]:
        return [o.namespace, self.space]

    def _close(self, o: SimObject) -> None:
        """Read the external constants and check every equation with their units."""
        if not isinstance(o, Group):
            return
        model: Model = o.model
        values, dims = constants(model.externals, self._spaces(o))
        scope = model.scope.with_externals({n: d for n, d in dims.items() if n not in model.scope.symbols})
        check_model(model, scope)
        if isinstance(o, Synapses):
            for p in o.pathways.values():
                bind(p.statements, scope)
            for side in (o.source, o.target):
                inner, _ = constants(_root(side).model.externals, self._spaces(_root(side)))
                frame = "pre" if side is o.source else "post"
                values.update({f"{n}@{frame}": v for n, v in inner.items()})
        if getattr(o, "refractory_constant", None) is not None:
            values["_refractory"] = o.refractory_constant
        self.constants[o] = values

    def _find_writes(self) -> None:
        """Which variables of which group may change during the run, other than by its own equations."""
        self.written: dict[Group, set[str]] = {}
        for o in self.objects:
            if isinstance(o, Synapses):
                sides = {"self": o, "pre": _root(o.source), "post": _root(o.target)}
                for p in o.pathways.values():
                    for b in bind(p.statements, o.model.scope)[0]:
                        if b.target.owner in sides:
                            self.written.setdefault(sides[b.target.owner], set()).add(b.target.variable)
                for v in o.model.variables:
                    if "summed" in v.flags:
                        name, side = v.name.rsplit("_", 1)
                        self.written.setdefault(sides[side], set()).add(name)
            elif isinstance(o, PoissonInput):
                self.written.setdefault(_root(o.target), set()).add(o.target_var)
            elif isinstance(o, NeuronGroup):
                for event in o.model.events:
                    if event.reset is not None:
                        bound = bind(event.reset, o.model.scope)[0]
                        self.written.setdefault(o, set()).update(
                            b.target.variable for b in bound if b.target.owner == "self"
                        )
        if any(isinstance(o, NetworkOperation) for o in self.objects):
            for o in self.objects:
                if isinstance(o, Group):
                    names = {v.name for v in o.model.variables if v.kind == "parameter" and not v.constant}
                    self.written.setdefault(o, set()).update(names)

    def _varying(self, o: Group) -> frozenset[str]:
        return frozenset(self.written.get(o, set()) & {v.name for v in o.model.variables})

    def _spikes(self) -> None:
        """Every group that emits gets a memory of its spikes, as long as its longest homogeneous delay."""
        for o in self.objects:
            if isinstance(o, SpikeSource) and o.emits:
                self.depths[o] = 1
        for o in self.objects:
            if isinstance(o, Synapses):
                for p in o.pathways.values():
                    side = o.source if p.prepost == "pre" else o.target
                    root = _root(side)
                    if p.delay.size == 1 or np.ptp(p.delay) == 0:
                        steps = steps_in(float(p.delay.flat[0]), root.clock.dt_)
                        self.depths[root] = max(self.depths[root], steps + 1)
        for o, depth in self.depths.items():
            if o.spikes is None or type(o.spikes) is not type(self.engine.new_spikes(1, 1)):
                o.__dict__["spikes"] = self.engine.new_spikes(len(o), depth)
            o.spikes.deepen(depth)

    def _drop_marks(self, o: SimObject) -> Refresh | None:
        """Where no other operation reads ``not_refractory`` of a group, and it follows from ``lastspike`` and constants, do not store it."""
        if not isinstance(o, NeuronGroup) or o.model.refractory is None:
            return None
        array = o.arrays["not_refractory"]
        own = [p.op for p in self.placed if p.op.owner is o and p.op.label in ("step", "marks")]
        step = next((op for op in own if op.label == "step"), None)
        for p in self.placed:
            if p.op.kind == "python" or (p.op.array is not None and np.may_share_memory(p.op.array, array)):
                return None
            others = p.op.binding.buffers.values() if p.op.binding is not None and p.op not in own else ()
            if any(np.may_share_memory(b, array) for b in others):
                return None
        if step is None:
            return None
        names = {b.name for b in step.kernel.buffers if b.variable == "not_refractory"}
        loads = {
            e.buffer
            for s in step.kernel.body
            for part in expressions(s)
            for e in walk_kernel(part)
            if isinstance(e, Load)
        }
        alone = tuple(s for s in step.kernel.body if isinstance(s, Let) or (isinstance(s, Store) and s.buffer in names))
        refresh = remove_dead_code(replace(step.kernel, body=alone, hoisted=()))
        resting = {v.name for v in o.model.variables if v.kind == "parameter"} - self.written.get(o, set())
        read = {b.variable for b in refresh.buffers} - {"lastspike", "not_refractory"}
        if names & loads or not read <= resting or any(s.owner == "random" for s in refresh.scalars):
            return None
        kept = Binding(dict(step.binding.buffers), dict(step.binding.scalars))
        for op in own:
            gone = {b.name for b in op.kernel.buffers if b.variable == "not_refractory"}
            body = tuple(s for s in op.kernel.body if not (isinstance(s, Store) and s.buffer in gone))
            op.kernel = remove_dead_code(replace(op.kernel, body=body))
        return Refresh(o, refresh, kept, step.clock)

    # -- places and bindings -----------------------------------------------------------------------------------------------------

    def _clock(self, clock: Clock) -> int:
        for k, known in enumerate(self.clocks):
            if known is clock:
                return k
        self.clocks.append(clock)
        return len(self.clocks) - 1

    def _name(self, *parts: str) -> str:
        return identifier("_".join(("eqk", *parts)))

    def _add(self, o: SimObject, when: str, order: int, position: int, op: Op, label: str | None = None) -> Op:
        self.placed.append(_Placed((slot_rank(when), order, o.name, position), op))
        if label is not None and op.kernel is not None and any(s.owner == "random" for s in op.kernel.scalars):
            op.count = o.count(label)
            self.counts.append((o, label, op))
        return op

    def _binding(
        self, kernel: Kernel, o: SimObject, groups: Mapping[str, Group], clock: Clock, label: str, extra=None
    ) -> Binding:
        """Arrays and numbers for every name of a kernel. ``groups``: who is 'self', 'pre' and 'post'; ``extra``: values given here."""
        extra = extra or {}
        buffers, scalars = {}, {}
        model_scope = o.model.scope if isinstance(o, Group) else groups["self"].model.scope
        for b in kernel.buffers:
            if b.name in extra:
                buffers[b.name] = extra[b.name]
            elif b.owner == "table":
                values = extra[b.variable] if b.variable in extra else table_of(model_scope, b.variable).values
                buffers[b.name] = np.ascontiguousarray(values)
            elif b.owner == "index":
                buffers[b.name] = _degrees(o, b.variable)
            elif b.owner != "derived":
                buffers[b.name] = groups[b.owner].arrays[b.variable]
        for s in kernel.scalars:
            if s.owner == "external":
                values = extra if s.variable in extra else self.constants.get(o, {})
                if s.variable not in values:
                    raise EqsnnError(f"'{o.name}' uses the name '{s.variable.partition('@')[0]}', which has no value")
                scalars[s.name] = values[s.variable]
            elif s.owner == "clock":
                scalars[s.name] = clock.dt_ if s.variable == "dt" else 0
            elif s.owner == "index":
                scalars[s.name] = _index_scalar(o, s.variable)
            elif s.owner == "random":
                scalars[s.name] = key_of(*o.site(label)) if s.variable == "key" else 0
            elif s.owner == "shape":
                scalars[s.name] = extra[s.variable] if s.variable in extra else shape_value(model_scope, s.variable)
        evaluate_hoisted(kernel, buffers, scalars)
        return Binding(buffers, scalars)

    # -- the objects ---------------------------------------------------------------------------------------------------------------

    def _place(self, o: SimObject) -> None:
        if not o.active:
            if isinstance(o, SpikeSource) and o in self.depths:
                raise EqsnnError(f"'{o.name}' is not active, and others wait for its spikes")
            return
        for kind, place in (
            (SpikeGeneratorGroup, self._generator),
            (NeuronGroup, self._neurons),
            (Synapses, self._synapses),
            (PoissonInput, self._poisson_input),
            (SpikeMonitor, self._spike_monitor),
            (PopulationRateMonitor, self._rate_monitor),
            (StateMonitor, self._state_monitor),
            (NetworkOperation, self._operation),
        ):
            if isinstance(o, kind):
                place(o)
                return

    def _map(self, o: Group, kernel: Kernel, label: str, n: int, emits=None) -> Op:
        binding = self._binding(kernel, o, {"self": o}, o.clock, label)
        return Op(
            "map",
            self._clock(o.clock),
            label,
            o,
            kernel,
            binding,
            n=n,
            block=self.settings.neurons_per_block,
            emits=emits,
        )

    def _neurons(self, o: NeuronGroup) -> None:
        condition = next((e.condition for e in o.model.events if e.condition is not None), None)
        steps = bool(o.model.of_kind("state", "recurrence", "input")) or o.model.refractory is not None
        fused = steps and condition is not None and not self._between(o)
        stem = self._name(o.name)
        self._held(o, stem)
        emits = o.spikes if condition is not None else None
        if steps:
            kernels = pipeline.neuron_step(o.model, o.method, self._varying(o), f"{stem}_step", True, fused, self.check)
            if kernels.message:
                self.messages.append(kernels.message)
            if kernels.own is not None:
                self._add(
                    o, "groups", o.order, 0, self._map(o, kernels.own, "step", len(o), emits if fused else None), "step"
                )
            if kernels.shared is not None:
                self._add(o, "groups", o.order, 1, self._map(o, kernels.shared, "shared step", 1), "shared step")
        if condition is not None and not fused:
            kernels = pipeline.neuron_step(
                o.model, o.method, self._varying(o), f"{stem}_threshold", False, True, self.check
            )
            self._add(o, "thresholds", o.order, 0, self._map(o, kernels.own, "threshold", len(o), emits), "threshold")
        if condition is None:
            return
        marks = pipeline.marks_of_a_spike(o.model, f"{stem}_marks")
        if marks is not None:
            self._add(o, "thresholds", o.order, 1, self._at_spikes(o, marks, "marks"))
        for event in o.model.events:
            if event.reset is not None:
                kernel = pipeline.reset(o.model, event.reset, f"{stem}_reset", self.check)
                if kernel is not None:
                    self._add(o, "resets", o.order, 0, self._at_spikes(o, kernel, "reset"), "reset")

    def _held(self, o: Group, stem: str) -> None:
        """Before anything else in a step: the subexpressions that keep one value in it."""
        kernels = pipeline.held(o.model, f"{stem}_held", self.check)
        if kernels.shared is not None:
            self._add(o, "before_start", o.order, 0, self._map(o, kernels.shared, "shared held", 1), "shared held")
        if kernels.own is None or not len(o):
            return
        if kernels.own.domain == "neuron":
            op = self._map(o, kernels.own, "held", len(o))
        else:
            sides = {"self": o, "pre": _root(o.source), "post": _root(o.target)}
            op = self._everywhere(o, kernels.own, sides, "held", o.clock)
        self._add(o, "before_start", o.order, 1, op, "held")

    def _at_spikes(self, o: NeuronGroup, kernel: Kernel, label: str) -> Op:
        binding = self._binding(kernel, o, {"self": o}, o.clock, label)
        return Op(
            "events", self._clock(o.clock), label, o, kernel, binding, n=len(o), source=o.spikes, first=0, last=len(o)
        )

    def _between(self, o: NeuronGroup) -> bool:
        """Whether anything between the update and the threshold of ``o`` could change what the threshold reads, or hear of its spikes."""
        start, end = (slot_rank("groups"), o.order, o.name), (slot_rank("thresholds"), o.order, o.name)
        for other in self.objects:
            for when, order in _places(other):
                if not start < (slot_rank(when), order, other.name) < end or other is o:
                    continue
                if isinstance(other, (NetworkOperation, PoissonInput)):
                    return True
                if isinstance(other, Synapses) and slot_rank(when) != slot_rank("groups"):
                    return True
                if isinstance(other, (SpikeMonitor, PopulationRateMonitor)) and _root(other.source) is o:
                    return True
        return False

    def _generator(self, o: SpikeGeneratorGroup) -> None:
        steps, indices, period = o.schedule(o.clock.dt_)
        schedule = Schedule(np.ascontiguousarray(steps, np.int64), np.ascontiguousarray(indices, np.int32), period, 0)
        op = Op("generator", self._clock(o.clock), "spikes", o, n=len(o), emits=o.spikes, schedule=schedule)
        self._add(o, o.when, o.order, 0, op)

    def _synapses(self, o: Synapses) -> None:
        if o.unconnected:
            raise EqsnnError(f"'{o.name}' was never connected; call connect() (or set its active = False for this run)")
        stem = self._name(o.name)
        self._held(o, stem)
        sides = {"self": o, "pre": _root(o.source), "post": _root(o.target)}
        for v in o.model.variables:
            if "summed" in v.flags:
                self._summed(o, v.name, sides, stem)
        kernels = pipeline.synapse_step(o.model, o.method, self._varying(o), f"{stem}_step", self.check)
        if kernels.message:
            self.messages.append(kernels.message)
        if kernels.own is not None and len(o):
            if kernels.own.domain == "neuron":
                op = self._map(o, kernels.own, "step", len(o))
            else:
                op = self._everywhere(o, kernels.own, sides, "step", o.clock)
            self._add(o, "groups", o.order, 0, op, "step")
        if kernels.shared is not None:
            self._add(o, "groups", o.order, 1, self._map(o, kernels.shared, "shared step", 1), "shared step")
        for position, p in enumerate(o.pathways.values()):
            kernel = pipeline.pathway(o.model, p.statements, p.prepost, f"{stem}_{identifier(p.name)}", self.check)
            if kernel is not None and len(o):
                self._add(
                    o, o.when, o.order + p.order, position, self._pathway(o, p, kernel, sides), f"pathway {p.name}"
                )

    def _summed(self, o: Synapses, variable: str, sides: Mapping[str, Group], stem: str) -> None:
        name, side = variable.rsplit("_", 1)
        target = o.target if side == "post" else o.source
        for other in self.objects:
            if isinstance(other, Synapses) and other is not o:
                for v in other.model.variables:
                    other_side = {"post": other.target, "pre": other.source}.get(v.name.rsplit("_", 1)[-1])
                    if (
                        "summed" in v.flags
                        and v.name.rsplit("_", 1)[0] == name
                        and other_side is not None
                        and _overlap(other_side, target)
                    ):
                        raise EqsnnError(
                            f"'{o.name}' and '{other.name}' both sum into '{name}' of '{_root(target).name}'; use two variables"
                        )
        array = sides[side].arrays[name]
        cleared = array[_start(target) : _start(target) + len(target)]
        clock = target.clock
        clear = Op("clear", self._clock(clock), "clear", o, n=cleared.nbytes, array=cleared)
        self._add(o, "groups", o.order - 1, 0, clear)
        if len(o):
            kernel = pipeline.summed(o.model, variable, f"{stem}_{identifier(variable)}", self.check)
            self._add(o, "groups", o.order - 1, 1, self._everywhere(o, kernel, sides, f"summed {variable}", clock))

    def _everywhere(self, o: Synapses, kernel: Kernel, sides: Mapping[str, Group], label: str, clock: Clock) -> Op:
        """All synapses in every step of ``clock``."""
        kernel, rows = self._rows(o, kernel, None)
        binding = self._binding(kernel, o, sides, clock, label)
        return Op("pathway", self._clock(clock), label, o, kernel, binding, n=len(o), rows=rows)

    def _pathway(self, o: Synapses, p: Pathway, kernel: Kernel, sides: Mapping[str, Group]) -> Op:
        label = f"pathway {p.name}"
        spiking = o.source if p.prepost == "pre" else o.target
        root = _root(spiking)
        uniform = p.delay.size == 1 or np.ptp(p.delay) == 0
        delays = None if uniform else np.floor(p.delay / root.clock.dt_ + 0.5).astype(np.int32)
        kernel, rows = self._rows(o, kernel, delays, p)
        binding = self._binding(kernel, o, sides, root.clock, label)
        op = Op("pathway", self._clock(root.clock), label, o, kernel, binding, n=len(o), rows=rows)
        op.source, op.first, op.last = root.spikes, _start(spiking), _start(spiking) + len(spiking)
        if uniform:
            op.delay = steps_in(float(p.delay.flat[0]), root.clock.dt_)
        else:
            op.queues = self._queues(o, p, rows, int(delays.max()))
        return op

    def _queues(self, o: Synapses, p: Pathway, rows: tuple[RowBlock, ...], longest: int):
        """The events on their way; those of an earlier run stay on it, also if synapses were added since."""
        kept = o.__dict__.setdefault("_in_flight", {}).get(p.name)
        if kept is not None and kept[0] is rows and isinstance(kept[1][0], type(self.engine.new_queue(1))):
            return kept[1]
        queues = tuple(self.engine.new_queue(longest + 1) for _ in rows)
        if kept is not None:
            _transfer(kept[0], kept[1], rows, queues)
        o._in_flight[p.name] = (rows, queues)
        return queues

    def _rows(self, o: Synapses, kernel: Kernel, delays: np.ndarray | None, p: Pathway | None = None):
        """The compressed rows for a kernel, cut into blocks by the side that it writes."""
        written = {b.extent for b in kernel.buffers if b.writable}
        by = None if {"pre", "post"} <= written or "shared" in written else "pre" if "pre" in written else "post"
        n_blocks = max(1, -(-len(o) // self.settings.synapses_per_block)) if by else 1
        pre, post = _root(o.source), _root(o.target)
        far_side = post if kernel.rows == "pre" else pre
        index = "u16" if _length(far_side) <= 1 << 16 else "i32"
        cache = o.__dict__.setdefault("_rows_cache", {})
        numbered = _uses_synapses(kernel)
        key = (
            kernel.rows,
            by,
            n_blocks,
            index,
            numbered,
            None if delays is None else p.name,
            _root(o.source if p.prepost == "pre" else o.target).clock.dt_ if delays is not None else 0,
        )
        version, rows = cache.get(key, (None, None))
        if version != o.connectivity_version:
            near, far = (o.sources, o.targets) if kernel.rows == "pre" else (o.targets, o.sources)
            n_near, n_far = (_length(pre), _length(post)) if kernel.rows == "pre" else (_length(post), _length(pre))
            side = None if by is None else "near" if by == kernel.rows else "far"
            far_type = np.uint16 if index == "u16" else np.int32
            rows = row_blocks(near, far, n_near, n_far, n_blocks, side, far_type, delays, numbered)
            cache[key] = (o.connectivity_version, rows)
        return replace(kernel, index=index), rows

    def _poisson_input(self, o: PoissonInput) -> None:
        root = _root(o.target)
        expr = o.weight if isinstance(o.weight, Expr) else None
        name = self._name(o.name)
        kernel = pipeline.poisson_input(root.model.scope, o.target_var, expr, o.name, name)
        table = binomial_table(o.n, o.probability())
        extra = {"binomial": table, "binomial#0": len(table)}
        if expr is None:
            extra["_weight"] = o.weight
        else:
            _, values = close_scope(expr, root.model.scope, self._spaces(root))
            extra.update(values)
        first, last = _start(o.target), _start(o.target) + len(o.target)
        binding = self._binding(kernel, o, {"self": root}, o.clock, "input", extra)
        binding.buffers = {b.name: _part(binding.buffers[b.name], b, first, last) for b in kernel.buffers}
        op = Op(
            "map",
            self._clock(o.clock),
            "input",
            o,
            kernel,
            binding,
            n=last - first,
            block=self.settings.neurons_per_block,
        )
        self._add(o, o.when, o.order, 0, op, "input")

    # -- monitors ------------------------------------------------------------------------------------------------------------------

    def _records(self, o, dtypes) -> tuple:
        if not o.records or type(o.records[0]) is not type(self.engine.new_record(np.int64)):
            o.__dict__["records"] = tuple(self.engine.new_record(d) for d in dtypes)
        if o.recorded_dt is not None and o.recorded_dt != o.clock.dt_:
            raise EqsnnError(f"'{o.name}' has recorded with another dt; make a new monitor after a change of dt")
        o.__dict__["recorded_dt"] = o.clock.dt_
        return o.records

    def _spike_monitor(self, o: SpikeMonitor) -> None:
        records = self._records(o, (np.int32, np.int64))
        op = Op(
            "record_events",
            self._clock(o.clock),
            "record",
            o,
            n=len(o.source),
            source=_root(o.source).spikes,
            records=records,
        )
        op.first, op.last = o.source.start, o.source.stop
        self._add(o, o.when, o.order, 0, op)

    def _rate_monitor(self, o: PopulationRateMonitor) -> None:
        records = self._records(o, (np.int64,))
        op = Op(
            "record_count",
            self._clock(o.clock),
            "record",
            o,
            n=len(o.source),
            source=_root(o.source).spikes,
            records=records,
        )
        op.first, op.last = o.source.start, o.source.stop
        self._add(o, o.when, o.order, 0, op)

    def _state_monitor(self, o: StateMonitor) -> None:
        dtypes = [np.int64]
        for name in o.names:
            dtypes.append(
                {"float": np.float64, "integer": np.int64, "boolean": np.int64}[o.source.variables[name].dtype]
            )
        records = self._records(o, dtypes)
        clock = self._clock(o.clock)
        for position, name in enumerate(o.names):
            array, index = self._recorded(o, name, 2 * position)
            op = Op(
                "record_state",
                clock,
                f"record {name}",
                o,
                n=len(index),
                records=(records[position + 1],),
                array=array,
                index=index,
            )
            if position == 0:
                op.records = (records[1], records[0])
            self._add(o, o.when, o.order, 2 * position + 1, op)

    def _recorded(self, o: StateMonitor, name: str, position: int) -> tuple[np.ndarray, np.ndarray]:
        """The array that holds a variable and the places of the recorded elements in it; a subexpression is computed into one first."""
        group, record = o.source, o.record
        root = _root(group) if isinstance(group, SpikeSource) else group
        shared = group.variables[name].shared
        known = next((v for v in root.model.variables if v.name == name), None)
        if name in root.arrays:
            index = np.zeros(1, np.int64) if shared else _internal(group, record)
            return root.arrays[name], index
        if known is None:
            values = np.ascontiguousarray(group.variables[name].read(None))
            return values, np.zeros(1, np.int64) if shared else np.ascontiguousarray(record, np.int64)
        expr = Name(name, known.span)
        n = 1 if shared else len(root)
        stem = self._name(o.name, name)
        own = all(s.owner not in ("pre", "post") and n not in ("j",) for n, s in _symbols_of(expr, root.model.scope))
        domain = "pathway" if isinstance(root, Synapses) and not own else "neuron"
        kernel = pipeline.expression(expr, root.model.scope, stem, root.name, domain)
        result = zeros(max(n, 1), np.float64 if known.dtype == "float" else np.int64)
        extra = {result_name(kernel): result}
        if domain == "pathway":
            sides = {"self": root, "pre": _root(root.source), "post": _root(root.target)}
            kernel, rows = self._rows(root, kernel, None)
            binding = self._binding(kernel, root, sides, o.clock, name, extra)
            op = Op("pathway", self._clock(o.clock), name, root, kernel, binding, n=n, rows=rows)
        else:
            binding = self._binding(kernel, root, {"self": root}, o.clock, name, extra)
            block = self.settings.neurons_per_block
            op = Op("map", self._clock(o.clock), name, root, kernel, binding, n=n, block=block)
        self._add(o, o.when, o.order, position, op, None)
        index = np.zeros(1, np.int64) if shared else _internal(group, record)
        return result, index

    def _operation(self, o: NetworkOperation) -> None:
        self._add(o, o.when, o.order, 0, Op("python", self._clock(o.clock), "python", o, call=o.call))


# -- small questions about objects -------------------------------------------------------------------------------------------------


def _root(group):
    return group.root if isinstance(group, (Subgroup, SpikeSource)) else group


def _start(group) -> int:
    return getattr(group, "start", 0)


def _length(group) -> int:
    return len(group)


def _uses_synapses(kernel: Kernel) -> bool:
    """Whether the kernel reads or writes anything of the synapses themselves."""
    used = any(b.extent == "self" for b in kernel.buffers)
    return used or any(
        isinstance(e, Local) and e.name == "@s"
        for s in kernel.body
        for part in expressions(s)
        for e in walk_kernel(part)
    )


def _places(o: SimObject) -> list[tuple[str, int]]:
    if isinstance(o, Synapses):
        return [(o.when, o.order + p.order) for p in o.pathways.values()] + [
            ("groups", o.order),
            ("groups", o.order - 1),
        ]
    return [(o.when, o.order)]


def _overlap(a, b) -> bool:
    return _root(a) is _root(b) and _start(a) < _start(b) + len(b) and _start(b) < _start(a) + len(a)


def _internal(group, record: np.ndarray) -> np.ndarray:
    """Element numbers as a user counts them to places in the arrays."""
    if isinstance(group, Synapses):
        return np.ascontiguousarray(record if group.position is None else group.position[record], np.int64)
    return np.ascontiguousarray(record + _start(group), np.int64)


def _degrees(o: Synapses, variable: str) -> np.ndarray:
    side, n = (o.sources, len(_root(o.source))) if variable == "N_outgoing" else (o.targets, len(_root(o.target)))
    return np.bincount(side, minlength=n).astype(np.int64)


def _index_scalar(o: SimObject, variable: str) -> int:
    if isinstance(o, Synapses):
        return {
            "N": len(o),
            "N_pre": len(o.source),
            "N_post": len(o.target),
            "i_offset": _start(o.source),
            "j_offset": _start(o.target),
        }[variable]
    return len(getattr(o, "target", o))


def _part(array: np.ndarray, buffer, first: int, last: int) -> np.ndarray:
    return array[first:last] if buffer.extent == "self" else array


def _symbols_of(expr: Expr, scope):
    """The names an expression reads, through subexpressions."""
    for node in walk(expr):
        if isinstance(node, Name) and node.id in scope.symbols:
            known = scope.symbols[node.id]
            if known.expr is not None and known.owner == "self":
                yield from _symbols_of(known.expr, scope)
            else:
                yield node.id, known


def _transfer(old_rows, old_queues, rows, queues) -> None:
    """Put the events on their way into new queues: each stands for a neuron and a delay."""
    waiting: dict[tuple[int, int], list[int]] = {}
    for block, queue in zip(old_rows, old_queues):
        for ahead in range(queue.depth):
            for segment in queue.read(ahead):
                key = (int(block.near[segment]), int(block.delay[segment]))
                waiting.setdefault(key, [])
                if ahead not in waiting[key]:
                    waiting[key].append(ahead)
    for block, queue in zip(rows, queues):
        for segment, key in enumerate(zip(block.near.tolist(), block.delay.tolist())):
            for ahead in waiting.get(key, ()):
                queue.put(ahead, np.array([segment], np.int32))
