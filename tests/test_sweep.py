"""Sweeps: the same table whatever the workers, one compilation for all points, errors that name their point."""

import os
import subprocess
import sys

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import Hz, ms, mV, nA, second


def noisy(I, tau=10 * ms):
    """100 noisy neurons; two groups, so that the names matter to which stream is whose."""
    model = "dv/dt = (I - v)/tau + 0.1*sqrt(2/tau)*xi : 1"
    G = eq.NeuronGroup(100, model, threshold="v > 1", reset="v = 0", method="euler")
    P = eq.PoissonGroup(10, 50 * Hz)
    G.v = "rand()"
    M, N = eq.SpikeMonitor(G), eq.SpikeMonitor(P)
    eq.run(30 * ms)
    host = float(np.random.rand())
    return {
        "rate": M.num_spikes / (100 * 30 * ms),
        "i": np.bincount(M.i[:], minlength=100),
        "p": N.num_spikes,
        "r": host,
    }


GRID = {"I": [0.8, 1.2], "tau": [10, 20] * ms}


def same(a, b):
    assert a.columns == b.columns and len(a) == len(b)
    return all(np.array_equal(np.asarray(a[c]), np.asarray(b[c])) for c in a.columns)


def test_the_table_does_not_depend_on_the_workers():
    here = eq.sweep(noisy, GRID, repeat=2, jobs=1, seed=5)
    there = eq.sweep(noisy, GRID, repeat=2, jobs=2, seed=5)
    assert same(here, there)
    assert len(set(here["r"])) == 8  # each point and repetition has numbers of its own
    assert not same(here, eq.sweep(noisy, GRID, repeat=2, jobs=1, seed=6))


def test_a_sweep_leaves_the_caller_as_it_was():
    """What a script draws after a sweep is the same with one worker, with two, and without the sweep's points in this process."""

    def rest():
        P = eq.PoissonGroup(50, 100 * Hz, name="p")
        M = eq.SpikeMonitor(P, name="m")
        eq.Network(P, M).run(20 * ms)
        return M.i[:].tolist(), float(np.random.rand())

    found = []
    for jobs in (1, 2):
        eq.seed(9)
        np.random.seed(3)
        eq.defaultclock.dt = 0.2 * ms
        eq.sweep(noisy, {"I": [0.8]}, jobs=jobs)
        assert float(eq.defaultclock.dt / ms) == pytest.approx(0.2)
        found.append(rest())
    assert found[0] == found[1]


def test_the_points_see_the_time_step_and_the_settings_of_the_caller():
    eq.defaultclock.dt = 0.5 * ms
    eq.settings.neurons_per_block = 512
    for jobs in (1, 2):
        found = eq.sweep(
            lambda k: {"dt": eq.defaultclock.dt, "block": eq.settings.neurons_per_block}, {"k": [1, 2]}, jobs=jobs
        )
        assert np.allclose(found["dt"] / ms, 0.5) and found["block"].tolist() == [512, 512]

    def changes(k):
        before = float(eq.defaultclock.dt / ms)
        eq.defaultclock.dt = k * ms
        return before

    assert eq.sweep(changes, {"k": [1, 2, 3]}, jobs=1)["value"].tolist() == [0.5] * 3
    assert float(eq.defaultclock.dt / ms) == 0.5


def test_a_magic_run_goes_on_where_it_was_after_a_sweep():
    G = eq.NeuronGroup(1, "dv/dt = 1/ms : 1")
    eq.run(1 * ms)
    eq.sweep(noisy, {"I": [0.8]}, jobs=1)
    eq.run(1 * ms)
    assert G.v[0] == pytest.approx(2) and float(G.t / ms) == pytest.approx(2)


def test_two_sweeps_differ_and_the_seed_brings_both_back():
    def twice():
        eq.seed(4)
        return [eq.sweep(noisy, {"I": [0.9]}, jobs=1)["r"][0] for _ in range(2)]

    first = twice()
    assert first[0] != first[1] and twice() == first


