"""What the benchmark scripts share: the command line, the simulator chosen on it, timing of the steps alone, and JSON on the last line.

A script describes its model once, in Brian 2's words; ``--simulator`` says who runs it: ``eqsnn``, ``brian2`` (its cython target) or
``brian2_standalone`` (its C++ standalone target). The time reported is that of the steps: compilation and preparation are taken off (for the
cython target: the time of an empty run; for standalone: the time that the built program itself reports).
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import tempfile
import time


class Benchmark:
    """One run of one model."""

    def __init__(self, name: str, description: str, duration: float = 1.0):
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--simulator", choices=("eqsnn", "brian2", "brian2_standalone"), default="eqsnn")
        parser.add_argument("--duration", type=float, default=duration, help="biological time in seconds")
        parser.add_argument("--neurons", type=int, default=4000)
        parser.add_argument("--threads", type=int, default=1)
        parser.add_argument(
            "--repeat", type=int, default=3, help="runs of the given duration; the fastest counts (not for standalone)"
        )
        self.args = parser.parse_args()
        self.name = name
        os.environ["EQSNN_NUM_THREADS"] = str(self.args.threads)
        self.module = importlib.import_module("eqsnn.brian" if self.args.simulator == "eqsnn" else "brian2")
        if self.args.simulator == "brian2_standalone":
            self.folder = tempfile.mkdtemp()
            self.module.set_device("cpp_standalone", directory=self.folder, build_on_run=False)
            if self.args.threads > 1:
                self.module.prefs.devices.cpp_standalone.openmp_threads = self.args.threads
        elif self.args.simulator == "brian2":
            self.module.prefs.codegen.target = "cython"
        self.names = (
            {n: getattr(self.module, n) for n in self.module.__all__}
            if hasattr(self.module, "__all__")
            else vars(self.module)
        )

    def measure(self, objects: list, spikes, namespace: dict) -> None:
        """Run the network and print the result as JSON."""
        b = self.module
        network = b.Network(*objects)
        if self.args.simulator == "eqsnn":
            network.stop_if_not_finite = True  # as for users of the native face; the check is part of what is measured
        second = self.names["second"]
        if self.args.simulator == "brian2_standalone":
            network.run(self.args.duration * second, namespace=namespace)
            b.device.build(directory=self.folder, compile=True, run=True, debug=False)
            best = b.device._last_run_time
        else:
            network.run(0 * second, namespace=namespace)
            empties, times = [], []
            for _ in range(3):
                start = time.perf_counter()
                network.run(0 * second, namespace=namespace)
                empties.append(time.perf_counter() - start)
            empty = min(empties)
            for _ in range(self.args.repeat):
                start = time.perf_counter()
                network.run(self.args.duration * second, namespace=namespace)
                times.append(time.perf_counter() - start - empty)
            best = min(times)
        version = importlib.import_module("eqsnn" if self.args.simulator == "eqsnn" else "brian2").__version__
        runs = 1 if self.args.simulator == "brian2_standalone" else self.args.repeat
        result = {
            "benchmark": self.name,
            "simulator": self.args.simulator,
            "version": version,
            "neurons": self.args.neurons,
            "duration": self.args.duration,
            "threads": self.args.threads,
            "seconds": best,
            "spikes_per_second": int(spikes.num_spikes) / (self.args.duration * runs),
        }
        print(json.dumps(result))
