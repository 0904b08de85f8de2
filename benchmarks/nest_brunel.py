"""Brunel's network (brunel.py) on NEST. The external drive is a Poisson process of the same rate for each neuron."""

import nest
from nest_model import begin, end, random_pairs

args = begin(__doc__, 12500, 0.2)
n_exc = int(0.8 * args.neurons)
c_exc = max(1, int(0.1 * n_exc))
J = 0.1 * 1000 / c_exc
neuron = {"tau_m": 20.0, "C_m": 1.0, "E_L": 0.0, "V_th": 20.0, "V_reset": 10.0, "t_ref": 2.0}
P = nest.Create("iaf_psc_delta", args.neurons, neuron)
P.V_m = nest.random.uniform(0.0, 20.0)
random_pairs(P[:n_exc], P, 0.1, J, 1.5)
random_pairs(P[n_exc:], P, 0.1, -5 * J, 1.5)
external = nest.Create("poisson_generator", params={"rate": 1000 * 2 * 20.0 / (J * c_exc * 20.0) * c_exc})
nest.Connect(external, P, "all_to_all", {"weight": J, "delay": 1.5})
end(args, "brunel", P)
