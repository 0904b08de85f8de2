"""Firing patterns of the adaptive exponential integrate-and-fire neuron: one group, a row of parameters for each pattern.

Naud, Marcille, Clopath & Gerstner (2008), Biol. Cybern. 99:335, table 1; the model is that of Brette & Gerstner (2005).

    python examples/adex_patterns.py [--duration 0.5] [--out adex_patterns.png]
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import eqsnn as eq
from eqsnn import ms, mV, nS, pA, pF, second

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--duration", type=float, default=0.5, help="biological time in seconds")
parser.add_argument("--out", default="adex_patterns.png", help="file of the figure; '' for none")
args = parser.parse_args()

eq.seed(1)

names = ["tonic", "adaptation", "initial burst", "regular bursting", "delayed accelerating", "transient"]
neurons = eq.NeuronGroup(
    len(names),
    """
    dv/dt = (gL*(EL - v) + gL*DT*exp((v - VT)/DT) + I - w)/C : volt
    dw/dt = (a*(v - EL) - w)/tauw : amp
    C : farad (constant)
    gL : siemens (constant)
    EL : volt (constant)
    VT : volt (constant)
    DT : volt (constant)
    a : siemens (constant)
    tauw : second (constant)
    b : amp (constant)
    Vr : volt (constant)
    I : amp
    """,
    threshold="v > VT + 5*DT",
    reset="v = Vr; w += b",
    method="rk4",
    dt=0.02 * ms,
)
neurons.C = [200, 200, 130, 200, 200, 100] * pF
neurons.gL = [10, 12, 18, 10, 12, 10] * nS
neurons.EL = [-70, -70, -58, -58, -70, -65] * mV
neurons.VT = -50 * mV
neurons.DT = 2 * mV
neurons.a = [2, 2, 4, 2, -10, 10] * nS
neurons.tauw = [30, 300, 150, 120, 300, 90] * ms
neurons.b = [0, 60, 120, 100, 0, 100] * pA
neurons.Vr = [-58, -58, -50, -46, -58, -47] * mV
neurons.v = "EL"

trace, spikes = eq.StateMonitor(neurons, "v", record=True), eq.SpikeMonitor(neurons)
network = eq.Network(neurons, trace, spikes)
network.run(min(0.05, args.duration / 2) * second)
neurons.I = [500, 500, 400, 210, 300, 180] * pA
network.run((args.duration - min(0.05, args.duration / 2)) * second)
print(", ".join(f"{name}: {count} spikes" for name, count in zip(names, spikes.count)))

figure, axes = plt.subplots(3, 2, sharex=True, sharey=True, figsize=(9, 7), layout="constrained")
for k, (name, ax) in enumerate(zip(names, axes.flat)):
    ax.plot(trace.t / ms, trace[k].v / mV, "k", linewidth=0.8)
    ax.set(title=name, xlabel="time (ms)", ylabel="v (mV)")

if args.out:
    figure.savefig(args.out, dpi=120)
    print(f"figure: {args.out}")
