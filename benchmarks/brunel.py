"""Brunel (2000), J. Comput. Neurosci. 8:183, model A: excitatory and inhibitory integrate-and-fire neurons, each with a tenth of all as sources.

12,500 neurons with 1,250 synapses each, g = 5 and twice the external rate at threshold: asynchronous irregular activity at some 40 Hz (his
figure 8C). The external drive is a ``PoissonInput``: one binomial number a neuron and step.
"""

from common import Benchmark

b = Benchmark("brunel", __doc__, duration=0.2, neurons=12500)
names = ("NeuronGroup", "Synapses", "PoissonInput", "SpikeMonitor", "ms", "mV", "Hz", "seed")
globals().update({n: b.names[n] for n in names})
seed(1)
n_exc = int(0.8 * b.args.neurons)
c_exc = max(1, int(0.1 * n_exc))  # excitatory synapses onto each neuron, and as many external ones
J = 0.1 * mV * (1000 / c_exc)  # keeps the mean input of the published size
space = {"tau": 20 * ms, "theta": 20 * mV, "Vr": 10 * mV, "J": J, "g": 5}
nu_external = 2 * space["theta"] / (J * c_exc * space["tau"])
P = NeuronGroup(
    b.args.neurons,
    "dv/dt = -v/tau : volt (unless refractory)",
    threshold="v > theta",
    reset="v = Vr",
    refractory=2 * ms,
    method="exact",
    namespace=space,
)
P.v = "rand() * theta"
Ce = Synapses(P, P, on_pre="v += J", delay=1.5 * ms, namespace=space)
Ci = Synapses(P, P, on_pre="v += -g*J", delay=1.5 * ms, namespace=space)
Ce.connect(f"i<{n_exc}", p=0.1)
Ci.connect(f"i>={n_exc}", p=0.1)
external = PoissonInput(P, "v", c_exc, nu_external, J)
M = SpikeMonitor(P)
b.measure([P, Ce, Ci, external, M], M, space)
