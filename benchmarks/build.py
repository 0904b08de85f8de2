"""Building a network: seconds to make 10^7 synapses, at random (10,000 neurons, p = 0.1) and from arrays of indices.

``prepare`` is what the first run then does before its first step, such as sorting the synapses by source. Kernels are compiled before, on a
small network of the same kind, and of ``--repeat`` rounds the fastest counts.
"""

import argparse
import importlib
import json
import time

import numpy as np
from common import number

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--simulator", choices=("eqsnn", "brian2"), default="eqsnn")
parser.add_argument("--neurons", type=number, default=10_000)
parser.add_argument("--p", type=float, default=0.1)
parser.add_argument("--repeat", type=number, default=2)
args = parser.parse_args()
b = importlib.import_module("eqsnn.brian" if args.simulator == "eqsnn" else "brian2")
if args.simulator == "brian2":
    b.prefs.codegen.target = "cython"
b.seed(1)


def clocked(action) -> tuple[float, float]:
    """Wall and CPU seconds of ``action()``."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu


def build(neurons: int, **how) -> tuple[tuple[float, float], tuple[float, float], int]:
    """Seconds of ``connect``, seconds of the preparation, and how many synapses there are."""
    G = b.NeuronGroup(
        neurons, "dv/dt = -v/tau : 1", threshold="v > 1", reset="v = 0", method="exact", namespace={"tau": 10 * b.ms}
    )
    S = b.Synapses(G, G, on_pre="v_post += 0.1", delay=1.5 * b.ms)
    made = clocked(lambda: S.connect(**how))
    network = b.Network(G, S)
    return made, clocked(lambda: network.run(0 * b.ms)), len(S)


def pairs(neurons: int, n: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(1)
    return {"i": np.sort(draw.integers(0, neurons, n)), "j": draw.integers(0, neurons, n)}


result = {
    "benchmark": "build",
    "simulator": args.simulator,
    "version": importlib.import_module("eqsnn" if args.simulator == "eqsnn" else "brian2").__version__,
    "neurons": args.neurons,
}
n = round(args.neurons**2 * args.p)
for kind, how, warm_up in (
    ("random", {"p": args.p}, {"p": args.p}),
    ("arrays", pairs(args.neurons, n), pairs(20, 40)),
):
    build(20, **warm_up)
    rounds = [build(args.neurons, **how) for _ in range(args.repeat)]
    result[kind] = {
        "synapses": rounds[0][2],
        "seconds": min(r[0][0] for r in rounds),
        "cpu_seconds": min(r[0][1] for r in rounds),
        "prepare": min(r[1][0] for r in rounds),
        "prepare_cpu": min(r[1][1] for r in rounds),
    }
print(json.dumps(result))
