"""Train 42 spiking neurons to say, at every step, which wave of the heartbeat an electrocardiogram is in (Yin, Corradi & Bohte 2021).

Two leads, coded as level crossings into four channels, reach 36 recurrent leaky neurons and six adaptive ones, whose membranes are read.
Layers act in the same step and a spike resets one step late, as in the published network. Gradients are those of the equations below.

Data: QTDB_train.mat and QTDB_test.mat as encoded by the authors (byin-cwi/Efficient-spiking-networks, MIT; PhysioNet QT Database, ODC-BY).

    python examples/train_ecg.py [--epochs 150] [--seed 0] [--out train_ecg.png] FOLDER
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from scipy.io import loadmat

import eqsnn as eq
from eqsnn import ms

HIDDEN = """
u[n+1] = alpha*u + (1 - alpha)*(I + bias_in + bias_rec) - th0*s : 1
s[n+1] = 0 : 1                                    # 1 in the step after a spike
alpha = exp(-dt/tau_m) : 1
I : 1 (input)
bias_in, bias_rec : 1 (trainable)
tau_m : second (trainable, rate=3, bounds=[1*ms, 500*ms])
"""
READOUT = """
b[n+1] = rho*b + (1 - rho)*s : 1
u[n+1] = alpha*u + (1 - alpha)*(I + bias) - (th0 + beta*(rho*b + (1 - rho)*s))*s : 1
s[n+1] = 0 : 1
alpha = exp(-dt/tau_m) : 1
rho = exp(-dt/tau_a) : 1
I : 1 (input)
bias : 1 (trainable)
tau_m, tau_a : second (trainable, rate=2, bounds=[1*ms, 1000*ms])
"""


def network():
    """The network, and the group that is read."""
    eq.defaultclock.dt = 1 * ms  # one step of the recording, 4 ms in truth, counts as 1 ms
    constants = {"th0": 0.1, "beta": 1.8}
    common = dict(reset="s = 1", surrogate="multi_gaussian", namespace=constants)
    leads = eq.Inputs(4, name="leads")
    hidden = eq.NeuronGroup(36, HIDDEN, threshold="u > th0", name="hidden", **common)
    readout = eq.NeuronGroup(6, READOUT, threshold="u > th0 + beta*b", name="readout", **common)
    hidden.tau_m = readout.tau_m = 20 * ms
    readout.tau_a = 100 * ms
    readout.b = 0.1
    layers = [
        eq.Dense(leads, hidden, on_pre="I_post += w*x_pre", init="xavier", same_step=True, name="in"),
        eq.Dense(hidden, hidden, init="orthogonal", name="recurrent"),
        eq.Dense(hidden, readout, init="xavier", same_step=True, name="out"),
    ]
    return eq.Network(leads, hidden, readout, *layers), readout


def recordings(folder, which):
    """Samples (recordings, steps, 4) and the number of the wave at each step; steps without a label count as class 0, as in the literature."""
    found = loadmat(Path(folder) / f"QTDB_{which}.mat")
    return np.ascontiguousarray(found["x"]), found["y"].argmax(axis=2)


def trainer(epochs, clip=0.3, **options):
    """A trainer of the network: the learning rate falls in the second half of ``epochs``, and gradients are clipped."""

    def schedule(epoch):
        return 0.51 + 0.49 * np.cos(np.pi * max(0.0, 2 * epoch / epochs - 1))

    net, readout = network()
    loss = eq.CrossEntropy(readout, "u", over="steps", start=10)
    return eq.Trainer(net, loss=loss, optimizer=eq.Adam(1e-2), schedule=schedule, clip=clip, **options)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--samples", type=int, default=618, help="recordings to train on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="train_ecg.png", help="file of the figure; '' for none")
    parser.add_argument("data", help="folder of QTDB_train.mat and QTDB_test.mat")
    args = parser.parse_args()
    eq.seed(args.seed)
    x, y = recordings(args.data, "train")
    x_test, y_test = recordings(args.data, "test")
    train = trainer(args.epochs)

    def report(epoch, row):
        if epoch % 10 == 0 or epoch == args.epochs:
            print(
                f"epoch {epoch:3}: loss {row['loss']:.3f}, accuracy {row['accuracy']:.3f}, rate {row['rate']:.2f} a step"
            )

    history = train.fit(x[: args.samples], y[: args.samples], epochs=args.epochs, batch=32, report=report)
    print(f"test: {train.evaluate(x_test, y_test)['accuracy']:.4f} of the steps of {len(x_test)} recordings")
    if args.out:
        figure, axes = plt.subplots(2, 1, figsize=(9, 6), constrained_layout=True)
        axes[0].plot(history["loss"], label="loss")
        axes[0].plot(history["accuracy"], label="accuracy")
        axes[0].set(xlabel="epoch")
        axes[0].legend()
        membranes = train.predict(x_test[:1])[0]
        axes[1].plot(y_test[0], label="wave")
        axes[1].plot(membranes.argmax(axis=1) + 0.1, label="read", lw=0.8)
        axes[1].set(xlabel="step", ylabel="class", yticks=range(6), yticklabels=["P", "PQ", "QR", "RS", "ST", "TP"])
        axes[1].legend()
        figure.savefig(args.out, dpi=100)


if __name__ == "__main__":
    main()
