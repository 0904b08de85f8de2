"""The adding problem over 1,000 steps by FPTT (examples/train_online_fptt.py): liquid time constants, and adaptive neurons beside them.

    python benchmarks/learning/add_task.py [--neuron liquid] [--seeds 0 1 2 3 4] [--steps 1000] [--updates 500] [--threads 1]

Each update sees 128 new samples in ten windows of steps, so that the parameters change 5,000 times. The learning rate sinks from 3e-3 to 0 as
half a cosine. ``validation``: the error of 256 samples of their own, after every tenth update; ``test``: that of 2,000 others, looked at once, at
the end. Who guesses the mean has 1/6. The last line is JSON.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

import train_online_fptt as adding

import eqsnn as eq

EACH = 10
"""Updates between two looks at the validation samples: an epoch of ``fit``."""


def follow(neuron: str, seed: int, steps: int, updates: int, threads: int = 1, batch: int = 128) -> dict:
    """The errors of one seed, and its CPU seconds without those of validation."""
    eq.seed(seed)
    rng, held, unseen = (np.random.default_rng((seed, stream)) for stream in range(3))
    epochs = updates // EACH
    train = adding.trainer(
        neuron, steps=steps, seed=seed, alpha=0.003, threads=threads,
        schedule=lambda epoch: 0.5 * (1 + np.cos(np.pi * epoch / epochs)),
    )  # fmt: skip
    kept, curve, seconds = adding.problems(held, 256, steps), [], 0.0
    for k in range(epochs):
        x, y = adding.problems(rng, EACH * batch, steps)
        start = time.process_time()
        train.fit(x, y, batch=batch)
        seconds += time.process_time() - start
        curve.append(train.evaluate(*kept)["loss"])
        print(f"{neuron} {seed}: update {(k + 1) * EACH:4}: {curve[-1]:.4f}, {seconds:.0f} CPU s", flush=True)
    test = train.evaluate(*adding.problems(unseen, 2000, steps))["loss"]
    print(f"{neuron} {seed}: test {test:.4f}", flush=True)
    return {"seed": seed, "test": test, "validation": curve, "cpu_seconds": seconds, **reached(curve)}


def reached(curve: list[float]) -> dict:
    """After how many updates the error of the validation samples is first, and from then on, below 0.05 and 0.01."""
    found = {}
    for bound in (0.05, 0.01):
        below = [error < bound for error in curve]
        first = below.index(True) if any(below) else None
        stays = next((k for k in range(len(below)) if all(below[k:])), None)
        found[f"first_below_{bound}"] = None if first is None else (first + 1) * EACH
        found[f"stays_below_{bound}"] = None if stays is None else (stays + 1) * EACH
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neuron", choices=("liquid", "adaptive"), default="liquid")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)))
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--updates", type=int, default=500)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    runs = [follow(args.neuron, seed, args.steps, args.updates, args.threads) for seed in args.seeds]
    errors = [run["test"] for run in runs]
    spread = statistics.stdev(errors) if len(errors) > 1 else 0.0
    print(json.dumps({"neuron": args.neuron, "mean": statistics.mean(errors), "spread": spread, "runs": runs}))


if __name__ == "__main__":
    main()
