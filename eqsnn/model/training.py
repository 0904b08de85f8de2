"""What the flag (trainable) is accompanied by: ``bounds=[1*ms, inf]``, within which training keeps values, and ``rate=3``, by which it multiplies
the learning rate."""

from __future__ import annotations

import math

from eqsnn.errors import EquationError, Span, UnitError
from eqsnn.language import ast
from eqsnn.language.parse import parse_expression
from eqsnn.model.functions import known_constant
from eqsnn.model.model import Variable
from eqsnn.units import DIMENSIONLESS, Dimension


def legal_training(d: ast.Definition, kind: str, flag: str, span: Span, dim: Dimension) -> None:
    """``bounds=`` and ``rate=`` stand beside (trainable), with numbers of the right unit."""
    word = flag.partition("=")[0]
    if "trainable" not in d.flags:
        raise EquationError(f"the flag '{word}' speaks about training", span, f"write (trainable, {flag})")
    if word == "rate":
        _rate(flag, span)
    else:
        _bounds(flag, span, dim)


def bounds_of(variable: Variable) -> tuple[float, float]:
    """The bounds of a trainable variable in base SI; infinite where there are none."""
    flag = next((f for f in variable.flags if f.startswith("bounds=")), None)
    return (-math.inf, math.inf) if flag is None else _bounds(flag, variable.span, variable.dim)


def rate_of(variable: Variable) -> float:
    """The factor of the learning rate of a trainable variable."""
    flag = next((f for f in variable.flags if f.startswith("rate=")), None)
    return 1.0 if flag is None else _rate(flag, variable.span)


def _rate(flag: str, span: Span) -> float:
    try:
        value = float(flag.partition("=")[2])
    except ValueError:
        value = -1.0
    if not (math.isfinite(value) and value >= 0):
        raise EquationError(f"'{flag}' is no factor of the learning rate", span, "write a number, such as rate=3")
    return value


def _bounds(flag: str, span: Span, dim: Dimension) -> tuple[float, float]:
    text = flag.partition("=")[2].strip()
    parts = text[1:-1].split(",") if text.startswith("[") and text.endswith("]") else []
    if len(parts) != 2:
        raise EquationError(f"'{flag}' are no bounds", span, "write two values, such as bounds=[1*ms, 200*ms]")
    low, high = (_value(p.strip(), span, dim) for p in parts)
    if not low < high:
        raise EquationError(f"no value lies within '{flag}'", span, "the lower bound comes first")
    return low, high


def _value(text: str, span: Span, dim: Dimension) -> float:
    value, found = _number(parse_expression(text, "bounds"), span)
    if found != dim and not math.isinf(value):
        raise UnitError(
            f"the bound {text} has unit {found}, and the variable has unit {dim}", span, "give bounds in its unit"
        )
    return value


def _number(expr: ast.Expr, span: Span) -> tuple[float, Dimension]:
    match expr:
        case ast.Number(value):
            return float(value), DIMENSIONLESS
        case ast.Name():
            known = known_constant(expr.id)
            if known is None:
                raise EquationError(f"'{expr.id}' in bounds is no unit", span, "bounds are numbers with units")
            return known
        case ast.Unary("-"):
            value, dim = _number(expr.operand, span)
            return -value, dim
        case ast.Binary("*" | "/"):
            (a, p), (b, q) = _number(expr.left, span), _number(expr.right, span)
            return (a * b, p * q) if expr.op == "*" else (a / b, p / q)
    raise EquationError("bounds are numbers with units", span, "such as bounds=[1*ms, 200*ms]")
