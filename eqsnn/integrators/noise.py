"""What the stochastic methods share."""

from __future__ import annotations

import sympy

from eqsnn.integrators.system import System


def increments(system: System) -> dict[str, sympy.Symbol]:
    """dW of each noise: normal, with mean 0 and variance dt."""
    dt = system.builder.time_step()
    return {
        name: system.builder.assign(f"dW_{name}", sympy.sqrt(dt) * system.builder.draw("normal"))
        for name in system.noises
    }


def multiplicative(system: System) -> str | None:
    """The variable whose noise factor depends on a variable that is integrated, or None."""
    states = set(system.values().values())
    for v in system.variables:
        _, factors = system.slope(v)
        for g in factors.values():
            if system.depends(g, states):
                return v.name
    return None