def test_columns_and_grids():
    found = eq.sweep(
        lambda a, b: {"sum": a + b, "trace": np.full(3, a), "text": f"{a}{b}"}, {"a": [1, 2], "b": [10, 20, 30]}, jobs=1
    )
    assert found.columns == ("a", "b", "sum", "trace", "text") and len(found) == 6
    assert found["sum"].tolist() == [11, 21, 31, 12, 22, 32]
    assert found.grid("sum").tolist() == [[11, 21, 31], [12, 22, 32]]
    assert found.grid("trace").shape == (2, 3, 3) and found["text"].dtype == object
    assert found[4] == {"a": 2, "b": 20, "sum": 22, "trace": found[4]["trace"], "text": "220"}
    assert list(found.axes) == ["a", "b"] and found.axes["b"].tolist() == [10, 20, 30]
    frame = found.to_pandas()
    assert frame["sum"].tolist() == found["sum"].tolist() and list(frame.columns) == list(found.columns)
    assert frame.groupby("a")["sum"].mean().tolist() == [21.0, 22.0]


def test_units_stay():
    found = eq.sweep(lambda I: I * 2 * eq.Mohm, {"I": np.linspace(0, 2, 3) * nA}, jobs=1)
    assert np.allclose(found["value"] / mV, [0, 2, 4]) and np.allclose(found["I"] / nA, [0, 1, 2])
    with pytest.raises(eq.UnitError, match="'value' has values with the units"):
        eq.sweep(lambda k: k * second if k else k * mV, [{"k": 1}, {"k": 0}], jobs=1)["value"]


def test_points_of_a_list_need_not_be_a_product():
    found = eq.sweep(lambda a, b=7: a * b, [{"a": 1}, {"a": 2, "b": 3}], jobs=1)
    assert found["value"].tolist() == [7, 6] and found["a"].tolist() == [1, 2]
    with pytest.raises(eq.EqsnnError, match="all combinations"):
        found.grid("value")


def test_an_error_names_its_point():
    for jobs in (1, 2):
        with pytest.raises(eq.SweepError) as caught:
            eq.sweep(lambda I, tau: 1 / (I - 2), {"I": [1, 2, 3], "tau": [5 * ms]}, jobs=jobs)
        assert str(caught.value) == "point 1 of 3 (I = 2, tau = 5. ms) failed: ZeroDivisionError: division by zero"
        assert caught.value.point["I"] == 2 and "in <lambda>" in caught.value.__notes__[0]


def test_errors_may_be_kept():
    found = eq.sweep(lambda k: 1 / k, {"k": [1, 0, 2]}, jobs=1, errors="keep")
    assert found["error"].tolist() == ["", "ZeroDivisionError: division by zero", ""]
    assert found["value"][[0, 2]].tolist() == [1.0, 0.5] and np.isnan(found["value"][1])


