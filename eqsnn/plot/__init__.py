"""Figures of what a run recorded. Each function draws into ``ax`` (default: the current axes) and returns the Axes, labelled with units."""

from __future__ import annotations

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.network.group import Group
from eqsnn.network.monitors import PopulationRateMonitor, SpikeMonitor
from eqsnn.network.statemonitor import StateMonitor
from eqsnn.network.synapses import Synapses
from eqsnn.units import DIMENSIONLESS, Quantity, dimensions_of, matplotlib_units, ms
from eqsnn.units.show import best_unit

__all__ = ["connectivity", "histogram", "raster", "rate", "traces"]


def _axes(ax):
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise EqsnnError("plotting needs matplotlib: pip install 'eqsnn[plot]'") from error
    matplotlib_units.register()
    return ax if ax is not None else plt.gca()


def _needs(what: object, kind: type, function: str) -> None:
    if not isinstance(what, kind):
        raise EqsnnError(f"plot.{function}() draws a {kind.__name__}; got {what!r}")


def _unit_for(values) -> tuple[float, str]:
    """A unit in which the values read well: the size of one in base SI, and its name."""
    dim = dimensions_of(values)
    if dim == DIMENSIONLESS:
        return 1.0, ""
    plain = np.asarray(values)
    finite = np.abs(plain[np.isfinite(plain)])
    size = float(finite.max()) if finite.size else 0.0
    unit = best_unit(Quantity(size, dim=dim))
    return (1.0, str(dim)) if unit is None else (float(unit), str(unit.dispname))


def _label(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name


def raster(monitor: SpikeMonitor, *, ax=None, s: float = 2.0, color: str = "k", **options):
    """A dot for each spike: time in ms, element."""
    _needs(monitor, SpikeMonitor, "raster")
    ax = _axes(ax)
    ax.scatter(monitor.t / ms, monitor.i, s=s, c=color, marker=options.pop("marker", "."), linewidths=0, **options)
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("neuron")
    ax.set_ylim(-0.5, len(monitor.source) - 0.5)
    return ax


def rate(monitor: PopulationRateMonitor, *, ax=None, window: str = "gaussian", width=1 * ms, **options):
    """The rate of a population in Hz over time in ms, smoothed by ``width`` (None: not)."""
    _needs(monitor, PopulationRateMonitor, "rate")
    ax = _axes(ax)
    values = (
        monitor.rate_ if width is None or not len(monitor.rate_) else np.asarray(monitor.smooth_rate(window, width))
    )
    ax.plot(monitor.t / ms, values, **options)
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("rate (Hz)")
    return ax


def traces(monitor: StateMonitor, variable: str | None = None, *, ax=None, **options):
    """A line for each recorded element of one variable (default: the first)."""
    _needs(monitor, StateMonitor, "traces")
    ax = _axes(ax)
    variable = variable or monitor.names[0]
    values = getattr(monitor, variable)
    size, unit = _unit_for(values)
    elements = [None] if monitor.infos[variable].shared else monitor.record
    for element, line in zip(elements, np.asarray(values) / size):
        label = options.get("label") or (variable if element is None else f"{variable}[{element}]")
        ax.plot(monitor.t / ms, line, **{**options, "label": label})
    ax.set_xlabel("time (ms)")
    ax.set_ylabel(_label(variable, unit))
    return ax


def connectivity(synapses: Synapses, *, ax=None, s: float = 2.0, color: str = "k", **options):
    """A dot for each synapse: source, target."""
    _needs(synapses, Synapses, "connectivity")
    ax = _axes(ax)
    ax.scatter(synapses.i[:], synapses.j[:], s=s, c=color, marker=options.pop("marker", "."), linewidths=0, **options)
    ax.set_xlabel("source neuron")
    ax.set_ylabel("target neuron")
    ax.set_xlim(-0.5, len(synapses.source) - 0.5)
    ax.set_ylim(-0.5, len(synapses.target) - 0.5)
    return ax


def histogram(group: Group, variable: str, *, ax=None, bins: int = 50, **options):
    """How a variable is distributed over the elements of a group, such as the weights of synapses."""
    _needs(group, Group, "histogram")
    ax = _axes(ax)
    values = group.state(variable)[:]
    size, unit = _unit_for(values)
    ax.hist(np.asarray(values).ravel() / size, bins=bins, **options)
    ax.set_xlabel(_label(variable, unit))
    ax.set_ylabel("number of synapses" if isinstance(group, Synapses) else "number of elements")
    return ax
