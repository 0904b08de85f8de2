"""e-prop: exact where its paper says so, with the formulas of its paper, and the same on every engine, number of threads and length of windows."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms
from eqsnn.derivations.eligibility import jacobian
from eqsnn.errors import EqsnnError, EquationError
from eqsnn.learning.eligible import RuleMaker, Wishes
from eqsnn.learning.network import LearnedNetwork
from eqsnn.learning.oracle import Oracle
from tests.test_learning import drawn_group, samples


@pytest.fixture(autouse=True)
def one_millisecond():
    before = eq.defaultclock.dt
    eq.defaultclock.dt = 1 * ms
    yield
    eq.defaultclock.dt = before


MODELS = {
    "lif": ("du/dt = (I + bias - u)/tau : 1", "u > 0.2", "u -= 0.2"),
    "alif": (
        "du/dt = (I + bias - u)/tau : 1\ndb/dt = -b/tau_a : 1\ntau_a : second (trainable)",
        "u > 0.1 + 0.8*b",
        "u -= 0.1 + 0.8*b; b += 0.1",
    ),
}


def neurons(model):
    def made(n):
        equations, threshold, reset = MODELS[model]
        group = eq.NeuronGroup(
            n,
            equations + "\nI : 1 (input)\nbias : 1 (trainable)\ntau : second (trainable)",
            threshold=threshold,
            reset=reset,
            surrogate="sigmoid",
            method="exact",
            name="hidden",
        )
        group.tau = "5*ms + i*ms"
        if model == "alif":
            group.tau_a = "20*ms + i*ms"
        return group

    return made


def network(hidden, *, same=False, delay=None, out_delay=None, n=7, seed=1, readout=None, trained_out=True):
    """4 inputs, a recurrent group and 3 leaky readouts that decay alike."""
    eq.seed(seed)
    inputs, group = eq.Inputs(4, name="inputs"), hidden(n)
    out = eq.NeuronGroup(
        3,
        readout or "du/dt = (I - u)/tau : 1\nI : 1 (input)\ntau : second (shared, trainable)",
        method=None if readout else "exact",
        name="out",
    )
    if readout is None:
        out.tau = 10 * ms
    late = {} if delay is None else {"delay": delay}
    w_in = 2 * np.random.default_rng(seed).normal(size=(4, n))
    layers = [
        eq.Dense(inputs, group, name="w_in", init=w_in, same_step=same),
        eq.Dense(group, group, name="w_rec", init="orthogonal", **late),
        eq.Dense(group, out, name="w_out", same_step=same, **({} if out_delay is None else {"delay": out_delay})),
    ]
    return eq.Network(inputs, group, out, *layers), out


class Stopped(Oracle):
    """The oracle of backpropagation, in which no derivative goes through what layers tell each other, but for what they tell the readout."""

    feedback = None

    def _back(self, t, projection, error, weights, events, sent):
        p, signal = self.learner.projections[projection], self._signal(t, projection)
        if p.target == self.learner.readout.layer:
            given = self.values.weights
            if self.feedback is not None and signal is not None:
                number = projection - sum(q.linked for q in self.learner.projections[:projection])
                weights[number] += signal.astype(np.float64) @ error.T.astype(np.float64)
                events[t - self.values.lags[projection]][p.source] += self.feedback @ error
            else:
                super()._back(t, projection, error, weights, events, sent)
            self.values.weights = given
        elif signal is not None and not p.linked:
            number = projection - sum(q.linked for q in self.learner.projections[:projection])
            weights[number] += signal.astype(np.float64) @ error.T.astype(np.float64)


def gradients(make, x, y, method="eprop", backend="c", dtype="float64", loss=None, engine=None, **options):
    """The loss and gradients of a network that is made anew."""
    net, out = make()
    made = eq.CrossEntropy(out, "u") if loss is None else loss(out)
    trainer = eq.Trainer(net, loss=made, dtype=dtype, backend=backend, method=method, **options)
    if engine is not None:
        trainer.engine.__class__ = engine
    found = trainer.gradients(x, y)
    net.remove(*net.objects)
    return found


def agree(found, wanted, tolerance, all_learn=True):
    assert found[0] == pytest.approx(wanted[0], rel=max(tolerance, 1e-13))
    for name, g in wanted[1].items():
        assert np.abs(g).max() > 0 or not all_learn, name
        np.testing.assert_allclose(found[1][name], g, rtol=tolerance, atol=tolerance * np.abs(g).max(), err_msg=name)


# -- exactness -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize(
    "same, delay, out_delay", [(False, None, None), (True, None, None), (True, 3 * ms, 2 * ms), (False, 2 * ms, 1 * ms)]
)
@pytest.mark.parametrize("model", MODELS)
def test_it_is_backpropagation_with_stopped_recurrent_spikes(model, same, delay, out_delay, backend):
    x, y = samples(steps=45)

    def make():
        return network(neurons(model), same=same, delay=delay, out_delay=out_delay)

    wanted = gradients(make, x, y, "bptt", "numpy", engine=Stopped)
    agree(gradients(make, x, y, backend=backend), wanted, 1e-10)
    whole = gradients(make, x, y, "bptt")
    assert np.abs(whole[1]["w_rec.w"] - wanted[1]["w_rec.w"]).max() > 1e-3 * np.abs(whole[1]["w_rec.w"]).max()


@pytest.mark.parametrize("seed", range(10))
def test_drawn_models_too(seed):
    rng = np.random.default_rng(300 + seed)
    same, delay = bool(rng.random() < 0.5), [None, 3 * ms][rng.integers(2)]
    state = rng.bit_generator.state

    def make():
        rng.bit_generator.state = state
        return network(lambda n: drawn_group(rng, n)[0], same=same, delay=delay, n=4)

    x, y = samples(seed, batch=3, steps=20)
    wanted = gradients(make, x, y, "bptt", "numpy", engine=Stopped)
    agree(gradients(make, x, y, backend="numpy", window=7), wanted, 1e-9, all_learn=False)
    if seed < 3:
        agree(gradients(make, x, y, backend="c", window=7), wanted, 1e-9, all_learn=False)


READOUTS = {
    "two states": "du/dt = (g - u)/tau : 1\ndg/dt = (I - g)/(4*ms) : 1\nI : 1 (input)\ntau : second (shared, trainable)",
    "no memory": "u[n+1] = 2*I + bias : 1\nI : 1 (input)\nbias : 1 (trainable)",
}


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_readouts_filter_traces(readout, backend):
    def make():
        net, out = network(neurons("alif"), readout=READOUTS[readout])
        if readout == "two states":
            out.tau = 10 * ms
        return net, out

    x, y = samples(steps=45)
    agree(gradients(make, x, y, backend=backend), gradients(make, x, y, "bptt", "numpy", engine=Stopped), 1e-10)


@pytest.mark.parametrize("over", ["sum", "mean", "max", "last"])
def test_losses_that_are_known_at_the_end(over):
    def make():
        return network(neurons("alif"))

    def loss(out):
        return eq.CrossEntropy(out, "u", over=over, start=2)

    x, y = samples(steps=45)
    wanted = gradients(make, x, y[:, 0], "bptt", "numpy", engine=Stopped, loss=loss)
    agree(gradients(make, x, y[:, 0], loss=loss), wanted, 1e-10)


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize("variable", ["u", "spike"])
def test_a_group_without_readout_learns_from_what_the_loss_reads_of_it(variable, backend):
    """Each neuron has its own target: the learning signal is the loss's slope."""

    def make():
        eq.seed(1)
        inputs, group = eq.Inputs(4, name="inputs"), neurons("alif")(3)
        layers = [
            eq.Dense(inputs, group, name="w_in", init="2*randn()", on_pre="I_post += w*x_pre"),
            eq.Dense(group, group, name="w_rec", init="orthogonal"),
        ]
        return eq.Network(inputs, group, *layers), group

    def loss(group):
        return eq.CrossEntropy(group, variable)

    class Cut(Oracle):
        def _back(self, t, projection, error, weights, events, sent):
            signal = self._signal(t, projection)
            if signal is not None:
                weights[projection] += signal.astype(np.float64) @ error.T.astype(np.float64)

    x, y = samples(steps=45)
    x = x * np.random.default_rng(0).uniform(0.5, 2, x.shape)
    wanted = gradients(make, x, y, "bptt", "numpy", engine=Cut, loss=loss)
    agree(gradients(make, x, y, backend=backend, loss=loss), wanted, 1e-10)


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_what_is_sent_continuously_learns(backend):
    """A readout that sums membranes, and spikes of a second group."""

    def make():
        eq.seed(3)
        inputs, a = eq.Inputs(4, name="inputs"), neurons("alif")(5)
        b = eq.NeuronGroup(
            4,
            "du/dt = (I - u)/(8*ms) : 1\nI : 1 (input)",
            threshold="u > 0.1",
            reset="u = 0",
            surrogate="arctan",
            name="b",
        )
        out = eq.NeuronGroup(3, "du/dt = (g + I - u)/(9*ms) : 1\nI : 1 (input)\ng : 1", name="out", order=3)
        layers = [
            eq.Dense(inputs, a, name="w_a", init="2*randn()"),
            eq.Dense(inputs, b, name="w_b", init="2*randn()", delay=2 * ms),
            eq.Dense(a, b, name="w_ab"),
            eq.Dense(b, a, "w : 1 (trainable)\nI_post = w*tanh(u_pre) : 1 (summed)", name="w_ba"),
            eq.Dense(a, out, "w : 1 (trainable)\ng_post = w*u_pre : 1 (summed)", name="w_ao"),
            eq.Dense(b, out, name="w_bo"),
        ]
        return eq.Network(inputs, a, b, out, *layers), out

    x, y = samples(steps=45)
    agree(gradients(make, x, y, backend=backend), gradients(make, x, y, "bptt", "numpy", engine=Stopped), 1e-10)


