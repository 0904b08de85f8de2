"""A plan's operations as launches of kernels: which, on how many threads, and what of the plan lies where on the device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from eqsnn.backends.cuda.device import Launch, Module
from eqsnn.backends.cuda.layout import EVERYTHING_MET, Words
from eqsnn.backends.cuda.source import CudaSource, cuda_source
from eqsnn.backends.cuda.ways import Way, way_of
from eqsnn.errors import EqsnnError
from eqsnn.kernel.gaps import GAPS
from eqsnn.runtime.cuda_memory import Arrays, Owned
from eqsnn.runtime.plan import Op, Plan, RowBlock

TILE = 256
"""EQ_TILE of templates/cuda/eq_device.h."""
_BLOCK = 128
_ROOM = 512
"""Threads of the kernels that go through everything with one block."""
_MOST_BLOCKS = 1024
"""Where the amount of work is known on the device only, threads go round."""
_LONGEST_PIECE = 4096
"""Rows of more synapses are done in parts."""


@dataclass(frozen=True)
class Setting:
    """What a run chooses of how it is done. ``record_bytes``: the room of a record on the device; ``queue_bytes``: up to so many, a queue has room
    for all there is; ``ring_lists``: a ring of events has room for so many full lists, None for all that it may ever have to keep."""

    deterministic: bool = False
    record_bytes: int = 1 << 22
    queue_bytes: int = 1 << 26
    ring_lists: int | None = 4


def has_one_memory(op: Op) -> bool:
    """Whether what a pathway writes at one end of its synapses is bound under another name, too."""
    arrays = op.binding.buffers
    written = [b for b in op.kernel.buffers if b.writable and b.extent in ("pre", "post")]
    return any(
        b is not w and np.may_share_memory(arrays[b.name], arrays[w.name]) for w in written for b in op.kernel.buffers
    )


def ways_of(plan: Plan, deterministic: bool) -> dict[str, Way]:
    """How each kernel of a plan is done, by its name."""
    ways: dict[str, Way] = {}
    for op in plan.ops:
        if op.kernel is not None:
            one = op.kernel.domain == "pathway" and has_one_memory(op)
            ways[op.kernel.name] = way_of(op.kernel, deterministic, one)
    return ways


def source_of(plan: Plan, deterministic: bool = False) -> CudaSource:
    """The CUDA file of a plan. Raises EqsnnError for functions of the user that have no code for it, and for procedural synapses."""
    functions = {}
    for op in plan.ops:
        if any(block.made is not None for block in op.rows):
            raise EqsnnError(
                f"the synapses '{op.owner.name}' are procedural, and the backend 'cuda' does not make rows at every spike; connect them without "
                "procedural=True, which gives the same synapses, or choose another backend (eqsnn.backend('c'))"
            )
        if op.binding is not None:
            functions.update(op.binding.functions)
    return cuda_source(plan.kernels(), ways_of(plan, deterministic), functions, deterministic)


def shape_of_rows(block: RowBlock, whole: bool) -> tuple[int, int, int]:
    """How rows are shared out, from their lengths alone: how many threads do one, into how many parts long ones are cut, and how long those are.

    A block of threads for a spike where rows are long, a few threads for each where they are short: so many as the middle one has synapses.
    """
    lengths = np.diff(block.start)
    lengths = lengths[lengths > 0]
    if not len(lengths):
        return 1, 1, _LONGEST_PIECE
    median, longest = float(np.median(lengths)), int(lengths.max())
    lanes = 1
    while lanes < min(median, _BLOCK):
        lanes *= 2
    pieces = -(-longest // _LONGEST_PIECE)
    return lanes, pieces, _LONGEST_PIECE if pieces > 1 else max(longest, 1)


@dataclass
class Placed:
    """What the launches of an operation need: the ``words`` of all operations, its number ``k``, and where the table lies."""

    op: Op
    k: int
    way: Way | None
    words: Words
    lanes: int = 1
    pieces: int = 1
    fixed: bool = False
    depth: int = 0
    launches: list[Launch] = field(default_factory=list)


def fill_op(placed: Placed, arrays: Arrays, own: Owned) -> None:
    """The fields of an operation that follow from the plan."""
    op, words, k = placed.op, placed.words, placed.k
    words.fill(k, clock=op.clock, every=op.every, count=op.count, at_t=-1, at_step=-1, at_count=-1)
    words.fill(k, **{"from": op.since, "until": op.until}, unmet=EVERYTHING_MET, n=op.n, first=op.first, last=op.last)
    words.fill(k, back=op.delay, stride=op.stride, cast=op.cast, array=arrays.address(op.array), many=op.many)
    words[k, "index"] = arrays.address(op.index)
    if op.kernel is not None:
        _bind(placed, arrays, own)
    if op.kind == "events" and op.source is None:
        words[k, "given"] = arrays.address(op.index)
    if op.kind == "map" and op.emits is not None:
        tile = GAPS if placed.way == "chance" else TILE
        tiles = max(-(-op.n // tile), 1)
        words.fill(k, tile=tile, n_tiles=tiles, emitted=own.new(4 * tile * tiles), counts=own.new(8 * tiles))
    if op.schedule is not None:
        s = op.schedule
        words.fill(
            k, due_step=own.put(s.step), due_index=own.put(s.index), n_due=len(s.step), origin=s.origin, period=s.period
        )
    if op.kind == "pathway":
        _fill_rows(placed, arrays, own)


def _bind(placed: Placed, arrays: Arrays, own: Owned) -> None:
    op, words, k = placed.op, placed.words, placed.k
    pointers = np.array([arrays.address(op.binding.buffers[b.name]) for b in op.kernel.buffers] or [0], np.int64)
    real, integer = [], []
    for scalar in op.kernel.scalars:
        target = real if scalar.type in ("f64", "f32") else integer
        known = {("clock", "t"): "at_t", ("clock", "step"): "at_step", ("random", "count"): "at_count"}
        if (scalar.owner, scalar.variable) in known:
            words[k, known[scalar.owner, scalar.variable]] = len(target)
        target.append(op.binding.scalars.get(scalar.name, 0))
    words.fill(k, buffer=own.put(pointers), real=own.put(np.array(real or [0.0], np.float64)))
    words[k, "integer"] = own.put(np.array([int(v) for v in integer] or [0], np.int64))


def _fill_rows(placed: Placed, arrays: Arrays, own: Owned) -> None:
    op, words, k = placed.op, placed.words, placed.k
    (block,) = op.rows
    placed.lanes, placed.pieces, piece = shape_of_rows(block, op.source is None)
    words.fill(k, start=arrays.address(block.start), near_end=arrays.address(block.near), far=arrays.address(block.far))
    words.fill(k, width=block.far.itemsize, synapse=arrays.address(block.synapse), n_rows=len(block.start) - 1)
    words.fill(k, lanes=placed.lanes, pieces=placed.pieces, piece=piece)
    if placed.way not in ("counted", "gather far", "gather near"):
        return
    near = placed.way == "gather near"
    base, stop = _span_of_rows(block) if near else block.span
    n = max(stop - base, 0)
    words.fill(k, base=base, n_keys=n)
    if op.source is None and placed.way != "counted":
        _fill_fixed(placed, block, near, base, n, own)
        return
    words.fill(k, arrived=own.put(np.zeros(max(n, 1), np.int32)), filled=own.put(np.zeros(max(n, 1), np.int32)))
    if placed.way != "counted":
        words.fill(k, place=own.new(8 * n), sorted=own.new(8 * int(block.start[-1] - block.start[0])))
        words[k, "offset"] = own.new(8 * (len(block.start) + 1))


def _span_of_rows(block: RowBlock) -> tuple[int, int]:
    """The first neuron that a row belongs to, and the one behind the last."""
    if block.near is None:
        return 0, len(block.start) - 1
    return (int(block.near.min()), int(block.near.max()) + 1) if len(block.near) else (0, 0)


def _fill_fixed(placed: Placed, block: RowBlock, near: bool, base: int, n: int, own: Owned) -> None:
    """All synapses arrive in every step: the lists of the neurons are made once, here."""
    first = int(block.start[0])
    if near:
        rows = np.arange(len(block.start) - 1) if block.near is None else block.near
        key = np.repeat(rows, np.diff(block.start)).astype(np.int64) - base
    else:
        key = block.far[first : block.start[-1]].astype(np.int64) - base
    counts = np.bincount(key, minlength=max(n, 1)).astype(np.int32)
    place = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
    offset = (block.start - first).astype(np.int64)
    placed.fixed = True
    placed.words.fill(
        placed.k,
        fixed=1,
        arrived=own.put(counts),
        place=own.put(place),
        sorted=own.put(np.argsort(key, kind="stable").astype(np.int64)),
        offset=own.put(offset),
    )


def launches_of(placed: Placed, table: int, model: Module, engine: Module, functions) -> Iterator[Launch]:
    """The launches of one operation, in their order."""
    op, at = placed.op, (table, placed.words.of(placed.k))

    def of_engine(name: str, grid: int, block: int = _BLOCK) -> Launch:
        return engine.function(name).launch(grid, block, *at)

    def of_model(grid: int, block: int = _BLOCK) -> Launch:
        return model.function(functions[op.kernel.name]).launch(grid, block, *at)

    match op.kind:
        case "map" if op.emits is not None:
            tiles = placed.words[placed.k, "n_tiles"]
            yield of_model(tiles, TILE)
            yield of_engine("eq_join", tiles, 64)
        case "map":
            yield of_model(_blocks(op.n))
        case "events":
            yield of_model(min(_blocks(op.n), _MOST_BLOCKS))
        case "pathway":
            yield from _pathway(placed, of_engine, of_model)
        case "generator":
            yield of_engine("eq_generate", 1, TILE)
        case "record_count":
            yield of_engine("eq_record_count", 1, 1)
        case "clear":
            yield of_engine("eq_clear", _blocks(op.n))
        case "record_state":
            if op.n:
                yield of_engine("eq_record_state", min(_blocks(op.n), _MOST_BLOCKS))
        case "record_events" | "record_values" | "count_events":
            if op.n:
                kernel = "eq_count_events" if op.kind == "count_events" else f"eq_{op.kind}"
                yield of_engine(kernel, min(_blocks(op.n), 64))


def _blocks(n: int) -> int:
    return max(-(-n // _BLOCK), 1)


def _pathway(placed: Placed, of_engine, of_model) -> Iterator[Launch]:
    op = placed.op
    (block,) = op.rows
    if op.queues:
        yield of_engine("eq_enqueue", placed.depth, 64)
    if not len(block.far):
        return
    rows = len(block.start) - 1
    over_rows = min(_blocks(rows * placed.pieces * placed.lanes), _MOST_BLOCKS)
    over_keys = _blocks(placed.words[placed.k, "n_keys"])
    if placed.way in ("free", "atomic"):
        yield of_model(over_rows)
    elif placed.way == "serial":
        yield of_model(1, 1)
    elif placed.way == "counted":
        yield of_engine("eq_count_far", over_rows)
        yield of_model(over_keys)
    else:
        side = placed.way.removeprefix("gather ")
        if not placed.fixed:
            yield of_engine("eq_measure", 1, _ROOM)
            yield of_engine(f"eq_count_{side}", over_rows)
            yield of_engine("eq_lay_out", 1, _ROOM)
            yield of_engine(f"eq_sort_{side}", over_rows)
        yield of_model(over_keys)
