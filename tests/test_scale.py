"""What large networks need: a total number of synapses, delays in two bytes, synapses arranged as they are read, expressions in parts."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import EqsnnError, EquationError, ms
from eqsnn.network import arrangement, delays, in_parts, total
from eqsnn.network.arrangement import Arrangement, Permutation
from eqsnn.network.delays import SteppedDelays, one_of, seconds_of, steps_in_part, with_values


def cells(n: int, name: str = "cells*", **options) -> eq.NeuronGroup:
    G = eq.NeuronGroup(
        n, "dv/dt = (1.1 - v)/(10*ms) : 1\nkind : integer", threshold="v > 1", reset="v = 0", method="exact", name=name
    )
    G.v = "rand()"
    return G


def connected(source, target=None, **how) -> np.ndarray:
    """How many synapses each pair has."""
    S = eq.Synapses(source, target, on_pre="v_post += 0.01")
    S.connect(**how)
    counts = np.zeros((len(S.source), len(S.target)), int)
    np.add.at(counts, (S.i[:], S.j[:]), 1)
    assert np.all(np.diff(S.i[:]) >= 0)
    return counts


# -- connect(total=) ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 50, 1999, 2000])
@pytest.mark.parametrize("autapses", [True, False])
def test_a_total_of_different_pairs(n, autapses):
    G = cells(50)
    counts = connected(G, total=min(n, 2450) if not autapses else n, autapses=autapses)
    assert counts.sum() == n and counts.max(initial=0) <= 1
    assert autapses or not np.trace(counts)


def test_all_pairs_as_a_total():
    G = cells(12)
    assert np.array_equal(connected(G, total=12 * 12), np.ones((12, 12)))
    assert np.array_equal(connected(G, total=12 * 11, autapses=False), 1 - np.eye(12))


def test_with_repetition_every_pair_is_as_likely():
    """Sums over rows and columns, and the numbers of a pair, are binomial."""
    counts = connected(cells(100), cells(50), total=100_000, multapses=True)
    assert counts.sum() == 100_000
    expected = 100_000 / 5000
    assert np.isclose(counts.var(), expected, rtol=0.1)
    assert np.isclose(counts.sum(0).var(), 2000 * (1 - 1 / 50), rtol=0.6) and np.isclose(
        counts.sum(1).var(), 1000, rtol=0.5
    )
    assert (np.abs(counts - expected) < 6 * np.sqrt(expected)).all()


def test_different_pairs_are_as_likely_as_each_other():
    G = cells(6)
    seen = sum(connected(G, total=9) for _ in range(400))
    assert (np.abs(seen - 100) < 6 * np.sqrt(100 * 0.75)).all()
    dense = sum(connected(G, total=27) for _ in range(400))
    assert (np.abs(dense - 300) < 6 * np.sqrt(300 * 0.25)).all()


def test_a_total_among_those_that_fulfil_a_condition():
    G = cells(60)
    G.kind = "i % 3"
    counts = connected(G, condition="kind_pre == 1", total=300, multapses=True)
    assert counts.sum() == 300 and not counts[np.arange(60) % 3 != 1].any()
    counts = connected(G, condition="abs(i - j) < 3", total=100)
    i, j = np.nonzero(counts)
    assert counts.sum() == 100 == len(i) and (np.abs(i - j) < 3).all()
    counts = connected(G[:20], G[10:40], condition="i < 5", total=149, autapses=False)
    assert counts.sum() == 149 and counts.max() == 1
    S = eq.Synapses(G[:20], G[10:40])
    S.connect(total=590, autapses=False)
    assert len(S) == 590 and not np.any(S.i[:] == S.j[:] + 10)


def test_a_total_does_not_repeat_earlier_pairs_without_multapses():
    G = cells(10)
    S = eq.Synapses(G, G)
    S.connect(p=0.5)
    S.connect(total=100 - len(S), multapses=False)
    assert sorted(zip(S.i[:], S.j[:])) == [(i, j) for i in range(10) for j in range(10)]


def test_a_total_as_a_string_and_in_parts_of_any_size(monkeypatch):
    eq.seed(3)
    whole = connected(cells(40), total="N_pre*N_post//2", multapses=True), connected(cells(40), total=700)
    monkeypatch.setattr(total, "AT_ONCE", 37)
    eq.seed(3)
    parts = connected(cells(40), total="N_pre*N_post//2", multapses=True), connected(cells(40), total=700)
    assert np.array_equal(whole[0], parts[0]) and np.array_equal(whole[1], parts[1]) and whole[0].sum() == 800


@pytest.mark.parametrize(
    "how, error, message",
    [
        (dict(total=17), EqsnnError, r"total=17, but there are 16 pairs to choose from \(multapses=True"),
        (dict(total=-1), EqsnnError, "total cannot be negative; got -1"),
        (dict(total=2.5), EqsnnError, "total is an integer, the number of synapses in all, or a string; got 2.5"),
        (dict(total=3, in_degree=1), EqsnnError, "give in_degree= or total=, not both"),
        (dict(total=3, p=0.5), EqsnnError, "total= chooses the pairs itself"),
        (dict(total=3, i=[1], j=[1]), EqsnnError, "total= chooses the pairs itself"),
        (dict(total="i + 1"), EquationError, "total= reads 'i'"),
        (dict(total=3, condition="False", multapses=True), None, None),
        (dict(total=3, condition="i > 10", multapses=True), EqsnnError, "total=3, but there are 0 pairs"),
    ],
)
def test_what_a_total_cannot_be(how, error, message):
    if error is None:
        assert connected(cells(4), **how).sum() == 0
        return
    with pytest.raises(error, match=message):
        connected(cells(4), **how)
    if "choose from" in message:
        assert connected(cells(4), **how, skip_if_invalid=True).sum() == 16


# -- delays ------------------------------------------------------------------------------------------------------------------------


def test_delays_of_many_synapses_are_kept_in_two_bytes_to_a_thousandth_of_a_step(monkeypatch):
    monkeypatch.setattr(delays, "EXACT_UP_TO", 100)
    given = np.random.default_rng(1).uniform(0, 6e-3, 1000)
    held = with_values(np.zeros(1), 1000, 1e-4, None, given)
    assert isinstance(held, SteppedDelays) and held.parts.dtype == np.uint16
    assert np.abs(seconds_of(held) - given).max() <= 1e-4 / 2048 * 1.0001
    whole = np.arange(1000) % 60 * 1e-4
    assert np.array_equal(seconds_of(with_values(held, 1000, 1e-4, None, whole)), whole)
    assert one_of(with_values(held, 1000, 1e-4, None, np.full(1000, 2e-3))) == 2e-3


def test_long_delays_are_kept_less_finely_and_longer_ones_in_full(monkeypatch):
    monkeypatch.setattr(delays, "EXACT_UP_TO", 10)
    given = np.linspace(0, 1, 1000)
    held = with_values(np.zeros(1), 1000, 1e-4, None, given)
    assert isinstance(held, SteppedDelays) and held.fineness == 2
    assert np.abs(seconds_of(held) - given).max() <= 1e-4 / 4
    longer = with_values(held, 1000, 1e-4, np.array([3]), np.array([100.0]))
    assert longer[3] == 100 and np.array_equal(np.delete(longer, 3), np.delete(seconds_of(held), 3))


def test_steps_are_those_of_the_seconds(monkeypatch):
    monkeypatch.setattr(delays, "EXACT_UP_TO", 10)
    held = with_values(np.zeros(1), 1000, 1e-4, None, np.random.default_rng(1).uniform(0, 5e-3, 1000))
    for dt in (1e-4, 5e-5, 3e-4):
        assert np.array_equal(steps_in_part(held, dt, slice(None)), np.floor(seconds_of(held) / dt + 0.5))


def test_what_was_taken_for_a_run_is_not_changed_by_a_later_assignment(monkeypatch):
    monkeypatch.setattr(delays, "EXACT_UP_TO", 10)
    held = with_values(np.zeros(1), 100, 1e-4, None, np.arange(100) * 1e-4)
    held.frozen = True
    other = with_values(held, 100, 1e-4, np.array([5]), np.array([0.0]))
    assert seconds_of(held)[5] == 5e-4 and seconds_of(other)[5] == 0


# -- synapses arranged as they are read --------------------------------------------------------------------------------------------


def history(backend: str, threads: int, arrange: bool, monkeypatch, exact: bool = True) -> tuple:
    """Spikes of a network whose synapses are changed between its runs; along the way, what a user sees of them is compared."""
    eq.settings.backend, eq.settings.threads, eq.settings.synapses_per_block = backend, threads, 1000
    if not exact:
        monkeypatch.setattr(delays, "EXACT_UP_TO", 100)
    if not arrange:
        monkeypatch.setattr("eqsnn.runtime.arranged_rows.may_be_arranged", lambda plan, o: False)
    eq.seed(5)
    G = cells(300)
    S = eq.Synapses(G, G, "w : 1", on_pre="v_post += w", dtype={"w": np.float32})
    S.connect(total=9000, multapses=True)
    S.w = "0.02*randn()*(1 + 0.001*i) - 0.01"
    S.delay = "rand()*3*ms"
    M = eq.SpikeMonitor(G)
    net = eq.Network(G, S, M)
    w, j, delay = S.w[:].copy(), S.j[:].copy(), np.asarray(S.delay[:])
    net.run(30 * ms)
    some = np.array([5, 3, 8000, 17, 8999])
    assert (S.ends.order is not None) == arrange
    assert np.array_equal(S.w[:], w) and np.array_equal(S.j[:], j) and np.array_equal(np.asarray(S.delay[:]), delay)
    assert np.array_equal(S.w[some], w[some]) and np.array_equal(S.j[some], j[some])
    assert np.array_equal(S.w["i == 7 and j > 100"], w[(S.i[:] == 7) & (j > 100)])
    assert np.array_equal(S.N_incoming_post, np.bincount(j, minlength=300))
    net.store()
    S.w[10:50] = 0.1
    w[10:50] = 0.1
    assert np.array_equal(S.w[:], w)
    net.run(20 * ms)
    S.delay = "rand()*5*ms"
    net.run(20 * ms)
    S.connect(total=100)
    assert np.array_equal(S.w[:9000], w) and not S.w[9000:].any()
    net.run(20 * ms)
    S.delay = 1 * ms
    net.run(20 * ms)
    first = np.asarray(M.i), np.asarray(M.t)
    net.restore()
    assert np.array_equal(np.asarray(S.delay[:]), delay) and np.array_equal(S.j[:], j)
    net.run(20 * ms)
    return (*first, np.asarray(M.i), np.asarray(M.t))


def test_arranged_or_not_backend_and_threads_make_no_difference(monkeypatch):
    with monkeypatch.context() as m:
        expected = history("numpy", 1, False, m)
    assert len(expected[0]) > 500
    for backend, threads in (("numpy", 1), ("c", 1), ("c", 2), ("cython", 3), ("c", 5)):
        with monkeypatch.context() as m:
            found = history(backend, threads, True, m)
        assert all(np.array_equal(a, b) for a, b in zip(expected, found)), (backend, threads)


def test_arranged_or_not_with_delays_in_two_bytes(monkeypatch):
    with monkeypatch.context() as m:
        expected = history("numpy", 1, False, m, exact=False)
    for backend, threads in (("c", 1), ("c", 2), ("c", 3)):
        with monkeypatch.context() as m:
            found = history(backend, threads, True, m, exact=False)
        assert all(np.array_equal(a, b) for a, b in zip(expected, found)), (backend, threads)


def test_one_delay_and_several_threads(monkeypatch):
    def run(threads: int) -> np.ndarray:
        eq.settings.backend, eq.settings.threads, eq.settings.synapses_per_block = "c", threads, 1000
        eq.seed(2)
        G = cells(200)
        S = eq.Synapses(G, G, "w : 1", on_pre="v_post += w", delay=1 * ms)
        S.connect(p=0.3)
        S.w = "0.05*rand()"
        w = S.w[:].copy()
        M = eq.SpikeMonitor(G)
        net = eq.Network(G, S, M)
        net.run(30 * ms)
        eq.settings.threads = 3 - threads
        net.run(30 * ms)
        assert np.array_equal(S.w[:], w) and (S.ends.order is not None) == (threads == 1)
        return np.asarray(M.i)

    assert np.array_equal(run(1), run(2))


def test_what_others_read_stays_in_order_of_creation():
    """A monitor of the weights, a second pathway, a regular operation or a network operation: nothing is moved."""

    def arranged(*more, model="w : 1", **options) -> bool:
        G = cells(50)
        S = eq.Synapses(G, G, model, on_pre="v_post += w", **options)
        S.connect(p=0.5)
        S.w = "0.001*i"
        S.pre.delay = "rand()*2*ms"
        extra = [make(S) for make in more]
        eq.Network(G, S, *extra).run(3 * ms)
        if extra and isinstance(extra[0], eq.StateMonitor):
            assert np.array_equal(np.asarray(extra[0].w)[:, -1], S.w[:])
        return S.ends.order is not None

    assert arranged()
    assert not arranged(lambda S: eq.StateMonitor(S, "w", record=True))
    assert not arranged(on_post="w += 0.001")
    assert not arranged(lambda S: S.run_regularly("w *= 0.5", dt=1 * ms))
    assert not arranged(lambda S: eq.NetworkOperation(lambda: None))
    assert not arranged(model="dw/dt = -w/(10*ms) : 1 (clock-driven)", method="exact")


@pytest.fixture
def heeds_ctrl_c():
    """Also where the tests were started in the background, by a shell that lets them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_leaves_no_synapse_with_the_weight_of_another(monkeypatch, heeds_ctrl_c):
    monkeypatch.setattr(arrangement, "AT_ONCE", 100)
    keys, calls = arrangement.Arrangement.keys, []

    def keys_and_ctrl_c(self, lo, hi):
        calls.append(lo)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return keys(self, lo, hi)

    G = cells(50)
    S = eq.Synapses(G, G, "w : 1", on_pre="v_post += w")
    S.connect(p=0.5)
    S.w = "0.001*i + j"
    S.delay = "rand()*2*ms"
    network = eq.Network(G, S)
    with monkeypatch.context() as m:
        m.setattr(arrangement.Arrangement, "keys", keys_and_ctrl_c)
        with pytest.raises(KeyboardInterrupt):
            network.run(1 * ms)
    assert len(calls) > 3 and np.array_equal(S.w[:], 0.001 * S.i[:] + S.j[:])
    network.run(1 * ms)
    assert np.array_equal(S.w[:], 0.001 * S.i[:] + S.j[:])


