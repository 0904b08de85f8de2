"""How many threads work, and how they share a step: by the model alone, and without a change of any bit."""

import os

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import Hz, ms
from eqsnn.runtime import team as rule
from eqsnn.runtime.conflicts import in_chains, meetings
from eqsnn.runtime.processors import processors, quota


def populations(sizes=(90, 70, 50, 30), delays="rand()*2*ms"):
    """Populations that all reach each other, with weights and delays of their own, Poisson input and monitors."""
    eq.seed(5)
    groups, parts = [], []
    for k, n in enumerate(sizes):
        G = eq.NeuronGroup(
            n,
            "dv/dt = (0.9 - v)/(10*ms) + x/(5*ms) : 1 (unless refractory)\ndx/dt = -x/(2*ms) : 1",
            threshold="v > 1",
            reset="v = 0",
            refractory=1 * ms,
            method="exact",
            name=f"G{k}",
        )
        G.v = "rand()"
        groups.append(G)
        parts += [G, eq.PoissonInput(G, "x", 10, 60 * Hz, 0.05, name=f"input{k}"), eq.SpikeMonitor(G, name=f"M{k}")]
    for a in groups:
        for b in groups:
            S = eq.Synapses(a, b, "w : 1", on_pre="x_post += w", name=f"S_{b.name}_{a.name}")
            S.connect(p=0.3)
            S.w, S.delay = "0.05*randn()", delays
            parts.append(S)
    return eq.Network(parts), groups


def outcome(net, groups):
    monitors = [np.array(getattr(net[f"M{k}"], x)) for k in range(len(groups)) for x in ("i", "t_")]
    return [*monitors, *(np.array(G.v) for G in groups), *(np.array(G.x) for G in groups)]


def run(threads, everyone, delays="rand()*2*ms"):
    eq.start_scope()
    eq.settings.backend, eq.settings.threads, eq.settings.all_threads = "c", threads, everyone
    eq.settings.neurons_per_block, eq.settings.synapses_per_block = 16, 32
    net, groups = populations(delays=delays)
    net.run(30 * ms)
    net.run(30 * ms)
    return outcome(net, groups)


@pytest.mark.parametrize("delays", ["rand()*2*ms", "1.5*ms"])
def test_pathways_of_many_populations_give_the_same_bits_on_several_threads(delays):
    expected = run(1, True, delays)
    assert len(expected[0]) > 50
    for threads, everyone in ((2, True), (3, True), (2, False)):
        for a, b in zip(expected, run(threads, everyone, delays)):
            assert np.array_equal(a, b), f"{threads} threads, {everyone}"


def planned(net):
    net.run(0 * ms)
    return net._last.plan.ops


def test_pathways_onto_one_population_are_a_chain_and_those_onto_another_another():
    eq.settings.backend, eq.settings.threads = "c", 2
    net, _ = populations()
    ops = planned(net)
    found = meetings(ops)
    pathways = [(op.owner.target.name, chain) for op, (_, _, chain) in zip(ops, found) if op.kind == "pathway"]
    assert len({chain for _, chain in pathways}) == 4 and len(set(pathways)) == 4
    assert [name for name, _ in pathways] == sorted(name for name, _ in pathways)  # G0 is the largest
    first = min(k for k, op in enumerate(ops) if op.kind == "pathway")
    inside = [after for op, (after, _, _) in zip(ops, found) if op.kind == "pathway"]
    assert max(inside) < first  # no thread waits between them


def test_pathways_that_touch_the_same_memory_keep_their_order():
    eq.settings.backend = "c"
    net, _ = populations()
    ops = planned(net)
    shuffled = in_chains(ops)
    for target in {op.owner.target.name for op in ops if op.kind == "pathway"}:
        before, after = (
            [op for op in x if op.kind == "pathway" and op.owner.target.name == target] for x in (ops, shuffled)
        )
        assert before == after
    assert [op.kind for op in ops] == [op.kind for op in shuffled]


def test_what_reads_the_target_of_another_belongs_to_its_chain():
    """One pathway reads at its source what another writes at its target: in two threads the outcome would depend on which was first."""
    eq.settings.backend, eq.settings.threads = "c", 2
    A, B, C = (eq.NeuronGroup(3, "x : 1", threshold="x >= 0", name=n) for n in "ABC")
    S = eq.Synapses(A, B, on_pre="x_post += 1", name="S")
    T = eq.Synapses(B, C, on_pre="x_post += x_pre", name="T")
    U = eq.Synapses(C, A, on_pre="x_post += 1", name="U")
    for s in (S, T, U):
        s.connect(j="i")
    net = eq.Network(A, B, C, S, T, U)
    chain = {op.owner.name: c for op, (_, _, c) in zip(planned(net), meetings(planned(net))) if op.kind == "pathway"}
    assert chain["S"] == chain["T"] != chain["U"]


def test_whole_rows_where_there_are_populations_enough_and_cut_ones_where_there_are_not():
    eq.settings.backend, eq.settings.threads, eq.settings.synapses_per_block = "c", 2, 32
    net, _ = populations((60, 60, 60, 60))
    assert {op.n_blocks for op in planned(net) if op.kind == "pathway"} == {1}
    eq.start_scope()
    net, _ = populations((200, 20))
    assert 2 in {op.n_blocks for op in planned(net) if op.kind == "pathway"}


