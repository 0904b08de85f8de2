"""Kernel IR: typed statements on buffers over a domain. Sympy ends before it; no language is chosen yet.

A kernel is what one element of its domain does. The domains:

- ``neuron``: element ``i`` in ``[lo, hi)``; buffers of extent 'self' are read at ``i``.
- ``event``: position ``k`` in the list of events of this step; ``i = events[k]``; otherwise like ``neuron``.
- ``pathway``: every synapse ``s`` of the rows of the arriving events; extent 'self' is read at ``s``, 'pre' at ``pre``, 'post' at ``post``
  (indices in the whole source and target group; the ``i`` and ``j`` that users see are computed from them). A clock-driven synapse
  that reads its neurons is a pathway at which all rows arrive; one that does not is a ``neuron`` kernel over synapses.
- ``pair``: every pair of a row ``pre`` in ``[lo, hi)`` and one of the scalar 'columns' columns ``post``; extents 'pre' and 'post' are read at
  these. What it emits are the pairs' numbers ``(pre - lo) * columns + post``.

Every extent but 'shared' and 'table' has a batch axis; ``batch`` is its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field, replace
from typing import Literal

from eqsnn.errors import Span
from eqsnn.frozen import dataclass

Type = Literal["f64", "f32", "f16", "i64", "i32", "i16", "i8", "u16", "b8"]
"""Of these f16, i16 and i8 are only types of memory: values are widened where they are read (passes/fit_memory.py)."""
FLOATS = ("f64", "f32")
Extent = Literal["self", "pre", "post", "shared", "table"]
DomainKind = Literal["neuron", "event", "pathway", "pair"]


@dataclass(frozen=True)
class Const:
    """A literal. Only numbers that the user or a method wrote into the equation; values of parameters are never literals."""

    value: int | float | bool
    type: Type


@dataclass(frozen=True)
class Local:
    """The value of an earlier ``Let``, of a scalar, or of an index of the domain: ``@i`` (element), ``@s``, ``@pre``, ``@post``, all i64."""

    name: str
    type: Type


@dataclass(frozen=True)
class Load:
    """An element of a buffer: at the element's own index, or at ``index`` for a table."""

    buffer: str
    type: Type
    index: Expr | None = None


@dataclass(frozen=True)
class Unary:
    """``op`` is '-' or 'not'."""

    op: str
    a: Expr
    type: Type


@dataclass(frozen=True)
class Binary:
    """``op`` is one of ``+ - * /`` on numbers of one type, or ``and or`` on b8. ``/`` is on floats only."""

    op: str
    a: Expr
    b: Expr
    type: Type


@dataclass(frozen=True)
class Compare:
    """``op`` is one of ``< <= > >= == !=`` on two operands of one type; the result is b8."""

    op: str
    a: Expr
    b: Expr
    type: Type = "b8"


@dataclass(frozen=True)
class Select:
    """``a`` where ``condition``, else ``b``; both are evaluated."""

    condition: Expr
    a: Expr
    b: Expr
    type: Type


@dataclass(frozen=True)
class Call:
    """A function of the prelude (``exp``, ``floor``, ``uniform`` ...) on arguments of fixed types."""

    function: str
    args: tuple[Expr, ...]
    type: Type


@dataclass(frozen=True)
class Cast:
    """``a`` as another type; float to integer truncates towards zero, anything to b8 compares with 0."""

    a: Expr
    type: Type


@dataclass(frozen=True)
class Drawn:
    """The number that an alias table (``kernel/random.py``) of ``length`` f64 values makes of ``value``, a uniform number from [0, 1); i64."""

    buffer: str
    length: Expr
    value: Expr
    type: Type = "i64"


@dataclass(frozen=True)
class Extern:
    """A function that the user gave, by the name under which it is bound. It stands alone on the right-hand side of a ``Let``.

    It is called with whole arrays, one value an element; ``stateful`` says that the order of its calls matters.
    """

    function: str
    args: tuple[Expr, ...]
    type: Type
    stateful: bool = False


Expr = Const | Local | Load | Unary | Binary | Compare | Select | Call | Cast | Drawn | Extern


RANDOM: dict[str, tuple[Type, ...]] = {
    "uniform": ("i64",) * 4,
    "normal": ("i64",) * 4,
    "poisson": ("i64", "i64", "i64", "i64", "f64"),
}
"""The random functions of ``Call`` and the types of their arguments: key, element, count, draw, and parameters."""


