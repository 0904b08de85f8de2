"""eqsnn: spiking neural networks from equations, compiled on the fly.

    import eqsnn as eq

    G = eq.NeuronGroup(100, "dv/dt = (1.2 - v)/tau : 1", threshold="v > 1", reset="v = 0", namespace={"tau": 10*eq.ms})
    M = eq.SpikeMonitor(G)
    eq.run(100*eq.ms)

Units are attributes of this module too: ``eq.ms``, ``eq.mV``, ``eq.nS``; ``from eqsnn import *`` gives all of this, and the common units.
"""

__version__ = "0.1.0"

from eqsnn import units
from eqsnn.errors import (
    CompileError,
    EqsnnError,
    EquationError,
    FunctionError,
    IntegrationError,
    InternalError,
    MagicError,
    NotConnectedError,
    NotFiniteError,
    SweepError,
    UnitError,
)
from eqsnn.export.face import (
    export,
    source,
)  # the function hides the room of that name, whose modules are imported as ever
from eqsnn.network.base import SimObject, seed
from eqsnn.network.binomial import BinomialFunction
from eqsnn.network.clock import Clock, EventClock, defaultclock
from eqsnn.network.equations import Equations
from eqsnn.network.functions import DEFAULT_FUNCTIONS, Function, function, implementation
from eqsnn.network.inputs import PoissonGroup, PoissonInput, SpikeGeneratorGroup
from eqsnn.network.linked import linked_var
from eqsnn.network.monitors import EventMonitor, PopulationRateMonitor, SpikeMonitor
from eqsnn.network.neurongroup import NeuronGroup, Subgroup
from eqsnn.network.operations import NetworkOperation, network_operation
from eqsnn.network.statemonitor import StateMonitor
from eqsnn.network.surrogate import Surrogate
from eqsnn.network.synapses import Synapses
from eqsnn.network.timedarray import TimedArray
from eqsnn.runtime.magic import (
    collect,
    kernel_summary,
    magic_network,
    profiling_summary,
    restore,
    run,
    scheduling_summary,
    start_scope,
    stop,
    store,
)
from eqsnn.runtime.progress import TextReport
from eqsnn.runtime.settings import backend, settings
from eqsnn.runtime.simulation import Network
from eqsnn.runtime.sweep import sweep
from eqsnn.runtime.sweep_table import SweepTable
from eqsnn.runtime.trials import Trials
from eqsnn.units import Quantity, Unit, check_units, have_same_dimensions
from eqsnn.units.names import exported_names

__all__ = [
    "DEFAULT_FUNCTIONS",
    "BinomialFunction",
    "Clock",
    "CompileError",
    "EqsnnError",
    "EquationError",
    "Equations",
    "EventClock",
    "EventMonitor",
    "Function",
    "FunctionError",
    "IntegrationError",
    "InternalError",
    "MagicError",
    "Network",
    "NetworkOperation",
    "NeuronGroup",
    "NotConnectedError",
    "NotFiniteError",
    "PoissonGroup",
    "PoissonInput",
    "PopulationRateMonitor",
    "Quantity",
    "SimObject",
    "SpikeGeneratorGroup",
    "SpikeMonitor",
    "StateMonitor",
    "Subgroup",
    "Surrogate",
    "SweepError",
    "SweepTable",
    "Synapses",
    "TextReport",
    "TimedArray",
    "Trials",
    "Unit",
    "UnitError",
    "backend",
    "check_units",
    "collect",
    "defaultclock",
    "export",
    "function",
    "have_same_dimensions",
    "implementation",
    "kernel_summary",
    "linked_var",
    "magic_network",
    "network_operation",
    "profiling_summary",
    "restore",
    "run",
    "scheduling_summary",
    "seed",
    "settings",
    "source",
    "start_scope",
    "stop",
    "store",
    "sweep",
    "units",
    *exported_names(),
]

_LEARNING = {
    **dict.fromkeys(("Dense", "Inputs", "Sparse"), "dense"),
    **dict.fromkeys(("CrossEntropy", "MeanSquaredError", "Loss"), "losses"),
    "EquationLoss": "equation_loss",
    "RatePenalty": "penalties",
    **dict.fromkeys(("SGD", "Adam", "AdamW", "Adamax", "StepLR"), "optimisers"),
    "Trainer": "trainer",
    "EarlyStopping": "history",
    "FPTT": "fptt",
    **dict.fromkeys(("EProp", "OTTT"), "eprop"),
    "derived": "derived",
    "torch_module": "torch_face",
}


def __getattr__(name: str):
    if name == "plot":
        import importlib

        return importlib.import_module("eqsnn.plot")
    if name == "encoders":
        import importlib

        return importlib.import_module("eqsnn.learning.encoders")
    if name in _LEARNING:  # needs sympy, as what derives gradients does
        import importlib

        return getattr(importlib.import_module(f"eqsnn.learning.{_LEARNING[name]}"), name)
    if name == "describe":  # imported when asked for: it needs sympy, which a run from the cache does not
        from eqsnn.network.describe import update_text

        return update_text
    try:
        return getattr(units, name)
    except AttributeError:
        raise AttributeError(f"eqsnn has no '{name}', and there is no unit of that name") from None
