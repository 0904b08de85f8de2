"""What a model is once every name has its meaning: no time step, no dtype, no mathematics beyond the Ast."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import Literal

from eqsnn.errors import Span
from eqsnn.frozen import dataclass
from eqsnn.language.ast import Expr, Statements
from eqsnn.units import Dimension

Kind = Literal["state", "recurrence", "subexpression", "parameter", "input"]
DType = Literal["float", "integer", "boolean"]


@dataclass(frozen=True)
class Variable:
    """One definition of the equations, resolved.

    ``kind``: 'state' evolves by ``expr`` = its time derivative; 'recurrence' by ``expr`` = its next value; 'subexpression' equals
    ``expr``; 'parameter' is set by the user; 'input' gathers synaptic arrivals and is cleared after each state update.
    ``dim`` is the dimension of the variable itself. ``shared`` variables have one value for the whole group.
    """

    name: str
    kind: Kind
    dim: Dimension
    dtype: DType
    flags: frozenset[str]
    expr: Expr | None
    span: Span = field(compare=False, repr=False)

    @property
    def shared(self) -> bool:
        return "shared" in self.flags

    @property
    def held(self) -> bool:
        """True for a subexpression that is evaluated once at the start of each step, and keeps that value in it."""
        return "constant over dt" in self.flags

    @property
    def linked(self) -> bool:
        """True for a parameter that is the variable of another group (network/linked.py)."""
        return "linked" in self.flags

    @property
    def storage(self) -> str | None:
        """The type in which its values are kept, if the equations say so: 'float16' for ``(dtype=float16)``."""
        return next((f.removeprefix("dtype=") for f in self.flags if f.startswith("dtype=")), None)

    @property
    def constant(self) -> bool:
        """True if the value cannot change during a run."""
        return "constant" in self.flags


Owner = Literal[
    "self", "pre", "post", "each_pre", "each_post", "external", "clock", "index", "local", "argument", "function"
]


@dataclass(frozen=True)
class Symbol:
    """What one name means in one context.

    ``owner`` says whose it is: 'self' (this group's or synapse's variable), 'pre'/'post' (of the source or target group, ``variable`` is
    its name there), 'external' (a constant from the namespace), 'clock' (``t``, ``dt``, ``t_in_timesteps``), 'index' (``i``, ``j``,
    ``N``, ``N_pre`` ...), 'local' (introduced by a statement), 'argument' (of an inline function). ``dim`` None means not known yet
    (an external constant before a run).
    ``expr`` is set where the variable is a subexpression of its owner: then its names are looked up in ``Scope.of(owner)``.
    """

    name: str
    owner: Owner
    variable: str
    dim: Dimension | None
    dtype: DType = "float"
    shared: bool = False
    constant: bool = False
    read_only: bool = False
    unless_refractory: bool = False
    expr: Expr | None = None
    linked: bool = False  # the value is that of another group's variable
    evolves: bool = False  # a differential equation or a map gives its value in each step


@dataclass(frozen=True)
class Scope:
    """The names that an expression or a statement may use, each with its one meaning.

    ``symbols`` maps names to meanings; a name that is in none of them is an external constant, if ``open_ended`` (before the
    namespace is read), else an error. ``pre`` and ``post`` are the scopes in which subexpressions of the source and target group
    read their names. ``functions`` maps the names of user functions and TimedArrays to their specifications.
    """

    symbols: Mapping[str, Symbol]
    functions: Mapping[str, object] = field(default_factory=dict)
    pre: Scope | None = None
    post: Scope | None = None
    open_ended: bool = True
    others: tuple[str, ...] = ()  # numbers of the namespace that have other names, for 'did you mean'

    def find(self, name: str) -> Symbol | None:
        """The meaning of ``name``; an external of unknown dimension if the scope is open-ended; else None."""
        if name in self.symbols:
            return self.symbols[name]
        return Symbol(name, "external", name, None, shared=True, constant=True) if self.open_ended else None

    def of(self, owner: str) -> Scope:
        """The scope in which subexpressions of an owner read their names; for 'post.pre', that of the source of the target."""
        scope = self
        for side in owner.split("."):
            scope = {"pre": scope.pre, "post": scope.post}.get(side) or scope
        return scope

    def with_externals(
        self, dims: Mapping[str, Dimension], others: Iterable[str] = (), values: Mapping[str, object] | None = None
    ) -> Scope:
        """The closed scope of a run: external constants have dimensions now (and types, if ``values`` has them), and no further name may
        appear; ``others``: names of numbers that one of them may have been meant for."""
        whole = {n for n, v in (values or {}).items() if isinstance(v, int) and not isinstance(v, bool)}
        known = {
            n: Symbol(n, "external", n, d, "integer" if n in whole else "float", shared=True, constant=True)
            for n, d in dims.items()
            if n not in self.symbols
        }
        return replace(self, symbols={**self.symbols, **known}, open_ended=False, others=tuple(others))


def seen_from(frame: str, owner: str) -> str:
    """Whose variable it is when an expression of ``frame`` is read from outside: a connected group's own variable is that of 'pre' or
    'post'; where synapses are connected, that of their own source is e.g. 'post.pre', the source of the synapse that is the target."""
    if frame == "self":
        return owner
    return frame if owner == "self" else f"{frame}.{owner}" if owner in ("pre", "post") else owner


@dataclass(frozen=True)
class Event:
    """A condition and the statements for the elements at which it holds. The event 'spike' is that of ``threshold`` and ``reset``; it alone
    respects refractoriness. When they are evaluated is said by the group (network/events.py)."""

    name: str
    condition: Expr | None
    reset: Statements | None


@dataclass(frozen=True)
class Model:
    """The resolved equations of a neuron or a synapse.

    ``variables`` keep the user's order. ``scope`` has every name of the equations. ``externals`` are the names that the
    namespace must supply at a run, with the span of first use. ``refractory`` is None, or the expression the user gave: a
    duration (dimension second) or a condition (boolean).
    """

    name: str
    variables: tuple[Variable, ...]
    scope: Scope
    events: tuple[Event, ...] = ()
    refractory: Expr | None = None
    externals: Mapping[str, Span] = field(default_factory=dict, compare=False)
    text: str = field(default="", compare=False, repr=False)

    def __getitem__(self, name: str) -> Variable:
        for variable in self.variables:
            if variable.name == name:
                return variable
        raise KeyError(name)

    @property
    def visible(self) -> tuple[Variable, ...]:
        """The variables that the user sees: not what a method of integration remembers, whose names begin with an underscore."""
        return tuple(v for v in self.variables if not v.name.startswith("_"))

    def of_kind(self, *kinds: Kind) -> tuple[Variable, ...]:
        """The variables of these kinds, in the user's order."""
        return tuple(v for v in self.variables if v.kind in kinds)
