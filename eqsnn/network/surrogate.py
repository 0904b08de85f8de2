"""The surrogate derivative of an event: a name from the literature, or an expression of x, the margin by which the threshold is passed.

A surrogate is used in the backward pass alone (derivations/surrogate.py). ``scale`` is the margin that counts as 1: thresholds in volts want
one of some millivolts. The area under the named ones that are densities is 1; the others are as their authors give them.
"""

from __future__ import annotations

import numpy as np

from eqsnn.errors import EqsnnError, EquationError
from eqsnn.language.ast import Call, Expr, Name, walk
from eqsnn.language.parse import parse_expression
from eqsnn.model.functions import FUNCTIONS, known_constant
from eqsnn.model.suggest import closest
from eqsnn.units import DIMENSIONLESS, dimensions_of

NAMED: dict[str, tuple[str, str | None]] = {
    # Yin, Corradi & Bohte 2021 (Nat. Mach. Intell. 3:905): 0.5 ((1 + h) N(x; 0, s) - h N(x; s, 6 s) - h N(x; -s, 6 s)), h 0.15, s 0.5
    "multi_gaussian": (
        "0.4587836225*exp(-2*x**2) - 0.00997355701*(exp(-(x - 0.5)**2/18) + exp(-(x + 0.5)**2/18))",
        None,
    ),
    "gaussian": ("0.3989422804014327*exp(-x**2/2)", None),
    # Esser et al. 2016 (PNAS 113:11441), Bellec et al. 2018
    "triangular": ("clip(1 - abs(x), 0, 1)", "0.5 + clip(x, -1, 1) - sign(x)*clip(x, -1, 1)**2/2"),
    # Zenke & Ganguli 2018 (Neural Comput. 30:1514), SuperSpike: 1/(1 + |x|)^2
    "fast_sigmoid": ("1/(1 + abs(x))**2", "x/(1 + abs(x))"),
    "sigmoid": ("exp(-abs(x))/(1 + exp(-abs(x)))**2", "0.5 + tanh(x/2)/2"),
    # Fang et al. 2021 (ICCV): 1/(1 + (pi x/2 alpha)^2) alpha/2, alpha 2
    "arctan": ("1/(1 + (pi*x)**2)", "0.5 + arctan(pi*x)/pi"),
    "boxcar": ("int(abs(x) < 0.5)", "clip(x + 0.5, 0, 1)"),
}
"""Name: the surrogate and, where the language can write it, its primitive (which finite differences see)."""


class Surrogate:
    """``Surrogate('fast_sigmoid', scale=1*mV)``, ``Surrogate('exp(-abs(x))')``. ``height`` multiplies it; ``primitive``: the expression whose
    derivative it is, for tests. Raises EquationError for an expression of anything but x."""

    def __init__(
        self, equation: str = "multi_gaussian", *, scale=1.0, height: float = 1.0, primitive: str | None = None
    ):
        if not isinstance(equation, str):
            raise EqsnnError(f"a surrogate is a name or an expression of x in a string; got {equation!r}")
        self.name = equation
        if equation.isidentifier() and equation != "x" and equation not in NAMED:
            near = closest(equation, NAMED)
            raise EqsnnError(
                f"there is no surrogate called '{equation}'; "
                + (f"did you mean '{near}'?" if near else f"there are {', '.join(NAMED)}, and any expression of x")
            )
        text, known = NAMED.get(equation, (equation, None))
        self.expr = _expression(text, "surrogate")
        primitive = primitive or known
        self.primitive = None if primitive is None else _expression(primitive, "primitive")
        self.dim = dimensions_of(scale)
        self.scale, self.height = float(np.asarray(scale)), float(height)
        if not self.scale > 0:
            raise EqsnnError(f"the scale of a surrogate is positive; got {scale}")

    @property
    def identity(self) -> tuple:
        """What decides the kernels made with it."""
        return (self.expr, self.primitive, self.scale, self.height)

    def __repr__(self) -> str:
        scale = "" if self.dim == DIMENSIONLESS and self.scale == 1.0 else f", scale={self.scale!r}"
        return f"Surrogate({self.name!r}{scale})"


def _expression(text: str, origin: str) -> Expr:
    expr = parse_expression(text, origin)
    for node in walk(expr):
        if isinstance(node, Name) and node.id != "x" and known_constant(node.id) is None:
            raise EquationError(f"a {origin} is an expression of x, and this is '{node.id}'", node.span, "write x")
        if isinstance(node, Call) and (node.function not in FUNCTIONS or node.function in ("rand", "randn", "poisson")):
            raise EquationError(
                f"'{node.function}' cannot stand in a {origin}", node.name_span, "use exp, abs, tanh, clip ..."
            )
    return expr


def surrogate_of(given: str | Surrogate | None) -> Surrogate | None:
    """What a group was given."""
    return given if given is None or isinstance(given, Surrogate) else Surrogate(given)
