"""The waist: one step of a model, written as an ordered list of assignments.

A map is in single-assignment form. An input named ``v`` is the value of ``v`` when the step begins (time t-1 of the map); every
assignment introduces a new name, ``v@1``, ``v@2``, ..., ``local@1``; a :class:`Write` says which name ends as the value of which
variable. So each symbol carries its time, the adjoint is a reverse sweep over the list, and no pass needs to rename.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import sympy
from sympy.printing.str import StrPrinter

from eqsnn.errors import Span
from eqsnn.model.model import DType, Owner


class _Readable(StrPrinter):
    """Expressions as a user writes them: the heads of the vocabulary are found by their names."""

    printmethod = "_readable"
    _INFIX = {
        "Less": "<",
        "LessEqual": "<=",
        "Equal": "==",
        "NotEqual": "!=",
        "And": "and",
        "Or": "or",
        "Modulo": "%",
        "FloorDivide": "//",
    }

    def _print_Function(self, expr) -> str:
        name, args = type(expr).__name__, [self._print(a) for a in expr.args]
        if name in self._INFIX:
            return f"({args[0]} {self._INFIX[name]} {args[1]})"
        if name == "Select":
            return f"({self.parenthesize(expr.args[1], 45)} if {args[0]} else {self.parenthesize(expr.args[2], 45)})"
        if name == "Not":
            return f"(not {args[0]})"
        if name == "Truth":
            return str(expr.args[0] != 0)
        if name == "Infinite":
            return "inf"
        if name == "Table":
            return f"{args[0]}({', '.join(args[1:])})"
        return f"{'int' if name == 'ToInt' else name.lower()}({', '.join(args)})"

    _print_And = _print_Or = _print_Not = _print_Function


def readable(expr: sympy.Basic) -> str:
    """An expression of a map for people."""
    text = _Readable().doprint(expr)
    return text[1:-1] if type(expr).__name__ in (*_Readable._INFIX, "Select", "Not") else text


def symbol(name: str) -> sympy.Symbol:
    """The sympy symbol for a name of a map. All are real; no name has a meaning for sympy (``I``, ``E``, ``beta`` are plain)."""
    return sympy.Symbol(name, real=True)


@dataclass(frozen=True)
class Input:
    """A value that the map reads: ``name`` in its expressions is ``variable`` of ``owner`` (see model.Symbol).

    ``shared`` values are one per group; ``constant`` values cannot change during a run, so that what depends on them alone is
    computed once before it. A ``linked`` value is that of another group's variable, at a place that is looked up for each element.
    Owner 'each_pre' or 'each_post': a variable that synapses have once for each source or target (model/sharing.py).
    """

    name: str
    owner: Owner
    variable: str
    dtype: DType = "float"
    shared: bool = False
    constant: bool = False
    linked: bool = False


@dataclass(frozen=True)
class Noise:
    """A random number drawn anew for each element and each update: 'uniform' in [0, 1) or 'normal' (mean 0, variance 1).

    ``draw`` numbers the draws of one map, so that two of them differ. A ``shared`` number is one for all elements.
    """

    name: str
    kind: Literal["uniform", "normal"]
    draw: int
    shared: bool = False


@dataclass(frozen=True)
class Propagator:
    """The numeric matrix exponential of ``matrix * dt`` (rows of sympy expressions of constants and parameters only).

    ``entries[r][c]`` is the name by which assignments use element (r, c), or None where it is not used. It is computed before the
    run, in double precision, once for each distinct row of parameters. d expm(A dt)/dA is given by the block matrix
    exponential (Van Loan 1978, eq. 1.3), which is what makes the node differentiable.
    """

    matrix: tuple[tuple[sympy.Expr, ...], ...]
    entries: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True)
class Assignment:
    """``target = expr``; ``target`` is assigned once, ``source`` is the user's line it came from."""

    target: str
    expr: sympy.Basic
    source: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Carried:
    """A value that goes from one round of a :class:`Repeat` to the next: ``first`` before the first, then what the round calls ``next``.

    Inside and after the repetition ``name`` is its newest value.
    """

    name: str
    first: sympy.Basic
    next: str


@dataclass(frozen=True)
class Repeat:
    """While ``again`` (a condition of carried values) is true: make the assignments of ``body``, then give all carried values their next ones.

    Each element repeats as often as it needs. Names of the body end with it.
    """

    carried: tuple[Carried, ...]
    again: sympy.Basic
    body: tuple[Assignment, ...]

    def __str__(self) -> str:
        lines = [f"{c.name} = {readable(c.first)}" for c in self.carried]
        lines += [f"while {readable(self.again)}:", *(f"    {a.target} = {readable(a.expr)}" for a in self.body)]
        return "\n".join([*lines, *(f"    {c.name} := {c.next}" for c in self.carried)])


@dataclass(frozen=True)
class Requirement:
    """``condition`` (a name) must be true, else the run stops: ``message`` says what went wrong. ``variables`` are those that it is about."""

    condition: str
    message: str
    variables: frozenset[str]


@dataclass(frozen=True)
class Write:
    """At the end of the step, variable ``variable`` of ``owner`` becomes ``value`` ('set') or grows by it ('add').

    ``value`` and ``guard`` are names of the map (an input or an assignment's target); with a guard the write happens only where it is true.
    """

    owner: Owner
    variable: str
    value: str
    kind: Literal["set", "add"] = "set"
    guard: str | None = None
    source: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class UpdateMap:
    """One step: ``inputs`` and ``noise`` come in, ``assignments`` are made in order, ``writes`` and the ``event`` go out.

    ``types`` gives the dtype of every name that is not a float. ``event`` names the boolean that says whether the element emits an
    event (a spike). ``lookups`` maps a function name used in the expressions to the object behind it (a TimedArray).
    """

    name: str
    inputs: tuple[Input, ...]
    assignments: tuple[Assignment | Repeat, ...]
    writes: tuple[Write, ...]
    noise: tuple[Noise, ...] = ()
    propagators: tuple[Propagator, ...] = ()
    event: str | None = None
    types: Mapping[str, DType] = field(default_factory=dict)
    lookups: Mapping[str, object] = field(default_factory=dict)
    requirements: tuple[Requirement, ...] = ()

    def __str__(self) -> str:
        lines = [f"{n.name} ~ {n.kind}()" for n in self.noise]
        lines += [str(a) if isinstance(a, Repeat) else f"{a.target} = {readable(a.expr)}" for a in self.assignments]
        for w in self.writes:
            where = w.variable if w.owner == "self" else f"{w.variable}_{w.owner}"
            guard = f" if {w.guard}" if w.guard else ""
            lines.append(f"{where} {'+=' if w.kind == 'add' else ':='} {w.value}{guard}")
        if self.event:
            lines.append(f"event if {self.event}")
        return "\n".join(lines)

    def flat(self) -> tuple[Assignment, ...]:
        """All assignments, those inside repetitions too."""
        return tuple(x for a in self.assignments for x in (a.body if isinstance(a, Repeat) else (a,)))

    def written(self) -> frozenset[tuple[str, str]]:
        """The (owner, variable) pairs that the map writes."""
        return frozenset((w.owner, w.variable) for w in self.writes)
