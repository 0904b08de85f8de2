"""What Brian 2 exports, prints and computes with units, for the comparison in test_brian_face.py.

With Brian 2 installed, ``python tests/brian_face.py`` writes brian_face.json. The same expressions run on eqsnn in the tests.
"""

from __future__ import annotations

import inspect
import json
import warnings
from pathlib import Path

import numpy

SKIPPED = """
    save savez savez_compressed savetxt load loadtxt fromfile genfromtxt memmap fromregex info show_config show_runtime test seterr
    setbufsize seterrcall set_printoptions get_include getbufsize busday_count busday_offset is_busday datetime_as_string
    datetime_data geterr geterrcall get_printoptions printoptions fromstring frombuffer from_dlpack nested_iters bmat mask_indices
    fromiter fromfunction frompyfunc put_along_axis putmask place put copyto fill_diagonal array2string array_repr array_str
    piecewise apply_over_axes empty empty_like
""".split()  # noqa: SIM905
FORMS = """
    np.F(q); np.F(m); np.F(m, axis=0); np.F(q, q); np.F(q, t); np.F(q, 2); np.F(2, q); np.F(q, 0*q); np.F(q > 2*mV, q, q)
    np.F([q, q]); np.F(s); np.F(zeros, q); np.F(one); np.F(q, 2*mV, 3*mV)
""".replace("\n", ";").split(";")
TEXTS = """
    10*ms; 0.5*ms; 400*ms; -60*mV; 3*nA; 0*mV; [1, 2, 3]*mV; [[1, 2], [3, 4]]*nS; 1e-9*second; np.arange(2000)*ms; 20*Hz; 1500*Hz
    1*um**2; 20000*um**2; usiemens/cm**2; 10*nS/(20000*um**2); uF/cm**2; ufarad/cmetre**2; 1*uF/cm**2; ms**2; 1/ms; 1/(3*ms); mV*nA
    3*mV*nA; mV/ms; ms**-1; (mV/ms)**2; (ms**-1)**-1; np.sqrt(4*mV**2); ms**0.5; (3*mV)**2; 2*kgram; 1*gram; 3*mole; mM; 10*mM
    5*umolar; 1*liter; kilogram*metre/second**2; newton*metre; 2*joule; 0.00123456*volt; 123123*msecond; 25.123456*mV; True*mV
    (2.5*ms).in_unit(second); (123123*msecond).in_unit(second, 2); (10*uA/cm**2).in_unit(nA/um**2); (10*mV).in_unit(ohm*amp)
    (0.00123456*volt).in_best_unit(3); (3*mV).in_best_unit(python_code=True); ms; um2; Hz; kelvin; 300*kelvin; 6*volt/metre
    cmetre**3; 3*cm**3; 3*ohm*cm; mS/cm**2; 100*uS/cm**2; second*amp; (3*volt).dim; Unit.create(volt.dim, 'pip', 'pp', scale=-1)
    (3*mV).tolist(); ([1, 2]*mV).tolist(); ([1, 2]*mV).item(1); f'{3*mV}'; in_unit(3*volt, mvolt); in_best_unit(0.123456, 2)
    get_unit(volt.dim); get_unit((volt/metre**3).dim); get_dimensions(5); get_or_create_dimension(length=1, mass=1, time=-2)
    Quantity.with_dimensions(2, length=1); Quantity([1*mV, 2*mV]); zero_celsius; gas_constant; boltzmann_constant
""".replace("\n", ";").split(";")
SURFACE = {
    "NeuronGroup": "__init__ get_states set_states run_regularly run_on_event set_event_schedule state",
    "Synapses": "__init__ connect get_states set_states run_regularly",
    "PoissonGroup": "__init__",
    "PoissonInput": "__init__",
    "SpikeGeneratorGroup": "__init__ set_spikes",
    "TimedArray": "__init__ __call__",
    "BinomialFunction": "__init__",
    "SpikeMonitor": "__init__ spike_trains values all_values get_states",
    "EventMonitor": "__init__ event_trains values all_values",
    "StateMonitor": "__init__ record_single_timestep get_states",
    "PopulationRateMonitor": "__init__ smooth_rate binned_rate",
    "Network": "__init__ add remove run store restore get_states set_states stop",
    "NetworkOperation": "__init__",
    "network_operation": "",
    "Clock": "__init__",
    "EventClock": "__init__",
    "Equations": "__init__ substitute",
    "Function": "__init__",
    "implementation": "",
    "declare_types": "",
    "check_units": "",
    "linked_var": "",
    "run": "", "store": "", "restore": "", "collect": "", "stop": "", "start_scope": "", "seed": "",
    "set_device": "", "get_device": "", "get_logger": "", "get_local_namespace": "",
    "profiling_summary": "", "scheduling_summary": "",
    "in_unit": "", "in_best_unit": "", "get_dimensions": "", "get_unit": "", "is_dimensionless": "", "have_same_dimensions": "",
    "is_scalar_type": "", "register_new_unit": "", "get_or_create_dimension": "",
    "Quantity": "__new__ with_dimensions in_unit in_best_unit get_best_unit has_same_dimensions item",
    "Unit": "create create_scaled_unit",
    "BrianLogger": "info warn debug error diagnostic suppress_hierarchy suppress_name log_level_info initialize",
    "BrianPreference": "__init__",
}  # fmt: skip


