"""The submodules of Brian 2 from which scripts import, and the names each has: ``from eqsnn.brian.units.allunits import *``.

They are made from this table when ``eqsnn.brian`` is imported; there are no files behind them.
"""

from __future__ import annotations

import sys
from types import ModuleType

from eqsnn.brian import codestrings, constants, logs, manners, methods, numpy_, only, standalone, stringtools, unitnames
from eqsnn.brian.inside import explain_imports
from eqsnn.brian.preferences import BrianGlobalPreferences
from eqsnn.brian.refused import REASONS, interface, refused
from eqsnn.errors import EquationError
from eqsnn.network.clock import Clock, EventClock
from eqsnn.network.equations import SingleEquation
from eqsnn.network.monitors import RateMonitor
from eqsnn.network.pathway import PathwayView
from eqsnn.network.statemonitor import StateMonitorView
from eqsnn.network.synapse_index import SynapticSubgroup
from eqsnn.network.variables import VariableView
from eqsnn.runtime.profile import ProfilingSummary
from eqsnn.runtime.progress import TextReport
from eqsnn.runtime.schedule import SchedulingSummary
from eqsnn.units import DIMENSIONLESS, Dimension, fail_for_dimension_mismatch, unit_named
from eqsnn.units import names as _names
from eqsnn.units import registry as _registry
from eqsnn.units import show as _show
from eqsnn.units.quantity import quantity_with_dimensions

_UNITSAFE = " ".join(numpy_.UNIT_AWARE)
_FUNDAMENTAL = """
    DimensionMismatchError get_or_create_dimension get_dimensions is_dimensionless have_same_dimensions in_unit in_best_unit
    Quantity Unit register_new_unit check_units is_scalar_type get_unit
"""
_SHORT = " ".join(unitnames.SHORT)
_FUNCTIONS = "DEFAULT_FUNCTIONS Function implementation declare_types"
_METHODS = " ".join(methods.NAMES)
_EXPLICIT = "milstein heun euler rk2 rk4 ExplicitStateUpdater"
_GSL = "gsl_rk2 gsl_rk4 gsl_rkf45 gsl_rkck gsl_rk8pd"
_SPATIAL = "Morphology Soma Cylinder Section SpatialNeuron"
_INPUTS = "BinomialFunction PoissonGroup PoissonInput SpikeGeneratorGroup TimedArray"
_DEVICE = (
    "Device RuntimeDevice get_device set_device all_devices reinit_devices reinit_and_delete reset_device device seed"
)
_KINDS = "PARAMETER DIFFERENTIAL_EQUATION SUBEXPRESSION FLOAT INTEGER BOOLEAN"

