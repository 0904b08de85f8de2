"""Where does a sound come from? Coincidence detectors behind delay lines read the interaural time difference.

Jeffress (1948), J. Comp. Physiol. Psychol. 41:35. Two ears hear the same noise, one later than the other; a row of detectors receives the ears'
spikes through opposite delays, and the detector whose delays make up for the difference fires most.

    python examples/jeffress.py [--duration 1.0] [--out jeffress.png]
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import ms, second

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--duration", type=float, default=1.0, help="time in seconds for each direction")
parser.add_argument("--out", default="jeffress.png", help="file of the figure; '' for none")
args = parser.parse_args()

eq.seed(3)
eq.defaultclock.dt = 0.02 * ms
differences = [-0.3, 0.0, 0.2]  # ms; positive: the right ear hears it later
largest, detectors = 0.5, 101  # ms of delay to either side

# One noise, low-passed at 0.5 ms, heard by each ear at its own time.
samples = int((len(differences) * args.duration + 0.02) * 1000 / 0.02)
noise = np.zeros(samples)
rng = np.random.default_rng(3)
for k in range(1, samples):
    noise[k] = noise[k - 1] * (1 - 0.02 / 0.5) + np.sqrt(2 * 0.02 / 0.5) * rng.standard_normal()
sound = eq.TimedArray(noise, dt=0.02 * ms)

tau_ear, sigma = 0.5 * ms, 0.05
ears = eq.NeuronGroup(
    2 * 20,
    """
    dx/dt = (2*sound(t - late) - x)/tau_ear + sigma*(2/tau_ear)**0.5*xi : 1 (unless refractory)
    late : second
    """,
    threshold="x > 1",
    reset="x = 0",
    refractory=2.5 * ms,
    method="euler",
)
left, right = ears[:20], ears[20:]

tau, coincidence = 0.1 * ms, 0.05
row = eq.NeuronGroup(detectors, "dv/dt = -v/tau : 1", threshold="v > 1", reset="v = 0", method="exact")
from_left = eq.Synapses(left, row, on_pre="v_post += coincidence")
from_right = eq.Synapses(right, row, on_pre="v_post += coincidence")
for synapses, sign in ((from_left, 1), (from_right, -1)):
    synapses.connect()
    synapses.delay = f"({largest}*(1 + {sign}*(2.0*j/(N_post - 1) - 1)))*ms"

spikes = eq.SpikeMonitor(row)
best = np.linspace(-largest, largest, detectors) * 2  # the difference that a detector's delays make up for
counts = []
for difference in differences:
    left.late = 5 * ms
    right.late = (5 + difference) * ms
    before = spikes.count.copy()
    eq.run(args.duration * second)
    counts.append(spikes.count - before)
    # The centre of mass of the counts near their peak.
    peak = counts[-1] * (counts[-1] > 0.5 * counts[-1].max())
    print(f"difference {difference:+.2f} ms: read as {np.sum(best * peak) / np.sum(peak):+.2f} ms")

figure, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
for difference, count, color in zip(differences, counts, ("C0", "C1", "C2")):
    ax.plot(best, count / args.duration, color=color, label=f"true difference {difference:+.1f} ms")
    ax.axvline(difference, color=color, linestyle=":")
ax.set(xlabel="difference that a detector stands for (ms)", ylabel="rate (Hz)", title="Jeffress (1948)")
ax.legend()

if args.out:
    figure.savefig(args.out, dpi=120)
    print(f"figure: {args.out}")
