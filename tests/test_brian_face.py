"""The compatibility face against Brian 2: its names, units, texts, numpy functions and signatures (brian_face.json, made by brian_face.py)."""

import importlib
import inspect
import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import numpy as np
import pylab
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import brian_face as expressions

from eqsnn.brian import constants
from eqsnn.units import unit_named

GOLDEN = json.loads((HERE / "brian_face.json").read_text())


@pytest.fixture(scope="module")
def face() -> dict[str, object]:
    """What a script has after ``from eqsnn.brian import *``."""
    space: dict[str, object] = {}
    exec("from eqsnn.brian import *", space)
    space.pop("__builtins__")
    return space


# -- names -------------------------------------------------------------------------------------------------------------------


def test_a_star_import_gives_the_names_of_brian(face):
    plain = {n for n in vars(pylab) if not n.startswith("_")} - set(GOLDEN["names of pylab left out"])
    assert set(face) == plain | set(GOLDEN["own names"])
    only = {}
    exec("from eqsnn.brian.only import *", only)
    only.pop("__builtins__")
    assert sorted(only) == GOLDEN["only"]


def test_the_units_rooms_export_what_brian_exports():
    units, allunits = (importlib.import_module(f"eqsnn.brian.{n}") for n in ("units", "units.allunits"))
    assert sorted(set(units.__all__)) == sorted(set(GOLDEN["star of units"]))
    assert sorted(allunits.__all__) == sorted(set(GOLDEN["all units"]))
    assert all(getattr(units, n) is not None for n in units.__all__)


PATHS = """
    from eqsnn.brian import *; import eqsnn.brian as b2; import eqsnn.brian.numpy_ as np; import eqsnn.brian.only as br2
    from eqsnn.brian.only import *; from eqsnn.brian.units import ms, second, DimensionMismatchError, um
    from eqsnn.brian.units.allunits import *; from eqsnn.brian.units.allunits import meter, kelvin, all_units
    from eqsnn.brian.units.stdunits import ms, mV, stdunits; from eqsnn.brian.units.constants import zero_celsius, gas_constant as R
    from eqsnn.brian.units.fundamentalunits import get_dimensions, DIMENSIONLESS, Unit, fail_for_dimension_mismatch
    from eqsnn.brian.units.unitsafe import *; from eqsnn.brian.units.unitsafefunctions import exp, linspace
    from eqsnn.brian.core.functions import Function, implementation, DEFAULT_FUNCTIONS, timestep
    from eqsnn.brian.core.network import Network, scheduling_summary; from eqsnn.brian.core.variables import linked_var, VariableView
    from eqsnn.brian.core.preferences import prefs, PreferenceError; from eqsnn.brian.core.clocks import Clock, defaultclock
    from eqsnn.brian.core.magic import run, magic_network; from eqsnn.brian.core.base import BrianObject
    from eqsnn.brian.core.namespace import DEFAULT_UNITS, get_local_namespace; from eqsnn.brian.core.operations import NetworkOperation
    from eqsnn.brian.equations import Equations; from eqsnn.brian.equations.equations import EquationError, Equations
    from eqsnn.brian.groups import NeuronGroup; from eqsnn.brian.groups.neurongroup import NeuronGroup
    from eqsnn.brian.groups.group import Group; from eqsnn.brian.groups.subgroup import Subgroup
    from eqsnn.brian.synapses import Synapses; from eqsnn.brian.synapses.synapses import Synapses
    from eqsnn.brian.monitors import *; from eqsnn.brian.monitors.statemonitor import StateMonitor
    from eqsnn.brian.input import PoissonGroup; from eqsnn.brian.input.timedarray import TimedArray
    from eqsnn.brian.devices import device_module; from eqsnn.brian.devices.device import get_device, reset_device, reinit_devices
    from eqsnn.brian.devices.cpp_standalone import CPPStandaloneDevice; from eqsnn.brian.utils.logger import catch_logs, BrianLogger
    from eqsnn.brian.utils.stringtools import word_substitute, get_identifiers, deindent; from eqsnn.brian.utils.filetools import *
    from eqsnn.brian.codegen.targets import codegen_targets; from eqsnn.brian.codegen.runtime.numpy_rt import NumpyCodeObject
    from eqsnn.brian.stateupdaters import exponential_euler; from eqsnn.brian.stateupdaters.explicit import rk4
    from eqsnn.brian.core.network import TextReport, schedule_propagation_offset; from eqsnn.brian.core.clocks import BaseClock
    from eqsnn.brian.equations.equations import PARAMETER, DIFFERENTIAL_EQUATION, SUBEXPRESSION, FLOAT, INTEGER, BOOLEAN, Quantity
    from eqsnn.brian.devices import reinit_devices, set_device; from eqsnn.brian.synapses.synapses import SynapticPathway
    from eqsnn.brian.monitors.statemonitor import StateMonitorView; from eqsnn.brian.monitors.ratemonitor import RateMonitor
    from eqsnn.brian.spatialneuron import SpatialNeuron, Morphology; from eqsnn.brian.tools import brian_plot
""".replace("\n", ";").split(";")


