"""STDP: Poisson inputs compete for targets through pairs of spikes (Song, Miller & Abbott 2000, Nature Neurosci. 3:919).

``--neurons`` inputs, each with a plastic synapse onto each of ``--targets``: 1,000 onto 1 is the published model.
"""

from common import Benchmark

b = Benchmark("stdp", __doc__, neurons=1000, targets=(1, "neurons that all inputs reach"))
names = ("NeuronGroup", "PoissonGroup", "Synapses", "SpikeMonitor", "ms", "mV", "Hz", "seed")
globals().update({n: b.names[n] for n in names})
seed(1)
scale = 1000 / b.args.neurons  # the same drive from more inputs
dApre = 0.01
space = {
    "taum": 10 * ms,
    "taupre": 20 * ms,
    "taupost": 20 * ms,
    "taue": 5 * ms,
    "Ee": 0 * mV,
    "Vt": -54 * mV,
    "Vr": -60 * mV,
    "El": -74 * mV,
    "gmax": 0.01 * scale,
    "dApre": dApre * 0.01 * scale,
    "dApost": -dApre * 1.05 * 0.01 * scale,
}
inputs = PoissonGroup(b.args.neurons, 15 * Hz)
P = NeuronGroup(
    b.args.targets,
    """dv/dt = (ge*(Ee - Vr) + El - v)/taum : volt
    dge/dt = -ge/taue : 1""",
    threshold="v > Vt",
    reset="v = Vr",
    method="exact",
    namespace=space,
)
P.v = "Vr"
S = Synapses(
    inputs,
    P,
    """w : 1
    dApre/dt = -Apre/taupre : 1 (event-driven)
    dApost/dt = -Apost/taupost : 1 (event-driven)""",
    on_pre="""ge += w
    Apre += dApre
    w = clip(w + Apost, 0, gmax)""",
    on_post="""Apost += dApost
    w = clip(w + Apre, 0, gmax)""",
    namespace=space,
)
S.connect()
S.namespace.update(space)
S.w = "rand() * gmax"
M = SpikeMonitor(P)
b.measure([inputs, P, S, M], M, space)
