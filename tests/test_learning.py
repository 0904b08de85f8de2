"""Gradients of networks: against finite differences, against PyTorch's autograd, between engines and threads; and what training leaves behind."""

import re
import zlib
from pathlib import Path

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms
from eqsnn.learning.layers import layer_of
from eqsnn.network.surrogate import NAMED

GOLDEN = np.load(Path(__file__).parent / "golden" / "learning.npz")
DATA = Path(__file__).parent.parent.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def one_millisecond():
    before = eq.defaultclock.dt
    eq.defaultclock.dt = 1 * ms
    yield
    eq.defaultclock.dt = before


def small(hidden, *, same=False, delay=None, n=7, seed=1, scale=2.0, **init):
    """4 inputs, a recurrent group and 3 leaky readouts."""
    eq.seed(seed)
    inputs = eq.Inputs(4, name="inputs")
    group = hidden(n)
    out = eq.NeuronGroup(
        3, "du/dt = (I - u)/tau : 1\nI : 1 (input)\ntau : second (trainable)", method="exact", name="out"
    )
    out.tau = 10 * ms
    layers = [
        eq.Dense(
            inputs, group, name="w_in", init=scale * np.random.default_rng(seed).normal(size=(4, n)), same_step=same
        ),
        eq.Dense(group, group, name="w_rec", init="orthogonal", **({} if delay is None else {"delay": delay})),
        eq.Dense(group, out, name="w_out", same_step=same),
    ]
    return eq.Network(inputs, group, out, *layers), out


def lif(n, surrogate="sigmoid", **options):
    group = eq.NeuronGroup(
        n,
        "du/dt = (I + bias - u)/tau : 1\nI : 1 (input)\nbias : 1 (trainable)\ntau : second (trainable, bounds=[2*ms, 100*ms])",
        threshold="u > 0.2",
        reset="u -= 0.2",
        surrogate=surrogate,
        method="exact",
        name="hidden",
        **options,
    )
    group.tau = "5*ms + i*ms"
    return group


def samples(seed=0, batch=5, steps=25, n=4, classes=3, density=0.3):
    rng = np.random.default_rng(seed)
    return (rng.random((batch, steps, n)) < density).astype(float), rng.integers(0, classes, (batch, steps))


def differences(trainer, x, y, gradients, directions=2, step=2e-3):
    """The largest relative difference between the slopes of the loss in random directions and central differences of order 4. In each direction every
    array of parameters counts alike."""
    rng, worst = np.random.default_rng(9), 0.0
    start = {n: p.copy() for n, p in trainer.parameters.items()}
    for _ in range(directions):
        direction = {n: rng.normal(size=p.shape) / max(np.abs(gradients[n]).max(), 1e-4) for n, p in start.items()}
        expected = sum(float((gradients[n] * d).sum()) for n, d in direction.items())
        scale = sum(float(np.abs(gradients[n] * d).sum()) for n, d in direction.items())
        h = step / max(np.abs(d / np.maximum(np.abs(start[n]), 1.0)).max() for n, d in direction.items())
        losses = []
        for k in (-2, -1, 1, 2):
            for n, p in trainer.parameters.items():
                p[:] = start[n] + k * h * direction[n]
            losses.append(trainer.loss_of(x, y))
        numeric = (losses[0] - 8 * losses[1] + 8 * losses[2] - losses[3]) / (12 * h)
        worst = max(worst, abs(numeric - expected) / scale)
    for n, p in trainer.parameters.items():
        p[:] = start[n]
    return worst


# -- finite differences -----------------------------------------------------------------------------------------------------------


