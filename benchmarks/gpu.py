"""How fast a GPU is, at the sizes at which Brian2CUDA and GeNN were measured.

    pip install '.[cuda]' && python benchmarks/gpu.py [--brian2cuda-python PATH] [--models cuba cobahh ...] [--largest 1000000] [--rounds 3]

Networks from 1,000 neurons on, ten times as many and again: CUBA and COBAHH with 1,000 synapses a neuron, Brunel's, the mushroom body and STDP, as
in Alevi et al. (2022), Front. Neuroinform. 16:883700, and Stimberg, Goodman & Nowotny (2020), Sci. Rep. 10:410. ``--brian2cuda-python`` is
the interpreter of a virtual environment with Brian2CUDA (``pip install brian2cuda``); without it that peer does not run
(its 1.0a7 wants numpy < 2, a CUDA toolkit before 13, and cuRAND). In each round every peer
runs once, in a process of its own; of each size the fastest and the middle window are kept. Steps alone are timed: neither compiling nor connecting.
Writes gpu.json, with the names of the GPU and of the driver, and prints a table. What takes longer than ``--patience`` seconds ends its sweep.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Sweep:
    """A model over its sizes. ``window``: seconds of activity in one measurement."""

    title: str
    script: str
    sizes: tuple[int, ...]
    window: float
    options: tuple[str, ...] = ()


_TENS = (1_000, 10_000, 100_000, 1_000_000)
SWEEPS = {
    "cuba": Sweep("CUBA, 1,000 synapses a neuron", "cuba", _TENS, 0.5, ("--synapses", "1000")),
    "cobahh": Sweep("COBAHH, 1,000 synapses a neuron", "cobahh", _TENS, 0.5, ("--synapses", "1000")),
    "cobahh-apart": Sweep("COBAHH, hardly a synapse (1 a neuron)", "cobahh", _TENS, 0.5, ("--synapses", "1")),
    "brunel": Sweep("Brunel, 10 % connected", "brunel", (1_000, 5_000, 12_500, 50_000), 0.2),
    "mushroom-body": Sweep("Mushroom body, Kenyon cells", "mushroom_body", _TENS, 0.5),
    "stdp": Sweep("STDP, inputs onto 1,000", "stdp", (1_000, 10_000, 100_000), 0.5, ("--targets", "1000")),
}
PEERS = {
    "eqsnn GPU": ("eqsnn_cuda", "double"),
    "eqsnn GPU float32": ("eqsnn_cuda", "single"),
    "eqsnn one thread": ("eqsnn", "double"),
    "Brian2CUDA": ("brian2cuda", "double"),
    "Brian2CUDA float32": ("brian2cuda", "single"),
}


def no_gpu() -> str | None:
    """Why there is no GPU to measure, or None."""
    sys.path.insert(0, str(HERE.parent))
    from eqsnn.backends.backend import backend
    from eqsnn.errors import EqsnnError

    try:
        backend("cuda").prepare()
    except EqsnnError as error:
        return str(error)
    return None


def machine() -> dict[str, str]:
    """What the figures were taken on."""
    ask = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(ask, capture_output=True, text=True, check=False)
        gpu = done.stdout.strip().splitlines()[0] if done.returncode == 0 else "?"
    except OSError:
        gpu = "?"
    return {"gpu": gpu, "cpu": platform.processor() or platform.machine(), "system": platform.platform()}


def measure(python: str, sweep: Sweep, n: int, peer: str, patience: float) -> dict | str:
    """One process: its JSON, or why there is none."""
    simulator, precision = PEERS[peer]
    command = [python, str(HERE / f"{sweep.script}.py"), "--simulator", simulator, "--precision", precision]
    command += ["--neurons", str(n), "--duration", str(sweep.window), "--repeat", "3", *sweep.options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=patience, check=False)
    except subprocess.TimeoutExpired:
        return f"longer than {patience:g} s"
    except OSError as error:
        return f"{python}: {error.strerror}"
    if done.returncode != 0:
        return (done.stderr.strip() or done.stdout.strip()).splitlines()[-1]
    return json.loads(done.stdout.strip().splitlines()[-1])


def run(chosen: list[str], pythons: dict[str, str], largest: int, rounds: int, patience: float) -> list[dict]:
    """All measurements: seconds of computing for a second of activity."""
    found = []
    for key in chosen:
        sweep, over = SWEEPS[key], set()
        for n in (s for s in sweep.sizes if s <= largest):
            taken: dict[str, list[dict]] = {}
            for _ in range(rounds):
                for peer, python in pythons.items():
                    if peer in over:
                        continue
                    result = measure(python, sweep, n, peer, patience)
                    if isinstance(result, str):
                        print(f"{sweep.title}, {n:,}: {peer}: {result}", flush=True)
                        over.add(peer)
                    else:
                        taken.setdefault(peer, []).append(result)
            for peer, results in taken.items():
                each = [r["seconds"] / r["duration"] for r in results]
                row = {"sweep": key, "neurons": n, "peer": peer, "version": results[0]["version"], "seconds": min(each)}
                row |= {"median": statistics.median(each), "spikes_per_second": results[0]["spikes_per_second"]}
                found.append(row)
                print(f"{sweep.title}, {n:,}: {peer}: {row['seconds']:.4g} s a second", flush=True)
    return found


def table(rows: list[dict]) -> str:
    """Sizes down, peers across."""
    peers = [p for p in PEERS if any(r["peer"] == p for r in rows)]
    lines = ["| network | neurons | " + " | ".join(peers) + " |", "| --- | ---: |" + " ---: |" * len(peers)]
    for key, n in dict.fromkeys((r["sweep"], r["neurons"]) for r in rows):
        cells = []
        for peer in peers:
            seconds = [r["seconds"] for r in rows if (r["sweep"], r["neurons"], r["peer"]) == (key, n, peer)]
            cells.append(f"{seconds[0]:.4g}" if seconds else "")
        lines.append(f"| {SWEEPS[key].title} | {n:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=SWEEPS, default=list(SWEEPS))
    parser.add_argument("--brian2cuda-python", help="an interpreter that has Brian2CUDA")
    parser.add_argument("--largest", type=int, default=1_000_000, help="neurons at most")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--patience", type=float, default=600, help="seconds for one process")
    parser.add_argument("--out", type=Path, default=HERE / "gpu.json")
    args = parser.parse_args()
    why = no_gpu()
    if why is not None:
        print(f"nothing to measure: {why}", file=sys.stderr)
        return 1
    pythons = {peer: sys.executable for peer, (simulator, _) in PEERS.items() if simulator.startswith("eqsnn")}
    if args.brian2cuda_python:
        pythons |= {p: args.brian2cuda_python for p, (simulator, _) in PEERS.items() if simulator == "brian2cuda"}
    rows = run(args.models, pythons, args.largest, args.rounds, args.patience)
    args.out.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n", encoding="utf-8")
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
