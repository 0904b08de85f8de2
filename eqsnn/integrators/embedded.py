"""Adaptive methods: embedded pairs of Runge and Kutta, which choose the steps inside dt for each element by their estimate of the error.

A step of length h is accepted where the difference of the two solutions of the pair is at most ``absolute_error + relative_error*|x|`` in every
variable; the next one is 0.9 (error/tolerance)^(-1/(p + 1)) as long, p the lower order of the pair, but at most five times and at
least a fifth (Hairer, Norsett & Wanner 1993, Solving Ordinary Differential Equations I, II.4). The solution of higher order goes on.
What is known at the beginning of dt rests: a TimedArray is read at its beginning, and refractory variables do not move.
"""

from __future__ import annotations

from fractions import Fraction as F

import sympy
from sympy import S

from eqsnn.integrators import vocabulary as voc
from eqsnn.integrators.integrator import Integrator, Reason
from eqsnn.integrators.system import System
from eqsnn.model.model import Variable

SMALLEST = 1e-12
"""In dt: a step that would have to be shorter is a failure, since the time would not move any more."""
Values = dict[Variable, sympy.Expr]


class Embedded(Integrator):
    """``a[s]`` weights the earlier slopes in stage s, ``b`` all slopes in the step, ``e`` in the estimate of its error; stage s lies at t + c[s] h.

    ``lower``: the order of the solution that the step is compared with. ``adaptive`` is False for one step of length dt whose error is checked.
    """

    a: tuple[tuple[F, ...], ...]
    b: tuple[F, ...]
    e: tuple[F, ...]
    lower: int
    adaptive = True

    def supports(self, system: System) -> Reason | None:
        if system.stochastic:
            return Reason(
                f"they contain the noise '{next(iter(system.noises))}', and an estimate of the error needs smooth solutions"
            )
        for v in system.variables:
            calls = system.flat(system.slope(v)[0]).atoms(voc.UserCall)
            if calls:
                name = sorted(c.args[0].name.partition("@")[0] for c in calls)[0]
                return Reason(
                    f"the equation of '{v.name}' calls the function '{name}' at times inside a step; give it as an expression: "
                    f"eqsnn.function('{name}(x) = ...')"
                )
        return None

    def advance(self, system: System) -> None:
        builder = system.builder
        builder.held_time = builder.time()
        if self.adaptive:
            _repeated(self, system)
        else:
            _checked(self, system)
        builder.held_time = None

    # -- one step of length h ------------------------------------------------------------------------------------------------------

    def attempt(self, system: System, start: dict, time, h) -> tuple[Values, sympy.Symbol]:
        """The values after h, and the error in units of the tolerance: of all variables, the largest."""
        builder = system.builder
        slopes: list[dict] = []
        for s, row in enumerate(self.a):
            if row:
                stage = {v: x + h * _weighted(row, slopes, v) for v, x in start.items()}
                moved = builder.assign("t", time + h * _coefficient(sum(row)))
                system.go_to({v: builder.assign(f"{v.name}_stage{s + 1}", e, v.span) for v, e in stage.items()}, moved)
            else:
                system.go_to(start, time)
            slopes.append({v: self._slope(system, v, s) for v in system.variables})
        new = {v: builder.assign(v.name, x + h * _weighted(self.b, slopes, v), v.span) for v, x in start.items()}
        worst = None
        for v, x in start.items():
            absolute = builder.input("external", f"_absolute_error_{v.name}", shared=True, constant=True)
            relative = builder.input("external", "_relative_error", shared=True, constant=True)
            size = _larger(sympy.Abs(x), sympy.Abs(new[v]))
            tolerance = builder.assign(f"tolerance_{v.name}", absolute + relative * size)
            error = sympy.Abs(h * _weighted(self.e, slopes, v)) / tolerance
            error = builder.assign(f"error_{v.name}", error)
            worst = error if worst is None else builder.assign("error", _larger(worst, error))
        return new, worst

    @staticmethod
    def _slope(system: System, v: Variable, stage: int) -> sympy.Symbol:
        f, _ = system.slope(v)
        return system.builder.assign(f"slope{stage + 1}_{v.name}", system.clamp(v, f, S.Zero), v.span)


