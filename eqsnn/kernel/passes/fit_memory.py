"""A kernel on arrays narrower than those it was lowered for: float32 and int32."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from eqsnn.kernel.ir import Cast, Expr, Kernel, Load, Store, Type, children, expressions, rebuild, with_expressions
from eqsnn.kernel.passes.widths import narrow_arithmetic
from eqsnn.kernel.verify import verify


def fit_memory(kernel: Kernel, types: Mapping[str, Type]) -> Kernel:
    """``kernel`` on buffers of other ``types``: int32 is widened where it is read and cut where it is written, float32 is computed with."""
    narrow = {b.name: b.type for b in kernel.buffers if types.get(b.name, b.type) != b.type}
    if not narrow:
        return kernel
    whole = {name: type_ for name, type_ in narrow.items() if type_ == "i64"}

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
            statement = replace(statement, expr=Cast(statement.expr, types[statement.buffer]))
        body.append(statement)
    buffers = tuple(replace(b, type=types.get(b.name, b.type)) for b in kernel.buffers)
    kernel = narrow_arithmetic(replace(kernel, buffers=buffers, body=tuple(body)))
    verify(kernel)
    return kernel
