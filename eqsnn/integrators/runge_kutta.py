"""Explicit Runge-Kutta methods for deterministic equations, by their tableaux."""

from __future__ import annotations

from fractions import Fraction as F

import sympy

from eqsnn.integrators.integrator import Integrator, Reason
from eqsnn.integrators.system import System


class Tableau(Integrator):
    """``a[s]`` weights the earlier slopes in stage s, ``b`` all slopes in the step; stage s lies at t + sum(a[s]) dt."""

    a: tuple[tuple[F, ...], ...]
    b: tuple[F, ...]

    def supports(self, system: System) -> Reason | None:
        if system.stochastic:
            return Reason(
                f"they contain the noise '{next(iter(system.noises))}', and this method is for deterministic equations"
            )
        return None

    def advance(self, system: System) -> None:
        builder, dt = system.builder, system.builder.time_step()
        start, t0 = system.values(), builder.time()
        slopes: list[dict] = []
        for s, row in enumerate(self.a):
            if row:
                stage = {v: x + dt * _weighted(row, slopes, v) for v, x in start.items()}
                time = builder.assign("t", t0 + dt * _rational(sum(row)))
                system.go_to({v: builder.assign(f"{v.name}_stage{s + 1}", e, v.span) for v, e in stage.items()}, time)
            now = {}
            for v in system.variables:
                f, _ = system.slope(v)
                now[v] = builder.assign(f"slope{s + 1}_{v.name}", system.clamp(v, f, sympy.S.Zero), v.span)
            slopes.append(now)
        system.go_to(start, t0)
        system.move({v: x + dt * _weighted(self.b, slopes, v) for v, x in start.items()})


def _rational(value) -> sympy.Rational:
    return sympy.Rational(F(value).numerator, F(value).denominator)


def _weighted(weights, slopes, v):
    return sympy.Add(*(_rational(w) * k[v] for w, k in zip(weights, slopes) if w))


class Midpoint(Tableau):
    """Second order: the slope at the middle of the step."""

    name = "rk2"
    order = 2
    source = "Runge 1895"
    a = ((), (F(1, 2),))
    b = (F(0), F(1))


class RungeKutta4(Tableau):
    """The classical method of fourth order."""

    name = "rk4"
    order = 4
    source = "Kutta 1901"
    a = ((), (F(1, 2),), (F(0), F(1, 2)), (F(0), F(0), F(1)))
    b = (F(1, 6), F(1, 3), F(1, 3), F(1, 6))
