"""What a row of synapses computes once for all of them, and what must be read anew at each."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import pipeline
from eqsnn.backends.printer import text_of
from eqsnn.runtime.plan import RowBlock


def text(on_pre, model="w : 1", neurons="v : 1\nF = exp(-v) : 1"):
    G = eq.NeuronGroup(2, neurons, threshold="v > 1e9", name="G")
    S = eq.Synapses(G, G, model, on_pre=on_pre, name="S")
    p = S.pathways["pre"]
    return text_of(pipeline.pathway(S.model, p.statements, p.prepost, "k", True, frozenset(), False).own)


def test_what_depends_on_the_source_alone_is_computed_once_a_row():
    found = text("w += F_pre")
    assert any("eq_exp" in line for line in found.row) and not any("eq_exp" in line for line in found.body)
    assert found.independent  # each synapse writes its own w


def test_what_the_row_itself_changes_is_read_at_each_synapse():
    found = text("v_post += w*F_pre")
    assert found.row == () and not found.independent
    found = text("w += F_post")
    assert found.row == () and found.independent


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_a_neuron_that_excites_itself_passes_on_its_new_value(backend, monkeypatch):
    monkeypatch.setenv("EQSNN_BACKEND", backend)
    G = eq.NeuronGroup(3, "v : 1", threshold="i == 0 and t < 0.05*ms")
    G.v = [1.0, 5.0, 7.0]
    S = eq.Synapses(G, G, on_pre="v_post += v_pre")
    S.connect(i=0, j=[0, 1, 2])
    eq.Network(G, S).run(0.2 * eq.ms)
    np.testing.assert_array_equal(G.v[:], [2.0, 7.0, 9.0])


def whole(model, neurons="v : 1\ng : 1\nh : 1"):
    G = eq.NeuronGroup(2, neurons, name="G")
    S = eq.Synapses(G, G, model, name="S")
    return text_of(pipeline.summed(S.model, next(v.name for v in S.model.variables if "summed" in v.flags), "k"))


def test_sums_go_run_by_run_unless_synapses_of_a_run_may_depend_on_one_another():
    assert whole("w : 1\ng_post = w*v_pre : 1 (summed)").by_runs
    assert not whole("h_pre = v_post : 1 (summed)").by_runs  # all add to one neuron, in their order
    assert not text("v_post += w").by_runs  # few rows arrive in a step


@pytest.mark.parametrize(
    "far, start, synapse, heads, runs",
    [
        (range(40), [0, 40], None, [0], [0, 1]),
        ([*range(30), *range(31, 61)], [0, 60], None, [0, 30], [0, 2]),
        ([*range(32), *range(32)], [0, 32, 32, 64], None, [0, 32], [0, 1, 1, 2]),
        (range(64), [0, 32, 64], [*range(32), *range(40, 72)], [0, 32], [0, 1, 2]),
        (range(64), [0, 64], [*range(32), *range(40, 72)], [0, 32], [0, 2]),
        ([*range(65500, 65536), *range(40)], [0, 76], None, [0, 36], [0, 2]),  # 65535 + 1 is no neuron
    ],
)
def test_runs_end_with_a_gap_in_the_neurons_or_in_the_synapses_and_with_a_row(far, start, synapse, heads, runs):
    number = None if synapse is None else np.array(synapse, np.int64)
    block = RowBlock(np.array(start, np.int64), np.array(far, np.uint16), None, number)
    run, of_row = block.long_runs
    np.testing.assert_array_equal(run, [*heads, len(far)])
    np.testing.assert_array_equal(of_row, runs)


def test_short_runs_are_not_told_apart():
    block = RowBlock(np.array([0, 50], np.int64), np.arange(0, 100, 2).astype(np.uint16), None, None)
    assert block.long_runs is None


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("rule", ["True", "i != j", "abs(i - j) < 40", "(i + j) % 7 != 0", "j % 2 == 0"])
def test_sums_are_the_same_run_by_run(rule, threads, monkeypatch):
    def sums(backend):
        monkeypatch.setenv("EQSNN_BACKEND", backend)
        monkeypatch.setenv("EQSNN_NUM_THREADS", str(threads))
        monkeypatch.setattr(eq.settings, "synapses_per_block", 3000)
        eq.seed(5)
        G = eq.NeuronGroup(120, "v : 1\ng : 1\nh : 1")
        G.v = "rand()"
        S = eq.Synapses(G, G, "w : 1\ng_post = w*(v_pre - v_post) : 1 (summed)\nh_pre = w*v_post : 1 (summed)")
        S.connect(rule)
        S.w = "rand()"
        eq.Network(G, S).run(0.2 * eq.ms)
        return S, G.g[:], G.h[:]

    S, g, h = sums("c")
    v, w, i, j = S.source.v[:], S.w[:], S.i[:], S.j[:]
    np.testing.assert_allclose(g, np.bincount(j, w * (v[i] - v[j]), minlength=120), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(h, np.bincount(i, w * v[j], minlength=120), rtol=1e-12, atol=1e-12)
    _, expected_g, expected_h = sums("numpy")
    np.testing.assert_array_equal(g, expected_g)
    np.testing.assert_array_equal(h, expected_h)
