"""Events with a derivative: ``Spike(z)`` is 1 where its margin z is positive, else 0, and its derivative is a surrogate, given as an expression.

The forward value stays what it is (Neftci, Mostafa & Zenke 2019, IEEE Signal Process. Mag. 36:51); for a test against finite differences
``smoothed`` puts the surrogate's primitive in its place, so that both sides speak about one differentiable function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import sympy

from eqsnn.derivations.sequence import draws_of, renumbered
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


class Passed(voc.Inert):
    """``Passed(z)``: whether z > 0, the condition behind ``Spike(z)``. It stays one where ``smoothed`` makes a number of the event."""


FIRED = f"{SPIKE}@fired"
"""The event of a step as a condition, for what has no derivative: integers, conditions, and the time since the last event."""


def with_event(map_: UpdateMap) -> UpdateMap:
    """``map_`` with its event as the float variable 'spike', made of ``Spike`` of margins, and as the condition ``FIRED``."""
    if map_.event is None:
        return map_
    condition = next(a for a in map_.flat() if a.target == map_.event)
    source, name = condition.source, f"{SPIKE}@event"
    whole = _spelled_out(condition.expr, map_)
    event = _event(whole)
    if not event.atoms(Spike):
        raise EquationError(
            f"the threshold of {map_.name} has no margin that a surrogate could be a function of",
            source,
            "write it as a comparison, such as v > theta, or several with 'and' and 'or'",
        )
    return replace(
        map_,
        assignments=(
            *(a for a in map_.assignments if a is not condition),
            Assignment(FIRED, _fired(whole), source),
            Assignment(name, event, source),
        ),
        writes=(*map_.writes, Write("self", SPIKE, name, source=source)),
        event=None,
        types={**{n: t for n, t in map_.types.items() if n != map_.event}, FIRED: "boolean"},
    )


_JOINED = (voc.And, voc.Or, voc.Not)
_PAUSE = "not_refractory@"


def _spelled_out(expr, map_: UpdateMap):
    """A condition with the named conditions in it written out; refractoriness is a gate and stays a name."""
    if isinstance(expr, _JOINED):
        return expr.func(*(_spelled_out(a, map_) for a in expr.args))
    if isinstance(expr, sympy.Symbol) and not expr.name.startswith(_PAUSE):
        named = next((a for a in map_.flat() if a.target == expr.name), None)
        return expr if named is None else _spelled_out(named.expr, map_)
    return expr


def _margin(expr):
    """How far a comparison is fulfilled; None for a condition that is true or false without more or less."""
    return expr.args[1] - expr.args[0] if isinstance(expr, (voc.Less, voc.LessEqual)) else None


def _event(expr):
    """The event as a number: comparisons have a margin, other conditions let it pass or not."""
    if isinstance(expr, voc.And):
        return _event(expr.args[0]) * _event(expr.args[1])
    if isinstance(expr, voc.Or):
        a, b = (_event(x) for x in expr.args)
        return a + b - a * b
    if isinstance(expr, voc.Not):
        return 1 - _event(expr.args[0])
    margin = _margin(expr)
    return voc.ToInt(expr) if margin is None else Spike(margin)


def _fired(expr):
    if isinstance(expr, _JOINED):
        return expr.func(*(_fired(a) for a in expr.args))
    margin = _margin(expr)
    return expr if margin is None else Passed(margin)


def in_one_step(step: UpdateMap, reset: UpdateMap | None) -> UpdateMap:
    """The step of a neuron and, where it has an event, its reset: x becomes x + spike*(reset(x) - x), an integer or condition the one or the
    other. ``step`` has passed ``with_event``."""
    if reset is None:
        return step
    reset = renumbered(reset, draws_of(step), "reset_")
    after = {w.variable: symbol(w.value) for w in step.writes}
    event = after[SPIKE]
    names = {symbol(i.name): after[i.variable] for i in reset.inputs if i.owner == "self" and i.variable in after}
    known = {i.name for i in step.inputs}
    inputs = [*step.inputs, *(i for i in reset.inputs if i.name not in known and symbol(i.name) not in names)]
    types = {**step.types, **{n: t for n, t in reset.types.items() if n in {i.name for i in inputs}}}
    assignments = list(step.assignments)
    values: dict[sympy.Symbol, sympy.Expr] = dict(names)
    for a in reset.flat():
        values[symbol(a.target)] = a.expr.xreplace(values)
    writes = {w.variable: w for w in step.writes}
    for w in reset.writes:
        dtype = reset.types.get(w.value, "float")
        before = after.get(w.variable, symbol(w.variable))
        if w.variable not in after and all(i.variable != w.variable for i in inputs):
            inputs.append(Input(w.variable, "self", w.variable, dtype))
            types |= {w.variable: dtype} if dtype != "float" else {}
        target = f"{w.variable}@reset"
        then = values.get(symbol(w.value), symbol(w.value))
        if dtype == "float":
            expr = before + event * (then - before)
        else:
            expr, types[target] = voc.Select(symbol(FIRED), then, before), dtype
        assignments.append(Assignment(target, expr, w.source))
        writes[w.variable] = Write("self", w.variable, target, source=w.source)
    return replace(
        step,
        inputs=tuple(inputs),
        assignments=tuple(assignments),
        writes=tuple(writes.values()),
        types=types,
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
        return _conditions(expr.xreplace(found) if found else expr)

    return _mapped(map_, change)


def smoothed(map_: UpdateMap, primitive: sympy.Expr) -> UpdateMap:
    """``map_`` with the ``primitive`` of a surrogate, an expression of ``MARGIN``, in place of events. What hangs on the condition stays sharp."""

    def change(expr):
        found = {s: primitive.xreplace({MARGIN: s.args[0]}) for s in expr.atoms(Spike)}
        return _conditions(expr.xreplace(found) if found else expr)

    return _mapped(map_, change)


def _conditions(expr):
    found = {s: voc.Less(sympy.S.Zero, s.args[0]) for s in expr.atoms(Passed)}
    return expr.xreplace(found) if found else expr
