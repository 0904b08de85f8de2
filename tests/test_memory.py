"""What synapses cost in memory, and that the numbers of very many of them still fit."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms
from eqsnn.network import rowpairs

STDP = dict(
    model="w : 1\ndx/dt = -x/(20*ms) : 1 (event-driven)\ndy/dt = -y/(20*ms) : 1 (event-driven)",
    on_pre="v_post += w; x += 0.01; w = clip(w + y, 0, 1)",
    on_post="y -= 0.01; w = clip(w + x, 0, 1)",
)


def _stdp(monkeypatch, backend="c", delays=False):
    monkeypatch.setenv("EQSNN_BACKEND", backend)
    eq.seed(3)
    P = eq.PoissonGroup(60, 200 * eq.Hz, name="inputs*")
    G = eq.NeuronGroup(40, "dv/dt = -v/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact", name="cells*")
    S = eq.Synapses(P, G, **STDP, name="plastic*")
    S.connect(p=0.4)
    S.w = "rand()"
    if delays:
        S.pre.delay = "3*rand()*ms"
    eq.Network(P, G, S).run(60 * ms)
    return S.w[:], S


def _blocks(S):
    """The rows that the run made, by source and by target."""
    return [block for _, rows in S.__dict__["_rows_cache"].values() for block in rows]


@pytest.mark.parametrize("delays", [False, True])
def test_the_number_of_a_synapse_takes_four_bytes(delays, monkeypatch):
    numbered = [b.synapse for b in _blocks(_stdp(monkeypatch, delays=delays)[1]) if b.synapse is not None]
    assert numbered and {n.dtype for n in numbered} == {np.dtype(np.int32)}


@pytest.mark.parametrize("delays", [False, True])
@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_very_many_synapses_have_wide_numbers_and_the_same_bits(backend, delays, monkeypatch):
    expected, _ = _stdp(monkeypatch, "numpy", delays)
    monkeypatch.setattr(rowpairs, "WIDE", 100)
    found, S = _stdp(monkeypatch, backend, delays)
    assert {b.synapse.dtype for b in _blocks(S) if b.synapse is not None} == {np.dtype(np.int64)}
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("n, highest", [(1000, 7), (3 << 17, 300), (3 << 18, 300_000)])
def test_ascending_is_a_stable_sort(n, highest):
    key = np.random.default_rng(n).integers(0, highest, n).astype(rowpairs.narrowest(highest))
    order, start = rowpairs.ascending(key, highest)
    np.testing.assert_array_equal(order, np.argsort(key, kind="stable"))
    np.testing.assert_array_equal(start, np.searchsorted(key[order], np.arange(highest + 1)))


def test_what_nobody_set_takes_no_memory_when_synapses_are_added():
    G = eq.NeuronGroup(10, "v : 1", name="cells*")
    S = eq.Synapses(G, G, "w : 1\nx : 1", name="grown*")
    S.connect(i=[1, 2], j=[2, 3])
    S.w = [1, 2]
    S.connect(i=[5], j=[6])
    assert S.w[:].tolist() == [1, 2, 0] and S.x[:].tolist() == [0, 0, 0]
