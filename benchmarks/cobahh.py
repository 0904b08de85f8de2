"""COBAHH: 4,000 Hodgkin-Huxley neurons with conductance-based synapses (Brette et al. 2007, benchmark 3)."""

from common import Benchmark

b = Benchmark("cobahh", __doc__, synapses=(80, "synapses onto a neuron, on average"))
names = ("NeuronGroup", "Synapses", "SpikeMonitor", "ms", "mV", "nS", "umetre", "cm", "ufarad", "siemens", "seed")
globals().update({n: b.names[n] for n in names})
seed(1)
area = 20000 * umetre**2
space = {
    "Cm": (1 * ufarad * cm**-2) * area,
    "gl": (5e-5 * siemens * cm**-2) * area,
    "El": -60 * mV,
    "EK": -90 * mV,
    "ENa": 50 * mV,
    "g_na": (100e-3 * siemens * cm**-2) * area,
    "g_kd": (30e-3 * siemens * cm**-2) * area,
    "VT": -63 * mV,
    "taue": 5 * ms,
    "taui": 10 * ms,
    "Ee": 0 * mV,
    "Ei": -80 * mV,
    "we": 6 * nS,
    "wi": 67 * nS,
}
P = NeuronGroup(
    b.args.neurons,
    """
    dv/dt = (gl*(El-v)+ge*(Ee-v)+gi*(Ei-v)-g_na*(m*m*m)*h*(v-ENa)-g_kd*(n*n*n*n)*(v-EK))/Cm : volt
    dm/dt = alpha_m*(1-m)-beta_m*m : 1
    dn/dt = alpha_n*(1-n)-beta_n*n : 1
    dh/dt = alpha_h*(1-h)-beta_h*h : 1
    dge/dt = -ge*(1./taue) : siemens
    dgi/dt = -gi*(1./taui) : siemens
    alpha_m = 0.32*(mV**-1)*4*mV/exprel((13*mV-v+VT)/(4*mV))/ms : Hz
    beta_m = 0.28*(mV**-1)*5*mV/exprel((v-VT-40*mV)/(5*mV))/ms : Hz
    alpha_h = 0.128*exp((17*mV-v+VT)/(18*mV))/ms : Hz
    beta_h = 4./(1+exp((40*mV-v+VT)/(5*mV)))/ms : Hz
    alpha_n = 0.032*(mV**-1)*5*mV/exprel((15*mV-v+VT)/(5*mV))/ms : Hz
    beta_n = .5*exp((10*mV-v+VT)/(40*mV))/ms : Hz
    """,
    threshold="v>-20*mV",
    refractory=3 * ms,
    method="exponential_euler",
    namespace=space,
)
P.v = "El + (randn() * 5 - 5)*mV"
P.ge = "(randn() * 1.5 + 4) * 10.*nS"
P.gi = "(randn() * 12 + 20) * 10.*nS"
n_exc = int(0.8 * b.args.neurons)
p = min(1.0, b.args.synapses / b.args.neurons)
Ce = Synapses(P, P, on_pre="ge += we", namespace=space)
Ci = Synapses(P, P, on_pre="gi += wi", namespace=space)
Ce.connect(f"i<{n_exc}", p=p)
Ci.connect(f"i>={n_exc}", p=p)
M = SpikeMonitor(P)
b.measure([P, Ce, Ci, M], M, space)
