"""What a user reads who trains what cannot be trained, or presents what does not fit."""

import numpy as np
import pytest

import eqsnn as eq

RATE = "dv/dt = (I - v)/(10*ms) : 1\nI : 1 (input)"


def trained(model=RATE, on_pre="I_post += w", loss=lambda g: eq.CrossEntropy(g, "v"), dense=None, **group):
    """A trainer of one input and one group."""
    inputs = eq.Inputs(2, name="inputs")
    options = dict(threshold="v > 1", reset="v = 0", surrogate="triangular") | group
    cells = eq.NeuronGroup(3, model, name="cells", **options)
    weights = eq.Dense(inputs, cells, on_pre=on_pre, init=0.1, name="weights", **(dense or {}))
    net = eq.Network(inputs, cells, weights)
    return eq.Trainer(net, loss=loss(cells), backend="numpy"), net


WRONG = {
    "no surrogate": (
        dict(surrogate=None),
        """the spike of cells has no derivative
  in the threshold:
    v > 1
    ^^^^^
  give cells a surrogate, such as surrogate='multi_gaussian'""",
    ),
    "a function of Python": (
        dict(
            model="dv/dt = (I - squared(v))/(10*ms) : 1\nI : 1 (input)",
            namespace={"squared": eq.check_units(x=1, result=1)(lambda x: x * x)},
        ),
        "cells calls a function of yours, whose derivative is not known",
    ),
    "no fixed number of steps": (
        dict(model="dv/dt = (I - v**3)/(10*ms) : 1\nI : 1 (input)", method="rk32"),
        "the method of cells has no fixed number of steps",
    ),
    "reads an integer": (
        dict(
            model=RATE + "\nn : integer",
            reset="v = 0; n += 1",
            threshold="v > 1 + n",
            loss=lambda g: eq.CrossEntropy(g, "n"),
        ),
        "the loss reads 'n' of cells, which is integer and has no derivative; it can read v, spike",
    ),
    "threshold without margin": (
        dict(model=RATE + "\nready : boolean", threshold="ready"),
        "the threshold of cells has no margin that a surrogate could be a function of",
    ),
    "threshold of an input, which is cleared before": (
        dict(threshold="I > 0.5"),
        """the threshold of cells depends on nothing that a step changes
  in the threshold:
    I > 0.5
    ^^^^^^^
  let it read a state; an (input) variable is cleared before it""",
    ),
    "reset changes what is trained": (
        dict(model=RATE + "\ntheta : 1 (trainable)", reset="v = 0; theta += 1"),
        "'theta' of cells is trainable, and its reset changes it",
    ),
    "adds to a state": (
        dict(on_pre="v_post += w"),
        "weights: on_pre must add to one (input) variable of cells",
    ),
    "sets": (
        dict(on_pre="I_post = w"),
        "weights: on_pre must add to one (input) variable of cells",
    ),
    "arrivals depend on the target": (
        dict(on_pre="I_post += w*(2 - v_post)"),
        "weights: what arrives depends on 'v_post', and a dense projection has weights of its own alone",
    ),
    "no such readout": (
        dict(loss=lambda g: eq.CrossEntropy(g, "I")),
        "the loss reads 'I' of cells, which does not change in a step; it can read v, spike",
    ),
    "bounds without trainable": (
        dict(model=RATE + "\ntau : second (bounds=[1*ms, 2*ms])"),
        "the flag 'bounds' speaks about training",
    ),
    "bounds of another unit": (
        dict(model=RATE + "\ntau : second (trainable, bounds=[1*mV, 2*mV])"),
        "the bound 1*mV has unit",
    ),
    "empty bounds": (
        dict(model=RATE + "\ntau : second (trainable, bounds=[3*ms, 2*ms])"),
        "no value lies within 'bounds=[3*ms, 2*ms]'",
    ),
    "bounds that are no list": (
        dict(model=RATE + "\ntau : second (trainable, bounds=3)"),
        "'bounds=3' are no bounds",
    ),
    "rate that is no number": (
        dict(model=RATE + "\ntau : second (trainable, rate=fast)"),
        "'rate=fast' is no factor of the learning rate",
    ),
    "unknown surrogate": (dict(surrogate="multigaussian"), "did you mean 'multi_gaussian'?"),
    "surrogate of other names": (dict(surrogate="exp(-v**2)"), "a surrogate is an expression of x, and this is 'v'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_trained_says_so(name):
    arguments, text = WRONG[name]
    with pytest.raises(eq.EqsnnError) as error:
        trained(**arguments)
    assert text in str(error.value)


def test_shapes_are_named():
    trainer, _ = trained()
    x, y = np.zeros((5, 10, 2)), np.zeros((5, 10), int)
    for call, text in (
        (
            lambda: trainer.fit(x[..., :1], y),
            "samples have the shape (samples, steps, 2), as many values a step as inputs has; got (5, 10, 1)",
        ),
        (lambda: trainer.gradients(x, y[:, 0]), "targets have the shape (samples, steps) = (5, 10); got (5,)"),
        (lambda: trainer.gradients(x, y + 3), "targets are the numbers of classes, from 0 to 2 (-1: none)"),
        (lambda: trainer.gradients(x, y, np.ones(5)), "a mask has the shape (samples, steps) = (5, 10); got (5,)"),
        (lambda: trainer.fit(x, y[:3]), "there are 5 samples and 3 targets"),
    ):
        with pytest.raises(eq.EqsnnError) as error:
            call()
        assert text in str(error.value)


def test_a_network_that_has_nothing_to_train_says_so():
    inputs, cells = eq.Inputs(2), eq.NeuronGroup(3, RATE, name="cells")
    fixed = eq.Dense(inputs, cells, "w : 1", init={"w": 0.1})
    with pytest.raises(eq.EqsnnError, match="nothing in the network is trainable"):
        eq.Trainer(eq.Network(inputs, cells, fixed), loss=eq.MeanSquaredError(cells, "v"), backend="numpy")
    with pytest.raises(eq.EqsnnError, match="one Inputs group"):
        eq.Trainer(eq.Network(cells), loss=eq.MeanSquaredError(cells, "v"), backend="numpy")


def test_objects_without_a_gradient_are_named():
    inputs, cells = eq.Inputs(2), eq.NeuronGroup(3, RATE, name="cells")
    dense, noise = eq.Dense(inputs, cells), eq.PoissonGroup(2, 10 * eq.Hz, name="noise")
    with pytest.raises(eq.EqsnnError, match=r"noise \(PoissonGroup\) cannot be trained through"):
        eq.Trainer(eq.Network(inputs, cells, dense, noise), loss=eq.MeanSquaredError(cells, "v"), backend="numpy")


def test_a_wrong_word_of_the_trainer():
    inputs, cells = eq.Inputs(2), eq.NeuronGroup(3, RATE, name="cells")
    net = eq.Network(inputs, cells, eq.Dense(inputs, cells))
    loss = eq.MeanSquaredError(cells, "v")
    for arguments, text in (
        (dict(method="rtrl"), "method= is 'bptt'"),
        (dict(dtype="int8"), "dtype= is float32 or float64"),
    ):
        with pytest.raises(eq.EqsnnError, match=text):
            eq.Trainer(net, loss=loss, backend="numpy", **arguments)
    with pytest.raises(eq.EqsnnError, match="over= is one of"):
        eq.MeanSquaredError(cells, "v", over="time")
    with pytest.raises(eq.EqsnnError, match="hear itself in the same step"):
        spiking = eq.NeuronGroup(3, RATE, threshold="v > 1", reset="v = 0")
        eq.Dense(spiking, spiking, same_step=True)
    with pytest.raises(eq.EqsnnError, match="a learning rate is positive"):
        eq.Adam(0)
    with pytest.raises(eq.UnitError):
        eq.Dense(inputs, cells, "w : volt (trainable)")
    with pytest.raises(eq.EqsnnError, match="did you mean 'xavier'"):
        eq.Dense(inputs, cells, init="xavir")
    with pytest.raises(eq.EqsnnError, match=r"weights have the shape \(source, target\) = \(2, 3\)"):
        eq.Dense(inputs, cells, init=np.zeros((3, 2)))


def test_flags_of_training_are_read():
    group = eq.NeuronGroup(
        2, "tau : second (trainable, bounds=[1*ms, inf], rate=2.5)\nx : 1 (trainable, bounds=[-1, 1])"
    )
    from eqsnn.model.training import bounds_of, rate_of

    tau, x = group.model.variables
    assert bounds_of(tau) == (0.001, np.inf) and rate_of(tau) == 2.5
    assert bounds_of(x) == (-1.0, 1.0) and rate_of(x) == 1.0
    assert "bounds=[1*ms, inf]" in str(group.equations)
