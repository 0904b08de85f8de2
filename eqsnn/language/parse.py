"""Text to Ast. The only place where characters matter; every failure is an ``EquationError`` that shows the place.

A text that was parsed before may be remembered (``memory``); only for another is lark imported, and read (reader.py).
"""

from __future__ import annotations

from typing import Protocol

from eqsnn.errors import EquationError, Span
from eqsnn.language import ast


class Memory(Protocol):
    """What becomes of texts, from one process to the next. ``start`` is the kind of text; each origin has spans of its own."""

    def find(self, start: str, text: str, origin: str) -> object | None:
        """What ``keep`` was given for this text, or None."""

    def keep(self, start: str, text: str, origin: str, parsed: object) -> None:
        """Remember it."""


memory: Memory | None = None
"""Installed by a room that knows the disk (pipeline.py)."""


def parse(text: str) -> ast.Equations:
    """The definitions of an equation string. Raises ``EquationError``."""
    return _run("equations", text, "equations")


def parse_statements(text: str, origin: str = "statements") -> ast.Statements:
    """The statements of a reset, on_pre, on_post ... Raises ``EquationError``."""
    return _run("statements", text, origin)


def parse_expression(text: str, origin: str = "expression") -> ast.Expr:
    """One expression or condition. Raises ``EquationError``."""
    return _run("expression", text, origin)


def parse_generator(text: str, origin: str = "generator") -> ast.Generator | ast.Expr:
    """An expression, or ``element for variable in iterable(...) if condition``. Raises ``EquationError``."""
    return _run("generator", text, origin)


def parse_function(text: str) -> ast.FunctionDefinition:
    """A function with parameters, ``f(x) = x**2``. Raises ``EquationError``."""
    return _run("function", text, "function")


def _run(start: str, text: str, origin: str):
    if not isinstance(text, str):
        raise EquationError(f"the {origin} must be a string; got {text!r}")
    if start == "expression" and not text.strip():
        raise EquationError(f"the {origin} is empty", Span(text, 0, len(text), origin), "write an expression")
    parsed = memory.find(start, text, origin) if memory is not None else None
    if parsed is None:
        parsed = _read(start, text, origin)
        if memory is not None:
            memory.keep(start, text, origin, parsed)
    return parsed


def _read(start: str, text: str, origin: str):
    from eqsnn.language.reader import read

    found = read(start, text, origin)
    if start == "equations":
        groups = [g if isinstance(g, list) else [g] for g in found]
        _one_a_line([g[0] for g in groups])
        return ast.Equations(tuple(d for g in groups for d in g), text)
    if start == "statements":
        if not found:
            raise EquationError(
                f"the {origin} has no statements", Span(text, 0, len(text), origin), "write e.g. v = El"
            )
        return ast.Statements(tuple(found), text)
    return found


def _one_a_line(definitions: list[ast.Definition]) -> None:
    for before, after in zip(definitions, definitions[1:]):
        if "\n" not in after.span.text[before.span.start : after.span.start]:
            raise EquationError("two definitions on one line", after.name_span, "start each definition on a new line")
