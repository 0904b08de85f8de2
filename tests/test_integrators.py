"""Methods of integration: convergence orders, closed forms, and why each refuses what it cannot do."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import eqsnn as eq
from eqsnn import ms, second


@pytest.fixture(autouse=True)
def backend():
    eq.settings.backend = "c"


ONE_STEP = {"adaptable_timestep": False, "absolute_error": 1e9}
"""An adaptive method with this does one step of dt, whatever its error."""


def integrate(text, method, dt, start, duration=1.0, variables=None, n=1, options=None, **parameters):
    """The final values of the variables after ``duration`` seconds."""
    G = eq.NeuronGroup(n, text, method=method, method_options=options, dt=dt * second, namespace={})
    for name, value in {**start, **parameters}.items():
        setattr(G, name, value)
    eq.Network(G).run(duration * second)
    return np.array([G.state(v)[:] for v in variables or start]).squeeze()


NONLINEAR = """dx/dt = (x - x**3/3 - y + 0.5 + 0.3*sin(t/second))/second : 1
dy/dt = 0.5*(x + 0.7 - 0.8*y)/second : 1"""


@pytest.mark.parametrize(
    ("method", "order"),
    [("euler", 1), ("exponential_euler", 1), ("rk2", 2), ("heun", 2), ("rk4", 4), ("rk32", 3), ("rk4_doubling", 4), ("rkf45", 5), ("rkck", 5),
     ("dopri87", 8)],
)  # fmt: skip
def test_the_order_of_convergence_is_that_of_the_method(method, order):
    text = NONLINEAR
    if method == "exponential_euler":  # for equations that are conditionally linear
        text = "dx/dt = (sin(y) - (1 + y**2)*x)/second : 1\ndy/dt = (cos(x) - y)/second : 1"

    def slope(t, z):
        x, y = z
        if method == "exponential_euler":
            return [np.sin(y) - (1 + y**2) * x, np.cos(x) - y]
        return [x - x**3 / 3 - y + 0.5 + 0.3 * np.sin(t), 0.5 * (x + 0.7 - 0.8 * y)]

    exact = solve_ivp(slope, (0, 2), [0.1, -0.2], rtol=1e-13, atol=1e-13, method="DOP853").y[:, -1]
    steps = {4: [0.2, 0.1, 0.05, 0.025], 5: [0.125, 0.0625, 0.03125, 0.015625], 8: [1.0, 0.5, 0.25]}.get(
        order, [0.04, 0.02, 0.01, 0.005]
    )
    options = ONE_STEP if method in ("rk32", "rk4_doubling", "rkf45", "rkck", "dopri87") else None
    start = {"x": 0.1, "y": -0.2}
    errors = [np.abs(integrate(text, method, dt, start, 2.0, options=options) - exact).max() for dt in steps]
    slopes = np.diff(np.log(errors)) / np.diff(np.log(steps))
    assert slopes[-1] == pytest.approx(order, abs={5: 0.3, 8: 0.6}.get(order, 0.15)), errors


def test_the_methods_state_the_orders_that_were_measured():
    from eqsnn.integrators.integrator import methods

    found = {n: m.order for n, m in methods().items() if not n.endswith("_fixed")}
    assert found == {
        "euler": 1,
        "exponential_euler": 1,
        "rk2": 2,
        "heun": 2,
        "rk4": 4,
        "exact": float("inf"),
        "milstein": 1,
        "rk32": 3,
        "rk4_doubling": 4,
        "rkf45": 5,
        "rkck": 5,
        "dopri87": 8,
    }
    assert all(m.source for m in methods().values())


def coupled(dt, matrix, offset, start, duration):
    names = "xyz"
    lines = []
    for r, row in enumerate(matrix):
        right = " + ".join(f"({a!r})*{names[c]}" for c, a in enumerate(row)) + f" + ({offset[r]!r})"
        lines.append(f"d{names[r]}/dt = ({right})/second : 1")
    return integrate("\n".join(lines), "exact", dt, dict(zip(names, start)), duration)


@pytest.mark.parametrize(
    "matrix",
    [
        [[-1.0, 0.0, 0.0], [1.0, -1.0, 0.0], [0.0, 1.0, -1.0]],  # three equal time constants in a chain
        [[-1.0, 2.0, 0.0], [0.0, -1.0 - 1e-12, 0.0], [0.0, 0.0, 0.0]],  # nearly equal, and one of zero
        [[0.0, 1.0, 0.0], [-4.0, 0.0, 0.0], [0.5, 0.0, -3.0]],  # complex eigenvalues
        [[-1.0, 0.3, 0.2], [0.1, -2.0, 0.4], [0.5, 0.1, -30.0]],
    ],
)
def test_exact_is_exact_also_where_time_constants_coincide(matrix):
    offset, start = [0.3, -0.1, 0.7], [1.0, -0.5, 0.2]
    full = np.zeros((4, 4))
    full[:3, :3], full[:3, 3] = matrix, offset
    expected = (expm(2.0 * full) @ [*start, 1.0])[:3]
    np.testing.assert_allclose(coupled(0.1, matrix, offset, start, 2.0), expected, rtol=1e-11, atol=1e-13)


def test_exact_with_equal_time_constants_of_a_synapse():
    """alpha synapse: dv = (g - v)/tau, dg = -g/tau has v = t/tau exp(-t/tau)."""
    v = integrate(
        "dv/dt = (g - v)/tau : 1\ndg/dt = -g/tau : 1\ntau : second (constant)",
        "exact",
        1e-3,
        {"v": 0, "g": 1},
        0.02,
        n=2,
        tau=0.01 * second,
    )
    np.testing.assert_allclose(v[0], 2 * np.exp(-2), rtol=1e-12)


def test_exact_takes_a_row_of_parameters_for_each_neuron():
    taus = np.array([1, 5, 5, 20.0]) * 1e-3
    text = "dv/dt = (a - v)/tau : 1\na : 1\ntau : second"
    v = integrate(text, "exact", 1e-3, {"v": 1}, 0.01, n=4, a=[0, 1, 2, 3], tau=taus * second)
    a = np.arange(4)
    np.testing.assert_allclose(v, a + (1 - a) * np.exp(-0.01 / taus), rtol=1e-12)


def brownian(levels, paths, duration, seed=1):
    """Increments of one Wiener process on a fine grid."""
    return np.random.default_rng(seed).normal(0, np.sqrt(duration / levels), (paths, levels))


@pytest.mark.parametrize(
    ("method", "text", "kind", "order"),
    [
        ("euler", "dx/dt = -x/second + 0.5*xi/second**0.5 : 1", "additive", 1.0),
        ("heun", "dx/dt = 0.3*x/second + 0.8*x*xi/second**0.5 : 1", "geometric", 1.0),
        ("milstein", "dx/dt = 0.3*x/second + 0.8*x*xi/second**0.5 : 1", "geometric", 1.0),
    ],
)
def test_the_strong_order_on_stochastic_equations(method, text, kind, order, monkeypatch):
    """Paths on a coarse and on a fine grid, with the same noise: the interpreter's normal numbers are replaced by known increments."""
    from eqsnn.kernel import random

    eq.settings.backend = "numpy"
    fine, paths = 1 << 11, 400
    dW = brownian(fine, paths, 1.0)
    if kind == "geometric":  # Stratonovich: x = exp(0.3 t + 0.8 W)
        exact = np.exp(0.3 + 0.8 * dW.sum(axis=1))
    else:
        x = np.ones(paths)
        for k in range(
            fine
        ):  # the exact step of the Ornstein-Uhlenbeck process, given the increment, to the order of the fine grid
            x = x * np.exp(-1 / fine) + 0.5 * dW[:, k] * np.exp(-0.5 / fine)
        exact = x
    steps, errors = [16, 32, 64, 128], []
    for n in steps:
        coarse = dW.reshape(paths, n, fine // n).sum(axis=2) * np.sqrt(n)
        monkeypatch.setattr(
            random, "normal", lambda key, element, count=0, draw=0, coarse=coarse: coarse[:, int(count)]
        )
        G = eq.NeuronGroup(paths, text, method=method, dt=1 / n * second)
        G.x = 1
        eq.Network(G).run(1 * second)
        errors.append(np.mean(np.abs(G.x[:] - exact)))
    slope = -np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.2), errors


