"""What a batch costs by methods whose traces go forwards, beside backpropagation: CPU seconds of one thread, the fastest of some rounds.

    python benchmarks/learning/online.py [--neurons 256] [--steps 250] [--batch 128] [--rounds 3]

700 inputs of which 4 % are active in a step, recurrent leaky neurons, 20 leaky readouts with a target a step, float32. With 'ottt' projections arrive
in the same step. The last line is JSON.
"""

import argparse
import json
import time

import numpy as np

import eqsnn as eq
from eqsnn import ms

METHODS = {
    "bptt": lambda: "bptt",
    "eprop": eq.EProp,
    "eprop, reset stopped, readout without memory": lambda: eq.EProp(through_reset=False),
    "ottt": eq.OTTT,
}


def trainer(name: str, n: int):
    """A trainer by one of ``METHODS``."""
    eq.seed(0)
    eq.defaultclock.dt = 1 * ms
    same = name == "ottt"
    inputs = eq.Inputs(700)
    hidden = eq.NeuronGroup(
        n,
        "u[n+1] = 0.95*u + 0.05*I : 1\nI : 1 (input)",
        threshold="u > 0.1",
        reset="u -= 0.1",
        surrogate="multi_gaussian",
    )
    leak = "0*y" if "memory" in name else "0.95*y"
    out = eq.NeuronGroup(20, f"y[n+1] = {leak} + 0.05*I : 1\nI : 1 (input)")
    layers = [
        eq.Dense(inputs, hidden, init="0.1*randn()", same_step=same),
        eq.Dense(hidden, hidden, init="0.2*randn()/sqrt(N_pre)"),
        eq.Dense(hidden, out, same_step=same),
    ]
    net = eq.Network(inputs, hidden, out, layers)
    return eq.Trainer(net, loss=eq.CrossEntropy(out, "y"), method=METHODS[name](), backend="c", threads=1)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neurons", type=int, default=256)
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    x = rng.random((arguments.batch, arguments.steps, 700), np.float32) < 0.04
    y = rng.integers(0, 20, (arguments.batch, arguments.steps))
    trainers = {name: trainer(name, arguments.neurons) for name in METHODS}
    best = dict.fromkeys(METHODS, np.inf)
    for k in range(arguments.rounds + 1):
        for name, t in trainers.items():
            start = time.process_time()
            t.gradients(x, y)
            best[name] = best[name] if k == 0 else min(best[name], time.process_time() - start)
    for name, seconds in best.items():
        print(f"{name:46} {seconds:8.3f} s, hidden rate {max(trainers[name].engine.rates()):.3f}")
    print(json.dumps(best))


if __name__ == "__main__":
    main()
