"""Which synapses there are: by condition, probability, index arrays or a generator. Everything is computed on whole arrays.

Random choices are keyed by row (the source index) and the number of the ``connect`` call, so they depend neither on the size of the chunks in
which rows are treated nor on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from eqsnn.errors import EquationError
from eqsnn.kernel.random import key_of, uniform
from eqsnn.language.ast import Expr, Generator, Name, Number, walk
from eqsnn.model.model import Scope, Symbol
from eqsnn.network.evaluate import HostExpression
from eqsnn.units import DIMENSIONLESS

CHUNK = 1 << 22
"""About how many candidate pairs are held in memory at a time."""

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
        symbols = {n: Symbol(n, "index", n, DIMENSIONLESS, dtype="integer") for n in extra}
        scope = replace(self.scope, symbols={**self.scope.symbols, **symbols})

        def supply(owner: str, variable: str):
            return extra[variable] if owner == "index" and variable in extra else self.values(owner, variable, i, j)

        return HostExpression(expr, scope, expected).values(len(i), supply, self.spaces, (*self.site, label))


def _names(expr: Expr) -> set[str]:
    return {n.id for n in walk(expr) if isinstance(n, Name)}


def _reads(expr: Expr, scope: Scope) -> tuple[bool, bool, bool]:
    """Whether the expression depends on the source, on the target, and whether it is random."""
    pre = post = False
    for name in _names(expr):
        symbol = scope.symbols.get(name)
        if symbol is None:
            continue
        pre |= symbol.owner == "pre" or (symbol.owner == "index" and name == "i")
        post |= symbol.owner in ("post", "self") or (symbol.owner == "index" and name == "j")
    return pre, post, any(getattr(n, "function", "") in ("rand", "randn") for n in walk(expr))


def by_condition(b: Builder, condition: Expr | None, p: Expr | None) -> tuple[np.ndarray, np.ndarray]:
    """All pairs for which ``condition`` is true, each with probability ``p`` (None: 1)."""
    rows, columns = np.arange(b.n_pre), np.arange(b.n_post)
    pairwise: Expr | None = None
    if condition is not None:
        pre, post, random = _reads(condition, b.scope)
        if random or (pre and post):
            pairwise = condition
        elif pre:
            rows = rows[b.evaluate(condition, rows, np.zeros_like(rows), "boolean", {}, "condition").astype(bool)]
        else:
            columns = columns[
                b.evaluate(condition, np.zeros_like(columns), columns, "boolean", {}, "condition").astype(bool)
            ]
    if p is not None and any(_reads(p, b.scope)):
        return _dense(b, rows, columns, pairwise, p)
    chance = 1.0
    if p is not None:
        zero = np.zeros(1, np.int64)
        chance = float(b.evaluate(p, zero, zero, DIMENSIONLESS, {}, "p")[0])
        _check_probability(np.array([chance]), p)
    if chance <= 0 or not len(rows) or not len(columns):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    if chance < 0.25 and pairwise is None:
        return _sparse(b, rows, columns, chance)
    return _dense(b, rows, columns, pairwise, chance if chance < 1 else None)


def _check_probability(values: np.ndarray, p: Expr) -> None:
    if np.any(~(values >= 0)) or np.any(values > 1):
        bad = values[~((values >= 0) & (values <= 1))][0]
        raise EquationError(f"the probability p is {bad:g}", p.span, "a probability lies between 0 and 1")


def _dense(b: Builder, rows, columns, condition: Expr | None, p: Expr | float | None) -> tuple[np.ndarray, np.ndarray]:
    """Candidate pairs in chunks of rows; each is looked at."""
    found_i, found_j = [], []
    step = max(1, CHUNK // max(len(columns), 1))
    key = key_of(*b.site, "pairs")
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        i, j = np.repeat(part, len(columns)), np.tile(columns, len(part))
        keep = np.ones(len(i), bool)
        if condition is not None:
            keep = b.evaluate(condition, i, j, "boolean", {}, f"condition {start}").astype(bool)
            i, j = i[keep], j[keep]
        if p is not None:
            chance = p
            if not isinstance(p, float):
                chance = b.evaluate(p, i, j, DIMENSIONLESS, {}, f"p {start}")
                _check_probability(chance, p)
            drawn = uniform(key, i.astype(np.uint64), j.astype(np.uint64)) < chance
            i, j = i[drawn], j[drawn]
        found_i.append(i)
        found_j.append(j)
    return np.concatenate(found_i or [np.empty(0, np.int64)]), np.concatenate(found_j or [np.empty(0, np.int64)])


def _sparse(b: Builder, rows: np.ndarray, columns: np.ndarray, p: float) -> tuple[np.ndarray, np.ndarray]:
    """Bernoulli trials by their geometric gaps: the work is proportional to the synapses, not to the pairs."""
    key, m = key_of(*b.site, "gaps"), len(columns)
    mean = m * p
    draws = int(mean + 6 * np.sqrt(mean + 1)) + 8
    step = max(1, CHUNK // draws)
    found_i, found_j = [], []
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        at = np.full((len(part), 1), -1, np.int64)
        first = 0
        blocks = []
        while at.min() < m:
            k = np.arange(first, first + draws, dtype=np.uint64)
            u = uniform(key, np.repeat(part.astype(np.uint64), draws), np.tile(k, len(part))).reshape(len(part), draws)
            gaps = np.minimum(np.floor(np.log1p(-u) / np.log1p(-p)), 2.0**40).astype(np.int64)
            blocks.append(at + np.cumsum(gaps + 1, axis=1))
            at = blocks[-1][:, -1:]
            first += draws
        positions = np.concatenate(blocks, axis=1)
        row, column = np.nonzero(positions < m)
        found_i.append(part[row])
        found_j.append(columns[positions[row, column]])
    return np.concatenate(found_i), np.concatenate(found_j)


def one_to_one(b: Builder, expr: Expr, given: str, condition: Expr | None) -> tuple[np.ndarray, np.ndarray]:
    """``j='i'`` and the like: an expression gives the other end for each neuron of one side."""
    n = b.n_pre if given == "j" else b.n_post
    here = np.arange(n)
    zero = np.zeros_like(here)
    there = b.evaluate(expr, *((here, zero) if given == "j" else (zero, here)), DIMENSIONLESS, {}, "expression")
    there = _whole(there, expr, "an index")
    return (here, there) if given == "j" else (there, here)


def by_generator(b: Builder, generator: Generator, given: str) -> tuple[np.ndarray, np.ndarray]:
    """``j='f(k) for k in range(a, b) if c'`` and ``sample(...)``, for each neuron of the other side at once."""
    n = b.n_pre if given == "j" else b.n_post
    here = np.arange(n)
    rows, values = _iterate(b, generator, given, here)
    extra = {generator.variable: values}
    pair = (rows, np.zeros_like(rows)) if given == "j" else (np.zeros_like(rows), rows)
    there = _whole(b.evaluate(generator.element, *pair, DIMENSIONLESS, extra, "element"), generator.element, "an index")
    if generator.condition is not None:
        pair = (rows, there) if given == "j" else (there, rows)
        keep = b.evaluate(generator.condition, *pair, "boolean", extra, "generator condition").astype(bool)
        rows, there = rows[keep], there[keep]
    return (rows, there) if given == "j" else (there, rows)


def _iterate(b: Builder, generator: Generator, given: str, here: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values that the loop variable takes, flattened, with the row of each."""
    call = generator.iterable
    keywords = dict(getattr(call, "keywords", ()))
    zero = np.zeros_like(here)
    pair = (here, zero) if given == "j" else (zero, here)
    arguments = [b.evaluate(a, *pair, DIMENSIONLESS, {}, f"argument {k}") for k, a in enumerate(call.args)]
    if call.function not in ("range", "sample") or not 1 <= len(arguments) <= 3:
        raise EquationError(
            f"'{call}' is nothing to loop over",
            call.span,
            "use range(stop), range(start, stop[, step]) or sample(..., p=) ",
        )
    arguments = [_whole(a, e, f"an argument of {call.function}()") for a, e in zip(arguments, call.args)]
    start, stop, step = _bounds(arguments, here)
    if np.any(step == 0):
        raise EquationError("the step of a range is 0", call.span, "give a step that is not 0")
    lengths = np.maximum(0, -(-(stop - start) // step))
    rows = np.repeat(here, lengths)
    position = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    values = start[rows] + position * step[rows]
    if call.function == "range":
        if keywords:
            raise EquationError("range() takes no keywords", call.span, "use sample(..., p=...) for a random choice")
        return rows, values
    return _sample(b, call, keywords, given, rows, position, values)


def _bounds(arguments: list[np.ndarray], here: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if len(arguments) == 1:
        return np.zeros_like(here), arguments[0], np.ones_like(here)
    return arguments[0], arguments[1], arguments[2] if len(arguments) == 3 else np.ones_like(here)


def _whole(values: np.ndarray, expr: Expr, what: str) -> np.ndarray:
    """``values`` as integers; refuses to cut a fraction off without being asked."""
    values = np.asarray(values)
    if values.dtype.kind == "f":
        bad = ~np.isfinite(values) | (values != np.trunc(values))
        if np.any(bad):
            raise EquationError(f"{what} is {values[bad][0]:g}", expr.span, "indices are whole numbers: write int(...)")
    return values.astype(np.int64)


def _sample(
    b: Builder, call, keywords: dict[str, Expr], given: str, rows, position, values
) -> tuple[np.ndarray, np.ndarray]:
    if set(keywords) not in ({"p"}, {"size"}):
        raise EquationError(
            "sample() needs p= or size=", call.span, "write sample(N_post, p=0.1) or sample(N_post, size=10)"
        )
    key = key_of(*b.site, "sample")
    u = uniform(key, rows.astype(np.uint64), position.astype(np.uint64))
    here = np.arange(rows.max() + 1 if len(rows) else 0)
    pair = (here, np.zeros_like(here)) if given == "j" else (np.zeros_like(here), here)
    if "p" in keywords:
        p = b.evaluate(keywords["p"], *pair, DIMENSIONLESS, {}, "sample p")
        _check_probability(p, keywords["p"])
        keep = u < p[rows]
        return rows[keep], values[keep]
    size = b.evaluate(keywords["size"], *pair, DIMENSIONLESS, {}, "sample size").astype(np.int64)
    order = np.lexsort((u, rows))
    rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
    available = np.bincount(rows, minlength=len(here))
    if np.any(size > available) or np.any(size < 0):
        raise EquationError(
            "sample(): size is larger than the number of elements to choose from, or negative", call.span
        )
    chosen = np.sort(order[rank < size[rows]])
    return rows[chosen], values[chosen]


def is_one(expr: Expr) -> bool:
    """Whether the expression is the literal 1, the default of ``p`` and ``n``."""
    return isinstance(expr, Number) and expr.value == 1
