"""What the synapses of a neuron have in common is kept once a neuron, and reads as if each synapse had it."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from random_synapses import outcome

import eqsnn as eq
from eqsnn import Hz, ms
from eqsnn.model.sharing import NOTHING_SHARED, Way, sharing_of
from eqsnn.runtime import plan_sharing

TRACES = """w : 1
dApre/dt = -Apre/(20*ms) : 1 (event-driven)
dApost/dt = -Apost/(25*ms) : 1 (event-driven)"""
ON_PRE = "v_post += w\nApre += 0.01\nw = clip(w + Apost, 0, 1)"
ON_POST = "Apost -= 0.012\nw = clip(w + Apre, 0, 1)"


def plastic(n=60, m=7, p=0.7, **options):
    """Inputs with plastic synapses onto fewer neurons."""
    eq.start_scope()
    eq.seed(3)
    P = eq.PoissonGroup(n, 100 * Hz, name="P")
    G = eq.NeuronGroup(m, "dv/dt = -v/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact", name="G")
    S = eq.Synapses(P, G, options.pop("model", TRACES), on_pre=ON_PRE, on_post=ON_POST, name="S", **options)
    S.connect(p=p)
    S.w = "rand()*0.3"
    M = eq.SpikeMonitor(G, name="M")
    return eq.Network(P, G, S, M), S, M


def values(S):
    return {n: np.asarray(S.state(n, use_units=False)[:]) for n in ("w", "Apre", "Apost", "lastupdate")}


@pytest.fixture
def for_each_synapse(monkeypatch):
    """Call it, and from then on each synapse has its own variables."""
    return lambda: monkeypatch.setattr(plan_sharing, "sharing_of", lambda *_: NOTHING_SHARED)


# -- the proof -----------------------------------------------------------------------------------------------------------------------

DRIVEN = "w : 1\nU : 1\nda/dt = -a/(5*ms) : 1 (event-driven)\ndb/dt = -b/(9*ms) : 1 (event-driven)"


@pytest.mark.parametrize(
    ("model", "on_pre", "on_post", "expected"),
    [
        (DRIVEN, "a += 0.1", "b += 0.1\nw += a", {"a": "pre", "b": "post"}),
        (DRIVEN, "a += 0.1\nw += b", "a += 0.1", {"w": "pre", "b": "pre"}),  # a is written from both sides, b from none
        (
            DRIVEN,
            "a += U*(1 - a)\nw += a*b",
            "b -= w",
            {"a": "pre", "U": "pre"},
        ),  # b takes what differs between synapses
        (DRIVEN, "x = 0.1*c_pre\na += x", "b += c_post", {"a": "pre", "b": "post"}),
        (DRIVEN, "x = 0.1*c_post\na += x", "b += c_pre", {}),
        (DRIVEN, "a += rand()", "b += 1", {"b": "post"}),
        (DRIVEN, "a += 0.1*i", "b += 0.1*i", {"a": "pre"}),
        (DRIVEN, "a = v_pre\nv_pre += w", "b += 1", {"b": "post"}),  # each synapse sees another v_pre
        (DRIVEN, "a = s_pre", None, {"a": "pre", "b": "pre"}),  # through a subexpression of the source
        (DRIVEN, "a = r_pre", None, {"a": "pre", "b": "pre"}),  # drawn by the source, once a step
        (DRIVEN, "a += int(N > 2)*exp(-t/ms)", None, {"a": "pre", "b": "pre"}),
        ("da/dt = -a/T : 1 (event-driven)\nT : second", "a += 1", None, {"a": "pre", "T": "pre"}),
        ("da/dt = -a/tau_post : 1 (event-driven)", "a += 1", None, {}),
        (
            "da/dt = -a/ms : 1 (event-driven)\ndb/dt = (a - b)/ms : 1 (event-driven)",
            "a += 1",
            None,
            {"a": "pre", "b": "pre"},
        ),
        ("da/dt = -a/ms : 1 (event-driven)\ndb/dt = (a - b)/ms : 1 (event-driven)", "a += 1", "b += 1", {}),
        ("dx/dt = -x/(3*ms) : 1 (clock-driven)\nc_post = w*x : 1 (summed)\nw : 1", "x += 1", None, {"x": "pre"}),
        ("dx/dt = (w - x)/(3*ms) : 1 (clock-driven)\nw : 1", "x += 1", None, {}),
        ("dx/dt = -x/ms : 1 (clock-driven)\ndy/dt = (x - y)/ms : 1 (clock-driven)", "x += 1", "y += 1", {}),
        ("dx/dt = -x/ms + xi/ms**0.5 : 1 (clock-driven)", "x += 1", None, {}),
        ("n : integer", "n += 1", None, {"n": "pre"}),
        ("n : integer", "n += 1", "n += 1", {}),
        ("w : 1", "v_post += w", None, {}),  # a parameter for itself is left to the synapse
    ],
)
def test_a_variable_is_common_where_nothing_that_changes_it_differs(model, on_pre, on_post, expected):
    neurons = "v : 1\nc : 1\ntau : second\ns = 2*c + 1 : 1\nr = rand() : 1 (constant over dt)"
    G, H = (eq.NeuronGroup(3, neurons, threshold="v > 1", name=n) for n in "GH")
    S = eq.Synapses(G, H, model, on_pre=on_pre, on_post=on_post, name="S")
    ways = [Way(p.prepost, p.statements, True) for p in S.pathways.values()]
    found = sharing_of(S.model, ways)
    assert dict(found.sides) == expected
    assert not sharing_of(S.model, [Way(w.side, w.statements, False) for w in ways], ["a", "b"]).sides.get("a")


def test_events_that_do_not_arrive_together_spoil_what_they_write_and_nothing_else():
    G = eq.NeuronGroup(3, "v : 1", threshold="v > 1", name="G")
    S = eq.Synapses(G, G, TRACES, on_pre=ON_PRE, on_post=ON_POST, name="S")
    ways = {p.prepost: Way(p.prepost, p.statements, p.prepost == "post") for p in S.pathways.values()}
    found = sharing_of(S.model, list(ways.values()))
    assert (dict(found.sides), found.own_lastupdate) == ({"Apost": "post"}, True)
    assert sharing_of(S.model, list(ways.values()), possible=["pre"]) == NOTHING_SHARED


# -- what is read ----------------------------------------------------------------------------------------------------------------------


def test_traces_read_as_at_the_last_event_of_the_synapse():
    eq.settings.backend = "numpy"
    times = {0: [1.0, 4.0], 1: [2.0]}
    P = eq.SpikeGeneratorGroup(2, [0, 1, 0], [1, 2, 4] * ms)
    Q = eq.SpikeGeneratorGroup(3, [2], [5] * ms)
    S = eq.Synapses(P, Q, TRACES, on_pre="Apre += 1", on_post="Apost += 1\nw = Apre")
    S.connect()
    eq.Network(P, Q, S).run(6 * ms)
    assert dict(S.arrays.once.sharing.sides) == {"Apre": "pre", "Apost": "post"}
    for k, (i, j) in enumerate(zip(S.i[:], S.j[:])):
        last = 5.0 if j == 2 else times[i][-1]
        expected = sum(np.exp(-(last - t) / 20) for t in times[i])
        assert S.lastupdate[k] / ms == pytest.approx(last)
        assert S.Apre[k] == pytest.approx(expected, rel=1e-14)
        assert S.Apost[k] == (1.0 if j == 2 else 0.0)
        assert S.w[k] == (pytest.approx(expected, rel=1e-14) if j == 2 else 0.0)
    np.testing.assert_array_equal(S.Apre["i == 0 and j == 2"], S.Apre[0, 2])
    np.testing.assert_array_equal(S.get_states(["Apre"])["Apre"], S.Apre[:])
    np.testing.assert_array_equal(S.evaluate_text("Apre*2", None, "test", None), 2 * S.Apre[:])
    assert S.arrays.once is not None  # reading changes nothing


@pytest.mark.parametrize(("backend", "threads"), [("numpy", 1), ("c", 1), ("c", 3), ("cython", 2)])
def test_a_plastic_network_is_the_same_with_the_variables_of_each_synapse(backend, threads, for_each_synapse):
    eq.settings.backend, eq.settings.threads, eq.settings.synapses_per_block = backend, threads, 50
    net, S, M = plastic()
    net.run(30 * ms)
    net.run(20 * ms)
    assert S.arrays.once is not None
    assert S.position is not None
    once, spikes = values(S), np.array(M.t_)
    eq.settings.backend = "numpy"
    net, S, M = plastic()
    net.run(50 * ms)
    for name, value in values(S).items():
        np.testing.assert_array_equal(once[name], value)
    for_each_synapse()
    net, S, M = plastic()
    net.run(50 * ms)
    assert S.arrays.once is None
    np.testing.assert_array_equal(np.array(M.t_), spikes)
    assert len(spikes) > 20
    for name, value in values(S).items():
        np.testing.assert_allclose(once[name], value, rtol=1e-12, atol=1e-15, err_msg=name)


@pytest.mark.parametrize("seed", range(200, 212))
def test_random_synapses(seed, monkeypatch):
    once = outcome(seed, "numpy")
    for a, b in zip(once, outcome(seed, "c", 3), strict=True):
        np.testing.assert_array_equal(a, b)
    monkeypatch.setattr(plan_sharing, "sharing_of", lambda *_: NOTHING_SHARED)
    for a, b in zip(once, outcome(seed, "numpy"), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


# -- and when each synapse has its own again ---------------------------------------------------------------------------------------------


def _set_some(S):
    S.Apre["j == 0"] = 0.05


def _connect_more(S):
    S.connect(i=[0, 1], j=[0, 1])
    S.w["w == 0"] = 0.1


def _other_delays(S):
    S.delay = "rand()*2*ms"


def _nothing(S):
    pass


@pytest.mark.parametrize("change", [_nothing, _set_some, _connect_more, _other_delays])
@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_a_change_between_two_runs_is_as_if_each_synapse_had_its_own(change, backend, for_each_synapse):
    eq.settings.backend = backend
    found = []
    for each in (False, True):
        if each:
            for_each_synapse()
        net, S, M = plastic()
        net.run(25 * ms)
        change(S)
        net.run(25 * ms)
        found.append({**values(S), "spikes": np.array(M.t_)})
    for name, value in found[0].items():
        np.testing.assert_allclose(value, found[1][name], rtol=1e-12, atol=1e-15, err_msg=name)


@pytest.mark.parametrize("look", ["monitor", "operation", "regular", "report"])
def test_who_looks_at_a_synapse_while_it_runs_sees_its_own_variables(look, for_each_synapse):
    found = []
    for each in (False, True):
        if each:
            for_each_synapse()
        net, S, _ = plastic()
        options = {}
        if look == "monitor":
            V = eq.StateMonitor(S, ["Apre", "lastupdate", "w"], record=[0, 5], dt=5 * ms)
            net.add(V)
        elif look == "operation":

            @eq.network_operation(dt=10 * ms)
            def change(S=S):
                S.Apre["i < 10"] = 0.02

            net.add(change)
        elif look == "regular":
            S.run_regularly("Apost *= 0.9\nw = clip(w + 0.001*Apre, 0, 1)", dt=3 * ms)
            net.add(*S.contained())
        else:
            options = {"report": lambda *_, S=S: S.Apost.__setitem__(slice(0, 3), 0.01), "report_period": 1e-3 * ms}
        net.run(40 * ms, **options)
        if look == "report":
            assert S.arrays.once is None
            return
        found.append({**values(S), **({"recorded": V.Apre[:], "last": V.lastupdate[:]} if look == "monitor" else {})})
    for name, value in found[0].items():
        np.testing.assert_allclose(value, found[1][name], rtol=1e-12, atol=1e-15, err_msg=name)


def test_another_constant_holds_from_the_last_event_of_the_synapse_on(for_each_synapse):
    found = []
    for each in (False, True):
        if each:
            for_each_synapse()
        net, S, _ = plastic(model=TRACES.replace("20*ms", "tau"))
        net.run(25 * ms, namespace={"tau": 20 * ms})
        net.run(25 * ms, namespace={"tau": 5 * ms})
        found.append(values(S))
    for name, value in found[0].items():
        np.testing.assert_allclose(value, found[1][name], rtol=1e-12, atol=1e-15, err_msg=name)


def test_values_that_differ_within_a_row_are_kept_for_each_synapse():
    net, S, _ = plastic()
    S.Apre = "0.01*j"
    net.run(10 * ms)
    assert S.arrays.once is None or "Apre" not in S.arrays.once.sharing.sides
    net, S, _ = plastic()
    S.Apre = "0.01*i"
    first = S.Apre[:]
    net.run(0 * ms)
    assert S.arrays.once.sharing.sides["Apre"] == "pre"
    np.testing.assert_array_equal(S.Apre[:], first)


# -- store and restore -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_a_restored_network_goes_on_bit_by_bit(backend, tmp_path):
    eq.settings.backend = backend
    net, S, M = plastic()
    net.run(20 * ms)
    net.store(filename=tmp_path / "state")
    net.store()
    before = values(S)
    net.run(20 * ms)
    after, spikes = values(S), np.array(M.t_)
    for how in ("here", "fresh", "for each"):
        if how != "here":
            net, S, M = plastic()
        if how == "for each":
            net.run(1 * ms)
            S.Apre[0] = 0.5  # no longer kept once a neuron
        if how == "here":
            net.restore(restore_random_state=True)
        else:
            net.restore(filename=tmp_path / "state", restore_random_state=True)
        for name, value in values(S).items():
            np.testing.assert_array_equal(value, before[name], err_msg=name)
        net.run(20 * ms)
        for name, value in values(S).items():
            np.testing.assert_array_equal(value, after[name], err_msg=name)
        np.testing.assert_array_equal(np.array(M.t_), spikes)


# -- steps, sums, messages, memory -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_a_gating_variable_of_the_source_is_stepped_once_a_source(backend, for_each_synapse):
    """Slow excitation as in Wang (2002): the synapses of a neuron differ in their weights alone."""
    eq.settings.backend = backend
    found = []
    for each in (False, True):
        if each:
            for_each_synapse()
        eq.start_scope()
        eq.seed(2)
        P = eq.PoissonGroup(30, 60 * Hz)
        G = eq.NeuronGroup(5, "dv/dt = (s_total - v)/(10*ms) : 1\ns_total : 1", method="euler")
        S = eq.Synapses(
            P[5:],
            G,
            """s_total_post = w*s : 1 (summed)
            ds/dt = -s/(100*ms) + 0.5*x*(1 - s)/ms : 1 (clock-driven)
            dx/dt = -x/(2*ms) : 1 (clock-driven)
            w : 1""",
            on_pre="x += 1",
            method="euler",
        )
        S.connect(p=0.8)
        S.w = "rand()"
        net = eq.Network(P, G, S)
        net.run(40 * ms)
        steps = [op for op in net._last.plan.ops if op.label == "step" and op.owner is S]
        assert [op.n for op in steps] == [len(S) if each else 25]
        found.append([G.v[:], G.s_total[:], S.s[:], S.x[:]])
    for once, own in zip(*found):
        np.testing.assert_array_equal(once, own)
    assert found[0][0].max() > 0.1


def test_what_becomes_infinite_is_named():
    P = eq.SpikeGeneratorGroup(3, [1, 1], [1, 2] * ms)
    G = eq.NeuronGroup(2, "v : 1")
    S = eq.Synapses(P, G, "a : 1", on_pre="a = exp(700 + a)", name="S")
    S.connect()
    with pytest.raises(eq.NotFiniteError, match=r"S\.a\[2\] became infinite \(and 1 more\) in the step at t = 2 ms"):
        eq.Network(P, G, S).run(3 * ms)


def test_variables_lie_in_the_order_of_targets_and_read_in_that_of_creation():
    net, S, _ = plastic()
    S.w = "0.001*(10*i + j)"
    wanted = S.w[:]
    net.run(0 * ms)
    np.testing.assert_array_equal(S.w[:], wanted)
    np.testing.assert_array_equal(np.sort(S.targets), S.targets[np.argsort(S.position)])
    np.testing.assert_allclose(S.w[3, 2], 0.032)
    post = next(op for op in net._last.plan.ops if op.label == "pathway post")
    assert post.rows[0].synapse is None  # one piece of memory a target
    S.w[3, 2] = 0.5
    assert S.w["i == 3 and j == 2"] == 0.5
    S.run_regularly("w = rand()")  # numbered by creation: then they lie so
    net.add(*S.contained())
    net.run(0 * ms)
    assert S.position is None
    assert S.w["i == 3 and j == 2"] == 0.5


def test_synapses_of_neurons_without_any_do_not_disturb():
    """A neuron without synapses may have parameters that its equations cannot bear."""
    P = eq.NeuronGroup(4, "tau : second\nv = 2 : 1", threshold="v > 1")
    P.tau = [0, 5, 5, 5] * ms
    G = eq.NeuronGroup(1, "g : 1")
    S = eq.Synapses(P, G, "da/dt = -a/tau_pre : 1 (event-driven)", on_pre="a += 1\ng_post += a", name="S")
    S.connect(i=[1, 2, 3], j=0)
    eq.Network(P, G, S).run(1 * ms)
    assert np.all(S.a[:] > 1)
