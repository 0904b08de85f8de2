"""What runs together: magic run by Brian 2's rules, networks, names, states; and that no value compiles anything."""

import gc
import re
import subprocess
import weakref

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms, second

GROWS = "dv/dt = 1/ms : 1"


def grows(name="neurongroup*", **options):
    return eq.NeuronGroup(1, GROWS, method="euler", name=name, **options)


# -- magic -----------------------------------------------------------------------------------------------------------------------------


def test_collect_takes_what_has_a_name_here_and_nothing_in_containers():
    G, hidden = grows(), [grows()]
    part = eq.NeuronGroup(5, "v : 1")
    slice_ = part[1:3]
    assert eq.collect() == {G, part}
    assert slice_ not in eq.collect() and hidden[0] not in eq.collect()

    def inner():
        H = grows()
        return eq.collect(), eq.collect(level=1), H

    found, outside, H = inner()
    assert H in found and hidden[0] not in found
    assert outside == {G, part}
    eq.start_scope()
    assert eq.collect() == set()


def test_a_magic_run_goes_on_starts_anew_or_asks():
    G = grows("old")
    eq.run(1 * ms)
    eq.run(1 * ms)
    assert eq.magic_network.t == 2 * ms and G.v[0] == pytest.approx(2)
    M = eq.StateMonitor(G, "v", record=0)  # a monitor may come at any time
    eq.run(1 * ms)
    assert eq.magic_network.t == 3 * ms and M.t[0] == 2 * ms
    H = grows("young")
    with pytest.raises(
        eq.MagicError, match=r"'old' has run before and 'young' is new: is this a new simulation, or the old one"
    ):
        eq.run(1 * ms)
    del G, M
    eq.run(1 * ms)
    assert eq.magic_network.t == 1 * ms and H.v[0] == pytest.approx(1)


def test_magic_runs_in_a_loop_each_start_at_zero_and_hold_nothing():
    def trial(k):
        G = eq.NeuronGroup(1, "dv/dt = k/ms : 1", method="euler")
        M = eq.StateMonitor(G, "v", record=0)
        eq.run(1 * ms)
        return M.t[0], G.v[0], M

    kept = [trial(k) for k in range(3)]
    assert [(t / second, v) for t, v, _ in kept] == [(0, pytest.approx(k)) for k in range(3)]
    group = grows("gone")
    eq.run(1 * ms)
    del group
    assert eq.collect() == set()  # before Python 3.13, looking at a function's names keeps them until the next look
    gc.collect()
    assert not any(o.name == "gone" for o in eq.magic_network.objects)


def test_nothing_is_added_to_the_magic_network():
    with pytest.raises(eq.MagicError, match=r"use net = Network"):
        eq.magic_network.add(grows())


def test_an_object_runs_in_one_network():
    G = grows("cells")
    eq.Network(G).run(1 * ms)
    with pytest.raises(eq.EqsnnError, match=r"'cells' has run in another network, and its time is that of the other"):
        eq.Network(G).run(1 * ms)
    other = eq.Network(G)
    G._network.remove(G)
    other.run(1 * ms)
    assert other.t == 1 * ms


def test_the_namespace_and_the_objects_of_an_outer_call():
    def helper():
        eq.run(1 * ms, level=1)

    a = 3
    G = eq.NeuronGroup(1, "dv/dt = a/ms : 1", method="euler")
    helper()
    assert G.v[0] == pytest.approx(a)


def test_constants_of_a_group_that_is_source_and_target_are_found_from_both_sides():
    scale = 3
    G = eq.NeuronGroup(2, "F = scale*x : 1\nx : 1", threshold="x > 5")
    G.x = [1, 2]
    S = eq.Synapses(G, G, "dw/dt = (F_pre + 10*F_post)/ms : 1 (clock-driven)", method="euler")
    S.connect(i=0, j=1)
    eq.run(1 * ms)
    assert S.w[0] == pytest.approx(scale * (1 + 20))


