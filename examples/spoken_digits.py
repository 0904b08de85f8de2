"""Train spiking neurons to understand spoken digits, heard through a cochlea that is written as equations.

Each place of the cochlea is a gammatone filter of order 4 (Patterson et al. 1987; bandwidths of Glasberg & Moore 1990): four complex one-pole
filters in a row. Its output is rectified and compressed, and drives two nerve fibres of different sensitivity, leaky integrate-and-fire neurons
whose threshold rises with each spike. Their spikes, counted in steps of 8 ms, reach recurrent adaptive neurons; ten leaky integrators are read.

Data: a folder with the Free Spoken Digit Dataset (Jackson et al., CC BY-SA 4.0), one npz a speaker with ``mulaw``, ``offset``, ``digit`` and
``index``. Its official split: takes 0 to 4 of each digit and speaker are for the test. ``--validate`` holds out takes 5 to 9 instead and leaves
the test alone, to choose settings by.

    python examples/spoken_digits.py [--epochs 20] [--width 128] [--seed 0] [--validate] [--out spoken_digits.png] FOLDER
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import Hz, ms, second

RATE, BIN, CHANNELS = (
    8000,
    8,
    48,
)  # samples a second of the sound; ms of a step of the network; places along the cochlea
STEPS = 120  # of the network: what comes later than 0.96 s is not heard

COCHLEA = """
dx1/dt = -b*x1 - w*y1 + 2*b*sound(t, recording) : 1
dy1/dt = -b*y1 + w*x1 : 1
dx2/dt = -b*x2 - w*y2 + b*x1 : 1
dy2/dt = -b*y2 + w*x2 + b*y1 : 1
dx3/dt = -b*x3 - w*y3 + b*x2 : 1
dy3/dt = -b*y3 + w*x3 + b*y2 : 1
dx4/dt = -b*x4 - w*y4 + b*x3 : 1
dy4/dt = -b*y4 + w*x4 + b*y3 : 1
b, w : Hz (constant)
recording : integer (constant)
"""
NERVE = """
dv/dt = (gain*clip(x, 0, 1)**0.3 - v)/(2*ms) : 1 (unless refractory)
da/dt = -a/(30*ms) : 1
x : 1 (linked)
gain : 1 (constant)
"""
GAINS = (4, 12)  # of the fibres at each place

HIDDEN = """
du/dt = (I + bias - u)/tau_m : 1
da/dt = -a/tau_a : 1
I : 1 (input)
bias : 1 (trainable)
tau_m : second (trainable, bounds=[8*ms, 2*second])
tau_a : second (trainable, bounds=[8*ms, 4*second])
"""
READOUT = """
du/dt = (I + bias - u)/tau : 1
I : 1 (input)
bias : 1 (trainable)
tau : second (trainable, bounds=[8*ms, 4*second])
"""


def recordings(folder):
    """The sounds, their digits and the numbers of their takes, of all speakers in the folder."""
    files = sorted(Path(folder).glob("*.npz"))
    if not files:
        raise SystemExit(f"there is no npz file of a speaker in {folder}")
    sounds, digits, takes = [], [], []
    for data in map(np.load, files):
        level = data["mulaw"] / 127.5 - 1  # mu-law: undone here
        wave = np.sign(level) * (256 ** np.abs(level) - 1) / 255
        sounds += [w / np.abs(w).max() for w in np.split(wave, data["offset"][1:-1])]
        digits.append(data["digit"])
        takes.append(data["index"])
    return sounds, np.concatenate(digits).astype(np.int64), np.concatenate(takes)


def listen(sounds, channels=CHANNELS):
    """What the nerve says of each sound: spikes a step of 8 ms, (step, fibre). Sounds are heard side by side, those of like length together."""
    heard = [None] * len(sounds)
    order = sorted(range(len(sounds)), key=lambda k: len(sounds[k]))
    for k in range(0, len(order), 100):
        chosen = order[k : k + 100]
        for where, counts in zip(chosen, _listen([sounds[j] for j in chosen], channels)):
            heard[where] = counts
    return heard


def _listen(sounds, channels):
    eq.start_scope()
    eq.defaultclock.dt = 1 / RATE * second
    length = min(max(map(len, sounds)), STEPS * BIN * RATE // 1000)
    table = np.zeros((length + 1, len(sounds)))
    for k, s in enumerate(sounds):
        table[: min(len(s), length), k] = s[:length]
    sound = eq.TimedArray(table, dt=1 / RATE * second)
    # Centre frequencies at equal distances along the cochlea, in ERB numbers.
    erb_number = np.linspace(*(21.4 * np.log10(1 + 0.00437 * f) for f in (100, 3600)), channels)
    centre = (10 ** (erb_number / 21.4) - 1) / 0.00437
    bandwidth = 1.019 * 24.7 * (1 + 0.00437 * centre)
    cochlea = eq.NeuronGroup(len(sounds) * channels, COCHLEA, method="exact", namespace={"sound": sound})
    cochlea.b = np.tile(2 * np.pi * bandwidth, len(sounds)) * Hz
    cochlea.w = np.tile(2 * np.pi * centre, len(sounds)) * Hz
    cochlea.recording = np.repeat(np.arange(len(sounds)), channels)
    nerve = eq.NeuronGroup(
        len(cochlea) * len(GAINS),
        NERVE,
        threshold="v > 1 + a",
        reset="v = 0; a += 0.3",
        refractory=1 * ms,
        method="exponential_euler",
    )
    nerve.x = eq.linked_var(cochlea, "x4", index=np.repeat(np.arange(len(cochlea)), len(GAINS)))
    nerve.gain = np.tile(GAINS, len(cochlea))
    spikes = eq.SpikeMonitor(nerve)
    eq.Network(cochlea, nerve, spikes).run(length / RATE * second)
    fibres, steps = channels * len(GAINS), -(-length * 1000 // (RATE * BIN))
    counts = np.zeros((len(sounds), steps, fibres), np.uint8)
    np.add.at(counts, (spikes.i // fibres, (spikes.t / (BIN * ms)).astype(int), spikes.i % fibres), 1)
    return [c[: -(-len(s) * 1000 // (RATE * BIN))] for c, s in zip(counts, sounds)]


def network(width=128, seed=0):
    """The network, and the group that is read."""
    eq.start_scope()
    eq.defaultclock.dt = BIN * ms
    rng = np.random.default_rng(seed)
    ear = eq.Inputs(CHANNELS * len(GAINS), name="ear")
    hidden = eq.NeuronGroup(
        width,
        HIDDEN,
        threshold="u > 1 + a",
        reset="u -= 1 + a; a += 0.2",
        surrogate=eq.Surrogate("fast_sigmoid", scale=0.5, height=0.2),
        method="exact",
        name="hidden",
    )
    hidden.tau_m, hidden.tau_a = rng.uniform(20, 60, width) * ms, rng.uniform(50, 300, width) * ms
    readout = eq.NeuronGroup(10, READOUT, method="exact", name="readout")
    readout.tau = 100 * ms
    layers = [
        eq.Dense(ear, hidden, on_pre="I_post += w*x_pre", init="0.9*randn()", same_step=True, name="in"),
        eq.Dense(hidden, hidden, init=f"{1.2 / np.sqrt(width)}*randn()", name="recurrent"),
        eq.Dense(hidden, readout, init="xavier", same_step=True, name="out"),
    ]
    return eq.Network(ear, hidden, readout, layers), readout


def trainer(epochs, rate=4e-3, width=128, seed=0, **options):
    """A trainer of the network for the mean of the readout over a recording; the learning rate falls."""
    net, readout = network(width, seed)
    loss = eq.CrossEntropy(readout, "u", over="mean", scale=10)
    schedule = lambda epoch: 0.505 + 0.495 * np.cos(np.pi * epoch / epochs)  # noqa: E731
    return eq.Trainer(net, loss=loss, optimizer=eq.Adam(rate), clip=1.0, schedule=schedule, **options)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--width", type=int, default=128, help="recurrent neurons")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--validate", action="store_true", help="hold out takes 5 to 9, and leave the test alone")
    parser.add_argument("--out", default="spoken_digits.png", help="file of the figure; '' for none")
    parser.add_argument("data", help="folder of the speakers' npz files")
    args = parser.parse_args()
    eq.seed(args.seed)
    sounds, digits, takes = recordings(args.data)
    kept = np.flatnonzero(takes >= 5) if args.validate else np.arange(len(takes))
    digits, takes = digits[kept], takes[kept]
    heard = listen([sounds[k] for k in kept])
    spikes, seconds = sum(h.sum() for h in heard), sum(len(h) for h in heard) * BIN / 1000
    print(f"{len(heard)} recordings, {spikes / seconds / heard[0].shape[1]:.1f} spikes a second and fibre")

    held = np.flatnonzero(takes < (10 if args.validate else 5))
    rest = np.setdiff1d(np.arange(len(takes)), held)
    x, y = [heard[k] for k in rest], digits[rest]
    x_held, y_held = [heard[k] for k in held], digits[held]
    train = trainer(args.epochs, args.rate, args.width, args.seed, threads=1)
    watched = {"validation": (x_held, y_held)} if args.validate else {}
    train.fit(x, y, epochs=args.epochs, batch=args.batch, report="text", **watched)
    found = train.evaluate(x_held, y_held)["accuracy"]
    print(f"{'held out' if args.validate else 'test'}: {found:.4f} of {len(held)} recordings")
    if args.out:
        figure, axes = plt.subplots(2, 2, figsize=(10, 8), layout="constrained")
        axes[0, 0].imshow(x_held[0][:, 1::2].T, origin="lower", aspect="auto", cmap="gray_r", interpolation="nearest")
        axes[0, 0].set(title=f"what is heard of '{y_held[0]}'", xlabel="step of 8 ms", ylabel="place along the cochlea")
        eq.plot.history(train.history, "loss", ax=axes[0, 1])
        eq.plot.history(train.history, "accuracy", ax=axes[1, 0])
        eq.plot.confusion(y_held, train.predict(x_held), ax=axes[1, 1])
        figure.savefig(args.out, dpi=100)


if __name__ == "__main__":
    main()
