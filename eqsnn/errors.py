"""Errors, and the piece of user text each speaks about.

``EquationError`` and ``UnitError`` are about what the user wrote; ``CompileError`` is about the machine's compiler;
``InternalError`` is ours. Every error that is about text carries a :class:`Span` and shows the line with a caret.
"""

from __future__ import annotations

from eqsnn.frozen import dataclass

_WIDEST = 160  # a longer line is cut around the caret


@dataclass(frozen=True)
class Span:
    """The half-open range ``[start, end)`` of characters in ``text``, the user's whole string.

    ``origin`` says what the text is, in the user's words: ``'equations'``, ``'threshold'``, ``'on_pre'`` ...
    """

    text: str
    start: int
    end: int
    origin: str = "equations"

    @property
    def line_number(self) -> int:
        """The line on which the range starts, counted from 1."""
        return self.text.count("\n", 0, self.start) + 1

    @property
    def source(self) -> str:
        """The user's characters in the range."""
        return self.text[self.start : self.end]

    @property
    def line(self) -> str:
        """The whole line on which the range starts, without its indentation."""
        first = self.text.rfind("\n", 0, self.start) + 1
        last = self.text.find("\n", self.start)
        return self.text[first : len(self.text) if last < 0 else last].strip()

    def to(self, other: Span) -> Span:
        """The range from the start of this one to the end of ``other``."""
        return Span(self.text, self.start, max(self.end, other.end), self.origin)

    def show(self) -> str:
        """The line with carets under the range, two lines of text without a trailing newline."""
        first = self.text.rfind("\n", 0, self.start) + 1
        last = self.text.find("\n", self.start)
        last = len(self.text) if last < 0 else last
        line = self.text[first:last].rstrip().expandtabs(1)
        indent = len(line) - len(line.lstrip())
        line = line[indent:]
        column = max(self.start - first - indent, 0)
        width = max(min(self.end, last) - self.start, 1)
        if len(line) > _WIDEST:
            cut = max(0, column - _WIDEST // 2)
            line, column = line[cut : cut + _WIDEST], column - cut
            width = min(width, _WIDEST - column)
        where = (
            f"line {self.line_number} of the {self.origin}" if "\n" in self.text.strip("\n") else f"the {self.origin}"
        )
        return f"  in {where}:\n    {line}\n    {' ' * column}{'^' * width}"


class EqsnnError(Exception):
    """Base of every error that eqsnn raises on purpose."""


class _AboutText(EqsnnError):
    """An error about a span of user text: ``message`` says what was found, ``hint`` what would be right."""

    def __init__(self, message: str, span: Span | None = None, hint: str = ""):
        self.message, self.span, self.hint = message, span, hint
        parts = [message]
        if span is not None:
            parts.append(span.show())
        if hint:
            parts.append(f"  {hint}")
        super().__init__("\n".join(parts))

    def __reduce__(self):
        return type(self), (self.message, self.span, self.hint)


class EquationError(_AboutText, ValueError):
    """The user's equations, statements or options are not a model."""


class UnitError(_AboutText, ValueError):
    """Physical dimensions do not agree. Scripts may raise it with the dimensions behind the text, as in Brian 2."""

    def __init__(self, message: str, span: Span | None = None, hint: str = "", *more):
        if span is not None and not isinstance(span, Span):
            dims = " and ".join(str(d) for d in (span, hint, *more) if d != "")
            message, span, hint = f"{message} (units are {dims})", None, ""
        super().__init__(message, span, hint)


class FunctionError(EquationError):
    """A function of the user that equations call has failed, or gave something that is not what it promised."""


class WrongValueError(EqsnnError, ValueError):
    """An argument has a value that it cannot have."""


class WrongTypeError(EqsnnError, TypeError):
    """An argument is not the kind of thing that it must be."""


class OutOfRangeError(EqsnnError, IndexError):
    """An index that there is not, or a slice without elements."""


class NoSuchPairError(EquationError, IndexError):
    """A string makes an index that there is not."""


class UnknownNameError(EqsnnError, AttributeError, KeyError):
    """A name that nothing has, asked for as an attribute or as a key."""

    def __str__(self) -> str:
        return Exception.__str__(self)  # a KeyError would put it in quotes


class NoFileError(EqsnnError, FileNotFoundError):
    """A file that there is not."""


class MagicError(EqsnnError):
    """``run()`` without a network cannot know what is meant."""


class NotConnectedError(EqsnnError, TypeError):
    """Synapses are used that ``connect()`` has not made yet."""


class CompileError(EqsnnError):
    """Generated code did not compile, or no compiler was found."""


class InternalError(EqsnnError):
    """A defect of eqsnn, not of the user's model."""

    def __init__(self, message: str):
        super().__init__(f"{message}\nThis is a defect of eqsnn. Please report it with the model that caused it.")


class IntegrationError(EqsnnError, ArithmeticError):
    """An adaptive method could not keep the error it was asked for."""


class SweepError(EqsnnError):
    """A point of a sweep failed; ``point`` has its parameters."""

    def __init__(self, message: str, point: dict | None = None):
        super().__init__(message)
        self.point = point or {}


class NotFiniteError(EqsnnError, FloatingPointError):
    """A variable became NaN or infinite during a run."""
