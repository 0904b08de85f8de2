"""Runs the benchmarks on eqsnn, Brian 2 (cython and C++ standalone), NEST, ANNarchy and the loops by hand, in turn, and writes benchmarks/RESULTS.md.

    python benchmarks/run_all.py --brian-python PATH --nest-python PATH --annarchy-python PATH [--models cuba brunel ...] [--rounds 5]

``--brian-python``: the interpreter of a virtual environment with Brian 2 (``pip install brian2``), ``--nest-python`` and
``--annarchy-python`` those with NEST (``pip install nest-simulator``) and ANNarchy (``pip install ANNarchy cmake``); who is not given does not run.
In each round every peer runs once, so that all see the same machine; wall and CPU seconds are scaled to the stated time of activity, of each the
minimum and the median of the rounds are kept. What was found is added to benchmarks/results.json, from which RESULTS.md is written: models that
are not run keep their figures. Ratios are formed within one call.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from report import PEERS, report

HERE = Path(__file__).parent
WIDE = ("-mprefer-vector-width=512",)


@dataclass(frozen=True)
class Model:
    """A row of the table: ``seconds`` of activity that the figures are for, and how each peer is told to run it."""

    title: str
    script: str
    seconds: float = 1.0
    window: float = 1.0  # timed at once, in seconds of activity
    options: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()  # of the loop by hand
    repeat: int = 5
    slow_repeat: int = 1  # windows of the peers that are slower
    threads: int = 1
    peers: tuple[str, ...] = PEERS


def _cuba(title: str, *options: str, flags: tuple[str, ...] = (), **more) -> Model:
    return Model(title, "cuba", options=options, flags=("-ffp-contract=off", *flags), **more)


def _stdp(n: int, m: int, seconds: float, **more) -> Model:
    flags = (*WIDE, f"-DN={n}", f"-DM={m}")
    options = ("--neurons", f"{n}", "--targets", f"{m}", "--settle", "0.5")
    return Model(f"STDP {n:,} x {m}, {seconds:g} s", "stdp", seconds, options=options, flags=flags, **more)


SINGLE = ("-DREAL=float", "-fsingle-precision-constant")
LARGE = ("--neurons", "40000")
MODELS = {
    "cuba": _cuba("CUBA 4,000", slow_repeat=3),
    "cuba-single": _cuba("CUBA 4,000, float32", "--precision", "single", flags=SINGLE, slow_repeat=3),
    "cuba-40000": _cuba("CUBA 40,000", *LARGE, flags=("-DN=40000",), window=0.2, slow_repeat=3),
    "cuba-40000-single": _cuba(
        "CUBA 40,000, float32", *LARGE, "--precision", "single", flags=("-DN=40000", *SINGLE), window=0.2, slow_repeat=3
    ),
    "cuba-40000-threads": _cuba(
        "CUBA 40,000, 2 threads",
        *LARGE,
        flags=("-DN=40000", "-DTEAM=2", "-pthread"),
        window=0.2,
        threads=2,
        peers=("by hand", "eqsnn", "Brian 2 cpp_standalone", "NEST", "ANNarchy"),
    ),
    "cobahh": Model("COBAHH 4,000", "cobahh", window=0.2, flags=WIDE),
    "cobahh-single": Model(
        "COBAHH 4,000, float32", "cobahh", window=0.2, options=("--precision", "single"), flags=(*WIDE, *SINGLE)
    ),
    "brunel": Model("Brunel 2000, 12,500", "brunel", window=0.2, flags=WIDE, repeat=3),
    "brunel-single": Model(
        "Brunel 2000, 12,500, float32",
        "brunel",
        window=0.2,
        options=("--precision", "single"),
        flags=(*WIDE, *SINGLE),
        repeat=3,
    ),
    "stdp-1000x1": _stdp(1000, 1, 10, window=2.0),
    "stdp-1000x100": _stdp(1000, 100, 10, window=1.0, repeat=3),
    "stdp-10000x100": _stdp(10000, 100, 2, window=0.2, repeat=3),
}
OTHERS = ("build", "cold_start", "memory")


def run(command: list[str], **options) -> dict:
    """The JSON on the last line of what a command prints. Tools of the interpreter's environment, such as ANNarchy's cmake, are found first."""
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}, **options
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def limit(model: Model, folder: Path) -> str:
    """The loop by hand, compiled."""
    binary = Path(tempfile.mkdtemp(dir=folder)) / model.script
    flags = ["-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", *model.flags]
    source = str(HERE / "limit" / f"{model.script}.c")
    subprocess.run([os.environ.get("CC", "cc"), *flags, source, "-o", str(binary), "-lm"], check=True)
    return str(binary)


def commands(model: Model, pythons: Mapping[str, str | None], folder: Path, scale: float = 1.0) -> dict[str, list[str]]:
    """How each peer is called. ``pythons``: the interpreters of 'brian2', 'nest' and 'annarchy'; ``scale`` shortens the windows, for trying."""
    window = f"{model.window * scale:g}"
    settle = model.options[model.options.index("--settle") + 1] if "--settle" in model.options else "0.1"
    options = [*model.options, "--duration", window, "--threads", str(model.threads)]
    shared = [str(HERE / f"{model.script}.py"), *options]
    known = {
        "by hand": lambda: [limit(model, folder), window, settle, str(model.repeat)],
        "eqsnn": lambda: [sys.executable, *shared, "--repeat", str(model.repeat)],
    }
    if pythons.get("brian2"):
        brian = [pythons["brian2"], *shared]
        known["Brian 2 cython"] = lambda: [*brian, "--simulator", "brian2", "--repeat", str(model.slow_repeat)]
        known["Brian 2 cpp_standalone"] = lambda: [*brian, "--simulator", "brian2_standalone", "--repeat", "3"]
    for peer, prefix in (("NEST", "nest"), ("ANNarchy", "annarchy")):
        script = HERE / f"{prefix}_{model.script}.py"
        if pythons.get(prefix) and script.is_file() and (peer != "NEST" or "single" not in model.options):
            call = [pythons[prefix], str(script), *options, "--repeat", str(model.slow_repeat)]
            known[peer] = lambda call=call: call
    return {name: known[name]() for name in model.peers if name in known}


def measured(model: Model, calls: dict[str, list[str]], rounds: int, versions: dict[str, str]) -> dict[str, dict]:
    """``{peer: {wall, wall_median, cpu, cpu_median, spikes_per_second}}``, for ``model.seconds`` of activity."""
    found: dict[str, list[dict]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, command in calls.items():
            one = run(command)
            found[name].append(one)
            versions[name] = one.get("version", "")
            print(model.title, name, one["seconds"], one["cpu_seconds"], file=sys.stderr, flush=True)
    result = {}
    for name, runs in found.items():
        wall, cpu = ([r[k] / r["duration"] * model.seconds for r in runs] for k in ("seconds", "cpu_seconds"))
        rate = statistics.median(r["spikes_per_second"] for r in runs)
        result[name] = {
            "wall": min(wall),
            "wall_median": statistics.median(wall),
            "cpu": min(cpu),
            "cpu_median": statistics.median(cpu),
            "spikes_per_second": rate,
        }
    return result


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def circumstances(rounds: int, versions: dict[str, str]) -> dict:
    """On what, with what and how often it was measured."""
    compiler = subprocess.run([os.environ.get("CC", "cc"), "--version"], capture_output=True, text=True, check=True)
    return {
        "machine": f"{processor()}, {os.cpu_count()} processors, {platform.system()}",
        "load": os.getloadavg()[0],
        "compiler": compiler.stdout.splitlines()[0],
        "python": platform.python_version(),
        "versions": {name: v for name, v in versions.items() if v},
        "rounds": rounds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for peer in ("brian", "nest", "annarchy"):
        parser.add_argument(f"--{peer}-python")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", nargs="+", choices=(*MODELS, *OTHERS), default=(*MODELS, *OTHERS), metavar="MODEL")
    parser.add_argument("--out", type=Path, default=HERE, help="the folder of results.json and RESULTS.md")
    arguments = parser.parse_args()
    pythons = {
        "brian2": arguments.brian_python,
        "nest": arguments.nest_python,
        "annarchy": arguments.annarchy_python,
    }
    store = arguments.out / "results.json"
    results = json.loads(store.read_text()) if store.exists() else {"models": {}, "others": {}}

    def keep() -> None:  # after each model, so that what was measured survives an interruption
        store.write_text(json.dumps(results, indent=1) + "\n")
        (arguments.out / "RESULTS.md").write_text(report(results, {name: m.title for name, m in MODELS.items()}))

    for name in arguments.models:
        versions: dict[str, str] = {}
        if name in MODELS:
            with tempfile.TemporaryDirectory() as folder:
                calls = commands(MODELS[name], pythons, Path(folder))
                found = measured(MODELS[name], calls, arguments.rounds, versions)
            results["models"][name] = {"peers": found, **circumstances(arguments.rounds, versions)}
        elif name == "build":
            builders = {"eqsnn": sys.executable, "brian2": arguments.brian_python}
            found = {s: run([p, str(HERE / "build.py"), "--simulator", s]) for s, p in builders.items() if p}
            results["others"][name] = {"peers": found, **circumstances(1, {s: f["version"] for s, f in found.items()})}
        else:
            more = ["--kind", "all"] if name == "memory" else []
            results["others"][name] = run([sys.executable, str(HERE / f"{name}.py"), *more])
        keep()
    print((arguments.out / "RESULTS.md").read_text())


if __name__ == "__main__":
    main()
