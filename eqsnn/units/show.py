"""Quantities as text, in the unit whose numbers read best. Numbers are printed as numpy's print options say."""

from __future__ import annotations

import numpy as np

from eqsnn.errors import UnitError
from eqsnn.units.dimension import DIMENSIONLESS, Dimension, python_name
from eqsnn.units.names import Unit, additional_unit_register, make_unit, standard_unit_register
from eqsnn.units.quantity import Quantity, dimensions_of
from eqsnn.units.registry import UnitRegistry, user_unit_register

REGISTERS = (standard_unit_register, user_unit_register, additional_unit_register)


def get_unit(d: Dimension) -> Unit:
    """The unit of size 1 in base SI for a dimension: ``volt``, not ``mvolt``."""
    if d == DIMENSIONLESS:
        return make_unit(0, d, "Unit(1)", "1")
    found = (register.family(d).get(1.0) for register in REGISTERS)
    unit = next((u for u in found if u is not None), None)
    return make_unit(0, d, python_name(d), str(d)) if unit is None else unit


def best_unit(quantity: Quantity, *registers: UnitRegistry) -> Unit:
    """The unit in which the values lie closest to 10, from the first register (default: SI, the user's, others) that has one."""
    if quantity.dim == DIMENSIONLESS:
        return get_unit(quantity.dim)
    for register in registers or REGISTERS:
        try:
            return register[quantity]
        except KeyError:
            continue
    return make_unit(0, quantity.dim, python_name(quantity.dim), str(quantity.dim))


def _values_in(quantity: Quantity, unit: Quantity) -> np.ndarray:
    if dimensions_of(unit) != quantity.dim:
        raise UnitError(f"a value with unit {quantity.dim} cannot be shown in {unit!s}")
    return np.asarray(quantity).view(np.ndarray) / float(unit)


def _number(values: np.ndarray, precision: int | None, python_code: bool = False) -> str:
    if values.ndim == 0:
        # Numpy's print options hold for arrays only.
        return np.array2string(values.reshape(1), precision=precision)[1:-1].strip()
    return np.array_repr(values, precision=precision) if python_code else np.array_str(values, precision=precision)


def in_unit(quantity: Quantity, unit: Quantity, precision: int | None = None, python_code: bool = False) -> str:
    """``'3. mV'``; with ``python_code`` text that gives the quantity again, ``'3. * mvolt'``."""
    number = _number(_values_in(quantity, unit), precision, python_code)
    if unit.dim == DIMENSIONLESS:
        return f"Quantity({number})" if python_code else number
    if not isinstance(unit, Unit):
        unit = make_unit(0, unit.dim, python_name(unit.dim), str(unit.dim))
    return f"{number} * {unit!r}" if python_code else f"{number} {unit!s}"


def format_quantity(quantity: Quantity) -> str:
    """The text of a quantity in its best unit."""
    return in_unit(quantity, best_unit(quantity))


def represent(quantity: Quantity) -> str:
    """Text that gives the quantity again: ``3. * mvolt``."""
    return in_unit(quantity, best_unit(quantity), python_code=True)


def latex(quantity: Quantity) -> str:
    """For notebooks: a number, a row or a matrix, cut as numpy cuts an array a hundred times longer, and the unit."""
    unit = best_unit(quantity)
    values = _values_in(quantity, unit)
    if values.ndim == 0:
        return rf"${float(values)}\,{unit.latexname}$"
    if values.ndim > 2:
        return f"$\\text{{{in_unit(quantity, unit)}}}$"
    most = max(np.get_printoptions()["threshold"] // 100, 1)
    rows = [_latex_row(row, most) for row in _ends(np.atleast_2d(values), values.size > most)]
    return rf"$\left[\begin{{matrix}}{(chr(92) * 2).join(rows)}\end{{matrix}}\right]\,{unit.latexname}$"


def _ends(rows, cut: bool) -> list:
    edge = np.get_printoptions()["edgeitems"]
    return [*rows[:edge], None, *rows[-edge:]] if cut and len(rows) > 2 * edge else list(rows)


def _latex_row(row, most: int) -> str:
    if row is None:
        return r"\vdots"
    return " & ".join(
        r"\dots" if v is None else f"{v:.{np.get_printoptions()['precision']}g}" for v in _ends(row, len(row) > most)
    )


def get_unit_for_display(d) -> str:
    """The symbol of :func:`get_unit`, ``'1'`` for none."""
    return str(get_unit(dimensions_of(d)))
