"""Objects to a plan: the operations of a step in Brian 2's order, each bound to its memory.

Every object contributes code objects, each with a place in the schedule (slot, order, name): a group its update ('groups'), its threshold
('thresholds') and its reset ('resets'), synapses their pathways ('synapses') and so on. Where nothing lies between a group's update
and its threshold that could see or change the group, both are one kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from eqsnn.errors import EqsnnError, WrongValueError
from eqsnn.kernel.interpret import evaluate_hoisted
from eqsnn.kernel.ir import Kernel, identifier
from eqsnn.kernel.random import key_of
from eqsnn.model.functions import TableFunction
from eqsnn.model.model import Model
from eqsnn.model.rules import check_model
from eqsnn.model.sharing import NOTHING_SHARED, OWNER, Sharing
from eqsnn.model.statements import bind
from eqsnn.network.base import SLOTS, SimObject, registry
from eqsnn.network.clock import Clock, EventClock, common_grid, rests_for_a_step, steps_in
from eqsnn.network.events import known_event
from eqsnn.network.group import Group
from eqsnn.network.hidden import hidden_names
from eqsnn.network.hostkernel import function_of, shape_value, table_of
from eqsnn.network.inputs import PoissonGroup, PoissonInput, SpikeGeneratorGroup
from eqsnn.network.late import code_of, look_up_functions
from eqsnn.network.monitors import EventMonitor, PopulationRateMonitor
from eqsnn.network.namespace import constants, names_of_numbers
from eqsnn.network.neurongroup import NeuronGroup, SpikeSource
from eqsnn.network.operations import NetworkOperation
from eqsnn.network.regular import CodeRunner
from eqsnn.network.statemonitor import StateMonitor
from eqsnn.network.synapses import Synapses
from eqsnn.runtime.arranged_rows import referred_to
from eqsnn.runtime.conflicts import in_chains
from eqsnn.runtime.memory import spikes_for
from eqsnn.runtime.place_names import PlaceNames
from eqsnn.runtime.plan import Binding, ClockPlan, Op, Plan, fit
from eqsnn.runtime.plan_held import place_held
from eqsnn.runtime.plan_inputs import place_generator, place_operation, place_poisson_input, place_silence
from eqsnn.runtime.plan_layout import lay_out
from eqsnn.runtime.plan_links import bind_link, check_links, new_array, with_computed, written_source
from eqsnn.runtime.plan_monitors import place_event_monitor, place_rate_monitor, place_state_monitor
from eqsnn.runtime.plan_neurons import Refresh, drop_marks, leave_out_resting, place_neurons
from eqsnn.runtime.plan_regular import close_runner, place_runner, written_by
from eqsnn.runtime.plan_sharing import decide_sharing
from eqsnn.runtime.plan_synapses import place_synapses
from eqsnn.runtime.questions import (
    connected,
    degrees,
    index_scalar,
    member,
    place_name,
    places_of_elements,
    root_of,
    values_of,
)
from eqsnn.runtime.schedule import rank_in
from eqsnn.runtime.settings import Settings
from eqsnn.runtime.team import Team, pathways_stay_whole, team_for

Rank = tuple[int, int, str, int]
"""(slot, order, name, position within the object)"""


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
    clocks: tuple[Clock | EventClock, ...]
    team: Team


def with_contained(objects: Iterable[SimObject]) -> list[SimObject]:
    """The objects and what belongs to them, each once."""
    found: dict[int, SimObject] = {}
    for o in objects:
        found.setdefault(id(o), o)
        for inner in o.contained():
            found.setdefault(id(inner), inner)
    return list(found.values())


class Planner:
    """Makes the plan of one run of ``objects``. ``space``: the namespace of the run, after that of each object; with ``check`` the run stops
    where a variable becomes NaN or infinite; ``schedule`` has the slots of a step; ``watched``: Python code is called while it runs;
    without ``moves`` the variables of synapses stay where they lie."""

    def __init__(
        self,
        objects: Iterable[SimObject],
        space: Mapping[str, object],
        engine,
        settings: Settings,
        check: bool = True,
        schedule: Sequence[str] = SLOTS,
        watched: bool = False,
        moves: bool = True,
    ):
        objects = with_contained(objects)
        self.names = PlaceNames(objects)
        self.objects = sorted(objects, key=lambda o: self.names(o, o.name))
        self.space, self.engine, self.settings, self.check = space, engine, settings, check
        self.schedule, self.watched = schedule, watched
        self.moves = moves and registry.in_trial is None  # trials have in common where synapses lie
        ages = sorted(self.objects, key=lambda o: o._age)
        self.aliases = {o.name: f"{type(o).__name__.lower()}_{k}" for k, o in enumerate(ages)}
        self.clocks: list[Clock | EventClock] = []
        self.placed: list[_Placed] = []
        self.messages: list[str] = []
        self.constants: dict[SimObject, dict[str, float | int | bool]] = {}
        self.counts: list[tuple[SimObject, str, Op]] = []
        self.kernel_names: set[str] = set()
        self.depths: dict[tuple[SpikeSource, str], int] = {}
        self.computed: dict[tuple[Group, str], np.ndarray] = {}
        self.sharing: dict[Synapses, Sharing] = {}
        self.together: dict[Synapses, dict[str, bool]] = {}

    def build(self) -> Built:
        """The plan. Raises what is wrong with the network, before anything is compiled."""
        for o in self.objects:
            self._check_dependencies(o)
        look_up_functions(self.objects, self.spaces)
        for o in self.objects:
            self._close(o)
        for o in self.objects:
            if isinstance(o, CodeRunner):
                self.constants[o] = close_runner(self, o)
        self._find_writes()
        self.referred_to = referred_to(self.objects)
        self.team = team_for(self.objects, self.settings)
        self.whole = pathways_stay_whole(self.objects, self.team.threads)
        self._spikes()
        for o in self.objects:
            if isinstance(o, Synapses) and o.unconnected:
                self.sharing[o], self.together[o] = NOTHING_SHARED, dict.fromkeys(o.pathways, True)
            elif isinstance(o, Synapses):
                if self.moves:
                    lay_out(self, o)
                decide_sharing(self, o)
        for o in self.objects:
            self._place(o)
        self.placed.sort(key=lambda p: p.rank)
        for o in self.objects:
            leave_out_resting(self, o)
        refresh = tuple(r for r in (drop_marks(self, o) for o in self.objects) if r is not None)
        tick, places = common_grid(self.clocks)
        plan = Plan(
            tuple(
                ClockPlan(c.name, p, c.dt_) if isinstance(c, Clock) else ClockPlan(c.name, 0, 0.0, p, c.times_)
                for c, p in zip(self.clocks, places)
            )
            or (ClockPlan("defaultclock", 1, 1e-4),),
            in_chains(with_computed(self, [p.op for p in self.placed])),
        )
        return Built(plan, tick, tuple(self.messages), tuple(self.counts), refresh, tuple(self.clocks), self.team)

    # -- what a run has to know before ---------------------------------------------------------------------------------------------

    def _check_dependencies(self, o: SimObject) -> None:
        for attribute in ("source", "target", "group"):
            needed = getattr(o, attribute, None) if not isinstance(o, NeuronGroup) else None
            if needed is None:
                continue
            root = needed.root if isinstance(needed, SpikeSource) else needed
            if root not in self.objects:
                raise WrongValueError(
                    f"'{o.name}' uses '{root.name}', which is not part of the network that runs; add it"
                )

    def spaces(self, o: SimObject) -> list[Mapping[str, object]]:
        """Where the external names of an object are looked up in this run."""
        return [o.namespace, self.space]

    def _close(self, o: SimObject) -> None:
        """Read the external constants and check every equation with their units."""
        if not isinstance(o, Group):
            return
        check_links(o)
        model: Model = o.model
        values, dims = constants(model.externals, self.spaces(o))
        self._tell_grids(o)
        self._tell_hidden(o)
        others = () if len(dims) == len(model.externals) else names_of_numbers(self.spaces(o))
        scope = model.scope.with_externals(
            {n: d for n, d in dims.items() if n not in model.scope.symbols}, others, values
        )
        check_model(model, scope)
        if isinstance(o, Synapses):
            for p in o.pathways.values():
                bind(p.statements, scope)
            for frame, group in connected(o):
                inner, _ = constants(group.model.externals, self.spaces(group))
                values.update({f"{n}@{frame}": v for n, v in inner.items()})
        if getattr(o, "refractory_constant", None) is not None:
            values["_refractory"] = o.refractory_constant
        values.update(getattr(o, "method_constants", {}))
        self.constants[o] = values

    def _tell_hidden(self, o: Group) -> None:
        code = code_of(o)
        if isinstance(o, Synapses):
            code += [p.statements for p in o.pathways.values()]
        elif isinstance(o, PoissonGroup):
            code = [v.expr for v in o.model.variables]  # its threshold is eqsnn's
        told = hidden_names(o, code, self.spaces(o))
        if told is not None:
            self.messages.append(told)

    def _tell_grids(self, o: Group) -> None:
        for name, table in o.model.scope.functions.items():
            if (
                isinstance(table, TableFunction)
                and table.dt > o.clock.dt_
                and not rests_for_a_step(table.dt, o.clock.dt_)
            ):
                self.messages.append(
                    f"{o.name}: the TimedArray '{name}' changes every {table.dt * 1e3:g} ms, which is no multiple of the time step "
                    f"{o.clock.dt_ * 1e3:g} ms; a change is seen in the first step after it"
                )

    def _find_writes(self) -> None:
        """Which variables of which group may change during the run, other than by its own equations."""
        self.written: dict[Group, set[str]] = {}
        for o in self.objects:
            if isinstance(o, Synapses):
                sides = {"self": o, "pre": root_of(o.source), "post": root_of(o.target)}
                for p in o.pathways.values():
                    for b in bind(p.statements, o.model.scope)[0]:
                        if b.target.owner in sides:
                            self.written.setdefault(sides[b.target.owner], set()).add(b.target.variable)
                for v in o.model.variables:
                    if "summed" in v.flags:
                        name, side = v.name.rsplit("_", 1)
                        self.written.setdefault(sides[side], set()).add(name)
            elif isinstance(o, CodeRunner):
                root = root_of(o.group)
                sides = {
                    "self": root,
                    "pre": root_of(getattr(root, "source", None)),
                    "post": root_of(getattr(root, "target", None)),
                }
                for owner, variable in written_by(o):
                    self.written.setdefault(sides[owner], set()).add(variable)
            elif isinstance(o, PoissonInput):
                self.written.setdefault(root_of(o.target), set()).add(o.target_var)
            elif isinstance(o, NeuronGroup):
                for event in o.model.events:
                    if event.reset is not None:
                        bound = bind(event.reset, o.model.scope)[0]
                        self.written.setdefault(o, set()).update(
                            b.target.variable for b in bound if b.target.owner == "self"
                        )
        for o, names in list(self.written.items()):
            for name in names & set(getattr(o, "links", ())):
                source, variable = written_source(o, name)
                self.written.setdefault(source, set()).add(variable)
        self.written_in_steps = {o: frozenset(names) for o, names in self.written.items()}
        if any(isinstance(o, NetworkOperation) for o in self.objects):
            for o in self.objects:
                if isinstance(o, Group):
                    names = {v.name for v in o.model.variables if v.kind == "parameter" and not v.constant}
                    self.written.setdefault(o, set()).update(names)

    def varying(self, o: Group) -> frozenset[str]:
        """The variables of a group that something other than its own equations writes during the run, and the TimedArrays that may change within
        a step of its clock."""
        tables = {n for n, f in o.model.scope.functions.items() if isinstance(f, TableFunction)}
        moving = {n for n in tables if not rests_for_a_step(o.model.scope.functions[n].dt, o.clock.dt_)}
        return frozenset(self.written.get(o, set()) & {v.name for v in o.model.variables} | moving)

    def _spikes(self) -> None:
        """Every event of every group gets a memory of its own, as long as the longest homogeneous delay of what follows it."""
        for o in self.objects:
            if isinstance(o, SpikeSource):
                self.depths.update({(o, event): 1 for event in o.event_names})
        for o in self.objects:
            for p in o.pathways.values() if isinstance(o, Synapses) else ():
                root = root_of(o.source if p.prepost == "pre" else o.target)
                known_event(root, p.event, f"'{o.name}' waits for", f" (on_{p.prepost})")
                delay = p.one_delay()
                if delay is not None:
                    steps = steps_in(delay, root.clock.dt_)
                    self.depths[root, p.event] = max(self.depths[root, p.event], steps + 1)
        for (o, event), depth in self.depths.items():
            o._last_events[event] = spikes_for(self.engine, o, event, depth)
        for o, _ in self.depths:
            o.__dict__["_spikes_dt"] = o.clock.dt_

    # -- places and bindings -----------------------------------------------------------------------------------------------------

    def clock(self, clock: Clock | EventClock) -> int:
        """The number of a clock in the plan."""
        for k, known in enumerate(self.clocks):
            if known is clock:
                return k
        self.clocks.append(clock)
        return len(self.clocks) - 1

    def name(self, *parts: str) -> str:
        """A name for a kernel. Objects go by their kind and age in it: the same network under other names compiles nothing."""
        return identifier("_".join(("eqk", *(self.aliases.get(p, p) for p in parts))))

    def add(
        self, o: SimObject, when: str, order: int, position: int, op: Op, label: str | None = None, name: str = ""
    ) -> Op:
        """Put an operation in its place: slot, order, ``name`` (or the one that Brian 2 gives to that part of the object), position.
        ``label`` is the site of its random stream."""
        fit(op)
        name = self.names(o, name or place_name(o, op.label))
        rank = (rank_in(self.schedule, when, o), order, name, position)
        self.placed.append(_Placed(rank, op))
        if label is not None and op.kernel is not None and any(s.owner == "random" for s in op.kernel.scalars):
            op.count = o.updates(label)
            self.counts.append((o, label, op))
        return op

    def binding(
        self, kernel: Kernel, o: SimObject, groups: Mapping[str, Group], clock: Clock, label: str, extra=None
    ) -> Binding:
        """Arrays and numbers for every name of a kernel. ``groups``: who is 'self', 'pre' and 'post'; ``extra``: values given here."""
        extra = extra or {}
        buffers, scalars = {}, {}
        links = {}
        dt = (clock if isinstance(clock, Clock) else groups["self"].clock).dt_  # an EventClock has none of its own
        model_scope = o.scope() if hasattr(o, "scope") else (o if isinstance(o, Group) else groups["self"]).model.scope
        for b in kernel.buffers:
            if b.name in extra:
                buffers[b.name] = extra[b.name]
            elif b.owner == "table":
                values = extra[b.variable] if b.variable in extra else table_of(model_scope, b.variable).values
                buffers[b.name] = np.ascontiguousarray(values)
            elif b.owner == "index":
                buffers[b.name] = degrees(o, b.variable)
            elif b.owner in OWNER.values():
                buffers[b.name] = groups["self"].arrays.once.arrays[b.owner.removeprefix("each_")][b.variable]
            elif b.variable.endswith(("@index", "@source")):
                links[b.owner, b.variable.partition("@")[0]] = groups[b.owner]
            elif b.owner != "derived":
                group = member(groups, b.owner)
                if b.writable and b.variable in group.links:
                    group, variable = written_source(group, b.variable)
                    buffers[b.name] = group.arrays[variable]
                else:
                    buffers[b.name] = values_of(group, b.variable)
        for (owner, variable), group in links.items():
            bind_link(self, kernel, group, owner, variable, buffers)
        for s in kernel.scalars:
            if s.owner == "external":
                values = extra if s.variable in extra else self.constants.get(o, {})
                if s.variable not in values:
                    raise EqsnnError(f"'{o.name}' uses the name '{s.variable.partition('@')[0]}', which has no value")
                scalars[s.name] = values[s.variable]
            elif s.owner == "clock":
                scalars[s.name] = dt if s.variable == "dt" else 0
            elif s.owner == "linked":
                owner, _, variable = s.variable.partition(".")
                source = next(b for b in kernel.buffers if (b.owner, b.variable) == (owner, f"{variable}@source"))
                scalars[s.name] = len(buffers[source.name]) - 1
            elif s.owner == "index":
                scalars[s.name] = index_scalar(o, s.variable)
            elif s.owner == "random":
                scalars[s.name] = key_of(*o.site(label)) if s.variable == "key" else 0
            elif s.owner == "shape":
                scalars[s.name] = extra[s.variable] if s.variable in extra else shape_value(model_scope, s.variable, dt)
        evaluate_hoisted(kernel, buffers, scalars, places_of_elements(kernel, groups["self"]))
        functions = {e.function: function_of(model_scope, e.function) for e in kernel.externs}
        return Binding(buffers, scalars, functions)

    def computed_array(self, o: Group, variable: str) -> np.ndarray:
        """Memory into which a variable of ``o`` is computed before each operation that reads it there (plan_links.py)."""
        if (o, variable) not in self.computed:
            if o not in self.constants:
                self._close(o)
            self.computed[o, variable] = new_array(o, variable)
        return self.computed[o, variable]

    # -- the objects ---------------------------------------------------------------------------------------------------------------

    def _place(self, o: SimObject) -> None:
        if not o.active:
            for event in o.event_names if isinstance(o, SpikeSource) else ():
                place_silence(self, o, event)
            return
        if isinstance(o, (NeuronGroup, Synapses)):
            place_held(self, o)
        for kind, place in PLACES.items():
            if isinstance(o, kind):
                place(self, o)
                return

    def map(self, o: Group, kernel: Kernel, label: str, n: int, emits=None) -> Op:
        """One kernel over ``n`` elements of a group."""
        binding = self.binding(kernel, o, {"self": o}, o.clock, label)
        return Op(
            "map",
            self.clock(o.clock),
            label,
            o,
            kernel,
            binding,
            n=n,
            block=max(n, 1) if kernel.ordered else self.settings.block_for(n),
            emits=emits,
        )


PLACES: dict[type, Callable[[Planner, object], None]] = {
    CodeRunner: place_runner,
    SpikeGeneratorGroup: place_generator,
    NeuronGroup: place_neurons,
    Synapses: place_synapses,
    PoissonInput: place_poisson_input,
    EventMonitor: place_event_monitor,
    PopulationRateMonitor: place_rate_monitor,
    StateMonitor: place_state_monitor,
    NetworkOperation: place_operation,
}
"""What puts the operations of each kind of object into the plan; the first kind that fits is taken."""
