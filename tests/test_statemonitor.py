"""StateMonitors beyond Brian 2: each n-th step, a window, narrower types, and files; and how wrong input is refused."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms, mV


@pytest.fixture(autouse=True, params=["c", "numpy"])
def backend(request):
    eq.settings.backend = request.param


def decay(n=5):
    G = eq.NeuronGroup(
        n, "dv/dt = -v/(5*ms) : volt\nu = v*2 + i*mV : volt\nb : boolean\nk : integer", method="exact", name="cells"
    )
    G.v = "(1 + i)*mV"
    G.b = "i % 2 == 1"
    G.k = "100*i"
    return G


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        (dict(every=4), range(0, 40, 4)),
        (dict(every=7, start=0.5 * ms), range(5, 40, 7)),
        (dict(start=1 * ms, stop=1.5 * ms), range(10, 15)),
        (dict(every=3, start=0.95 * ms, stop=3.71 * ms), range(10, 38, 3)),
        (dict(stop=1 * ms), range(10)),
        (dict(start=9 * ms), range(0)),
        (dict(every=3, dt=0.2 * ms), range(0, 40, 6)),
    ],
)
def test_windows_and_every_nth_step(options, steps):
    G = decay()
    everything, some = eq.StateMonitor(G, ["v", "u"]), eq.StateMonitor(G, ["u", "v"], record=[3, 1], **options)
    network = eq.Network(G, everything, some)
    for length in (0.7, 1.1, 0, 2.2):
        network.run(length * ms)
    steps = list(steps)
    np.testing.assert_array_equal(some.v, everything.v[[3, 1]][:, steps])
    np.testing.assert_array_equal(some.u, everything.u[[3, 1]][:, steps])
    np.testing.assert_allclose(some.t / ms, np.array(steps) * 0.1, atol=1e-12)
    assert len(steps) == some.N


def test_narrower_types_hold_what_fits():
    G = decay()
    M = eq.StateMonitor(G, ["v", "b", "k", "u"], dtype={"v": np.float32, "k": "i2"})
    wide = eq.StateMonitor(G, ["v", "b", "k"])
    eq.Network(G, M, wide).run(1 * ms)
    assert (M.v_.dtype, M.b.dtype, M.k.dtype, M.u_.dtype) == (np.float32, bool, np.int16, np.float64)
    np.testing.assert_array_equal(M.v_, wide.v_.astype(np.float32))
    assert M.b[:, 3].tolist() == [False, True, False, True, False] and np.array_equal(M.k, wide.k)


def test_files_hold_the_same_values_and_go_on_in_a_second_run(tmp_path):
    G = decay()
    V = eq.StateMonitor(G, ["v", "u"], record=[4, 0, 2], file=tmp_path / "trace.npy", dtype={"u": "f4"})
    plain = eq.StateMonitor(G, ["v", "u"], record=[4, 0, 2])
    network = eq.Network(G, V, plain)
    network.run(1 * ms)
    first = V.v
    network.run(2 * ms)
    assert first.shape == (3, 10) and isinstance(V.v_, np.memmap) and V.v.dim == mV.dim
    np.testing.assert_array_equal(V.v_, plain.v_)
    np.testing.assert_array_equal(V.u_, plain.u_.astype("f4"))
    np.testing.assert_array_equal(V[2].v, plain[2].v)
    saved = np.load(tmp_path / "trace_v.npy", mmap_mode="r")
    assert saved.shape == (30, 3) and np.array_equal(saved.T, plain.v_)
    assert np.load(tmp_path / "trace_u.npy").dtype == np.float32
    V.record_single_timestep()
    assert np.array_equal(V.v_[:, -1], np.asarray(G.v)[[4, 0, 2]]) and V.t[-1] / ms == pytest.approx(3)


def test_another_backend_goes_on_where_the_first_stopped(tmp_path):
    G = eq.NeuronGroup(2, "dv/dt = 1/ms : 1", threshold="v > 0.45", reset="v = 0", method="euler")
    V, W = eq.StateMonitor(G, "v"), eq.StateMonitor(G, "v", file=tmp_path / "w.npy")
    S = eq.SpikeMonitor(G, "v")
    network = eq.Network(G, V, W, S)
    for chosen in ("c", "numpy", "c"):
        eq.settings.backend = chosen
        network.run(1 * ms)
    expected = np.arange(30) % 5 * 0.1
    np.testing.assert_allclose(V.v[1], expected)
    np.testing.assert_array_equal(V.v, W.v)
    np.testing.assert_allclose(S.t[::2] / ms, np.arange(4, 30, 5) * 0.1)
    np.testing.assert_allclose(S.v, 0.5)


def test_a_full_disk_is_an_error_of_the_run():
    G = decay(1000)
    M = eq.StateMonitor(G, "v")
    M.files = {"v": "/dev/full"}
    with pytest.raises(OSError, match="No space left on device"):
        eq.Network(G, M).run(100 * ms)


def test_random_subexpressions_go_on_in_a_second_run():
    def values():
        eq.seed(3)
        G = eq.NeuronGroup(3, "z = rand() : 1 (constant over dt)")
        A, B = eq.StateMonitor(G, "z"), eq.StateMonitor(G, "z")
        network = eq.Network(G, A, B)
        network.run(1 * ms)
        network.run(1 * ms)
        assert len(np.unique(A.z)) == 60 and np.array_equal(A.z, B.z)
        return A.z

    np.testing.assert_array_equal(values(), values())


def test_a_subexpression_recorded_by_another_clock_has_the_dt_of_its_group():
    G = eq.NeuronGroup(1, "x = dt/ms + t/ms : 1\nn = t_in_timesteps : integer")
    M = eq.StateMonitor(G, ["x", "n"], record=0, dt=0.5 * ms)
    eq.Network(G, M).run(2 * ms)
    np.testing.assert_allclose(M.x[0], 0.1 + np.arange(4) * 0.5)
    assert M.n[0].tolist() == [0, 5, 10, 15]


def test_synapses_may_be_recorded_with_what_belongs_to_their_neurons():
    G = decay(3)
    S = eq.Synapses(G, G, "w : volt\ny = w + v_post*N_incoming + i*mV + j*0.1*mV : volt")
    S.connect("i <= j")
    S.w = "j*1*mV"
    M = eq.StateMonitor(S, "y", record=S[0, :])
    V = eq.StateMonitor(G, "v")
    eq.Network(G, S, M, V).run(1 * ms)
    j = np.arange(3)
    expected = j[:, None] * mV + V.v * (j + 1)[:, None] + j[:, None] * 0.1 * mV
    np.testing.assert_allclose(M.y / mV, expected / mV)
    np.testing.assert_array_equal(M[S["i == 0 and j == 2"]].y, M.y[2:])
    late = eq.StateMonitor(S, "w", record=True)
    S.connect(i=2, j=0)
    assert len(late.record) == 6 and len(S) == 7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(variables="w"), "'cells' has no variable 'w' to record; it has"),
        (dict(variables=5), "records a variable by its name, several in a list, or True; got 5"),
        (dict(variables=["v", 5]), "got 5 among them"),
        (dict(every=0), "every= is a number of steps, 1 or more; got 0"),
        (dict(every=2.5), "every= is a number of steps"),
        (dict(start=3), "start= must be a time"),
        (dict(start=2 * ms, stop=1 * ms), "stop= must lie after start="),
        (dict(start=-1 * ms), "start= cannot be negative"),
        (dict(dtype=np.int32), "'v' is a real number and cannot be stored as int32"),
        (dict(variables="k", dtype=np.float32), "'k' is an integer and cannot be stored as float32"),
        (dict(dtype=np.float16), "a record holds float64, float32"),
        (dict(file="trace.txt"), "file= is the name of a npy file"),
        (dict(file="/no/such/place/trace.npy"), "which does not exist"),
        (dict(file="trace.npy", record=False), "there is nothing to write to a file"),
        (dict(record=9), "cells has 5 elements; index 9 is out of range"),
        (dict(record=[1.5]), "indexed by integers"),
        (dict(clock=eq.Clock(1 * ms), dt=1 * ms), "give dt= or clock="),
    ],
)
def test_wrong_options_are_refused_by_name(options, message):
    with pytest.raises((eq.EqsnnError, IndexError)) as error:
        eq.StateMonitor(decay(), **{"variables": "v", **options})
    assert message in str(error.value)


def close_times():
    G = decay()
    eq.Network(G, eq.StateMonitor(G, "v", clock=eq.EventClock([1, 1.0000001] * ms))).run(1 * ms)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: eq.EventClock([1, 2]), "times of an EventClock must be times"),
        (lambda: eq.EventClock([1, 2, 1] * ms), "the times of an EventClock differ; 1 ms is given twice"),
        (lambda: eq.EventClock([-1, 2] * ms), "must be finite and not negative"),
        (lambda: eq.NeuronGroup(1, "v : 1", clock=eq.EventClock([1] * ms)), "an EventClock is for monitors of states"),
        (lambda: eq.EventClock([1] * ms).dt, "ticks at given times and has no time step"),
        (lambda: close_times(), "ticks at 1 ms and 1.0000001 ms, closer than a 10000th of the time step"),
    ],
)
def test_wrong_clocks_are_refused_by_name(wrong, message):
    with pytest.raises(eq.EqsnnError) as error:
        wrong()
    assert message in str(error.value)


def test_a_record_of_two_time_steps_has_no_rate_in_bins():
    G = eq.NeuronGroup(2, "v : 1", threshold="v > 1")
    R = eq.PopulationRateMonitor(G)
    network = eq.Network(G, R)
    network.run(1 * ms)
    eq.defaultclock.dt = 0.2 * ms
    network.run(1 * ms)
    assert len(R.t) == 15
    with pytest.raises(eq.EqsnnError, match=r"needs one time step, and this has recorded with 0.1 ms, 0.2 ms"):
        R.smooth_rate("flat", 1 * ms)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda R: R.smooth_rate("flat"), "needs width="),
        (lambda R: R.smooth_rate("flat", 3), "width must be a time"),
        (lambda R: R.smooth_rate("flat", 0 * ms), "width must be positive"),
        (lambda R: R.smooth_rate([1, 2]), "one dimension and odd length"),
        (lambda R: R.smooth_rate([1, 2, 1], 1 * ms), "width= belongs to a window given by name"),
        (lambda R: R.binned_rate(0.15 * ms), "bin_size must be a multiple of dt = 0.1 ms"),
        (lambda R: R.binned_rate(5), "bin_size must be a time"),
        (lambda R: R.get_states(["speed"]), "has no 'speed' to give; it has rate, t, N"),
        (lambda R: R.get_states(format="xml"), "is 'dict' or 'pandas'; got 'xml'"),
    ],
)
def test_wrong_questions_are_refused_by_name(wrong, message):
    R = eq.PopulationRateMonitor(eq.NeuronGroup(2, "v : 1", threshold="v > 1"))
    with pytest.raises(eq.EqsnnError) as error:
        wrong(R)
    assert message in str(error.value)


def test_a_view_names_the_element_that_is_missing():
    M = eq.StateMonitor(decay(), "v", record=[1, 3])
    with pytest.raises(IndexError, match="does not record element 2; it records 1, 3"):
        M[2]
    with pytest.raises(eq.EqsnnError, match="can be recorded once the monitor has run"):
        M.record_single_timestep()


def test_threads_and_blocks_do_not_change_what_is_recorded(backend):
    def recorded():
        G = decay(50)
        H = eq.NeuronGroup(
            50, "dv/dt = (1 + i*0.02)/ms : 1\ny = v*v + i : 1", threshold="y > i + 0.9", reset="v = 0", method="euler"
        )
        M = eq.StateMonitor(G, "u", record=[31, 3, 44, 17])
        S = eq.SpikeMonitor(H[5:40], "y")
        eq.Network(G, H, M, S).run(3 * ms)
        return M.u_, S.i, S.y

    alone = recorded()
    eq.settings.threads, eq.settings.neurons_per_block = 3, 1
    for a, b in zip(alone, recorded()):
        np.testing.assert_array_equal(a, b)
    assert len(alone[1]) and np.all(alone[2] > alone[1] + 0.9)
