"""The f-I curve of the Hodgkin-Huxley axon by a sweep: one neuron for each current, all in one run.

Hodgkin & Huxley (1952), J. Physiol. 117:500, with the rest at -65 mV. The axon begins to fire at a rate far from 0: class 2 excitability
(Hodgkin 1948, J. Physiol. 107:165).
The whole sweep compiles once; so does a second one with other currents.

    python examples/hodgkin_huxley_fi.py [--currents 100] [--duration 1.0] [--out hodgkin_huxley_fi.png]
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import cm, ms, mV, second, siemens, uA, uF

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--currents", type=int, default=100, help="how many currents between 0 and 30 uA/cm2")
parser.add_argument("--duration", type=float, default=1.0, help="biological time in seconds")
parser.add_argument("--out", default="hodgkin_huxley_fi.png", help="file of the figure; '' for none")
args = parser.parse_args()

eq.defaultclock.dt = 0.01 * ms
C = 1 * uF / cm**2
gNa, gK, gL = 0.120 * siemens / cm**2, 0.036 * siemens / cm**2, 0.0003 * siemens / cm**2
ENa, EK, EL = 50 * mV, -77 * mV, -54.4 * mV

axons = eq.NeuronGroup(
    args.currents,
    """
    dv/dt = (I - gNa*m**3*h*(v - ENa) - gK*n**4*(v - EK) - gL*(v - EL))/C : volt
    dm/dt = am*(1 - m) - bm*m : 1
    dh/dt = ah*(1 - h) - bh*h : 1
    dn/dt = an*(1 - n) - bn*n : 1
    am = 1/exprel(-(v + 40*mV)/(10*mV))/ms : Hz
    bm = 4*exp(-(v + 65*mV)/(18*mV))/ms : Hz
    ah = 0.07*exp(-(v + 65*mV)/(20*mV))/ms : Hz
    bh = 1/(1 + exp(-(v + 35*mV)/(10*mV)))/ms : Hz
    an = 0.1/exprel(-(v + 55*mV)/(10*mV))/ms : Hz
    bn = 0.125*exp(-(v + 65*mV)/(80*mV))/ms : Hz
    I : amp/metre**2 (constant)
    """,
    method="exponential_euler",
    threshold="v > 0*mV",
    refractory="v > 0*mV",  # one spike for each crossing
)
axons.v, axons.m, axons.h, axons.n = -65 * mV, 0.0529, 0.5961, 0.3177
currents = np.linspace(0, 30, args.currents)
axons.I = currents * uA / cm**2

shown = [int(np.argmin(abs(currents - value))) for value in (4, 8, 20)]
voltage, spikes = eq.StateMonitor(axons, "v", record=shown), eq.SpikeMonitor(axons)
settle = min(0.2, args.duration / 4)
eq.run(settle * second, report="text")
before = spikes.count.copy()
eq.run((args.duration - settle) * second)
rate = (spikes.count - before) / (args.duration - settle)

firing = np.flatnonzero(rate > 1 / (args.duration - settle))
print(f"repetitive firing from {currents[firing[0]]:.1f} uA/cm2 at {rate[firing[0]]:.0f} Hz to {rate[-1]:.0f} Hz")

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
left.plot(currents, rate, ".-")
left.set(xlabel="current (uA/cm2)", ylabel="firing rate (Hz)", title="class 2 excitability")
for k, color in zip(shown, ("C0", "C1", "C2")):
    right.plot(voltage.t / ms, voltage[k].v / mV, color=color, label=f"{currents[k]:.0f} uA/cm2")
right.set(xlim=(0, 1000 * min(0.1, args.duration)), xlabel="time (ms)", ylabel="v (mV)")
right.legend(loc="upper right")

if args.out:
    figure.savefig(args.out, dpi=120)
    print(f"figure: {args.out}")
