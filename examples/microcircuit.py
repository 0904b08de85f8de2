"""The cortical microcircuit below 1 mm^2 of surface: four layers of excitatory and inhibitory integrate-and-fire neurons.

Potjans and Diesmann (2014), Cerebral Cortex 24:785: 77,169 neurons and 0.3 x 10^9 synapses (3 GB) at scale 1. At a smaller one there are fewer
neurons with fewer synapses each, stronger by 1/sqrt(scale), and a constant current replaces the mean input that is missing (van Albada et al.
2015, PLOS Comput. Biol. 11:e1004490).

    python examples/microcircuit.py [--scale 0.1] [--duration 0.5] [--out microcircuit.png]
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import Hz, ms, pA, pF, second

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument(
    "--scale", type=float, default=0.1, help="neurons, and synapses of each, as a part of the published numbers"
)
parser.add_argument(
    "--duration", type=float, default=0.5, help="biological time in seconds, after 0.1 s that are not shown"
)
parser.add_argument("--out", default="microcircuit.png", help="file of the figure; '' for none")
args = parser.parse_args()

eq.seed(1)

names = ["L2/3E", "L2/3I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I"]
size = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])
probability = np.array(  # of a connection to the population of the row, from that of the column
    [
        [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0],
        [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0],
        [0.0077, 0.0059, 0.0497, 0.135, 0.0067, 0.0003, 0.0453, 0.0],
        [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0],
        [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0],
        [0.0548, 0.0269, 0.0257, 0.0022, 0.06, 0.3158, 0.0086, 0.0],
        [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
        [0.0364, 0.001, 0.0034, 0.0005, 0.0277, 0.008, 0.0658, 0.1443],
    ]
)
k_external = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100])  # synapses from elsewhere, each active at 8 Hz
published = np.array(
    [0.971, 2.868, 4.746, 5.396, 8.142, 9.078, 0.991, 7.523]
)  # rates in Hz of the full network in NEST

tau, tau_syn, C = 10 * ms, 0.5 * ms, 250 * pF
J, g = 87.8 * pA, -4  # 0.15 mV at the soma
equations = """
dv/dt = (-65*mV - v)/tau + (I + I_mean)/C : volt (unless refractory)
dI/dt = -I/tau_syn : amp
"""

# How many synapses there are in all between two populations, so that a pair is connected with the given probability; and their weight.
synapses = np.log1p(-probability) / np.log1p(-1 / np.outer(size, size))
weight = np.where(np.arange(8) % 2, g, 1) * np.ones((8, 8)) * J
weight[0, 2] *= 2  # from L4E to L2/3E
mean_input = tau_syn * (weight * synapses / size[:, None] @ (published * Hz) + J * k_external * 8 * Hz)

s = args.scale
populations, inputs, projections = [], [], []
for k in range(8):
    G = eq.NeuronGroup(
        round(size[k] * s), equations, threshold="v > -50*mV", reset="v = -65*mV", refractory=2 * ms, method="exact",
        namespace={"tau": tau, "tau_syn": tau_syn, "C": C, "I_mean": (1 - s**0.5) * mean_input[k]},
    )  # fmt: skip
    G.v = "-58*mV + 10*mV*randn()"
    inputs.append(eq.PoissonInput(G, "I", N=round(k_external[k] * s), rate=8 * Hz, weight=J / s**0.5))
    populations.append(G)
for to, source in np.argwhere(probability):
    mean_delay = [1.5 * ms, 0.8 * ms][source % 2]
    S = eq.Synapses(
        populations[source], populations[to], "w : amp (dtype=float32)", on_pre="I_post += w",
        namespace={"mean_weight": weight[to, source] / s**0.5, "mean_delay": mean_delay},
    )  # fmt: skip
    S.connect(total=round(synapses[to, source] * s**2), multapses=True)
    S.w = "mean_weight*clip(1 + 0.1*randn(), 0, 2)"
    S.delay = "clip(mean_delay*(1 + 0.5*randn()), dt, 20*ms)"
    projections.append(S)

spikes = [eq.SpikeMonitor(G) for G in populations]
network = eq.Network(*populations, *inputs, *projections, *spikes)
print(f"{sum(map(len, populations)):,} neurons, {sum(map(len, projections)):,} synapses")
network.run(0.1 * second)
network.run(args.duration * second, report="text")

times = [np.asarray(M.t / second) - 0.1 for M in spikes]
rates = [np.sum(t >= 0) / len(G) / args.duration for t, G in zip(times, populations)]
for name, rate, wanted in zip(names, rates, published):
    print(f"{name:6} {rate:6.2f} Hz   published {wanted:.2f} Hz")

colours = ["#1f4e9c", "#c8502d"]
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 6), width_ratios=[3, 1], layout="constrained")
shown, base, ticks = 0.02, 0, []  # of each population this part
for k, (M, t) in enumerate(zip(spikes, times)):
    n = max(1, round(size[k] * shown))
    i = np.asarray(M.i)
    keep = (t >= 0) & (i < n)
    left.plot(t[keep] * 1000, -(base + i[keep]), ".", color=colours[k % 2], markersize=1.5)
    ticks.append(-(base + n / 2))
    base += n
left.set_yticks(ticks, names)
left.set(
    xlabel="time (ms)",
    title=f"Spikes of {base:,} of the neurons",
    xlim=(0, min(args.duration, 0.5) * 1000),
    ylim=(-base, 0),
)
right.barh(np.arange(8) + 0.2, published, 0.4, color="0.75", label="published")
right.barh(np.arange(8) - 0.2, rates, 0.4, color=[colours[k % 2] for k in range(8)], label="here")
right.set_yticks(range(8), names)
right.invert_yaxis()
right.set(xlabel="rate (Hz)", title="Mean rates")
right.legend(frameon=False)

if args.out:
    figure.savefig(args.out, dpi=120)
    print(f"figure: {args.out}")
