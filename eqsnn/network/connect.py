"""Rules that say which synapses there are: condition, probability, generator. Everything is computed on whole arrays.

Random choices are keyed by row (the source index) and the number of the ``connect`` call, so they depend neither on the size of the chunks in
which rows are treated nor on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from eqsnn.errors import EquationError
from eqsnn.kernel.random import key_of
from eqsnn.language.ast import Expr, Generator, Name, Number, walk
from eqsnn.model.model import Scope, Symbol
from eqsnn.network import sampling
from eqsnn.network.evaluate import HostExpression
from eqsnn.network.pairs import NotAProbability, taken
from eqsnn.network.rowpairs import Gathering, RowPairs
from eqsnn.network.sampling import bernoulli, distinct
from eqsnn.units import DIMENSIONLESS

Values = Callable[[str, str, np.ndarray, np.ndarray], object]
"""``values(owner, variable, i, j)``: the values of a pre- or postsynaptic variable, or of an index, for pairs (i, j)."""


@dataclass(frozen=True)
class Builder:
    """What the connection rules need to know of a ``Synapses`` object: its sizes, names, values, namespaces and random stream."""

    n_pre: int
    n_post: int
    scope: Scope
    values: Values
    spaces: list[Mapping[str, object]]
    site: tuple

    def evaluate(
        self, expr: Expr, i: np.ndarray, j: np.ndarray, expected, extra: Mapping[str, np.ndarray], label: str
    ) -> np.ndarray:
        """The values of ``expr`` for the pairs (i, j)."""
        refuse_synaptic_names(expr, self.scope, extra)
        symbols = {n: Symbol(n, "index", n, DIMENSIONLESS, dtype="integer") for n in extra}
        scope = replace(self.scope, symbols={**self.scope.symbols, **symbols})

        def supply(owner: str, variable: str):
            return extra[variable] if owner == "index" and variable in extra else self.values(owner, variable, i, j)

        return HostExpression(expr, scope, expected).values(len(i), supply, self.spaces, (*self.site, label))

    def whole(
        self, expr: Expr, i: np.ndarray, j: np.ndarray, extra: Mapping[str, np.ndarray], label: str, what: str
    ) -> np.ndarray:
        """As ``evaluate``, for what must be a whole number."""
        values = np.asarray(self.evaluate(expr, i, j, DIMENSIONLESS, extra, label))
        if values.dtype.kind == "f":
            wrong = ~(np.isfinite(values) & (values == np.trunc(values)))
            if np.any(wrong):
                bad = values[np.flatnonzero(wrong)[0]]
                raise EquationError(f"{what} is {bad:g}", expr.span, "this must be a whole number: write int(...)")
        return values.astype(np.int64)


def refuse_synaptic_names(expr: Expr, scope: Scope, extra: Mapping[str, object]) -> None:
    """``connect`` makes the synapses: what belongs to them has no value before."""
    for node in walk(expr):
        symbol = scope.symbols.get(node.id) if isinstance(node, Name) and node.id not in extra else None
        if symbol is not None and symbol.owner == "self" and symbol.expr is not None:
            refuse_synaptic_names(symbol.expr, scope, extra)  # a subexpression has the values of the pair
        elif symbol is not None and (symbol.owner == "self" or symbol.name in ("N_incoming", "N_outgoing")):
            raise EquationError(
                f"'{symbol.name}' belongs to the synapses, which do not exist before connect()",
                node.span,
                "use i, j, N_pre, N_post, and variables of the connected groups, such as x_pre",
            )


def _names(expr: Expr) -> set[str]:
    return {n.id for n in walk(expr) if isinstance(n, Name)}


def reads(expr: Expr, scope: Scope) -> tuple[bool, bool, bool]:
    """Whether the expression depends on the source, on the target, and whether it is random."""
    pre = post = random = False
    for name in _names(expr):
        symbol = scope.symbols.get(name)
        if symbol is None:
            continue
        if symbol.owner == "self" and symbol.expr is not None:
            inner = reads(symbol.expr, scope)
            pre, post, random = pre or inner[0], post or inner[1], random or inner[2]
        pre |= symbol.owner == "pre" or (symbol.owner == "index" and symbol.variable == "i")
        post |= symbol.owner == "post" or (symbol.owner == "index" and symbol.variable == "j")
    return pre, post, random or any(getattr(n, "function", "") in ("rand", "randn", "poisson") for n in walk(expr))


SPARSE = 0.05
"""Below this probability, drawing the gaps between the pairs that are taken beats looking at every pair (measured: 25 ns each against 3)."""


def candidates(b: Builder, condition: Expr | None) -> tuple[np.ndarray, np.ndarray, Expr | None]:
    """Sources, targets, and the condition that is left to ask of each pair of them; None where it asked of one side only."""
    rows, columns = np.arange(b.n_pre), np.arange(b.n_post)
    if condition is None:
        return rows, columns, None
    refuse_synaptic_names(condition, b.scope, {})
    pre, post, random = reads(condition, b.scope)
    if random or (pre and post):
        return rows, columns, condition
    if pre:
        rows = rows[b.evaluate(condition, rows, np.zeros_like(rows), "boolean", {}, "condition").astype(bool)]
    else:
        columns = columns[
            b.evaluate(condition, np.zeros_like(columns), columns, "boolean", {}, "condition").astype(bool)
        ]
    return rows, columns, None


def by_condition(b: Builder, condition: Expr | None, p: Expr | None) -> RowPairs:
    """All pairs for which ``condition`` is true, each with probability ``p`` (None: 1)."""
    rows, columns, pairwise = candidates(b, condition)
    found = Gathering(b.n_pre, b.n_post)
    chance: Expr | float | None = p
    if p is not None:
        refuse_synaptic_names(p, b.scope, {})
        if not any(reads(p, b.scope)):
            zero = np.zeros(1, np.int64)
            number = isinstance(p, Number)  # whose text must not be compiled: it may be another each time
            chance = float(p.value if number else b.evaluate(p, zero, zero, DIMENSIONLESS, {}, "p")[0])
            check_probability(np.array([chance]), p)
    if not len(rows) or not len(columns):
        return found.rows()
    if isinstance(chance, float) and chance < SPARSE:
        parts = _by_gaps(b, rows, columns, pairwise, chance)
    elif pairwise is None and chance in (None, 1.0):
        parts = _all(rows, columns)
    else:
        parts = taken(b, rows, columns, pairwise, chance)
    try:
        for part in parts:
            found.add(*part)
        return found.rows()
    except NotAProbability as found:
        i, j = found.i, found.j
        if pairwise is not None:
            keep = b.evaluate(pairwise, i, j, "boolean", {}, "condition").astype(bool)
            i, j = i[keep], j[keep]
        check_probability(b.evaluate(p, i, j, DIMENSIONLESS, {}, "p"), p)
        raise


def _all(rows: np.ndarray, columns: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    step = max(1, sampling.CHUNK // len(columns))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        yield np.repeat(part, len(columns)), np.tile(columns, len(part))


def _by_gaps(
    b: Builder, rows: np.ndarray, columns: np.ndarray, condition: Expr | None, chance: float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Few pairs: first the draw, then the condition."""
    key = key_of(*b.site, "gaps")
    # A condition that draws numbers draws them for the list of all pairs.
    whole = condition is not None and reads(condition, b.scope)[2]
    step = len(rows) if whole else max(1, int(sampling.CHUNK / (len(columns) * chance + 1)))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        i, position = bernoulli(key, part, np.full(len(part), len(columns)), np.full(len(part), chance))
        j = columns[position]
        if condition is not None and len(i):
            keep = b.evaluate(condition, i, j, "boolean", {}, "condition").astype(bool)
            i, j = i[keep], j[keep]
        yield i, j


