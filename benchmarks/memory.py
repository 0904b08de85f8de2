"""The memory of a synapse: the difference of the resident size of a process before and after 10^7 of them, ready to run.

By kind: without variables and with one delay; with a delay of each synapse; with a weight in 64, 32, 16 or 8 bits; with both; made at every spike;
STDP, also where its synapses lie by target. Each is measured in a process of its own (``--kind``), or all, one after the other. ``peak``: the largest
resident size while they were made, by the same measure.
``spikes``: the bytes of a recorded spike.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys

import numpy as np

import eqsnn as eq
from eqsnn import ms

N = 10_000
PLAIN = {"on_pre": "v_post += 0.1"}
WEIGHTED = {"on_pre": "v_post += w"}
TRACES = {
    "model": "dapre/dt = -apre/(20*ms) : 1 (event-driven)\ndapost/dt = -apost/(20*ms) : 1 (event-driven)",
    "on_pre": "v_post += w; apre += 0.01; w = clip(w + apost, 0, 1)",
    "on_post": "apost -= 0.01; w = clip(w + apre, 0, 1)",
}
STDP = TRACES | {"model": "w : 1\n" + TRACES["model"]}
STDP32 = TRACES | {"model": "w : 1 (dtype=float32)\n" + TRACES["model"]}
KINDS = {
    "plain": PLAIN,
    "delays": PLAIN,
    "float64": {"model": "w : 1", **WEIGHTED},
    "float32": {"model": "w : 1 (dtype=float32)", **WEIGHTED},
    "float16": {"model": "w : 1 (dtype=float16)", **WEIGHTED},
    "int8": {"model": "w : integer (dtype=int8)", "on_pre": "v_post += w*0.1"},
    "float32 delays": {"model": "w : 1 (dtype=float32)", **WEIGHTED},
    "float16 delays": {"model": "w : 1 (dtype=float16)", **WEIGHTED},
    "procedural": PLAIN,
    "float32 procedural": {"model": "w : 1 (dtype=float32)", **WEIGHTED},
    "stdp": STDP,
    "stdp float32": STDP32,
    "stdp float32 onto few": STDP32,
}


def resident() -> int:
    gc.collect()
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) * 1024


def network(kind: str, synapses: int):
    G = eq.NeuronGroup(N, "dv/dt = -v/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact")
    several = kind.endswith("delays")
    target = G[: N // 5] if kind.endswith("onto few") else G
    S = eq.Synapses(G, target, **KINDS[kind], delay=None if several else {"pre": 1.5 * ms})
    S.connect(p=synapses / N / len(target), procedural=kind.endswith("procedural"))
    if "w" in S.variables:
        S.w = "int(10*rand())" if kind == "int8" else "0.1*randn()"
    if several:
        S.delay = "rand()*4*ms"
    net = eq.Network(G, S)
    net.run(0.1 * ms)
    return net, S


def of_synapses(kind: str, n: int) -> dict[str, float]:
    network(kind, 1000)
    before = resident()
    with open("/proc/self/clear_refs", "w") as reset:
        reset.write("5")  # the peak counts from here
    large = network(kind, n)
    used, made = resident() - before, len(large[1])
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024 - before
    assert np.isclose(made, n, rtol=0.01)
    return {"synapses": made, "bytes_per_synapse": used / made, "peak_bytes_per_synapse": peak / made}


def of_spikes(n: int) -> dict[str, float]:
    def recorded(steps: int) -> tuple:
        G = eq.NeuronGroup(N, "v : 1", threshold="True", name="cells*")
        M = eq.SpikeMonitor(G)
        net = eq.Network(G, M)
        net.run(steps * 0.1 * ms)
        return net, M

    recorded(10)
    before = resident()
    kept = recorded(n // N)
    return {"spikes": int(kept[1].num_spikes), "bytes_per_spike": (resident() - before) / int(kept[1].num_spikes)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--synapses", type=int, default=10_000_000)
    parser.add_argument("--kind", choices=[*KINDS, "spikes", "all"], default="plain")
    args = parser.parse_args()
    result = {"benchmark": "memory", "kind": args.kind}
    if args.kind == "all":
        for kind in (*KINDS, "spikes"):
            command = [sys.executable, __file__, "--kind", kind, "--synapses", str(args.synapses)]
            out = json.loads(
                subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
            )
            result[kind] = {k: v for k, v in out.items() if k not in ("benchmark", "kind")}
    elif args.kind == "spikes":
        result |= of_spikes(args.synapses)
    else:
        result |= of_synapses(args.kind, args.synapses)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
