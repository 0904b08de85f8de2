"""Encoders against closed forms, and the ways in for samples: tensors, sequences of different lengths, batches, events."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import Hz, ms, mV

sys.path.insert(0, str(Path(__file__).parent))

from training_script import data, made

encoders = eq.encoders


@pytest.fixture(autouse=True)
def one_millisecond():
    before = eq.defaultclock.dt
    eq.defaultclock.dt = 1 * ms
    yield
    eq.defaultclock.dt = before


def test_poisson_events_have_their_rate_and_follow_the_seed():
    eq.seed(3)
    rates = np.array([[0, 20, 100, 1000.0]]) * Hz
    a = encoders.poisson(rates, steps=20000)
    b = encoders.poisson(rates, steps=20000)
    eq.seed(3)
    np.testing.assert_array_equal(a, encoders.poisson(rates, steps=20000))
    assert (a != b).any()  # each call has a stream of its own
    p = np.array([0, 0.02, 0.1, 1])
    assert a.shape == (1, 20000, 4) and (abs(a[0].mean(0) - p) <= 4 * np.sqrt(p * (1 - p) / 20000)).all()
    interval = np.diff(np.flatnonzero(a[0, :, 2]))  # geometric: the variance is (1 - p)/p^2
    assert abs(interval.std() - np.sqrt(0.9) / 0.1) < 1
    fine = encoders.poisson(rates[:, :3], steps=20000, dt=0.1 * ms)
    assert abs(fine[0, :, 2].mean() - 0.01) < 0.003
    ramp = np.linspace(0, 1, 1000)[None, :, None]
    once = encoders.poisson(ramp)
    assert once.shape == (1, 1000, 1) and once[0, 500:].sum() > 2 * once[0, :500].sum() > 0
    assert not once[0, 0, 0] and once[0, -1, 0]


def test_a_latency_is_linear_or_that_of_a_membrane():
    x = np.array([[1.0, 0.5, 0.0, 0.25]])
    at = encoders.latency(x, steps=21)
    assert at.shape == (1, 21, 4) and at.sum() == 3  # 0 has no event
    assert [int(k) for k in at[0].argmax(0)] == [0, 10, 0, 15]
    at = encoders.latency(x, steps=40, tau=10, threshold=0.2)
    times = [10 * np.log(v / (v - 0.2)) for v in (1.0, 0.5, 0.25)]  # 2.2, 5.1, 16.1 steps
    assert at.sum() == 3 and [int(at[0, :, k].argmax()) for k in (0, 1, 3)] == [round(t) for t in times]
    assert encoders.latency(x, steps=10, tau=10, threshold=0.2).sum() == 2  # 16.1 is too late


def test_changes_and_levels_of_a_signal():
    t = np.arange(200)
    ramp = np.stack([0.03 * t, -0.01 * t, np.zeros(200)], axis=-1)[None]
    crossed = encoders.level_crossing(ramp, 0.1)
    assert crossed.shape == (1, 200, 6)
    assert crossed.sum(1)[0].tolist() == [59, 0, 0, 0, 19, 0]  # 5.97/0.1 and 1.99/0.1 whole levels, up and down
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(size=(4, 300, 2)), axis=1)
    found = encoders.level_crossing(walk, 0.5).astype(int)
    again = walk[:, :1] + 0.5 * np.cumsum(found[..., :2] - found[..., 2:], axis=1)
    assert np.abs(again - walk).max() < 0.5  # what was passed adds up to the signal
    noise = 0.4 * rng.uniform(-0.5, 0.5, (1, 500, 1))
    assert encoders.level_crossing(noise, 0.41).sum() == 0
    up = encoders.delta(np.array([0, 1, 1, 0, 0.5, 2])[:, None], 1.0)
    assert up[:, 0].tolist() == [False, True, False, False, False, True]
    assert up[:, 1].tolist() == [False, False, False, True, False, False]
    assert encoders.delta(walk, 1.0, both=False).shape == walk.shape


def test_currents_and_tuned_populations():
    x = np.array([[0.5, 2.0]], np.float32)
    steady = encoders.current(x, 7)
    assert steady.shape == (1, 7, 2) and steady.dtype == np.float32 and (steady == x).all()
    tuned = encoders.population(np.array([[0.0, 0.5]]), 3, width=0.25)
    expected = [np.exp(-(((v - c) / 0.25) ** 2) / 2) for v in (0.0, 0.5) for c in (0.0, 0.5, 1.0)]
    np.testing.assert_allclose(tuned, [expected])
    assert encoders.population(np.zeros((5, 4)), 6, -1, 1).shape == (5, 24)


def test_events_are_presented_in_their_steps():
    one, two = ([0, 2, 2, 3], [1, 0, 0, 2]), ([1, 9], [0, 1])
    shown = encoders.events([one, two], n=3)
    assert [s.shape for s in shown] == [(4, 3), (10, 3)]
    assert np.argwhere(shown[0]).tolist() == [[0, 1], [2, 0], [3, 2]]
    whole = encoders.events([one, two], n=3, steps=5, counts=True)
    assert whole.shape == (2, 5, 3) and whole[0, 2, 0] == 2 and whole[1].sum() == 1
    times = np.array([0.0, 0.3, 2.9999999999, 3.0]) * ms
    assert np.flatnonzero(encoders.events([(times, [0, 0, 0, 0])], n=1)[0][:, 0]).tolist() == [0, 3]
    assert np.flatnonzero(encoders.events([(times, [0, 0, 0, 0])], n=1, dt=0.1 * ms)[0][:, 0]).tolist() == [0, 3, 30]


def test_what_encoders_do_not_take():
    for call, text in (
        (lambda: encoders.poisson(np.array([[5.0]]), 3), "lie between 0 and 1; got 5 to 5 (rates need their unit, Hz)"),
        (lambda: encoders.poisson(np.array([[5.0]]) * mV, 3), "takes probabilities a step, or rates in Hz"),
        (lambda: encoders.poisson(np.array([[5.0]]) * Hz, 3, dt=1), "dt= is a time, such as 1*ms; got 1"),
        (lambda: encoders.latency(np.array([2.0]), 3), "takes values from 0 to 1; got 2 to 2"),
        (lambda: encoders.latency(np.array([0.2]), 3, tau=5), "tau= and threshold= are positive"),
        (lambda: encoders.latency(np.array([0.2]), 0), "steps= is how many time steps a sample has, 1 or more; got 0"),
        (lambda: encoders.current(np.array([0.2]), 5 * ms), "steps= is how many time steps"),
        (lambda: encoders.delta(np.zeros(3), 1.0), "takes signals (samples, steps, n) or (steps, n); got (3,)"),
        (lambda: encoders.level_crossing(np.zeros((3, 1)), 0), "threshold= is positive; got 0"),
        (lambda: encoders.population(np.zeros(3), 1), "takes two neurons or more"),
        (lambda: encoders.events([([0.5], [0])], 3), "times in seconds, or whole numbers of steps"),
        (lambda: encoders.events([([0, 1], [0])], 3), "there are 2 times and 1 neurons of events"),
        (lambda: encoders.events([([0], [3])], 3), "neurons of events are from 0 to 2; got 3 to 3"),
        (lambda: encoders.events([([-1], [0])], 3), "an event is before time 0"),
    ):
        with pytest.raises(eq.EqsnnError) as error:
            call()
        assert text in str(error.value)


# -- ways in --------------------------------------------------------------------------------------------------------------------------


def ragged():
    """Sequences of 12 to 30 steps, and the same filled up, with masks."""
    x, y = data(20, 30)
    lengths = np.random.default_rng(5).integers(12, 31, 20)
    lengths[3] = 30
    return [s[:n] for s, n in zip(x, lengths)], x, y, np.arange(30) < lengths[:, None]


def without_starts(**options):
    trainer = made(**options)
    trainer._starts = type(trainer._starts)(None, trainer.network)
    return trainer


def test_sequences_of_different_lengths_are_filled_up_and_masked():
    sequences, x, y, mask = ragged()
    one, two = without_starts(), without_starts()
    a, b = one.gradients(sequences, y), two.gradients(np.where(mask[..., None], x, 0), y, mask)
    assert a[0] == b[0] and all(np.array_equal(a[1][n], b[1][n]) for n in a[1])
    np.testing.assert_array_equal(one.predict(sequences, batch=6), two.predict(x * mask[..., None], mask))
    assert one.evaluate(sequences, y, batch=7)["loss"] == pytest.approx(two.evaluate(x, y, mask)["loss"], rel=1e-6)
    alone = [
        one.evaluate(sequences[k : k + 1], y[k : k + 1])["loss"] for k in range(20)
    ]  # what is filled up changes nothing
    assert one.evaluate(sequences, y)["loss"] == pytest.approx(np.mean(alone), rel=1e-5)
    history = one.fit(sequences, y, epochs=2, batch=8, validation=(sequences, y))
    assert len(history["validation_loss"]) == 2


def test_targets_of_steps_have_the_lengths_of_their_sequences():
    sequences, x, _, mask = ragged()
    rng = np.random.default_rng(1)
    trainer = without_starts()
    trainer.loss.over = "steps"
    targets = [rng.integers(0, 3, len(s)) for s in sequences]
    whole = np.full((20, 30), -1)
    for row, t in zip(whole, targets):
        row[: len(t)] = t
    assert trainer.loss_of(sequences, targets) == pytest.approx(trainer.loss_of(x * mask[..., None], whole), rel=1e-6)
    assert trainer.evaluate(sequences, targets, batch=3)["loss"] == pytest.approx(
        trainer.loss_of(sequences, targets), rel=1e-5
    )  # in the mean over steps, however samples are batched
    with pytest.raises(eq.EqsnnError, match="sample 1 has .* steps, and its targets 3"):
        trainer.loss_of(sequences, [targets[0], targets[1][:3], *targets[2:]])
    with pytest.raises(eq.EqsnnError, match=r"have the shape \(steps, inputs\)"):
        trainer.predict([sequences[0], sequences[1][:, :2]])


def test_batches_come_from_any_iterable_again_in_each_epoch():
    x, y = data()
    batches = [(x[k : k + 10], y[k : k + 10]) for k in range(0, 40, 10)]
    one, two, three = without_starts(), without_starts(), without_starts()
    one.fit(x, y, epochs=2, batch=10, shuffle=False, validation=(x, y))
    two.fit(batches, epochs=2, validation=batches)
    three.fit(lambda: iter(batches), epochs=2)
    for name, p in one.parameters.items():
        np.testing.assert_array_equal(p, two.parameters[name])
        np.testing.assert_array_equal(p, three.parameters[name])
    assert two.history["validation_loss"] == pytest.approx(one.history["validation_loss"], rel=1e-6)
    for source, options, text in (
        (iter(batches), dict(epochs=2), "an iterator is used up by its first epoch; give a list, a DataLoader"),
        ([], {}, "no batch came from list of 0: it is empty"),
        ([x, y], {}, "a batch is (x, y) or (x, y, mask); got ndarray of shape (40, 24, 4)"),
        (x, {}, "samples need targets: fit(x, y)"),
        (5, {}, "x is an iterable of batches (x, y) or (x, y, mask); got int"),
        (batches, dict(mask=np.ones(3)), "mask= goes with arrays"),
    ):
        with pytest.raises(eq.EqsnnError) as error:
            without_starts().fit(source, **options)
        assert text in str(error.value)


def test_a_bar_without_known_length(capsys):
    x, y = data()
    without_starts().fit(lambda: iter([(x, y)]), epochs=2, report="bar")
    assert "2/2 epochs" in capsys.readouterr().err


class Foreign:
    """An array of another library: it has DLPack and nothing else."""

    def __init__(self, array, device=1):
        self.array, self.kind, self.shape = array, device, array.shape

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return (self.kind, 0)


def test_arrays_of_other_libraries_come_in_through_dlpack():
    x, y = data()
    x = x.astype(np.float32)
    one, two = without_starts(), without_starts()
    assert one.loss_of(x, y) == two.loss_of(Foreign(x), Foreign(y))
    one.fit(x, y, shuffle=False)
    two.fit(Foreign(x), Foreign(y), shuffle=False)
    assert all(np.array_equal(p, two.parameters[n]) for n, p in one.parameters.items())
    with pytest.raises(eq.EqsnnError, match=r"samples lie on another device; give a tensor on the CPU \(.cpu\(\)\)"):
        two.predict(Foreign(x, device=2))


def test_tensors_of_torch(tmp_path):
    torch = pytest.importorskip("torch")
    x, y = data()
    one, two, three = without_starts(), without_starts(), without_starts()
    one.fit(x, y, batch=10, shuffle=False)
    two.fit(torch.tensor(x), torch.tensor(y), batch=10, shuffle=False)
    pairs = torch.utils.data.TensorDataset(torch.tensor(x).float().requires_grad_(), torch.tensor(y))
    three.fit(torch.utils.data.DataLoader(pairs, batch_size=10))
    for name, p in one.parameters.items():
        np.testing.assert_array_equal(p, two.parameters[name])
        np.testing.assert_array_equal(p, three.parameters[name])


def test_encoders_need_no_sympy():
    script = "import sys, eqsnn as eq; eq.encoders.current([[1.0]], 3); assert 'sympy' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
