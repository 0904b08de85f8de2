"""What monitors record, and a few semantics that need no second simulator to check."""

import pickle

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import Hz, ms, mV


@pytest.fixture(autouse=True)
def backend():
    eq.settings.backend = "c"


def clockwork():
    """Neuron i of ten spikes in step 10*(i + 1) and every 10*(i + 1) steps."""
    G = eq.NeuronGroup(
        10, "dv/dt = 1/ms : 1\nu = v + i : 1\nT : 1 (constant)", threshold="v > T - 0.05", reset="v = 0", method="euler"
    )
    G.T = "i + 1"
    return G


def test_spikes_and_counts():
    G = clockwork()
    M, late, silent = eq.SpikeMonitor(G), eq.SpikeMonitor(G[5:8]), eq.SpikeMonitor(G, record=False)
    eq.Network(G, M, late, silent).run(30 * ms)
    assert M.count.tolist() == [30, 15, 10, 7, 6, 5, 4, 3, 3, 3] and M.num_spikes == M.count.sum() == len(M.i)
    assert late.count.tolist() == [5, 4, 3] and set(late.i) == {0, 1, 2}
    np.testing.assert_allclose(M.spike_trains()[4] / ms, np.arange(1, 7) * 5 - 0.1)
    assert np.all(np.diff(M.t_) >= 0)
    assert silent.num_spikes == M.num_spikes
    with pytest.raises(AttributeError, match="record=False"):
        silent.t  # noqa: B018


def test_rates_and_their_smoothing():
    G = clockwork()
    R = eq.PopulationRateMonitor(G)
    eq.Network(G, R).run(30 * ms)
    assert len(R.rate) == 300 and R.t[-1] / ms == pytest.approx(29.9)
    assert R.rate_[9] == pytest.approx(1000) and R.rate[9] == R.rate_[9] * Hz
    assert np.sum(R.rate_) * 10 * 1e-4 == pytest.approx(86)
    flat = R.smooth_rate("flat", 1 * ms)
    np.testing.assert_allclose(np.asarray(flat)[100], np.mean(R.rate_[95:106]))
    assert np.sum(np.asarray(R.smooth_rate("gaussian", 1 * ms))) == pytest.approx(R.rate_.sum(), rel=0.1)
    with pytest.raises(eq.EqsnnError, match="window must be"):
        R.smooth_rate("round", 1 * ms)


def test_states_of_some_elements_on_a_clock_of_their_own():
    G = clockwork()
    all_of_it = eq.StateMonitor(G, ["v", "u"], record=True)
    some = eq.StateMonitor(G[4:], "v", record=[0, 2], dt=1 * ms)
    end = eq.StateMonitor(G, "v", record=9, when="end")
    eq.Network(G, all_of_it, some, end).run(5 * ms)
    assert all_of_it.v.shape == (10, 50) and some.v.shape == (2, 5)
    np.testing.assert_allclose(some.t / ms, np.arange(5))
    np.testing.assert_allclose(some.v[1], all_of_it.v[6, ::10])
    np.testing.assert_allclose(some[2].v, some.v[1])
    np.testing.assert_allclose(all_of_it.u, all_of_it.v + np.arange(10)[:, None])
    np.testing.assert_allclose(end.v[0], (np.arange(50) + 1) * 0.1)
    with pytest.raises(IndexError, match="does not record element 1"):
        some[1]
    with pytest.raises(AttributeError, match="does not record 'u'"):
        some.u  # noqa: B018


def test_monitors_go_on_in_a_second_run():
    G = clockwork()
    M, V, R = eq.SpikeMonitor(G), eq.StateMonitor(G, "v", record=0), eq.PopulationRateMonitor(G)
    network = eq.Network(G, M, V, R)
    network.run(3 * ms)
    network.run(4 * ms)
    np.testing.assert_allclose(V.t / ms, np.arange(70) * 0.1)
    np.testing.assert_allclose(R.t / ms, np.arange(70) * 0.1)
    assert M.count[0] == 7


def test_an_input_variable_gathers_arrivals_of_one_step():
    SG = eq.SpikeGeneratorGroup(2, [0, 1, 0], [1, 1, 2] * ms)
    G = eq.NeuronGroup(1, "dv/dt = I/(1*ms) : 1\nI : 1 (input)", method="euler")
    S = eq.Synapses(SG, G, on_pre="I_post += 1")
    S.connect()
    V = eq.StateMonitor(G, "v", record=0)
    eq.Network(SG, G, S, V).run(3 * ms)
    assert V.v[0][10] == 0 and V.v[0][12] == pytest.approx(0.2) and V.v[0][-1] == pytest.approx(0.3)


