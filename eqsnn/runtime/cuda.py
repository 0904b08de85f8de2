"""The third engine: a plan on a CUDA device. Steps between two operations in Python are launched without a word from the host between them.

Every operation of a step is one launch of a kernel or a few, always the same ones: they are captured as a graph, and a graph is run as many times
as there are steps. What differs from step to step lies on the device (templates/cuda/eq_device.h): the kernel ``eq_begin`` puts the time on, says
which operations are due, and begins nothing once a value is not finite, the end has come, or a record might not have room for another step. The host
hears of it at the end of the chunk (docs/decisions/0016-cuda.md).
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable

import numpy as np

from eqsnn.backends.cuda.device import Device, Graph, Launch
from eqsnn.backends.cuda.layout import STATUS, Words
from eqsnn.backends.cuda.source import engine_source
from eqsnn.runtime.cuda_memory import Arrays, CudaQueue, CudaRecord, CudaSpikes, Owned
from eqsnn.runtime.cuda_plan import Placed, Setting, fill_op, launches_of, source_of, ways_of
from eqsnn.runtime.cuda_profile import tally
from eqsnn.runtime.cuda_tables import Queues, Rings, Stores
from eqsnn.runtime.interrupts import Interrupts
from eqsnn.runtime.npyfile import NpyFile
from eqsnn.runtime.plan import Op, Plan

_STEPS_AT_ONCE = 16
"""So many steps are one graph, where there are as many: launching a graph costs the host as much as some kernels."""
_CHUNK_SECONDS = 0.05
"""About so often the host looks whether somebody wants to stop."""


class CudaEngine:
    """Runs plans on ``device``, as ``setting`` says."""

    def __init__(self, device: Device, setting: Callable[[], Setting]):
        self.device, self.setting = device, setting

    def new_spikes(self, n: int, depth: int) -> CudaSpikes:
        return CudaSpikes(n, depth)

    def new_record(self, dtype, file: NpyFile | None = None) -> CudaRecord:
        return CudaRecord(dtype, file)

    def new_queue(self, depth: int) -> CudaQueue:
        return CudaQueue(depth)

    def load(
        self,
        plan: Plan,
        address=None,
        threads: int = 1,
        backend: str = "cuda",
        profile: bool = False,
        always: bool = False,
    ) -> CudaRun:
        """A run of ``plan``; with ``profile`` the host waits for each operation. The other arguments have no
        effect here. Raises CompileError, DeviceError."""
        return CudaRun(self.device, plan, self.setting(), profile)


class OnDevice:
    """A plan in the memory of a device: its tables, and the launches of a step. The arrays ``own`` go when this goes."""

    def __init__(self, device: Device, plan: Plan, setting: Setting):
        self.device, self.plan = device, plan
        self.source = source_of(plan, setting.deterministic)
        self._model, self._engine = device.compile(self.source.text), device.compile(engine_source())
        self.own = Owned(device)
        weakref.finalize(self, self.own.free).atexit = False  # also if there is no room for all
        self.arrays = Arrays(self.own)
        for array in _arrays_of(plan):
            self.arrays.add(array)
        self.arrays.place()
        ways = ways_of(plan, setting.deterministic)
        self.ops, self.table = Words("eq_op", max(len(plan.ops), 1)), Words("eq_table")
        self.ops.address = self.own.new(self.ops.words.nbytes)
        self.table.address = self.own.new(self.table.words.nbytes)
        self.placed = [
            Placed(op, k, None if op.kernel is None else ways[op.kernel.name], self.ops)
            for k, op in enumerate(plan.ops)
        ]
        for placed in self.placed:
            fill_op(placed, self.arrays, self.own)
        self.rings = Rings(plan, self.ops, self.own, setting.ring_lists)
        self.queues = Queues(plan, self.placed, self.arrays, self.own, setting.queue_bytes)
        self.stores = Stores(plan, self.ops, self.own, setting.record_bytes)
        self._fill_table()
        device.upload(self.ops.address, self.ops.words)
        for placed in self.placed:
            placed.launches = list(
                launches_of(placed, self.table.address, self._model, self._engine, self.source.functions)
            )
        at = self.table.address
        self.begin = self._engine.function("eq_begin").launch(1, min(max(len(plan.ops), 32), 256), at)
        self.end = self._engine.function("eq_end").launch(1, 1, at)

    def _fill_table(self) -> None:
        clocks = self.plan.clocks
        moments = [np.empty(0, np.int64) if c.moments is None else c.moments for c in clocks]
        times = [np.empty(0, np.float64) if c.times is None else c.times for c in clocks]
        self.at = self.own.put(np.zeros(len(clocks), np.int64))
        put = self.own.put
        self.table.fill(
            0,
            ops=self.ops.address,
            n_ops=len(self.plan.ops),
            n_clocks=len(clocks),
            period=put(np.array([c.period for c in clocks], np.int64)),
            dt=put(np.array([c.dt for c in clocks], np.float64)),
            moments=put(np.array([put(m) for m in moments], np.int64)),
            times=put(np.array([put(t) for t in times], np.int64)),
            n_moments=put(np.array([len(m) for m in moments], np.int64)),
            at=self.at,
        )

    def put_time(self, tick: int) -> None:
        """Say to clocks that tick at given moments which of them comes next."""
        at = [0 if c.moments is None else c.step_from(tick) for c in self.plan.clocks]
        self.device.upload(self.at, np.array(at, np.int64))


class CudaRun:
    """A plan on the device, and its state of execution."""

    def __init__(self, device: Device, plan: Plan, setting: Setting, profile: bool = False):
        self.device, self.plan, self._profile = device, plan, profile
        self._there = there = OnDevice(device, plan, setting)
        self._state, self._written = _state_of(plan), _written_in(plan)
        self._arrays, self._ops, self._table, self._placed = there.arrays, there.ops, there.table, there.placed
        self._rings, self._queues, self._stores = there.rings, there.queues, there.stores
        self._begin, self._end = there.begin, there.end
        self._graphs: dict[int, Graph] = {}
        self._python = [k for k, op in enumerate(plan.ops) if op.kind == "python"]
        self._tick, self._chunk, self._elsewhere = 0, _STEPS_AT_ONCE, False

    # -- steps -------------------------------------------------------------------------------------------------------------------

    def advance(self, tick: int, end: int, cursor: int, seconds: float, interrupts: Interrupts) -> tuple[str, int, int]:
        """See ``NativeRun.advance``."""
        stop_at = time.monotonic() + seconds if seconds else None
        if self._elsewhere:
            self._upload()
        try:
            return self._advance(tick, end, cursor, stop_at, interrupts)
        finally:
            self._download()

    def _advance(self, tick: int, end: int, cursor: int, stop_at: float | None, interrupts) -> tuple[str, int, int]:
        while True:
            if cursor:  # in the middle of a step
                k = self._next_python(tick, cursor)
                self._launch([x for p in self._placed[cursor:k] for x in p.launches])
                if k < len(self._placed):
                    return "python", tick, k
                self._launch([self._end])
                cursor = 0
            else:
                self._set_time(tick, end)
                pause = self._first_python(tick, end)
                if tick < pause:
                    self._run_steps(tick, pause)
                elif pause < end:
                    self._launch([self._begin])
            self._read_table()
            status, before = STATUS[self._table[0, "status"]], tick
            tick = self._tick = self._table[0, "tick"]
            if status == "full":
                self._make_room()
            elif status not in ("running", "done"):
                return status, tick, 0
            elif self._table[0, "in_step"]:
                k = self._next_python(tick, 0)
                self._launch([x for p in self._placed[:k] for x in p.launches])
                return "python", tick, k
            elif tick >= end:
                return "done", tick, 0
            if tick > before and interrupts.requested:
                return "interrupted", tick, 0
            if tick > before and stop_at is not None and time.monotonic() >= stop_at:
                return "paused", tick, 0

    def _set_time(self, tick: int, end: int) -> None:
        self._table.fill(0, tick=tick, end=end, status=0, in_step=0, trouble=0)
        self.device.upload(self._table.address, self._table.words)
        self._there.put_time(tick)

    def _run_steps(self, tick: int, stop: int) -> None:
        """About a chunk of the steps from a tick to before another, on the device."""
        n, at = 0, tick
        if len(self.plan.clocks) == 1 and self.plan.clocks[0].period:
            n = min(-(-(stop - tick) // self.plan.clocks[0].period), self._chunk)
        else:
            while at < stop and n < self._chunk:
                n, at = n + 1, min(c.next_tick(at) for c in self.plan.clocks)
        began = time.monotonic()
        if self._profile:
            self._step_by_step(n)
        else:
            many, rest = divmod(n, _STEPS_AT_ONCE)
            if many:
                self._graph(_STEPS_AT_ONCE).run(many)
            if rest:
                self._graph(1).run(rest)
            self._launch([self._end])
        self.device.synchronise()
        took = time.monotonic() - began
        if n == self._chunk and took < _CHUNK_SECONDS / 2:
            self._chunk *= 2
        elif took > 2 * _CHUNK_SECONDS:
            self._chunk = max(self._chunk // 2, 1)

    def _step_by_step(self, n: int) -> None:
        """The same with a look at the clock after each operation, and at what it did after each step."""
        for _ in range(n):
            self._launch([self._begin])
            for placed in self._placed:
                self.device.synchronise()
                began = time.perf_counter()
                self._launch(placed.launches)
                self.device.synchronise()
                placed.op.seconds += time.perf_counter() - began
            self.device.download(self._ops.address, self._ops.words)
            self._rings.fetch()
            for placed in self._placed:
                tally(placed, self._queues)
        self._launch([self._end])

    def _graph(self, steps: int) -> Graph:
        if steps not in self._graphs:
            one = [self._begin, *(x for p in self._placed for x in p.launches)]
            self._graphs[steps] = self.device.capture(one * steps)
        return self._graphs[steps]

    def _launch(self, launches: list[Launch]) -> None:
        if launches:
            self.device.run(launches)

    def _first_python(self, tick: int, end: int) -> int:
        """The first tick from ``tick`` on, before ``end``, at which an operation in Python is due; ``end`` if there is none."""
        return min((self._python_tick(k, tick, end) for k in self._python), default=end)

    def _python_tick(self, k: int, tick: int, end: int) -> int:
        op = self.plan.ops[k]
        clock = self.plan.clocks[op.clock]
        while tick < end:
            if clock.is_due(tick) and op.is_due(clock.step_from(tick)):
                return tick
            tick = clock.next_tick(tick)
        return end

    def _next_python(self, tick: int, cursor: int) -> int:
        """The next operation in Python of the step at a tick, from ``cursor`` on."""
        due = (k for k in self._python if k >= cursor and self._python_tick(k, tick, tick + 1) == tick)
        return next(due, len(self._placed))

    # -- between host and device -------------------------------------------------------------------------------------------------

    def _read_table(self) -> None:
        self.device.download(self._table.address, self._table.words)

    def _upload(self) -> None:
        """Python code may have changed whatever the run works on."""
        self._arrays.upload(self._state)
        self._elsewhere = False

    def _download(self) -> None:
        """Everything as it is now, for whoever looks at it."""
        self._arrays.download(self._written)
        self.device.download(self._ops.address, self._ops.words)
        self._stores.fetch()
        self._rings.fetch()
        self._queues.fetch()
        self._elsewhere = True

    def _make_room(self) -> None:
        """A step was not begun because a table might not have room for what it brings."""
        self.device.download(self._ops.address, self._ops.words)
        self._stores.fetch()
        self._rings.make_room()
        self._queues.make_room()

    # -- what is asked afterwards ------------------------------------------------------------------------------------------------

    def step_of(self, clock: int) -> int:
        """The step of a clock at the current tick."""
        return self.plan.clocks[clock].step_from(self._tick)

    def unmet(self) -> int:
        """The element that did not meet a requirement of the operation that failed."""
        return self._ops[self._table[0, "failed"], "unmet"]

    def failed(self) -> tuple[Op, int]:
        """The operation that stopped the run, and the step of its clock."""
        k = self._table[0, "failed"]
        return self.plan.ops[k], self._ops[k, "step"]

    def save_counts(self) -> None:
        """Write the counts of updates back to the plan."""
        for k, op in enumerate(self.plan.ops):
            op.count = self._ops[k, "count"]

    def save_seconds(self) -> None:
        """They are in the plan already."""


def _arrays_of(plan: Plan) -> list[np.ndarray | None]:
    """All arrays that kernels find by their addresses."""
    found = _state_of(plan)
    for op in plan.ops:
        found.append(op.index)
        for block in op.rows:
            found += [block.start, block.far, block.near, block.synapse, block.first, block.delay]
    return found


def _state_of(plan: Plan) -> list[np.ndarray]:
    """The arrays that kernels find by their addresses and that code in Python may change."""
    found = []
    for op in plan.ops:
        found += op.binding.buffers.values() if op.binding is not None else ()
        found += [op.array] if op.array is not None else []
    return _each_once(found)


def _written_in(plan: Plan) -> list[np.ndarray]:
    """Those of them that kernels write."""
    found = []
    for op in plan.ops:
        found += [op.array] if op.kind in ("clear", "count_events") else []
        if op.binding is not None:
            found += [op.binding.buffers[b.name] for b in op.kernel.buffers if b.writable]
    return _each_once(found)


def _each_once(arrays: list[np.ndarray]) -> list[np.ndarray]:
    return list({(a.ctypes.data, a.nbytes): a for a in arrays}.values())