def test_events_may_be_smooth():
    """With the surrogate's primitive in place of events, both gradients are those of one smooth network."""
    x, y = samples(steps=20)
    make = lambda: network(neurons("alif"))  # noqa: E731
    wanted = gradients(make, x, y, "bptt", "numpy", engine=Stopped, smooth=True)
    agree(gradients(make, x, y, backend="numpy", smooth=True), wanted, 1e-10)
    sharp = gradients(make, x, y, backend="numpy")
    assert np.abs(sharp[1]["w_rec.w"] - wanted[1]["w_rec.w"]).max() > 1e-3 * np.abs(wanted[1]["w_rec.w"]).max()


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_two_projections_to_the_readout_and_weights_made_of_several_variables(backend):
    def make():
        net, out = network(neurons("alif"))
        more = eq.Dense(
            net["hidden"],
            out,
            "w : 1 (trainable)\ngain : 1 (shared, trainable)",
            on_pre="I_post += gain*tanh(w)",
            name="w_more",
        )
        more.gain = 1.5
        net.add(more)
        return net, out

    x, y = samples(steps=30)
    agree(gradients(make, x, y, backend=backend), gradients(make, x, y, "bptt", "numpy", engine=Stopped), 1e-10)


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_sparse_projections_learn(backend):
    def make():
        eq.seed(1)
        inputs, group = eq.Inputs(4, name="inputs"), neurons("alif")(9)
        out = eq.NeuronGroup(3, "u[n+1] = 0.9*u + I : 1\nI : 1 (input)", name="out")
        layers = [
            eq.Dense(inputs, group, name="w_in", init="2*randn()"),
            eq.Sparse(group, group, p=0.4, name="w_rec", init="randn()"),
            eq.Sparse(group, out, p=0.5, name="w_out", init="randn()"),
        ]
        return eq.Network(inputs, group, out, *layers), out

    x, y = samples(steps=30)
    wanted = gradients(make, x, y, "bptt", "numpy", engine=Stopped)
    assert wanted[1]["w_rec.w"].size < 81
    agree(gradients(make, x, y, backend=backend), wanted, 1e-10)


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_a_readout_that_is_linked_neuron_by_neuron(backend):
    def make():
        eq.seed(3)
        inputs, group = eq.Inputs(4, name="inputs"), neurons("alif")(3)
        out = eq.NeuronGroup(3, "du/dt = (d - u)/(9*ms) : 1\nd : 1 (linked)", name="out", order=2)
        out.d = eq.linked_var(group, "u")
        layers = [
            eq.Dense(inputs, group, name="w_in", init="2*randn()"),
            eq.Dense(group, group, name="w_rec", init="orthogonal"),
        ]
        return eq.Network(inputs, group, out, *layers), out

    x, y = samples(steps=30)
    agree(gradients(make, x, y, backend=backend), gradients(make, x, y, "bptt", "numpy", engine=Stopped), 1e-10)


