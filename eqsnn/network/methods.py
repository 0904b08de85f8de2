"""What a user says about a method of integration: its name, Brian 2's names for adaptive ones, and its options.

The tolerances become constants of the kernels, so that changing them compiles nothing; what an adaptive method remembers of its steps are
variables of the group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from eqsnn.errors import EquationError, Span, UnitError
from eqsnn.language import ast
from eqsnn.model.dimensions import SECOND, unit_of
from eqsnn.model.model import Variable
from eqsnn.model.suggest import closest
from eqsnn.units import DIMENSIONLESS, dimensions_of

ADAPTIVE = ("rk32", "rk4_doubling", "rkf45", "rkck", "dopri87")
GSL = {
    "gsl": "rkf45",
    "gsl_rk2": "rk32",
    "gsl_rk4": "rk4_doubling",
    "gsl_rkf45": "rkf45",
    "gsl_rkck": "rkck",
    "gsl_rk8pd": "dopri87",
}
"""Brian 2's names, and the methods of the same order and kind; none of them needs the GNU Scientific Library here."""
DEFAULTS = {
    "adaptable_timestep": True,
    "absolute_error": 1e-6,
    "absolute_error_per_variable": None,
    "relative_error": 0.0,
    "max_steps": 100,
    "use_last_timestep": True,
    "save_failed_steps": False,
    "save_step_count": False,
}


@dataclass(frozen=True)
class Method:
    """``name``: the method, or None for the automatic choice; ``constants``: what its kernels need; ``variables``: what it remembers."""

    name: str | tuple[str, ...] | None
    constants: Mapping[str, float | int] = field(default_factory=dict)
    variables: tuple[Variable, ...] = ()


def native_name(name: object) -> object:
    """The name of the method behind a name of Brian 2, or of each of several; other names, and what is none, stay."""
    if isinstance(name, (list, tuple)):
        return tuple(map(native_name, name))
    return GSL.get(name, name) if isinstance(name, str) else name


def _of_several(names: tuple[str, ...]) -> Method:
    """Methods to be tried in turn."""
    adaptive = next((n for n in names if native_name(n) in ADAPTIVE), None)
    if adaptive is not None:
        raise EquationError(
            f"the adaptive method '{adaptive}' is not one to try among others",
            None,
            f"give it alone: method='{adaptive}'",
        )
    return Method(names)


def method_of(
    name: str | Sequence[str] | None, options: Mapping[str, object] | None, equations: ast.Equations
) -> Method:
    """The method called ``name`` with its options. Raises EquationError or UnitError for options that it does not have."""
    native = native_name(name)
    options = dict(options or {})
    if native not in ADAPTIVE:
        options.pop("simplify", None)  # Brian 2's hint to sympy, which changes no result
        if options:
            raise EquationError(
                f"the method '{name}' has no option '{next(iter(options))}'",
                None,
                f"options are for the adaptive methods {', '.join(ADAPTIVE)}",
            )
        return _of_several(tuple(name)) if isinstance(name, (list, tuple)) else Method(name)
    for key in options:
        if key not in DEFAULTS:
            near = closest(key, DEFAULTS)
            raise EquationError(
                f"the method '{name}' has no option '{key}'",
                None,
                f"did you mean '{near}'?" if near else f"there are {', '.join(DEFAULTS)}",
            )
    chosen = {**DEFAULTS, **options}
    for key in ("adaptable_timestep", "use_last_timestep", "save_failed_steps", "save_step_count"):
        if not isinstance(chosen[key], (bool, np.bool_)):
            raise EquationError(f"the option '{key}' is True or False; got {chosen[key]!r}")
    constants = _tolerances(chosen, equations)
    if not chosen["adaptable_timestep"]:
        return Method(f"{native}_fixed", constants)
    most = chosen["max_steps"]
    if isinstance(most, bool) or not isinstance(most, (int, np.integer)) or most < 0:
        raise EquationError(f"the option 'max_steps' is an integer, 0 for no limit; got {most!r}")
    return Method(native, {**constants, "_max_steps": int(most)}, _remembered(chosen))


def _tolerances(chosen: Mapping[str, object], equations: ast.Equations) -> dict[str, float]:
    states = {d.name: unit_of(d.unit)[0] for d in equations.definitions if isinstance(d, ast.Differential)}
    if not isinstance(chosen["absolute_error_per_variable"], (Mapping, type(None))):
        raise EquationError(
            f"absolute_error_per_variable is a dict of names and tolerances; got {chosen['absolute_error_per_variable']!r}"
        )
    given = dict(chosen["absolute_error_per_variable"] or {})
    found = {"_relative_error": _positive("relative_error", chosen["relative_error"], DIMENSIONLESS, zero=True)}
    general = _positive("absolute_error", chosen["absolute_error"], DIMENSIONLESS)
    for name, dim in states.items():
        value = given.pop(name, None)
        what = f"absolute_error_per_variable of '{name}'"
        found[f"_absolute_error_{name}"] = general if value is None else _positive(what, value, dim)
    if given:
        name = next(iter(given))
        raise EquationError(
            f"absolute_error_per_variable: there is no differential equation for '{name}'",
            None,
            f"there are {', '.join(states)}",
        )
    return found


def _positive(what: str, value, dim, zero: bool = False) -> float:
    if dimensions_of(value) != dim:
        wanted = "a plain number" if dim == DIMENSIONLESS else f"a value with unit {dim}"
        raise UnitError(f"the option {what} is {wanted}; {value!s} has unit {dimensions_of(value)}")
    number = float(np.asarray(value))
    if not (number > 0 or (zero and number == 0)):
        raise EquationError(f"the option {what} must be positive; got {value!s}")
    return number


def _remembered(chosen: Mapping[str, object]) -> tuple[Variable, ...]:
    span = Span("", 0, 0, "method")
    found = []
    if chosen["use_last_timestep"]:
        found.append(Variable("_last_timestep", "parameter", SECOND, "float", frozenset(), None, span))
    if chosen["save_failed_steps"]:
        found.append(Variable("_failed_steps", "parameter", DIMENSIONLESS, "integer", frozenset(), None, span))
    if chosen["save_step_count"]:
        found.append(Variable("_step_count", "parameter", DIMENSIONLESS, "integer", frozenset(), None, span))
    return tuple(found)