def test_a_synapse_without_variables_is_no_more_than_its_target_and_its_delay():
    """Structurally: targets and delays in 16 bits each, and what a segment needs; nothing else is as long as the synapses."""
    G = cells(2000)
    S = eq.Synapses(G, G, "w : 1 (dtype=float16)", on_pre="v_post += w")
    S.connect(total=1_200_000, multapses=True)
    S.delay = "rand()*1*ms"
    eq.Network(G, S).run(0.1 * ms)
    (rows,) = S.__dict__["_arranged"][1]
    assert rows.far is S.ends.lying and rows.synapse is None and rows.far.dtype == np.uint16
    assert S.pathways["pre"].held.parts.nbytes == 2 * len(S) and S.arrays["w"].nbytes == 2 * len(S)
    assert S.ends.rows is not None and S.ends.order.block is None


# -- expressions in parts ----------------------------------------------------------------------------------------------------------


def test_an_expression_in_parts_has_the_values_of_the_whole(monkeypatch):
    def values(at_once: int) -> list[np.ndarray]:
        monkeypatch.setattr(in_parts, "AT_ONCE", at_once)
        eq.seed(1)
        G = cells(100)
        S = eq.Synapses(G, G, "w : 1\nu : 1\ns = 2*w : 1", on_pre="v_post += w", dtype={"w": np.float32})
        S.connect(p=0.5)
        S.w = "0.02*randn()*(1 + 0.001*i) - 0.01*v_post + v_pre*rand() + N_incoming*j"
        S.u = "w*2 + s"
        S.delay = "rand()*3*ms"
        S.w += 1
        return [np.asarray(S.state(n)[:]) for n in ("w", "u", "delay")]

    whole = values(1 << 21)
    assert np.ptp(whole[0]) > 1 and all(np.array_equal(a, b) for a, b in zip(whole, values(701)))


