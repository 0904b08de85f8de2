"""numpy, with the functions that Brian 2 replaces by unit-aware ones: ``import eqsnn.brian.numpy_ as np``.

Quantities bring the rules of units to nearly all of numpy by themselves; what is here cannot learn them that way, or differs in Brian 2.
"""

import numpy as _numpy
from numpy import *  # noqa: F403
from numpy import abs, bool, max, min, round  # noqa: F401 (numpy leaves them out of its star import)

from eqsnn.units import DIMENSIONLESS, check_units, dimensions_of, fail_for_dimension_mismatch, plain, with_dim

UNIT_AWARE = """
    log log10 exp expm1 log1p exprel sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh diagonal ravel
    trace dot where ones_like zeros_like arange linspace ptp concat concatenate
""".split()  # noqa: SIM905
"""The functions that Brian 2 exports in place of numpy's."""


def arange(*args, dtype=None, **keywords):
    """``arange([start,] stop[, step])`` with one unit: ``arange(0*ms, 10*ms, 1*ms)``; a start of 0 needs none."""
    names = {1: ("stop",), 2: ("start", "stop"), 3: ("start", "stop", "step")}.get(len(args), ())
    if len(names) != len(args):
        raise TypeError(f"arange() takes 1 to 3 values; got {len(args)}")
    twice = [n for n in names if n in keywords]
    unknown = [n for n in keywords if n not in ("start", "stop", "step")]
    if twice or unknown:
        raise TypeError(f"arange() got '{(twice or unknown)[0]}' {'twice' if twice else 'and has no such argument'}")
    given = {"start": 0, "step": 1, **dict(zip(names, args)), **keywords}
    if "stop" not in given:
        raise TypeError("arange() needs a stop")
    dim = dimensions_of(given["stop"])
    fail_for_dimension_mismatch(given["start"], given["stop"], "arange(): start and stop have different units")
    if dim != dimensions_of(given["step"]):
        fail_for_dimension_mismatch(given["step"], dim, "arange(): step and stop have different units")
    values = _numpy.arange(*(plain(given[n])[()] for n in ("start", "stop", "step")), dtype=dtype)
    return values if dim == DIMENSIONLESS else with_dim(values, dim)


def ones_like(a, *args, **kwargs):
    """Ones without a unit, in the shape of ``a``."""
    return _numpy.ones_like(plain(a), *args, **kwargs)


def zeros_like(a, *args, **kwargs):
    """Zeros without a unit, in the shape of ``a``."""
    return _numpy.zeros_like(plain(a), *args, **kwargs)


@check_units(x=1, result=1)
def exprel(x):
    """(exp(x) - 1)/x, and 1 at 0."""
    x = _numpy.asarray(x, _numpy.float64)
    with _numpy.errstate(over="ignore", invalid="ignore", divide="ignore"):
        values = _numpy.where(_numpy.abs(x) < 1e-16, 1.0, _numpy.expm1(x) / _numpy.where(x == 0, 1.0, x))
    values = _numpy.where(x > 717, _numpy.inf, values)
    return values if values.ndim else float(values)


__all__ = [*_numpy.__all__, *(n for n in UNIT_AWARE if n not in _numpy.__all__)]


def __getattr__(name: str):
    return getattr(_numpy, name)
