"""The Ast as a user would write it: text with no more parentheses than needed, and LaTeX."""

from __future__ import annotations

from fractions import Fraction

from eqsnn.language import ast
from eqsnn.language.ast import Binary, Boolean, Call, Compare, Expr, Logical, Name, Number, Unary

_LEVEL = {
    "or": 1,
    "and": 2,
    "not": 3,
    "compare": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "//": 6,
    "%": 6,
    "sign": 7,
    "**": 8,
}
_ATOM = 9


def text_of(expr: Expr) -> str:
    """``expr`` in the language: parsed again, it is the same."""
    return _text(expr)[0]


def _text(expr: Expr) -> tuple[str, int]:
    """The text and how tightly its outermost operator binds."""
    match expr:
        case Number(value):
            return repr(value), _ATOM
        case Unary("not"):
            return f"not {_at_least(expr.operand, _LEVEL['not'])}", _LEVEL["not"]
        case Unary():
            return f"{expr.op}{_at_least(expr.operand, _LEVEL['sign'])}", _LEVEL["sign"]
        case Binary("**"):
            return f"{_at_least(expr.left, _ATOM)}**{_at_least(expr.right, _LEVEL['sign'])}", _LEVEL["**"]
        case Binary():
            level = _LEVEL[expr.op]
            gap = "" if level == _LEVEL["*"] else " "
            return f"{_at_least(expr.left, level)}{gap}{expr.op}{gap}{_at_least(expr.right, level + 1)}", level
        case Compare():
            level = _LEVEL["compare"]
            return f"{_at_least(expr.left, level + 1)} {expr.op} {_at_least(expr.right, level + 1)}", level
        case Logical():
            level = _LEVEL[expr.op]
            return f"{_at_least(expr.left, level)} {expr.op} {_at_least(expr.right, level + 1)}", level
        case Call():
            return f"{expr.function}({', '.join(map(text_of, expr.args))})", _ATOM
    return str(expr), _ATOM


def _at_least(expr: Expr, level: int) -> str:
    text, own = _text(expr)
    return text if own >= level else f"({text})"


def definition_text(d: ast.Definition) -> str:
    """A definition of the equations on one line."""
    flags = f" ({', '.join(d.flags)})" if d.flags else ""
    left = {ast.Differential: f"d{d.name}/dt", ast.Recurrence: f"{d.name}[n+1]"}.get(type(d), d.name)
    right = "" if isinstance(d, ast.Parameter) else f" = {text_of(d.rhs)}"
    return f"{left}{right} : {text_of(d.unit)}{flags}"


# -- LaTeX ---------------------------------------------------------------------------------------------------------------------

_GREEK = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "theta", "eta", "iota", "kappa", "lambda", "mu", "nu", "xi", "rho", "sigma",
          "tau", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Sigma", "Phi", "Psi", "Omega", "pi")  # fmt: skip
_KNOWN = ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan")
_SIGNS = {"<=": r"\leq", ">=": r"\geq", "==": "=", "!=": r"\neq", "and": r"\wedge", "or": r"\vee"}


def latex_name(name: str) -> str:
    """``tau_m`` as tau with a subscript."""
    head, *tail = name.split("_")
    letter = next((g for g in _GREEK if head.startswith(g)), None)
    if letter is not None:
        tail = [t for t in (head[len(letter) :], *tail) if t]
        head = f"\\{letter}"
    elif len(head) > 1:
        head = f"\\mathrm{{{head}}}"
    return f"{head}_{{{','.join(t for t in tail)}}}" if tail else head


def latex_of(expr: Expr) -> str:
    """``expr`` in LaTeX, its terms in the user's order."""
    return _latex(expr)[0]


