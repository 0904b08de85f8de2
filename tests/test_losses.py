"""Losses as equations, first spikes, sums and penalties of rates: against numpy, closed forms and finite differences, on all engines."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import Hz, ms, mV


@pytest.fixture(autouse=True)
def one_millisecond():
    before = eq.defaultclock.dt
    eq.defaultclock.dt = 1 * ms
    yield
    eq.defaultclock.dt = before


def made(loss, backend="c", smooth=False, dtype="float64", recurrent=True, **options):
    """A trainer of a small recurrent network; ``loss``: a function of the hidden group and the readout."""
    eq.seed(4)
    inputs = eq.Inputs(3, name="inputs")
    hidden = eq.NeuronGroup(
        5,
        "du/dt = (I + bias - u)/(6*ms) : 1\nI : 1 (input)\nbias : 1 (trainable)",
        threshold="u > 0.15",
        reset="u -= 0.15",
        surrogate=eq.Surrogate("sigmoid", scale=0.2),
        name="hidden",
    )
    out = eq.NeuronGroup(
        3,
        "du/dt = (I - u)/(10*ms) : 1\nI : 1 (input)",
        threshold="u > 0.1",
        reset="u -= 0.1",
        surrogate=eq.Surrogate("sigmoid", scale=0.2),
        name="out",
    )
    layers = [
        eq.Dense(inputs, hidden, init="1.5*rand()", name="w_in", same_step=True),
        eq.Dense(hidden, out, init="rand()", name="w_out", delay=2 * ms),
    ]
    layers += [eq.Dense(hidden, hidden, init="0.2*randn()", name="w_rec")] if recurrent else []
    net = eq.Network(inputs, hidden, out, layers)
    return eq.Trainer(net, loss=loss(hidden, out), backend=backend, smooth=smooth, dtype=dtype, **options)


def samples(n=19, steps=15, seed=0):
    """Samples and classes, more of them than fit into one block."""
    rng = np.random.default_rng(seed)
    return (rng.random((n, steps, 3)) < 0.4).astype(np.uint8), rng.integers(0, 3, n)


def finite_differences(trainer, x, y, mask=None, step=1e-6):
    """The derivatives of the loss with respect to some numbers of each parameter."""
    for name, p in trainer.parameters.items():
        for k in range(0, p.size, 3):
            kept, found = p[k], []
            for side in (step, -step):
                p[k] = kept + side
                found.append(trainer.loss_of(x, y, mask))
            p[k] = kept
            yield name, k, (found[0] - found[1]) / (2 * step)


def check_gradients(loss, y, mask=None, tolerance=1e-7):
    x, _ = samples()
    smooth = made(loss, "numpy", smooth=True)
    value, gradients = smooth.gradients(x, y, mask)
    assert value == pytest.approx(smooth.loss_of(x, y, mask), rel=1e-12)
    scale = max(abs(g).max() for g in gradients.values())
    assert scale > 1e-4
    for name, k, slope in finite_differences(smooth, x, y, mask):
        assert gradients[name].ravel()[k] == pytest.approx(slope, abs=tolerance * scale, rel=1e-6), name
    oracle, compiled = made(loss, "numpy"), made(loss, "c")
    a, b = oracle.gradients(x, y, mask), compiled.gradients(x, y, mask)
    assert a[0] == pytest.approx(b[0], rel=1e-12)
    for name, g in a[1].items():
        np.testing.assert_allclose(b[1][name], g, rtol=1e-9, atol=1e-12 * scale)
    threads = made(loss, "c", threads=2).gradients(x, y, mask)
    assert all(np.array_equal(threads[1][n], g) for n, g in b[1].items())


# -- equations ------------------------------------------------------------------------------------------------------------------------


def test_a_square_and_a_cross_entropy_as_equations_are_those_that_are_built_in():
    x, y = samples()
    values = np.random.default_rng(1).random((19, 3))
    values[2, 1] = np.nan
    pairs = (
        (
            lambda h, o: eq.EquationLoss(o, "(u - target)**2", "u", over="mean"),
            lambda h, o: eq.MeanSquaredError(o, "u", over="mean"),
            values,
            19 / (19 * 3 - 1),  # the built-in one is the mean over neurons, too
        ),
        (
            lambda h, o: eq.EquationLoss(o, "-target*log(exp(5*u)/sum(exp(5*u)))", "u", over="last", classes=True),
            lambda h, o: eq.CrossEntropy(o, "u", over="last", scale=5),
            y,
            1.0,
        ),
    )
    for ours, theirs, targets, factor in pairs:
        for backend in ("numpy", "c"):
            one, two = made(ours, backend), made(theirs, backend)
            a, b = one.gradients(x, targets), two.gradients(x, targets)
            assert a[0] * factor == pytest.approx(b[0], rel=1e-12)
            for name, g in b[1].items():
                np.testing.assert_allclose(a[1][name] * factor, g, rtol=1e-8, atol=1e-14)
        assert one.evaluate(x, targets).get("accuracy") == two.evaluate(x, targets).get("accuracy")


def test_gradients_of_an_equation_with_two_sums_and_constants():
    def loss(hidden, out):
        width = 0.3  # noqa: F841 (found where the loss is written)
        return eq.EquationLoss(
            out, "log(1 + exp((u - target)/width)) + u*sum(u**2)/sum(1 + u**2) + abs(u)*k", "u", namespace={"k": 0.2}
        )

    y = np.random.default_rng(1).random((19, 15, 3))
    check_gradients(loss, y, mask=np.arange(15) < np.random.default_rng(2).integers(5, 16, 19)[:, None])
    assert made(loss).loss.constants == {"k": 0.2, "width": 0.3}


def test_a_loss_has_no_unit():
    cells = eq.NeuronGroup(2, "dv/dt = (I - v)/(10*ms) : volt\nI : volt (input)", name="cells")
    inputs = eq.Inputs(2, name="inputs")
    dense = eq.Dense(inputs, cells, "w : volt (trainable)", init="3*mV*rand()")
    net = eq.Network(inputs, cells, dense)
    loss = eq.EquationLoss(cells, "((v - target)/mV)**2", "v", over="last")
    trainer = eq.Trainer(net, loss=loss, backend="numpy", dtype="float64")
    x, _ = samples()
    wanted = np.full((19, 2), 1e-3)
    found = trainer.predict(x[..., :2])
    assert trainer.loss_of(x[..., :2], wanted) == pytest.approx((((found - 1e-3) * 1e3) ** 2).sum(axis=1).mean())
    for equation, text in (
        ("(v - target)**2", "this has unit"),
        ("(v - target)/mV + sum(v)", "unit"),
        ("(u - target)**2", "'u'"),
        ("sum(sum(v/mV))", "a sum over neurons stands within another"),
        ("sum(v, v)/mV", "sum() is the sum over the neurons of one expression"),
        ("v/mV*rand()", "'rand' cannot stand in a loss"),
        ("target/mV", "the loss does not depend on 'v'"),
        ("(v/mV", ""),
    ):
        with pytest.raises(eq.EqsnnError) as error:
            eq.EquationLoss(cells, equation, "v")
        assert text in str(error.value), str(error.value)


# -- first events ---------------------------------------------------------------------------------------------------------------------


def test_the_time_of_the_first_event_and_what_an_event_more_or_less_would_change():
    from eqsnn.learning.losses import first_event

    s = np.zeros((1, 8, 3, 1))
    s[0, [2, 5], 0] = 1
    s[0, 0, 1] = 1
    counts = np.ones_like(s[:, :, :1])
    first, back = first_event(s, counts)
    assert first[0, 0, :, 0].tolist() == [2, 0, 8]  # none: all steps pass
    slope = back(np.ones_like(first))[0, :, :, 0].T
    assert slope[0].tolist() == [
        -2,
        -1,
        -3,
        0,
        0,
        0,
        0,
        0,
    ]  # earlier ones; without the first it were the second, 3 steps later
    assert slope[1].tolist() == [-8, 0, 0, 0, 0, 0, 0, 0]
    assert slope[2].tolist() == [-8, -7, -6, -5, -4, -3, -2, -1]
    counts[0, :3] = 0  # what does not count passes without notice
    assert first_event(s, counts)[0][0, 0, :, 0].tolist() == [2, 5, 5]
    rng = np.random.default_rng(0)
    s = rng.random((1, 6, 2, 3))
    counts = (rng.random((1, 6, 1, 3)) < 0.7).astype(float)
    slope = first_event(s, counts)[1](1.0)
    for k in np.ndindex(s.shape):
        moved = [s.copy(), s.copy()]
        moved[0][k] += 1e-6
        moved[1][k] -= 1e-6
        up, down = (first_event(m, counts)[0].sum() for m in moved)
        assert slope[k] == pytest.approx((up - down) / 2e-6, abs=1e-8)


def test_gradients_of_the_time_of_the_first_event():
    y = samples()[1]
    check_gradients(lambda h, o: eq.CrossEntropy(o, "spike", over="first", scale=-0.5), y)
    wanted = np.random.default_rng(0).integers(2, 12, (19, 3)).astype(float)
    check_gradients(lambda h, o: 0.1 * eq.MeanSquaredError(o, "spike", over="first"), wanted)


def test_the_class_that_spikes_first_is_learnt():
    y = samples(60)[1]
    rng = np.random.default_rng(1)
    x = rng.random((60, 20, 3)) < np.where(np.arange(3) == y[:, None], 0.7, 0.1)[:, None]
    trainer = made(lambda h, o: eq.CrossEntropy(o, "spike", over="first", scale=-0.5), optimizer=eq.Adam(0.03))
    trainer.fit(x, y, epochs=40, batch=20)
    assert trainer.history["accuracy"][0] < 0.6 and trainer.history["accuracy"][-1] > 0.9
    first = trainer.predict(x)
    assert np.mean(first.argmin(axis=1) == y) == pytest.approx(trainer.evaluate(x, y)["accuracy"])
    with pytest.raises(
        eq.EqsnnError, match="over='first' is the time of the first event, of the variable 'spike'; got 'u'"
    ):
        made(lambda h, o: eq.CrossEntropy(o, "u", over="first"))


# -- sums -----------------------------------------------------------------------------------------------------------------------------


def test_a_sum_of_losses_is_the_sum_of_their_values_and_gradients():
    x, y = samples()
    one = lambda h, o: eq.CrossEntropy(o, "u", over="mean", scale=5)  # noqa: E731
    two = lambda h, o: eq.EquationLoss(o, "u**2", "u", over="max", classes=True)  # noqa: E731
    a, b, both = made(one), made(two), made(lambda h, o: one(h, o) + 0.5 * two(h, o))
    (va, ga), (vb, gb), (v, g) = (t.gradients(x, y) for t in (a, b, both))
    assert v == pytest.approx(va + 0.5 * vb, rel=1e-12)
    for name in g:
        np.testing.assert_allclose(g[name], ga[name] + 0.5 * gb[name], rtol=1e-9, atol=1e-14)
    twice = made(lambda h, o: one(h, o) + eq.CrossEntropy(o, "u", over="max", scale=2)).gradients(x, y)
    alone = made(lambda h, o: eq.CrossEntropy(o, "u", over="max", scale=2)).gradients(x, y)
    for name in g:
        np.testing.assert_allclose(twice[1][name], ga[name] + alone[1][name], rtol=1e-9, atol=1e-14)
    assert both.evaluate(x, y)["accuracy"] == a.evaluate(x, y)["accuracy"]
    np.testing.assert_array_equal(both.predict(x), a.predict(x))
    for wrong, text in (
        (
            lambda h, o: one(h, o) + eq.MeanSquaredError(o, "u", over="mean"),
            "one kind of targets; got classes and values",
        ),
        (
            lambda h, o: one(h, o) + eq.CrossEntropy(o, "u"),
            "one number of targets; got a target a sample and a target a step",
        ),
        (lambda h, o: one(h, o) + eq.CrossEntropy(h, "u", over="mean"), "one group; got out and hidden"),
        (lambda h, o: one(h, o) + eq.CrossEntropy(o, over="mean"), "one variable; got 'u' and 'spike'"),
    ):
        with pytest.raises(eq.EqsnnError) as error:
            made(wrong)
        assert text in str(error.value)


# -- penalties ------------------------------------------------------------------------------------------------------------------------


def test_gradients_of_penalties_of_rates():
    def loss(hidden, out):
        own = eq.CrossEntropy(out, "u", over="mean", scale=5)
        return own + 30 * eq.RatePenalty(hidden, low=0.3, high=0.4, weight=2) + eq.RatePenalty(out, high=20 * Hz)

    y, rng = samples()[1], np.random.default_rng(2)
    check_gradients(loss, y)
    check_gradients(loss, y, mask=np.arange(15) < rng.integers(5, 16, 19)[:, None])


def test_a_penalty_is_what_the_rates_say():
    x, y = samples()
    mask = np.arange(15) < np.random.default_rng(2).integers(5, 16, 19)[:, None]
    plain = made(lambda h, o: eq.CrossEntropy(h, over="sum", start=3))
    spikes = made(lambda h, o: eq.MeanSquaredError(h)).predict(x)
    rates = (spikes * mask[..., None]).sum(axis=(0, 1)) / mask.sum()
    assert rates.max() > 0.16  # one is above the bound, at least
    added = made(
        lambda h, o: eq.CrossEntropy(h, over="sum", start=3) + eq.RatePenalty(h, low=100 * Hz, high=0.15, weight=7)
    )
    expected = 7 * np.mean(np.minimum(rates - 0.1, 0) ** 2 + np.maximum(rates - 0.15, 0) ** 2)
    assert added.loss_of(x, y, mask) - plain.loss_of(x, y, mask) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("method", ["bptt", "tbptt", "fptt"])
def test_penalties_bring_rates_between_their_bounds(method):
    x, y = samples(48, 20)

    def loss(hidden, out):
        return 1e-3 * eq.CrossEntropy(out, "u", over="mean") + eq.RatePenalty(hidden, low=0.05, high=0.1, weight=100)

    window = None if method == "bptt" else 10
    trainer = made(loss, method=method, window=window, optimizer=eq.Adam(0.02))
    before = trainer.fit(x, y, epochs=1, batch=16)["rate_hidden"][0]
    after = trainer.fit(x, y, epochs=40, batch=16)["rate_hidden"][-1]
    assert before > 0.2 and 0.03 < after < 0.13


def test_penalties_that_cannot_be():
    for loss, options, text in (
        (lambda h, o: eq.MeanSquaredError(o) + eq.RatePenalty(3), {}, "3 has none in this network"),
        (
            lambda h, o: eq.MeanSquaredError(o) + eq.RatePenalty(h, low=3 * mV),
            {},
            "low= of RatePenalty is a rate in Hz",
        ),
        (
            lambda h, o: eq.MeanSquaredError(o) + eq.RatePenalty(h, low=3, high=1),
            {},
            "from low to high alone; got 3 to 1",
        ),
        (lambda h, o: eq.MeanSquaredError(o) + eq.RatePenalty(h, weight=-1), {}, "weight= of RatePenalty is 0 or more"),
        (
            lambda h, o: eq.CrossEntropy(o, "u", over="mean") + eq.RatePenalty(h, high=0.1),
            dict(method="eprop"),
            "needs errors that go back: method='bptt', 'tbptt' or 'fptt'",
        ),
    ):
        with pytest.raises(eq.EqsnnError) as error:
            made(loss, recurrent=False, **options)
        assert text in str(error.value)


def test_abs_in_equations_has_a_derivative():
    eq.seed(1)
    inputs = eq.Inputs(3, name="inputs")
    cells = eq.NeuronGroup(3, "du/dt = (I - u - k*abs(u))/(6*ms) : 1\nI : 1 (input)\nk : 1 (trainable)", method="euler")
    cells.k = 0.3
    net = eq.Network(inputs, cells, eq.Dense(inputs, cells, init="randn()"))
    loss = eq.MeanSquaredError(cells, "u", over="last")
    x, y = samples()[0], np.random.default_rng(0).random((19, 3))
    for backend in ("numpy", "c"):
        trainer = eq.Trainer(net, loss=loss, backend=backend, dtype="float64")
        gradients = trainer.gradients(x, y)[1]
        for name, k, slope in finite_differences(trainer, x, y):
            assert gradients[name].ravel()[k] == pytest.approx(slope, rel=1e-6, abs=1e-9)
