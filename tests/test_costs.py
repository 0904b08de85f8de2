"""What a profile says of each kernel: numbers that can be counted by hand, the same on every engine; and a machine that is one."""

import math

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms
from eqsnn.runtime.costs import Arithmetic, KernelCost
from eqsnn.runtime.machine import Machine, machine


def network(delays=False):
    G = eq.NeuronGroup(100, "dv/dt = -v/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact", name="G")
    K = eq.SpikeGeneratorGroup(10, [0, 1, 1], [0.1, 0.2, 0.5] * ms, name="K")
    S = eq.Synapses(K, G, "w : 1", on_pre="v_post += w", name="S")
    S.connect()
    S.w = 0.001
    if delays:
        S.delay = "(j % 3)*0.1*ms"
    M = eq.SpikeMonitor(K, name="M")
    Q = eq.StateMonitor(G, "v", record=range(7), name="Q")
    return eq.Network(G, K, S, M, Q)


def test_a_step_reads_nothing_of_when_neurons_that_may_rest_have_spiked():
    eq.settings.backend = "c"
    G = eq.NeuronGroup(
        100,
        "dv/dt = (2 - v)/(10*ms) : 1 (unless refractory)",
        threshold="v > 1",
        reset="v = 0",
        refractory=2 * ms,
        method="exact",
    )
    net = eq.Network(G)
    net.run(20 * ms, profile=True)
    cost = next(c for c in net.kernel_costs if c.name == f"{G.name}_stateupdater")
    assert cost.events == 200 and cost.bytes == 200 * 100 * 16 + 200 * 4


@pytest.mark.parametrize("backend", ["c", "cython", "numpy"])
@pytest.mark.parametrize("delays", [False, True])
def test_counts_and_bytes_are_those_by_hand(backend, delays):
    eq.settings.backend = backend
    net = network(delays)
    net.run(1 * ms)
    net.run(1 * ms, profile=True)
    again = {c.name: c for c in net.kernel_costs}
    assert again["S_pre"].items == again["S_pre"].events == 0  # all spikes came in the first run
    net = network(delays)
    net.run(2 * ms, profile=True)
    costs = {c.name: c for c in net.kernel_costs}
    step, pathway, record, states = (costs[n] for n in ("G_stateupdater", "S_pre", "M", "Q"))
    assert (step.runs, step.items, step.bytes) == (20, 2000, 2000 * 16)
    assert step.size == 800
    segments = 3 if delays else 1
    assert (pathway.runs, pathway.events, pathway.items) == (20, 3 * segments, 300)
    # a synapse: its target (2 bytes), its weight (8), v read and written (16); a row or segment: its number, where it begins and ends
    assert pathway.bytes == 300 * (2 + 8 + 16) + 3 * segments * (4 + 16)  # synapses with delays lie as they are read
    assert pathway.targets == 800 and pathway.arrivals == 300
    assert (record.items, record.bytes) == (3, 3 * (4 + 4 + 8))
    assert (states.items, states.bytes) == (140, 140 * 16)
    assert [c.seconds for c in net.kernel_costs] == sorted((c.seconds for c in net.kernel_costs), reverse=True)


def test_arithmetic_of_an_item():
    eq.settings.backend = "c"
    G = eq.NeuronGroup(50, "x : 1\ny : 1", name="G")
    G.y = 1
    G.run_regularly("x = exp(-x)/y + rand()", name="r")
    net = eq.Network(G)
    net.run(1 * ms, profile=True)
    (cost,) = (c for c in net.kernel_costs if c.name == "r")
    assert cost.items == 500 and cost.bytes == 500 * 24
    assert (cost.arithmetic.exp, cost.arithmetic.division, cost.arithmetic.uniform) == (500, 500, 500)
    assert 500 <= cost.arithmetic.simple <= 1500


def test_arrivals_that_are_counted():
    eq.settings.backend = "c"
    G = eq.NeuronGroup(640, "v : 1", threshold="True", reset="", name="G")
    S = eq.Synapses(G, G, on_pre="v_post += 1", name="S")
    S.connect(p=0.2)
    net = eq.Network(G, S)
    net.run(1 * ms, profile=True)
    cost = next(c for c in net.kernel_costs if c.name == "S_pre")
    assert cost.items == 10 * len(S) and cost.arrivals == 0
    # rows of bits, or of 16-bit targets with counts that are read and written; then every neuron once
    every = 10 * 640 * (16 + 2) + 6400 * (4 + 16)
    assert cost.bytes - every == pytest.approx(6400 * 640 / 8, rel=0.01) or cost.bytes - every == cost.items * (2 + 4)


