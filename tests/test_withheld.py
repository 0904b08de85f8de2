"""What arrives at refractory neurons is put back after a pathway through which much arrives: the same bits as if it had not been let in."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms
from eqsnn.kernel.withheld import withheld

MODEL = """dv/dt = (1.1 + 0.01*i/40 - v)/(5*ms) : 1 (unless refractory)
du/dt = -u/(7*ms) : 1 (unless refractory)
x : 1"""


def network(on_pre="v_post += 0.02", dtype=None, n=40, p=0.8, target=slice(None), model="", on_post=None):
    eq.start_scope()
    eq.seed(4)
    G = eq.NeuronGroup(
        n, MODEL, threshold="v > 1", reset="v = 0\nu += 0.3", refractory=2 * ms, method="exact", dtype=dtype, name="g*"
    )
    G.v = "rand()"
    S = eq.Synapses(G, G[target], model, on_pre=on_pre, on_post=on_post, delay=0.5 * ms, name="s*")
    S.connect(p=p)
    M = eq.SpikeMonitor(G)
    return eq.Network(G, S, M), G, M


def kernel_of(net):
    return next(op.kernel for op in net._last.plan.ops if op.label == "pathway pre")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ("v_post",)),
        ({"on_pre": "u_post += 0.01*x_pre + 0.003\nv_post += 0.02"}, ("u_post", "v_post")),
        ({"on_pre": "u_post += 0.01\nv_post += 0.02", "dtype": {"u": np.float32}}, ("u_post", "v_post")),
        ({"on_pre": "v_post += 0.02*int(not_refractory_post)"}, ("v_post",)),
        ({"target": slice(7, 31)}, ("v_post",)),
        ({"on_pre": "v_post += 0.02\nx_post += 1"}, None),  # x arrives in any case
        ({"on_pre": "x_post += 0.02"}, None),  # and here there is no guard
        (
            {"on_pre": "v_post += 0.02*w\nw = clip(w + 0.001*x_post, 0, 1)", "model": "w : 1"},
            None,
        ),  # the synapse is not at rest
        ({"on_pre": "v_post += 0.02*w\nw = clip(w + 0.001, 0, 1)", "model": "w : 1"}, ("v_post",)),  # w is the source's
        ({"on_pre": "v_post += 0.02*v_pre"}, None),  # v_pre may be that of a neuron that is to be put back
    ],
)
def test_the_bits_are_those_of_the_guard_at_each_synapse(options, expected):
    outcomes = []
    for backend, threads in (("numpy", 1), ("c", 1), ("c", 3)):
        eq.settings.backend, eq.settings.threads, eq.settings.synapses_per_block = backend, threads, 50
        net, G, M = network(**options)
        G.x = "0.1*i"
        net.run(40 * ms)
        outcomes.append([np.array(M.i), np.array(M.t_), G.v[:], G.u[:], G.x[:]])
        back = withheld(kernel_of(net))
        assert (back and back.buffers) == expected
    assert len(outcomes[0][0]) > 100
    for other in outcomes[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(outcomes[0], other))


def test_few_and_many_arrivals():
    """A volley of one spike takes the way of the guard, one of all the other; both spare who is refractory."""
    eq.settings.backend = "c"
    for n_spikes in (1, 40):
        eq.start_scope()
        source = eq.SpikeGeneratorGroup(40, range(n_spikes), np.zeros(n_spikes) * ms)
        G = eq.NeuronGroup(
            20, "dv/dt = 0/second : 1 (unless refractory)", threshold="False", refractory=5 * ms, method="euler"
        )
        G.lastspike = "int(i % 2)*-1*second"  # those with an even number have just spiked
        S = eq.Synapses(source, G, on_pre="v_post += 0.5")
        S.connect()
        eq.Network(source, G, S).run(0.1 * ms)
        expected = np.where(np.arange(20) % 2 == 0, 0, 0.5 * n_spikes)
        assert np.array_equal(G.v[:], expected)
