"""The exact solution of linear equations, by the matrix exponential.

x' = A x + b with A constant and b held during the step: x[n+1] = E x[n] + F b, where [E F; 0 1] = exp([A 1; 0 0] dt) (Van Loan 1978).
The exponential is computed numerically before the run, so that equal time constants need no special case. A variable that is coupled to
no other has the closed form E = exp(a dt), F = dt exprel(a dt), in which a may even change from step to step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import sympy

from eqsnn.integrators import vocabulary as voc
from eqsnn.integrators.integrator import Integrator, Reason
from eqsnn.integrators.system import System
from eqsnn.model.model import Variable
from eqsnn.update_map import Propagator, symbol


@dataclass(frozen=True)
class Linear:
    """The coefficients of a linear system: ``A[v][w]`` (zeros left out) and ``b[v]``, in terms of inputs."""

    A: dict[Variable, dict[Variable, sympy.Expr]]
    b: dict[Variable, sympy.Expr]

    def components(self) -> list[list[Variable]]:
        """Sets of variables that are coupled with one another, in either direction."""
        group = {v: {v} for v in self.A}
        for v, row in self.A.items():
            for w in row:
                joined = group[v] | group[w]
                for u in joined:
                    group[u] = joined
        seen: list[list[Variable]] = []
        for v in self.A:
            if not any(v in c for c in seen):
                seen.append([u for u in self.A if u in group[v]])
        return seen

    def cycles(self) -> list[list[Variable]]:
        """Sets of variables each of which depends on each other of its set; a variable in no cycle is a set of its own."""
        after = {v: self._read_by(v) for v in self.A}
        sets: list[list[Variable]] = []
        for v in self.A:
            if not any(v in known for known in sets):
                sets.append([u for u in self.A if u is v or (u in after[v] and v in after[u])])
        return sets

    def _read_by(self, v: Variable) -> set[Variable]:
        """The variables on which the equation of ``v`` depends, directly or not."""
        found: set[Variable] = set()
        while True:
            more = {w for u in (found | {v}) for w in self.A[u]} - found
            if not more:
                return found
            found |= more

    def reached_from(self, sources: set[Variable]) -> set[Variable]:
        """The variables whose solution depends on one of ``sources``, which are among them."""
        reached = set(sources)
        while True:
            more = {v for v, row in self.A.items() if reached & set(row)} - reached
            if not more:
                return reached
            reached |= more


def linear(system: System, hold: bool = False) -> Linear | Reason:
    """The coefficients, or why there are none. ``hold``: what is stopped counts as a drive from outside."""
    if system.stochastic:
        return Reason(f"they contain the noise '{next(iter(system.noises))}'")
    states = system.values()
    names = set(states.values())
    A: dict[Variable, dict[Variable, sympy.Expr]] = {}
    b: dict[Variable, sympy.Expr] = {}
    for v in system.variables:
        f = system.flat(system.slope(v)[0])
        if not system.is_linear(f, names):
            return Reason(f"the equation of '{v.name}' is not linear", v.span)
        f, back = voc.held(f) if hold else (voc.unstopped(f), {})
        row = {w: f.diff(x).xreplace(back) for w, x in states.items() if x in f.free_symbols}
        A[v] = {w: a for w, a in row.items() if a != 0}
        b[v] = f.xreplace(dict.fromkeys(names, sympy.S.Zero)).xreplace(back)
    return Linear(A, b)


class Exact(Integrator):
    """See the module's docstring."""

    name = "exact"
    order = math.inf
    source = "Rotter & Diesmann 1999, Biol. Cybern. 81:381; Van Loan 1978, IEEE Trans. Autom. Control 23:395"

    def supports(self, system: System) -> Reason | None:
        found = linear(system)
        if isinstance(found, Reason):
            return found
        for component in found.components():
            for v in component:
                held = system.changing(found.b[v])
                if held == "t" or held == "rand()":
                    return Reason(
                        f"the equation of '{v.name}' depends on {held if held != 't' else 'the time t'} within a step",
                        v.span,
                    )
                for a in found.A[v].values():
                    name = system.changing(a)
                    if name == "t" or name == "rand()" or (name and len(component) > 1):
                        return Reason(
                            f"the coefficients of the equation of '{v.name}' depend on '{name}', which changes during the run",
                            v.span,
                        )
        return None

    def declines(self, system: System) -> Reason | None:
        """Brian 2 solves the linear systems that have one fixed point, and takes 'euler' for the others where no method is given: the same
        script is to be integrated by the same formula here."""
        found = linear(system)
        assert isinstance(found, Linear)
        for variables in found.cycles():
            if len(variables) > 4:  # its determinant may have thousands of terms
                continue
            matrix = sympy.Matrix([[found.A[v].get(w, sympy.S.Zero) for w in variables] for v in variables])
            if sympy.expand(matrix.det()) == 0:
                v = variables[0]
                return Reason(f"the equation of '{v.name}' has no single fixed point", v.span)
        return None

    def advance(self, system: System) -> None:
        found, held = linear(system), linear(system, hold=True)
        assert isinstance(found, Linear) and isinstance(held, Linear)
        if held == found or _same_value(held, found):
            new = _solved(system, held)
        else:  # a state is stopped: derivatives are those of the system that this state drives from outside
            value, way = _solved(system, found), _solved(system, held)
            new = {v: voc.Via(value[v], way[v]) for v in value}
        system.move({v: new[v] for v in system.variables})


