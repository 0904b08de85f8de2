"""The kernel room: functions, random numbers, passes, verification, and the text in C against the interpreter."""

import ctypes
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.linalg import expm as scipy_expm

from eqsnn.backends.c.build import CBackend
from eqsnn.errors import InternalError
from eqsnn.kernel import functions, random
from eqsnn.kernel.afterwards import event_from_memory
from eqsnn.kernel.interpret import Memory, evaluate_hoisted, expm, interpret
from eqsnn.kernel.ir import (
    Binary,
    Buffer,
    Call,
    Cast,
    CheckFinite,
    Compare,
    Const,
    Emit,
    Kernel,
    Let,
    Load,
    Local,
    Scalar,
    Select,
    Store,
)
from eqsnn.kernel.passes import PASSES, optimise, remove_dead_code
from eqsnn.kernel.verify import verify
from eqsnn.network.hostrun import Context

RANGES = {  # function: (exact, ranges, ulp)
    "exp": (np.exp, [(-700, 709), (-1, 1)], 1),
    "expm1": (np.expm1, [(-2, 2), (-50, 700)], 3),
    "exprel": (lambda x: np.expm1(x) / x, [(-5, 5), (1e-9, 1e-3)], 3),
    "exprel_inverse": (lambda x: x / np.expm1(x), [(-5, 5), (1e-9, 1e-3), (-100, 600)], 3),
    "log": (np.log, [(1e-300, 1e300), (0.5, 2)], 1),
    "log1p": (np.log1p, [(-0.9, 2), (1e-9, 1e-5)], 3),
    "log10": (np.log10, [(1e-3, 1e3)], 3),
    "sin": (np.sin, [(-100, 100), (-1e6, 1e6)], 3),
    "cos": (np.cos, [(-100, 100)], 2),
    "tan": (np.tan, [(-100, 100)], 4),
    "tanh": (np.tanh, [(-5, 5), (-50, 50)], 3),
    "sinh": (np.sinh, [(-5, 5), (-709, 709)], 3),
    "asin": (np.arcsin, [(-1, 1), (-0.1, 0.1)], 3),
    "acos": (np.arccos, [(-1, 1), (-0.1, 0.1)], 3),
    "atan": (np.arctan, [(-3, 3), (-1e3, 1e3)], 2),
    "cosh": (np.cosh, [(-5, 5), (-709, 709)], 3),
}


def samples(low, high, n=100_000):
    return np.random.default_rng(0).uniform(low, high, n)


@pytest.mark.parametrize("name", RANGES)
def test_a_function_is_as_accurate_as_it_says(name):
    exact, ranges, bound = RANGES[name]
    for low, high in ranges:
        x = samples(low, high)
        expected = exact(x.astype(np.longdouble))
        ulps = np.abs((functions.TABLE[name](x) - expected) / np.spacing(np.abs(expected.astype(float))))
        assert float(ulps.max()) <= bound, (low, high, x[ulps.argmax()])


@given(st.lists(st.floats(allow_nan=False, width=64), min_size=3, max_size=3))
def test_the_fused_multiply_add_of_the_interpreter_is_exact(numbers):
    a, b, c = numbers
    with np.errstate(all="ignore"):
        found, plain = float(functions.fma(a, b, c)), float(np.float64(a) * b + c)
    if not all(map(math.isfinite, numbers)):
        np.testing.assert_equal(found, plain)
        return
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    assume(abs(exact) < Fraction(2) ** 1023 and abs(Fraction(a) * Fraction(b)) > Fraction(2) ** -900)
    assert found == float(exact)  # Python rounds a fraction once, to nearest even


def test_the_fused_multiply_add_rounds_once_where_two_roundings_would_differ():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=100_000), rng.normal(size=100_000)
    c = -(a * b) * (1 + rng.integers(-3, 4, 100_000) * 2.0**-52)
    found = functions.fma(a, b, c)
    for k in range(0, 100_000, 97):
        assert found[k] == float(Fraction(a[k]) * Fraction(b[k]) + Fraction(c[k]))
    assert np.any(found != a * b + c)