def test_the_start_of_a_state_is_trained():
    def hidden(n):
        group = eq.NeuronGroup(
            n,
            "du/dt = (I - u)/(9*ms) : 1 (trainable)\nI : 1 (input)",
            threshold="u > 0.2",
            reset="u -= 0.2",
            surrogate="sigmoid",
            method="exact",
            name="hidden",
        )
        group.u = "0.05*i"
        return group

    x, y = samples(steps=20)
    wanted = gradients(lambda: network(hidden), x, y, "bptt", "numpy", engine=Stopped)
    for backend in ("numpy", "c"):
        agree(gradients(lambda: network(hidden), x, y, backend=backend), wanted, 1e-10)


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_refractory_noisy_and_timed_neurons_learn(backend):
    wave = eq.TimedArray(0.2 * np.sin(np.arange(45)), dt=1 * ms)

    def hidden(n):
        group = eq.NeuronGroup(
            n,
            """
            du/dt = (I + bias*wave(t) - u)/tau + 0.05*xi*ms**-0.5 : 1 (unless refractory)
            n : integer
            I : 1 (input)
            bias : 1 (trainable)
            tau : second (trainable)
            """,
            threshold="u > 0.2 + 0.02*n",
            reset="u = 0.3*u; n += 1",
            refractory=2 * ms,
            surrogate="sigmoid",
            method="euler",
            name="hidden",
            namespace={"wave": wave},
        )
        group.tau, group.bias = "5*ms + i*ms", 1
        return group

    x, y = samples(steps=45)
    wanted = gradients(lambda: network(hidden), x, y, "bptt", "numpy", engine=Stopped)
    agree(gradients(lambda: network(hidden), x, y, backend=backend), wanted, 1e-9)
    found = gradients(lambda: network(hidden), x, y, backend=backend, dtype="float32")
    agree(found, gradients(lambda: network(hidden), x, y, "bptt", "numpy", dtype="float32", engine=Stopped), 1e-4)