def drawn_group(rng, n):
    """A model drawn from the vocabulary: two or three coupled variables, a threshold that may adapt, a reset in the same or the next step; some
    are refractory for a while, or driven by the time."""
    smooth = ["tanh({})", "{0}/(1 + {0}**2)", "exp(-{0}**2)", "sin({})", "0.3*{}", "1/(1 + exp(-{}))", "{}*(1 - {})"]

    def term(x):
        form = smooth[rng.integers(len(smooth))]
        return form.format(*[x] * form.count("{")) if "{0}" not in form else form.format(x)

    a, b = term("u"), term("v" if rng.random() < 0.7 else "u")
    late = rng.random() < 0.3
    lines = [
        f"du/dt = (I + bias - u + 0.3*{b})/tau_u : 1",
        f"dv/dt = ({a} - v)/tau_v : 1" if rng.random() < 0.6 else f"v[n+1] = 0.8*v + 0.1*{a} + k*u : 1",
        "I : 1 (input)",
        "bias, k : 1 (trainable)",
        "tau_u, tau_v : second (trainable)",
        "theta : 1 (shared, trainable)",
    ]
    reset = ["u -= theta", "u = 0.1*v; v += 0.1*k", "u *= 0.3; v -= 0.05"][rng.integers(3)]
    if late:
        lines.append("s[n+1] = 0 : 1")
        lines[0] = f"u[n+1] = 0.9*u + 0.1*(I + bias + 0.3*{b}) - theta*s : 1"
        reset = "s = 1"
    more = np.random.default_rng(zlib.crc32("".join(lines).encode()))
    refractory = [False, False, 2 * ms, "1*ms + (i % 3)*ms"][more.integers(4)]
    if refractory is not False and not late:
        lines[0] += " (unless refractory)"
    if more.random() < 0.2:
        lines[0] = lines[0].replace("bias", "bias*(1 + 0.5*sin(t/(3*ms)))")
    surrogate = ["sigmoid", "arctan", eq.Surrogate("1/(1 + x**2)", primitive="arctan(x)", scale=0.5)][rng.integers(3)]
    method = ["exponential_euler", "euler", "rk4", "rk2"][rng.integers(4)] if any("/dt" in x for x in lines) else None
    group = eq.NeuronGroup(
        n,
        "\n".join(lines),
        threshold="u > theta + 0.2*v",
        reset=reset,
        refractory=refractory,
        surrogate=surrogate,
        method=method,
        name="hidden",
    )
    group.tau_u, group.tau_v, group.theta = "4*ms + i*ms", "9*ms + 2*i*ms", 0.3
    group.bias, group.k = rng.normal(0, 0.1, n), rng.normal(0, 0.3, n)
    return group, lines


@pytest.mark.parametrize("seed", range(30))
def test_gradients_of_drawn_models_agree_with_finite_differences(seed):
    rng = np.random.default_rng(100 + seed)
    same, delay = bool(rng.random() < 0.5), [None, 3 * ms][rng.integers(2)]
    x, y = samples(seed, batch=3, steps=12)
    state = rng.bit_generator.state

    def made(n):
        rng.bit_generator.state = state
        return drawn_group(rng, n)[0]

    net, out = small(made, same=same, delay=delay, n=4)
    trainer = eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), dtype="float64", backend="numpy", smooth=True)
    _, gradients = trainer.gradients(x, y)
    step = 1e-4 if net["hidden"].has_refractory else 2e-3  # so small that no pause begins elsewhere
    assert differences(trainer, x, y, gradients, step=step) < 1e-7, drawn_group(rng, 4)[1]


@pytest.mark.parametrize("seed", range(4))
def test_compiled_gradients_of_drawn_models_are_those_of_the_oracle(seed):
    rng = np.random.default_rng(200 + seed)
    state = rng.bit_generator.state
    found = {}
    for backend in ("numpy", "c"):

        def made(n):
            rng.bit_generator.state = state
            return drawn_group(rng, n)[0]

        net, out = small(made, same=seed % 2 == 0, delay=[None, 2 * ms][seed // 2], n=9)
        trainer = eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), dtype="float64", backend=backend)
        found[backend] = trainer.gradients(*samples(seed, batch=11))
        net.remove(*net.objects)
    assert found["c"][0] == pytest.approx(found["numpy"][0], rel=1e-12)
    for name, g in found["numpy"][1].items():
        np.testing.assert_allclose(
            found["c"][1][name], g, rtol=1e-9, atol=1e-12 * max(np.abs(g).max(), 1e-9), err_msg=name
        )