# -- networks --------------------------------------------------------------------------------------------------------------------------


def test_a_network_of_nested_collections():
    a, b, c, d, e = (grows(n) for n in "abcde")
    network = eq.Network(a, [b, (c, {"x": d})], name="mine")
    network.add({e})
    assert [o.name for o in network] == list("abcde") == [o.name for o in network.objects]
    assert len(network) == 5 and "a" in network and a in network and network["c"] is c
    network.remove([a, [b]])
    del network["e"]
    assert [o.name for o in network] == ["c", "d"] and a not in network and "a" not in network
    network.run(1 * ms)
    assert (a.v[0], c.v[0]) == (0, pytest.approx(1))
    with pytest.raises(eq.EqsnnError, match="'a' is not in the network; it has c, d"):
        network.remove(a)
    with pytest.raises(KeyError, match="there is no 'z' in the network; it has c, d"):
        network["z"]
    with pytest.raises(eq.EqsnnError, match="a network consists of groups, synapses, monitors and operations; got 5"):
        network.add([5])


def test_an_object_added_between_runs_joins_at_the_network_time():
    G, H = grows("first"), grows("second")
    network = eq.Network(G)
    network.run(1 * ms)
    M = eq.StateMonitor(H, "v", record=0)
    network.add(H, M)
    network.run(1 * ms)
    assert (G.v[0], H.v[0]) == (pytest.approx(2), pytest.approx(1))
    assert M.t[0] == 1 * ms and G.t == H.t == network.t == 2 * ms


def test_network_of_collect():
    G = grows()
    monitors = [eq.StateMonitor(G, "v", record=0)]
    network = eq.Network(eq.collect())
    network.add(monitors)
    network.run(1 * ms)
    assert len(monitors[0].t) == 10


def test_a_name_may_be_used_again_and_differs_within_a_network():
    """A cell of a notebook that runs again makes its object while the old one lives."""
    G = grows("cells")
    old = weakref.ref(G)
    G = grows("cells")
    eq.run(1 * ms)
    gc.collect()
    assert old() is None and G.name == "cells"
    network = eq.Network(grows("cells"))
    with pytest.raises(eq.EqsnnError, match="the network has another object called 'cells' already"):
        network.add(grows("cells"))
    first = grows()
    assert re.fullmatch(r"neurongroup(_\d+)?", first.name) and grows().name != first.name


def test_objects_of_the_run_before_are_gone_even_if_references_in_a_circle_hold_them():
    def simulation():
        G = eq.NeuronGroup(2, "dv/dt = -v/(10*ms) : 1", method="exact")
        M = eq.StateMonitor(G, "v", record=True)
        eq.run(0.2 * ms)
        circle = [M]
        circle.append(circle)
        gc.collect(1)  # so that all this counts as old: a look at what is young would not find it
        return weakref.ref(G), weakref.ref(M), M

    first_group, first, kept = simulation()
    del kept
    assert first() is not None
    _, second, kept = simulation()
    assert first() is None and first_group() is None
    simulation()
    assert second() is kept  # held by this name


def test_states_of_all_objects():
    G, H = grows("a"), eq.NeuronGroup(2, "u : volt", name="b")
    network = eq.Network(G, H)
    H.u = [1, 2] * eq.mV
    before = network.get_states()
    assert before["b"]["u"].tolist() == ([1, 2] * eq.mV).tolist()
    assert network.get_states(units=False)["b"]["u"].tolist() == [1e-3, 2e-3]
    network.run(1 * ms)
    H.u = 0
    network.set_states({"a": {"v": before["a"]["v"]}, "b": {"u": before["b"]["u"]}})
    assert G.v[0] == 0 and H.u[1] == 2 * eq.mV
    with pytest.raises(eq.EqsnnError, match="there is no 'c' in the network; it has a, b"):
        network.set_states({"c": {}})


