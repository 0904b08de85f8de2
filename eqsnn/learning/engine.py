"""Batches through a learner: memory, threads, and the way of arrays in and out. Samples lie in blocks: axis order [block][step][neuron][sample].

Each block has gradients of its own, which are added up in the order of blocks: neither threads nor timing can change a bit.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from eqsnn.backends.learner import build, lanes, places
from eqsnn.kernel.learner import Learner


@dataclass
class Values:
    """What a batch is computed with: for each projection its weights [source][target]; for each layer its parameters [neuron] and the start of its
    states [neuron] by name; how many steps after the event each projection arrives (0: in the same step)."""

    weights: list[np.ndarray]
    parameters: list[dict[str, np.ndarray]]
    start: list[dict[str, np.ndarray]]
    lags: list[int]


@dataclass
class Gradients:
    """The derivatives of the loss with respect to ``Values``; ``rates``: the share of steps in which the neurons of each layer had an event."""

    weights: list[np.ndarray]
    parameters: list[dict[str, np.ndarray]]
    start: list[dict[str, np.ndarray]]


def aligned(shape: Sequence[int], dtype, fill: float | None = 0.0) -> np.ndarray:
    """An array that begins on 64 bytes; without ``fill`` its contents are not known."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.empty(size + 64, np.uint8) if fill is None else np.zeros(size + 64, np.uint8)
    offset = -raw.ctypes.data % 64
    return raw[offset : offset + size].view(dtype).reshape(shape)


