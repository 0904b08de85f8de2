"""The meaning of a kernel, in numpy: the oracle for every backend, and the evaluator of what is computed before a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from eqsnn.errors import InternalError
from eqsnn.kernel import functions, gaps, random, single
from eqsnn.kernel.counted import ARRIVALS, counted
from eqsnn.kernel.ir import (
    RANDOM,
    Binary,
    Call,
    Cast,
    Chance,
    CheckFinite,
    Compare,
    Const,
    Drawn,
    Emit,
    Expr,
    Extern,
    Hoisted,
    HoistedPropagator,
    Kernel,
    Let,
    Load,
    Local,
    Loop,
    Require,
    Select,
    Store,
    Unary,
)

_DTYPES = {
    "f64": np.float64,
    "f32": np.float32,
    "f16": np.float16,
    "i64": np.int64,
    "i32": np.int32,
    "i16": np.int16,
    "i8": np.int8,
    "u16": np.uint16,
    "b8": np.bool_,
}
_COMPARE = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
_BINARY = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "and": np.logical_and, "or": np.logical_or}


@dataclass
class Rows:
    """One block of a pathway: the rows that arrive and the compressed rows themselves (see plan.RowBlock). ``counted``: so many arrive that
    what a neuron gets is counted first (``kernel/counted.py``)."""

    events: np.ndarray
    start: np.ndarray
    far: np.ndarray
    near: np.ndarray | None
    synapse: np.ndarray | None
    counted: bool = False


@dataclass
class Memory:
    """What a kernel is called with: arrays and numbers by name, the elements or rows of this step, and the user's functions."""

    buffers: dict[str, np.ndarray]
    scalars: dict[str, float | int]
    events: np.ndarray | None = None
    rows: tuple[Rows, ...] | list[Rows] = field(default=())
    functions: dict[str, Callable[[list[np.ndarray], int], np.ndarray]] = field(default_factory=dict)


def interpret(kernel: Kernel, memory: Memory, lo: int, hi: int) -> tuple[np.ndarray, bool]:
    """Do the elements (neuron), events (event), row blocks (pathway) or rows (pair) ``lo <= . < hi``.

    Returns the elements, or numbers of pairs, that emitted an event, ascending, and whether all checked values were finite. Raises Unmet.
    """
    if kernel.domain == "pathway":
        emitted, finite = [], True
        for rows in memory.rows[lo:hi]:
            finite &= _pathway(kernel, memory, rows)
        return np.array(emitted, np.int32), finite
    if kernel.domain == "pair":
        return _pairs(kernel, memory, lo, hi)
    if kernel.body and isinstance(kernel.body[-1], Chance):
        return _by_chance(kernel, memory, lo, hi)
    element = np.arange(lo, hi) if kernel.domain == "neuron" else np.asarray(memory.events[lo:hi], np.int64)
    frame = _Frame(kernel, memory, {"@i": element}, len(element))
    frame.run()
    _heed(frame)
    return element[frame.emitted].astype(np.int32), frame.finite


def _by_chance(kernel: Kernel, memory: Memory, lo: int, hi: int) -> tuple[np.ndarray, bool]:
    """The elements belong to runs of gaps, which are done from their beginning to their end."""
    size = int(memory.scalars[kernel.body[-1].size.name])
    element = np.arange(lo - lo % gaps.GAPS, min(hi + -hi % gaps.GAPS, size))
    frame = _Frame(kernel, memory, {"@i": element}, len(element))
    frame.run()
    found = element[frame.emitted]
    return found[(found >= lo) & (found < hi)].astype(np.int32), frame.finite


def _pairs(kernel: Kernel, memory: Memory, lo: int, hi: int) -> tuple[np.ndarray, bool]:
    number = np.arange((hi - lo) * int(memory.scalars["columns"]))
    row, column = np.divmod(number, int(memory.scalars["columns"]))
    frame = _Frame(kernel, memory, {"@i": number, "@pre": row + lo, "@post": column}, len(number))
    frame.run()
    return number[frame.emitted].astype(np.int32), frame.finite


def _pathway(kernel: Kernel, memory: Memory, rows: Rows) -> bool:
    row = np.asarray(rows.events, np.int64)
    counts = rows.start[row + 1] - rows.start[row]
    total = int(counts.sum())
    k = np.repeat(rows.start[row] - (np.cumsum(counts) - counts), counts) + np.arange(total)
    near = np.repeat(row if rows.near is None else rows.near[row].astype(np.int64), counts)
    far = rows.far[k].astype(np.int64)
    if rows.counted:
        return _counted(kernel, memory, far)
    synapse = k if rows.synapse is None else rows.synapse[k].astype(np.int64)
    pre, post = (near, far) if kernel.rows == "pre" else (far, near)
    one_by_one = kernel.one_by_one or _mixes(kernel, memory)
    finite = True
    for part in (slice(n, n + 1) for n in range(total)) if one_by_one else (slice(None),):
        frame = _Frame(
            kernel, memory, {"@s": synapse[part], "@pre": pre[part], "@post": post[part]}, len(synapse[part])
        )
        frame.run()
        finite &= frame.finite
        _heed(frame)
    return finite


