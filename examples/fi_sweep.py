"""The f-I curve of a noisy integrate-and-fire neuron for several strengths of noise: ``eq.sweep`` over two parameters and repetitions.

Noise makes the curve smooth: it fires below the threshold, and the gain at the threshold falls. Without noise the rate is
1/(t_ref + tau*log(I/(I - theta))) (Lapicque 1907); the crosses are that formula. All points run on kernels that were compiled once.

    python examples/fi_sweep.py [--points 21] [--repeat 3] [--duration 0.5] [--jobs N] [--out fi_sweep.png]
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import Hz, ms, mV, second

TAU, THETA, REST = 20 * ms, 15 * mV, 3 * ms


def rate(I, sigma, duration):
    """The mean rate of 50 neurons with the input ``I`` and noise of the standard deviation ``sigma``, both in volt."""
    model = "dv/dt = (I - v)/TAU + sigma*sqrt(2/TAU)*xi : volt (unless refractory)"
    neurons = eq.NeuronGroup(50, model, threshold="v > THETA", reset="v = 0*mV", refractory=REST, method="euler")
    neurons.v = "rand()*THETA"
    spikes = eq.SpikeMonitor(neurons)
    eq.run(100 * ms)
    settled = spikes.num_spikes
    eq.run(duration)
    return {"rate": (spikes.num_spikes - settled) / (50 * duration)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=21, help="currents between 10 and 25 mV")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each point")
    parser.add_argument("--duration", type=float, default=0.5, help="biological time in seconds")
    parser.add_argument("--jobs", type=int, default=None, help="worker processes; default: as many as processors")
    parser.add_argument("--out", default="fi_sweep.png", help="file of the figure; '' for none")
    args = parser.parse_args()

    table = eq.sweep(
        rate,
        {"I": np.linspace(10, 25, args.points) * mV, "sigma": [0, 1, 3] * mV, "duration": args.duration * second},
        repeat=args.repeat,
        jobs=args.jobs,
        seed=1,
    )
    rates = table.grid("rate")[:, :, 0]  # current x noise x repetition
    currents, noises = table.axes["I"], table.axes["sigma"]
    above = currents > THETA
    ideal = 1 / (REST + TAU * np.log(currents[above] / (currents[above] - THETA)))
    silent = np.mean(rates[~above], axis=(0, 2))
    print(f"below the threshold, without noise: {silent[0] / Hz:.2f} Hz; with {noises[-1]!s}: {silent[-1] / Hz:.1f} Hz")
    print(f"largest distance to the formula: {np.max(abs(np.mean(rates[above][:, 0], axis=1) - ideal)) / Hz:.2f} Hz")

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for k, sigma in enumerate(noises):
        mean, spread = np.mean(rates[:, k], axis=1) / Hz, np.std(np.asarray(rates[:, k]), axis=1)
        left.errorbar(currents / mV, mean, spread, label=f"noise {sigma / mV:g} mV", capsize=2)
    left.plot(currents[above] / mV, ideal / Hz, "kx", ms=4, label="formula without noise")
    left.set(xlabel="input (mV)", ylabel="rate (Hz)", title="f-I curves")
    left.legend()
    gain = np.gradient(np.asarray(np.mean(rates, axis=2)), np.asarray(currents / mV), axis=0)
    right.plot(currents / mV, gain, label=[f"noise {s / mV:g} mV" for s in noises])
    right.set(xlabel="input (mV)", ylabel="gain (Hz/mV)", title="noise makes the threshold soft")
    right.legend()
    if args.out:
        figure.savefig(args.out, dpi=120)
        print(f"figure: {args.out}")