def test_the_ornstein_uhlenbeck_process_has_its_variance_and_correlation():
    eq.seed(5)
    tau, sigma, n = 10 * ms, 0.7, 4000
    G = eq.NeuronGroup(
        n,
        "dx/dt = -x/tau + sigma*sqrt(2/tau)*xi : 1",
        method="euler",
        dt=0.05 * ms,
        namespace={"tau": tau, "sigma": sigma},
    )
    network = eq.Network(G)
    network.run(60 * ms)
    before = np.array(G.x[:])
    network.run(10 * ms)
    after = np.array(G.x[:])
    assert np.var(after) == pytest.approx(sigma**2, rel=5 * np.sqrt(2 / n))
    assert abs(np.mean(after)) < 5 * sigma / np.sqrt(n)
    assert np.mean(before * after) / sigma**2 == pytest.approx(np.exp(-1), abs=5 / np.sqrt(n))


def test_shared_noise_and_own_noise():
    """The name of a noise says which equations share it; each neuron has its own."""
    text = "dx/dt = xi_a/second**0.5 : 1\ndy/dt = xi_a/second**0.5 : 1\ndz/dt = xi_b/second**0.5 : 1"
    G = eq.NeuronGroup(200, text, method="euler")
    eq.Network(G).run(1 * ms)
    assert np.array_equal(G.x[:], G.y[:])
    assert abs(np.corrcoef(G.x[:], G.z[:])[0, 1]) < 0.4
    assert len(np.unique(G.x[:])) == 200