def _latex(expr: Expr) -> tuple[str, int]:
    match expr:
        case Number(value):
            text = f"{value:g}" if isinstance(value, float) else str(value)
            if "e" in text:
                digits, power = text.split("e")
                return rf"{digits} \cdot 10^{{{int(power)}}}", _LEVEL["*"]
            return text, _ATOM
        case Boolean(value):
            return rf"\mathrm{{{'true' if value else 'false'}}}", _ATOM
        case Name(name):
            return latex_name(name), _ATOM
        case Unary("not"):
            return rf"\neg {_in_latex(expr.operand, _LEVEL['not'])}", _LEVEL["not"]
        case Unary():
            return f"{expr.op}{_in_latex(expr.operand, _LEVEL['*'])}", _LEVEL["sign"]
        case Binary("/"):
            return rf"\frac{{{latex_of(expr.left)}}}{{{latex_of(expr.right)}}}", _LEVEL["sign"]
        case Binary("//"):
            return rf"\left\lfloor \frac{{{latex_of(expr.left)}}}{{{latex_of(expr.right)}}} \right\rfloor", _ATOM
        case Binary("**"):
            return f"{_in_latex(expr.left, _ATOM)}^{{{latex_of(expr.right)}}}", _LEVEL["**"]
        case Binary():
            level = _LEVEL[expr.op]
            sign = {"*": " ", "%": r" \bmod "}.get(expr.op, f" {expr.op} ")
            if expr.op == "*" and isinstance(expr.right, Number):
                sign = r" \cdot "
            return f"{_in_latex(expr.left, level)}{sign}{_in_latex(expr.right, level + 1)}", level
        case Compare() | Logical():
            level = _LEVEL["compare"] if isinstance(expr, Compare) else _LEVEL[expr.op]
            sign = _SIGNS.get(expr.op, expr.op)
            return f"{_in_latex(expr.left, level)} {sign} {_in_latex(expr.right, level + 1)}", level
        case Call():
            return _latex_call(expr), _ATOM
    raise TypeError(f"not an expression: {expr!r}")


def _in_latex(expr: Expr, level: int) -> str:
    text, own = _latex(expr)
    return text if own >= level else rf"\left({text}\right)"


def _latex_call(expr: Call) -> str:
    arguments = ", ".join(map(latex_of, expr.args))
    if expr.function == "sqrt":
        return rf"\sqrt{{{arguments}}}"
    if expr.function == "abs":
        return rf"\left|{arguments}\right|"
    name = f"\\{expr.function}" if expr.function in _KNOWN else latex_name(expr.function)
    return rf"{name}\left({arguments}\right)"


def definition_latex(d: ast.Definition) -> str:
    """A definition in LaTeX, aligned at its equals sign or colon, the unit at the right."""
    name = latex_name(d.name)
    left = {ast.Differential: rf"\frac{{\mathrm{{d}}{name}}}{{\mathrm{{d}}t}}", ast.Recurrence: f"{name}[n+1]"}.get(
        type(d), name
    )
    right = "&" if isinstance(d, ast.Parameter) else f"&= {latex_of(d.rhs)}"
    flags = rf"\;\text{{({', '.join(d.flags)})}}" if d.flags else ""
    return rf"{left} {right} && \text{{{text_of(d.unit)}}}{flags}"


# -- from values -----------------------------------------------------------------------------------------------------------------


def number_with_unit(value: float | int | bool, units: list[tuple[str, Fraction | int]], span) -> Expr:
    """The expression for ``value`` times powers of named units, such as ``10*ms``."""
    if isinstance(value, bool):
        return Boolean(value, span)
    result: Expr = Number(abs(value), span)
    if value < 0:
        result = Unary("-", result, span)
    for name, power in units:
        unit: Expr = Name(name, span)
        if power != 1:
            unit = Binary("**", unit, _exponent(power, span), span)
        result = Binary("*", result, unit, span)
    return result


def _exponent(power: Fraction | int, span) -> Expr:
    exact = Fraction(power)
    top: Expr = Number(abs(exact.numerator), span)
    top = Unary("-", top, span) if exact < 0 else top
    return top if exact.denominator == 1 else Binary("/", top, Number(exact.denominator, span), span)