def _counted(kernel: Kernel, memory: Memory, far: np.ndarray) -> bool:
    how = counted(kernel)
    neuron, arrivals = np.unique(far, return_counts=True)
    indices = {"@s": neuron, "@pre": neuron, "@post": neuron, ARRIVALS.name: arrivals}
    frame = _Frame(kernel, memory, indices, len(neuron))
    with np.errstate(all="ignore"):
        for statement in (*how.leading, *how.stores):
            frame.execute(statement)
    return frame.finite


def _mixes(kernel: Kernel, memory: Memory) -> bool:
    """Whether a variable is written under one name and read under another, because source and target are one group."""
    arrays = {b.name: memory.buffers.get(b.name) for b in kernel.buffers}
    written = [arrays[b.name] for b in kernel.buffers if b.writable]
    return any(arrays[b.name] is w for w in written for b in kernel.buffers if not b.writable)


class Unmet(Exception):
    """A requirement of a kernel is not met by ``element``, the first such one."""

    def __init__(self, element: int):
        super().__init__(element)
        self.element = element


def _heed(frame: _Frame) -> None:
    if frame.unmet and frame.finite:
        raise Unmet(min(frame.unmet))


class _Frame:
    """One execution of a kernel's body for many elements at once."""

    def __init__(self, kernel: Kernel, memory: Memory, indices: dict[str, np.ndarray], n: int):
        self.kernel, self.memory, self.n = kernel, memory, n
        self.extent = {b.name: b.extent for b in kernel.buffers}
        self.types = {b.name: b.type for b in kernel.buffers}
        own = indices["@s" if kernel.domain == "pathway" else "@i"]
        self.at = {
            "self": own,
            "pre": indices.get("@pre"),
            "post": indices.get("@post"),
            "shared": np.zeros(1, np.int64),
        }
        self.values: dict[str, np.ndarray] = dict(indices)
        for s in kernel.scalars:
            number = memory.scalars[s.name]
            self.values[s.name] = single.narrow(number) if s.type == "f32" else np.asarray(number, _DTYPES[s.type])
        self.finite = True
        self.unmet: list[int] = []
        self.emitted = np.zeros(n, bool)

    def run(self) -> None:
        with np.errstate(all="ignore"):
            for statement in self.kernel.body:
                self.execute(statement)

    def execute(self, statement) -> None:
        match statement:
            case Let(name, Extern() as call):
                self.values[name] = self.call(call)
            case Let(name, expr):
                self.values[name] = self.value(expr)
            case Loop():
                self.loop(statement)
            case Require(condition):
                wrong = np.flatnonzero(~np.broadcast_to(self.value(condition), (self.n,)))
                if wrong.size:
                    self.unmet.append(int(self.at["self"][wrong[0]]))
            case Store():
                self.store(statement)
            case Emit(condition):
                self.emitted = np.broadcast_to(self.value(condition), (self.n,))
            case Chance(probability, Call(args=(key, _, count, draw))):
                p = np.broadcast_to(self.value(probability), (self.n,))
                first = int(self.at["self"][0]) if self.n else 0
                self.emitted = gaps.taken(p, *(int(self.value(a)) for a in (key, count, draw)), first)
            case CheckFinite(name):
                self.finite &= bool(np.all(np.isfinite(self.values[name])))

    def store(self, s: Store) -> None:
        array, index = self.memory.buffers[s.buffer], self.at[self.extent[s.buffer]]
        value = np.broadcast_to(self.value(s.expr), index.shape)
        if s.guard is not None:
            keep = np.broadcast_to(self.value(s.guard), index.shape)
            index, value = index[keep], value[keep]
        if s.add:
            np.add.at(array, index, value.astype(array.dtype))
            if array.dtype == np.float32:
                array[index] = single.flush(array[index])
        else:
            array[index] = value

    def value(self, expr: Expr) -> np.ndarray:
        return evaluate(expr, self.values, self.load)

    def loop(self, loop: Loop) -> None:
        """All elements go round together, and those that are done keep their values."""
        for c in loop.carried:
            self.values[c.name] = np.broadcast_to(self.value(c.first), (self.n,))
        while True:
            active = np.broadcast_to(self.value(loop.again), (self.n,))
            if not np.any(active):
                return
            for statement in loop.body:
                self.execute(statement)
            following = {c.name: np.where(active, self.value(c.next), self.values[c.name]) for c in loop.carried}
            self.values |= following

    def call(self, call: Extern) -> np.ndarray:
        args = [np.array(np.broadcast_to(self.value(a), (self.n,))) for a in call.args]
        return np.asarray(self.memory.functions[call.function](args, self.n), _DTYPES[call.type])

    def load(self, buffer: str, index: np.ndarray | None) -> np.ndarray:
        array = self.memory.buffers[buffer]
        values = array[self.at[self.extent[buffer]]] if index is None else array.ravel()[index]
        if self.types[buffer] == "f32":
            return single.flush(values)
        return values != 0 if self.types[buffer] == "b8" else values


