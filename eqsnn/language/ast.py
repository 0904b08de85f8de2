"""The Ast: what the user wrote, as frozen nodes, each with its :class:`~eqsnn.errors.Span`.

One class a rule of ``equations.lark``. Spans take no part in equality, so ``parse(str(ast)) == ast``.
Nothing here knows units, meanings or mathematics.
"""

from __future__ import annotations

from dataclasses import field

from eqsnn.errors import Span
from eqsnn.frozen import dataclass


def _span() -> Span:
    return field(compare=False, repr=False)


@dataclass(frozen=True)
class Number:
    """A literal: ``value`` is an int where the user wrote one (``2``), else a float; ``unit`` names never stick to it."""

    value: int | float
    span: Span = _span()

    def __str__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True)
class Boolean:
    """``True`` or ``False``."""

    value: bool
    span: Span = _span()

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True)
class Name:
    """An identifier, not yet bound to a meaning."""

    id: str
    span: Span = _span()

    def __str__(self) -> str:
        return self.id


@dataclass(frozen=True)
class Unary:
    """``op`` is ``'-'``, ``'+'`` or ``'not'``."""

    op: str
    operand: Expr
    span: Span = _span()

    def __str__(self) -> str:
        return f"({self.op}{' ' if self.op == 'not' else ''}{self.operand})"


@dataclass(frozen=True)
class Binary:
    """``op`` is one of ``+ - * / // % **``."""

    op: str
    left: Expr
    right: Expr
    span: Span = _span()

    def __str__(self) -> str:
        return f"({self.left} {self.op} {self.right})"


@dataclass(frozen=True)
class Compare:
    """``op`` is one of ``< <= > >= == !=``; chains (``a < b < c``) arrive as ``and`` of two."""

    op: str
    left: Expr
    right: Expr
    span: Span = _span()

    def __str__(self) -> str:
        return f"({self.left} {self.op} {self.right})"


@dataclass(frozen=True)
class Logical:
    """``op`` is ``'and'`` or ``'or'``."""

    op: str
    left: Expr
    right: Expr
    span: Span = _span()

    def __str__(self) -> str:
        return f"({self.left} {self.op} {self.right})"


@dataclass(frozen=True)
class Call:
    """A function applied to positional arguments; ``keywords`` only where a generator loops over ``sample(..., p=...)``."""

    function: str
    args: tuple[Expr, ...]
    span: Span = _span()
    name_span: Span = _span()
    keywords: tuple[tuple[str, Expr], ...] = ()

    def __str__(self) -> str:
        named = [f"{name}={value}" for name, value in self.keywords]
        return f"{self.function}({', '.join([*map(str, self.args), *named])})"


Expr = Number | Boolean | Name | Unary | Binary | Compare | Logical | Call


@dataclass(frozen=True)
class Differential:
    """``d<name>/dt = <rhs> : <unit> (<flags>)``"""

    name: str
    rhs: Expr
    unit: Expr
    flags: tuple[str, ...]
    span: Span = _span()
    name_span: Span = _span()
    flag_spans: tuple[Span, ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        return f"d{self.name}/dt = {self.rhs} : {self.unit}{_flags(self.flags)}"


@dataclass(frozen=True)
class Subexpression:
    """``<name> = <rhs> : <unit> (<flags>)``"""

    name: str
    rhs: Expr
    unit: Expr
    flags: tuple[str, ...]
    span: Span = _span()
    name_span: Span = _span()
    flag_spans: tuple[Span, ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.name} = {self.rhs} : {self.unit}{_flags(self.flags)}"


@dataclass(frozen=True)
class Recurrence:
    """``<name>[n+1] = <rhs> : <unit> (<flags>)``, a model published as a map."""

    name: str
    rhs: Expr
    unit: Expr
    flags: tuple[str, ...]
    span: Span = _span()
    name_span: Span = _span()
    flag_spans: tuple[Span, ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.name}[n+1] = {self.rhs} : {self.unit}{_flags(self.flags)}"


@dataclass(frozen=True)
class Parameter:
    """``<name> : <unit> (<flags>)``; ``a, b : volt`` arrives as two of these."""

    name: str
    unit: Expr
    flags: tuple[str, ...]
    span: Span = _span()
    name_span: Span = _span()
    flag_spans: tuple[Span, ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.name} : {self.unit}{_flags(self.flags)}"


Definition = Differential | Subexpression | Recurrence | Parameter


@dataclass(frozen=True)
class Equations:
    """The definitions of one equation string, in the user's order."""

    definitions: tuple[Definition, ...]
    text: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return "\n".join(map(str, self.definitions))


@dataclass(frozen=True)
class Assign:
    """``<target> <op> <value>`` with ``op`` one of ``= += -= *= /= //= %= **=``; ``target`` may end in ``_pre``/``_post``."""

    target: str
    op: str
    value: Expr
    span: Span = _span()
    target_span: Span = _span()

    def __str__(self) -> str:
        return f"{self.target} {self.op} {self.value}"


@dataclass(frozen=True)
class Statements:
    """The statements of a reset, on_pre, on_post or run_regularly string, in order."""

    assignments: tuple[Assign, ...]
    text: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return "\n".join(map(str, self.assignments))


@dataclass(frozen=True)
class Generator:
    """``<element> for <variable> in <iterable>(<args>) [if <condition>]``, the ``j='...'`` of ``connect``."""

    element: Expr
    variable: str
    iterable: Call
    condition: Expr | None
    span: Span = _span()

    def __str__(self) -> str:
        tail = f" if {self.condition}" if self.condition is not None else ""
        return f"{self.element} for {self.variable} in {self.iterable}{tail}"


@dataclass(frozen=True)
class FunctionDefinition:
    """``<name>(<parameters>) = <body>``; ``spans`` are those of the name and the parameters."""

    name: str
    parameters: tuple[str, ...]
    body: Expr
    span: Span = _span()
    spans: tuple[Span, ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.name}({', '.join(self.parameters)}) = {self.body}"


def _flags(flags: tuple[str, ...]) -> str:
    return f" ({', '.join(flags)})" if flags else ""


def walk(node: Expr):
    """Every expression node below and including ``node``, outermost first, left to right."""
    yield node
    for child in children(node):
        yield from walk(child)


def children(node: Expr) -> tuple[Expr, ...]:
    """The direct subexpressions of ``node``."""
    match node:
        case Unary():
            return (node.operand,)
        case Binary() | Compare() | Logical():
            return (node.left, node.right)
        case Call():
            return node.args
    return ()


def names(node: Expr) -> dict[str, Span]:
    """The free names of an expression with the span of their first use; function names are not among them."""
    found: dict[str, Span] = {}
    for part in walk(node):
        if isinstance(part, Name):
            found.setdefault(part.id, part.span)
    return found
