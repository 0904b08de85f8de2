"""What runs together: magic run by Brian 2's rules, networks, names, schedules, clocks, profiles, and what never ran."""

import gc
import os
import re
import subprocess
import sys
import textwrap
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


# -- schedules -------------------------------------------------------------------------------------------------------------------------


def _order(schedule, *whens):
    network, seen = eq.Network(), []
    network.schedule = schedule
    for when in whens:
        network.add(eq.NetworkOperation(lambda w=when: seen.append(w), when=when))
    network.run(0.1 * ms)
    return seen


def test_slots_and_what_lies_around_them():
    assert _order(None, "end", "after_start", "before_start", "start", "groups") == [
        "before_start",
        "start",
        "after_start",
        "groups",
        "end",
    ]
    assert _order(["end", "mine", "start"], "start", "before_mine", "after_mine", "mine", "end") == [
        "end",
        "before_mine",
        "mine",
        "after_mine",
        "start",
    ]
    assert eq.Network().schedule == ["start", "groups", "thresholds", "synapses", "resets", "end"]


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("start", "a schedule is a list of slots"),
        (["start", "start"], "has the slot 'start' twice"),
        (["before_x"], "the slot 'before_x' exists by itself"),
        (["a b"], "a slot of the schedule is a name; got 'a b'"),
    ],
)
def test_a_schedule_that_is_none_is_refused(schedule, message):
    with pytest.raises(eq.EqsnnError, match=message):
        eq.Network().schedule = schedule


def test_a_slot_that_is_not_in_the_schedule_is_named():
    operation = eq.NetworkOperation(lambda: None, when="strat", name="mine")
    network = eq.Network(operation)
    with pytest.raises(eq.EqsnnError) as caught:
        network.run(1 * ms)
    assert str(caught.value) == (
        "'mine' acts in the slot 'strat', which is not in the schedule; it has start, groups, thresholds, synapses, resets, end "
        "(and before_..., after_...); did you mean 'start'?"
    )
    with pytest.raises(eq.EqsnnError, match="acts in the slot 'strat'"):
        network.scheduling_summary()
    with pytest.raises(eq.EqsnnError, match="when= is the name of a slot"):
        eq.NetworkOperation(lambda: None, when="a b")


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_thresholds_before_groups_see_the_state_before_the_update(backend):
    eq.settings.backend = backend

    def times(schedule):
        G = eq.NeuronGroup(
            1, "dv/dt = 1/ms : 1", threshold="v > 0.95", reset="v = 0", method="euler", refractory=0.3 * ms
        )
        M = eq.SpikeMonitor(G)
        network = eq.Network(G, M)
        network.schedule = schedule
        network.run(2.5 * ms)
        return np.round(M.t / ms, 6).tolist(), bool(G.not_refractory[0])

    late, _ = times(["start", "thresholds", "groups", "synapses", "resets", "end"])
    soon, _ = times(None)
    assert soon == [0.9, 1.9] and late[0] == 1.0 and len(late) == 2


def test_the_summary_of_a_schedule():
    G = eq.NeuronGroup(10, "dv/dt = -v/(10*ms) : 1", threshold="v > 1", reset="v = 0", name="cells")
    M = eq.StateMonitor(G, "v", record=True, dt=1 * ms, name="states")
    S = eq.Synapses(G, G, on_pre="v += 0.1", on_post="v += 0", name="links")
    M.active = False
    text = str(eq.scheduling_summary())
    assert text == str(eq.Network(G, M, S).scheduling_summary())
    assert text.splitlines() == [
        "object                                | part of               | clock dt               | when       | order | active",
        "--------------------------------------+-----------------------+------------------------+------------+-------+-------",
        "states (StateMonitor)                 | states (StateMonitor) | 1. ms (every 10 steps) | start      |     0 | no",
        "cells_stateupdater (StateUpdater)     | cells (NeuronGroup)   | 100. us (every step)   | groups     |     0 | yes",
        "cells_spike_thresholder (Thresholder) | cells (NeuronGroup)   | 100. us (every step)   | thresholds |     0 | yes",
        "links_pre (SynapticPathway)           | links (Synapses)      | 100. us (every step)   | synapses   |    -1 | yes",
        "links_post (SynapticPathway)          | links (Synapses)      | 100. us (every step)   | synapses   |     1 | yes",
        "cells_spike_resetter (Resetter)       | cells (NeuronGroup)   | 100. us (every step)   | resets     |     0 | yes",
    ]
    html = eq.scheduling_summary()._repr_html_()
    assert html.count("<tr>") == 7 and "<td" in html