# -- the paper's formulas ---------------------------------------------------------------------------------------------------------------


def test_the_traces_of_adaptive_neurons_are_those_of_the_paper():
    """Bellec et al. 2020, eqs. 24 and 25: eps_a <- psi eps_v + (rho - psi beta) eps_a, e = psi (eps_v - beta eps_a), with the reset stopped; the readout
    filters e (eq. 28)."""
    n, alpha, rho, beta, theta, kappa = 5, 0.9, 0.97, 0.4, 0.3, 0.85
    equations = f"""
    v[n+1] = {alpha}*v + I - {theta}*stop(z) : 1
    a[n+1] = {rho}*a + z : 1
    z[n+1] = 0 : 1
    I : 1 (input)
    """

    def hidden(n):
        return eq.NeuronGroup(
            n,
            equations,
            threshold=f"v > {theta} + {beta}*a",
            reset="z = 1",
            surrogate=eq.Surrogate("triangular", scale=theta, height=0.3),
            name="hidden",
        )

    x, y = samples(steps=40, batch=2)
    y = y[:, :, None] * np.ones(3)
    net, out = network(hidden, n=n, readout=f"u[n+1] = {kappa}*u + I : 1\nI : 1 (input)")
    weights = {name: net[name].weights.copy() for name in ("w_in", "w_rec", "w_out")}
    trainer = eq.Trainer(net, loss=eq.MeanSquaredError(out, "u"), dtype="float64", backend="c", method="eprop")
    loss, found = trainer.gradients(x, y)
    w_in, w_rec, w_out = weights.values()
    g_in, g_rec, g_out, square = np.zeros((4, n)), np.zeros((n, n)), np.zeros((n, 3)), 0.0
    for s in range(2):
        v, a, z, u, heard = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(3), np.zeros(n)
        x_before, pre = np.zeros(4), {"in": np.zeros(4), "rec": np.zeros(n)}
        eps_a = {"in": np.zeros((4, n)), "rec": np.zeros((n, n))}
        e_bar = {"in": np.zeros((4, n)), "rec": np.zeros((n, n))}
        e_last = {"in": np.zeros((4, n)), "rec": np.zeros((n, n))}
        psi = np.zeros(n)
        for t in range(40):
            for k in e_bar:  # the readout hears a spike one step late
                e_bar[k] = kappa * e_bar[k] + e_last[k]
            heard = kappa * heard + z
            u = kappa * u + z @ w_out
            a = rho * a + z
            for k in pre:
                eps_a[k] = psi * pre[k][:, None] + (rho - psi * beta) * eps_a[k]
            pre["in"], pre["rec"] = alpha * pre["in"] + x_before, alpha * pre["rec"] + z
            v = alpha * v + x_before @ w_in + z @ w_rec - theta * z
            margin = v - theta - beta * a
            z, x_before = (margin > 0).astype(float), x[s, t]
            psi = 0.3 / theta * np.maximum(0, 1 - np.abs(margin / theta))
            for k in pre:
                e_last[k] = psi * (pre[k][:, None] - beta * eps_a[k])
            error = 2 * (u - y[s, t]) / y.size
            square += ((u - y[s, t]) ** 2).sum() / y.size
            learning = w_out @ error
            g_in, g_rec = g_in + learning * e_bar["in"], g_rec + learning * e_bar["rec"]
            g_out += np.outer(heard, error)
    assert loss == pytest.approx(square, rel=1e-12)
    for name, g in (("w_in", g_in), ("w_rec", g_rec), ("w_out", g_out)):
        np.testing.assert_allclose(found[f"{name}.w"], g.ravel(), rtol=1e-9, atol=1e-12, err_msg=name)