@pytest.mark.parametrize("line", [p.strip() for p in PATHS if p.strip()])
def test_an_import_line_of_a_script_works(line):
    space = {}
    exec(line, space)
    assert len(space) > 1  # __builtins__, and what was imported


# Modules of Brian 2 that no script imports from, and names of those that one might.
INSIDE = """
    core.core_preferences devices.cpp_standalone.codeobject devices.cpp_standalone.GSLcodeobject importexport.dictlike
    importexport.importexport utils.arrays utils.caching utils.filelock utils.topsort synapses.parse_synaptic_generator_syntax
    synapses.spikequeue synapses.cythonspikequeue units.allunits
""".split()  # noqa: SIM905
INSIDE_NAMES = {"SpellChecker", "code_representation"}


def test_a_star_import_of_the_constants_gives_all_of_them():
    space = {}
    exec("from eqsnn.brian.units.constants import *", space)
    assert set(constants.NAMES) <= set(space)


def test_the_bridge_to_brian_hears_says_why_it_is_not_to_be_had():
    with pytest.raises(ImportError, match="eqsnn.brian has no hears: .* filters are written as equations"):
        importlib.import_module("eqsnn.brian.hears")


def test_the_modules_of_brian_are_there_with_their_names():
    assert len(GOLDEN["modules"]) > 40
    for path, names in GOLDEN["modules"].items():
        if path not in INSIDE:
            module = importlib.import_module(f"eqsnn.brian.{path}")
            assert {n for n in names if not hasattr(module, n)} <= INSIDE_NAMES, path


@pytest.mark.parametrize(
    "line, message",
    [
        (
            "import eqsnn.brian.codegen.cpp_prefs",
            "eqsnn.brian.codegen.cpp_prefs is not there: it is part of Brian 2's generation of code",
        ),
        (
            "from eqsnn.brian.codegen.translation import make_statements",
            "eqsnn.brian.codegen.translation is not there: it is part of",
        ),
        (
            "from eqsnn.brian.parsing.expressions import is_boolean_expression",
            "eqsnn.brian.parsing.expressions is not there: expr",
        ),
        (
            "from eqsnn.brian.core.names import find_name",
            "eqsnn.brian.core.names.find_name is not there: names of objects are given",
        ),
        ("import eqsnn.brian.sphinxext", "eqsnn.brian.sphinxext is not there: it makes the documentation of Brian 2"),
        ("from eqsnn.brian.units import kelwin", "eqsnn.brian.units has no kelwin; did you mean kelvin?"),
        ("import eqsnn.brian.nothing", "No module named 'eqsnn.brian.nothing'"),
    ],
)
def test_an_import_of_what_is_not_there_says_why(line, message):
    with pytest.raises(ImportError) as caught:
        exec(line, {})
    assert str(caught.value).startswith(message)


