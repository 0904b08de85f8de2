"""A trial is what the network would do alone with that trial's random numbers, bit for bit, whatever else runs beside it."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from models import MODELS
from random_models import random_case

import eqsnn as eq
from eqsnn import Hz, ms, mV
from eqsnn.network.base import registry

NUMBERS = (0, 1, 5)
PIECES = (70, 130, 10)


def started(make, backend="c", threads=1, seed=7):
    eq.settings.backend, eq.settings.threads = backend, threads
    eq.settings.neurons_per_block, eq.settings.synapses_per_block = 16, 32
    eq.start_scope()
    eq.seed(seed)
    return make()


def alone(make, number, before=0, **options):
    """The outcome of an ordinary run on the random streams of a trial."""
    case = started(make, **options)
    if before:
        case.network.run(before * 0.1 * ms)
    registry.trial = number
    try:
        for steps in PIECES:
            case.network.run(steps * 0.1 * ms)
        return [x.copy() for x in case.outcome()]
    finally:
        registry.trial = 0


def among_others(make, before=0, **options):
    case = started(make, **options)
    if before:
        case.network.run(before * 0.1 * ms)
    untouched = [x.copy() for x in case.outcome()]
    trials = eq.Trials(case.network, NUMBERS)
    for steps in PIECES:
        trials.run(steps * 0.1 * ms)
    found = []
    for trial in trials:
        with trial:
            found.append([x.copy() for x in case.outcome()])
    assert same(untouched, case.outcome()), "the network itself has changed"
    return found


def same(a, b):
    return len(a) == len(b) and all(x.shape == y.shape and np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", MODELS)
def test_each_trial_is_its_own_single_run(name, threads):
    found = among_others(MODELS[name], threads=threads)
    for number, outcome in zip(NUMBERS, found):
        assert same(outcome, alone(MODELS[name], number)), f"trial {number}"


@pytest.mark.parametrize("name", ["stdp", "driven", "noisy", "astrocytes"])
def test_on_the_interpreter_too(name):
    found = among_others(MODELS[name], backend="numpy", threads=2)
    assert same(found[2], alone(MODELS[name], NUMBERS[2], backend="numpy"))
    assert same(found[2], alone(MODELS[name], NUMBERS[2], backend="c"))


@pytest.mark.parametrize("name", ["stdp", "driven", "cuba"])
def test_trials_may_begin_in_the_middle_of_a_simulation(name):
    """With spikes on their way and records that go on."""
    found = among_others(MODELS[name], before=93, threads=2)
    for number, outcome in zip(NUMBERS, found):
        assert same(outcome, alone(MODELS[name], number, before=93)), f"trial {number}"


@pytest.mark.parametrize("seed", range(12))
def test_random_networks(seed):
    found = among_others(lambda: random_case(seed), threads=2)
    assert same(found[1], alone(lambda: random_case(seed), NUMBERS[1]))


def poisson():
    P = eq.PoissonGroup(20, 200 * Hz)
    G = eq.NeuronGroup(20, "dv/dt = -v/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact")
    S = eq.Synapses(P, G, "w : 1", on_pre="v += w")
    S.connect(p=0.5)
    S.w = 0.3
    S.delay = "rand()*3*ms"
    M = eq.SpikeMonitor(G)
    return P, G, S, M, eq.Network(P, G, S, M)


def test_trials_differ_from_each_other_and_the_first_is_the_plain_run():
    eq.settings.backend = "c"
    _, _, _, M, net = poisson()
    trials = eq.Trials(net, 4)
    trials.run(100 * ms)
    spikes = trials.each(lambda: np.bincount(M.i, minlength=20))["value"]
    assert spikes.shape == (4, 20) and len({tuple(s) for s in spikes}) == 4
    net.run(100 * ms)
    assert np.array_equal(M.count, spikes[0])


def test_one_trial_alone_is_the_same_as_among_others():
    def spikes(trials):
        eq.start_scope()
        eq.seed(3)
        eq.settings.backend = "c"
        _, _, _, M, net = poisson()
        found = eq.Trials(net, trials)
        found.run(50 * ms)
        with found[7]:
            return np.array(M.i), np.array(M.t_)

    assert same(spikes(9), spikes([7]))


def test_values_may_differ_between_trials_and_connectivity_is_shared():
    eq.settings.backend = "c"
    _, G, S, M, net = poisson()
    trials = eq.Trials(net, 3)
    for trial in trials:
        with trial:
            G.v = "rand()"
            if trial.number == 2:
                S.w = 0
    start = trials.each(lambda: {"v": G.v, "w": S.w[:].sum()})
    assert start["v"].shape == (3, 20) and len({tuple(v) for v in start["v"]}) == 3
    assert start["w"][2] == 0 and start["w"][0] == start["w"][1] > 0
    assert np.all(G.v == 0) and np.all(S.w == 0.3)
    trials.run(100 * ms)
    n = trials.each(lambda: M.num_spikes)["value"]
    assert n[0] > 0 and n[2] == 0
    assert [m.of[S]["arrays"]["w"] is trials._memories[0].of[S]["arrays"]["w"] for m in trials._memories] == [
        True,
        True,
        False,
    ]
    rows = [m.of[S]["_in_flight"]["pre"].rows for m in trials._memories]
    assert all(a is b for r in rows for a, b in zip(rows[0], r))


def test_spikes_of_all_trials():
    eq.settings.backend = "c"
    _, _, _, M, net = poisson()
    trials = eq.Trials(net, [2, 4])
    trials.run(50 * ms)
    number, i, t = trials.spikes(M)
    assert set(number) == {2, 4} and len(number) == len(i) == len(t) and t.dim == eq.second.dim
    with trials[4]:
        assert np.array_equal(i[number == 4], M.i) and np.array_equal(np.asarray(t)[number == 4], M.t_)
    assert M.num_spikes == 0


def test_operations_in_python_see_their_trial():
    eq.settings.backend, eq.settings.threads = "c", 2
    G = eq.NeuronGroup(1, "dv/dt = xi/sqrt(ms) : 1", method="euler")
    seen = []

    @eq.network_operation(dt=1 * ms)
    def clip(t):
        seen.append(float(G.v[0]))
        if G.v[0] > 1:
            G.v = 1

    trials = eq.Trials(eq.Network(G, clip), 5)
    trials.run(10 * ms)
    assert len(seen) == 50 and len(set(seen)) > 25
    assert len(set(trials.each(lambda: G.v[0])["value"])) == 5


def test_stop_ends_its_own_trial():
    eq.settings.backend = "c"
    G = eq.NeuronGroup(1, "dv/dt = 1/ms + xi/sqrt(ms) : 1", method="euler")

    @eq.network_operation(dt=1 * ms)
    def enough():
        if G.v[0] > 4:
            net.stop()

    net = eq.Network(G, enough)
    trials = eq.Trials(net, 4)
    trials.run(10 * ms)
    ends = trials.each(lambda: float(net.t / ms))["value"]
    assert len(set(ends)) > 1 and max(ends) < 10
    with pytest.raises(eq.EqsnnError, match="stand at different times"):
        trials.run(1 * ms)


def test_time_and_random_assignments_belong_to_the_trial():
    eq.settings.backend = "c"
    G = eq.NeuronGroup(3, "dv/dt = 1/ms : 1", method="euler")
    net = eq.Network(G)
    net.run(1 * ms)
    trials = eq.Trials(net, 2)
    trials.run(4 * ms)
    assert float(trials.t / ms) == 5 and float(net.t / ms) == 1 and float(G.t / ms) == 1
    assert float(eq.defaultclock.t / ms) == 1
    with trials[1]:
        assert float(net.t / ms) == 5 and float(G.t / ms) == 5 and float(eq.defaultclock.t / ms) == 5
        G.v = "rand()"
        one = np.array(G.v)
    with trials[0]:
        G.v = "rand()"
        assert not np.any(np.array(G.v) == one)


def test_an_error_names_its_trial():
    eq.settings.backend = "c"
    G = eq.NeuronGroup(2, "dv/dt = k/ms : 1\nk : 1 (constant)", method="euler")
    trials = eq.Trials(eq.Network(G), 3)
    with trials[1]:
        G.k = float("inf")
    with pytest.raises(eq.NotFiniteError) as caught:
        trials.run(1 * ms)
    assert caught.value.__notes__ == ["This was in trial 1."]
    assert trials.each(lambda: float(eq.defaultclock.t / ms))["value"].tolist() == [1, 0.1, 1]


def lif():
    G = eq.NeuronGroup(2, "dv/dt = -v/(10*ms) : volt", threshold="v > 1*mV", reset="v = 0*mV", name="G")
    S = eq.Synapses(G, G, on_pre="v += 1*mV", name="S")
    S.connect()
    return G, S, eq.SpikeMonitor(G, name="M")


def in_trial(action):
    def run():
        G, S, M = lif()
        net = eq.Network(G, S, M, name="net")
        with eq.Trials(net, 2)[0]:
            action(G, S, net)

    return run


def connected_later():
    G, S, M = lif()
    trials = eq.Trials(eq.Network(G, S, M), 2)
    S.connect()
    with trials[0]:
        pass


def other_objects():
    G, S, M = lif()
    net = eq.Network(G, S, M)
    trials = eq.Trials(net, 2)
    net.add(eq.SpikeMonitor(G))
    trials.run(1 * ms)


def to_a_file():
    G, S, M = lif()
    Q = eq.StateMonitor(G, "v", record=True, name="Q", file="v.npy")
    eq.Trials(eq.Network(G, S, M, Q), 2)


def twice():
    trials = eq.Trials(eq.Network(*lif()), 2)
    with trials[0], trials[1]:
        pass


WRONG = {
    "no network": (lambda: eq.Trials(3, 2), "Trials() takes a Network; got 3"),
    "none": (
        lambda: eq.Trials(eq.Network(), 0),
        "Trials(): how many trials, or their numbers, each once and none negative; got 0",
    ),
    "twice the same": (lambda: eq.Trials(eq.Network(), [1, 1]), "each once and none negative; got [1, 1]"),
    "negative": (lambda: eq.Trials(eq.Network(), [-1]), "each once and none negative; got [-1]"),
    "no numbers": (lambda: eq.Trials(eq.Network(), "two"), "got 'two'"),
    "no such trial": (lambda: eq.Trials(eq.Network(), 3)[3], "there is no trial 3; the trials are 0 to 2"),
    "connect": (
        in_trial(lambda G, S, net: S.connect()),
        "S.connect() within a trial: trials have their synapses and delays in common",
    ),
    "delay": (in_trial(lambda G, S, net: setattr(S, "delay", 1 * ms)), "setting a delay of S within a trial"),
    "run": (in_trial(lambda G, S, net: net.run(1 * ms)), "run() within a trial: Trials.run() runs all of them"),
    "trials": (in_trial(lambda G, S, net: eq.Trials(net, 2)), "Trials() within a trial"),
    "connected later": (connected_later, "'S' got other synapses or delays after the trials were made"),
    "other objects": (other_objects, "the network has other objects than when its trials were made"),
    "file": (to_a_file, "'Q' records to a file, and trials have none of their own: leave out file="),
    "two at once": (twice, "a trial is looked at already; leave its 'with' block first"),
    "monitor": (lambda: eq.Trials(eq.Network(*lif()), 2).spikes(3), "spikes() takes a monitor of spikes or events"),
    "duration": (lambda: eq.Trials(eq.Network(*lif()), 2).run(3), "duration must be a time"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run, message = WRONG[case]
    with pytest.raises((eq.EqsnnError, IndexError)) as caught:
        run()
    assert message in str(caught.value)
    assert registry.in_trial is None and registry.trial == 0


INTERRUPTED = """
import eqsnn as eq
from eqsnn import ms, second
eq.settings.threads = 2
G = eq.NeuronGroup(1000, "dv/dt = (1.5 - v)/(10*ms) + 0.1*xi/sqrt(ms) : 1", threshold="v > 1", reset="v = 0", method="euler")
M = eq.SpikeMonitor(G)
trials = eq.Trials(eq.Network(G, M), 4)
trials.run(1*ms)
print("ready", flush=True)
try:
    trials.run(10000*second)
except KeyboardInterrupt:
    print("interrupted", trials.each(lambda: M.num_spikes)["value"].min() > 0 or trials.t > 0*second, flush=True)
"""


def test_ctrl_c_ends_all_trials(tmp_path):
    environment = {**os.environ, "EQSNN_BACKEND": "c"}
    command = [sys.executable, "-c", INTERRUPTED]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, preexec_fn=_with_ctrl_c)
    assert process.stdout.readline() == "ready\n"
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    try:
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert out == "interrupted True\n" and process.returncode == 0


def _with_ctrl_c():
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_report():
    eq.settings.backend = "c"
    seen = []
    trials = eq.Trials(eq.Network(*lif()), 3)
    trials.run(5 * ms, report=lambda elapsed, done, start, duration: seen.append((done, float(duration / ms))))
    assert seen[0] == (0.0, 5.0) and seen[-1] == (1.0, 5.0)
    assert threading.active_count() < 20 and 1 * mV > 0 * mV
