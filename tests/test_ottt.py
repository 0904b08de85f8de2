"""Online training through time against its formulas, written down by hand."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms
from eqsnn.errors import EqsnnError, EquationError
from eqsnn.learning.eligible import RuleMaker, Wishes
from eqsnn.learning.network import LearnedNetwork
from tests.test_learning import samples


@pytest.fixture(autouse=True)
def one_millisecond():
    before = eq.defaultclock.dt
    eq.defaultclock.dt = 1 * ms
    yield
    eq.defaultclock.dt = before


LEAK, THETA, KAPPA = 0.8, 0.3, 0.9


def layer(n, name, leak=str(LEAK), reset=f"u -= {THETA}"):
    return eq.NeuronGroup(
        n,
        f"u[n+1] = {leak}*u + I + bias : 1\nI : 1 (input)\nbias : 1 (trainable)",
        threshold=f"u > {THETA}",
        reset=reset,
        surrogate=eq.Surrogate("triangular", scale=THETA),
        name=name,
    )


def network(same=True, hidden=layer, recurrent=False, seed=2):
    """4 inputs, two layers of spiking neurons and a leaky readout, all in one step."""
    eq.seed(seed)
    inputs, a, b = eq.Inputs(4, name="inputs"), hidden(6, "a"), hidden(5, "b")
    out = eq.NeuronGroup(3, f"y[n+1] = {KAPPA}*y + I : 1\nI : 1 (input)", name="out")
    layers = [
        eq.Dense(inputs, a, name="w_a", same_step=same),
        eq.Dense(a, b, name="w_b", same_step=same),
        eq.Dense(b, out, name="w_out", same_step=same),
    ]
    layers += [eq.Dense(b, b, name="w_rec", init="orthogonal")] if recurrent else []
    return eq.Network(inputs, a, b, out, *layers), out


def by_hand(net, x, y):
    """Xiao et al. 2022, eqs. 7 to 9, sample by sample."""
    w = {name: net[name].weights.copy() for name in ("w_a", "w_b", "w_out")}
    bias = {name: np.array(net[name].bias) for name in ("a", "b")}
    sizes, found = {"a": 6, "b": 5}, {}
    for s in range(len(x)):
        u = {k: np.zeros(n) for k, n in sizes.items()}
        trace = {"w_a": np.zeros(4), "w_b": np.zeros(6), "w_out": np.zeros(5)}
        ones, out = 0.0, np.zeros(3)
        for t in range(x.shape[1]):
            z, psi = {}, {}
            for k, below in (("a", x[s, t]), ("b", None)):
                heard = below if below is not None else z["a"]
                u[k] = LEAK * u[k] + heard @ w[f"w_{k}"] + bias[k]
                z[k] = (u[k] > THETA).astype(float)
                psi[k] = np.maximum(0, 1 - np.abs((u[k] - THETA) / THETA)) / THETA
                u[k] = u[k] - THETA * z[k]
            out = KAPPA * out + z["b"] @ w["w_out"]
            error = np.exp(out - out.max()) / np.exp(out - out.max()).sum()
            error[y[s, t]] -= 1
            error /= y.size
            trace["w_a"] = LEAK * trace["w_a"] + x[s, t]
            trace["w_b"] = LEAK * trace["w_b"] + z["a"]
            trace["w_out"] = KAPPA * trace["w_out"] + z["b"]
            ones = LEAK * ones + 1
            g_b = (w["w_out"] @ error) * psi["b"]
            g_a = (w["w_b"] @ g_b) * psi["a"]
            for name, g in (("w_a", g_a), ("w_b", g_b), ("w_out", error)):
                found[f"{name}.w"] = found.get(f"{name}.w", 0) + np.outer(trace[name], g).ravel()
            found["a.bias"] = found.get("a.bias", 0) + ones * g_a
            found["b.bias"] = found.get("b.bias", 0) + ones * g_b
    return found


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize("window", [1, 7, 40])
def test_gradients_are_those_of_the_formulas(backend, window):
    x, y = samples(steps=40, density=0.5)
    net, out = network()
    for group in ("a", "b"):
        net[group].bias = "0.02*i"
    wanted = by_hand(net, x, y)
    trainer = eq.Trainer(
        net, loss=eq.CrossEntropy(out, "y"), dtype="float64", backend=backend, method="ottt", window=window
    )
    _, found = trainer.gradients(x, y)
    assert set(found) == set(wanted)
    for name, g in wanted.items():
        assert np.abs(g).max() > 1e-4
        np.testing.assert_allclose(found[name], g, rtol=1e-10, atol=1e-14, err_msg=name)


def test_there_is_one_trace_for_each_source():
    net, out = network(recurrent=True)
    maker = RuleMaker(LearnedNetwork(net.objects, (out, "y"), True), Wishes("OTTT", through=False, spatial=True))
    assert {f.kind for f in maker.rule.families if f.projection >= 0} == {"sources"} and not maker.memory()
    assert len([f for f in maker.rule.families if f.projection >= 0]) == 4


def test_leaks_of_their_own_take_a_trace_for_each_synapse():
    """Two neurons with different leaks give what each of them gives in a network in which all have its leak."""
    x, _ = samples(steps=30, density=0.5)

    class Total(eq.Loss):
        def of(self, r, target):
            return float(r.sum()), np.ones_like(r)

    def found(leaks):
        def hidden(n, name):
            group = eq.NeuronGroup(
                n,
                "u[n+1] = leak*u + I : 1\nI : 1 (input)\nleak : 1",
                threshold=f"u > {THETA}",
                reset=f"u -= {THETA}",
                surrogate="triangular",
                name=name,
            )
            group.leak = leaks if name == "b" else 0.5
            return group

        net, out = network(hidden=hidden)
        trainer = eq.Trainer(net, loss=Total(out, "y"), dtype="float64", backend="c", method="ottt")
        _, gradients = trainer.gradients(x, np.zeros((*x.shape[:2], 3)))
        net.remove(*net.objects)
        return gradients["w_b.w"].reshape(6, 5)

    mixed = found([0.5, 0.9, 0.5, 0.9, 0.5])
    np.testing.assert_allclose(mixed[:, ::2], found(0.5)[:, ::2], rtol=1e-12)
    np.testing.assert_allclose(mixed[:, 1::2], found(0.9)[:, 1::2], rtol=1e-12)


def test_bits_do_not_depend_on_threads():
    x, y = samples(batch=70, steps=20)
    found = []
    for threads in (1, 2, 3):
        net, out = network(recurrent=True)
        trainer = eq.Trainer(net, loss=eq.CrossEntropy(out, "y"), backend="c", threads=threads, method="ottt")
        found.append(trainer.gradients(x, y))
        net.remove(*net.objects)
    for loss, gradients in found[1:]:
        assert loss == found[0][0]
        for name, g in gradients.items():
            np.testing.assert_array_equal(g, found[0][1][name])


def test_training_lowers_the_loss():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 60)
    x = rng.random((60, 30, 4)) < np.where(np.arange(4) == y[:, None], 0.6, 0.1)[:, None, :]
    net, out = network()
    loss = eq.CrossEntropy(out, "y", over="mean")
    trainer = eq.Trainer(net, loss=loss, optimizer=eq.Adam(2e-2), backend="c", method="ottt")
    history = trainer.fit(x, y, epochs=20, batch=20)
    assert history["loss"][-1] < 0.4 * history["loss"][0] and trainer.evaluate(x, y)["accuracy"] > 0.9


def adaptive(n, name):
    return eq.NeuronGroup(
        n,
        "u[n+1] = 0.9*u + I - b*u : 1\nb[n+1] = 0.95*b + 0.1*u : 1\nI : 1 (input)",
        threshold="u > 0.3",
        reset="u = 0",
        surrogate="arctan",
        name=name,
    )


WRONG = {
    "another step": (
        dict(same=False),
        EqsnnError,
        "OTTT carries errors through one step, and a reaches nothing in the same step; give its Dense same_step=True, or use method='eprop'",
    ),
    "no constant leak": (
        dict(hidden=adaptive),
        EquationError,
        """OTTT keeps what a neuron leaks, and 'u' of a depends on 'u' otherwise in each step
  in line 1 of the equations:
    u[n+1] = 0.9*u + I - b*u : 1""",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use(name):
    options, kind, text = WRONG[name]
    net, out = network(**options)
    with pytest.raises(kind) as caught:
        eq.Trainer(net, loss=eq.CrossEntropy(out, "y"), backend="numpy", method="ottt")
    assert text in str(caught.value)
