"""Exact integration of coupled equations of synapses whose coefficients are parameters of the neurons at their ends."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms


@pytest.fixture(autouse=True, params=["c", "numpy"])
def backend(request):
    eq.settings.backend = request.param


EQUATIONS = "dx/dt = (y - x)/tau_post : 1 (clock-driven)\ndy/dt = -y/(5*ms) : 1 (clock-driven)"


def ring(neurons="tau : second", method=None, **options):
    G = eq.NeuronGroup(2, neurons, method="euler", **options)
    if "tau" in neurons:
        G.tau = [2, 3] * ms
    S = eq.Synapses(G, G, EQUATIONS, method=method)
    S.connect(i=[0, 1], j=[1, 0])
    S.x, S.y = 1, 0.5
    return G, S


def solution(tau, t, x=1.0, y=0.5):
    """x(t) of x' = (y - x)/tau, y' = -y/5, times in ms."""
    a, b = 1 / tau, 1 / 5
    return x * np.exp(-a * t) + y * a * (np.exp(-b * t) - np.exp(-a * t)) / (a - b)


def test_a_parameter_of_the_target_that_nothing_writes_rests():
    G, S = ring()
    network = eq.Network(G, S)
    network.run(2 * ms)
    np.testing.assert_allclose(S.x, [solution(3, 2), solution(2, 2)], rtol=1e-12)
    x, y = S.x[:], S.y[:]
    G.tau = [4, 1] * ms
    network.run(1 * ms)
    np.testing.assert_allclose(S.x, [solution(1, 1, x[0], y[0]), solution(4, 1, x[1], y[1])], rtol=1e-12)


@pytest.mark.parametrize(
    "neurons, options",
    [
        ("tau : second\nk : 1", dict(threshold="k > 1", reset="tau *= 2")),
        ("dtau/dt = 0.1 : second", {}),
        ("w : 1\ntau = w*ms : second\ndw2/dt = -w2/ms : 1", dict(threshold="w > 1", reset="w = 2")),
    ],
)
def test_a_coefficient_that_changes_is_refused(neurons, options):
    if "tau :" not in neurons:
        G = eq.NeuronGroup(2, neurons, method="euler", **options)
        S = eq.Synapses(G, G, EQUATIONS, method="exact")
        S.connect(j="i")
    else:
        G, S = ring(neurons, "exact", **options)
    with pytest.raises(
        eq.EquationError, match="the coefficients of the equation of 'x' depend on '(tau|w)_post', which changes"
    ):
        eq.Network(G, S).run(0.1 * ms)


def test_an_operation_in_python_may_write_any_parameter():
    G, S = ring(method="exact")
    with pytest.raises(eq.EquationError, match="depend on 'tau_post', which changes during the run"):
        eq.Network(G, S, eq.NetworkOperation(lambda: None)).run(0.1 * ms)
