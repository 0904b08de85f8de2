"""Exponential Euler for conditionally linear equations, such as those of Hodgkin and Huxley."""

from __future__ import annotations

from eqsnn.integrators.integrator import Integrator, Reason
from eqsnn.integrators.system import System
from eqsnn.integrators.vocabulary import Exprel


class ExponentialEuler(Integrator):
    """dx/dt = f = a x + b with a, b held during the step: x[n+1] = x[n] + dt f(x[n]) exprel(a dt) (Rush & Larsen 1978).

    The form with exprel is exact at a = 0, where x_inf - (x_inf - x) exp(a dt) divides by zero.
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
            f, _ = system.slope(v)
            if not system.is_linear(f, {system.value(v)}):
                return Reason(
                    f"the equation of '{v.name}' is not linear in '{v.name}', the other variables held", v.span
                )
        return None

    def advance(self, system: System) -> None:
        dt = system.builder.time_step()
        slopes = {v: system.builder.assign(f"slope_{v.name}", f, v.span) for v, (f, _) in system.slopes().items()}
        new = {}
        for v, f in slopes.items():
            x = system.value(v)
            rate = system.derivative(f, v)
            moved = x + dt * f * (Exprel(rate * dt) if rate != 0 else 1)
            new[v] = system.clamp(v, moved, x)
        system.move(new)
