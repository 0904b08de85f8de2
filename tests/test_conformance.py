"""What scripts for Brian 2 rely on and a reader of its documentation would not look for: each with the reason why it matters."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import brian
from eqsnn.brian import Hz, ms, mV, second


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_an_integer_variable_holds_a_sum_of_integers(backend):
    eq.settings.backend = backend
    G = brian.NeuronGroup(3, "n : integer\nx : 1")
    S = brian.Synapses(G, G, "k : integer\nn_post = k + i : integer (summed)\nx_post = k : integer (summed)")
    S.connect()
    S.k = "10*j"
    brian.run(0.1 * ms)
    assert list(G.n) == [3, 33, 63] and list(G.x) == [0, 30, 60]


def test_an_integer_variable_holds_no_sum_of_floats():
    G = brian.NeuronGroup(3, "n : integer\nb : boolean")
    with pytest.raises(eq.EquationError, match="'n' of the target group is integer and cannot hold this sum"):
        brian.Synapses(G, G, "k : 1\nn_post = k : 1 (summed)")
    with pytest.raises(eq.EquationError, match="'b' of the target group is boolean and cannot hold this sum"):
        brian.Synapses(G, G, "k : boolean\nb_post = k : boolean (summed)")


def test_without_a_method_a_variable_without_a_fixed_point_makes_the_system_euler():
    """Brian 2 finds no solution of A x = b there, and takes Euler for all variables of the group."""
    G = brian.NeuronGroup(1, "dv/dt = rate : 1\nrate : Hz\ndA/dt = -A/(1*ms) : 1")
    H = brian.NeuronGroup(1, "dv/dt = (rate - v)/(1*ms) : 1\nrate : 1\ndA/dt = (v - A)/(1*ms) : 1")
    K = brian.NeuronGroup(1, "dv/dt = 1/ms : 1\ndA/dt = -A/(1*ms) : 1", method="exact")
    G.A = K.A = 1
    H.v = 1
    net = brian.Network(G, H, K)
    net.run(0.1 * ms)
    assert G.A[0] == pytest.approx(0.9, rel=1e-14)
    assert K.A[0] == H.v[0] == pytest.approx(np.exp(-0.1), rel=1e-14)
    assert "'v' has no single fixed point" in net.messages[0]


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_functions_are_looked_up_at_each_run(backend):
    """A TimedArray may be made after the group that calls it, and another may take its name between two runs."""
    eq.settings.backend = backend
    G = brian.NeuronGroup(2, "x = stimulus(t) + i + ta(t)*0 : 1\nv : 1")
    S = brian.Synapses(G, G, "v_post = x_pre : 1 (summed)")
    S.connect(j="i")
    H = brian.NeuronGroup(1, "w : 1")
    H.run_regularly("w = stimulus(t)*scale(1.0)")
    M = brian.StateMonitor(G, ["x", "v"], record=True)
    ta = brian.TimedArray([0, 0], dt=1 * ms)  # noqa: F841 (not taken for a slip of 'tan')
    scale = brian.Function(lambda x: x + 1, arg_units=[1], return_unit=1)
    stimulus = brian.TimedArray([1, 2], dt=0.1 * ms)
    brian.run(0.2 * ms)
    assert H.w[0] == 4
    stimulus = brian.TimedArray([10, 20, 30, 40, 50], dt=0.1 * ms)
    scale = brian.Function(lambda x: x + 2, arg_units=[1], return_unit=1)  # noqa: F841
    brian.run(0.2 * ms)
    assert H.w[0] == 120
    np.testing.assert_array_equal(M.x, [[1, 2, 30, 40], [2, 3, 31, 41]])
    np.testing.assert_array_equal(M.v, [[0, 1, 2, 30], [0, 2, 3, 31]])
    del stimulus
    brian.run(0.1 * ms)  # what no longer has the name stays what it was
    assert H.w[0] == 150


def test_a_function_that_never_comes_is_named_at_the_run():
    G = brian.NeuronGroup(1, "dv/dt = stimulus(t)/ms : 1")
    with pytest.raises(
        eq.EquationError, match=r"the function 'stimulus' is not known\n  in the equations:\n    dv/dt = stim"
    ):
        brian.Network(G).run(1 * ms)
    with pytest.raises(
        eq.EquationError, match="the function 'expp' is not known"
    ):  # a slip of the pen is found at once
        brian.NeuronGroup(1, "dv/dt = expp(v)/ms : 1")


def test_exponential_euler_holds_what_is_not_linear():
    """-v is solved, exp(v) stays what it is at the start of the step, as in Brian 2."""
    G = brian.NeuronGroup(1, "dv/dt = (-v + 2*exp(v - 1) + 1)/(10*ms) : 1", method="exponential_euler")
    G.v = 0.1
    brian.run(0.1 * ms)
    b = 2 * np.exp(0.1 - 1) + 1
    assert G.v[0] == pytest.approx(0.1 * np.exp(-0.01) + b * (1 - np.exp(-0.01)), rel=1e-14)
    for rest in ("v**3", "exp(v)", "v - v**2"):
        H = brian.NeuronGroup(1, f"dv/dt = (1 - {rest})/ms : 1", method="exponential_euler")
        with pytest.raises(eq.EquationError, match="the equation of 'v' is not linear in 'v'"):
            brian.Network(H).run(1 * ms)


def test_a_sum_into_a_part_of_a_group_has_the_place_that_brian_gives_it():
    """A subgroup has the order after that of its group: there the sum comes after the equations, by its name; for a whole group before."""
    G = brian.NeuronGroup(2, "ds/dt = 10/ms : 1\na : 1\nb : 1", method="euler", name="cells")
    whole = brian.Synapses(G, G, "a_post = s_pre : 1 (summed)")
    part = brian.Synapses(G, G[:1], "b_post = s_pre : 1 (summed)")
    early = brian.NeuronGroup(2, "ds/dt = 10/ms : 1\nb : 1", method="euler", name="z")
    before = brian.Synapses(early, early[:1], "b_post = s_pre : 1 (summed)", name="a")
    for S in (whole, part, before):
        S.connect(i=1, j=0)
    brian.run(0.1 * ms)
    assert (G.a[0], G.b[0], early.b[0]) == (0, 1, 0)


def test_values_with_units_are_written_to_files_of_numpy(tmp_path):
    values = [1, 2.5] * mV
    np.save(tmp_path / "a.npy", values)
    np.savez(tmp_path / "b.npz", x=values, y=3)
    np.savez_compressed(tmp_path / "c.npz", x=values)
    np.savetxt(tmp_path / "d.txt", values)
    with np.load(tmp_path / "b.npz") as b, np.load(tmp_path / "c.npz") as c:
        for found in (np.load(tmp_path / "a.npy"), b["x"], c["x"], np.loadtxt(tmp_path / "d.txt")):
            np.testing.assert_allclose(found, [1e-3, 2.5e-3], rtol=1e-15)


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_a_constant_of_the_namespace_may_be_an_integer(backend):
    eq.settings.backend = backend
    G = brian.NeuronGroup(6, "j = i % n : integer\nk = i + n : integer (constant over dt)")
    n = 3
    M = brian.StateMonitor(G, ["j", "k"], record=True)
    assert len(M) == 0
    net = brian.Network(G, M)
    net.run(0.1 * ms)
    assert (
        list(M.j[:, 0]) == [0, 1, 2, 0, 1, 2] and list(M.k[:, 0]) == [3, 4, 5, 6, 7, 8] and list(G.j) == list(M.j[:, 0])
    )
    assert len(M) == 1
    n = 2.5  # noqa: F841
    with pytest.raises(eq.EquationError, match="'j' is declared integer, and this is not"):
        net.run(0.1 * ms)


def test_connect_reads_subexpressions_of_both_sides_and_of_the_synapses():
    G = brian.NeuronGroup(6, "q = i % 3 : integer\nu = q + 1 : integer")
    for condition, wanted in (
        ("distance <= 1", [(i, j) for i in range(6) for j in range(6) if abs(i - j) <= 1]),
        ("mine == q_post", [(i, j) for i in range(6) for j in range(6) if i % 3 == j % 3]),
        ("u_pre == q_post", [(i, j) for i in range(6) for j in range(6) if i % 3 + 1 == j % 3]),
    ):
        S = brian.Synapses(G, G, "distance = abs(i - j) : 1\nmine = q_pre : integer\nw : 1")
        S.connect(condition)
        assert list(zip(S.i, S.j)) == wanted
    part = brian.Synapses(G[2:5], G)
    part.connect("q_pre == q_post and j > 2")  # what a neuron has of itself is counted in the whole group
    assert list(zip(part.i, part.j)) == [(0, 5), (1, 3), (2, 4)]
    with pytest.raises(eq.EquationError, match="'w' belongs to the synapses"):
        brian.Synapses(G, G, "w : 1\nz = 2*w : 1").connect("z > 3")


def test_a_shared_variable_is_one_value_however_it_is_read():
    G = brian.NeuronGroup(3, "f : Hz (shared)\ntwice = 2*f : Hz (shared)")
    G.f = 50 * Hz
    assert G.f[:] == 50 * Hz and G.twice[:] == 100 * Hz and G.twice == 100 * Hz and float(G.twice / Hz) == 100
    assert np.asanyarray(G.twice) == 100 * Hz and np.asarray(G.twice) == 100


def test_indices_of_spikes_may_be_whole_floats():
    G = brian.SpikeGeneratorGroup(2, np.zeros(3), [1, 2, 3] * ms)
    assert list(G.neuron_index) == [0, 0, 0]
    with pytest.raises(eq.EqsnnError, match="indices must be integers from 0 to 1"):
        brian.SpikeGeneratorGroup(2, [0, 0.5], [1, 2] * ms)


def test_a_unit_is_found_in_a_list_of_units():
    assert brian.volt in [second, Hz, brian.volt] and brian.volt not in [second, Hz]
    assert len({second, Hz, brian.second}) == 2


def test_a_device_can_be_built_with_its_options_again_and_again():
    brian.set_device("cpp_standalone", build_on_run=False, directory="output")
    try:
        for _ in range(2):
            brian.device.build(direct_call=False, **brian.device.build_options)
        assert brian.device.build_options == {"directory": "output"}
    finally:
        brian.set_device("runtime")


def test_what_views_and_inputs_say_of_themselves():
    G = brian.NeuronGroup(2, "dv/dt = -v/(10*ms) : volt (unless refractory)", threshold="v > 1*mV", refractory=2 * ms)
    assert G.v.unit == brian.volt and str(G.v.unit) == "V" and (G.i.unit == 1)
    assert brian.PoissonInput(G, "v", 5, 10 * Hz, 1 * mV).N == 5
    assert G[:1].source is G
    M = brian.StateMonitor(G, True, record=True)
    brian.run(0.2 * ms)
    assert M.not_refractory.shape == M.lastspike.shape == (2, 2) and M.not_refractory.all()


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_exact_solutions_of_coupled_equations_may_differ_by_the_number_of_the_element(backend):
    eq.settings.backend = backend
    G = brian.NeuronGroup(
        3, "dv/dt = (u - v)/tau : 1\ndu/dt = -u/(2*ms) : 1\ntau = (5 + i)*ms : second", method="exact"
    )
    P = brian.NeuronGroup(3, "x : second (constant)")
    P.x = "(2 + i)*ms"
    S = brian.Synapses(
        G,
        P,
        "da/dt = (b - a)/slow : 1 (clock-driven)\ndb/dt = -b/fast : 1 (clock-driven)\nslow = (5 + i + 2*j)*ms : second\nfast = x_post : second",
        method="exact",
    )
    S.connect(i=[2, 0, 1, 0], j=[0, 1, 2, 2])  # not in the order of rows
    G.u = S.b = 1
    brian.run(1 * ms)

    def driven(slow, fast):  # a' = (b - a)/slow, b' = -b/fast, after 1 ms
        return (np.exp(-1 / fast) - np.exp(-1 / slow)) / (1 - slow / fast)

    np.testing.assert_allclose(G.v, driven(5.0 + np.arange(3), 2.0), rtol=1e-12)
    i, j = np.asarray(S.i), np.asarray(S.j)
    np.testing.assert_allclose(S.a, driven(5.0 + i + 2 * j, 2.0 + j), rtol=1e-12)
