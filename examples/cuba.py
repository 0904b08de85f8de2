"""The CUBA network: 4,000 integrate-and-fire neurons with exponential synaptic currents.

Vogels & Abbott (2005), J. Neurosci. 25:10786, with the parameters of benchmark 2 in Brette et al. (2007), J. Comput. Neurosci. 23:349.

    python examples/cuba.py [--duration 1.0] [--neurons 4000] [--out cuba.png]
"""

import argparse
import time

import numpy as np

import eqsnn as eq
from eqsnn import ms, mV, second

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--duration", type=float, default=1.0, help="biological time in seconds")
parser.add_argument("--neurons", type=int, default=4000)
parser.add_argument("--out", default="cuba.png", help="file of the figure; '' for none")
args = parser.parse_args()

eq.seed(2007)
n_exc = int(0.8 * args.neurons)

taum, taue, taui = 20 * ms, 5 * ms, 10 * ms
Vt, Vr, El = -50 * mV, -60 * mV, -49 * mV
we, wi = 1.62 * mV, -9 * mV  # strength of one excitatory and one inhibitory spike

neurons = eq.NeuronGroup(
    args.neurons,
    """
    dv/dt  = (ge + gi - (v - El))/taum : volt (unless refractory)
    dge/dt = -ge/taue : volt
    dgi/dt = -gi/taui : volt
    """,
    threshold="v > Vt",
    reset="v = Vr",
    refractory=5 * ms,
    method="exact",
)
neurons.v = "Vr + rand()*(Vt - Vr)"

excitatory = eq.Synapses(neurons[:n_exc], neurons, on_pre="ge += we")
inhibitory = eq.Synapses(neurons[n_exc:], neurons, on_pre="gi += wi")
excitatory.connect(p=0.02)
inhibitory.connect(p=0.02)

spikes = eq.SpikeMonitor(neurons)
rate_exc = eq.PopulationRateMonitor(neurons[:n_exc])
rate_inh = eq.PopulationRateMonitor(neurons[n_exc:])

network = eq.Network(neurons, excitatory, inhibitory, spikes, rate_exc, rate_inh)
network.run(0 * second)  # plan and compile, so that the time below is that of the steps
start = time.perf_counter()
network.run(args.duration * second, report="bar")
elapsed = time.perf_counter() - start

steps = round(args.duration / float(eq.defaultclock.dt))
print(
    f"{args.neurons} neurons, {len(excitatory) + len(inhibitory)} synapses, {spikes.num_spikes} spikes in {args.duration:g} s"
)
print(f"rate of the excitatory population: {np.mean(rate_exc.rate_):.2f} Hz")
print(f"rate of the inhibitory population: {np.mean(rate_inh.rate_):.2f} Hz")
print(f"{steps / elapsed:,.0f} steps per second, {args.duration / elapsed:.1f} times real time")

if args.out:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (top, bottom) = plt.subplots(2, 1, sharex=True, figsize=(8, 6), height_ratios=(2, 1), layout="constrained")
    eq.plot.raster(spikes, ax=top, s=0.5)
    eq.plot.rate(rate_exc, ax=bottom, width=5 * ms, label="excitatory")
    eq.plot.rate(rate_inh, ax=bottom, width=5 * ms, label="inhibitory")
    bottom.legend()
    top.set_title("CUBA")
    figure.savefig(args.out, dpi=120)
    print(f"figure: {args.out}")
