"""Brian 2's names without those of numpy and pyplot: ``from eqsnn.brian.only import *``. Here is the one table of what stands for what."""

from __future__ import annotations

import eqsnn
from eqsnn import units as _units
from eqsnn.brian import manners as _manners
from eqsnn.brian import numpy_ as _numpy_
from eqsnn.brian import populations as _groups
from eqsnn.brian import recorders as _monitors
from eqsnn.brian import userfunctions as _functions
from eqsnn.brian.codestrings import Expression, Statements
from eqsnn.brian.logs import BrianLogger, get_logger, std_silent
from eqsnn.brian.methods import METHODS as _METHODS
from eqsnn.brian.methods import StateUpdateMethod
from eqsnn.brian.preferences import BrianPreference, PreferenceError, brian_prefs, prefs
from eqsnn.brian.refused import REASONS as _REASONS
from eqsnn.brian.refused import interface as _interface
from eqsnn.brian.refused import refused as _refused
from eqsnn.brian.standalone import all_devices, device, get_device, set_device
from eqsnn.brian.unitnames import ALL as _ALL_UNITS
from eqsnn.brian.unitnames import SHORT as _SHORT
from eqsnn.brian.unitnames import STANDARD as _STANDARD
from eqsnn.brian.unitnames import UnitTable as _UnitTable
from eqsnn.errors import EqsnnError
from eqsnn.model.functions import CONSTANTS as DEFAULT_CONSTANTS
from eqsnn.network.base import SimObject as _SimObject
from eqsnn.network.group import Group as _Group
from eqsnn.network.neurongroup import SpikeSource as _SpikeSource
from eqsnn.units.check import declare_types
from eqsnn.units.dimension import dimension as get_or_create_dimension
from eqsnn.units.quantity import Quantity, get_dimensions, is_scalar_type
from eqsnn.units.registry import user_unit_register as _user_units
from eqsnn.units.show import get_unit

# The native face has them under the same name.
_SAME = """
    BinomialFunction check_units Clock collect DEFAULT_FUNCTIONS defaultclock Equations EventClock have_same_dimensions linked_var
    MagicError PoissonInput profiling_summary Quantity scheduling_summary start_scope stop Subgroup Unit
""".split()  # noqa: SIM905
# These take Brian 2's arguments in its order.
_ARGUMENTS = {
    _groups: ["NeuronGroup", "PoissonGroup", "SpikeGeneratorGroup", "Synapses", "TimedArray"],
    _monitors: [
        "EventMonitor",
        "network_operation",
        "NetworkOperation",
        "PopulationRateMonitor",
        "SpikeMonitor",
        "StateMonitor",
    ],
    _functions: ["Function", "implementation"],
}

_GROUP = "groups are NeuronGroup, PoissonGroup, SpikeGeneratorGroup, Synapses and subgroups"
BrianObject = _interface("BrianObject", _SimObject, "use @network_operation for an operation of your own")
Nameable = _interface("Nameable", _SimObject, "every object of a network has a name")
Trackable = _interface("Trackable", _SimObject, "every object of a network is tracked")
SpikeSource = _interface("SpikeSource", _SpikeSource, _GROUP)
Group = _interface("Group", _Group, _GROUP)
VariableOwner = _interface("VariableOwner", _Group, _GROUP)
BrianObjectException = EqsnnError
DimensionMismatchError = _units.UnitError
MagicNetwork, Network = _manners.MagicNetwork, _manners.Network
get_local_namespace, magic_network = _manners.get_local_namespace, _manners.magic_network
restore_initial_state, run, seed = _manners.restore_initial_state, _manners.run, _manners.seed
restore, store = _manners.restore, _manners.store
is_dimensionless = _units.is_dimensionless


class NumpyCodeObject:
    """For ``prefs.codegen.target = NumpyCodeObject``."""

    class_name = "numpy"


class CythonCodeObject:
    """For ``prefs.codegen.target = CythonCodeObject``."""

    class_name = "cython"


def in_unit(x, u, precision: int | None = None) -> str:
    """The text of a value in a unit: ``in_unit(3*volt, mvolt)`` is ``'3000. mV'``."""
    if is_dimensionless(x):
        _units.fail_for_dimension_mismatch(x, u, "in_unit(): the value and the unit do not agree")
        return str(x / u)
    return Quantity(x).in_unit(u, precision)


def in_best_unit(x, precision: int | None = None) -> str:
    """The text of a value in the unit in which its numbers are nearest to 10."""
    if is_dimensionless(x):
        digits = precision if precision is not None else _numpy_.get_printoptions()["precision"]
        return str(_numpy_.round(x, digits))
    return Quantity(x).in_best_unit(precision)


def register_new_unit(u) -> None:
    """Let values of the unit's dimension be shown in it."""
    _user_units.add(u)


globals().update({n: getattr(eqsnn, n) for n in _SAME})
globals().update({n: getattr(room, n) for room, names in _ARGUMENTS.items() for n in names})
globals().update({n: getattr(_units, n) for n in (*_STANDARD, *_SHORT)})
globals().update({n: getattr(_numpy_, n) for n in _numpy_.UNIT_AWARE})
globals().update(_METHODS)
_REFUSED_HERE = (
    "CodeRunner",
    "Cylinder",
    "ExplicitStateUpdater",
    "ImportExport",
    "Morphology",
    "Section",
    "Soma",
    "SpatialNeuron",
    "test",
)
globals().update({n: _refused(n, _REASONS[n]) for n in _REFUSED_HERE})
DEFAULT_UNITS = _UnitTable([*_ALL_UNITS, *_SHORT])

__all__ = [
    *_SAME,
    *(n for names in _ARGUMENTS.values() for n in names),
    *_METHODS,
    *_REFUSED_HERE,
    *_STANDARD,
    *_SHORT,
    *_numpy_.UNIT_AWARE,
    "BrianLogger",
    "BrianObject",
    "BrianObjectException",
    "BrianPreference",
    "CythonCodeObject",
    "DEFAULT_CONSTANTS",
    "DEFAULT_UNITS",
    "DimensionMismatchError",
    "Expression",
    "Group",
    "MagicNetwork",
    "Nameable",
    "Network",
    "NumpyCodeObject",
    "PreferenceError",
    "SpikeSource",
    "StateUpdateMethod",
    "Statements",
    "Trackable",
    "VariableOwner",
    "all_devices",
    "brian_prefs",
    "declare_types",
    "device",
    "get_device",
    "get_dimensions",
    "get_local_namespace",
    "get_logger",
    "get_or_create_dimension",
    "get_unit",
    "in_best_unit",
    "in_unit",
    "is_dimensionless",
    "is_scalar_type",
    "magic_network",
    "prefs",
    "register_new_unit",
    "restore",
    "restore_initial_state",
    "run",
    "seed",
    "set_device",
    "std_silent",
    "store",
]