@pytest.mark.parametrize(
    ("text", "chosen", "why"),
    [
        ("dv/dt = -v/second : 1", "exact", "the equations are linear"),
        ("dv/dt = -v**2/second : 1", "euler", "not 'exact': the equation of 'v' is not linear"),
        ("dv/dt = (1 - v)/second + xi/second**0.5 : 1", "euler", "not 'exact': they contain the noise 'xi'"),
        ("dv/dt = (1 - v)/second + v*xi/second**0.5 : 1", "heun", "the noise of 'v' is multiplicative"),
    ],
)
def test_the_automatic_choice_says_what_and_why(text, chosen, why):
    G = eq.NeuronGroup(1, text)
    network = eq.Network(G)
    network.run(0 * ms)
    assert f"no method given, '{chosen}' chosen" in network.messages[0]
    assert why in network.messages[0]


def test_event_driven_variables_are_those_of_clock_driven_ones():
    space = {"ta": 7 * ms, "tb": 7 * ms}
    SG = eq.SpikeGeneratorGroup(1, [0, 0, 0], [1, 4, 9] * ms)
    H = eq.NeuronGroup(1, "out : 1\nlate : 1")
    equations = "da/dt = (b - a)/ta : 1 ({0})\ndb/dt = -b/tb : 1 ({0})"
    E = eq.Synapses(SG, H, equations.format("event-driven"), on_pre="b += 1; out_post = a", namespace=space)
    C = eq.Synapses(
        SG, H, equations.format("clock-driven"), on_pre="b += 1; late_post = a", method="exact", namespace=space
    )
    E.connect()
    C.connect()
    M = eq.StateMonitor(H, ["out", "late"], record=0)
    eq.Network(SG, H, E, C, M).run(12 * ms)
    assert M.out[0][-1] > 0.1
    np.testing.assert_allclose(
        M.out[0], M.late[0], rtol=0.03
    )  # the clock-driven ones are read before the step of their last dt
    t = 5e-3 / 7e-3
    first = 3e-3 / 7e-3
    b_at_4 = np.exp(-first) + 1
    a_at_4 = first * np.exp(-first)
    expected = a_at_4 * np.exp(-t) + b_at_4 * t * np.exp(-t)
    assert M.out[0][-1] == pytest.approx(expected, rel=1e-12)


def test_a_discrete_map_is_iterated():
    """x[n+1] = f(x[n]): the logistic map, and a pair that is updated at once."""
    G = eq.NeuronGroup(1, "x[n+1] = 3.7*x*(1 - x) : 1\ny[n+1] = z : 1\nz[n+1] = y : 1")
    G.x, G.y, G.z = 0.3, 1, 2
    x = 0.3
    eq.Network(G).run(0.7 * ms)
    for _ in range(7):
        x = 3.7 * x * (1 - x)
    assert G.x[0] == pytest.approx(x, rel=1e-12)
    assert (G.y[0], G.z[0]) == (2, 1)


def test_the_names_of_the_methods_are_known_without_importing_them():
    from eqsnn.integrators.integrator import methods
    from eqsnn.integrators.names import method_names

    assert method_names() == tuple(sorted(methods()))
