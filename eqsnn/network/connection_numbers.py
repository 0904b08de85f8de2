"""Numbers among the arguments of ``Synapses.connect``: a probability, how many synapses of each neuron, how many in all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.language.ast import Call, Expr
from eqsnn.language.parse import parse_expression
from eqsnn.network import connect as rules
from eqsnn.units import DIMENSIONLESS, dimensions_of

if TYPE_CHECKING:
    from eqsnn.network.connection import Request


def is_one(value: object) -> bool:
    """Whether a number is the 1 that ``p`` and ``n`` are by default."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and value == 1


def probability(p: object) -> Expr:
    """``p`` as an expression."""
    if isinstance(p, Call):
        return p
    if isinstance(p, str):
        return parse_expression(p, "p")
    if isinstance(p, bool) or dimensions_of(p) != DIMENSIONLESS or np.ndim(p) or np.asarray(p).dtype.kind not in "fiu":
        raise EqsnnError(f"connect(): the probability p must be a number or a string; got {p!r}")
    if not 0 <= float(p) <= 1:
        raise EqsnnError(f"connect(): the probability p is {float(p):g}; a probability lies between 0 and 1")
    return parse_expression(repr(float(p)), "p")


def degrees(b: rules.Builder, given, name: str, near: np.ndarray, other: str) -> np.ndarray:
    """The degree of each neuron of ``near``; ``other``: the end that it must not read."""
    if isinstance(given, str):
        expr = parse_expression(given, name)
        rules.one_sided(b, expr, other, {}, name)
        zero = np.zeros_like(near)
        pair = (zero, near) if other == "i" else (near, zero)
        size = b.whole(expr, *pair, {}, name, name)
    else:
        array = np.asarray(given)
        if array.dtype.kind not in "iu" or isinstance(given, bool) or array.size not in (1, len(near)):
            raise EqsnnError(
                f"connect(): {name} is an integer, one for each of {len(near)} neurons, or a string; got {given!r}"
            )
        size = np.broadcast_to(array.ravel(), len(near)).astype(np.int64)
    if np.any(size < 0):
        raise EqsnnError(f"connect(): {name} cannot be negative; got {size.min()}")
    return size


def possible(size: np.ndarray, lengths: np.ndarray, r: Request, name: str, side: str) -> np.ndarray:
    """As many as there are candidates, or an error; with multapses one candidate suffices."""
    most = np.where(lengths > 0, size, 0) if r.multapses else lengths
    if r.skip_if_invalid:
        return np.minimum(size, most)
    if np.any(size > most):
        k = int(np.flatnonzero(size > most)[0])
        raise EqsnnError(
            f"connect(): {name}={size[k]}, but {side} {k} has {lengths[k]} possible partners "
            "(multapses=True allows several synapses a pair, skip_if_invalid=True takes what there is)"
        )
    return size


def whole_number(b: rules.Builder, given, name: str) -> int:
    """A number that is not negative, given as such or as a string without indices."""
    if isinstance(given, str):
        expr = parse_expression(given, name)
        for other in "ij":
            rules.one_sided(b, expr, other, {}, f"{name}=")
        zero = np.zeros(1, np.int64)
        value = int(b.whole(expr, zero, zero, {}, name, name)[0])
    else:
        if isinstance(given, bool) or np.ndim(given) or np.asarray(given).dtype.kind not in "iu":
            raise EqsnnError(
                f"connect(): {name} is an integer, the number of synapses in all, or a string; got {given!r}"
            )
        value = int(given)
    if value < 0:
        raise EqsnnError(f"connect(): {name} cannot be negative; got {value}")
    return value
