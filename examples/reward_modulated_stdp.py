"""Learning from rewards that come late: plasticity with three factors, spikes before, spikes after, and dopamine.

One of two cues is shown for 100 ms and drives two populations that inhibit each other; the one with more spikes is the answer. A reward comes
300 ms after the cue. By then the spikes are gone, but what they would have done to a synapse by spike-timing-dependent plasticity is still in its
eligibility trace c, and dopamine turns it into a change of the weight: dw/dt = c*d (Izhikevich 2007, Cerebral Cortex 17:2443). Dopamine is the
reward less the one expected for the cue; without that, weights would drift with the mean reward (Fremaux, Sprekeler & Gerstner 2010, J. Neurosci.
30:13326). After half of the trials the right answers are exchanged.

    python examples/reward_modulated_stdp.py [--trials 300] [--seed 1] [--out reward_modulated_stdp.png]
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import Hz, ms

CUE, WAIT, REST = 100 * ms, 300 * ms, 400 * ms
INPUTS, ANSWERS = 50, 20  # neurons for each cue, and for each answer


def network(w_max=0.6):
    """The network, and its parts by name."""
    cue = eq.PoissonGroup(2 * INPUTS, rates=1 * Hz, name="cue")
    answer = eq.NeuronGroup(
        2 * ANSWERS,
        """
        dv/dt = (g - s - v)/(20*ms) + 3*mV*xi/sqrt(10*ms) : volt (unless refractory)
        dg/dt = -g/(5*ms) : volt
        ds/dt = -s/(10*ms) : volt
        """,
        threshold="v > 10*mV",
        reset="v = 0*mV",
        refractory=2 * ms,
        method="euler",
        name="answer",
    )
    dopamine = eq.NeuronGroup(1, "dd/dt = -d/(100*ms) : 1", method="exact", name="dopamine")
    learnt = eq.Synapses(
        cue,
        answer,
        """
        dw/dt = eta*c*d : 1 (clock-driven)
        dc/dt = -c/(500*ms) : 1 (clock-driven)
        dapre/dt = -apre/(20*ms) : 1 (event-driven)
        dapost/dt = -apost/(20*ms) : 1 (event-driven)
        d : 1 (linked)
        """,
        on_pre="g_post += 4*mV*clip(w, 0, w_max); apre += 1; c -= 0.5*apost",
        on_post="apost += 1; c += apre",
        namespace={"eta": 0.15 * Hz, "w_max": w_max},
        method="euler",
        name="learnt",
    )
    learnt.d = eq.linked_var(dopamine, "d")
    learnt.connect()
    learnt.w = 0.25
    rivals = eq.Synapses(answer, answer, on_pre="s_post += 2*mV", name="rivals")
    rivals.connect("i // 20 != j // 20")
    return eq.Network(cue, answer, dopamine, learnt, rivals)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", default="reward_modulated_stdp.png", help="file of the figure; '' for none")
    args = parser.parse_args()
    eq.seed(args.seed)
    eq.defaultclock.dt = 1 * ms
    net = network()
    cue, answer, dopamine, learnt = (net[n] for n in ("cue", "answer", "dopamine", "learnt"))
    spikes = eq.SpikeMonitor(answer)
    traces = eq.StateMonitor(learnt, ["c", "w"], record=[0], dt=5 * ms)
    level = eq.StateMonitor(dopamine, "d", record=True, dt=5 * ms)
    net.add(spikes, traces, level)
    rng, expected = np.random.default_rng(args.seed), np.full(2, 0.5)
    right, strengths = np.zeros(args.trials, bool), []
    for trial in range(args.trials):
        shown = rng.integers(2)
        wanted = shown if trial < args.trials // 2 else 1 - shown
        before = spikes.count[:].copy()
        cue.rates = np.where(np.arange(2 * INPUTS) // INPUTS == shown, 40, 1) * Hz
        net.run(CUE)
        cue.rates = 1 * Hz
        counts = (spikes.count[:] - before).reshape(2, ANSWERS).sum(axis=1)
        right[trial] = counts[wanted] > counts[1 - wanted]
        net.run(WAIT)
        dopamine.d = right[trial] - expected[shown]
        expected[shown] += 0.1 * (right[trial] - expected[shown])
        net.run(REST)
        strengths.append(
            np.clip(learnt.to_scipy("w").toarray(), 0, 0.6).reshape(2, INPUTS, 2, ANSWERS).mean(axis=(1, 3))
        )
    half, late = args.trials // 2, max(args.trials // 8, 1)
    for name, end in (("before the exchange", half), ("at the end", args.trials)):
        print(f"right answers in the last {late} trials {name}: {right[end - late : end].mean():.0%}")
    if args.out:
        draw(args.out, right, np.array(strengths), traces, level, args.trials)
    return learnt, spikes, traces


def draw(out, right, strengths, traces, level, trials):
    figure, axes = plt.subplots(3, 1, figsize=(9, 8), constrained_layout=True)
    window = 20
    share = np.convolve(right, np.ones(window) / window, "valid")
    axes[0].plot(np.arange(window, trials + 1), share)
    axes[0].axhline(0.5, color="gray", lw=0.5)
    axes[0].axvline(trials // 2, color="k", ls=":")
    axes[0].set(ylabel=f"right answers, of {window}", ylim=(0, 1.02), xlim=(0, trials))
    for cue in (0, 1):
        for answer in (0, 1):
            axes[1].plot(strengths[:, cue, answer], label=f"cue {'AB'[cue]} to answer {'AB'[answer]}")
    axes[1].axvline(trials // 2, color="k", ls=":")
    axes[1].set(ylabel="mean weight", xlabel="trial", xlim=(0, trials), ylim=(0.22, 0.35))
    axes[1].legend(ncols=2, loc="upper center")
    first = slice(0, int(6 * 0.8 / 5e-3))
    axes[2].plot(traces.t[first] / eq.second, traces.c[0][first], label="eligibility c of one synapse")
    axes[2].plot(level.t[first] / eq.second, level.d[0][first], label="dopamine d")
    axes[2].set(xlabel="time (s)")
    axes[2].legend()
    figure.savefig(out, dpi=100)


if __name__ == "__main__":
    learnt, spikes, traces = main()