def check_probability(values: np.ndarray, p: Expr) -> None:
    """A probability lies between 0 and 1."""
    if np.any(~(values >= 0)) or np.any(values > 1):
        bad = values[~((values >= 0) & (values <= 1))][0]
        raise EquationError(f"the probability p is {bad:g}", p.span, "a probability lies between 0 and 1")


def one_to_one(b: Builder, expr: Expr, given: str) -> tuple[np.ndarray, np.ndarray]:
    """``j='i'`` and the like: an expression gives the other end for each neuron of one side."""
    here = np.arange(b.n_pre if given == "j" else b.n_post)
    one_sided(b, expr, given, {}, f"{given}=")
    there = b.whole(expr, *_pair(here, given), {}, "expression", "an index")
    return (here, there) if given == "j" else (there, here)


def by_generator(b: Builder, generator: Generator, given: str, skip: bool) -> tuple[np.ndarray, np.ndarray]:
    """``j='f(k) for k in range(a, b) if c'`` and ``sample(...)``, for each neuron of the other side at once.

    ``skip``: a sample that is larger than what there is takes all of it, and leave out what lies outside the groups.
    """
    here = np.arange(b.n_pre if given == "j" else b.n_post)
    rows, values = _iterate(b, generator, given, here, skip)
    extra = {generator.variable: values}
    one_sided(b, generator.element, given, extra, "the element of the generator")
    there = b.whole(generator.element, *_pair(rows, given), extra, "element", "an index")
    if skip:
        inside = (there >= 0) & (there < (b.n_post if given == "j" else b.n_pre))
        rows, there, extra = rows[inside], there[inside], {generator.variable: values[inside]}
    if generator.condition is not None:
        owners = {b.scope.symbols[n].owner for n in _names(generator.condition) - set(extra) if n in b.scope.symbols}
        other = ("post" if given == "j" else "pre") in owners
        safe = _clamped(b, there, given) if other else there  # a neuron that does not exist has no variables to read
        pair = (rows, safe) if given == "j" else (safe, rows)
        keep = b.evaluate(generator.condition, *pair, "boolean", extra, "generator condition").astype(bool)
        keep |= safe != there  # and is an error, whatever the condition
        rows, there = rows[keep], there[keep]
    return (rows, there) if given == "j" else (there, rows)


