"""Continuous variables between groups: sums in the equations of Dense, linked variables, and liquid time constants made of them."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms
from tests.test_learning import differences, samples

LIQUID = """
u[n+1] = u + k*(d - u) : 1
k = 1/(1 + exp(-(gate + c))) : 1
d : 1 (linked)                      # the drive of the same neuron, in the same step
gate : 1 (input)
c : 1 (trainable)
"""


@pytest.fixture(autouse=True)
def one_millisecond():
    before = eq.defaultclock.dt
    eq.defaultclock.dt = 1 * ms
    yield
    eq.defaultclock.dt = before


def liquid(n=6, seed=1, surrogate="sigmoid", threshold=0.3):
    """3 inputs, ``n`` neurons whose time constants are a function of drive and state, and 2 readouts (Yin et al. 2023)."""
    eq.seed(seed)
    inputs = eq.Inputs(3, name="inputs")
    drive = eq.NeuronGroup(n, "d[n+1] = I + b : 1\nI : 1 (input)\nb : 1 (trainable)", name="drive")
    hidden = eq.NeuronGroup(
        n,
        LIQUID,
        threshold="u > theta",
        reset="u = 0",
        surrogate=surrogate,
        name="hidden",
        namespace={"theta": threshold},
    )
    out = eq.NeuronGroup(2, "u[n+1] = I + 0.5*u + b : 1\nI : 1\nb : 1 (trainable)", name="out")
    hidden.d = eq.linked_var(drive, "d")
    rng = np.random.default_rng(seed)
    drive.b, hidden.c, hidden.u = rng.normal(0.3, 0.2, n), rng.normal(0, 0.3, n), rng.uniform(0, 0.2, n)
    layers = [
        eq.Dense(inputs, drive, on_pre="I_post += w*x_pre", init=rng.normal(0, 0.8, (3, n)), same_step=True, name="w_in"),
        eq.Dense(hidden, drive, init=rng.normal(0, 0.5, (n, n)), name="w_rec"),
        eq.Dense(drive, hidden, "w : 1 (trainable)\ngate_post = w*d_pre : 1 (summed)", init=rng.normal(0, 0.5, (n, n)),
                 same_step=True, name="w_d"),
        eq.Dense(hidden, hidden, "w : 1 (trainable)\ngate_post = w*u_pre : 1 (summed)", init=rng.normal(0, 0.5, (n, n)), name="w_u"),
        eq.Dense(hidden, out, "w : 1 (trainable)\nI_post = w*u_pre : 1 (summed)", init=rng.normal(0, 0.8, (n, 2)), name="w_out"),
    ]  # fmt: skip
    return eq.Network(inputs, drive, hidden, out, *layers), out


def values(seed=0, batch=5, steps=15, n=3):
    return np.random.default_rng(seed).normal(size=(batch, steps, n))


def squared(out, over="steps"):
    return eq.MeanSquaredError(out, "u", over=over)


def wanted(seed=3, batch=5, steps=15, n=2):
    return np.random.default_rng(seed).normal(size=(batch, steps, n))


def test_liquid_time_constants_agree_with_finite_differences():
    net, out = liquid()
    trainer = eq.Trainer(net, loss=squared(out), dtype="float64", backend="numpy", smooth=True)
    _, gradients = trainer.gradients(values(), wanted())
    assert all(np.abs(g).max() > 1e-6 for g in gradients.values())
    assert differences(trainer, values(), wanted(), gradients) < 1e-7


def test_compiled_sums_are_those_of_the_oracle():
    found = {}
    for backend in ("numpy", "c"):
        net, out = liquid(n=19)
        trainer = eq.Trainer(net, loss=squared(out), dtype="float64", backend=backend)
        found[backend] = trainer.gradients(values(batch=11), wanted(batch=11))
        net.remove(*net.objects)
    assert found["c"][0] == pytest.approx(found["numpy"][0], rel=1e-12)
    for name, g in found["numpy"][1].items():
        np.testing.assert_allclose(found["c"][1][name], g, rtol=1e-9, atol=1e-12 * np.abs(g).max(), err_msg=name)


def test_the_learner_sums_what_a_run_sums():
    x = values(batch=1, steps=40)
    net, out = liquid()
    trainer = eq.Trainer(net, loss=squared(out), dtype="float64", backend="c")
    expected = trainer.predict(x)[0]
    inputs = net["inputs"]
    inputs.present(x[0])
    net.add(*inputs.contained())
    read, spikes = eq.StateMonitor(out, "u", record=True, when="end"), eq.SpikeMonitor(net["hidden"])
    net.add(read, spikes)
    net.run(40 * ms)
    assert len(spikes.i) > 5
    np.testing.assert_allclose(read.u.T, expected, atol=1e-13)


def test_bits_of_sums_do_not_depend_on_threads():
    found = []
    for threads in (1, 2, 3):
        net, out = liquid(n=20)
        trainer = eq.Trainer(net, loss=squared(out), backend="c", threads=threads)
        found.append(trainer.gradients(values(batch=70), wanted(batch=70)))
        net.remove(*net.objects)
    for loss, gradients in found[1:]:
        assert loss == found[0][0]
        for name, g in gradients.items():
            np.testing.assert_array_equal(g, found[0][1][name])


RATE = "u[n+1] = 0.8*u + 0.2*I + g + b : 1\nI : 1 (input)\ng : 1\nb, gain : 1 (trainable)\nr = tanh(k*u)*gain : 1"


def rates(same, signal, threshold=None, late=False):
    """Two groups and a readout whose sums carry ``signal`` of the first."""
    eq.seed(2)
    options = {} if threshold is None else dict(threshold=threshold, reset="u *= 0.3", surrogate="arctan")
    inputs = eq.Inputs(3, name="inputs")
    first = eq.NeuronGroup(5, RATE, name="first", namespace={"k": 1.5}, **options)
    out = eq.NeuronGroup(2, "u[n+1] = 0.5*u + I + v : 1\nI : 1 (input)\nv : 1", name="a_out" if late else "out")
    rng = np.random.default_rng(4)
    first.u, first.b, first.gain = rng.normal(0, 0.2, 5), rng.normal(0, 0.2, 5), rng.uniform(0.5, 1.5, 5)
    layers = [
        eq.Dense(inputs, first, "w : 1 (trainable)\nI_post = w*x_pre : 1 (summed)", init=rng.normal(size=(3, 5)), name="w_in"),
        eq.Dense(first, first, f"w : 1 (trainable)\ng_post = 0.5*w*{signal} : 1 (summed)", init=rng.normal(0, 0.3, (5, 5)), name="w_rec"),
        eq.Dense(first, out, f"w, q : 1 (trainable)\nI_post = w*{signal} : 1 (summed)\nv_post = exp(q)*u_pre : 1 (summed)",
                 init={"w": rng.normal(size=(5, 2)), "q": rng.normal(0, 0.3, (5, 2))}, same_step=same, name="w_out"),
    ]  # fmt: skip
    return eq.Network(inputs, first, out, *layers), out


CASES = [
    (False, "u_pre", None, False),
    (True, "u_pre", None, False),
    (False, "r_pre", None, True),
    (True, "r_pre", "u > 0.2", False),
    (False, "gain_pre*r_pre", "u > 0.2", False),
]


@pytest.mark.parametrize("same, signal, threshold, late", CASES)
def test_sums_of_expressions_agree_with_finite_differences(same, signal, threshold, late):
    net, out = rates(same, signal, threshold, late)
    trainer = eq.Trainer(net, loss=squared(out), dtype="float64", backend="numpy", smooth=True)
    _, gradients = trainer.gradients(values(), wanted())
    assert set(gradients) == {"first.b", "first.gain", "w_in.w", "w_rec.w", "w_out.w", "w_out.q"}
    assert differences(trainer, values(), wanted(), gradients) < 1e-7


@pytest.mark.parametrize("same, signal, threshold, late", CASES)
def test_sums_of_expressions_are_those_of_a_run(same, signal, threshold, late):
    x = values(batch=1, steps=30)
    net, out = rates(same, signal, threshold, late)
    trainer = eq.Trainer(net, loss=squared(out), dtype="float64", backend="c")
    expected = trainer.predict(x)[0]
    inputs = net["inputs"]
    inputs.present(x[0])
    net.add(*inputs.contained())
    read = eq.StateMonitor(out, "u", record=True, when="end")
    net.add(read)
    net.run(30 * ms)
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(read.u.T, expected, atol=1e-13)


def test_a_start_that_is_trained_is_sent_too():
    eq.seed(0)
    inputs = eq.Inputs(3, name="inputs")
    group = eq.NeuronGroup(4, "u[n+1] = 0.9*u + I + g : 1 (trainable)\nI : 1 (input)\ng : 1", name="group")
    group.u = [0.1, -0.2, 0.3, 0.2]
    layers = [
        eq.Dense(inputs, group, on_pre="I_post += w*x_pre", name="w_in"),
        eq.Dense(group, group, "w : 1 (trainable)\ng_post = w*tanh(u_pre) : 1 (summed)", name="w_rec"),
    ]
    trainer = eq.Trainer(
        eq.Network(inputs, group, *layers), loss=eq.MeanSquaredError(group, "u"), dtype="float64", backend="numpy"
    )
    x, y = values(steps=4), wanted(steps=4, n=4)
    _, gradients = trainer.gradients(x, y)
    assert differences(trainer, x, y, gradients) < 1e-7
    compiled = eq.Trainer(
        eq.Network(inputs, group, *layers), loss=eq.MeanSquaredError(group, "u"), dtype="float64", backend="c"
    )
    np.testing.assert_allclose(compiled.gradients(x, y)[1]["group.u"], gradients["group.u"], rtol=1e-10)


def test_spikes_and_sums_reach_one_input():
    x, _ = samples(batch=1, steps=30)
    eq.seed(1)
    inputs = eq.Inputs(4, name="inputs")
    group = eq.NeuronGroup(
        5, "u[n+1] = 0.8*u + I : 1\nI : 1 (input)", threshold="u > 0.5", reset="u = 0", surrogate="arctan", name="group"
    )
    layers = [
        eq.Dense(inputs, group, init="0.3*rand()", name="w_in"),
        eq.Dense(group, group, "w, v : 1 (trainable)\nI_post = v*u_pre : 1 (summed)", on_pre="I_post += w",
                 init={"w": "0.2*rand()", "v": "0.1*rand()"}, name="w_rec"),
        eq.Dense(group, group, "w : 1 (trainable)\nI_post = w*u_pre**2 : 1 (summed)", init="0.1*rand()", name="w_sq"),
    ]  # fmt: skip
    net = eq.Network(inputs, group, *layers)
    trainer = eq.Trainer(net, loss=eq.MeanSquaredError(group, "u"), dtype="float64", backend="c")
    expected = trainer.predict(x)[0]
    smooth = eq.Trainer(net, loss=eq.MeanSquaredError(group, "u"), dtype="float64", backend="numpy", smooth=True)
    y = wanted(batch=1, steps=30, n=5)
    _, gradients = smooth.gradients(x, y)
    assert set(gradients) == {"w_in.w", "w_rec.w", "w_rec.v", "w_sq.w"}
    assert differences(smooth, x, y, gradients) < 1e-7
    inputs.present(x[0])
    net.add(*inputs.contained())
    read, spikes = eq.StateMonitor(group, "u", record=True, when="end"), eq.SpikeMonitor(group)
    net.add(read, spikes)
    net.run(30 * ms)
    assert len(spikes.i) > 10
    np.testing.assert_allclose(read.u.T, expected, atol=1e-13)
