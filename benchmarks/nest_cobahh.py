"""COBAHH (cobahh.py) on NEST, which solves the equations adaptively. The conductances at the start arrive as one spike each."""

import nest
import numpy as np
from nest_model import DT, begin, end, random_pairs

args = begin(__doc__, 4000, synapses=80)
neuron = {
    "C_m": 200.0,
    "g_L": 10.0,
    "g_Na": 20000.0,
    "g_K": 6000.0,
    "E_L": -60.0,
    "E_K": -90.0,
    "E_Na": 50.0,
    "V_T": -63.0,
}
neuron |= {"E_ex": 0.0, "E_in": -80.0, "tau_syn_ex": 5.0, "tau_syn_in": 10.0, "t_ref": 3.0}
P = nest.Create("hh_cond_exp_traub", args.neurons, neuron)
draw = np.random.default_rng(1)
P.V_m = list(-65 + 5 * draw.standard_normal(args.neurons))
start = nest.Create("spike_generator", params={"spike_times": [DT]})
for mean, spread, sign in ((40.0, 15.0, 1), (200.0, 120.0, -1)):
    weights = sign * np.maximum(mean + spread * draw.standard_normal(args.neurons), 0)
    nest.Connect(start, P, "all_to_all", {"weight": weights[:, None], "delay": DT})
n_exc = int(0.8 * args.neurons)
random_pairs(P[:n_exc], P, args.synapses / args.neurons, 6.0)
random_pairs(P[n_exc:], P, args.synapses / args.neurons, -67.0)
end(args, "cobahh", P)
