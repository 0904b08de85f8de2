"""How a batch becomes steps of the optimiser: all steps of time at once (BPTT), or windows of them, which need no more memory for longer samples."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.learning.penalties import penalised

if TYPE_CHECKING:
    from eqsnn.kernel.learner import Learner
    from eqsnn.learning.engine import Values
    from eqsnn.learning.network import LearnedNetwork
    from eqsnn.learning.trainer import Batch, Trainer


class Found(NamedTuple):
    """What came of a batch: the mean loss, 'accuracy' for classes, and the share of (step, neuron, sample) with an event, a layer."""

    loss: float
    scores: dict[str, float]
    rates: np.ndarray


class Method(abc.ABC):
    """The contract. A method belongs to one trainer, whose engine, network, loss and optimiser it uses."""

    @abc.abstractmethod
    def readout(self, trainer: Trainer, x: np.ndarray) -> np.ndarray:
        """The variable that the loss reads, in all steps."""

    @abc.abstractmethod
    def gradients(self, trainer: Trainer, batch: Batch) -> tuple[Found, dict[str, np.ndarray]]:
        """What came of the batch, and the derivatives of the loss."""

    def train(self, trainer: Trainer, batch: Batch) -> Found:
        """The steps of the optimiser for one batch."""
        found, gradients = self.gradients(trainer, batch)
        trainer.descend(gradients)
        return found

    def learner(self, network: LearnedNetwork) -> Learner:
        """What the engine runs. Raises EqsnnError for a network that the method cannot train."""
        return network.learner

    def end_of_epoch(self, trainer: Trainer) -> None:
        """What there is to do when all samples were seen: nothing, unless a method says otherwise."""
        return

    def memory(self) -> dict[str, dict[str, np.ndarray]]:
        """What is remembered from batch to batch, for a file: lists of numbers by the name of what they belong to, and by what they are."""
        return {}

    def remember(self, memory: dict[str, dict[str, np.ndarray]]) -> None:
        """Go on with what ``memory`` gave."""
        return


class BPTT(Method):
    """Backpropagation through all steps of time (Werbos 1990)."""

    def readout(self, trainer, x):
        return trainer.engine.forward(x, trainer.values(len(x)))

    def gradients(self, trainer, batch):
        readout, target = self.readout(trainer, batch.x), batch.target()
        value, slope = trainer.loss.value(readout, target)
        added, pushes = penalised(trainer, batch, 0, batch.steps)
        found = Found(value + added, trainer.scores(readout, target), np.array(trainer.engine.rates()))
        return found, trainer.network.gradients(trainer.engine.backward(slope, pushes))


class Windowed(Method):
    """The contract of methods that see ``window`` steps at a time. The state of a window is given to the next, and no gradient flows back."""

    def __init__(self, window: int = 1):
        self.window = window

    @property
    def window(self) -> int:
        """How many steps gradients flow back."""
        return self._window

    @window.setter
    def window(self, window: int) -> None:
        if not (isinstance(window, (int, np.integer)) and not isinstance(window, bool) and window > 0):
            raise EqsnnError(f"window= is how many steps gradients flow back, 1 or more; got {window!r}")
        self._window = int(window)

    def windows(self, steps: int) -> Iterator[tuple[int, int]]:
        """The first step of each window and the one after its last."""
        for lo in range(0, steps, self.window):
            yield lo, min(lo + self.window, steps)

    def readout(self, trainer, x):
        return self.readout_with(trainer, x, trainer.values(len(x)))

    def readout_with(self, trainer: Trainer, x: np.ndarray, values: Values) -> np.ndarray:
        """The variable that the loss reads, in all steps, of samples that begin with ``values``."""
        past, parts = None, []
        for lo, hi in self.windows(x.shape[1]):
            parts.append(trainer.engine.forward(x[:, lo:hi], values, past).copy())
            past = trainer.engine.past()
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


class Accumulated(Windowed):
    """The contract of methods that add up what all windows give, and make one step of the optimiser a batch. With ``over='steps'`` each window has
    the loss of its steps; other losses are known at the end alone: then there is a second pass through the windows, and of the first the variable
    that is read is kept."""

    def gradients(self, trainer, batch):
        each = trainer.loss.over == "steps"
        return (self._as_they_come if each else self._in_two_passes)(trainer, batch)

    def _as_they_come(self, trainer: Trainer, batch: Batch):
        values = trainer.values(len(batch.x))
        counts = [trainer.loss.count(batch.target(lo, hi)) for lo, hi in self.windows(batch.steps)]
        total = sum(counts)
        shares = iter([c / total if total else 0.0 for c in counts])
        loss, scores = 0.0, {}

        def slope(readout: np.ndarray, lo: int, hi: int) -> np.ndarray:
            nonlocal loss
            target, share = batch.target(lo, hi), next(shares)
            value, back = trainer.loss.value(readout, target)
            loss += share * value
            for name, score in trainer.scores(readout, target).items():
                scores[name] = scores.get(name, 0.0) + share * score
            return back if share == 1.0 else back * back.dtype.type(share)

        gradients, rates = self._back(trainer, batch, values, slope)
        return Found(loss, scores, rates), gradients

    def _in_two_passes(self, trainer: Trainer, batch: Batch):
        target, values = batch.target(), trainer.values(len(batch.x))
        readout = self.readout_with(trainer, batch.x, values)
        value, whole = trainer.loss.value(readout, target)
        gradients, rates = self._back(trainer, batch, values, lambda readout, lo, hi: whole[:, lo:hi])
        return Found(value, trainer.scores(readout, target), rates), gradients

    @abc.abstractmethod
    def _back(self, trainer: Trainer, batch: Batch, values: Values, slope) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """The gradients of all windows, added up, from ``slope`` (readout, lo, hi): the derivatives of the loss with respect to the readout; and
        the share of events of each layer."""


class TruncatedBPTT(Accumulated):
    """Backpropagation through ``window`` steps at most (Williams & Peng 1990): derivatives stop where a window begins."""

    def _back(self, trainer, batch, values, slope):
        past, rates = None, np.zeros(len(trainer.network.sizes))
        total: dict[str, np.ndarray] = {}
        for lo, hi in self.windows(batch.steps):
            readout = trainer.engine.forward(batch.x[:, lo:hi], values, past)
            rates += np.array(trainer.engine.rates()) * ((hi - lo) / batch.steps)
            past = trainer.engine.past()
            back = slope(readout, lo, hi)
            _, pushes = penalised(trainer, batch, lo, hi, (hi - lo) / batch.steps)
            if total and not back.any() and pushes is None:
                continue
            found = trainer.network.gradients(trainer.engine.backward(back, pushes))
            total = {n: total[n] + g for n, g in found.items()} if total else found
        return total, rates
