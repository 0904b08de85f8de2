"""The closed vocabulary of the language: functions, constants and units that every model may use; and what a user adds to it: tables,
functions given as an expression, and functions written in Python or another language.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Literal

import numpy as np

from eqsnn.errors import Span
from eqsnn.frozen import dataclass
from eqsnn.language.ast import Call, Expr, Name, walk
from eqsnn.units import DIMENSIONLESS, Dimension, equation_unit


@dataclass(frozen=True)
class FunctionSpec:
    """``arity``: number of arguments. ``rule`` names what happens to units: 'plain' (all without unit), 'keep' (unit and type of the
    argument), 'round' (unit of the argument, as a float), 'same' (all of one unit, which stays), 'sqrt', 'sign' (any to none), 'int'
    (none or boolean to integer), 'timestep' (two times to an integer), 'random' (a new number at each evaluation), 'count' (a new
    integer at each evaluation).
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
}

FUNCTIONS: dict[str, FunctionSpec] = {
    **{name: FunctionSpec(name, 1, "plain", meaning) for name, meaning in _PLAIN.items()},
    "ceil": FunctionSpec("ceil", 1, "round", "the smallest integer not below x"),
    "floor": FunctionSpec("floor", 1, "round", "the largest integer not above x"),
    "sqrt": FunctionSpec("sqrt", 1, "sqrt", "square root"),
    "abs": FunctionSpec("abs", 1, "keep", "absolute value"),
    "sign": FunctionSpec("sign", 1, "sign", "-1, 0 or 1"),
    "clip": FunctionSpec("clip", 3, "same", "clip(x, low, high): x, but not below low nor above high"),
    "stop": FunctionSpec("stop", 1, "keep", "x itself, which counts as a constant where derivatives are taken"),
    "int": FunctionSpec("int", 1, "int", "1 where a condition is true, else 0; a number cut towards 0"),
    "timestep": FunctionSpec("timestep", 2, "timestep", "timestep(t, dt): the number of whole steps in t"),
    "rand": FunctionSpec("rand", 0, "random", "uniform in [0, 1)"),
    "randn": FunctionSpec("randn", 0, "random", "normal with mean 0 and variance 1"),
    "poisson": FunctionSpec("poisson", 1, "count", "poisson(lam): a Poisson number with mean lam"),
}

UNRESERVED = frozenset({"stop"})
"""Functions whose names may also be those of variables, constants and functions of the user: scripts of Brian 2 know nothing of them."""

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

    @property
    def identity(self) -> tuple:
        """What of it decides the kernels that use it."""
        return ("table", self.ndim, str(self.dim))


@dataclass(frozen=True)
class InlineFunction:
    """A function given as an expression, ``f(x) = x**2/(1 + x)``: a call stands for ``body`` with its arguments in place of ``parameters``.

    Other names of ``body`` are constants; units follow from those of the arguments.
    """

    name: str
    parameters: tuple[str, ...]
    body: Expr
    span: Span = field(compare=False, repr=False)

    @property
    def identity(self) -> tuple:
        """What of it decides the kernels that use it."""
        return ("inline", self.parameters, self.body)


@dataclass(frozen=True)
class UserFunction:
    """A function that the user wrote in Python or another language: equations call it and do not know what it does.

    ``args``: the dimension of each argument; a string stands for any, the same wherever it occurs; None for any. ``result``: the
    dimension of the result, or a function of the arguments' dimensions. ``arg_types``: 'float', 'integer', 'boolean' or 'any'; ``result_type``:
    one of the first three, or 'highest' for that of its arguments. A ``stateless`` function gives the same for the same arguments.
    ``indexed``: it gets the numbers of the elements as a last argument. ``function`` is the object to call.
    """

    name: str
    args: tuple[Dimension | str | None, ...]
    result: Dimension | Callable = field(compare=False)
    arg_types: tuple[str, ...] = ()
    result_type: Literal["float", "integer", "boolean", "highest"] = "float"
    stateless: bool = True
    indexed: bool = False
    function: object = field(default=None, compare=False, repr=False)

    @property
    def identity(self) -> tuple:
        """What of it decides the kernels that use it."""
        return ("user", self.arg_types, self.result_type, self.stateless, self.indexed)


def free_names(expr: Expr, functions: Mapping[str, object]) -> dict[str, Span]:
    """The names that an expression reads, with the span of their first use; those of the inline functions it calls among them."""
    found: dict[str, Span] = {}
    for node in walk(expr):
        if isinstance(node, Name):
            found.setdefault(node.id, node.span)
        elif isinstance(node, Call) and isinstance(functions.get(node.function), InlineFunction):
            for name, span in constants_of(functions[node.function], functions).items():
                found.setdefault(name, span)
    return found


def constants_of(function: InlineFunction, functions: Mapping[str, object]) -> dict[str, Span]:
    """The names in the body of an inline function that are not its parameters."""
    inside = free_names(function.body, functions)
    return {n: span for n, span in inside.items() if n not in function.parameters}


def is_reserved(name: str) -> bool:
    """Whether nothing but a function of the vocabulary may have this name."""
    return name in FUNCTIONS and name not in UNRESERVED


def is_random(expr: Expr, functions: Mapping[str, object]) -> bool:
    """Whether evaluating ``expr`` twice may give two values."""
    for node in walk(expr):
        if not isinstance(node, Call):
            continue
        user = functions.get(node.function)
        if isinstance(user, InlineFunction) and is_random(user.body, functions):
            return True
        if isinstance(user, DrawnTable) or (isinstance(user, UserFunction) and not user.stateless):
            return True
        if user is None and node.function in FUNCTIONS and FUNCTIONS[node.function].rule in ("random", "count"):
            return True
    return False


def fineness(table_dt: float, dt: float) -> int:
    """In how many parts a step of a table is cut before a time is rounded to one: the least power of two for which a part is at most an eighth
    of the time step ``dt``. (As in Brian 2, so that both agree where the steps of table and clock do not fit together.)"""
    return max(int(2.0 ** math.ceil(math.log2(8 * table_dt / dt))), 1)


@dataclass(frozen=True)
class DrawnTable:
    """A random number (a BinomialFunction), called as ``f()``; ``values``: the alias table of its distribution (``kernel/random.py``)."""

    values: np.ndarray = field(compare=False, repr=False)

    @property
    def identity(self) -> tuple:
        """What of it decides kernels."""
        return ("drawn",)


def known_constant(name: str) -> tuple[float, Dimension] | None:
    """The value (base SI) and dimension of a mathematical constant or a unit; None for other names."""
    if name in CONSTANTS:
        return CONSTANTS[name], DIMENSIONLESS
    unit = equation_unit(name)
    return None if unit is None else (float(unit), unit.dim)
