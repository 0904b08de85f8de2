"""The arguments of ``Synapses.connect``: what they mean together, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.errors import (
    EqsnnError,
    NoSuchPairError,
    OutOfRangeError,
    Span,
    WrongTypeError,
    WrongValueError,
)
from eqsnn.kernel.random import key_of, uniform
from eqsnn.language.ast import Call, Expr, Generator, Number
from eqsnn.language.parse import parse_expression, parse_generator
from eqsnn.model.resolve import statement_scope
from eqsnn.network import connect as rules
from eqsnn.network import connection_numbers as numbers
from eqsnn.network import rule_of, sampling, total
from eqsnn.network.base import host_site
from eqsnn.network.group import Group
from eqsnn.network.neurongroup import Subgroup
from eqsnn.network.row_rules import RowRule
from eqsnn.network.rowpairs import RowPairs
from eqsnn.network.synapse_index import SynapticSubgroup, subgroup_indices
from eqsnn.units import DIMENSIONLESS, dimensions_of

if TYPE_CHECKING:
    from eqsnn.network.synapses import Synapses

Pairs = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Request:
    """What a user gave to ``connect``."""

    condition: str | bool | None = None
    i: object = None
    j: object = None
    p: object = 1.0
    n: object = 1
    skip_if_invalid: bool = False
    in_degree: object = None
    out_degree: object = None
    autapses: bool = True
    multapses: bool | None = None
    total: object = None


def new_pairs(synapses: Synapses, request: Request, namespace: Mapping[str, object] | None) -> Pairs | RowPairs:
    """The (i, j) of the new synapses, counted within the source and the target."""
    _check(request)
    if request.condition is False or request.condition == "False":
        return np.empty(0, np.int64), np.empty(0, np.int64)
    b = builder(synapses, namespace)
    span = None
    try:
        return rule_of.rule_of(synapses, b, request).pairs()
    except rule_of.NoRule:
        pass
    if request.total is not None:
        made = _by_total(synapses, b, request)
    elif request.in_degree is not None or request.out_degree is not None:
        made = _by_degree(synapses, b, request)
    elif request.i is None and request.j is None:
        made = _by_condition(b, request)
    else:
        *made, span = _by_arguments(synapses, b, request)
    if isinstance(made, RowPairs):
        if request.total is not None or (
            request.autapses and request.multapses is not False and numbers.is_one(request.n)
        ):
            return made
        made = made.pairs()
    pre, post = made
    if request.i is not None or request.j is not None:
        pre, post = _valid(synapses, pre, post, request.skip_if_invalid, span)
    if not request.autapses:
        pre, post = _without(pre, post, _own(synapses, pre, post))
    repeats = _repeats(b, request.n, pre, post)
    if np.any(repeats != 1):
        pre, post = np.repeat(pre, repeats), np.repeat(post, repeats)
    if request.multapses is False:
        pre, post = _without(pre, post, _repeated(synapses, pre, post))
    return pre, post


def _check(r: Request) -> None:
    string = isinstance(r.i, str) or isinstance(r.j, str)
    if r.condition is not None and (r.i is not None or r.j is not None):
        raise WrongValueError("connect(): give a condition, or i= and j=, not both")
    if string and r.i is not None and r.j is not None:
        raise WrongTypeError("connect(): with a string for one of i and j, leave the other out: it takes all values")
    if not string and (r.i is None) != (r.j is None):
        raise WrongValueError(
            "connect(): give both i= and j= as indices (of one length, or one of them a single index)"
        )
    if r.condition is not None and not isinstance(r.condition, (str, bool)):
        raise WrongTypeError(f"connect(): the condition must be a string or True; got {r.condition!r}")
    if isinstance(r.condition, str) and " for " in r.condition:
        raise WrongValueError(f"connect(): a generator gives indices; write connect(j={r.condition!r})")
    counted = [n for n in ("in_degree", "out_degree", "total") if getattr(r, n) is not None]
    if len(counted) > 1:
        raise EqsnnError(f"connect(): give {counted[0]}= or {counted[1]}=, not both")
    for name in counted:
        if r.i is not None or r.j is not None or not numbers.is_one(r.p) or not numbers.is_one(r.n):
            raise EqsnnError(f"connect(): {name}= chooses the pairs itself; besides it only a condition can be given")
    if r.multapses is False and not numbers.is_one(r.n):
        raise EqsnnError("connect(): multapses=False allows one synapse a pair; leave n= out")


def rule(synapses: Synapses, request: Request, namespace: Mapping[str, object] | None) -> RowRule:
    """The rule by which the rows of the new synapses are made; an error where there is none."""
    _check(request)
    if request.condition is False or request.condition == "False":
        raise EqsnnError("connect(procedural=True): condition False makes no synapses")
    try:
        return rule_of.rule_of(synapses, builder(synapses, namespace), request)
    except rule_of.NoRule as why:
        raise why.error() from None


def builder(synapses: Synapses, namespace: Mapping[str, object] | None) -> rules.Builder:
    """What the rules need to know of the two groups."""
    source, target = synapses.source, synapses.target

    def values(owner: str, variable: str, i: np.ndarray, j: np.ndarray):
        if owner == "index" and variable in ("i", "j"):
            return {"i": i, "j": j}[variable]
        if owner == "index" and variable in (
            "i@pre",
            "i@post",
        ):  # in a subexpression of that group: counted in the whole of it
            return i + getattr(source, "start", 0) if variable == "i@pre" else j + getattr(target, "start", 0)
        if owner in ("index", "clock"):
            return synapses.host_values(owner, variable, None)
        side, _, inner = owner.partition(".")
        group, index = (source, i) if side == "pre" else (target, j)
        return group.host_values(inner or "self", variable, index)

    spaces = synapses.spaces()
    if namespace is not None:
        spaces = [synapses.namespace, namespace] if synapses.namespace is not None else [namespace]
    return rules.Builder(len(source), len(target), statement_scope(synapses.model), values, spaces, host_site())


def _condition(text: str | bool | None) -> Expr | None:
    return parse_expression(text, "condition") if isinstance(text, str) else None


def _by_arguments(synapses: Synapses, b: rules.Builder, r: Request) -> tuple[np.ndarray, np.ndarray, Span | None]:
    """By generator or arrays; and where the indices stand in the user's text."""
    span = None
    if isinstance(r.i, str) or isinstance(r.j, str):
        given, text = ("j", r.j) if r.j is not None else ("i", r.i)
        parsed = parse_generator(text, f"{given}=")
        if isinstance(parsed, Generator):
            span = parsed.element.span
            pre, post = rules.by_generator(b, parsed, given, r.skip_if_invalid)
        else:
            span = parsed.span
            pre, post = rules.one_to_one(b, parsed, given)
    else:
        pre, post = _arrays(synapses, r.i, r.j)
        pre, post = _spread(pre, post, r.p, r.n)
    if numbers.is_one(r.p):
        return pre, post, span
    pre, post = _valid(synapses, pre, post, r.skip_if_invalid, span)
    return (*_with_chance(b, pre, post, r.p), span)


