"""The plan of a run: a list of operations, each with the memory it works on. It says what happens; an engine makes it happen.

The operations of one step are executed in the order of the list. Two engines read the same plan: ``native.py`` hands it to the compiled
scheduler, ``reference.py`` walks it in Python with the interpreter of the kernel IR.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from eqsnn.kernel.ir import Kernel
from eqsnn.kernel.passes.fit_memory import fit_memory
from eqsnn.kernel.single import narrow
from eqsnn.model.functions import UserFunction

if TYPE_CHECKING:
    from eqsnn.runtime.made_rows import MadeRows

OpKind = Literal[
    "map",
    "events",
    "pathway",
    "generator",
    "record_events",
    "record_count",
    "record_state",
    "clear",
    "python",
    "record_values",
    "count_events",
]
CASTS = ((None, None), ("f8", "f4"), ("i8", "i4"), ("i8", "i2"), ("i8", "i1"))
"""How recorded values may be stored, by the number that the engine knows: as they are, or from one type to a narrower one."""


class Spikes(Protocol):
    """The events of one group in the last steps; owned by an engine. ``step`` counts the steps so far, from -1."""

    n: int
    step: int

    @property
    def depth(self) -> int: ...
    def append(self, events: np.ndarray) -> None: ...
    def read(self, back: int) -> np.ndarray: ...
    def deepen(self, depth: int) -> None: ...


class Record(Protocol):
    """A growing table of recorded values; owned by an engine. With a file it keeps little in memory."""

    dtype: np.dtype

    def array(self) -> np.ndarray: ...
    def append(self, values: np.ndarray) -> None: ...
    def settle(self) -> None: ...
    def __len__(self) -> int: ...


class Queue(Protocol):
    """Row segments that wait for delivery; owned by an engine."""

    depth: int

    def read(self, ahead: int) -> np.ndarray: ...
    def put(self, ahead: int, segments: np.ndarray) -> None: ...


_AT_ONCE = 1 << 18
_LONG_RUN = 16
"""Runs of fewer synapses than this on average do not pay for being told apart."""


@dataclass(frozen=True)
class RowBlock:
    """The synapses of a pathway that lie in one block, in compressed rows (see ``eq_rows`` in templates/c/eq_abi.h).

    With several delays a row is a segment: the synapses of one source with one delay; ``first`` and ``delay`` say which segments belong
    to which source neuron and when they arrive.
    """

    start: np.ndarray  # int64, n_rows + 1
    far: np.ndarray  # uint16 or int32, one a synapse
    near: np.ndarray | None  # int32, one a row, or None where row r is neuron r
    synapse: (
        np.ndarray | None
    )  # int32, or int64 of 2^31 and more; one a synapse, or None where s = k, counted in all blocks
    first: np.ndarray | None = None  # int64, n_sources + 1
    delay: np.ndarray | None = None  # int32, one a segment, in steps
    made: MadeRows | None = None  # how the rows are made at every event, where far is empty

    @functools.cached_property
    def long_runs(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Where the synapses lead to one neuron after the other, as where everybody is connected, and lie ``apart`` by one distance: the first
        synapse of each such run, and the first run of each row, both closed by what would come next. None if the runs are short.
        """
        first, last, rows = int(self.start[0]), int(self.start[-1]), len(self.start) - 1
        n = last - first
        if n < _LONG_RUN * rows or n < _LONG_RUN * sum(np.count_nonzero(h) for _, h in self._heads(first, last)):
            return None
        heads = np.concatenate([*(np.flatnonzero(h) + k for k, h in self._heads(first, last)), [last]])
        return heads, np.searchsorted(heads, self.start)

    def _heads(self, first: int, last: int) -> Iterator[tuple[int, np.ndarray]]:
        """Which synapses begin a run or a row, part by part, each with where it begins."""
        for lo in range(first, last, _AT_ONCE):
            hi = min(lo + _AT_ONCE, last)
            head = np.zeros(hi - lo, bool)
            here = self.start[np.searchsorted(self.start, lo) : np.searchsorted(self.start, hi)]
            head[here - lo] = True
            before = max(lo - 1, first)
            far = self.far[before:hi]
            head[before + 1 - lo :] |= (far[1:] != far[:-1] + far.dtype.type(1)) | (far[1:] == 0)
            if self.synapse is not None:
                head[before + 1 - lo :] |= np.diff(self.synapse[before:hi]) != self.apart
            yield lo, head

    @functools.cached_property
    def apart(self) -> int:
        """How far the numbers of the synapses of a run are apart: as those of the first two of the longest row."""
        k = self.start[np.argmax(np.diff(self.start))] if len(self.start) > 1 else 0
        return 1 if self.synapse is None or k + 1 >= len(self.synapse) else int(self.synapse[k + 1] - self.synapse[k])

    @functools.cached_property
    def span(self) -> tuple[int, int]:
        """The first neuron at the far end of these synapses, and the one behind the last."""
        if self.made is not None:
            return self.made.span
        far = self.far[self.start[0] : self.start[-1]]  # of all synapses, where these are kept as one
        return (int(far.min()), int(far.max()) + 1) if len(far) else (0, 0)


@dataclass
class Schedule:
    """Events given beforehand, sorted by step, then index; ``period`` in steps, 0 for none; ``origin`` is the step that counts as 0."""

    step: np.ndarray
    index: np.ndarray
    period: int = 0
    origin: int = 0