def test_functions_of_the_user_have_no_limit():
    eq.settings.backend = "numpy"
    twice = eq.Function(lambda x: 2 * x, arg_units=[1], return_unit=1, name="twice")
    G = eq.NeuronGroup(5, "dv/dt = -twice(v)/ms : 1", method="euler", name="G", namespace={"twice": twice})
    net = eq.Network(G)
    net.run(1 * ms, profile=True)
    assert math.isnan(net.kernel_costs[0].limit) and math.isnan(net.kernel_costs[0].left)
    assert " - " in str(eq.kernel_summary(net)).splitlines()[2] + " "


FIGURES = Machine({1 << 14: 100e9, 1 << 28: 10e9}, {1 << 14: 1e-9, 1 << 28: 5e-9}, 1e-10, 1e-9, 2e-9, 4e-9)


def cost(**given):
    known = dict(name="G", kind="map", seconds=1.0, runs=1, events=0, items=1, bytes=0.0, size=1 << 14)
    known |= dict(arithmetic=Arithmetic(), arrivals=0, targets=0, bounded=True, cores=1)
    return KernelCost(**{**known, **given})


def test_the_limit_is_the_tightest_of_three(monkeypatch):
    monkeypatch.setattr("eqsnn.runtime.costs.machine", lambda: FIGURES)
    assert cost(bytes=50e9).limit == pytest.approx(0.5) and cost(bytes=50e9).left == pytest.approx(0.5)
    assert cost(bytes=5e9, size=1 << 30).limit == pytest.approx(0.5)
    assert cost(bytes=1e9, size=1 << 21).limit == pytest.approx(1 / 55)  # half way, on the scale of sizes
    assert cost(arithmetic=Arithmetic(1e9, 1e8, 1e8, 1e8)).limit == pytest.approx(0.1 + 0.1 + 0.2 + 0.4)
    assert cost(arrivals=10**8, targets=1 << 14, bytes=1.0).limit == pytest.approx(0.1)
    assert cost(bytes=50e9, cores=2).limit == pytest.approx(0.25)
    assert math.isnan(cost().left) and cost(bytes=500e9).left == 0


def test_the_machine_is_one():
    found = machine()
    assert found is machine()
    assert all(1e8 < b < 1e13 for b in found.bandwidth.values())
    assert all(1e-11 < s < 1e-6 for s in found.scatter.values())
    assert 1e-12 < found.simple < found.exp < 1e-6 and found.simple < found.division < 1e-6
    assert found.simple < found.uniform < 1e-6


def test_the_summary():
    eq.settings.backend = "c"
    net = network()
    with pytest.raises(eq.EqsnnError, match="there is no profile"):
        eq.kernel_summary(net)
    net.run(2 * ms, profile=True)
    text = str(eq.kernel_summary(net)).splitlines()
    assert [c.strip() for c in text[0].split(" | ")] == [
        "operation",
        "time",
        "share",
        "ns/item",
        "items/s",
        "events/s",
        "bytes",
        "GB/s",
        "of memory",
        "left",
    ]
    assert text[-1].startswith("one core of this machine: ") and len(text) == 3 + len(net.kernel_costs)
    assert len(eq.kernel_summary(net, show=2).costs) == 2
    assert eq.kernel_summary(net)._repr_html_().startswith("<table>")
    for wrong in (0, True, 1.5):
        with pytest.raises(eq.EqsnnError, match="show= is the number of operations"):
            eq.kernel_summary(net, show=wrong)
    with pytest.raises(eq.EqsnnError, match="kernel_summary\\(\\) takes a network"):
        eq.kernel_summary(3)


def test_a_profile_holds_no_objects():
    eq.settings.backend = "c"
    net = network()
    net.run(1 * ms, profile=True)
    held = [value for c in net.kernel_costs for value in vars(c).values()]
    assert all(isinstance(value, (str, int, float, bool, Arithmetic)) for value in held)


def test_threads_share_the_limit():
    eq.settings.backend, eq.settings.threads, eq.settings.neurons_per_block = "c", 2, 10
    G = eq.NeuronGroup(100, "dv/dt = -v/(10*ms) : 1", method="exact", name="G")
    net = eq.Network(G)
    net.run(1 * ms, profile=True)
    assert net.kernel_costs[0].cores == 2 and np.isfinite(net.kernel_costs[0].limit)


def test_the_command_that_measures(capsys):
    from eqsnn.cli.main import main

    eq.settings.backend = "c"
    assert main(["bench", "--short"]) == 0
    out = capsys.readouterr().out
    for name in ("CUBA", "COBAHH", "Brunel, 1:10", "STDP"):
        (row,) = (line for line in out.splitlines() if line.startswith(f"{name} "))
        cells = [c.strip() for c in row.split("|")]
        assert int(cells[3].replace(",", "")) > 0 and float(cells[5]) > 0 and float(cells[6]) > 0
    assert "GB/s" in out and "ns on two" in out
    assert eq.settings.threads == 1
