"""Samples that begin where a function says; the published S-MNIST network, which needs it."""

import sys
from pathlib import Path

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms

ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared" / "data"
LATE = """
u[n+1] = 0.9*u + 0.1*(I + bias) - 0.2*s : 1
s[n+1] = 0 : 1
I : 1 (input)
bias : 1 (trainable)
"""


@pytest.fixture(autouse=True)
def one_millisecond():
    before = eq.defaultclock.dt
    eq.defaultclock.dt = 1 * ms
    yield
    eq.defaultclock.dt = before


def made(backend="c", start=None, model=LATE, **options):
    """A trainer of two inputs, five late-reset neurons and their readout, with the same weights each time."""
    eq.seed(1)
    inputs = eq.Inputs(2, name="inputs")
    cells = eq.NeuronGroup(
        5, model, threshold="u > 0.2", reset="s = 1", surrogate=eq.Surrogate("sigmoid"), name="cells"
    )
    out = eq.NeuronGroup(2, "du/dt = (I - u)/(10*ms) : 1\nI : 1 (input)", name="out")
    layers = [eq.Dense(inputs, cells, name="w_in"), eq.Dense(cells, out, name="w_out")]
    net = eq.Network(inputs, cells, out, layers)
    return eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), backend=backend, dtype="float64", start=start, **options)


def drawn(samples, neurons, rng):
    """Between 0 and 0.5."""
    return 0.5 * rng.random((samples, neurons))


def batch(n=19):
    rng = np.random.default_rng(2)
    return (rng.random((n, 12, 2)) < 0.4).astype(np.uint8), rng.integers(0, 2, (n, 12))


def test_each_sample_begins_where_the_function_says():
    x, _ = batch()
    given = drawn(19, 5, np.random.default_rng(7))
    whole = made(start={"cells.u": lambda samples, neurons, rng: given[:samples]})
    together = whole.predict(x)
    alone = made()
    alone.network.trained[0].group.u = given[4]
    assert not np.allclose(together[4], alone.predict(x[4:5])[0])  # the start is what it was when the trainer was made
    one = made(start={"cells.u": lambda samples, neurons, rng: given[4:5]})
    np.testing.assert_array_equal(together[4], one.predict(x[4:5])[0])


@pytest.mark.parametrize("names", [("u",), ("s",), ("u", "s")])
def test_the_compiled_start_is_that_of_the_oracle(names):
    x, y = batch()
    found = [made(b, {f"cells.{v}": drawn for v in names}).gradients(x, y) for b in ("numpy", "c")]
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-12)
    for name, g in found[0][1].items():
        np.testing.assert_allclose(found[1][1][name], g, rtol=1e-9, atol=1e-12)
    assert found[0][0] != made().gradients(x, y)[0]


def test_names_in_a_tuple_begin_with_the_same_values():
    x, _ = batch()
    given = drawn(19, 5, np.random.default_rng(7))
    apart = made(start={f"cells.{v}": lambda samples, neurons, rng: given for v in "us"}).predict(x)
    np.testing.assert_array_equal(made(start={("cells.u", "cells.s"): lambda s, n, rng: given}).predict(x), apart)
    with pytest.raises(eq.EqsnnError, match=r"start= of 'cells.u', 'out.u' gives values of shape"):
        made(start={("cells.u", "out.u"): drawn}).predict(x)


def test_starts_are_drawn_anew_and_the_seed_decides_them():
    x, _ = batch()
    trainer = made(start={"cells.u": drawn})
    first, second = trainer.predict(x), trainer.predict(x)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(made(start={"cells.u": drawn}).predict(x), first)


@pytest.mark.parametrize(
    "start, text",
    [
        ({"cells.v": drawn}, "start= names 'cells.v', which is no state of the network"),
        ({"cell.u": drawn}, "did you mean 'cells.u'?"),
        ({"cells.u": 0.3}, "start= has a function of (samples, neurons, generator) for 'cells.u'; got float"),
    ],
)
def test_wrong_starts_are_named(start, text):
    with pytest.raises(eq.EqsnnError) as error:
        made(start=start)
    assert text in str(error.value)


def test_a_start_of_another_shape_is_named():
    trainer = made(start={"cells.u": lambda samples, neurons, rng: rng.random(neurons)})
    with pytest.raises(eq.EqsnnError, match=r"of shape \(samples, neurons\) = \(19, 5\); got \(5,\)"):
        trainer.predict(batch()[0])


def test_a_start_that_is_trained_is_not_drawn():
    with pytest.raises(eq.EqsnnError, match=r"'cells.u' is trainable, so its start is what is trained"):
        made(start={"cells.u": drawn}, model=LATE.replace("- 0.2*s : 1", "- 0.2*s : 1 (trainable)"))


@pytest.mark.skipif(not (DATA / "yin_weights" / "smnist.npz").exists(), reason="the published weights are not here")
@pytest.mark.parametrize("what, right", [("zero", 392), ("drawn", 392)])
def test_published_weights_read_digits(what, right, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks" / "learning"))
    monkeypatch.delitem(sys.modules, "smnist", raising=False)
    import smnist
    import train_smnist

    eq.seed(0)
    images, y = (a[:400] for a in train_smnist.digits(DATA / "mnist", "test"))
    trainer = smnist.trainer(DATA / "yin_weights" / "smnist.npz", what == "drawn")
    assert abs(train_smnist.scores(trainer, images, y) * 400 - right) <= 3
    assert trainer.engine.rates() == pytest.approx([0.122, 0.074, 0.042, 0.319], abs=0.01)