# -- which traces ------------------------------------------------------------------------------------------------------------------------


def kinds(make, wishes=None):
    net, out = make()
    network = LearnedNetwork(net.objects, (out, "u"), False)
    maker = RuleMaker(network, wishes or Wishes("e-prop"))
    found = {
        f.begins if f.kind == "neurons" else network.dense[0].name and _name(network, f): f.kind
        for f in maker.rule.families
    }
    net.remove(*net.objects)
    return found, maker.memory()


def _name(network, f):
    weighted = [n for n, p in enumerate(network.learner.projections) if not p.linked]
    return network.weighing[weighted.index(f.projection)].dense.name


def alike(n, tau="tau : second (shared, trainable)"):
    group = eq.NeuronGroup(
        n,
        f"du/dt = (I + bias - u)/tau : 1\nI : 1 (input)\nbias : 1 (trainable)\n{tau}",
        threshold="u > 0.2",
        reset="u -= 0.2",
        surrogate="sigmoid",
        method="exact",
        name="hidden",
    )
    group.tau = 7 * ms
    return group


def test_one_trace_a_source_is_kept_where_the_map_allows_it():
    flat = READOUTS["no memory"]
    unreset = Wishes("e-prop", through=False)
    found, memory = kinds(lambda: network(alike, readout=flat), unreset)
    assert {found[w] for w in ("w_in", "w_rec", "w_out")} == {"sources"} and not memory
    for make, wishes, pairs in (
        (
            lambda: network(alike, readout=flat),
            None,
            {"w_in", "w_rec"},
        ),  # the reset's derivative changes from step to step
        (
            lambda: network(lambda n: alike(n, "tau : second"), readout=flat),
            unreset,
            {"w_in", "w_rec"},
        ),  # each decays in its way
        (lambda: network(alike), unreset, {"w_in", "w_rec"}),  # the readout remembers
    ):
        found, memory = kinds(make, wishes)
        assert {w for w, kind in found.items() if kind == "pairs"} == pairs == set(memory)
    assert memory == {"w_in": 4 * 7 * 2 * 8, "w_rec": 7 * 7 * 2 * 8}  # u and the filter of e, in float64


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_one_trace_a_source_gives_what_one_a_synapse_gives(backend):
    """With the reset stopped, against backpropagation in which the equations stop it."""

    def stopped(n):
        group = eq.NeuronGroup(
            n,
            "u[n+1] = 0.8*u + 0.2*(I + bias) - 0.16*stop(s) : 1\ns[n+1] = 0 : 1\nI : 1 (input)\nbias : 1 (trainable)",
            threshold="u > 0.2",
            reset="s = 1",
            surrogate="sigmoid",
            name="hidden",
        )
        return group

    def plain(n):
        return eq.NeuronGroup(
            n,
            "u[n+1] = 0.8*u + 0.2*(I + bias) : 1\nI : 1 (input)\nbias : 1 (trainable)",
            threshold="u > 0.2",
            reset="u -= 0.2",
            surrogate="sigmoid",
            name="hidden",
        )

    flat = READOUTS["no memory"]
    x, y = samples(steps=45)
    wanted = gradients(lambda: network(stopped, readout=flat), x, y, "bptt", "numpy", engine=Stopped)
    method = eq.EProp(through_reset=False)
    found, _ = kinds(lambda: network(plain, readout=flat), Wishes("e-prop", through=False))
    assert found["w_rec"] == "sources"
    agree(gradients(lambda: network(plain, readout=flat), x, y, method, backend), wanted, 1e-10)


