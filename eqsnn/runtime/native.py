"""The compiled engine behind Python: memory that C owns, and the table that ``eq_run`` walks (templates/c/engine.h, engine.c)."""

from __future__ import annotations

import ctypes
import os
import time
import weakref
from collections.abc import Callable
from ctypes import POINTER, Structure, c_char, c_double, c_int, c_int64, c_void_p
from typing import get_args

import numpy as np

from eqsnn.errors import EqsnnError, InternalError
from eqsnn.kernel.far_side import far_side
from eqsnn.kernel.resting import resting
from eqsnn.kernel.withheld import withheld
from eqsnn.network.hostrun import Context
from eqsnn.runtime.conflicts import meetings
from eqsnn.runtime.counting import bit_matrix, rows_with_synapses
from eqsnn.runtime.functions import entry_point
from eqsnn.runtime.interrupts import Interrupts
from eqsnn.runtime.made_rows import MadeRows
from eqsnn.runtime.npyfile import CHUNK, NpyFile
from eqsnn.runtime.plan import Binding, Op, OpKind, Plan, RowBlock

_KINDS = get_args(OpKind)
_LINE = 64  # bytes of a cache line: EQ_LINE of engine.h
_STATUS = (
    "running",
    "done",
    "python",
    "paused",
    "interrupted",
    "not finite",
    "memory",
    "threads",
    "writing",
    "failed",
    "unmet",
)


class _Rows(Structure):
    _fields_ = [
        ("events", c_void_p),
        ("n_events", c_int64),
        ("start", c_void_p),
        ("near", c_void_p),
        ("far", c_void_p),
        ("width", c_int64),
        ("synapse", c_void_p),
        ("run", c_void_p),
        ("runs", c_void_p),
        ("held", c_void_p),
        ("first", c_int64),
        ("stop", c_int64),
        ("many", c_int64),
        ("counted", c_int64),
        ("count", c_void_p),
        ("bits", c_void_p),
        ("words", c_int64),
        ("bits_from", c_int64),
        ("apart", c_int64),
        ("make", c_void_p),
        ("maker", c_void_p),
    ]


class _Call(Structure):
    _fields_ = [("enter", c_void_p), ("self", c_void_p)]


class _Segments(Structure):
    _fields_ = [("first", c_void_p), ("delay", c_void_p)]


class _Schedule(Structure):
    _fields_ = [
        ("step", c_void_p),
        ("index", c_void_p),
        ("n", c_int64),
        ("next", c_int64),
        ("origin", c_int64),
        ("period", c_int64),
        ("cycle", c_int64),
    ]


class _Op(Structure):
    _fields_ = [
        ("kind", c_int64),
        ("clock", c_int64),
        ("kernel", c_void_p),
        ("ctx", Context),
        ("real", c_void_p),
        ("integer", c_void_p),
        ("at_t", c_int64),
        ("at_step", c_int64),
        ("at_count", c_int64),
        ("n", c_int64),
        ("block", c_int64),
        ("n_blocks", c_int64),
        ("counts", c_void_p),
        ("emits", c_void_p),
        ("source", c_void_p),
        ("first", c_int64),
        ("last", c_int64),
        ("delay", c_int64),
        ("rows", c_void_p),
        ("queue", c_void_p),
        ("segments", c_void_p),
        ("schedule", c_void_p),
        ("record", c_void_p * 2),
        ("array", c_void_p),
        ("index", c_void_p),
        ("stride", c_int64),
        ("cast", c_int64),
        ("every", c_int64),
        ("since", c_int64),
        ("until", c_int64),
        ("entered", c_void_p),
        ("after", c_int64),
        ("chain", c_void_p),
        ("own", c_void_p),
        ("apart", c_char * _LINE),
        ("count", c_int64),
        ("step", c_int64),
        ("taken", c_int64),
        ("nanoseconds", c_int64),
        ("runs", c_int64),
        ("events", c_int64),
        ("items", c_int64),
        ("counted", c_int64),
        ("counts_made", c_int64),
        ("apart_too", c_char * _LINE),
    ]


