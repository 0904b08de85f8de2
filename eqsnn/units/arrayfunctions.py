"""What the functions of numpy's namespace do to dimensions. A function without a rule raises: it is never silently wrong."""

from __future__ import annotations

import numpy as np

from eqsnn.errors import UnitError
from eqsnn.units.dimension import DIMENSIONLESS, Dimension
from eqsnn.units.quantity import Quantity, dimensions_of, is_zero_like, plain, with_dim

_KEEP = [
    "sum",
    "mean",
    "median",
    "std",
    "cumsum",
    "ptp",
    "min",
    "max",
    "amin",
    "amax",
    "nansum",
    "nanmean",
    "nanmedian",
    "nanstd",
    "nanmin",
    "nanmax",
    "nancumsum",
    "sort",
    "partition",
    "percentile",
    "quantile",
    "nanpercentile",
    "nanquantile",
    "reshape",
    "ravel",
    "transpose",
    "squeeze",
    "expand_dims",
    "broadcast_to",
    "tile",
    "repeat",
    "roll",
    "flip",
    "fliplr",
    "flipud",
    "rot90",
    "swapaxes",
    "moveaxis",
    "rollaxis",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "split",
    "array_split",
    "hsplit",
    "vsplit",
    "dsplit",
    "diag",
    "diagonal",
    "diagflat",
    "triu",
    "tril",
    "delete",
    "take",
    "compress",
    "copy",
    "diff",
    "ediff1d",
    "trace",
    "zeros_like",
    "empty_like",
    "ones_like",
    "resize",
    "extract",
    "take_along_axis",
    "choose",
    "real",
    "imag",
    "nan_to_num",
    "trim_zeros",
    "matrix_transpose",
    "permute_dims",
    "unstack",
    "sort_complex",
    "apply_along_axis",
]
_SAME = [
    "concatenate",
    "stack",
    "hstack",
    "vstack",
    "dstack",
    "column_stack",
    "append",
    "clip",
    "union1d",
    "intersect1d",
    "setdiff1d",
    "setxor1d",
    "maximum",
    "minimum",
    "select",
    "insert",
    "block",
    "concat",
]
_SAME_TO_PLAIN = ["isclose", "allclose", "array_equal", "array_equiv", "searchsorted", "digitize", "isin", "in1d"]
_PLAIN = [
    "argmin",
    "argmax",
    "argsort",
    "nanargmin",
    "nanargmax",
    "nonzero",
    "flatnonzero",
    "count_nonzero",
    "argwhere",
    "shape",
    "ndim",
    "size",
    "isreal",
    "iscomplex",
    "isrealobj",
    "iscomplexobj",
    "all",
    "any",
    "corrcoef",
    "may_share_memory",
    "shares_memory",
    "argpartition",
    "result_type",
    "common_type",
    "isposinf",
    "isneginf",
    "lexsort",
    "can_cast",
    "min_scalar_type",
    "bincount",
]
_PRODUCT = ["dot", "vdot", "inner", "outer", "tensordot", "kron", "cross", "convolve", "correlate", "matmul"]

_RULES = {}


def _functions(names):
    return [getattr(np, n) for n in names if hasattr(np, n)]


def _quantities(values):
    """The quantities in arguments, also inside lists and tuples."""
    for value in values:
        if isinstance(value, Quantity):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _quantities(value)


def _strip(value):
    if isinstance(value, Quantity):
        return plain(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_strip(v) for v in value)
    return value


def _call(function, args, kwargs):
    return function(*map(_strip, args), **{k: _strip(v) for k, v in kwargs.items()})


def _wrap(result, dim: Dimension):
    if isinstance(result, (list, tuple)):
        return type(result)(_wrap(r, dim) for r in result)
    return with_dim(result, dim)


