"""The rule by rows that the arguments of ``connect`` amount to, if they do: row_rules.py makes it, stored or anew at every spike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eqsnn.errors import EqsnnError, EquationError, Span
from eqsnn.kernel.random import key_of
from eqsnn.language.ast import Compare, Expr, Generator, Name, Number
from eqsnn.language.parse import parse_expression, parse_generator
from eqsnn.network import connect as rules
from eqsnn.network import connection_numbers as numbers
from eqsnn.network import total
from eqsnn.network.row_rules import RowRule
from eqsnn.units import DIMENSIONLESS

if TYPE_CHECKING:
    from eqsnn.network.connection import Request
    from eqsnn.network.synapses import Synapses


class NoRule(Exception):
    """Why there is none, where in the user's text, and what there would be one for."""

    def __init__(self, why: str, hint: str, span: Span | None = None):
        super().__init__(why)
        self.why, self.hint, self.span = why, hint, span

    def error(self) -> EqsnnError:
        """As an error of ``connect(procedural=True)``."""
        if self.span is not None:
            return EquationError(f"connect(procedural=True): {self.why}", self.span, self.hint)
        return EqsnnError(f"connect(procedural=True): {self.why}; {self.hint}")


_WHAT_HAS = (
    "p= (a number or a string without indices), out_degree= or total= with multapses=True have a rule for each row"
)


def rule_of(synapses: Synapses, b: rules.Builder, r: Request) -> RowRule:
    """Raises NoRule where a row cannot be made without the others, or not without a condition for each pair."""
    if r.i is not None or r.j is not None:
        raise NoRule("what i= and j= list must be kept", _WHAT_HAS, _span_of_generator(r))
    if not numbers.is_one(r.n):
        raise NoRule("n= makes several synapses of each pair", "leave n= out")
    if r.multapses is False and len(synapses):
        raise NoRule("multapses=False looks for earlier synapses", "leave it out")
    shift = _left_out(synapses, r)
    if r.in_degree is not None:
        raise NoRule("in_degree= chooses by target, and rows are made by source", _WHAT_HAS)
    if r.total is not None:
        return _by_total(b, r, shift)
    if r.out_degree is not None:
        return _by_degree(b, r, shift)
    return _by_chance(b, r, shift)


def _span_of_generator(r: Request) -> Span | None:
    text = r.i if isinstance(r.i, str) else r.j
    if not isinstance(text, str):
        return None
    parsed = parse_generator(text, "j=" if text is r.j else "i=")
    return parsed.element.span if isinstance(parsed, Generator) else parsed.span


def _left_out(synapses: Synapses, r: Request) -> int | None:
    """Which target no row has: row + this."""
    shifts = set()
    if isinstance(r.condition, str):
        condition = parse_expression(r.condition, "condition")
        if not _is_not_itself(condition):
            raise NoRule(
                "a condition must be asked for each pair", "of conditions, only 'i != j' has a rule", condition.span
            )
        shifts.add(0)
    offset = synapses.common_offset()
    if not r.autapses and offset is not None:
        shifts.add(-offset)
    if len(shifts) > 1:
        raise NoRule("'i != j' counts within the two groups, and autapses=False in the whole", "give one of them")
    return shifts.pop() if shifts else None


def _is_not_itself(condition: Expr) -> bool:
    if not isinstance(condition, Compare):
        return False
    sides = [part.id for part in (condition.left, condition.right) if isinstance(part, Name)]
    return condition.op == "!=" and sorted(sides) == ["i", "j"]


def _lengths(b: rules.Builder, shift: int | None) -> np.ndarray:
    """How many targets each row may have."""
    own = RowRule("all", 0, b.n_pre, b.n_post, shift=shift).own(np.arange(b.n_pre))
    return np.where(own < b.n_post, b.n_post - 1, b.n_post)


def _by_total(b: rules.Builder, r: Request, shift: int | None) -> RowRule:
    if not r.multapses:
        raise NoRule("total= of different pairs must know all that were drawn", "multapses=True draws each for itself")
    lengths = _lengths(b, shift)
    if not lengths.sum():
        raise NoRule("there are no pairs to choose from", "connect groups that are not empty")
    n = numbers.whole_number(b, r.total, "total")
    size = total.row_counts(lengths, key_of(*b.site, "total rows"), 0, n)
    return RowRule("repeated", key_of(*b.site, "total"), b.n_pre, b.n_post, size=size, shift=shift)


def _by_degree(b: rules.Builder, r: Request, shift: int | None) -> RowRule:
    lengths = _lengths(b, shift)
    size = numbers.degrees(b, r.out_degree, "out_degree", np.arange(b.n_pre), "j")
    size = numbers.possible(size, lengths, r, "out_degree", "source")
    if not r.multapses and np.any(2 * size > lengths):
        raise NoRule(
            "out_degree= takes more than half of the targets", "multapses=True draws with repetition, and p=1 takes all"
        )
    kind = "repeated" if r.multapses else "distinct"
    return RowRule(kind, key_of(*b.site, "out_degree"), b.n_pre, b.n_post, size=size, shift=shift)


def _by_chance(b: rules.Builder, r: Request, shift: int | None) -> RowRule:
    if numbers.is_one(r.p):
        return RowRule("all", 0, b.n_pre, b.n_post, shift=shift)
    p = numbers.probability(r.p)
    rules.refuse_synaptic_names(p, b.scope, {})
    if any(rules.reads(p, b.scope)):
        raise NoRule(
            "a probability that differs from pair to pair", "p= is a number, or a string without indices", p.span
        )
    zero = np.zeros(1, np.int64)
    number = isinstance(p, Number)  # whose text must not be compiled: it may be another each time
    chance = float(p.value if number else b.evaluate(p, zero, zero, DIMENSIONLESS, {}, "p")[0])
    rules.check_probability(np.array([chance]), p)
    return RowRule("gaps", key_of(*b.site, "gaps"), b.n_pre, b.n_post, p=chance, shift=shift)