def test_what_a_derivative_depends_on_is_known():
    group = neurons("alif")(3)
    net, out = network(lambda n: group, n=3)
    trained = LearnedNetwork(net.objects, (out, "u"), False).trained[0]
    assert trained.group is group
    jac = jacobian(trained.step, ("u", "b", "I"), ("u", "b", "I"), trained.layer.parameters)
    assert not jac.diagonal(("u", "b")) and jac.entries["u", "b"].eventful and jac.entries["spike", "I"].eventful
    assert not jac.entries["u", "u"].constant
    leak = jacobian(LearnedNetwork(net.objects, (out, "u"), False).trained[1].step, ("u", "I"), ("u", "I"), ())
    assert leak.entries["u", "u"].constant and leak.entries["u", "u"].alike and not leak.entries["u", "u"].eventful


# -- engines ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bits_depend_neither_on_threads_nor_on_windows(dtype):
    x, y = samples(batch=70, steps=20)
    found = [
        gradients(lambda: network(neurons("alif"), delay=2 * ms), x, y, dtype=dtype, threads=threads, window=window)
        for threads, window in ((1, 20), (2, 20), (3, 20), (1, 1), (2, 7))
    ]
    for (_, g), exact in zip(found[1:], (True, True, False, False)):
        for name, wanted in found[0][1].items():
            if exact:
                np.testing.assert_array_equal(g[name], wanted)
            np.testing.assert_allclose(g[name], wanted, rtol=1e-4 if dtype == "float32" else 1e-12, atol=1e-7)


def test_single_precision_is_near():
    x, y = samples(steps=30)
    make = lambda: network(neurons("alif"))  # noqa: E731
    agree(gradients(make, x, y, dtype="float32"), gradients(make, x, y), 2e-5)
    agree(gradients(make, x, y, dtype="float32", backend="numpy"), gradients(make, x, y), 2e-5)


def test_one_method_serves_batches_of_several_sizes():
    net, out = network(neurons("lif"))
    trainer = eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), dtype="float64", backend="c", method="eprop")
    x, y = samples(batch=40, steps=20)
    first = trainer.gradients(x[:5], y[:5])
    trainer.gradients(x, y)
    trainer.gradients(x[:, :7], y[:, :7])
    again = trainer.gradients(x[:5], y[:5])
    for name, g in first[1].items():
        np.testing.assert_array_equal(again[1][name], g)


# -- learning signals ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_random_feedback_takes_the_place_of_the_weights(backend):
    x, y = samples(steps=25)
    method = eq.EProp(feedback="random")
    found = gradients(lambda: network(neurons("alif")), x, y, method, backend)
    (matrix,) = method.random.values()
    assert matrix.shape == (7, 3)

    class Broadcast(Stopped):
        feedback = matrix

    agree(found, gradients(lambda: network(neurons("alif")), x, y, "bptt", "numpy", engine=Broadcast), 1e-10)


def test_random_feedback_reaches_groups_that_the_readout_does_not_hear():
    x, y = samples(steps=30)
    found = {}
    for backend in ("numpy", "c"):
        method = eq.EProp(feedback="random")
        found[backend] = gradients(two_layers, x, y, method, backend)
        assert {k: m.shape for k, m in method.random.items()} == {(0, "spike"): (4, 3), (1, "spike"): (3, 3)}
    agree(found["c"], found["numpy"], 1e-10)


def test_what_a_mask_leaves_out_has_no_effect():
    x, y = samples(batch=6, steps=40)
    mask = np.ones((6, 40))
    mask[2:, 25:] = 0
    found = []
    for method, backend in (("bptt", "numpy"), ("eprop", "c"), ("eprop", "numpy")):
        net, out = network(neurons("alif"))
        loss = eq.CrossEntropy(out, "u", start=3)
        trainer = eq.Trainer(net, loss=loss, dtype="float64", backend=backend, method=method)
        if method == "bptt":
            trainer.engine.__class__ = Stopped
        found.append(trainer.gradients(x, y, mask))
        net.remove(*net.objects)
    agree(found[1], found[0], 1e-10)
    agree(found[2], found[0], 1e-10)


