"""Preferences, devices, logging, running and figures of the compatibility face."""

import json
import logging
import os
import warnings
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from eqsnn.brian.utils.logger import catch_logs

import eqsnn as eq
from eqsnn import EqsnnError, ms, mV, settings
from eqsnn import brian as b2
from eqsnn.brian import tools
from eqsnn.network import notices


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Preferences as they are at the start, no notice given yet, the default device."""
    monkeypatch.setattr(notices, "_told", set())
    monkeypatch.delenv("EQSNN_BACKEND", raising=False)
    yield
    b2.prefs.reset_to_defaults()
    b2.BrianLogger.initialize()
    while b2.get_device().name != "runtime":
        b2.devices.device.reset_device()


def told() -> list[str]:
    return sorted(notices._told)


# -- preferences ---------------------------------------------------------------------------------------------------------------


def test_preferences_are_those_of_brian():
    golden = json.loads((Path(__file__).parent / "brian_face.json").read_text())
    assert sorted(b2.prefs) == golden["preferences"]


def test_a_preference_is_set_by_item_and_by_attribute():
    b2.prefs["codegen.target"] = "numpy"
    assert b2.prefs.codegen.target == "numpy" and settings.backend == "numpy"
    b2.prefs.codegen.target = "cython"
    assert settings.backend == "cython"
    b2.prefs.codegen.target = b2.NumpyCodeObject
    assert settings.backend == "numpy"
    processors = len(os.sched_getaffinity(0))
    b2.prefs.devices.cpp_standalone.openmp_threads = processors
    assert settings.threads == processors and told() == []
    b2.prefs.devices.cpp_standalone.openmp_threads = 256
    assert settings.threads == processors
    assert told() == [
        f"openmp_threads = 256: {processors} are taken, one for each processor; results do not depend on it"
    ]
    b2.prefs.devices["cpp_standalone.openmp_threads"] = 0
    assert settings.threads == 1
    assert "target" in dir(b2.prefs.codegen) and "codegen" in dir(b2.prefs)


def test_a_preference_that_changes_nothing_says_so_once():
    for _ in range(2):
        b2.prefs.codegen.cpp.extra_compile_args_gcc = ["-O2"]
    b2.prefs.logging.file_log = False
    assert told() == [
        "prefs.codegen.cpp.extra_compile_args_gcc = ['-O2'] changes nothing here: flags of the compiler are fixed, so that results "
        "are the same everywhere; CC and EQSNN_CACHE_DIR are honoured",
        "prefs.logging.file_log = False changes nothing here: nothing is logged to a file: notices go to the logger 'eqsnn' of "
        "Python's logging",
    ]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("codegen.targte", "numpy", "there is no preference 'codegen.targte'; did you mean 'codegen.target'?"),
        ("codegen", 1, "'codegen' is a category of preferences and has no value of its own"),
        (
            "codegen.target",
            "weave",
            "the preference 'codegen.target' cannot have the value 'weave': there is no target 'weave'; there are 'auto', 'cython', 'numpy'",
        ),
        (
            "legacy.refractory_timing",
            True,
            "the preference 'legacy.refractory_timing' cannot have the value True: refractory periods are counted in steps; the timing "
            "of Brian 2.1.2 and before is not offered",
        ),
        (
            "devices.cpp_standalone.openmp_threads",
            -1,
            "the preference 'devices.cpp_standalone.openmp_threads' cannot have the value -1: the number of threads is an integer from "
            "0 (one thread) to 256; got -1",
        ),
    ],
)
def test_a_preference_that_cannot_be_had_raises(name, value, message):
    with pytest.raises(b2.PreferenceError) as caught:
        b2.prefs[name] = value
    assert str(caught.value) == message


def test_preference_files(tmp_path):
    path = tmp_path / "prefs"
    path.write_text(
        "# mine\ncodegen.target = 'numpy'\n[devices.cpp_standalone]\nopenmp_threads = 1\n[core]\ndefault_float_dtype = float64\n"
    )
    b2.prefs.read_preference_file(str(path))
    assert settings.backend == "numpy" and settings.threads == 1
    b2.prefs.read_preference_file(path.open())
    assert "codegen.target = 'numpy'\n" in b2.prefs.as_file and "codegen.target = 'auto'\n" in b2.prefs.defaults_as_file
    path.write_text("codegen.target = __import__('os')\n")
    with pytest.raises(
        b2.PreferenceError, match=r"line 1 of the preferences: __import__\('os'\) is not a Python literal"
    ):
        b2.prefs.read_preference_file(path)
    b2.prefs.reset_to_defaults()
    assert settings.backend == "cython" and b2.prefs.codegen.target == "auto"


def test_preferences_of_ones_own():
    speed = b2.BrianPreference(default=1.0, docs="how fast", validator=lambda v: v > 0)
    b2.prefs.register_preferences("mine", "my own", speed=speed)
    try:
        b2.prefs.mine.speed = 2.0
        assert b2.prefs["mine.speed"] == 2.0 and "mine.speed = 1.0: how fast" in b2.prefs.get_documentation("mine")
        with pytest.raises(b2.PreferenceError):
            b2.prefs.mine.speed = -1.0
    finally:
        for table in (b2.prefs._store.own, b2.prefs._store.values, b2.prefs._store.defaults):
            del table["mine.speed"]
    with pytest.raises(b2.PreferenceError, match=r"'brian_prefs' is called 'prefs': prefs.codegen"):
        b2.brian_prefs.codegen  # noqa: B018


# -- devices -------------------------------------------------------------------------------------------------------------------


def test_a_script_for_the_standalone_device_runs_as_always_and_is_told_once():
    b2.set_device("cpp_standalone", directory="somewhere", build_on_run=False)
    b2.set_device("cpp_standalone", debug=True)
    G = b2.NeuronGroup(1, "dv/dt = 1/(10*ms) : 1", method="euler")
    b2.run(10 * ms)
    b2.device.build(run=True, directory=None)
    assert G.v[0] == pytest.approx(1.0)
    assert [m for m in told() if "set_device" in m] == [
        "set_device('cpp_standalone') changes nothing: the script runs compiled as always, each run() when it is called, and no project "
        "is written"
    ]
    assert b2.get_device().name == "cpp_standalone" and b2.device.build_options == {"debug": True}
    b2.device.reinit()
    b2.device.activate(directory="elsewhere")
    with pytest.raises(EqsnnError, match="there is no C\\+\\+ project"):
        b2.device.insert_code("main", "int x;")
    with pytest.raises(EqsnnError, match="there is no device 'genn'; there are 'runtime', 'cpp_standalone'"):
        b2.set_device("genn")
    with pytest.raises(TypeError, match="has no option 'directroy'"):
        b2.set_device("cpp_standalone", directroy="x")
    b2.set_device("runtime")


# -- logging -------------------------------------------------------------------------------------------------------------------


def test_levels_and_suppression_hold_for_notices():
    logger = logging.getLogger("eqsnn")
    b2.BrianLogger.log_level_error()
    assert logger.level == logging.ERROR
    b2.prefs.logging.console_log_level = "DEBUG"
    assert logger.level == logging.DEBUG
    b2.BrianLogger.initialize()
    assert logger.level == logging.INFO
    mine = b2.get_logger("brian2.codegen.mine")
    with catch_logs() as logs:
        mine.warn("one", "resolution_conflict")
        mine.warn("one", "resolution_conflict", once=True)
        b2.BrianLogger.suppress_name("resolution_conflict")
        mine.warn("two", "resolution_conflict")
        mine.warn("three")
        b2.BrianLogger.suppress_hierarchy("brian2.codegen")
        mine.error("four")
        b2.get_logger("script").warn("five")
        b2.logger.info("too low")
    assert [message for _, _, message in logs] == ["one", "three", "five"]
    assert logs[0][:2] == ("WARNING", "eqsnn.codegen.mine.resolution_conflict")


def test_std_silent_shows_what_was_printed_only_if_it_fails(capsys):
    with b2.std_silent():
        print("hidden")
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError), b2.std_silent():
        print("shown")
        raise ValueError
    assert capsys.readouterr().out == "shown\n"


# -- running -------------------------------------------------------------------------------------------------------------------


def test_a_network_of_this_face_warns_of_nan_too():
    G = b2.NeuronGroup(1, "dv/dt = v**2/ms : 1", method="euler")
    G.v = 10
    net = b2.Network(G)
    with pytest.warns(RuntimeWarning, match="v has NaN or infinite"):
        net.run(20 * ms)
    assert isinstance(net, eq.Network)


def test_level_says_how_far_up_names_are_looked_up():
    def helper(net, level):
        tau = 20 * ms  # noqa: F841 (for level=0)
        net.run(1 * ms, level=level)

    for level, expected in ((0, 1 / 20), (1, 1 / 10)):
        tau = 10 * ms
        G = b2.NeuronGroup(1, "dv/dt = 1/tau : 1", method="euler")
        helper(b2.Network(G), level)
        assert G.v[0] == pytest.approx(expected)

    b2.start_scope()
    tau = 5 * ms  # noqa: F841
    G = b2.NeuronGroup(1, "dv/dt = 1/tau : 1", method=b2.euler)

    def run_for_me():
        b2.run(1 * ms, level=1)

    run_for_me()
    assert G.v[0] == pytest.approx(1 / 5) and b2.magic_network.t == 1 * ms
    assert b2.get_local_namespace(0)["G"] is G


def test_a_run_of_this_face_changes_no_manners_of_the_native_one():
    G = b2.NeuronGroup(1, "dv/dt = v**2/ms : 1", method="euler")
    G.v = 1e200
    b2.run(0.2 * ms)
    assert not np.isfinite(G.v[0])
    b2.start_scope()
    G = eq.NeuronGroup(1, "dv/dt = v**2/ms : 1", method="euler")
    G.v = 1e200
    with pytest.raises(eq.NotFiniteError):
        eq.run(0.2 * ms)


def test_the_magic_network_of_this_face_has_its_manners_and_the_native_simulation():
    b2.start_scope()
    G = b2.NeuronGroup(1, "dv/dt = v**2/ms : 1", method="euler")
    G.v = 1e200
    b2.magic_network.run(0.2 * ms)
    assert not np.isfinite(G.v[0]) and b2.magic_network.t == eq.magic_network.t == 0.2 * ms
    assert isinstance(b2.magic_network, b2.MagicNetwork) and list(eq.magic_network) == [G]
    b2.store()
    b2.run(0.1 * ms)
    b2.restore()
    assert b2.magic_network.t == eq.magic_network.t == 0.2 * ms


RESTING = [
    # (assignment, v then: who is refractory in Brian 2 keeps its value where a string is involved; natively nobody does)
    (lambda G: setattr(G, "v", "i + 10"), [2, 11, 2, 13], [10, 11, 12, 13]),
    (lambda G: G.v.__setitem__("i >= 0", 7), [2, 7, 2, 7], [7, 7, 7, 7]),
    (lambda G: G.v.__setitem__("i >= 0", "7 + i"), [2, 8, 2, 10], [7, 8, 9, 10]),
    (lambda G: G.v.__setitem__(slice(0, 3), "7 + i"), [2, 8, 2, 0], [7, 8, 9, 0]),
    (lambda G: setattr(G[1:3], "v", "i + 10"), [2, 10, 2, 0], [2, 10, 11, 0]),
    (lambda G: setattr(G, "v", 7), [7, 7, 7, 7], [7, 7, 7, 7]),
    (lambda G: setattr(G, "v", [7, 8, 9, 10]), [7, 8, 9, 10], [7, 8, 9, 10]),
]


@pytest.mark.parametrize("assign, here, natively", RESTING)
def test_strings_leave_out_refractory_neurons(assign, here, natively):
    equations = "dv/dt = 0/ms : 1 (unless refractory)\ndu/dt = 0/ms : 1"
    for face, expected in ((b2, here), (eq, natively)):
        G = face.NeuronGroup(4, equations, threshold="v > 1", reset="", refractory=5 * ms, method="euler")
        G.v = [2, 0, 2, 0]
        face.Network(G).run(0.2 * ms)
        assign(G)
        assert G.v[:].tolist() == expected
        G.u = "i + 1"  # does not rest
        assert G.u[:].tolist() == [1, 2, 3, 4]


def test_a_pair_that_cannot_be_has_no_synapses():
    for face in (b2, eq):
        G = face.NeuronGroup(4, "v : 1", threshold="v > 1", reset="")
        S = face.Synapses(G, G, "w : 1", on_pre="v += w", name="syn")
        S.connect()
        S.w = "10*i + j"
        if face is b2:
            assert len(S.w[:, 4]) == len(S.w[4, 0]) == 0 and S.w[:, [0, 4]].tolist() == [0, 10, 20, 30]
        else:
            with pytest.raises(IndexError, match="syn: j = 4 is out of range; .* has 4 elements"):
                S.w[:, 4]


def test_seed_seeds_numpy_too():
    b2.seed(5)
    first = np.random.rand()
    b2.seed(5)
    assert np.random.rand() == first


def test_restore_initial_state():
    b2.defaultclock.dt = 1 * ms
    b2.prefs.codegen.target = "numpy"
    b2.restore_initial_state()
    assert b2.defaultclock.dt == 0.1 * ms and settings.backend == "cython"


# -- figures -------------------------------------------------------------------------------------------------------------------


def test_matplotlib_draws_quantities_in_base_si():
    t, v = np.arange(5) * ms, np.array([1.0, 3, 2, 5, 4]) * mV
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for draw in (
            lambda ax: ax.plot(t, v),
            lambda ax: ax.plot(t, v.reshape(5, 1)),
            lambda ax: ax.scatter(t, v),
            lambda ax: ax.step(t, v),
            lambda ax: ax.errorbar(t, v, yerr=v / 2),
            lambda ax: ax.fill_between(t, v, 2 * v),
            lambda ax: ax.bar(t, v, width=0.5 * ms),
            lambda ax: ax.hist(v, 5),
            lambda ax: ax.hist(v, bins=[1, 2, 3] * mV),
            lambda ax: ax.hist(v, bins=np.array([1, 2, 3]) * 1e-3),
            lambda ax: ax.imshow(v.reshape(1, 5)),
            lambda ax: ax.pcolormesh(v.reshape(1, 5)),
            lambda ax: ax.vlines(t, 0 * mV, v),
            lambda ax: ax.axhline(3 * mV),
            lambda ax: ax.axvspan(1 * ms, 2 * ms),
            lambda ax: ax.set_xlim(0 * ms, 3 * ms),
            lambda ax: ax.set_yticks(v),
            lambda ax: ax.text(1 * ms, 1 * mV, "here"),
            lambda ax: ax.semilogy(t, v),
            lambda ax: ax.boxplot(v),
        ):
            figure = plt.figure()
            draw(figure.add_subplot())
            figure.canvas.draw()
            plt.close(figure)
    (line,) = plt.figure().add_subplot().plot(t, v)
    np.testing.assert_allclose(line.get_xdata(orig=False), np.arange(5) * 1e-3)
    np.testing.assert_allclose(line.get_ydata(orig=False), np.asarray(v))


def test_matplotlib_draws_variables_of_groups():
    G = b2.NeuronGroup(5, "v : volt")
    G.v = "i*mV"
    S = b2.Synapses(G, G, "w : 1")
    S.connect(i=[0, 1, 2], j=[2, 3, 4])
    S.w = "1 + i"
    axes = plt.figure().add_subplot()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        (line,) = axes.plot(S.i, S.j, "ok")
        for draw in (
            lambda: axes.plot(G.v),
            lambda: axes.plot(G.i, G.v / mV),
            lambda: axes.step(G.i, G.v),
            lambda: axes.stem(S.i, S.w),
            lambda: axes.scatter(S.i, S.j, c=S.w),
            lambda: axes.hist(S.w, 3),
        ):
            draw()
    np.testing.assert_array_equal(line.get_xydata(), [[0, 2], [1, 3], [2, 4]])
    plt.close("all")


def test_a_timed_array_has_plain_numbers_as_in_brian():
    stimulus = b2.TimedArray(np.array([1, 2, 4]) * mV, dt=2 * ms)
    assert stimulus.dt == 0.002 and type(stimulus.dt) is float
    assert type(stimulus.values) is np.ndarray and np.array_equal(stimulus.values, [1e-3, 2e-3, 4e-3])
    assert stimulus(3 * ms) == 2 * mV


def test_brian_plot_draws_what_it_is_given():
    G = b2.NeuronGroup(3, "dv/dt = (20*mV - v)/(5*ms) : volt", threshold="v > 15*mV", reset="v = 0*mV", method="exact")
    G.v = "i*mV"
    S = b2.Synapses(G, G, "w : volt")
    S.connect("i != j")
    S.w = "i*mV"
    spikes, states, rate = b2.SpikeMonitor(G), b2.StateMonitor(G, "v", record=True), b2.PopulationRateMonitor(G)
    b2.run(20 * ms)
    axes = plt.figure().subplots(6)
    raster = tools.brian_plot(spikes, axes=axes[0])
    np.testing.assert_allclose(raster.lines[0].get_xdata(), spikes.t / ms)
    assert raster.get_xlabel() == "time (ms)" and raster.get_ylabel() == "neuron index"
    traces = tools.brian_plot(states, axes=axes[1])
    assert traces.get_ylabel() == "v (mV)" and len(traces.lines) == 3
    np.testing.assert_allclose(traces.lines[1].get_ydata(), states.v[1] / mV)
    assert tools.brian_plot(rate, axes=axes[2]).get_ylabel() == "population rate (Hz)"
    assert len(tools.brian_plot(S, axes=axes[3]).collections[0].get_offsets()) == 6
    coloured = tools.brian_plot(S.w, axes=axes[4])
    np.testing.assert_allclose(coloured.collections[0].get_array(), S.w / mV)
    matrix = tools.plot_synapses(S.i, S.j, S.w, plot_type="image", axes=axes[5]).images[0].get_array()
    assert matrix[0, 2] == 2 and np.isnan(np.asarray(matrix.filled(np.nan))[1, 1])
    with pytest.raises(EqsnnError, match="brian_plot\\(\\) draws monitors"):
        tools.brian_plot(3)


def test_methods_are_known_under_the_names_of_brian():
    values = []
    for method in (b2.linear, "linear", "independent", b2.exact, "exact"):
        G = b2.NeuronGroup(1, "dv/dt = -v/(10*ms) : 1", method=method)
        G.v = 1
        b2.Network(G).run(5 * ms)
        values.append(float(G.v[0]))
    assert len(set(values)) == 1 and values[0] == pytest.approx(np.exp(-0.5))
    with pytest.raises(EqsnnError, match="a method is a file in eqsnn/integrators"):
        b2.StateUpdateMethod.register("mine", None)


def test_time_and_step_of_a_group_are_variables_of_its():
    G = b2.NeuronGroup(2, "dv/dt = -v/ms : 1", dt=0.2 * ms, method="exact", name="timed")
    S = b2.Synapses(G, G)
    b2.Network(G).run(2 * ms)
    assert str(G.t) == "<timed.t: 2. * msecond>" and G.t[:] == 2 * ms and G.dt[:] == 0.2 * ms
    assert S.dt[:] == 0.1 * ms and S.t[:] == 0 * ms
    assert G.t == 2 * ms and G.t / G.dt == 10 and b2.Clock(G.dt).dt == 0.2 * ms
    with pytest.raises(TypeError, match="'t' of timed cannot be set"):
        G.t = 3 * ms
