"""Quantities in figures: matplotlib gets their values in base SI, as ``plot(t, v)`` draws them."""

from __future__ import annotations

import numpy as np

from eqsnn.units.names import Unit
from eqsnn.units.quantity import Quantity


def register() -> None:
    """Let matplotlib, if it is installed, take a quantity wherever a coordinate is expected (``axhline(3*mV)``, ``set_xlim``)."""
    try:
        from matplotlib import units
    except ImportError:
        return

    class Converter(units.ConversionInterface):
        @staticmethod
        def convert(value, unit, axis):
            if isinstance(value, (list, tuple)):
                return [np.asarray(v).view(np.ndarray) for v in value]
            return np.asarray(value).view(np.ndarray)

    units.registry[Quantity] = units.registry[Unit] = Converter()