def test_the_kinds_of_equations_are_those_of_equations():
    from eqsnn.brian.equations import equations as kinds

    from eqsnn.brian import Equations

    eqs = Equations("dv/dt = k*v/second : 1\nk : integer\nb = v > 1 : boolean")
    assert [e.type for e in eqs.values()] == [kinds.DIFFERENTIAL_EQUATION, kinds.PARAMETER, kinds.SUBEXPRESSION]
    assert [e.var_type for e in eqs.values()] == [kinds.FLOAT, kinds.INTEGER, kinds.BOOLEAN]


def test_classes_behind_objects_are_there_for_isinstance():
    from eqsnn.brian.core.clocks import BaseClock
    from eqsnn.brian.monitors import RateMonitor
    from eqsnn.brian.synapses.synapses import SynapticPathway

    from eqsnn.brian import Clock, EventClock, NeuronGroup, PopulationRateMonitor, SpikeMonitor, Synapses, ms

    G = NeuronGroup(1, "v : 1", threshold="v > 1")
    S = Synapses(G, on_pre="v_post += 1")
    assert isinstance(S.pre, SynapticPathway) and not isinstance(S, SynapticPathway)
    assert all(isinstance(c, BaseClock) for c in (G.clock, Clock(1 * ms), EventClock([1] * ms)))
    assert all(isinstance(m, RateMonitor) for m in (SpikeMonitor(G), PopulationRateMonitor(G)))


def test_a_spike_reaches_its_targets_in_its_step_unless_the_schedule_says_else():
    from eqsnn.brian.core.network import schedule_propagation_offset

    from eqsnn.brian import Network, defaultclock, ms

    net = Network()
    assert schedule_propagation_offset(net) == schedule_propagation_offset() == 0 * ms
    net.schedule = ["start", "groups", "synapses", "thresholds", "resets", "end"]
    assert schedule_propagation_offset(net) == defaultclock.dt


def test_every_path_has_all_its_names():
    from eqsnn.brian.paths import PATHS as table

    for path in table:
        module = importlib.import_module(f"eqsnn.brian.{path}")
        assert [name for name in module._known if not hasattr(module, name)] == [], path


def test_what_cannot_be_had_exists_and_says_why():
    from eqsnn import EqsnnError
    from eqsnn.brian import BrianObject, ExplicitStateUpdater, Morphology, NeuronGroup, Soma, SpatialNeuron

    reason = "eqsnn.brian has no {}: neurons with a spatial extent are not part of this version"
    for use, name in (
        (lambda: SpatialNeuron(morphology=None, model=""), "SpatialNeuron"),
        (lambda: Soma(3), "Soma"),
        (lambda: Morphology.from_file("x.swc"), "Morphology"),
        (lambda: type("Mine", (SpatialNeuron,), {}), "SpatialNeuron"),
    ):
        with pytest.raises(EqsnnError) as caught:
            use()
        assert str(caught.value) == reason.format(name)
    with pytest.raises(EqsnnError, match="a method of integration is a file"):
        ExplicitStateUpdater("x_new = x + dt*f(x, t)")
    G = NeuronGroup(1, "v : 1")
    assert isinstance(G, BrianObject) and not isinstance(3, BrianObject) and not isinstance(G, SpatialNeuron)
    with pytest.raises(EqsnnError, match="use @network_operation"):
        type("Mine", (BrianObject,), {})


# -- units ---------------------------------------------------------------------------------------------------------------------


def test_every_unit_has_the_value_and_dimension_of_brian():
    wrong = []
    for dims, members in GOLDEN["units"].items():
        for name, value in members.items():
            unit = getattr(constants, name, None) if name in constants.NAMES else unit_named(name)
            if float(unit).hex() != value or " ".join(f"{float(e):g}" for e in unit.dim.exponents) != dims:
                wrong.append(name)
    assert wrong == [] and sum(map(len, GOLDEN["units"].values())) > 2000


