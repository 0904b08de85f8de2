"""What a second thread gains, in wall time: large networks, and trials of a small one.

Each case runs alternately on one thread and on ``--threads``; the fastest of all rounds counts. ``two at once`` is the time of one thread while
another process does the same on the other processor: what the machine has to give to two cores at all, whose third cache and memory they share. A
gain cannot be larger than ``ceiling``, twice the first column by that one.

    python benchmarks/threads.py --rounds 3 --cases cuba brunel
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
CASES = {
    "cuba": ("CUBA 40,000", ["cuba.py", "--neurons", "40000"]),
    "cobahh": ("COBAHH 12,000", ["cobahh.py", "--neurons", "12000", "--duration", "0.2"]),
    "brunel": ("Brunel 2000, 12,500", ["brunel.py"]),
    "stdp": ("STDP 10,000 x 100", ["stdp.py", "--neurons", "10000", "--targets", "100", "--duration", "2"]),
    "microcircuit": ("Microcircuit, scale 0.2", ["microcircuit.py", "--scale", "0.2", "--duration", "2"]),
    "microcircuit-half": ("Microcircuit, scale 0.5", ["microcircuit.py", "--scale", "0.5", "--duration", "1"]),
    "trials": ("16 trials of CUBA 4,000", ["threads.py", "--trials", "16"]),
}


def trials(number: int, threads: int) -> None:
    """Seconds of one second of activity of so many trials, less those of preparing them."""
    import eqsnn as eq
    from eqsnn.cli.bench import NETWORKS

    eq.settings.threads = threads
    eq.seed(1)
    network = next(make for name, make, _ in NETWORKS if name == "CUBA")()
    network.run(0.1 * eq.second)
    runs = eq.Trials(network, number)

    def took(seconds: float) -> float:
        began = time.perf_counter()
        runs.run(seconds * eq.second)
        return time.perf_counter() - began

    empty = min(took(0.0) for _ in range(3))
    print(json.dumps({"seconds": min(took(1.0) for _ in range(3)) - empty, "duration": 1.0}))


def seconds(command: list[str], threads: int) -> float:
    """Of one second of activity."""
    call = [sys.executable, str(HERE / command[0]), *command[1:], "--threads", str(threads)]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return found["seconds"] / found["duration"]


def at_once(command: list[str]) -> float:
    """The same on one thread, while another process does it too."""
    with ThreadPoolExecutor(2) as pool:
        return min(pool.map(lambda _: seconds(command, 1), range(2)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), metavar="CASE")
    parser.add_argument("--trials", type=int, help="time so many trials in this process, and nothing else")
    args = parser.parse_args()
    if args.trials:
        trials(args.trials, args.threads)
        return
    print(f"| seconds for 1 s of activity | 1 thread | {args.threads} threads | gain | two at once | ceiling |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name in args.cases:
        title, command = CASES[name]
        one, team, both = [], [], []
        for _ in range(args.rounds):
            one.append(seconds(command, 1))
            team.append(seconds(command, args.threads))
            both.append(at_once(command))
        a, b, c = min(one), min(team), min(both)
        print(f"| {title} | {a:.3g} | {b:.3g} | {a / b:.2f} | {c:.3g} | {2 * a / c:.2f} |", flush=True)


if __name__ == "__main__":
    main()