def test_adaptive_feedback_approaches_the_readout():
    x, y = samples(batch=20, steps=30)
    net, out = network(neurons("lif"))
    method = eq.EProp(feedback="adaptive", decay=0.05)
    trainer = eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), backend="c", method=method, optimizer=eq.Adam(1e-3))
    trainer.step(x, y)
    distance = [np.abs(method.random[0, "spike"] - net_weights(trainer)).max()]
    for _ in range(60):
        trainer.step(x, y)
    distance.append(np.abs(method.random[0, "spike"] - net_weights(trainer)).max())
    assert distance[1] < 0.1 * distance[0]


def test_a_training_goes_on_with_its_feedback(tmp_path):
    x, y = samples(batch=20, steps=20)

    def trainer():
        net, out = network(neurons("lif"))
        method = eq.EProp(feedback="adaptive", decay=0.05)
        return eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), backend="c", method=method), net

    first, net = trainer()
    first.fit(x, y, epochs=2, batch=10)
    first.save(tmp_path / "training")
    first.fit(x, y, epochs=2, batch=10)
    net.remove(*net.objects)
    second, _ = trainer()
    second.load(tmp_path / "training")
    second.fit(x, y, epochs=2, batch=10)
    for name, p in first.parameters.items():
        np.testing.assert_array_equal(second.parameters[name], p)
    np.testing.assert_array_equal(second.method.random[0, "spike"], first.method.random[0, "spike"])


def net_weights(trainer):
    return trainer.parameters["w_out.w"].reshape(7, 3)


@pytest.mark.parametrize("feedback", ["symmetric", "random", "adaptive"])
def test_training_lowers_the_loss(feedback):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 60)
    x = rng.random((60, 40, 4)) < np.where(np.arange(4) == y[:, None], 0.6, 0.1)[:, None, :]
    net, out = network(neurons("alif"), n=12)
    loss = eq.CrossEntropy(out, "u", over="mean", scale=10)
    trainer = eq.Trainer(net, loss=loss, optimizer=eq.Adam(2e-2), backend="c", method=eq.EProp(feedback))
    history = trainer.fit(x, y, epochs=15, batch=20)
    assert history["loss"][-1] < 0.5 * history["loss"][0] and trainer.evaluate(x, y)["accuracy"] > 0.9


# -- what a user reads ------------------------------------------------------------------------------------------------------------------


def two_layers(readout="du/dt = (I - u)/(9*ms) : 1\nI : 1 (input)"):
    eq.seed(4)
    a, b = (
        alike(3),
        eq.NeuronGroup(
            4,
            "du/dt = (I - u)/(9*ms) : 1\nI : 1 (input)",
            threshold="u > 0.02",
            reset="u = 0",
            surrogate="arctan",
            name="b",
        ),
    )
    inputs, out = eq.Inputs(4, name="inputs"), eq.NeuronGroup(3, readout, name="out")
    layers = [eq.Dense(inputs, a, name="wa"), eq.Dense(a, b, name="wb"), eq.Dense(b, out, name="wo")]
    return eq.Network(inputs, a, b, out, *layers), out


PER_NEURON = "du/dt = (I - u)/tau : 1\nI : 1 (input)\ntau : second"
WRONG = {
    "no learning signal": (two_layers, {}, EqsnnError, "e-prop: hidden sends nothing to the readout out, so that there is no learning signal for it; connect it, or use EProp(feedback='random')"),
    "each its own decay": (
        lambda: network(alike, readout=PER_NEURON),
        {},
        EquationError,
        """e-prop filters traces as the readout does, once for all of its neurons, and those of out do it each in its own way
  in line 1 of the equations:
    du/dt = (I - u)/tau : 1
    ^^^^^^^^^^^^^^^^^^^^^^^
  declare what it depends on, such as a time constant, as (shared)""",
    ),
    "nonlinear readout": (
        lambda: network(alike, readout="du/dt = (I - u**3)/(9*ms) : 1\nI : 1 (input)"),
        {},
        EquationError,
        "e-prop filters traces as the readout does, and 'u' of out does it otherwise in each step",
    ),
    "no such feedback": (None, dict(feedback="symmetrical"), EqsnnError, "feedback= of EProp is 'symmetric', 'random', 'adaptive'; got 'symmetrical'"),
    "decay": (None, dict(decay=2), EqsnnError, "decay= of EProp is the share by which feedback weights approach the readout's, from 0 to 1; got 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use(name):
    make, options, kind, text = WRONG[name]
    with pytest.raises(kind) as caught:
        method = eq.EProp(**options)
        net, out = make()
        if name == "each its own decay":
            out.tau = 9 * ms
        eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), backend="numpy", method=method)
    assert text in str(caught.value)


