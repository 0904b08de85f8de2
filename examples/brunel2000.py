"""A sparse network of excitatory and inhibitory integrate-and-fire neurons with delays and external Poisson input.

Brunel (2000), J. Comput. Neurosci. 8:183, model A: 10,000 excitatory and 2,500 inhibitory neurons. g = 5 and twice the rate at threshold give
the asynchronous irregular state (his figure 8C).

    python examples/brunel2000.py [--duration 0.2] [--out brunel2000.png] [--scale 1]
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import Hz, ms, mV, second

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--duration", type=float, default=0.2, help="biological time in seconds")
parser.add_argument("--out", default="brunel2000.png", help="file of the figure; '' for none")
parser.add_argument("--scale", type=float, default=1.0, help="size of the network, 1 for the published one")
args = parser.parse_args()

eq.seed(1)

n_exc, n_inh = int(10_000 * args.scale), int(2_500 * args.scale)
c_exc = int(0.1 * n_exc)  # excitatory synapses onto each neuron, and as many external ones
tau, theta, Vr, tau_rp = 20 * ms, 20 * mV, 10 * mV, 2 * ms
J, D, g = 0.1 * mV, 1.5 * ms, 5
if args.scale != 1:
    J = J / args.scale  # keeps the mean input
nu_threshold = theta / (J * c_exc * tau)
nu_external = 2 * nu_threshold

neurons = eq.NeuronGroup(
    n_exc + n_inh,
    "dv/dt = -v/tau : volt (unless refractory)",
    threshold="v > theta",
    reset="v = Vr",
    refractory=tau_rp,
    method="exact",
)
excitatory = eq.Synapses(neurons[:n_exc], neurons, on_pre="v += J", delay=D)
inhibitory = eq.Synapses(neurons[n_exc:], neurons, on_pre="v += -g*J", delay=D)
excitatory.connect(p=0.1)
inhibitory.connect(p=0.1)
external = eq.PoissonInput(neurons, "v", c_exc, nu_external, J)

spikes = eq.SpikeMonitor(neurons[: min(50, n_exc)])
rate = eq.PopulationRateMonitor(neurons)
eq.run(args.duration * second, report="text")
print(
    f"{len(excitatory) + len(inhibitory):,} synapses, mean rate {np.mean(rate.rate / Hz):.1f} Hz, external {float(nu_external):.1f} Hz a synapse"
)

figure, (top, bottom) = plt.subplots(2, 1, sharex=True, figsize=(8, 6), layout="constrained")
eq.plot.raster(spikes, ax=top)
eq.plot.rate(rate, ax=bottom, window="flat", width=0.5 * ms)
top.set_title("Brunel (2000): 50 of the neurons, and the rate of all")

if args.out:
    figure.savefig(args.out, dpi=120)
    print(f"figure: {args.out}")
