"""The oracle of a run: the plan walked in Python, each kernel by the interpreter. Slow, obvious, and without a compiler."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from eqsnn.errors import FunctionError
from eqsnn.kernel.interpret import Memory, Rows, Unmet, interpret
from eqsnn.runtime.interrupts import Interrupts
from eqsnn.runtime.npyfile import CHUNK, NpyFile
from eqsnn.runtime.plan import Op, Plan, RowBlock


class ReferenceSpikes:
    """The events of a group of ``n`` elements in the last ``depth`` steps."""

    def __init__(self, n: int, depth: int):
        self.n, self.depth, self.step = n, depth, -1
        self._past: list[np.ndarray] = []

    def append(self, events: np.ndarray) -> None:
        self.step += 1
        self._past.append(np.asarray(events, np.int32))
        del self._past[: -self.depth]

    def deepen(self, depth: int) -> None:
        self.depth = max(self.depth, depth)

    def read(self, back: int) -> np.ndarray:
        return self._past[-1 - back] if back < len(self._past) else np.empty(0, np.int32)


class ReferenceRecord:
    """A growing table; with a ``file`` all but the last megabyte is written to it."""

    def __init__(self, dtype, file: NpyFile | None = None):
        self.dtype, self.file = np.dtype(dtype), file
        self._parts: list[np.ndarray] = []
        self._n = self._waiting = 0

    def append(self, values) -> None:
        values = np.atleast_1d(np.asarray(values)).astype(self.dtype)
        self._parts.append(values)
        self._n += len(values)
        self._waiting += values.nbytes
        if self.file is not None and self._waiting > CHUNK:
            self._write()

    def _write(self) -> None:
        for part in self._parts:
            self.file.write(part)
        self._parts, self._waiting = [], 0

    def array(self) -> np.ndarray:
        if self.file is not None:
            self.settle()
            return self.file.array()
        return np.concatenate(self._parts) if self._parts else np.empty(0, self.dtype)

    def adopt(self, old) -> None:
        old.settle()
        self.file, self._n = old.file, len(old)

    def settle(self) -> None:
        if self.file is not None:
            self._write()
            self.file.describe(self._n)

    def __len__(self) -> int:
        return self._n


class ReferenceQueue:
    """Row segments on their way."""

    def __init__(self, depth: int):
        self.depth = depth
        self._slots: list[list[int]] = [[] for _ in range(depth)]

    def put(self, ahead: int, segments) -> None:
        self._slots[ahead].extend(int(s) for s in segments)

    def read(self, ahead: int) -> np.ndarray:
        return np.array(self._slots[ahead] if ahead < self.depth else [], np.int32)

    def take(self) -> np.ndarray:
        now = self.read(0)
        self._slots = [*self._slots[1:], []]
        return now


class ReferenceEngine:
    """Runs plans with the interpreter."""

    def new_spikes(self, n: int, depth: int) -> ReferenceSpikes:
        return ReferenceSpikes(n, depth)

    def new_record(self, dtype, file: NpyFile | None = None) -> ReferenceRecord:
        return ReferenceRecord(dtype, file)

    def new_queue(self, depth: int) -> ReferenceQueue:
        return ReferenceQueue(depth)

    def load(
        self,
        plan: Plan,
        address: Callable[[str], int] | None,
        threads: int,
        backend: str = "numpy",
        profile: bool = False,
        always: bool = False,
    ) -> ReferenceRun:
        """A run of ``plan``; ``threads``, ``backend`` and ``always`` have no effect here, and times are always taken."""
        return ReferenceRun(plan)


class ReferenceRun:
    """A plan and its state of execution."""

    def __init__(self, plan: Plan):
        self.plan = plan
        self._failed: Op | None = None
        self._failures: list[BaseException] = []
        self._unmet: int | None = None
        self._tick = 0
        self._steps = [0] * len(plan.ops)
        self._schedule_next: dict[int, int] = {}

    def advance(self, tick: int, end: int, cursor: int, seconds: float, interrupts: Interrupts) -> tuple[str, int, int]:
        """See ``NativeRun.advance``."""
        stop_at = time.monotonic() + seconds if seconds else None
        plan = self.plan
        while tick < end:
            self._tick = tick
            due = [k for k, op in enumerate(plan.ops) if self._is_due(op, tick)]
            if cursor == 0:
                self._prepare(due, tick)
            for k in due:
                if k < cursor:
                    continue
                op = plan.ops[k]
                if op.kind == "python":
                    return "python", tick, k
                began = time.perf_counter()
                with np.errstate(all="ignore"):
                    getattr(self, f"_do_{op.kind}")(op, self._steps[k])
                op.seconds += time.perf_counter() - began
                op.work.add(1)
            cursor = 0
            tick = min(c.next_tick(tick) for c in plan.clocks)
            self._tick = tick
            if self._failures:
                return "failed", tick, 0
            if self._unmet is not None:
                return "unmet", tick, 0
            if self._failed is not None:
                return "not finite", tick, 0
            if interrupts.requested:
                return "interrupted", tick, 0
            if stop_at is not None and time.monotonic() >= stop_at and tick < end:
                return "paused", tick, 0
        return "done", tick, 0

    def _is_due(self, op: Op, tick: int) -> bool:
        clock = self.plan.clocks[op.clock]
        return clock.is_due(tick) and op.is_due(clock.step_from(tick))

    def _prepare(self, due: list[int], tick: int) -> None:
        for k in due:
            op = self.plan.ops[k]
            clock = self.plan.clocks[op.clock]
            self._steps[k] = clock.step_from(tick)
            if op.kernel is not None:
                for scalar in op.kernel.scalars:
                    if scalar.owner == "clock" and scalar.variable in ("t", "step"):
                        step = self._steps[k]
                        op.binding.scalars[scalar.name] = clock.time_of(step) if scalar.variable == "t" else step
                    elif scalar.owner == "random" and scalar.variable == "count":
                        op.binding.scalars[scalar.name] = op.count
            op.count += 1

    def step_of(self, clock: int) -> int:
        """The step of a clock at the current tick."""
        return self.plan.clocks[clock].step_from(self._tick)

    def failure(self) -> BaseException:
        """What a function of the user raised."""
        return self._failures[0]

    def unmet(self) -> int:
        """The element that did not meet a requirement of the operation that failed."""
        return self._unmet

    def failed(self) -> tuple[Op, int]:
        """The operation that produced a value that is not finite, and the step of its clock."""
        return self._failed, self._steps[next(k for k, op in enumerate(self.plan.ops) if op is self._failed)]

    def save_counts(self) -> None:
        """Counts live in the plan already."""

    def save_seconds(self) -> None:
        """So do the times."""

    # -- one method a kind of operation ----------------------------------------------------------------------------------------

    def _call(self, op: Op, lo: int, hi: int, events=None, rows=()) -> np.ndarray:
        functions = {name: f.function.vector for name, f in op.binding.functions.items()}
        memory = Memory(op.binding.buffers, op.binding.scalars, events, rows, functions)
        op.entered[0] += 1
        try:
            emitted, finite = interpret(op.kernel, memory, lo, hi)
        except FunctionError as error:
            self._failures.append(error)
            return np.empty(0, np.int32)
        except Unmet as error:
            if self._unmet is None:
                self._unmet, self._failed = error.element, op
            return np.empty(0, np.int32)
        if not finite:
            self._failed = self._failed or op
        return emitted

    @staticmethod
    def _events(op: Op, back: int = 0) -> np.ndarray:
        events = op.source.read(back)
        return events[(events >= op.first) & (events < op.last)]

    def _do_map(self, op: Op, step: int) -> None:
        emitted = self._call(op, 0, op.n)
        op.work.add(0, len(emitted), op.n)
        if op.emits is not None:
            op.emits.append(emitted)

    def _do_events(self, op: Op, step: int) -> None:
        events = op.index if op.source is None else self._events(op, op.delay)
        op.work.add(0, 0 if op.source is None else len(events), len(events))
        if len(events):
            self._call(op, 0, len(events), events=events)

    def _do_pathway(self, op: Op, step: int) -> None:
        rows = []
        for b, block in enumerate(op.rows):
            events = self._arrivals(op, b, block)
            many = bool(op.many) and len(events) >= op.many
            synapses = int(np.sum(block.start[events + 1] - block.start[events]))
            if block.made is not None:
                start, far, values = block.made.of(events)
                op.binding.buffers.update(values)
                rows.append(Rows(np.arange(len(events)), start, far, events, None, many))
            else:
                rows.append(Rows(events, block.start, block.far, block.near, block.synapse, many))
            first = len(events) if op.queues or b == 0 else 0
            op.work.add(0, first, synapses, many * synapses, int(many))
        if any(len(r.events) for r in rows):
            self._call(op, 0, len(rows), rows=rows)

    def _arrivals(self, op: Op, b: int, block: RowBlock) -> np.ndarray:
        if op.queues:
            queue = op.queues[b]
            for event in self._events(op):
                for segment in range(block.first[event], block.first[event + 1]):
                    queue.put(int(block.delay[segment]), [segment])
            return queue.take()
        if op.source is None:
            return np.arange(len(block.start) - 1, dtype=np.int32)
        return self._events(op, op.delay)

    def _do_generator(self, op: Op, step: int) -> None:
        s = op.schedule
        now = step - s.origin
        if s.period:
            now %= s.period
        lo, hi = np.searchsorted(s.step, [now, now + 1])
        op.emits.append(s.index[lo:hi])

    def _do_record_events(self, op: Op, step: int) -> None:
        events = self._events(op)
        op.work.add(0, len(events), len(events))
        if len(events):
            op.records[0].append(events - op.first)
            op.records[1].append(np.full(len(events), step, np.int64))

    def _do_record_count(self, op: Op, step: int) -> None:
        op.records[0].append([len(self._events(op))])

    def _do_record_state(self, op: Op, step: int) -> None:
        op.work.add(0, 0, op.n)
        op.records[0].append(op.array[op.first : op.first + op.n] if op.index is None else op.array[op.index])

    def _do_record_values(self, op: Op, step: int) -> None:
        events = self._events(op)
        op.work.add(0, len(events), len(events))
        if len(events):
            op.records[0].append(op.array[events * op.stride])

    def _do_count_events(self, op: Op, step: int) -> None:
        events = self._events(op)
        op.work.add(0, len(events), len(events))
        np.add.at(op.array, events - op.first, 1)

    def _do_clear(self, op: Op, step: int) -> None:
        op.work.add(0, 0, op.n)
        op.array[...] = 0
