"""What all figures need: axes to draw into, checked arguments, and units in which values read well."""

from __future__ import annotations

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.units import DIMENSIONLESS, Quantity, dimensions_of, matplotlib_units
from eqsnn.units.show import best_unit


def axes(ax):
    """``ax``, or the current axes. Raises EqsnnError where matplotlib is not installed."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise EqsnnError("plotting needs matplotlib: pip install 'eqsnn[plot]'") from error
    matplotlib_units.register()
    return ax if ax is not None else plt.gca()


def needs(what: object, kind: type, function: str) -> None:
    """Raises EqsnnError where ``what`` is not what ``function`` draws."""
    if not isinstance(what, kind):
        raise EqsnnError(f"plot.{function}() draws a {kind.__name__}; got {what!r}")


def unit_for(values) -> tuple[float, str]:
    """A unit in which the values read well: the size of one in base SI, and its name."""
    dim = dimensions_of(values)
    if dim == DIMENSIONLESS:
        return 1.0, ""
    plain = np.asarray(values)
    finite = np.abs(plain[np.isfinite(plain)])
    size = float(finite.max()) if finite.size else 0.0
    unit = best_unit(Quantity(size, dim=dim))
    return (1.0, str(dim)) if unit is None else (float(unit), str(unit.dispname))


def label_of(name: str, unit: str) -> str:
    """The name with its unit in brackets, if it has one."""
    return f"{name} ({unit})" if unit else name
