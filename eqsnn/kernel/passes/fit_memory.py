"""Arrays narrower than a kernel's arithmetic: float32 and int32 are widened where they are read and rounded where they are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from eqsnn.kernel.ir import Cast, Expr, Kernel, Load, Store, Type, children, expressions, rebuild, with_expressions


def fit_memory(kernel: Kernel, types: Mapping[str, Type]) -> Kernel:
    """``kernel`` on buffers of other ``types`` than those it was lowered for; arithmetic stays as it was."""
    narrow = {b.name: b.type for b in kernel.buffers if types.get(b.name, b.type) != b.type}
    if not narrow:
        return kernel

    def widened(expr: Expr) -> Expr:
        parts = children(expr)
        expr = rebuild(expr, tuple(widened(p) for p in parts)) if parts else expr
        if isinstance(expr, Load) and expr.buffer in narrow:
            return Cast(replace(expr, type=types[expr.buffer]), narrow[expr.buffer])
        return expr

    body = []
    for statement in kernel.body:
        statement = with_expressions(statement, tuple(widened(e) for e in expressions(statement)))
        if isinstance(statement, Store) and statement.buffer in narrow:
            statement = replace(statement, expr=Cast(statement.expr, types[statement.buffer]))
        body.append(statement)
    buffers = tuple(replace(b, type=types.get(b.name, b.type)) for b in kernel.buffers)
    return replace(kernel, buffers=buffers, body=tuple(body))
