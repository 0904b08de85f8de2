"""Events with a derivative: ``Spike(z)`` is 1 where its margin z is positive, else 0, and its derivative is a surrogate, given as an expression.

The forward value stays what it is (Neftci, Mostafa & Zenke 2019, IEEE Signal Process. Mag. 36:51); for a test against finite differences
``smoothed`` puts the surrogate's primitive in its place, so that both sides speak about one differentiable function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import sympy

from eqsnn.errors import EquationError
from eqsnn.integrators import vocabulary as voc
from eqsnn.update_map import Assignment, Input, Repeat, UpdateMap, Write, symbol

SPIKE = "spike"
"""The variable that holds the event of this step, 0 or 1."""
MARGIN = symbol("x")
"""What surrogates are expressions of: how far the condition is fulfilled, in its own unit."""


class Spike(voc.Inert):
    """``Spike(z)``: 1 where z > 0, else 0."""

    def fdiff(self, argindex=1):
        return Slope(self.args[0])


class Slope(voc.Inert):
    """The surrogate at a margin; ``with_slope`` puts its expression there."""


def with_event(map_: UpdateMap) -> UpdateMap:
    """``map_`` with its event as the float variable 'spike', made of ``Spike`` of margins."""
    if map_.event is None:
        return map_
    condition = next(a for a in map_.flat() if a.target == map_.event)
    name = f"{SPIKE}@event"
    value = Assignment(name, _event(condition.expr, condition.source, map_), condition.source)
    return replace(
        map_,
        assignments=(*(a for a in map_.assignments if a is not condition), value),
        writes=(*map_.writes, Write("self", SPIKE, name, source=condition.source)),
        event=None,
        types={n: t for n, t in map_.types.items() if n != map_.event},
    )


def _event(expr, source, map_: UpdateMap):
    if isinstance(expr, (voc.Less, voc.LessEqual)):
        a, b = expr.args
        return Spike(b - a)
    if isinstance(expr, voc.And):
        return _event(expr.args[0], source, map_) * _event(expr.args[1], source, map_)
    if isinstance(expr, voc.Or):
        a, b = (_event(x, source, map_) for x in expr.args)
        return a + b - a * b
    if isinstance(expr, voc.Not):
        return 1 - _event(expr.args[0], source, map_)
    raise EquationError(
        f"the threshold of {map_.name} has no margin that a surrogate could be a function of",
        source,
        "write it as a comparison, such as v > theta, or several with 'and' and 'or'",
    )


def in_one_step(step: UpdateMap, reset: UpdateMap | None) -> UpdateMap:
    """The step of a neuron and, where it has an event, its reset: x becomes x + spike*(reset(x) - x). ``step`` has passed ``with_event``."""
    if reset is None:
        return step
    after = {w.variable: symbol(w.value) for w in step.writes}
    event = after[SPIKE]
    names = {symbol(i.name): after[i.variable] for i in reset.inputs if i.owner == "self" and i.variable in after}
    known = {i.name for i in step.inputs}
    inputs = [*step.inputs, *(i for i in reset.inputs if i.name not in known and symbol(i.name) not in names)]
    assignments = list(step.assignments)
    values: dict[sympy.Symbol, sympy.Expr] = dict(names)
    for a in reset.flat():
        values[symbol(a.target)] = a.expr.xreplace(values)
    writes = {w.variable: w for w in step.writes}
    for w in reset.writes:
        before = after.get(w.variable, symbol(w.variable))
        if w.variable not in after and all(i.variable != w.variable for i in inputs):
            inputs.append(Input(w.variable, "self", w.variable))
        target = f"{w.variable}@reset"
        change = values.get(symbol(w.value), symbol(w.value)) - before
        assignments.append(Assignment(target, before + event * change, w.source))
        writes[w.variable] = Write("self", w.variable, target, source=w.source)
    return replace(
        step,
        inputs=tuple(inputs),
        assignments=tuple(assignments),
        writes=tuple(writes.values()),
        types={**step.types, **{n: t for n, t in reset.types.items() if n in {i.name for i in inputs}}},
        lookups={**step.lookups, **reset.lookups},
        noise=(*step.noise, *reset.noise),
    )


def _mapped(map_: UpdateMap, change: Callable[[sympy.Basic], sympy.Basic]) -> UpdateMap:
    return replace(
        map_,
        assignments=tuple(a if isinstance(a, Repeat) else replace(a, expr=change(a.expr)) for a in map_.assignments),
    )


def with_slope(map_: UpdateMap, slope: sympy.Expr) -> UpdateMap:
    """``map_`` (an adjoint) with ``slope``, an expression of ``MARGIN``, where the derivative of an event stands."""

    def change(expr):
        found = {s: slope.xreplace({MARGIN: s.args[0]}) for s in expr.atoms(Slope)}
        return expr.xreplace(found) if found else expr

    return _mapped(map_, change)


def sharp(map_: UpdateMap) -> UpdateMap:
    """``map_`` with events as they are: 1 where the margin is positive, else 0."""

    def change(expr):
        found = {s: voc.Select(voc.Less(sympy.S.Zero, s.args[0]), 1.0, 0.0) for s in expr.atoms(Spike)}
        return expr.xreplace(found) if found else expr

    return _mapped(map_, change)


def smoothed(map_: UpdateMap, primitive: sympy.Expr) -> UpdateMap:
    """``map_`` with the ``primitive`` of a surrogate, an expression of ``MARGIN``, in place of events."""

    def change(expr):
        found = {s: primitive.xreplace({MARGIN: s.args[0]}) for s in expr.atoms(Spike)}
        return expr.xreplace(found) if found else expr

    return _mapped(map_, change)
