"""The memory of a synapse without variables: the difference of the resident size of a process before and after 10^7 of them, ready to run."""

import argparse
import gc
import json

import numpy as np

import eqsnn as eq
from eqsnn import ms

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--synapses", type=int, default=10_000_000)
args = parser.parse_args()


def resident() -> int:
    gc.collect()
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) * 1024


n = 10_000


def network(synapses: int):
    G = eq.NeuronGroup(n, "dv/dt = -v/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact")
    S = eq.Synapses(G, G, on_pre="v_post += 0.1", delay=1.5 * ms)
    S.connect(p=synapses / n**2)
    net = eq.Network(G, S)
    net.run(0.1 * ms)
    return net, S


small = network(1000)
before = resident()
large = network(args.synapses)
used = resident() - before
assert np.isclose(len(large[1]), args.synapses, rtol=0.01)
print(json.dumps({"benchmark": "memory", "synapses": len(large[1]), "bytes_per_synapse": used / len(large[1])}))
