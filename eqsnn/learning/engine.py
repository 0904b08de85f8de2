"""Batches through a learner: memory, threads, and the way of arrays in and out. Samples lie in blocks: axis order [block][step][neuron][sample].

Each block has gradients of its own, which are added up in the order of blocks: neither threads nor timing can change a bit.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.backends.backend import backend as known_backend
from eqsnn.backends.learner import build, lanes, places
from eqsnn.kernel.learner import Learner
from eqsnn.kernel.random import key_of

if TYPE_CHECKING:
    from eqsnn.learning.penalties import Pushes

asked: list[Callable[[Learner], None]] = []
"""Who is told of each learner that is to run."""

_REACHING = ("bits", "sent", "in_bits", "in_values")
"""The arrays whose last steps count in the steps to come."""
CARRIED = ("adjoint", "gradient", "ring", "sent_adjoint")
"""The arrays of derivatives that steps leave for those before them."""


_ONES = np.unpackbits(np.arange(1 << 16, dtype=np.uint16).view(np.uint8)).reshape(-1, 16).sum(axis=1, dtype=np.uint8)
"""How many bits of a number are 1."""


@dataclass
class Values:
    """What a batch is computed with: for each projection with weights these [source][target]; for each layer its parameters [neuron] and the start
    of its states [neuron] or [sample][neuron] by name; how many steps after the event each projection arrives (0: in the same step); for each
    layer what it sent in the step before the first [neuron], by name."""

    weights: list[np.ndarray]
    parameters: list[dict[str, np.ndarray]]
    start: list[dict[str, np.ndarray]]
    lags: list[int]
    sent: list[dict[str, np.ndarray]]
    key: int = 0


@dataclass(frozen=True)
class Surroundings:
    """What the steps of each layer read beside what belongs to a batch: tables by name, and numbers as in ``Layer.numbers``."""

    tables: list[dict[str, np.ndarray]]
    numbers: list[list[float]]


def keys_of(values: Values) -> list[int]:
    """The key of each layer's random numbers."""
    return [key_of("noise of a layer", values.key, k) for k in range(len(values.parameters))]


@dataclass
class Gradients:
    """The derivatives of the loss with respect to ``Values``; ``inputs``: to what is presented, [sample][step][input], if asked for."""

    weights: list[np.ndarray]
    parameters: list[dict[str, np.ndarray]]
    start: list[dict[str, np.ndarray]]
    sent: list[dict[str, np.ndarray]]
    inputs: np.ndarray | None = None


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


def _of_ones(x: np.ndarray) -> bool:
    """Whether nothing but 0 and 1 is presented, so that values are events."""
    if x.dtype == np.bool_:
        return True
    if x.dtype.kind in "iu":
        return bool(x.size == 0 or (x.min() >= 0 and x.max() <= 1))
    return bool(np.array_equal(x, x != 0))


