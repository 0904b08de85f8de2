"""The kernels of a small network as CUDA, and what they do on the CPU's stand-in for a GPU.

Prints the CUDA function of the neurons' step, runs the network with that very text on the CPU, and compares the spikes with those of the
interpreter. No GPU is needed; with one, ``backend="cuda"`` runs the same on it.

    python examples/cuda_kernels.py [--duration 0.05] [--neurons 200]
"""

import argparse
import re

import numpy as np

import eqsnn as eq
from eqsnn import ms, second
from eqsnn.runtime.cuda_plan import source_of, ways_of

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--duration", type=float, default=0.05, help="biological time in seconds")
parser.add_argument("--neurons", type=int, default=200)
parser.add_argument("--out", default="", help="write the whole CUDA text to this file")
args = parser.parse_args()


def simulate(backend):
    """The spikes of a network of neurons that excite each other, each synapse with a weight and a delay of its own."""
    eq.start_scope()
    eq.seed(3)
    neurons = eq.NeuronGroup(
        args.neurons,
        "dv/dt = (16*mV + g - v)/(10*ms) : volt (unless refractory)\ndg/dt = -g/(5*ms) : volt",
        threshold="v > 15*mV",
        reset="v = 0*mV",
        refractory=2 * ms,
        method="exact",
    )
    neurons.v = "rand()*15*mV"
    synapses = eq.Synapses(neurons, neurons, "w : volt", on_pre="g_post += w")
    synapses.connect("i != j", p=0.1)
    synapses.w, synapses.delay = "rand()*0.2*mV", "rand()*2*ms"
    spikes = eq.SpikeMonitor(neurons)
    network = eq.Network(neurons, synapses, spikes, backend=backend)
    network.run(args.duration * second)
    return network, np.array(spikes.i), np.array(spikes.t_)


eq.settings.deterministic = True
_, i, t = simulate("numpy")
network, i_cuda, t_cuda = simulate("cuda-host")

plan = network._last.plan
text = source_of(plan, eq.settings.deterministic).text
step = re.search(r"/\* kernel \w+_step.*?\n}\n", text, re.DOTALL)[0]
print(step)
for name, way in ways_of(plan, eq.settings.deterministic).items():
    print(f"{name}: {way}")
same = np.array_equal(i, i_cuda) and np.array_equal(t, t_cuda)
print(f"{len(i)} spikes; those of the CUDA text on the CPU are {'the same, bit by bit' if same else 'OTHERS'}")
if args.out:
    with open(args.out, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"written to {args.out}")
