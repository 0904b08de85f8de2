"""Arithmetic in single precision: the functions, which values are float32, the same bits on every backend, and how near it comes to double."""

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from test_kernel import ONE, call

import eqsnn as eq
from eqsnn import ms
from eqsnn.kernel import single
from eqsnn.kernel.interpret import Memory, interpret
from eqsnn.kernel.ir import (
    Binary,
    Buffer,
    Call,
    Cast,
    CheckFinite,
    Compare,
    Const,
    Kernel,
    Let,
    Load,
    Local,
    Scalar,
    Select,
    Store,
    expressions,
    walk,
)
from eqsnn.kernel.passes.fit_memory import fit_memory

BACKENDS = ("numpy", "c", "cython")
RANGES = {  # function: (in double precision, ranges, ulp)
    "exp": (np.exp, [(-87.3, 88.7), (-1, 1)], 1),
    "expm1": (np.expm1, [(-2, 2), (-20, 88)], 2),
    "exprel": (lambda x: np.expm1(x) / x, [(-5, 5), (1e-9, 1e-3), (-80, 88)], 2),
    "exprel_inverse": (lambda x: x / np.expm1(x), [(-5, 5), (1e-9, 1e-3), (-80, 80)], 2),
    "log": (np.log, [(1e-37, 1e37), (0.5, 2), (0.99, 1.01)], 1),
    "log1p": (np.log1p, [(-0.9, 2), (1e-9, 1e-5)], 3),
    "log10": (np.log10, [(1e-3, 1e3)], 3),
    "sin": (np.sin, [(-100, 100), (-4, 4)], 2),
    "cos": (np.cos, [(-100, 100), (-4, 4)], 2),
    "tan": (np.tan, [(-100, 100)], 4),
    "tanh": (np.tanh, [(-5, 5), (-50, 50), (-0.01, 0.01)], 3),
    "sinh": (np.sinh, [(-5, 5), (-88.9, 88.9)], 3),
    "cosh": (np.cosh, [(-5, 5), (-88.9, 88.9)], 3),
    "asin": (np.arcsin, [(-1, 1), (-0.1, 0.1)], 3),
    "acos": (np.arccos, [(-1, 1), (-0.1, 0.1)], 3),
    "atan": (np.arctan, [(-3, 3), (-1e3, 1e3)], 2),
}


def ulps(found, exact):
    return np.abs(found - exact) / np.spacing(np.abs(exact).astype(np.float32)).astype(float)


@pytest.mark.parametrize("name", RANGES)
def test_a_function_is_as_accurate_as_it_says(name):
    exact, ranges, bound = RANGES[name]
    for low, high in ranges:
        x = np.random.default_rng(0).uniform(low, high, 200_000).astype(np.float32)
        error = ulps(single.TABLE[name](x), exact(x.astype(np.longdouble)).astype(float))
        assert error.max() <= bound, (low, high, x[error.argmax()])


def test_angles_beyond_100_have_a_small_absolute_error():
    x = np.random.default_rng(0).uniform(-1e4, 1e4, 200_000).astype(np.float32)
    for name, exact in (("sin", np.sin), ("cos", np.cos)):
        assert np.abs(single.TABLE[name](x) - exact(x.astype(float))).max() < 2e-7


def test_power_and_the_derivative_of_exprel():
    rng = np.random.default_rng(0)
    x, y = np.exp(rng.uniform(-10, 10, 20_000)).astype(np.float32), rng.uniform(-8, 8, 20_000).astype(np.float32)
    assert ulps(single.power(x, y), x.astype(float) ** y.astype(float)).max() <= 1
    z = rng.uniform(-5, 5, 200_000).astype(np.float32).astype(np.longdouble)
    exact = (np.exp(z) - np.expm1(z) / z) / z
    assert np.max(np.abs(single.exprel_prime(z) / exact - 1)[np.abs(z) > 1e-2]) < 2e-6
    assert single.exprel_prime(0.0) == 0.5 and single.exprel_prime(1e-6) == pytest.approx(0.5, rel=2e-6)


