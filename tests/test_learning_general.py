"""Models of the whole vocabulary in the learner: what a run computes is what is trained, and gradients are those of finite differences."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms


@pytest.fixture(autouse=True)
def one_millisecond():
    before = eq.defaultclock.dt
    eq.defaultclock.dt = 1 * ms
    yield
    eq.defaultclock.dt = before


def compared(net, group, variable, x, **trainer):
    """The learner's course of a variable (backends 'numpy' and 'c', float64) and that of an ordinary run: three arrays (steps, neurons)."""
    found = []
    for backend in ("numpy", "c"):
        made = eq.Trainer(net, loss=eq.MeanSquaredError(group, variable), dtype="float64", backend=backend, **trainer)
        found.append(made.predict(x[None])[0])
    inputs = next(o for o in net.objects if isinstance(o, eq.Inputs))
    inputs.present(x)
    net.add(*inputs.contained())
    seen = eq.StateMonitor(group, variable, record=True, when="end")
    net.add(seen)
    net.run(len(x) * ms)
    return (*found, np.asarray(getattr(seen, variable)).T)


def presented(steps, n=3, seed=0, density=0.4):
    """Spikes of inputs."""
    return (np.random.default_rng(seed).random((steps, n)) < density).astype(float)


# -- integers and conditions among parameters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype, values", [("integer", [0, 1, 2, 3]), ("boolean", [True, False, True, False])])
def test_parameters_that_are_no_floats_count(dtype, values):
    eq.seed(1)
    inputs = eq.Inputs(3, name="inputs")
    cells = eq.NeuronGroup(
        4,
        f"du/dt = (int(k)*I - u)/(5*ms) + bias*int(k)/(3*ms) : 1\nI : 1 (input)\nbias : 1 (trainable)\nk : {dtype}",
        threshold="u > 0.5 + 0.1*int(k)",
        reset="u = -0.1*int(not (i == 1))",
        surrogate="sigmoid",
        method="euler",
        name="cells",
    )
    cells.k, cells.bias = values, 0.2
    dense = eq.Dense(inputs, cells, "w : 1 (trainable)\nm : integer", on_pre="I_post += w*m", name="w_in")
    dense.m = "1 + i + j"
    numpy, c, run = compared(eq.Network(inputs, cells, dense), cells, "u", presented(30))
    assert len(np.unique(run[-1])) > 1
    np.testing.assert_allclose(numpy, run, atol=1e-14)
    np.testing.assert_array_equal(c, numpy)