def test_power_is_accurate_and_knows_its_special_cases():
    x, y = np.exp(samples(-20, 20)), samples(-4, 4)[::-1]
    expected = x.astype(np.longdouble) ** y.astype(np.longdouble)
    assert float(np.max(np.abs((functions.power(x, y) - expected) / np.spacing(expected.astype(float))))) <= 2
    cases = [
        (-2.0, 3.0),
        (-2.0, 2.0),
        (0.0, 2.0),
        (0.0, -1.0),
        (np.inf, -1.0),
        (1.0, np.nan),
        (np.nan, 0.0),
        (-8.0, 1 / 3),
        (2.0, 1024.0),
        (2.0, -1080.0),
    ]
    found = [functions.power(a, b) for a, b in cases]
    np.testing.assert_array_equal(found, [-8, 4, 0, np.inf, 0, 1, 1, np.nan, np.inf, 0])


def test_philox_gives_the_published_numbers():
    """Known answers of the reference implementation (Random123, kat_vectors)."""
    ones = (0xFFFFFFFF,) * 4
    assert [int(x) for x in random.philox((0, 0, 0, 0), 0)] == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    assert [int(x) for x in random.philox(ones, 2**64 - 1)] == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]


def test_random_numbers_have_their_distributions():
    u = random.uniform(11, np.arange(100_000))
    z = random.normal(12, np.arange(100_000))
    assert stats.kstest(u, "uniform").pvalue > 1e-4
    assert stats.kstest(z, "norm").pvalue > 1e-4
    assert abs(np.corrcoef(u, random.uniform(11, np.arange(100_000), 1))[0, 1]) < 0.02
    assert abs(np.corrcoef(u, random.uniform(11, np.arange(100_000), 0, 1))[0, 1]) < 0.02


@pytest.mark.parametrize(("n", "p"), [(10, 0.3), (1000, 0.002), (100_000, 0.5), (5, 1.0), (7, 0.0)])
def test_the_binomial_table_is_the_distribution(n, p):
    table = random.binomial_table(n, p)
    m = len(table) // 2
    kept, alias = table[1::2] - np.arange(m), table[2::2].astype(int)
    assert m & (m - 1) == 0 and np.all((kept >= 0) & (kept <= 1))
    share = (kept + np.bincount(alias, 1 - kept, minlength=m)) / m
    k = int(table[0]) + np.arange(m)
    np.testing.assert_allclose(share, stats.binom.pmf(k, n, p), atol=1e-11)
    assert share.sum() == pytest.approx(1, abs=1e-12)


def test_numbers_from_an_alias_table():
    """The first number, the columns' ends, and the frequencies of three unequal values."""
    table = random.alias_table(7, np.array([0.5, 0.2, 0.3]))
    u = random.uniform(3, np.arange(100_000))
    values, counts = np.unique(random.drawn(table, u), return_counts=True)
    assert list(values) == [7, 8, 9]
    assert stats.chisquare(counts, 100_000 * np.array([0.5, 0.2, 0.3])).pvalue > 1e-4
    assert set(random.drawn(table, np.array([0.0, 0.25, 0.5, 0.75, 1 - 2**-53]))) <= {7, 8, 9}
    assert set(random.drawn(random.binomial_table(4, 1.0), u)) == {4}
    assert set(random.drawn(random.binomial_table(4, 0.0), u)) == {0}


@given(st.integers(1, 6), st.floats(1e-3, 50), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_the_matrix_exponential(n, size, seed):
    a = np.random.default_rng(seed).normal(size=(n, n)) * size
    expected = scipy_expm(a)
    np.testing.assert_allclose(expm(a), expected, rtol=1e-9, atol=1e-11 * np.abs(expected).max())


def test_the_matrix_exponential_of_what_is_not_finite_is_not_a_number():
    assert np.all(np.isnan(expm(np.array([[np.inf]]))))


# -- the text in C against the interpreter -------------------------------------------------------------------------------------


def call(kernel, buffers, scalars, n, emitted=None):
    """Run a compiled kernel over n elements; the events go to ``emitted``."""
    address = CBackend().build([kernel])(kernel.name)
    function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.POINTER(Context), ctypes.c_int64, ctypes.c_int64)(address)
    arrays = [np.ascontiguousarray(buffers[b.name]) for b in kernel.buffers]
    pointers = (ctypes.c_void_p * max(len(arrays), 1))(*(a.ctypes.data for a in arrays))
    real = np.array([scalars[s.name] for s in kernel.scalars if s.type == "f64"] or [0.0])
    integer = np.array([int(scalars[s.name]) for s in kernel.scalars if s.type != "f64"] or [0], np.int64)
    context = Context(ctypes.addressof(pointers), real.ctypes.data, integer.ctypes.data)
    if emitted is not None:
        context.emitted = emitted.ctypes.data
    result = function(ctypes.byref(context), 0, n)
    return result, {b.name: a for b, a in zip(kernel.buffers, arrays)}


