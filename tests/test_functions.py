"""Functions and operators: golden values of Brian 2, and the user's own functions in every place where an expression may stand."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent))

import eqsnn as eq
from eqsnn import Hz, check_units, implementation, ms, mV, nA, volt
from eqsnn.errors import CompileError, EqsnnError, EquationError, FunctionError, UnitError
from eqsnn.kernel import random

GOLDEN = json.loads((Path(__file__).parent / "golden" / "functions.json").read_text())
BACKENDS = ("numpy", "c", "cython")


# -- the vocabulary --------------------------------------------------------------------------------------------------------------


def test_functions_and_operators_give_what_brian_2_gives():
    """Evaluated from Python, and recorded in a compiled run. The values were written by golden_functions.py."""
    eq.settings.backend = "c"
    lines = [f"x{k} = {text}" for k, text in enumerate(GOLDEN)]
    G = eq.NeuronGroup(6, "\n".join([*lines, "u : 1", "k : integer", "b : boolean"]), namespace={"ms": ms, "mV": mV})
    G.u, G.k, G.b = "(i - 2.5)*1.1", "i - 3", "i > 2"
    names = [f"x{k}" for k in range(len(GOLDEN))]
    M = eq.StateMonitor(G, names, record=True)
    eq.Network(G, M).run(0.1 * ms)
    for name, (text, expected) in zip(names, GOLDEN.items()):
        host, run = np.asarray(G.state(name)[:]), np.asarray(getattr(M, name))[:, 0]
        np.testing.assert_array_equal(host, run, err_msg=text)
        np.testing.assert_allclose(
            host.astype(float), np.asarray(expected, float), rtol=3e-15, atol=1e-15, err_msg=text
        )
        if text.endswith((" integer", " boolean")):
            np.testing.assert_array_equal(host, expected, err_msg=text)


def test_rounding_keeps_the_unit_and_the_sign_of_an_integer_is_one():
    G = eq.NeuronGroup(
        1, "x = floor(3.7*volt) + ceil(1.2*volt) : volt\nn = sign(k) + clip(k, 0, 3) : integer\nk : integer"
    )
    G.k = -5
    assert float(G.x[0] / volt) == 5.0 and G.n[0] == -1


@pytest.mark.parametrize("mean", [0.0, 0.3, 4.0, 9.999, 10.0, 47.3, 2000.0])
def test_poisson_numbers_have_their_distribution(mean):
    n = 200_000
    drawn = random.poisson(random.key_of("test", mean), np.arange(n), 3, 1, mean)
    values, counts = np.unique(drawn, return_counts=True)
    if mean == 0:
        assert values.tolist() == [0.0]
        return
    expected = n * stats.poisson.pmf(values, mean)
    common = expected > 20
    rest_seen, rest_expected = counts[~common].sum(), n - expected[common].sum()
    seen, wanted = np.append(counts[common], rest_seen), np.append(expected[common], rest_expected)
    if wanted[-1] < 5:
        seen, wanted = seen[:-1], wanted[:-1] * (seen[:-1].sum() / wanted[:-1].sum())
    statistic = ((seen - wanted) ** 2 / wanted).sum()
    assert stats.chi2.sf(statistic, len(seen) - 1) > 1e-4


def test_a_poisson_number_without_a_mean_is_not_a_number():
    assert np.isnan(random.poisson(1, np.arange(3), 0, 0, np.array([-1.0, np.nan, np.inf]))).all()


def test_poisson_numbers_are_the_same_on_every_backend():
    def draw(backend):
        eq.settings.backend = backend
        eq.seed(4)
        G = eq.NeuronGroup(
            500,
            "x = poisson(lam) : 1 (constant over dt)\ny : integer\nlam : 1",
            threshold="poisson(0.1) > 0",
            reset="y = y + poisson(lam)",
            name="g",
        )
        G.lam = "i*0.1"
        M = eq.StateMonitor(G, "x", record=True)
        eq.Network(G, M).run(1 * ms)
        eq.start_scope()
        return np.array(M.x), np.array(G.y[:])

    oracle = draw("numpy")
    assert oracle[0].mean() == pytest.approx(25, abs=0.5) and oracle[1].sum() > 0
    for backend in ("c", "cython"):
        for a, b in zip(oracle, draw(backend)):
            np.testing.assert_array_equal(a, b)


# -- functions given as an expression ----------------------------------------------------------------------------------------------


def test_an_expression_with_a_name_is_its_text_in_every_place():

    def run(call):
        f = eq.function("f(x, y) = x**2/(1 + y) + a0")  # noqa: F841
        a0 = 0.25  # noqa: F841
        eq.settings.backend = "c"
        eq.seed(1)
        G = eq.NeuronGroup(
            20, f"dv/dt = ({call('v', '0.5')} - v)/(5*ms) : 1\nw = {call('v', 'w0')} : 1\nw0 : 1",
            threshold=f"{call('v', '1')} > 0.9", reset=f"v = {call('w0', '0')}", method="rk4", name="g",
        )  # fmt: skip
        G.w0, G.v = "0.1 + rand()", call("rand()", "2") + " + 0.8"
        S = eq.Synapses(G, G, "q : 1", on_pre=f"v_post += 0.1*{call('q', 'w0_post')}", name="s")
        S.connect(p=0.3)
        S.q = "0.3*rand()"
        M = eq.StateMonitor(G, ["v", "w"], record=True)
        eq.Network(G, S, M).run(20 * ms)
        eq.start_scope()
        return np.array(M.v), np.array(M.w)

    named = run(lambda x, y: f"f({x}, {y})")
    by_hand = run(lambda x, y: f"(({x})**2/(1 + ({y})) + a0)" if "rand" not in x else "(f(rand(), 2))")
    for a, b in zip(named, by_hand):
        np.testing.assert_array_equal(a, b)


def test_a_random_argument_is_drawn_once():
    square = eq.function("square(x) = x*x - x**2")  # noqa: F841
    G = eq.NeuronGroup(100, "x : 1")
    G.x = "square(rand())"
    assert np.all(G.x[:] == 0)


def test_functions_call_functions_and_take_any_units():
    half = eq.function("half(x) = x/2")  # noqa: F841
    quarter = eq.function("quarter(x) = half(half(x))")
    G = eq.NeuronGroup(1, "x = quarter(3*mV) : volt\ny = quarter(8) : 1")
    assert float(G.x[0] / mV) == 0.75 and G.y[0] == 2
    assert float(quarter(2 * nA) / nA) == 0.5
    np.testing.assert_array_equal(quarter(np.arange(3.0)), np.arange(3) / 4)


def test_an_expression_is_differentiated():
    """Milstein's method needs the derivative of the factor of the noise; with the text in place it gives the same."""

    def run(factor):
        g = eq.function("g(x) = 0.1*x**2/(1 + x)")  # noqa: F841
        eq.settings.backend = "c"
        eq.seed(2)
        G = eq.NeuronGroup(10, f"dx/dt = -x/(10*ms) + {factor}*xi/ms**0.5 : 1", method="milstein", name="g")
        G.x = 1
        eq.Network(G).run(5 * ms)
        eq.start_scope()
        return np.array(G.x[:])

    np.testing.assert_array_equal(run("g(x)"), run("0.1*x**2/(1 + x)"))