def _check_out(function, kwargs, dim: Dimension) -> None:
    out = kwargs.get("out")
    for target in out if isinstance(out, tuple) else (out,):
        if isinstance(target, np.ndarray) and dimensions_of(target) != dim:
            raise UnitError(
                f"the result of np.{function.__name__} has unit {dim}, the array it goes to {dimensions_of(target)}"
            )


def apply(function, args, kwargs):
    """The result of a numpy function on arguments among which are quantities."""
    rule = _RULES.get(function)
    if rule is None:
        raise UnitError(
            f"np.{function.__name__} has no rule for values with units: divide by a unit first, as in np.{function.__name__}(x/ms)"
        )
    return rule(function, args, kwargs)


def _keep(function, args, kwargs):
    dim = dimensions_of(args[0]) if args else dimensions_of(next(iter(kwargs.values())))
    for other in _quantities([*args[1:], *(v for k, v in kwargs.items() if k != "out")]):
        if other.dim != dim:
            raise UnitError(f"np.{function.__name__} got values with units {dim} and {other.dim}")
    _check_out(function, kwargs, dim)
    return _wrap(_call(function, args, kwargs), dim)


def _flat(args):
    for a in args:
        if isinstance(a, (list, tuple)):
            yield from _flat(a)
        elif a is not None and not isinstance(a, str):
            yield a


def _common(function, args) -> Dimension:
    found = [dimensions_of(a) for a in _flat(args) if not is_zero_like(a)]
    for d in found[1:]:
        if d != found[0]:
            raise UnitError(f"np.{function.__name__} needs values of one unit; got {found[0]} and {d}")
    return found[0] if found else DIMENSIONLESS


def _same_args(function, args):
    """Those arguments of a function of the 'same unit' kind that carry values."""
    name = function.__name__
    if name in ("concatenate", "concat", "stack", "hstack", "vstack", "dstack", "column_stack", "block"):
        return args[:1]
    if name == "insert":
        return (args[0], args[2])
    if name == "select":
        return args[1:3]
    return args[:3] if name == "clip" else args[:2]


def _same(function, args, kwargs):
    bounds = [v for k, v in kwargs.items() if k in ("a_min", "a_max", "min", "max", "values")]
    dim = _common(function, [*_same_args(function, args), *bounds])
    _check_out(function, kwargs, dim)
    return _wrap(_call(function, args, kwargs), dim)


def _same_to_plain(function, args, kwargs):
    _common(function, args[:2])
    if dimensions_of(kwargs.get("atol")) not in (DIMENSIONLESS, dimensions_of(args[0])):
        raise UnitError(f"np.{function.__name__}: atol has unit {dimensions_of(kwargs['atol'])}")
    return _call(function, args, kwargs)


def _product(function, args, kwargs):
    dim = dimensions_of(args[0]) * dimensions_of(args[1])
    _check_out(function, kwargs, dim)
    return _wrap(_call(function, args, kwargs), dim)


def _square(function, args, kwargs):
    return _wrap(_call(function, args, kwargs), dimensions_of(args[0]) ** 2)


def _prod(function, args, kwargs):
    dim, shape = dimensions_of(args[0]), np.shape(args[0])
    axis = args[1] if len(args) > 1 else kwargs.get("axis")
    axes = range(len(shape)) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
    return _wrap(_call(function, args, kwargs), dim ** int(np.prod([shape[a] for a in axes] or [1])))


def _where(function, args, kwargs):
    if len(args) == 1:
        return _call(function, args, kwargs)
    return _wrap(_call(function, args, kwargs), _common(function, args[1:]))


def _average(function, args, kwargs):
    result = _call(function, args, kwargs)
    dim = dimensions_of(args[0])
    if kwargs.get("returned"):
        weights = kwargs.get("weights", args[2] if len(args) > 2 else None)
        return with_dim(result[0], dim), with_dim(result[1], dimensions_of(weights))
    return with_dim(result, dim)


def _interp(function, args, kwargs):
    _common(function, args[:2])
    return with_dim(_call(function, args, kwargs), dimensions_of(args[2]))


