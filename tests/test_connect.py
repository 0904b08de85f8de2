"""Which synapses there are, and what their indices and variables mean."""

import numpy as np
import pytest
from scipy import stats

import eqsnn as eq
from eqsnn import ms
from eqsnn.network import sampling


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
        (dict(p=0.5 * eq.mV), "p must be a number or a string; got 0.5 [*] mvolt"),
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


def test_a_degree_is_exact_and_every_partner_equally_likely():
    A, B = groups()
    S, T, U = (eq.Synapses(A, B) for _ in range(3))
    S.connect(in_degree=20)
    assert S.N_incoming_post.tolist() == [20] * 80 and len({*zip(S.i[:], S.j[:])}) == 1600
    assert stats.chisquare(S.N_outgoing_pre).pvalue > 1e-5
    T.connect(out_degree=70)  # most of what there is: chosen by what is left out
    assert T.N_outgoing_pre.tolist() == [70] * 100 and len({*zip(T.i[:], T.j[:])}) == 7000
    assert stats.chisquare(T.N_incoming_post).pvalue > 1e-5
    U.connect(in_degree="j % 3 + int(y_post > 0)")
    assert U.N_incoming_post.tolist() == [j % 3 for j in range(80)]
    U.connect(out_degree=np.arange(100) % 2)
    assert U.N_outgoing_pre.sum() == sum(j % 3 for j in range(80)) + 50


def test_a_degree_keeps_to_the_condition_and_leaves_out_autapses_and_pairs_that_exist():
    G = eq.NeuronGroup(40, "x : 1")
    G.x = "i % 2"
    S = eq.Synapses(G, G)
    S.connect("x_pre != x_post", in_degree=20)
    assert len(S) == 800 and np.all(S.i[:] % 2 != S.j[:] % 2)
    T = eq.Synapses(G[5:25], G[10:40])
    T.connect(in_degree=19, autapses=False)
    assert not np.any(T.i[:] + 5 == T.j[:] + 10) and np.all(T.N_incoming_post == 19)
    U = eq.Synapses(G, G)
    U.connect(out_degree=30, multapses=False)
    U.connect(out_degree=10, multapses=False)
    assert len({*zip(U.i[:], U.j[:])}) == 1600
    V = eq.Synapses(G, G)
    V.connect(in_degree=200, multapses=True)
    assert np.all(V.N_incoming_post == 200) and stats.chisquare(V.N_outgoing_pre).pvalue > 1e-5
    with pytest.raises(eq.EqsnnError, match=r"in_degree=40, but target 0 has 39 possible partners .multapses=True"):
        eq.Synapses(G, G).connect(in_degree=40, autapses=False)
    W = eq.Synapses(G, G)
    W.connect(in_degree=50, skip_if_invalid=True)
    assert len(W) == 1600


def test_autapses_and_multapses_can_be_left_out_everywhere():
    G = eq.NeuronGroup(30, "x : 1")
    S = eq.Synapses(G[:20], G[10:])
    S.connect(autapses=False)
    assert len(S) == 400 - 10 and not np.any(S.i[:] == S.j[:] + 10)
    T = eq.Synapses(G, G)
    T.connect(i=[1, 2, 1, 3], j=[1, 2, 1, 4], multapses=False)
    T.connect("i == j", multapses=False)
    assert len(T) == 31 and len({*zip(T.i[:], T.j[:])}) == 31
    with pytest.raises(eq.EqsnnError, match="multapses=False allows one synapse a pair"):
        T.connect(n=2, multapses=False)


def test_choices_are_the_same_whatever_the_chunks(monkeypatch):
    found = []
    for chunk in (1 << 22, 700):
        monkeypatch.setattr(sampling, "CHUNK", chunk)
        eq.seed(8)
        A, B = groups()
        S = eq.Synapses(A, B)
        S.connect(in_degree=7)
        S.connect(out_degree=60)
        S.connect(in_degree=5, multapses=True)
        S.connect(j="k for k in sample(0, N_post, 2, p=0.3)")
        S.connect(i="k for k in sample(N_pre, size=j)")
        found.append((S.i[:], S.j[:]))
    np.testing.assert_array_equal(found[0], found[1])


def test_samples_lie_in_their_range_and_are_cut_if_asked():
    A, B = groups()
    S = eq.Synapses(A, B)
    S.connect(j="k for k in sample(i, i + 10, 3, size=6)", skip_if_invalid=True)
    for i in range(71):
        assert sorted(S.j[i, :].tolist()) == [i, i + 3, i + 6, i + 9]
    T = eq.Synapses(A, B)
    T.connect(i="k for k in sample(j, N_pre, p=0.5)")
    assert np.all(T.i[:] >= T.j[:]) and stats.binomtest(len(T), sum(100 - j for j in range(80)), 0.5).pvalue > 1e-4