def test_operations_in_classes_with_a_clock_of_their_own():
    class Watcher:
        def __init__(self):
            self.seen = []
            self.operation = eq.NetworkOperation(self.look, clock=eq.Clock(0.5 * ms), when="end", order=3)

        def look(self, t):
            self.seen.append((t / ms, eq.defaultclock.t / ms))

    watcher = Watcher()
    eq.Network(watcher.operation, grows()).run(1.2 * ms)
    np.testing.assert_allclose([s[0] for s in watcher.seen], [0, 0.5, 1])
    assert watcher.operation.order == 3 and watcher.operation.when == "end"


# -- profiles --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("backend", "threads"), [("numpy", 1), ("c", 1), ("c", 3)])
def test_a_profile_finds_the_kernel_that_takes_the_time(backend, threads):
    eq.settings.backend, eq.settings.threads = backend, threads
    eq.settings.neurons_per_block = 256
    n = 20 if backend == "numpy" else 4000
    G = eq.NeuronGroup(n, "dv/dt = (sin(v) + exp(-v) + tanh(v))/ms : 1", method="rk4", name="heavy")
    H = grows("light")
    network = eq.Network(G, H)
    with pytest.raises(eq.EqsnnError, match="there is no profile"):
        eq.profiling_summary(network)
    network.run(10 * ms, profile=True)
    info = network.profiling_info
    assert {name for name, _ in info} == {"heavy_stateupdater", "light_stateupdater"}
    assert backend == "numpy" or info[0][0] == "heavy_stateupdater"
    assert all(t > 0 * second for _, t in info)
    summary = eq.profiling_summary(network, show=1)
    assert len(summary.names) == 1 and 0 < summary.percentages[0] <= 100
    assert str(summary).startswith("Profiling summary\n=================\n") and "<table>" in summary._repr_html_()
    with pytest.raises(eq.EqsnnError, match="show= is the number"):
        eq.profiling_summary(network, show=0)


def test_a_profile_counts_operations_in_python():
    import time

    slow = eq.NetworkOperation(lambda: time.sleep(0.002), name="slow")
    network = eq.Network(grows(), slow)
    network.run(1 * ms, profile=True)
    name, took = network.profiling_info[0]
    assert name == "slow" and took > 0.02 * second


def test_profiling_changes_no_result():
    eq.settings.backend = "c"

    def trace(**options):
        eq.start_scope()
        eq.seed(4)
        G = eq.NeuronGroup(50, "dv/dt = -v/ms + xi/ms**0.5 : 1", method="euler")
        network = eq.Network(G)
        network.run(5 * ms, **options)
        return G.v[:]

    assert np.array_equal(trace(), trace(profile=True))


# -- clocks ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize("delays", ["4*ms", "(4 + 0*i)*ms", "(3 + i)*ms"])
@pytest.mark.parametrize("dt", [0.05, 0.1, 0.5])
def test_spikes_on_their_way_arrive_in_time_after_a_change_of_dt(backend, delays, dt):
    eq.settings.backend = backend
    K = eq.SpikeGeneratorGroup(2, [0, 1], [1, 2] * ms)
    G = eq.NeuronGroup(2, "v : 1")
    S = eq.Synapses(K, G, on_pre="v_post += 1")
    S.connect(i=[0, 1], j=[0, 1])
    S.delay = delays
    network = eq.Network(K, G, S)
    network.run(3 * ms)
    eq.defaultclock.dt = dt * ms
    M = eq.StateMonitor(G, "v", record=True, when="end")
    network.add(M)
    network.run(5 * ms)
    arrived = [M.t[np.flatnonzero(row > 0)[0]] / ms for row in M.v]
    expected = [1 + 4, 2 + 4] if delays != "(3 + i)*ms" else [1 + 3, 2 + 4]
    np.testing.assert_allclose(arrived, expected, atol=1e-9)
    assert G.v[:].tolist() == [1, 1]


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_spikes_on_their_way_keep_their_time_when_delays_change(backend):
    eq.settings.backend = backend
    K = eq.SpikeGeneratorGroup(1, [0, 0, 0], [1, 4, 12] * ms)
    G = eq.NeuronGroup(2, "v : 1")
    S = eq.Synapses(K, G, on_pre="v_post += 1")
    S.connect()
    network = eq.Network(K, G, S)
    S.delay = 5 * ms
    M = eq.StateMonitor(G, "v", record=True, when="end")
    network.add(M)
    network.run(3 * ms)
    S.delay = [1, 6] * ms  # the spike at 1 ms is on its way
    network.run(8 * ms)
    S.delay = 2 * ms
    network.run(5 * ms)

    def arrivals(row):
        return np.round(M.t[1:][np.diff(row) > 0] / ms, 6).tolist()

    assert arrivals(M.v[0]) == [5, 6, 14]
    assert arrivals(M.v[1]) == [6, 10, 14]


