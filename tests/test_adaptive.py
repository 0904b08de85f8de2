"""Adaptive methods: the error that is asked for is kept, on every backend alike, and what cannot be done is said."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import eqsnn as eq
from eqsnn import ms, mV, nA, second, volt
from eqsnn.errors import EquationError, IntegrationError, UnitError
from eqsnn.network.methods import ADAPTIVE, GSL

VAN_DER_POL = """dx/dt = y/second : 1
dy/dt = (mu*(1 - x**2)*y - x)/second : 1
mu : 1"""


def van_der_pol(method, tolerance, dt, duration, backend="c", **options):
    eq.settings.backend = backend
    options = {"absolute_error": tolerance, "max_steps": 100_000, "save_step_count": True, **options}
    G = eq.NeuronGroup(4, VAN_DER_POL, method=method, method_options=options, dt=dt * second, name="vdp")
    G.x, G.mu = [2, 1, 2, 0.5], [1, 5, 3, 2]
    M = eq.StateMonitor(G, ["x", "y", "_step_count"], record=True)
    eq.Network(G, M).run(duration * second)
    eq.start_scope()
    return np.array([M.x, M.y]), np.array(M._step_count)


def after(start, mu, duration):
    """The exact solution (to 1e-12)."""
    return solve_ivp(
        lambda t, z: [z[1], mu * (1 - z[0] ** 2) * z[1] - z[0]], (0, duration), start, rtol=3e-14, atol=1e-13, method="DOP853"
    ).y[:, -1]  # fmt: skip


@pytest.mark.parametrize("method", ADAPTIVE)
def test_the_local_error_is_the_one_asked_for(method):
    """From each recorded state to the next, against the exact solution from there: at most the tolerance for each step inside."""
    for tolerance in (1e-4, 1e-8):
        states, steps = van_der_pol(method, tolerance, 0.5, 8.0)
        ratios = []
        for k in range(states.shape[2] - 1):
            for n, mu in enumerate((1, 5, 3, 2)):
                error = np.abs(after(states[:, n, k], mu, 0.5) - states[:, n, k + 1]).max()
                ratios.append(error / (tolerance * steps[n, k + 1]))
        # The estimate belongs to the solution of lower order, and errors grow a little inside dt: a few tolerances at the very most.
        assert max(ratios) < 5 and np.median(ratios) < 1, (tolerance, max(ratios))


@pytest.mark.parametrize("method", ADAPTIVE)
def test_a_smaller_tolerance_gives_a_smaller_error(method):
    exact = np.array([after(s, mu, 4.0) for s, mu in zip([(2, 0), (1, 0), (2, 0), (0.5, 0)], (1, 5, 3, 2))]).T
    errors = [np.abs(van_der_pol(method, t, 0.5, 4.0 + 0.5)[0][:, :, -1] - exact).max() for t in (1e-4, 1e-7, 1e-10)]
    assert errors[0] > 10 * errors[1] > 100 * errors[2] and errors[2] < 1e-7, errors


@pytest.mark.parametrize("method", ADAPTIVE)
def test_the_same_bits_on_every_backend(method):
    oracle = van_der_pol(method, 1e-6, 0.3, 3.0, "numpy")
    for backend in ("c", "cython"):
        for a, b in zip(oracle, van_der_pol(method, 1e-6, 0.3, 3.0, backend)):
            np.testing.assert_array_equal(a, b)


def test_each_element_takes_its_own_steps_and_remembers_them():
    eq.settings.backend = "c"
    options = {"save_step_count": True, "save_failed_steps": True, "absolute_error": 1e-8}
    G = eq.NeuronGroup(3, "dx/dt = -x/tau : 1\ntau : second", method="rkf45", method_options=options, dt=10 * ms)
    G.x, G.tau = 1, [0.3, 3, 300] * ms
    eq.Network(G).run(10 * ms)
    counts = G._step_count[:]
    assert counts[0] > counts[1] > counts[2] >= 1 and G._failed_steps[0] > 0
    assert np.all(G._last_timestep[:] / ms > 0) and G._last_timestep[2] / ms > 10
    # Stationary: with the memory of the last step none is tried in vain.
    H = eq.NeuronGroup(1, "dx/dt = cos(t/ms)/ms : 1", method="rkf45", method_options=options, dt=10 * ms)
    network = eq.Network(H)
    network.run(10 * ms)
    tried = H._failed_steps[0]
    network.run(10 * ms)
    assert H._failed_steps[0] < tried


def test_without_memory_of_the_last_step_there_is_no_variable_for_it():
    G = eq.NeuronGroup(1, "dx/dt = -x/ms : 1", method="gsl", method_options={"use_last_timestep": False})
    assert not hasattr(G, "_last_timestep") and not hasattr(G, "_step_count")
    eq.settings.backend = "c"
    G.x = 1
    eq.Network(G).run(1 * ms)
    assert G.x[0] == pytest.approx(np.exp(-1), abs=1e-5)


def test_the_names_of_brian_2_give_the_native_methods():
    results = {}
    for name in (*GSL, *ADAPTIVE):
        eq.settings.backend = "c"
        G = eq.NeuronGroup(1, "dx/dt = -x*sin(t/ms)/ms : 1", method=name, dt=1 * ms)
        G.x = 1
        eq.Network(G).run(3 * ms)
        results[name] = G.x[0]
    assert all(results[name] == results[native] for name, native in GSL.items())
    assert all(abs(x - np.exp(np.cos(3) - 1)) < 1e-5 for x in results.values())


def test_hodgkin_and_huxley_with_a_long_step():
    """Spikes are seen at the resolution of dt, and the trajectory is right to the tolerance although dt is 1 ms."""
    space = {"C": 1.0, "gL": 0.3, "EL": 10.613, "gK": 36.0, "EK": -12.0, "gNa": 120.0, "ENa": 115.0, "I": 10.0}
    text = """dv/dt = (I - gL*(v - EL) - gK*n**4*(v - EK) - gNa*m**3*h*(v - ENa))/C/ms : 1
    dm/dt = (0.1*10/exprel(-(v - 25)/10)*(1 - m) - 4*exp(-v/18)*m)/ms : 1
    dn/dt = (0.01*10/exprel(-(v - 10)/10)*(1 - n) - 0.125*exp(-v/80)*n)/ms : 1
    dh/dt = (0.07*exp(-v/20)*(1 - h) - 1/(exp(-(v - 30)/10) + 1)*h)/ms : 1"""

    def slope(t, z):
        v, m, n, h = z
        exprel = lambda x: np.expm1(x) / x if x else 1.0  # noqa: E731
        return [
            10 - 0.3 * (v - 10.613) - 36 * n**4 * (v + 12) - 120 * m**3 * h * (v - 115),
            1 / exprel(-(v - 25) / 10) * (1 - m) - 4 * np.exp(-v / 18) * m,
            0.1 / exprel(-(v - 10) / 10) * (1 - n) - 0.125 * np.exp(-v / 80) * n,
            0.07 * np.exp(-v / 20) * (1 - h) - 1 / (np.exp(-(v - 30) / 10) + 1) * h,
        ]

    start = [0.0, 0.05, 0.32, 0.6]
    exact = solve_ivp(slope, (0, 30), start, t_eval=np.arange(30), rtol=1e-12, atol=1e-12, method="DOP853").y
    eq.settings.backend = "c"
    for method in ("rkf45", "dopri87"):
        options = {"absolute_error": 1e-9, "max_steps": 1000, "absolute_error_per_variable": {"v": 1e-7}}
        G = eq.NeuronGroup(1, text, method=method, method_options=options, dt=1 * ms, namespace=space)
        G.v, G.m, G.n, G.h = start
        M = eq.StateMonitor(G, ["v", "m", "n", "h"], record=0)
        eq.Network(G, M).run(30 * ms)
        assert exact[0].max() > 80
        found = np.array([M.v[0], M.m[0], M.n[0], M.h[0]])
        assert np.abs(found[0] - exact[0]).max() < 1e-4 and np.abs(found[1:] - exact[1:]).max() < 1e-6


def test_refractory_variables_rest_and_the_others_move():
    def run(backend):
        eq.settings.backend = backend
        G = eq.NeuronGroup(
            1, "dv/dt = (2 - v)/(5*ms) : 1 (unless refractory)\ndw/dt = (v - w)/(3*ms) : 1", threshold="v > 1", reset="v = 0",
            refractory=4 * ms, method="rkck", dt=0.5 * ms, name="g",
        )  # fmt: skip
        M, S = eq.StateMonitor(G, ["v", "w"], record=0), eq.SpikeMonitor(G)
        eq.Network(G, M, S).run(30 * ms)
        eq.start_scope()
        return np.array(M.v[0]), np.array(M.w[0]), np.array(S.t / ms)

    v, w, t = run("c")
    assert len(t) > 2
    first = int(round(t[0] / 0.5))
    np.testing.assert_array_equal(v[first + 1 : first + 9], 0)
    decay = w[first + 1] * np.exp(-0.5 / 3 * np.arange(8))
    np.testing.assert_allclose(w[first + 1 : first + 9], decay, atol=1e-5)
    for a, b in zip((v, w, t), run("numpy")):
        np.testing.assert_array_equal(a, b)


def test_a_timed_array_is_held_over_dt():
    I = eq.TimedArray([1.0, 5.0, -2.0], dt=1 * ms)  # noqa: F841
    eq.settings.backend = "c"
    G = eq.NeuronGroup(
        1, "dv/dt = (I(t) - v)/(2*ms) : 1", method="dopri87", method_options={"absolute_error": 1e-12}, dt=1 * ms
    )
    eq.Network(G).run(3 * ms)
    v = 0.0
    for value in (1.0, 5.0, -2.0):
        v = value + (v - value) * np.exp(-0.5)
    assert G.v[0] == pytest.approx(v, abs=1e-11)


def test_clock_driven_synapses():
    eq.settings.backend = "c"
    G = eq.NeuronGroup(2, "x : 1")
    S = eq.Synapses(
        G,
        G,
        "dg/dt = -g**2/ms : 1 (clock-driven)",
        method="gsl_rk8pd",
        method_options={"absolute_error": 1e-10},
        dt=1 * ms,
    )
    S.connect()
    S.g = "1 + i + 2*j"
    eq.Network(G, S).run(2 * ms)
    np.testing.assert_allclose(S.g[:], [1 / (1 / g + 2) for g in (1, 3, 2, 4)], atol=1e-8)


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize("threads", [1, 3])
def test_too_many_steps_name_the_element_and_the_time(backend, threads):
    eq.settings.backend, eq.settings.threads = backend, threads
    G = eq.NeuronGroup(
        5000,
        "dx/dt = -x/tau : 1\ntau : second",
        method="rkf45",
        method_options={"max_steps": 5},
        dt=1 * ms,
        name="fast",
    )
    G.x, G.tau = "int(i > 1300)", 1 * ms
    G.tau[1500:] = 1e-4 * ms
    network = eq.Network(G)
    with pytest.raises(IntegrationError) as caught:
        network.run(3 * ms)
    assert str(caught.value) == (
        "fast: the method 'rkf45' did not reach the end of a step of the clock within max_steps = 5 steps of its own, "
        "for element 1500 in the step at t = 0 ms"
    )


def test_a_fixed_step_whose_error_is_too_large_stops_the_run():
    options = {"adaptable_timestep": False, "absolute_error": 1e-6}
    eq.settings.backend = "c"
    G = eq.NeuronGroup(2, "dx/dt = -x/ms : 1", method="gsl_rkf45", method_options=options, dt=0.01 * ms)
    G.x = 1
    eq.Network(G).run(0.1 * ms)
    H = eq.NeuronGroup(2, "dx/dt = -x/ms : 1", method="gsl_rkf45", method_options=options, dt=1 * ms, name="coarse")
    H.x = [0, 1]
    with pytest.raises(
        IntegrationError, match="coarse: the error of the method 'rkf45_fixed' exceeds its tolerance.*for element 1"
    ):
        eq.Network(H).run(1 * ms)


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_what_is_not_a_number_stops_the_run_as_ever(backend):
    eq.settings.backend = backend
    G = eq.NeuronGroup(2, "dx/dt = sqrt(1 - t/ms)/ms*x : 1", method="rkf45", dt=0.4 * ms)
    G.x = 1
    with pytest.raises(eq.NotFiniteError, match=r"x\[0\] became NaN"):
        eq.Network(G).run(2 * ms)


def test_a_tolerance_is_an_argument_of_the_kernel():
    from eqsnn.network.describe import kernels_of

    def kernel(**options):
        G = eq.NeuronGroup(1, "dx/dt = -x/ms : 1", method="rkf45", method_options=options, name="g")
        found = kernels_of(G)
        eq.start_scope()
        del G
        return found

    assert kernel(absolute_error=1e-3) == kernel(absolute_error=1e-9, relative_error=1e-3, max_steps=7)


def test_the_derived_step_can_be_read():
    from eqsnn.network.describe import update_latex, update_text

    G = eq.NeuronGroup(1, "dx/dt = -x/ms : 1", method="rk32")
    assert "while" in update_text(G) and "slope3_x" in update_text(G) and "aligned" in update_latex(G)


@pytest.mark.parametrize(
    ("model", "method", "options", "error", "message"),
    [
        ("dx/dt = -x/ms + xi/ms**0.5 : 1", "gsl", {}, EquationError, "an estimate of the error needs smooth solutions"),
        ("dx/dt = -f(x)/ms : 1", "rkck", {}, EquationError, "calls the function 'f' at times inside a step"),
        ("dx/dt = -x/ms : 1", "gsl", {"abs_error": 1}, EquationError, "did you mean 'absolute_error'?"),
        ("dx/dt = -x/ms : 1", "gsl", {"absolute_error": 0}, EquationError, "must be positive"),
        ("dx/dt = -x/ms : 1", "gsl", {"absolute_error": 1 * mV}, UnitError, "is a plain number"),
        ("dx/dt = -x/ms : volt", "gsl", {"absolute_error_per_variable": {"x": 1 * nA}}, UnitError, "is a value with unit V"),
        ("dx/dt = -x/ms : volt", "gsl", {"absolute_error_per_variable": {"y": 1 * volt}}, EquationError, "no differential equation for 'y'"),
        ("dx/dt = -x/ms : 1", "gsl", {"max_steps": 2.5}, EquationError, "is an integer, 0 for no limit"),
        ("dx/dt = -x/ms : 1", "gsl", {"use_last_timestep": 1}, EquationError, "is True or False"),
        ("dx/dt = -x/ms : 1", "euler", {"max_steps": 2}, EquationError, "the method 'euler' has no option 'max_steps'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(model, method, options, error, message):
    @eq.check_units(x=1, result=1)
    def f(x):
        return x

    with pytest.raises(error) as caught:
        G = eq.NeuronGroup(2, model, method=method, method_options=options)
        eq.Network(G).run(0.1 * ms)
    assert message in str(caught.value)


def test_no_adjoint_goes_through_adaptive_steps():
    from eqsnn.derivations.adjoint import adjoint
    from eqsnn.network.describe import maps_of

    G = eq.NeuronGroup(1, "dx/dt = -x/ms : 1", method="rkf45")
    with pytest.raises(eq.EqsnnError, match="the adjoint of an adaptive method is not known"):
        adjoint(maps_of(G)[0][2])


def test_what_a_method_remembers_is_not_shown_among_the_users_variables():
    G = eq.NeuronGroup(1, "dv/dt = -v**3/ms : 1", method="rkf45", threshold="v > 1", name="cells")
    S = eq.Synapses(G, G, "dx/dt = -x**3/ms : 1 (clock-driven)", method="rkf45", on_pre="x += 1")
    S.connect()
    assert repr(G) == "<NeuronGroup 'cells': 1 neurons, v>"
    for o in (G, S):
        assert "last" not in o._repr_latex_() and "_last_timestep" not in o.get_states()
    assert eq.StateMonitor(G, True).record_variables == ["v"] and G._last_timestep[0] == 0 * ms
    with pytest.raises(AttributeError, match="its variables are N, dt, i, t, t_in_timesteps, v$"):
        G.w  # noqa: B018
