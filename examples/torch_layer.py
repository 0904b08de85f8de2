"""Neurons written as equations inside a PyTorch network: linear layers of torch, adaptive neurons and a leaky readout of eqsnn.

Four patterns of spikes in 40 channels are shown with every spike moved at random and some left out; the network says which it was. torch has the
weights, the loss and the optimiser; eqsnn has the neurons, their surrogate gradients and the gradients of their time constants.

    pip install 'eqsnn[torch]'
    python examples/torch_layer.py [--epochs 30] [--seed 0] [--out torch_layer.png]
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import ms

CHANNELS, STEPS, CLASSES, HIDDEN = 40, 120, 4, 64

ADAPTIVE = """
du/dt = (I - u)/tau_m : 1
db/dt = -b/tau_a : 1
I : 1 (input)
tau_m : second (trainable, bounds=[2*ms, 100*ms])
tau_a : second (trainable, bounds=[5*ms, 500*ms])
"""
LEAKY = """
du/dt = (I - u)/tau : 1
I : 1 (input)
tau : second (trainable, bounds=[2*ms, 100*ms])
"""


def samples(rng, patterns, n):
    """``n`` samples (n, steps, channels) of the patterns, which lists of (step, channel) are, and which of them each is."""
    y = rng.integers(0, len(patterns), n)
    x = np.zeros((n, STEPS, CHANNELS), np.float32)
    for k, which in enumerate(y):
        step, channel = patterns[which]
        moved = step + np.rint(rng.normal(0, 3, len(step))).astype(int)
        kept = (rng.random(len(step)) < 0.7) & (moved >= 0) & (moved < STEPS)
        x[k, moved[kept], channel[kept]] = 1
        x[k] += rng.random(x[k].shape) < 0.01
    return x, y


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="torch_layer.png", help="file of the figure; '' for none")
    args = parser.parse_args()

    hidden = eq.torch_module(
        ADAPTIVE,
        n=HIDDEN,
        threshold="u > 0.3 + b",
        reset="u -= 0.3 + b; b += 0.1",
        surrogate="fast_sigmoid",
        values={"tau_m": 10 * ms, "tau_a": 50 * ms},
        dt=1 * ms,
    )
    readout = eq.torch_module(LEAKY, n=CLASSES, returns="u", values={"tau": 20 * ms}, dt=1 * ms)
    import torch  # behind eq.torch_module, which says how to install it

    torch.manual_seed(args.seed)
    network = torch.nn.Sequential(torch.nn.Linear(CHANNELS, HIDDEN), hidden, torch.nn.Linear(HIDDEN, CLASSES), readout)
    with torch.no_grad():
        network[0].weight *= 10  # of what arrives in one step the membrane takes dt/tau_m
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3)

    rng = np.random.default_rng(args.seed)
    patterns = [(rng.integers(5, STEPS - 5, 80), rng.integers(0, CHANNELS, 80)) for _ in range(CLASSES)]
    x, y = map(torch.as_tensor, samples(rng, patterns, 640))
    x_test, y_test = map(torch.as_tensor, samples(rng, patterns, 320))

    losses, accuracies = [], []
    for epoch in range(1, args.epochs + 1):
        total = 0.0
        for chosen in torch.randperm(len(x)).split(64):
            loss = torch.nn.functional.cross_entropy(network(x[chosen])[:, 20:].mean(dim=1), y[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item() * len(chosen) / len(x)
        with torch.no_grad():
            guesses = network(x_test)[:, 20:].mean(dim=1).argmax(dim=1)
        losses.append(total)
        accuracies.append((guesses == y_test).float().mean().item())
        if epoch % 5 == 0 or epoch == args.epochs:
            print(f"epoch {epoch:2}: loss {total:.3f}, test accuracy {accuracies[-1]:.3f}")
    taus = hidden.quantity("tau_m") / ms
    print(f"membrane time constants, 10 ms before: now {taus.min():.1f} to {taus.max():.1f} ms")

    if args.out:
        with torch.no_grad():
            spikes = hidden(network[0](x_test[:1]))
            membranes = readout(network[2](spikes))[0].numpy()
        figure, axes = plt.subplots(2, 2, figsize=(10, 6), constrained_layout=True)
        step, channel = np.nonzero(x_test[0].numpy())
        axes[0, 0].plot(step, channel, "k.", ms=3)
        axes[0, 0].set(title=f"a sample of pattern {int(y_test[0])}", ylabel="channel", xlim=(0, STEPS))
        step, neuron = np.nonzero(spikes[0].numpy())
        axes[0, 1].plot(step, neuron, "k.", ms=3)
        axes[0, 1].set(title="adaptive neurons", ylabel="neuron", xlim=(0, STEPS))
        for k in range(CLASSES):
            axes[1, 0].plot(membranes[:, k], label=f"pattern {k}")
        axes[1, 0].set(title="readout", xlabel="step (ms)", ylabel="u", xlim=(0, STEPS))
        axes[1, 0].legend(loc="lower left", fontsize=8)
        axes[1, 1].plot(range(1, args.epochs + 1), losses, label="loss")
        axes[1, 1].plot(range(1, args.epochs + 1), accuracies, label="test accuracy")
        axes[1, 1].set(xlabel="epoch", ylim=(0, None))
        axes[1, 1].legend()
        figure.savefig(args.out, dpi=100)


if __name__ == "__main__":
    main()
