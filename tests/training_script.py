"""A training that a test takes up again in another process: python training_script.py METHOD first|second|whole FILE OUT."""

import sys

import numpy as np

import eqsnn as eq
from eqsnn import ms
from eqsnn.network.base import registry

HIDDEN = """
du/dt = (I + bias - u)/tau : 1
db/dt = -b/tau_b : 1
I : 1 (input)
bias : 1 (trainable)
tau : second (trainable, bounds=[2*ms, 100*ms])
tau_b : second
"""


def drawn(samples, neurons, rng):
    """Between 0 and 0.1."""
    return 0.1 * rng.random((samples, neurons))


def made(method="bptt", seed=1, n=6, **options):
    """A trainer whose fixed time constants, weights and starts of samples are random."""
    eq.seed(seed)
    eq.defaultclock.dt = 1 * ms
    inputs = eq.Inputs(4, name="inputs")
    hidden = eq.NeuronGroup(
        n, HIDDEN, threshold="u > 0.2 + b", reset="u -= 0.2; b += 0.1", surrogate="triangular", name="hidden"
    )
    hidden.tau, hidden.tau_b = 8 * ms, "10*ms + 20*rand()*ms"
    out = eq.NeuronGroup(3, "du/dt = (I - u)/(10*ms) : 1\nI : 1 (input)", name="out")
    layers = [
        eq.Dense(inputs, hidden, init="2*rand()", name="w_in"),
        eq.Dense(hidden, hidden, name="w_rec"),
        eq.Dense(hidden, out, name="w_out"),
    ]
    net = eq.Network(inputs, hidden, out, layers)
    options = {"optimizer": eq.Adam(1e-2), "schedule": eq.StepLR(2, 0.5), "window": None, **options}
    if method == "adaptive":
        method = eq.EProp(feedback="adaptive")
    if method == "fptt":
        options["window"] = 6
    loss = eq.CrossEntropy(out, "u", over="mean", scale=5)
    return eq.Trainer(net, loss=loss, method=method, backend="c", start={"hidden.u": drawn}, **options)


def data(n=40, steps=24):
    """Samples of which one input is busier than the others."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, n)
    return (rng.random((n, steps, 4)) < np.where(np.arange(4) == y[:, None], 0.6, 0.2)[:, None, :]), y


def state(trainer):
    """All that was trained and recorded, as numbers; the random streams stay where they are."""
    history = {f"history {n}": np.array(c) for n, c in trainer.history.columns.items()}
    memory = {f"{n} {k}": a for n, own in trainer.optimizer.memory.items() for k, a in own.items()}
    position = registry.seed_value, registry.draws
    registry.seed_value = registry.draws = 0
    predicted = trainer.predict(data()[0])
    registry.seed_value, registry.draws = position
    return {**trainer.parameters, **history, **memory, "predicted": predicted, "position": np.array(position)}


if __name__ == "__main__":
    method, part, file, out = sys.argv[1:]
    trainer = made(method, seed=1 if part != "second" else 99)
    x, y = data()
    options = dict(batch=16, validation=(x[:10], y[:10]))
    if part == "whole":
        trainer.fit(x, y, epochs=5, **options)
    elif part == "first":
        trainer.fit(x, y, epochs=3, checkpoint=file, **options)
    else:
        trainer.load(file)
        trainer.fit(x, y, epochs=5 - trainer.epoch, **options)
    np.savez(out, **state(trainer))