@pytest.mark.parametrize("name", [n for n, (_, primitive) in NAMED.items() if primitive])
def test_a_surrogate_is_the_derivative_of_its_primitive(name):
    x = np.array([-2.3, -0.8, -0.31, 0.17, 0.6, 1.7])
    group = eq.NeuronGroup(len(x), "m : 1")

    def of(text, at):
        group.m = at
        return np.array(group.evaluate_text(re.sub(r"\bx\b", "m", text), None, "surrogate", None))

    slope, primitive = NAMED[name]
    h = 1e-5
    np.testing.assert_allclose((of(primitive, x + h) - of(primitive, x - h)) / (2 * h), of(slope, x), atol=1e-8)


def test_the_multi_gaussian_is_that_of_yin_et_al():
    normal = lambda x, m, s: np.exp(-((x - m) ** 2) / (2 * s * s)) / (s * np.sqrt(2 * np.pi))  # noqa: E731
    x = np.linspace(-3, 3, 13)
    group = eq.NeuronGroup(len(x), "m : 1")
    group.m = x
    found = group.evaluate_text(re.sub(r"\bx\b", "m", NAMED["multi_gaussian"][0]), None, "surrogate", None)
    wanted = 0.5 * (1.15 * normal(x, 0, 0.5) - 0.15 * normal(x, 0.5, 3.0) - 0.15 * normal(x, -0.5, 3.0))
    np.testing.assert_allclose(found, wanted, atol=1e-10)


# -- PyTorch ------------------------------------------------------------------------------------------------------------------------

MODELS = {
    "lif": ("du/dt = (I + bias - u)/tau : 1", "u > 0.1", "u -= 0.1"),
    "alif": ("du/dt = (I + bias - u)/tau : 1\ndb/dt = -b/tau_a : 1\ntau_a : second (trainable)", "u > 0.1 + 1.8*b", "u -= 0.1 + 1.8*b; b += 0.1"),
    "ltc": ("u[n+1] = u + (I + bias - u)/(1 + exp(-(gate*u + I - 1))) : 1\ngate : 1 (trainable)", "u > 0.5", "u = 0"),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("model", MODELS)
def test_gradients_are_those_of_autograd(model, dtype):
    given = {k.split("/")[2]: v for k, v in GOLDEN.items() if k.startswith(f"{model}/given/")}
    golden = {k.split("/")[2]: v for k, v in GOLDEN.items() if k.startswith(f"{model}/{dtype}/")}
    equations, threshold, reset = MODELS[model]
    inputs = eq.Inputs(6, name="inputs")
    hidden = eq.NeuronGroup(
        8,
        f"{equations}\nI : 1 (input)\nbias : 1 (trainable)" + ("\ntau : second (trainable)" if "tau" in equations else ""),
        threshold=threshold, reset=reset, surrogate="fast_sigmoid", name="hidden",
    )  # fmt: skip
    out = eq.NeuronGroup(3, "du/dt = (I - u)/tau_out : 1\nI : 1 (input)\ntau_out : second (trainable)", name="out")
    for group in (hidden, out):
        for v in group.model.visible:
            if v.name in given:
                group.state(v.name)[:] = given[v.name] * ms if v.name.startswith("tau") else given[v.name]
    layers = [
        eq.Dense(a, b, name=w, init=given[w])
        for a, b, w in ((inputs, hidden, "w_in"), (hidden, hidden, "w_rec"), (hidden, out, "w_out"))
    ]
    net = eq.Network(inputs, hidden, out, *layers)
    trainer = eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), dtype=dtype, backend="c")
    loss, gradients = trainer.gradients(given["x"], given["y"])
    tolerance = {"float32": 2e-5, "float64": 1e-10}[dtype]
    assert loss == pytest.approx(float(golden["loss"]), rel=tolerance)
    for name, g in gradients.items():
        wanted = golden[name.partition(".")[2] if not name.startswith("w_") else name.partition(".")[0]].ravel()
        np.testing.assert_allclose(g, wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max(), err_msg=name)
    exact = {k.split("/")[2]: v for k, v in GOLDEN.items() if k.startswith(f"{model}/float64/")}
    for wanted, closest in (
        (golden, 1e-6),
        (exact, 5e-7),
    ):  # as a whole; torch's float32 is itself some 1e-7 away from its float64
        both = [(g, wanted[n.partition(".")[0 if n.startswith("w_") else 2]].ravel()) for n, g in gradients.items()]
        off = np.sqrt(sum(np.sum((g - w) ** 2) for g, w in both) / sum(np.sum(w**2) for _, w in both))
        assert off < (closest if dtype == "float32" else 1e-13)