def _histogram(function, args, kwargs):
    dim = dimensions_of(args[0])
    for other in _quantities([*args[1:], *kwargs.values()]):
        if other.dim != dim:
            raise UnitError(f"np.histogram: values with unit {dim} and bins with unit {other.dim}")
    counts, edges = _call(function, args, kwargs)
    return with_dim(counts, dim**-1 if kwargs.get("density") else DIMENSIONLESS), with_dim(edges, dim)


def _trapezoid(function, args, kwargs):
    x = args[1] if len(args) > 1 else kwargs.get("x")
    dx = args[2] if len(args) > 2 else kwargs.get("dx", 1.0)
    return with_dim(_call(function, args, kwargs), dimensions_of(args[0]) * dimensions_of(dx if x is None else x))


def _gradient(function, args, kwargs):
    spacing = args[1] if len(args) > 1 else 1.0
    return _wrap(_call(function, args, kwargs), dimensions_of(args[0]) / dimensions_of(spacing))


def _linspace(function, args, kwargs):
    dim = _common(function, [*args[:2], *(v for k, v in kwargs.items() if k in ("start", "stop"))])
    return _wrap(_call(function, args, kwargs), dim)


def _unique(function, args, kwargs):
    result = _call(function, args, kwargs)
    dim = dimensions_of(args[0])
    return (with_dim(result[0], dim), *result[1:]) if isinstance(result, tuple) else with_dim(result, dim)


def _full_like(function, args, kwargs):
    fill = args[1] if len(args) > 1 else kwargs["fill_value"]
    return with_dim(_call(function, args, kwargs), dimensions_of(fill))


def _meshgrid(function, args, kwargs):
    results = _call(function, args, kwargs)
    return type(results)(with_dim(r, dimensions_of(a)) for r, a in zip(results, args))


def _broadcast_arrays(function, args, kwargs):
    return tuple(with_dim(r, dimensions_of(a)) for r, a in zip(_call(function, args, kwargs), args))


def _pad(function, args, kwargs):
    fill = kwargs.get("constant_values", 0)
    if not is_zero_like(fill) and dimensions_of(fill) != dimensions_of(args[0]):
        raise UnitError(f"np.pad: values with unit {dimensions_of(args[0])} are padded with unit {dimensions_of(fill)}")
    return with_dim(_call(function, args, kwargs), dimensions_of(args[0]))


def _copyto(function, args, kwargs):
    if _common(function, args[:2]) != dimensions_of(args[0]):
        raise UnitError(f"np.copyto: from unit {dimensions_of(args[1])} to {dimensions_of(args[0])}")
    _call(function, args, kwargs)


def _text(function, args, kwargs):
    return repr(args[0]) if function is np.array_repr else str(args[0])


for _names, _rule in (
    (_KEEP, _keep),
    (_SAME, _same),
    (_SAME_TO_PLAIN, _same_to_plain),
    (_PLAIN, lambda f, a, k: _call(f, a, k)),
    (_PRODUCT, _product),
    (["var", "nanvar", "cov"], _square),
    (["prod", "nanprod"], _prod),
    (["where"], _where),
    (["average"], _average),
    (["interp"], _interp),
    (["histogram", "histogram_bin_edges"], _histogram),
    (["trapezoid", "trapz"], _trapezoid),
    (["gradient"], _gradient),
    (["linspace"], _linspace),
    (["unique"], _unique),
    (["full_like"], _full_like),
    (["meshgrid"], _meshgrid),
    (["broadcast_arrays"], _broadcast_arrays),
    (["pad"], _pad),
    (["copyto"], _copyto),
    (["array_repr", "array_str", "array2string"], _text),
):
    for _function in _functions(_names):
        _RULES[_function] = _rule
_RULES[np.linalg.norm] = _keep
_RULES[np.histogram_bin_edges] = _keep
