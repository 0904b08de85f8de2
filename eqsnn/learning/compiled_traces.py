"""Traces as machine code, beside a compiled engine: memory, threads, and what comes out."""

from __future__ import annotations

import ctypes

import numpy as np

from eqsnn.backends.learner import places as learner_places
from eqsnn.backends.traces import build, places
from eqsnn.kernel.traces import Family, Rule
from eqsnn.learning.engine import CompiledEngine, Gradients, aligned

_KEPT = ("local", "turned", "learning", "error", "trace", "row", "sum", "signal", "scratch")
"""The arrays that are ours; the others are the engine's, or weights."""


class CompiledTraces:
    """As ``NumpyTraces``. Blocks of samples have traces and gradients of their own, which are added up in their order."""

    def __init__(self, rule: Rule, engine: CompiledEngine):
        self.rule, self.engine, self.learner = rule, engine, engine.learner
        self.library = build(rule, engine.learner)
        self.places = places(rule, engine.learner)
        self.own: dict[tuple, np.ndarray] = {}
        self.blocks = 0

    def begin(self) -> None:
        """A new batch."""
        self.fresh = True

    # -- memory -----------------------------------------------------------------------------------------------------------------

    def _sources(self, f: Family) -> int:
        source = self.learner.projections[f.projection].source
        return self.engine.n_in if source < 0 else self.engine.sizes[source]

    def _shape(self, key: tuple) -> tuple[int, ...]:
        """Of an array of ours, without the axis of blocks."""
        width, sizes, padded = self.engine.width, self.engine.sizes, self.engine._padded
        kind, *rest = key
        if kind in ("signal", "scratch"):
            return (self._scratch(),)
        if kind in ("learning", "error"):
            return (sizes[rest[0]], width)
        if kind == "local":
            return (self.rule.local[rest[0]].behind + 1, sizes[rest[0]], width)
        if kind == "turned":
            return (width, padded(sizes[rest[0]]))
        f = self.rule.families[rest[0]]
        n = sizes[f.layer]
        if f.kind == "neurons" or kind == "row":
            return (n, width)
        sources = self._sources(f)
        if kind == "sum":
            return (sources, padded(n))
        return (width, sources, padded(n)) if f.kind == "pairs" else (sources, width)

    def _scratch(self) -> int:
        return self.engine.width * self.engine._padded(max(*self.engine.sizes, self.engine.n_in))

    def _make(self, blocks: int) -> None:
        if self.blocks != blocks:
            self.own = {
                key: aligned((blocks, *self._shape(key)), self.engine.dtype)
                for key in self.places.arrays
                if key[0] in _KEPT
            }
            self.blocks = blocks
        for key, a in self.own.items():
            starts = key[0] == "trace" and self.rule.families[key[1]].starts == key[2]
            a.fill(1 if starts else 0)
        self.fresh = False

    # -- a window ---------------------------------------------------------------------------------------------------------------

    def window(self, slope: np.ndarray, feedback) -> None:
        """The steps of a window; ``slope``: the derivatives of the loss with respect to the readout."""
        engine, m = self.engine, self.engine._now
        blocks, steps = m.by["readout",].shape[:2]
        if self.fresh:
            self._make(blocks)
        m.by["readout",][:] = slope  # which lies on 64 bytes
        given = {**m.by, **self.own, **{("matrix", *key): self._matrix(w) for key, w in feedback.items()}}
        given.setdefault(("in_values",), None)
        arrays = [given[key] for key in self.places.arrays]
        addresses = (ctypes.c_void_p * len(arrays))(*(None if a is None else a.ctypes.data for a in arrays))
        at = learner_places(self.learner).sizes
        sizes = {
            ("steps",): steps,
            ("history",): engine._history(m),
            ("before",): m.before,
            ("samples",): engine.samples,
            ("n_in",): engine.n_in,
            ("scratch",): self._scratch(),
            **{("n", k): n for k, n in enumerate(engine.sizes)},
            **{("behind", k): local.behind for k, local in enumerate(self.rule.local)},
            **{("lag", k): lag for k, lag in enumerate(engine.lags)},
            **{("key", k): m.sizes[at["key", k]] for k in range(len(engine.sizes))},
        }
        numbers = (ctypes.c_int64 * len(self.places.sizes))(*(sizes[key] for key in self.places.sizes))
        engine.share(self.library.eq_traces, blocks, addresses, numbers)

    def _matrix(self, w: np.ndarray) -> np.ndarray:
        lying = aligned((w.shape[0], self.engine._padded(w.shape[1])), self.engine.dtype)
        lying[:, : w.shape[1]] = w
        return lying

    def gradients(self) -> Gradients:
        """What all windows of the batch have brought."""
        layers = self.learner.layers
        weights = [np.zeros(self._ends(n)) for n in self.engine.weighted]
        parameters = [dict[str, np.ndarray]() for _ in layers]
        start = [dict[str, np.ndarray]() for _ in layers]
        for m, f in enumerate(self.rule.families):
            total = self.own["sum", m][0].astype(np.float64)
            for part in self.own["sum", m][1:]:
                total += part
            if f.kind == "neurons":
                where = parameters if f.begins in layers[f.layer].sought else start
                where[f.layer][f.begins] = total.sum(1)
            else:
                weights[self.engine.weighted.index(f.projection)] += total[:, : self.engine.sizes[f.layer]]
        return Gradients(weights, parameters, start, [{} for _ in layers])

    def _ends(self, projection: int) -> tuple[int, int]:
        return self.engine._ends(projection)

    def bytes(self) -> int:
        """What traces and their like take for the last batch."""
        return sum(a.nbytes for a in self.own.values())
