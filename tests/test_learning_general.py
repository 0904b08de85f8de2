"""Models of the whole vocabulary in the learner: what a run computes is what is trained, and gradients are those of finite differences."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms
from eqsnn.learning.losses import Target
from tests.test_learning import differences


@pytest.fixture(autouse=True)
def one_millisecond():
    before = eq.defaultclock.dt
    eq.defaultclock.dt = 1 * ms
    yield
    eq.defaultclock.dt = before


def compared(net, group, variable, x, **trainer):
    """The learner's course of a variable (backends 'numpy' and 'c', float64) and that of an ordinary run: three arrays (steps, neurons)."""
    found = []
    for backend in ("numpy", "c"):
        made = eq.Trainer(net, loss=eq.MeanSquaredError(group, variable), dtype="float64", backend=backend, **trainer)
        found.append(made.predict(x[None])[0])
    inputs = next(o for o in net.objects if isinstance(o, eq.Inputs))
    inputs.present(x)
    net.add(*inputs.contained())
    seen = eq.StateMonitor(group, variable, record=True, when="end")
    net.add(seen)
    net.run(len(x) * eq.defaultclock.dt)
    return (*found, np.asarray(getattr(seen, variable)).T)


def presented(steps, n=3, seed=0, density=0.4):
    """Spikes of inputs."""
    return (np.random.default_rng(seed).random((steps, n)) < density).astype(float)


# -- integers and conditions among parameters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype, values", [("integer", [0, 1, 2, 3]), ("boolean", [True, False, True, False])])
def test_parameters_that_are_no_floats_count(dtype, values):
    eq.seed(1)
    inputs = eq.Inputs(3, name="inputs")
    cells = eq.NeuronGroup(
        4,
        f"du/dt = (int(k)*I - u)/(5*ms) + bias*int(k)/(3*ms) : 1\nI : 1 (input)\nbias : 1 (trainable)\nk : {dtype}",
        threshold="u > 0.5 + 0.1*int(k)",
        reset="u = -0.1*int(not (i == 1))",
        surrogate="sigmoid",
        method="euler",
        name="cells",
    )
    cells.k, cells.bias = values, 0.2
    dense = eq.Dense(inputs, cells, "w : 1 (trainable)\nm : integer", on_pre="I_post += w*m", name="w_in")
    dense.m = "1 + i + j"
    numpy, c, run = compared(eq.Network(inputs, cells, dense), cells, "u", presented(30))
    assert len(np.unique(run[-1])) > 1
    np.testing.assert_allclose(numpy, run, atol=1e-14)
    np.testing.assert_array_equal(c, numpy)


# -- models of the whole vocabulary ---------------------------------------------------------------------------------------------------

DRIVEN = "\nI : 1 (input)\nbias : 1 (trainable)\ntau : second (trainable)"


def pause(n):
    """Refractory for two steps and a half."""
    group = eq.NeuronGroup(
        n,
        "du/dt = (3*I + bias - u)/tau : 1 (unless refractory)\ndb/dt = -b/(9*ms) : 1" + DRIVEN,
        threshold="u > 0.3 + b",
        reset="u = 0.1; b += 0.2",
        refractory="2.5*ms",
        surrogate="sigmoid",
        method="euler",
        name="cells",
    )
    group.tau, group.bias = "4*ms + i*ms", 0.3
    return group


def pause_by_expression(n):
    """A refractory period that differs between neurons and lengthens with adaptation; the reset reads the time since the last spike."""
    group = eq.NeuronGroup(
        n,
        "du/dt = (3*I + bias - u)/tau : 1 (unless refractory)\ndb/dt = -b/(9*ms) : 1\nseen = (t - lastspike)/ms : 1\n"
        "dz/dt = (exp(-seen/5) - z)/(6*ms) : 1" + DRIVEN,
        threshold="u - 0.2*z > 0.2",
        reset="u = 0.1*exp(-(t - lastspike)/ms); b += 0.3",
        refractory="1*ms + (i % 2)*ms + b*2*ms",
        surrogate="arctan",
        method="heun",
        name="cells",
    )
    group.tau, group.bias = "4*ms + i*ms", 0.3
    return group