def operands(face) -> dict[str, object]:
    """The values that the expressions of FORMS use: arrays and scalars with and without units."""
    mV, nS, ms = face["mV"], face["nS"], face["ms"]
    return {
        "mV": mV,
        "q": numpy.array([3.0, 1, 2, 4]) * mV,
        "m": numpy.array([[1.0, 2, 5], [4, 3, 6]]) * nS,
        "t": numpy.array([1.0, 2, 3, 4]) * ms,
        "s": 3 * mV,
        "zeros": numpy.zeros(4),
        "one": numpy.array([0.1, 0.2, 0.3, 0.4]),
    }


def digest(value) -> object:
    """A result in plain types: dimension, shape and rounded values; lists of them for sequences."""
    if isinstance(value, (list, tuple)):
        return [digest(v) for v in value]
    dim = getattr(value, "dim", None)
    exponents = [] if dim is None else [float(d) for d in (getattr(dim, "exponents", None) or dim._dims)]
    array = numpy.asarray(value)
    if array.dtype.kind in "fiub":
        numbers = [f"{float(k):.9g}" for k in array.ravel()]
    elif array.dtype.kind == "c":
        numbers = [f"{complex(k):.6g}" for k in array.ravel()]
    else:
        numbers = [str(array)]
    return [exponents if any(exponents) else 0, list(array.shape), " ".join(numbers)]


def evaluate(text: str, space: dict[str, object]) -> object:
    """The digest of an expression, 'raises' for any error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fresh = {k: v.copy() if type(v).__name__ in ("Quantity", "ndarray") else v for k, v in space.items()}
            return digest(eval(text, fresh))
    except Exception:  # what an expression raises is not compared, only that it does
        return "raises"


def sweep(face: dict[str, object], names: list[str]) -> dict[str, object]:
    """Each form for each function of numpy, as its star import gives it in a script."""
    space = {"np": face["np"], **operands(face)}
    cases = [form.strip().replace("F", name) for name in names for form in FORMS if form.strip()]
    return {case: evaluate(case, space) for case in cases}


def numpy_names() -> list[str]:
    """The functions of numpy's namespace that are worth calling."""
    found = (
        n for n in sorted(numpy.__all__) if callable(getattr(numpy, n)) and not isinstance(getattr(numpy, n), type)
    )
    return [n for n in found if n not in SKIPPED]


def texts(face: dict[str, object]) -> dict[str, list[str]]:
    """``str`` and ``repr`` of each expression of TEXTS, in their order (units are remembered)."""
    found = {}
    for case in (t.strip() for t in TEXTS):
        if case:
            value = eval(case, dict(face))
            found[case] = [str(value), repr(value)]
    return found


def signatures(face: dict[str, object]) -> dict[str, list[list[str]]]:
    """The parameters (name, kind, default) of each callable of SURFACE."""
    found = {}
    for name, members in SURFACE.items():
        for member in members.split() or [""]:
            target = face[name] if not member else inspect.getattr_static(face[name], member, None)
            target = getattr(target, "__func__", target)
            if target is None:
                found[f"{name}.{member}"] = None
                continue
            parameters = [p for p in inspect.signature(target).parameters.values() if p.name not in ("self", "cls")]
            found[f"{name}.{member}".rstrip(".")] = [[p.name, p.kind.name, repr(p.default)] for p in parameters]
    return found


def modules() -> dict[str, list[str]]:
    """The modules of the rooms of Brian 2 that scripts import from, and what a star import from each gives."""
    import importlib
    import pkgutil

    import brian2

    rooms = "units core equations groups synapses monitors input importexport devices utils stateupdaters spatialneuron".split()  # noqa: SIM905
    found = {}
    for info in pkgutil.walk_packages(brian2.__path__, "brian2."):
        path = info.name.removeprefix("brian2.")
        if path.split(".")[0] in rooms:
            found[path] = sorted(getattr(importlib.import_module(info.name), "__all__", []))
    return found


def main() -> None:
    """Write what Brian 2 gives."""
    import brian2
    import brian2.units.allunits as allunits
    import brian2.units.constants as constants
    import brian2.units.stdunits as stdunits
    import pylab
    from brian2.units.fundamentalunits import Quantity

    star: dict[str, object] = {}
    exec("from brian2 import *", star)
    star.pop("__builtins__")
    only: dict[str, object] = {}
    exec("from brian2.only import *", only)
    only.pop("__builtins__")
    plain = {n for n in vars(pylab) if not n.startswith("_")}
    units: dict[str, dict[str, str]] = {}
    for n in {*allunits.__all__, *stdunits.__all__, *dir(constants)}:
        value = (
            getattr(allunits, n, None) if hasattr(allunits, n) else getattr(stdunits, n, getattr(constants, n, None))
        )
        if isinstance(value, Quantity):
            units.setdefault(" ".join(f"{float(d):g}" for d in value.dim._dims), {})[n] = float(value).hex()
    space = {
        **star,
        "newton": allunits.newton,
        **{n: getattr(constants, n) for n in ("zero_celsius", "gas_constant", "boltzmann_constant")},
    }
    golden = {
        "version": brian2.__version__,
        "own names": sorted(n for n in star if n not in plain),
        "names of pylab left out": sorted(n for n in plain if n not in star),
        "only": sorted(only),
        "modules": {path: names for path, names in modules().items() if not path.startswith("units.all")},
        "star of units": sorted(brian2.units.__all__),
        "all units": sorted(allunits.__all__),
        "units": units,
        "preferences": sorted(brian2.prefs),
        "signatures": signatures(star),
        "texts": texts(space),
        "numpy": sweep(star, numpy_names()),
    }
    path = Path(__file__).with_suffix(".json")
    lines = (
        f"{json.dumps(k)}: {json.dumps(v, sort_keys=True, separators=(',', ':'))}" for k, v in sorted(golden.items())
    )
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