def test_the_fused_multiply_add_rounds_once():
    """Also where rounding the sum to double first, then to single, would end on the wrong side."""
    rng = np.random.default_rng(2)
    n = 100_000
    a, b = rng.normal(size=(2, n)).astype(np.float32)
    c = (-(a.astype(float) * b) * (1 + rng.integers(-3, 4, n) * 2.0**-23)).astype(np.float32)
    c[::2] = np.ldexp(1.5, rng.integers(-40, 60, n // 2)).astype(np.float32)
    found = single.fma(a, b, c)
    twice = (a.astype(float) * b + c).astype(np.float32)
    differ = np.flatnonzero(found != twice)
    for k in (*differ[:200], *range(0, n, 101)):
        exact = Fraction(float(a[k])) * Fraction(float(b[k])) + Fraction(float(c[k]))
        near = np.float32(float(exact))
        around = [np.nextafter(near, s) for s in (np.float32(-np.inf), np.float32(np.inf))]
        best = min((near, *around), key=lambda v: (abs(Fraction(float(v)) - exact), int(v.view(np.int32)) & 1))
        assert found[k] == best
    with np.errstate(all="ignore"):
        assert np.isnan(single.fma(np.float32(np.inf), np.float32(0), np.float32(1)))


def test_two_roundings_are_told_from_one():
    """1 + 2^-23 + 2^-24 - 2^-64 lies below the middle of two floats; rounded to double first it is the middle, and would go to the even one."""
    x, y, c = np.float32(2.0**-12 * (1 + 2.0**-20)), np.float32(2.0**-12 * (1 - 2.0**-20)), np.float32(1 + 2.0**-23)
    assert (x.astype(float) * y + c).astype(np.float32) == np.float32(1 + 2.0**-22)
    assert single.fma(x, y, c) == c and single.fma(-x, y, -c) == -c


def special():
    rng = np.random.default_rng(1)
    tiny = np.float32(1.1754944e-38)
    edges = [
        0.0,
        -0.0,
        1,
        -1,
        np.inf,
        -np.inf,
        np.nan,
        tiny,
        -tiny,
        2 * tiny,
        3 * tiny,
        1e-30,
        1e30,
        -1e30,
        3.4e38,
        -3.4e38,
    ]
    edges += [
        88.7,
        88.73,
        88.722,
        -87.3,
        -87.4,
        -17.4,
        -17.6,
        4194303.0,
        4194305.0,
        0.75,
        -0.75,
        10,
        87,
        0.5,
        -0.5,
        0.4375,
        2.4375,
    ]
    parts = [edges, rng.normal(size=3000), rng.normal(size=3000) * 40, np.exp(rng.normal(size=3000) * 20)]
    return np.concatenate(parts).astype(np.float32)  # fmt: skip


X, Y = Buffer("x", "f32", "self", "self", "x"), Buffer("y", "f32", "self", "self", "y", True)


@pytest.mark.parametrize("name", ONE)
def test_a_function_has_the_same_bits_in_c(name):
    x = special()
    kernel = Kernel(
        f"s_{name}", "test", "neuron", (X, Y), (), (), (Store("y", Call(name, (Load("x", "f32"),), "f32")),)
    )
    _, found = call(kernel, {"x": x, "y": np.zeros_like(x)}, {}, len(x))
    expected = np.zeros_like(x)
    interpret(kernel, Memory({"x": x, "y": expected}, {}), 0, len(x))
    flushed = single.flush(found["y"])  # outside the engine nothing is flushed
    usual = np.isnan(expected) | (np.abs(expected) > 3e-38) | (np.abs(x) > 1e-30) & (expected == flushed)
    np.testing.assert_array_equal(flushed[usual], expected[usual])


def test_functions_of_two_have_the_same_bits_in_c():
    x, y = special(), special()[::-1].copy()
    load = {n: Load(n, "f32") for n in ("x", "y")}
    values = {
        "a": Call("power", (load["x"], load["y"]), "f32"),
        "b": Call("modulo", (load["x"], load["y"]), "f32"),
        "c": Call("clip", (load["x"], Const(-1.0, "f32"), load["y"]), "f32"),
        "d": Call("timestep", (load["x"], load["y"]), "f32"),
        "e": Cast(Cast(load["x"], "i64"), "f32"),
        "f": Cast(Binary("*", Cast(load["x"], "f64"), Const(0.1, "f64"), "f64"), "f32"),
    }
    buffers = (X, replace_name(X, "y"), *(replace_name(Y, n) for n in values))
    kernel = Kernel("pairs", "test", "neuron", buffers, (), (), tuple(Store(n, v) for n, v in values.items()))
    memory = {"x": x, "y": y, **{n: np.zeros_like(x) for n in values}}
    _, found = call(kernel, memory, {}, len(x))
    interpret(kernel, Memory(memory, {}), 0, len(x))
    for n in values:
        np.testing.assert_array_equal(single.flush(found[n]), single.flush(memory[n]), err_msg=n)


def replace_name(b, name):
    return Buffer(name, b.type, b.extent, b.owner, name, b.writable)


# -- which values are float32 ----------------------------------------------------------------------------------------------------


def fitted(expr, stored="v", **types):
    """The type in which ``new = expr`` is computed and the type that ``new`` has, where variables are kept as ``types`` say."""
    body = (Let("new", expr), CheckFinite("new"), Store(stored, Local("new", "f64")))
    buffers = tuple(Buffer(n, "f64", "self", "self", n, n == stored) for n in ("v", "w", "lastspike"))
    scalars = (
        Scalar("a", "f64", "external", "a"),
        Scalar("t", "f64", "clock", "t"),
        Scalar("k", "i64", "clock", "step"),
    )
    kernel = fit_memory(Kernel("k", "test", "neuron", buffers, scalars, (), body), types)
    let = kernel.body[0]
    inner = let.expr.a if isinstance(let.expr, Cast) else let.expr
    return inner.type, let.expr.type, kernel


v, w, last = (Load(n, "f64") for n in ("v", "w", "lastspike"))
a, t, k = Local("a", "f64"), Local("t", "f64"), Local("k", "i64")
key = Const(1, "i64")


def times(x, y):
    return Binary("*", x, y, "f64")


@pytest.mark.parametrize(
    ("expr", "types", "computed", "named"),
    [
        (times(v, Const(0.1, "f64")), {"v": "f32"}, "f32", "f32"),  # a literal takes the precision of what it meets
        (times(a, v), {"v": "f32"}, "f32", "f32"),  # a constant too
        (times(Cast(k, "f64"), v), {"v": "f32"}, "f32", "f32"),  # and an integer
        (times(times(a, a), v), {"v": "f32"}, "f32", "f32"),
        (Call("exp", (times(v, a),), "f64"), {"v": "f32"}, "f32", "f32"),
        (times(v, t), {"v": "f32"}, "f64", "f32"),  # time widens the expression, not what is made of it
        (times(v, last), {"v": "f32"}, "f64", "f32"),
        (times(a, t), {"v": "f32"}, "f64", "f64"),  # made of time alone
        (times(v, w), {"v": "f32"}, "f64", "f64"),  # a float64 variable widens both
        (times(v, w), {"v": "f32", "w": "f32"}, "f32", "f32"),
        (times(v, Call("uniform", (key,) * 4, "f64")), {"v": "f32"}, "f64", "f32"),
        (Select(Compare("<", t, a), v, a, "f64"), {"v": "f32"}, "f32", "f32"),  # a condition does not widen
    ],
)
def test_the_precision_of_a_value(expr, types, computed, named):
    assert fitted(expr, **types)[:2] == (computed, named)


def test_an_expression_is_computed_in_one_precision():
    """(v*a) + t: the product is double, too; a constant that meets float32 alone is handed over as float32."""
    _, _, kernel = fitted(Binary("+", times(v, a), t, "f64"), v="f32")
    assert {e.type for e in walk(kernel.body[0].expr) if isinstance(e, Binary)} == {"f64"}
    assert fitted(Binary("+", times(v, a), v, "f64"), v="f32")[2].scalars[0].type == "f32"


def test_a_kernel_without_float32_is_left_alone():
    assert fitted(times(v, t))[2] is not None and all(
        e.type != "f32" for s in fitted(times(v, t))[2].body for x in expressions(s) for e in walk(x)
    )


# -- networks --------------------------------------------------------------------------------------------------------------------

HH = """dv/dt = (-70*(v + 0.065) - 120000*m**3*h*(v - 0.05) - 36000*n**4*(v + 0.077) + drive)/1.0/second*10 : 1
dm/dt = (exprel(-(v + 0.04)/0.01)**-1*1000*(1 - m) - 4000*exp(-(v + 0.065)/0.018)*m)/second : 1
dh/dt = (70*exp(-(v + 0.065)/0.02)*(1 - h) - 1000/(1 + exp(-(v + 0.035)/0.01))*h)/second : 1
dn/dt = (exprel(-(v + 0.055)/0.01)**-1*100*(1 - n) - 125*exp(-(v + 0.065)/0.08)*n)/second : 1
drive : 1"""


def cuba(backend, dtype, n=400, threads=1, duration=60):
    eq.settings.backend, eq.settings.threads = backend, threads
    eq.settings.neurons_per_block, eq.settings.synapses_per_block = 64, 256
    eq.start_scope()
    eq.seed(5)
    G = eq.NeuronGroup(
        n, "dv/dt = (ge + gi - (v + 49))/(20*ms) : 1 (unless refractory)\ndge/dt = -ge/(5*ms) : 1\ndgi/dt = -gi/(10*ms) : 1",
        threshold="v > -50", reset="v = -60", refractory=5 * ms, method="exact", dtype=dtype,
    )  # fmt: skip
    G.v = "-60 + 10*rand()"
    E, I = (eq.Synapses(G, G, on_pre=text, dtype=dtype) for text in ("ge += 1.62", "gi -= 9"))
    E.connect(f"i < {int(0.8 * n)}", p=80 / n)
    I.connect(f"i >= {int(0.8 * n)}", p=80 / n)
    M = eq.SpikeMonitor(G)
    eq.Network(G, E, I, M).run(duration * ms)
    return [np.array(x) for x in (M.i, M.t_, G.v[:], G.ge[:], G.gi[:])]


def test_backends_and_threads_agree_in_single_precision():
    oracle = cuba("numpy", np.float32)
    assert len(oracle[0]) > 50 and oracle[2].dtype == np.float32
    for backend, threads in (("c", 1), ("cython", 1), ("c", 2), ("c", 3)):
        for x, y in zip(oracle, cuba(backend, np.float32, threads=threads)):
            np.testing.assert_array_equal(x, y, err_msg=f"{backend}, {threads} threads")


def test_decaying_values_end_at_zero_on_every_backend():
    """After 90 time constants a value is too small for a normal float32: the engine and the oracle make it 0 in the same step."""

    def decay(backend):
        eq.settings.backend = backend
        eq.start_scope()
        G = eq.NeuronGroup(3, "dx/dt = -x/(1*ms) : 1\ny : 1", method="exact", dtype=np.float32)
        G.x, G.y = [1, -1, 1e-30], 1e-30
        G.run_regularly("y = 0.5*y", dt=0.1 * ms)
        M = eq.StateMonitor(G, ["x", "y"], record=True)
        eq.Network(G, M).run(95 * ms)
        return np.array(M.x), np.array(M.y)

    oracle = decay("numpy")
    smallest = np.abs(oracle[0][oracle[0] != 0]).min()
    assert np.all(oracle[0][:, -1] == 0) and 1.17e-38 < smallest < 1.4e-38
    for x, y in zip(oracle, decay("c")):
        np.testing.assert_array_equal(x, y)


def test_rates_are_those_of_double_precision():
    """A chaotic network: spikes differ after some time, what they are statistically does not."""
    double, narrow = (len(cuba("c", d, 2000, duration=1000)[0]) for d in (np.float64, np.float32))
    assert abs(narrow / double - 1) < 0.05


def test_a_trajectory_is_as_near_as_single_precision_allows():
    """Hodgkin-Huxley, below threshold (relative error of the membrane potential) and firing (times of spikes)."""

    def traces(dtype):
        eq.settings.backend = "c"
        eq.start_scope()
        G = eq.NeuronGroup(2, HH, threshold="v > 0", refractory="v > 0", method="exponential_euler", dtype=dtype)
        G.v, G.m, G.h, G.n, G.drive = -0.065, 0.05, 0.6, 0.32, [1.0, 20.0]
        M, P = eq.StateMonitor(G, "v", record=True, dt=1 * ms), eq.SpikeMonitor(G)
        eq.Network(G, M, P).run(200 * ms, namespace={"second": eq.second})
        return np.array(M.v, float), np.array(P.t / ms)

    (double, spikes), (narrow, other) = traces(np.float64), traces(np.float32)
    assert np.max(np.abs(narrow[0] / double[0] - 1)) < 1e-5
    assert len(spikes) == len(other) > 5 and np.max(np.abs(spikes - other)) <= 0.2


@pytest.mark.parametrize("backend", BACKENDS)
def test_time_is_not_rounded_in_a_float32_group(backend):
    """The float32 nearest to t = 1000.0001 s is 1000.0001221 s."""
    eq.settings.backend = backend
    eq.start_scope()
    equations = "x = (t - onset)/second : 1\nonset : second\nphase = t/second*1000 : 1"
    G = eq.NeuronGroup(1, equations, dtype=np.float32, dt=1000.0001 * eq.second)
    G.onset = 1000 * eq.second
    M = eq.StateMonitor(G, ["x", "phase"], record=True)
    eq.Network(G, M).run(2 * 1000.0001 * eq.second)
    assert M.x[0, 1] == np.float32(1000.0001 - 1000)
    assert M.phase[0, 1] == 1000.0001 * 1000
