"""Which of all pairs of some rows and columns are taken: found by one kernel, compiled where there are many pairs and interpreted where few."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.kernel.interpret import Memory, evaluate_hoisted
from eqsnn.kernel.ir import Buffer
from eqsnn.kernel.pairs import Part, pair_kernel, side_of, side_of_buffer
from eqsnn.kernel.random import key_of
from eqsnn.language.ast import Expr
from eqsnn.network import sampling
from eqsnn.network.evaluate import HostExpression
from eqsnn.network.hostkernel import buffer_values, function_of, scalar_value
from eqsnn.network.hostrun import taken_pairs
from eqsnn.pipeline import detached_expression
from eqsnn.units import DIMENSIONLESS

if TYPE_CHECKING:
    from eqsnn.network.connect import Builder


class NotAProbability(Exception):
    """A probability lies outside 0 .. 1 for one of the pairs (i, j)."""

    def __init__(self, i: np.ndarray, j: np.ndarray):
        super().__init__()
        self.i, self.j = i, j


def taken(
    b: Builder, rows: np.ndarray, columns: np.ndarray, condition: Expr | None, p: Expr | float | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The pairs (i, j) of ``rows`` and ``columns``, ascending and in parts, for
    which ``condition`` is true, each with probability ``p`` (None: 1)."""
    sides = {"pre": rows, "post": columns}
    memory = Memory({"i": rows.astype(np.int64), "j": columns.astype(np.int64)}, {})
    memory.scalars = {"columns": len(columns), "n_post": b.n_post, "pairs_key": key_of(*b.site, "pairs")}
    memory.scalars["chance"] = p if isinstance(p, float) else 1.0
    where = None if condition is None else _bind(b, "condition", condition, "boolean", sides, memory)
    chance = "constant" if isinstance(p, float) else None
    if p is not None and chance is None:
        chance = _bind(b, "p", p, DIMENSIONLESS, sides, memory)
    step = max(1, sampling.CHUNK // len(columns))
    for start, numbers, finite in taken_pairs(pair_kernel(where, chance), memory, len(rows), step):
        part = rows[start : start + step]
        if not finite:
            raise NotAProbability(np.repeat(part, len(columns)), np.tile(columns, len(part)))
        row = numbers // len(columns)
        yield part[row], columns[numbers - row * len(columns)]


def _bind(b: Builder, prefix: str, expr: Expr, expected, sides: dict[str, np.ndarray], memory: Memory) -> Part:
    """The expression as a part of the kernel; what it reads is added to ``memory``."""
    scope, constants = HostExpression(expr, b.scope, expected).closed(b.spaces)
    kernel = detached_expression(expr, scope)

    def supply(owner: str, variable: str):
        side = side_of(owner, variable) if owner != "clock" else "pre"
        here = sides[side]
        pair = (here, np.zeros_like(here)) if side == "pre" else (np.zeros_like(here), here)
        return b.values(owner, variable, *pair)

    part = Part(prefix, kernel)
    site = (*b.site, prefix)
    scalars = {s.name: scalar_value(s, supply, constants, scope, site) for s in kernel.scalars if s.owner != "derived"}
    evaluate_hoisted(kernel, {}, scalars)
    read = (x for x in kernel.buffers if not x.writable)
    buffers = {x.name: buffer_values(x, _length(x, sides), supply, scope) for x in read}
    memory.buffers |= {part.name(n): values for n, values in buffers.items()}
    memory.scalars |= {part.name(n): value for n, value in scalars.items()}
    memory.functions |= {e.function: function_of(scope, e.function).function.vector for e in kernel.externs}
    return part


def _length(buffer: Buffer, sides: dict[str, np.ndarray]) -> int:
    return 0 if buffer.owner == "table" else len(sides[side_of_buffer(buffer)])
