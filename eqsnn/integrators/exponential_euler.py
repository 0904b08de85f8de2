"""Exponential Euler for conditionally linear equations, such as those of Hodgkin and Huxley."""

from __future__ import annotations

import sympy

from eqsnn.integrators import vocabulary as voc
from eqsnn.integrators.integrator import Integrator, Reason
from eqsnn.integrators.system import System
from eqsnn.model.model import Variable


class ExponentialEuler(Integrator):
    """dx/dt = f = a x + b with a, b held during the step: x[n+1] = x[n] + dt f(x[n]) exprel(a dt) (Rush & Larsen 1978).

    The form with exprel is exact at a = 0, where x_inf - (x_inf - x) exp(a dt) divides by zero; it is x exp(a dt) if b = 0. Where x stands
    inside functions too, as in -g x + exp(x), these are held with a and b, as Brian 2 does: terms without a factor x are b.
    """

    name = "exponential_euler"
    order = 1
    source = "Rush & Larsen 1978, IEEE Trans. Biomed. Eng. 25:389"

    def supports(self, system: System) -> Reason | None:
        if system.stochastic:
            return Reason(
                f"they contain the noise '{next(iter(system.noises))}', and this method is for deterministic equations"
            )
        for v in system.variables:
            if _rate(system, system.slope(v)[0], v) is None:
                return Reason(
                    f"the equation of '{v.name}' is not linear in '{v.name}', the other variables held", v.span
                )
        return None

    def advance(self, system: System) -> None:
        dt = system.builder.time_step()
        slopes = {v: system.builder.assign(f"slope_{v.name}", f, v.span) for v, (f, _) in system.slopes().items()}
        new = {}
        for v, f in slopes.items():
            x, flat = system.value(v), system.flat(f)
            moved = _moved(x, f, _rate(system, f, v), voc.unstopped(flat).subs(x, 0) == 0, dt)
            if flat.has(voc.Stop):
                part, back = voc.held(flat)
                way = _moved(x, f, _coefficient(part, x).xreplace(back), part.subs(x, 0) == 0, dt)
                moved = way if voc.unstopped(way) == voc.unstopped(moved) else voc.Via(moved, way)
            new[v] = system.clamp(v, moved, x)
        system.move(new)


def _moved(x, f, rate, decays: bool, dt):
    """x after a step; ``decays``: b = 0."""
    if rate != 0 and decays:
        return x * sympy.exp(rate * dt)
    return x + dt * f * (voc.Exprel(rate * dt) if rate != 0 else 1)


def _coefficient(flat: sympy.Expr, x: sympy.Symbol) -> sympy.Expr:
    """a of a x + b."""
    return sympy.collect(sympy.expand(flat), x, evaluate=False).get(x, sympy.S.Zero)


def _rate(system: System, f: sympy.Expr, v: Variable) -> sympy.Expr | None:
    """The coefficient a of f = a x + b, or None if f has other powers of x."""
    x = system.value(v)
    if system.is_linear(f, {x}):
        return system.derivative(f, v)
    terms = sympy.collect(sympy.expand(voc.unstopped(system.flat(f))), x, evaluate=False)
    return terms[x] if set(terms) <= {x, sympy.S.One} and x in terms else None
