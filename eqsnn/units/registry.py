"""Registers of units: which unit a quantity is shown in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from eqsnn.units.dimension import Dimension
from eqsnn.units.quantity import Quantity


class UnitRegistry:
    """Units by dimension. ``register[q]`` is the unit in which the values of ``q`` lie closest to 10; KeyError if none fits.

    ``fill`` gives the units of a dimension when it is asked for the first time, so that a register of thousands costs nothing at import.
    """

    def __init__(self, fill: Callable[[Dimension], list] = lambda dim: []):
        self._fill = fill
        self._families: dict[Dimension, dict[float, Quantity]] = {}

    def family(self, dim: Dimension) -> dict[float, Quantity]:
        """The units of one dimension by their size in base SI."""
        if dim not in self._families:
            self._families[dim] = {float(u): u for u in self._fill(dim)}
        return self._families[dim]

    def add(self, unit: Quantity) -> None:
        """Let quantities of the unit's dimension be shown in it."""
        self.family(unit.dim)[float(unit)] = unit

    @property
    def units(self) -> dict[str, Quantity]:
        """The units that have been added or asked for, by name."""
        return {repr(u): u for family in self._families.values() for u in family.values()}

    def __getitem__(self, quantity: Quantity) -> Quantity:
        family = self.family(quantity.dim)
        if not family:
            raise KeyError(f"no unit is known for {quantity.dim}")
        sizes = np.array(list(family))
        values = np.abs(_shown(quantity))
        values = values[(values > 0) & np.isfinite(values)]
        if not values.size:
            return family.get(1.0) or family[float(sizes[0])]
        # (log10 of the number shown - 1)^2, summed over the numbers: the unit in which they are nearest to 10.
        distance = np.sum((np.log10(values[:, None] / sizes) - 1) ** 2, axis=0)
        return family[float(sizes[distance.argmin()])]


def _shown(quantity: Quantity) -> np.ndarray:
    """The values that numpy prints: of a long array, only those at its ends."""
    values = np.asarray(quantity).view(np.ndarray)
    options = np.get_printoptions()
    if values.size > options["threshold"]:
        edge = options["edgeitems"]
        for axis, length in enumerate(values.shape):
            if length > 2 * edge:
                values = np.take(values, [*range(edge), *range(length - edge, length)], axis)
    return values.ravel()


user_unit_register = UnitRegistry()
"""Units that the user made: products and quotients of units, which from then on are used to show values of their dimension."""
