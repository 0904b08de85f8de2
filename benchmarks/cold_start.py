"""How long a fresh process takes to the end of its first step, imports and its exit included, with an empty cache and with a warm one.

In every round the equations are others (a factor and a name are drawn), so that nothing shipped or kept can help. Python's own compiled files
(.pyc) are there, as for any user; they are kept in a folder of this script, whatever the environment says about them. The backends take turns;
the fastest round counts.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import number

CUBA = """
import eqsnn as eq
from eqsnn import ms, mV
taum, taue, taui = 20*ms, 5*ms, 10*ms
Vt, Vr, El, we, wi = -50*mV, -60*mV, -49*mV, 1.62*mV, -9*mV
G = eq.NeuronGroup(4000, '''dv/dt = (ge + NAME*FACTOR - (v - El))/taum : volt (unless refractory)
dge/dt = -ge/taue : volt
dNAME/dt = -NAME/taui : volt''', threshold='v > Vt', reset='v = Vr', refractory=5*ms, method='exact')
G.v = 'Vr + rand()*(Vt - Vr)'
E = eq.Synapses(G[:3200], G, on_pre='ge += we')
I = eq.Synapses(G[3200:], G, on_pre='NAME += wi')
E.connect(p=0.02)
I.connect(p=0.02)
M = eq.SpikeMonitor(G)
eq.run(0.1*ms)
"""
LIF = """
import eqsnn as eq
from eqsnn import ms
G = eq.NeuronGroup(100, 'dNAME/dt = (FACTOR - NAME)/(10*ms) : 1', threshold='NAME > 1', reset='NAME = 0', method='exact')
M = eq.SpikeMonitor(G)
eq.run(0.1*ms)
"""
SCRIPTS = {"cuba": CUBA, "lif": LIF}
BACKENDS = ("cython", "c")
IMPORTS = {"python": "pass", "numpy": "import numpy", "eqsnn": "import eqsnn"}


def seconds(script: str, **environment: str) -> float:
    """Wall time of a process that runs ``script``."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", script], check=True, env=environment, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def altered(script: str) -> str:
    """The script with equations that no one has run before."""
    return script.replace("FACTOR", f"1.{secrets.randbelow(10**12)}").replace("NAME", f"x_{secrets.token_hex(4)}")


def rounds(repeat: int, folder: Path) -> dict:
    """The fastest of ``repeat`` rounds of everything."""
    kept = {n: v for n, v in os.environ.items() if n not in ("PYTHONDONTWRITEBYTECODE", "EQSNN_BACKEND")}
    kept["PYTHONPYCACHEPREFIX"] = str(folder / "pyc")
    found: dict[str, list[float]] = {}
    for k in range(repeat + 1):  # the first only writes the .pyc
        for name, script in SCRIPTS.items():
            for backend in BACKENDS:
                cache = folder / f"{name}-{backend}-{k}"
                settings = {**kept, "EQSNN_CACHE_DIR": str(cache), "EQSNN_BACKEND": backend}
                text = altered(script)
                found.setdefault(f"{name} {backend} cold", []).append(seconds(text, **settings))
                warm = min(seconds(text, **settings) for _ in range(3))
                found.setdefault(f"{name} {backend} warm", []).append(warm)
        for name, script in IMPORTS.items():
            found.setdefault(name, []).append(min(seconds(script, **kept) for _ in range(3)))
    return {name: min(times[1:]) for name, times in found.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=number, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        os.chmod(made, 0o700)
        best = rounds(arguments.repeat, Path(made))
    starts = {
        name: {when: {b: best[f"{name} {b} {when}"] for b in BACKENDS} for when in ("cold", "warm")} for name in SCRIPTS
    }
    print(json.dumps({"benchmark": "cold_start", **starts, "imports": {name: best[name] for name in IMPORTS}}))
