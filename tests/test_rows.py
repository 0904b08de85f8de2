"""What a row of synapses computes once for all of them, and what must be read anew at each."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import pipeline
from eqsnn.backends.printer import text_of


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
