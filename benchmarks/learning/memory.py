"""How much memory one step of training takes, for longer and longer samples: each method in a process of its own.

    python benchmarks/learning/memory.py [--steps 100 1000 10000] [--neurons 100] [--batch 16]

20 inputs, recurrent adaptive neurons ('ottt': leaky ones in the order of a step), 5 leaky readouts with a target a step. What is told is the peak of
the resident set during the first step of the optimiser (VmHWM, set back before it), less what the process held before it, samples and targets
among it. A process before has compiled all that there is. The last line is JSON.
"""

import argparse
import ctypes
import gc
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

AS_IT_IS = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
"""Arrays get pages of their own, in place of what others have left."""
METHODS = ("bptt", "tbptt", "fptt", "eprop", "ottt")


def network(method: str, n: int):
    """The network, and its readout."""
    import eqsnn as eq
    from eqsnn import ms

    eq.seed(0)
    eq.defaultclock.dt = 1 * ms
    inputs = eq.Inputs(20)
    spatial = method == "ottt"
    hidden = eq.NeuronGroup(
        n,
        "du/dt = (I - u)/tau : 1\nI : 1 (input)\ntau : second (shared, trainable)"
        + ("" if spatial else "\ndb/dt = -b/(200*ms) : 1"),
        threshold="u > 0.1" if spatial else "u > 0.1 + 1.8*b",
        reset="u -= 0.1" if spatial else "u -= 0.1 + 1.8*b; b += 0.1",
        surrogate="multi_gaussian",
        method="exact",
    )
    hidden.tau = 10 * ms
    out = eq.NeuronGroup(5, "du/dt = (I - u)/tau : 1\nI : 1 (input)\ntau : second (shared, trainable)", method="exact")
    out.tau = 20 * ms
    layers = [
        eq.Dense(inputs, hidden, same_step=spatial),
        eq.Dense(hidden, hidden, init="orthogonal"),
        eq.Dense(hidden, out, same_step=spatial),
    ]
    return eq.Network(inputs, hidden, out, layers), out


def megabytes(key: str) -> float:
    """A line of /proc/self/status."""
    return int(re.search(rf"{key}:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def measure(method: str, steps: int, n: int, batch: int) -> float:
    """The peak over what there was, in MB."""
    import eqsnn as eq

    net, out = network(method, n)
    window = {"tbptt": 50, "fptt": 10}.get(method)
    trainer = eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), method=method, window=window, backend="c", threads=1)
    rng = np.random.default_rng(0)
    x, y = rng.random((batch, steps, 20), np.float32) < 0.05, rng.integers(0, 5, (batch, steps)).astype(np.int8)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    before = megabytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    trainer.step(x, y)
    return megabytes("VmHWM") - before


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=[100, 1000, 10000])
    parser.add_argument("--neurons", type=int, default=100)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(measure(arguments.one[0], int(arguments.one[1]), arguments.neurons, arguments.batch))
        return
    found: dict[str, list[float]] = {}
    print(f"{'peak, MB':10}" + "".join(f"{f'{t} steps':>14}" for t in arguments.steps))
    for method in METHODS:
        for steps in (arguments.steps[0], *arguments.steps):  # the first compiles
            command = [
                sys.executable,
                __file__,
                "--one",
                method,
                str(steps),
                "--neurons",
                str(arguments.neurons),
                "--batch",
                str(arguments.batch),
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=AS_IT_IS)
            found.setdefault(method, []).append(round(float(done.stdout.split()[-1]), 2))
        del found[method][0]
        print(f"{method:10}" + "".join(f"{m:14.1f}" for m in found[method]), flush=True)
    print(json.dumps({"steps": arguments.steps, "megabytes": found}))


if __name__ == "__main__":
    main()
