"""Which synapses there are, and what their indices and variables mean."""

import numpy as np
import pytest
from scipy import stats

import eqsnn as eq
from eqsnn import ms


def groups(n=100, m=80):
    return eq.NeuronGroup(n, "x : 1", threshold="x > 1e9"), eq.NeuronGroup(m, "y : 1", threshold="y > 1e9")


@pytest.mark.parametrize("p", [0.02, 0.2, 0.6, 1.0, 0.0])
def test_the_number_of_synapses_is_binomial_and_pairs_are_unique(p):
    A, B = groups()
    S = eq.Synapses(A, B)
    S.connect(p=p)
    assert stats.binomtest(len(S), 8000, p).pvalue > 1e-4 if 0 < p < 1 else len(S) == 8000 * p
    assert len({*zip(S.i[:].tolist(), S.j[:].tolist())}) == len(S)
    if 0 < p < 1:
        per_target = np.bincount(S.j[:], minlength=80)
        assert stats.chisquare(per_target).pvalue > 1e-5


def test_probability_by_expression_and_condition():
    A, B = groups()
    S = eq.Synapses(A, B)
    S.connect("i != j and i < 50", p="0.5*(j % 2)")
    assert set(S.j[:] % 2) == {1} and S.i[:].max() < 50 and not np.any(S.i[:] == S.j[:])
    assert stats.binomtest(len(S), 50 * 40 - 25, 0.5).pvalue > 1e-4


def test_a_seed_gives_the_same_synapses_whatever_the_chunks(monkeypatch):
    from eqsnn.network import sampling

    found = []
    for chunk in (1 << 22, 500):
        monkeypatch.setattr(sampling, "CHUNK", chunk)
        for make in (
            dict(p=0.05),
            dict(p=0.5),
            dict(condition="abs(i - j) < 10", p=0.5),
            dict(condition="i < 10 + j", p="0.3"),
        ):
            eq.seed(4)
            A, B = groups()
            S = eq.Synapses(A, B)
            S.connect(**make)
            found.append((S.i[:], S.j[:]))
    for a, b in zip(found[:4], found[4:]):
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[1], b[1])


def test_two_calls_draw_different_pairs():
    A, B = groups()
    S, T = eq.Synapses(A, B), eq.Synapses(A, B)
    S.connect(p=0.1)
    T.connect(p=0.1)
    assert {*zip(S.i[:], S.j[:])} != {*zip(T.i[:], T.j[:])}


def test_sample_takes_a_share_or_a_number():
    A, B = groups()
    S = eq.Synapses(A, B)
    S.connect(j="k for k in sample(N_post, size=7)")
    assert np.all(np.bincount(S.i[:]) == 7) and len({*zip(S.i[:], S.j[:])}) == 700
    T = eq.Synapses(A, B)
    T.connect(j="k for k in sample(N_post, p=0.1)")
    assert stats.binomtest(len(T), 8000, 0.1).pvalue > 1e-4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(i=[0, 100], j=[0, 0]), "the pair i=100, j=0 does not exist; .* has 100 and .* has 80 elements"),
        (dict(j="i + 50"), "does not exist"),
        (dict(i=[0, 1], j=[0, 1, 2]), "i has 2 and j has 3 indices"),
        (dict(p=1.5), "the probability p is 1.5"),
        (dict(p="1.5"), "the probability p is 1.5"),
        (dict(condition="i"), "a condition is expected"),
        (dict(condition="i > 0", i=3, j=3), "a condition, or i= and j=, not both"),
        (dict(i=3), "give both i= and j="),
        (dict(j="k for k in range(0, 10, 0)"), "the step of a range is 0"),
        (dict(j="k for k in sample(5, size=6)"), "size is larger than the number"),
        (dict(n=1.5), "n must be an integer"),
        (dict(condition=3), "must be a string or True"),
        (dict(p=0.5 * eq.mV), "p must be a number or a string; got 500. [*] uvolt"),
        (dict(p=None), "p must be a number or a string; got None"),
        (dict(p=[0.5]), "p must be a number or a string"),
        (dict(p=float("nan")), "the probability p is nan"),
        (dict(j="i*0.5"), "an index is 0.5"),
        (dict(j="k/2 for k in range(3)"), "an index is 0.5"),
        (dict(j="k for k in range(i/2)"), r"an argument of range\(\) is 0.5"),
    ],
)
def test_what_cannot_be_connected_says_why(arguments, message):
    S = eq.Synapses(*groups())
    with pytest.raises(eq.EqsnnError, match=message):
        S.connect(**arguments)
    assert len(S) == 0


def test_synapses_are_seen_in_the_order_of_their_creation():
    A, B = groups(5, 5)
    S = eq.Synapses(A, B, "w : 1", on_pre="y_post += w")
    S.connect(i=[4, 0, 2, 0], j=[1, 1, 3, 0])
    S.w = [10, 20, 30, 40]
    S.connect(i=[1], j=[2])
    assert S.i[:].tolist() == [4, 0, 2, 0, 1] and S.j[:].tolist() == [1, 1, 3, 0, 2]
    assert S.w[:].tolist() == [10, 20, 30, 40, 0]
    assert S.w["i == 0"].tolist() == [20, 40] and S.w[0, :].tolist() == [20, 40] and S.w[:, 1].tolist() == [10, 20]
    assert S.N_outgoing[:].tolist() == [1, 2, 1, 2, 1] and S.N_incoming[:].tolist() == [2, 2, 1, 1, 1]
    source = eq.SpikeGeneratorGroup(5, [0, 4], [0, 1] * ms)
    T = eq.Synapses(source, B, "w : 1", on_pre="y_post += w")
    T.connect(i=[4, 0, 2, 0], j=[1, 1, 3, 0])
    T.w = [10, 20, 30, 40]
    eq.Network(source, B, T).run(2 * ms)
    assert B.y[:].tolist() == [40, 30, 0, 0, 0]


def test_a_delay_is_checked():
    A, B = groups(2, 2)
    S = eq.Synapses(A, B, on_pre="y_post += 1", delay=1 * ms)
    S.connect()
    with pytest.raises(eq.EqsnnError, match="cannot be negative"):
        S.delay = -1 * ms
    with pytest.raises(eq.EqsnnError, match="was made with one delay"):
        S.delay = "i*ms"
    with pytest.raises(eq.UnitError):
        S.delay = 3
    with pytest.raises(eq.EqsnnError, match="has no pathway 'up'"):
        eq.Synapses(A, B, on_pre="y_post += 1", delay={"up": 1 * ms})
