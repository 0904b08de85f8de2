"""STDP (stdp.py) on ANNarchy: exponential Euler for the neurons, event-driven traces."""

import ANNarchy as ann
from annarchy_model import begin, end

args, net = begin(__doc__, 1000, targets=1)
largest = 0.01 * 1000 / args.neurons
neuron = ann.Neuron(
    parameters="tau_m = 10.0 : population\ntau_e = 5.0 : population\nv_thresh = -54.0 : population\nv_reset = -60.0 : population",
    equations="""
        tau_m * dv/dt = g_exc*60.0 - 74.0 - v : init = -60.0, exponential
        tau_e * dg_exc/dt = -g_exc : exponential
    """,
    spike="v > v_thresh",
    reset="v = v_reset",
)
synapse = ann.Synapse(
    parameters=f"""
        tau = 20.0 : projection
        wmax = {largest} : projection
        dpre = {0.01 * largest} : projection
        dpost = {-1.05 * 0.01 * largest} : projection
    """,
    equations="""
        tau * dapre/dt = -apre : event-driven
        tau * dapost/dt = -apost : event-driven
    """,
    pre_spike="""
        g_target += w
        apre += dpre
        w = clip(w + apost, 0.0, wmax)
    """,
    post_spike="""
        apost += dpost
        w = clip(w + apre, 0.0, wmax)
    """,
)
inputs = net.create(ann.PoissonPopulation(args.neurons, rates=15.0))
P = net.create(args.targets, neuron)
net.connect(inputs, P, "exc", synapse).all_to_all(weights=ann.Uniform(0.0, largest))
end(args, "stdp", net, P)
