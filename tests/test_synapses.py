"""What synapses may say about each other, their delays, and what they do before and after connect()."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms


@pytest.fixture(autouse=True)
def backend():
    eq.settings.backend = "c"


@pytest.mark.parametrize(
    ("model", "part"), [("I_post = J_pre : 1 (summed)", "J_pre"), ("z = 2*I : 1\nI_post = z : 1 (summed)", "z")]
)
def test_a_sum_does_not_read_what_it_adds_up(model, part):
    """Each synapse would read another part of the sum, and which part would depend on the order."""
    G = eq.NeuronGroup(3, "I : 1\nJ = 2*I : 1", threshold="I > 1")
    with pytest.raises(eq.EquationError, match="'I_post' sums into 'I', and reads it") as error:
        eq.Synapses(G, G[1:], model)
    assert f"I_post = {part}" in str(error.value)
    H = eq.NeuronGroup(3, "I : 1\nJ = 2*I : 1", threshold="I > 1")
    if "pre" in part:
        eq.Synapses(G, H, model)


def test_a_pathway_has_its_delay_by_its_name():
    G = eq.NeuronGroup(3, "v : 1", threshold="v > 1")
    S = eq.Synapses(G, G, "w : 1", on_pre="v += w", on_post={"up": "w += 1", "down": "w -= 1"}, delay={"down": 2 * ms})
    S.connect()
    S.pre.delay = "i*ms"
    S.pre.delay += 1 * ms
    S.up.delay[1:, 2] = 5 * ms
    np.testing.assert_allclose(S.delay / ms, [1, 1, 1, 2, 2, 2, 3, 3, 3])
    np.testing.assert_allclose(S.up.delay / ms, [0, 0, 0, 0, 0, 5, 0, 0, 5])
    assert np.all(S.down.delay == 2 * ms)
    assert repr(S.up) == f"<pathway 'up' of '{S.name}': at spikes of the target, w += 1>"
    with pytest.raises(AttributeError, match="has no pathway 'post'; it has pre, up, down"):
        S.post  # noqa: B018


def test_a_number_drawn_once_a_step_is_the_same_for_all_who_read_it():
    G = eq.NeuronGroup(50, "x = rand() : 1 (constant over dt)\ndu/dt = x/ms : 1\ndv/dt = -x/ms : 1", method="euler")
    P = eq.PoissonGroup(50, "rand()*2000*Hz")
    V, R = eq.StateMonitor(G, ["x", "u", "v"], record=True), eq.StateMonitor(P, "rates", record=True)
    eq.Network(G, P, V, R).run(3 * ms)
    np.testing.assert_array_equal(V.u, -V.v)
    np.testing.assert_allclose(np.diff(V.u), 0.1 * V.x[:, :-1], atol=1e-12)
    assert len(np.unique(V.x)) == V.x.size and np.mean(R.rates / eq.Hz) == pytest.approx(1000, rel=0.1)
    with pytest.raises(eq.EqsnnError, match="it is computed at the start of each step"):
        G.x = 1
