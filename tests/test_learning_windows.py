"""Windows of time: truncated backpropagation and forward propagation through time."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms
from tests.test_learning import lif, samples, small
from tests.test_learning_graded import liquid, squared, values, wanted


@pytest.fixture(autouse=True)
def one_millisecond():
    before = eq.defaultclock.dt
    eq.defaultclock.dt = 1 * ms
    yield
    eq.defaultclock.dt = before


def liquid_trainer(over="steps", n=6, **options):
    net, out = liquid(n=n)
    return eq.Trainer(net, loss=squared(out, over), **{"dtype": "float64", "backend": "c", **options}), net


def targets(over, steps=15, batch=5):
    return wanted(batch=batch, steps=steps) if over == "steps" else wanted(batch=batch)[:, 0]


OVER = ("steps", "last", "mean", "max", "sum")


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize("over", OVER)
def test_a_window_of_all_steps_is_bptt_bit_for_bit(over, backend):
    found = []
    for options in ({}, dict(method="tbptt", window=15), dict(method="tbptt", window=99)):
        trainer, net = liquid_trainer(over, backend=backend, dtype="float32", **options)
        found.append(trainer.gradients(values(), targets(over)))
        net.remove(*net.objects)
    for loss, gradients in found[1:]:
        assert loss == found[0][0]
        for name, g in gradients.items():
            np.testing.assert_array_equal(g, found[0][1][name], err_msg=name)


@pytest.mark.parametrize("over", OVER)
def test_truncated_gradients_are_those_of_a_loss_whose_windows_start_from_constants(over):
    """Central differences of the loss in which all windows but one run with the parameters as they were, added up over windows."""
    trainer, net = liquid_trainer(over, backend="numpy", smooth=True, method="tbptt", window=4)
    x, y = values(), targets(over)
    _, gradients = trainer.gradients(x, y)
    start = {n: p.copy() for n, p in trainer.parameters.items()}
    target = trainer._batch(x, y).target()
    rng = np.random.default_rng(5)
    direction = {n: rng.normal(size=p.shape) / np.abs(gradients[n]).max() for n, p in start.items()}
    expected = sum(float((gradients[n] * d).sum()) for n, d in direction.items())

    def loss(chosen, h):
        past, parts = None, []
        for k, (lo, hi) in enumerate(trainer.method.windows(15)):
            for n, p in trainer.parameters.items():
                p[:] = start[n] + (h * direction[n] if k == chosen else 0)
            changed = trainer.engine.forward(x[:, lo:hi], trainer.network.values(), past).copy()
            for n, p in trainer.parameters.items():
                p[:] = start[n]
            parts.append(changed)
            trainer.engine.forward(x[:, lo:hi], trainer.network.values(), past)
            past = trainer.engine.past()
        return trainer.loss.value(np.concatenate(parts, axis=1), target)[0]

    h = 1e-4 / max(np.abs(d).max() for d in direction.values())
    numeric = sum((loss(k, -2 * h) - 8 * loss(k, -h) + 8 * loss(k, h) - loss(k, 2 * h)) / (12 * h) for k in range(4))
    scale = sum(float(np.abs(gradients[n] * d).sum()) for n, d in direction.items())
    assert abs(numeric - expected) < 1e-6 * scale
    whole, _ = liquid_trainer(over, backend="numpy", smooth=True)
    assert any(np.abs(g - gradients[n]).max() > 1e-3 * np.abs(g).max() for n, g in whole.gradients(x, y)[1].items())
    net.remove(*net.objects)


@pytest.mark.parametrize("window", [1, 4, 7])
def test_compiled_windows_are_those_of_the_oracle(window):
    found = []
    for backend in ("numpy", "c"):
        net, out = small(lif, same=True, delay=3 * ms)
        x, y = samples()
        trainer = eq.Trainer(
            net, loss=eq.CrossEntropy(out, "u"), dtype="float64", backend=backend, method="tbptt", window=window
        )
        found.append(trainer.gradients(x, y))
        net.remove(*net.objects)
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-12)
    for name, g in found[0][1].items():
        np.testing.assert_allclose(found[1][1][name], g, rtol=1e-9, atol=1e-12 * np.abs(g).max(), err_msg=name)


@pytest.mark.parametrize("over", ["steps", "last", "mean"])
def test_losses_and_predictions_do_not_depend_on_windows(over):
    trainer, net = liquid_trainer(over)
    x, y = values(steps=23), targets(over, steps=23)
    mask = np.ones((5, 23))
    mask[1:3, 9:] = 0
    loss, reduced = trainer.loss_of(x, y, mask), trainer.predict(x, mask)
    scores = trainer.evaluate(x, y, mask)
    net.remove(*net.objects)
    for method in ("tbptt", "fptt"):
        trainer, net = liquid_trainer(over, method=method, window=5)
        assert trainer.loss_of(x, y, mask) == loss and trainer.evaluate(x, y, mask) == scores
        np.testing.assert_array_equal(trainer.predict(x, mask), reduced)
        if method == "tbptt":
            assert trainer.gradients(x, y, mask)[0] == pytest.approx(loss, rel=1e-12)
        net.remove(*net.objects)


def test_masked_steps_and_missing_targets_have_no_effect_on_windows():
    x, y = samples(batch=6, steps=20)
    mask = np.ones((6, 20))
    mask[2:, 12:] = 0
    net, out = small(lif)
    trainer = eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), dtype="float64", backend="c", method="tbptt", window=6)
    before = trainer.gradients(x, y, mask)
    after = trainer.gradients(np.where(mask[..., None] > 0, x, 1 - x), np.where(mask > 0, y, -1))
    assert after[0] == before[0]
    for name, g in before[1].items():
        np.testing.assert_array_equal(after[1][name], g)


def trained(method, over="last", epochs=3, optimizer=None, **options):
    trainer, net = liquid_trainer(over, method=method, optimizer=optimizer or eq.Adam(1e-2), **options)
    history = trainer.fit(values(batch=24), targets(over, batch=24), epochs=epochs, batch=8, shuffle=False)
    net.remove(*net.objects)
    return history.columns, trainer.parameters


@pytest.mark.parametrize("over", OVER)
def test_fptt_of_one_window_without_regulariser_is_bptt(over):
    a, b = trained("bptt", over, clip=0.5), trained(eq.FPTT(alpha=0), over, window=15, clip=0.5)
    assert a[0] == b[0]
    for name, p in a[1].items():
        np.testing.assert_array_equal(b[1][name], p, err_msg=name)


def test_fptt_is_what_its_equations_say():
    """The updates written out for one network and plain gradient descent."""
    alpha, beta, rho, rate, x, y = 0.4, 0.7, 0.25, 0.05, values(), targets("last")
    trainer, net = liquid_trainer("last", method=eq.FPTT(alpha, beta, rho), window=6, optimizer=eq.SGD(rate), clip=0.3)
    w = {n: p.copy() for n, p in trainer.parameters.items()}
    mean, dual = {n: p.copy() for n, p in w.items()}, {n: 0 * p for n, p in w.items()}
    by_hand, other = liquid_trainer("last")
    for _ in range(2):
        past = None
        for lo, hi in ((0, 6), (6, 12), (12, 15)):
            for n, p in by_hand.parameters.items():
                p[:] = w[n]
            readout = by_hand.engine.forward(x[:, lo:hi], by_hand.network.values(), past)
            past = by_hand.engine.past()
            _, slope = by_hand.loss.value(readout, by_hand._batch(x[:, lo:hi], y).target())
            g = by_hand.network.gradients(by_hand.engine.backward(slope * hi / 15))
            g = {n: g[n] - (1 - rho) * dual[n] + alpha * (w[n] - mean[n]) for n in g}
            norm = np.sqrt(sum((a**2).sum() for a in g.values()))
            w = {n: w[n] - rate * g[n] * min(1, 0.3 / norm) for n in w}
            dual = {n: dual[n] - alpha * (w[n] - mean[n]) for n in w}
            mean = {n: (1 - beta) * mean[n] + beta * w[n] - beta / alpha * dual[n] for n in w}
        trainer.step(x, y)
        for n, p in trainer.parameters.items():
            np.testing.assert_allclose(p, w[n], rtol=1e-12, atol=1e-14, err_msg=n)
    trainer.method.end_of_epoch(trainer)
    for n, p in trainer.parameters.items():
        np.testing.assert_allclose(p, mean[n], rtol=1e-12, atol=1e-14, err_msg=n)
    net.remove(*net.objects), other.remove(*other.objects)


def test_windows_of_fptt_without_targets_change_nothing():
    x, y = values(), wanted()
    y[:, :8] = np.nan
    trainer, net = liquid_trainer(method="fptt", window=4, optimizer=eq.SGD(0.1))
    trainer.step(x, y)
    assert trainer.optimizer.steps == 2  # windows 8 to 12 and 12 to 15
    net.remove(*net.objects)


def test_fptt_is_the_same_with_any_number_of_threads():
    found = [trained("fptt", window=4, threads=threads, dtype="float32") for threads in (1, 2, 3)]
    for columns, parameters in found[1:]:
        assert columns == found[0][0]
        for name, p in parameters.items():
            np.testing.assert_array_equal(p, found[0][1][name])


@pytest.mark.parametrize("method", ["tbptt", "fptt"])
def test_the_memory_of_windows_does_not_grow_with_time(method):
    kept = []
    for steps in (40, 400):
        trainer, net = liquid_trainer(method=method, window=10)
        trainer.step(values(steps=steps), wanted(steps=steps))
        kept.append(sum(a.nbytes for m in trainer.engine._memory.values() for a in m.arrays))
        assert trainer.engine.tape_bytes() > 0 and len(trainer.engine._memory) == 1
        net.remove(*net.objects)
    assert kept[0] == kept[1]


def test_online_training_learns():
    """A sum of two of three inputs, each shown once, that only who remembers the first can tell."""
    rng = np.random.default_rng(0)
    x = np.zeros((256, 20, 3))
    shown = rng.random((256, 2))
    x[:, 2, 0], x[:, 12, 1] = shown.T
    y = np.stack([shown.sum(1), shown[:, 0]], 1)
    trainer, net = liquid_trainer(
        "last", n=16, method=eq.FPTT(alpha=0.1), window=5, optimizer=eq.Adam(1e-2), clip=1.0, dtype="float32"
    )
    history = trainer.fit(x, y, epochs=12, batch=32)
    assert history["loss"][-1] < 0.25 * history["loss"][0]
    net.remove(*net.objects)


def test_wrong_methods_are_named():
    for options, text in (
        (dict(method="rtrl"), "method= is 'bptt', 'tbptt', 'fptt', 'eprop', 'ottt' or such a method, FPTT(...), EProp(...); got 'rtrl'"),
        (dict(method="tbptt"), "method='tbptt' needs window=, the number of steps through which errors go back"),
        (dict(window=5), "window= cuts samples, which method='bptt' does not; use method='tbptt' or 'fptt'"),
        (dict(method="fptt", window=0), "window= is how many steps gradients flow back, 1 or more; got 0"),
        (dict(method="fptt", window=2.5), "1 or more; got 2.5"),
    ):  # fmt: skip
        with pytest.raises(eq.EqsnnError) as error:
            liquid_trainer(**options)
        assert text in str(error.value)
    for options, text in (
        (dict(alpha=-1), "alpha= weighs the square of W - Wbar in FPTT, and is 0 or more; got -1"),
        (dict(beta=0), "beta= is the share of W in Wbar in FPTT, above 0 and up to 1; got 0"),
        (dict(rho=2), "rho= takes its share from lambda.W in FPTT, from 0 to 1; got 2"),
    ):
        with pytest.raises(eq.EqsnnError) as error:
            eq.FPTT(**options)
        assert text in str(error.value)
    trainer, net = liquid_trainer(method="fptt")
    assert trainer.method.window == 1
    with pytest.raises(eq.EqsnnError, match="FPTT changes parameters within a sample"):
        trainer.gradients(values(), wanted())
    net.remove(*net.objects)


def test_a_gradient_that_is_not_finite_is_an_error():
    inputs, group = eq.Inputs(1, name="inputs"), eq.NeuronGroup(1, "u[n+1] = 20*u + I : 1\nI : 1 (input)", name="group")
    dense = eq.Dense(inputs, group, on_pre="I_post += w*x_pre", init=1.0, name="weights")
    trainer = eq.Trainer(
        eq.Network(inputs, group, dense), loss=eq.MeanSquaredError(group, "u", over="last"), backend="c"
    )
    with pytest.raises(
        eq.EqsnnError, match="the gradient of weights.w is not finite in epoch 1: errors grow from step to step"
    ):
        trainer.step(np.ones((2, 60, 1)), np.zeros((2, 1)))
