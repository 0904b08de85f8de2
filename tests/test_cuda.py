"""The CUDA engine on the CPU's stand-in for a GPU: it does what the interpreter does, and mistakes in its kernels are seen.

It has not run on a GPU here; tests/test_cuda_nvcc.py compiles the same text for three.
"""

import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import random_synapses
from cuda_networks import both_ends, ways
from models import DURATION, MODELS
from random_models import random_case
from test_backends import assert_same

import eqsnn as eq
from eqsnn import Hz, ms
from eqsnn.backends.cuda.device import DeviceError
from eqsnn.backends.cuda.host import HostDevice
from eqsnn.backends.cuda.source import CudaSource, engine_source
from eqsnn.runtime import cuda, simulation
from eqsnn.runtime.cuda import CudaEngine
from eqsnn.runtime.cuda_plan import Setting, source_of, ways_of

NETWORKS = {"ways": ways, "both_ends": both_ends}


def outcome(build, backend, duration=DURATION, deterministic=True):
    eq.backend(backend, deterministic=deterministic)
    eq.start_scope()
    eq.seed(7)
    case = build()
    case.network.run(duration)
    return [*case.outcome(), *getattr(case, "more", list)()]


@pytest.fixture
def on(monkeypatch):
    """Lets 'cuda-host' be a device of the test's choice."""

    def use(device=None, **setting):
        engine = CudaEngine(device or HostDevice(), lambda: Setting(**{"deterministic": True, **setting}))
        monkeypatch.setitem(simulation._engines, "cuda-host", engine)

    return use


@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_the_suite_has_the_bits_of_the_interpreter(name):
    assert_same(outcome(MODELS[name], "numpy"), outcome(MODELS[name], "cuda-host"))


@pytest.mark.parametrize("name", MODELS)
def test_without_a_fixed_order_the_numbers_differ_by_rounding(name, on):
    """Sums come in another order in each: in a chaotic network that is another run after a while, and the same one for the first steps."""
    first = outcome(MODELS[name], "numpy", 5 * ms)
    for order in ("ascending", 3):
        on(HostDevice(order), deterministic=False)
        for a, b in zip(first, outcome(MODELS[name], "cuda-host", 5 * ms, False), strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-18)


@pytest.mark.parametrize("number", range(8))
def test_random_models_and_synapses_have_the_bits_of_the_interpreter(number):
    seed = int(np.random.SeedSequence().generate_state(1)[0]) if number >= 4 else number
    print("seed of the model:", seed)
    oracle = outcome(lambda: random_case(seed), "numpy", 20 * ms)
    assert_same(oracle, outcome(lambda: random_case(seed), "cuda-host", 20 * ms))
    assert_same(random_synapses.outcome(seed, "numpy"), random_synapses.outcome(seed, "cuda-host"))


ORACLES = {}


def oracle(name, duration=2 * ms):
    if name not in ORACLES:
        ORACLES[name] = outcome(NETWORKS[name], "numpy", duration)
    return ORACLES[name]


