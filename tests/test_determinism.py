"""The same seed gives the same bits: for any number of threads, for a run in pieces, and in another process."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from models import MODELS

import eqsnn as eq
from eqsnn.runtime.rows import row_blocks


def run(name, threads=1, pieces=None, seed=7, steps=210, blocks=(16, 32)):
    """The outcome of a model with small blocks, so that there are several of each kind."""
    eq.settings.backend = "c"
    eq.settings.threads = threads
    eq.settings.neurons_per_block, eq.settings.synapses_per_block = blocks
    eq.start_scope()
    eq.seed(seed)
    case = MODELS[name]()
    done = 0
    while done < steps:
        piece = min(pieces or steps, steps - done)
        case.network.run(piece * 0.1 * eq.ms)
        done += piece
    return case


def same(a, b):
    return len(a) == len(b) and all(x.shape == y.shape and np.array_equal(x, y) for x, y in zip(a, b))


@pytest.mark.parametrize("name", MODELS)
def test_threads_and_pieces_change_no_bit(name):
    reference = run(name).outcome()
    for threads in (2, 3):
        assert same(reference, run(name, threads).outcome()), f"{threads} threads"
    assert same(reference, run(name, 1, pieces=7).outcome()), "pieces of 7 steps"
    assert same(reference, run(name, 2, pieces=7).outcome()), "pieces of 7 steps, 2 threads"


def test_a_piece_of_1000_steps_changes_no_bit():
    assert same(run("stdp", steps=3000).outcome(), run("stdp", 3, pieces=1000, steps=3000).outcome())


ON_ONE_THREAD = {"shared step"}  # one value for the whole group: one block


@pytest.mark.parametrize("name", ["cuba", "stdp", "izhikevich", "noisy", "driven", "gap_junctions"])
def test_each_kernel_was_entered_by_every_thread(name):
    """As the engine counted it. Small blocks, so that each kernel has one for each of three threads."""
    case = run(name, threads=3, steps=500, blocks=(1 if name == "stdp" else 3, 4))
    kernels = [op for op in case.network._last.plan.ops if op.kernel is not None and op.label not in ON_ONE_THREAD]
    assert {op.kind for op in kernels} >= {"map", "events"} | ({"pathway"} if name != "noisy" else set())
    for op in kernels:
        assert np.all(op.entered[:3] > 0), f"{op.label} of {op.owner.name}: {op.entered[:3]}"
        assert np.all(op.entered[3:] == 0)


def test_one_seed_one_result_two_seeds_two():
    assert same(run("noisy").outcome(), run("noisy").outcome())
    assert not same(run("noisy").outcome(), run("noisy", seed=8).outcome())


def test_unseeded_runs_differ():
    def draw():
        eq.seed()
        G = eq.NeuronGroup(5, "v : 1")
        G.v = "rand()"
        return np.array(G.v[:])

    assert not np.array_equal(draw(), draw())


def test_two_assignments_differ_and_an_element_does_not_depend_on_the_size_of_the_group():
    eq.seed(3)
    G = eq.NeuronGroup(5, "v : 1\nw : 1")
    G.v, G.w = "rand()", "rand()"
    assert not np.any(G.v[:] == G.w[:])
    eq.seed(3)
    H = eq.NeuronGroup(50, "v : 1\nw : 1")
    H.v = "rand()"
    assert np.array_equal(G.v[:], H.v[:5])


def test_a_run_in_another_process_gives_the_same_bits():
    import hashlib
    import os
    import subprocess

    text = (
        "import sys, hashlib\nsys.path.insert(0, sys.argv[1])\nfrom test_determinism import run\n"
        "print(hashlib.sha256(b''.join(x.tobytes() for x in run('stdp').outcome())).hexdigest())"
    )
    here = hashlib.sha256(b"".join(x.tobytes() for x in run("stdp").outcome())).hexdigest()
    environment = {**os.environ, "PYTHONHASHSEED": "99"}
    done = subprocess.run(
        [sys.executable, "-c", text, str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert done.stdout.strip() == here


def test_threads_may_change_while_events_are_on_their_way():
    """There are no more blocks of synapses than threads, so the rows on which spikes travel are others after the change."""

    def spikes(teams):
        eq.settings.backend = "c"
        eq.settings.neurons_per_block, eq.settings.synapses_per_block = 16, 32
        eq.start_scope()
        eq.seed(3)
        G = eq.NeuronGroup(60, "dv/dt = (1.2 - v)/(5*ms) : 1", threshold="v > 1", reset="v = 0", method="exact")
        G.v = "rand()"
        S = eq.Synapses(G, G, "w : 1", on_pre="v_post += w", on_post="w = 0.999*w", name="several*")
        S.connect(p=0.3)
        S.w, S.delay = "0.1*rand()", "rand()*4*ms"
        T = eq.Synapses(G, G, on_pre="v_post -= 0.01", delay=3 * eq.ms, name="one*")
        T.connect(p=0.3)
        M = eq.SpikeMonitor(G)
        net = eq.Network(G, S, T, M)
        for threads in teams:
            eq.settings.threads = threads
            net.run(7 * eq.ms)
        return [np.array(M.i), np.array(M.t_), np.array(S.w), np.array(G.v)]

    assert same(spikes([1] * 5), spikes([1, 3, 2, 1, 3]))
    assert len(spikes([1])[0])


def test_blocks_have_about_as_many_synapses():
    """Also where all targets lie in one part of the population."""
    draw = np.random.default_rng(0)
    near, far = np.sort(draw.integers(0, 50, 4000)), draw.integers(100, 120, 4000)
    blocks = row_blocks(near, far, 50, 200, 3, "far", np.uint16, None)
    assert all(abs(len(b.far) - 4000 / 3) < 300 for b in blocks)
    assert sum(len(b.far) for b in blocks) == 4000
    assert [set(a.far) & set(b.far) for a, b in zip(blocks, blocks[1:])] == [set(), set()]
    one = row_blocks(near, np.full(4000, 7), 50, 200, 3, "far", np.uint16, None)
    assert sorted(len(b.far) for b in one) == [0, 0, 4000]
