"""External constants and functions: where names that a model does not define come from.

They are looked up in the object's own ``namespace``, then in that of ``run``: its ``namespace=`` if given, else the local and global
names of the user's code that called eqsnn. (Brian 2's order.)
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

import numpy as np

from eqsnn.errors import EquationError, Span
from eqsnn.units import DIMENSIONLESS, Dimension, Quantity, dimensions_of


def user_namespace(level: int = 0) -> dict[str, object]:
    """The names visible in the innermost frame that is not eqsnn's own, or ``level`` calls further out."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] == "eqsnn":
        frame = frame.f_back
    for _ in range(level):
        frame = frame.f_back if frame is not None else None
    return {} if frame is None else {**frame.f_globals, **frame.f_locals}


def constant(name: str, value: object, span: Span | None) -> tuple[float | int | bool, Dimension]:
    """``value`` as a number in base SI units and its dimension; refuses what is no scalar number."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value), DIMENSIONLESS
    if isinstance(value, (int, np.integer)):
        return int(value), DIMENSIONLESS
    array = np.asarray(value) if isinstance(value, (Quantity, float, np.ndarray, np.floating)) else None
    if array is None or array.dtype.kind not in "fiub":
        raise EquationError(
            f"the external name '{name}' is a {type(value).__name__}, not a number",
            span,
            f"give '{name}' a number or a quantity, here or in namespace=",
        )
    if array.ndim:
        raise EquationError(
            f"the external name '{name}' is an array of shape {array.shape}, and equations use single numbers",
            span,
            f"make it a parameter of the equations ('{name} : ...') and set it, or a TimedArray if it changes with time",
        )
    return float(array), dimensions_of(value)


def constants(
    externals: Mapping[str, Span], spaces: Iterable[Mapping[str, object]]
) -> tuple[dict[str, float | int | bool], dict[str, Dimension]]:
    """The values and dimensions of those ``externals`` that are found in ``spaces`` (the first that has the name wins)."""
    spaces = list(spaces)
    values, dims = {}, {}
    for name, span in externals.items():
        for space in spaces:
            if name in space:
                values[name], dims[name] = constant(name, space[name], span)
                break
    return values, dims


def names_of_numbers(spaces: Iterable[Mapping[str, object]]) -> list[str]:
    """The names of all numbers and quantities in ``spaces``."""
    return [n for space in spaces for n, value in space.items() if isinstance(value, (int, float, np.number, Quantity))]