def test_report():
    seen = []
    eq.sweep(lambda k: k, {"k": [1, 2, 3]}, jobs=1, report=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_without_joblib_one_after_the_other(monkeypatch):
    monkeypatch.setitem(sys.modules, "joblib", None)
    assert eq.sweep(lambda k: k, {"k": [1, 2]}, jobs=1)["value"].tolist() == [1, 2]
    with pytest.raises(eq.EqsnnError, match=r"pip install 'eqsnn\[sweep\]'; with jobs=1"):
        eq.sweep(lambda k: k, {"k": [1, 2]})


WRONG = {
    "no parameters": (dict(points={}), "there are no parameters"),
    "no points": (dict(points=[]), "there are no points"),
    "no values": (dict(points={"k": []}), "the parameter 'k' has no values"),
    "points": (dict(points=3), "the points are a dict of names and values"),
    "point": (dict(points=[3]), "each point is a dict of parameters; got 3"),
    "name": (dict(points={"a b": [1]}), "the name of a parameter is that of an argument"),
    "jobs": (dict(points={"k": [1]}, jobs=0), "jobs= is a whole number from 1 on; got 0"),
    "repeat": (dict(points={"k": [1]}, jobs=1, repeat=1.5), "repeat= is a whole number from 1 on; got 1.5"),
    "repeat twice": (dict(points={"repeat": [1]}, jobs=1, repeat=2), "'repeat' is a parameter of the points"),
    "seed": (dict(points={"k": [1]}, jobs=1, seed="x"), "seed= is an integer or None; got 'x'"),
    "errors": (dict(points={"k": [1]}, jobs=1, errors="ignore"), "errors= is 'raise' or 'keep'; got 'ignore'"),
    "report": (dict(points={"k": [1]}, jobs=1, report="loud"), "report= is 'text', 'bar', a function"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_calls(case):
    options, message = WRONG[case]
    with pytest.raises(eq.EqsnnError, match=message):
        eq.sweep(lambda **p: 1, **options)


def test_wrong_results():
    with pytest.raises(eq.SweepError, match="and this one the SpikeMonitor 'spikes'; return what you need of it"):
        eq.sweep(lambda k: eq.SpikeMonitor(eq.PoissonGroup(1, 1 * Hz), name="spikes"), {"k": [1]}, jobs=1)
    with pytest.raises(eq.EqsnnError, match="returns 'k', which is a column already"):
        eq.sweep(lambda k: {"k": 1}, {"k": [1]}, jobs=1)


SCRIPT = """
import eqsnn as eq
from eqsnn import ms
def point(I, n):
    G = eq.NeuronGroup(n, "dv/dt = (I - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact")
    S = eq.Synapses(G, G, "w : 1", on_pre="v += w")
    S.connect("i != j", p=0.1)
    M = eq.SpikeMonitor(G)
    eq.Network(G, S, M).run(20*ms)
    return M.num_spikes
points = {"I": [1.1, 1.2, 1.3, 1.4], "n": [10, 20]}
print(eq.sweep(point, POINTS, jobs=2)["value"].sum())
"""


def test_all_points_are_compiled_once(tmp_path):
    """Compilers that are started in a fresh cache: as many for eight points in two workers as for the first of them alone."""
    log = tmp_path / "log"
    compiler = tmp_path / "cc"
    compiler.write_text(f'#!/bin/sh\ncase " $* " in *" -o "*) echo "$$" >> {log};; esac\nexec cc "$@"\n')
    compiler.chmod(0o755)
    counts = []
    for points in ("points", "[{'I': 1.1, 'n': 10}]"):
        folder = tmp_path / f"cache{len(counts)}"
        log.write_text("")
        environment = {**os.environ, "EQSNN_CACHE_DIR": str(folder), "CC": str(compiler), "EQSNN_BACKEND": "c"}
        script = tmp_path / "script.py"
        script.write_text(SCRIPT.replace("POINTS", points))
        done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        counts.append(len(log.read_text().splitlines()))
    assert counts[0] == counts[1] > 0


NAMES = """
import eqsnn as eq
from eqsnn import ms, mV, Hz
TAU, LEVEL, UNUSED = 10*ms, 3, object()
DRIVE = eq.TimedArray([1, 2], dt=10*ms)
TWICE = eq.function("TWICE(x) = 2*x")
REST = "v = 0"
EQUATIONS = eq.Equations("dv/dt = (LEVEL*DRIVE(t) + other - v)/TAU : 1")
def build(n):
    return eq.NeuronGroup(n, EQUATIONS, threshold="v > TWICE(0.5)", reset=REST, method="euler")
def point(n, other=0.5):
    G = build(n)
    M = eq.SpikeMonitor(G)
    eq.run(20*ms)
    return M.num_spikes
print([eq.sweep(point, {"n": [1, 2]}, jobs=jobs)["value"].tolist() for jobs in (1, 2)])
"""


def test_constants_that_only_equations_name_travel_along(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(NAMES.replace("LEVEL*DRIVE(t) + other", "LEVEL*DRIVE(t)"))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    one, two = eval(done.stdout)
    assert one == two and one[0] > 0 and one[1] == 2 * one[0]
