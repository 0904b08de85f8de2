"""Homeostasis by plasticity: inhibitory synapses learn to hold every neuron at one rate, whatever its drive.

Vogels, Sprekeler, Zenke, Clopath & Gerstner (2011), Science 334:1569, eqs. S6-S8: near-coincident spikes strengthen an inhibitory synapse,
each presynaptic spike alone weakens it by ``alpha = 2*rho0*taustdp``; the fixed point is a postsynaptic rate of ``rho0``.

    python examples/homeostatic_stdp.py [--duration 60] [--out homeostatic_stdp.png]
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import Hz, ms, mV, nS, pF, second

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--duration", type=float, default=60.0, help="biological time in seconds")
parser.add_argument("--out", default="homeostatic_stdp.png", help="file of the figure; '' for none")
args = parser.parse_args()

eq.seed(11)
rho0, taustdp, eta = 5 * Hz, 20 * ms, 0.02
alpha = 2 * float(rho0 * taustdp)
C, gl, El, Ei, Vt = 200 * pF, 10 * nS, -60 * mV, -80 * mV, -50 * mV
taui, step = 10 * ms, 0.35 * nS

cells = eq.NeuronGroup(
    40,
    """
    dv/dt = (gl*(El - v) + gi*(Ei - v) + gl*drive + gl*sigma*sqrt(2*C/gl)*xi)/C : volt (unless refractory)
    dgi/dt = -gi/taui : siemens
    drive : volt (constant)
    sigma : volt (constant)
    """,
    threshold="v > Vt",
    reset="v = El",
    refractory=5 * ms,
    method="heun",
)
cells.v, cells.sigma = El, 3 * mV
cells.drive = "(9 + 0.3*i)*mV"  # from a few spikes a second to many

inhibition = eq.PoissonGroup(200, 10 * Hz)
synapses = eq.Synapses(
    inhibition,
    cells,
    """
    w : 1
    dx/dt = -x/taustdp : 1 (event-driven)
    dy/dt = -y/taustdp : 1 (event-driven)
    """,
    on_pre="""
    gi_post += w*step
    x += 1
    w = clip(w + eta*(y - alpha), 0, 10)
    """,
    on_post="""
    y += 1
    w = clip(w + eta*x, 0, 10)
    """,
)
synapses.connect(p=0.5)

spikes = eq.SpikeMonitor(cells)
weights = eq.StateMonitor(synapses, "w", record=slice(0, None, 400), dt=args.duration / 300 * second)
eq.run(args.duration * second, report="text")

bins = np.linspace(0, args.duration, 31)
rates = np.array([np.histogram(t / second, bins)[0] for t in spikes.spike_trains().values()]) / np.diff(bins)
first, last = rates[:, 0], rates[:, -10:].mean(axis=1)
print(
    f"rates at the start: {first.min():.1f} to {first.max():.1f} Hz; at the end: {last.min():.1f} to {last.max():.1f} Hz (target {float(rho0):g} Hz)"
)

figure, axes = plt.subplots(3, 1, figsize=(8, 9), layout="constrained")
centres = (bins[1:] + bins[:-1]) / 2
colors = plt.cm.viridis(np.linspace(0, 1, len(rates)))
for row, color in zip(rates, colors):
    axes[0].plot(centres, row, color=color, linewidth=0.8)
axes[0].axhline(float(rho0), color="r", linestyle="--", label="target")
axes[0].set(xlabel="time (s)", ylabel="rate of each neuron (Hz)")
axes[0].legend()
axes[1].plot(weights.t / second, weights.w.T * float(step / nS), linewidth=0.8)
axes[1].set(xlabel="time (s)", ylabel="some inhibitory weights (nS)")
axes[2].scatter(cells.drive[:] / mV, first, label="first part")
axes[2].scatter(cells.drive[:] / mV, last, label="last third")
axes[2].axhline(float(rho0), color="r", linestyle="--")
axes[2].set(xlabel="drive (mV)", ylabel="rate (Hz)")
axes[2].legend()

if args.out:
    figure.savefig(args.out, dpi=120)
    print(f"figure: {args.out}")
