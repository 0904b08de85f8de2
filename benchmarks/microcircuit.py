"""The cortical microcircuit of Potjans and Diesmann (2014): 77,169 neurons and 0.3 x 10^9 synapses at full scale.

Build and run it, and print how long both took, the bytes of a synapse (by difference of the resident size), and rate, CV of the inter-spike
intervals and correlation of each population. ``--simulator nest`` does the same with NEST (from PyPI, in an environment of its own).

    python benchmarks/microcircuit.py --scale 1 --duration 1 --threads 2
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import time

import numpy as np
from microcircuit_model import (
    BACKGROUND,
    C_M,
    DELAY,
    E_L,
    POPULATIONS,
    T_REF,
    TAU_M,
    TAU_SYN,
    V_RESET,
    V_START,
    V_TH,
    WEIGHT_SPREAD,
    Microcircuit,
    microcircuit,
    statistics,
)


def resident() -> int:
    """Bytes that the process has in memory."""
    gc.collect()
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) * 1024


class Eqsnn:
    """The network in eqsnn."""

    def __init__(self, m: Microcircuit, threads: int, dtype: str, seed: int):
        os.environ["EQSNN_NUM_THREADS"] = str(threads)
        import eqsnn as eq
        from eqsnn import Hz, ms, mV, pA, pF

        self.eq, self.version = eq, eq.__version__
        eq.seed(seed)
        space = {"tau_m": TAU_M * ms, "tau_syn": TAU_SYN * ms, "C": C_M * pF, "EL": E_L * mV, "V_th": V_TH * mV}
        space |= {"V_reset": V_RESET * mV, "V_mean": V_START[0] * mV, "V_spread": V_START[1] * mV}
        equations = "dv/dt = (EL - v)/tau_m + (I + I_dc)/C : volt (unless refractory)\ndI/dt = -I/tau_syn : amp"
        self.groups, parts = [], []
        for k, n in enumerate(m.size):
            G = eq.NeuronGroup(
                int(n),
                equations,
                threshold="v > V_th",
                reset="v = V_reset",
                refractory=T_REF * ms,
                method="exact",
                namespace=space | {"I_dc": m.current[k] * pA},
            )
            G.v = "V_mean + V_spread*randn()"
            drive = eq.PoissonInput(G, "I", N=int(m.external[k]), rate=BACKGROUND * Hz, weight=m.drive * pA)
            self.groups.append(G)
            parts += [G, drive]
        self.spikes = [eq.SpikeMonitor(G) for G in self.groups]
        self.synapses = []
        self.connecting = 0.0
        for to, source in np.argwhere(m.synapses):
            mean, spread = DELAY["EI"[source % 2]]
            unit = 1.0 if dtype != "float16" else abs(float(m.weight[to, source]))
            S = eq.Synapses(
                self.groups[source],
                self.groups[to],
                "w : amp" if dtype != "float16" else "w : 1 (dtype=float16)",
                on_pre="I_post += w" if dtype != "float16" else "I_post += w*unit",
                dtype={"w": dtype} if dtype != "float16" else None,
                namespace={
                    "mean": mean * ms,
                    "spread": spread * ms,
                    "weight": m.weight[to, source] / unit * (pA if dtype != "float16" else 1),
                    "unit": unit * pA,
                    "part": WEIGHT_SPREAD,
                },
            )
            S.connect(total=int(m.synapses[to, source]), multapses=True)
            S.w = "weight*clip(1 + part*randn(), 0, 10)"
            S.delay = "clip(mean + spread*randn(), dt, 100*ms)"
            self.synapses.append(S)
        self.network = eq.Network(*parts, *self.spikes, *self.synapses)
        self.n_synapses = sum(map(len, self.synapses))

    def run(self, seconds: float, profile: bool = False) -> None:
        self.network.run(seconds * self.eq.second, profile=profile)
        if profile:
            print(self.eq.profiling_summary(self.network))

    def planning(self) -> float:
        """Seconds of a run without steps: what is prepared before each run."""
        began = time.perf_counter()
        self.network.run(0 * self.eq.second)
        return time.perf_counter() - began

    def recorded(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        return np.asarray(self.spikes[k].i), np.asarray(self.spikes[k].t / self.eq.second)


class Nest:
    """The network in NEST, connected by its own rules."""

    def __init__(self, m: Microcircuit, threads: int, dtype: str, seed: int):
        import nest

        self.nest, self.version = nest, nest.__version__
        nest.set_verbosity("M_ERROR")
        nest.ResetKernel()
        nest.SetKernelStatus({"resolution": 0.1, "local_num_threads": threads, "rng_seed": seed, "print_time": False})
        neuron = {"tau_m": TAU_M, "tau_syn_ex": TAU_SYN, "tau_syn_in": TAU_SYN, "C_m": C_M, "E_L": E_L, "V_th": V_TH}
        neuron |= {"V_reset": V_RESET, "t_ref": T_REF}
        self.groups, self.recorders = [], []
        for k, n in enumerate(m.size):
            G = nest.Create("iaf_psc_exp", int(n), params=neuron | {"I_e": float(m.current[k])})
            G.V_m = nest.random.normal(V_START[0], V_START[1])
            drive = nest.Create("poisson_generator", params={"rate": float(BACKGROUND * m.external[k])})
            nest.Connect(drive, G, syn_spec={"weight": m.drive, "delay": 1.5})
            recorder = nest.Create("spike_recorder")
            nest.Connect(G, recorder)
            self.groups.append(G)
            self.recorders.append(recorder)
        for to, source in np.argwhere(m.synapses):
            w = float(m.weight[to, source])
            low, high = (0.0, np.inf) if w > 0 else (-np.inf, 0.0)
            mean, spread = DELAY["EI"[source % 2]]
            nest.Connect(
                self.groups[source],
                self.groups[to],
                {"rule": "fixed_total_number", "N": int(m.synapses[to, source])},
                {
                    "weight": nest.math.redraw(nest.random.normal(w, abs(WEIGHT_SPREAD * w)), min=low, max=high),
                    "delay": nest.math.redraw(nest.random.normal(mean, spread), min=0.05, max=np.inf),
                },
            )
        self.n_synapses = int(m.synapses.sum())
        nest.Prepare()

    def run(self, seconds: float, profile: bool = False) -> None:
        self.nest.Run(1000 * seconds)

    def planning(self) -> float:
        return 0.0

    def recorded(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        events = self.recorders[k].events
        return np.asarray(events["senders"]) - self.groups[k][0].global_id, np.asarray(events["times"]) / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulator", choices=("eqsnn", "nest"), default="eqsnn")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="neurons, and synapses of each, as a part of the published numbers"
    )
    parser.add_argument("--settle", type=float, default=0.5, help="biological seconds before those that are timed")
    parser.add_argument("--duration", type=float, default=1.0, help="biological seconds that are timed")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--dtype", choices=("float64", "float32", "float16"), default="float32", help="of the weights (eqsnn)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", action="store_true")
    args = parser.parse_args()
    m = microcircuit(args.scale)
    kind = Eqsnn if args.simulator == "eqsnn" else Nest
    kind(microcircuit(0.01), args.threads, args.dtype, args.seed).run(0.001)  # imports and compiles
    before, began = resident(), time.perf_counter()
    network = kind(m, args.threads, args.dtype, args.seed)
    built = time.perf_counter() - began
    network.run(1e-4)
    prepared = time.perf_counter() - began - built
    used = resident() - before
    network.run(args.settle)
    planning = network.planning()
    wall, cpu = time.perf_counter(), time.process_time()
    network.run(args.duration, args.profile)
    wall, cpu = (max(t - planning, 0.0) for t in (time.perf_counter() - wall, time.process_time() - cpu))
    start = args.settle + 1e-4
    activity = {}
    spikes = 0
    for k, name in enumerate(POPULATIONS):
        index, seconds = network.recorded(k)
        spikes += int((seconds >= start).sum())
        activity[name] = statistics(index, seconds, int(m.size[k]), start, start + args.duration)
    result = {
        "benchmark": "microcircuit",
        "simulator": args.simulator,
        "version": network.version,
        "scale": args.scale,
        "neurons": int(m.size.sum()),
        "synapses": network.n_synapses,
        "dtype": args.dtype,
        "threads": args.threads,
        "duration": args.duration,
        "build_seconds": built,
        "prepare_seconds": prepared,
        "seconds": wall,
        "cpu_seconds": cpu,
        "real_time_factor": wall / args.duration,
        "spikes_per_second": spikes / args.duration,
        "bytes_per_synapse": used / network.n_synapses,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "activity": activity,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
