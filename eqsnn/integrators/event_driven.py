"""Synaptic variables that are brought up to date only when a spike arrives."""

from __future__ import annotations

import sympy

from eqsnn.errors import EquationError
from eqsnn.integrators.exact import Linear, linear, solution
from eqsnn.integrators.integrator import Reason
from eqsnn.integrators.system import System
from eqsnn.integrators.vocabulary import Exprel
from eqsnn.model.model import Variable


def bring_up_to_date(system: System, owner: str) -> None:
    """Append the solution over the time since ``lastupdate``. Raises EquationError if there is no closed form for it."""
    found = linear(system)
    reason = found if isinstance(found, Reason) else _unsolvable(system, found)
    if reason is not None:
        span = reason.span or system.variables[0].span
        raise EquationError(
            f"{owner}: event-driven equations cannot be solved between events: {reason}", span, "use (clock-driven)"
        )
    builder = system.builder
    last = builder.input("self", "lastupdate")
    elapsed = builder.assign("elapsed", builder.time() - last)
    new = {v: _solved(system, found, v, elapsed) for v in system.variables}
    system.move(new)


def _unsolvable(system: System, found: Linear) -> Reason | None:
    inputs = system.builder.inputs
    for v in system.variables:
        for expr in (*found.A[v].values(), found.b[v]):
            for s in sorted(expr.free_symbols, key=lambda s: s.name):
                known = inputs.get(s.name)
                if known is not None and (known.owner in ("pre", "post") or known.linked):
                    return Reason(
                        f"the equation of '{v.name}' depends on '{s.name}', which changes between them", v.span
                    )
                if known is None or (known.owner == "clock" and known.variable != "dt"):
                    return Reason(
                        f"the equation of '{v.name}' depends on '{s.name}', which changes between them", v.span
                    )
        for w in found.A[v]:
            if w is not v and (set(found.A[w]) - {w} or found.b[w] != 0):
                return Reason(
                    f"'{v.name}' depends on '{w.name}', which is itself driven; chains of two are solved", v.span
                )
    return None


def _solved(system: System, found: Linear, v: Variable, elapsed) -> sympy.Expr:
    """x' = a x + sum(c y) + b with y' = d y: the convolution of two exponentials, written so that a = d needs no special case."""
    a = found.A[v].get(v, sympy.S.Zero)
    result = solution(system.value(v), a, found.b[v], elapsed)
    for w, c in found.A[v].items():
        if w is not v:
            d = found.A[w].get(w, sympy.S.Zero)
            spread = Exprel((a - d) * elapsed) if a != d else 1
            result += c * system.value(w) * elapsed * sympy.exp(d * elapsed) * spread
    return result
