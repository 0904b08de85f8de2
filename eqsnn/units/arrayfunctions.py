"""What the functions of numpy's namespace do to units: the table. A function without a rule raises: it is never silently wrong."""

from __future__ import annotations

import numpy as np

from eqsnn.errors import UnitError
from eqsnn.units import arraynames as names
from eqsnn.units import arrayrules as rules
from eqsnn.units import arrayspecial as special

_TABLE = (
    (names.KEEP, rules.keep),
    (names.SAME, rules.same),
    (names.SAME_TO_PLAIN, rules.to_plain),
    (names.PLAIN, rules.plain_result),
    (names.FILES, rules.plain_result),
    (names.PRODUCT, rules.product),
    (names.BASE_SI, rules.base_si),
    (["var", "nanvar", "cov"], rules.square),
    (["prod", "nanprod"], rules.prod),
    (["where"], special.where),
    (["average"], special.average),
    (["percentile", "quantile", "nanpercentile", "nanquantile"], special.quantile),
    (["interp"], special.interp),
    (["digitize"], special.digitize),
    (["histogram", "histogram_bin_edges"], special.histogram),
    (["histogram2d"], special.histogram2d),
    (["histogramdd"], special.histogramdd),
    (["trapezoid", "trapz"], special.trapezoid),
    (["gradient"], special.gradient),
    (["linspace"], special.linspace),
    (["unique", "unique_all", "unique_counts", "unique_inverse", "unique_values"], special.unique),
    (["full_like"], special.full_like),
    (["meshgrid"], special.meshgrid),
    (["broadcast_arrays"], special.broadcast_arrays),
    (["pad"], special.pad),
    (["copyto"], special.copyto),
    (["array_equal", "array_equiv"], special.equality),
    (["atleast_1d", "atleast_2d", "atleast_3d"], special.atleast),
    (["compress", "extract", "choose"], special.of_second),
    (["array_repr", "array_str", "array2string"], special.text),
)

_RULES = {getattr(np, n): rule for given, rule in _TABLE for n in given if hasattr(np, n)}
_RULES |= {getattr(np.fft, n): rules.keep for n in names.FFT}
_RULES |= {
    np.linalg.norm: rules.keep,
    np.linalg.inv: special.inverse,
    np.linalg.pinv: special.inverse,
    np.linalg.solve: special.solve,
    np.linalg.det: special.det,
}


def apply(function, args, kwargs):
    """The result of a numpy function on arguments among which are quantities."""
    rule = _RULES.get(function)
    if rule is None:
        raise UnitError(
            f"np.{function.__name__} has no rule for values with units: divide by a unit first, as in np.{function.__name__}(x/ms)"
        )
    return rule(function, args, kwargs)
