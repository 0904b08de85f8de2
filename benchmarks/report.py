"""The text of RESULTS.md from what ``run_all.py`` has found."""

from __future__ import annotations

PEERS = ("by hand", "eqsnn", "Brian 2 cython", "Brian 2 cpp_standalone", "NEST", "ANNarchy")


def report(results: dict, titles: dict[str, str]) -> str:
    """``results``: what results.json holds; ``titles``: of the models, in the order of the table."""
    models = {name: results["models"][name] for name in titles if name in results["models"]}
    lines = ["# Results", "", *_circumstances(models), ""]
    lines += _table("Wall seconds", models, titles, "wall", "wall_median")
    lines += _table("CPU seconds", models, titles, "cpu", "cpu_median")
    lines += _ratios(models, titles)
    lines += _rates(models, titles)
    lines += _others(results["others"])
    return "\n".join(lines).rstrip() + "\n"


def _circumstances(models: dict) -> list[str]:
    lines = [
        "`python benchmarks/run_all.py`: stepping only, dt 0.1 ms, one thread and float64 unless said, peers in turn. Every figure is the fastest of "
        "all rounds; behind it, in brackets, the median of the rounds. Where other work runs on the machine, CPU seconds say more than wall seconds.",
    ]
    for text in dict.fromkeys(_where(m) for m in models.values()):
        lines += ["", text]
    return lines


def _where(m: dict) -> str:
    versions = {name.removesuffix(" cython").removesuffix(" cpp_standalone"): v for name, v in m["versions"].items()}
    of = ", ".join(f"{name} {v}" for name, v in versions.items())
    return f"Measured on {m['machine']}; {m['compiler']}, Python {m['python']}, {of}; {m['rounds']} rounds."


def _header(first: str, columns: tuple[str, ...]) -> list[str]:
    return [f"| {first} | " + " | ".join(columns) + " |", "| --- |" + " ---: |" * len(columns)]


def _table(title: str, models: dict, titles: dict[str, str], low: str, middle: str) -> list[str]:
    lines = _header(f"{title} of 1 s of activity, unless said", PEERS)
    for name, m in models.items():
        cells = [f"{p[low]:.3g} ({p[middle]:.3g})" if (p := m["peers"].get(peer)) else "-" for peer in PEERS]
        lines.append(f"| {titles[name]} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _ratios(models: dict, titles: dict[str, str]) -> list[str]:
    others = tuple(p for p in PEERS if p != "eqsnn")
    lines = _header("CPU time of eqsnn / that of", others)
    for name, m in models.items():
        ours = m["peers"]["eqsnn"]["cpu"]
        cells = [f"{ours / p['cpu']:.2f}" if (p := m["peers"].get(peer)) and p["cpu"] > 0 else "-" for peer in others]
        lines.append(f"| {titles[name]} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _rates(models: dict, titles: dict[str, str]) -> list[str]:
    """That all run the same model shows in the spikes; the random numbers differ."""
    lines = _header("Spikes in a second", PEERS)
    for name, m in models.items():
        cells = [f"{p['spikes_per_second']:,.0f}" if (p := m["peers"].get(peer)) else "-" for peer in PEERS]
        lines.append(f"| {titles[name]} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _others(others: dict) -> list[str]:
    lines = []
    if build := others.get("build"):
        lines += _header("Building 10^7 synapses, CPU seconds (wall)", ("eqsnn", "Brian 2 cython"))
        for kind, what in (("random", "at random, p = 0.1"), ("arrays", "from arrays of indices")):
            for key, part in (("", "connect()"), ("prepare", "the first run before its first step")):
                cells = []
                for simulator in ("eqsnn", "brian2"):
                    found = build["peers"].get(simulator, {}).get(kind)
                    wall, cpu = (key, f"{key}_cpu") if key else ("seconds", "cpu_seconds")
                    cells.append(f"{found[cpu]:.2f} ({found[wall]:.2f})" if found else "-")
                lines.append(f"| {what}: {part} | " + " | ".join(cells) + " |")
        lines.append("")
    if start := others.get("cold_start"):
        lines += _start(start)
    if memory := others.get("memory"):
        lines += [
            f"Memory of a synapse without variables, one homogeneous delay: {memory['bytes_per_synapse']:.1f} bytes, as the difference of the "
            f"resident size at {memory['synapses']:,} synapses (`benchmarks/memory.py`).",
            "",
        ]
    return lines


def _start(start: dict) -> list[str]:
    """A fresh process to the end of its first step."""
    lines = _header("Start to the end of the first step, seconds of wall time", ("empty cache", "warm cache"))
    for name, title in (("cuba", "CUBA"), ("lif", "minimal LIF")):
        for backend in ("cython", "c"):
            cells = [f"{start[name][when][backend]:.2f}" for when in ("cold", "warm")]
            lines.append(f"| {title}, backend {backend} | " + " | ".join(cells) + " |")
    times = start["imports"]
    lines += [
        "",
        "A fresh process with imports and exit, equations that were never run before (`benchmarks/cold_start.py`). Of it, Python itself takes "
        f"{times['python']:.2f} s, `import numpy` {times['numpy'] - times['python']:.2f} s more, and `import eqsnn` "
        f"{times['eqsnn'] - times['numpy']:.2f} s beyond that.",
        "",
    ]
    return lines
