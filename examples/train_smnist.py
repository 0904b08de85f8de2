"""Train spiking neurons with delays to read handwritten digits one pixel at a time: sequential MNIST, 784 steps for an image.

A window of eight pixels moves over the image, row after row, by one pixel a step. Its pixels reach 64 neurons at once and 28, 56 ... 196 steps
late, so that each sees eight rows; these reach 256 neurons with delays of zero to 20 rows; ten leaky integrators are read in the last quarter.
Nothing but delays, membranes and adaptive thresholds (neuron of Yin, Corradi & Bohte 2021) remembers what was seen. Layers act in the same step,
and a spike resets one step late.

Data: a folder with train_0.npz, train_1.npz, ... and test.npz, each with images x (n, 28, 28), uint8, and digits y (n,).

    python examples/train_smnist.py [--epochs 5] [--images 60000] [--width 256] [--seed 0] [--out train_smnist.png] FOLDER
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import ms

WINDOW, ROWS = 8, 28
ADAPTIVE = """
b[n+1] = rho*b + (1 - rho)*s : 1
u[n+1] = alpha*u + (1 - alpha)*(I + bias) - (th0 + beta*(rho*b + (1 - rho)*s))*s : 1
s[n+1] = 0 : 1                                    # 1 in the step after a spike
alpha = exp(-dt/tau_m) : 1
rho = exp(-dt/tau_a) : 1
I : 1 (input)
bias : 1 (trainable)
tau_m, tau_a : second (trainable, bounds=[1*ms, 2000*ms])
"""
READOUT = """
du/dt = (I + bias - u)/tau : 1
I : 1 (input)
bias : 1 (trainable)
tau : second (trainable, bounds=[1*ms, 2000*ms])
"""


def network(width=256, seed=0):
    """The network, and the group that is read."""
    eq.defaultclock.dt = 1 * ms
    rng = np.random.default_rng(seed)
    pixels = eq.Inputs(WINDOW, name="pixels")
    groups = []
    for name, n, tau in (("first", max(width // 4, 1), 5), ("second", width, 20)):
        g = eq.NeuronGroup(
            n,
            ADAPTIVE,
            threshold="u > th0 + beta*b",
            reset="s = 1",
            surrogate="multi_gaussian",
            namespace={"th0": 0.05, "beta": 1.8},
            name=name,
        )
        g.tau_m = np.clip(rng.normal(tau, tau / 4, n), 2, None) * ms
        g.tau_a = rng.normal(200, 20, n) * ms
        g.b = 0.05
        groups.append(g)
    first, second = groups
    readout = eq.NeuronGroup(10, READOUT, method="exact", name="readout")
    readout.tau = 20 * ms
    layers = [
        *delayed(pixels, first, ROWS * np.arange(8), on_pre="I_post += w*x_pre"),
        *delayed(first, second, 4 * ROWS * np.arange(6)),
        *delayed(second, readout, [0]),
    ]
    return eq.Network(pixels, groups, readout, layers), readout


def delayed(source, target, steps, **options):
    """Weights from source to target for each of several delays, drawn as if they were one matrix (Xavier)."""

    def init(n, m, rng):
        bound = np.sqrt(6 / (n * len(steps) + m))
        return rng.uniform(-bound, bound, (n, m))

    names = [f"{source.name}_{target.name}_{d}" for d in steps]
    return [
        eq.Dense(source, target, init=init, same_step=True, delay=d * ms, name=name, **options)
        for d, name in zip(steps, names)
    ]


def sequences(images):
    """Images (n, 28, 28) as windows (n, 784, 8), each the pixels from its own on; the last ones stay where they are."""
    flat = images.reshape(len(images), -1).astype(np.float32) / 255
    windows = np.lib.stride_tricks.sliding_window_view(flat, WINDOW, axis=1)
    return windows[:, np.minimum(np.arange(flat.shape[1]), windows.shape[1] - 1)]


def digits(folder, which):
    """The images and digits of the folder's files for 'train' or 'test'."""
    files = sorted(Path(folder).glob(f"{which}*.npz"))
    if not files:
        raise SystemExit(f"there is no {which}*.npz in {folder}")
    found = [np.load(f) for f in files]
    return np.concatenate([f["x"] for f in found]), np.concatenate([f["y"] for f in found]).astype(np.int64)


def trainer(rate=3e-3, width=256, seed=0, **options):
    """A trainer of the network for the mean of the readout over the last quarter of the steps."""
    net, readout = network(width, seed)
    loss = eq.CrossEntropy(readout, "u", over="mean", start=588, scale=2)
    return eq.Trainer(net, loss=loss, optimizer=eq.Adam(rate), clip=1.0, **options)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--images", type=int, default=60000, help="images to train on")
    parser.add_argument("--test", type=int, default=10000, help="images to test on")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--width", type=int, default=256, help="neurons of the second layer")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="train_smnist.png", help="file of the figure; '' for none")
    parser.add_argument("data", help="folder of train_*.npz and test.npz")
    args = parser.parse_args()
    eq.seed(args.seed)
    images, y = digits(args.data, "train")
    images, y = images[: args.images], y[: args.images]
    held = len(y) // 20  # to watch, never to train on
    train = trainer(args.rate, args.width, args.seed)
    rng = np.random.default_rng(args.seed)
    rows, updates, total = [], 0, args.epochs * -(-(len(y) - held) // args.batch)
    for epoch in range(1, args.epochs + 1):
        loss = 0.0
        for chosen in np.array_split(rng.permutation(len(y) - held), -(-(len(y) - held) // args.batch)):
            train.optimizer.rate = args.rate * (0.505 + 0.495 * np.cos(np.pi * updates / total))
            loss += train.step(sequences(images[chosen]), y[chosen]) * len(chosen) / (len(y) - held)
            updates += 1
            if updates % 20 == 0:
                print(f"update {updates} of {total}: loss {loss:.3f}", end="\r", flush=True)
        found = scores(train, images[-held:], y[-held:])
        rows.append((loss, found))
        print(f"epoch {epoch:2}: loss {loss:.4f}, accuracy on {held} images held out {found:.4f}", flush=True)
    train.network.write_back()
    images, y = (a[: args.test] for a in digits(args.data, "test"))
    print(f"test: {scores(train, images, y):.4f} of {len(y)} images")
    if args.out:
        figure, axes = plt.subplots(1, 2, figsize=(10, 4.5), constrained_layout=True)
        axes[0].plot(range(1, len(rows) + 1), rows, label=["loss", "accuracy, held out"])
        axes[0].set(xlabel="epoch", ylim=(0, None))
        axes[0].legend()
        axes[1].imshow(images[0], cmap="gray_r")
        axes[1].set(title=f"read as {train.predict(sequences(images[:1]))[0].argmax()}", xticks=[], yticks=[])
        figure.savefig(args.out, dpi=100)


def scores(train, images, y, batch=500):
    """The share of images that are read right."""
    right = 0
    for k in range(0, len(y), batch):
        right += (train.predict(sequences(images[k : k + batch])).argmax(axis=1) == y[k : k + batch]).sum()
    return right / len(y)


if __name__ == "__main__":
    main()
