"""Gap junctions: electrical synapses pull the voltages of neighbours towards each other, through a summed variable of the synapses.

Neurons of this kind have no spike of their own that could pull the others up; at a reset they pull them down. So the spikes of the group keep apart
and come ever more evenly, the antiphase of Chow & Kopell (2000), Neural Comput. 12:1643.

    python examples/gap_junctions.py [--duration 0.5] [--out gap_junctions.png]
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import ms, second

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--duration", type=float, default=0.5, help="biological time in seconds")
parser.add_argument("--out", default="gap_junctions.png", help="file of the figure; '' for none")
args = parser.parse_args()

eq.seed(1)

n, tau = 10, 10 * ms
neurons = eq.NeuronGroup(
    n,
    """
    dv/dt = (v0 - v + Igap)/tau : 1
    Igap : 1  # the gap junction current
    v0 : 1
    """,
    threshold="v > 1",
    reset="v = 0",
    method="euler",
)
neurons.v0 = "1.1 + 0.002*i"
neurons.v = "rand()"
junctions = eq.Synapses(
    neurons,
    neurons,
    """
    w : 1
    Igap_post = w*(v_pre - v_post) : 1 (summed)
    """,
)
junctions.connect("i != j")

trace, spikes = eq.StateMonitor(neurons, "v", record=[0, n - 1]), eq.SpikeMonitor(neurons)
eq.run(args.duration / 2 * second)
junctions.w = 0.05
eq.run(args.duration / 2 * second)


def irregularity(after, before):
    """The coefficient of variation of the intervals between successive spikes of the whole group: 0 where they come evenly."""
    t = np.sort(spikes.t / second)
    intervals = np.diff(t[(t >= after) & (t < before)])
    return np.std(intervals) / np.mean(intervals) if len(intervals) > 2 else 0.0


half = args.duration / 2
print(
    f"irregularity of the group's spikes without gap junctions {irregularity(0, half):.2f}, with {irregularity(half, 2 * half):.2f}"
)

figure, (top, bottom) = plt.subplots(2, 1, sharex=True, figsize=(8, 6), layout="constrained")
eq.plot.raster(spikes, ax=top, s=12)
top.axvline(1000 * half, color="r", label="gap junctions from here on")
top.legend(loc="lower right", bbox_to_anchor=(1, 1))
eq.plot.traces(trace, ax=bottom)
bottom.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)

if args.out:
    figure.savefig(args.out, dpi=120)
    print(f"figure: {args.out}")