def _repeated(method: Embedded, system: System) -> None:
    builder, dt, start, t0 = system.builder, system.builder.time_step(), system.values(), system.builder.time()
    own = {n: builder.scope.symbols.get(n) for n in ("_last_timestep", "_step_count", "_failed_steps")}
    length = dt
    if own["_last_timestep"] is not None:
        last = builder.read(own["_last_timestep"], builder.scope)
        length = voc.Select(voc.Less(S.Zero, last), last, dt)
    most = builder.input("external", "_max_steps", "integer", shared=True, constant=True)
    first = {
        **{v.name: (x, "float") for v, x in start.items()},
        "elapsed": (sympy.Float(0), "float"),
        "step": (length, "float"),
        "steps": (S.Zero, "integer"),
    }
    if own["_failed_steps"] is not None:
        first["failed"] = (S.Zero, "integer")
    now = builder.begin_repeat(first)
    values = {v: now[v.name] for v in system.variables}
    again = voc.And(
        voc.And(voc.Less(now["elapsed"], dt), voc.Less(sympy.Float(SMALLEST) * dt, now["step"])),
        voc.Or(voc.Equal(most, S.Zero), voc.Less(now["steps"], most)),
    )
    left = builder.assign("left", dt - now["elapsed"])
    final = builder.assign("final", voc.LessEqual(left, now["step"]), dtype="boolean")
    h = builder.assign("h", voc.Select(final, left, now["step"]))
    time = builder.assign("t", t0 + now["elapsed"])
    new, error = method.attempt(system, values, time, h)
    # An error that is not a number is no reason to try again: the value itself is not one, and the run says so.
    rejected = builder.assign("rejected", voc.Less(S.One, error), dtype="boolean")
    power = sympy.Float(0.9) * error ** sympy.Rational(-1, method.lower + 1)
    proposed = builder.assign("proposed", h * voc.Clip(power, sympy.Float(0.2), sympy.Float(5.0)))
    shortened = voc.Select(voc.And(final, voc.Not(rejected)), _larger(proposed, now["step"]), proposed)
    following = {
        "elapsed": voc.Select(rejected, now["elapsed"], voc.Select(final, dt, now["elapsed"] + h)),
        "step": voc.Select(voc.Equal(error, error), shortened, now["step"]),
        "steps": now["steps"] + voc.ToInt(voc.Not(rejected)),
        "failed": now["failed"] + voc.ToInt(rejected) if "failed" in now else None,
        **{v.name: voc.Select(rejected, values[v], new[v]) for v in system.variables},
    }
    counts = ("steps", "failed")
    named = {
        n: builder.assign(f"next_{n}", e, dtype="integer" if n in counts else "float")
        for n, e in following.items()
        if e is not None
    }
    builder.end_repeat(again, named)
    system.go_to(start, t0)
    done = builder.assign("done", voc.Not(voc.Less(now["elapsed"], dt)), dtype="boolean")
    message = f"the method '{method.name}' did not reach the end of a step of the clock within max_steps = {{max_steps}} steps of its own"
    builder.require(done, message, frozenset(v.name for v in system.variables))
    system.move(values)
    for variable, name in (("_last_timestep", "step"), ("_step_count", "steps"), ("_failed_steps", "failed")):
        if own[variable] is not None:
            builder.write(("self", variable), now[name])


def _checked(method: Embedded, system: System) -> None:
    builder, start, t0 = system.builder, system.values(), system.builder.time()
    new, error = method.attempt(system, start, t0, builder.time_step())
    system.go_to(start, t0)
    kept = builder.assign("kept", voc.Not(voc.Less(S.One, error)), dtype="boolean")
    message = f"the error of the method '{method.name}' exceeds its tolerance, and adaptable_timestep is False"
    builder.require(kept, message, frozenset(v.name for v in system.variables))
    system.move(new)


def fixed_step(cls: type[Embedded]) -> type[Embedded]:
    """The method with one step of length dt, for adaptable_timestep=False."""
    return type(f"{cls.__name__}Fixed", (cls,), {"name": f"{cls.name}_fixed", "adaptive": False})


def _coefficient(value: F) -> sympy.Expr:
    return sympy.Integer(int(value)) if value.denominator == 1 else sympy.Float(float(value))


def _weighted(weights, slopes, v):
    return sympy.Add(*(_coefficient(F(w)) * k[v] for w, k in zip(weights, slopes) if w))


def _larger(a, b):
    return voc.Select(voc.Less(a, b), b, a)
