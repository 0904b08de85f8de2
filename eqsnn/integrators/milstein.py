"""Milstein's method for diagonal multiplicative noise, in the sense of Stratonovich."""

from __future__ import annotations

import sympy

from eqsnn.integrators.integrator import Integrator, Reason
from eqsnn.integrators.noise import increments
from eqsnn.integrators.system import System


class Milstein(Integrator):
    """x[n+1] = x[n] + dt f + g dW + g g' dW^2 / 2 (Kloeden & Platen 1992, eq. 10.3.1 in Stratonovich form)."""

    name = "milstein"
    order = 1
    strong_order = 1
    source = "Kloeden & Platen 1992, section 10.3"

    def supports(self, system: System) -> Reason | None:
        users: dict[str, str] = {}
        for v in system.variables:
            _, factors = system.slope(v)
            if len(factors) > 1:
                return Reason(f"the equation of '{v.name}' has several noises, and the noise must be diagonal", v.span)
            for n, g in factors.items():
                if n in users:
                    return Reason(
                        f"the noise '{n}' stands in the equations of '{users[n]}' and '{v.name}', and it must be diagonal",
                        v.span,
                    )
                users[n] = v.name
                for other in system.variables:
                    if other is not v and system.depends(g, {system.value(other)}):
                        return Reason(
                            f"the noise factor of '{v.name}' depends on '{other.name}', and the noise must be diagonal",
                            v.span,
                        )
        return None

    def advance(self, system: System) -> None:
        dt = system.builder.time_step()
        slopes = system.slopes()
        dW = increments(system)
        new = {}
        for v, (f, g) in slopes.items():
            x = system.value(v)
            moved = x + dt * f
            for n, factor in g.items():
                slope = system.derivative(factor, v)
                moved += factor * dW[n] + sympy.Rational(1, 2) * factor * slope * dW[n] ** 2
            new[v] = system.clamp(v, moved, x)
        system.move(new)
