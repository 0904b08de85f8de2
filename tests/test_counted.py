"""Arrivals that are counted before they are applied: the same as one by one where that is exact, and the same for every engine."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms
from eqsnn.backends.c.build import engine_library
from eqsnn.kernel.counted import counted
from eqsnn.kernel.ir import Load
from eqsnn.runtime.counting import from_so_many_events
from eqsnn.runtime.native import NativeEngine


@pytest.fixture(autouse=True)
def settings():
    before = vars(eq.settings).copy()
    eq.settings.backend, eq.settings.synapses_per_block = "c", 1000
    yield
    vars(eq.settings).update(before)


def network(on_pre="v_post += 2**-9; g_post += 1", p=0.2, extra="", n=600, dtype=None, start="rand()"):
    """All values are multiples of 2^-k, so that sums are exact in any order."""
    eq.seed(5)
    G = eq.NeuronGroup(
        n,
        "dv/dt = 1/(4*ms) : 1 (unless refractory)\ng : 1\nu : 1",
        threshold="v > 1.9",
        reset="v = 0; u += 1",
        refractory=2 * ms,
        method="euler",
        dt=0.5 * ms,
        name="neurons",
        **({} if dtype is None else {"dtype": dtype}),
    )
    G.v = start if isinstance(start, str) and "rand" not in start else "floor(16*rand())/8"
    S = eq.Synapses(G, G, f"w : 1\n{extra}", on_pre=on_pre, delay=1 * ms, name="synapses")
    S.connect("i != j", p=p)
    S.w = 2**-9
    M = eq.SpikeMonitor(G, name="spikes")
    return eq.Network(G, S, M), G, S, M


def outcome(net, G, M, duration=60 * ms):
    net.run(duration)
    return [np.asarray(M.i), np.asarray(M.t), np.asarray(G.v), np.asarray(G.g)]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b))


def pathway(net):
    """The operation of the pathway in the plan of a first run."""
    from eqsnn.runtime.planner import Planner
    from eqsnn.runtime.reference import ReferenceEngine

    built = Planner(net.objects, {}, ReferenceEngine(), eq.settings).build()
    return next(op for op in built.plan.ops if op.kind == "pathway")


def test_counting_is_adding_one_by_one():
    net, G, _, M = network()
    constant = outcome(net, G, M)
    net, G, _, M = network("v_post += w; g_post += 1")
    assert pathway(network()[0]).many == 2 and pathway(network("v_post += w; g_post += 1")[0]).many == 0
    assert len(constant[0]) > 3000 and same(outcome(net, G, M), constant)


@pytest.mark.parametrize("dtype", [None, np.float32])
@pytest.mark.parametrize("p", [0.2, 0.02])
def test_engines_and_threads_agree(dtype, p):
    eq.settings.backend = "numpy"
    net, G, _, M = network("v_post += 0.00213; g_post -= 0.31", p, dtype=dtype)
    expected = outcome(net, G, M)
    assert pathway(network("v_post += 0.00213; g_post -= 0.31", p)[0]).many in (2, 13) and len(expected[0]) > 3000
    for backend, threads in (("c", 1), ("cython", 2), ("c", 3)):
        eq.settings.backend, eq.settings.threads = backend, threads
        net, G, _, M = network("v_post += 0.00213; g_post -= 0.31", p, dtype=dtype)
        assert same(outcome(net, G, M), expected), (backend, threads)


def test_more_than_255_spikes_in_a_step():
    """Bit matrices are counted in 8 bits, 255 rows at a time."""
    net, G, S, M = network("g_post += 1", p=1.0, start="0")
    G.v = 5
    net.run(2 * ms)
    assert M.num_spikes == 600
    np.testing.assert_array_equal(G.g, 599)
    block = next(iter(S.__dict__["_rows_cache"].values()))[1][0]
    if NativeEngine(engine_library()).lib.eq_has_bits():
        assert block.__dict__["_bits"] is not None


def test_two_synapses_between_the_same_neurons_both_arrive():
    net, G, S, _ = network("g_post += 1", p=0.5)
    S.connect(i=[1, 1, 2], j=[5, 5, 5])
    before = np.bincount(S.j, minlength=600)
    G.v = 5
    net.run(2 * ms)
    np.testing.assert_array_equal(G.g, before)


def test_nothing_arrives_at_refractory_neurons():
    net, G, _, M = network("v_post += 2**-9", p=1.0, start="0")
    G.v[:300] = 5  # these spike at once, and rest for 2 ms when their spikes arrive after 1 ms
    net.run(2 * ms)
    assert M.num_spikes == 300
    np.testing.assert_array_equal(G.v[:300], 0)
    np.testing.assert_array_equal(G.v[300:], 4 / 8 + 300 * 2**-9)


def test_a_checkpoint_goes_on_bit_by_bit_with_events_on_their_way(tmp_path):
    net, G, _, M = network("v_post += 0.00213; g_post -= 0.31")
    net.run(20 * ms)
    net.store("here", tmp_path / "state")
    expected = outcome(net, G, M, 30 * ms)
    for backend in ("numpy", "cython"):
        eq.settings.backend = backend
        again, H, _, W = network("v_post += 0.00213; g_post -= 0.31")
        again.restore("here", tmp_path / "state")
        assert same(outcome(again, H, W, 30 * ms), expected)


@pytest.mark.parametrize(
    ("on_pre", "extra", "is_counted"),
    [
        ("v_post += 0.5", "", True),
        ("v_post += 0.5; g_post -= u_post", "", False),
        ("v_post += 0.5*N_incoming", "", False),
        ("v_post += k*dt/ms", "k : 1 (shared)", True),
        ("v_post += w", "", False),
        ("v_post += v_pre", "", False),
        ("v_post += g_post", "", False),
        ("v_post += rand()", "", False),
        ("v_post += 0.5; w += u_post", "", False),
        ("v_post += 0.5; v_post *= 0.5", "", False),
        ("v_post = 0.5", "", False),
        ("v_post += 0.5; g_post += v_post", "", False),
        ("v_pre += 0.5", "", False),
        ("v_post += 0.5*int(t > 1*ms)", "", True),
    ],
)
def test_what_is_counted(on_pre, extra, is_counted):
    net, _, _, _ = network(on_pre, extra=extra, n=20)
    op = pathway(net)
    assert (counted(op.kernel) is not None) == is_counted, on_pre
    assert bool(op.many) == is_counted


def test_from_how_many_events_on():
    net, _, _, _ = network("v_post += 1", n=20)
    kernel = pathway(net).kernel
    assert from_so_many_events(kernel, 10_000, lambda: 100, 100, 100) == 2  # everybody to everybody
    assert from_so_many_events(kernel, 100, lambda: 1, 100, 100) == 25  # one each
    assert from_so_many_events(kernel, 1 << 16, lambda: 1 << 16, 1, 1) == 0  # more than 16 bits can count
    assert not any(isinstance(s, Load) for s in counted(kernel).stores)
