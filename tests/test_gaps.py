"""Events by chance: found by the gaps between them, with the statistics of one trial an element, and the same for every cut of the work."""

import numpy as np
import pytest
from scipy import stats

import eqsnn as eq
from eqsnn.errors import InternalError
from eqsnn.kernel import gaps
from eqsnn.kernel.ir import Binary, Buffer, Call, Chance, Compare, Const, Emit, Kernel, Let, Load, Local, Scalar, Store
from eqsnn.kernel.verify import verify

KEY, COUNT, I = Local("key", "i64"), Local("count", "i64"), Local("@i", "i64")
DRAW = Call("uniform", (KEY, I, COUNT, Const(0, "i64")), "f64")
P = Buffer("p", "f64", "self", "self", "p")
STREAM = (Scalar("key", "i64", "random", "key"), Scalar("count", "i64", "random", "count"))


def kernel(*body, buffers=(P,)):
    return Kernel("k", "test", "neuron", buffers, STREAM, (), body)


def taken(p, steps, key=5):
    return np.array([gaps.taken(p, key, count, 0) for count in range(steps)])


@pytest.mark.parametrize("p", [1e-4, 0.0123, 0.125, 0.126, 0.9])
def test_each_element_has_its_event_with_its_probability(p):
    found = taken(np.full(1500, p), 400)
    assert stats.binomtest(int(found.sum()), found.size, p).pvalue > 1e-4
    per_element, per_step = found.sum(axis=0), found.sum(axis=1)
    for counts, n in ((per_element, 400), (per_step, 1500)):  # as variable as sums of independent trials
        spread = counts.var(ddof=1) / (n * p * (1 - p))
        assert abs(spread - 1) < 6 * np.sqrt(2 / len(counts) + 1 / (n * p * len(counts)))


def test_gaps_between_events_are_geometric():
    found = np.flatnonzero(taken(np.full(1024, 0.02), 300, key=8).ravel())
    lengths = np.diff(found)
    expected = [0.02 * 0.98**k for k in range(100)]
    observed = np.bincount(np.minimum(lengths - 1, 100), minlength=101)
    assert stats.chisquare(observed, len(lengths) * np.array([*expected, 0.98**100])).pvalue > 1e-4


def test_unequal_probabilities_are_thinned():
    p = np.linspace(0, 0.1, 1024)
    counts = taken(p, 1000, key=9).sum(axis=0)
    z = (counts - 1000 * p)[1:] / np.sqrt(1000 * p * (1 - p))[1:]
    assert counts[0] == 0 and abs(z.mean()) < 0.15 and abs(z.std() - 1) < 0.15


def test_no_chance_certainty_and_what_is_no_number():
    p = np.array([0.0, -1.0, np.nan, 1.0, 2.0, np.inf])
    assert taken(p, 50).sum(axis=0).tolist() == [0, 0, 0, 50, 50, 50]
    assert not taken(np.full(2000, -np.nan), 5).any()


def test_only_a_kernel_that_does_nothing_else_is_changed():
    p = Load("p", "f64")
    plain = kernel(Emit(Compare("<", DRAW, p)))
    assert isinstance(gaps.by_gaps(plain).body[-1], Chance)
    named = kernel(Let("u", DRAW), Let("e", Compare(">", p, Local("u", "f64"))), Emit(Local("e", "b8")))
    found = gaps.by_gaps(named)
    assert found.body[-1].probability == p and found.scalars[-1].variable == "N"
    verify(found)
    twice = kernel(Let("u", DRAW), Emit(Compare("<", Local("u", "f64"), Binary("*", p, Local("u", "f64"), "f64"))))
    writes = kernel(
        Store("q", p), Emit(Compare("<", DRAW, p)), buffers=(P, Buffer("q", "f64", "self", "self", "q", True))
    )
    shared = kernel(Emit(Compare("<", Call("uniform", (KEY, Const(0, "i64"), COUNT, Const(0, "i64")), "f64"), p)))
    at_most = kernel(Emit(Compare("<=", DRAW, p)))
    for k in (twice, writes, shared, at_most):
        assert gaps.by_gaps(k) is k
    with pytest.raises(InternalError, match="stands alone"):
        verify(kernel(Store("p", p), Chance(p, DRAW, COUNT), buffers=(Buffer("p", "f64", "self", "self", "p", True),)))


def spikes(backend, threads, block):
    before = eq.settings.backend, eq.settings.threads, eq.settings.neurons_per_block
    eq.settings.backend, eq.settings.threads, eq.settings.neurons_per_block = backend, threads, block
    try:
        eq.seed(3)
        groups = (
            eq.PoissonGroup(2100, 50 * eq.Hz),
            eq.PoissonGroup(1500, np.linspace(0, 3000, 1500) * eq.Hz),
            eq.PoissonGroup(1100, "10*Hz*(1 + sin(2*pi*10*Hz*t))*(1 + i/100)"),
            eq.NeuronGroup(1030, "rate : Hz (constant)", threshold="rand() < rate*dt"),
        )
        groups[3].rate = "i*0.1*Hz"
        monitors = [eq.SpikeMonitor(g) for g in groups]
        eq.Network(*groups, *monitors).run(30 * eq.ms)
        return [np.stack([m.i, np.round(m.t / eq.ms, 6)]) for m in monitors]
    finally:
        eq.settings.backend, eq.settings.threads, eq.settings.neurons_per_block = before


def test_backends_threads_and_blocks_agree():
    expected = spikes("numpy", 1, 1024)
    assert len(expected[0][0]) > 2000
    for way in (("c", 1, 1024), ("cython", 2, 1024), ("c", 3, 100), ("cython", 1, 1)):
        assert all(np.array_equal(a, b) for a, b in zip(spikes(*way), expected)), way


def test_a_group_spikes_at_its_rates():
    eq.seed(12)
    group = eq.PoissonGroup(2000, np.repeat([5.0, 80.0], 1000) * eq.Hz)
    monitor = eq.SpikeMonitor(group)
    eq.Network(group, monitor).run(2 * eq.second)
    low, high = (np.asarray(monitor.count)[s].sum() for s in (slice(0, 1000), slice(1000, 2000)))
    assert abs(low - 10_000) < 5 * 100 and abs(high - 160_000) < 5 * 400
    trains = monitor.spike_trains()
    intervals = np.concatenate([np.diff(np.asarray(trains[k])) for k in range(1000, 1200)])
    assert abs(intervals.std() / intervals.mean() - 1) < 0.05
