"""The derivative of an assignment with respect to a name, and of a value through the assignments before it.

What comes out of a repetition is a value like any other: no derivative goes through it.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy

from eqsnn.update_map import Assignment, Repeat, symbol


def partial(assignment: Assignment, name: str) -> sympy.Expr:
    """∂(right-hand side)/∂name, all other names fixed."""
    x = symbol(name)
    return assignment.expr.diff(x) if x in assignment.expr.free_symbols else sympy.S.Zero


def total_derivative(expr: sympy.Expr, x: sympy.Symbol, assignments: Sequence[Assignment | Repeat]) -> sympy.Expr:
    """d expr/dx where ``expr`` may name results of ``assignments``: the chain rule along the list, forwards."""
    tangents: dict[sympy.Symbol, sympy.Expr] = {x: sympy.S.One}
    for a in _plain(assignments):
        tangent = _push(a.expr, tangents)
        if tangent != 0:
            tangents[symbol(a.target)] = tangent
    return _push(expr, tangents)


def _plain(assignments: Sequence[Assignment | Repeat]) -> list[Assignment]:
    return [a for a in assignments if isinstance(a, Assignment)]


def _push(expr: sympy.Expr, tangents: dict[sympy.Symbol, sympy.Expr]) -> sympy.Expr:
    return sympy.Add(*(expr.diff(s) * d for s, d in tangents.items() if s in expr.free_symbols))


def depends_on(expr: sympy.Expr, names: set[sympy.Symbol], assignments: Sequence[Assignment | Repeat]) -> bool:
    """Whether ``expr`` depends on one of ``names``, directly or through assignments."""
    reached = set(names)
    for a in _plain(assignments):
        if a.expr.free_symbols & reached:
            reached.add(symbol(a.target))
    return bool(expr.free_symbols & reached)


def inlined(expr: sympy.Expr, assignments: Sequence[Assignment | Repeat]) -> sympy.Expr:
    """``expr`` with the names of assignments replaced by what they stand for."""
    for a in reversed(_plain(assignments)):
        target = symbol(a.target)
        if target in expr.free_symbols:
            expr = expr.xreplace({target: a.expr})
    return expr
