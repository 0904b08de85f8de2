"""What the benchmarks on ANNarchy share: a network, its compilation in a folder that is then gone, and the count of its spikes."""

from __future__ import annotations

import tempfile

import ANNarchy as ann
from peer import arguments, measure


def begin(description: str, neurons: int, duration: float = 1.0, **options):
    """The command line and a network."""
    args = arguments(description, neurons, duration, **options)
    network = ann.Network(dt=0.1, seed=1)
    network.config(dtype=ann.float32 if args.precision == "single" else ann.float64, num_threads=args.threads)
    return args, network


def end(args, benchmark: str, network, population, before_run=lambda: None) -> None:
    """Compile, run and print. ``before_run``: sets what exists only after compilation."""
    monitor = network.monitor(population, ["spike"])
    total = 0

    def spikes() -> int:
        nonlocal total
        total += sum(len(times) for times in monitor.get("spike").values())
        return total

    with tempfile.TemporaryDirectory() as folder:
        network.compile(directory=folder, silent=True)
        before_run()
        measure(
            args, benchmark, "annarchy", ann.__version__, lambda seconds: network.simulate(1000.0 * seconds), spikes
        )
