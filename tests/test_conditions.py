"""A condition is 1 or 0 wherever a number is wanted, as in Brian 2, whose documentation has ``v += w*(rand() < p)``."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms, mV

X = np.array([0.5, 1, 1.5, 2])
B = np.array([0, 1, 0, 1])


@pytest.fixture(autouse=True, params=["c", "numpy"])
def backend(request):
    eq.settings.backend = request.param


def cells(equations="", **options):
    G = eq.NeuronGroup(4, f"x : 1\nb : boolean\nn : integer\ny : 1\n{equations}", **options)
    G.x, G.b, G.n = X, B, "i"
    return G


@pytest.mark.parametrize(
    "text, expected",
    [
        ("x*b", X * B),
        ("b", B),
        ("x > 1", X > 1),
        ("(x > 1) + (x > 1.6)", [0, 0, 1, 2]),
        ("x*(1 - b)", X * (1 - B)),
        ("-(x > 1) + x", X - (X > 1)),
        ("x*(not b)", X * (1 - B)),
        ("x*(x > 1 and x < 2)", [0, 0, 1.5, 0]),
        ("abs(b) + x", X + B),
        ("clip(x > 1, 0, 1)*x", X * (X > 1)),
        ("n*b", np.arange(4) * B),
        ("x*True", X),
    ],
)
def test_in_equations_and_strings(text, expected):
    G = cells(f"q = {text} : 1\ndz/dt = q/ms : 1", method="euler")
    M = eq.StateMonitor(G, "q")
    eq.Network(G, M).run(0.2 * ms)
    np.testing.assert_array_equal(M.q[:, -1], expected)
    np.testing.assert_allclose(G.z, 0.2 * np.asarray(expected, float), atol=1e-15)
    G.y = text
    np.testing.assert_array_equal(G.y, expected)


@pytest.mark.parametrize(
    "reset, y, n",
    [
        ("y = x > 1", [0, 0, 1, 1], [0, 1, 2, 3]),
        ("y += x*(x > 1)", [0, 0, 1.5, 2], [0, 1, 2, 3]),
        ("y -= b", [0, -1, 0, -1], [0, 1, 2, 3]),
        ("n += b", [0] * 4, [0, 2, 2, 4]),
        ("n = x > 1", [0] * 4, [0, 0, 1, 1]),
        ("late = x > 1; y = late*3", [0, 0, 3, 3], [0, 1, 2, 3]),
    ],
)
def test_in_statements(reset, y, n):
    G = cells(threshold="x > 0", reset=reset)
    eq.Network(G).run(0.1 * ms)
    assert G.y[:].tolist() == y and G.n[:].tolist() == n


def test_a_synapse_transmits_with_a_probability():
    source, target = eq.NeuronGroup(1, "", threshold="True", reset=""), eq.NeuronGroup(2000, "v : volt\nhits : 1")
    S = eq.Synapses(source, target, "w : volt\np : 1\nplastic : boolean", on_pre="v += w*(rand() < p); hits += plastic")
    S.connect()
    S.w, S.p, S.plastic = 1 * mV, 0.25, "j < 1000"
    eq.Network(source, target, S).run(1 * ms)
    sent = target.v / mV
    assert np.allclose(sent, np.round(sent)) and np.mean(sent) == pytest.approx(2.5, abs=0.15)
    assert target.hits[0] == 10 and target.hits[1999] == 0


def test_in_thresholds_and_connections():
    G = cells(threshold="(x > 1)*b == 1", reset="")
    M = eq.SpikeMonitor(G)
    eq.Network(G, M).run(0.1 * ms)
    assert M.count.tolist() == [0, 0, 0, 1]
    for options, pairs in (
        (dict(p="1.0*(i != j)"), 12),
        (dict(p="(i < 2)*(j > 1)"), 4),
        (dict(p="i < j"), 6),
        (dict(n="1 + (i < j)"), 22),
        (dict(j="i + (i < 2)"), 4),
    ):
        S = eq.Synapses(G, G)
        S.connect(**options)
        assert len(S) == pairs, options


@pytest.mark.parametrize(
    "make", [lambda: cells(threshold="x*b"), lambda: cells(threshold="b and x"), lambda: cells("c = x*b : boolean")]
)
def test_a_number_is_no_condition(make):
    with pytest.raises(eq.EquationError, match="a number, and a condition is expected"):
        make()
