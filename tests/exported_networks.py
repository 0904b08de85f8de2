"""Networks whose exported programs are compared with the run in Python, one for each thing that a plan can hold."""

from __future__ import annotations

import models
import numpy as np

import eqsnn as eq
from eqsnn import Hz, ms, mV

LIF = "dv/dt = (1.1 + 0.02*i/N - v)/(8*ms) : 1"


def neurons(n, more="", **options):
    given = dict(threshold="v > 1", reset="v = 0", method="exact") | options
    G = eq.NeuronGroup(n, f"{LIF}\n{more}", **given)
    G.v = "rand()"
    return G


def brunel():
    """Brunel (2000), a fortieth of its size."""
    G = eq.NeuronGroup(
        250,
        "dv/dt = -v/(20*ms) : volt (unless refractory)",
        threshold="v > 20*mV",
        reset="v = 10*mV",
        refractory=2 * ms,
        method="exact",
    )
    G.v = "rand()*20*mV"
    E, I = G[:200], G[200:]
    S, T = eq.Synapses(E, G, on_pre="v += 0.5*mV"), eq.Synapses(I, G, on_pre="v -= 2*mV")
    for synapses in (S, T):
        synapses.connect(p=0.1)
        synapses.delay = 1.5 * ms
    P = eq.PoissonInput(G, "v", 100, 110 * Hz, 0.5 * mV)
    return eq.Network(G, S, T, P, eq.SpikeMonitor(G), eq.PopulationRateMonitor(E))


def delays():
    """Many delays, and events that are on their way in the ring of another pathway."""
    G, H = neurons(30), neurons(10, "g : 1")
    S = eq.Synapses(G[5:25], H, "w : 1", on_pre="g_post += w", on_post="w *= 0.99")
    S.connect(p=0.4)
    S.w, S.delay, S.post.delay = "rand()", "(1 + 3*rand())*ms", "rand()*ms"
    T = eq.Synapses(H, G, on_pre="v_post += 0.01")
    T.connect(p=0.5)
    T.delay = 0.7 * ms
    return eq.Network(G, H, S, T, eq.SpikeMonitor(G), eq.SpikeMonitor(H), eq.StateMonitor(H, ["g", "v"], record=True))


def inputs():
    """Generators, Poisson groups and inputs, and values over time."""
    stimulus = eq.TimedArray(np.linspace(0, 0.4, 7), dt=3 * ms)
    table = eq.TimedArray(np.arange(12.0).reshape(4, 3) / 20, dt=5 * ms)
    G = neurons(3, "I = stimulus(t) + table(t, i) : 1\nx : 1", namespace={"stimulus": stimulus, "table": table})
    A = eq.SpikeGeneratorGroup(4, [0, 1, 2, 3, 0], [0.3, 1, 1, 2.2, 4] * ms, period=5 * ms)
    B = eq.SpikeGeneratorGroup(4, [0, 3, 3], [0.3, 1, 9] * ms)
    C = eq.PoissonGroup(20, "(100 + 20*i)*Hz")
    D = eq.PoissonGroup(10, 300 * Hz)
    made = []
    for source in (A, B, C, D):
        S = eq.Synapses(source, G, on_pre="v_post += 0.1")
        S.connect("i % 3 == j")
        made += [S, eq.SpikeMonitor(source)]
    made += [
        eq.PoissonInput(G, "x", 50, 80 * Hz, weight="0.01*i"),
        eq.PoissonInput(G[1:], "v", 10, 30 * Hz, weight=0.02),
    ]
    return eq.Network(G, A, B, C, D, made, eq.StateMonitor(G, ["v", "I", "x"], record=True))


def custom_events():
    """Events of the user's own, with records of variables at them."""
    G = neurons(
        12, "u = 2*v : 1\ncount_up : integer\non : boolean\nall : 1 (shared)", events={"half": "v > 0.5 and not on"}
    )
    G.all = 0.25
    G.run_on_event("half", "on = True\ncount_up += 1")
    G.run_regularly("on = v > 0.5", dt=0.5 * ms)
    S = eq.Synapses(G, G, on_pre="v_post += 0.005*all", on_event={"pre": "half"})
    S.connect(p=0.3)
    M = eq.EventMonitor(G, "half", variables=["v", "u", "count_up", "all"])
    N = eq.SpikeMonitor(G[3:9], variables="v")
    O = eq.SpikeMonitor(G[2:], record=False)
    V = eq.StateMonitor(G, ["v", "on", "count_up"], record=[1, 4, 9], dtype={"v": np.float32, "count_up": np.int16})
    return eq.Network(G, S, M, N, O, V, eq.EventMonitor(G, "half"))


def clocks():
    """Several time steps, and moments between them."""
    G = neurons(8, "x : 1")
    H = eq.NeuronGroup(
        5, "dv/dt = (1.2 - v)/(5*ms) : 1\ny : 1", threshold="v > 1", reset="v = 0", dt=0.25 * ms, method="exact"
    )
    G.run_regularly("x = x + 1 + 0.01*rand()", dt=1 * ms)
    H.run_at("y += 1; v += 0.05", times=[0.2, 1.13, 7.5] * ms)
    S = eq.Synapses(H, G, on_pre="x_post += 0.5; v_post += 0.01")
    S.connect()
    S.delay = 0.5 * ms
    made = [
        eq.StateMonitor(G, "x", record=True, dt=0.5 * ms),
        eq.StateMonitor(H, "y", record=True, every=3, start=2 * ms, stop=15 * ms),
    ]
    return eq.Network(
        G,
        H,
        S,
        made,
        eq.SpikeMonitor(G),
        eq.SpikeMonitor(H),
        eq.StateMonitor(G, "v", record=0, clock=eq.EventClock([0.7, 3, 11] * ms)),
    )


