"""STDP (stdp.py) on NEST: additive, all pairs, weights between 0 and the largest. A conductance of 1 is a current of 60 pA with C_m = tau_m.

With 100 targets the neurons fire 10 to 17 % less here than in stdp.py; with the plasticity off both differ by less than 3 %. The order of
transmission and depression within a spike may be why.
"""

import nest
from nest_model import DT, begin, end

args = begin(__doc__, 1000, targets=1)
largest = 0.01 * 1000 / args.neurons * 60.0
neuron = {
    "tau_m": 10.0,
    "C_m": 10.0,
    "E_L": -74.0,
    "V_th": -54.0,
    "V_reset": -60.0,
    "V_m": -60.0,
    "t_ref": DT,
    "tau_syn_ex": 5.0,
}
P = nest.Create("iaf_psc_exp", args.targets, neuron | {"tau_minus": 20.0})
drive = nest.Create("poisson_generator", params={"rate": 15.0})
inputs = nest.Create("parrot_neuron", args.neurons)
nest.Connect(drive, inputs, "all_to_all", {"delay": DT})
rule = {"tau_plus": 20.0, "lambda": 0.01, "alpha": 1.05, "mu_plus": 0.0, "mu_minus": 0.0, "Wmax": largest}
nest.CopyModel("stdp_synapse", "plastic", rule | {"delay": DT})
nest.Connect(inputs, P, "all_to_all", {"synapse_model": "plastic", "weight": nest.random.uniform(0.0, largest)})
end(args, "stdp", P)
