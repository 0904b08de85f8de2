"""The compatibility face: a script for Brian 2 with ``brian2`` in its import line replaced by ``eqsnn.brian``.

Besides Brian 2's objects and units it exports the names of numpy and of pyplot, as ``from brian2 import *`` does. It holds no engine
code. It differs from the native face in manners: a variable that becomes NaN or infinite gives a warning at the end of the run, not an error.
"""

import numpy as _numpy
from numpy import *  # noqa: F403

from eqsnn import (
    Clock,
    Equations,
    EventClock,
    EventMonitor,
    MagicError,
    NetworkOperation,
    NeuronGroup,
    PoissonGroup,
    PoissonInput,
    PopulationRateMonitor,
    Quantity,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Subgroup,
    Synapses,
    TimedArray,
    Unit,
    check_units,
    collect,
    defaultclock,
    have_same_dimensions,
    magic_network,
    network_operation,
    profiling_summary,
    restore,
    scheduling_summary,
    seed,
    start_scope,
    stop,
    store,
)
from eqsnn import units as _units
from eqsnn.errors import UnitError as DimensionMismatchError
from eqsnn.runtime.simulation import Network as _NativeNetwork
from eqsnn.units.names import exported_names as _exported_names

try:
    from matplotlib.pyplot import *  # noqa: F403
except ImportError:  # as in Brian 2, plotting is optional
    pass

for _name in _exported_names():
    globals()[_name] = getattr(_units, _name)
np = _numpy


class Network(_NativeNetwork):
    """A network that warns of NaN and infinity at the end of a run, where the native one stops."""

    def __init__(self, *objects, name: str = "network"):
        super().__init__(*objects, name=name)
        self.stop_if_not_finite = False


def run(duration, report=None, report_period=None, namespace=None, profile=None, level=0):
    """Run all objects that the calling code can see, in Brian 2's manners: an object that lacks its group is left out with a notice."""
    magic_network.strict = False
    magic_network.run(duration, report, report_period, namespace, profile, level)


__all__ = [
    "Clock",
    "DimensionMismatchError",
    "Equations",
    "EventClock",
    "EventMonitor",
    "Network",
    "NetworkOperation",
    "NeuronGroup",
    "PoissonGroup",
    "PoissonInput",
    "PopulationRateMonitor",
    "Quantity",
    "SpikeGeneratorGroup",
    "SpikeMonitor",
    "StateMonitor",
    "Subgroup",
    "Synapses",
    "TimedArray",
    "Unit",
    "check_units",
    "defaultclock",
    "have_same_dimensions",
    "MagicError",
    "collect",
    "magic_network",
    "network_operation",
    "np",
    "profiling_summary",
    "restore",
    "run",
    "scheduling_summary",
    "seed",
    "start_scope",
    "stop",
    "store",
    *_exported_names(),
]
__all__ += [
    n for n in (*_numpy.__all__, *_numpy.__dict__) if not n.startswith("_") and n in globals() and n not in __all__
]
__all__ = list(dict.fromkeys(__all__))
try:
    from matplotlib import pyplot as _pyplot

    plt = _pyplot
    __all__ += ["plt", *(n for n in dir(_pyplot) if not n.startswith("_") and n in globals() and n not in __all__)]
except ImportError:
    pass
