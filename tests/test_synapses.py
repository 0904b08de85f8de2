"""What synapses may say about each other, their delays, and what they do before and after connect()."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms, mV


@pytest.fixture(autouse=True)
def backend():
    eq.settings.backend = "c"


@pytest.mark.parametrize(
    ("model", "part"), [("I_post = J_pre : 1 (summed)", "J_pre"), ("z = 2*I : 1\nI_post = z : 1 (summed)", "z")]
)
def test_a_sum_does_not_read_what_it_adds_up(model, part):
    """Each synapse would read another part of the sum, and which part would depend on the order."""
    G = eq.NeuronGroup(3, "I : 1\nJ = 2*I : 1", threshold="I > 1")
    with pytest.raises(eq.EquationError, match="'I_post' sums into 'I', and reads it") as error:
        eq.Synapses(G, G[1:], model)
    assert f"I_post = {part}" in str(error.value)
    H = eq.NeuronGroup(3, "I : 1\nJ = 2*I : 1", threshold="I > 1")
    if "pre" in part:
        eq.Synapses(G, H, model)


def test_a_pathway_has_its_delay_by_its_name():
    G = eq.NeuronGroup(3, "v : 1", threshold="v > 1")
    S = eq.Synapses(G, G, "w : 1", on_pre="v += w", on_post={"up": "w += 1", "down": "w -= 1"}, delay={"down": 2 * ms})
    S.connect()
    S.pre.delay = "i*ms"
    S.pre.delay += 1 * ms
    S.up.delay[1:, 2] = 5 * ms
    np.testing.assert_allclose(S.delay / ms, [1, 1, 1, 2, 2, 2, 3, 3, 3])
    np.testing.assert_allclose(S.up.delay / ms, [0, 0, 0, 0, 0, 5, 0, 0, 5])
    assert np.all(S.down.delay == 2 * ms)
    assert repr(S.up) == f"<pathway 'up' of '{S.name}': at spikes of the target, w += 1>"
    assert S.events == {"pre": "spike", "up": "spike", "down": "spike"} and list(S.equations) == ["w"]
    with pytest.raises(
        eq.EquationError, match="'delay' is constant and cannot change.*\n.*\n.*\n.*\n  set the delays between two runs"
    ):
        eq.Synapses(G, G, on_pre="delay = 2*ms")
    with pytest.raises(AttributeError, match="has no pathway 'post'; it has pre, up, down"):
        S.post  # noqa: B018


def test_a_number_drawn_once_a_step_is_the_same_for_all_who_read_it():
    G = eq.NeuronGroup(50, "x = rand() : 1 (constant over dt)\ndu/dt = x/ms : 1\ndv/dt = -x/ms : 1", method="euler")
    P = eq.PoissonGroup(50, "rand()*2000*Hz")
    V, R = eq.StateMonitor(G, ["x", "u", "v"], record=True), eq.StateMonitor(P, "rates", record=True)
    eq.Network(G, P, V, R).run(3 * ms)
    np.testing.assert_array_equal(V.u, -V.v)
    np.testing.assert_allclose(np.diff(V.u), 0.1 * V.x[:, :-1], atol=1e-12)
    assert len(np.unique(V.x)) == V.x.size and np.mean(R.rates / eq.Hz) == pytest.approx(1000, rel=0.1)
    with pytest.raises(eq.EqsnnError, match="it is computed at the start of each step"):
        G.x = 1


ORDER = "may depend on the order in which synapses are treated"


@pytest.mark.parametrize(
    ("code", "variable"),
    [
        ("v_post += w", None),
        ("v_post = v_post*w; x = w", None),
        ("v_post += w*(E_post - v_post)", None),
        ("v_post = 0; u_pre += v_pre*w", None),
        ("x = v_post + u_pre; w = clip(w + x, 0, 1)", None),
        ("c_post += w", None),
        ("c_post *= w", None),
        ("v_post = w", "v_post"),
        ("x = 3*w; v_post = clip(v_post + x, 0, 1)", "v_post"),
        ("v_post += w*(w - v_post)", "v_post"),
        ("v_post += w; x = v_post", "x"),
        ("v_post += w; E_post += v_post", "E_post"),
        ("u_pre += 1; v_post += u_pre", "v_post"),
    ],
)
def test_what_depends_on_the_order_of_synapses_is_said_and_nothing_else(code, variable):
    A = eq.NeuronGroup(2, "u : 1\nv : 1", threshold="u > 9")
    model = "v : 1\nE : 1\ndc/dt = -c/ms : 1 (unless refractory)"
    B = eq.NeuronGroup(2, model, threshold="v > 9", refractory=1 * ms, method="exact")
    S = eq.Synapses(A, B, "w : 1\nx : 1", on_pre=code, name="syn*")
    S.connect()
    network = eq.Network(A, B, S)
    network.run(0 * ms)
    notices = [m for m in network.messages if ORDER in m]
    if variable is None:
        assert notices == []
    else:
        statement = next(s.strip() for s in reversed(code.split(";")) if s.strip().startswith(variable))
        assert notices == [
            f"{S.name}, on_pre: what '{statement}' makes of '{variable}' {ORDER} when several spikes arrive in one step"
        ]


def test_order_is_of_no_interest_where_synapses_share_nothing():
    A, B = (eq.NeuronGroup(3, "v : 1", threshold="v > 9") for _ in range(2))
    S = eq.Synapses(A, B, "w : 1", on_pre="v_post = w")
    S.connect(j="i")
    network = eq.Network(A, B, S)
    network.run(0 * ms)
    assert not any(ORDER in m for m in network.messages)
    S.connect(i=0, j=1)
    network.run(0 * ms)
    assert any(ORDER in m for m in network.messages)
    T = eq.Synapses(A, A, "w : 1", on_pre="v_post += w*v_pre", name="ring")
    T.connect(j="(i + 1) % N_post")
    network.add(T)
    network.run(0 * ms)
    assert [m[: m.index(":")] for m in network.messages if ORDER in m and "ring" in m] == ["ring, on_pre"]


def test_one_group_at_both_ends_is_the_same_for_all_backends_and_threads():
    """A spike reads at its source what another of the same step has written there."""
    found = []
    for backend, threads in (("numpy", 1), ("c", 1), ("c", 3)):
        eq.start_scope()
        eq.seed(3)
        eq.settings.backend, eq.settings.threads, eq.settings.synapses_per_block = backend, threads, 50
        P = eq.NeuronGroup(20, "q : 1", threshold="True")
        P.q = "rand()"
        S = eq.Synapses(P, P, "w : 1", on_pre="q_post += 0.01*w*q_pre")
        S.connect("i != j")
        S.w = "rand()"
        eq.Network(P, S).run(1 * ms)
        found.append(P.q[:])
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_a_pathway_says_what_it_is_and_where_it_stands():
    G = eq.NeuronGroup(3, "v : 1", threshold="v > 1")
    S = eq.Synapses(G, G, "w : 1", on_pre={"up": "v += w"}, on_post="w += 1", name="S")
    assert (S.up.order, S.up.when, S.up.prepost, S.up.event, S.up.name) == (-1, "synapses", "pre", "spike", "S_up")
    assert S.post.order == 1 and S.up.code == "v += w" and S.up.source is G and S.up.synapses is S
    S.up.order, S.up.when = 3, "after_resets"
    assert (S.up.order, S.up.when) == (3, "after_resets")
    with pytest.raises(AttributeError, match="delay, order and when can be set; got 'code'"):
        S.up.code = "v += 2"
    with pytest.raises(AttributeError, match="'up' is a pathway of S: set up.delay, up.order or up.when"):
        S.up = 3
    with pytest.raises(AttributeError, match="S has the pathways up, post, each with its delay: S.up.delay"):
        S.delay  # noqa: B018
    with pytest.raises(eq.EqsnnError, match="a pathway cannot be called 'w'"):
        eq.Synapses(G, G, "w : 1", on_pre={"w": "v += 1"})


def test_a_delay_for_all_is_one_value():
    G = eq.NeuronGroup(3, "v : 1", threshold="v > 1")
    S = eq.Synapses(G, G, "w = delay/ms : 1", on_pre="v += 1", delay=2 * ms)
    assert S.delay == 2 * ms
    S.connect(j="i")
    S.delay = "1*ms + 2*ms"
    assert S.delay == 3 * ms and S.w[:].tolist() == [3, 3, 3]
    for wrong in ("i*ms", "rand()*ms", [1, 2, 3] * ms):
        with pytest.raises(eq.EqsnnError, match="was made with one delay for all synapses"):
            S.delay = wrong


def test_values_before_there_are_synapses_are_refused():
    G = eq.NeuronGroup(3, "v : 1", threshold="v > 1")
    S = eq.Synapses(G, G, "w : 1\ns : 1 (shared)", on_pre="v += w", name="early")
    S.s = 3
    for name, value in (("w", 1), ("delay", 2 * ms)):
        with pytest.raises(eq.EqsnnError, match=f"'{name}' of early is set before there are synapses; call connect"):
            setattr(S, name, value)


def test_synapses_are_chosen_by_index_subgroup_and_condition():
    G = eq.NeuronGroup(6, "x : 1", threshold="x > 9")
    G.x = "i"
    S = eq.Synapses(G, G[2:], "w : 1", on_pre="x_post += w", multisynaptic_index="k")
    S.connect("i != j", n=2)
    S.w = "100*i + 10*j + k"
    assert S.w[2, 3].tolist() == [230, 231] and S.w[2, 3, 1].tolist() == [231] and S.w[-1, 0, [1]].tolist() == [501]
    assert S.w[1, :, 0].tolist() == [100, 120, 130] and S.w[G[4:], G[3:4], 0].tolist() == [410, 510]
    assert S.w["x > 4", 0].tolist() == [500, 501] and S.w[np.arange(6) > 4, 0, 5].tolist() == []
    part = S["i == 5 and k == 0"]
    assert part.i.tolist() == [5] * 4 and part.j.tolist() == [0, 1, 2, 3] and len(part) == 4
    S.w[part] = -1
    assert S.w[part].tolist() == [-1] * 4 and repr(part) == f"<4 of the 40 synapses of '{S.name}'>"
    with pytest.raises(IndexError, match="j = 4 is out of range; .* has 4 elements"):
        S.w[0, 4]
    with pytest.raises(
        IndexError, match=r"needs the number of each synapse of a pair: make it with multisynaptic_index"
    ):
        eq.Synapses(G, G)[0, 0, 0]
    with pytest.raises(eq.EqsnnError, match="it numbers the synapses of each pair"):
        S.k = 1
    with pytest.raises(eq.EqsnnError, match="is no part of"):
        S.w[:, G[:2]]


def test_synapses_read_what_is_two_steps_away():
    """A subexpression of synapses that are connected reads their own neurons, indices, counts, constants and functions."""
    late = 7
    table = eq.TimedArray([1.0, 2.0], dt=1 * ms)
    A, B = eq.NeuronGroup(3, "a : 1\nb : boolean", threshold="a > 99"), eq.NeuronGroup(2, "c : 1\ng = late*i : 1")
    A.a, A.b, B.c = "i + 1", "i != 1", "10*(i + 1)"
    S = eq.Synapses(
        A, B[0:], "w : 1\nu = w + a_pre*int(b_pre) + c_post + 100*i + 1000*j + N_incoming + table(t) + g_post : 1"
    )
    S.connect("i + j > 0")
    S.w = 0.5
    C = eq.NeuronGroup(1, "total : 1\nd : 1")
    T = eq.Synapses(S, C, "y = u_pre + i_pre + N_post : 1\ntotal_post = y : 1 (summed)", on_pre=None)
    T.connect()
    U = eq.Synapses(T, C, "z = y_pre : 1\nd_post = z : 1 (summed)")
    U.connect()
    V = eq.StateMonitor(T, "y", record=True)
    found, network = {}, eq.Network(A, B, S, C, T, U, V)
    for backend in ("numpy", "c"):
        eq.settings.backend = backend
        network.run(0.1 * ms)
        found[backend] = C.total[0], C.d[0]
    i, j = S.i[:], S.j[:]
    u = 0.5 + (i + 1) * (i != 1) + 10 * (j + 1) + 100 * i + 1000 * j + np.bincount(j)[j] + 1 + 7 * j
    np.testing.assert_allclose(S.u[:], u)
    np.testing.assert_allclose(T.y[:], u + i + 1)
    np.testing.assert_allclose(V.y[:, 0], u + i + 1)
    assert found["numpy"] == found["c"] and found["c"] == pytest.approx((sum(u + i + 1), sum(u + i + 1)))
    assert late == 7 and table is not None


def test_synapses_emit_no_spikes():
    G = eq.NeuronGroup(2, "v : 1", threshold="v > 1")
    S = eq.Synapses(G, G, "w : 1", name="inner")
    with pytest.raises(eq.EqsnnError, match="on_pre waits for spikes of the source 'inner', and synapses emit none"):
        eq.Synapses(S, G, on_pre="v += 1")
    with pytest.raises(eq.EqsnnError, match="on_post waits for spikes of the target 'inner'"):
        eq.Synapses(G, S, on_post="v_pre += 1")
    with pytest.raises(eq.EqsnnError, match="must be a group of neurons or other synapses; got 3"):
        eq.Synapses(G, 3)


def test_event_driven_variables_follow_parameters_that_rest():
    P = eq.SpikeGeneratorGroup(1, [0, 0], [0, 4] * ms)
    G = eq.NeuronGroup(2, "tau : second\nx0 : 1\nrate = 1/tau : Hz")
    G.tau, G.x0 = [2, 5] * ms, [0, 3]
    S = eq.Synapses(P, G, "dx/dt = (x0_post - x)*rate_post : 1 (event-driven)", on_pre="x += 1")
    S.connect()
    network = eq.Network(P, G, S)
    network.run(5 * ms)
    for k, (tau, x0) in enumerate(((2, 0), (5, 3))):
        assert S.x[k] == pytest.approx(x0 + (1 - x0) * np.exp(-4 / tau) + 1, rel=1e-12)
    writer = eq.Synapses(P, G, on_pre="x0_post += 1")
    writer.connect()
    with pytest.raises(eq.EquationError, match="the equation of 'x' depends on 'x0_post', which changes between them"):
        network.add(writer)
        network.run(1 * ms)


def test_what_goes_first_does_not_depend_on_what_else_was_made():
    """Unnamed objects go by their number within the network, as Brian 2's in a fresh process: synapses_1_pre is before synapses_pre."""
    kept = []
    for _ in range(12):
        G = eq.NeuronGroup(1, "v : 1", threshold="t < 0.05*ms")
        H = eq.NeuronGroup(1, "x : 1")
        S, T = eq.Synapses(G, H, on_pre="x_post = 2*x_post + 1"), eq.Synapses(G, H, on_pre="x_post = 3*x_post")
        S.connect()
        T.connect()
        H.x = 1
        network = eq.Network(G, H, S, T)
        network.run(0.1 * ms)
        kept.append(network)
        assert H.x[0] == 7
        pathways = [e.name for e in network.scheduling_summary().entries if e.kind == "SynapticPathway"]
        assert pathways == [f"{T.name}_pre", f"{S.name}_pre"]


def test_variables_of_the_ends_read_as_attributes():
    G, H = eq.NeuronGroup(3, "x : volt\ns : 1 (shared)"), eq.NeuronGroup(4, "y : 1")
    G.x, H.y = "i*mV", "10*i"
    S = eq.Synapses(G[1:], H)
    S.connect(i=[0, 1, 1], j=[3, 0, 2])
    np.testing.assert_allclose(S.x_pre / mV, [1, 2, 2])
    np.testing.assert_allclose(S.y_post[:], [30, 0, 20])
    np.testing.assert_allclose(S.x_pre_["j > 0"], [1e-3, 2e-3])
    S.y_post = "i + 1"
    np.testing.assert_allclose(H.y, [2, 10, 2, 1])
    G.s = 3
    assert S.s_pre == 3
    with pytest.raises(AttributeError, match="no variable or attribute 'z_pre'"):
        S.z_pre  # noqa: B018
