"""Learn to draw three curves, online: pattern generation by e-prop (as in Bellec et al. 2020, Nat. Commun. 11:3625).

A recurrent network of leaky and adaptive neurons hears which fifth of a second it is, and three leaky readouts are to follow sums of sines. No step
is kept for later: each synapse carries an eligibility trace forwards, derived from the neuron's equations, and each neuron gets a learning signal:
the readout's errors by its weights to the readout ('symmetric'), by weights that are random ('random', broadcast alignment) or by such that follow
the readout's ('adaptive'). ``bptt`` is backpropagation through all steps, for comparison.

    python examples/eprop_pattern.py [--iterations 300] [--neurons 100] [--rules symmetric random bptt] [--seed 0] [--out eprop_pattern.png]
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import ms

STEPS, TASK = 1000, 3


def network(n: int, seed: int):
    """The network, its inputs, neurons and readout; each second neuron adapts."""
    eq.seed(seed)
    eq.defaultclock.dt = 1 * ms
    inputs = eq.Inputs(20)
    neurons = eq.NeuronGroup(
        n,
        """
        du/dt = (I - u)/(20*ms) : 1
        db/dt = -b/(300*ms) : 1
        I : 1 (input)
        beta : 1 (constant)
        """,
        threshold="u > 0.1 + beta*b",
        reset="u -= 0.1; b += 0.1",
        surrogate=eq.Surrogate("triangular", scale=0.1, height=0.3),
        method="exact",
    )
    neurons.beta = "0.5*(i % 2)"
    readout = eq.NeuronGroup(TASK, "du/dt = (I - u)/(20*ms) : 1\nI : 1 (input)", method="exact")
    layers = [
        eq.Dense(inputs, neurons, init="1.5*randn()/sqrt(20)"),
        eq.Dense(neurons, neurons, init=f"randn()/sqrt({n})"),
        eq.Dense(neurons, readout, init=f"randn()/sqrt({n})"),
    ]
    return eq.Network(inputs, neurons, readout, layers), inputs, neurons, readout


def task(seed: int):
    """What is presented, (1, steps, 20), and the curves, (1, steps, 3): four sines each of 1, 2, 3 and 5 Hz."""
    rng = np.random.default_rng(seed)
    t = np.arange(STEPS) / 1000
    amplitude, phase = rng.uniform(0.5, 1.5, (TASK, 4, 1)), rng.uniform(0, 2 * np.pi, (TASK, 4, 1))
    curves = (amplitude * np.sin(2 * np.pi * np.array([1, 2, 3, 5])[:, None] * t + phase)).sum(1)
    curves /= np.abs(curves).max(axis=1, keepdims=True)
    fifth = np.minimum(5 * np.arange(STEPS) // STEPS, 4)
    busy = fifth[:, None] == np.arange(20) // 4
    x = rng.random((STEPS, 20)) < np.where(busy, 0.1, 0.0)
    return x[None], curves.T[None]


def learn(rule: str, arguments):
    """The loss of each iteration, and the curves that are drawn at the end."""
    net, inputs, neurons, readout = network(arguments.neurons, arguments.seed)
    method = rule if rule == "bptt" else eq.EProp(feedback=rule)
    trainer = eq.Trainer(
        net,
        loss=eq.MeanSquaredError(readout, "u"),
        method=method,
        optimizer=eq.Adam(5e-3),
        schedule=eq.StepLR(max(arguments.iterations // 3, 1), 0.5),
        backend="c",
        threads=1,
    )
    x, y = task(arguments.seed)
    losses = [trainer.loss_of(x, y)]
    for k in range(arguments.iterations):
        trainer.epoch = k
        losses.append(trainer.step(x, y))
    drawn = trainer.predict(x)[0]
    trainer.network.write_back()
    spikes = run(net, inputs, neurons, x)
    print(
        f"{rule}: mean squared error {losses[0]:.3f} before, {losses[-1]:.4f} after {arguments.iterations} iterations"
    )
    return np.array(losses[1:]), drawn, spikes


def run(net, inputs, neurons, x):
    """The spikes of the trained network as an ordinary run gives them."""
    inputs.present(x[0])
    monitor = eq.SpikeMonitor(neurons)
    net.add(*inputs.contained(), monitor)
    net.run(STEPS * ms)
    return np.asarray(monitor.t / ms), np.asarray(monitor.i)


def main() -> None:
    """Learn by each rule, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=300)
    parser.add_argument("--neurons", type=int, default=100)
    parser.add_argument("--rules", nargs="+", default=["symmetric", "random", "bptt"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="eprop_pattern.png")
    arguments = parser.parse_args()
    found = {rule: learn(rule, arguments) for rule in arguments.rules}
    draw(found, task(arguments.seed)[1][0], arguments.out)


def draw(found, curves, path: str) -> None:
    """Curves, spikes and losses."""
    figure, axes = plt.subplots(
        TASK + 2, 1, figsize=(8, 9), height_ratios=[1] * TASK + [1.4, 1.6], layout="constrained"
    )
    for k, axis in enumerate(axes[:TASK]):
        axis.plot(curves[:, k], color="0.6", lw=3, label="wanted")
        for rule, (_, drawn, _) in found.items():
            axis.plot(drawn[:, k], lw=1, label=rule)
        axis.set(xlim=(0, STEPS), ylim=(-1.4, 1.4), ylabel=f"curve {k + 1}")
        axis.tick_params(labelbottom=False)
    axes[0].legend(ncols=4, loc="upper right", fontsize=8, framealpha=0.9)
    rule, (_, _, (t, i)) = next(iter(found.items()))
    axes[TASK].plot(t, i, ".", ms=2, color="k")
    axes[TASK].set(xlim=(0, STEPS), xlabel="time in the pattern (ms)", ylabel=f"neuron\n({rule})")
    for rule, (losses, _, _) in found.items():
        axes[TASK + 1].semilogy(np.arange(1, len(losses) + 1), losses, label=rule)
    axes[TASK + 1].set(xlim=(0, None), xlabel="iteration", ylabel="mean squared error")
    axes[TASK + 1].legend(fontsize=8)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
