"""The COBAHH network: 4,000 Hodgkin-Huxley neurons with conductance-based synapses.

Benchmark 3 of Brette et al. (2007), J. Comput. Neurosci. 23:349; the neuron is that of Traub & Miles (1991) as modified by Destexhe.

    python examples/cobahh.py [--duration 1.0] [--neurons 4000] [--out cobahh.png]
"""

import argparse
import time

import numpy as np

import eqsnn as eq
from eqsnn import Hz, cm, ms, mV, nS, second, siemens, uF, um

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--duration", type=float, default=1.0, help="biological time in seconds")
parser.add_argument("--neurons", type=int, default=4000)
parser.add_argument("--out", default="cobahh.png", help="file of the figure; '' for none")
args = parser.parse_args()

eq.seed(2007)
area = 20000 * um**2
Cm = (1 * uF * cm**-2) * area
gl = (5e-5 * siemens * cm**-2) * area
g_na = (100e-3 * siemens * cm**-2) * area
g_kd = (30e-3 * siemens * cm**-2) * area
El, EK, ENa, VT = -60 * mV, -90 * mV, 50 * mV, -63 * mV
taue, taui = 5 * ms, 10 * ms
Ee, Ei = 0 * mV, -80 * mV
we, wi = 6 * nS, 67 * nS

neurons = eq.NeuronGroup(
    args.neurons,
    """
    dv/dt = (gl*(El - v) + ge*(Ee - v) + gi*(Ei - v) - g_na*(m*m*m)*h*(v - ENa) - g_kd*(n*n*n*n)*(v - EK))/Cm : volt
    dm/dt = alpha_m*(1 - m) - beta_m*m : 1
    dn/dt = alpha_n*(1 - n) - beta_n*n : 1
    dh/dt = alpha_h*(1 - h) - beta_h*h : 1
    dge/dt = -ge/taue : siemens
    dgi/dt = -gi/taui : siemens
    alpha_m = 0.32*(mV**-1)*4*mV/exprel((13*mV - v + VT)/(4*mV))/ms : Hz
    beta_m = 0.28*(mV**-1)*5*mV/exprel((v - VT - 40*mV)/(5*mV))/ms : Hz
    alpha_h = 0.128*exp((17*mV - v + VT)/(18*mV))/ms : Hz
    beta_h = 4./(1 + exp((40*mV - v + VT)/(5*mV)))/ms : Hz
    alpha_n = 0.032*(mV**-1)*5*mV/exprel((15*mV - v + VT)/(5*mV))/ms : Hz
    beta_n = .5*exp((10*mV - v + VT)/(40*mV))/ms : Hz
    """,
    threshold="v > -20*mV",
    refractory=3 * ms,
    method="exponential_euler",
)
neurons.v = "El + (randn()*5 - 5)*mV"
neurons.ge = "(randn()*1.5 + 4)*10*nS"
neurons.gi = "(randn()*12 + 20)*10*nS"

n_exc = int(0.8 * args.neurons)
excitatory = eq.Synapses(neurons[:n_exc], neurons, on_pre="ge += we")
inhibitory = eq.Synapses(neurons[n_exc:], neurons, on_pre="gi += wi")
excitatory.connect(p=0.02)
inhibitory.connect(p=0.02)

spikes = eq.SpikeMonitor(neurons)
rate = eq.PopulationRateMonitor(neurons)
trace = eq.StateMonitor(neurons, "v", record=[1, 10, 100])

network = eq.Network(neurons, excitatory, inhibitory, spikes, rate, trace)
network.run(0 * second)
start = time.perf_counter()
network.run(args.duration * second, report="bar")
elapsed = time.perf_counter() - start
print(
    f"{spikes.num_spikes} spikes, mean rate {np.mean(rate.rate / Hz):.2f} Hz, {args.duration / elapsed:.2f} times real time"
)

if args.out:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (top, bottom) = plt.subplots(2, 1, sharex=True, figsize=(8, 6), layout="constrained")
    eq.plot.raster(spikes, ax=top, s=0.5)
    eq.plot.traces(trace, ax=bottom)
    bottom.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3)
    top.set_title("COBAHH")
    figure.savefig(args.out, dpi=120)
    print(f"figure: {args.out}")