class _Table(Structure):
    _fields_ = [
        ("ops", POINTER(_Op)),
        ("n_ops", c_int64),
        ("n_clocks", c_int64),
        ("period", c_void_p),
        ("dt", c_void_p),
        ("moments", c_void_p),
        ("times", c_void_p),
        ("n_moments", c_void_p),
        ("at", c_void_p),
        ("tick", c_int64),
        ("end", c_int64),
        ("cursor", c_int64),
        ("steps_done", c_int64),
        ("pause_at", c_double),
        ("n_threads", c_int64),
        ("catch_interrupt", c_int64),
        ("profile", c_int64),
        ("status", c_int64),
        ("failed_op", c_void_p),
        ("unmet", c_int64),
        ("always", c_int64),
        ("team", c_int64),
        ("window", c_int64),
        ("used", c_int64),
        ("alone", c_int64),
        ("era", c_int64),
        ("era_team", c_int64),
        ("failure", c_int),
        ("gate", c_int),
        ("lock", c_int),
        ("apart", c_char * _LINE),
        ("arrived", c_int),
        ("apart_too", c_char * _LINE),
        ("phase", c_int),
        ("and_this", c_char * _LINE),
    ]


_SIGNATURES = {
    "eq_spikes_new": (c_void_p, [c_int64]),
    "eq_spikes_free": (None, [c_void_p]),
    "eq_spikes_deepen": (c_int, [c_void_p, c_int64]),
    "eq_spikes_append": (c_int, [c_void_p, c_void_p, c_int64]),
    "eq_spikes_read": (c_int64, [c_void_p, c_int64, c_void_p, c_int64]),
    "eq_record_new": (c_void_p, [c_int64]),
    "eq_record_free": (None, [c_void_p]),
    "eq_record_append": (c_int, [c_void_p, c_void_p, c_int64]),
    "eq_record_flush": (c_int, [c_void_p]),
    "eq_queue_new": (c_void_p, [c_int64]),
    "eq_queue_free": (None, [c_void_p]),
    "eq_queue_read": (c_int64, [c_void_p, c_int64, c_void_p, c_int64]),
    "eq_queue_put": (c_int, [c_void_p, c_int64, c_void_p, c_int64]),
    "eq_has_bits": (c_int, []),
    "eq_fill_bits": (c_int, [POINTER(_Rows), c_int64, c_void_p]),
    "eq_run": (c_int, [POINTER(_Table)]),
    "eq_layout": (None, [c_void_p]),
}


class _SpikesHead(Structure):
    _fields_ = [("ring", c_void_p), ("depth", c_int64), ("step", c_int64), ("n", c_int64)]


class _RecordHead(Structure):
    _fields_ = [
        ("data", c_void_p),
        ("n", c_int64),
        ("capacity", c_int64),
        ("item", c_int64),
        ("file", c_int64),
        ("chunk", c_int64),
        ("written", c_int64),
        ("error", c_int64),
    ]


class _QueueHead(Structure):
    _fields_ = [("slot", c_void_p), ("depth", c_int64), ("step", c_int64)]


def _owned(owner: object, pointer: int | None, free: Callable[[int], None]) -> int:
    if not pointer:
        raise MemoryError("the engine could not allocate memory")
    weakref.finalize(owner, free, pointer).atexit = False
    return pointer


def _address(array: np.ndarray | None) -> int | None:
    return None if array is None or array.size == 0 else array.ctypes.data


class NativeSpikes:
    """The events of a group of ``n`` elements in the last ``depth`` steps."""

    def __init__(self, lib: ctypes.CDLL, n: int, depth: int):
        self._lib = lib
        self.handle = _owned(self, lib.eq_spikes_new(depth), lib.eq_spikes_free)
        self.n = n
        head = self._head()
        head.n, head.step = n, -1

    def _head(self) -> _SpikesHead:
        return _SpikesHead.from_address(self.handle)

    @property
    def depth(self) -> int:
        return self._head().depth

    @property
    def step(self) -> int:
        return self._head().step

    def deepen(self, depth: int) -> None:
        """Remember at least ``depth`` steps."""
        if self._lib.eq_spikes_deepen(self.handle, depth):
            raise MemoryError("the engine could not allocate memory")

    def append(self, events: np.ndarray) -> None:
        """Remember another step with these events."""
        events = np.ascontiguousarray(events, np.int32)
        if self._lib.eq_spikes_append(self.handle, events.ctypes.data, len(events)):
            raise MemoryError("the engine could not allocate memory")

    def read(self, back: int) -> np.ndarray:
        """The indices that were emitted ``back`` steps ago, ascending."""
        out = np.empty(self.n, np.int32)
        count = self._lib.eq_spikes_read(self.handle, back, out.ctypes.data, self.n)
        return out[:count].copy()


