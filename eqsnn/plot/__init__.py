"""Figures of what a run recorded, and of trainings. Each function draws into ``ax`` (default: the current axes) and returns the Axes, labelled
with units."""

from __future__ import annotations

import numpy as np

from eqsnn.network.group import Group
from eqsnn.network.monitors import PopulationRateMonitor, SpikeMonitor
from eqsnn.network.statemonitor import StateMonitor
from eqsnn.network.synapses import Synapses
from eqsnn.plot.axes import axes, label_of, needs, unit_for
from eqsnn.plot.learning import confusion, history, weights
from eqsnn.units import ms

__all__ = ["confusion", "connectivity", "histogram", "history", "raster", "rate", "traces", "weights"]


def raster(monitor: SpikeMonitor, *, ax=None, s: float = 2.0, color: str = "k", **options):
    """A dot for each spike: time in ms, element."""
    needs(monitor, SpikeMonitor, "raster")
    ax = axes(ax)
    ax.scatter(monitor.t / ms, monitor.i, s=s, c=color, marker=options.pop("marker", "."), linewidths=0, **options)
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("neuron")
    ax.set_ylim(-0.5, len(monitor.source) - 0.5)
    return ax


def rate(monitor: PopulationRateMonitor, *, ax=None, window: str = "gaussian", width=1 * ms, **options):
    """The rate of a population in Hz over time in ms, smoothed by ``width`` (None: not)."""
    needs(monitor, PopulationRateMonitor, "rate")
    ax = axes(ax)
    values = (
        monitor.rate_ if width is None or not len(monitor.rate_) else np.asarray(monitor.smooth_rate(window, width))
    )
    ax.plot(monitor.t / ms, values, **options)
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("rate (Hz)")
    return ax


def traces(monitor: StateMonitor, variable: str | None = None, *, ax=None, **options):
    """A line for each recorded element of one variable (default: the first)."""
    needs(monitor, StateMonitor, "traces")
    ax = axes(ax)
    variable = variable or monitor.names[0]
    values = getattr(monitor, variable)
    size, unit = unit_for(values)
    elements = [None] if monitor.infos[variable].shared else monitor.record
    for element, line in zip(elements, np.asarray(values) / size):
        label = options.get("label") or (variable if element is None else f"{variable}[{element}]")
        ax.plot(monitor.t / ms, line, **{**options, "label": label})
    ax.set_xlabel("time (ms)")
    ax.set_ylabel(label_of(variable, unit))
    return ax


def connectivity(synapses: Synapses, *, ax=None, s: float = 2.0, color: str = "k", **options):
    """A dot for each synapse: source, target."""
    needs(synapses, Synapses, "connectivity")
    ax = axes(ax)
    ax.scatter(synapses.i[:], synapses.j[:], s=s, c=color, marker=options.pop("marker", "."), linewidths=0, **options)
    ax.set_xlabel("source neuron")
    ax.set_ylabel("target neuron")
    ax.set_xlim(-0.5, len(synapses.source) - 0.5)
    ax.set_ylim(-0.5, len(synapses.target) - 0.5)
    return ax


def histogram(group: Group, variable: str, *, ax=None, bins: int = 50, **options):
    """How a variable is distributed over the elements of a group, such as the weights of synapses."""
    needs(group, Group, "histogram")
    ax = axes(ax)
    values = group.state(variable)[:]
    size, unit = unit_for(values)
    ax.hist(np.asarray(values).ravel() / size, bins=bins, **options)
    ax.set_xlabel(label_of(variable, unit))
    ax.set_ylabel("number of synapses" if isinstance(group, Synapses) else "number of elements")
    return ax