# -- functions in Python and in other languages ------------------------------------------------------------------------------------


@check_units(x=volt, result=1)
def squash(x):
    return np.tanh(x / mV)


@implementation("cython", "cdef double ramp(double x):\n    if x < 0.3:\n        return 0\n    return 2*(x - 0.3)")
@implementation("c", "static double ramp(double x) { return x < 0.3 ? 0 : 2*(x - 0.3); }")
@check_units(x=1, result=1)
def ramp(x):
    return np.where(x < 0.3, 0, 2 * (x - 0.3))


@check_units(k=1, result=1)
def looked_up(k):
    assert k.dtype == np.int64
    return np.arange(5000)[k] * 0.5


def everywhere(backend, threads=1):
    """User functions in equations, subexpressions, threshold, reset, refractoriness, synapses and strings."""
    eq.settings.backend, eq.settings.threads = backend, threads
    eq.start_scope()
    eq.seed(3)
    G = eq.NeuronGroup(
        3000,
        """dv/dt = (squash(v) + ramp(u) - v/mV)*mV/(10*ms) : volt (unless refractory)
        du/dt = (rand() - u)/(5*ms) : 1
        w = ramp(u) + squash(v) : 1
        z : 1""",
        threshold="v/mV + squash(v) > 0.9",
        reset="v = ramp(u)*0.1*mV; z = looked_up(i) + ramp(v/mV)",
        refractory="ramp(u)*2*ms",
        method="euler",
    )
    G.u, G.v = "ramp(rand())", "squash(i*uV)*0.5*mV"
    S = eq.Synapses(G, G, "q : 1", on_pre="q = squash(v_post) + ramp(q)/4; u_post += 0.001*ramp(0.5 + q)")
    S.connect(p=0.0005)
    S.q = "ramp(rand())"
    M, V = eq.SpikeMonitor(G), eq.StateMonitor(G, ["v", "w"], record=[0, 2999])
    eq.Network(G, S, M, V).run(10 * ms)
    return [np.array(a) for a in (M.i, G.v[:], G.u[:], G.z[:], S.q[:], V.v, V.w)]