def special():
    rng = np.random.default_rng(1)
    edges = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        np.inf,
        -np.inf,
        np.nan,
        1e-300,
        1e300,
        -1e300,
        709.7,
        709.8,
        -708.3,
        -708.5,
        1e15,
        1e17,
        0.75,
        -0.75,
        20.0,
        2.5,
        -2.5,
    ]
    return np.concatenate(
        [edges, rng.normal(size=2000), rng.normal(size=2000) * 100, np.exp(rng.normal(size=2000) * 50)]
    )


ONE = [n for n in functions.TABLE if n not in ("power", "modulo", "clip", "timestep")]


@pytest.mark.parametrize("name", ONE)
def test_a_function_has_the_same_bits_in_c(name):
    x = special()
    kernel = Kernel(
        f"f_{name}",
        "test",
        "neuron",
        (Buffer("x", "f64", "self", "self", "x"), Buffer("y", "f64", "self", "self", "y", True)),
        (),
        (),
        (Store("y", Call(name, (Load("x", "f64"),), "f64")),),
    )
    _, found = call(kernel, {"x": x, "y": np.zeros_like(x)}, {}, len(x))
    expected = np.zeros_like(x)
    interpret(kernel, Memory({"x": x, "y": expected}, {}), 0, len(x))
    np.testing.assert_array_equal(found["y"], expected)


def test_functions_of_two_and_random_numbers_have_the_same_bits_in_c():
    x = special()
    y = x[::-1].copy()
    names = ("a", "b", "c", "d", "e", "k", "p", "q")
    load = {n: Load(n, "f64") for n in ("x", "y")}
    key, count = Local("key", "i64"), Local("count", "i64")
    values = [
        Call("power", (load["x"], load["y"]), "f64"),
        Call("modulo", (load["x"], load["y"]), "f64"),
        Call("clip", (load["x"], Const(-1.0, "f64"), load["y"]), "f64"),
        Call("normal", (key, Local("@i", "i64"), count, Const(3, "i64")), "f64"),
        Call("uniform", (key, Local("@i", "i64"), count, Const(2, "i64")), "f64"),
        Cast(Cast(load["x"], "i64"), "f64"),
        Call("poisson", (key, Local("@i", "i64"), count, Const(4, "i64"), load["x"]), "f64"),
        Call("timestep", (load["x"], load["y"]), "f64"),
    ]
    buffers = (Buffer("x", "f64", "self", "self", "x"), Buffer("y", "f64", "self", "self", "y"))
    buffers += tuple(Buffer(n, "f64", "self", "self", n, True) for n in names)
    scalars = (Scalar("key", "i64", "random", "key"), Scalar("count", "i64", "random", "count"))
    kernel = Kernel("two", "test", "neuron", buffers, scalars, (), tuple(Store(n, v) for n, v in zip(names, values)))
    memory = {"x": x, "y": y, **{n: np.zeros_like(x) for n in names}}
    numbers = {"key": -(2**62) + 12345, "count": 2**40 + 7}
    _, found = call(kernel, memory, numbers, len(x))
    interpret(kernel, Memory(memory, numbers), 0, len(x))
    for n in names:
        np.testing.assert_array_equal(found[n], memory[n], err_msg=n)


