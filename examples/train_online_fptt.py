"""Learn what to remember over hundreds of steps, forwards in time: the adding problem, by FPTT with liquid time constants.

At each step a network gets a number and a mark; two of the numbers are marked, one in each half. At the end it says their sum; who guesses the
mean has an error of 1/6. Neurons with liquid time constants (Yin, Corradi & Bohte 2023) set how fast they forget by a function of what comes in and
of what they hold: k = sigmoid(W [d, u] + c), a sum of continuous variables. FPTT changes the parameters after each window of steps and propagates
nothing to earlier ones, so that memory does not grow with the length of samples. ``--neuron adaptive``: the same rule with adaptive neurons.

    python examples/train_online_fptt.py [--steps 100] [--updates 120] [--neuron liquid] [--seed 0] [--out train_online_fptt.png]
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import ms

DRIVE = """
d[n+1] = I + bias : 1
I : 1 (input)
bias : 1 (trainable)
"""
LIQUID = """
u[n+1] = u + k*(d - u) : 1
k = 1/(1 + exp(-(gate + c))) : 1                  # what dt/tau is elsewhere
d : 1 (linked)
gate : 1 (input)
c : 1 (trainable)
"""
ADAPTIVE = """
b[n+1] = rho*b + (1 - rho)*s : 1
u[n+1] = alpha*u + (1 - alpha)*d - (0.1 + 1.8*(rho*b + (1 - rho)*s))*s : 1
s[n+1] = 0 : 1                                    # 1 in the step after a spike
alpha = exp(-dt/tau_m) : 1
rho = exp(-dt/tau_a) : 1
d : 1 (linked)
tau_m, tau_a : second (trainable, bounds=[1*ms, 5000*ms])
"""
READOUT = """
u[n+1] = u + k*(I + bias - u) : 1
k = 1/(1 + exp(-c)) : 1
I : 1 (input)
bias, c : 1 (trainable)
"""


def network(neuron="liquid", n=128, seed=0):
    """The network, and the group that is read."""
    eq.defaultclock.dt = 1 * ms
    rng = np.random.default_rng(seed)
    inputs = eq.Inputs(2, name="inputs")
    drive = eq.NeuronGroup(n, DRIVE, name="drive")
    common = {"surrogate": eq.Surrogate("multi_gaussian", scale=0.6), "name": "hidden"}
    if neuron == "liquid":
        hidden = eq.NeuronGroup(n, LIQUID, threshold="u > 0.5", reset="u = 0", **common)
    else:
        hidden = eq.NeuronGroup(n, ADAPTIVE, threshold="u > 0.1 + 1.8*b", reset="s = 1", **common)
        hidden.tau_m, hidden.tau_a = rng.normal(20, 1, n) * ms, rng.normal(200, 20, n) * ms
        hidden.b = 0.1
    hidden.d = eq.linked_var(drive, "d")
    readout = eq.NeuronGroup(1, READOUT, name="readout")
    graded = "w : 1 (trainable)\ngate_post = w*{} : 1 (summed)"
    layers = [
        eq.Dense(inputs, drive, on_pre="I_post += w*x_pre", init="uniform", same_step=True, name="in"),
        eq.Dense(hidden, drive, init="orthogonal", name="recurrent"),
    ]
    if neuron == "liquid":
        layers.append(eq.Dense(drive, hidden, graded.format("d_pre"), init="xavier", same_step=True, name="drive_gate"))
        layers.append(eq.Dense(hidden, hidden, graded.format("u_pre"), init="xavier", name="state_gate"))
    layers.append(eq.Dense(hidden, readout, init="xavier", same_step=True, name="out"))
    return eq.Network(inputs, drive, hidden, readout, layers), readout


def problems(rng, n, steps):
    """``n`` samples (n, steps, 2) of numbers and marks, and the sums (n, 1)."""
    x = np.zeros((n, steps, 2), np.float32)
    x[:, :, 0] = rng.random((n, steps))
    marked = np.stack([rng.integers(0, steps // 2, n), rng.integers(steps // 2, steps, n)], axis=1)
    np.put_along_axis(x[:, :, 1], marked, 1, axis=1)
    return x, np.take_along_axis(x[:, :, 0], marked, axis=1).sum(axis=1, keepdims=True)


def trainer(neuron="liquid", method="fptt", parts=10, steps=100, rate=3e-3, seed=0, alpha=0.01, **options):
    """A trainer for samples of so many steps, cut into ``parts``."""
    net, readout = network(neuron, seed=seed)
    loss = eq.MeanSquaredError(readout, "u", over="last")
    windows = {} if method == "bptt" else {"window": -(-steps // parts)}
    rule = eq.FPTT(alpha=alpha) if method == "fptt" else method
    return eq.Trainer(net, loss=loss, method=rule, optimizer=eq.Adam(rate), clip=1.0, **windows, **options)


def follow(train, rng, steps, updates, batch=128, report=None):
    """The error before each update; each sees samples of its own."""
    errors = []
    for k in range(updates):
        x, y = problems(rng, batch, steps)
        errors.append(((train.predict(x) - y) ** 2).mean())
        train.step(x, y)
        if report is not None:
            report(k + 1, errors)
    return errors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--updates", type=int, default=120, help="batches")
    parser.add_argument("--neuron", choices=("liquid", "adaptive"), default="liquid")
    parser.add_argument("--method", choices=("fptt", "tbptt", "bptt"), default="fptt")
    parser.add_argument("--parts", type=int, default=10, help="windows of a sample")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="train_online_fptt.png", help="file of the figure; '' for none")
    args = parser.parse_args()
    eq.seed(args.seed)
    train = trainer(args.neuron, args.method, args.parts, args.steps, args.rate, args.seed)

    def report(k, errors):
        if k % 20 == 0 or k == args.updates:
            print(f"update {k:4}: mean squared error {np.mean(errors[-10:]):.4f} (guessing: 0.1667)", flush=True)

    rng = np.random.default_rng(args.seed)
    errors = follow(train, rng, args.steps, args.updates, report=report)
    if args.out:
        x, y = problems(rng, 200, args.steps)
        figure, axes = plt.subplots(1, 2, figsize=(10, 4.5), constrained_layout=True)
        axes[0].semilogy(errors)
        axes[0].axhline(1 / 6, color="gray", ls=":", label="guessing")
        axes[0].set(xlabel="update", ylabel="mean squared error")
        axes[0].legend()
        axes[1].plot(y, train.predict(x), ".")
        axes[1].plot([0, 2], [0, 2], color="gray", ls=":")
        axes[1].set(xlabel="sum of the marked numbers", ylabel="read")
        figure.savefig(args.out, dpi=100)


if __name__ == "__main__":
    main()