# -- engines --------------------------------------------------------------------------------------------------------------------------


def test_bits_do_not_depend_on_threads():
    x, y = samples(batch=70, steps=20)
    found = []
    for threads in (1, 2, 3):
        net, out = small(lif)
        trainer = eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), backend="c", threads=threads)
        found.append(trainer.gradients(x, y))
        net.remove(*net.objects)
    for loss, gradients in found[1:]:
        assert loss == found[0][0]
        for name, g in gradients.items():
            np.testing.assert_array_equal(g, found[0][1][name])


def test_a_sample_alone_is_computed_as_among_others():
    x, _ = samples(batch=37)
    net, out = small(lif)
    trainer = eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), backend="c")
    np.testing.assert_array_equal(trainer.predict(x)[20], trainer.predict(x[20:21])[0])


@pytest.mark.parametrize("same, delay", [(False, None), (True, None), (True, 3 * ms), (False, 2 * ms)])
def test_the_learner_computes_what_a_run_computes(same, delay):
    x, _ = samples(batch=1, steps=40)
    net, out = small(lif, same=same, delay=delay)
    trainer = eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), dtype="float64", backend="c")
    expected = trainer.predict(x)[0]
    inputs = net["inputs"]
    inputs.present(x[0])
    net.add(*inputs.contained())
    membrane = eq.StateMonitor(out, "u", record=True, when="end")
    spikes = eq.SpikeMonitor(net["hidden"])
    net.add(membrane, spikes)
    net.run(40 * ms)
    assert len(spikes.i) > 5
    np.testing.assert_allclose(membrane.u.T, expected, atol=1e-14)


def test_states_that_are_the_last_event_are_not_kept():
    group = eq.NeuronGroup(
        3,
        "u[n+1] = 0.9*u + I - s : 1\ns[n+1] = 0 : 1\nI : 1 (input)",
        threshold="u > 1",
        reset="s = 1",
        surrogate="boxcar",
    )
    layer = layer_of(group, single=True).layer
    assert layer.echoes == ("s",)
    assert layer.taped == ("u", "I")
    linear = eq.NeuronGroup(
        3, "du/dt = (I - u)/(10*ms) : 1\nI : 1 (input)", threshold="u > 1", reset="u -= 1", surrogate="boxcar"
    )
    assert layer_of(linear, single=True).layer.taped == ("u", "I")  # both for the margin


# -- losses, masks, optimisers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("over", ["steps", "sum", "mean", "max", "last"])
@pytest.mark.parametrize("kind", ["classes", "values"])
def test_losses_agree_with_finite_differences(over, kind):
    x, y = samples(batch=4, steps=10)
    net, out = small(lif)
    rng = np.random.default_rng(5)
    if kind == "values":
        loss, y = (
            eq.MeanSquaredError(out, "u", over=over, start=2),
            rng.normal(size=(4, 10, 3) if over == "steps" else (4, 3)),
        )
    else:
        loss, y = eq.CrossEntropy(out, "u", over=over, start=2), y if over == "steps" else y[:, 0]
    trainer = eq.Trainer(net, loss=loss, dtype="float64", backend="numpy", smooth=True)
    _, gradients = trainer.gradients(x, y)
    assert differences(trainer, x, y, gradients) < 1e-7


