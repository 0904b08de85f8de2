"""Physical units: ``10*ms``, ``-60*mV``, ``M.t/ms``. Units are attributes of this module, ``eqsnn.units.nS``, made when asked for."""

from eqsnn.errors import UnitError
from eqsnn.units.check import check_units
from eqsnn.units.constants import CONSTANTS, zero_celsius
from eqsnn.units.dimension import DIMENSIONLESS, Dimension
from eqsnn.units.names import Unit, equation_unit, exported_names, unit_named
from eqsnn.units.quantity import (
    Quantity,
    dimensions_of,
    fail_for_dimension_mismatch,
    have_same_dimensions,
    is_dimensionless,
    is_zero_like,
    plain,
    with_dim,
)

__all__ = [
    "CONSTANTS",
    "DIMENSIONLESS",
    "Dimension",
    "Quantity",
    "Unit",
    "UnitError",
    "check_units",
    "dimensions_of",
    "equation_unit",
    "fail_for_dimension_mismatch",
    "have_same_dimensions",
    "is_dimensionless",
    "is_zero_like",
    "plain",
    "unit_named",
    "with_dim",
    "zero_celsius",
    *exported_names(),
]


def __getattr__(name: str):
    unit = CONSTANTS.get(name) if name in CONSTANTS else unit_named(name)
    if unit is None:
        raise AttributeError(f"there is no unit called '{name}'")
    globals()[name] = unit
    return unit
