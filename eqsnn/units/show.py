"""Quantities as text: the unit whose prefix fits the size of the values."""

from __future__ import annotations

import numpy as np

from eqsnn.errors import UnitError
from eqsnn.units.dimension import DIMENSIONLESS, Dimension
from eqsnn.units.names import BASIC, Unit, make_unit, unit_named
from eqsnn.units.quantity import Quantity, dimensions_of

_HIDDEN = {"becquerel", "lumen", "gray", "sievert", "radian", "steradian", "gram", "liter", "molar", "kelvin"}
_PREFERRED = {dim: name for name, (_, dim, power) in reversed(BASIC.items()) if name not in _HIDDEN and power == 0}
_SPECIAL = {BASIC["molar"][1]: ("molar", ("m", "u", "n", "p")), BASIC["gram"][1]: ("gram", ("k", "", "m", "u", "n"))}
_STEPS = ("f", "p", "n", "u", "m", "", "k", "M", "G")


def _family(dim: Dimension) -> list[Unit]:
    if dim in _SPECIAL:
        name, prefixes = _SPECIAL[dim]
        return [unit_named(p + name) for p in prefixes]
    if dim in _PREFERRED:
        prefixes = ("f", "p", "n", "u", "m", "") if dim == unit_named("second").dim else _STEPS
        return [unit_named(p + _PREFERRED[dim]) for p in prefixes]
    for power in (2, 3):
        if dim == unit_named("metre").dim ** power:
            return [unit_named(f"{p}metre{power}") for p in ("n", "u", "m", "c", "")]
    if dim == BASIC["kelvin"][1]:
        return [unit_named("kelvin")]
    return []


def _compound(dim: Dimension) -> Unit:
    """The product of base units for a dimension that no unit is named after."""
    names = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candela")
    parts = [(unit_named(n), e) for n, e in zip(names, dim.exponents) if e]
    name = " * ".join(u.name if e == 1 else f"{u.name} ** {e}" for u, e in parts)
    return make_unit(1.0, dim, name, str(dim))


def best_unit(quantity: Quantity) -> Unit:
    """The unit in which the largest value lies between 1 and 1000, where there is one."""
    if quantity.dim == DIMENSIONLESS:
        return make_unit(1.0, DIMENSIONLESS, "1", "1")
    family = sorted(_family(quantity.dim), key=float)
    if not family:
        return _compound(quantity.dim)
    values = np.abs(np.asarray(quantity).ravel())
    values = values[np.isfinite(values) & (values > 0)]
    if not values.size:
        return next((u for u in family if float(u) == 1.0), family[-1])
    # The margin keeps 0.1*10*ms, which is 0.0009999999999999998 s, in milliseconds.
    fitting = [u for u in family if float(u) <= values.max() * (1 + 1e-9)]
    return fitting[-1] if fitting else family[0]


def _values_in(quantity: Quantity, unit: Unit) -> np.ndarray:
    if dimensions_of(unit) != quantity.dim:
        raise UnitError(f"a value with unit {quantity.dim} cannot be shown in {unit!s}")
    return np.asarray(quantity) / float(unit)


def _number(values: np.ndarray, precision: int | None) -> str:
    if values.ndim == 0:
        return np.format_float_positional(values, precision=precision or 8, fractional=False, trim=".") \
            if 1e-5 < abs(values) < 1e16 or values == 0 else f"{float(values):.{precision or 8}g}"  # fmt: skip
    return np.array2string(values, precision=precision, separator=" ")


def in_unit(quantity: Quantity, unit: Unit, precision: int | None = None) -> str:
    """``'3. mV'``"""
    return f"{_number(_values_in(quantity, unit), precision)} {unit!s}"


def format_quantity(quantity: Quantity, spec: str = "") -> str:
    """The text of a quantity in its best unit; ``spec`` formats a scalar's number (``f'{v:.3f}'``)."""
    unit = best_unit(quantity)
    if spec and quantity.ndim == 0:
        return f"{float(_values_in(quantity, unit)):{spec}} {unit!s}"
    return in_unit(quantity, unit)


def represent(quantity: Quantity) -> str:
    """Text that gives the quantity again: ``3. * mvolt``."""
    unit = best_unit(quantity)
    values = _values_in(quantity, unit)
    number = _number(values, None) if values.ndim == 0 else np.array2string(values, separator=", ")
    name = f"({unit!r})" if " " in repr(unit) and "/" in repr(unit) else repr(unit)
    return f"{number} * {name}"


def latex(quantity: Quantity) -> str:
    """For notebooks: value and unit upright."""
    unit = best_unit(quantity)
    if quantity.ndim:
        return f"$\\text{{{in_unit(quantity, unit)}}}$"
    return f"${_number(_values_in(quantity, unit), None).rstrip('.')}\\,\\mathrm{{{unit!s}}}$"
