"""The closed vocabulary of the language: functions, constants and units that every model may use, and tables given by the user."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from eqsnn.units import DIMENSIONLESS, Dimension, unit_named


@dataclass(frozen=True)
class FunctionSpec:
    """``arity``: number of arguments. ``rule`` names what happens to units: 'plain' (all without unit), 'keep' (unit of the first
    argument), 'same' (all of one unit, which stays), 'sqrt', 'sign' (any to none), 'int' (none or boolean to integer),
    'timestep' (two times to an integer), 'random' (a new number at each evaluation).
    """

    name: str
    arity: int
    rule: str
    meaning: str = ""


_PLAIN = {
    "exp": "e^x",
    "log": "natural logarithm",
    "log10": "decimal logarithm",
    "log1p": "log(1 + x), exact near 0",
    "expm1": "exp(x) - 1, exact near 0",
    "exprel": "(exp(x) - 1)/x, 1 at 0",
    "sin": "sine",
    "cos": "cosine",
    "tan": "tangent",
    "sinh": "hyperbolic sine",
    "cosh": "hyperbolic cosine",
    "tanh": "hyperbolic tangent",
    "arcsin": "inverse sine",
    "arccos": "inverse cosine",
    "arctan": "inverse tangent",
    "ceil": "the smallest integer not below x",
    "floor": "the largest integer not above x",
}

FUNCTIONS: dict[str, FunctionSpec] = {
    **{name: FunctionSpec(name, 1, "plain", meaning) for name, meaning in _PLAIN.items()},
    "sqrt": FunctionSpec("sqrt", 1, "sqrt", "square root"),
    "abs": FunctionSpec("abs", 1, "keep", "absolute value"),
    "sign": FunctionSpec("sign", 1, "sign", "-1, 0 or 1"),
    "clip": FunctionSpec("clip", 3, "same", "clip(x, low, high): x, but not below low nor above high"),
    "int": FunctionSpec("int", 1, "int", "1 where a condition is true, else 0; a number cut towards 0"),
    "timestep": FunctionSpec("timestep", 2, "timestep", "timestep(t, dt): the number of whole steps in t"),
    "rand": FunctionSpec("rand", 0, "random", "uniform in [0, 1)"),
    "randn": FunctionSpec("randn", 0, "random", "normal with mean 0 and variance 1"),
}

CONSTANTS: dict[str, float] = {"pi": math.pi, "e": math.e, "inf": math.inf}


@dataclass(frozen=True)
class TableFunction:
    """Values over time (a TimedArray): ``values[k]`` or ``values[k, i]`` holds from ``k*dt`` to ``(k+1)*dt`` seconds.

    Called as ``f(t)`` if ``ndim`` is 1, ``f(t, i)`` if it is 2. ``key`` tells two tables apart.
    """

    dim: Dimension
    ndim: int
    dt: float
    key: int
    values: np.ndarray = field(compare=False, repr=False)


def fineness(table_dt: float, dt: float) -> int:
    """In how many parts a step of a table is cut before a time is rounded to one: the least power of two for which a part is at most an eighth
    of the time step ``dt``. (As in Brian 2, so that both agree where the steps of table and clock do not fit together.)"""
    return max(int(2.0 ** math.ceil(math.log2(8 * table_dt / dt))), 1)


@dataclass(frozen=True)
class DrawnTable:
    """A random number (a BinomialFunction), called as ``f()``: how many of the ascending ``values`` a number from [0, 1) reaches."""

    values: np.ndarray = field(compare=False, repr=False)
    rule: str = "random"
    ndim: int = 0
    dim: Dimension = DIMENSIONLESS


def is_random(node, functions=()) -> bool:
    """Whether a node of an expression draws a random number; ``functions``: those of the scope by name."""
    name = getattr(node, "function", None)
    if name in FUNCTIONS:
        return FUNCTIONS[name].rule == "random"
    return name is not None and name in functions and getattr(functions[name], "rule", None) == "random"


def known_constant(name: str) -> tuple[float, Dimension] | None:
    """The value (base SI) and dimension of a mathematical constant or a unit; None for other names."""
    if name in CONSTANTS:
        return CONSTANTS[name], DIMENSIONLESS
    unit = unit_named(name)
    return None if unit is None else (float(unit), unit.dim)