def test_stop_ends_the_run_of_any_network():
    G = grows()
    seen = []

    @eq.network_operation(dt=1 * ms)
    def watch(t):
        seen.append(t / ms)
        if len(seen) == 3:
            eq.stop()

    network = eq.Network(G, watch)
    network.run(10 * ms)
    assert seen == [0, 1, 2] and network.t / ms == pytest.approx(2.1)
    network.run(0.9 * ms)
    assert network.t / ms == pytest.approx(3)


def test_a_run_of_no_duration_reports_and_changes_nothing():
    G, seen = grows(), []
    network = eq.Network(G)
    network.run(0 * ms, report=lambda *a: seen.append(a[1]))
    assert seen == [0, 1] and G.v[0] == 0 and network.t == 0 * ms


def test_a_report_is_written_to_a_file(tmp_path):
    network = eq.Network(grows())
    for start, wrap in (("0. s", lambda f: f), ("1. ms", eq.TextReport)):
        with open(tmp_path / "report.txt", "w") as file:
            network.run(1 * ms, report=wrap(file))
        first, last = (tmp_path / "report.txt").read_text().splitlines()
        assert first == f"Starting simulation at t = {start} for a duration of 0.001 s"
        assert last.startswith("0.001 s (100%) simulated in ")


def test_a_network_does_not_run_within_its_own_run():
    network = eq.Network(grows())
    operation = eq.NetworkOperation(lambda: network.run(1 * ms))
    network.add(operation)
    with pytest.raises(eq.EqsnnError, match="from within a run of the same network"):
        network.run(1 * ms)
    network.remove(operation)
    inside = eq.NetworkOperation(lambda: network.store())
    network.add(inside)
    with pytest.raises(eq.EqsnnError, match=r"store\(\) in the middle of a step"):
        network.run(1 * ms)


# -- nothing is compiled for a value -----------------------------------------------------------------------------------------------------


def test_no_value_and_no_size_compiles_anything(monkeypatch, tmp_path):
    monkeypatch.setenv("EQSNN_CACHE_DIR", str(tmp_path))
    eq.settings.backend = "c"
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda command, *a, **k: started.append(command) or popen(command, *a, **k)
    )

    def model(N=20, p=0.2, tau=10 * ms, dt=0.1, delay=1, table=3, rate=10 * eq.Hz, weight=1.0, hold=1, name="*"):
        eq.start_scope()
        eq.defaultclock.dt = dt * ms
        stimulus = eq.TimedArray(np.arange(table) + 0.5, dt=1 * ms)  # noqa: F841
        G = eq.NeuronGroup(
            N,
            "dv/dt = (stimulus(t) - v)/tau + 0.1*xi/tau**0.5 : 1 (unless refractory)",
            threshold="v > 1",
            reset="v = 0",
            refractory=hold * ms,
            method="euler",
            name=f"g{name}",
        )
        P = eq.PoissonGroup(N + 3, rate, name=f"p{name}")
        S = eq.Synapses(P, G, "w : 1", on_pre="v_post += w", delay=delay * ms, name=f"s{name}")
        S.connect(p=p)
        S.w = weight
        T = eq.Synapses(G, G, "u : 1", on_pre="v_post += u", name=f"t{name}")
        T.connect(p=p)
        T.delay = f"{delay}*rand()*ms"
        X = eq.PoissonInput(G, "v", N, rate, weight, name=f"x{name}")
        M, V = eq.SpikeMonitor(G, name=f"m{name}"), eq.StateMonitor(G, "v", record=True, name=f"v{name}")
        eq.Network(G, P, S, T, X, M, V).run(3 * ms)

    model()
    assert started
    started.clear()
    for change in (
        dict(N=21),
        dict(N=70_000, p=1e-6),
        dict(p=0.9),
        dict(p=1.0),
        dict(tau=3 * ms),
        dict(dt=0.05),
        dict(delay=0),
        dict(delay=2.5),
        dict(table=50),
        dict(rate=500 * eq.Hz),
        dict(weight=0.0),
        dict(hold=0.5),
        dict(name="_other*"),
    ):
        model(**change)
        assert started == [], f"{change} compiled something"
