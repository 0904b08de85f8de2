"""A plan as a program: each operation a function with a name, and its arrays fields with names. No language is chosen yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from eqsnn.errors import EqsnnError, InternalError
from eqsnn.export.memory import Field, Memory, Ref, Struct
from eqsnn.export.names import Names
from eqsnn.export.synaptic_rows import Rows, narrow, rows_of
from eqsnn.export.usercode import UserCode, user_functions
from eqsnn.network.base import SimObject
from eqsnn.network.neurongroup import SpikeSource
from eqsnn.runtime.plan import ClockPlan, Op
from eqsnn.runtime.planner import Built

TAKEN = ("tick", "status", "failed_step", "failed_element", "clock")
"""Members of the network that are no object's."""


@dataclass(eq=False)
class Ring:
    """The events of a group in its last ``depth`` steps: ``lists`` of indices, how ``many`` there are in each, and where the newest is
    (``at``).

    A group emits at most ``n`` events in a step, one an element; a list has room for them all.
    """

    owner: SimObject
    event: str
    n: int
    depth: int
    lists: Field
    many: Field
    at: Field


@dataclass(eq=False)
class Step:
    """One operation: the function ``name``, what it is ``about``, and where it finds what it works on.

    ``refs``: the buffers of its kernel; ``part``: the range of a subgroup's events, None for all; ``counter``: how often it was done;
    ``extra``: fields by their role.
    """

    name: str
    about: str
    op: Op
    struct: Struct
    refs: dict[str, Ref] = field(default_factory=dict)
    emits: Ring | None = None
    source: Ring | None = None
    part: tuple[int, int] | None = None
    counter: Field | None = None
    rows: Rows | None = None
    extra: dict[str, Ref] = field(default_factory=dict)

    @property
    def needs_step(self) -> bool:
        """Whether the function depends on the step of its clock."""
        scalars = () if self.op.kernel is None else self.op.kernel.scalars
        timed = any(s.owner == "clock" and s.variable in ("t", "step") for s in scalars)
        return timed or self.op.kind in ("generator", "record_events", "record_values", "record_count", "record_state")


@dataclass(eq=False)
class Column:
    """A file that the program writes: the ``name`` of a quantity, the field that has its values of one step, and how many there are at a
    time (None: as many as there are events)."""

    name: str
    values: Field | None
    width: int | None


@dataclass(eq=False)
class Recording:
    """What a monitor has recorded in the current step. ``happened``: how many rows or events."""

    kind: str
    monitor: SimObject
    struct: Struct
    happened: Field
    time: Field
    columns: list[Column] = field(default_factory=list)
    size: int = 0
    dt: float = 0.0


@dataclass(eq=False)
class Program:
    """What a language makes text of. ``ticks``: how long the run lasts, None if it is not said; ``first``: the tick at which it begins;
    ``tick``: in seconds."""

    structs: list[Struct]
    clocks: tuple[ClockPlan, ...]
    moments: dict[int, tuple[Field, Field, Field]]
    steps: list[Step]
    rings: list[Ring]
    recordings: list[Recording]
    counts: list[Field]
    first: int
    tick: float
    ticks: int | None
    objects: list[SimObject]
    functions: list[UserCode]
    built: Built
    constants: dict[SimObject, dict[str, float | int | bool]]

    @property
    def fields(self) -> list[Field]:
        """All arrays."""
        return [f for s in self.structs for f in s.fields]


