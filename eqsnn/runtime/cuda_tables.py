"""Rings of events, queues of row segments and records on the device, and how they come back.

Each has a bound of what a step may bring. Where there may be no room for that, the device begins no step (``eq_begin``): the host fetches what was
recorded, or finds more memory, and the run goes on. Nothing is ever lost, and no result depends on how much room there was.
"""

from __future__ import annotations

import numpy as np

from eqsnn.backends.cuda.layout import Words
from eqsnn.runtime.cuda_memory import Arrays, CudaQueue, CudaRecord, CudaSpikes, Owned
from eqsnn.runtime.plan import Op, Plan


class Rings:
    """The events of all groups."""

    def __init__(self, plan: Plan, ops: Words, own: Owned, lists: int | None = 4):
        self.own = own
        spikes = {id(s): s for op in plan.ops for s in (op.emits, op.source) if s is not None}
        self.spikes: list[CudaSpikes] = list(spikes.values())
        number = {key: k for k, key in enumerate(spikes)}
        self.words = Words("eq_ring", max(len(self.spikes), 1))
        self.words.address = own.new(self.words.words.nbytes)
        for k, s in enumerate(self.spikes):
            # lists lie in one piece, so that one more than a ring keeps, and one that may stay free at its end, always find room
            self._place(k, s, (s.depth + 1 if lists is None else min(s.depth, lists)) * s.n + 2)
        own.device.upload(self.words.address, self.words.words)
        for k, op in enumerate(plan.ops):
            if op.emits is not None:
                ops[k, "emits"] = self.words.of(number[id(op.emits)])
            if op.source is not None:
                ops[k, "source"] = self.words.of(number[id(op.source)])

    def _place(self, k: int, s: CudaSpikes, capacity: int) -> None:
        """What is remembered, one list after the other from the beginning."""
        starts, counts = np.zeros(s.depth, np.int64), np.zeros(s.depth, np.int64)
        lists, at = [], 0
        for back in reversed(range(min(s.depth, s.step + 1))):
            events = s.read(back)
            slot = (s.step - back) % s.depth
            starts[slot], counts[slot] = at, len(events)
            lists.append(events)
            at += len(events)
        capacity = max(capacity, at + s.n + 1)
        known = self.words[k, "list"]
        list_ = self.own.replace(known, 4 * capacity) if known else self.own.new(4 * capacity)
        if at:
            self.own.device.upload(list_, np.concatenate(lists).astype(np.int32))
        if known:
            self.own.device.upload(self.words[k, "start"], starts)
            self.own.device.upload(self.words[k, "count"], counts)
        else:
            self.words.fill(k, start=self.own.put(starts), count=self.own.put(counts))
        self.words.fill(k, list=list_, capacity=capacity, depth=s.depth, step=s.step, n=s.n)

    def fetch(self) -> None:
        """The rings as they are now."""
        device = self.own.device
        device.download(self.words.address, self.words.words)
        for k, s in enumerate(self.spikes):
            starts, counts = np.empty(s.depth, np.int64), np.empty(s.depth, np.int64)
            device.download(self.words[k, "start"], starts)
            device.download(self.words[k, "count"], counts)
            step, past = self.words[k, "step"], []
            for back in reversed(range(min(s.depth, step + 1))):
                slot = (step - back) % s.depth
                events = np.empty(counts[slot], np.int32)
                if len(events):
                    device.download(self.words[k, "list"] + 4 * int(starts[slot]), events)
                past.append(events)
            s.replace(past, step)

    def make_room(self) -> None:
        """Twice as much for rings in which a step might find none."""
        self.fetch()
        for k, s in enumerate(self.spikes):
            held = sum(len(s.read(back)) for back in range(min(s.depth, s.step + 1)))
            if held + 2 * s.n + 2 > self.words[k, "capacity"]:
                self._place(k, s, 2 * self.words[k, "capacity"] + s.n)
            else:
                self._place(k, s, self.words[k, "capacity"])
        self.own.device.upload(self.words.address, self.words.words)


