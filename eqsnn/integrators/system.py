"""The differential equations of a model as an integrator sees them: slopes, noise factors and Jacobians in sympy."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import sympy

from eqsnn.derivations.partials import depends_on, inlined, total_derivative
from eqsnn.errors import EquationError
from eqsnn.integrators import vocabulary as voc
from eqsnn.integrators.builder import MapBuilder
from eqsnn.language.ast import Name, walk
from eqsnn.model.model import Variable
from eqsnn.model.rules import noise_scope
from eqsnn.model.sharing import OWNER
from eqsnn.update_map import Input, Repeat, symbol


@dataclass
class System:
    """``variables`` integrated together in ``builder``. ``varying``: parameters that are written during the run; ``resting``: variables of
    connected neurons, such as ``tau_post``, that are not.

    ``not_refractory`` is the symbol that says whether clamped variables move, or None.
    """

    builder: MapBuilder
    variables: tuple[Variable, ...]
    varying: frozenset[str] = frozenset()
    not_refractory: sympy.Symbol | None = None
    resting: frozenset[str] = frozenset()
    noises: dict[str, sympy.Symbol] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for v in self.variables:
            for name in _noise_names(v):
                self.noises.setdefault(name, symbol(f"{name}@noise"))
        for name, s in self.noises.items():
            self.builder.current[("function", name)] = s
        for v in self.variables:
            known = self.builder.scope.symbols[v.name]
            self.builder.current.setdefault(("self", v.name), self.builder.read(known, self.builder.scope))

    @property
    def stochastic(self) -> bool:
        return bool(self.noises)

    def value(self, v: Variable) -> sympy.Symbol:
        """The newest value of a variable."""
        return self.builder.current[("self", v.name)]

    def values(self) -> dict[Variable, sympy.Symbol]:
        return {v: self.value(v) for v in self.variables}

    def slope(self, v: Variable) -> tuple[sympy.Expr, dict[str, sympy.Expr]]:
        """The deterministic part f of dx/dt at the newest values, and the factor g of each noise in it."""
        full = self.builder.translate(v.expr, noise_scope(v.expr, self.builder.scope))
        if not self.noises:
            return full, {}
        present = {n: s for n, s in self.noises.items() if s in full.free_symbols}
        factors = {n: full.diff(s) for n, s in present.items()}
        for n, g in factors.items():
            if g.free_symbols & set(self.noises.values()):
                raise EquationError(
                    f"the noise '{n}' does not stand linearly in d{v.name}/dt", v.expr.span, "noise is added: f + g*xi"
                )
        return full.xreplace(dict.fromkeys(present.values(), sympy.S.Zero)), factors

    def slopes(self) -> dict[Variable, tuple[sympy.Expr, dict[str, sympy.Expr]]]:
        """Of all variables, before any of them moves. Each slope is a name of the map, so that it is computed once."""
        return {v: self.slope(v) for v in self.variables}

    def clamped(self, v: Variable) -> bool:
        """Whether the variable rests while the neuron is refractory."""
        return self.not_refractory is not None and "unless refractory" in v.flags

    def clamp(self, v: Variable, moving, resting):
        """``moving``, or ``resting`` while a clamped variable rests."""
        return voc.Select(self.not_refractory, moving, resting) if self.clamped(v) else moving

    def move(self, new: dict[Variable, sympy.Expr], write: bool = True) -> None:
        """All variables get new values at once."""
        assigned = {v: self.builder.assign(v.name, expr, v.span) for v, expr in new.items()}
        for v, s in assigned.items():
            self.builder.set(("self", v.name), s)
            if write:
                self.builder.write(("self", v.name), s, source=v.span)

    def go_to(self, values: dict[Variable, sympy.Symbol], time: sympy.Symbol | None = None) -> None:
        """Evaluate what follows at these values and this time."""
        for v, s in values.items():
            self.builder.set(("self", v.name), s)
        if time is not None:
            self.builder.set(("clock", "t"), time)

    # -- linearity ------------------------------------------------------------------------------------------------------------

    def derivative(self, expr: sympy.Expr, v: Variable) -> sympy.Expr:
        """d expr/dv through the subexpressions, and through what is stopped: this is about the value of a step, not about its derivatives."""
        before = [
            a if isinstance(a, Repeat) else replace(a, expr=voc.unstopped(a.expr)) for a in self.builder.assignments
        ]
        return total_derivative(voc.unstopped(expr), self.value(v), before)

    def is_linear(self, expr: sympy.Expr, names: set[sympy.Symbol]) -> bool:
        """Whether ``expr`` is of first degree in ``names``."""
        flat = voc.unstopped(inlined(expr, self.builder.assignments))
        if any(f.free_symbols & names for f in flat.atoms(voc.Inert)):
            return False
        return not any(flat.diff(x).free_symbols & names for x in names if x in flat.free_symbols)

    def depends(self, expr: sympy.Expr, names: set[sympy.Symbol]) -> bool:
        return depends_on(expr, names, self.builder.assignments)

    def flat(self, expr: sympy.Expr) -> sympy.Expr:
        """``expr`` in terms of inputs only."""
        return inlined(expr, self.builder.assignments)

    def changing(self, expr: sympy.Expr, tables_rest: bool = True) -> str | None:
        """The name in ``expr`` that may change during a step or be written during the run; None if all rest.

        A TimedArray of the time rests for a step if ``tables_rest``.
        """
        flat = self.flat(expr)
        if tables_rest:
            resting = [a for a in flat.atoms(voc.Table) if a.args[0].name not in self.varying]
            flat = flat.xreplace(dict.fromkeys(resting, sympy.S.Zero))
        calls = flat.atoms(voc.UserCall)
        functions = {c.args[0].name: self.builder.lookups[c.args[0].name] for c in calls}
        if flat.has(voc.Poisson) or any(not f.stateless for f in functions.values()):
            return "rand()"
        drawn = {n.name for n in self.builder.noise}
        for s in sorted(flat.free_symbols, key=lambda s: s.name):
            known: Input | None = self.builder.inputs.get(s.name)
            if s.name in drawn:
                return "rand()"
            if known is None or known.owner in ("external", "index") or known.constant:
                continue
            own = known.owner in ("self", *OWNER.values()) and known.variable not in self.varying
            if own or known.name in self.resting:
                continue
            return known.name
        return next((f"{name}()" for name in sorted(functions)), None)


def _noise_names(v: Variable) -> list[str]:
    return [n.id for n in walk(v.expr) if isinstance(n, Name) and (n.id == "xi" or n.id.startswith("xi_"))]