def counted_events(bits: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """How many events [block][step][neuron] (bits) there are where steps [block][step][sample] are counted, a neuron."""
    lanes = ((counted != 0) << np.arange(counted.shape[2], dtype=np.uint16)).sum(axis=2).astype(np.uint16)
    return _ONES[bits & lanes[:, :, None]].sum(axis=(0, 1), dtype=np.float64)


@dataclass
class _Memory:
    """The arrays of one batch size and number of steps, in the order of ``Places``; ``elsewhere``: where they lie on a device."""

    arrays: list[np.ndarray]
    addresses: ctypes.Array
    sizes: ctypes.Array
    by: dict[tuple, np.ndarray] = field(default_factory=dict)
    before: int = 0
    elsewhere: object = None


@dataclass(frozen=True)
class Past:
    """Where a window of steps ends, for the next to begin there: ``steps`` so far, and the arrays that reach on."""

    steps: int
    by: dict[tuple, np.ndarray]


class CompiledEngine:
    """A learner as compiled code. ``sizes``: neurons of each layer; ``n_in``: what is presented; ``threads``: how many work."""

    def __init__(self, learner: Learner, n_in: int, sizes: Sequence[int], surroundings: Surroundings, threads: int = 1):
        self.surroundings = surroundings
        self.learner, self.n_in, self.sizes, self.threads = learner, n_in, list(sizes), threads
        self.width = lanes(learner.single)
        self.dtype = np.float32 if learner.single else np.float64
        self.library = build(learner)
        self.weighted = [k for k, p in enumerate(learner.projections) if not p.linked]
        self._memory: dict[tuple[int, int], _Memory] = {}
        self._slope = np.empty((0, 0, 0, 0), self.dtype)
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def width_for(self, samples: int) -> int:
        """Samples in a block of a batch."""
        return self.width

    # -- memory ---------------------------------------------------------------------------------------------------------------

    def _padded(self, n: int) -> int:
        return -(-n // self.width) * self.width

    def _ends(self, k: int) -> tuple[int, int]:
        p = self.learner.projections[k]
        return (self.n_in if p.source < 0 else self.sizes[p.source]), self.sizes[p.target]

    def _ring(self, layer: int, lags: Sequence[int]) -> int:
        return 1 + max((lag for lag, p in zip(lags, self.learner.projections) if p.source == layer), default=0)

    def _make(self, blocks: int, steps: int, lags: Sequence[int]) -> _Memory:
        width, real, by, history = self.width, self.dtype, {}, max((1, *lags)) + self.learner.reach
        for k, (layer, n) in enumerate(zip(self.learner.layers, self.sizes)):
            by["bits", k] = aligned((blocks, history + steps, n), np.uint16)
            by |= {("sent", k, v): aligned((blocks, history + steps, n, width), real) for v in layer.sent}
            by |= {("sent_adjoint", k, v): aligned((blocks, 2, n, width), real) for v in layer.sent}
            by["ring", k] = aligned((blocks, self._ring(k, lags), n, width), real)
            for kind, names in (
                ("state", layer.states),
                ("input", layer.inputs),
                ("adjoint", (*layer.states, *layer.inputs, *layer.sought)),
            ):
                by |= {(kind, k, v): aligned((blocks, n, width), real) for v in names}
            by |= {("echo", k, v): aligned((blocks, n, width), real) for v in layer.echoes}
            by |= {("start", k, v): aligned((blocks, n, width), real) for v in layer.echoes}
            by |= {("tape", k, v): aligned((blocks, steps, n, width), real, None) for v in layer.taped}
            by |= {("parameter", k, v): aligned((n,), real) for v in layer.parameters}
            by |= {("table", k, v): self.surroundings.tables[k][v] for v in layer.tables}
            by["numbers", k] = np.array(self.surroundings.numbers[k])
        for k in self.weighted:
            source, target = self._ends(k)
            by["weights", k] = aligned((source, self._padded(target)), real)
            by["gradient", k] = aligned((blocks, source, self._padded(target)), real)
        by["scratch",] = aligned((blocks, width * self._padded(max(self.sizes))), real)
        by["readout",] = aligned((blocks, steps, self.sizes[self.learner.readout.layer], width), real)
        by["in_bits",] = by["in_values",] = by["in_slope",] = by["counted",] = np.zeros(0, np.uint16)
        by |= {("push", k): by["counted",] for k in range(len(self.sizes))}
        place = places(self.learner)
        sizes = {
            ("steps",): steps,
            ("n_in",): self.n_in,
            ("scratch",): by["scratch",][0].size,
            ("history",): history,
            ("before",): 0,
            ("carried",): 0,
            ("in_steps",): 0,
            ("counted_steps",): 0,
            **{("key", k): 0 for k in range(len(self.sizes))},
            **{("n", k): n for k, n in enumerate(self.sizes)},
            **{("lag", k): lag for k, lag in enumerate(lags)},
            **{("ring", k): self._ring(k, lags) for k in range(len(self.sizes))},
        }
        arrays = [by[key] for key in place.arrays]
        addresses = (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays))
        numbers = (ctypes.c_int64 * len(place.sizes))(*(sizes[key] for key in place.sizes))
        return _Memory(arrays, addresses, numbers, by)

    # -- a batch --------------------------------------------------------------------------------------------------------------

    def forward(self, x: np.ndarray, values: Values, past: Past | None = None) -> np.ndarray:
        """The readout [block][step][neuron][sample] for what is presented, x [sample][step][input]. ``past``: where an earlier window of the same
        samples ended, to go on from there; ``backward`` takes what it brings as given."""
        blocks, steps = -(-len(x) // self.width), x.shape[1]
        key = (blocks, steps, *values.lags)
        if key not in self._memory:
            kept = {
                k: m for k, m in self._memory.items() if past is not None and k[0] == blocks
            }  # the last window may be a short one
            self._memory = {**dict([*kept.items()][-1:]), key: self._make(blocks, steps, values.lags)}
        self._now = m = self._memory[key]
        self._present(m, x)
        self.samples, self.lags = len(x), values.lags
        m.before = 0 if past is None else past.steps
        at = places(self.learner).sizes
        m.sizes[at["before",]] = m.before
        for k, key in enumerate(keys_of(values)):
            m.sizes[at["key", k]] = key
        for k, layer in enumerate(self.learner.layers):
            for v in layer.parameters:
                m.by["parameter", k, v][:] = values.parameters[k][v]
            for v in layer.states:
                m.by["state", k, v][:] = self._begun(values.start[k][v])
            for v in layer.echoes:
                m.by["start", k, v][:] = m.by["state", k, v]
            for v, a in values.sent[k].items():
                m.by["sent", k, v][:, self._history(m) - 1] = np.asarray(a, self.dtype)[None, :, None]
        if past is not None:
            self._go_on(m, past)
        for k, w in zip(self.weighted, values.weights):
            m.by["weights", k][:, : w.shape[1]] = w
        self._sent_before = [tuple(s) for s in values.sent]
        self._steps_forward(m, blocks)
        return m.by["readout",]

    def _begun(self, values: np.ndarray) -> np.ndarray:
        """The start of a state, (neuron) or (sample, neuron), as something that fits [block][neuron][sample]."""
        values = np.asarray(values, self.dtype)
        return values[None, :, None] if values.ndim == 1 else into_blocks(values[:, None], self.width)[:, 0]

    def _history(self, m: _Memory) -> int:
        return m.sizes[places(self.learner).sizes["history",]]

    def _present(self, m: _Memory, x: np.ndarray) -> None:
        """Samples as events and, where a projection weighs them, as values."""
        shown = np.ascontiguousarray(x if x.dtype in (np.bool_, np.uint8, np.int8) else x != 0)
        blocks, history = -(-len(x) // self.width), self._history(m)
        m.by["in_bits",] = bits = np.zeros((blocks, history + x.shape[1], x.shape[2]), np.uint16)
        size = (ctypes.c_int64 * 4)(*x.shape, history)
        self.share(self.library.eq_learn_present, blocks, shown.ctypes.data, bits.ctypes.data, size)
        m.addresses[0], m.addresses[1], m.addresses[2] = bits.ctypes.data, None, None
        m.by.pop(("in_values",), None)
        if any(p.graded for p in self.learner.projections) and not _of_ones(x):
            m.by["in_values",] = lying = aligned((blocks, history + x.shape[1], x.shape[2], self.width), self.dtype)
            lying[:, history:] = into_blocks(x, self.width)
            m.addresses[1] = lying.ctypes.data

    def past(self) -> Past:
        """Where the last ``forward`` has ended."""
        m = self._now
        history, steps = self._history(m), m.by["readout",].shape[1]
        kept = {key: a[:, steps : steps + history].copy() for key, a in m.by.items() if key[0] in _REACHING}
        kept |= {key: a.copy() for key, a in m.by.items() if key[0] == "state"}
        return Past(m.before + steps, kept)

    def _go_on(self, m: _Memory, past: Past) -> None:
        history = self._history(m)
        for key, a in past.by.items():
            if key[0] == "state":
                m.by[key][:] = a
            elif key in m.by:
                m.by[key][:, :history] = a

    def _steps_forward(self, m: _Memory, blocks: int) -> None:
        self.share(self.library.eq_learn_forward, blocks, m.addresses, m.sizes)

    def _steps_back(self, m: _Memory, blocks: int, slope: np.ndarray, presented: np.ndarray | None) -> None:
        at = places(self.learner).arrays
        m.addresses[at["readout",]] = slope.ctypes.data
        m.addresses[at["in_slope",]] = None if presented is None else presented.ctypes.data
        self.share(self.library.eq_learn_backward, blocks, m.addresses, m.sizes)
        m.addresses[at["readout",]] = m.by["readout",].ctypes.data

    def share(self, function, blocks: int, *arguments) -> None:
        """``function(*arguments, first block, last)`` on all threads."""
        if self._pool is None or blocks < 2:
            function(*arguments, 0, blocks)
            return
        bounds = [blocks * k // self.threads for k in range(self.threads + 1)]
        jobs = [self._pool.submit(function, *arguments, a, b) for a, b in zip(bounds[1:], bounds[2:]) if b > a]
        function(*arguments, 0, bounds[1])
        for job in jobs:
            job.result()

    def backward(self, slope: np.ndarray, pushes: Pushes | None = None, inputs: bool = False) -> Gradients:
        """The gradients from the derivatives of the loss with respect to the readout of the last ``forward``; ``pushes``: with respect to events;
        ``inputs``: those of what was presented, too."""
        for key, a in self._now.by.items():
            if key[0] in CARRIED:
                a.fill(0)
        presented = self.presented(slope.shape[1]) if inputs else None
        self._back(slope, self._pushed(pushes), presented, carried=False)
        return self.gradients(presented)

    def presented(self, steps: int) -> np.ndarray:
        """Where the derivatives of what is presented in so many steps are added up."""
        return aligned((len(self._now.by["readout",]), steps, self.n_in, self.width), self.dtype)

    def carry_on(
        self, slope: np.ndarray, later: _Memory | None, pushes: Pushes | None, presented: np.ndarray | None
    ) -> _Memory:
        """As ``backward``, for the last steps of a sample (``later`` is None) or for those before the window whose memory is ``later``, which
        was gone through just now: derivatives go on from there. Adds to those of what was ``presented`` and returns the memory."""
        m = self._now
        for key, a in m.by.items():
            if key[0] in CARRIED and later is None:
                a.fill(0)
            elif key[0] in CARRIED and later is not m:
                a[:] = later.by[key]
        self._back(slope, self._pushed(pushes, later is None), presented, carried=True)
        return m

    def _back(self, slope: np.ndarray, kept: list[np.ndarray], presented: np.ndarray | None, carried: bool) -> None:
        """``kept``: the arrays of pushes."""
        m, at = self._now, places(self.learner)
        blocks = len(m.by["readout",])
        slope = np.require(slope, self.dtype, "C")
        m.sizes[at.sizes["carried",]] = carried
        m.sizes[at.sizes["counted_steps",]] = kept[0].shape[1] if kept else 0
        m.sizes[at.sizes["in_steps",]] = 0 if presented is None else presented.shape[1]
        self._steps_back(m, blocks, slope, presented)

    def gradients(self, presented: np.ndarray | None) -> Gradients:
        """What the blocks have found, added up in their order."""
        m, weights = self._now, []
        for k in self.weighted:
            total = m.by["gradient", k][0].astype(np.float64)
            for part in m.by["gradient", k][1:]:
                total += part
            weights.append(total[:, : self._ends(k)[1]])

        def of(kind_names):
            return [
                {v: m.by["adjoint", k, v].astype(np.float64).sum(axis=(0, 2)) for v in kind_names(layer)}
                for k, layer in enumerate(self.learner.layers)
            ]

        given = m.before > 0
        start = of(lambda layer: () if given else layer.states)
        sent = [
            {v: m.by["sent_adjoint", k, v][:, 1].astype(np.float64).sum(axis=(0, 2)) for v in values if not given}
            for k, values in enumerate(self._sent_before)
        ]
        back = None if presented is None else out_of_blocks(presented, self.samples)
        return Gradients(weights, of(lambda layer: layer.sought), start, sent, back)

    def _pushed(self, pushes: Pushes | None, last: bool = True) -> list[np.ndarray]:
        """Tell the way back which derivatives of events there are beside those of arrivals; the arrays that it reads. ``last``: the way begins
        with the last of the steps that ``pushes`` know."""
        m, place, kept = self._now, places(self.learner).arrays, []
        m.addresses[place["counted",]] = None
        for k in range(len(self.learner.layers)):
            m.addresses[place["push", k]] = None
        if pushes is None:
            return kept
        kept = [np.ascontiguousarray(pushes.counted, self.dtype)]
        m.addresses[place["counted",]] = kept[0].ctypes.data
        steps = pushes.counted.shape[1]
        first = m.before + len(m.by["readout",][0]) - steps  # the number of the first of them in the sample
        for k, push in pushes.layers.items():
            kept.append(np.ascontiguousarray(push, self.dtype))
            m.addresses[place["push", k]] = kept[-1].ctypes.data
            ring = m.by["ring", k]
            for t in (
                range(max(steps - ring.shape[1], 0), steps) if last else ()
            ):  # earlier ones are put there on the way
                ring[:, (first + t) % ring.shape[1]] = kept[-1][:, None] * kept[0][:, t, None, :]
        return kept

    def events_of(self, k: int, counted: np.ndarray) -> np.ndarray:
        """How many events the neurons of layer ``k`` had in the steps that are ``counted``, [block][step][sample]: [neuron]."""
        return counted_events(self.events(k), counted)

    def events(self, k: int) -> np.ndarray:
        """The events of layer ``k`` in the last ``forward`` as bits [block][step][neuron], one a sample."""
        return self._now.by["bits", k][:, self._history(self._now) :]

    def rates(self) -> list[float]:
        """The share of (step, neuron, sample) with an event, a layer; samples that fill up the last block count."""
        m, found = self._now, []
        blocks, steps = m.by["readout",].shape[:2]
        for k, (layer, n) in enumerate(zip(self.learner.layers, self.sizes)):
            events = np.zeros(blocks, np.int64)
            if layer.spikes:
                size = (ctypes.c_int64 * 3)(steps, n, self._history(m))
                bits = m.by["bits", k].ctypes.data
                self.share(self.library.eq_learn_count, blocks, bits, events.ctypes.data, size)
            found.append(float(events.sum()) / (blocks * steps * n * self.width))
        return found

    # -- losses ---------------------------------------------------------------------------------------------------------------

    def softmax(self, r: np.ndarray, y: np.ndarray, weight: np.ndarray, scale: float) -> tuple[float, np.ndarray]:
        """The mean over targets of -log softmax(scale*r) at the classes y, and its derivative, which the next call overwrites. r:
        [block][step][class][sample]."""
        r, y, weight = (np.require(a, t, "C") for a, t in ((r, self.dtype), (y, np.int64), (weight, self.dtype)))
        blocks, steps, n, _ = r.shape
        total = max(float(weight.sum(dtype=np.float64)), 1e-30)
        if self._slope.shape != r.shape:
            self._slope = aligned(r.shape, self.dtype, None)
        slope, sums = self._slope, np.zeros((blocks, self.width))
        numbers, size = (ctypes.c_double * 2)(scale, scale / total), (ctypes.c_int64 * 2)(steps, n)
        pointers = (a.ctypes.data for a in (r, y, weight, slope, sums))
        self.share(self.library.eq_learn_softmax, blocks, *pointers, numbers, size)
        return float(sums.sum()) / total, slope

    def hits(self, r: np.ndarray, y: np.ndarray, weight: np.ndarray) -> int:
        """How many targets that count have the largest value."""
        r, y, weight = (np.require(a, t, "C") for a, t in ((r, self.dtype), (y, np.int64), (weight, self.dtype)))
        blocks, steps, n, _ = r.shape
        found, size = np.zeros(blocks, np.int64), (ctypes.c_int64 * 2)(steps, n)
        pointers = (a.ctypes.data for a in (r, y, weight, found))
        self.share(self.library.eq_learn_hits, blocks, *pointers, size)
        return int(found.sum())

    def tape_bytes(self) -> int:
        """How much the last batch has kept of its steps for the way back."""
        m = self._now
        return sum(a.nbytes for key, a in m.by.items() if key[0] in ("tape", "bits", "readout"))


def engine_of(
    learner: Learner,
    n_in: int,
    sizes: Sequence[int],
    surroundings: Surroundings,
    backend: str,
    threads: int,
    checkpoints: bool = False,
):
    """What runs a learner on ``backend``. Raises EqsnnError for 'cuda' without a GPU."""
    for note in asked:
        note(learner)
    if backend == "numpy":
        from eqsnn.learning.oracle import Oracle

        return Oracle(learner, n_in, sizes, surroundings)
    if backend.startswith("cuda"):
        from eqsnn.learning.cuda_engine import CudaEngine

        engine = CudaEngine(known_backend(backend).device(), learner, n_in, sizes, surroundings)
    else:
        engine = CompiledEngine(learner, n_in, sizes, surroundings, threads)
    if checkpoints:
        from eqsnn.learning.checkpointed import Checkpointed

        return Checkpointed(engine)
    return engine
