"""A kernel on arrays narrower than those it was lowered for.

float32 is computed with (passes/widths.py). All other values are widened where they are read, and rounded where they are written: what does not fit
becomes infinite in a float16, which the checks of the next step see; in an integer of 8 or 16 bits it stops the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from eqsnn.kernel.ir import (
    Binary,
    Cast,
    Compare,
    Const,
    Expr,
    Kernel,
    Let,
    Load,
    Local,
    Require,
    Statement,
    Store,
    Type,
    Unary,
    children,
    expressions,
    rebuild,
    with_expressions,
)
from eqsnn.kernel.passes.widths import narrow_arithmetic
from eqsnn.kernel.verify import verify

_LIMITS = {"i16": (-(1 << 15), (1 << 15) - 1), "i8": (-(1 << 7), (1 << 7) - 1)}


def fit_memory(kernel: Kernel, types: Mapping[str, Type]) -> Kernel:
    """``kernel`` on buffers of other ``types``: float32 is computed with; others are widened where they are read and rounded where written."""
    narrow = {b.name: b.type for b in kernel.buffers if types.get(b.name, b.type) != b.type}
    if not narrow:
        return kernel
    whole = {name: type_ for name, type_ in narrow.items() if types[name] != "f32"}

    def widened(expr: Expr) -> Expr:
        parts = children(expr)
        expr = rebuild(expr, tuple(widened(p) for p in parts)) if parts else expr
        if isinstance(expr, Load) and expr.buffer in whole:
            return Cast(replace(expr, type=types[expr.buffer]), whole[expr.buffer])
        return expr

    body = []
    for statement in kernel.body:
        statement = with_expressions(statement, tuple(widened(e) for e in expressions(statement)))
        if isinstance(statement, Store) and statement.buffer in whole:
            name = statement.buffer
            body += _stored(statement, types[name], whole[name], len(body), kernel.buffer(name).variable)
        else:
            body.append(statement)
    buffers = tuple(replace(b, type=types.get(b.name, b.type)) for b in kernel.buffers)
    kernel = narrow_arithmetic(replace(kernel, buffers=buffers, body=tuple(body)))
    verify(kernel)
    return kernel


def _stored(s: Store, narrow: Type, wide: Type, number: int, variable: str) -> list[Statement]:
    """The statements that round what is stored. In 16 and 8 bits sums are made in full, and rounded once."""
    if s.add and narrow in ("f16", *_LIMITS):
        before = Cast(Load(s.buffer, narrow), wide)
        s = replace(s, expr=Binary("+", before, s.expr, wide), add=False)
    if narrow not in _LIMITS:
        return [replace(s, expr=Cast(s.expr, narrow))]
    value = Local(f"kept_{number}_{s.buffer}", wide)
    low, high = (Const(limit, wide) for limit in _LIMITS[narrow])
    fits: Expr = Binary("and", Compare(">=", value, low), Compare("<=", value, high), "b8")
    if s.guard is not None:
        fits = Binary("or", Unary("not", s.guard, "b8"), fits, "b8")
    message = f"'{variable}' is kept in {8 if narrow == 'i8' else 16} bits, {low.value} to {high.value}, and its new value does not fit"
    return [Let(value.name, s.expr, s.source), Require(fits, message), replace(s, expr=Cast(value, narrow))]
