"""The rules of numpy's functions that have one of their own: histograms, interpolation, integration, choices."""

from __future__ import annotations

import numpy as np

from eqsnn.errors import UnitError
from eqsnn.units.arrayrules import call, common, keep, quantities, warn_base_si, wrap
from eqsnn.units.dimension import DIMENSIONLESS
from eqsnn.units.quantity import dimensions_of, is_zero_like, with_dim


def where(function, args, kwargs):
    if len(args) == 1:
        return call(function, args, kwargs)
    return wrap(call(function, args, kwargs), common(function, args[1:]))


def average(function, args, kwargs):
    result = call(function, args, kwargs)
    dim = dimensions_of(args[0])
    if kwargs.get("returned"):
        weights = kwargs.get("weights", args[2] if len(args) > 2 else None)
        return with_dim(result[0], dim), with_dim(result[1], dimensions_of(weights))
    return with_dim(result, dim)


def interp(function, args, kwargs):
    _same_or_base_si(function, args[0], args[1])
    return with_dim(call(function, args, kwargs), dimensions_of(args[2]))


def digitize(function, args, kwargs):
    _same_or_base_si(function, args[0], args[1] if len(args) > 1 else kwargs["bins"])
    return call(function, args, kwargs)


def _same_or_base_si(function, a, b) -> bool:
    """True if two sets of values have one unit; a plain one beside one with a unit is taken in base SI, as Brian 2 does, with a warning."""
    first, second = dimensions_of(a), dimensions_of(b)
    if first == second or is_zero_like(a) or is_zero_like(b):
        return True
    if DIMENSIONLESS not in (first, second):
        raise UnitError(f"np.{function.__name__} needs values of one unit; got {first} and {second}")
    unit = second if first == DIMENSIONLESS else first
    warn_base_si(f"np.{function.__name__}: plain values beside values with unit {unit} are taken in base SI")
    return False


def histogram(function, args, kwargs):
    values, bins = args[0], args[1] if len(args) > 1 else kwargs.get("bins", 10)
    span = kwargs.get("range", args[2] if len(args) > 2 else None)
    given = [b for b in (None if np.ndim(bins) == 0 else bins, span) if b is not None]
    mixed = [g for g in given if not _same_or_base_si(function, values, g)]
    dim = DIMENSIONLESS if mixed else dimensions_of(values)
    result = call(function, args, kwargs)
    if function is np.histogram_bin_edges:
        return with_dim(result, dim)
    return with_dim(result[0], dim**-1 if kwargs.get("density") else DIMENSIONLESS), with_dim(result[1], dim)


def histogram2d(function, args, kwargs):
    if any(quantities([*args[2:], *kwargs.values()])) or kwargs.get("density"):
        raise UnitError(
            "np.histogram2d of values with units takes numbers of bins and no density: divide by units first"
        )
    counts, x, y = call(function, args, kwargs)
    return counts, with_dim(x, dimensions_of(args[0])), with_dim(y, dimensions_of(args[1]))


def histogramdd(function, args, kwargs):
    sample = args[0]
    dims = [dimensions_of(c) for c in sample] if isinstance(sample, (list, tuple)) else None
    counts, edges = call(function, args, kwargs)
    return counts, tuple(with_dim(e, dims[k] if dims else sample.dim) for k, e in enumerate(edges))


def trapezoid(function, args, kwargs):
    x = args[1] if len(args) > 1 else kwargs.get("x")
    dx = args[2] if len(args) > 2 else kwargs.get("dx", 1.0)
    return with_dim(call(function, args, kwargs), dimensions_of(args[0]) * dimensions_of(dx if x is None else x))


def gradient(function, args, kwargs):
    spacing = args[1] if len(args) > 1 else 1.0
    return wrap(call(function, args, kwargs), dimensions_of(args[0]) / dimensions_of(spacing))


def linspace(function, args, kwargs):
    dim = common(function, [*args[:2], *(v for k, v in kwargs.items() if k in ("start", "stop"))])
    return wrap(call(function, args, kwargs), dim)


def unique(function, args, kwargs):
    result = call(function, args, kwargs)
    dim = dimensions_of(args[0])
    if not isinstance(result, tuple):
        return with_dim(result, dim)
    parts = (with_dim(result[0], dim), *result[1:])
    return type(result)(*parts) if hasattr(result, "_fields") else parts


def full_like(function, args, kwargs):
    fill = args[1] if len(args) > 1 else kwargs["fill_value"]
    return with_dim(call(function, args, kwargs), dimensions_of(fill))


def meshgrid(function, args, kwargs):
    results = call(function, args, kwargs)
    return type(results)(with_dim(r, dimensions_of(a)) for r, a in zip(results, args))


def broadcast_arrays(function, args, kwargs):
    """Plain arrays, unless ``subok=True``: this is numpy's own rule, and matplotlib, which mixes x and y by it, lives by the base-SI values."""
    results = call(function, args, kwargs)
    if not kwargs.get("subok"):
        return results
    return tuple(with_dim(r, dimensions_of(a)) for r, a in zip(results, args))


def pad(function, args, kwargs):
    fill = kwargs.get("constant_values", 0)
    if not is_zero_like(fill) and dimensions_of(fill) != dimensions_of(args[0]):
        raise UnitError(f"np.pad: values with unit {dimensions_of(args[0])} are padded with unit {dimensions_of(fill)}")
    return with_dim(call(function, args, kwargs), dimensions_of(args[0]))


def copyto(function, args, kwargs):
    if common(function, args[:2]) != dimensions_of(args[0]):
        raise UnitError(f"np.copyto: from unit {dimensions_of(args[1])} to {dimensions_of(args[0])}")
    call(function, args, kwargs)


def text(function, args, kwargs):
    return repr(args[0]) if function is np.array_repr else str(args[0])


def atleast(function, args, kwargs):
    results = [with_dim(call(function, (a,), kwargs), dimensions_of(a)) for a in args]
    return results[0] if len(results) == 1 else tuple(results)


def equality(function, args, kwargs):
    a, b = args[:2]
    agree = dimensions_of(a) == dimensions_of(b) or is_zero_like(a) or is_zero_like(b)
    return agree and call(function, args, kwargs)


def of_second(function, args, kwargs):
    """``compress(condition, values)``, ``choose(index, values)``: the second argument carries the unit."""
    return wrap(call(function, args, kwargs), common(function, [args[1]]))


def inverse(function, args, kwargs):
    return with_dim(call(function, args, kwargs), dimensions_of(args[0]) ** -1)


def solve(function, args, kwargs):
    return with_dim(call(function, args, kwargs), dimensions_of(args[1]) / dimensions_of(args[0]))


def det(function, args, kwargs):
    return with_dim(call(function, args, kwargs), dimensions_of(args[0]) ** np.shape(args[0])[-1])


def quantile(function, args, kwargs):
    if any(quantities([*args[1:], *(v for k, v in kwargs.items() if k not in ("a", "out"))])):
        raise UnitError(f"np.{function.__name__}: which one is a plain number")
    return keep(function, args, kwargs)