def event_kernel(event, *lets, check=False):
    """x moves to x + 1; its event is a condition of what it was (``old``) and of what it is (``new``)."""
    body = (Let("old", Load("x", "f64")), Let("new", Binary("+", Local("old", "f64"), Const(1.0, "f64"), "f64")), *lets)
    body += (Store("x", Local("new", "f64")),) + ((CheckFinite("new"),) if check else ()) + (Emit(event),)
    return Kernel("spikes", "test", "neuron", (Buffer("x", "f64", "self", "self", "x", True),), (), (), body)


def _above(name, value):
    return Compare(">", Local(name, "f64"), Const(value, "f64"))


def _below(name, value):
    return Compare("<", Local(name, "f64"), Const(value, "f64"))


FAR = _above("new", 0.0)
for limit in range(1, 9):
    FAR = Binary("or", FAR, _above("new", float(limit)), "b8")

EVENTS = {  # condition, statements before it, whether memory tells the event afterwards
    "of the new value": (Binary("and", _above("new", 1.0), _below("new", 4.0), "b8"), (), True),
    "through a name": (Local("hot", "b8"), (Let("hot", _above("new", 1.0)),), True),
    "of the old value": (_above("old", 1.0), (), False),
    "of both": (Binary("and", _above("old", -1.0), _below("new", 2.0), "b8"), (), False),
    "of a function": (Compare(">", Call("exp", (Local("new", "f64"),), "f64"), Const(2.0, "f64")), (), False),
    "of much": (FAR, (), False),
}