@dataclass(frozen=True)
class ClockPlan:
    """A clock of the run: ``period`` in ticks of the clocks' common divisor, ``dt`` in seconds.

    An EventClock has the period 0, the ``moments`` (ticks) at which it ticks, and their exact ``times`` (seconds); its steps number them.
    """

    name: str
    period: int
    dt: float
    moments: np.ndarray | None = None
    times: np.ndarray | None = None

    def step_from(self, tick: int) -> int:
        """The first step at a tick or later."""
        return -(-tick // self.period) if self.period else int(np.searchsorted(self.moments, tick))

    def is_due(self, tick: int) -> bool:
        """Whether a step takes place at a tick."""
        if self.period:
            return tick % self.period == 0
        step = self.step_from(tick)
        return step < len(self.moments) and self.moments[step] == tick

    def next_tick(self, tick: int) -> int:
        """The tick of the first step after a tick."""
        if self.period:
            return (tick // self.period + 1) * self.period
        step = self.step_from(tick + 1)
        return int(self.moments[step]) if step < len(self.moments) else 2**62

    def time_of(self, step: int) -> float:
        """The time of a step in seconds."""
        return step * self.dt if self.period else float(self.times[step])


@dataclass
class Binding:
    """What a kernel is called with: an array for each buffer, a value for each scalar and a user's function for each call, by name.

    Scalars 't', 'step' and 'count' of owner clock and random are set by the engine at each step.
    """

    buffers: dict[str, np.ndarray]
    scalars: dict[str, float | int]
    functions: dict[str, UserFunction] = field(default_factory=dict)


@dataclass
class Work:
    """What an operation did in a run with ``profile``: how often it ran, how many ``events`` it emitted or got, how many ``items`` (elements or
    synapses; bytes to clear) it treated, how many of the synapses were ``counted`` first, and how often that was."""

    runs: int = 0
    events: int = 0
    items: int = 0
    counted: int = 0
    counts_made: int = 0

    def add(self, runs: int, events: int = 0, items: int = 0, counted: int = 0, counts_made: int = 0) -> None:
        """Count more."""
        self.runs, self.events, self.items = self.runs + runs, self.events + events, self.items + items
        self.counted, self.counts_made = self.counted + counted, self.counts_made + counts_made


@dataclass
class Op:
    """One operation of a step. Which fields it uses depends on ``kind``; the fields' meaning is that of ``eq_op`` in engine.h."""

    kind: OpKind
    clock: int
    label: str
    owner: object = None
    kernel: Kernel | None = None
    binding: Binding | None = None
    n: int = 0
    block: int = 1
    emits: Spikes | None = None
    source: Spikes | None = None
    first: int = 0
    last: int = 0
    delay: int = 0
    many: int = 0
    rows: tuple[RowBlock, ...] = ()
    queues: tuple[Queue, ...] = ()
    schedule: Schedule | None = None
    records: tuple[Record, ...] = ()
    array: np.ndarray | None = None
    index: np.ndarray | None = None
    stride: int = 1
    cast: int = 0
    every: int = 0
    since: int = 0
    until: int = 0
    call: Callable[[], None] | None = None
    name: str = ""  # under which its time is found; else that follows from owner and label
    count: int = 0
    seconds: float = 0.0
    work: Work = field(default_factory=Work)
    entered: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))

    def is_due(self, step: int) -> bool:
        """Whether the operation takes place in a step of its clock."""
        return not self.every or (self.since <= step < self.until and (step - self.since) % self.every == 0)

    @property
    def n_blocks(self) -> int:
        """How many blocks the work is cut into: by the model alone, never by threads."""
        if self.kind == "pathway":
            return len(self.rows)
        return -(-self.n // self.block) if self.kind in ("map", "events") else 1


_NARROW = {
    np.dtype(np.float32): "f32",
    np.dtype(np.float16): "f16",
    np.dtype(np.int32): "i32",
    np.dtype(np.int16): "i16",
    np.dtype(np.int8): "i8",
}


def fit(op: Op) -> Op:
    """The operation, its kernel fitted to the types of the arrays that it is bound to."""
    if op.kernel is not None and op.binding is not None:
        types = {n: _NARROW[a.dtype] for n, a in op.binding.buffers.items() if a.dtype in _NARROW}
        op.kernel = fit_memory(op.kernel, types)
        if any(r.synapse is not None and r.synapse.dtype == np.int64 for r in op.rows):
            op.kernel = replace(op.kernel, wide=True)
        for b in op.kernel.buffers:  # what was computed before the run for each element
            if b.type == "f32" and op.binding.buffers[b.name].dtype == np.float64:
                op.binding.buffers[b.name] = narrow(op.binding.buffers[b.name])
    return op


@dataclass
class Plan:
    """The operations of a step in their order, and the clocks they follow."""

    clocks: tuple[ClockPlan, ...]
    ops: list[Op]

    def kernels(self) -> list[Kernel]:
        """Every kernel once, by name: their order in a file, and so its hash, does not depend on what objects are called."""
        found = {id(op.kernel): op.kernel for op in self.ops if op.kernel is not None}
        return sorted(found.values(), key=lambda k: k.name)
