"""Networks that together need every kernel of the CUDA engine, and every way of doing synapses, with more elements than a block has threads."""

from __future__ import annotations

import numpy as np
from models import Case

import eqsnn as eq
from eqsnn import Hz, ms

NEURONS = """dv/dt = (1.1 + drive - v)/(9*ms) : 1 (unless refractory)
dg/dt = -g/(4*ms) : 1
drive : 1
total : 1"""


def population(n, name):
    G = eq.NeuronGroup(n, NEURONS, threshold="v > 1", reset="v = 0", refractory=1 * ms, method="euler", name=name)
    G.v, G.drive = "rand()", "0.3*rand()"
    return G


def ways(n=300):
    """Counted, summed up in any order, assigned, done in turn; one delay, several; from spikes, given events, and Poisson events of both kinds."""
    G, H = population(n, "g"), population(2 * n, "h")
    G.v[:100] = 1.05  # more spikes in the first step than a block has threads that put them into a queue
    G.run_regularly("drive = 0.3*rand()", dt=1 * ms)
    given = eq.SpikeGeneratorGroup(n, np.arange(n).repeat(4), np.tile([0.1, 0.9, 1.5, 3.1], n) * ms, period=4 * ms)
    rare, often = eq.PoissonGroup(1500, 30 * Hz), eq.PoissonGroup(700, "(1 + i/N)*1500*Hz")
    counted = eq.Synapses(H, G, on_pre="g_post += 0.001", delay=0.5 * ms, name="counted")
    counted.connect(p=0.2)
    sums = eq.Synapses(given, G, "w : 1", on_pre="v_post += 0.01*w\ng_post += w", name="sums", delay=0.3 * ms)
    sums.connect(p=0.1)
    sums.w = "rand()"
    late = eq.Synapses(G, H, "w : 1\ndtrace/dt = -trace/(5*ms) : 1 (event-driven)", name="late",
                       on_pre="v_post += 0.02*w\ntrace += 1", on_post="w = clip(w + 0.01*trace, 0, 1)")  # fmt: skip
    late.connect(p=0.1)
    late.w, late.delay = "rand()", "rand()*2*ms"
    assigned = eq.Synapses(rare, H, "w : 1", on_pre="drive_post = w", name="assigned")
    assigned.connect("j % 600 == i % 600 or i % 7 == j")
    assigned.w = "0.2*rand()"
    in_turn = eq.Synapses(G, G, on_pre="v_post += 0.001*v_pre", name="in_turn")
    in_turn.connect("(i + 1) % N_pre == j")
    back = eq.Synapses(often, G, "w : 1", on_pre="w += 0.01\n", on_post="w *= 0.99", name="back")
    back.connect("i % 300 == j")
    gathered = eq.Synapses(G, H, "w : 1\ntotal_post = w*(v_pre - v_post) : 1 (summed)", name="gathered")
    gathered.connect(p=0.05)
    gathered.w = "0.01*rand()"
    noise = eq.PoissonInput(H, "g", 20, 30 * Hz, 0.01)
    M, N = eq.SpikeMonitor(G, variables=["g"]), eq.SpikeMonitor(H[10:500])
    counts, rate = eq.SpikeMonitor(rare, record=False), eq.PopulationRateMonitor(often)
    V = eq.StateMonitor(H, ["v", "total"], record=[0, 5, 599], dt=0.3 * ms)
    W = eq.StateMonitor(late, "w", record=True, dt=1 * ms)
    Z = [given, rare, often, counted, sums, late, assigned, in_turn, back, gathered, noise, counts, rate]
    arrays = [(G, "g"), (G, "v"), (H, "drive"), (late, "w"), (late, "trace"), (back, "w"), (sums, "w")]
    case = Case(eq.Network(G, H, M, N, V, W, *Z), [M, N], [V, W], arrays)
    case.more = lambda: [np.array(counts.count), np.asarray(rate.rate), np.asarray(M.g)]
    return case


def both_ends(n=300):
    """Sums at the sources, and at both ends."""
    G, H = population(n, "g"), population(40, "h")
    near = eq.Synapses(G, H, "w : 1", on_pre="drive_pre = 0.9*drive_pre + 0.001*w", name="near")
    near.connect(p=0.5)
    near.w = "rand()"
    summed = eq.Synapses(G, H, "w : 1\ntotal_pre = w*v_post : 1 (summed)", name="summed")
    summed.connect(p=0.5)
    summed.w = "rand()"
    both = eq.Synapses(G, H, "w : 1", on_pre="g_pre += 0.1*w\ng_post += 0.01*w", name="both")
    both.connect(p=0.3)
    both.w, both.delay = "rand()", "int(rand()*3)*0.3*ms"
    M = eq.SpikeMonitor(H)
    case = Case(eq.Network(G, H, near, summed, both, M), [M], [], [(G, "g"), (H, "g"), (G, "drive"), (G, "total")])
    case.more = list
    return case