def test_the_memory_of_traces_is_said(monkeypatch):
    told = []
    monkeypatch.setattr("eqsnn.learning.eprop.tell_once", told.append)
    net, out = network(neurons("alif"), n=300)
    eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), backend="c", method="eprop")
    assert told == [
        "e-prop keeps traces of each synapse for each sample of a batch, 1.09 MB a sample (w_in: 0.0144 MB, w_rec: 1.08 MB); one for each source is enough "
        "only where all targets decay alike, in all steps, and the readout has no memory"
    ]


# -- what is derived, for people -----------------------------------------------------------------------------------------------------------

DERIVED = """\
one step:                      | its adjoint:                                                | its eligibility traces:
  v@1 = I + 0.9*v              |   adj(v@reset) = adj(v)                                     |   D[v,v] = 0.9 - 0.9*slope(v@1 - 1)
  spike@event = spike(v@1 - 1) |   adj(spike@event) = adj(spike) - adj(v@reset)              |   D[v,I] = 1 - slope(v@1 - 1)
  v@reset = -spike@event + v@1 |   adj(v@1) = adj(spike@event)*slope(v@1 - 1) + adj(v@reset) |   D[spike,v] = 0.9*slope(v@1 - 1)
  v := v@reset                 |   adj(v) <- 0.9*adj(v@1)                                    |   D[spike,I] = slope(v@1 - 1)
  spike := spike@event         |   adj(I) += adj(v@1)                                        |
                               |                                                             |   of a weight into I:
                               |                                                             |     e = D[spike,I]*x + D[spike,v]*eps[v]
                               |                                                             |     eps[v] <- D[v,I]*x + D[v,v]*eps[v]
                               |                                                             |     gradient += L*e

spike(x) is 1 where x > 0, else 0; its derivative slope(x) is a surrogate, which the group has not got yet
"""


def test_check_shows_adjoint_and_traces_beside_the_step(tmp_path, capsys):
    from eqsnn.cli.main import main

    path = tmp_path / "cells.toml"
    path.write_text(
        "equations = '''\nv[n+1] = 0.9*v + I : 1\nI : 1 (input)\n'''\nthreshold = 'v > 1'\nreset = 'v -= 1'\n"
    )
    assert main(["check", str(path), "--derive", "adjoint", "eligibility"]) == 0
    assert capsys.readouterr().out.endswith(DERIVED)
    assert main(["check", str(path), "--derive", "eligibility"]) == 0
    out = capsys.readouterr().out
    assert "its adjoint" not in out and "eps[v] <- D[v,I]*x + D[v,v]*eps[v]" in out


def test_long_derivatives_stand_under_each_other():
    text = eq.derived(neurons("alif")(2), "adjoint", "eligibility")
    assert "\nits adjoint:\n" in text and "\nits eligibility traces:\n" in text
    assert "adj(b) <- " in text and "adj(tau_a) += " in text and "eps[b] <- " in text
    assert text.endswith("its derivative slope(x) is the surrogate, sigmoid")


def test_a_group_without_events_has_an_adjoint():
    text = eq.derived(eq.NeuronGroup(1, "du/dt = (I - u)/(5*ms) : 1\nI : 1 (input)"))
    assert "slope" not in text and "eps[u] <- " in text and "adj(I) += " in text


def test_what_cannot_be_derived():
    with pytest.raises(EqsnnError, match=r"derived\(\) knows 'adjoint' and 'eligibility'; got 'jacobian'"):
        eq.derived(alike(2), "jacobian")
    with pytest.raises(EqsnnError, match=r"derived\(\) takes a NeuronGroup; got 3"):
        eq.derived(3)
