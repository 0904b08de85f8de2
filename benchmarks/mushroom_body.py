"""The mushroom body of an insect: odours onto intrinsic Kenyon cells, and from all of them, by plastic synapses, onto extrinsic ones that compete.

After Nowotny et al. (2005), Biological Cybernetics 93:436, the model that GeNN and Brian2CUDA are measured with: 100 projection neurons, as many
as ``--neurons`` intrinsic Kenyon cells (2,500 there) and 100 extrinsic ones, all Hodgkin-Huxley cells of Traub and Miles (1991). Strengths are ours.
"""

from common import Benchmark

b = Benchmark("mushroom_body", __doc__, neurons=2500)
names = ("NeuronGroup", "SpikeGeneratorGroup", "Synapses", "SpikeMonitor", "ms", "mV", "nS", "nF", "seed")
globals().update({n: b.names[n] for n in names})
import numpy as np  # noqa: E402

seed(1)
n_pn, n_kc, n_out = 100, b.args.neurons, 100
rng = np.random.default_rng(1)
odours, shown = 10, 50  # each for so many ms, in which each of its neurons fires three times
cells, times = [], []
for k in range(odours):
    active = rng.choice(n_pn, n_pn // 5, replace=False)
    for spike in range(3):
        cells.append(active)
        times.append(shown * k + 10 * spike + np.round(rng.uniform(5, 15, len(active)), 1))
PN = SpikeGeneratorGroup(n_pn, np.concatenate(cells), np.concatenate(times) * ms, period=odours * shown * ms)

space = {
    "C": 0.3 * nF,
    "g_na": 7150 * nS,
    "g_k": 1430 * nS,
    "g_l": 26.7 * nS,
    "E_na": 50 * mV,
    "E_k": -95 * mV,
    "E_l": -63.6 * mV,
    "VT": -63 * mV,
    "E_exc": 0 * mV,
    "E_inh": -92 * mV,
    "tau_exc": 2 * ms,
    "tau_inh": 5 * ms,
    "tau_trace": 20 * ms,
    "w_max": 2 * 2500 / n_kc * nS,
    "w_inh": 20 * nS,
    "step": 0.02 * 2500 / n_kc * nS,
}
model = """
dv/dt = (g_l*(E_l - v) + g_na*(m*m*m)*h*(E_na - v) + g_k*(n*n*n*n)*(E_k - v) + g*(E_exc - v) + g_i*(E_inh - v))/C : volt
dm/dt = a_m*(1 - m) - b_m*m : 1
dn/dt = a_n*(1 - n) - b_n*n : 1
dh/dt = a_h*(1 - h) - b_h*h : 1
dg/dt = -g/tau_exc : siemens
dg_i/dt = -g_i/tau_inh : siemens
a_m = 1.28/exprel((13*mV - v + VT)/(4*mV))/ms : Hz
b_m = 1.4/exprel((v - VT - 40*mV)/(5*mV))/ms : Hz
a_h = 0.128*exp((17*mV - v + VT)/(18*mV))/ms : Hz
b_h = 4/(1 + exp((40*mV - v + VT)/(5*mV)))/ms : Hz
a_n = 0.16/exprel((15*mV - v + VT)/(5*mV))/ms : Hz
b_n = 0.5*exp((10*mV - v + VT)/(40*mV))/ms : Hz
"""
how = {"threshold": "v > 0*mV", "refractory": "v > 0*mV", "method": "exponential_euler", "namespace": space}
KC, OUT = NeuronGroup(n_kc, model, **how), NeuronGroup(n_out, model, **how)
for group in (KC, OUT):
    group.v, group.h, group.n = "E_l + rand()*3*mV", 0.99, 0.05
pn_kc = Synapses(PN, KC, "w : siemens", on_pre="g += w", namespace=space)
pn_kc.connect(p=0.15)
pn_kc.w = "(2 + 3*rand())*nS"
kc_out = Synapses(
    KC,
    OUT,
    """w : siemens
    dearlier/dt = -earlier/tau_trace : siemens (event-driven)
    dlater/dt = -later/tau_trace : siemens (event-driven)""",
    on_pre="""g += w
    earlier += step
    w = clip(w - later, 0*nS, w_max)""",
    on_post="""later += 0.5*step
    w = clip(w + earlier, 0*nS, w_max)""",
    namespace=space,
)
kc_out.connect()
kc_out.w = "rand()*w_max"
out_out = Synapses(OUT, OUT, on_pre="g_i += w_inh", namespace=space)
out_out.connect("i != j")
M, N = SpikeMonitor(KC), SpikeMonitor(OUT)
b.measure([PN, KC, OUT, pn_kc, kc_out, out_out, M, N], M, space)