class NativeRecord:
    """A growing table of values of ``dtype``; with a ``file`` all but the last megabyte is written to it."""

    def __init__(self, lib: ctypes.CDLL, dtype: np.dtype, file: NpyFile | None = None):
        self._lib, self.file = lib, file
        self.dtype = np.dtype(dtype)
        self.handle = _owned(self, lib.eq_record_new(self.dtype.itemsize), lib.eq_record_free)
        if file is not None:
            head = self._head()
            head.file, head.chunk = file.descriptor, CHUNK

    def _head(self) -> _RecordHead:
        return _RecordHead.from_address(self.handle)

    def array(self) -> np.ndarray:
        """A copy of what was recorded so far; the file's memory map where there is one."""
        if self.file is not None:
            self.settle()
            return self.file.array()
        head = self._head()
        if head.n == 0:
            return np.empty(0, self.dtype)
        raw = (ctypes.c_char * (head.n * head.item)).from_address(head.data)
        return np.frombuffer(raw, self.dtype).copy()

    def append(self, values: np.ndarray) -> None:
        """Add values at the end."""
        values = np.ascontiguousarray(values, self.dtype)
        if self._lib.eq_record_append(self.handle, values.ctypes.data, values.size):
            raise self.failure()

    def adopt(self, old) -> None:
        """Go on with the file of another engine's record."""
        old.settle()
        self.file = old.file
        head = self._head()
        head.file, head.chunk, head.written = old.file.descriptor, CHUNK, len(old)

    def settle(self) -> None:
        """Bring the file up to date."""
        if self.file is not None:
            if self._lib.eq_record_flush(self.handle):
                raise self.failure()
            self.file.describe(len(self))

    def failure(self) -> Exception:
        """Why a value could not be added."""
        error = self._head().error
        if error:
            return OSError(error, f"{os.strerror(error)}, while recording to a file", str(self.file.path))
        return MemoryError("the engine could not allocate memory")

    def __len__(self) -> int:
        head = self._head()
        return head.n + head.written


class NativeQueue:
    """Row segments on their way; ``depth`` is one more than the longest delay in steps."""

    def __init__(self, lib: ctypes.CDLL, depth: int):
        self._lib = lib
        self.depth = depth
        self.handle = _owned(self, lib.eq_queue_new(depth), lib.eq_queue_free)

    def read(self, ahead: int) -> np.ndarray:
        """The segments that will be delivered in ``ahead`` steps."""
        n = self._lib.eq_queue_read(self.handle, ahead, None, 0)
        out = np.empty(n, np.int32)
        self._lib.eq_queue_read(self.handle, ahead, out.ctypes.data, n)
        return out

    def put(self, ahead: int, segments: np.ndarray) -> None:
        """Let these segments be delivered in ``ahead`` steps."""
        segments = np.ascontiguousarray(segments, np.int32)
        if self._lib.eq_queue_put(self.handle, ahead, segments.ctypes.data, len(segments)):
            raise MemoryError("the engine could not allocate memory")


