"""Sparse projections: they are dense ones whose other weights are 0 and stay 0, in runs and in training."""

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


MASK = np.random.default_rng(3).random((6, 6)) < 0.4
WEIGHTS = np.random.default_rng(4).normal(size=(6, 6))


def made(recurrent, backend="c", **options):
    """A trainer whose recurrent projection is what ``recurrent(hidden)`` makes."""
    eq.seed(4)
    inputs = eq.Inputs(3, name="inputs")
    hidden = eq.NeuronGroup(
        6,
        "du/dt = (I - u)/(6*ms) : 1\nI : 1 (input)",
        threshold="u > 0.15",
        reset="u -= 0.15",
        surrogate="sigmoid",
        name="hidden",
    )
    out = eq.NeuronGroup(2, "du/dt = (I - u)/(10*ms) : 1\nI : 1 (input)", name="out")
    layers = [
        eq.Dense(inputs, hidden, init="2*rand()", name="w_in"),
        recurrent(hidden),
        eq.Dense(hidden, out, name="w_out"),
    ]
    net = eq.Network(inputs, hidden, out, layers)
    loss = eq.CrossEntropy(out, "u", over="mean", scale=5)
    return eq.Trainer(net, loss=loss, backend=backend, dtype="float64", **options)


def samples():
    rng = np.random.default_rng(0)
    return (rng.random((19, 15, 3)) < 0.4), rng.integers(0, 2, 19)


def dense(hidden):
    return eq.Dense(hidden, hidden, init=WEIGHTS * MASK, name="rec")


def sparse(hidden):
    return eq.Sparse(hidden, hidden, mask=MASK, init=WEIGHTS, name="rec")


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_a_sparse_projection_is_a_dense_one_with_zeros(backend):
    x, y = samples()
    a, b = made(dense, backend), made(sparse, backend)
    (va, ga), (vb, gb) = a.gradients(x, y), b.gradients(x, y)
    assert va == vb and b.parameters["rec.w"].size == MASK.sum()
    np.testing.assert_array_equal(ga["rec.w"].reshape(6, 6)[MASK], gb["rec.w"])
    for name in ("w_in.w", "w_out.w"):
        np.testing.assert_array_equal(ga[name], gb[name])
    b.fit(x, y, epochs=3)
    rec = next(d for d in b.network.dense if d.name == "rec")
    assert (rec.weights[~MASK] == 0).all() and not np.array_equal(rec.weights[MASK], WEIGHTS[MASK])


def test_a_trained_sparse_network_runs_as_it_was_trained():
    x, _ = samples()
    trainer = made(sparse)
    expected = trainer.predict(x[:1])[0]
    inputs, (hidden, out) = trainer.network.inputs, sorted(trainer.network.groups, key=lambda g: g.name)
    inputs.present(x[0].astype(float))
    membrane = eq.StateMonitor(out, "u", record=True, when="end")
    net = eq.Network(inputs, hidden, out, trainer.network.dense, inputs.contained(), membrane)
    net.run(15 * ms)
    np.testing.assert_allclose(membrane.u.mean(axis=1), expected, rtol=1e-9, atol=1e-12)


def test_weights_of_an_expression_and_shared_ones():
    x, y = samples()
    model = "gain : 1 (shared, trainable)\nw : 1 (trainable)"
    a = made(
        lambda h: eq.Sparse(h, h, model, "I_post += gain*w", mask=MASK, init={"w": WEIGHTS, "gain": 0.5}, name="rec")
    )
    b = made(lambda h: eq.Dense(h, h, model, "I_post += gain*w", init={"w": WEIGHTS * MASK, "gain": 0.5}, name="rec"))
    (va, ga), (vb, gb) = a.gradients(x, y), b.gradients(x, y)
    assert va == vb
    np.testing.assert_allclose(ga["rec.gain"], gb["rec.gain"], rtol=1e-12)
    np.testing.assert_allclose(ga["rec.w"], gb["rec.w"].reshape(6, 6)[MASK], rtol=1e-12)


def test_eprop_and_files_know_sparse_projections(tmp_path):
    x, y = samples()
    a, b = made(dense, method="eprop"), made(sparse, method="eprop")
    np.testing.assert_allclose(
        a.gradients(x, y)[1]["rec.w"].reshape(6, 6)[MASK], b.gradients(x, y)[1]["rec.w"], rtol=1e-12
    )
    b.fit(x, y)
    b.save(tmp_path / "t.zip")
    c = made(sparse, method="eprop")
    c.load(tmp_path / "t.zip")
    np.testing.assert_array_equal(b.parameters["rec.w"], c.parameters["rec.w"])


def test_pairs_by_probability_and_by_condition():
    eq.seed(1)
    one, two = (eq.NeuronGroup(n, "du/dt = -u/ms : 1\nI : 1 (input)", threshold="u > 1") for n in (200, 300))
    drawn = eq.Sparse(one, two, p=0.1, init="kaiming")
    assert abs(len(drawn) - 6000) < 5 * np.sqrt(6000 * 0.9)
    assert drawn.weights.std() * np.sqrt(200) == pytest.approx(
        np.sqrt(2), rel=0.03
    )  # the sum over sources has variance 2
    near = eq.Sparse(one, one, mask="abs(i - j) < 5 and i != j", init=0.3)
    assert len(near) == 2 * sum(200 - d for d in range(1, 5)) and set(np.unique(near.weights)) == {0, 0.3}


def test_a_sparse_projection_that_cannot_be():
    one, two = (eq.NeuronGroup(n, "du/dt = -u/ms : 1\nI : 1 (input)", threshold="u > 1") for n in (3, 2))
    for options, text in (
        ({}, "one of the two"),
        (dict(p=0.1, mask=np.ones((3, 2))), "one of the two"),
        (dict(p=0), "p= is the probability of a synapse, above 0 and up to 1; got 0"),
        (dict(mask=np.ones((2, 3))), "mask= has the shape (source, target) = (3, 2); got (2, 3)"),
        (dict(mask=np.zeros((3, 2))), "has no synapse: p= or mask= chose none"),
        (dict(mask="i > 10"), "has no synapse: p= or mask= chose none"),
    ):
        with pytest.raises(eq.EqsnnError) as error:
            eq.Sparse(one, two, **options)
        assert text in str(error.value)
