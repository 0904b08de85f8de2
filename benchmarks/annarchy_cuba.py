"""CUBA (cuba.py) on ANNarchy, exponential Euler."""

import ANNarchy as ann
from annarchy_model import begin, end

args, net = begin(__doc__, 4000, synapses=80)
neuron = ann.Neuron(
    parameters="tau_m = 20.0 : population\ntau_exc = 5.0 : population\ntau_inh = 10.0 : population\n"
    "E_L = -49.0 : population\nv_thresh = -50.0 : population\nv_reset = -60.0 : population",
    equations="""
        tau_m * dv/dt = g_exc + g_inh - (v - E_L) : exponential
        tau_exc * dg_exc/dt = -g_exc : exponential
        tau_inh * dg_inh/dt = -g_inh : exponential
    """,
    spike="v > v_thresh",
    reset="v = v_reset",
    refractory=5.0,
)
P = net.create(args.neurons, neuron)
P.v = ann.Uniform(-60.0, -50.0)
n_exc = int(0.8 * args.neurons)
p = min(1.0, args.synapses / args.neurons)
net.connect(P[:n_exc], P, "exc").fixed_probability(weights=1.62, probability=p, allow_self_connections=True)
net.connect(P[n_exc:], P, "inh").fixed_probability(weights=-9.0, probability=p, allow_self_connections=True)
end(args, "cuba", net, P)