class NativeEngine:
    """Runs plans with the compiled scheduler. ``lib`` is the loaded engine; ``address`` gives the entry point of a kernel by name."""

    def __init__(self, lib: ctypes.CDLL):
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(lib, name)
            function.restype, function.argtypes = result, arguments
        self.lib = lib
        sizes = np.zeros(5, np.int64)
        lib.eq_layout(sizes.ctypes.data)
        ours = [ctypes.sizeof(s) for s in (_Op, _Table, _Rows, _Segments, _Schedule)]
        if sizes.tolist() != ours:
            raise InternalError(f"the engine's structures have sizes {sizes.tolist()}, Python's mirror {ours}")

    def new_spikes(self, n: int, depth: int) -> NativeSpikes:
        return NativeSpikes(self.lib, n, depth)

    def new_record(self, dtype, file: NpyFile | None = None) -> NativeRecord:
        return NativeRecord(self.lib, dtype, file)

    def new_queue(self, depth: int) -> NativeQueue:
        return NativeQueue(self.lib, depth)

    def load(
        self,
        plan: Plan,
        address: Callable[[str], int],
        threads: int,
        backend: str = "c",
        profile: bool = False,
        always: bool = False,
    ) -> NativeRun:
        """A run of ``plan``, ready to be advanced; ``backend`` says which code of a user's function is called; with ``profile`` the engine
        reads the clock between operations; with ``always`` all threads work even if they wait for processors that others use."""
        return NativeRun(self.lib, plan, address, threads, backend, profile, always)