def test_the_loss_may_read_spikes():
    x, y = samples(batch=4, steps=10)
    net, _ = small(lif)
    hidden = net["hidden"]
    trainer = eq.Trainer(
        net, loss=eq.CrossEntropy(hidden, "spike", over="sum"), dtype="float64", backend="numpy", smooth=True
    )
    _, gradients = trainer.gradients(x, y[:, 0])
    assert differences(trainer, x, y[:, 0], gradients) < 1e-7
    counts = eq.Trainer(net, loss=eq.CrossEntropy(hidden, "spike", over="sum"), backend="c").predict(x)
    assert counts.shape == (4, 7) and np.all(counts == np.round(counts)) and counts.sum() > 0


def test_what_a_mask_leaves_out_has_no_effect():
    x, y = samples(batch=6, steps=20)
    mask = np.ones((6, 20))
    mask[2:, 12:] = 0
    net, out = small(lif)
    trainer = eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), dtype="float64", backend="c")
    before = trainer.gradients(x, y, mask)
    changed, unlabelled = x.copy(), np.where(mask > 0, y, -1)
    changed[2:, 12:] = 1 - changed[2:, 12:]
    for other in (trainer.gradients(changed, y, mask), trainer.gradients(changed, unlabelled)):
        assert other[0] == before[0]
        for name, g in before[1].items():
            np.testing.assert_array_equal(other[1][name], g)


def test_optimisers_follow_their_papers():
    g = [np.array([0.3, -2.0]), np.array([0.1, 1.0])]

    def after(optimiser):
        p = {"p": np.array([1.0, 1.0])}
        for k in g:
            optimiser.step(p, {"p": k}, {"p": 2.0}, 0.1)
        return p["p"]

    np.testing.assert_allclose(after(eq.SGD()), 1 - 0.2 * (g[0] + g[1]))
    np.testing.assert_allclose(after(eq.SGD(momentum=0.5)), 1 - 0.2 * (g[0] + 0.5 * g[0] + g[1]))
    m, v, u, p, q = 0.0, 0.0, 0.0, 1.0, 1.0
    for k, x in enumerate(g, 1):
        m, v = 0.9 * m + 0.1 * x, 0.999 * v + 0.001 * x * x
        u = np.maximum(0.999 * u, np.abs(x))
        p = p - 0.2 * m / (1 - 0.9**k) / np.sqrt(v / (1 - 0.999**k))
        q = q - 0.2 * m / (1 - 0.9**k) / u
    np.testing.assert_allclose(after(eq.Adam()), p, rtol=1e-6)
    np.testing.assert_allclose(after(eq.Adamax()), q, rtol=1e-6)
    decayed = after(eq.AdamW(decay=0.1))
    np.testing.assert_allclose(decayed, p - 0.02 * 1 - 0.02 * (1 - 0.2 * np.sign(g[0]) - 0.02), rtol=1e-5)


def test_training_lowers_the_loss_and_the_network_has_the_result():
    eq.seed(3)
    rng = np.random.default_rng(3)
    y = rng.integers(0, 3, 96)
    x = (rng.random((96, 30, 4)) < np.where(np.arange(4) == y[:, None], 0.5, 0.05)[:, None, :]).astype(np.uint8)
    net, out = small(lif, scale=1.0)
    trainer = eq.Trainer(
        net, loss=eq.CrossEntropy(out, "u", over="mean", scale=5.0), optimizer=eq.Adam(2e-2), clip=1.0, backend="c"
    )
    history = trainer.fit(x, y, epochs=12, batch=32, validation=(x, y))
    assert history["loss"][-1] < 0.6 * history["loss"][0]
    assert history["validation_accuracy"][-1] > 0.9
    hidden = net["hidden"]
    np.testing.assert_allclose(np.asarray(hidden.tau[:] / ms), trainer.parameters["hidden.tau"])
    np.testing.assert_allclose(net["w_in"].weights.ravel(), trainer.parameters["w_in.w"])


