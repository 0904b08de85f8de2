"""Synaptic variables that are brought up to date only when a spike arrives."""

from __future__ import annotations

import sympy

from eqsnn.errors import EquationError
from eqsnn.integrators.exact import Linear, linear, solution
from eqsnn.integrators.integrator import Reason
from eqsnn.integrators.system import System
from eqsnn.integrators.vocabulary import Exprel
from eqsnn.model.model import Variable
from eqsnn.update_map import Input


def bring_up_to_date(
    system: System, owner: str, elapsed: sympy.Symbol, changing: frozenset[tuple[str, str]] = frozenset()
) -> None:
    """Append the solution over the time ``elapsed`` since the last update. Raises EquationError if there is no closed form for it.

    ``changing``: the (owner, variable) of parameters of connected neurons that change during the run; others rest between events.
    """
    found = linear(system)
    reason = found if isinstance(found, Reason) else _unsolvable(system, found, changing)
    if reason is not None:
        span = reason.span or system.variables[0].span
        raise EquationError(
            f"{owner}: event-driven equations cannot be solved between events: {reason}", span, "use (clock-driven)"
        )
    new = {v: _solved(system, found, v, elapsed) for v in system.variables}
    system.move(new)


def _unsolvable(system: System, found: Linear, changing: frozenset[tuple[str, str]]) -> Reason | None:
    inputs = system.builder.inputs
    for v in system.variables:
        for expr in (*found.A[v].values(), found.b[v]):
            for s in sorted(expr.free_symbols, key=lambda s: s.name):
                known = inputs.get(s.name)
                if known is None or not _rests(system, known, changing):
                    return Reason(
                        f"the equation of '{v.name}' depends on '{s.name}', which changes between them", v.span
                    )
        for w in found.A[v]:
            if w is not v and (set(found.A[w]) - {w} or found.b[w] != 0):
                return Reason(
                    f"'{v.name}' depends on '{w.name}', which is itself driven; chains of two are solved", v.span
                )
    return None


def _rests(system: System, known: Input, changing: frozenset[tuple[str, str]]) -> bool:
    """Whether a value stays what it is between two events at a synapse: its own variables do, and parameters of neurons that nobody writes."""
    if known.owner == "clock":
        return known.variable == "dt"
    if known.linked:
        return False
    if known.owner.split(".")[0] not in ("pre", "post") or known.constant:
        return True
    symbol = system.builder.scope.of(known.owner).symbols[known.variable]
    return not symbol.evolves and not symbol.read_only and (known.owner, known.variable) not in changing


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
