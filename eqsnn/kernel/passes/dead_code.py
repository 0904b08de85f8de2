"""Drop what no store, event or hoisted value needs."""

from __future__ import annotations

from dataclasses import replace

from eqsnn.kernel.ir import CheckFinite, Drawn, Hoisted, Kernel, Let, Load, Local, Loop, expressions, walk


def remove_dead_code(kernel: Kernel) -> Kernel:
    """``kernel`` without unused values, buffers and scalars."""
    needed: set[str] = set()
    body = []
    for statement in reversed(kernel.body):
        if isinstance(statement, Let) and statement.name not in needed:
            continue
        if isinstance(statement, Loop):
            if not needed & {c.name for c in statement.carried}:
                continue
            statement = _without_unused(statement)
        if isinstance(statement, CheckFinite):
            needed.add(statement.name)
        elif hasattr(statement, "buffer"):
            needed.add(statement.buffer)
        _note(expressions(statement), needed)
        body.append(statement)
    hoisted = []
    for h in reversed(kernel.hoisted):
        if isinstance(h, Hoisted):
            if h.name not in needed:
                continue
            _note((h.expr,), needed)
        else:
            entries = tuple(tuple(e if e in needed else None for e in row) for row in h.entries)
            if not any(e for row in entries for e in row):
                continue
            h = replace(h, entries=entries)
            _note([e for row in h.matrix for e in row], needed)
        hoisted.append(h)
    return replace(
        kernel,
        body=tuple(reversed(body)),
        hoisted=tuple(reversed(hoisted)),
        buffers=tuple(b for b in kernel.buffers if b.name in needed),
        scalars=tuple(s for s in kernel.scalars if s.name in needed),
    )


def _without_unused(loop: Loop) -> Loop:
    needed: set[str] = set()
    _note((loop.again, *(c.next for c in loop.carried)), needed)
    kept = []
    for statement in reversed(loop.body):
        if statement.name in needed:
            _note((statement.expr,), needed)
            kept.append(statement)
    return replace(loop, body=tuple(reversed(kept)))


def _note(parts, needed: set[str]) -> None:
    for part in parts:
        for e in walk(part):
            if isinstance(e, Local):
                needed.add(e.name)
            elif isinstance(e, (Load, Drawn)):
                needed.add(e.buffer)