def test_values_stay_within_their_bounds():
    net, out = small(lif)
    trainer = eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), backend="numpy")
    trainer.parameters["hidden.tau"][:] = 1e6
    trainer.network.keep_in_bounds()
    np.testing.assert_allclose(trainer.parameters["hidden.tau"], 100.0)


def test_the_same_seed_trains_the_same():
    x, y = samples(batch=40)
    found = []
    for _ in range(2):
        net, out = small(lif)
        trainer = eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), backend="c")
        trainer.fit(x, y, epochs=2, batch=16)
        found.append({n: p.copy() for n, p in trainer.parameters.items()})
        net.remove(*net.objects)
    for name, p in found[0].items():
        np.testing.assert_array_equal(p, found[1][name])


def test_weights_made_of_several_variables():
    x, y = samples(batch=4)

    def made(n):
        return lif(n)

    eq.seed(1)
    inputs, group = eq.Inputs(4, name="inputs"), made(5)
    dense = eq.Dense(
        inputs,
        group,
        "w : 1 (trainable)\ngain : 1 (shared, trainable)",
        on_pre="I_post += 2*gain*tanh(w)*x_pre",
        name="w_in",
        init="2*rand()",
    )
    dense.gain = 1.5
    net = eq.Network(inputs, group, dense)
    trainer = eq.Trainer(
        net, loss=eq.CrossEntropy(group, "u", over="mean"), dtype="float64", backend="numpy", smooth=True
    )
    _, gradients = trainer.gradients(2 * x, y[:, 0])
    assert set(gradients) == {"hidden.bias", "hidden.tau", "w_in.w", "w_in.gain"}
    assert differences(trainer, 2 * x, y[:, 0], gradients) < 1e-7


@pytest.mark.parametrize("name", ["xavier", "kaiming", "uniform", "orthogonal", "zeros"])
def test_initialisers_have_the_spread_of_their_papers(name):
    eq.seed(0)
    a, b = eq.Inputs(200), eq.NeuronGroup(100, "I : 1 (input)")
    w = eq.Dense(a, b, init=name).weights
    wanted = {
        "xavier": np.sqrt(2 / 300),
        "kaiming": 0.1,
        "uniform": 1 / np.sqrt(600),
        "orthogonal": 1 / np.sqrt(200),
        "zeros": 0,
    }
    assert w.shape == (200, 100) and abs(w.std() - wanted[name]) < 0.003
    if name == "orthogonal":
        np.testing.assert_allclose(w.T @ w, np.eye(100), atol=1e-12)


# -- published weights -------------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not (DATA / "yin_weights" / "ecg36.npz").exists(), reason="the published weights are not here")
def test_published_weights_give_the_published_accuracy(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "examples"))
    import train_ecg

    z = np.load(DATA / "yin_weights" / "ecg36.npz")
    net, readout = train_ecg.network()
    hidden = net["hidden"]
    hidden.tau_m, readout.tau_m, readout.tau_a = z["tau_m_h"] * ms, z["tau_m_o"] * ms, z["tau_adp_o"] * ms
    hidden.bias_in, hidden.bias_rec, readout.bias = z["i2h.bias"], z["h2h.bias"], z["h2o.bias"]
    for name, key in (("in", "i2h"), ("recurrent", "h2h"), ("out", "h2o")):
        net[name].w = z[f"{key}.weight"].T.ravel()
    x, y = train_ecg.recordings(DATA / "qtdb", "test")
    trainer = eq.Trainer(net, loss=eq.CrossEntropy(readout, "u", start=10), backend="c")
    assert trainer.evaluate(x, y)["accuracy"] == pytest.approx(0.8586, abs=3e-4)
    assert trainer.engine.rates()[0] == pytest.approx(0.344, abs=0.002)
