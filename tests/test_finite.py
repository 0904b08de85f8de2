"""NaN and infinity stop a run, wherever they are made: the error names the variable, the element and the time."""

import pytest

import eqsnn as eq
from eqsnn import Hz, ms


def clock(n=3, more=""):
    """Neurons that spike in the step at t = 1.9 ms."""
    return eq.NeuronGroup(
        n, f"dv/dt = 1/ms : 1\n{more}", threshold="v > 1.95", reset="v = 0", method="euler", name="cells"
    )


def in_a_reset():
    G = eq.NeuronGroup(
        5, "dv/dt = 1/ms : 1\nu : 1", threshold="v > 1.95", reset="v = 0; u = 1/(i - 3)", method="euler", name="cells"
    )
    return eq.Network(G), r"cells\.u\[3\] became infinite in the step at t = 1.9 ms \(dt = 0.1 ms\)"


def in_a_weight():
    G = clock()
    S = eq.Synapses(G, G, "w : 1", on_pre="w = log(w - 1)", name="syn")
    S.connect()
    S.w = "1 + int(i != 1)"
    return eq.Network(G, S), r"syn\.w\[3\] became infinite \(and 2 more\) in the step at t = 1.9 ms"


def in_an_event_driven_trace():
    G = clock()
    S = eq.Synapses(G, G, "da/dt = -a/(5*ms) : 1 (event-driven)\nw : 1", on_pre="a += 1/w", name="syn")
    S.connect(i=[0, 1, 2], j=[2, 1, 0])
    S.w = [1, 1, 0]
    return eq.Network(G, S), r"syn\.a\[2\] became infinite in the step at t = 1.9 ms"


def in_what_a_synapse_adds_to_a_parameter():
    G = clock(more="x : 1")
    S = eq.Synapses(G, G, "w : 1", on_pre="x_post += sqrt(w)", name="syn")
    S.connect(i=[0], j=[2])
    S.w = -1
    return eq.Network(G, S), r"cells\.x\[2\] became NaN in the step at t = 1.9 ms"


def in_what_a_synapse_adds_to_a_state():
    """The neuron's own update finds it, one step later."""
    G = clock()
    S = eq.Synapses(G, G, "w : 1", on_pre="v_post += sqrt(w)", name="syn")
    S.connect(i=[0], j=[2])
    S.w, G.v = -1, [0, 0, -9]
    return eq.Network(G, S), r"cells\.v\[2\] became NaN in the step at t = 2 ms"


def in_a_sum():
    G = clock(more="I : 1")
    S = eq.Synapses(G, G, "I_post = v_pre/(i - 1) : 1 (summed)", name="syn")
    S.connect(i=[1], j=[2])
    G.v = 0.1
    return eq.Network(G, S), r"cells\.I\[2\] became infinite in the step at t = 0 ms"


def in_the_input_of_a_poisson_input():
    G = clock(more="x : 1")
    return eq.Network(G, eq.PoissonInput(G, "x", 1000, 1000 * Hz, float("inf"))), (
        r"cells\.x\[0\] became infinite \(and 2 more\) in the step at t = 0 ms"
    )


def in_a_step_of_a_slow_clock():
    G = eq.NeuronGroup(2, "dv/dt = 1/ms : 1", method="euler", name="fast")
    H = eq.NeuronGroup(2, "dx/dt = x**2/ms : 1", method="euler", dt=1 * ms, name="slow")
    H.x = [0, 1e200]
    return eq.Network(G, H), r"slow\.x\[1\] became infinite in the step at t = 0 ms \(dt = 1 ms\)"


CASES = [f for name, f in list(globals().items()) if name.startswith("in_")]


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize("case", CASES, ids=lambda f: f.__name__)
def test_a_value_that_is_not_finite_stops_the_run(case, backend):
    eq.settings.backend = backend
    network, expected = case()
    with pytest.raises(eq.NotFiniteError, match=expected):
        network.run(10 * ms)
    assert 0 * ms < network.t < 3 * ms


def test_the_element_is_counted_as_the_user_counts():
    """Synapses may lie in another order inside (network/arrangement.py): here the first comes last."""
    G = clock()
    S = eq.Synapses(G, G, "w : 1", on_pre="w = 1/w", name="syn")
    S.connect(i=[0, 0, 0], j=[0, 1, 2])
    S.delay = [1, 0, 0.5] * ms
    S.w = [0, 1, 1]
    with pytest.raises(eq.NotFiniteError, match=r"syn\.w\[0\] became infinite in"):
        eq.Network(G, S).run(3 * ms)


def test_a_constant_that_was_infinite_before_is_not_blamed():
    G = eq.NeuronGroup(2, "limit : 1 (constant)\ndx/dt = x**2/ms : 1", method="euler", name="cells")
    G.limit, G.x = float("inf"), [0, 1e200]
    with pytest.raises(eq.NotFiniteError, match=r"cells\.x\[1\] became infinite"):
        eq.Network(G).run(1 * ms)


def test_the_compatible_face_warns_and_goes_on():
    import eqsnn.brian as b

    G = b.NeuronGroup(
        2, "dv/dt = 1/ms : 1\nu : 1", threshold="v > 1.95", reset="v = 0; u = 1/i", method="euler", name="cells"
    )
    network = b.Network(G)
    with pytest.warns(RuntimeWarning, match=r"cells\.u has NaN or infinite values"):
        network.run(5 * ms)
    assert network.t == 5 * ms