def pause_by_condition(n):
    """Refractory while above threshold, as models of action potentials are."""
    group = eq.NeuronGroup(
        n,
        "du/dt = (4*I + bias - u - 1.2*z)/tau : 1\ndz/dt = (u - z)/(4*ms) : 1\nk : integer" + DRIVEN,
        threshold="u > 0.4",
        reset="z += 0.3 + 0.01*k; k += 1",
        refractory="u > 0.4",
        surrogate=eq.Surrogate("sigmoid", scale=0.5),
        method="rk4",
        name="cells",
    )
    group.tau, group.bias = "4*ms + i*ms", 0.3
    return group


def timed(n):
    """The time, TimedArrays of one and two dimensions, what is constant over dt, a counter, a condition that latches."""
    rng = np.random.default_rng(3)
    wave, drive = eq.TimedArray(rng.normal(size=7), 3 * ms), eq.TimedArray(rng.normal(size=(9, n)), 2 * ms)
    group = eq.NeuronGroup(
        n,
        "du/dt = (I + bias*(1 + held) + a*drive(t, i)*int(k % 2 == 0) - u)/tau : 1\nheld = 0.3*sin(2*pi*t/(11*ms)) + 0.2*u : 1 (constant over dt)\n"
        "k : integer\ncalm : boolean\na : 1 (trainable)" + DRIVEN,
        threshold="u > 0.3 + 0.1*wave(t) and (calm or k < 3)",
        reset="u -= 0.3; k += 1; calm = k % 3 == 2",
        surrogate="sigmoid",
        method="rk2",
        namespace={"wave": wave, "drive": drive},
        name="cells",
    )
    group.tau, group.bias, group.a = "4*ms + i*ms", 0.5, 0.7
    return group


def hodgkin_huxley(n):
    """Traub & Miles 1991 in steps of 0.05 ms."""
    group = eq.NeuronGroup(
        n,
        """
        dv/dt = (g_l*(El - v) - g_na*(m*m*m)*h*(v - ENa) - g_kd*(n*n*n*n)*(v - EK) + I*drive)/Cm : volt
        dm/dt = 0.32*(mV**-1)*4*mV/exprel((13.*mV - v + VT)/(4*mV))/ms*(1 - m) - 0.28*(mV**-1)*5*mV/exprel((v - VT - 40.*mV)/(5*mV))/ms*m : 1
        dn/dt = 0.032*(mV**-1)*5*mV/exprel((15.*mV - v + VT)/(5.*mV))/ms*(1. - n) - .5*exp((10.*mV - v + VT)/(40.*mV))/ms*n : 1
        dh/dt = 0.128*exp((17.*mV - v + VT)/(18.*mV))/ms*(1. - h) - 4./(1 + exp((40.*mV - v + VT)/(5.*mV)))/ms*h : 1
        I : 1 (input)
        drive : amp/meter**2 (trainable)
        g_na, g_kd : siemens/meter**2 (trainable)
        """,
        threshold="v > -40*mV",
        refractory="v > -40*mV",
        reset="",
        surrogate=eq.Surrogate("sigmoid", scale=5 * eq.mV),
        method="exponential_euler",
        namespace=dict(
            Cm=1 * eq.uF / eq.cm**2, g_l=5e-5 * eq.siemens / eq.cm**2, El=-65 * eq.mV, EK=-90 * eq.mV, ENa=50 * eq.mV, VT=-63 * eq.mV
        ),
        name="cells",
    )  # fmt: skip
    group.v, group.h, group.drive = -65 * eq.mV, 1, 3e-6 * eq.amp / eq.cm**2
    group.g_na, group.g_kd = 100 * eq.msiemens / eq.cm**2, 30 * eq.msiemens / eq.cm**2
    return group