def cuba(n):
    P = eq.NeuronGroup(
        n,
        "dv/dt = (ge + gi - v)/(20*ms) : 1 (unless refractory)\ndge/dt = -ge/(5*ms) : 1\ndgi/dt = -gi/(10*ms) : 1",
        threshold="v > 1",
        reset="v = 0",
        refractory=5 * ms,
        method="exact",
    )
    S = eq.Synapses(P, P, on_pre="ge += 0.01")
    S.connect(p=min(1.0, 80 / n))
    return eq.Network(P, S)


@pytest.mark.parametrize("n, expected", [(100, 1), (4000, 1), (12000, 2)])
def test_small_networks_stay_on_one_thread(n, expected, monkeypatch):
    monkeypatch.setattr(rule, "processors", lambda: 2)
    eq.settings.backend, eq.settings.threads, eq.settings.all_threads = "c", 2, False
    net = cuba(n)
    net.run(0 * ms)
    assert (net.team.asked, net.team.threads) == (2, expected)
    assert bool(net.team.why) == (expected == 1)
    eq.settings.all_threads = True
    net.run(0 * ms)
    assert net.team.threads == 2


def test_dear_equations_are_worth_a_thread_earlier_and_declared_rates_count():
    dear = eq.NeuronGroup(1000, f"dv/dt = ({' + '.join(f'exp(-v*{k})' for k in range(8))})/ms : 1", method="euler")
    cheap = eq.NeuronGroup(1000, "dv/dt = -v/ms : 1", method="euler")
    assert rule.cost_of_a_step([dear]) > 2 * rule.PART > rule.cost_of_a_step([cheap])

    def driven(rate):
        P = eq.PoissonGroup(100, rate * Hz)
        S = eq.Synapses(P, cheap, on_pre="v_post += 1")
        S.connect()
        return rule.cost_of_a_step([P, cheap, S])

    assert driven(1000) > 2 * rule.PART > driven(1)


def test_why_is_said_where_the_profile_is_shown(monkeypatch):
    monkeypatch.setattr(rule, "processors", lambda: 2)
    eq.settings.backend, eq.settings.threads, eq.settings.all_threads = "c", 2, False
    net = eq.Network(eq.NeuronGroup(10, "dv/dt = -v/(10*ms) : 1", method="exact"))
    with pytest.raises(eq.EqsnnError, match="no run yet"):
        _ = net.team
    net.run(1 * ms, profile=True)
    assert "on 1 of 2 threads: a step takes about" in str(eq.profiling_summary(net))
    eq.settings.threads = 1
    net.run(1 * ms, profile=True)
    assert "threads" not in str(eq.profiling_summary(net))


def test_no_more_threads_than_processors_and_it_is_said_once(monkeypatch, caplog):
    monkeypatch.setattr(rule, "processors", lambda: 2)
    eq.settings.backend, eq.settings.threads, eq.settings.all_threads = "c", 7, False
    net = cuba(40000)
    with caplog.at_level("INFO", logger="eqsnn"):
        net.run(0 * ms)
        net.run(0 * ms)
    assert net.team.threads == 2 and net.team.why == "this process may use 2 processors"
    assert caplog.text.count("7 threads were asked for, and this process may use 2 processors") == 1


def test_the_share_of_a_container_counts(tmp_path):
    def written(name, text):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    assert quota((written("none", "max 100000\n"),)) == np.inf
    assert quota((written("two", "200000 100000\n"),)) == 2
    assert quota((written("half", "50000 100000\n"),)) == 1
    assert quota((f"{written('time', '150000')} {written('period', '100000')}",)) == 2
    assert quota((str(tmp_path / "missing"),)) == np.inf
    assert 1 <= processors() <= (os.cpu_count() or 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs a way to take processors away")
def test_a_team_without_processors_goes_on_alone_and_changes_no_bit(monkeypatch):
    """Two threads on one processor wait for each other most of the time: one does it alone."""
    from eqsnn.runtime.native import NativeEngine

    runs, load = [], NativeEngine.load
    monkeypatch.setattr(NativeEngine, "load", lambda *args: runs.append(load(*args)) or runs[-1])
    monkeypatch.setattr(rule, "processors", lambda: 2)

    def spikes(threads):
        eq.start_scope()
        eq.seed(2)
        eq.settings.backend, eq.settings.threads, eq.settings.all_threads = "c", threads, False
        net = cuba(12000)
        P = next(o for o in net if isinstance(o, eq.NeuronGroup))
        P.v, P.ge = "rand()", "2*rand()"
        net.run(100 * ms)
        return [np.array(P.v), np.array(P.ge)]

    expected, allowed = spikes(1), os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        found = spikes(2)
    finally:
        os.sched_setaffinity(0, allowed)
    assert all(np.array_equal(a, b) for a, b in zip(expected, found))
    assert runs[-1]._table.n_threads == 2 and runs[-1]._table.alone > 0
