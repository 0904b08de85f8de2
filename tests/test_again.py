"""device.run(): what a script did is done again, with other values, new random numbers, and in workers."""

import multiprocessing
import pickle

import numpy as np
import pytest

import eqsnn.brian as b2
from eqsnn.brian import ms
from eqsnn.errors import EqsnnError, UnitError


@pytest.fixture(autouse=True)
def standalone():
    b2.set_device("cpp_standalone", build_on_run=False)
    yield
    b2.set_device("runtime")


def test_parameters_take_new_values_and_a_seed_the_same_random_ones():
    b2.seed(111)
    G = b2.NeuronGroup(10, "dv/dt = -v/tau : 1\ntau : second (shared, constant)", method="exact")
    G.v = "rand()"
    M = b2.StateMonitor(G, "v", record=True)
    b2.run(10 * ms)
    first = G.v[:]  # with tau = 0 there is nothing to compare but the start
    b2.device.build(run=False)
    starts = [M.v[:, 0]]
    for tau in (5 * ms, 10 * ms):
        b2.device.run(run_args={G.tau: tau})
        starts.append(M.v[:, 0])
        assert np.allclose(G.v[:], M.v[:, 0] * np.exp(-10 * ms / tau), rtol=1e-12)
    assert len(first) == 10 and np.array_equal(starts[0], starts[1]) and np.array_equal(starts[0], starts[2])
    assert M.v.shape == (10, 100) and G.t == 10 * ms


def test_without_a_seed_values_noise_and_connections_are_drawn_anew():
    G = b2.NeuronGroup(30, "dv/dt = xi*ms**-0.5 : 1", threshold="v > 1", reset="v = 0", method="euler")
    G.v = "rand()"
    S = b2.Synapses(G, G, "w : 1", on_pre="v += 0*w")
    S.connect(p=0.3)
    S.w = "rand()"
    M = b2.StateMonitor(G, "v", record=True)
    b2.run(1 * ms)
    seen = [(len(S), *M.v[:3, 0], *M.v[:3, -1])]
    for _ in range(3):
        b2.device.run()
        assert len(S.w[:]) == len(S) and 0.1 < len(S) / 900 < 0.5
        seen.append((len(S), *M.v[:3, 0], *M.v[:3, -1]))
    assert len(set(seen)) == 4


def test_a_timed_array_has_other_values_for_one_time():
    stimulus = b2.TimedArray(np.zeros(10), dt=1 * ms)
    G = b2.NeuronGroup(2, "v = stimulus(t)*k : 1\nk : 1")
    G.k = "i + 1"
    M = b2.StateMonitor(G, "v", record=True, dt=1 * ms)
    network = b2.Network(G, M)
    network.run(10 * ms)
    values = np.arange(10.0)
    b2.device.run(run_args={stimulus: values, G.k: [1, 3]})
    assert np.array_equal(M.v, [values, 3 * values])
    b2.device.run()
    assert not M.v.any() and np.array_equal(G.k[:], [1, 2])
    with pytest.raises(EqsnnError, match=r"'timedarray.*' has values of shape \(10,\); got \(3,\)"):
        b2.device.run(run_args={stimulus: np.zeros(3)})
    with pytest.raises(UnitError, match="has values with unit 1"):
        b2.device.run(run_args={stimulus: np.zeros(10) * ms})


def test_values_can_be_put_where_others_follow_from_them_and_what_was_between_two_runs_is_done_again():
    G = b2.NeuronGroup(1, "dv/dt = k/second : 1\nk : 1\na : 1\nb : 1", method="euler")
    factor = 2
    G.a = 5
    b2.device.apply_run_args()
    G.b = "a*factor"
    factor = 3  # noqa: F841 (found by name: the step of before keeps 2)
    G.k = 10
    network = b2.Network(G)
    network.run(1 * ms)
    G.k *= 2
    network.run(1 * ms)
    assert G.v[0] == pytest.approx(0.03)
    b2.device.run(run_args={G.a: 7})
    assert (G.a[0], G.b[0], G.v[0], network.t) == (7, 14, pytest.approx(0.03), 2 * ms)
    with pytest.raises(EqsnnError, match="it is called once, and before the first run"):
        b2.device.apply_run_args()


def test_spikes_that_were_set_and_delays_are_there_again():
    source = b2.SpikeGeneratorGroup(2, [0], [1] * ms)
    G = b2.NeuronGroup(1, "v : 1")
    S = b2.Synapses(source, G, on_pre="v += i + 1")
    S.connect()
    S.delay = "(1 + i)*ms"
    network = b2.Network(source, G, S)
    network.run(3 * ms)
    source.set_spikes([0, 1], [3, 4] * ms)
    network.run(3 * ms)
    assert G.v[0] == 2  # the second spike of element 1 is on its way
    for start in (0, 10):
        b2.device.run(run_args={G.v: start})
        assert G.v[0] == start + 2


class Simulation:
    def __init__(self):
        G = b2.NeuronGroup(1, "dv/dt = -v/(10*ms) : 1", name="of_worker", method="exact")
        G.v = "rand()"
        M = b2.StateMonitor(G, "v", record=0, name="monitor_of_worker")
        self.network = b2.Network(G, M)
        self.network.run(1 * ms)
        b2.device.build(run=False)
        self.device = b2.get_device()

    def start(self, v):
        self.device.run(run_args={} if v is None else {self.network["of_worker"].v: v}, results_directory=f"result_{v}")
        return self.network["monitor_of_worker"].v[0][0]


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="workers are forked")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_workers_run_it_side_by_side():
    simulation = Simulation()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(simulation.start, [0.25, 0.5]) == [0.25, 0.5]
        assert len(set(pool.map(simulation.start, [None] * 4))) == 4


def test_an_object_goes_to_no_other_process(monkeypatch):
    G = b2.NeuronGroup(1, "v : 1", name="here")
    network = b2.Network(G)
    assert pickle.loads(pickle.dumps(G)) is G and pickle.loads(pickle.dumps(network)) is network
    sent = pickle.dumps(G)
    monkeypatch.setattr("eqsnn.network.base._PROCESS", b"another")
    with pytest.raises(EqsnnError, match="NeuronGroup 'here' is not in this process: it can be sent only to workers"):
        pickle.loads(sent)


def test_what_cannot_be_run_again_says_so():
    with pytest.raises(EqsnnError, match=r"there is nothing to run again: run\(\) has not been called"):
        b2.device.run()
    G = b2.NeuronGroup(1, "v : 1")
    b2.run(1 * ms)
    with pytest.raises(EqsnnError, match="values are given for variables, as G.v, and for TimedArrays; got 'v'"):
        b2.device.run(run_args={"v": 3})
    with pytest.raises(UnitError, match="'v' of .* has unit 1"):
        b2.device.run(run_args={G.v: 3 * ms})
    with pytest.raises(TypeError, match="run_args is a dict"):
        b2.device.run(run_args=[G.v])
    b2.set_device("runtime")
    with pytest.raises(EqsnnError, match=r"device.run\(\) is for set_device\('cpp_standalone'\)"):
        b2.device.run()


def test_procedural_synapses_are_refused():
    G = b2.NeuronGroup(4, "v : 1", threshold="v > 1", reset="v = 0")
    S = b2.Synapses(G, G, on_pre="v += 1", name="made")
    with pytest.raises(
        EqsnnError, match="made: a standalone device keeps what a script does, .* without procedural=True"
    ):
        S.connect(p=0.5, procedural=True)