@pytest.mark.parametrize("which", EVENTS)
@pytest.mark.parametrize("n", [1, 15, 16, 127, 128, 129, 1000])
def test_events_and_the_finite_flag_have_the_same_meaning_in_c(which, n):
    event, lets, again = EVENTS[which]
    for bad in (False, True):
        x = np.random.default_rng(n).normal(size=n) * 2
        if bad:
            x[n // 2] = np.nan if n % 2 else -np.inf
        kernel = event_kernel(event, *lets, check=True)
        assert (event_from_memory(kernel) is not None) == again
        expected = x.copy()
        emitted, finite = interpret(kernel, Memory({"x": expected}, {}), 0, n)
        assert finite is (not bad)
        room = np.full(n, -1, np.int32)
        result, found = call(kernel, {"x": x}, {}, n, room)
        np.testing.assert_array_equal(found["x"], expected)
        np.testing.assert_array_equal(room[: result & 0xFFFFFFFF], emitted)
        assert bool(result >> 62) == bad


@pytest.mark.parametrize("other", [1e308, np.inf, np.nan, -np.inf])
def test_values_whose_sum_overflows_are_finite(other):
    """The loop looks at the sum of what it checks; only each value itself may stop a run."""
    load = (Let("a", Load("x", "f64")), Let("b", Binary("*", Const(1.0, "f64"), Load("y", "f64"), "f64")))
    body = (*load, Store("x", Local("a", "f64")), Store("y", Local("b", "f64")), CheckFinite("a"), CheckFinite("b"))
    buffers = (Buffer("x", "f64", "self", "self", "x", True), Buffer("y", "f64", "self", "self", "y", True))
    kernel = Kernel("sums", "test", "neuron", buffers, (), (), body)
    x, y = np.full(37, 1e308), np.zeros(37)
    y[20] = other
    assert np.isinf(1e308 + 1e308)
    result, _ = call(kernel, {"x": x, "y": y}, {}, 37)
    finite = bool(np.isfinite(other))
    assert bool(result >> 62) == (not finite)
    assert interpret(kernel, Memory({"x": x, "y": y}, {}), 0, 37)[1] is finite


# -- passes ---------------------------------------------------------------------------------------------------------------------


def example():
    """v = v + dt*(2/tau)*exp(a) with something unused."""
    a, tau, dt = Local("a", "f64"), Local("tau", "f64"), Local("dt", "f64")
    rate = Binary("/", Const(2.0, "f64"), tau, "f64")
    body = (
        Let("unused", Binary("*", a, a, "f64")),
        Let("v0", Load("v", "f64")),
        Let("gain", Call("exp", (a,), "f64")),
        Let(
            "v1",
            Binary(
                "+", Local("v0", "f64"), Binary("*", Binary("*", dt, rate, "f64"), Local("gain", "f64"), "f64"), "f64"
            ),
        ),
        Store("v", Select(Const(True, "b8"), Local("v1", "f64"), a, "f64")),
    )
    scalars = (
        Scalar("a", "f64", "external", "a"),
        Scalar("tau", "f64", "external", "tau"),
        Scalar("dt", "f64", "clock", "dt"),
    )
    return Kernel("k", "test", "neuron", (Buffer("v", "f64", "self", "self", "v", True),), scalars, (), body)


def test_a_hoisted_value_does_not_read_what_is_made_of_literals_in_the_kernel():
    """``tmp = 1; tmp *= 2; v = exp(tmp)``: tmp is a constant, and made in the body."""
    body = (
        Let("one", Const(1.0, "f64")),
        Let("two", Binary("*", Const(2.0, "f64"), Local("one", "f64"), "f64")),
        Store("v", Call("exp", (Local("two", "f64"),), "f64")),
    )
    kernel = Kernel("k", "test", "neuron", (Buffer("v", "f64", "self", "self", "v", True),), (), (), body)
    kernel = optimise(kernel)
    buffers = {"v": np.zeros(2)}
    evaluate_hoisted(kernel, buffers, {})
    interpret(kernel, Memory(buffers, {}), 0, 2)
    np.testing.assert_allclose(buffers["v"], np.exp(2.0), rtol=1e-15)


def test_a_pass_changes_no_result_and_hoisting_moves_the_constants_out():
    kernel, values = example(), {"a": 0.3, "tau": 0.01, "dt": 1e-4}
    expected = np.linspace(0, 1, 5)
    interpret(kernel, Memory({"v": expected}, values), 0, 5)
    for p in PASSES:
        kernel = p(kernel)
        verify(kernel)
        buffers, scalars = {"v": np.linspace(0, 1, 5)}, dict(values)
        evaluate_hoisted(kernel, buffers, scalars)
        interpret(kernel, Memory(buffers, scalars), 0, 5)
        np.testing.assert_array_equal(buffers["v"], expected)
    inner = [e for s in kernel.body if isinstance(s, Let) for e in [s.expr]]
    assert not any(isinstance(e, Call) for e in inner) and len(kernel.hoisted) >= 2
    assert "unused" not in {s.name for s in kernel.body if isinstance(s, Let)}


def test_dead_code_keeps_what_is_stored():
    assert len(remove_dead_code(example()).body) == 4


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda k: replace(k, body=(k.body[1], k.body[1])), "two things"),
        (lambda k: replace(k, body=k.body[3:]), "v0 is None and used as f64"),
        (lambda k: replace(k, buffers=(replace(k.buffers[0], writable=False),)), "not to be written"),
        (lambda k: replace(k, body=(Store("v", Const(1, "i64")),)), "of f64 gets i64"),
        (lambda k: replace(k, body=(Emit(Const(True, "b8")), *k.body)), "an event stands last"),
        (lambda k: replace(k, body=(Store("v", Call("nothing", (), "f64")),)), "no function nothing"),
        (
            lambda k: replace(k, body=(Store("v", Binary("+", Const(1, "i64"), Const(1.0, "f64"), "f64")),)),
            r"\+ on i64 and f64",
        ),
        (lambda k: replace(k, batch=2), "batches"),
        (lambda k: replace(k, domain="event", body=(Emit(Const(True, "b8")),)), "neuron kernel"),
    ],
)
def test_what_breaks_the_rules_of_a_kernel_is_an_internal_error(change, complaint):
    verify(example())
    with pytest.raises(InternalError, match=complaint):
        verify(change(example()))


def test_the_two_numbers_of_a_pair_are_independent():
    element = np.arange(1600 * 2 * random.PAIRED)
    u, z = random.uniform(21, element), random.normal(22, element)
    first = element & random.PAIRED == 0
    for numbers in (u, z):
        assert abs(np.corrcoef(numbers[first], numbers[~first])[0, 1]) < 0.02
        assert abs(np.corrcoef(numbers[first] ** 2, numbers[~first] ** 2)[0, 1]) < 0.02
        assert len(np.unique(numbers)) == len(numbers)
    assert stats.kstest(u[~first], "uniform").pvalue > 1e-4 and stats.kstest(z[~first], "norm").pvalue > 1e-4