def evaluate(expr: Expr, values, load) -> np.ndarray:
    """The value of a typed expression; ``load(buffer, index)`` reads memory."""

    def of(e: Expr):
        match e:
            case Const(value, type_):
                return single.narrow(value) if type_ == "f32" else np.asarray(value, _DTYPES[type_])
            case Local(name, _):
                return values[name]
            case Load(buffer, _, index):
                return load(buffer, None if index is None else of(index))
            case Unary(op, a, _):
                return np.logical_not(of(a)) if op == "not" else np.negative(of(a))
            case Binary(op, a, b, "f32"):  # the engine flushes what is too small for a normal number
                return single.flush(_BINARY[op](of(a), of(b)))
            case Binary(op, a, b, _):
                return _BINARY[op](of(a), of(b))
            case Compare(op, a, b, _):
                return _COMPARE[op](of(a), of(b))
            case Select(condition, a, b, _):
                return np.where(of(condition), of(a), of(b))
            case Call(function, args, type_):
                args = [of(a) for a in args]
                if function in RANDOM:
                    key, element, count, draw, *parameters = args
                    return getattr(random, function)(int(key), element, count, int(draw), *parameters)
                return (single if type_ == "f32" else functions).TABLE[function](*args)
            case Cast(a, type_):
                return _cast(of(a), type_)
            case Drawn(buffer, _, value, _):
                return random.drawn(load(buffer, slice(None)), of(value))
        raise InternalError(f"no meaning for {e!r}")

    return np.asarray(of(expr))


def _cast(value, type_: str):
    if type_ == "b8":
        return np.asarray(value) != 0
    value = np.asarray(value)
    if type_ == "i64" and value.dtype.kind == "f":
        return np.where(np.abs(value) < 9.2e18, value, 0.0).astype(np.int64)
    if type_ == "f32":
        return single.narrow(value)
    return value.astype(_DTYPES[type_])


def evaluate_hoisted(
    kernel: Kernel,
    buffers: dict[str, np.ndarray],
    scalars: dict[str, float | int],
    places: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Add the derived scalars and buffers of ``kernel`` to ``buffers`` and ``scalars``. ``places``: '@i', the number of each element, or '@pre'
    and '@post', those of the ends of each synapse; needed where derived values differ between elements."""
    types = {s.name: s.type for s in kernel.scalars}
    ends = {b.name: f"@{b.extent}" for b in kernel.buffers if b.extent in ("pre", "post")}

    def load(buffer: str, index):
        if index is None and places and ends.get(buffer) in places:
            index = places[ends[buffer]]
        values = buffers[buffer] if index is None else buffers[buffer][index]
        return values.astype({"f": np.float64, "i": np.int64}.get(values.dtype.kind, values.dtype), copy=False)

    def value(expr: Expr):
        env = {n: np.asarray(v, _DTYPES[types[n]]) for n, v in scalars.items() if n in types} | dict(places or {})
        with np.errstate(all="ignore"):
            return evaluate(expr, env, load)

    for h in kernel.hoisted:
        if isinstance(h, Hoisted):
            scalars[h.name] = value(h.expr).item()
        else:
            _propagator(h, value, buffers, scalars)


def _propagator(h: HoistedPropagator, value, buffers: dict, scalars: dict) -> None:
    n = len(h.matrix)
    entries = [[np.asarray(value(e), np.float64) for e in row] for row in h.matrix]
    length = max((e.size for row in entries for e in row), default=1)
    rows = np.empty((length, n * n))
    for r in range(n):
        for c in range(n):
            rows[:, r * n + c] = entries[r][c]
    distinct, inverse = np.unique(rows, axis=0, return_inverse=True)
    result = np.stack([expm(a.reshape(n, n)) for a in distinct])
    for r in range(n):
        for c in range(n):
            name = h.entries[r][c]
            if name is None:
                continue
            if h.per_element:
                buffers[name] = np.ascontiguousarray(result[inverse.ravel(), r, c])
            else:
                scalars[name] = float(result[0, r, c])


def expm(a: np.ndarray) -> np.ndarray:
    """The matrix exponential by scaling and squaring with the diagonal Pade approximant of degree 13 (Higham 2005, algorithm 2.3).

    A matrix with entries that are not finite gives NaN, which stops the run at its first step.
    """
    if not np.all(np.isfinite(a)):
        return np.full_like(a, np.nan)
    b = [1.0]
    for k in range(1, 14):
        b.append(b[-1] * (14 - k) / (k * (27 - k)))
    norm = np.abs(a).sum(axis=0).max()
    squarings = max(0, int(np.ceil(np.log2(norm / 5.371920351148152)))) if norm > 0 else 0
    a = a / 2.0**squarings
    eye = np.eye(len(a))
    power, odd, even = eye, np.zeros_like(a), np.zeros_like(a)
    for k, c in enumerate(b):
        if k % 2:
            odd = odd + c * power
        else:
            even = even + c * power
        power = power @ a
    result = np.linalg.solve(even - odd, even + odd)
    for _ in range(squarings):
        result = result @ result
    return result
