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
        lines += _memory(memory)
    if circuit := others.get("microcircuit"):
        lines += _microcircuit(circuit)
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


def _memory(kinds: dict) -> list[str]:
    lines = _header("Bytes of a synapse, by the resident size at 10^7", ("ready to run", "while it was made, at most"))
    words = {
        "plain": "no variables, one delay",
        "delays": "no variables, a delay each",
        "procedural": "no variables, made at every spike",
        "float32 procedural": "random float32 weight, made at every spike",
        "stdp": "STDP, float64 weight",
        "stdp float32": "STDP, float32 weight",
        "stdp float32 onto few": "STDP, float32 weight, fewer targets than sources",
    }
    for kind, found in kinds.items():
        if isinstance(found, dict) and "synapses" in found:
            what = (
                words.get(kind)
                or f"{kind.removesuffix(' delays')} weight, {'a delay each' if kind.endswith('delays') else 'one delay'}"
            )
            lines.append(f"| {what} | {found['bytes_per_synapse']:.1f} | {found['peak_bytes_per_synapse']:.1f} |")
    spike = kinds["spikes"]["bytes_per_spike"]
    return [*lines, "", f"A recorded spike takes {spike:.1f} bytes (`benchmarks/memory.py --kind all`).", ""]


def _microcircuit(runs: list[dict]) -> list[str]:
    """One row a run of ``microcircuit.py``, and the activity of all beside each other."""
    lines = _header(
        "Cortical microcircuit, one thread, 1 s after the first moments",
        ("neurons", "synapses", "built and prepared (wall)", "CPU seconds", "bytes a synapse", "spikes in a second"),
    )
    names = [f"{r['simulator'].replace('nest', 'NEST')} {r['version']}, scale {r['scale']:g}" for r in runs]
    for name, r in zip(names, runs):
        built = r["build_seconds"] + r["prepare_seconds"]
        cells = f"{r['neurons']:,} | {r['synapses']:,} | {built:.0f} | {r['cpu_seconds'] / r['duration']:.1f}"
        lines.append(f"| {name} | {cells} | {r['bytes_per_synapse']:.1f} | {r['spikes_per_second']:,.0f} |")
    lines += ["", *_header("Rate in Hz, CV of intervals, correlation (bins of 2 ms)", tuple(names))]
    for population in runs[0]["activity"]:
        found = (r["activity"][population] for r in runs)
        cells = [f"{a['rate']:.2f}, {a['cv']:.2f}, {a['correlation']:.4f}" for a in found]
        lines.append(f"| {population} | " + " | ".join(cells) + " |")
    note = "Measured on a machine whose two processors were shared with other work (`benchmarks/microcircuit.py`): wall time says little."
    return [*lines, "", note, ""]
