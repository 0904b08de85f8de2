"""Neurons at rest are left out of the loop of their population and put back after it: the same bits as if each had been asked."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms, second
from eqsnn.kernel.resting import resting
from eqsnn.runtime.native import NativeRun

PLAIN = """dv/dt = (1.3 + 0.4*i/N - v + u)/(5*ms) : 1 (unless refractory)
du/dt = -u/(7*ms) : 1"""


def network(
    equations=PLAIN, refractory=2 * ms, threshold="v > 1", reset="v = 0\nu += 0.2", method="exact", n=53, **options
):
    eq.start_scope()
    eq.seed(4)
    G = eq.NeuronGroup(n, equations, threshold=threshold, reset=reset, refractory=refractory, method=method, **options)
    G.v = "rand()"
    S = eq.Synapses(G, G, on_pre="u_post += 0.05", delay=0.3 * ms)
    S.connect(p=0.1)
    M = eq.SpikeMonitor(G)
    return eq.Network(G, S, M), G, M


def step_of(net):
    return next(op.kernel for op in net._last.plan.ops if op.label == "step")


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(eq.settings, "neurons_per_block", 7)


LEFT_OUT = [
    {},
    {"dtype": np.float32},
    {"threshold": "v >= 1"},
    {"threshold": "v > 1 and u < 10"},
    {"threshold": "1 < v + 0.1*u"},
    {"equations": PLAIN + "\nref : second (constant)", "refractory": "ref"},
    {"equations": PLAIN.replace(": 1\n", ": 1 (unless refractory)\n") + " (unless refractory)"},
    {
        "equations": "dv/dt = (1.3 - 2*int(not_refractory) + 2 - v)/(5*ms) : 1\ndu/dt = -v*int(not_refractory)/(9*ms) - u/(7*ms) : 1"
    },
    {"equations": PLAIN.replace("+ u)/(5*ms)", "+ u)/(5*ms) + 0.3*xi/ms**0.5"), "method": "euler"},
    {
        "equations": PLAIN.replace(
            "+ u)/(5*ms)", "+ u)/(5*ms) + 0.3*xi*int(not_refractory)/ms**0.5 + 0.01*xi*int(not not_refractory)/ms**0.5"
        ).replace(" (unless refractory)", ""),
        "method": "euler",
    },
    {"refractory": 30 * ms},  # most of them rest
    {"refractory": 0 * ms},
]


@pytest.mark.parametrize("options", LEFT_OUT, ids=range(len(LEFT_OUT)))
def test_the_bits_are_those_of_asking_every_neuron(options, small_blocks):
    outcomes = []
    for backend, threads in (("numpy", 1), ("c", 1), ("c", 3), ("cython", 2)):
        eq.settings.backend, eq.settings.threads = backend, threads
        net, G, M = network(**options)
        if "ref" in G.get_states():
            G.ref = "(1 + i % 5)*ms"
        net.run(20 * ms)
        net.run(15.3 * ms)  # begins with some at rest
        G.v[:5] = 3  # and with some that spike at once, if they may
        net.run(20 * ms)
        assert resting(step_of(net)) is not None
        outcomes.append([np.array(M.i), np.array(M.t_), G.v[:], G.u[:], G.not_refractory[:], np.array(G.lastspike[:])])
    assert len(outcomes[0][0]) > 50
    for other in outcomes[1:]:
        for a, b in zip(outcomes[0], other):
            np.testing.assert_array_equal(a, b)


def test_the_list_of_few_neurons_that_spike_often_stays_within_its_memory(monkeypatch):
    monkeypatch.setattr(eq.settings, "neurons_per_block", 1)
    outcomes = []
    for backend, threads in (("numpy", 1), ("c", 1), ("c", 3)):
        eq.settings.backend, eq.settings.threads = backend, threads
        net, G, M = network(n=3, refractory=0.3 * ms, reset="v = 0.95")
        net.run(200 * ms)
        outcomes.append([np.array(M.i), np.array(M.t_), G.v[:], G.u[:]])
    assert len(outcomes[0][0]) > 500
    for other in outcomes[1:]:
        for a, b in zip(outcomes[0], other):
            np.testing.assert_array_equal(a, b)


def test_the_lists_are_made_anew_when_the_threads_at_work_are_more_or_less(monkeypatch, small_blocks):
    """As on a machine whose processors others want at times."""
    advance, teams = NativeRun.advance, set()

    def by_turns(self, tick, end, cursor, seconds, interrupts):
        status = "done"
        while tick < end:
            self._table.alone = 0 if tick // 7 % 2 else 1 << 40
            status, tick, cursor = advance(self, tick, min(end, tick + 7), cursor, seconds, interrupts)
            teams.add(self._table.team)
        return status, tick, cursor

    outcomes = []
    for threads in (1, 3):
        eq.settings.backend, eq.settings.threads = "c", threads
        net, G, M = network()
        if threads == 3:
            monkeypatch.setattr(NativeRun, "advance", by_turns)
        net.run(60 * ms)
        outcomes.append([np.array(M.i), np.array(M.t_), G.v[:], G.u[:]])
    assert teams == {1, 3} and len(outcomes[0][0]) > 100
    for a, b in zip(*outcomes):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "options",
    [
        {"refractory": "v > 0.5"},  # a condition: they may come to rest again
        {"refractory": "(1 + int(t > 10*ms))*ms"},  # an end that moves
        {"equations": PLAIN + "\ndr/dt = -r/(50*ms) : second", "refractory": "r"},
        {"equations": PLAIN.replace(" (unless refractory)", "")},  # they are stepped like all others
    ],
)
def test_where_time_alone_does_not_end_a_rest_each_neuron_is_asked(options):
    outcomes = []
    for backend in ("numpy", "c"):
        eq.settings.backend = backend
        net, G, M = network(**options)
        if "r" in G.get_states():
            G.r = 3 * ms
        net.run(30 * ms)
        assert resting(step_of(net)) is None
        outcomes.append([np.array(M.i), np.array(M.t_), G.v[:]])
    assert len(outcomes[0][0]) > 50
    for a, b in zip(*outcomes):
        np.testing.assert_array_equal(a, b)


def test_what_neurons_at_rest_would_become_stops_no_run():
    """At rest v = 40 stays; awake it would overflow."""
    eq.start_scope()
    eq.settings.backend = "c"
    G = eq.NeuronGroup(
        9,
        "dv/dt = exp(v*20)/second : 1 (unless refractory)",
        threshold="v > 0.1",
        reset="v = 40",
        refractory=5 * ms,
        method="euler",
    )
    G.v[3] = 0.2
    net = eq.Network(G)
    net.run(3 * ms)
    assert resting(step_of(net)) is not None
    assert G.v[3] == 40 and np.all(G.v[:3] < 0.1)
    with pytest.raises(eq.NotFiniteError, match="t = 5 ms"):
        net.run(0.01 * second)


def test_a_value_that_is_not_finite_hides_no_spike_of_others():
    """Whether some neuron of many may have spiked is told from signs, of which NaN has any."""
    eq.start_scope()
    eq.settings.backend = "c"
    G = eq.NeuronGroup(300, "dv/dt = a/ms : 1\na : 1", threshold="v > 1", reset="v = 0", method="euler")
    G.a = "0.1 + 0.001*(i % 7)"
    G.v[17] = np.nan
    M = eq.SpikeMonitor(G)
    net = eq.Network(G, M)
    net.stop_if_not_finite = False
    with pytest.warns(RuntimeWarning, match="NaN"):
        net.run(20 * ms)
    assert set(np.array(M.i)) == set(range(300)) - {17}
