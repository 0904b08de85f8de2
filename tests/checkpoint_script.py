"""A network with noise, delays of both kinds, plasticity and every monitor. ``python checkpoint_script.py FILE store|continue|whole [BACKEND]``

Prints a hash of everything after 100 ms: 'whole' in one process, 'store' up to 50 ms, and 'continue' from there in another process.
"""

import hashlib
import sys

import numpy as np

import eqsnn as eq
from eqsnn import Hz, ms, mV


def build():
    eq.seed(11)
    G = eq.NeuronGroup(
        40,
        """dv/dt = (I - v)/(10*ms) + 2*mV*xi/sqrt(10*ms) : volt (unless refractory)
        I : volt
        dtrace/dt = -trace/(20*ms) : 1""",
        threshold="v > 15*mV",
        reset="v = 0*mV\ntrace += 1",
        refractory=3 * ms,
        events={"high": "v > 14*mV"},
        method="euler",
        name="cells",
    )
    G.I = "(12 + 8*rand())*mV"
    P = eq.PoissonGroup(30, 40 * Hz, name="poisson")
    K = eq.SpikeGeneratorGroup(5, [0, 1, 2, 3, 4], [1, 20, 49.5, 60, 80] * ms, name="given")
    S = eq.Synapses(
        P,
        G,
        """w : 1
        dApre/dt = -Apre/(20*ms) : 1 (event-driven)
        dApost/dt = -Apost/(20*ms) : 1 (event-driven)""",
        on_pre="v_post += w*mV\nApre += 0.1\nw = clip(w - Apost, 0, 3)",
        on_post="Apost += 0.1\nw = clip(w + Apre, 0, 3)",
        name="plastic",
    )
    S.connect(p=0.3)
    S.w = "2*rand()"
    S.delay = "10*rand()*ms"
    R = eq.Synapses(G, G, on_pre="v_post += 0.4*mV", delay=7 * ms, name="recurrent")
    R.connect("i != j", p=0.2)
    T = eq.Synapses(K, G, on_pre="v_post += 3*mV", delay=5 * ms, name="kicks")
    T.connect(i=[0, 1, 2, 3, 4], j=[0, 1, 2, 3, 4])
    X = eq.PoissonInput(G, "v", 20, 5 * Hz, 0.3 * mV, name="background")
    spikes, rates = eq.SpikeMonitor(G, name="spikes"), eq.PopulationRateMonitor(G, name="rates")
    states = eq.StateMonitor(G, ["v", "trace"], record=[0, 7], dt=0.5 * ms, name="states")
    weights = eq.StateMonitor(S, "w", record=[0, 1], name="weights")
    high, count = (
        eq.EventMonitor(G, "high", variables="trace", name="high"),
        eq.SpikeMonitor(P, record=False, name="count"),
    )
    moments = eq.StateMonitor(G, "v", record=3, clock=eq.EventClock([10, 49.95, 50, 77] * ms), name="moments")
    return eq.Network(G, P, K, S, R, T, X, spikes, rates, states, weights, high, count, moments)


def outcome(network):
    digest = hashlib.sha256()
    for name in ("cells", "plastic"):
        for key, array in sorted(network[name].arrays.items()):
            digest.update(key.encode() + np.ascontiguousarray(array).tobytes())
    for array in (
        *network["spikes"].it_,
        network["rates"].rate_,
        network["rates"].t / ms,
        network["states"].v_,
        network["states"].trace,
        network["states"].t_,
        network["weights"].w,
        network["weights"].t_,
        *network["high"].it_,
        network["high"].trace,
        network["count"].count,
        network["moments"].v_,
        network["moments"].t_,
    ):
        digest.update(np.ascontiguousarray(array).tobytes())
    return f"{network['spikes'].num_spikes} {digest.hexdigest()}"


def main(file, what, backend="c"):
    eq.settings.backend = backend
    network = build()
    if what == "continue":
        network.restore("half", file, restore_random_state=True)
        assert network.t == 50 * ms
        network.run(50 * ms)
    elif what == "store":
        network.run(50 * ms)
        network.store("half", file)
        return
    else:
        network.run(50 * ms)
        network.run(50 * ms)
    print(outcome(network))


if __name__ == "__main__":
    main(*sys.argv[1:])
