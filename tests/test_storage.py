"""In what types values are kept: the flag ``dtype=`` of the equations, and what does not fit."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import EqsnnError, EquationError, ms, mV
from eqsnn.kernel.interpret import Memory, interpret
from eqsnn.kernel.ir import Buffer, Cast, Kernel, Load, Store
from eqsnn.network.hostrun import _Bound


def run_of_all_types(backend: str, threads: int, several_delays: bool) -> list[np.ndarray]:
    """What a network with variables of every type did, and what it left."""
    eq.settings.backend, eq.settings.threads, eq.settings.synapses_per_block = backend, threads, 1000
    eq.seed(5)
    G = eq.NeuronGroup(
        300,
        "dv/dt = (1.1 - v)/(10*ms) : 1\nu : 1 (dtype=float16)\nk : integer (dtype=int16)",
        threshold="v > 1",
        reset="v = 0; u += 0.1*v + 0.001; k += 3",
        method="exact",
    )
    G.v = "rand()"
    S = eq.Synapses(
        G,
        G,
        "w : 1 (dtype=float16)\nq : integer (dtype=int8)\nh : 1 (dtype = float32)",
        on_pre="v_post += w + q*1e-3; u_post += w; h += 1",
    )
    S.connect(p=0.1)
    S.w = "0.02*randn()*(1 + 0.001*i) - 0.01"
    S.q = "int(10*randn())"
    if several_delays:
        S.delay = "rand()*3*ms"
    T = eq.Synapses(
        G,
        G,
        "x : 1 (dtype=float16)\nn : integer (dtype=int8)",
        on_pre="x += 0.01; n = (n + 1) % 100; v_post += x*1e-3",
        on_post="x = clip(x - 0.005, 0, 1)",
    )
    T.connect(p=0.05)
    M, R = eq.SpikeMonitor(G), eq.StateMonitor(T, ("x", "n"), record=[0, 5, 9])
    eq.Network(G, S, T, M, R).run(50 * ms)
    return [np.asarray(x) for x in (M.i, M.t, S.w[:], S.h[:], T.x[:], T.n[:], G.u[:], G.k[:], R.x, R.n)]


@pytest.mark.parametrize("several_delays", [False, True])
def test_all_backends_and_threads_keep_the_same_bits(several_delays):
    oracle = run_of_all_types("numpy", 1, several_delays)
    assert len(oracle[0]) > 300 and np.any(oracle[4])
    for backend, threads in (("c", 1), ("c", 2), ("cython", 2)):
        found = run_of_all_types(backend, threads, several_delays)
        assert all(np.array_equal(a, b) for a, b in zip(oracle, found))


def test_every_half_is_read_and_written_as_numpy_does():
    everything = np.arange(1 << 16).astype(np.uint16).view(np.float16)
    finite = everything[np.isfinite(everything)].astype(np.float64)
    between = (finite[:, None] + np.diff(np.sort(finite)).min() * np.array([0, 0.25, 0.5, 0.75, 1])).ravel()
    draw = np.random.default_rng(1)
    odd = [
        0.0,
        -0.0,
        np.inf,
        -np.inf,
        65519.999,
        65520.0,
        -65520.0,
        1e300,
        2.0**-25,
        2.0**-25 * 1.0000001,
        2.0**-14,
        1e-310,
    ]
    x = np.concatenate(
        [finite, between, draw.normal(size=20000), draw.normal(size=20000) * 10.0 ** draw.uniform(-9, 5, 20000), odd]
    )
    midpoints = (np.sort(finite)[1:] + np.sort(finite)[:-1]) / 2  # ties
    x = np.concatenate([x, midpoints, np.nextafter(midpoints, np.inf), np.nextafter(midpoints, -np.inf)])
    kernel = Kernel(
        "eqk_half",
        "halves",
        "neuron",
        (
            Buffer("x", "f64", "self", "self", "x"),
            Buffer("h", "f16", "self", "self", "h", True),
            Buffer("y", "f64", "self", "self", "y", True),
        ),
        (),
        (),
        (Store("h", Cast(Load("x", "f64"), "f16")), Store("y", Cast(Load("h", "f16"), "f64"))),
    )
    arrays = {"x": x, "h": np.zeros(len(x), np.float16), "y": np.zeros(len(x))}
    _Bound(kernel, arrays, {})(0, len(x))
    with np.errstate(over="ignore"):
        expected = x.astype(np.float16)
    assert np.array_equal(arrays["h"].view(np.uint16), expected.view(np.uint16))
    assert np.array_equal(arrays["y"], expected.astype(np.float64))
    again = {"x": x, "h": np.zeros(len(x), np.float16), "y": np.zeros(len(x))}
    with np.errstate(over="ignore"):
        interpret(kernel, Memory(again, {}), 0, len(x))
    assert np.array_equal(again["h"].view(np.uint16), arrays["h"].view(np.uint16))


def synapses(model: str, **options) -> eq.Synapses:
    G = eq.NeuronGroup(4, "v : 1", threshold="v > 1", name="cells")
    S = eq.Synapses(G, G, model, on_pre="v_post += 1", name="syn", **options)
    S.connect(j="i")
    return S


def test_what_is_kept_is_the_nearest_number_and_is_read_in_full_precision():
    S = synapses("w : volt (dtype=float16)\nn : integer (dtype=int8)\nx : 1 (dtype=float32, constant)")
    S.w = 0.3 * mV
    S.n = [-128, 127, 0, 5]
    S.x = 0.1
    T = synapses("w : 1 (dtype=float16)")
    T.w = [1.0, 1e-9, -2.0, 0]  # beside 1, 1e-9 is nothing
    assert np.array_equal(T.w[:], [1, 0, -2, 0])
    assert S.arrays["w"].dtype == np.float16 and S.arrays["n"].dtype == np.int8 and S.arrays["x"].dtype == np.float32
    assert S.w[0] == float(np.float16(0.3e-3)) * eq.volt and np.asarray(S.w[:]).dtype == np.float64
    assert np.array_equal(S.n[:] * 1000, [-128000, 127000, 0, 5000])


@pytest.mark.parametrize(
    "model, action, message",
    [
        (
            "w : 1 (dtype=float16)",
            lambda S: setattr(S, "w", 7e4),
            r"'w' of syn is kept as float16.* and 70000 does not fit",
        ),
        (
            "w : amp (dtype=float16)",
            lambda S: setattr(S, "w", 1e-11 * eq.amp),
            r"1e-11 does not fit; keep it as a number without unit",
        ),
        ("w : amp (dtype=float16)", lambda S: setattr(S, "w", "1e-11*amp"), r"1e-11 does not fit"),
        (
            "n : integer (dtype=int8)",
            lambda S: setattr(S, "n", 128),
            r"'n' of syn is kept as int8, -128 to 127; got 128",
        ),
        (
            "n : integer (dtype=int16)",
            lambda S: setattr(S, "n", "-40000"),
            r"kept as int16, -32768 to 32767; got -40000",
        ),
        ("n : integer (dtype=int32)", lambda S: setattr(S, "n", 1 << 31), r"kept as int32, .*; got 2147483648"),
    ],
)
def test_what_does_not_fit_is_refused(model, action, message):
    with pytest.raises(EqsnnError, match=message):
        action(synapses(model))


@pytest.mark.parametrize(
    "model, message",
    [
        ("w : volt (dtype=int8)", "'dtype=int8' does not keep a number with a unit"),
        ("w : integer (dtype=float32)", "'dtype=float32' does not keep an integer"),
        ("w : boolean (dtype=int8)", "a boolean has one type only"),
        ("w : 1 (dtype=half)", "use float64 or float32 or float16"),
        ("w : 1 (dtype=float16, dtype=float32)", "'dtype' is given twice"),
        ("w = 1 : 1 (dtype=float16)", "a subexpression is computed where it is read"),
    ],
)
def test_a_type_that_does_not_suit_is_an_error_at_its_place(model, message):
    with pytest.raises(EquationError, match=message):
        synapses(model)


def test_the_constructor_may_not_say_otherwise():
    assert synapses("w : 1 (dtype=float16)\nx : 1", dtype=np.float32).arrays["w"].dtype == np.float16
    with pytest.raises(EqsnnError, match="the equations keep 'w' as float16, and dtype= says float32"):
        synapses("w : 1 (dtype=float16)", dtype={"w": np.float32})


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_an_integer_that_grows_too_large_stops_the_run(backend):
    eq.settings.backend = backend
    G = eq.NeuronGroup(3, "dv/dt = 1/ms : 1", threshold="v > 0.5", reset="v = 0", method="euler", name="cells")
    S = eq.Synapses(G, G, "n : integer (dtype=int8)", on_pre="n += 50*(i + 1)", name="syn")
    S.connect(j="i")
    with pytest.raises(EqsnnError, match=r"syn: 'n' is kept in 8 bits, -128 to 127, .* for element 2 in the step"):
        eq.Network(G, S).run(20 * ms)
    H = eq.NeuronGroup(
        2,
        "dv/dt = 1/ms : 1\nn : integer (dtype=int16)",
        threshold="v > 0.5",
        reset="v = 0; n += 20000",
        method="euler",
        name="others",
    )
    with pytest.raises(EqsnnError, match=r"others: 'n' is kept in 16 bits"):
        eq.Network(H).run(20 * ms)