def test_hostile_names_give_the_trace_of_plain_ones():
    def trace(names):
        a, b, c, d = names
        G = eq.NeuronGroup(
            3,
            f"d{a}/dt = ({b}*{c} - {a})/(5*ms) : 1\n{b} : 1\n{c} = 2*{d} + 1 : 1\n{d} : 1",
            method="rk4",
            threshold=f"{a} > 1",
            reset=f"{a} = {d}/4",
        )
        setattr(G, b, "0.5 + 0.2*i")
        setattr(G, d, "0.3 + i*0.1")
        V = eq.StateMonitor(G, a, record=True)
        eq.Network(G, V).run(10 * ms)
        return np.array(getattr(V, a))

    plain = trace(("a", "b", "c", "d"))
    for names in (
        ("NULL", "errno", "M_PI", "E"),
        ("I", "S", "Q", "O"),
        ("double", "static", "restrict", "inline"),
        ("this", "class", "namespace", "template"),
        ("blockIdx", "threadIdx", "__launch__".strip("_"), "atomicAdd"),
        ("cosf", "j0", "y1", "gamma"),
        ("ctx", "lo", "hi", "b_v"),
        ("x_v_1", "s_dt", "spike", "emitted"),
        ("EQ_CHUNK", "INFINITY", "stdin", "main"),
    ):
        np.testing.assert_array_equal(trace(names), plain, err_msg=str(names))


def test_a_poisson_group_has_its_rates():
    drive = eq.TimedArray([0, 200, 50] * Hz, dt=100 * ms)
    P = eq.PoissonGroup(400, rates="drive(t)*(i % 2)")
    M = eq.SpikeMonitor(P)
    eq.Network(P, M).run(300 * ms, namespace={"drive": drive})
    t = M.t / ms
    assert np.all(M.i % 2 == 1) and t.min() >= 100
    for start, rate in ((100, 200), (200, 50)):
        expected = 200 * rate * 0.1
        assert np.sum((t >= start) & (t < start + 100)) == pytest.approx(expected, abs=5 * np.sqrt(expected))


def test_a_poisson_input_has_the_mean_and_variance_of_its_sources():
    G = eq.NeuronGroup(2000, "v : volt")
    source = eq.PoissonInput(G[500:], "v", 300, 20 * Hz, 0.1 * mV)
    eq.Network(G, source).run(100 * ms)
    v = G.v[500:] / mV
    assert np.all(G.v[:500] == 0)
    mean, p = 300 * 20 * 0.1, 20 * 1e-4
    assert np.mean(v) == pytest.approx(0.1 * mean, rel=0.01)
    assert np.var(v) == pytest.approx(0.01 * mean * (1 - p), rel=0.2)


def test_generated_spikes_repeat_with_their_period():
    SG = eq.SpikeGeneratorGroup(2, [0, 1], [1, 2] * ms, period=5 * ms)
    M = eq.SpikeMonitor(SG)
    network = eq.Network(SG, M)
    network.run(7 * ms)
    network.run(6 * ms)
    np.testing.assert_allclose(M.t / ms, [1, 2, 6, 7, 11, 12])
    with pytest.raises(eq.EqsnnError, match="two spikes in the step"):
        eq.Network(eq.SpikeGeneratorGroup(1, [0, 0], [1, 1.01] * ms)).run(2 * ms)


def test_a_state_that_becomes_a_constant_is_checked_like_any_other():
    G = eq.NeuronGroup(2, "x[n+1] = a : 1", namespace={"a": 3.0})
    network = eq.Network(G)
    network.run(1 * ms)
    assert G.x[:].tolist() == [3, 3]
    with pytest.raises(eq.NotFiniteError, match="became infinite"):
        G.namespace["a"] = float("inf")
        network.run(1 * ms)


def test_what_cannot_be_recorded_is_refused_when_the_monitor_is_made():
    quiet, G = eq.NeuronGroup(2, "v : 1"), eq.NeuronGroup(2, "v : 1", threshold="v > 1")
    for make in (eq.SpikeMonitor, eq.PopulationRateMonitor):
        with pytest.raises(eq.EqsnnError, match="records the spikes of '.*', which has no threshold"):
            make(quiet)
    with pytest.raises(eq.EqsnnError, match=r"waits for the spikes of '.*' \(on_pre\), which has no threshold"):
        eq.Synapses(quiet, G, on_pre="v += 1")
    with pytest.raises(eq.EqsnnError, match=r"waits for the spikes of '.*' \(on_post\), which has no threshold"):
        eq.Synapses(G, quiet, on_post="v_pre += 1")
    with pytest.raises(eq.EqsnnError, match="records a variable by its name, several in a list, or True; got 3"):
        eq.StateMonitor(G, 3)
    S = eq.Synapses(G, G, "w : 1")
    with pytest.raises(eq.EqsnnError, match="has no elements yet: connect before recording"):
        eq.StateMonitor(S, "w")


