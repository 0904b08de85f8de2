"""The dimension that results from each numpy ufunc, or ``UnitError``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from eqsnn.errors import UnitError
from eqsnn.units.dimension import DIMENSIONLESS, Dimension, exact_power

_SAME = {"add", "subtract", "maximum", "minimum", "fmax", "fmin", "hypot", "remainder", "fmod", "mod", "nextafter"}
_COMPARE = {"less", "less_equal", "greater", "greater_equal", "equal", "not_equal"}
_KEEP = {"negative", "positive", "absolute", "fabs", "conjugate", "spacing", "floor", "ceil", "trunc", "rint"}
_PLAIN = {"isfinite", "isnan", "isinf", "signbit", "sign", "logical_not", "logical_and", "logical_or", "logical_xor"}
_POWERS = {"sqrt": 0.5, "cbrt": 1 / 3, "square": 2, "reciprocal": -1}
_PRODUCT = {"multiply", "matmul", "vecdot", "matvec", "vecmat"}
_REDUCIBLE = {"add", "maximum", "minimum", "fmax", "fmin", "hypot"}


def _mismatch(ufunc: np.ufunc, a: Dimension, b: Dimension) -> UnitError:
    verbs = {"add": "add", "subtract": "subtract", **dict.fromkeys(_COMPARE, "compare")}
    verb = verbs.get(ufunc.__name__)
    what = f"cannot {verb} values" if verb else f"np.{ufunc.__name__} needs values of one unit; got values"
    return UnitError(f"{what} with units {a} and {b}")


def _one_dim(ufunc, inputs, dims: list[Dimension], zero_like: Callable[[object], bool]) -> Dimension:
    """The one dimension of all inputs; whether one agrees with any unit is asked only where dimensions differ."""
    if all(d == dims[0] for d in dims[1:]):
        return dims[0]
    found = [d for x, d in zip(inputs, dims) if not zero_like(x)] or dims
    for d in found[1:]:
        if d != found[0]:
            raise _mismatch(ufunc, dims[0], dims[1])
    return found[0]


def ufunc_rule(ufunc, method: str, inputs, dims: list[Dimension], zero_like: Callable[[object], bool], kwargs):
    """The dimension (or dimensions) of ``getattr(ufunc, method)(*inputs)``, where ``dims`` are those of the inputs.

    ``zero_like`` says whether a plain value agrees with any unit.
    """
    if method in ("reduce", "accumulate", "reduceat"):
        return _reduction(ufunc, method, inputs, dims, kwargs)
    if method == "at":
        if (
            ufunc.__name__ not in ("add", "subtract", "maximum", "minimum")
            or _one_dim(ufunc, [inputs[0], inputs[2]], [dims[0], dims[2]], zero_like) != dims[0]
        ):
            raise UnitError(f"np.{ufunc.__name__}.at would change the unit {dims[0]} of an array in place")
        return dims[0]
    return _call(ufunc, inputs, dims, zero_like)


def _call(ufunc, inputs, dims, zero_like):
    name = ufunc.__name__
    if name in _SAME:
        return _one_dim(ufunc, inputs, dims, zero_like)
    if name in _COMPARE:
        _one_dim(ufunc, inputs, dims, zero_like)
        return DIMENSIONLESS
    if name in _KEEP:
        return dims[0]
    if name in _PLAIN:
        return DIMENSIONLESS
    if name in _POWERS:
        return dims[0] ** exact_power(_POWERS[name])
    if name in _PRODUCT:
        return dims[0] * dims[1]
    if name in ("divide", "true_divide", "floor_divide"):
        return dims[0] / dims[1]
    if name == "divmod":
        if dims[0] != dims[1]:
            raise _mismatch(ufunc, dims[0], dims[1])
        return DIMENSIONLESS, dims[0]
    if name in ("power", "float_power"):
        return _power(inputs[1], dims)
    if name == "arctan2":
        _one_dim(ufunc, inputs, dims, zero_like)
        return DIMENSIONLESS
    if name == "copysign":
        return dims[0]
    if name == "heaviside":
        if dims[1] != DIMENSIONLESS:
            raise UnitError(f"np.heaviside: the value at 0 is a plain number; it has unit {dims[1]}")
        return DIMENSIONLESS
    if any(d != DIMENSIONLESS for d in dims):
        found = next(d for d in dims if d != DIMENSIONLESS)
        raise UnitError(f"np.{name} takes values without a unit; got a value with unit {found}")
    return DIMENSIONLESS


def _power(exponent, dims) -> Dimension:
    if dims[1] != DIMENSIONLESS:
        raise UnitError(f"an exponent is a plain number; it has unit {dims[1]}")
    if dims[0] == DIMENSIONLESS:
        return DIMENSIONLESS
    if np.size(exponent) != 1:
        raise UnitError(f"a quantity with unit {dims[0]} takes one exponent for all elements")
    try:
        return dims[0] ** exact_power(float(np.asarray(exponent).reshape(())))
    except ValueError as error:
        raise UnitError(str(error)) from None


def _reduction(ufunc, method: str, inputs, dims, kwargs) -> Dimension:
    name = ufunc.__name__
    if name in _REDUCIBLE:
        return dims[0]
    if name in ("logical_and", "logical_or", "logical_xor"):
        return DIMENSIONLESS
    if name == "multiply" and method == "reduce":
        axis, shape = kwargs.get("axis", 0), np.shape(inputs[0])
        axes = range(len(shape)) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
        return dims[0] ** int(np.prod([shape[a] for a in axes] or [1]))
    raise UnitError(f"np.{name}.{method} has no single unit for values with unit {dims[0]}")
