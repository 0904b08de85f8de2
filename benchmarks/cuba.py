"""CUBA: integrate-and-fire neurons with exponential synaptic currents (Vogels & Abbott 2005; Brette et al. 2007, benchmark 2).

4,000 neurons with 80 synapses each on average, or with ``--neurons 40000`` ten times as many with as many synapses each.
"""

from common import Benchmark

b = Benchmark("cuba", __doc__, synapses=(80, "synapses onto a neuron, on average"))
globals().update({n: b.names[n] for n in ("NeuronGroup", "Synapses", "SpikeMonitor", "ms", "mV", "seed")})
seed(1)
space = {
    "taum": 20 * ms,
    "taue": 5 * ms,
    "taui": 10 * ms,
    "Vt": -50 * mV,
    "Vr": -60 * mV,
    "El": -49 * mV,
    "we": 1.62 * mV,
    "wi": -9 * mV,
}
P = NeuronGroup(
    b.args.neurons,
    """dv/dt  = (ge+gi-(v-El))/taum : volt (unless refractory)
    dge/dt = -ge/taue : volt
    dgi/dt = -gi/taui : volt""",
    threshold="v>Vt",
    reset="v = Vr",
    refractory=5 * ms,
    method="exact",
    namespace=space,
)
P.v = "Vr + rand() * (Vt - Vr)"
n_exc = int(0.8 * b.args.neurons)
p = min(1.0, b.args.synapses / b.args.neurons)
Ce = Synapses(P, P, on_pre="ge += we", namespace=space)
Ci = Synapses(P, P, on_pre="gi += wi", namespace=space)
Ce.connect(f"i<{n_exc}", p=p)
Ci.connect(f"i>={n_exc}", p=p)
M = SpikeMonitor(P)
b.measure([P, Ce, Ci, M], M, space)