def linked():
    """Variables of another group, and subexpressions of one."""
    G = neurons(6, "d = v*2 : 1")
    H = eq.NeuronGroup(
        6,
        "o : 1 (linked)\nd2 : 1 (linked)\ndv/dt = (o + d2 - v)/(5*ms) : 1",
        threshold="v > 1",
        reset="v = 0",
        method="euler",
    )
    H.o = eq.linked_var(G, "v", index=np.arange(6)[::-1])
    H.d2 = eq.linked_var(G, "d")
    return eq.Network(G, H, eq.SpikeMonitor(H), eq.StateMonitor(H, ["v", "o", "d2"], record=True))


def narrow_synapses():
    """Weights in few bits, and sums over synapses."""
    G = neurons(20, "total : 1\ng : 1")
    S = eq.Synapses(
        G,
        G,
        "w : 1\nk : integer\nz : 1",
        on_pre="g_post += w*z\nk = (k + 1) % 100",
        dtype={"w": np.float16, "k": np.int8, "z": np.float32},
    )
    S.connect(p=0.4)
    S.w, S.z, S.delay = "0.1*rand()", "rand()", "rand()*ms"
    T = eq.Synapses(
        G, G, "dc/dt = (v_pre - c)/(4*ms) : 1 (clock-driven)\ntotal_post = 0.3*c : 1 (summed)", method="euler"
    )
    T.connect(p=0.3)
    return eq.Network(
        G,
        S,
        T,
        eq.SpikeMonitor(G),
        eq.StateMonitor(G, ["g", "total"], record=True),
        eq.StateMonitor(S, ["w", "k", "z"], record=True),
    )


def single():
    """A float32 group with noise and refractoriness by a condition."""
    G = eq.NeuronGroup(
        50,
        "dv/dt = (1.3 - v)/(8*ms) + 0.3*xi/sqrt(8*ms) : 1 (unless refractory)",
        threshold="v > 1",
        reset="v = 0",
        refractory="v > -0.1 and rand() < 0.9",
        method="euler",
        dtype=np.float32,
    )
    G.v = "rand()"
    S = eq.Synapses(G, G, on_pre="v_post += 0.05")
    S.connect(p=0.1)
    return eq.Network(G, S, eq.SpikeMonitor(G), eq.StateMonitor(G, "v", record=[0, 7]))


def counted():
    """Many spikes at once, each of which adds the same: sums of counted arrivals are rounded once."""
    G = neurons(60, "g : 1", refractory=1 * ms)
    G.v = "0.9 + 0.001*(i % 7)"
    H = neurons(9, "g : 1")
    S = eq.Synapses(G, H, on_pre="g_post += 0.1")
    S.connect(p=0.8)
    T = eq.Synapses(G, G[20:50], on_pre="v_post -= 0.0003; g_post += 0.3")
    T.connect("i != j")
    return eq.Network(
        G, H, S, T, eq.StateMonitor(H, "g", record=True), eq.StateMonitor(G, "g", record=True), eq.SpikeMonitor(G)
    )


def early():
    """Pathways that come before the spikes of a step are known."""
    G = neurons(15)
    S = eq.Synapses(G, G, "w : 1", on_pre="v_post += w")
    S.pre.when = "before_groups"
    S.connect(p=0.4)
    S.w, S.delay = "0.1*rand()", "rand()*2*ms"
    T = eq.Synapses(G, G, on_pre="v_post -= 0.01")
    T.pre.when = "start"
    T.connect(p=0.4)
    T.delay = 0.3 * ms
    return eq.Network(G, S, T, eq.SpikeMonitor(G))


def adaptive():
    """Steps of a length of their own."""
    G = neurons(7, "du/dt = (v - u)*sin(u)/(3*ms) : 1", method="rkf45")
    return eq.Network(G, eq.SpikeMonitor(G), eq.StateMonitor(G, "u", record=True))


def silent():
    """Nobody spikes, and one group is not active."""
    G, H = neurons(4), neurons(3)
    H.active = False
    S = eq.Synapses(H, G, on_pre="v_post += 1")
    S.connect()
    return eq.Network(G, H, S, eq.SpikeMonitor(H), eq.SpikeMonitor(G))


def nothing():
    return eq.Network()


def bare():
    """No synapses, and nobody who looks."""
    return eq.Network(eq.NeuronGroup(2, "dv/dt = -v/(10*ms) : 1", method="exact"))


NETWORKS = {
    f.__name__: f
    for f in (
        brunel,
        delays,
        inputs,
        custom_events,
        clocks,
        linked,
        narrow_synapses,
        single,
        counted,
        early,
        adaptive,
        silent,
        bare,
        nothing,
    )
}
NETWORKS |= {
    f.__name__: lambda f=f: f().network
    for f in (models.cuba, models.cobahh, models.stdp, models.izhikevich, models.adex, models.noisy, models.gap_junctions, models.driven, models.keywords, models.astrocytes)
}  # fmt: skip