def adex(n):
    """Brette & Gerstner 2005."""
    group = eq.NeuronGroup(
        n,
        """
        dv/dt = (gL*(EL - v) + gL*DeltaT*exp((v - VT)/DeltaT) + I*2*nA - z)/C : volt (unless refractory)
        dz/dt = (a*(v - EL) - z)/tau_w : amp
        I : 1 (input)
        a : siemens (trainable)
        b : amp (trainable)
        tau_w : second (trainable)
        """,
        threshold="v > -30*mV",
        reset="v = -70.6*mV; z += b",
        refractory=2 * ms,
        surrogate=eq.Surrogate("arctan", scale=4 * eq.mV),
        method="exponential_euler",
        namespace=dict(gL=30 * eq.nS, EL=-70.6 * eq.mV, DeltaT=2 * eq.mV, VT=-50.4 * eq.mV, C=281 * eq.pF),
        name="cells",
    )
    group.v, group.a, group.b, group.tau_w = -60 * eq.mV, 4 * eq.nS, 0.08 * eq.nA, 144 * ms
    return group


def izhikevich(n):
    """Izhikevich 2003."""
    group = eq.NeuronGroup(
        n,
        """
        dv/dt = (0.04*v**2 + 5*v + 140 - u + 25*I)/ms : 1
        du/dt = a*(b*v - u)/ms : 1
        I : 1 (input)
        a, b, c, d : 1 (trainable)
        """,
        threshold="v > 30",
        reset="v = c; u += d",
        surrogate=eq.Surrogate("sigmoid", scale=20.0),
        method="euler",
        name="cells",
    )
    group.v, group.u, group.a, group.b, group.c, group.d = -65, -13, 0.02, 0.2, -65, 8
    return group


def linear_with_synapse(n):
    """Integrated exactly, with unequal time constants."""
    group = eq.NeuronGroup(
        n,
        "du/dt = (g - u)/tau : 1 (unless refractory)\ndg/dt = (8*I + bias - g)/tau_g : 1\ntau_g : second (trainable)" + DRIVEN,
        threshold="u > 0.4",
        reset="u = 0",
        refractory=3 * ms,
        surrogate="arctan",
        method="exponential_euler",
        name="cells",
    )  # fmt: skip
    group.tau, group.tau_g, group.bias = "6*ms + i*ms", "2*ms + 0.5*ms*i", 0.2
    return group


MODELS = [pause, pause_by_expression, pause_by_condition, timed, hodgkin_huxley, adex, izhikevich, linear_with_synapse]
FINE = {hodgkin_huxley: 0.05 * ms, adex: 0.1 * ms, izhikevich: 0.5 * ms}
CLOSE = {hodgkin_huxley: 1e-10, adex: 1e-10, izhikevich: 1e-9}


def network(model, n=5, recurrent=True):
    """Three inputs, the model with delayed recurrent weights, and what a loss may read of it."""
    eq.seed(4)
    eq.defaultclock.dt = FINE.get(model, 1 * ms)
    inputs, cells = eq.Inputs(3, name="inputs"), model(n)
    dense = [eq.Dense(inputs, cells, name="w_in", init=0.3 + 0.5 * np.random.default_rng(1).random((3, n)))]
    if recurrent:
        dense.append(eq.Dense(cells, cells, name="w_rec", init="orthogonal", delay=2 * eq.defaultclock.dt))
    return eq.Network(inputs, cells, dense), cells


def first_state(cells):
    return next(v.name for v in cells.model.variables if v.kind in ("state", "recurrence"))


@pytest.mark.parametrize("model", MODELS)
def test_a_run_computes_what_is_trained(model):
    net, cells = network(model)
    spikes = eq.SpikeMonitor(cells)
    net.add(spikes)
    steps = {hodgkin_huxley: 400, adex: 400, izhikevich: 100}.get(model, 60)
    numpy, c, run = compared(net, cells, first_state(cells), presented(steps))
    assert len(spikes.i) >= 5
    np.testing.assert_allclose(numpy, run, rtol=CLOSE.get(model, 1e-12), atol=1e-13)
    np.testing.assert_allclose(c, run, rtol=CLOSE.get(model, 1e-12), atol=1e-13)


