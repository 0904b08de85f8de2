"""Synapses that tire and synapses that warm up: short-term depression and facilitation.

Tsodyks, Pawelzik & Markram (1998), Neural Comput. 10:821, eqs. 2-4; the time constants are those of Markram, Wang & Tsodyks (1998), PNAS 95:5323.
``x`` is the share of the resources that is ready, ``u`` the share of it that a spike uses. Both are solved between spikes, not stepped.

    python examples/short_term_plasticity.py [--frequency 20] [--out short_term_plasticity.png]
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import ms, mV, second

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--frequency", type=float, default=20.0, help="rate of the presynaptic train in Hz")
parser.add_argument("--spikes", type=int, default=20, help="length of the train; one more spike tests the recovery")
parser.add_argument("--out", default="short_term_plasticity.png", help="file of the figure; '' for none")
args = parser.parse_args()

interval = 1 / args.frequency
train = 0.05 + interval * np.arange(args.spikes)
times = np.append(train, train[-1] + 0.5)
source = eq.SpikeGeneratorGroup(1, np.zeros(len(times), int), times * second)

taum, taus = 30 * ms, 3 * ms
cells = eq.NeuronGroup(
    2,
    """
    dv/dt = (g - v)/taum : volt
    dg/dt = -g/taus : volt
    """,
    method="exact",
)
synapses = eq.Synapses(
    source,
    cells,
    """
    du/dt = -u/tauf : 1 (event-driven)
    dx/dt = (1 - x)/taud : 1 (event-driven)
    used : 1
    U : 1 (constant)
    tauf : second (constant)
    taud : second (constant)
    A : volt (constant)
    """,
    on_pre="""
    u += U*(1 - u)
    used = u*x
    x -= used
    g_post += A*used
    """,
)
synapses.connect()
synapses.U = [0.5, 0.15]
synapses.tauf = [20, 1500] * ms
synapses.taud = [800, 200] * ms
synapses.A = [60, 120] * mV
synapses.x = 1

voltage = eq.StateMonitor(cells, "v", record=True)
release = eq.StateMonitor(synapses, "used", record=True, when="end")
eq.run((times[-1] + 0.2) * second)

# What a spike of an endless train releases: the fixed point of the map from spike to spike.
U, tauf, taud = (np.asarray(synapses.state(name)[:]) for name in ("U", "tauf", "taud"))
u = U / (1 - (1 - U) * np.exp(-interval / tauf))
x = (1 - np.exp(-interval / taud)) / (1 - (1 - u) * np.exp(-interval / taud))
last = np.searchsorted(release.t_, train[-1] + 0.5 * float(eq.defaultclock.dt))
for kind, measured, expected in zip(("depressing", "facilitating"), release.used[:, last], u * x):
    print(f"{kind}: spike {args.spikes} releases {measured:.4f}, an endless train {expected:.4f}")

figure, axes = plt.subplots(3, 1, sharex=True, figsize=(8, 7), height_ratios=(1, 3, 3), layout="constrained")
axes[0].vlines(1000 * times, 0, 1, color="k")
axes[0].set(
    yticks=[], ylabel="spikes", title=f"{args.spikes} spikes at {args.frequency:g} Hz and one to test the recovery"
)
for k, (kind, color) in enumerate((("depressing", "C0"), ("facilitating", "C1"))):
    axes[1].plot(voltage.t / ms, voltage.v[k] / mV, color=color, label=kind)
    axes[2].step(release.t / ms, release.used[k], where="post", color=color, label=kind)
    axes[2].axhline(u[k] * x[k], color=color, linestyle=":", linewidth=1)
axes[1].set(ylabel="membrane potential (mV)")
axes[2].set(ylabel="released by the last spike", xlabel="time (ms)")
axes[2].plot([], [], "k:", label="endless train")
axes[1].legend()
axes[2].legend()

if args.out:
    figure.savefig(args.out, dpi=120)
    print(f"figure: {args.out}")
