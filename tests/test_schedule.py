"""The order of a step: slots, summaries, profiles; and clocks that change between runs."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms, second

GROWS = "dv/dt = 1/ms : 1"


def grows(name="neurongroup*", **options):
    return eq.NeuronGroup(1, GROWS, method="euler", name=name, **options)


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


def test_regular_code_and_poisson_inputs_are_parts_of_their_group():
    G = eq.NeuronGroup(4, "v : 1", name="cells")
    code = G[1:3].run_regularly("v = 0", name="often")
    P = eq.PoissonInput(G, "v", 1, 1 * eq.Hz, 0.1, name="input")
    rows = {row[0]: row[1] for row in eq.Network(G, P).scheduling_summary().rows()}
    assert rows == {"often (CodeRunner)": "cells (NeuronGroup)", "input (PoissonInput)": "cells (NeuronGroup)"}
    assert code.group is not G