def test_one_value_for_all_stays_one(monkeypatch):
    monkeypatch.setattr(in_parts, "AT_ONCE", 10)
    S = eq.Synapses(cells(20), None, "w : 1", on_pre="v_post += w")
    S.connect(p=0.5)
    S.w, S.delay = "0.5", "2*ms"
    assert np.all(S.w[:] == 0.5) and S.pathways["pre"].held.size == 1 and S.pathways["pre"].one_delay() == 2e-3


def test_synapses_lie_in_one_of_two_orders_and_trials_keep_it():
    """Read by source alone, as the engine goes through them; by target as well, by target. Trials have the order of their own beginning."""
    eq.seed(3)
    G, H = cells(60), cells(30)
    by_source = eq.Synapses(G, H, "w : 1", on_pre="v_post += w", dtype={"w": np.float32})
    by_both = eq.Synapses(G, H, "w : 1", on_pre="v_post += w", on_post="w += 0.001*v_pre")
    for S in (by_source, by_both):
        S.connect(p=0.5)
        S.w = "0.02*rand()"
    by_source.delay = "rand()*3*ms"
    net = eq.Network(G, H, by_source, by_both)
    before = eq.Trials(net, [0])
    net.run(10 * ms)
    assert isinstance(by_source.ends.order, Arrangement) and isinstance(by_both.ends.order, Permutation)
    before.run(10 * ms)
    kept = [np.array(S.w[:]) for S in (by_source, by_both)]
    after = eq.Trials(net, [0])
    net.run(10 * ms)
    for trials in (before, after):
        trials.run(10 * ms)
        with trials[0]:
            for S in (by_source, by_both):
                i = np.arange(len(S))[::3]
                assert np.array_equal(S.w[i], S.w[:][i]) and np.array_equal(S.j[i], S.j[:][i])
            found = [np.array(x) for x in (G.v[:], H.v[:], by_source.w[:], by_both.w[:], by_both.j[:])]
        now = (G.v[:], H.v[:], by_source.w[:], by_both.w[:], by_both.j[:])
        assert all(np.array_equal(a, b) for a, b in zip(found, now))
    assert np.array_equal(by_source.w[:], kept[0]) and not np.array_equal(by_both.w[:], kept[1])


LONG = """
import resource, sys
import numpy as np, eqsnn as eq
eq.settings.backend = "c"
G = eq.NeuronGroup(1000, "dv/dt = (1.5 - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact", namespace={"ms": eq.ms})
M = eq.StateMonitor(G, "v", file=sys.argv[1])
network = eq.Network(G, M)
network.run(100 * eq.ms)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
network.run(3900 * eq.ms)
print(M.N, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(os.name != "posix", reason="this system does not tell the peak of a process's memory")
def test_forty_million_samples_in_a_file_need_no_memory(tmp_path):
    command = [sys.executable, "-c", LONG, str(tmp_path / "long.npy")]
    rows, kilobytes = map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert rows == 40_000 and kilobytes < 8_000
    assert np.load(tmp_path / "long.npy", mmap_mode="r").shape == (40_000, 1000)
