"""What the buffers of a neuron kernel tell once the kernel is through, so that its loop need not keep it."""

from __future__ import annotations

from eqsnn.kernel.ir import (
    FLOATS,
    Binary,
    Call,
    CheckFinite,
    Compare,
    Drawn,
    Emit,
    Expr,
    Extern,
    Kernel,
    Let,
    Load,
    Local,
    Loop,
    Store,
    children,
    expressions,
    rebuild,
    walk,
)
from eqsnn.kernel.withheld import leading

_LARGEST = 16
"""An event that takes more operations than this is rather kept than found again."""


def kept(kernel: Kernel) -> dict[str, Load]:
    """The locals that the kernel leaves in a buffer at the element's own index, and where to read each."""
    stores = [s for s in kernel.body if isinstance(s, Store)]
    written = [s.buffer for s in stores]
    return {
        s.expr.name: Load(s.buffer, s.expr.type)
        for s in stores
        if isinstance(s.expr, Local) and s.guard is None and not s.add and written.count(s.buffer) == 1
    }


def event_from_memory(kernel: Kernel) -> Expr | None:
    """The condition of the kernel's event in terms of scalars and of what its buffers hold afterwards; None if it needs more, or much.

    Events are rare. A kernel whose event can be seen again keeps no mark of it for each element, which would cost as much memory traffic as
    a state variable: it only looks again where some element of a chunk had one.
    """
    emit = next((s for s in kernel.body if isinstance(s, Emit)), None)
    if emit is None:
        return None
    written = {s.buffer for s in kernel.body if isinstance(s, Store)}
    left = kept(kernel)
    made = {s.name: s.expr for s in kernel.body if isinstance(s, Let)}
    given = {s.name for s in kernel.scalars} | {"@i"}

    def seen(e: Expr) -> Expr | None:
        match e:
            case Local(name):
                if name in left or name in given:
                    return left.get(name, e)
                return seen(made[name]) if name in made else None
            case Load(buffer) if buffer in written:
                return None
            case Call() | Drawn() | Extern():
                return None
        parts = tuple(seen(part) for part in children(e))
        return None if None in parts else rebuild(e, parts)

    found = seen(emit.condition)
    return found if found is not None and sum(1 for _ in walk(found)) <= _LARGEST else None


def beyond_for_event(kernel: Kernel) -> Compare | None:
    """A comparison of two floats (< or <=) without which there is no event; None if its condition has none.

    The sign of their difference tells many elements apart by two operations each; to make a condition of it and to keep that takes three.
    """
    emit = next((s for s in kernel.body if isinstance(s, Emit)), None)
    made = {s.name: s.expr for s in kernel.body if isinstance(s, Let)}

    def find(e: Expr) -> Compare | None:
        match e:
            case Local(name) if name in made:
                return find(made[name])
            case Binary("and", a, b):
                return find(a) or find(b)
            case Compare("<" | "<=", a, b) if a.type == b.type and a.type in FLOATS:
                return e
            case Compare(">" | ">=" as op, a, b):
                return find(Compare("<" if op == ">" else "<=", b, a, "b8"))
        return None

    return None if emit is None else find(emit.condition)


def only_for_event(kernel: Kernel, beyond: Compare) -> tuple[Let, ...]:
    """The statements that serve the event alone, where a loop only looks at the operands of ``beyond``."""
    lets = [s for s in kernel.body if isinstance(s, Let)]
    others = [part for s in kernel.body if not isinstance(s, (Let, Emit)) for part in expressions(s)]
    others += [Local(s.name, "f64") for s in kernel.body if isinstance(s, CheckFinite)]
    loops = [part for s in kernel.body if isinstance(s, Loop) for part in expressions(s)]
    needed = leading([*others, *loops, beyond.a, beyond.b], lets)
    return tuple(s for s in lets if s not in needed)


def checked_in_memory(kernel: Kernel) -> list[Load] | None:
    """Where the values that must be finite can be read afterwards; None unless the kernel leaves all of them."""
    names = dict.fromkeys(s.name for s in kernel.body if isinstance(s, CheckFinite))
    left = kept(kernel) if kernel.domain == "neuron" else {}
    return [left[n] for n in names] if names and names.keys() <= left.keys() else None