class Queues:
    """The row segments of all pathways with several delays."""

    def __init__(self, plan: Plan, placed, arrays: Arrays, own: Owned, most_bytes: int):
        self.own, self.placed = own, [p for p in placed if p.op.queues]
        self.words = Words("eq_waiting", max(len(self.placed), 1))
        self.words.address = own.new(self.words.words.nbytes)
        for k, p in enumerate(self.placed):
            (block,), (queue,) = p.op.rows, p.op.queues
            p.depth = queue.depth + 1  # what was delivered last has a slot that nothing comes into
            self.words.fill(k, depth=p.depth, first=arrays.address(block.first), delay=arrays.address(block.delay))
            segments = len(block.delay)
            most = np.bincount(block.delay, minlength=p.depth).astype(np.int64)
            if 4 * segments * p.depth > most_bytes:
                self.words[k, "most"] = own.put(most)
                segments = 2 * int(most.max(initial=1))
            self._place(k, p.op, queue, max(segments, 1), 0)
            p.words[p.k, "queue"] = self.words.of(k)
        own.device.upload(self.words.address, self.words.words)

    def _place(self, k: int, op: Op, queue: CudaQueue, capacity: int, turn: int) -> None:
        depth = self.words[k, "depth"]
        waiting = [queue.read(ahead) for ahead in range(queue.depth)]
        capacity = max(capacity, *(len(w) for w in waiting))
        counts, list_ = np.zeros(depth, np.int64), np.zeros((depth, capacity), np.int32)
        for ahead, segments in enumerate(waiting):
            slot = (turn + 1 + ahead) % depth
            counts[slot] = len(segments)
            list_[slot, : len(segments)] = segments
        known = self.words[k, "list"]
        if known:
            address = self.own.replace(known, list_.nbytes)
            self.own.device.upload(self.words[k, "count"], counts)
        else:
            address = self.own.new(list_.nbytes)
            self.words[k, "count"] = self.own.put(counts)
        self.own.device.upload(address, list_)
        self.words.fill(k, list=address, capacity=capacity)

    def fetch(self) -> None:
        """The queues as they are now."""
        for k, p in enumerate(self.placed):
            depth, capacity, turn = self.words[k, "depth"], self.words[k, "capacity"], p.words[p.k, "turn"]
            counts = np.empty(depth, np.int64)
            self.own.device.download(self.words[k, "count"], counts)
            slots = []
            for ahead in range(depth - 1):
                slot = (turn + 1 + ahead) % depth
                segments = np.empty(counts[slot], np.int32)
                if len(segments):
                    self.own.device.download(self.words[k, "list"] + 4 * slot * capacity, segments)
                slots.append(segments)
            p.op.queues[0].replace(slots)

    def delivered(self, placed) -> np.ndarray:
        """The segments that were delivered in the last step of a pathway."""
        k = next(k for k, p in enumerate(self.placed) if p is placed)
        slot = placed.words[placed.k, "turn"] % self.words[k, "depth"]
        counts = np.empty(self.words[k, "depth"], np.int64)
        self.own.device.download(self.words[k, "count"], counts)
        segments = np.empty(counts[slot], np.int32)
        if len(segments):
            self.own.device.download(self.words[k, "list"] + 4 * slot * self.words[k, "capacity"], segments)
        return segments

    def make_room(self) -> None:
        """Twice as much for queues that might be full."""
        self.fetch()
        for k, p in enumerate(self.placed):
            if not self.words[k, "most"]:
                continue
            queue = p.op.queues[0]
            longest = max(len(queue.read(ahead)) for ahead in range(queue.depth))
            most = int(np.bincount(p.op.rows[0].delay).max(initial=1))
            if longest + most > self.words[k, "capacity"]:
                self._place(k, p.op, queue, 2 * (longest + most), p.words[p.k, "turn"])
        self.own.device.upload(self.words.address, self.words.words)


class Stores:
    """The records of all monitors."""

    def __init__(self, plan: Plan, ops: Words, own: Owned, nbytes: int):
        self.own = own
        self.records: list[CudaRecord] = [r for op in plan.ops for r in op.records]
        self.words = Words("eq_store", max(len(self.records), 1))
        self.words.address = own.new(self.words.words.nbytes)
        k = 0
        for number, op in enumerate(plan.ops):
            for name, record in zip(("store", "times"), op.records):
                item = record.dtype.itemsize
                bound = max(1 if op.kind == "record_count" else op.n, 1)
                capacity = max(bound, nbytes // item)
                self.words.fill(k, data=own.new(capacity * item), capacity=capacity, item=item, bound=bound)
                ops[number, name] = self.words.of(k)
                k += 1
        own.device.upload(self.words.address, self.words.words)

    def fetch(self) -> None:
        """What was recorded since the last time goes to the records of the host."""
        device = self.own.device
        device.download(self.words.address, self.words.words)
        for k, record in enumerate(self.records):
            values = np.empty(self.words[k, "n"], record.dtype)
            if len(values):
                device.download(self.words[k, "data"], values)
                record.append(values)
            self.words[k, "n"] = 0
        device.upload(self.words.address, self.words.words)