def test_synapses_with_a_pathway_are_connected_before_a_run_as_in_brian():
    G = eq.NeuronGroup(2, "v : 1", threshold="v > 1", reset="v = 0")
    S = eq.Synapses(G, G, "w : 1", on_pre="v_post += w", name="loose")
    message = r"'loose' was never connected, so that no spike goes anywhere; call loose.connect\(\) before the run \(connect\(False\)"
    for error in (eq.NotConnectedError, TypeError):
        with pytest.raises(error, match=message):
            eq.Network(G, S).run(1 * ms)
    S.active = False
    eq.Network(G, S).run(1 * ms)
    with pytest.raises(TypeError, match="'w' of loose is set before there are synapses"):
        S.w = 1
    H = eq.NeuronGroup(2, "v : 1")
    eq.Network(H, eq.Synapses(H, H, "w : 1")).run(1 * ms)  # without a pathway there is nothing that could go missing


def test_nothing_recorded_and_nobody_connected_are_empty_not_errors():
    G = eq.NeuronGroup(2, "v : 1\nk : 1 (shared)", threshold="v > 1")
    S = eq.Synapses(G, G, "w : 1", on_pre="w += 1")
    S.connect("i > 5")
    none, void, both = eq.StateMonitor(G, "v", record=False), eq.StateMonitor(S, "w"), eq.StateMonitor(G, ["v", "k"])
    G.k = 3
    eq.Network(G, S, none, void, both).run(1 * ms)
    assert none.v.shape == void.w.shape == (0, 10)
    assert both.k.shape == both.v.shape and np.all(both.k == 3) and both[1].k.tolist() == [3] * 10


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: eq.TimedArray([1, 2], dt=0 * ms), "TimedArray: dt must be positive and finite"),
        (lambda: eq.TimedArray(["a"], dt=1 * ms), "TimedArray: values must be numbers"),
        (lambda: eq.SpikeGeneratorGroup(1, [0], [np.inf] * ms), "a time must be finite"),
        (lambda: eq.seed("a"), r"seed\(\) takes an integer or None; got 'a'"),
        (lambda: eq.NeuronGroup(1, "v : 1", order="first"), "order must be an integer"),
        (lambda: eq.StateMonitor(eq.NeuronGroup(1, "v : 1"), "v", when=3), "when= is the name of a slot"),
    ],
)
def test_wrong_arguments_say_what_would_be_right(make, message):
    with pytest.raises(eq.EqsnnError, match=message):
        make()


def test_what_is_recorded_is_chosen_by_a_condition():
    G = clockwork()
    M, R, V = eq.SpikeMonitor(G, ["v", "u"]), eq.PopulationRateMonitor(G), eq.StateMonitor(G, "v", record=True)
    eq.Network(G, M, R, V).run(30 * ms)
    first = 4 * ms
    chosen = (M.i == 2) & (M.t > first)
    np.testing.assert_array_equal(M.t["i == 2 and t > first"], M.t[chosen])
    np.testing.assert_array_equal(M.u_["i == 2 and t > first"], M.u[chosen])
    np.testing.assert_array_equal(M.i["u - v > 8.5"], [9, 9, 9])
    assert np.all(R.rate["t > 29.95*ms"] == R.rate[-1]) and len(R.t["rate > 1*Hz"]) == np.count_nonzero(R.rate)
    assert V.t["t < 0.25*ms"].tolist() == [0 * ms, 0.1 * ms, 0.2 * ms]
    for plain in (M.i + 1, M.i[2:], M.t / ms, M.i[M.t > first]):
        assert type(plain) is np.ndarray
    assert type(M.t[2:]) is type(M.t * 2) is eq.Quantity and repr(M.i[:2]) == repr(M.i.tolist()[:2]).join(
        ["array(", ", dtype=int32)"]
    )
    assert pickle.loads(pickle.dumps(M.i)).tolist() == M.i.tolist()
    with pytest.raises(eq.EquationError, match="the name 'w' is not known"):
        M.t["w > 3"]
    with pytest.raises(eq.UnitError, match="compares values with units s and 1"):
        R.rate["t > 3"]
    with pytest.raises(eq.EquationError, match="a condition is expected"):
        M.i["i"]


def test_states_of_a_monitor_take_the_arguments_of_groups():
    G = clockwork()
    M = eq.SpikeMonitor(G)
    eq.Network(G, M).run(3 * ms)
    assert M.get_states(read_only_variables=False) == {}
    assert list(M.get_states(["i"], subexpressions=True, read_only_variables=False, level=2)) == ["i"]
