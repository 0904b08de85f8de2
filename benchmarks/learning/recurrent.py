"""A recurrent network 700-256-20 of leaky neurons on sparse input: the time of one batch beside PyTorch's.

    python benchmarks/learning/recurrent.py --torch /path/to/python/with/torch [--rounds 5]

128 samples of 250 steps, 4 % of the inputs active; with these weights about 3 % of the hidden neurons have a spike in a step. CPU seconds of
forward and backward, one thread each, float32, the two taking turns; the fastest of each counts. The last line is JSON.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import eqsnn as eq
from eqsnn import ms

INPUTS, HIDDEN, CLASSES, STEPS, SAMPLES, DENSITY = 700, 256, 20, 250, 128, 0.04


def numbers() -> dict[str, np.ndarray]:
    """Samples, classes and weights that both sides have."""
    rng = np.random.default_rng(0)
    return {
        "x": (rng.random((SAMPLES, STEPS, INPUTS)) < DENSITY).astype(np.uint8),
        "y": rng.integers(0, CLASSES, SAMPLES),
        "w_in": (1.03 * rng.normal(size=(INPUTS, HIDDEN)) / np.sqrt(INPUTS * DENSITY)).astype(np.float32),
        "w_rec": (0.3 * rng.normal(size=(HIDDEN, HIDDEN)) / np.sqrt(HIDDEN)).astype(np.float32),
        "w_out": (rng.normal(size=(HIDDEN, CLASSES)) / np.sqrt(HIDDEN)).astype(np.float32),
    }


def trainer(given: dict[str, np.ndarray], threads: int = 1) -> eq.Trainer:
    """The network: u <- a u + (1 - a) I - s, a spike where u > 1, which the readout's leaky neurons hear in the same step."""
    eq.defaultclock.dt = 1 * ms
    inputs = eq.Inputs(INPUTS)
    hidden = eq.NeuronGroup(
        HIDDEN,
        "du/dt = (I - u)/tau : 1\nI : 1 (input)\ntau : second (shared)",
        threshold="u > 0.5",
        reset="u -= 0.5",
        surrogate="fast_sigmoid",
        method="exact",
    )
    readout = eq.NeuronGroup(
        CLASSES, "du/dt = (I - u)/tau : 1\nI : 1 (input)\ntau : second (shared)", method="exact", name="readout"
    )
    hidden.tau, readout.tau = 5 * ms, 20 * ms
    layers = [
        eq.Dense(inputs, hidden, init=given["w_in"], same_step=True),
        eq.Dense(hidden, hidden, init=given["w_rec"]),
        eq.Dense(hidden, readout, init=given["w_out"], same_step=True),
    ]
    loss = eq.CrossEntropy(readout, "u", over="mean")
    return eq.Trainer(eq.Network(inputs, hidden, readout, layers), loss=loss, threads=threads)


def main(args) -> dict:
    """CPU seconds of one batch, and the ratio."""
    given = numbers()
    ours, theirs = [], []
    own = trainer(given)
    loss, _ = own.gradients(given["x"], given["y"])
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/batch.npz", **given)
        command = [args.torch, str(Path(__file__).with_name("torch_recurrent.py")), f"{folder}/batch.npz"]
        peer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        _, version, their_loss = peer.stdout.readline().split()
        for _ in range(args.rounds):
            for _ in range(4):
                start = time.process_time()
                own.gradients(given["x"], given["y"])
                ours.append(time.process_time() - start)
            peer.stdin.write("go\n")
            peer.stdin.flush()
            theirs.append(float(peer.stdout.readline()))
        peer.stdin.close()
        peer.wait()
    return {
        "eqsnn": min(ours),
        "torch": min(theirs),
        "ratio": min(theirs) / min(ours),
        "torch_version": version,
        "rate": own.engine.rates()[0],
        "losses": [loss, float(their_loss)],
        "tape_MB": own.engine.tape_bytes() / 1e6,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--torch", default=sys.executable, help="a Python that has PyTorch")
    print(json.dumps(main(parser.parse_args())))
