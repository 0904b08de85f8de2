"""COBAHH (cobahh.py) on ANNarchy, exponential Euler for the gates and the potential. Conductances in uS, currents in nA, the capacity in nF.

While a neuron is refractory cobahh.py lets its potential run, which ANNarchy would hold: here a spike is where the potential crosses the threshold.
"""

import ANNarchy as ann
import numpy as np
from annarchy_model import begin, end

args, net = begin(__doc__, 4000, synapses=80)
neuron = ann.Neuron(
    parameters="""
        Cm = 0.2 : population
        gl = 0.01 : population
        gNa = 20.0 : population
        gKd = 6.0 : population
        El = -60.0 : population
        EK = -90.0 : population
        ENa = 50.0 : population
        VT = -63.0 : population
        Ee = 0.0 : population
        Ei = -80.0 : population
        tau_exc = 5.0 : population
        tau_inh = 10.0 : population
    """,
    equations="""
        was = above
        am = 0.32*(13.0 - v + VT)/(exp((13.0 - v + VT)/4.0) - 1.0)
        bm = 0.28*(v - VT - 40.0)/(exp((v - VT - 40.0)/5.0) - 1.0)
        ah = 0.128*exp((17.0 - v + VT)/18.0)
        bh = 4.0/(1.0 + exp((40.0 - v + VT)/5.0))
        an = 0.032*(15.0 - v + VT)/(exp((15.0 - v + VT)/5.0) - 1.0)
        bn = 0.5*exp((10.0 - v + VT)/40.0)
        dn/dt = an*(1.0 - n) - bn*n : init = 0.0, exponential
        dm/dt = am*(1.0 - m) - bm*m : init = 0.0, exponential
        dh/dt = ah*(1.0 - h) - bh*h : init = 1.0, exponential
        Cm * dv/dt = gl*(El - v) + g_exc*(Ee - v) + g_inh*(Ei - v) - gNa*m*m*m*h*(v - ENa) - gKd*n*n*n*n*(v - EK) : init = -60.0, exponential
        above = if v > -20.0: 1.0 else: 0.0
        tau_exc * dg_exc/dt = -g_exc : exponential
        tau_inh * dg_inh/dt = -g_inh : exponential
    """,
    spike="(v > -20.0) and (was < 0.5)",
    reset="",
)
P = net.create(args.neurons, neuron)
draw = np.random.default_rng(1)
P.v = -65 + 5 * draw.standard_normal(args.neurons)
P.g_exc = np.maximum(0.04 + 0.015 * draw.standard_normal(args.neurons), 0)
P.g_inh = np.maximum(0.2 + 0.12 * draw.standard_normal(args.neurons), 0)
n_exc = int(0.8 * args.neurons)
p = min(1.0, args.synapses / args.neurons)
net.connect(P[:n_exc], P, "exc").fixed_probability(weights=0.006, probability=p, allow_self_connections=True)
net.connect(P[n_exc:], P, "inh").fixed_probability(weights=0.067, probability=p, allow_self_connections=True)
end(args, "cobahh", net, P)
