"""Figures under the names of brian2tools: ``from eqsnn.brian.tools import *`` in place of ``from brian2tools import *``.

Each function draws into ``axes`` (default: the current ones) and returns them.
"""

from __future__ import annotations

import numpy as np

from eqsnn.brian.refused import refused
from eqsnn.errors import EqsnnError
from eqsnn.network.monitors import PopulationRateMonitor, SpikeMonitor
from eqsnn.network.statemonitor import StateMonitor
from eqsnn.network.synapses import Synapses
from eqsnn.network.variables import VariableView
from eqsnn.units import DIMENSIONLESS, Quantity, dimensions_of, hertz, ms
from eqsnn.units.show import best_unit

_SPATIAL = "neurons with a spatial extent are not part of this version"
plot_dendrogram = refused("plot_dendrogram", _SPATIAL)
plot_morphology = refused("plot_morphology", _SPATIAL)

__all__ = [
    "brian_plot",
    "plot_dendrogram",
    "plot_morphology",
    "plot_raster",
    "plot_rate",
    "plot_state",
    "plot_synapses",
]


def brian_plot(brian_obj, axes=None, **kwds):
    """The figure that fits the object: a monitor, synapses, or a variable of synapses (``brian_plot(S.w)``)."""
    if isinstance(brian_obj, SpikeMonitor):
        return plot_raster(brian_obj.i, brian_obj.t, axes=axes, **kwds)
    if isinstance(brian_obj, PopulationRateMonitor):
        return plot_rate(brian_obj.t, brian_obj.rate, axes=axes, **kwds)
    if isinstance(brian_obj, StateMonitor):
        if len(brian_obj.names) != 1:
            raise EqsnnError(
                f"{brian_obj.name} records {', '.join(brian_obj.names)}: use plot_state(M.t, M.{brian_obj.names[0]})"
            )
        name = brian_obj.names[0]
        return plot_state(brian_obj.t, getattr(brian_obj, name).T, var_name=name, axes=axes, **kwds)
    if isinstance(brian_obj, Synapses):
        return plot_synapses(brian_obj.i, brian_obj.j, axes=axes, **kwds)
    if isinstance(brian_obj, VariableView) and isinstance(brian_obj.group, Synapses):
        S = brian_obj.group
        return plot_synapses(S.i, S.j, brian_obj[:], var_name=brian_obj.name, axes=axes, **kwds)
    raise EqsnnError(f"brian_plot() draws monitors, synapses and variables of synapses; got {brian_obj!r}")


def plot_raster(spike_indices, spike_times, time_unit=ms, axes=None, **kwds):
    """A dot for each spike."""
    axes = _axes(axes)
    style = {"linestyle": "", "marker": ".", "color": "k", **kwds}
    axes.plot(np.asarray(spike_times / time_unit), np.asarray(spike_indices), **style)
    axes.set(xlabel=f"time ({time_unit!s})", ylabel="neuron index")
    return axes


def plot_state(times, values, time_unit=ms, var_unit=None, var_name=None, axes=None, **kwds):
    """A line for each column of ``values``."""
    axes = _axes(axes)
    unit = var_unit if var_unit is not None else _unit_of(values)
    axes.plot(np.asarray(times / time_unit), np.asarray(values / unit), **kwds)
    axes.set(xlabel=f"time ({time_unit!s})", ylabel=_label(var_name, unit))
    return axes


def plot_rate(times, rate, time_unit=ms, rate_unit=hertz, axes=None, **kwds):
    """The rate of a population over time."""
    axes = _axes(axes)
    axes.plot(np.asarray(times / time_unit), np.asarray(rate / rate_unit), **kwds)
    axes.set(xlabel=f"time ({time_unit!s})", ylabel=f"population rate ({rate_unit!s})")
    return axes


def plot_synapses(sources, targets, values=None, var_unit=None, var_name=None, plot_type="scatter", axes=None, **kwds):
    """Sources and targets, coloured by ``values``. ``plot_type``: 'scatter', 'image' (the matrix) or 'hexbin'."""
    axes = _axes(axes)
    i, j = np.asarray(sources), np.asarray(targets)
    unit = var_unit if var_unit is not None else _unit_of(values)
    numbers = None if values is None else np.asarray(values / unit, np.float64)
    if plot_type == "scatter":
        style = {"marker": "s", "s": 4, **kwds}
        drawn = axes.scatter(i, j, c="k" if numbers is None else numbers, edgecolors="none", **style)
    elif plot_type == "image":
        matrix = np.full((int(j.max(initial=0)) + 1, int(i.max(initial=0)) + 1), np.nan if numbers is not None else 0.0)
        if numbers is None:
            np.add.at(matrix, (j, i), 1.0)
        else:
            matrix[j, i] = numbers
        drawn = axes.imshow(matrix, **{"origin": "lower", "interpolation": "nearest", "aspect": "auto", **kwds})
    elif plot_type == "hexbin":
        drawn = axes.hexbin(i, j, C=numbers, **kwds)
    else:
        raise EqsnnError(f"plot_type is 'scatter', 'image' or 'hexbin'; got {plot_type!r}")
    if numbers is not None or plot_type != "scatter":
        label = _label(var_name, unit) if numbers is not None else "number of synapses"
        axes.figure.colorbar(drawn, ax=axes, label=label)
    axes.set(xlabel="source neuron index", ylabel="target neuron index")
    return axes


def _axes(axes):
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise EqsnnError("plotting needs matplotlib: pip install 'eqsnn[plot]'") from error
    return axes if axes is not None else plt.gca()


def _unit_of(values) -> Quantity | float:
    return 1.0 if values is None or dimensions_of(values) == DIMENSIONLESS else best_unit(Quantity(values))


def _label(name: str | None, unit) -> str:
    shown = "" if not isinstance(unit, Quantity) else f"({unit!s})"
    return " ".join(filter(None, (name, shown)))
