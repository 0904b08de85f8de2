"""The simple rules for what a function of numpy does to units. A rule takes the function, its arguments and keywords."""

from __future__ import annotations

import warnings

import numpy as np

from eqsnn.errors import UnitError
from eqsnn.units.dimension import DIMENSIONLESS, Dimension
from eqsnn.units.quantity import Quantity, dimensions_of, is_zero_like, plain, with_dim


def quantities(values):
    """The quantities in arguments, also inside lists and tuples."""
    for value in values:
        if isinstance(value, Quantity):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from quantities(value)


def strip(value):
    if isinstance(value, Quantity):
        return plain(value)
    if isinstance(value, (list, tuple)):
        return type(value)(strip(v) for v in value)
    return value


def call(function, args, kwargs):
    return function(*map(strip, args), **{k: strip(v) for k, v in kwargs.items()})


def wrap(result, dim: Dimension):
    if isinstance(result, (list, tuple)):
        return type(result)(wrap(r, dim) for r in result)
    return with_dim(result, dim)


def check_out(function, kwargs, dim: Dimension) -> None:
    out = kwargs.get("out")
    for target in out if isinstance(out, tuple) else (out,):
        if isinstance(target, np.ndarray) and dimensions_of(target) != dim:
            raise UnitError(
                f"the result of np.{function.__name__} has unit {dim}, the array it goes to {dimensions_of(target)}"
            )


def keep(function, args, kwargs):
    dim = dimensions_of(args[0]) if args else dimensions_of(next(iter(kwargs.values())))
    for other in quantities([*args[1:], *(v for k, v in kwargs.items() if k != "out")]):
        if other.dim != dim:
            raise UnitError(f"np.{function.__name__} got values with units {dim} and {other.dim}")
    check_out(function, kwargs, dim)
    return wrap(call(function, args, kwargs), dim)


def flat(args):
    for a in args:
        if isinstance(a, (list, tuple)):
            yield from flat(a)
        elif a is not None and not isinstance(a, str):
            yield a


def common(function, args) -> Dimension:
    found = [dimensions_of(a) for a in flat(args) if not is_zero_like(a)]
    for d in found[1:]:
        if d != found[0]:
            raise UnitError(f"np.{function.__name__} needs values of one unit; got {found[0]} and {d}")
    return found[0] if found else DIMENSIONLESS


def same_args(function, args):
    """Those arguments of a function of the 'same unit' kind that carry values."""
    name = function.__name__
    if name in ("concatenate", "concat", "stack", "hstack", "vstack", "dstack", "column_stack", "block"):
        return args[:1]
    if name == "insert":
        return (args[0], args[2])
    if name == "select":
        return args[1:3]
    return args[:3] if name in ("clip", "ediff1d") else args[:2]


def same(function, args, kwargs):
    bounds = [v for k, v in kwargs.items() if k in ("a_min", "a_max", "min", "max", "values", "to_begin", "to_end")]
    dim = common(function, [*same_args(function, args), *bounds])
    check_out(function, kwargs, dim)
    found = wrap(call(function, args, kwargs), dim)
    return kwargs["out"] if isinstance(kwargs.get("out"), np.ndarray) else found


def to_plain(function, args, kwargs):
    common(function, args[:2])
    if dimensions_of(kwargs.get("atol")) not in (DIMENSIONLESS, dimensions_of(args[0])):
        raise UnitError(f"np.{function.__name__}: atol has unit {dimensions_of(kwargs['atol'])}")
    return call(function, args, kwargs)


def plain_result(function, args, kwargs):
    return call(function, args, kwargs)


def base_si(function, args, kwargs):
    warn_base_si(f"np.{function.__name__} takes the values with units in base SI and gives plain numbers")
    return call(function, args, kwargs)


def warn_base_si(message: str) -> None:
    """Say that a value without a unit is one in base SI."""
    warnings.warn(f"{message}; divide by a unit first to choose another", UserWarning, stacklevel=5)


def product(function, args, kwargs):
    dim = dimensions_of(args[0]) * dimensions_of(args[1])
    check_out(function, kwargs, dim)
    return wrap(call(function, args, kwargs), dim)


def square(function, args, kwargs):
    dim = dimensions_of(args[0])
    for other in quantities([*args[1:], *kwargs.values()]):
        if other.dim != dim:
            raise UnitError(f"np.{function.__name__} of values with units {dim} and {other.dim} has no single unit")
    return wrap(call(function, args, kwargs), dimensions_of(args[0]) ** 2)


def prod(function, args, kwargs):
    dim, shape = dimensions_of(args[0]), np.shape(args[0])
    axis = args[1] if len(args) > 1 else kwargs.get("axis")
    axes = range(len(shape)) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
    return wrap(call(function, args, kwargs), dim ** int(np.prod([shape[a] for a in axes] or [1])))
