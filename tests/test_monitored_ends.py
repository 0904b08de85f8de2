"""What monitors record besides the variables of a group: delays of pathways, variables of the neurons at the ends, values without times."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms, mV


@pytest.fixture(autouse=True, params=["c", "numpy"])
def backend(request):
    eq.settings.backend = request.param


def ring(**options):
    """Three neurons in a ring, whose v grows by 0.1 (1 + i) mV in each step."""
    G = eq.NeuronGroup(
        3, "dv/dt = (1 + i)*mV/ms : volt\nlate = v + 1*mV : volt\nk : volt (shared)", threshold="v > 10*mV", reset="v = 0*mV", method="euler"
    )  # fmt: skip
    S = eq.Synapses(G, G, "w : 1", on_pre="w += 1", on_post="w += 1", name="ring", **options)
    S.connect(i=[0, 1, 2], j=[1, 2, 0])
    return G, S


def test_each_pathway_has_its_own_delay_to_record():
    G, S = ring()
    S.pre.delay = [1, 2, 3] * ms
    S.post.delay = [4, 5, 6] * ms
    S.w = [7, 8, 9]
    pre, post, one = (
        eq.StateMonitor(S.pre, ["delay", "w"]),
        eq.StateMonitor(S.post, "delay"),
        eq.StateMonitor(S.pre, "delay", record=S[1, 2]),
    )
    eq.Network(G, S, pre, post, one).run(0.2 * ms)
    np.testing.assert_array_equal(pre.delay / ms, [[1, 1], [2, 2], [3, 3]])
    np.testing.assert_array_equal(post.delay / ms, [[4, 4], [5, 5], [6, 6]])
    np.testing.assert_array_equal(pre.w, [[7, 7], [8, 8], [9, 9]])
    np.testing.assert_array_equal(one[S[1, 2]].delay / ms, [[2, 2]])


def test_one_delay_for_all_is_recorded_for_each():
    G, S = ring(delay=2 * ms)
    M = eq.StateMonitor(S.pre, "delay")
    eq.Network(G, S, M).run(0.2 * ms)
    np.testing.assert_array_equal(M.delay / ms, np.full((3, 2), 2.0))


def test_variables_at_the_ends_are_recorded_as_they_are_in_each_step():
    G, S = ring()
    G.k = 5 * mV
    names = ["v_pre", "v_post", "late_post", "k_pre"]
    M, V = eq.StateMonitor(S, names), eq.StateMonitor(G, ["v", "late"])
    network = eq.Network(G, S, M, V)
    network.run(0.5 * ms)
    S.connect(i=0, j=0)
    network.run(0.2 * ms)
    np.testing.assert_array_equal(M.v_pre, V.v[[0, 1, 2]])
    np.testing.assert_array_equal(M.v_post, V.v[[1, 2, 0]])
    np.testing.assert_array_equal(M.late_post, V.late[[1, 2, 0]])
    np.testing.assert_array_equal(M.k_pre / mV, np.full((3, 7), 5.0))
    assert M.v_post_[0, 3] == pytest.approx(0.6e-3)
    M.record_single_timestep()
    assert M.v_pre[1][-1] == G.v[1]


def test_an_unknown_variable_of_a_pathway_is_refused():
    _, S = ring()
    with pytest.raises(eq.EqsnnError, match="'ring_pre' has no variable 'dely' to record; did you mean 'delay'?"):
        eq.StateMonitor(S.pre, "dely")
    with pytest.raises(eq.EqsnnError, match="'ring' has no variable 'u_post' to record"):
        eq.StateMonitor(S, "u_post")


def spiking():
    return eq.NeuronGroup(2, "dv/dt = (1 + i)/ms : 1", threshold="v > 0.95", reset="v = 0", method="euler")


def test_values_at_events_without_their_times():
    G = spiking()
    full, M = eq.SpikeMonitor(G, "v"), eq.SpikeMonitor(G, "v", record=False, name="values")
    eq.Network(G, full, M).run(3 * ms)
    assert M.count.tolist() == full.count.tolist() == [3, 6] and M.num_spikes == 9
    np.testing.assert_array_equal(M.v, full.v)
    assert set(M.get_states()) == {"v", "count", "N"}
    for read in (lambda: M.t, lambda: M.i, lambda: M.values("v"), lambda: M.spike_trains(), lambda: M.it):
        with pytest.raises(
            AttributeError, match=r"values was made with record=False and has no '[it]'; it has v, count and num_spikes"
        ):
            read()


def test_times_or_elements_alone_are_had_by_asking_for_them():
    G = spiking()
    full, times, elements = (
        eq.SpikeMonitor(G),
        eq.SpikeMonitor(G, ["t", "v"], record=False),
        eq.SpikeMonitor(G, "i", record=False),
    )
    network = eq.Network(G, full, times, elements)
    network.run(2 * ms)
    network.store()
    network.run(1 * ms)
    network.restore()
    network.run(1 * ms)
    np.testing.assert_array_equal(times.t, full.t)
    np.testing.assert_array_equal(elements.i, full.i)
    assert times.count.tolist() == elements.count.tolist() == [3, 6] and len(times.v) == 9
    with pytest.raises(AttributeError, match="has no 'i'; it has t, v, count"):
        times.i  # noqa: B018
    with pytest.raises(AttributeError, match="has no 't'; it has i, count"):
        elements.binned_rate(1 * ms)


def test_states_of_synapses_are_had_with_those_of_their_neurons_and_the_time():
    a = eq.NeuronGroup(3, "v : volt\nx : 1")
    b = eq.NeuronGroup(2, "y : 1\ns : 1 (shared)")
    links = eq.Synapses(a, b, "w : 1")
    links.connect(i=[0, 2, 2], j=[1, 0, 1])
    a.v, b.y, b.s, links.w = [1, 2, 3] * eq.mV, [5, 6], 7, "i + 10*j"
    eq.Network(a, b, links).run(1 * eq.ms)
    found = links.get_states(["w", "v_pre", "y_post", "s_post", "i", "t", "dt"], units=False)
    assert {k: np.ravel(v).tolist() for k, v in found.items()} == {
        "w": [10, 2, 12],
        "v_pre": [0.001, 0.003, 0.003],
        "y_post": [6, 5, 6],
        "s_post": [7],
        "i": [0, 2, 2],
        "t": [0.001],
        "dt": [0.0001],
    }
    assert str(links.get_states(["v_pre"])["v_pre"][1]) == "3. mV"
    assert links.t == 1 * eq.ms and {"t", "dt", "t_in_timesteps"} <= set(links.get_states())
    links.set_states({"y_post": [1, 2, 3]})
    assert b.y[:].tolist() == [2, 3]
    with pytest.raises(eq.EqsnnError, match="no variable or attribute 'z_post'"):
        links.get_states(["z_post"])