def _by_condition(b: rules.Builder, r: Request) -> RowPairs:
    return rules.by_condition(b, _condition(r.condition), None if numbers.is_one(r.p) else numbers.probability(r.p))


def within_bounds(p):
    """A probability as Brian 2 takes it, whose random number below ``p`` is a synapse: more than 1 is 1, and less than 0 is 0."""
    if isinstance(p, str):
        expr = parse_expression(p, "p")
        return Call("clip", (expr, Number(0.0, expr.span), Number(1.0, expr.span)), expr.span, expr.span)
    if isinstance(p, bool) or dimensions_of(p) != DIMENSIONLESS or np.asarray(p).dtype.kind not in "fiu":
        return p
    return np.clip(np.asarray(p, float), 0.0, 1.0)[()]


def _arrays(synapses: Synapses, i, j) -> Pairs:
    return _indices(i, "i", synapses.source), _indices(j, "j", synapses.target)


def _indices(given, side: str, group) -> np.ndarray:
    if isinstance(given, Subgroup):
        return subgroup_indices(given, group, side)
    if isinstance(given, SynapticSubgroup) and given.synapses is not group:
        raise EqsnnError(f"connect(): {side} are synapses of '{given.synapses.name}', and '{group.name}' is connected")
    if isinstance(given, Group):
        raise WrongTypeError(f"connect(): {side} must be integers; got {given!r}")
    array = np.asarray(given)
    if array.dtype.kind not in "iu" and array.size:
        raise WrongTypeError(f"connect(): {side} must be integers; got {array.dtype}")
    if array.ndim > 1:
        raise WrongValueError(f"connect(): {side} must be a list of indices; got shape {array.shape}")
    return np.atleast_1d(array).astype(np.int64)