BETTER = {
    # Where Brian 2 knows no unit it prints base units; here a quotient is named.
    "6*volt/metre": "6. V/m",
    "3*ohm*cm": "0.03 ohm m",
    "(3*volt).dim": "V",
    "get_or_create_dimension(length=1, mass=1, time=-2)": "N",
}


def test_values_print_as_in_brian():
    """In a process of its own: units made before are remembered, and used to show values."""
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); import brian_face; import eqsnn.units as u; import eqsnn.brian.constants as c\n"
        "space = {}; exec('from eqsnn.brian import *', space); space['newton'] = u.newton\n"
        "space |= {n: getattr(c, n) for n in c.NAMES}; print(json.dumps(brian_face.texts(space)))"
    )
    import os
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", code, str(HERE)], capture_output=True, text=True, env={**os.environ, "MPLBACKEND": "agg"}
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    expected = {case: [BETTER.get(case, text), code] for case, (text, code) in GOLDEN["texts"].items()}
    assert found == expected


# -- numpy ---------------------------------------------------------------------------------------------------------------------

# Functions after which Brian 2 has lost the unit of the values, and eqsnn has kept it.
KEPT = """
    append block choose column_stack convolve copy correlate cov diag dot dstack ediff1d gradient histogram histogram2d
    histogram_bin_edges histogramdd hstack inner interp intersect1d linspace nanmedian outer pad resize select setdiff1d setxor1d
    sort_complex stack take tril triu union1d unique vdot vstack
""".split()  # noqa: SIM905
# Functions to whose result Brian 2 gives a wrong unit or value: indices and counts with a unit, plain fillings with one.
WRONG_THERE = {"argpartition", "count_nonzero", "full_like", "nanstd", "nanvar", "polyval"}
# What Brian 2 computes without a look at units, and eqsnn refuses: results into an array of another unit, and values of two units in one.
REFUSED = """
    abs absolute acos acosh append arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh ceil conj conjugate cos cosh cov
    cumprod digitize divide ediff1d exp exp2 expm1 fix floor floor_divide full_like histogram histogram_bin_edges intersect1d isfinite
    isin isinf isnan ix_ log log10 log1p log2 logical_and logical_not logical_or logical_xor mintypecode nancumprod negative outer
    positive real_if_close reciprocal rint roll setdiff1d setxor1d sign sin sinc sinh sqrt square tan tanh true_divide trunc union1d
""".split()  # noqa: SIM905


def _numbers(found) -> object:
    """A digest without its units."""
    if found and isinstance(found[0], list) and len(found) != 3:
        return [_numbers(f) for f in found]
    return found[1:] if isinstance(found[-1], str) else [_numbers(f) for f in found]


def test_numpy_on_quantities_is_that_of_brian_or_keeps_more_units(face):
    names = [n for n in expressions.numpy_names() if f"np.{n}(q)" in GOLDEN["numpy"]]
    found = expressions.sweep(face, names)
    assert len(found) > 4000
    wrong = []
    for case, value in found.items():
        brian, name = GOLDEN["numpy"][case], case[3 : case.index("(")]
        if value == brian or brian == "raises" or name in WRONG_THERE:
            continue
        if value == "raises":
            wrong += [case] if name not in REFUSED else []
        elif name not in KEPT or _numbers(value) != _numbers(brian):
            wrong.append(case)
    assert wrong == []


