"""Backpropagation with a tape of sqrt(T) steps: states are kept every so many steps, and the steps between are done again on the way back.

A batch of T steps costs a second forward pass and keeps 2 sqrt(T) times what a step leaves in place of T (Griewank 1992, with one level of
checkpoints). The steps are the same, and derivatives are added up in the same order: no bit differs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.learning.engine import CompiledEngine, Gradients, Past, Values, counted_events

if TYPE_CHECKING:
    from eqsnn.learning.penalties import Pushes


class Checkpointed:
    """As ``engine``, whose memory is that of a window."""

    def __init__(self, engine: CompiledEngine):
        self.engine, self.learner, self.sizes = engine, engine.learner, engine.sizes
        self.width, self.width_for, self.dtype = engine.width, engine.width_for, engine.dtype
        self.softmax, self.hits = engine.softmax, engine.hits

    def _windows(self) -> list[tuple[int, int]]:
        """The first step of each window and the one after its last."""
        length = math.isqrt(max(self.x.shape[1] - 1, 0)) + 1
        return [(lo, min(lo + length, self.x.shape[1])) for lo in range(0, self.x.shape[1], length)]

    def forward(self, x: np.ndarray, values: Values, past: Past | None = None) -> np.ndarray:
        """See ``CompiledEngine``."""
        self.x, self.values, self.kept, self.events = x, values, [], []
        shares, readout = np.zeros(len(self.sizes)), None
        for lo, hi in self._windows():
            self.kept.append(past)
            part = self.engine.forward(x[:, lo:hi], values, past)
            if readout is None:
                readout = np.empty((part.shape[0], x.shape[1], *part.shape[2:]), part.dtype)
            readout[:, lo:hi] = part
            self.events.append([self.engine.events(k).copy() for k in range(len(self.sizes))])
            shares += np.array(self.engine.rates()) * (hi - lo)
            past = self.engine.past()
        self._end, self._rates = past, (shares / x.shape[1]).tolist()
        return readout

    def past(self) -> Past:
        """Where the last ``forward`` has ended."""
        return self._end

    def events_of(self, k: int, counted: np.ndarray) -> np.ndarray:
        """See ``CompiledEngine``."""
        return counted_events(np.concatenate([e[k] for e in self.events], axis=1), counted)

    def rates(self) -> list[float]:
        """The share of (step, neuron, sample) with an event, a layer."""
        return self._rates

    def backward(self, slope: np.ndarray, pushes: Pushes | None = None, inputs: bool = False) -> Gradients:
        """See ``CompiledEngine``."""
        later, presented = None, self.engine.presented(self.x.shape[1]) if inputs else None
        for (lo, hi), past in reversed(list(zip(self._windows(), self.kept))):
            self.engine.forward(self.x[:, lo:hi], self.values, past)
            later = self.engine.carry_on(slope[:, lo:hi], later, pushes, presented)
        return self.engine.gradients(presented)

    def tape_bytes(self) -> int:
        """How much the last batch has kept of its steps for the way back."""
        kept = sum(a.nbytes for e in self.events for a in e)
        kept += sum(a.nbytes for p in self.kept if p is not None for a in p.by.values())
        readout = len(self.x) * self.x.shape[1] * self.sizes[self.learner.readout.layer] * np.dtype(self.dtype).itemsize
        return self.engine.tape_bytes() + kept + readout
