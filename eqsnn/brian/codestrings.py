"""``Expression`` and ``Statements`` of Brian 2: strings that say what they are. Wherever a string is taken, so are they."""

from __future__ import annotations

from eqsnn.brian.stringtools import get_identifiers
from eqsnn.errors import EqsnnError


class CodeString(str):
    """The text of an expression or of statements."""

    __slots__ = ()

    @property
    def code(self) -> str:
        """The text, as a plain string."""
        return str.__str__(self)

    @property
    def identifiers(self) -> set[str]:
        """The names in it."""
        return get_identifiers(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code!r})"


class Statements(CodeString):
    """One or several statements: ``NeuronGroup(..., reset=Statements('v = 0'))``."""

    __slots__ = ()


class Expression(CodeString):
    """One expression: ``NeuronGroup(..., threshold=Expression('v > 1'))``."""

    __slots__ = ()

    def __new__(cls, code: str | None = None, sympy_expression=None):
        if sympy_expression is not None or not isinstance(code, str):
            raise EqsnnError(
                "Expression() takes the text of an expression; sympy expressions are not printed to be read again"
            )
        return super().__new__(cls, code)