# path: the names that a star import gives | names that can be imported besides
PATHS: dict[str, str] = {
    "units": " ".join((*unitnames.STANDARD, _SHORT, _UNITSAFE, _FUNDAMENTAL)),
    "units.allunits": " ".join(unitnames.ALL) + " celsius| all_units",
    "units.stdunits": _SHORT + "| stdunits",
    "units.constants": " ".join(constants.NAMES),
    "units.fundamentalunits": _FUNDAMENTAL
    + """| DIMENSIONLESS Dimension UnitRegistry additional_unit_register
        fail_for_dimension_mismatch get_unit_for_display quantity_with_dimensions standard_unit_register user_unit_register""",
    "units.unitsafefunctions": _UNITSAFE,
    "units.unitsafe": _UNITSAFE,
    "core": "",
    "core.base": "BrianObject BrianObjectException",
    "core.clocks": "BaseClock Clock defaultclock EventClock",
    "core.functions": _FUNCTIONS + "| FunctionImplementation SymbolicConstant exprel timestep",
    "core.magic": "MagicNetwork magic_network MagicError run stop collect store restore start_scope",
    "core.names": "Nameable",
    "core.namespace": "get_local_namespace DEFAULT_FUNCTIONS DEFAULT_UNITS DEFAULT_CONSTANTS",
    "core.network": """Network profiling_summary scheduling_summary
        | TextReport SchedulingSummary ProfilingSummary schedule_propagation_offset""",
    "core.operations": "NetworkOperation network_operation",
    "core.preferences": "PreferenceError BrianPreference prefs brian_prefs| BrianGlobalPreferences",
    "core.core_preferences": "",
    "core.spikesource": "SpikeSource",
    "core.tracking": "Trackable",
    "core.variables": """Variable Constant ArrayVariable DynamicArrayVariable Subexpression AuxiliaryVariable VariableView Variables
        LinkedVariable linked_var| variables_by_owner""",
    "equations": "Equations Expression Statements",
    "equations.equations": f"Equations| EquationError SingleEquation parse_string_equations extract_constant_subexpressions {_KINDS}",
    "equations.codestrings": "Expression Statements| CodeString is_constant_over_dt",
    "equations.refractory": f"add_refractoriness| check_identifier_refractory {_KINDS}",
    "equations.unitcheck": "check_dimensions check_units_statements",
    "groups": "CodeRunner Group VariableOwner NeuronGroup| Subgroup",
    "groups.group": "Group VariableOwner CodeRunner| get_dtype",
    "groups.neurongroup": "NeuronGroup",
    "groups.subgroup": "Subgroup",
    "synapses": "Synapses",
    "synapses.synapses": "Synapses| SynapticPathway SynapticSubgroup",
    "monitors": "SpikeMonitor EventMonitor StateMonitor RateMonitor PopulationRateMonitor",
    "monitors.spikemonitor": "EventMonitor SpikeMonitor",
    "monitors.statemonitor": "StateMonitor| StateMonitorView",
    "monitors.ratemonitor": "PopulationRateMonitor RateMonitor",
    "input": _INPUTS,
    "input.binomial": "BinomialFunction",
    "input.poissongroup": "PoissonGroup",
    "input.poissoninput": "PoissonInput",
    "input.spikegeneratorgroup": "SpikeGeneratorGroup",
    "input.timedarray": "TimedArray",
    "importexport": "ImportExport",
    "devices": f"| device_module {_DEVICE}",
    "devices.device": _DEVICE + "| CurrentDeviceProxy auto_target runtime_device active_device",
    "devices.cpp_standalone": "| CPPStandaloneDevice",
    "devices.cpp_standalone.device": "| CPPStandaloneDevice cpp_standalone_device",
    "utils": "get_logger BrianLogger std_silent",
    "utils.logger": "get_logger BrianLogger std_silent| catch_logs LOG_LEVELS DIAGNOSTIC",
    "utils.stringtools": """indent deindent word_substitute replace get_identifiers strip_empty_lines stripped_deindented_lines
        strip_empty_leading_and_trailing_lines""",
    "utils.environment": "running_from_ipython",
    "utils.filetools": "ensure_directory ensure_directory_of_file in_directory copy_directory",
    "codegen": "NumpyCodeObject CythonCodeObject",
    "codegen.targets": "codegen_targets",
    "codegen.codeobject": "CodeObject constant_or_scalar",
    "codegen.runtime": "",
    "codegen.runtime.numpy_rt": "NumpyCodeObject",
    "codegen.runtime.cython_rt": "CythonCodeObject",
    "codegen.runtime.numpy_rt.numpy_rt": "NumpyCodeObject",
    "codegen.runtime.cython_rt.cython_rt": "CythonCodeObject",
    "codegen.generators": "",
    "stateupdaters": "StateUpdateMethod ExplicitStateUpdater " + _METHODS,
    "stateupdaters.base": "StateUpdateMethod| UnsupportedEquationsException extract_method_options",
    "stateupdaters.exact": "linear exact independent",
    "stateupdaters.explicit": _EXPLICIT,
    "stateupdaters.exponential_euler": "exponential_euler",
    "stateupdaters.GSL": _GSL,
    "spatialneuron": _SPATIAL,
    "spatialneuron.morphology": "Morphology Section Cylinder Soma",
    "spatialneuron.spatialneuron": "SpatialNeuron",
    "parsing": "",
    "parsing.sympytools": "str_to_sympy sympy_to_str",
    "parsing.rendering": "NodeRenderer NumpyNodeRenderer CPPNodeRenderer SympyNodeRenderer",
    "memory": "",
    "memory.dynamicarray": "DynamicArray DynamicArray1D",
    "random": "",
    "tests": "run_tests",
}


class _Celsius:
    """The unit that Brian 2 gave up."""

    def __rmul__(self, other):
        raise TypeError(
            "there is no unit celsius: a difference of temperatures is in kelvin, a temperature is x*kelvin + zero_celsius"
        )

    __mul__ = __rtruediv__ = __truediv__ = __pow__ = __rmul__


