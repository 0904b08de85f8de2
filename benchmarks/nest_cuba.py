"""CUBA (cuba.py) on NEST. With C_m = tau_m in pF and ms, a current in pA is what cuba.py calls a current in mV. Delays are one step."""

import nest
from nest_model import begin, end, random_pairs

args = begin(__doc__, 4000, synapses=80)
neuron = {
    "tau_m": 20.0,
    "C_m": 20.0,
    "E_L": -49.0,
    "V_th": -50.0,
    "V_reset": -60.0,
    "t_ref": 5.0,
    "tau_syn_ex": 5.0,
    "tau_syn_in": 10.0,
}
P = nest.Create("iaf_psc_exp", args.neurons, neuron | {"I_e": 0.0})
P.V_m = nest.random.uniform(-60.0, -50.0)
n_exc = int(0.8 * args.neurons)
random_pairs(P[:n_exc], P, args.synapses / args.neurons, 1.62)
random_pairs(P[n_exc:], P, args.synapses / args.neurons, -9.0)
end(args, "cuba", P)