class ProgramMaker:
    """Makes the program of a plan."""

    def __init__(self, built: Built, objects: Iterable[SimObject], first: int, ticks: int | None, constants):
        self.built, self.objects, self.first, self.ticks, self.constants = built, list(objects), first, ticks, constants
        self.memory = Memory(self.objects, TAKEN)
        self.functions = Names(("main",))
        self.rings: dict[int, Ring] = {}
        self.recordings: dict[int, Recording] = {}
        self.counts: list[Field] = []

    def program(self) -> Program:
        """The whole of it. Raises EqsnnError."""
        ops = self.built.plan.ops
        self._make_rings(ops)
        steps = [self._step(op) for op in ops]
        moments = self._moments()
        return Program(
            self.memory.structs,
            self.built.plan.clocks,
            moments,
            steps,
            list(self.rings.values()),
            list(self.recordings.values()),
            self.counts,
            self.first,
            float(self.built.tick),
            self.ticks,
            self.objects,
            user_functions(ops),
            self.built,
            self.constants,
        )

    # -- events ------------------------------------------------------------------------------------------------------------------

    def _make_rings(self, ops: list[Op]) -> None:
        depths: dict[int, int] = {}
        for op in ops:
            for ring in (op.emits, op.source):
                if ring is not None:
                    back = max(int(b.delay.max(initial=0)) for b in op.rows) if op.queues else op.delay
                    depths[id(ring)] = max(depths.get(id(ring), 1), 1 + (back if ring is op.source else 0))
        for o in self.objects:
            for event, ring in o._last_events.items() if isinstance(o, SpikeSource) else ():
                if id(ring) in depths:
                    self.rings[id(ring)] = self._ring(o, event, ring, depths[id(ring)])

    def _ring(self, o, event: str, spikes, depth: int) -> Ring:
        n = len(o)
        lists, many = np.zeros((depth, max(n, 1)), np.int32), np.zeros(depth, np.int32)
        for back in range(min(depth, spikes.step + 1)):
            events = spikes.read(back)
            lists[depth - 1 - back, : len(events)], many[depth - 1 - back] = events, len(events)
        word = "spikes" if event == "spike" else f"{event}_events"
        about = (
            f"the elements with the event '{event}' in the last {depth} steps, a list for each"
            if event != "spike"
            else f"the spikes of the last {depth} steps: a list of indices for each"
        )
        return Ring(
            o,
            event,
            n,
            depth,
            self.memory.add(o, word, lists, about),
            self.memory.add(o, f"n_{word}", many, "how long each of these lists is"),
            self.memory.number(o, f"{word}_at", depth - 1, "which of them is the newest"),
        )

    # -- operations --------------------------------------------------------------------------------------------------------------

    def _step(self, op: Op) -> Step:
        o = op.owner
        struct = self.memory.struct(o)
        step = Step(self.functions.new(f"{struct.name}_{op.label}"), f"{o.name}: {op.label}", op, struct)
        if op.kernel is not None:
            self._bind(step)
        if op.emits is not None:
            step.emits = self.rings[id(op.emits)]
        if op.source is not None:
            step.source = ring = self.rings[id(op.source)]
            if op.first > 0 or op.last < ring.n:
                step.part = (op.first, op.last)
        getattr(self, f"_{op.kind}", self._nothing_more)(step)
        return step

    def _nothing_more(self, step: Step) -> None:
        """The kernel and its arrays are all there is."""

    def _bind(self, step: Step) -> None:
        op = step.op
        for b in op.kernel.buffers:
            name = b.variable if b.owner != "derived" else b.name
            name = name.replace("@index", "_at").replace("@source", "_there")
            step.refs[b.name] = self.memory.ref(op.binding.buffers[b.name], op.owner, name, b.writable)
        if any(s.owner == "random" and s.variable == "count" for s in op.kernel.scalars):
            about = f"how often {step.name}() was done: the random numbers count by it"
            step.counter = self.memory.number(op.owner, f"{op.label}_count", op.count, about)

    def _events(self, step: Step) -> None:
        if step.op.source is None:
            step.extra["elements"] = self.memory.ref(step.op.index, step.op.owner, f"{step.op.label}_elements")

    def _pathway(self, step: Step) -> None:
        op = step.op
        if len(op.rows) != 1:
            raise InternalError(f"{step.about} has {len(op.rows)} blocks of rows")
        step.rows = rows_of(self.memory, op)
        if op.many:
            first, stop = op.rows[0].span
            room = np.zeros(max(stop - first, 1), np.uint16)
            step.extra["arrived"] = Ref(
                self.memory.add(op.owner, f"{op.label}_arrived", room, "room to count arrivals", kept=False)
            )

    def _clear(self, step: Step) -> None:
        step.extra["array"] = self.memory.ref(step.op.array, step.op.owner, "cleared", written=True)

    def _generator(self, step: Step) -> None:
        op, s = step.op, step.op.schedule
        if not len(s.step):
            return
        step.extra["step"] = self.memory.ref(s.step, op.owner, "spike_step")
        step.extra["index"] = self.memory.ref(s.index, op.owner, "spike_index")
        step.extra["next"] = Ref(self.memory.number(op.owner, "next_spike", 0, "which of the given spikes comes next"))
        step.extra["cycle"] = Ref(self.memory.number(op.owner, "cycle", 0, "how often they have been repeated"))

    # -- monitors ----------------------------------------------------------------------------------------------------------------

    def _recording(self, o: SimObject, kind: str, size: int, clock: int) -> Recording:
        if id(o) not in self.recordings:
            struct = self.memory.struct(o)
            what = "events in this step" if kind == "events" else "1 if this step was recorded"
            happened = self.memory.number(o, "n", 0, what, kept=False)
            time = self.memory.number(o, "t", 0.0, "the time of this step", kept=False)
            self.recordings[id(o)] = Recording(
                kind, o, struct, happened, time, size=size, dt=self.built.plan.clocks[clock].dt
            )
        return self.recordings[id(o)]

    def _values(self, found: Recording, name: str, n: int, dtype, width: int | None, about: str) -> Ref:
        values = self.memory.add(found.monitor, name, np.zeros(n, dtype), about, kept=False)
        found.columns.append(Column(name, values, width))
        return Ref(values)

    def _record_events(self, step: Step) -> None:
        op = step.op
        found = self._recording(op.owner, "events", op.n, op.clock)
        asked = op.owner.asked
        step.extra["i"] = self._values(found, "i", op.n, np.int32, None, "which elements they were")
        if "i" not in asked:
            found.columns.pop()
        if "t" in asked:
            found.columns.append(Column("t", None, None))
        step.extra["n"], step.extra["t"] = Ref(found.happened), Ref(found.time)

    def _record_values(self, step: Step) -> None:
        op = step.op
        found = self._recording(op.owner, "events", op.n, op.clock)
        name = op.label.removeprefix("record ")
        about = f"their '{name}'"
        step.extra["values"] = self._values(found, name, op.n, op.records[0].dtype, None, about)
        step.extra["array"] = self.memory.ref(op.array, op.owner, name)
        step.extra["n"], step.extra["t"] = Ref(found.happened), Ref(found.time)

    def _count_events(self, step: Step) -> None:
        op = step.op
        step.extra["counts"] = self.memory.ref(op.array, op.owner, "count", written=True)
        self.counts.append(step.extra["counts"].field)

    def _record_count(self, step: Step) -> None:
        op = step.op
        found = self._recording(op.owner, "rate", op.n, op.clock)
        spikes = self.memory.number(op.owner, "spikes", 0, "how many of them spiked", kept=False)
        found.columns += [Column("t", None, 1), Column("rate", spikes, 1)]
        step.extra["spikes"], step.extra["n"], step.extra["t"] = Ref(spikes), Ref(found.happened), Ref(found.time)

    def _record_state(self, step: Step) -> None:
        op = step.op
        found = self._recording(op.owner, "state", op.n, op.clock)
        if not any(c.name == "t" for c in found.columns):
            found.columns.append(Column("t", None, 1))
        step.extra["n"], step.extra["t"] = Ref(found.happened), Ref(found.time)
        if op.label == "record the time" or not op.n:
            return
        name = op.label.removeprefix("record ")
        about = f"'{name}' of what is recorded"
        step.extra["values"] = self._values(found, name, op.n, op.records[0].dtype, op.n, about)
        step.extra["array"] = self.memory.ref(op.array, op.owner, name)
        if op.index is not None:
            key = ("recorded", id(op.owner), op.index.tobytes())
            step.extra["index"] = Ref(
                self.memory.once(key, op.owner, "recorded", lambda: narrow(op.index), "which elements these are")
            )

    # -- clocks ------------------------------------------------------------------------------------------------------------------

    def _moments(self) -> dict[int, tuple[Field, Field, Field]]:
        """Of clocks that tick at given moments: their ticks, their times, and which comes next."""
        found = {}
        for k, clock in enumerate(self.built.plan.clocks):
            if clock.period:
                continue
            owner = next(op.owner for op in self.built.plan.ops if op.clock == k)
            ticks = self.memory.add(owner, f"ticks_{k}", clock.moments, f"when {clock.name} ticks", written=False)
            times = self.memory.add(owner, f"times_{k}", clock.times, "the same in seconds", written=False)
            at = self.memory.number(owner, f"at_{k}", clock.step_from(self.first), "which of them comes next")
            found[k] = (ticks, times, at)
        return found


def check_size(fields: Iterable[Field]) -> None:
    """Raises EqsnnError where the program could not say how large it is."""
    total = sum(f.nbytes for f in fields)
    if total > 1 << 46:
        raise EqsnnError(f"export(): the network would take {total / 1e12:.0f} TB")
