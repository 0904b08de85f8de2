"""A pulse-coupled network of 800 excitatory and 200 inhibitory Izhikevich neurons with thalamic noise.

Izhikevich (2003), IEEE Trans. Neural Networks 14:1569, the network of its figure 3; two half steps of v in the original are one of 0.5 ms here.

    python examples/izhikevich2003.py [--duration 1.0] [--out izhikevich2003.png]
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import ms, second

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--duration", type=float, default=1.0, help="biological time in seconds")
parser.add_argument("--out", default="izhikevich2003.png", help="file of the figure; '' for none")
args = parser.parse_args()

eq.seed(1)

n_exc, n_inh = 800, 200
neurons = eq.NeuronGroup(
    n_exc + n_inh,
    """
    dv/dt = (0.04*v**2 + 5*v + 140 - u + I + thalamus)/ms : 1
    du/dt = a*(b*v - u)/ms : 1
    dI/dt = -I/ms : 1
    thalamus : 1
    a : 1 (constant)
    b : 1 (constant)
    c : 1 (constant)
    d : 1 (constant)
    noise : 1 (constant)
    """,
    threshold="v >= 30",
    reset="v = c; u += d",
    method="euler",
    dt=0.5 * ms,
)
exc, inh = neurons[:n_exc], neurons[n_exc:]
r = np.random.default_rng(2003)
re, ri = r.random(n_exc), r.random(n_inh)
exc.a, exc.b, exc.c, exc.d, exc.noise = 0.02, 0.2, -65 + 15 * re**2, 8 - 6 * re**2, 5
inh.a, inh.b, inh.c, inh.d, inh.noise = 0.02 + 0.08 * ri, 0.25 - 0.05 * ri, -65, 2, 2
neurons.v, neurons.u = -65, "b*v"


@eq.network_operation(dt=1 * ms)
def thalamic_input():
    neurons.thalamus = "noise*randn()"


from_exc = eq.Synapses(exc, neurons, "w : 1", on_pre="I_post += w")
from_inh = eq.Synapses(inh, neurons, "w : 1", on_pre="I_post += w")
from_exc.connect()
from_inh.connect()
from_exc.w = "0.5*rand()"
from_inh.w = "-rand()"

spikes, trace = eq.SpikeMonitor(neurons), eq.StateMonitor(neurons, "v", record=0)
eq.run(args.duration * second)
print(f"mean rate {spikes.num_spikes / len(neurons) / args.duration:.1f} Hz")

figure, (top, bottom) = plt.subplots(2, 1, sharex=True, figsize=(8, 6), height_ratios=(3, 1), layout="constrained")
eq.plot.raster(spikes, ax=top, s=1)
eq.plot.traces(trace, ax=bottom)
top.set_title("Izhikevich (2003): rhythms of a random network")

if args.out:
    figure.savefig(args.out, dpi=120)
    print(f"figure: {args.out}")