def _same_value(held: Linear, found: Linear) -> bool:
    """Whether no state is among what is stopped."""
    stripped = ({w: voc.unstopped(a) for w, a in row.items()} for row in held.A.values())
    return all(row == other for row, other in zip(stripped, found.A.values()))


def _solved(system: System, found: Linear) -> dict[Variable, sympy.Expr]:
    new: dict[Variable, sympy.Expr] = {}
    for component in found.components():
        if len(component) == 1:
            new[component[0]] = _alone(system, found, component[0])
        else:
            new |= _together(system, found, component)
    return new


def _alone(system: System, found: Linear, v: Variable) -> sympy.Expr:
    dt, x = system.builder.time_step(), system.value(v)
    return system.clamp(v, solution(x, found.A[v].get(v, sympy.S.Zero), found.b[v], dt), x)


def solution(x, a, b, elapsed):
    """x after ``elapsed`` seconds of x' = a x + b."""
    decayed = x * sympy.exp(a * elapsed) if a != 0 else x
    if b == 0:
        return decayed
    return decayed + b * elapsed * (voc.Exprel(a * elapsed) if a != 0 else 1)


def _together(system: System, found: Linear, component: list[Variable]) -> dict[Variable, sympy.Expr]:
    resting = {v for v in component if system.clamped(v)}
    free = _propagated(system, found, component, set())
    if not resting:
        return free
    affected = found.reached_from(resting) - resting
    held = _propagated(system, found, component, resting) if affected & set(component) else {}
    result = {}
    for v in component:
        if v in resting:
            result[v] = system.clamp(v, free[v], system.value(v))
        elif v in affected:
            result[v] = voc.Select(system.not_refractory, free[v], held[v])
        else:
            result[v] = free[v]
    return result


def _propagated(
    system: System, found: Linear, component: list[Variable], resting: set[Variable]
) -> dict[Variable, sympy.Expr]:
    """One step of the component with the variables of ``resting`` held, by a propagator."""
    n, builder = len(component), system.builder
    zero, one = sympy.S.Zero, sympy.S.One
    matrix = [[found.A[v].get(w, zero) if v not in resting else zero for w in component] for v in component]
    matrix = [row + [one if r == c else zero for c in range(n)] for r, row in enumerate(matrix)] + [
        [zero] * (2 * n)
    ] * n
    driven = [zero if v in resting else found.b[v] for v in component]
    active = Linear({v: {} if v in resting else found.A[v] for v in component}, {})
    entries: list[tuple[str | None, ...]] = []
    new = {}
    for v in component:
        sources = [active.reached_from({w}) for w in component]
        names: list[str | None] = []
        terms = []
        for c, w in enumerate(component):
            uses = v in sources[c]
            names.append(builder.fresh("propagator") if uses else None)
            if uses:
                terms.append(symbol(names[-1]) * system.value(w))
        for c in range(n):
            uses = v in sources[c] and driven[c] != 0
            names.append(builder.fresh("propagator") if uses else None)
            if uses:
                terms.append(symbol(names[-1]) * driven[c])
        entries.append(tuple(names))
        new[v] = sympy.Add(*terms)
    entries += [(None,) * (2 * n)] * n
    builder.propagators.append(Propagator(tuple(map(tuple, matrix)), tuple(entries)))
    return new
