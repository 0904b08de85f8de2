"""Equations as an object: they can be added up and given to several groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from eqsnn.errors import EqsnnError, EquationError
from eqsnn.language import ast
from eqsnn.language.parse import parse
from eqsnn.model.functions import FUNCTIONS
from eqsnn.network.binomial import BinomialFunction
from eqsnn.network.timedarray import TimedArray


class Equations:
    """Parsed equations. ``Equations(a) + Equations(b)`` (or ``+ 'text'``) joins the definitions."""

    def __init__(self, text: str | ast.Equations):
        if not isinstance(text, (str, ast.Equations)):
            raise EquationError(f"equations must be a string; got {text!r}")
        self.ast = parse(text) if isinstance(text, str) else text

    def __add__(self, other: Equations | str) -> Equations:
        other = other if isinstance(other, Equations) else Equations(other)
        joined = self.ast.definitions + other.ast.definitions
        return Equations(ast.Equations(joined, "\n".join((self.ast.text, other.ast.text))))

    def __radd__(self, other: str) -> Equations:
        return Equations(other) + self

    def __str__(self) -> str:
        return str(self.ast)

    def __repr__(self) -> str:
        return f"Equations({str(self)!r})"


def expressions_of(part) -> Iterable[ast.Expr]:
    """The expressions in equations, statements, or an expression."""
    if part is None:
        return
    if isinstance(part, ast.Equations):
        yield from (d.rhs for d in part.definitions if not isinstance(d, ast.Parameter))
    elif isinstance(part, ast.Statements):
        yield from (a.value for a in part.assignments)
    elif isinstance(part, (list, tuple)):
        for p in part:
            yield from expressions_of(p)
    else:
        yield part


def functions_used(*parts, spaces: Iterable[Mapping[str, object]]) -> dict[str, object]:
    """The specifications of those called functions that are not of the vocabulary but are found in ``spaces``."""
    found: dict[str, object] = {}
    spaces = list(spaces)
    for expr in expressions_of(parts):
        for node in ast.walk(expr):
            if not isinstance(node, ast.Call) or node.function in FUNCTIONS or node.function in found:
                continue
            value = next((s[node.function] for s in spaces if node.function in s), None)
            if isinstance(value, (TimedArray, BinomialFunction)):
                found[node.function] = value.specification()
            elif value is not None:
                raise EqsnnError(
                    f"'{node.function}' is a {type(value).__name__}; equations call the functions of the vocabulary and TimedArrays"
                )
    return found