def test_arrays_of_pairs_may_have_arrays_of_p_and_n():
    A, B = groups()
    S = eq.Synapses(A, B)
    S.connect(i=[0, 1, 2], j=[3, 4, 5], n=[2, 0, 3])
    assert S.i[:].tolist() == [0, 0, 2, 2, 2]
    S.connect(i=np.arange(50), j=7, p=np.repeat([0.0, 1.0], 25), n="1 + i % 2")
    assert S.i[5:].tolist() == sorted([*range(25, 50), *range(25, 50, 2)])
    S.connect(i=A[90:92], j=B[3:5])
    assert S.i[-2:].tolist() == [90, 91] and S.j[-2:].tolist() == [3, 4]
    with pytest.raises(eq.EqsnnError, match="i has 3, j has 1 and n has 2 indices"):
        S.connect(i=[0, 1, 2], j=[1], n=[1, 2])


def test_an_expression_may_give_the_number_of_synapses_and_names_may_come_with_the_call():
    A, B = groups(5, 4)
    S = eq.Synapses(A, B, multisynaptic_index="k")
    S.connect("i >= near", n="i - j", namespace={"near": 3})
    assert len(S) == sum(max(i - j, 0) for i in (3, 4) for j in range(4))
    assert S.k[4, 0].tolist() == [0, 1, 2, 3] and S.k[3, 2].tolist() == [0]
    S.connect(i=4, j=0)
    assert S.k[4, 0].tolist() == [0, 1, 2, 3, 4]


def test_nothing_to_connect_is_no_error():
    A, B = groups(5, 4)
    S = eq.Synapses(A, B, "w : 1", on_pre="y_post += w")
    S.connect(False)
    S.connect(i=np.array([], int), j=np.array([], int))
    S.w = 3
    S.delay = "rand()*ms"
    eq.Network(A, B, S).run(1 * ms)
    assert len(S) == 0 and S.to_scipy("w").shape == (5, 4)


def test_synapses_as_a_sparse_matrix(monkeypatch):
    A, B = groups(4, 3)
    S = eq.Synapses(A, B, "w : volt\nz = 2*w : volt", on_pre="y_post += w/volt")
    S.connect(i=[0, 3, 3], j=[2, 1, 1])
    S.w = [1, 2, 5] * eq.mV
    np.testing.assert_array_equal(S.to_scipy().toarray(), [[0, 0, 1], [0, 0, 0], [0, 0, 0], [0, 2, 0]])
    matrix = S.to_scipy("z").tocsr()
    assert matrix.shape == (4, 3) and matrix[3, 1] == pytest.approx(0.014)
    with pytest.raises(eq.EqsnnError, match="has no variable or attribute 'ww'; did you mean 'w'?"):
        S.to_scipy("ww")
    monkeypatch.setitem(__import__("sys").modules, "scipy.sparse", None)
    with pytest.raises(eq.EqsnnError, match="needs scipy; install it with: pip install scipy"):
        S.to_scipy()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(in_degree=2, out_degree=2), "in_degree= or out_degree=, not both"),
        (dict(in_degree=2, p=0.5), "in_degree= chooses the pairs itself"),
        (dict(in_degree=2.5), "in_degree is an integer, one for each of 80 neurons, or a string; got 2.5"),
        (dict(out_degree=-1), "cannot be negative"),
        (dict(in_degree="i"), "in_degree reads 'i' of the source, which it chooses"),
        (dict(condition="k for k in range(3)"), "a generator gives indices; write connect.j="),
        (dict(i="j", j="i"), "with a string for one of i and j, leave the other out"),
        (dict(i=[[1, 2]], j=3), r"i must be a list of indices; got shape .1, 2."),
        (dict(i=[1, 2], j=[1, 2], n=[1, -1]), "n must be an integer"),
        (dict(condition="N_incoming > 2"), "'N_incoming' belongs to the synapses, which do not exist before connect"),
        (dict(j="k for k in choose(3)"), r"'choose\(3\)' is nothing to loop over"),
        (dict(j="k for k in sample(3)"), r"sample\(\) needs p= or size="),
        (dict(j="k for k in range(3, p=0.5)"), r"range\(\) takes no keywords"),
    ],
)
def test_more_that_cannot_be_connected_says_why(arguments, message):
    S = eq.Synapses(*groups())
    with pytest.raises(eq.EqsnnError, match=message):
        S.connect(**arguments)
    assert len(S) == 0


def test_many_pairs_are_compiled_and_few_interpreted_with_the_same_result(monkeypatch):
    from eqsnn.network import hostrun

    def connected():
        eq.seed(5)
        G = eq.NeuronGroup(60, "x : 1\nhot : boolean")
        G.x, G.hot = "rand()", "i % 3 == 0"
        S = eq.Synapses(G, G, "w : 1")
        S.connect("hot_pre or j > i", p="0.8*exp(-((x_pre - x_post)/0.3)**2)")
        S.w = "randn()*sin(x_pre) + int(x_post > 0.5)*i"
        return S.i[:], S.j[:], S.w[:]

    interpreted = connected()
    monkeypatch.setattr(hostrun, "COMPILED_FROM", 1)
    hostrun._addresses.clear()
    compiled = connected()
    assert len(hostrun._addresses) >= 3 and len(interpreted[0]) > 300
    for one, two in zip(interpreted, compiled):
        np.testing.assert_array_equal(one, two)