@pytest.mark.parametrize("model", MODELS)
def test_gradients_of_models_agree_with_finite_differences(model):
    net, cells = network(model)
    trainer = eq.Trainer(
        net, loss=eq.MeanSquaredError(cells, "spike", over="sum"), dtype="float64", backend="numpy", smooth=True
    )
    x = np.stack([presented(15 if model is izhikevich else 25, seed=s) for s in range(2)])
    y = np.random.default_rng(2).random((2, len(cells)))
    _, gradients = trainer.gradients(x, y)
    assert all(np.abs(g).max() > 0 for g in gradients.values())
    assert differences(trainer, x, y, gradients, step=1e-4) < 1e-7


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_compiled_gradients_of_models_are_those_of_the_oracle_on_any_threads(model, dtype):
    net, cells = network(model, n=7)
    x = np.stack([presented(40, seed=s) for s in range(37)])
    y = np.random.default_rng(2).random((37, len(cells)))
    found = {}
    for backend, threads in (("numpy", 1), ("c", 1), ("c", 2), ("c", 3)):
        loss = eq.MeanSquaredError(cells, "spike", over="mean")
        trainer = eq.Trainer(net, loss=loss, dtype=dtype, backend=backend, threads=threads)
        found[backend, threads] = trainer.gradients(x, y)
    tolerance = 1e-9 if dtype == "float64" else 2e-3
    for name, g in found["numpy", 1][1].items():
        for threads in (2, 3):
            np.testing.assert_array_equal(found["c", threads][1][name], found["c", 1][1][name])
        scale = max(np.abs(g).max(), 1e-30)
        np.testing.assert_allclose(found["c", 1][1][name] / scale, g / scale, atol=tolerance, err_msg=name)


# -- noise ------------------------------------------------------------------------------------------------------------------------------


def noisy(n):
    """Additive and multiplicative noise, uniform and Poisson numbers, one number for all neurons, and one in the reset."""
    group = eq.NeuronGroup(
        n,
        "du/dt = (3*I + bias - u + 0.2*rand() + 0.1*poisson(2))/tau + sigma*(1 + u)*xi/sqrt(tau) : 1 (unless refractory)\n"
        "y[n+1] = 0.5*y + 0.1*common : 1\ncommon = randn() : 1 (shared, constant over dt)\nsigma : 1 (trainable)"
        + DRIVEN,
        threshold="u + y > 0.6",
        reset="u = 0.1*randn()",
        refractory="2*ms",
        surrogate="sigmoid",
        method="heun",
        name="cells",
    )
    group.tau, group.bias, group.sigma = "4*ms + i*ms", 0.3, 0.4
    return group


@pytest.mark.parametrize("method", [{}, {"method": "tbptt", "window": 7}])
def test_noise_is_drawn_again_on_the_way_back(method):
    net, cells = network(noisy)
    x = np.stack([presented(25, seed=s) for s in range(5)])
    y = np.random.default_rng(2).random((5, len(cells)))
    loss = eq.MeanSquaredError(cells, "spike", over="sum")
    smooth = eq.Trainer(net, loss=loss, dtype="float64", backend="numpy", smooth=True)
    of = smooth.loss_of
    smooth.loss_of = lambda *a: (eq.seed(8), of(*a))[1]
    eq.seed(8)
    _, gradients = smooth.gradients(x, y)
    assert np.abs(gradients["cells.sigma"]).min() > 0
    assert differences(smooth, x, y, gradients, step=1e-4) < 1e-7
    found = []
    for backend in ("numpy", "c"):
        eq.seed(8)
        found.append(eq.Trainer(net, loss=loss, dtype="float64", backend=backend, **method).gradients(x, y))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-12)
    for name, g in found[0][1].items():
        np.testing.assert_allclose(found[1][1][name], g, rtol=1e-8, atol=1e-10 * np.abs(g).max(), err_msg=name)


