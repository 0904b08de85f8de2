"""Forward Euler; with additive noise Euler-Maruyama."""

from __future__ import annotations

import sympy

from eqsnn.integrators.integrator import Integrator, Reason
from eqsnn.integrators.noise import increments, multiplicative
from eqsnn.integrators.system import System


class Euler(Integrator):
    """x[n+1] = x[n] + dt f(x[n]) + g dW (Kloeden & Platen 1992, eq. 10.2.4)."""

    name = "euler"
    order = 1
    strong_order = 1  # for additive noise, the only kind it takes
    source = "Kloeden & Platen 1992, section 10.2"

    def supports(self, system: System) -> Reason | None:
        found = multiplicative(system)
        if found is not None:
            span = next(v.span for v in system.variables if v.name == found)
            return Reason(f"the noise of '{found}' is multiplicative, and Euler's step would be an Ito solution", span)
        return None

    def advance(self, system: System) -> None:
        dt = system.builder.time_step()
        slopes = system.slopes()
        dW = increments(system)
        new = {}
        for v, (f, g) in slopes.items():
            x = system.value(v)
            moved = x + dt * f + sympy.Add(*(factor * dW[n] for n, factor in g.items()))
            new[v] = system.clamp(v, moved, x)
        system.move(new)