def test_the_users_functions_give_the_same_on_every_backend_and_for_any_number_of_threads():
    oracle = everywhere("numpy")
    assert len(oracle[0]) > 1000
    for backend, threads in (("c", 1), ("c", 3), ("cython", 2)):
        for a, b in zip(oracle, everywhere(backend, threads)):
            np.testing.assert_array_equal(a, b)


def test_a_python_function_is_called_once_for_a_block():
    lengths = []

    @check_units(x=1, result=1)
    def f(x):
        lengths.append(len(x))
        return x

    eq.settings.backend = "c"
    G = eq.NeuronGroup(2500, "dv/dt = (1 - f(v))/(10*ms) : 1", method="euler")
    eq.Network(G).run(0.2 * ms)
    assert lengths == [1024, 1024, 452] * 2


def test_a_python_function_at_synapses_is_called_for_many_at_once_where_their_order_does_not_matter():
    lengths = []

    @check_units(x=1, result=1)
    def f(x):
        lengths.append(len(x))
        return x + 1

    def run(on_pre, backend="c"):
        eq.settings.backend = backend
        lengths.clear()
        G = eq.NeuronGroup(40, "v : 1", threshold="i < 20", name="g")
        G.v = "i"
        S = eq.Synapses(G, G, "w : 1\nu : 1", on_pre=on_pre, name="s", namespace={"f": f})
        S.connect()
        S.w = "0.1*i + j"
        eq.Network(G, S).run(0.2 * ms)
        eq.start_scope()
        return list(lengths), np.array(G.v[:]), np.array(S.w[:])

    for on_pre, expected in (
        ("w = f(w*u) + f(w); v_post += w", [512, 512, 288, 288]),
        ("v_post = f(v_post); w = v_post", [1] * 800),
    ):
        calls, v, w = run(on_pre)
        assert calls[: len(expected)] == expected
        for a, b in zip((v, w), run(on_pre, "numpy")[1:]):
            np.testing.assert_array_equal(a, b)