def test_a_longer_delay_does_not_deliver_a_spike_twice():
    K = eq.SpikeGeneratorGroup(1, [0], [1] * ms)
    G = eq.NeuronGroup(1, "v : 1\nu : 1")
    S = eq.Synapses(K, G, on_pre="v_post += 1")
    T = eq.Synapses(K, G, on_pre="u_post += 1", delay=9 * ms)  # the source remembers its spikes for that long
    S.connect()
    T.connect()
    S.delay = 1 * ms
    network = eq.Network(K, G, S, T)
    network.run(4 * ms)
    late = eq.Synapses(K, G, on_pre="v_post += 10", delay=5 * ms)  # was not there when the spike was
    late.connect()
    S.delay = 6 * ms
    network.add(late)
    network.run(6.1 * ms)
    assert (G.v[0], G.u[0]) == (1, 1)


def test_a_change_of_backend_between_runs_keeps_spikes_on_their_way_and_records():
    def outcome(*backends):
        eq.start_scope()
        eq.seed(3)
        P = eq.PoissonGroup(20, 100 * eq.Hz)
        G = eq.NeuronGroup(3, "v : 1")
        S = eq.Synapses(P, G, on_pre="v_post += 1")
        S.connect()
        S.delay = "3*rand()*ms"
        T = eq.Synapses(P, G, on_pre="v_post += 100", delay=2 * ms)
        T.connect()
        M = eq.SpikeMonitor(P)
        network = eq.Network(P, G, S, T, M)
        for backend in backends:
            eq.settings.backend = backend
            network.run(5 * ms)
        return G.v[:].tolist(), M.t_.tolist(), M.i.tolist()

    whole = outcome("c", "c", "c")
    assert len(whole[1]) > 10
    assert outcome("c", "numpy", "c") == whole == outcome("numpy", "c", "numpy")


def test_a_change_of_dt_keeps_refractoriness_and_given_spikes():
    G = eq.NeuronGroup(
        1,
        "dv/dt = 1/ms : 1 (unless refractory)",
        threshold="v > 0.95",
        reset="v = 0",
        refractory=5 * ms,
        method="euler",
    )
    K = eq.SpikeGeneratorGroup(1, [0, 0], [1, 5] * ms)
    M, N = eq.SpikeMonitor(K), eq.StateMonitor(G, "v", record=0)
    network = eq.Network(G, K)
    network.run(2 * ms)
    assert G.v[0] == 0 and float(G.lastspike[0] / ms) == pytest.approx(0.9)
    eq.defaultclock.dt = 0.5 * ms
    network.add(M, N)
    network.run(6 * ms)
    assert M.t / ms == pytest.approx([5])
    rising = N.t[np.flatnonzero(N.v[0] > 0)[0]] / ms
    assert rising == pytest.approx(6.5)  # 0.9 ms + 5 ms, rounded to steps of 0.5 ms, and seen a step later


def test_the_time_of_clocks_groups_and_the_network_agree():
    slow = eq.Clock(1 * ms, name="slow")
    G, H = grows(), grows(clock=slow)
    network = eq.Network(G, H)
    network.run(3 * ms)
    assert eq.defaultclock.t == slow.t == G.t == H.t == network.t == 3 * ms
    assert eq.defaultclock.t_ == network.t_ == 3e-3 and slow.timestep == 3 and eq.defaultclock.timestep == 30
    assert H.v[0] == pytest.approx(3)


