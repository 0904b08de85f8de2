"""Groups: linked variables, code that runs regularly, subgroups, states by name, storage types; inputs. Golden numbers from Brian 2."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from brian_groups import SCRIPTS

import eqsnn as eq
from eqsnn import Hz, ms, mV

GOLDEN = json.loads((HERE / "golden_groups.json").read_text())


def result_of(name, backend, threads=1):
    space = {"__name__": "script"}
    before = eq.settings.backend, eq.settings.threads
    eq.settings.backend, eq.settings.threads = backend, threads
    try:
        exec("from eqsnn.brian import *\nstart_scope()\n" + SCRIPTS[name], space)
    finally:
        eq.settings.backend, eq.settings.threads = before
    return {k: np.asarray(v, float) for k, v in space["result"].items()}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_gives_what_brian_gives(name):
    found = result_of(name, "cython")
    assert set(found) == set(GOLDEN[name])
    for key, value in found.items():
        expected = np.asarray(GOLDEN[name][key], float)
        assert value.shape == expected.shape, key
        np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-12, err_msg=key)


@pytest.mark.parametrize("name", SCRIPTS)
def test_backends_and_threads_agree(name):
    one = result_of(name, "cython")
    for other in (result_of(name, "numpy"), result_of(name, "c", threads=3)):
        for key in one:
            np.testing.assert_array_equal(one[key], other[key], err_msg=key)


BOTH = pytest.mark.parametrize("backend", ["cython", "numpy"])


@pytest.fixture
def on(backend):
    before = eq.settings.backend
    eq.settings.backend = backend
    yield
    eq.settings.backend = before


# -- linked variables


@BOTH
def test_linked_variables_are_read_where_they_lie(on):
    source = eq.NeuronGroup(3, "dx/dt = (i + 1)/ms : 1\ny = 2*x + t/ms : 1\nb : boolean\nn : integer", method="euler")
    source.b, source.n = [True, False, True], [7, 8, 9]
    G = eq.NeuronGroup(
        4,
        "x, y : 1 (linked)\nb : boolean (linked)\nn : integer (linked)\nk : integer\nz = x + y : 1\nv : 1",
    )
    for name in "xybn":
        setattr(G, name, eq.linked_var(source, name, index="k"))
    G.k = [0, 2, 1, 2]
    again = eq.NeuronGroup(2, "z : 1 (linked)\nx : 1 (linked)\nn : integer (linked)")
    again.z, again.x = eq.linked_var(G, "z", index=[1, 3]), eq.linked_var(G, "x", index=[2, 1])
    again.n = eq.linked_var(G[1:3], "n")
    M = eq.StateMonitor(G, ["x", "y", "b", "n", "z"], record=True)
    A = eq.StateMonitor(again, ["z", "x", "n"], record=True)
    X = eq.StateMonitor(source, ["x", "y"], record=True)
    S = eq.Synapses(G, again, "s : 1")
    S.connect(i=[0, 1, 3], j=[1, 0, 1])
    S.run_regularly("s = z_post + 10*n_pre + x_post", when="end")
    eq.Network(source, G, again, S, M, A, X).run(1 * ms)
    k = [0, 2, 1, 2]
    np.testing.assert_array_equal(M.x, X.x[k])
    np.testing.assert_array_equal(M.y, X.y[k])
    np.testing.assert_array_equal(M.b[:, -1], [True, True, False, True])
    np.testing.assert_array_equal(M.n[:, -1], [7, 9, 8, 9])
    np.testing.assert_array_equal(A.z, M.z[[1, 3]])
    np.testing.assert_array_equal(A.x, M.x[[2, 1]])
    np.testing.assert_array_equal(A.n[:, 0], [9, 8])
    np.testing.assert_allclose(G.y, 2 * source.x[:][k] + 1)
    n = np.array([7, 9, 8, 9])
    last = 2 * X.x[:, -1] + 2 * np.array([1, 2, 3]) * 0.1 + 0.9 + X.x[:, -1] + np.array([1, 2, 3]) * 0.1
    expected = last[k][[3, 1, 3]] + 10 * n[[0, 1, 3]] + source.x[:][k][[1, 2, 1]]
    np.testing.assert_allclose(S.s, expected)
    G.k = [1, 1, 1, 1]
    np.testing.assert_array_equal(G.x, np.repeat(source.x[1], 4))


@BOTH
def test_a_group_linked_to_itself_reads_what_was_before_the_step(on):
    R = eq.NeuronGroup(300, "left : 1 (linked)\ndu/dt = (left - u)/ms : 1", method="euler")
    R.left = eq.linked_var(R, "u", index=np.roll(np.arange(300), 1))
    R.u = "i % 7"
    u = R.u[:]
    eq.Network(R).run(1 * ms)
    for _ in range(10):
        u = u + 0.1 * (np.roll(u, 1) - u)
    np.testing.assert_allclose(R.u, u, rtol=1e-12)


def test_linked_variables_that_do_not_fit_are_refused():
    source = eq.NeuronGroup(3, "x : volt\nn : integer\ns : volt (shared)", name="source")
    G = eq.NeuronGroup(4, "a : volt (linked)\nk : integer\nf : 1\nv : volt", name="readers")
    for link, message in (
        (lambda: eq.linked_var(source, "n"), "their units are V and 1"),
        (lambda: eq.linked_var(source, "x"), "they have 4 and 3 elements; give index="),
        (lambda: eq.linked_var(source, "x", index=[0, 1, 2]), "index must be 4 integers"),
        (lambda: eq.linked_var(source, "x", index=[0, 1, 2, 3]), "index must lie between 0 and 2"),
        (lambda: eq.linked_var(source, "x", index=[0.5] * 4), "index must be 4 integers"),
        (lambda: eq.linked_var(source, "x", index="f"), "must name an integer variable of readers"),
        (lambda: eq.linked_var(source, "x", index="nothing"), "must name an integer variable of readers"),
        (lambda: eq.linked_var(source, "y"), "source has no variable or attribute 'y'"),
        (lambda: eq.linked_var(source), "needs the name of a variable"),
        (lambda: eq.linked_var("source", "x"), "takes a group and the name of its variable"),
        (lambda: eq.linked_var(source.x, "x"), "not both"),
        (lambda: 3 * mV, "it is linked to a variable of another group; set it there"),
    ):
        with pytest.raises((eq.EqsnnError, AttributeError), match=message):
            G.a = link()
    with pytest.raises(eq.EqsnnError, match="'v' of readers is no linked variable"):
        G.v = eq.linked_var(source, "x")
    with pytest.raises(eq.EqsnnError, match="'a' of readers is not linked yet: readers.a = linked_var"):
        G.a[:]
    with pytest.raises(eq.EqsnnError, match="'a' of 'readers' is declared .linked. and not linked"):
        eq.Network(G).run(1 * ms)
    G.a = eq.linked_var(source, "x", index="k")
    G.k = [0, 1, 2, 3]
    with pytest.raises(eq.EqsnnError, match="'k' of readers says where 'a' is read, and has the value 3"):
        eq.Network(G).run(1 * ms)
    with pytest.raises(eq.EquationError, match="a linked variable has no other flags"):
        eq.NeuronGroup(1, "a : 1 (linked, constant)")


# -- code that runs regularly


@BOTH
def test_random_numbers_of_regular_code(on):
    eq.seed(11)
    G = eq.NeuronGroup(2000, "a : 1\nb : 1\ns : 1 (shared)\nk : 1 (shared)")
    G.run_regularly("change = int(rand() < 0.25)\na = change*(1 + rand()) + (1 - change)*a", dt=1 * ms)
    G.run_regularly("s = rand()\nk = s\nb = s + rand()", dt=1 * ms)
    M = eq.StateMonitor(G, ["a", "b", "s", "k"], record=True, dt=1 * ms, when="end")
    eq.Network(G, M).run(3 * ms)
    assert np.mean(M.a[:, 0] > 0) == pytest.approx(0.25, abs=0.04)
    assert np.mean(M.a[:, 2] > 0) == pytest.approx(1 - 0.75**3, abs=0.04)
    assert len(np.unique(M.s)) == 3 and np.array_equal(M.s, M.k)
    assert np.all((M.b - M.s >= 0) & (M.b - M.s < 1)) and np.mean(M.b - M.s) == pytest.approx(0.5, abs=0.02)
    assert np.ptp(M.b[:, 0]) > 0.9


def test_regular_code_tells_the_integrators_what_it_writes():
    G = eq.NeuronGroup(1, "dv/dt = (I - v)/tau : 1\nI : 1\ntau : second", method="exact")
    G.tau = 5 * ms
    G.run_regularly("tau = (5 + t/ms)*ms; I = t/ms", dt=1 * ms)
    M = eq.StateMonitor(G, "v", record=0)
    eq.Network(G, M).run(3 * ms)
    v = 0.0
    for step in range(30):
        assert M.v[0, step] == pytest.approx(v, abs=1e-12)
        whole = step // 10
        v = whole + (v - whole) * np.exp(-0.1 / (5 + whole))


def test_regular_code_reads_constants_of_the_run_and_nothing_is_compiled_for_them(monkeypatch):
    from eqsnn.backends import compiler

    G = eq.NeuronGroup(3, "v : 1")
    G.run_regularly("v = amount*dt/ms", dt=1 * ms)
    net = eq.Network(G)
    net.run(1 * ms, namespace={"amount": 2})
    assert G.v[0] == 2
    monkeypatch.setattr(compiler.subprocess, "Popen", None)
    net.run(1 * ms, namespace={"amount": 3.5})
    assert G.v[0] == 3.5


def test_wrong_regular_code_is_refused():
    G = eq.NeuronGroup(3, "v : volt\ns : volt (shared)\nx = 2*v : volt", name="cells")
    for code, error, message in (
        ("v = 3", eq.UnitError, "'v' has unit V, and a value with unit 1 is assigned"),
        ("s = v", eq.EquationError, "'s' is shared, and 'v' differs between elements"),
        ("a = v; s = a", eq.EquationError, "'s' is shared, and 'a' differs between elements"),
        ("a = rand()*volt; s = a", eq.EquationError, "'s' is shared, and 'a' differs between elements"),
        ("x = v", eq.EquationError, "'x' is a subexpression and cannot be assigned to"),
        ("w = v", eq.EquationError, "'w' is no variable of the model, and nothing reads it"),
        ("t = 3*ms", eq.EquationError, "'t' cannot be assigned to"),
        (3, eq.EquationError, "takes statements in a string"),
    ):
        with pytest.raises(error, match=message):
            G.run_regularly(code)
    with pytest.raises(eq.UnitError, match="the times of an EventClock must be times"):
        G.run_at("v = 1*mV", [1, 2])
    with pytest.raises(eq.EqsnnError, match="not negative"):
        G.run_at("v = 1*mV", [-1, 2] * ms)
    with pytest.raises(eq.EqsnnError, match="give dt= or clock=, not both"):
        G.run_regularly("v = 1*mV", dt=1 * ms, clock=eq.defaultclock)
    G.run_regularly("v = unheard_of")
    with pytest.raises(eq.EquationError, match="the name 'unheard_of' is not known"):
        eq.Network(G).run(1 * ms)


# -- subgroups, values, states


def test_subgroups_are_contiguous():
    G = eq.NeuronGroup(10, "v : 1", name="whole")
    assert [(len(s), s.start, s.stop) for s in (G[3], G[-1], G[[3, 4]], G[np.arange(2, 5)], G[2:][1:4][1], G[5:])] == [
        (1, 3, 4), (1, 9, 10), (2, 3, 5), (3, 2, 5), (1, 4, 5), (5, 5, 10)
    ]  # fmt: skip
    for item, message in (
        ([3, 5], r"a subgroup is contiguous: .*; got \[3 5\]"),
        ([5, 4], r"a subgroup is contiguous: .*; got \[5 4\]"),
        (slice(0, 8, 2), "got a step of 2"),
        (slice(5, 5), r"whole\[5:5\] is empty"),
        ("i > 5", "a subgroup is contiguous"),
        ([], "a subgroup is contiguous"),
    ):
        with pytest.raises(eq.EqsnnError, match=message):
            G[item]
    with pytest.raises(IndexError, match="whole has 10 elements; 10 is out of range"):
        G[10]
    assert repr(G[2:][1:3]).startswith("<Subgroup") and repr(G[2:][1:3]).endswith("of 'whole' from 3 to 5>")


def test_values_behave_like_arrays():
    G = eq.NeuronGroup(4, "v : volt\nn : integer\nb : boolean\ns : 1 (shared)\nv_ : 1\nx = v/mV + s : 1", name="cells")
    G.v, G.n, G.b, G.s = [3, 1, 2, 4] * mV, [3, 1, 2, 4], [1, 0, 1, 1], 2
    assert repr(G.v).startswith("<cells.v: ") and repr(G.n_).startswith("<cells.n_: ") and repr(G.s) == "<cells.s: 2.0>"
    assert np.array_equal(np.sort(G.n), [1, 2, 3, 4]) and G.v.max() == 4 * mV and np.argmin(G.v) == 1
    assert np.array_equal(G.v > 2 * mV, [True, False, False, True]) and np.array_equal(
        ~G.b[:], [False, True, False, False]
    )
    column = G.v[:, np.newaxis]  # matplotlib's plot() makes columns so
    assert column.shape == (4, 1) and np.array_equal(column[:, 0], G.v) and G.n[None].shape == (1, 4)
    S = eq.Synapses(G, G, "w : 1")
    S.connect(i=[0, 1], j=[2, 3])
    S.w = [5, 6]
    assert np.array_equal(S.j[:, None], [[2], [3]]) and np.array_equal(S.w[None, :], [[5, 6]])
    values = G.v[:]
    for one, other in ((values, G.v), (G.v, values), (G.v, G.v)):
        assert np.array_equal(one, other) and np.allclose(one, other)
        np.testing.assert_array_equal(np.concatenate([one, other]) / mV, [3, 1, 2, 4] * 2)
        assert np.vstack((one, other)).dim == mV.dim
    copy = G.v[:]
    copy[0] = 9 * mV
    assert G.v[0] == 3 * mV and np.array_equal(np.asarray(G.n), np.array(G.n))
    assert np.all(G.v_ == 0), "a declared name beats the alias"
    G.v_ = 5
    assert np.all(G.v_ == 5) and G.v[0] == 3 * mV
    G.v["n > 2 and b"] = "v*10"
    np.testing.assert_allclose(G.v / mV, [30, 1, 2, 40])
    G.v[[1, 2]] += 1 * mV
    G.v["i == 0"] = "2*mV"
    G.v[3] = G.v[1]
    np.testing.assert_allclose(G.v / mV, [2, 2, 3, 2])
    np.testing.assert_allclose(G.x, [4, 4, 5, 4])
    G.b = 0.5
    assert np.all(G.b)
    assert G.v.get_item("v < limit", namespace={"limit": 2.5 * mV}).size == 3
    G.v.set_item("i > first", "other*2", namespace={"first": 1, "other": 3 * mV})
    np.testing.assert_allclose(G.v / mV, [2, 2, 6, 6])
    for wrong, error, message in (
        (lambda: setattr(G, "s", "i"), eq.EquationError, "'s' is shared, and 'i' differs between elements"),
        (lambda: G.s["i > 2"], IndexError, "'s' is shared by the whole group"),
        (lambda: G.s.__setitem__("i > 2", 3), IndexError, "'s' is shared by the whole group"),
        (lambda: G.v[1, 2], IndexError, "'v' of cells takes one index; got 2"),
        (lambda: setattr(G, "vv", 3), AttributeError, "no variable or attribute 'vv'; did you mean 'v"),
        (lambda: setattr(G, "v", [1, 2] * mV), eq.EqsnnError, "4 elements are set, and the value has shape"),
        (lambda: setattr(G, "x", 3), eq.EqsnnError, "'x' of cells cannot be set: it is a subexpression"),
    ):
        with pytest.raises(error, match=message):
            wrong()
    G.add_attribute("note")
    G.note = "layer 4"
    assert G.note == "layer 4"
    with pytest.raises(eq.EqsnnError, match="cells has 'v' already"):
        G.add_attribute("v")


def test_states_by_name():
    G = eq.NeuronGroup(3, "v : volt\ns : 1 (shared)\nx = 2*v : volt", name="cells")
    G.v, G.s = [1, 2, 3] * mV, 4
    assert set(G.get_states()) == {"v", "s", "i", "N", "t", "dt", "t_in_timesteps"}
    assert set(G.get_states(subexpressions=True)) == {"v", "s", "x", "i", "N", "t", "dt", "t_in_timesteps"}
    assert set(G.get_states(read_only_variables=False, subexpressions=True)) == {"v", "s"}  # what set_states takes
    kept = G.get_states(read_only_variables=False)
    kept["v"][0] = 9 * mV
    assert G.v[0] == 1 * mV
    G.set_states(kept)
    assert G.v[0] == 9 * mV
    with pytest.raises(AttributeError, match="no variable or attribute 'w'"):
        G.set_states({"v": 0 * mV, "w": 3})
    assert G.v[0] == 9 * mV, "nothing was set"
    with pytest.raises(eq.EqsnnError, match="'x' of cells cannot be set"):
        G.set_states({"v": 0 * mV, "x": 3 * mV})
    with pytest.raises(eq.EqsnnError, match="format='csv' is not known"):
        G.get_states(format="csv")
    with pytest.raises(eq.EqsnnError, match="say units=False"):
        G.get_states(format="pandas")
    table = G.get_states(units=False, format="pandas", read_only_variables=False)
    assert list(table["s"]) == [4, 4, 4]
    table["v"] *= 2
    table["s"] += 1
    G.set_states(table, units=False, format="pandas")
    np.testing.assert_allclose(G.v / mV, [18, 4, 6])
    assert G.s[:] == 5


# -- types of storage


@BOTH
def test_float32_rounds_once_a_step(on):
    G = eq.NeuronGroup(
        50, "dv/dt = (I - v)/(7*ms) : 1\nI : 1\nn : integer", threshold="v > 0.5", reset="v = I*0.1; n += 1",
        method="euler", dtype={"v": np.float32, "n": "int32"},
    )  # fmt: skip
    G.I = "0.3 + i/70"
    M, P = eq.StateMonitor(G, "v", record=True), eq.SpikeMonitor(G)
    eq.Network(G, M, P).run(10 * ms)
    v, I, spikes = np.zeros(50, np.float32), 0.3 + np.arange(50) / 70, 0
    for step in range(100):
        np.testing.assert_array_equal(M.v[:, step], v)
        wide = v.astype(float)
        wide = 0.1e-3 * (I - wide) / 7e-3 + wide
        v = wide.astype(np.float32)
        fired = wide > 0.5
        spikes += fired.sum()
        v[fired] = (I * 0.1).astype(np.float32)[fired]
    assert M.v.dtype == G.v[:].dtype == np.float32 and G.n[:].dtype == np.int32
    assert P.num_spikes == G.n[:].sum() and abs(P.num_spikes - spikes) <= 1


def test_types_that_are_not_kept_are_refused():
    model = "v : 1\nn : integer\nb : boolean\nx = v : 1"
    for dtype, message in (
        (np.float16, "dtype is that of the floats, float32 or float64; got float16"),
        ({"w": np.float32}, "dtype= names 'w', which is no stored variable"),
        ({"x": np.float32}, "dtype= names 'x', which is no stored variable"),
        ({"n": np.float32}, "'n' is kept as int64 or int32 or int16 or int8; dtype= says float32"),
        ({"b": int}, "'b' is kept as bool; dtype= says int64"),
        ("what", "dtype must be a numpy type such as float32"),
    ):
        with pytest.raises(eq.EqsnnError, match=message):
            eq.NeuronGroup(1, model, dtype=dtype)


# -- methods and refractoriness


def test_methods_are_tried_in_turn():
    G = eq.NeuronGroup(1, "dv/dt = -v**2/ms : 1", method=["exact", "exponential_euler", "rk4"])
    net = eq.Network(G)
    net.run(0 * ms)
    assert "of the methods exact, exponential_euler, rk4, 'rk4' chosen (not 'exact'" in " ".join(net.messages)
    with pytest.raises(eq.EquationError, match="there is no method 'rk9'"):
        eq.NeuronGroup(1, "dv/dt = -v/ms : 1", method=("exact", "rk9"))
    with pytest.raises(eq.EqsnnError, match="the method 'rk4' has no option 'tolerance'"):
        eq.NeuronGroup(1, "dv/dt = -v/ms : 1", method="rk4", method_options={"tolerance": 1})


def test_refractory_true_is_for_ever_and_marks_can_be_set():
    G = eq.NeuronGroup(2, "dv/dt = 1/ms : 1", threshold="v > 0.5", reset="v = 0", refractory=True, method="euler")
    M = eq.SpikeMonitor(G)
    net = eq.Network(G, M)
    net.run(3 * ms)
    assert M.num_spikes == 2
    G.not_refractory = [True, False]
    net.run(3 * ms)
    assert list(M.count) == [2, 1]
    H = eq.NeuronGroup(1, "v : 1", threshold="v > 0", refractory=5 * ms)
    P = eq.SpikeMonitor(H)
    H.v, H.lastspike = 1, -2 * ms
    eq.Network(H, P).run(4 * ms)
    assert P.t_[0] == pytest.approx(3e-3)


# -- inputs


@BOTH
def test_binomial_numbers(on):
    eq.seed(5)
    b = eq.BinomialFunction(10, 0.3)
    big = eq.BinomialFunction(100000, 0.2, approximate=False)  # noqa: F841
    G = eq.NeuronGroup(4000, "x = b() : 1 (constant over dt)\ny : 1\nz : 1")
    G.run_regularly("y = big() + 0*x\nz = b() - b()", when="end")
    G.z = "b()"
    assert np.mean(G.z) == pytest.approx(3, abs=0.12) and set(G.z) <= set(range(11))
    eq.Network(G).run(0.1 * ms)
    assert np.mean(G.x) == pytest.approx(3, abs=0.12) and np.var(G.x) == pytest.approx(2.1, abs=0.2)
    assert np.mean(G.y) == pytest.approx(20000, abs=12) and np.std(G.y) == pytest.approx(np.sqrt(16000), rel=0.05)
    assert np.var(G.z) == pytest.approx(4.2, abs=0.4)
    drawn = b(size=1000)
    assert np.mean(drawn) == pytest.approx(3, abs=0.25) and isinstance(b(), int)
    with pytest.raises(eq.EquationError, match=r"b\(\) takes no arguments; 1 given"):
        eq.NeuronGroup(1, "x = b(3) : 1 (constant over dt)")
    with pytest.raises(eq.EquationError, match=r"add the flag \(constant over dt\)"):
        eq.NeuronGroup(1, "x = b() : 1")
    with pytest.raises(eq.EqsnnError, match="p is a probability, from 0 to 1; got 2"):
        eq.BinomialFunction(3, 2)


def test_what_is_always_in_double_precision_may_be_named_so():
    dtype = {"v": np.float32, "lastspike": np.float64, "twice": np.float64}
    G = eq.NeuronGroup(
        1, "dv/dt = 1/ms : 1\ntwice = 2*v : 1", threshold="v > 1", refractory=1 * ms, method="euler", dtype=dtype
    )
    assert (G.v[:].dtype, G.lastspike_[:].dtype) == (np.float32, np.float64)
    with pytest.raises(eq.EqsnnError, match="dtype= names 'lastspike', which is no stored variable"):
        eq.NeuronGroup(1, "v : 1", dtype=dtype)


def test_a_spike_generator_says_what_it_holds_and_refuses_what_does_not_fit():
    G = eq.SpikeGeneratorGroup(3, [2, 0, 1], [3, 1, 1] * ms, period=5 * ms)
    assert list(G.neuron_index) == [0, 1, 2] and list(G.spike_time / ms) == [1, 1, 3] and G.period == 5 * ms
    assert list(G.spike_number) == [0, 1, 2]
    G.set_spikes([], [] * ms)
    assert G.period == 0 * ms
    for arguments, message in (
        (([0, 1], [1] * ms), "2 indices and 1 times"),
        (([3], [1] * ms), "indices must be integers from 0 to 2"),
        (([0], [-1] * ms), "a time cannot be negative"),
        (([0], [1] * ms, 1 * ms), "a spike lies at or after the end of the period"),
        (([0], [1] * ms, -1 * ms), "period must be a positive time"),
        (([0, 1], [2, 1] * ms, None, True), "sorted=True, and the times are not in ascending order"),
    ):
        with pytest.raises((eq.EqsnnError, eq.UnitError), match=message):
            G.set_spikes(*arguments)
    late = eq.SpikeGeneratorGroup(1, [0, 0], [0, 0.99999] * ms, period=1 * ms, dt=0.1 * ms, name="late")
    with pytest.raises(
        eq.EqsnnError, match="late: the spike at 0.00099999 s is in the step at the end of the period, 0.001 s, with dt"
    ):
        eq.Network(late).run(3 * ms)
    with pytest.raises(AttributeError, match="no variable or attribute 'perod'"):
        G.perod = 3


def test_a_timed_array_called_outside_its_columns_is_not_a_number():
    two = eq.TimedArray([[1, 2], [3, 4]], dt=1 * ms)
    np.testing.assert_array_equal(two(1 * ms, [0, 1, 2, -1]), [3, 4, np.nan, np.nan])
    G = eq.NeuronGroup(3, "x = two(t, i) : 1\ndv/dt = x/ms : 1", method="euler")
    np.testing.assert_array_equal(G.x, [1, 2, np.nan])
    with pytest.raises(eq.NotFiniteError, match=r"v\[2\] became NaN"):
        eq.Network(G).run(1 * ms)


def test_weights_of_poisson_inputs_are_checked():
    G = eq.NeuronGroup(3, "v : volt", name="cells")
    stim = eq.TimedArray([1, 2], dt=1 * ms)  # noqa: F841
    given = eq.PoissonInput(G, "v", 3, 10 * Hz, "stim(t)*mV")
    assert given.rate == 10 * Hz and given.weight == "stim(t)*mV"
    assert str(eq.PoissonInput(G, "v", 3, 10 * Hz, 2 * mV).weight) == "2. mV"
    with pytest.raises(eq.UnitError, match="this has unit 1, and V is expected"):
        eq.PoissonInput(G, "v", 3, 10 * Hz, "stim(t)")
    with pytest.raises(eq.EqsnnError, match="the target must be a group of neurons"):
        eq.PoissonInput("cells", "v", 3, 10 * Hz, 1 * mV)


# -- all of it together


def everything(backend, threads, block):
    before = eq.settings.backend, eq.settings.threads, eq.settings.neurons_per_block
    eq.settings.backend, eq.settings.threads, eq.settings.neurons_per_block = backend, threads, block
    eq.seed(4)
    ta, b = eq.TimedArray(np.linspace(0, 1, 30), dt=0.3 * ms), eq.BinomialFunction(20, 0.3)  # noqa: F841
    inputs = eq.NeuronGroup(
        100, "dx/dt = (ta(t)*i/50 - x)/(2*ms) : 1\ny = x*2 + z : 1\nz = rand() : 1 (constant over dt)",
        threshold="x > 0.8", reset="x = 0", method="euler", dtype=np.float32, name="inputs",
    )  # fmt: skip
    G = eq.NeuronGroup(
        500, """a, me : 1 (linked)
        k : integer
        s : 1 (shared)
        n = b() : 1 (constant over dt)
        dv/dt = (a + n*0.01 + me*0.1 - v)/ms : 1 (unless refractory)""",
        threshold="v > 1 + 0.1*a", reset="v = -a*0.1; k = (k + 1) % 100", refractory="1*ms*(1 + a)", method="euler", name="readers",
    )  # fmt: skip
    G.k = "i % 100"
    G.a, G.me = eq.linked_var(inputs, "y", index="k"), eq.linked_var(G, "v", index=(np.arange(500) * 7) % 500)
    G.run_regularly("s = rand()\nv += 0.1*s*rand()", dt=1 * ms)
    G[100:300].run_regularly("v = v*0.9 + 0.001*i", dt=0.5 * ms, when="end")
    S = eq.Synapses(
        inputs, G, "w : 1\nq : 1 (linked)\nkk : integer (constant)",
        on_pre="v_post += w*0.1 + 0.01*q + 0.01*a_post", delay=0.5 * ms, dtype=np.float32, name="contacts",
    )  # fmt: skip
    S.connect(p=0.1)
    S.w, S.kk = "rand()", "j % 100"
    S.q = eq.linked_var(inputs, "y", index="kk")
    P = eq.PoissonInput(G[50:], "v", 10, 300 * Hz, "0.05*(1 + a)", name="background")
    M, Q = eq.StateMonitor(G, ["v", "a", "me", "n"], record=True, name="states"), eq.SpikeMonitor(G, name="spikes")
    try:
        eq.Network(inputs, G, S, P, M, Q).run(5 * ms)
    finally:
        eq.settings.backend, eq.settings.threads, eq.settings.neurons_per_block = before
    return M.v, M.a, M.me, M.n, Q.i, Q.t_, S.w[:]


def test_backends_blocks_and_threads_agree():
    reference = everything("numpy", 1, 64)
    assert len(reference[4]) > 300
    for other in (everything("c", 1, 4096), everything("c", 3, 64), everything("cython", 2, 64)):
        for one, two in zip(reference, other):
            np.testing.assert_array_equal(one, two)


def test_event_driven_equations_cannot_read_what_changes_between_events():
    G = eq.NeuronGroup(2, "x : 1", threshold="x > 1")
    S = eq.Synapses(G, G, "a : 1 (linked)\ndw/dt = (a - w)/ms : 1 (event-driven)", on_pre="x_post += w")
    S.connect()
    S.a = eq.linked_var(eq.NeuronGroup(1, "x : 1"), "x")
    with pytest.raises(eq.EquationError, match="depends on 'a', which changes between them"):
        eq.Network(G, S).run(1 * ms)


def test_constants_of_subexpressions_that_both_ends_of_a_synapse_share():
    gain = 3  # noqa: F841
    G = eq.NeuronGroup(2, "v : 1\nf = gain*v : 1\ntotal : 1")
    G.v = [1, 2]
    S = eq.Synapses(G, G, "total_post = f_pre + 10*f_post : 1 (summed)")
    S.connect(i=[0, 1], j=[1, 0])
    eq.Network(G, S).run(0.1 * ms)
    np.testing.assert_allclose(G.total, [6 + 30, 3 + 60])


def test_indices_of_elements_and_of_synapses():
    G = eq.NeuronGroup(5, "v : 1")
    G.v = "i"
    np.testing.assert_array_equal(G.indices["v > 2"], [3, 4])
    np.testing.assert_array_equal(G.indices[1:3], [1, 2])
    S = eq.Synapses(G, G, "w : 1")
    S.connect("i != j")
    S.w[S.indices[:, 3]] = 2
    assert np.all((S.w[:] == 2) == (S.j[:] == 3))


def test_an_assignment_from_outside_reaches_refractory_neurons_too():
    G = eq.NeuronGroup(2, "dv/dt = 0*Hz : 1 (unless refractory)", threshold="v > 1", reset="v = 0", refractory=5 * ms)
    G.v = [2, 0]
    eq.Network(G).run(1 * ms)
    assert np.array_equal(G.not_refractory[:], [False, True])
    for k, item in enumerate((slice(None), "i >= 0", [0, 1])):
        G.v[item] = f"0.{k + 1} + 0*i"
        np.testing.assert_allclose(G.v, 0.1 * (k + 1))


@pytest.mark.parametrize("name", ["clock", "start", "model", "when"])
def test_a_variable_called_like_an_attribute_is_set_by_state_and_breaks_nothing(name):
    G = eq.NeuronGroup(
        3, f"d{name}/dt = (1 - {name})/(5*ms) : 1", threshold=f"{name} > 0.5", reset=f"{name} = 0", name="cells"
    )
    with pytest.raises(
        AttributeError, match=rf"set the variable by cells.state\('{name}'\)\[:\] = ..., or give it another name"
    ):
        setattr(G, name, 0.25)
    G.state(name)[:] = 0.25
    M = eq.SpikeMonitor(G)
    eq.Network(G, M).run(3 * eq.ms)
    assert M.num_spikes == 3  # 0.25 reaches 0.5 after 5 ms * ln 1.5, about 2.03 ms


def test_variables_called_like_what_the_engine_keeps_are_variables():
    for name in ("emitted", "spikes", "last_events"):
        G = eq.NeuronGroup(2, f"{name} : 1", threshold=f"{name} > 0.5", reset=f"{name} = 0")
        setattr(G, name, 1)
        M = eq.SpikeMonitor(G)
        eq.Network(G, M).run(0.2 * eq.ms)
        assert M.num_spikes == 2


def test_part_of_given_spikes_is_a_source_and_is_monitored():
    G = eq.SpikeGeneratorGroup(4, [0, 1, 2, 3], [0.2, 0.3, 1.0, 1.3] * ms)
    H = eq.NeuronGroup(2, "v : 1")
    S = eq.Synapses(G[1:3], H, on_pre="v_post += 1 + i")
    S.connect(j="i")
    M, R = eq.SpikeMonitor(G[1:3]), eq.PopulationRateMonitor(G[1:3])
    eq.Network(G, H, S, M, R).run(2 * ms)
    assert (M.i == [0, 1]).all() and np.allclose(M.t / ms, [0.3, 1.0])
    assert (H.v == [1, 2]).all() and R.rate_.sum() == 2 / 2 / 1e-4


@pytest.mark.parametrize("backend", ["cython", "numpy"])
def test_regular_code_of_synapses_may_only_write_what_neurons_have(backend, monkeypatch):
    monkeypatch.setattr(eq.settings, "backend", backend)
    A, B = eq.NeuronGroup(2, "a : 1"), eq.NeuronGroup(3, "b : 1\nc : 1")
    S = eq.Synapses(A, B, "w : 1")
    S.connect()
    S.w = "1 + i + 10*j"
    S.run_regularly("a_pre += w")
    S.run_regularly("b_post = w", order=1)
    S.run_regularly("c = 7", order=2)
    eq.Network(A, B, S).run(0.1 * ms)
    assert (A.a == [33, 36]).all()
    assert all(b % 10 in (1, 2) and b // 10 == k for k, b in enumerate(B.b[:]))  # that of one of its synapses
    assert (B.c == 7).all()
