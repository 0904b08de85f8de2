"""What the benchmark scripts share: the command line, the simulator chosen on it, timing of the steps alone, and JSON on the last line.

A script describes its model once, in Brian 2's words; ``--simulator`` says who runs it: ``eqsnn``, ``brian2`` (its cython target),
``brian2_standalone`` (its C++ standalone target), or, on a GPU, ``eqsnn_cuda`` and ``brian2cuda``. All follow one protocol, that of the loops by
hand in ``limit/``: the network first runs for ``--settle`` seconds of biological time, then ``--repeat`` windows of ``--duration`` are timed one
after the other, and the fastest counts, in wall time and in CPU time of the process (all threads). Compilation and preparation are taken off:
for the cython target and eqsnn the time of an empty run; in standalone the clocks are read inside the built program, between the steps.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SIMULATORS = ("eqsnn", "brian2", "brian2_standalone", "eqsnn_cuda", "brian2cuda")
OURS = ("eqsnn", "eqsnn_cuda")
STANDALONE = {"brian2_standalone": "cpp_standalone", "brian2cuda": "cuda_standalone"}


def number(text: str) -> int:
    """A positive whole number."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"this must be at least 1; got {value}")
    return value


class Benchmark:
    """One run of one model. ``options``: what else the command line takes, as ``name=(default, help)`` of positive whole numbers."""

    def __init__(self, name: str, description: str, duration: float = 1.0, neurons: int = 4000, **options):
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--simulator", choices=SIMULATORS, default="eqsnn")
        parser.add_argument("--duration", type=float, default=duration, help="biological time of a window in seconds")
        parser.add_argument("--settle", type=float, default=0.1, help="biological time before the first window")
        parser.add_argument("--repeat", type=number, default=3, help="windows; the fastest counts")
        parser.add_argument("--neurons", type=number, default=neurons)
        parser.add_argument("--threads", type=number, default=1)
        parser.add_argument("--precision", choices=("double", "single"), default="double")
        parser.add_argument(
            "--profile", action="store_true", help="print where the time of a window went (not standalone)"
        )
        for option, (default, text) in options.items():
            parser.add_argument(f"--{option}", type=number, default=default, help=text)
        self.args = parser.parse_args()
        self.name, self.options = name, tuple(options)
        os.environ["EQSNN_NUM_THREADS"] = str(self.args.threads)
        self.module = importlib.import_module("eqsnn.brian" if self.args.simulator in OURS else "brian2")
        self._choose()
        self.names = {n: getattr(self.module, n) for n in getattr(self.module, "__all__", vars(self.module))}

    def _choose(self) -> None:
        b = self.module
        if self.args.precision == "single":
            b.prefs.core.default_float_dtype = importlib.import_module("numpy").float32
        if self.args.simulator == "brian2":
            b.prefs.codegen.target = "cython"
        if self.args.simulator == "eqsnn_cuda":
            importlib.import_module("eqsnn").backend("cuda")
        if self.args.simulator == "brian2cuda":
            importlib.import_module("brian2cuda")
        if self.args.simulator in STANDALONE:
            self.folder = tempfile.mkdtemp()
            b.set_device(STANDALONE[self.args.simulator], directory=self.folder, build_on_run=False)
            if self.args.threads > 1:
                b.prefs.devices.cpp_standalone.openmp_threads = self.args.threads

    def measure(self, objects: list, spikes, namespace: dict) -> None:
        """Run the network and print the result as JSON. ``spikes``: the monitor whose spikes are counted."""
        network = self.module.Network(*objects)
        if self.args.simulator in OURS:
            network.stop_if_not_finite = True  # as for users of the native face; the check is part of what is measured

        def run(seconds: float, **options) -> None:
            network.run(seconds * self.names["second"], namespace=namespace, **options)

        timed = self._inside if self.args.simulator in STANDALONE else self._outside
        wall, cpu, n_spikes = timed(run, spikes)
        version = importlib.import_module("eqsnn" if self.args.simulator in OURS else "brian2").__version__
        if self.args.profile and self.args.simulator not in STANDALONE:
            run(self.args.duration, profile=True)
            print(self.module.profiling_summary(network))
        result = {
            "benchmark": self.name,
            "simulator": self.args.simulator,
            "version": version,
            "neurons": self.args.neurons,
            **{option: getattr(self.args, option) for option in self.options},
            "precision": self.args.precision,
            "duration": self.args.duration,
            "threads": self.args.threads,
            "seconds": min(wall),
            "cpu_seconds": min(cpu),
            "spikes_per_second": n_spikes / (self.args.duration * self.args.repeat),
        }
        print(json.dumps(result))

    def _outside(self, run: Callable, spikes) -> tuple[list[float], list[float], int]:
        """Wall and CPU seconds of each window, and the spikes in all: by the clocks of this process, less those of an empty run."""

        def clocked(seconds: float) -> tuple[float, float]:
            wall, cpu = time.perf_counter(), time.process_time()
            run(seconds)
            return time.perf_counter() - wall, time.process_time() - cpu

        run(self.args.settle)
        empty = [min(parts) for parts in zip(*(clocked(0) for _ in range(max(5, self.args.repeat))))]
        before = int(spikes.num_spikes)
        windows = [clocked(self.args.duration) for _ in range(self.args.repeat)]
        wall, cpu = ([max(x - e, 0.0) for x in parts] for parts, e in zip(zip(*windows), empty))
        return wall, cpu, int(spikes.num_spikes) - before

    def _inside(self, run: Callable, spikes) -> tuple[list[float], list[float], int]:
        """The same, by clocks read in the program that is built."""
        device, out = self.module.device, Path(self.folder) / "clocks.txt"
        read = "{{ struct timespec w, c; clock_gettime(CLOCK_MONOTONIC, &w); clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &c); std::ofstream f("
        read += '"{}", std::ios::app); f.precision(17); f << w.tv_sec + 1e-9*w.tv_nsec << " " << c.tv_sec + 1e-9*c.tv_nsec << "\\n"; }}'
        code = read.format(out)
        run(self.args.settle)
        for _ in range(self.args.repeat):
            device.insert_code("main", code)
            run(self.args.duration)
            device.insert_code("main", code)
        device.build(directory=self.folder, compile=True, run=True, debug=False)
        clocks = [tuple(map(float, line.split())) for line in out.read_text().splitlines()]
        wall, cpu = ([b[k] - a[k] for a, b in zip(clocks[::2], clocks[1::2])] for k in (0, 1))
        n_spikes = int((spikes.t / self.names["second"] > self.args.settle - 1e-9).sum())
        shutil.rmtree(self.folder)
        return wall, cpu, n_spikes
