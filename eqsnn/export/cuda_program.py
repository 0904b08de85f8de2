"""A plan as a program for a GPU: what the CUDA engine puts on a device, under names. No language is chosen yet.

The engine lays the plan out on a blueprint (``runtime/cuda.py``, ``OnDevice``), tables and launches and all. What is left to do here is to say
what its addresses mean: a variable of a group, room of an operation, a table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from eqsnn.backends.cuda.layout import Words, types
from eqsnn.backends.cuda.source import CudaSource
from eqsnn.backends.cuda.ways import Way
from eqsnn.export.blueprint import Blueprint
from eqsnn.export.memory import Field, Memory, Ref, Struct
from eqsnn.export.names import Names
from eqsnn.network.base import SimObject
from eqsnn.network.neurongroup import SpikeSource
from eqsnn.runtime.cuda import OnDevice
from eqsnn.runtime.cuda_plan import Setting
from eqsnn.runtime.plan import ClockPlan, Op
from eqsnn.runtime.planner import Built
from eqsnn.runtime.settings import settings

TAKEN = ("tick", "status", "failed_step", "failed_element", "engine", "clock")
"""Members of the network that are no object's."""
_DTYPES = {"int64_t": np.int64, "int32_t": np.int32, "double": np.float64, "char": np.int8, "void": np.int64}
_CONNECTIVITY = {
    "start": "where the synapses of each row begin",
    "near_end": "the neuron of each row",
    "far": "the neuron at the other end of each synapse",
    "synapse": "where the variables of each synapse lie",
    "first": "where the rows of each neuron begin",
    "delay": "the delay of each row in steps",
}
_ABOUT = {
    "real": "numbers of the kernel",
    "integer": "whole numbers of the kernel",
    "buffer": "the arrays of the kernel",
    "emitted": "who spikes, a list for each block of threads",
    "counts": "how long each of these lists is",
    "arrived": "arrivals at each neuron in this step",
    "filled": "how many of them are in its list",
    "place": "where its list begins",
    "sorted": "the arrivals, neuron by neuron",
    "offset": "how many synapses the arriving rows before each one have",
    "due_step": "when each given spike is due",
    "due_index": "whose it is",
}


@dataclass(eq=False)
class Addresses(Field):
    """An array of pointers to other arrays, None for one that points nowhere; ``target``: the type of what they point to."""

    entries: list[Ref | None] = field(default_factory=list)
    target: str = "void"

    @property
    def type(self) -> str:
        return f"{self.target} *"


@dataclass(frozen=True)
class Part:
    """An entry of one of the tables 'ops', 'rings', 'queues' and 'stores'."""

    table: str
    k: int


