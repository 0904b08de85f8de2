"""``connect`` by a condition or a probability: one kernel over all pairs, interpreted or compiled, in any number of pieces."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn.network import hostrun, sampling


def groups(n=60, m=50):
    eq.seed(11)
    G = eq.NeuronGroup(n, "x : 1\nhot : boolean", name="sources")
    H = eq.NeuronGroup(m, "x : 1\nk : integer", name="targets")
    G.x, G.hot, H.x, H.k = "i/N", "i % 3 == 0", "rand()", "i*2"
    return G, H


def connected(**rule):
    G, H = groups()
    S = eq.Synapses(G, H)
    S.connect(**rule)
    return np.array(S.i[:]), np.array(S.j[:])


@pytest.fixture
def compiled(monkeypatch):
    """However few they are, pairs are treated by a compiled kernel."""

    def refuse(*args):
        raise AssertionError("interpreted")

    monkeypatch.setattr(hostrun, "COMPILED_FROM", 1)
    return lambda: monkeypatch.setattr(hostrun, "interpret", refuse)


RULES = [
    dict(condition="hot_pre or j > i"),
    dict(condition="abs(x_pre - x_post) < 0.3", p=0.5),
    dict(p="0.8*exp(-((x_pre - x_post)/0.3)**2)"),
    dict(condition="i != j and k_post % 3 == 0", p="0.1 + 0.5*x_pre"),
    dict(condition="rand() < 0.3 and hot_pre", p="0.2 + 0.5*rand()"),
    dict(condition="poisson(0.5) == 1 and j < N_post - 2"),
    dict(p=0.3),
    dict(condition="i != j", p=0.02),
]


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_compiled_or_interpreted_in_any_pieces_the_same_pairs(rule, compiled, monkeypatch):
    whole = connected(**rule)
    assert len(whole[0]) > 10
    assert np.all(np.diff(whole[0] * 50 + whole[1]) > 0)  # ascending, none twice
    compiled()
    for chunk in (1, 333, 1 << 22):
        monkeypatch.setattr(sampling, "CHUNK", chunk)
        for one, two in zip(whole, connected(**rule)):
            np.testing.assert_array_equal(one, two)


def test_interpreted_pieces_give_the_same_pairs(monkeypatch):
    for rule in RULES:
        whole = connected(**rule)
        monkeypatch.setattr(sampling, "CHUNK", 333)
        for one, two in zip(whole, connected(**rule)):
            np.testing.assert_array_equal(one, two)
        monkeypatch.undo()


def test_conditions_mean_what_they_say(compiled):
    G, H = groups()
    i, j = np.divmod(np.arange(60 * 50), 50)
    x, y = np.asarray(G.x)[i], np.asarray(H.x)[j]
    for rule, keep in (
        ("hot_pre or j > i", (i % 3 == 0) | (j > i)),
        ("abs(x_pre - x_post) < 0.3", np.abs(x - y) < 0.3),
    ):
        found = connected(condition=rule)
        np.testing.assert_array_equal(found[0], i[keep])
        np.testing.assert_array_equal(found[1], j[keep])


def test_probabilities_are_met_and_pairs_are_independent(compiled):
    G, H = eq.NeuronGroup(1000, ""), eq.NeuronGroup(1200, "")
    for rule, p in ((dict(p=0.3), 0.3), (dict(p="0.1 + 0.4*(i % 2)"), None), (dict(condition="i != j", p=0.01), 0.01)):
        eq.seed(3)
        S = eq.Synapses(G, H)
        S.connect(**rule)
        p = np.where(np.arange(1000) % 2, 0.5, 0.1) if p is None else np.full(1000, p)
        out = np.bincount(S.i[:], minlength=1000)
        z = (out - 1200 * p) / np.sqrt(1200 * p * (1 - p))
        assert abs(z.mean()) < 4 / np.sqrt(1000) + 0.05 and abs(z.std() - 1) < 0.1
        into = np.bincount(S.j[:], minlength=1200)
        assert abs(into.var() / (p * (1 - p)).sum() - 1) < 0.2


def test_another_probability_compiles_nothing(compiled):
    connected(condition="abs(x_pre - x_post) < 0.3", p=0.5)
    before = len(hostrun._addresses)
    connected(condition="abs(x_pre - x_post) < 0.3", p=0.6)
    assert len(hostrun._addresses) == before


def test_a_probability_counts_only_where_the_condition_holds(compiled):
    i, _ = connected(condition="i >= 30 and j >= 0", p="(i - 30)/30.0")
    assert i.min() > 30
    with pytest.raises(eq.EquationError, match="the probability p is -0.0333333") as error:
        connected(condition="i >= 29 and j >= 0", p="(i - 30)/30.0")
    assert "(i - 30)/30.0" in str(error.value)
    for p in ("1.0 + x_pre", "log(x_pre - 2.0)"):
        with pytest.raises(eq.EquationError, match="a probability lies between 0 and 1"):
            connected(p=p)


def test_a_function_of_the_user_may_decide():
    @eq.check_units(a=1, result=1)
    def far(a):
        return np.abs(a) > 20

    eq.seed(1)
    G = eq.NeuronGroup(60, "")
    S = eq.Synapses(G, G)
    S.connect("far(i - j) > 0.5", namespace={"far": far})
    i, j = np.divmod(np.arange(3600), 60)
    np.testing.assert_array_equal(S.i[:], i[np.abs(i - j) > 20])
    np.testing.assert_array_equal(S.j[:], j[np.abs(i - j) > 20])