@pytest.mark.parametrize("order", ["ascending", "descending", 4, 5])
@pytest.mark.parametrize("name", NETWORKS)
def test_no_order_of_threads_and_blocks_makes_a_difference(name, order, on):
    on(HostDevice(order))
    assert_same(oracle(name), outcome(NETWORKS[name], "cuda-host", 2 * ms))


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("name", NETWORKS)
def test_no_two_threads_race(name, deterministic, on):
    on(HostDevice(6, watched=True), deterministic=deterministic)
    found = outcome(NETWORKS[name], "cuda-host", 2 * ms, deterministic)
    for a, b in zip(oracle(name), found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_these_networks_need_every_way_of_doing_synapses():
    found = set()
    for build in NETWORKS.values():
        outcome(build, "numpy", 0 * ms)
        case = build()
        case.network.run(0 * ms)
        plan = case.network._last.plan
        found |= set(ways_of(plan, True).values()) | set(ways_of(plan, False).values())
    assert found == {
        "elements", "emitting", "chance", "events", "free", "counted", "atomic", "gather far", "gather near", "serial"
    }  # fmt: skip


# -- room --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("record_bytes", [1, 5000])
def test_nothing_that_is_recorded_is_lost_however_little_room_there_is(record_bytes, on):
    """A table holds at least what one step may bring; before there might be no room for the next, the host fetches it."""
    on(record_bytes=record_bytes, queue_bytes=0)
    assert_same(oracle("ways"), outcome(ways, "cuda-host", 2 * ms))


def test_long_delays_and_bursts_find_room_in_rings_and_queues(on):
    """All neurons spike in one step of many: rings and queues grow."""

    def build():
        given = eq.SpikeGeneratorGroup(200, np.tile(np.arange(200), 30), np.arange(30).repeat(200) * 0.1 * ms)
        G = eq.NeuronGroup(50, "x : 1\ny : 1")
        one = eq.Synapses(given, G, "w : 1", on_pre="x_post += w", delay=6 * ms)
        many = eq.Synapses(given, G, "w : 1", on_pre="y_post += w")
        for S in (one, many):
            S.connect(p=0.3)
            S.w = "rand()"
        many.delay = "rand()*6*ms"
        V = eq.StateMonitor(G, ["x", "y"], record=True)
        return Case(eq.Network(given, G, one, many, V), [], [V], [])

    from models import Case

    first = outcome(build, "numpy", 11 * ms)
    assert np.abs(first[0]).max() > 100
    on(queue_bytes=0)
    assert_same(first, outcome(build, "cuda-host", 11 * ms))


# -- between runs, and in the middle of a step -------------------------------------------------------------------------------------


def test_python_may_read_and_write_in_the_middle_of_a_step():
    def run(backend):
        eq.backend(backend, deterministic=True)
        eq.start_scope()
        eq.seed(1)
        G = eq.NeuronGroup(
            300, "dv/dt = (a - v)/(5*ms) : 1\na : 1", threshold="v > 1", reset="v = 0", method="exact", name="g"
        )
        G.a = "1 + rand()"
        M = eq.SpikeMonitor(G)
        seen = []

        @eq.network_operation(dt=0.5 * ms, when="resets")
        def nudge(t):
            seen.append((float(t), float(G.v[3]), M.num_spikes))
            G.v[int(t / (0.5 * ms)) % 300] = 0.99
            G.a[7] = 1.3 + 0.1 * len(seen)

        slow = eq.NetworkOperation(lambda: seen.append(len(M.i)), dt=0.3 * ms, when="start")
        net = eq.Network(G, M, nudge, slow)
        net.run(5 * ms)
        G.v[:] = "rand()"
        G.a = "1.5 + 0.001*i"
        net.run(5.05 * ms)
        net.run(3 * ms)
        return seen, np.array(M.i), np.array(M.t_), np.array(G.v), float(net.t)

    first, second = run("numpy"), run("cuda-host")
    assert first[0] == second[0] and first[4] == second[4]
    assert_same(first[1:4], second[1:4])


def test_a_run_goes_on_where_another_backend_stopped():
    """Events on their way, in rings and in queues, go from one engine to another."""

    def run(*backends):
        eq.start_scope()
        eq.seed(7)
        eq.settings.deterministic = True
        case = ways()
        for backend in backends:
            eq.settings.backend = backend
            case.network.run(0.7 * ms)
        return case.outcome() + case.more()

    assert_same(run("numpy", "numpy", "numpy"), run("c", "cuda-host", "numpy"))


def test_clocks_that_tick_at_moments_and_clocks_of_their_own():
    def build():
        G = eq.NeuronGroup(4, "dx/dt = 1/ms : 1\ny : 1", method="euler", dt=0.05 * ms)
        H = eq.NeuronGroup(4, "dx/dt = 2/ms : 1\ny : 1", method="euler", dt=0.07 * ms)
        once = H.run_at("y += x", times=[0.14, 0.35, 1.33] * ms)
        V, W = eq.StateMonitor(G, "x", record=True, dt=0.1 * ms), eq.StateMonitor(H, ["x", "y"], record=True)
        return Case(eq.Network(G, H, once, V, W), [], [V, W], [])

    from models import Case

    assert_same(outcome(build, "numpy", 2 * ms), outcome(build, "cuda-host", 2 * ms))


def test_many_trials_are_those_of_the_other_backends():
    def run(backend):
        eq.backend(backend, deterministic=True)
        eq.start_scope()
        eq.seed(9)
        G = eq.NeuronGroup(20, "dv/dt = (1.2 - v)/(5*ms) + 0.3*xi/sqrt(ms) : 1", threshold="v > 1", reset="v = 0")
        S = eq.Synapses(G, G, "w : 1", on_pre="v_post += w\nw *= 0.9")
        S.connect(p=0.3)
        S.w = 0.05
        M = eq.SpikeMonitor(G)
        trials = eq.Trials(eq.Network(G, S, M), 3)
        trials.run(5 * ms)
        return [np.array(x) for _ in trials for x in (M.i, M.t_)]

    assert_same(run("numpy"), run("cuda-host"))


# -- what stops a run --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [True, False])
def test_a_value_that_is_not_finite_stops_the_run_where_it_does_elsewhere(stop):
    def run(backend):
        eq.backend(backend)
        eq.start_scope()
        G = eq.NeuronGroup(300, "dv/dt = v**2/ms : 1\nok : 1", method="euler", name="g")
        G.v = "1 + 0.01*i"
        net = eq.Network(G)
        net.stop_if_not_finite = stop
        if not stop:
            with pytest.warns(RuntimeWarning, match=r"g\.v has NaN"):
                net.run(4 * ms)
            return np.array(G.v)
        with pytest.raises(eq.NotFiniteError) as raised:
            net.run(4 * ms)
        return str(raised.value), float(net.t), np.array(G.v)

    first, second = run("numpy"), run("cuda-host")
    if stop:
        assert first[:2] == second[:2]
        first, second = first[2], second[2]
    np.testing.assert_array_equal(first, second)


def test_steps_that_do_not_become_small_enough_stop_the_run():
    def run(backend):
        eq.backend(backend)
        eq.start_scope()
        G = eq.NeuronGroup(
            200,
            "dx/dt = -x/tau : 1\ntau : second",
            method="rkf45",
            method_options={"max_steps": 5},
            dt=1 * ms,
            name="g",
        )
        G.x, G.tau = "int(i > 130)", 1 * ms
        G.tau[150:] = 1e-4 * ms
        with pytest.raises(eq.IntegrationError) as raised:
            eq.Network(G).run(1 * ms)
        return str(raised.value)

    assert run("numpy") == run("cuda-host")


def test_a_report_pauses_the_run_and_stop_ends_it():
    eq.backend("cuda-host")
    G = eq.NeuronGroup(10, "dv/dt = 1/ms : 1", method="euler")
    net = eq.Network(G)
    told = []

    def tell(elapsed, completed, start, duration):
        told.append((completed, float(G.v[0]), float(net.t / ms)))
        if completed > 0.2:
            net.stop()

    net.run(1000 * ms, report=tell, report_period=0.01 * eq.second)
    assert told[0][0] == 0 and all(abs(v - t) < 1e-6 for _, v, t in told)
    assert net.t < 1000 * ms


def test_a_profile_counts_what_the_other_backends_count():
    def run(backend):
        eq.backend(backend, deterministic=True)
        eq.start_scope()
        eq.seed(7)
        case = ways()
        case.network.run(0.8 * ms, profile=True)
        assert all(op.seconds > 0 for op in case.network._last.plan.ops)
        return [(op.label, op.work) for op in case.network._last.plan.ops]

    for first, second in zip(run("numpy"), run("cuda-host"), strict=True):
        assert first == second


def test_an_unknown_order_of_threads_is_refused(monkeypatch):
    monkeypatch.delitem(simulation._engines, "cuda-host", raising=False)
    monkeypatch.setenv("EQSNN_CUDA_ORDER", "sideways")
    with pytest.raises(
        eq.EqsnnError, match="order must be 'ascending', 'descending' or an integer from 2 on; got 'sideways'"
    ):
        eq.backend("cuda-host")


def test_without_a_gpu_it_is_said_what_is_missing():
    eq.settings.backend = "cuda"
    G = eq.NeuronGroup(1, "dv/dt = -v/(10*ms) : 1")
    wanted = r"the backend 'cuda' finds no GPU \(\w+: .*\); it needs an NVIDIA GPU with its driver, and pip install 'eqsnn\[cuda\]'\. "
    wanted += "Without one, eqsnn.settings.backend = 'cuda-host' runs the same kernels on the CPU, for checking"
    if os.path.exists("/dev/nvidia0"):
        pytest.skip("there is a GPU here")
    with pytest.raises(eq.EqsnnError, match=wanted):
        eq.Network(G).run(1 * ms)
    with pytest.raises(eq.EqsnnError, match="finds no GPU"):
        eq.backend("cuda")


def test_a_network_may_have_a_backend_of_its_own():
    eq.settings.backend = "fortran"
    G = eq.NeuronGroup(3, "dv/dt = (2 - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact")
    M = eq.SpikeMonitor(G)
    eq.Network(G, M, backend="cuda-host").run(20 * ms)
    assert M.num_spikes == 6 and type(M.records[0]).__name__ == "CudaRecord"
    with pytest.raises(eq.EqsnnError, match="deterministic is True or False; got 1"):
        eq.backend("c", deterministic=1)


# -- functions of the user ---------------------------------------------------------------------------------------------------------


def test_functions_of_the_user_have_code_for_a_gpu():
    @eq.implementation("cuda", "__device__ double bend(double x) { return clip(x, -1, 1)*half(x); }",
                       dependencies={"clip": eq.DEFAULT_FUNCTIONS["clip"], "half": None})  # fmt: skip
    @eq.check_units(x=1, result=1)
    def bend(x):
        return np.clip(x, -1, 1) * (0.5 * x)

    @eq.implementation("cuda", "__device__ double half(double x) { return 0.5*x; }")
    @eq.check_units(x=1, result=1)
    def half(x):
        return 0.5 * x

    bend.implementations["cuda"] = type(bend.implementations["cuda"])(
        "cuda", "bend", bend.implementations["cuda"].code, (("clip", eq.DEFAULT_FUNCTIONS["clip"]), ("half", half))
    )
    found = []
    for backend in ("numpy", "cuda-host"):
        eq.backend(backend)
        eq.start_scope()
        G = eq.NeuronGroup(5, "dv/dt = -bend(v)/(10*ms) : 1", method="euler")
        G.v = "i - 2"
        eq.Network(G).run(5 * ms)
        found.append(np.array(G.v))
    np.testing.assert_array_equal(*found)


def test_a_function_without_code_for_a_gpu_is_refused_by_name():
    @eq.check_units(x=1, result=1)
    def f(x):
        return x

    g = eq.Function(lambda x: x, arg_units=[1], return_unit=1, stateless=False, name="g")
    assert not g.stateless
    eq.backend("cuda-host")
    G = eq.NeuronGroup(2, "dv/dt = -f(v)/(10*ms) : 1", method="euler", name="cells")
    with pytest.raises(eq.EqsnnError, match=r"'cells' calls the function 'f', which has no code for a GPU; give it as an expression, "
                       r"eqsnn.function\('f\(x\) = ...'\), or add @implementation\('cuda', '__device__ double f"):  # fmt: skip
        eq.Network(G).run(0.1 * ms)
    H = eq.NeuronGroup(2, "dv/dt = -g(v)/(10*ms) : 1", method="euler", name="others")
    with pytest.raises(eq.EqsnnError, match=r"'others' calls the function 'g', which has a state"):
        eq.Network(H).run(0.1 * ms)


# -- mistakes, made on purpose -----------------------------------------------------------------------------------------------------

ENGINE = engine_source()
BARRIER = "__syncthreads();"
BARRIERS = [m.start() for m in re.finditer(re.escape(BARRIER), ENGINE)]


def function_at(text, place):
    """The function in which a place of a text lies."""
    return re.findall(r"(?:EQ_DEVICE|__global__)[^\n;]*? \**(\w+)\(", text[:place])[-1]


def seen(monkeypatch, device, engine=None, model=None, deterministic=True):
    """How a broken text shows: an error of the device, or another outcome than the interpreter's; None if it does not."""
    if engine is not None:
        monkeypatch.setattr(cuda, "engine_source", lambda: engine)
    if model is not None:
        real = cuda.source_of

        def broken(plan, deterministic=False):
            source = real(plan, deterministic)
            return CudaSource(model(source.text), source.functions)

        monkeypatch.setattr(cuda, "source_of", broken)
    setting = Setting(deterministic, record_bytes=4000, queue_bytes=0)  # what seldom happens happens
    monkeypatch.setitem(simulation._engines, "cuda-host", CudaEngine(device, lambda: setting))
    for name in NETWORKS:
        try:
            found = outcome(NETWORKS[name], "cuda-host", 2 * ms, deterministic)
        except DeviceError as error:
            return str(error)
        except (ValueError, MemoryError) as error:  # a size that is nonsense
            return f"nonsense: {error}"
        if not all(np.array_equal(a, b) for a, b in zip(oracle(name), found)):
            return "another outcome"
    return None


OF_THE_ENGINE = [b for b in BARRIERS if function_at(ENGINE, b) != "eq_rank"]
FOR_OTHER_BLOCKS = next(b for b in OF_THE_ENGINE if function_at(ENGINE, b) == "eq_last_block")
"""It puts what a block has written in front of the ticket that it draws, which matters only where blocks run at once."""


@pytest.mark.parametrize("at", [b for b in OF_THE_ENGINE if b != FOR_OTHER_BLOCKS])
def test_every_barrier_of_the_engine_is_missed(at, monkeypatch):
    found = seen(monkeypatch, HostDevice(3, watched=True), ENGINE[:at] + ENGINE[at + len(BARRIER) :])
    assert found is not None and "without a barrier between them" in found


@pytest.mark.parametrize("number", [0, 1])
def test_every_barrier_of_a_kernel_that_emits_is_missed(number, monkeypatch):
    def broken(text):
        at = [m.start() for m in re.finditer(re.escape(BARRIER), text) if function_at(text, m.start()) == "eq_rank"]
        return text[: at[number]] + text[at[number] + len(BARRIER) :]

    found = seen(monkeypatch, HostDevice(3, watched=True), model=broken)
    assert found is not None and "without a barrier between them" in found


MISTAKES = {
    "no barrier at all": lambda t: t.replace(BARRIER, ""),
    "a row too long": lambda t: t.replace("k < last;", "k <= last;"),
    "a row too long, in turn": lambda t: t.replace("k < ctx->start[row + 1]", "k <= ctx->start[row + 1]"),
    "a neuron too many": lambda t: t.replace("if (i < ctx->n)", "if (i <= ctx->n)"),
    "an element too many": lambda t: t.replace("i < ctx->n;", "i <= ctx->n;"),
    "an event too many": lambda t: t.replace("e < n;", "e <= n;"),
    "a row too many": lambda t: t.replace("e < n_arriving;", "e <= n_arriving;"),
    "a target too many": lambda t: t.replace("q < ctx->n_keys", "q <= ctx->n_keys"),
    "a list too many": lambda t: t.replace("key < ctx->n_keys", "key <= ctx->n_keys"),
    "an arrival too many": lambda t: t.replace("a < n;", "a <= n;"),
    "lists that are not sorted": lambda t: t.replace("eq_sort(list, n);", ""),
    "counts that are not cleared": lambda t: t.replace("ctx->arrived[q] = 0;", ""),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_broken_kernel_is_seen(name, monkeypatch):
    assert seen(monkeypatch, HostDevice(3), model=MISTAKES[name]) is not None


def test_sums_that_are_not_atomic_are_a_race(monkeypatch):
    def plain(text):
        broken = re.sub(r"eq_add\((&b_[^;]*?), (.*)\);", r"*(\1) += \2;", text)
        assert broken != text
        return broken

    found = seen(monkeypatch, HostDevice(3, watched=True), model=plain, deterministic=False)
    assert "touch one address without a barrier between them" in found


def test_the_text_is_the_body_of_the_other_backends():
    """One kernel, one body: what stands in the C file between the braces stands in the CUDA file."""
    from eqsnn.backends.printer import text_of

    case = MODELS["cuba"]()
    eq.backend("numpy")
    case.network.run(0 * ms)
    plan = case.network._last.plan
    cuda_text, kernel = source_of(plan).text, next(k for k in plan.kernels() if k.name.endswith("_step"))
    for line in text_of(kernel).body:
        assert f"{line}\n" in cuda_text


def test_rows_are_shared_out_by_their_lengths():
    from eqsnn.runtime.cuda_plan import shape_of_rows
    from eqsnn.runtime.plan import RowBlock

    def shape(*lengths):
        start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return shape_of_rows(RowBlock(start, np.zeros(start[-1], np.uint16), None, None), False)

    assert shape(1, 1, 1, 0) == (1, 1, 1)
    assert shape(3, 4, 5) == (4, 1, 5)
    assert shape(1000, 900, 1100) == (128, 1, 1100)  # a block of threads for a spike
    assert shape(5, 6, 10_000) == (8, 3, 4096)  # and long rows in parts
    assert shape() == (1, 1, 4096)


def test_poisson_groups_of_any_rate_have_their_events():
    for rate in (20 * Hz, 4000 * Hz):
        found = []
        for backend in ("numpy", "cuda-host"):
            eq.backend(backend)
            eq.start_scope()
            eq.seed(4)
            P = eq.PoissonGroup(2500, rate)
            M = eq.SpikeMonitor(P)
            eq.Network(P, M).run(2 * ms)
            found.append((np.array(M.i), np.array(M.t_)))
        assert len(found[0][0]) > 50
        assert_same(*found)


def test_procedural_synapses_are_refused_by_name():
    G = eq.NeuronGroup(4, "v : 1", threshold="v > 1", reset="v = 0")
    S = eq.Synapses(G, G, on_pre="v_post += 1", name="made")
    S.connect(p=0.5, procedural=True)
    with pytest.raises(
        eq.EqsnnError, match="the synapses 'made' are procedural, and the backend 'cuda' does not make rows"
    ):
        eq.Network(G, S, backend="cuda-host").run(1 * ms)
