"""Fit an adaptive exponential integrate-and-fire neuron to a recorded membrane by gradient descent.

The model (Brette & Gerstner 2005) hears the recorded current, is reset where the recording has spikes, and is drawn towards the recorded membrane
by a coupling that becomes weaker (Abarbanel, Creveling, Farsian & Kostuk 2009), so that it never runs far away. What is left of the error says how to
change capacitance, leak and adaptation, and then also the threshold and how sharp it is: errors go back through all steps of a second. At the end
the model runs alone, on a current that the fit has not seen.

A recording is an npz file with ``v`` (mV), ``current`` (pA) and ``dt`` (ms). Without one, a neuron whose parameters the fit does not know is
recorded in its place, with 0.3 mV of noise.

    python examples/fit_neuron_parameters.py [--epochs 300] [--seed 0] [--out fit_neuron_parameters.png] [FILE]
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import ms, mV, nS, pA, pF

HIDDEN = dict(C=200 * pF, gL=10 * nS, EL=-70 * mV, VT=-50 * mV, DT=2 * mV, a=2 * nS, tau_w=120 * ms, b=60 * pA)
GUESS = dict(C=150 * pF, gL=7 * nS, EL=-65 * mV, VT=-47 * mV, DT=3 * mV, a=0.5 * nS, tau_w=60 * ms, b=20 * pA)
KNOWN = dict(
    peak=-20 * mV, Vr=-58 * mV
)  # what a recording shows at once: where spikes are cut, and where the membrane goes on
HELD = 1 / 3  # the share of the recording, its end, on which the model runs alone

ADEX = """
dv/dt = (gL*(EL - v) + gL*DT*exp(clip((v - VT)/DT, -inf, {top})) - w + {current})/C : volt
dw/dt = (a*(v - EL) - w)/tau_w : amp
C : farad (trainable, bounds=[20*pF, 2000*pF])
gL : siemens (trainable, bounds=[1*nS, 100*nS])
EL : volt (trainable, rate=0.3)
VT : volt (trainable, rate={late}, bounds=[-60*mV, -42*mV])
DT : volt (trainable, rate={late}, bounds=[0.5*mV, 10*mV])
a : siemens (trainable, rate=3)
tau_w : second (trainable, rate=600, bounds=[5*ms, 1000*ms])    # in steps, of which there are many
b : amp (trainable, rate=3)
"""
RECORDED = """
I : 1 (input)
seen : 1 (input)
fired : 1 (input)
spiking[n+1] = fired : 1
k : siemens
"""


def fluctuating(milliseconds, dt, rng):
    """A current (pA) whose mean changes every 100 ms, and that fluctuates within 10 ms."""
    steps = round(milliseconds / dt)
    mean = np.repeat(rng.uniform(50, 550, steps // round(100 / dt) + 1), round(100 / dt))[:steps]
    noise = np.zeros(steps)
    for n in range(1, steps):
        noise[n] = noise[n - 1] * (1 - dt / 10) + 120 * np.sqrt(2 * dt / 10) * rng.standard_normal()
    return mean + noise


def simulate(values, current, dt):
    """The membrane (mV) of a neuron with these parameters that hears the current (pA), and the steps in which it spikes."""
    eq.start_scope()
    eq.defaultclock.dt = dt * ms
    heard = eq.TimedArray(current * pA, dt=dt * ms)
    cell = eq.NeuronGroup(
        1,
        ADEX.format(top=20, current="heard(t)", late=1),
        threshold="v > peak",
        reset="v = Vr; w += b",
        method="exponential_euler",
        namespace={**KNOWN, "heard": heard},
    )
    for name, value in values.items():
        setattr(cell, name, value)
    cell.v = values["EL"]
    membrane, spikes = eq.StateMonitor(cell, "v", record=True, when="end"), eq.SpikeMonitor(cell)
    eq.Network(cell, membrane, spikes).run(len(current) * dt * ms)
    return np.asarray(membrane.v[0] / mV), np.rint(np.asarray(spikes.t / ms) / dt).astype(int)


def fit(v, spikes, current, dt, guess, epochs, late):
    """The parameters by name, and the error (mV) of each epoch. ``late``: the factor of the learning rate of the threshold."""
    eq.start_scope()
    eq.defaultclock.dt = dt * ms
    fired = np.zeros(len(v))
    fired[spikes] = 1
    length = round(1000 / dt)
    n = len(v) // length
    x = np.stack([current, v, fired], axis=-1)[: n * length].reshape(n, length, 3)
    wanted = x[..., 1:2] * 1e-3
    counts = (x[..., 1] < -40) & (x[..., 2] == 0)  # a spike's last 0.3 ms would say nothing that the reset does not

    electrodes = eq.Inputs(3, name="electrodes")
    cell = eq.NeuronGroup(
        1,
        ADEX.format(top=5, current="I*pA + k*(seen*mV - v)", late=late) + RECORDED,
        threshold="spiking > 0.5",
        reset="v = Vr; w += b",
        method="exponential_euler",
        surrogate="boxcar",
        namespace=KNOWN,
        name="cell",
    )
    for name, value in guess.items():
        setattr(cell, name, value)
    cell.v = guess["EL"]
    wires = [
        eq.Dense(
            electrodes, cell, "g : 1", f"{to}_post += g*x_pre", init={"g": np.eye(3)[:, [j]]}, same_step=True, name=to
        )
        for j, to in enumerate(("I", "seen", "fired"))
    ]
    loss = eq.EquationLoss(cell, "sqrt(1 + ((v - target)/mV)**2) - 1", "v", start=round(300 / dt))
    trainer = eq.Trainer(
        eq.Network(electrodes, cell, wires),
        loss=loss,
        optimizer=eq.Adam(1e-2),
        clip=10.0,
        dtype="float64",
        schedule=lambda epoch: 0.05 + 0.475 * (1 + np.cos(np.pi * epoch / epochs)),
    )
    errors = []
    for epoch in range(epochs):
        cell.k = 20 * (1 - 0.9 * epoch / epochs) * nS
        history = trainer.fit(x, wanted, epochs=1, batch=n, mask=counts)
        errors.append(np.sqrt((history["loss"][-1] + 1) ** 2 - 1))
    return {name: getattr(cell, name)[0] for name in GUESS}, errors


def hits(spikes, others, dt, within=2):
    """How many of ``spikes`` have one of ``others`` within so many ms."""
    return sum(bool((np.abs(others - s) * dt <= within).any()) for s in spikes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=300, help="of each of the two parts of the fit")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="fit_neuron_parameters.png", help="file of the figure; '' for none")
    parser.add_argument("data", nargs="?", help="npz file of a recording: v (mV), current (pA), dt (ms)")
    args = parser.parse_args()
    eq.seed(args.seed)
    rng = np.random.default_rng(args.seed)
    if args.data:
        data = np.load(args.data)
        v, current, dt = data["v"], data["current"], float(data["dt"])
        above = v > -25
        spikes = np.flatnonzero(above[1:] & ~above[:-1]) + 1
    else:
        dt = 0.1
        current = fluctuating(6000, dt, rng)
        v, spikes = simulate(HIDDEN, current, dt)
        v = v + 0.3 * rng.standard_normal(len(v))
    end = round(len(v) * (1 - HELD))
    seen = (v[:end], spikes[spikes < end], current[:end], dt)
    found, first = fit(*seen, GUESS, args.epochs, late=0)
    found, second = fit(*seen, found, args.epochs, late=1)
    for name, value in found.items():
        print(f"{name:5} {GUESS[name]!s:>8} -> {value!s:<18}{'' if args.data else f'(neuron: {HIDDEN[name]})'}")
    held = spikes[spikes >= end]
    runs = {"guess": simulate(GUESS, current, dt), "fitted": simulate(found, current, dt)}
    for name, (_, at) in runs.items():
        at = at[at >= end]
        print(f"{name}: {len(at)} spikes, {hits(held, at, dt)} of the neuron's {len(held)} met within 2 ms")
    if args.out:
        figure, axes = plt.subplots(2, 1, figsize=(10, 7), layout="constrained")
        axes[0].semilogy(first + second)
        axes[0].set(xlabel="epoch", ylabel="error of the membrane (mV)", title="drawn to the recording")
        axes[0].axvline(args.epochs, color="0.7", lw=1)
        part = slice(end, min(end + round(600 / dt), len(v)))
        t = np.arange(part.start, part.stop) * dt
        for label, trace, style in (
            ("guess", runs["guess"][0], dict(color="0.75", lw=1)),
            ("neuron", v, dict(color="k", lw=1)),
            ("fitted", runs["fitted"][0], dict(color="C3", lw=1)),
        ):
            axes[1].plot(t, trace[part], label=label, **style)
        axes[1].set(xlabel="time (ms)", ylabel="membrane (mV)", title="alone, on a current that the fit has not seen")
        axes[1].legend(loc="upper right")
        figure.savefig(args.out, dpi=100)


if __name__ == "__main__":
    main()
