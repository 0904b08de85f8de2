"""A spoken digit through a cochlea written as equations: gammatone filters drive integrate-and-fire neurons.

Each place of the cochlea is a gammatone filter of order 4 (Patterson et al. 1987; bandwidths of Glasberg & Moore 1990, Hear. Res. 47:103):
four complex one-pole filters in a row, integrated exactly between the samples of the sound. The filtered sound is rectified, compressed and
given to leaky integrate-and-fire neurons, the nerve.

Data: one speaker's file of the Free Spoken Digit Dataset (Jackson et al., CC BY-SA 4.0) as npz with the keys ``mulaw``, ``offset``, ``digit``
and ``index``.

    python examples/spoken_digit.py [--digit 7] [--take 0] [--channels 64] [--out spoken_digit.png] jackson.npz
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import Hz, ms, second

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--digit", type=int, default=7)
parser.add_argument("--take", type=int, default=0, help="which recording of the digit")
parser.add_argument("--channels", type=int, default=64, help="places along the cochlea, 100 Hz to 3.5 kHz")
parser.add_argument("--out", default="spoken_digit.png", help="file of the figure; '' for none")
parser.add_argument("data", help="path of a speaker's npz file")
args = parser.parse_args()

data = np.load(args.data)
found = np.flatnonzero((data["digit"] == args.digit) & (data["index"] == args.take))
if not len(found):
    parser.error(f"{args.data} has no take {args.take} of the digit {args.digit}")
start, stop = data["offset"][found[0]], data["offset"][found[0] + 1]
level = data["mulaw"][start:stop] / 127.5 - 1  # mu-law: undone here
wave = np.sign(level) * (256 ** np.abs(level) - 1) / 255
wave = wave / np.abs(wave).max()

eq.seed(1)
eq.defaultclock.dt = 0.125 * ms  # one step a sample, 8 kHz
sound = eq.TimedArray(wave, dt=0.125 * ms)

# Centre frequencies at equal distances along the cochlea, in ERB numbers.
erb_number = np.linspace(*(21.4 * np.log10(1 + 0.00437 * f) for f in (100, 3500)), args.channels)
centre = (10 ** (erb_number / 21.4) - 1) / 0.00437
bandwidth = 1.019 * 24.7 * (1 + 0.00437 * centre)

# z' = (-b + i*w)*z + b*input for each stage z = x + i*y; the gain is 1 at the centre frequency.
cochlea = eq.NeuronGroup(
    args.channels,
    """
    dx1/dt = -b*x1 - w*y1 + 2*b*sound(t) : 1
    dy1/dt = -b*y1 + w*x1 : 1
    dx2/dt = -b*x2 - w*y2 + b*x1 : 1
    dy2/dt = -b*y2 + w*x2 + b*y1 : 1
    dx3/dt = -b*x3 - w*y3 + b*x2 : 1
    dy3/dt = -b*y3 + w*x3 + b*y2 : 1
    dx4/dt = -b*x4 - w*y4 + b*x3 : 1
    dy4/dt = -b*y4 + w*x4 + b*y3 : 1
    envelope = sqrt(x4**2 + y4**2) : 1
    b : Hz (constant)
    w : Hz (constant)
    """,
    method="exact",
)
cochlea.b, cochlea.w = 2 * np.pi * bandwidth * Hz, 2 * np.pi * centre * Hz

tau, gain = 5 * ms, 10
nerve = eq.NeuronGroup(
    args.channels,
    """
    dv/dt = (drive - v)/tau : 1 (unless refractory)
    drive : 1
    """,
    threshold="v > 1",
    reset="v = 0",
    refractory=2 * ms,
    method="exact",
)
ear = eq.Synapses(cochlea, nerve, "drive_post = gain*clip(x4_pre, 0, 1)**(1/3.0) : 1 (summed)")
ear.connect("i == j")

envelope, spikes = eq.StateMonitor(cochlea, "envelope", record=True), eq.SpikeMonitor(nerve)
eq.run(len(wave) / 8000 * second)
loudest = centre[np.argmax(np.mean(np.asarray(envelope.envelope) ** 2, axis=1))]
print(
    f"digit {args.digit}: {len(wave) / 8000:.2f} s, most power at {loudest:.0f} Hz, {spikes.num_spikes} spikes of {args.channels} fibres"
)

figure, axes = plt.subplots(3, 1, sharex=True, figsize=(9, 8), height_ratios=(1, 2, 2), layout="constrained")
axes[0].plot(np.arange(len(wave)) / 8, wave, linewidth=0.5)
axes[0].set(ylabel="sound", title=f"spoken digit {args.digit}")
decibel = 20 * np.log10(np.maximum(envelope.envelope, 1e-3))
ticks = np.searchsorted(centre, [100, 200, 500, 1000, 2000, 3400])
picture = axes[1].imshow(
    decibel, origin="lower", aspect="auto", cmap="magma", extent=(0, len(wave) / 8, -0.5, args.channels - 0.5)
)
figure.colorbar(picture, ax=axes[1], label="envelope (dB)")
axes[1].set(title="cochleagram")
eq.plot.raster(spikes, ax=axes[2], s=8)
for ax in axes[1:]:
    ax.set(yticks=np.minimum(ticks, args.channels - 1), ylabel="centre frequency (Hz)")
    ax.set_yticklabels([f"{centre[min(k, args.channels - 1)]:.0f}" for k in ticks])
axes[2].set(title="auditory nerve")

if args.out:
    figure.savefig(args.out, dpi=120)
    print(f"figure: {args.out}")
