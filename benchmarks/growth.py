"""How cost grows: nanoseconds of a neuron's update and of a synaptic event against the size of the network and the length of its rows.

    python benchmarks/growth.py [--largest 1000000] [--rounds 2] [--out benchmarks]

A population of Poisson neurons drives one of CUBA neurons of the same size. The times are those of the kernels (``run(profile=True)``), the fastest
of seven windows in each round; one thread. Writes growth.json and, with matplotlib, growth.png; docs/performance.md explains what is to be seen.
"""

from __future__ import annotations

import argparse
import gc
import json
from pathlib import Path

import eqsnn as eq
from eqsnn import Hz, ms, mV

WINDOWS, EVENTS = 7, 20_000_000
LARGEST = 40_000_000
"""Synapses at most."""
KINDS = {
    "constant weight": ("", "ge += 0.01*mV"),
    "a weight each": ("w : volt", "ge += w"),
    "a weight and a delay each": ("w : volt", "ge += w"),
}


def network(n: int, degree: int, kind: str, dtype=None) -> eq.Network:
    """``n`` neurons with ``degree`` synapses each on average."""
    P = eq.PoissonGroup(n, 10 * Hz, name="inputs")
    G = eq.NeuronGroup(
        n,
        """dv/dt = (ge + gi - (v + 49*mV))/(20*ms) : volt (unless refractory)
        dge/dt = -ge/(5*ms) : volt
        dgi/dt = -gi/(10*ms) : volt""",
        threshold="v > -20*mV",
        reset="v = -60*mV",
        refractory=5 * ms,
        method="exact",
        dtype=dtype,
        name="cells",
    )
    G.v = -60 * mV
    objects = [P, G]
    if degree:
        model, on_pre = KINDS[kind]
        S = eq.Synapses(P, G, model, on_pre=on_pre, name="synapses")
        S.connect(p=min(1.0, degree / n))
        if model:
            S.w = 0.01 * mV
        if "delay" in kind:
            S.delay = "1*ms + 4*ms*rand()"
        objects.append(S)
    return eq.Network(*objects)


def cheapest(net: eq.Network, name: str, steps: int) -> tuple[float, int]:
    """Nanoseconds of an item of a kernel, in the fastest window; and the bytes that it moves each step."""
    net.run(30 * 0.1 * ms)
    found = []
    for _ in range(WINDOWS):
        net.run(steps * 0.1 * ms, profile=True)
        cost = next(c for c in net.kernel_costs if c.name == name)
        if cost.items:
            found.append((1e9 * cost.seconds / cost.items, round(cost.bytes / cost.runs)))
    return min(found)


def sizes(largest: int, per_decade: int = 4) -> list[int]:
    """From 1,000 on, evenly on the scale of powers."""
    found, k = [], 0
    while (n := round(1000 * 10 ** (k / per_decade))) <= largest:
        found.append(n // 16 * 16)
        k += 1
    return found


def point(name: str, n: int, degree: int, kind: str, dtype=None) -> dict:
    """One measurement, in a network that is then gone."""
    eq.start_scope()
    eq.seed(1)
    events = n * 1e-3 * max(degree, 1)  # a step
    steps = max(20, min(3000, int(EVENTS / (WINDOWS * max(events, n)))))
    cost, moved = cheapest(network(n, degree, kind, dtype), name, steps)
    gc.collect()
    return {"n": n, "degree": degree, "ns": cost, "bytes": moved}


def measured(largest: int) -> dict:
    """All curves, by title."""
    import numpy as np

    neurons = {
        "float64": [point("cells_stateupdater", n, 0, "", None) for n in sizes(largest)],
        "float32": [point("cells_stateupdater", n, 0, "", np.float32) for n in sizes(largest)],
    }
    by_size, by_degree = {}, {}
    for kind in KINDS:
        by_size[kind] = [point("synapses_pre", n, 100, kind) for n in sizes(largest) if 100 * n <= LARGEST]
        degrees = [d for d in (10, 20, 50, 100, 200, 500, 1000, 2000, 4000) if d * 10_000 <= LARGEST]
        by_degree[kind] = [point("synapses_pre", min(10_000, largest), d, kind) for d in degrees if d < largest]
    return {"neurons": neurons, "synapses by neurons": by_size, "synapses by degree": by_degree, "caches": caches()}


def fastest(rounds: list[dict]) -> dict:
    """Of each point the fastest round."""
    first, *others = rounds
    for key, curves in first.items():
        for name, points in curves.items() if key != "caches" else ():
            for k, p in enumerate(points):
                p["ns"] = min([p["ns"], *(o[key][name][k]["ns"] for o in others)])
    return first


def caches() -> dict[str, int]:
    """Bytes of the data caches that one core sees, as Linux tells."""
    found = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        read = {f: (folder / f).read_text().strip() for f in ("level", "type", "size")}
        if read["type"] != "Instruction":
            found[f"L{read['level']}"] = int(read["size"].removesuffix("K")) * 1024
    return found


def draw(results: dict, out: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(15, 4.2), layout="constrained")
    parts = (
        ("neurons", "n", "neurons", "ns a neuron and step"),
        ("synapses by neurons", "n", "neurons, 100 synapses each", "ns a synaptic event"),
        ("synapses by degree", "degree", "synapses onto each of 10,000 neurons", "ns a synaptic event"),
    )
    for ax, (key, x, xlabel, ylabel) in zip(axes, parts):
        for name, points in results[key].items():
            ax.plot([p[x] for p in points], [p["ns"] for p in points], ".-", label=name)
        ax.set(xscale="log", xlabel=xlabel, ylabel=ylabel, ylim=(0, None))
        ax.legend(fontsize=8)
    for ax, width in ((axes[0], 48), (axes[1], 8)):  # bytes a neuron of the update; of the targets that arrivals touch
        for name, size in results["caches"].items():
            ax.axvline(size / width, color="0.8", zorder=0)
            ax.text(size / width, ax.get_ylim()[1] * 0.02, f" {name}", color="0.5", fontsize=8)
    figure.savefig(out / "growth.png", dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=1_000_000, help="neurons at most")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    results = fastest([measured(arguments.largest) for _ in range(arguments.rounds)])
    (arguments.out / "growth.json").write_text(json.dumps(results, indent=1) + "\n")
    try:
        draw(results, arguments.out)
    except ImportError:
        print("matplotlib is not installed: no figure")
    for key in ("neurons", "synapses by neurons", "synapses by degree"):
        for name, points in results[key].items():
            print(f"{key}, {name}: " + ", ".join(f"{p['n']} x {p['degree']}: {p['ns']:.2f}" for p in points))


if __name__ == "__main__":
    main()
