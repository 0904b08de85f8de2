"""Spike-frequency adaptation: each spike adds to a slow current that holds the next ones back.

The rate falls from its onset value to a steady one; the steady f-I curve is flatter and almost linear (Benda & Herz 2003, Neural Comput.
15:2523; Ermentrout 1998, Neural Comput. 10:1721).

    python examples/spike_frequency_adaptation.py [--neurons 60] [--out spike_frequency_adaptation.png]
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import ms, mV, second

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--neurons", type=int, default=60, help="how many drives between 0 and 40 mV above threshold")
parser.add_argument("--out", default="spike_frequency_adaptation.png", help="file of the figure; '' for none")
args = parser.parse_args()

taum, taua = 20 * ms, 150 * ms
El, Vt, jump = -70 * mV, -50 * mV, 1.5 * mV

neurons = eq.NeuronGroup(
    args.neurons,
    """
    dv/dt = (El - v + drive - a)/taum : volt (unless refractory)
    da/dt = -a/taua : volt
    drive : volt (constant)
    """,
    threshold="v > Vt",
    reset="""
    v = El
    a += jump
    """,
    refractory=2 * ms,
    method="exact",
)
above = np.linspace(0.5, 40, args.neurons)
neurons.v = El
neurons.drive = (above + 20) * mV

spikes = eq.SpikeMonitor(neurons)
shown = int(np.argmin(abs(above - 20)))
trace = eq.StateMonitor(neurons, ("v", "a"), record=[shown])
eq.run(2 * second)

trains = spikes.spike_trains()
onset = np.array([1 / np.diff(t / second)[0] if len(t) > 1 else 0.0 for t in trains.values()])
steady = np.array([np.sum(t / second > 1) for t in trains.values()]) / 1.0
# Without adaptation the interval has a closed form.
interval = 0.002 + 0.020 * np.log((above + 20) / above)
print(
    f"at {above[shown]:.0f} mV above threshold: onset {onset[shown]:.0f} Hz, steady {steady[shown]:.0f} Hz, unadapted {1 / interval[shown]:.0f} Hz"
)

figure, axes = plt.subplots(3, 1, figsize=(8, 9), layout="constrained")
axes[0].plot(trace.t / ms, trace[shown].v / mV, label="v (mV)")
axes[0].plot(trace.t / ms, trace[shown].a / mV, label="a (mV)")
axes[0].set(xlim=(0, 600), xlabel="time (ms)", ylabel="mV")
axes[0].legend(loc="right")
t = trains[shown] / ms
axes[1].plot(t[1:], 1000 / np.diff(t), ".-")
axes[1].set(xlim=(0, 600), ylim=(0, None), xlabel="time (ms)", ylabel="instantaneous rate (Hz)")
axes[2].plot(above, 1 / interval, "k:", label="without adaptation (closed form)")
axes[2].plot(above, onset, label="first interval")
axes[2].plot(above, steady, label="steady")
axes[2].set(xlabel="drive above threshold (mV)", ylabel="firing rate (Hz)")
axes[2].legend()

if args.out:
    figure.savefig(args.out, dpi=120)
    print(f"figure: {args.out}")
