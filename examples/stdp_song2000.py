"""Spike-timing-dependent plasticity makes the weights of Poisson inputs compete.

Song, Miller & Abbott (2000), Nature Neurosci. 3:919. A neuron with 1,000 inputs of 15 Hz. Some inputs win and others lose; the rate falls
meanwhile. The two groups are there after some 100 s and go on parting for minutes.

    python examples/stdp_song2000.py [--duration 100.0] [--out stdp_song2000.png]
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import Hz, ms, mV, second

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--duration", type=float, default=100.0, help="biological time in seconds")
parser.add_argument("--out", default="stdp_song2000.png", help="file of the figure; '' for none")
args = parser.parse_args()

eq.seed(1)

n, rate = 1000, 15 * Hz
taum, taupre, taupost, taue = 10 * ms, 20 * ms, 20 * ms, 5 * ms
Ee, Vt, Vr, El = 0 * mV, -54 * mV, -60 * mV, -74 * mV
gmax, dApre = 0.01, 0.01
dApost = -dApre * float(taupre / taupost) * 1.05 * gmax
dApre = dApre * gmax

inputs = eq.PoissonGroup(n, rate)
neuron = eq.NeuronGroup(
    1,
    """
    dv/dt = (ge*(Ee - Vr) + El - v)/taum : volt
    dge/dt = -ge/taue : 1
    """,
    threshold="v > Vt",
    reset="v = Vr",
    method="exact",
)
synapses = eq.Synapses(
    inputs,
    neuron,
    """
    w : 1
    dApre/dt = -Apre/taupre : 1 (event-driven)
    dApost/dt = -Apost/taupost : 1 (event-driven)
    """,
    on_pre="""
    ge += w
    Apre += dApre
    w = clip(w + Apost, 0, gmax)
    """,
    on_post="""
    Apost += dApost
    w = clip(w + Apre, 0, gmax)
    """,
)
synapses.connect()
synapses.w = "rand()*gmax"

weights = eq.StateMonitor(synapses, "w", record=[0, 1], dt=args.duration / 200 * second)
output = eq.SpikeMonitor(neuron)
eq.run(args.duration * second, report="text")
share = np.mean((synapses.w < 0.1 * gmax) | (synapses.w > 0.9 * gmax))
print(f"{output.num_spikes / args.duration:.1f} Hz; {share:.0%} of the weights lie near 0 or the maximum")

figure, axes = plt.subplots(3, 1, figsize=(8, 9), layout="constrained")
axes[0].plot(np.arange(n), synapses.w / gmax, ".k", markersize=3)
axes[0].set(xlabel="input", ylabel="w / gmax", title="Song, Miller & Abbott (2000)")
eq.plot.histogram(synapses, "w", ax=axes[1], bins=20)
eq.plot.traces(weights, ax=axes[2])
axes[2].legend()

if args.out:
    figure.savefig(args.out, dpi=120)
    print(f"figure: {args.out}")