@dataclass(eq=False)
class Entry:
    """One entry of a table: what it is ``about``, and its fields that are not 0, by name."""

    part: Part
    about: str
    fields: dict[str, int | Ref | Part] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A launch: the kernel, how many blocks of how many threads, and the number of the operation (None: the table alone)."""

    kernel: str
    grid: int
    block: int
    op: int | None


@dataclass(eq=False)
class DeviceStep:
    """One operation of a step: the ``room`` that it has for itself, its entry and its launches."""

    name: str
    about: str
    op: Op
    room: Struct
    way: Way | None
    entry: Entry
    calls: list[Call]


@dataclass(frozen=True)
class Recorded:
    """Values that a monitor records, as numpy calls their type. ``kind``: 'values' as they are; 'times', step numbers that become seconds; 'rows', a
    time for each row of another's values; 'rate', counts that become Hz by ``scale``. ``store``: where they come from; ``width``: values a row, 0
    for a list. ``clock``, ``first``, ``every``: which steps have rows."""

    name: str
    type: str
    size: int
    kind: str
    store: int
    width: int
    clock: int
    first: int = 0
    every: int = 1
    items: int = 1
    scale: float = 1.0


@dataclass(eq=False)
class CudaProgram:
    """What a language makes text of. ``tables``: the entries of each table; ``ticks``: how long the run lasts, None if it is not said; ``first``:
    the tick at which it begins; ``tick``: in seconds."""

    structs: list[Struct]
    room: Struct
    table: Entry
    tables: dict[str, list[Entry]]
    steps: list[DeviceStep]
    begin: Call
    spiking: list[tuple[str, int, int]]
    recorded: list[Recorded]
    counts: list[Field]
    clocks: tuple[ClockPlan, ...]
    first: int
    tick: float
    ticks: int | None
    objects: list[SimObject]
    built: Built
    constants: dict[SimObject, dict[str, float | int | bool]]
    source: CudaSource
    deterministic: bool

    @property
    def rooms(self) -> list[Struct]:
        """The structs of what kernels need besides."""
        return [s for s in (self.room, *(step.room for step in self.steps)) if s.fields]

    @property
    def fields(self) -> list[Field]:
        """All arrays that the user knows by name: state and connectivity."""
        return [f for s in self.structs for f in s.fields]

    @property
    def inner(self) -> list[Field]:
        """All others."""
        return [f for s in self.rooms for f in s.fields]


class CudaProgramMaker:
    """Makes the program of a plan. Raises EqsnnError for what cannot run on a GPU."""

    def __init__(self, built: Built, objects: Iterable[SimObject], first: int, ticks: int | None, constants):
        self.built, self.objects, self.first, self.ticks, self.constants = built, list(objects), first, ticks, constants
        self.device = Blueprint()
        setting = Setting(settings.deterministic, ring_lists=None)
        self.laid = OnDevice(self.device, built.plan, setting)
        self.laid.put_time(first)
        self.laid.table.fill(0, tick=first)
        self.memory = Memory(self.objects, TAKEN)
        self.names = Names(("main",))
        self.known: dict[int, Ref] = {}

    def program(self) -> CudaProgram:
        """The whole of it."""
        ops = self.built.plan.ops
        rooms = [self.memory.room(f"{self.memory.struct(op.owner).name}_{op.label}", self._about(op)) for op in ops]
        for op in ops:
            self._name_arrays(op)
        spiking = self._name_rings()
        tables = {
            "ops": [self._entry("ops", k, room, self._about(op)) for k, (op, room) in enumerate(zip(ops, rooms))],
            "rings": [
                self._entry("rings", k, None, f"the events of {name}") for k, name in enumerate(self._ring_names)
            ],
            "queues": self._queues(rooms),
            "stores": self._stores(rooms),
        }
        room = self.memory.room("clocks", "the clocks")
        table = self._entry("table", 0, room, "what operations have in common")
        steps = [self._step(k, room_, tables["ops"][k]) for k, room_ in enumerate(rooms)]
        return CudaProgram(
            self.memory.structs,
            room,
            table,
            tables,
            steps,
            self._call(self.laid.begin),
            spiking,
            self._recorded(),
            self._counts(),
            self.built.plan.clocks,
            self.first,
            float(self.built.tick),
            self.ticks,
            self.objects,
            self.built,
            self.constants,
            self.laid.source,
            settings.deterministic,
        )

    @staticmethod
    def _about(op: Op) -> str:
        return f"{op.owner.name}: {op.label}"

    # -- names of arrays that the host has -----------------------------------------------------------------------------------------

    def _array(self, array: np.ndarray | None, o: SimObject, name: str, about: str = "", written: bool = False) -> None:
        if array is None or not array.nbytes:
            return
        ref = self.memory.ref(array, o, name, written)
        ref.field.about = ref.field.about or about
        self.known[self.laid.arrays.address(array)] = ref

    def _name_arrays(self, op: Op) -> None:
        o, label = op.owner, op.label.removeprefix("pathway ")
        if op.kernel is not None:
            for b in op.kernel.buffers:
                name = b.variable if b.owner != "derived" else b.name
                name = name.replace("@index", "_at").replace("@source", "_there")
                self._array(op.binding.buffers[b.name], o, name, written=b.writable)
        for block in op.rows:
            end = "target" if op.kernel.rows == "pre" else "source"
            titles = {"far": end, "synapse": "synapse", "start": f"{label}_first", "near": f"{label}_row"}
            titles |= {"first": f"{label}_rows", "delay": f"{label}_delay"}
            for attribute, name in titles.items():
                about = _CONNECTIVITY["near_end" if attribute == "near" else attribute]
                self._array(getattr(block, attribute), o, name, about)
        title = {"count_events": "count", "clear": "cleared"}.get(op.kind, op.label.removeprefix("record "))
        self._array(op.array, o, title, written=op.kind in ("count_events", "clear"))
        self._array(op.index, o, "recorded" if op.kind == "record_state" else f"{label}_elements", "which elements")

    def _name_rings(self) -> list[tuple[str, int, int]]:
        """Name what belongs to the rings of events; returns the groups whose spikes can be asked for: name, ring, size."""
        rings = self.laid.rings
        numbers = {id(s): k for k, s in enumerate(rings.spikes)}
        self._ring_names, found = [f"ring {k}" for k in range(len(rings.spikes))], []
        for o in self.objects:
            for event, ring in o._last_events.items() if isinstance(o, SpikeSource) else ():
                k = numbers.get(id(ring))
                if k is None:
                    continue
                word = "spikes" if event == "spike" else f"{event}_events"
                self._ring_names[k] = f"{o.name} ('{event}')"
                for name, attribute, dtype, about in (
                    (
                        word,
                        "list",
                        np.int32,
                        f"the elements with '{event}' in the last {ring.depth} steps, list by list",
                    ),
                    (f"{word}_begin", "start", np.int64, "where the list of each step begins"),
                    (f"n_{word}", "count", np.int64, "how long it is"),
                ):
                    address = rings.words[k, attribute]
                    values = self.device.block(address).values(dtype)
                    self.known[address] = Ref(self.memory.add(o, name, values, about))
                if event == "spike":
                    found.append((self.memory.struct(o).name, k, len(o)))
        return found

    # -- entries of tables ---------------------------------------------------------------------------------------------------------

    def _words(self, table: str) -> Words:
        laid = self.laid
        return {"ops": laid.ops, "table": laid.table, "rings": laid.rings.words, "queues": laid.queues.words,
                "stores": laid.stores.words}[table]  # fmt: skip

    def _entry(self, table: str, k: int, room: Struct | None, about: str) -> Entry:
        words = self._words(table)
        struct = {"ops": "eq_op", "table": "eq_table", "rings": "eq_ring", "queues": "eq_waiting", "stores": "eq_store"}
        found = Entry(Part(table, k), about)
        for name, type_ in types(struct[table]).items():
            value = words[k, name]
            if value:
                found.fields[name] = self._resolved(value, type_, room, name) if "*" in type_ else value
        return found

    def _resolved(self, address: int, type_: str, room: Struct | None, name: str) -> Ref | Part:
        """What lies at an address: an entry of a table, an array with a name, or room that gets its name here."""
        for table in ("ops", "rings", "queues", "stores"):
            words = self._words(table)
            size = 8 * len(words.places)
            if words.address <= address < words.address + size * len(words.words):
                return Part(table, (address - words.address) // size)
        if address not in self.known:
            block = self.device.block(address)
            target = type_.replace("const ", "").split("*")[0].split()[0]
            values = block.values(np.int64 if type_.count("*") == 2 else _DTYPES[target])
            given = [room.name, room.names.new(name), values, _ABOUT.get(name, ""), True, block.written]
            if type_.count("*") == 2:
                inner = [
                    self._resolved(int(v), f"{target} *", room, f"{name}_{k}") if v else None
                    for k, v in enumerate(values)
                ]
                made = Addresses(*given, entries=inner, target="void" if target == "void" else f"const {target}")
            else:
                made = Field(*given)
            room.fields.append(made)
            self.known[address] = Ref(made)
        return self.known[address]

    def _queues(self, rooms: list[Struct]) -> list[Entry]:
        found = []
        for k, placed in enumerate(self.laid.queues.placed):
            inner = _Renamed(rooms[placed.k], "queue_")
            found.append(self._entry("queues", k, inner, f"what is on its way: {self._about(placed.op)}"))
        return found

    def _stores(self, rooms: list[Struct]) -> list[Entry]:
        found = []
        for number, op in enumerate(self.built.plan.ops):
            for name, _ in zip(("store", "times"), op.records):
                inner = _Renamed(rooms[number], f"{name}_")
                found.append(self._entry("stores", len(found), inner, f"{self._about(op)}, {name}"))
        return found

    def _step(self, k: int, room: Struct, entry: Entry) -> DeviceStep:
        placed = self.laid.placed[k]
        calls = [self._call(launch) for launch in placed.launches]
        return DeviceStep(room.name, self._about(placed.op), placed.op, room, placed.way, entry, calls)

    def _call(self, launch) -> Call:
        number = None
        if len(launch.args) > 1:
            number = (launch.args[1] - self.laid.ops.address) // (8 * len(self.laid.ops.places))
        return Call(launch.function.name, launch.grid, launch.block, number)

    # -- what is recorded ----------------------------------------------------------------------------------------------------------

    def _recorded(self) -> list[Recorded]:
        found, store = [], 0
        timed: set[int] = set()
        for op in self.built.plan.ops:
            if not op.records:
                continue
            struct = self.memory.struct(op.owner).name
            first, every = self._rows(op)
            given = dict(clock=op.clock, first=first, every=every)
            name = f"{struct}.{op.label.removeprefix('record ')}"
            dtype = op.records[0].dtype
            if op.kind == "record_events":
                if "i" in op.owner.asked:
                    found.append(Recorded(f"{struct}.i", "<i4", 4, "values", store, 0, **given))
                if "t" in op.owner.asked:
                    found.append(Recorded(f"{struct}.t", "<f8", 8, "times", store + 1, 0, **given))
            elif op.kind == "record_values":
                found.append(Recorded(name, dtype.str, dtype.itemsize, "values", store, 0, **given))
            elif op.kind == "record_count":
                seconds = op.n * self.built.plan.clocks[op.clock].dt
                found.append(Recorded(f"{struct}.t", "<f8", 8, "rows", store, 0, **given))
                found.append(Recorded(f"{struct}.rate", "<f8", 8, "rate", store, 0, scale=seconds, **given))
            elif op.n:
                if id(op.owner) not in timed:
                    timed.add(id(op.owner))
                    found.append(Recorded(f"{struct}.t", "<f8", 8, "rows", store, 0, items=op.n, **given))
                if op.label != "record the time":
                    found.append(Recorded(name, dtype.str, dtype.itemsize, "values", store, op.n, **given))
            store += len(op.records)
        return found

    def _rows(self, op: Op) -> tuple[int, int]:
        """The first step from now on that has a row, and how many steps later the next one comes."""
        step = self.built.plan.clocks[op.clock].step_from(self.first)
        if not op.every:
            return step, 1
        return op.since + max(-(-(step - op.since) // op.every), 0) * op.every, op.every

    def _counts(self) -> list[Field]:
        ops = [op for op in self.built.plan.ops if op.kind == "count_events"]
        return [self.known[self.laid.arrays.address(op.array)].field for op in ops]


class _Renamed:
    """A struct whose new fields have a prefix."""

    def __init__(self, struct: Struct, prefix: str):
        self.name, self.fields, self.names = struct.name, struct.fields, self
        self._names, self._prefix = struct.names, prefix

    def new(self, name: str) -> str:
        return self._names.new(self._prefix + name)
