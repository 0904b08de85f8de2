"""``Trainer(checkpoints=True)``: the same gradients to the last bit, from a tape of sqrt(T) steps."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms
from tests.test_learning import lif, samples, small
from tests.test_learning_general import network, noisy, pause_by_expression, presented
from tests.test_learning_graded import liquid


@pytest.fixture(autouse=True)
def one_millisecond():
    before = eq.defaultclock.dt
    eq.defaultclock.dt = 1 * ms
    yield
    eq.defaultclock.dt = before


def same(net, loss, x, y, **options):
    """Gradients with and without checkpoints, compared, and what the tapes take."""
    tapes, found = [], []
    for checkpoints in (False, True, True):
        eq.seed(3)
        trainer = eq.Trainer(net, loss=loss, backend="c", checkpoints=checkpoints, **options)
        found.append((*trainer.gradients(x, y), trainer.input_gradients(x, y)[1], trainer.engine.rates()))
        tapes.append(trainer.engine.tape_bytes())
        options["threads"] = 3
    for loss_value, gradients, presented_, rates in found[1:]:
        assert loss_value == found[0][0] and rates == pytest.approx(found[0][3])
        for name, g in gradients.items():
            np.testing.assert_array_equal(g, found[0][1][name], err_msg=name)
        np.testing.assert_array_equal(presented_, found[0][2])
    return tapes


@pytest.mark.parametrize("steps", [1, 2, 16, 17, 50])
@pytest.mark.parametrize("delay", [None, 9 * ms])
def test_no_bit_differs(steps, delay):
    net, out = small(lif, delay=delay)
    x, y = samples(batch=37, steps=steps)
    same(net, eq.CrossEntropy(out, "u"), x, y)


@pytest.mark.parametrize("model", [noisy, pause_by_expression])
def test_noise_and_pauses_are_the_same_when_done_again(model):
    net, cells = network(model)
    x = np.stack([presented(40, seed=s) for s in range(20)])
    same(net, eq.MeanSquaredError(cells, "spike", over="sum"), x, np.ones((20, len(cells))), dtype="float64")


def test_continuous_variables_that_arrive_late_are_carried():
    net, out = liquid(5)[:2]
    x, _ = samples(batch=20, steps=30, n=len(next(o for o in net.objects if isinstance(o, eq.Inputs))))
    same(net, eq.MeanSquaredError(out, "u", over="mean"), x, np.ones((20, len(out))), dtype="float64")


def test_the_tape_grows_with_the_root_of_the_steps():
    net, out = small(lif, n=64)
    x, y = samples(batch=16, steps=900)
    whole, few, _ = same(net, eq.CrossEntropy(out, "u"), x, y)
    assert few < whole / 6


def test_other_methods_have_no_checkpoints():
    net, out = small(lif)
    with pytest.raises(eq.EqsnnError, match="checkpoints=True is about the memory of method='bptt'"):
        eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), method="tbptt", window=5, checkpoints=True)


@pytest.mark.parametrize("delay", [None, 4 * ms])
def test_penalties_of_rates_are_the_same(delay):
    net, out = small(lif, delay=delay)
    hidden = next(o for o in net.objects if o.name == "hidden")
    x, y = samples(batch=20, steps=30)
    loss = eq.CrossEntropy(out, "u") + eq.RatePenalty(hidden, low=0.3, high=0.4, weight=5)
    found = []
    for checkpoints in (False, True):
        trainer = eq.Trainer(net, loss=loss, backend="c", checkpoints=checkpoints)
        found.append(trainer.gradients(x, y, (np.arange(30) < 20 + np.arange(20)[:, None]).astype(float)))
    assert found[0][0] == found[1][0]
    for name, g in found[0][1].items():
        np.testing.assert_array_equal(found[1][1][name], g, err_msg=name)