def test_what_runs_in_python_says_so_once(caplog):
    @check_units(x=1, result=1)
    def slow(x):
        return x

    eq.settings.backend = "c"
    G = eq.NeuronGroup(2, "dv/dt = -slow(v)/(10*ms) : 1", method="euler")
    network = eq.Network(G)
    for _ in range(2):
        network.run(0.1 * ms)
    assert caplog.text.count("the function 'slow' runs in Python") == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_function_with_a_state_is_called_in_the_order_of_the_elements(backend):
    calls = [0]

    def count(x):
        result = calls[0] + np.arange(len(x))
        calls[0] += len(x)
        return result

    counter = eq.Function(count, arg_units=[1], return_unit=1, stateless=False)  # noqa: F841
    eq.settings.backend, eq.settings.threads = backend, 3
    G = eq.NeuronGroup(3000, "x : 1\ny : 1", threshold="i % 2 == 0", reset="x = counter(x)", dt=1 * ms)
    S = eq.Synapses(G, G, "w : 1", on_pre="w = counter(w)")
    S.connect(j="i")
    eq.Network(G, S).run(1 * ms)
    # The pathway comes before the reset: synapses 0, 2, 4 ... are numbered first.
    np.testing.assert_array_equal(S.w[::2], np.arange(1500))
    np.testing.assert_array_equal(G.x[::2], 1500 + np.arange(1500))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_function_may_ask_for_the_elements(backend):
    def which(a, index):
        return a * 10 + index

    f = eq.Function(which, arg_units=[1], return_unit=1, auto_vectorise=True)  # noqa: F841
    eq.settings.backend = backend
    G = eq.NeuronGroup(5, "x : 1", threshold="i > 2", reset="x = f(2)")
    eq.Network(G).run(0.1 * ms)
    assert G.x[:].tolist() == [0, 0, 0, 23, 24]


def test_units_of_results_may_follow_those_of_arguments():
    def product(a, b):
        return a * b

    f = eq.Function(product, arg_units=[None, None], return_unit=lambda a, b: a * b)  # noqa: F841
    G = eq.NeuronGroup(2, "x = f(3*mV, 2*nA) : watt")
    assert float(G.x[0]) == pytest.approx(6e-12)
    with pytest.raises(UnitError, match="declared with unit V, and this has unit W"):
        eq.NeuronGroup(2, "x = f(3*mV, 2*nA) : volt")


def test_types_of_arguments_and_results():
    types = {"arg_types": ["integer", "boolean"], "return_type": "integer"}
    f = eq.Function(lambda n, c: n * 2 + c, arg_units=[1, 1], return_unit=1, **types)  # noqa: F841
    eq.settings.backend = "c"
    G = eq.NeuronGroup(3, "k = f(i, i > 0) : integer\nx : integer", threshold="True", reset="x = f(i, i > 0)")
    eq.Network(G).run(0.1 * ms)
    assert G.k[:].tolist() == G.x[:].tolist() == [0, 3, 5] and G.k[:].dtype == np.int64


def test_a_condition_as_a_result():
    @check_units(x=1, result=bool)
    def positive(x):
        return x > 0

    eq.settings.backend = "c"
    G = eq.NeuronGroup(3, "x : 1", threshold="positive(x)")
    G.x = [-1, 2, 3]
    M = eq.SpikeMonitor(G)
    eq.Network(G, M).run(0.1 * ms)
    assert M.i[:].tolist() == [1, 2]


def test_code_in_c_plus_plus_with_a_dependency_and_a_macro():
    @implementation(
        "cpp",
        "double bent(double x, int n) { return clip(x, 0, std::max(LIMIT, 1)) + n; }",
        dependencies={"clip": eq.DEFAULT_FUNCTIONS["clip"]},
        define_macros=[("LIMIT", "3")],
    )
    @check_units(x=1, n=1, result=1)
    def bent(x, n):
        return np.clip(x, 0, 3) + n

    eq.settings.backend = "c"
    G = eq.NeuronGroup(5, "y : 1", threshold="True", reset="y = bent(2.0*i, i)")
    eq.Network(G).run(0.1 * ms)
    assert G.y[:].tolist() == [0, 3, 5, 6, 7]


def test_an_exception_in_cython_code_reaches_the_user():
    @implementation("cython", "cdef double fails(double x) except? -1:\n    raise ValueError('too hot')")
    @check_units(x=1, result=1)
    def fails(x):
        return x

    G = eq.NeuronGroup(2, "dv/dt = -fails(v)/(10*ms) : 1", method="euler")
    with pytest.raises(FunctionError, match="'fails' raised ValueError: too hot"):
        eq.Network(G).run(0.1 * ms)


def test_other_backends_refuse_code_by_name():
    @implementation("cython", "cdef double only(double x):\n    return x")
    @check_units(x=1, result=1)
    def only(x):
        return x

    eq.settings.backend = "c"
    G = eq.NeuronGroup(2, "dv/dt = -only(v)/(10*ms) : 1", method="euler")
    with pytest.raises(EqsnnError, match="'only' has code for 'cython', which the backend 'c' cannot call"):
        eq.Network(G).run(0.1 * ms)