def test_seeds_between_runs():
    G = eq.NeuronGroup(4, "dv/dt = xi/ms**0.5 : 1", method="euler")
    network = eq.Network(G)

    def piece(**seeding):
        if seeding:
            eq.seed(**seeding)
        G.v = 0
        network.run(1 * ms)
        return G.v[:].tolist()

    first, second_, third = piece(value=1), piece(), piece(value=1)
    assert first == third != second_


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


# -- what never ran ------------------------------------------------------------------------------------------------------------------------


def notices(script):
    """What a script prints to stderr."""
    environment = {**os.environ, "EQSNN_BACKEND": "numpy"}
    head = "import eqsnn as eq\nfrom eqsnn import ms\n"
    done = subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    return [
        line for line in done.stderr.splitlines() if "never ran" in line or "deleted as soon" in line or "Error" in line
    ]


GROUP = "G = eq.NeuronGroup(2, 'v : 1', threshold='v > 1', name='cells')\n"


def test_a_monitor_in_a_list_says_that_it_never_ran():
    assert notices(GROUP + "monitors = [eq.SpikeMonitor(G, name='hidden')]\neq.run(1*ms)") == [
        "eqsnn: the SpikeMonitor 'hidden' (<string>:4) never ran, although run() did: it takes what has a name where it is called, not "
        "what a list, a dict or an attribute holds; use net = Network(collect()) and net.add(...)"
    ]


def test_an_object_that_is_not_in_the_network_says_so():
    script = GROUP + "S = eq.Synapses(G, G, on_pre='v += 1', name='links')\neq.Network(G).run(1*ms)\n"
    assert notices(script) == [
        "eqsnn: the Synapses 'links' (<string>:4) never ran, although 'cells' did; add it to the network: net.add(...)"
    ]
    assert notices(script + "del S\nprint('end')") == notices(script)


def test_an_object_that_nothing_holds_says_so_at_once():
    assert notices(GROUP + "eq.PoissonInput(G, 'v', 10, 5*eq.Hz, 0.1, name='lost')\neq.run(1*ms)") == [
        "eqsnn: the PoissonInput 'lost' (<string>:4) was deleted as soon as it was made, since nothing holds it, and will not run; "
        "keep it in a variable: name = PoissonInput(...)"
    ]


@pytest.mark.parametrize(
    "script",
    [
        GROUP + "M = eq.SpikeMonitor(G)\neq.run(1*ms)",
        GROUP + "M = [eq.SpikeMonitor(G)]\neq.Network(G, M).run(1*ms)",
        GROUP + "M = [eq.SpikeMonitor(G)]\nnet = eq.Network(G)\nnet.run(1*ms)\nnet.add(M)\nnet.run(1*ms)",
        GROUP + "eq.Network(G, eq.SpikeMonitor(G)).run(1*ms)",
        GROUP,
        GROUP
        + "G = eq.NeuronGroup(2, 'v : 1', threshold='v > 1', name='cells')\nM = eq.SpikeMonitor(G)\nM = eq.SpikeMonitor(G)\neq.run(1*ms)",
        GROUP + "part = G[:1]\neq.SpikeMonitor\neq.run(1*ms)",
        GROUP + "other = eq.NeuronGroup(1, 'v : 1')\neq.Network(G).run(1*ms)",
        GROUP
        + "try:\n    eq.Synapses(G, G, 'w : volt', on_pre='v += w')\nexcept eq.UnitError:\n    pass\neq.run(1*ms)",
        "def trial():\n    G = eq.NeuronGroup(1, 'v : 1')\n    eq.run(1*ms)\n    return G\nkept = [trial() for _ in range(3)]",
        GROUP + "net = eq.Network(eq.collect())\nnet.run(1*ms)\nnet.remove(G)",
    ],
)
def test_no_false_alarm(script):
    assert notices(script) == []


def test_a_script_that_fails_is_not_lectured():
    found = notices(GROUP + "monitors = [eq.SpikeMonitor(G)]\neq.run(1*ms)\nraise ValueError('mine')")
    assert found == ["ValueError: mine"]
