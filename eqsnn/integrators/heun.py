"""Heun's method; with noise it converges to the Stratonovich solution."""

from __future__ import annotations

import sympy

from eqsnn.integrators.integrator import Integrator, Reason
from eqsnn.integrators.noise import increments
from eqsnn.integrators.system import System


class Heun(Integrator):
    """Predictor by Euler, corrector by the trapezoid in f and g (Ruemelin 1982, eq. 1.3)."""

    name = "heun"
    order = 2
    strong_order = 1  # for one noise, or commuting ones
    source = "Ruemelin 1982, SIAM J. Numer. Anal. 19:604"

    def supports(self, system: System) -> Reason | None:
        return None

    def advance(self, system: System) -> None:
        builder, dt = system.builder, system.builder.time_step()
        start, t0 = system.values(), builder.time()
        dW = increments(system)
        first = {v: _named(system, v, 1) for v in system.variables}
        predicted = {
            v: builder.assign(f"{v.name}_predicted", x + _step(dt, dW, *first[v]), v.span) for v, x in start.items()
        }
        system.go_to(predicted, builder.assign("t", t0 + dt))
        second = {v: _named(system, v, 2) for v in system.variables}
        system.go_to(start, t0)
        half = sympy.Rational(1, 2)
        system.move({v: x + half * (_step(dt, dW, *first[v]) + _step(dt, dW, *second[v])) for v, x in start.items()})


def _named(system: System, v, stage: int):
    """Slope and noise factors as names of the map; 0 for a clamped variable at rest."""
    f, g = system.slope(v)
    slope = system.builder.assign(f"slope{stage}_{v.name}", system.clamp(v, f, sympy.S.Zero), v.span)
    factors = {
        n: system.builder.assign(f"noise{stage}_{v.name}", system.clamp(v, factor, sympy.S.Zero), v.span)
        for n, factor in g.items()
    }
    return slope, factors


def _step(dt, dW, f, g):
    return dt * f + sympy.Add(*(factor * dW[n] for n, factor in g.items()))
