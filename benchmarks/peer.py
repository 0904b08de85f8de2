"""What the scripts of other simulators share (nest_*.py, annarchy_*.py): the command line and the protocol of common.py, and the JSON at the end.

They run in the virtual environment of their simulator, which need not have eqsnn; the models are those of the scripts without a prefix, and the
spikes in a second show that they are.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable


def arguments(description: str, neurons: int, duration: float = 1.0, **options) -> argparse.Namespace:
    """The command line. ``options``: further whole numbers and their defaults."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--duration", type=float, default=duration, help="biological time of a window in seconds")
    parser.add_argument("--settle", type=float, default=0.1, help="biological time before the first window")
    parser.add_argument("--repeat", type=int, default=3, help="windows; the fastest counts")
    parser.add_argument("--neurons", type=int, default=neurons)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=("double", "single"), default="double")
    for name, default in options.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser.parse_args()


def measure(
    args: argparse.Namespace,
    benchmark: str,
    simulator: str,
    version: str,
    run: Callable[[float], None],
    spikes: Callable[[], int],
) -> None:
    """Settle, time the windows, print. ``run(seconds)`` of activity; ``spikes()``: how many there were so far."""
    run(args.settle)
    before = spikes()
    wall, cpu = [], []
    for _ in range(args.repeat):
        w, c = time.perf_counter(), time.process_time()
        run(args.duration)
        wall.append(time.perf_counter() - w)
        cpu.append(time.process_time() - c)
    result = {
        "benchmark": benchmark,
        "simulator": simulator,
        "version": version,
        "neurons": args.neurons,
        "precision": args.precision,
        "duration": args.duration,
        "threads": args.threads,
        "seconds": min(wall),
        "cpu_seconds": min(cpu),
        "spikes_per_second": (spikes() - before) / (args.duration * args.repeat),
    }
    print(json.dumps(result))
