"""Which operations of a step must wait for which: threads meet before an operation that needs what others have done, and not else.

Two operations are in conflict if one writes memory that the other reads or writes, unless both do so element by element and are cut into the
same blocks, so that a thread meets its own work only, or both have one block and are of one chain: operations of one block that touch the same
memory, which one thread does in their order. Different chains are done at the same time, such as the pathways onto different populations.
Barriers are dear: with two threads, CUBA of 40,000 neurons spent a third of its time in eleven a step; three are needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from eqsnn.runtime.plan import Op

Cut = tuple
"""How an operation is shared out: operations of one cut touch what they touch in the same threads."""


@dataclass(frozen=True)
class Touched:
    """The memory of an operation, by the identity of its arrays, and the lists of events that it makes and reads."""

    cut: Cut
    written: frozenset[int]
    read: frozenset[int]
    by_element: frozenset[int]  # those of them that it touches in its own elements only
    made: frozenset[int]
    heard: frozenset[int]


def meetings(ops: Sequence[Op]) -> list[tuple[int, int | None, int | None]]:
    """For each operation the last one before it that must be over in all threads (-1: none); for one at events the number of the map that
    emits them if each thread can do its own; and for one of one block the number of the first of its chain."""
    touched = [_touched(op) for op in ops]
    owns = [_own(ops, k) for k in range(len(ops))]
    chains = _chains(ops, touched, owns)
    touched = [mine if k is None else replace(mine, cut=("chain", k)) for mine, k in zip(touched, chains)]
    found = []
    for k, mine in enumerate(touched):
        own = owns[k]
        if own is not None:
            mine = replace(mine, heard=frozenset())
        after = next((j for j in range(k - 1, -1, -1) if _conflict(touched[j], mine)), -1)
        found.append((after, own, chains[k]))
    return found


def in_chains(ops: Sequence[Op]) -> list[Op]:
    """The operations, pathways that follow on each other in an order that suits several threads: those that touch the same memory one after the
    other, as they were, the most synapses first. What changes places touches nothing in common, so that no result changes."""
    found: list[Op] = []
    for alike, run in groupby(ops, lambda op: op.kind == "pathway" and not op.kernel.externs):
        run = list(run)
        if alike and len(run) > 2:
            chains: dict[int, list[Op]] = {}
            for op, head in zip(run, _joined([_touched(op) for op in run])):
                chains.setdefault(head, []).append(op)
            run = [op for chain in sorted(chains.values(), key=lambda c: -sum(op.n for op in c)) for op in chain]
        found += run
    return found


def _chains(ops: Sequence[Op], touched: Sequence[Touched], owns: Sequence[int | None]) -> list[int | None]:
    """The chain of each operation of one block, by the number of its first. Lists of events join none, as the team meets between who makes one
    and who reads it, except where each does its own. Functions of the user are called one at a time."""
    serial = [k for k, op in enumerate(ops) if op.n_blocks <= 1]
    parts = []
    for k in serial:
        more = {("events", k if owns[k] is None else owns[k])}
        if ops[k].kernel is not None and ops[k].kernel.externs:
            more.add("functions")
        parts.append(replace(touched[k], written=touched[k].written | more))
    heads = dict(zip(serial, (serial[head] for head in _joined(parts))))
    return [heads.get(k) for k in range(len(ops))]


def _joined(touched: Sequence[Touched]) -> list[int]:
    """For each the first of those with which it belongs together, as one writes what another touches."""
    first = list(range(len(touched)))

    def head(k: int) -> int:
        while first[k] != k:
            first[k] = first[first[k]]
            k = first[k]
        return k

    written = frozenset().union(*(t.written for t in touched))
    last: dict[object, int] = {}
    for k, t in enumerate(touched):
        for memory in (t.written | t.read) & written:
            a, b = sorted((head(last.get(memory, k)), head(k)))
            first[b], last[memory] = a, k
    return [head(k) for k in range(len(touched))]


def _conflict(a: Touched, b: Touched) -> bool:
    if a.made & (b.made | b.heard) or b.made & a.heard:
        return True
    both = (a.written & (b.written | b.read)) | (b.written & a.read)
    if a.cut == b.cut:
        both -= a.by_element & b.by_element
    return bool(both)


def _own(ops: Sequence[Op], k: int) -> int | None:
    op = ops[k]
    if op.kind != "events" or op.source is None or (op.first, op.last) != (0, op.n) or op.delay:
        return None
    if op.kernel.externs:
        return None  # the functions of the user have room for one list
    makers = [j for j, other in enumerate(ops) if other.emits is op.source]
    if len(makers) != 1 or makers[0] > k:
        return None
    maker = ops[makers[0]]
    same = maker.kind == "map" and (maker.n, maker.block, maker.clock) == (op.n, op.block, op.clock)
    return makers[0] if same and maker.every == op.every == 0 else None


def _touched(op: Op) -> Touched:
    written, read, whole = set(), set(), set()
    for b in op.kernel.buffers if op.kernel is not None and op.binding is not None else ():
        array = _root(op.binding.buffers[b.name])
        (written if b.writable else read).add(array)
        if b.extent != "self":
            whole.add(array)
    if op.array is not None:
        (written if op.kind in ("clear", "count_events") else read).add(_root(op.array))
    written |= {id(record) for record in op.records}
    serial = op.n_blocks <= 1
    elements = op.kind == "map" or (op.kind == "events" and (op.first, op.last) == (0, op.n))
    cut = ("one thread",) if serial else ("elements", op.n, op.block) if elements else ("rows", id(op))
    mine = written | read if serial else written | read - whole if elements else set()
    mine = mine if serial else mine - whole
    made = {id(op.emits)} if op.emits is not None else set()
    heard = {id(op.source)} if op.source is not None else set()
    return Touched(cut, *map(frozenset, (written, read, mine, made, heard)))


def _root(array: np.ndarray) -> int:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return id(array)
