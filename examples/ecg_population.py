"""A real recording as input: two leads of an ECG, coded into four event channels, drive a small population.

Data: the file QTDB_test.mat (or _train) of Yin, Corradi & Bohte (2021), Nature Mach. Intell. 3:905, made from the QT Database of PhysioNet (Laguna et
al. 1997, Computers in Cardiology 24:673). Each lead is level-crossing coded into an UP and a DOWN channel, 250 samples a second.

    python examples/ecg_population.py [--duration 5.2] [--out ecg_population.png] QTDB_test.mat
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from scipy.io import loadmat

import eqsnn as eq
from eqsnn import ms, second

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--duration", type=float, default=5.2, help="biological time in seconds")
parser.add_argument("--out", default="ecg_population.png", help="file of the figure; '' for none")
parser.add_argument("data", help="path of QTDB_test.mat or QTDB_train.mat")
parser.add_argument("--recording", type=int, default=0, help="which of the recordings")
args = parser.parse_args()

eq.seed(1)

found = loadmat(args.data)
events, labels = found["x"][args.recording], found["y"][args.recording]
waves = ["P", "PQ", "QR", "RS", "ST", "TP"]
sample = 4 * ms
steps, channels = np.nonzero(events == 1)
keep = steps * 0.004 < args.duration
ecg = eq.SpikeGeneratorGroup(4, channels[keep], steps[keep] * sample)

tau, tau_synapse = 20 * ms, 8 * ms
neurons = eq.NeuronGroup(
    40,
    """
    dv/dt = (g - v)/tau : 1 (unless refractory)
    dg/dt = -g/tau_synapse : 1
    """,
    threshold="v > 0.5",
    reset="v = 0",
    refractory=4 * ms,
    method="exact",
)
synapses = eq.Synapses(ecg, neurons, "w : 1", on_pre="g_post += w")
synapses.connect("j//10 == i or rand() < 0.1")  # ten neurons prefer each channel
synapses.w = "0.5 + 0.5*rand()"
inhibition = eq.Synapses(neurons, neurons, on_pre="g_post -= 0.1", delay=2 * ms)
inhibition.connect("i//10 != j//10")

inputs, spikes = eq.SpikeMonitor(ecg), eq.SpikeMonitor(neurons)
rates = [eq.PopulationRateMonitor(neurons[10 * c : 10 * c + 10]) for c in range(4)]
network = eq.Network(ecg, neurons, synapses, inhibition, inputs, spikes, rates)
network.run(args.duration * second)
print(f"{inputs.num_spikes} events of the ECG, {spikes.num_spikes} spikes of the population")

figure, axes = plt.subplots(3, 1, sharex=True, figsize=(10, 8), layout="constrained")
colors = plt.cm.Pastel1(np.arange(6))
wave = np.where(labels.any(axis=1), labels.argmax(axis=1), -1)
edges = np.flatnonzero(np.diff(np.concatenate([[-2], wave, [-2]])))
for start, stop in zip(edges[:-1], edges[1:]):
    if wave[start] >= 0 and start * 0.004 < args.duration:
        for ax in axes:
            ax.axvspan(4 * start, 4 * stop, color=colors[wave[start]], linewidth=0)
eq.plot.raster(inputs, ax=axes[0], s=15)
axes[0].set(ylabel="ECG channel", yticks=range(4), yticklabels=["1 up", "1 down", "2 up", "2 down"])
axes[0].legend(
    handles=[
        *(plt.Rectangle((0, 0), 1, 1, color=c, label=w) for c, w in zip(colors, waves)),
        plt.Rectangle((0, 0), 1, 1, facecolor="w", edgecolor="k", label="not labelled"),
    ],
    ncols=7,
    loc="lower right",
    bbox_to_anchor=(1, 1),
)
axes[0].set_title("ECG", loc="left")
eq.plot.raster(spikes, ax=axes[1], s=6)
for c, rate in enumerate(rates):
    eq.plot.rate(rate, ax=axes[2], width=10 * ms, label=f"neurons {10 * c} to {10 * c + 9}")
axes[2].legend(ncols=4, loc="lower right", bbox_to_anchor=(1, 1))
axes[2].set_xlim(0, 1000 * min(args.duration, 5.204))

if args.out:
    figure.savefig(args.out, dpi=120)
    print(f"figure: {args.out}")