def test_what_only_eqsnn_can_compute_is_right(face):
    ms, mV = face["ms"], face["mV"]
    q = np.array([3.0, 1, 2, 4]) * mV
    assert np.hypot(3 * mV, 4 * mV) == 5 * mV and np.arctan2(1 * mV, 1 * mV) == pytest.approx(np.pi / 4)
    assert np.all(np.percentile(q, 50) == 2.5 * mV)
    np.testing.assert_allclose(np.gradient(q, 2 * ms) / (mV / ms), np.gradient([3.0, 1, 2, 4], 2))
    with pytest.raises(face["DimensionMismatchError"]):
        np.percentile(q, 50 * mV)
    with pytest.raises(face["DimensionMismatchError"]):
        np.ediff1d(q, 2)


def test_plain_values_beside_units_are_taken_in_base_si_with_a_warning(face):
    t = np.array([1.0, 2, 30]) * face["ms"]
    with pytest.warns(UserWarning, match="np.histogram: plain values beside values with unit s are taken in base SI"):
        counts, edges = np.histogram(t, bins=[0, 0.01, 0.1])
    assert counts.tolist() == [2, 1] and edges.tolist() == [0, 0.01, 0.1]
    counts, edges = np.histogram(t, bins=[0, 10, 100] * face["ms"])
    assert counts.tolist() == [2, 1] and edges[1] == 10 * face["ms"]
    with pytest.warns(UserWarning, match="np.polyfit takes the values with units in base SI"):
        slope, _ = np.polyfit(t, [1, 2, 30] * face["mV"], 1)
    assert slope == pytest.approx(1.0)


def test_unit_aware_functions_of_the_face(face):
    ms, second, get_dimensions = face["ms"], face["second"], face["get_dimensions"]
    assert np.allclose(face["arange"](0 * ms, 1 * ms, 0.25 * ms) / ms, [0, 0.25, 0.5, 0.75])
    assert get_dimensions(face["np"].arange(5 * ms, step=1 * ms)) == second.dim
    assert face["arange"](3).tolist() == [0, 1, 2] and face["arange"](1, 3).dtype.kind == "i"
    assert face["linspace"](0 * ms, 1 * ms, 3)[1] == 0.5 * ms
    assert type(face["ones_like"]([1, 2] * ms)) is np.ndarray
    assert face["exprel"](0) == 1.0 and face["exprel"](1000.0) == np.inf
    assert face["exprel"](np.array([1.0]))[0] == pytest.approx(np.e - 1)
    for wrong in (
        lambda: face["arange"](0 * ms, 3),
        lambda: face["exp"](3 * ms),
        lambda: face["where"]([True], [1] * ms, [1] * second**2),
    ):
        with pytest.raises(face["DimensionMismatchError"]):
            wrong()


# -- signatures ----------------------------------------------------------------------------------------------------------------


def missing(name: str, expected: list, face: dict[str, object]) -> list[str]:
    """The parameters of Brian 2 that the same callable here does not take, or not in this place."""
    owner, _, member = name.partition(".")
    target = inspect.getattr_static(face[owner], member, None) if member else face[owner]
    target = getattr(target, "__func__", target)
    if target is None or "not supported" in repr(target):
        return [f"{name}: missing"]
    parameters = [p for p in inspect.signature(target).parameters.values() if p.name not in ("self", "cls")]
    kinds = {p.kind.name for p in parameters}
    places = {p.name: (k, p.kind.name) for k, p in enumerate(parameters)}
    found = []
    for k, (parameter, kind, _) in enumerate(expected):
        if kind in ("VAR_POSITIONAL", "VAR_KEYWORD"):
            continue
        if parameter not in places:
            found += [f"{name}: {parameter}"] if "VAR_KEYWORD" not in kinds else []
        elif kind == "POSITIONAL_OR_KEYWORD" and places[parameter] != (k, kind) and "VAR_POSITIONAL" not in kinds:
            found.append(f"{name}: {parameter} by position")
    return found


def test_arguments_are_taken_as_in_brian(face):
    found = [
        m
        for name, expected in GOLDEN["signatures"].items()
        if expected is not None
        for m in missing(name, expected, face)
    ]
    assert found == []
