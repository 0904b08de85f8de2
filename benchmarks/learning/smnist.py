"""Sequential MNIST, 784 steps for an image: the published weights, test images and all (Yin, Corradi & Bohte 2021).

    python benchmarks/learning/smnist.py FILE_OF_WEIGHTS FOLDER_OF_DIGITS [--images 10000] [--seeds 5]

The network of the weights: eight pixels to 64, 256, 256 and 10 adaptive neurons, the first two layers recurrent; the class is the output neuron
with most spikes. From zero, and from u = s drawn from U(0, 1) as in the authors' notebook. The last line is JSON.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

import train_smnist

import eqsnn as eq
from eqsnn import ms

LAYERS = {"r1": 64, "r2": 256, "d1": 256, "o": 10}
INTO = {"r1": ("i2h", "h2h"), "r2": ("h2d", "d2d"), "d1": ("dense1",), "o": ("d2o",)}


def published(file):
    """The network with the published weights, and the group that is read."""
    z = np.load(file)
    eq.defaultclock.dt = 1 * ms
    pixels = eq.Inputs(train_smnist.WINDOW, name="pixels")
    groups, layers = {}, []
    for name, n in LAYERS.items():
        g = groups[name] = eq.NeuronGroup(
            n,
            train_smnist.ADAPTIVE,
            threshold="u > th0 + beta*b",
            reset="s = 1",
            surrogate="multi_gaussian",
            namespace={"th0": 0.01, "beta": 1.8},
            name=name,
        )
        g.tau_m, g.tau_a = z[f"tau_m_{name}"] * ms, z[f"tau_adp_{name}"] * ms
        g.bias = sum(z[f"{w}.bias"] for w in INTO[name])
        g.b = 0.01
    before = pixels
    for name, g in groups.items():
        w, *recurrent = INTO[name]
        on_pre = "I_post += w*x_pre" if before is pixels else "I_post += w"
        layers.append(eq.Dense(before, g, on_pre=on_pre, init=z[f"{w}.weight"].T, same_step=True, name=f"to_{name}"))
        layers += [eq.Dense(g, g, init=z[f"{r}.weight"].T, name=f"{name}_recurrent") for r in recurrent]
        before = g
    return eq.Network(pixels, groups.values(), layers), groups["o"]


def trainer(file, drawn, threads=1):
    """A trainer of the network, its states drawn or 0 at the start."""
    net, readout = published(file)
    uniform = lambda samples, neurons, rng: rng.random((samples, neurons))  # noqa: E731
    start = {(f"{name}.u", f"{name}.s"): uniform for name in LAYERS} if drawn else None
    loss = eq.CrossEntropy(readout, "spike", over="sum", start=1)
    return eq.Trainer(net, loss=loss, start=start, threads=threads, backend="c")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", help="smnist.npz")
    parser.add_argument("data", help="folder of test.npz")
    parser.add_argument("--images", type=int, default=10000)
    parser.add_argument("--seeds", type=int, default=5, help="draws of the start")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    images, y = (a[: args.images] for a in train_smnist.digits(args.data, "test"))
    found = []
    for seed in (None, *range(args.seeds)):
        eq.seed(seed or 0)
        reads = trainer(args.weights, seed is not None, args.threads)
        began = time.process_time()
        found.append(train_smnist.scores(reads, images, y))
        what = "from zero" if seed is None else f"drawn with seed {seed}"
        print(f"{what}: {found[-1]:.4f} in {time.process_time() - began:.1f} CPU s", flush=True)
        if seed is None:
            rates = reads.engine.rates()
    print(json.dumps({"zero": found[0], "drawn": found[1:], "images": len(y), "rates": rates}))