def test_noise_differs_between_samples_neurons_steps_and_batches_and_repeats_with_the_seed():
    eq.seed(1)
    inputs = eq.Inputs(1)
    cells = eq.NeuronGroup(
        40,
        "x[n+1] = randn() : 1\ny[n+1] = common : 1\ncommon = randn() : 1 (shared, constant over dt)\nI : 1 (input)\nz[n+1] = x + I : 1",
    )
    other = eq.NeuronGroup(40, "x[n+1] = randn() + 0*I : 1\nI : 1 (input)", name="other")
    net = eq.Network(inputs, cells, other, eq.Dense(inputs, cells), eq.Dense(inputs, other))
    x = np.zeros((30, 50, 1))

    def course(group, variable, **options):
        eq.seed(5)
        trainer = eq.Trainer(net, loss=eq.MeanSquaredError(group, variable), backend="c", dtype="float64", **options)
        return trainer.predict(x), trainer.predict(x)

    first, second = course(cells, "x")
    again, _ = course(cells, "x", method="tbptt", window=8)
    np.testing.assert_array_equal(first, again)
    assert len(np.unique(first)) == first.size and not np.any(first == second)
    assert abs(first.mean()) < 0.02 and abs(first.std() - 1) < 0.02
    assert not np.any(course(other, "x")[0] == first)
    common, _ = course(cells, "y")
    assert len(np.unique(common)) == 30 * 50 and np.all(np.ptp(common, axis=2) == 0)


# -- what the engine does beside steps ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("over", ["steps", "mean", "last", "max"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_compiled_softmax_is_that_of_numpy(over, dtype):
    eq.seed(1)
    inputs = eq.Inputs(3)
    cells = eq.NeuronGroup(5, "du/dt = (I - u)/(5*ms) : 1\nI : 1 (input)")
    net = eq.Network(inputs, cells, eq.Dense(inputs, cells, init="xavier"))
    loss = eq.CrossEntropy(cells, "u", over=over, start=3, scale=2.5)
    trainer = eq.Trainer(net, loss=loss, dtype=dtype, backend="c", threads=2)
    x = np.stack([presented(20, seed=s) for s in range(37)])
    y = np.random.default_rng(1).integers(-1, 5, (37, 20) if over == "steps" else 37)
    batch = trainer._batch(x, y)
    target, readout = batch.target(), trainer.method.readout(trainer, x)
    value, slope = loss.value(readout, target)
    by_numpy = Target(target.y, target.weight)
    wanted, wanted_slope = loss.value(readout, by_numpy)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    assert value == pytest.approx(wanted, rel=tolerance)
    np.testing.assert_allclose(slope, wanted_slope, rtol=tolerance, atol=tolerance * np.abs(wanted_slope).max())
    assert trainer.scores(readout, target) == trainer.scores(readout, by_numpy)


def test_rates_are_counted():
    net, cells = network(pause, n=7)
    x = np.stack([presented(40, seed=s) for s in range(16)])
    trainer = eq.Trainer(net, loss=eq.MeanSquaredError(cells, "spike"), backend="c", threads=2)
    spikes = trainer.predict(x)
    assert spikes.mean() > 0.01
    assert trainer.engine.rates()[0] == pytest.approx(spikes.mean(), rel=1e-6)


def test_what_is_0_or_1_counts_as_an_event_whatever_its_type():
    net, cells = network(pause, recurrent=False)
    dense = next(o for o in net.objects if isinstance(o, eq.Dense))
    graded = eq.Dense(dense.source, cells, on_pre="I_post += w*x_pre", init=0.4, name="graded")
    net = eq.Network(dense.source, cells, dense, graded)
    trainer = eq.Trainer(net, loss=eq.MeanSquaredError(cells, "u"), backend="c")
    x = np.stack([presented(30, seed=s) for s in range(3)])
    found = [trainer.predict(x.astype(t)) for t in (bool, np.uint8, np.int16, np.float32)]
    for f in found[1:]:
        np.testing.assert_array_equal(f, found[0])
    assert not np.array_equal(trainer.predict(2 * x), found[0])
