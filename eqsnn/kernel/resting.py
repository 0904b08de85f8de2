"""Populations in which few elements rest: all are stepped as if none did, and what those that rest hold is put back.

A refractory neuron waits until enough time has passed since its last spike. To ask every neuron of a population in every step costs as much memory
traffic as a state variable, and a selection between two values. But only the kernel's own events make an element rest, and only time ends it: so
the loop keeps a list of those that do. The result has the same bits, which is what the conditions here are for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from eqsnn.kernel.afterwards import checked_in_memory
from eqsnn.kernel.ir import (
    Binary,
    CheckFinite,
    Compare,
    Const,
    Emit,
    Expr,
    Kernel,
    Let,
    Load,
    Local,
    Select,
    Statement,
    Store,
    Unary,
    children,
    expressions,
    rebuild,
    walk,
    with_expressions,
)
from eqsnn.kernel.passes.dead_code import remove_dead_code
from eqsnn.kernel.withheld import leading


@dataclass(frozen=True)
class Resting:
    """The kernel of elements that are ``awake``; how one that may rest is told: ``leading``, then ``guard``, false while it rests; the buffers that
    are ``saved`` before the loop, and the statements that are made of them afterwards. ``in_order``: who began to rest first ends first.
    ``mark``: the buffer that says who is awake, if it is kept: it changes when a rest ends (that it begins is said where events are treated)."""

    awake: Kernel
    leading: tuple[Let, ...]
    guard: Expr
    saved: tuple[str, ...]
    asleep: tuple[Statement, ...]
    in_order: bool
    mark: str | None


def resting(kernel: Kernel) -> Resting | None:
    """How the elements at rest are left out of the loop of a kernel (``Kernel.awake``); None if it is no loop of that kind."""
    lets = {s.name: s for s in kernel.body if isinstance(s, Let)}
    if kernel.awake not in lets or kernel.domain != "neuron":
        return None
    if any(isinstance(s, CheckFinite) for s in kernel.body) and checked_in_memory(kernel) is None:
        return None  # what the loop makes of elements at rest may be infinite, and says nothing
    plain = all(isinstance(s, (Let, CheckFinite, Emit)) or (isinstance(s, Store) and not s.add) for s in kernel.body)
    if not plain or not any(isinstance(s, Emit) for s in kernel.body) or kernel.externs:
        return None
    guard = Local(kernel.awake, "b8")
    first = leading([guard], list(lets.values()))
    if not _ends_with_time(kernel, first) or not _needs(guard, _event(kernel), lets):
        return None
    mark = next((s.buffer for s in kernel.body if isinstance(s, Store) and s.expr == guard and s.guard is None), None)
    kernel = replace(kernel, body=tuple(s for s in kernel.body if not (isinstance(s, Store) and s.buffer == mark)))
    saved = _put_back(kernel)
    if not saved:  # to ask for it would be as much
        return None
    asleep = remove_dead_code(
        replace(
            kernel,
            hoisted=(),
            body=tuple(s for s in _given(kernel, False) if isinstance(s, Let) or getattr(s, "buffer", None) in saved),
        )
    )
    loads = {e.buffer for s in first for e in walk(s.expr) if isinstance(e, Load)}
    in_order = loads == {b.name for b in kernel.buffers if b.variable == "lastspike"}
    awake = remove_dead_code(replace(kernel, awake="", body=tuple(_given(kernel, True))))
    return Resting(awake, first, guard, saved, asleep.body, in_order, mark)


def _event(kernel: Kernel) -> Expr:
    return next(s.condition for s in kernel.body if isinstance(s, Emit))


def _ends_with_time(kernel: Kernel, first: Iterable[Let]) -> bool:
    """Whether the guard says that the time since the last spike exceeds what is the same throughout the run."""
    made = {s.name: s.expr for s in first}
    kinds = {b.name: b.variable for b in kernel.buffers}
    written = {s.buffer for s in kernel.body if isinstance(s, Store)}
    moving = {s.name for s in kernel.scalars if s.owner == "random" or (s.owner, s.variable) in _CLOCK}

    def whole(e: Expr) -> Expr:
        return made.get(e.name, e) if isinstance(e, Local) else e

    def rests(e: Expr) -> bool:
        """Whether a value is the same throughout the run."""
        e = whole(e)
        if isinstance(e, Local):
            return e.name not in moving and not e.name.startswith("@")
        if isinstance(e, Load):
            return kinds[e.buffer] != "lastspike" and e.buffer not in written and e.index is None
        return all(rests(part) for part in children(e))

    def since(e: Expr) -> bool:
        match whole(e):
            case Binary("-", Local() as time, last):
                last = whole(last)
                times = [s.name for s in kernel.scalars if (s.owner, s.variable) == ("clock", "t")]
                return [time.name] == times and isinstance(last, Load) and kinds[last.buffer] == "lastspike"
        return False

    match made[kernel.awake]:
        case Compare("<=" | "<", bound, passed):
            return rests(bound) and since(passed)
        case Compare(">=" | ">", passed, bound):
            return rests(bound) and since(passed)
    return False


_CLOCK = {("clock", "t"), ("clock", "step")}


def _needs(guard: Local, event: Expr, lets: dict[str, Let]) -> bool:
    """Whether there is no event without the guard: it is one of the conditions that must all hold."""
    match event:
        case Local(name) if name == guard.name:
            return True
        case Local(name) if name in lets:
            return _needs(guard, lets[name].expr, lets)
        case Binary("and", a, b):
            return _needs(guard, a, lets) or _needs(guard, b, lets)
    return False


def _put_back(kernel: Kernel) -> tuple[str, ...]:
    """The buffers whose elements at rest get other values than those awake, and what these values are made of, where the loop writes it."""
    whole = next(s.expr for s in kernel.body if isinstance(s, Let) and s.name == kernel.awake)
    depends = {kernel.awake}

    def is_told(s: Statement) -> bool:
        parts = [e for part in expressions(s) for e in walk(part)]
        return any(e == whole or (isinstance(e, Local) and e.name in depends) for e in parts)

    for s in kernel.body:
        if isinstance(s, Let) and is_told(s):
            depends.add(s.name)
    stores = [s for s in kernel.body if isinstance(s, Store)]
    found = {s.buffer for s in stores if is_told(s)}
    written = {s.buffer for s in stores}
    while True:
        more = {b for name in found for b in _read_asleep(kernel, name)} & written
        if more <= found:
            return tuple(b.name for b in kernel.buffers if b.name in found)
        found |= more


def _read_asleep(kernel: Kernel, buffer: str) -> set[str]:
    """What an element at rest reads for its value in ``buffer``."""
    body = [s for s in _given(kernel, False) if isinstance(s, Let) or getattr(s, "buffer", None) == buffer]
    left = remove_dead_code(replace(kernel, hoisted=(), body=tuple(body))).body
    return {e.buffer for s in left for part in expressions(s) for e in walk(part) if isinstance(e, Load)}


def _given(kernel: Kernel, awake: bool) -> list[Statement]:
    """The body where the guard is known."""
    known = Const(1 if awake else 0, "b8")
    guard = next(s for s in kernel.body if isinstance(s, Let) and s.name == kernel.awake)
    body: list[Statement] = []
    for s in kernel.body:
        if s == guard:
            continue
        s = with_expressions(s, tuple(_fold(part, guard, known) for part in expressions(s)))
        if isinstance(s, Store) and isinstance(s.guard, Const):
            if not s.guard.value:
                continue
            s = replace(s, guard=None)
        body.append(s)
    return body


def _fold(e: Expr, guard: Let, known: Const) -> Expr:
    """The expression with the value of a condition put in, and what follows from it."""
    if e == guard.expr or (isinstance(e, Local) and e.name == guard.name):
        return known
    e = rebuild(e, tuple(_fold(part, guard, known) for part in children(e)))
    match e:
        case Select(Const(value), a, b):
            return a if value else b
        case Unary("not", Const(value)):
            return Const(0 if value else 1, "b8")
        case Binary("and" | "or" as op, Const(value), other) | Binary("and" | "or" as op, other, Const(value)):
            decided = bool(value) == (op == "or")
            return Const(int(bool(value)), "b8") if decided else other
    return e