def _spread(pre: np.ndarray, post: np.ndarray, p, n) -> Pairs:
    """Index arrays of one length; p and n may be arrays of it too."""
    parts = [pre, post, *(np.atleast_1d(x) for x in (p, n) if not isinstance(x, str))]
    try:
        length = np.broadcast(*parts).size if all(x.size for x in parts) else 0
        if length == 0 and any(x.size > 1 for x in parts):
            raise ValueError
        return tuple(np.broadcast_to(x, length).copy() for x in (pre, post))
    except ValueError:
        sizes = [f"{name} has {x.size}" for name, x in zip(("i", "j", "p", "n"), parts) if x.size > 1 or name in "ij"]
        raise WrongValueError(f"connect(): {', '.join(sizes[:-1])} and {sizes[-1]} indices") from None


def _with_chance(b: rules.Builder, pre: np.ndarray, post: np.ndarray, p) -> Pairs:
    if np.ndim(p):
        chance = np.broadcast_to(np.asarray(p, float).ravel(), len(pre))
        if np.any(~((chance >= 0) & (chance <= 1))):
            raise WrongValueError("connect(): a probability in p lies outside 0 .. 1")
    else:
        expr = numbers.probability(p)
        chance = b.evaluate(expr, pre, post, DIMENSIONLESS, {}, "p")
        rules.check_probability(chance, expr)
    keep = uniform(key_of(*b.site, "pairs"), np.arange(len(pre), dtype=np.uint64), np.uint64(0)) < chance
    return pre[keep], post[keep]


def _repeats(b: rules.Builder, n, pre: np.ndarray, post: np.ndarray) -> np.ndarray | int:
    """How many synapses each pair gets."""
    if isinstance(n, str):
        # As a loop from 1 to n: what is negative is none.
        return np.maximum(b.whole(parse_expression(n, "n"), pre, post, {}, "n", "n"), 0)
    array = np.asarray(n)
    if array.dtype.kind not in "iu" or isinstance(n, bool) or np.any(array < 0):
        raise WrongTypeError(f"connect(): n must be an integer, the number of synapses per pair; got {n!r}")
    if array.ndim and array.size not in (1, len(pre)):
        raise WrongValueError(f"connect(): there are {len(pre)} pairs, and n has {array.size} values")
    return int(array.ravel()[0]) if array.size == 1 else array.ravel()


def _valid(synapses: Synapses, pre: np.ndarray, post: np.ndarray, skip: bool, span: Span | None) -> Pairs:
    n_pre, n_post = len(synapses.source), len(synapses.target)
    ok = (pre >= 0) & (pre < n_pre) & (post >= 0) & (post < n_post)
    if np.all(ok):
        return pre, post
    if skip:
        return pre[ok], post[ok]
    bad = int(np.flatnonzero(~ok)[0])
    message = (
        f"the pair i={pre[bad]}, j={post[bad]} does not exist; {synapses.source.name} has {n_pre} and "
        f"{synapses.target.name} has {n_post} elements"
    )
    if span is None:
        raise OutOfRangeError(f"connect(): {message} (skip_if_invalid=True leaves such pairs out)")
    raise NoSuchPairError(message, span, "skip_if_invalid=True leaves such pairs out")


# -- a given number of synapses for each neuron ---------------------------------------------------------------------------------


def _by_degree(synapses: Synapses, b: rules.Builder, r: Request) -> Pairs:
    """``in_degree`` synapses onto each target, or ``out_degree`` from each source."""
    incoming = r.in_degree is not None
    name, given = ("in_degree", r.in_degree) if incoming else ("out_degree", r.out_degree)
    n_near, n_far = (b.n_post, b.n_pre) if incoming else (b.n_pre, b.n_post)
    near = np.arange(n_near)
    size = numbers.degrees(b, given, name, near, "i" if incoming else "j")
    key = key_of(*b.site, name)
    shift = synapses.common_offset()
    alone = not r.autapses and shift is not None
    condition = _condition(r.condition)
    if condition is not None or (r.multapses is False and len(synapses)):
        rows, far = _candidates(synapses, b, r, condition, incoming)
        starts = np.searchsorted(rows, np.arange(n_near + 1))
        lengths = np.diff(starts)
        size = numbers.possible(size, lengths, r, name, "target" if incoming else "source")
        rows, position = (sampling.repeated if r.multapses else sampling.distinct)(key, near, lengths, size)
        far = far[starts[rows] + position]
    else:
        # The partner that would be the neuron itself; positions from it on are moved by one.
        own = near + (shift if incoming else -shift) if alone else np.full(n_near, -1)
        own = np.where((own >= 0) & (own < n_far), own, n_far)
        lengths = np.full(n_near, n_far) - (own < n_far if alone else 0)
        size = numbers.possible(size, lengths, r, name, "target" if incoming else "source")
        rows, far = (sampling.repeated if r.multapses else sampling.distinct)(key, near, lengths, size)
        if alone:
            far = far + (far >= own[rows])
    pre, post = (far, rows) if incoming else (rows, far)
    order = np.argsort(pre, kind="stable")
    return pre[order], post[order]


