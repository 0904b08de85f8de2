"""How long CUBA takes from the start of the process to the end of its first step: with an empty cache, and with a warm one."""

import json
import os
import subprocess
import sys
import tempfile
import time

SCRIPT = """
import sys
import eqsnn as eq
from eqsnn import ms, mV
taum, taue, taui = 20*ms, 5*ms, 10*ms
Vt, Vr, El, we, wi = -50*mV, -60*mV, -49*mV, 1.62*mV, -9*mV
G = eq.NeuronGroup(4000, '''dv/dt = (ge + gi*%s - (v - El))/taum : volt (unless refractory)
dge/dt = -ge/taue : volt
dgi/dt = -gi/taui : volt''', threshold='v > Vt', reset='v = Vr', refractory=5*ms, method='exact')
G.v = 'Vr + rand()*(Vt - Vr)'
E = eq.Synapses(G[:3200], G, on_pre='ge += we')
I = eq.Synapses(G[3200:], G, on_pre='gi += wi')
E.connect(p=0.02)
I.connect(p=0.02)
M = eq.SpikeMonitor(G)
eq.run(0.1*ms)
"""


def once(folder: str, factor: str) -> float:
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", SCRIPT % factor],
        check=True,
        env={**os.environ, "EQSNN_CACHE_DIR": folder},
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - start


cold, warm = [], []
for k in range(3):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o700)
        factor = f"{1.5 + k}"  # the equation is new in each round
        cold.append(once(folder, factor))
        warm.append(min(once(folder, factor) for _ in range(2)))
print(json.dumps({"benchmark": "cold_start", "cold": min(cold), "warm": min(warm)}))