class NativeRun:
    """A plan in the engine's own structures. Keeps every array alive that the engine points to."""

    def __init__(
        self,
        lib: ctypes.CDLL,
        plan: Plan,
        address: Callable[[str], int],
        threads: int,
        backend: str = "c",
        profile: bool = False,
        always: bool = False,
    ):
        self._lib, self.plan, self._backend = lib, plan, backend
        self._failures: list[BaseException] = []
        self._alive: list[object] = [plan]
        self._ops = (_Op * max(len(plan.ops), 1))()
        self._entered = np.zeros((len(self._ops), 256, _LINE // 8), np.int64)
        for op, c_op, entered in zip(plan.ops, self._ops, self._entered):
            self._fill(op, c_op, address)
            c_op.entered = entered.ctypes.data
        for c_op, (after, own, chain) in zip(self._ops, meetings(plan.ops)):
            c_op.after = after
            c_op.own = None if own is None else ctypes.addressof(self._ops[own])
            c_op.chain = None if chain is None else ctypes.addressof(self._ops[chain])
        self._period = np.array([c.period for c in plan.clocks], np.int64)
        self._dt = np.array([c.dt for c in plan.clocks], np.float64)
        self._moments = (c_void_p * len(plan.clocks))(*(self._keep(c.moments) for c in plan.clocks))
        self._times = (c_void_p * len(plan.clocks))(*(self._keep(c.times) for c in plan.clocks))
        self._n_moments = np.array([0 if c.moments is None else len(c.moments) for c in plan.clocks], np.int64)
        self._at = np.zeros(len(plan.clocks), np.int64)
        self._table = _Table(
            ops=self._ops,
            n_ops=len(plan.ops),
            n_clocks=len(plan.clocks),
            period=self._period.ctypes.data,
            dt=self._dt.ctypes.data,
            moments=ctypes.addressof(self._moments),
            times=ctypes.addressof(self._times),
            n_moments=self._n_moments.ctypes.data,
            at=self._at.ctypes.data,
            n_threads=threads,
            profile=int(profile),
            always=int(always),
        )

    def _keep(self, array: np.ndarray | None) -> int | None:
        self._alive.append(array)
        return _address(array)

    def _fill(self, op: Op, c: _Op, address: Callable[[str], int]) -> None:
        c.kind, c.clock = _KINDS.index(op.kind), op.clock
        c.at_t = c.at_step = c.at_count = -1
        c.n, c.block, c.n_blocks = op.n, op.block, op.n_blocks
        c.first, c.last, c.delay, c.count = op.first, op.last, op.delay, op.count
        c.stride, c.cast, c.every, c.since, c.until = op.stride, op.cast, op.every, op.since, op.until
        c.emits = op.emits.handle if op.emits is not None else None
        c.source = op.source.handle if op.source is not None else None
        c.array, c.index = self._keep(op.array), self._keep(op.index)
        if op.kind == "events" and op.source is None:
            c.ctx.events = c.index
        for k, record in enumerate(op.records):
            c.record[k] = record.handle
        if op.kernel is not None:
            c.kernel = address(op.kernel.name)
            self._bind(op, op.binding, c)
            if op.kernel.externs:
                self._bind_functions(op, c)
        if op.kind == "map" and op.emits is not None:
            c.ctx.emitted = self._keep(np.zeros(max(op.n, 1), np.int32))
            c.counts = self._keep(np.zeros(max(op.n_blocks, 1), np.int64))
            rest = resting(op.kernel)
            if rest is not None:  # most of it is never touched
                c.ctx.resting = self._keep(np.empty(8 * op.n + 1, np.int32))
                c.ctx.rests = self._keep(np.zeros(4 * op.n + 1, np.int64))
                c.ctx.saved = self._keep(np.empty(op.n * len(rest.saved) + 1))
        if op.kind == "pathway":
            self._fill_rows(op, c)
        if op.schedule is not None:
            s = op.schedule
            schedule = _Schedule(self._keep(s.step), self._keep(s.index), len(s.step), 0, s.origin, s.period, 0)
            self._alive.append(schedule)
            c.schedule = ctypes.addressof(schedule)

    def _bind(self, op: Op, binding: Binding, c: _Op) -> None:
        kernel = op.kernel
        pointers = (c_void_p * max(len(kernel.buffers), 1))()
        for k, buffer in enumerate(kernel.buffers):
            array = binding.buffers[buffer.name]
            self._alive.append(array)
            pointers[k] = array.ctypes.data
        reals, integers = [], []
        for scalar in kernel.scalars:
            target = reals if scalar.type in ("f64", "f32") else integers
            if scalar.owner == "clock" and scalar.variable == "t":
                c.at_t = len(target)
            elif scalar.owner == "clock" and scalar.variable == "step":
                c.at_step = len(target)
            elif scalar.owner == "random" and scalar.variable == "count":
                c.at_count = len(target)
            target.append(binding.scalars.get(scalar.name, 0))
        real = np.array(reals or [0.0], np.float64)
        integer = np.array([int(v) for v in integers] or [0], np.int64)
        self._alive += [pointers, real, integer]
        c.ctx.buffer = ctypes.addressof(pointers)
        c.real = c.ctx.real = real.ctypes.data
        c.integer = c.ctx.integer = integer.ctypes.data

    def _bind_functions(self, op: Op, c: _Op) -> None:
        """Pointers to the user's functions, and memory for their arguments and results."""
        externs = op.kernel.externs
        calls = (_Call * len(externs))()
        for extern, call in zip(externs, calls):
            call.enter = entry_point(
                extern, op.binding.functions[extern.function], self._backend, self._failures, self._alive
            )
        arrays = [np.zeros(max(op.n, 1), np.int64) for e in externs for _ in range(len(e.args) + 1)]
        pointers = (c_void_p * len(arrays))(*(a.ctypes.data for a in arrays))
        self._alive += [calls, arrays, pointers]
        c.ctx.call, c.ctx.scratch = ctypes.addressof(calls), ctypes.addressof(pointers)

    def _fill_rows(self, op: Op, c: _Op) -> None:
        rows = (_Rows * len(op.rows))()
        segments = (_Segments * len(op.rows))()
        for block, c_rows, c_segments in zip(op.rows, rows, segments):
            self._fill_block(op, block, c_rows, c_segments, c.ctx.buffer)
        self._alive += [rows, segments]
        c.rows = c.ctx.rows = ctypes.addressof(rows)
        if op.queues:
            queues = (c_void_p * len(op.queues))(*(q.handle for q in op.queues))
            self._alive.append(queues)
            c.queue, c.segments = ctypes.addressof(queues), ctypes.addressof(segments)

    def _make_rows(self, op: Op, made: MadeRows, c: _Rows, buffers: int) -> None:
        """Rows are made at every event; so are arrays of what the kernel reads of synapses."""
        size = ctypes.sizeof(c_void_p)
        maker = made.maker({b.name: buffers + size * k for k, b in enumerate(op.kernel.buffers)}, self._alive)
        self._alive.append(maker)
        c.make, c.maker = maker.make, maker.address

    def _fill_block(self, op: Op, block: RowBlock, c: _Rows, s: _Segments, buffers: int) -> None:
        c.start, c.far = self._keep(block.start), self._keep(block.far)
        c.width = block.far.itemsize
        c.near, c.synapse = self._keep(block.near), self._keep(block.synapse)
        s.first, s.delay = self._keep(block.first), self._keep(block.delay)
        back, fresh = withheld(op.kernel), far_side(op.kernel)
        if back is not None or fresh is not None:
            c.first, c.stop = block.span
            rooms = len(back.buffers) if back is not None else len(fresh.values)
            c.held = self._keep(np.empty(max(c.stop - c.first, 1) * rooms, np.float64))
        if block.made is not None:
            self._make_rows(op, block.made, c, buffers)
        if op.many:
            self._fill_counts(block, c, op.many)
        if op.source is None and not op.queues:
            everyone = np.arange(len(block.start) - 1, dtype=np.int32)
            c.events, c.n_events = self._keep(everyone), len(everyone)
        if block.made is not None:
            return
        wanted = op.kernel.long_runs or ("next" if op.source is None else "")
        if wanted and not op.queues:
            runs, c.apart = block.long_runs, block.apart
            if runs is not None and (block.apart == 1 or wanted == "apart"):
                c.run, c.runs = (self._keep(a) for a in runs)

    def _fill_counts(self, block: RowBlock, c: _Rows, many: int) -> None:
        """Room for counted arrivals, and the block's bit matrix where it has one."""
        c.first, c.stop = block.span
        c.many, c.words = many, -(-(c.stop - c.first) // 64)
        room = np.zeros(
            64 * c.words * 3 + 64, np.uint8
        )  # counts of 16 bits, and of 8 bits behind them, on a boundary of 64 bytes
        self._keep(room)
        c.count = room.ctypes.data + -room.ctypes.data % 64
        if self._lib.eq_has_bits() and block.made is None:
            c.bits_from, stop = rows_with_synapses(block)
            c.bits = self._keep(bit_matrix(block, lambda bits: self._lib.eq_fill_bits(c, stop, _address(bits))))

    def advance(self, tick: int, end: int, cursor: int, seconds: float, interrupts: Interrupts) -> tuple[str, int, int]:
        """Run from ``tick`` (and operation ``cursor``) to ``end``, for about ``seconds`` of wall time at most (0: no limit).

        Returns why it stopped, the tick and the cursor. Releases the GIL.
        """
        table = self._table
        table.tick, table.end, table.cursor = tick, end, cursor
        table.pause_at = time.clock_gettime(time.CLOCK_MONOTONIC) + seconds if seconds else 0.0
        table.catch_interrupt = int(interrupts.catching)
        status = _STATUS[self._lib.eq_run(ctypes.byref(table))]
        if status == "memory":
            raise MemoryError("the engine could not allocate memory")
        if status == "writing":
            raise next(r.failure() for r in self.failed()[0].records if r._head().error)
        if status == "threads":
            raise EqsnnError(f"could not start {table.n_threads} threads; set fewer (EQSNN_NUM_THREADS, or threads=)")
        return status, table.tick, table.cursor

    def step_of(self, clock: int) -> int:
        """The step of a clock at the current tick."""
        return self.plan.clocks[clock].step_from(self._table.tick)

    def failure(self) -> BaseException:
        """What a function of the user raised."""
        return self._failures[0]

    def unmet(self) -> int:
        """The element that did not meet a requirement of the operation that failed."""
        return self._table.unmet

    def failed(self) -> tuple[Op, int]:
        """The operation that produced a value that is not finite, and the step of its clock."""
        number = (self._table.failed_op - ctypes.addressof(self._ops)) // ctypes.sizeof(_Op)
        return self.plan.ops[number], self._ops[number].step

    def save_counts(self) -> None:
        """Write the counts of updates back to the plan."""
        for op, c, entered in zip(self.plan.ops, self._ops, self._entered):
            op.count = c.count
            op.entered += entered[:, 0]
        self._entered[:] = 0

    def save_seconds(self) -> None:
        """Add the time that the engine spent in each operation, and what it did there, to the plan."""
        for op, c in zip(self.plan.ops, self._ops):
            op.seconds += c.nanoseconds * 1e-9
            op.work.add(c.runs, c.events, c.items, c.counted, c.counts_made)
            c.nanoseconds = c.runs = c.events = c.items = c.counted = c.counts_made = 0