def _elsewhere() -> dict[str, object]:
    """What is neither exported by ``only`` nor refused."""
    return {
        **{n: getattr(constants, n) for n in constants.NAMES},
        **{n: getattr(stringtools, n) for n in vars(stringtools) if not n.startswith("_")},
        **{n: getattr(standalone, n) for n in (*_DEVICE.split(), "CPPStandaloneDevice", "CurrentDeviceProxy")},
        "device_module": standalone,
        "CodeString": codestrings.CodeString,
        "catch_logs": logs.catch_logs,
        "LOG_LEVELS": logs.LOG_LEVELS,
        "EquationError": EquationError,
        "VariableView": VariableView,
        "DIMENSIONLESS": DIMENSIONLESS,
        "Dimension": Dimension,
        "UnitRegistry": _registry.UnitRegistry,
        "user_unit_register": _registry.user_unit_register,
        "standard_unit_register": _names.standard_unit_register,
        "additional_unit_register": _names.additional_unit_register,
        "get_unit_for_display": _show.get_unit_for_display,
        "fail_for_dimension_mismatch": fail_for_dimension_mismatch,
        "quantity_with_dimensions": quantity_with_dimensions,
        "celsius": _Celsius(),
        "timestep": _timestep,
        **{n: n.replace("_", " ").lower() for n in _KINDS.split()},
        "BaseClock": interface("BaseClock", (Clock, EventClock), "clocks are Clock and EventClock"),
        "BrianGlobalPreferences": BrianGlobalPreferences,
        "DIAGNOSTIC": logs.DIAGNOSTIC,
        "ProfilingSummary": ProfilingSummary,
        "RateMonitor": RateMonitor,
        "SchedulingSummary": SchedulingSummary,
        "SingleEquation": SingleEquation,
        "StateMonitorView": StateMonitorView,
        "SynapticPathway": interface(
            "SynapticPathway", PathwayView, "a pathway is made by on_pre= and on_post= of Synapses"
        ),
        "SynapticSubgroup": SynapticSubgroup,
        "TextReport": TextReport,
        "active_device": standalone.device,
        "cpp_standalone_device": standalone.all_devices["cpp_standalone"],
        "runtime_device": standalone.all_devices["runtime"],
        "schedule_propagation_offset": manners.schedule_propagation_offset,
    }


def _timestep(t, dt):
    """The number of whole steps of ``dt`` in ``t``."""
    return numpy_.floor((t + 1e-3 * dt) / dt).astype("int64") if numpy_.ndim(t) else int((t + 1e-3 * dt) / dt)


class _Submodule(ModuleType):
    """A module whose names are looked up when they are asked for, and those of ``only`` that Brian 2's file would have imported."""

    def __getattr__(self, name: str):
        if name in self.__dict__.get("_known", ()) or name in only.__all__:
            value = _find(name)
            setattr(self, name, value)
            return value
        raise AttributeError(f"module '{self.__name__}' has no '{name}'")

    def __dir__(self):
        return sorted({*super().__dir__(), *self._known})


_others: dict[str, object] = {}


def _find(name: str) -> object:
    if not _others:
        _others.update(_elsewhere())
    if name == "all_units":
        return [unit_named(n) for n in unitnames.ALL]
    if name == "stdunits":
        return {n: unit_named(n) for n in unitnames.SHORT}
    for space in (vars(only), _others):
        if name in space:
            return space[name]
    if name in REASONS:
        return _others.setdefault(name, refused(name, REASONS[name]))
    return unit_named(name)


def install(package: str) -> dict[str, ModuleType]:
    """Make the submodules of ``package``; returns those directly below it."""
    made = {}
    for path, text in PATHS.items():
        star, _, more = text.partition("|")
        module = _Submodule(f"{package}.{path}", f"The names of brian2.{path}.")
        module.__path__ = []
        module.__all__ = star.split()
        module._known = {*module.__all__, *more.split()}
        sys.modules[module.__name__] = made[path] = module
    for path, module in made.items():
        parent, _, name = path.rpartition(".")
        if parent:
            setattr(made[parent], name, module)
    explain_imports(package, made)
    return {path: module for path, module in made.items() if "." not in path}
