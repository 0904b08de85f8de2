"""What each kernel of a profiled run did, and how far it was from what the machine can do.

Bytes follow from the kernels: what an element or a synapse reads and writes, times how many of them were treated, as the engine counted. The limit
is a roofline (Williams, Waterman & Patterson 2009, CACM 52:65): no kernel can be faster than its bytes at the bandwidth of a loop over as much
memory as the whole step works on, nor than its arithmetic in a loop that touches no memory; a synapse, not faster than an arrival at a scattered
place among as many targets. Both are measured on this machine (machine.py). It leaves out what no kernel can avoid besides: the way into it, the
branch at each guard, and rows too short for the processor to look ahead; so a small kernel stays further from it than a large one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from eqsnn.errors import EqsnnError
from eqsnn.kernel.ir import Binary, Call, Chance, Compare, Drawn, Kernel, Load, Select, Store, Unary, expressions, walk
from eqsnn.kernel.resting import resting
from eqsnn.runtime.machine import Machine, machine
from eqsnn.runtime.plan import Op
from eqsnn.runtime.profile import name_of
from eqsnn.runtime.schedule import html_table, table

_EVENT = 4
"""Bytes of an event in a list."""
_OFFSETS = 16
"""Where a row begins and ends."""
_EXPONENTIALS = {
    "tanh": 1,
    "sinh": 1,
    "cosh": 1,
    "expm1": 1,
    "exprel": 1,
    "log": 1,
    "log1p": 1,
    "log10": 1,
    "exp": 1,
    "power": 2,
}
_EXPONENTIALS |= {"sin": 1, "cos": 1, "tan": 2, "asin": 1, "acos": 1, "atan": 1, "exprel_inverse": 1, "exprel_prime": 1}
_RANDOM = {"uniform": (1, 0), "normal": (1, 2), "poisson": (1, 1)}
"""Uniform numbers (pairs of words) and functions as dear as an exponential that one random number takes, at least."""


@dataclass(frozen=True)
class Arithmetic:
    """How many sums, products, comparisons and choices; divisions and roots; functions as dear as an exponential; random numbers."""

    simple: float = 0
    division: float = 0
    exp: float = 0
    uniform: float = 0

    def times(self, n: float) -> Arithmetic:
        """That of ``n`` items."""
        return Arithmetic(self.simple * n, self.division * n, self.exp * n, self.uniform * n)

    def seconds(self, figures: Machine) -> float:
        """What it takes a core at least."""
        costs = figures.simple, figures.division, figures.exp, figures.uniform
        return sum(n * cost for n, cost in zip((self.simple, self.division, self.exp, self.uniform), costs))


@dataclass(frozen=True)
class KernelCost:
    """One operation of a run: ``runs`` in ``seconds``; ``events`` emitted or received; ``items``, the neurons or synapses treated; ``bytes`` read
    and written, of ``size`` bytes that the whole step works on. ``arithmetic`` is that of all items; ``arrivals`` came one by one at targets of
    ``targets`` bytes; ``bounded``: whether what it needs at least is known; it ran on ``cores``.
    """

    name: str
    kind: str
    seconds: float
    runs: int
    events: int
    items: int
    bytes: float
    size: int
    arithmetic: Arithmetic
    arrivals: int
    targets: int
    bounded: bool
    cores: int

    @property
    def limit(self) -> float:
        """The seconds that this machine needs at least; NaN where nothing is known to bound them."""
        figures = machine()
        streamed = self.bytes / figures.bandwidth_at(self.size)
        scattered = self.arrivals * figures.scatter_at(self.targets) if self.targets else 0.0
        least = max(streamed, scattered, self.arithmetic.seconds(figures)) / self.cores
        return least if self.bounded and least else math.nan

    @property
    def left(self) -> float:
        """The share of the time that is above the limit."""
        share = 1 - self.limit / self.seconds if self.seconds else math.nan
        return 0.0 if share < 0 else share


def costs_of(ops: Iterable[Op], threads: int) -> list[KernelCost]:
    """The cost of each operation that ran, the dearest first. Numbers only: they hold neither objects nor memory."""
    ops = [op for op in ops if op.work.runs]
    size = _working_set(ops)
    return sorted((_cost(op, size, threads) for op in ops), key=lambda cost: -cost.seconds)


def _cost(op: Op, size: int, threads: int) -> KernelCost:
    work, kernel = op.work, op.kernel
    arithmetic, targets = Arithmetic(), 0
    if kernel is not None:
        arithmetic = _arithmetic(kernel).times(work.items - work.counted)
        far = [b for b in kernel.buffers if b.extent in ("pre", "post") and b.writable]
        targets = sum(op.binding.buffers[b.name].nbytes for b in far)
    return KernelCost(
        name_of(op),
        op.kind,
        op.seconds,
        work.runs,
        work.events,
        work.items,
        _bytes(op),
        size,
        arithmetic,
        work.items - work.counted,
        targets,
        kernel is None or not kernel.externs,  # what a function of the user needs is not known
        max(1, min(threads, op.n_blocks)),
    )


# -- bytes -------------------------------------------------------------------------------------------------------------------------------


def _working_set(ops: Iterable[Op]) -> int:
    """The bytes of all arrays that the operations of elements work on, each array once."""
    arrays = {}
    for op in ops:
        if op.kind == "map" and op.kernel is not None:
            arrays |= {op.binding.buffers[b.name].ctypes.data: op.binding.buffers[b.name] for b in op.kernel.buffers}
    return sum(a.nbytes for a in arrays.values())


def _traffic(kernel: Kernel, op: Op) -> dict[str, float]:
    """Bytes that one item reads and writes, by the extent of the buffers; elements at rest are few and do not count."""
    rest = resting(kernel)
    kernel = kernel if rest is None else rest.awake
    loads, stores = set(), set()
    looked_up = 0
    for statement in kernel.body:
        for part in expressions(statement):
            for e in walk(part):
                if isinstance(e, Load):
                    loads.add(e.buffer)
                    looked_up += 8 if e.index is not None else 0
                elif isinstance(e, Drawn):
                    looked_up += 16
        if isinstance(statement, Store):
            stores.add(statement.buffer)
            if statement.add:
                loads.add(statement.buffer)
    found = {"table": float(looked_up)}
    for b in kernel.buffers:
        if b.extent != "table":
            width = op.binding.buffers[b.name].itemsize
            found[b.extent] = found.get(b.extent, 0) + width * ((b.name in loads) + (b.name in stores))
    return found


def _bytes(op: Op) -> float:
    work = op.work
    if op.kernel is None:
        if op.kind == "clear":
            return float(work.items)
        if op.kind == "record_state":
            return float(work.items * (op.array.itemsize + op.records[0].dtype.itemsize))
        if op.kind in ("record_events", "record_values"):
            return float(work.items * (_EVENT + sum(r.dtype.itemsize for r in op.records)))
        return float(work.items * (_EVENT + 16)) if op.kind == "count_events" else 0.0
    traffic = _traffic(op.kernel, op)
    if op.kind != "pathway":
        of_events = _EVENT * work.events
        return work.items * (traffic.get("self", 0) + traffic["table"]) + of_events
    near = op.kernel.rows
    far = "post" if near == "pre" else "pre"
    index = op.rows[0].far.itemsize + (op.rows[0].synapse.itemsize if op.rows[0].synapse is not None else 0)
    one_by_one = work.items - work.counted
    moved = one_by_one * (traffic.get("self", 0) + traffic.get(far, 0) + traffic["table"] + index)
    moved += work.events * (traffic.get(near, 0) + _EVENT + _OFFSETS)
    if work.counted:
        bits = op.rows[0].__dict__.get("_bits")
        rows = work.counted / max(_mean_row(op), 1)
        span = sum(b.span[1] - b.span[0] for b in op.rows)
        moved += rows * span / 8 if bits is not None else work.counted * (index + 4)
        moved += work.counts_made / len(op.rows) * span * (traffic.get(far, 0) + 2)
    return moved


def _mean_row(op: Op) -> float:
    return sum(int(b.start[-1] - b.start[0]) for b in op.rows) / max(len(op.rows[0].start) - 1, 1)


# -- arithmetic --------------------------------------------------------------------------------------------------------------------------


def _arithmetic(kernel: Kernel) -> Arithmetic:
    """That of one item."""
    found = [0.0, 0.0, 0.0, 0.0]
    for statement in kernel.body:
        if isinstance(statement, Chance):
            continue  # most elements draw nothing (kernel/gaps.py)
        for part in expressions(statement):
            for e in walk(part):
                for k, n in enumerate(_weights(e)):
                    found[k] += n
    return Arithmetic(*found)


def _weights(e) -> tuple[float, float, float, float]:
    kind = e.a.type if isinstance(e, Compare) else getattr(e, "type", "")
    one = {"f64": 1.0, "f32": 0.5}.get(kind, 0.0)  # twice as many floats of 32 bits fit into a vector
    if isinstance(e, Call):
        draws, functions = _RANDOM.get(e.function, (0, _EXPONENTIALS.get(e.function, 0)))
        return 0, one * (e.function == "sqrt"), functions * (one or 1), draws
    if isinstance(e, Binary) and e.op == "/":
        return 0, one, 0, 0
    return one * isinstance(e, (Binary, Compare, Select, Unary)), 0, 0, 0


# -- for the user ------------------------------------------------------------------------------------------------------------------------


class Costed(Protocol):
    """A network that may have been profiled."""

    @property
    def kernel_costs(self) -> list[KernelCost]: ...


_COLUMNS = ("operation", "time", "share", "ns/item", "items/s", "events/s", "bytes", "GB/s", "of memory", "left")


class KernelSummary:
    """``kernel_summary(net)``: a table of the operations of the last run with ``profile=True``, the dearest first.

    ``costs``: the :class:`KernelCost` of each; ``show``: at most so many. An item is a neuron or a synapse; ``of memory`` compares the bytes a
    second with the measured bandwidth of main memory, and exceeds 100 % where they come from a cache; ``left`` is the share of the time above the
    limit of this machine.
    """

    def __init__(self, network: Costed, show: int | None = None):
        if show is not None and (isinstance(show, bool) or not isinstance(show, int) or show < 1):
            raise EqsnnError(f"kernel_summary(): show= is the number of operations to list; got {show!r}")
        self.costs = network.kernel_costs[:show]
        self.total = sum(cost.seconds for cost in network.kernel_costs)

    def rows(self) -> Iterator[tuple[str, ...]]:
        """The cells of the table, without its head."""
        memory = machine().memory_bandwidth
        for c in self.costs:
            rate = c.bytes / c.seconds if c.seconds else 0.0
            yield (
                c.name,
                f"{c.seconds:.3g} s",
                f"{100 * c.seconds / (self.total or 1):.1f} %",
                f"{1e9 * c.seconds / c.items:.3g}" if c.items else "-",
                _short(c.items / c.seconds) if c.items and c.seconds else "-",
                _short(c.events / c.seconds) if c.events and c.seconds else "-",
                _short(c.bytes) if c.bytes else "-",
                f"{rate / 1e9:.3g}" if rate else "-",
                f"{100 * rate / memory:.0f} %" if rate else "-",
                "-" if math.isnan(c.left) else f"{100 * c.left:.0f} %",
            )

    def _foot(self) -> str:
        m = machine()
        return (
            f"one core of this machine: {m.memory_bandwidth / 1e9:.3g} GB/s from memory, {m.bandwidth[min(m.bandwidth)] / 1e9:.3g} GB/s from the "
            f"first cache, {m.scatter_at(1 << 15) * 1e9:.2g} ns an arrival, {m.exp * 1e9:.2g} ns an exponential"
        )

    def __str__(self) -> str:
        return f"{table(_COLUMNS, list(self.rows()), right=set(range(1, len(_COLUMNS))))}\n{self._foot()}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"{html_table(_COLUMNS, list(self.rows()), right=set(range(1, len(_COLUMNS))))}<p>{self._foot()}</p>"


def _short(value: float) -> str:
    """1.23e9 as '1.23 G'."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"