@dataclass(frozen=True)
class Let:
    """``name = expr``, once."""

    name: str
    expr: Expr
    source: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Store:
    """``buffer[own index] = expr``, only where ``guard`` (b8) is true if there is one; ``add`` makes it ``+=``."""

    buffer: str
    expr: Expr
    guard: Expr | None = None
    add: bool = False
    source: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Emit:
    """The element joins the list of events of this step if ``condition`` is true. Once, and last, in a neuron kernel or one over pairs."""

    condition: Expr
    source: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Chance:
    """In place of an Emit: the element joins with this ``probability``, by the gaps between events (``kernel/gaps.py``). ``draw`` is the call of
    ``uniform`` whose stream is used; ``size``, how many elements there are."""

    probability: Expr
    draw: Call
    size: Expr
    source: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class CheckFinite:
    """Raises the kernel's flag if the local (a float) is NaN or infinite."""

    name: str


@dataclass(frozen=True)
class Carried:
    """A value of a :class:`Loop`: ``first`` before the first round, ``next`` after each. Inside and after the loop ``name`` is a ``Local``."""

    name: str
    first: Expr
    next: Expr

    @property
    def type(self) -> Type:
        return self.first.type


@dataclass(frozen=True)
class Loop:
    """While ``again`` (b8, of carried values and what stands before the loop): make the values of ``body``, then all carried values become
    their next ones. Each element of the domain goes round as often as it needs; names of the body end with it."""

    carried: tuple[Carried, ...]
    again: Expr
    body: tuple[Let, ...]


@dataclass(frozen=True)
class Require:
    """Stops the run with ``message`` where the condition is false, naming the element."""

    condition: Expr
    message: str


Statement = Let | Store | Emit | Chance | CheckFinite | Loop | Require


@dataclass(frozen=True)
class Buffer:
    """Memory that the kernel reads or writes.

    ``owner`` and ``variable`` say what it holds (as in ``update_map.Input``); owner 'derived' means that ``Kernel.hoisted`` computes it.
    """

    name: str
    type: Type
    extent: Extent
    owner: str
    variable: str
    writable: bool = False


@dataclass(frozen=True)
class Scalar:
    """A number handed to the kernel as an argument.

    ``owner`` is 'external' (a constant of the namespace), 'clock' (``t`` f64 seconds, ``dt`` f64 seconds, ``step`` i64), 'index'
    (``N``, ``N_pre``, ``N_post``, ``i_offset``, ``j_offset``: i64), 'derived' (computed by ``Kernel.hoisted`` before the run),
    'random' (``key``: i64 bits of the site's key, ``count``: i64 updates so far), 'shape' (a table's length) or 'linked' (the last
    element of the group that a linked variable reads).
    """

    name: str
    type: Type
    owner: str
    variable: str


@dataclass(frozen=True)
class Hoisted:
    """``name`` (a scalar, or a buffer of extent 'self' if ``per_element``) computed before each run, in this order.

    ``expr`` uses external constants, constant parameters, ``dt`` and earlier hoisted names.
    """

    name: str
    expr: Expr
    per_element: bool = False


@dataclass(frozen=True)
class HoistedPropagator:
    """expm of ``matrix`` (typed expressions, already multiplied by dt): ``entries`` names the elements that the kernel uses."""

    matrix: tuple[tuple[Expr, ...], ...]
    entries: tuple[tuple[str | None, ...], ...]
    per_element: bool = False