def _pair(here: np.ndarray, given: str) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of which only the neurons ``here`` are known."""
    return (here, np.zeros_like(here)) if given == "j" else (np.zeros_like(here), here)


def _clamped(b: Builder, there: np.ndarray, given: str) -> np.ndarray:
    return np.clip(there, 0, (b.n_post if given == "j" else b.n_pre) - 1)


def one_sided(b: Builder, expr: Expr, given: str, extra: Mapping[str, object], what: str) -> None:
    """Refuse what reads the side that is only being chosen."""
    refuse_synaptic_names(expr, b.scope, extra)
    for node in walk(expr):
        if not isinstance(node, Name) or node.id in extra:
            continue
        if reads(node, b.scope)[1 if given == "j" else 0]:
            side, other = ("target", "i") if given == "j" else ("source", "j")
            raise EquationError(
                f"{what} reads '{node.id}' of the {side}, which it chooses",
                node.span,
                f"use {other} and variables of the {'source' if given == 'j' else 'target'} group; a condition after 'if' may read both",
            )


def _iterate(
    b: Builder, generator: Generator, given: str, here: np.ndarray, skip: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The values that the loop variable takes, flattened, with the row of each."""
    call = generator.iterable
    keywords = dict(getattr(call, "keywords", ()))
    if call.function not in ("range", "sample") or not 1 <= len(call.args) <= 3:
        raise EquationError(
            f"'{call}' is nothing to loop over",
            call.span,
            "use range(stop), range(start, stop[, step]) or sample(..., p=)",
        )
    for a in (*call.args, *keywords.values()):
        one_sided(b, a, given, {}, f"{call.function}()")
    pair = _pair(here, given)
    arguments = [
        b.whole(a, *pair, {}, f"argument {k}", f"an argument of {call.function}()") for k, a in enumerate(call.args)
    ]
    start, stop, step = _bounds(arguments, here)
    if np.any(step == 0):
        raise EquationError("the step of a range is 0", call.span, "give a step that is not 0")
    lengths = np.maximum(0, -(-(stop - start) // step))
    if call.function == "range" and keywords:
        raise EquationError("range() takes no keywords", call.span, "use sample(..., p=...) for a random choice")
    if call.function == "sample" and set(keywords) not in ({"p"}, {"size"}):
        raise EquationError(
            "sample() needs p= or size=", call.span, "write sample(N_post, p=0.1) or sample(N_post, size=10)"
        )
    if call.function == "range":
        rows = np.repeat(here, lengths)
        position = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    elif "p" in keywords:
        p = b.evaluate(keywords["p"], *pair, DIMENSIONLESS, {}, "sample p")
        check_probability(p, keywords["p"])
        rows, position = bernoulli(key_of(*b.site, "sample"), here, lengths, p)
    else:
        size = b.whole(keywords["size"], *pair, {}, "sample size", "the size of a sample")
        if skip:
            size = np.clip(size, 0, lengths)
        elif np.any(size > lengths) or np.any(size < 0):
            bad = int(np.flatnonzero((size > lengths) | (size < 0))[0])
            raise EquationError(
                f"sample(): size is larger than the number of elements to choose from, or negative: {size[bad]} of {lengths[bad]}",
                keywords["size"].span,
                "skip_if_invalid=True takes all, or none",
            )
        rows, position = distinct(key_of(*b.site, "sample"), here, lengths, size)
    return rows, start[rows] + position * step[rows]


def _bounds(arguments: list[np.ndarray], here: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if len(arguments) == 1:
        return np.zeros_like(here), arguments[0], np.ones_like(here)
    return arguments[0], arguments[1], arguments[2] if len(arguments) == 3 else np.ones_like(here)


def is_one(expr: Expr) -> bool:
    """Whether the expression is the literal 1, the default of ``p`` and ``n``."""
    return isinstance(expr, Number) and expr.value == 1
