"""What scripts for Brian 2 rely on and a reader of its documentation would not look for: each with the reason why it matters."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import brian
from eqsnn.brian import Hz, ms, mV, second


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_an_integer_variable_holds_a_sum_of_integers(backend):
    eq.settings.backend = backend
    G = brian.NeuronGroup(3, "n : integer\nx : 1")
    S = brian.Synapses(G, G, "k : integer\nn_post = k + i : integer (summed)\nx_post = k : integer (summed)")
    S.connect()
    S.k = "10*j"
    brian.run(0.1 * ms)
    assert list(G.n) == [3, 33, 63] and list(G.x) == [0, 30, 60]


def test_an_integer_variable_holds_no_sum_of_floats():
    G = brian.NeuronGroup(3, "n : integer\nb : boolean")
    with pytest.raises(eq.EquationError, match="'n' of the target group is integer and cannot hold this sum"):
        brian.Synapses(G, G, "k : 1\nn_post = k : 1 (summed)")
    with pytest.raises(eq.EquationError, match="'b' of the target group is boolean and cannot hold this sum"):
        brian.Synapses(G, G, "k : boolean\nb_post = k : boolean (summed)")


def test_without_a_method_a_variable_without_a_fixed_point_makes_the_system_euler():
    """Brian 2 finds no solution of A x = b there, and takes Euler for all variables of the group."""
    G = brian.NeuronGroup(1, "dv/dt = rate : 1\nrate : Hz\ndA/dt = -A/(1*ms) : 1")
    H = brian.NeuronGroup(1, "dv/dt = (rate - v)/(1*ms) : 1\nrate : 1\ndA/dt = (v - A)/(1*ms) : 1")
    K = brian.NeuronGroup(1, "dv/dt = 1/ms : 1\ndA/dt = -A/(1*ms) : 1", method="exact")
    G.A = K.A = 1
    H.v = 1
    net = brian.Network(G, H, K)
    net.run(0.1 * ms)
    assert G.A[0] == pytest.approx(0.9, rel=1e-14)
    assert K.A[0] == H.v[0] == pytest.approx(np.exp(-0.1), rel=1e-14)
    assert "'v' has no single fixed point" in net.messages[0]