def _candidates(synapses: Synapses, b: rules.Builder, r: Request, condition: Expr | None, incoming: bool) -> Pairs:
    """All pairs from which to choose, as (near, far), ascending."""
    pre, post = rules.by_condition(replace(b, site=(*b.site, "candidates")), condition, None).pairs()
    if not r.autapses:
        pre, post = _without(pre, post, _own(synapses, pre, post))
    if r.multapses is False:
        pre, post = _without(pre, post, _repeated(synapses, pre, post))
    near, far = (post, pre) if incoming else (pre, post)
    order = np.lexsort((far, near))
    return near[order], far[order]


# -- a given number of synapses in all ------------------------------------------------------------------------------------------


def _by_total(synapses: Synapses, b: rules.Builder, r: Request) -> RowPairs:
    """``total`` of the pairs that fulfil the condition: different ones, or with repetition."""
    n = numbers.whole_number(b, r.total, "total")
    choice = _pairs_to_choose_from(synapses, b, r)
    possible = choice.size
    if r.multapses and possible:
        return total.with_repetition(choice, b.site, n)
    if n > possible and not r.skip_if_invalid:
        raise EqsnnError(
            f"connect(): total={n}, but there are {possible} pairs to choose from "
            "(multapses=True allows several synapses a pair, skip_if_invalid=True takes what there is)"
        )
    return total.different(choice, b.site, min(n, possible))


def _pairs_to_choose_from(synapses: Synapses, b: rules.Builder, r: Request) -> total.Choice:
    condition = _condition(r.condition)
    rows, columns, pairwise = rules.candidates(b, condition)
    if pairwise is not None or (r.multapses is False and len(synapses)):
        near, far = _candidates(synapses, b, r, condition, False)
        starts = np.searchsorted(near, np.arange(b.n_pre + 1))
        return total.Choice(b.n_pre, b.n_post, np.diff(starts), lambda row, k: far[starts[row] + k])
    lengths = np.zeros(b.n_pre, np.int64)
    lengths[rows] = len(columns)
    shift = synapses.common_offset()
    if r.autapses or shift is None:
        return total.Choice(b.n_pre, b.n_post, lengths, lambda row, k: columns[k])
    # Where the neuron itself would stand among the columns; positions from it on are moved by one.
    own = np.searchsorted(columns, np.arange(b.n_pre) - shift)
    among = (own < len(columns)) & (columns[np.minimum(own, len(columns) - 1)] == np.arange(b.n_pre) - shift)
    own = np.where(among, own, len(columns))
    lengths -= among & (lengths > 0)
    return total.Choice(b.n_pre, b.n_post, lengths, lambda row, k: columns[k + (k >= own[row])])


# -- pairs to leave out ---------------------------------------------------------------------------------------------------------


def _without(pre: np.ndarray, post: np.ndarray, out: np.ndarray) -> Pairs:
    return (pre[~out], post[~out]) if np.any(out) else (pre, post)


def _own(synapses: Synapses, pre: np.ndarray, post: np.ndarray) -> np.ndarray:
    """Which pairs connect a neuron to itself."""
    shift = synapses.common_offset()
    return np.zeros(len(pre), bool) if shift is None else pre == post + shift


def _repeated(synapses: Synapses, pre: np.ndarray, post: np.ndarray) -> np.ndarray:
    """Which pairs exist already, or stand a second time among these."""
    n = len(synapses.target)
    key = pre * n + post
    known = synapses.index_of("i", None) * n + synapses.index_of("j", None)
    again = np.ones(len(key), bool)
    again[np.unique(key, return_index=True)[1]] = False
    return again | np.isin(key, known)
