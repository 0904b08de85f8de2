"""Gradients with respect to what is presented."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms
from tests.test_learning import lif, samples


@pytest.fixture(autouse=True)
def one_millisecond():
    before = eq.defaultclock.dt
    eq.defaultclock.dt = 1 * ms
    yield
    eq.defaultclock.dt = before


def trainer(on_pre="I_post += w*x_pre", delay=None, **options):
    """4 inputs that reach a recurrent group and the readout."""
    eq.seed(1)
    inputs, cells = eq.Inputs(4, name="inputs"), lif(7)
    out = eq.NeuronGroup(3, "du/dt = (I - u)/(10*ms) : 1\nI : 1 (input)", name="out")
    late = {} if delay is None else {"delay": delay}
    layers = [
        eq.Dense(inputs, cells, on_pre=on_pre, init=2 * np.random.default_rng(1).normal(size=(4, 7)), name="a", **late),
        eq.Dense(inputs, out, on_pre=on_pre, name="b", same_step=True),
        eq.Dense(cells, cells, name="c"),
        eq.Dense(cells, out, name="d"),
    ]
    loss = eq.CrossEntropy(out, "u")
    return eq.Trainer(eq.Network(inputs, cells, out, layers), loss=loss, **{"dtype": "float64", **options})


@pytest.mark.parametrize("delay", [None, 3 * ms])
def test_they_agree_with_finite_differences(delay):
    made = trainer(delay=delay, backend="numpy", smooth=True)
    x, y = samples(batch=3, steps=15)
    x = x + 0.3
    loss, found = made.input_gradients(x, y)
    assert loss == made.loss_of(x, y) and found.shape == x.shape
    rng, h = np.random.default_rng(2), 2e-3
    for _ in range(3):
        direction = rng.normal(size=x.shape)
        k = {n: made.loss_of(x + n * h * direction, y) for n in (-2, -1, 1, 2)}
        numeric = (k[-2] - 8 * k[-1] + 8 * k[1] - k[2]) / (12 * h)
        assert abs(numeric - (found * direction).sum()) < 1e-7 * np.abs(found * direction).sum()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_they_are_those_of_the_oracle_on_any_threads(dtype):
    x, y = samples(batch=37, steps=20)
    found = [
        trainer(delay=2 * ms, dtype=dtype, backend=b, threads=n).input_gradients(x, y)[1]
        for b, n in (("numpy", 1), ("c", 1), ("c", 2), ("c", 3))
    ]
    tolerance = 1e-10 if dtype == "float64" else 1e-4
    np.testing.assert_allclose(found[1], found[0], atol=tolerance * np.abs(found[0]).max())
    np.testing.assert_array_equal(found[2], found[1])
    np.testing.assert_array_equal(found[3], found[1])


def test_an_event_counts_as_its_value_1_whatever_the_method():
    x, y = samples(batch=5, steps=20)
    _, valued = trainer(backend="c").input_gradients(x, y)
    _, events = trainer("I_post += w", backend="c", method="tbptt", window=6).input_gradients(x, y)
    np.testing.assert_array_equal(events, valued)
    assert np.all(np.abs(events).max(axis=(1, 2)) > 0)
