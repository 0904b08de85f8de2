"""A threshold that jumps at each spike and decays: the same current gives fewer and fewer spikes.

Chacron, Longtin & Maler (2001), J. Neurosci. 21:5328; Kobayashi, Tsubo & Shinomoto (2009), Front. Comput. Neurosci. 3:9.

    python examples/adaptive_threshold.py [--duration 0.3] [--out adaptive_threshold.png]
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import eqsnn as eq
from eqsnn import ms, mV, second

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--duration", type=float, default=0.3, help="biological time in seconds")
parser.add_argument("--out", default="adaptive_threshold.png", help="file of the figure; '' for none")
args = parser.parse_args()

eq.seed(1)

tau, tau_threshold = 10 * ms, 60 * ms
neurons = eq.NeuronGroup(
    3,
    """
    dv/dt = (I - v)/tau : volt
    dtheta/dt = (10*mV - theta)/tau_threshold : volt
    I : volt
    jump : volt (constant)
    """,
    threshold="v > theta",
    reset="v = 0*mV; theta += jump",
    method="exact",
)
neurons.I, neurons.jump, neurons.theta = 20 * mV, [0, 1, 3] * mV, 10 * mV
trace, spikes = eq.StateMonitor(neurons, ["v", "theta"], record=True), eq.SpikeMonitor(neurons)
eq.run(args.duration * second)
jumps = [f"jump {jump:g} mV" for jump in neurons.jump / mV]
print(", ".join(f"{jump}: {count} spikes" for jump, count in zip(jumps, spikes.count)))

figure, axes = plt.subplots(3, 1, sharex=True, figsize=(8, 7), layout="constrained")
for k, ax in enumerate(axes):
    ax.plot(trace.t / ms, trace[k].v / mV, label="v")
    ax.plot(trace.t / ms, trace[k].theta / mV, label="threshold")
    ax.set(ylabel="v, threshold (mV)", title=jumps[k])
axes[0].legend(loc="lower right")
axes[-1].set_xlabel("time (ms)")

if args.out:
    figure.savefig(args.out, dpi=120)
    print(f"figure: {args.out}")