def into_blocks(x: np.ndarray, width: int) -> np.ndarray:
    """[sample][step][...] to [block][step][...][sample], with zeros where samples lack."""
    blocks = -(-len(x) // width)
    if len(x) != blocks * width:
        x = np.concatenate([x, np.zeros((blocks * width - len(x), *x.shape[1:]), x.dtype)])
    x = x.reshape(blocks, width, *x.shape[1:])
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


def out_of_blocks(x: np.ndarray, n: int) -> np.ndarray:
    """[block][step][...][sample] to [sample][step][...]."""
    x = np.moveaxis(x, -1, 1)
    return x.reshape(-1, *x.shape[2:])[:n]


@dataclass
class _Memory:
    """The arrays of one batch size and number of steps, in the order of ``Places``."""

    arrays: list[np.ndarray]
    addresses: ctypes.Array
    sizes: ctypes.Array
    by: dict[tuple, np.ndarray] = field(default_factory=dict)


class CompiledEngine:
    """A learner as compiled code. ``sizes``: neurons of each layer; ``n_in``: what is presented; ``threads``: how many work."""

    def __init__(self, learner: Learner, n_in: int, sizes: Sequence[int], threads: int = 1):
        self.learner, self.n_in, self.sizes, self.threads = learner, n_in, list(sizes), threads
        self.width = lanes(learner.single)
        self.dtype = np.float32 if learner.single else np.float64
        self.library = build(learner)
        self._memory: dict[tuple[int, int], _Memory] = {}
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    # -- memory ---------------------------------------------------------------------------------------------------------------

    def _padded(self, n: int) -> int:
        return -(-n // self.width) * self.width

    def _ends(self, k: int) -> tuple[int, int]:
        p = self.learner.projections[k]
        return (self.n_in if p.source < 0 else self.sizes[p.source]), self.sizes[p.target]

    def _ring(self, layer: int, lags: Sequence[int]) -> int:
        return 1 + max((lag for lag, p in zip(lags, self.learner.projections) if p.source == layer), default=0)

    def _make(self, blocks: int, steps: int, lags: Sequence[int]) -> _Memory:
        width, real, by = self.width, self.dtype, {}
        for k, (layer, n) in enumerate(zip(self.learner.layers, self.sizes)):
            by["bits", k] = aligned((blocks, steps, n), np.uint16)
            by["ring", k] = aligned((blocks, self._ring(k, lags), n, width), real)
            for kind, names in (
                ("state", layer.states),
                ("input", layer.inputs),
                ("adjoint", (*layer.states, *layer.inputs, *layer.sought)),
            ):
                by |= {(kind, k, v): aligned((blocks, n, width), real) for v in names}
            by |= {("echo", k, v): aligned((blocks, n, width), real) for v in layer.echoes}
            by |= {("start", k, v): aligned((n,), real) for v in layer.echoes}
            by |= {("tape", k, v): aligned((blocks, steps, n, width), real, None) for v in layer.taped}
            by |= {("parameter", k, v): aligned((n,), real) for v in layer.parameters}
        for k in range(len(self.learner.projections)):
            source, target = self._ends(k)
            by["weights", k] = aligned((source, self._padded(target)), real)
            by["gradient", k] = aligned((blocks, source, self._padded(target)), real)
        by["scratch",] = aligned((blocks, width * self._padded(max(self.sizes))), real)
        by["readout",] = aligned((blocks, steps, self.sizes[self.learner.readout.layer], width), real)
        by["in_bits",] = by["in_values",] = np.zeros(0, np.uint16)
        place = places(self.learner)
        sizes = {
            ("steps",): steps,
            ("n_in",): self.n_in,
            ("scratch",): by["scratch",][0].size,
            **{("n", k): n for k, n in enumerate(self.sizes)},
            **{("lag", k): lag for k, lag in enumerate(lags)},
            **{("ring", k): self._ring(k, lags) for k in range(len(self.sizes))},
        }
        arrays = [by[key] for key in place.arrays]
        addresses = (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays))
        numbers = (ctypes.c_int64 * len(place.sizes))(*(sizes[key] for key in place.sizes))
        return _Memory(arrays, addresses, numbers, by)

    # -- a batch --------------------------------------------------------------------------------------------------------------

    def forward(self, x: np.ndarray, values: Values) -> np.ndarray:
        """The readout [block][step][neuron][sample] for what is presented, x [sample][step][input]."""
        blocks, steps = -(-len(x) // self.width), x.shape[1]
        key = (blocks, steps, *values.lags)
        if key not in self._memory:
            self._memory = {key: self._make(blocks, steps, values.lags)}
        m = self._memory[key]
        self._present(m, x)
        for k, layer in enumerate(self.learner.layers):
            for v in layer.parameters:
                m.by["parameter", k, v][:] = values.parameters[k][v]
            for v in layer.states:
                m.by["state", k, v][:] = np.asarray(values.start[k][v], self.dtype)[None, :, None]
            for v in layer.echoes:
                m.by["start", k, v][:] = values.start[k][v]
        for k, w in enumerate(values.weights):
            m.by["weights", k][:, : w.shape[1]] = w
        self._run(self.library.eq_learn_forward, m, blocks)
        return m.by["readout",]

    def _present(self, m: _Memory, x: np.ndarray) -> None:
        """Samples as events and, where a projection weighs them, as values."""
        shown = np.ascontiguousarray(x if x.dtype in (np.bool_, np.uint8, np.int8) else x != 0)
        blocks = -(-len(x) // self.width)
        m.by["in_bits",] = bits = np.zeros((blocks, *x.shape[1:]), np.uint16)
        self.library.eq_learn_present(shown.ctypes.data, bits.ctypes.data, *x.shape)
        m.addresses[0], m.addresses[1] = bits.ctypes.data, None
        if any(p.graded for p in self.learner.projections) and x.dtype != np.bool_:
            m.by["in_values",] = lying = into_blocks(x, self.width).astype(self.dtype, copy=False)
            m.addresses[1] = lying.ctypes.data

    def _run(self, function, m: _Memory, blocks: int) -> None:
        if self._pool is None:
            function(m.addresses, m.sizes, 0, blocks)
            return
        bounds = [blocks * k // self.threads for k in range(self.threads + 1)]
        jobs = [self._pool.submit(function, m.addresses, m.sizes, a, b) for a, b in zip(bounds, bounds[1:]) if b > a]
        for job in jobs:
            job.result()

    def backward(self, slope: np.ndarray) -> Gradients:
        """The gradients from the derivatives of the loss with respect to the readout of the last ``forward``."""
        (m,) = self._memory.values()
        blocks = len(m.by["readout",])
        m.by["readout",][:] = slope
        for key, a in m.by.items():
            if key[0] in ("adjoint", "gradient", "ring"):
                a.fill(0)
        self._run(self.library.eq_learn_backward, m, blocks)
        weights = []
        for k in range(len(self.learner.projections)):
            total = m.by["gradient", k][0].astype(np.float64)
            for part in m.by["gradient", k][1:]:
                total += part
            weights.append(total[:, : self._ends(k)[1]])

        def of(kind_names):
            return [
                {v: m.by["adjoint", k, v].astype(np.float64).sum(axis=(0, 2)) for v in kind_names(layer)}
                for k, layer in enumerate(self.learner.layers)
            ]

        return Gradients(weights, of(lambda layer: layer.sought), of(lambda layer: layer.states))

    def rates(self) -> list[float]:
        """The share of (step, neuron, sample) with an event, a layer; samples that fill up the last block count."""
        (m,) = self._memory.values()
        return [
            float(np.unpackbits(m.by["bits", k].view(np.uint8)).mean()) * 16 / self.width if layer.spikes else 0.0
            for k, layer in enumerate(self.learner.layers)
        ]

    def tape_bytes(self) -> int:
        """How much the last batch has kept of its steps for the way back."""
        (m,) = self._memory.values()
        return sum(a.nbytes for key, a in m.by.items() if key[0] in ("tape", "bits", "readout"))


def engine_of(learner: Learner, n_in: int, sizes: Sequence[int], backend: str, threads: int):
    """What runs a learner on ``backend``."""
    if backend == "numpy":
        from eqsnn.learning.oracle import Oracle

        return Oracle(learner, n_in, sizes)
    return CompiledEngine(learner, n_in, sizes, threads)
