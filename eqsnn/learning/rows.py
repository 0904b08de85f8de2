"""A layer by itself on arrays of somebody else, which know their address: (address, strides of sample and step in numbers), or None for none.

Samples are done in blocks, each with gradients of its own, which are added up in order: neither threads nor timing can change a bit.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from eqsnn.backends.neurons import BLOCK, build, places, read_behind
from eqsnn.kernel.learner import Layer

Row = tuple[int, int, int]
"""Where an array lies, and how many numbers one sample, and one step, is from the next."""
_WORTH = 1 << 17
"""So many updates of a neuron are worth a second thread."""


class RowEngine:
    """The compiled ``layer``, in float32 if ``single``."""

    def __init__(self, layer: Layer, single: bool):
        self.places, self.read = places(layer), read_behind(layer)
        self.library = build(layer, single)

    def forward(self, rows: Mapping[tuple, Row | None], samples: int, steps: int, n: int, threads: int = 1) -> None:
        """All steps; ``rows``: the arrays by the keys of ``backends/neurons.places``."""
        self._run(self.library.eq_neurons_forward, rows, samples, steps, n, threads)

    def backward(
        self,
        rows: Mapping[tuple, Row | None],
        per_block: Mapping[tuple, int],
        samples: int,
        steps: int,
        n: int,
        threads: int = 1,
    ) -> None:
        """All steps back. ``per_block``: addresses of arrays [block][neuron]: gradients of parameters, which are added to, and what nobody wants."""
        self._run(self.library.eq_neurons_backward, rows, samples, steps, n, threads, per_block)

    def _run(self, function, rows, samples: int, steps: int, n: int, threads: int, per_block=()) -> None:
        at = (ctypes.c_void_p * len(self.places))()
        strides = (ctypes.c_int64 * (3 * len(self.places)))()
        for key, row in rows.items():
            if row is not None:
                k = self.places[key]
                at[k] = row[0]
                strides[3 * k : 3 * k + 3] = (0, row[1], row[2])
        for key, address in dict(per_block).items():
            at[self.places[key]] = address
            strides[3 * self.places[key]] = n
        size = (ctypes.c_int64 * 3)(samples, steps, n)
        blocks = -(-samples // BLOCK)
        threads = min(threads, blocks, samples * steps * n // _WORTH)
        if threads < 2:
            function(at, strides, size, 0, blocks)
            return
        bounds = [blocks * k // threads for k in range(threads + 1)]
        jobs = [_pool().submit(function, at, strides, size, a, b) for a, b in zip(bounds[1:], bounds[2:])]
        function(at, strides, size, 0, bounds[1])
        for job in jobs:
            job.result()


_pools: dict[int, ThreadPoolExecutor] = {}
"""By process: a forked one has none of the threads of its parent."""


def _pool() -> ThreadPoolExecutor:
    pid = os.getpid()
    if pid not in _pools:
        _pools[pid] = ThreadPoolExecutor(os.cpu_count() or 1, "eqsnn-rows")
    return _pools[pid]
