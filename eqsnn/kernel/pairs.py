"""Kernels over pairs of neurons: which of all (row, column) are taken. They are put together from kernels of single expressions.

An expression about a pair was lowered as one about a plain list of elements (``pipeline.detached_expression``), each value of which differs
from pair to pair. Here the values that belong to the neuron of a row or of a column are told apart, so that each is held once for each neuron.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from eqsnn.errors import InternalError
from eqsnn.kernel.ir import (
    Binary,
    Buffer,
    Call,
    Cast,
    CheckFinite,
    Compare,
    Const,
    Drawn,
    Emit,
    Expr,
    Kernel,
    Let,
    Load,
    Local,
    Scalar,
    Select,
    Statement,
    Store,
    Type,
    Unary,
    children,
    rebuild,
)
from eqsnn.kernel.verify import verify

_I, _J = Load("i", "i64"), Load("j", "i64")
_ELEMENT = Local("element", "i64")
_TRUE: Expr = Const(True, "b8")


def side_of(owner: str, variable: str) -> Literal["pre", "post"]:
    """Which end of a pair a value belongs to; ``owner`` and ``variable`` as in ``Input``."""
    if owner == "index":
        return "pre" if variable == "i" or variable.endswith("@pre") else "post"
    side = owner.partition(".")[0]
    if side not in ("pre", "post"):
        raise InternalError(f"{owner}.{variable} belongs to neither end of a pair")
    return side


@dataclass(frozen=True)
class Part:
    """An expression about pairs: its kernel, and the prefix of its names in the kernel of the pairs."""

    prefix: str
    kernel: Kernel

    def name(self, name: str) -> str:
        """The name in the kernel of the pairs of what the expression's own kernel calls ``name``."""
        return f"{self.prefix}_{name}"

    def buffers(self) -> tuple[Buffer, ...]:
        """What the expression reads, each with the end of the pair it belongs to."""
        return tuple(
            replace(b, name=self.name(b.name), extent=b.extent if b.owner == "table" else side_of_buffer(b))
            for b in self.kernel.buffers
            if not b.writable
        )

    def scalars(self) -> tuple[Scalar, ...]:
        """The numbers it reads; what its kernel would compute before a run is handed over like any other."""
        return tuple(replace(s, name=self.name(s.name)) for s in self.kernel.scalars)

    def lets(self) -> tuple[Let, ...]:
        """Its statements; the last makes its value, ``self.value``."""
        return tuple(self._let(s) for s in self.kernel.body)

    @property
    def value(self) -> Local:
        """The expression's value."""
        store = self.kernel.body[-1]
        return Local(self.name("value"), store.expr.type)

    def _let(self, s: Statement) -> Let:
        match s:
            case Let(name, expr):
                return Let(self.name(name), self._renamed(expr), s.source)
            case Store(guard=None, add=False) if s is self.kernel.body[-1]:
                return Let(self.name("value"), self._renamed(s.expr), s.source)
        raise InternalError(f"an expression about pairs has the statement {s!r}")

    def _renamed(self, e: Expr) -> Expr:
        e = rebuild(e, tuple(self._renamed(c) for c in children(e)))
        match e:
            case Local("@i", _):
                return _ELEMENT
            case Local():
                return replace(e, name=self.name(e.name))
            case Load() | Drawn():
                return replace(e, buffer=self.name(e.buffer))
        return e


def side_of_buffer(b: Buffer) -> Literal["pre", "post"]:
    """Which end of a pair the values of a detached expression's buffer belong to."""
    owner, _, variable = b.variable.partition(":")
    return side_of(owner, variable)


def pair_kernel(condition: Part | None, chance: Part | Literal["constant"] | None) -> Kernel:
    """Takes the pairs for which ``condition`` is true, each with probability ``chance``: an expression, or the scalar 'chance' (None: 1).

    The buffers 'i' and 'j' hold the numbers of the neurons, and by these alone pairs draw their random numbers: which other pairs there are
    makes no difference. A probability outside 0 .. 1 where the condition is true raises the flag of what is not finite.
    """
    parts = [p for p in (condition, chance) if isinstance(p, Part)]
    element = Binary("+", Binary("*", _I, Local("n_post", "i64"), "i64"), _J, "i64")
    body: list[Statement] = [Let(_ELEMENT.name, element)]
    taken = _TRUE
    if condition is not None:
        body += condition.lets()
        taken = _as(condition.value, "b8")
    if chance is not None:
        p: Expr = Local("chance", "f64")
        if isinstance(chance, Part):
            p = _as(chance.value, "f64")
            body += [*chance.lets(), *_checked(p, taken)]
        drawn = Call("uniform", (Local("pairs_key", "i64"), _I, _J, Const(0, "i64")), "f64")
        body.append(Let("drawn", drawn))
        taken = Binary("and", taken, Compare("<", Local("drawn", "f64"), p), "b8")
    own = (
        Scalar("columns", "i64", "pairs", "columns"),
        Scalar("n_post", "i64", "pairs", "n_post"),
        Scalar("pairs_key", "i64", "pairs", "key"),
        Scalar("chance", "f64", "pairs", "chance"),
    )
    kernel = Kernel(
        "eqk_pairs",
        "the rule of connect()",
        "pair",
        (
            Buffer("i", "i64", "pre", "index", "i"),
            Buffer("j", "i64", "post", "index", "j"),
            *(b for p in parts for b in p.buffers()),
        ),
        (*own, *(s for p in parts for s in p.scalars())),
        (),
        (*body, Emit(taken)),
    )
    verify(kernel)
    return kernel


def _as(value: Local, type_: Type) -> Expr:
    return value if value.type == type_ else Cast(value, type_)


def _checked(p: Expr, where: Expr) -> tuple[Statement, ...]:
    """0 where the probability is one, or is not asked for; else infinite."""
    inside = Binary("and", Compare(">=", p, Const(0.0, "f64")), Compare("<=", p, Const(1.0, "f64")), "b8")
    wrong = Binary("and", where, Unary("not", inside, "b8"), "b8")
    value = Select(wrong, Const(math.inf, "f64"), Const(0.0, "f64"), "f64")
    return Let("outside", value), CheckFinite("outside")