def test_code_that_does_not_compile_says_which():
    @implementation("c", "double bad(double x) { return y; }")
    @check_units(x=1, result=1)
    def bad(x):
        return x

    eq.settings.backend = "c"
    G = eq.NeuronGroup(2, "dv/dt = -bad(v)/(10*ms) : 1", method="euler")
    with pytest.raises(CompileError, match="the code of the function 'bad' for 'c' did not compile"):
        eq.Network(G).run(0.1 * ms)


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_a_failure_names_the_function_and_its_line(backend):
    @check_units(x=1, result=1)
    def divides(x):
        return x / [][0]

    eq.settings.backend = backend
    G = eq.NeuronGroup(2, "dv/dt = -divides(v)/(10*ms) : 1", method="euler")
    network = eq.Network(G)
    with pytest.raises(
        FunctionError, match=r"'divides' raised IndexError.*\n.*line \d+ of .*test_functions.py: return x / \[\]\[0\]"
    ):
        network.run(1 * ms)
    assert float(network.t / ms) == pytest.approx(0.1)


def test_a_wrong_result_names_the_function():
    @check_units(x=1, result=Hz)
    def rate(x):
        return 3 * mV

    eq.settings.backend = "c"
    f = eq.Function(lambda x: np.zeros(7), arg_units=[1], return_unit=1, name="f")  # noqa: F841
    r = eq.Function(lambda x: 3 * mV, arg_units=[1], return_unit=Hz, name="r")  # noqa: F841
    for call, message in (
        ("f(v)/ms", "'f' gave an array of shape .* for 2 elements"),
        ("r(v)", "'r' promised a result with unit Hz, and gave one with unit V"),
    ):
        G = eq.NeuronGroup(2, f"dv/dt = -{call} : 1", method="euler")
        with pytest.raises(FunctionError, match=message):
            eq.Network(G).run(0.1 * ms)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: eq.Function(3), "a Python function is expected"),
        (lambda: eq.Function(lambda x: x), "does not say the units of its arguments"),
        (lambda: eq.Function(lambda x: x, arg_units=[1]), "does not say the unit of its result"),
        (lambda: eq.Function(lambda x: x, arg_units=[1], return_unit=1, arg_types=["real"]), "'real' is no type of an argument"),
        (lambda: eq.implementation("fortran", "")(ramp), "there is no target 'fortran'"),
        (lambda: eq.implementation("c", "", namespace={"a": 1})(squash), "namespace= of an implementation is not supported"),
        (lambda: eq.implementation("c", "", flags="-O1")(squash), "implementation() does not know 'flags'"),
        (lambda: eq.implementation("c", 3)(squash), "is a string of code"),
    ],
)  # fmt: skip
def test_what_is_no_function_is_refused(make, message):
    with pytest.raises(EqsnnError) as caught:
        make()
    assert message in str(caught.value)


def test_a_function_that_calls_itself_is_refused():
    f = eq.function("f(x) = g(x) + 1")  # noqa: F841
    g = eq.function("g(x) = f(x)/2")  # noqa: F841
    with pytest.raises(EquationError, match="calls itself"):
        eq.NeuronGroup(1, "x = f(1) : 1")


def test_exact_and_exponential_integration_know_what_they_do_not_know():
    @check_units(x=1, result=1)
    def f(x):
        return x

    G = eq.NeuronGroup(
        1, "dv/dt = (f(a) - v)/(10*ms) : 1\na : 1", method="exact"
    )  # held during the step, as any constant
    G.a = 1
    eq.Network(G).run(10 * ms)
    assert G.v[0] == pytest.approx(1 - np.exp(-1), rel=1e-12)
    G = eq.NeuronGroup(1, "dv/dt = -f(v)/(10*ms) : 1", method="exact")
    with pytest.raises(EquationError, match="is not linear"):
        eq.Network(G).run(1 * ms)
