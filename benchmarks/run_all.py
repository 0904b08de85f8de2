"""Runs the benchmarks on eqsnn, Brian 2 (cython and C++ standalone) and the loops by hand, in turn, and writes benchmarks/RESULTS.md.

    python benchmarks/run_all.py --brian-python PATH [--rounds 3]

``--brian-python``: the interpreter of a virtual environment with Brian 2 (``pip install brian2``); without it only eqsnn and the limits run.
The figure of a simulator is the fastest of its runs; ratios are formed within this one call, on this one machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
FLAGS = {"cuba": ["-ffp-contract=off"], "cobahh": ["-mprefer-vector-width=512"]}


def run(command: list[str], **options) -> dict:
    """The JSON on the last line of what a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def limit(model: str, folder: Path) -> list[str]:
    """The command of the loop by hand, compiled."""
    binary = folder / model
    flags = ["-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", *FLAGS[model]]
    subprocess.run(
        [os.environ.get("CC", "cc"), *flags, str(HERE / "limit" / f"{model}.c"), "-o", str(binary), "-lm"], check=True
    )
    return [str(binary), "1.0"]


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brian-python")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    models = {}
    versions = {}
    for model in ("cuba", "cobahh"):
        commands = {"by hand": limit(model, folder)}
        script = str(HERE / f"{model}.py")
        commands["eqsnn"] = [sys.executable, script]
        if arguments.brian_python:
            commands["Brian 2 cython"] = [
                arguments.brian_python,
                script,
                "--simulator",
                "brian2",
                "--repeat",
                "1" if model == "cobahh" else "3",
            ]
            commands["Brian 2 cpp_standalone"] = [arguments.brian_python, script, "--simulator", "brian2_standalone"]
        best: dict[str, float] = {}
        for _ in range(arguments.rounds):
            for name, command in commands.items():
                found = run(command)
                best[name] = min(best.get(name, 1e9), found["seconds"])
                versions[name] = found.get("version", "")
                print(model, name, found["seconds"], file=sys.stderr, flush=True)
        models[model] = best
    cold = run([sys.executable, str(HERE / "cold_start.py")])
    memory = run([sys.executable, str(HERE / "memory.py")])
    (HERE / "RESULTS.md").write_text(report(models, versions, cold, memory))
    print(report(models, versions, cold, memory))


def report(models: dict, versions: dict, cold: dict, memory: dict) -> str:
    lines = [
        "# Results",
        "",
        f"`python benchmarks/run_all.py`, on {processor()}, {os.cpu_count()} processors, {platform.system()}, "
        f"Python {platform.python_version()}; eqsnn {versions.get('eqsnn')}, Brian 2 {versions.get('Brian 2 cython', 'not run')}. "
        "One thread, stepping only, the fastest of all rounds, taken in turn.",
        "",
        "| 1 s of 4,000 neurons, dt 0.1 ms | " + " | ".join(models["cuba"]) + " |",
        "| --- |" + " ---: |" * len(models["cuba"]),
    ]
    for model, best in models.items():
        lines.append(f"| {model.upper()}, seconds | " + " | ".join(f"{best[n]:.3f}" for n in models["cuba"]) + " |")
    for model, best in models.items():
        ratios = " | ".join(f"{best[n] / best['eqsnn']:.2f}" for n in models["cuba"])
        lines.append(f"| {model.upper()}, time / time of eqsnn | {ratios} |")
    lines += [
        "",
        "Start of CUBA in a fresh process, import included, to the end of the first step: "
        f"{cold['cold']:.2f} s with an empty cache, {cold['warm']:.2f} s with a warm one (`benchmarks/cold_start.py`).",
        "",
        f"Memory of a synapse without variables, one homogeneous delay: {memory['bytes_per_synapse']:.1f} bytes, as the difference of the resident "
        f"size at {memory['synapses']:,} synapses (`benchmarks/memory.py`).",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