@dataclass(frozen=True)
class Kernel:
    """One typed compute loop.

    ``rows`` says which side's neurons a pathway's rows belong to ('pre': arriving spikes of the source); ``whole``, that all of them arrive in
    every step; ``long_runs``, that most synapses of a row lead to one neuron after the other, and lie beside each other in memory ('next') or at
    one distance ('apart'); ``awake`` names the condition that is false for an element which waits for some time after its event, where nothing
    else that happens in the run can make it wait (kernel/resting.py); ``wide``: in a list of the numbers of synapses one takes 64 bits.
    ``name`` is an identifier safe in C.
    ``owner`` names the user's object for error messages. ``body`` may be empty of stores only if it emits.
    """

    name: str
    owner: str
    domain: DomainKind
    buffers: tuple[Buffer, ...]
    scalars: tuple[Scalar, ...]
    hoisted: tuple[Hoisted | HoistedPropagator, ...]
    body: tuple[Statement, ...]
    batch: int = 1
    rows: Literal["pre", "post"] = "pre"
    whole: bool = False
    long_runs: Literal["", "next", "apart"] = ""
    awake: str = ""
    wide: bool = False

    def buffer(self, name: str) -> Buffer:
        """The buffer called ``name``."""
        return next(b for b in self.buffers if b.name == name)

    @property
    def externs(self) -> tuple[Extern, ...]:
        """The calls of user functions, in their order."""
        return tuple(s.expr for s in self.body if isinstance(s, Let) and isinstance(s.expr, Extern))

    @property
    def ordered(self) -> bool:
        """Whether elements must be done in order, on one thread, because a user function has a state."""
        return any(e.stateful for e in self.externs)

    @property
    def one_by_one(self) -> bool:
        """Whether a synapse of a pathway may read what the one before has written, or a user function must see them in their order."""
        written = {s.buffer for s in self.body if isinstance(s, Store) and not s.add}
        return self.ordered or any(b.extent in ("pre", "post") and b.name in written for b in self.buffers)


def children(expr: Expr) -> tuple[Expr, ...]:
    """The operands of an expression."""
    match expr:
        case Load(index=index):
            return () if index is None else (index,)
        case Unary() | Cast():
            return (expr.a,)
        case Binary() | Compare():
            return (expr.a, expr.b)
        case Select():
            return (expr.condition, expr.a, expr.b)
        case Call() | Extern():
            return expr.args
        case Drawn():
            return (expr.length, expr.value)
    return ()


def rebuild(expr: Expr, parts: tuple[Expr, ...]) -> Expr:
    """``expr`` with other operands."""
    match expr:
        case Load():
            return expr if expr.index is None else replace(expr, index=parts[0])
        case Unary() | Cast():
            return replace(expr, a=parts[0])
        case Binary() | Compare():
            return replace(expr, a=parts[0], b=parts[1])
        case Select():
            return replace(expr, condition=parts[0], a=parts[1], b=parts[2])
        case Call() | Extern():
            return replace(expr, args=parts)
        case Drawn():
            return replace(expr, length=parts[0], value=parts[1])
    return expr


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and all it is made of."""
    yield expr
    for part in children(expr):
        yield from walk(part)


def expressions(statement: Statement) -> tuple[Expr, ...]:
    """The expressions of a statement."""
    match statement:
        case Let():
            return (statement.expr,)
        case Store():
            return (statement.expr,) if statement.guard is None else (statement.expr, statement.guard)
        case Emit() | Require():
            return (statement.condition,)
        case Chance():
            return (statement.probability, statement.draw, statement.size)
        case Loop(carried, again, body):
            return (*(c.first for c in carried), *(c.next for c in carried), again, *(s.expr for s in body))
    return ()


def with_expressions(statement: Statement, parts: tuple[Expr, ...]) -> Statement:
    """The statement with other expressions."""
    match statement:
        case Let():
            return replace(statement, expr=parts[0])
        case Store():
            return replace(statement, expr=parts[0], guard=parts[1] if len(parts) > 1 else None)
        case Emit() | Require():
            return replace(statement, condition=parts[0])
        case Chance():
            return replace(statement, probability=parts[0], draw=parts[1], size=parts[2])
        case Loop(carried, _, body):
            n = len(carried)
            firsts, nexts, again, rest = parts[:n], parts[n : 2 * n], parts[2 * n], parts[2 * n + 1 :]
            return Loop(
                tuple(replace(c, first=f, next=x) for c, f, x in zip(carried, firsts, nexts)),
                again,
                tuple(replace(s, expr=e) for s, e in zip(body, rest)),
            )
    return statement


def names_made(statement: Statement) -> tuple[str, ...]:
    """The names that a statement gives values to."""
    match statement:
        case Let(name):
            return (name,)
        case Loop(carried, _, body):
            return (*(c.name for c in carried), *(s.name for s in body))
    return ()


def identifier(text: str) -> str:
    """``text`` with everything but letters and digits replaced by underscores."""
    return re.sub(r"[^A-Za-z0-9]", "_", text)
