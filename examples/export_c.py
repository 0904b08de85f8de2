"""A network as a C program: CUBA leaves Python, is built by one line, runs alone, and its spikes are those of the run in Python, bit by bit.

Vogels & Abbott (2005), J. Neurosci. 25:10786; the current-based benchmark of Brette et al. (2007), J. Comput. Neurosci. 23:349. The project has the
network in network.h and network.c, one function for each operation of a step, with its equations as comments. With --language cuda it is a
project for an NVIDIA GPU, which is built for the CPU here: slow, and without a GPU.

    python examples/export_c.py [--duration 0.5] [--neurons 4000] [--language c|cuda] [--project cuba_c] [--out export_c.png]
"""

import argparse
import os
import subprocess
import time

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import ms, mV, second

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--duration", type=float, default=0.5, help="biological time in seconds")
parser.add_argument("--neurons", type=int, default=4000)
parser.add_argument("--language", choices=("c", "cuda"), default="c")
parser.add_argument(
    "--project", default="cuba_c", help="the directory of the project; what an earlier export wrote there is replaced"
)
parser.add_argument("--out", default="export_c.png", help="file of the figure; '' for none")
args = parser.parse_args()

eq.seed(3)

n = args.neurons
taum, taue, taui = 20 * ms, 5 * ms, 10 * ms
Vt, Vr, El = -50 * mV, -60 * mV, -49 * mV
we, wi = 1.62 * mV * 4000 / n, -9 * mV * 4000 / n

P = eq.NeuronGroup(
    n,
    """
    dv/dt = (ge + gi - (v - El))/taum : volt (unless refractory)
    dge/dt = -ge/taue : volt
    dgi/dt = -gi/taui : volt
    """,
    threshold="v > Vt",
    reset="v = Vr",
    refractory=5 * ms,
    method="exact",
    name="neurons",
)
P.v = "Vr + rand()*(Vt - Vr)"
k = int(0.8 * n)
excitatory = eq.Synapses(P[:k], P, on_pre="ge += we", name="excitatory")
inhibitory = eq.Synapses(P[k:], P, on_pre="gi += wi", name="inhibitory")
excitatory.connect(p=0.02)
inhibitory.connect(p=0.02)
spikes = eq.SpikeMonitor(P, name="spikes")

project = eq.export(args.project, language=args.language, duration=args.duration * second, overwrite=True)
print(f"{project.directory}: {len(project.files)} files; the network takes {project.ram / 1e6:.1f} MB")

subprocess.run(project.host_command or project.command, shell=True, cwd=args.project, check=True)
alone = subprocess.run(
    [os.path.abspath(f"{args.project}/network")], cwd=args.project, check=True, capture_output=True, text=True
)
print(f"alone: {alone.stdout.strip()}")

eq.run(0 * ms)
began = time.process_time()
eq.run(args.duration * second)
print(f"in Python: {args.duration:g} s simulated in {time.process_time() - began:.3f} s")

i, t = (np.load(f"{args.project}/spikes.{name}.npy") for name in "it")
same = np.array_equal(i, spikes.i) and np.array_equal(t, spikes.t_)
print(f"{len(i)} spikes alone, {spikes.num_spikes} in Python: {'the same, bit by bit' if same else 'they differ'}")

figure, (top, bottom) = plt.subplots(2, 1, sharex=True, figsize=(8, 6), layout="constrained")
for axes, index, times, title in ((top, i, t, "the program"), (bottom, spikes.i, spikes.t_, "the run in Python")):
    axes.plot(1e3 * times, index, "k.", ms=1)
    axes.set(title=title, ylabel="neuron")
bottom.set_xlabel("time (ms)")

if args.out:
    figure.savefig(args.out, dpi=120)
    print(f"figure: {args.out}")
