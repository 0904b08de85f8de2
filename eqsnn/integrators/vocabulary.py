"""The functions of the language as sympy functions. Sympy knows exp, log, sin ...; the others are ours and do not simplify.

Conditions are functions too (``Less``, ``And`` ...): sympy's own relations rewrite themselves, and these must stay as the user wrote them.
"""

from __future__ import annotations

import sympy
from sympy import Function, S

from eqsnn.errors import EquationError


class Inert(Function):
    """A function that sympy carries along; its derivative is 0 unless a subclass says else."""

    def _eval_is_real(self):
        return True

    def _eval_is_commutative(self):
        return True

    def fdiff(self, argindex=1):
        return S.Zero


class Stop(Inert):
    """``stop(x)``: x, and a constant where derivatives are taken."""

    @classmethod
    def eval(cls, x):
        return x if x.is_number else None


class Via(Inert):
    """``Via(value, way)``: the value, with the derivative of ``way``."""

    def fdiff(self, argindex=1):
        return S.One if argindex == 2 else S.Zero


def unstopped(expr):
    """``expr`` without regard to derivatives: what ``Stop`` and ``Via`` are in value."""
    return expr.replace(Stop, lambda x: x).replace(Via, lambda value, way: value) if expr.has(Stop, Via) else expr


def held(expr):
    """``expr`` with a name for each part that ``Stop`` holds, and the way back."""
    names = {a: sympy.Dummy(real=True) for a in expr.atoms(Stop)}
    return expr.xreplace(names), {name: a for a, name in names.items()}


class Less(Inert):
    """``a < b``"""


class LessEqual(Inert):
    """``a <= b``"""


class Equal(Inert):
    """``a == b``"""


class NotEqual(Inert):
    """``a != b``"""


class And(Inert):
    """``a and b``"""


class Or(Inert):
    """``a or b``"""


class Not(Inert):
    """``not a``"""


class Truth(Inert):
    """``True`` (of 1) or ``False`` (of 0)"""


class Infinite(Inert):
    """Positive infinity; sympy's own would take part in simplifications that have no meaning in floating point."""


class Floor(Inert):
    """The largest integer not above x, as a float."""


class Ceil(Inert):
    """The smallest integer not below x, as a float."""


class Sign(Inert):
    """-1, 0 or 1"""


class ToInt(Inert):
    """A condition as 1 or 0, or a number cut towards 0."""


class Timestep(Inert):
    """``timestep(t, dt)``: the number of whole steps in t, with a margin of 0.001 steps for rounding."""


class FloorDivide(Inert):
    """``a // b``"""


class Table(Inert):
    """``Table(name, t)`` or ``Table(name, t, i)``: a TimedArray, called by the name under which the map looks it up."""


class Drawn(Inert):
    """``Drawn(name, u)``: the number that an alias table makes of u from [0, 1)."""


class Element(Inert):
    """The number of the element, as an argument of a user's function."""


class Poisson(Inert):
    """``Poisson(lam, k, alike)``: the Poisson number with mean lam that is draw k of its map; the same for all elements if ``alike`` is 1."""


class UserCall(Inert):
    """``UserCall(name, k, x, ...)``: a function that the user wrote, called by the name under which the map looks it up; k numbers the calls.

    What it does is not known, and its derivative neither.
    """

    def fdiff(self, argindex=1):
        name = self.args[0].name.partition("@")[0]
        raise EquationError(
            f"the derivative of the function '{name}' is not known, and this method needs it",
            None,
            f"use another method, or give the function as an expression: eqsnn.function('{name}(x) = ...')",
        )


class Modulo(Inert):
    """``a % b`` with the sign of b."""

    def fdiff(self, argindex=1):
        return S.One if argindex == 1 else -Floor(self.args[0] / self.args[1])


class Select(Inert):
    """``Select(condition, a, b)``: a where the condition is true, else b."""

    def _eval_derivative(self, s):
        a, b = self.args[1].diff(s), self.args[2].diff(s)
        return S.Zero if a == b == 0 else Select(self.args[0], a, b)


class Clip(Inert):
    """``clip(x, low, high)``"""

    def fdiff(self, argindex=1):
        x, low, high = self.args
        if argindex == 1:
            return Select(And(LessEqual(low, x), LessEqual(x, high)), 1, 0)
        return Select(Less(x, low), 1, 0) if argindex == 2 else Select(Less(high, x), 1, 0)


class Expm1(Function):
    """``exp(x) - 1``"""

    def _eval_is_real(self):
        return True

    def fdiff(self, argindex=1):
        return sympy.exp(self.args[0])


class Exprel(Function):
    """``(exp(x) - 1)/x``, 1 at 0."""

    def _eval_is_real(self):
        return True

    def fdiff(self, argindex=1):
        return ExprelPrime(self.args[0])


class ExprelPrime(Inert):
    """The derivative of exprel: ``(exp(x) - exprel(x))/x``, 1/2 at 0."""


class Log1p(Function):
    """``log(1 + x)``"""

    def _eval_is_real(self):
        return True

    def fdiff(self, argindex=1):
        return 1 / (1 + self.args[0])


class Log10(Function):
    """Decimal logarithm."""

    def _eval_is_real(self):
        return True

    def fdiff(self, argindex=1):
        return 1 / (self.args[0] * sympy.Float(2.302585092994046))


class ArcTan(Function):
    """Inverse tangent; sympy's own rewrites some arguments."""

    def _eval_is_real(self):
        return True

    def fdiff(self, argindex=1):
        return 1 / (1 + self.args[0] ** 2)


FUNCTIONS = {
    "exp": sympy.exp,
    "log": sympy.log,
    "log10": Log10,
    "log1p": Log1p,
    "expm1": Expm1,
    "exprel": Exprel,
    "sqrt": sympy.sqrt,
    "abs": sympy.Abs,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "sinh": sympy.sinh,
    "cosh": sympy.cosh,
    "tanh": sympy.tanh,
    "arcsin": sympy.asin,
    "arccos": sympy.acos,
    "arctan": ArcTan,
    "ceil": Ceil,
    "floor": Floor,
    "sign": Sign,
    "clip": Clip,
    "stop": Stop,
    "int": ToInt,
    "timestep": Timestep,
}
COMPARISONS = {
    "<": lambda a, b: Less(a, b),
    "<=": lambda a, b: LessEqual(a, b),
    ">": lambda a, b: Less(b, a),
    ">=": lambda a, b: LessEqual(b, a),
    "==": lambda a, b: Equal(a, b),
    "!=": lambda a, b: NotEqual(a, b),
}
CONDITIONS = (Less, LessEqual, Equal, NotEqual, And, Or, Not, Truth)
INTEGERS = (ToInt, Timestep)
