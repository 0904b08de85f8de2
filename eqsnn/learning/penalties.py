"""What is added to a loss for the rates of hidden neurons, so that none is silent and none fires without end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.learning.engine import into_blocks
from eqsnn.units import DIMENSIONLESS, dimensions_of, hertz

if TYPE_CHECKING:
    from eqsnn.learning.losses import Loss
    from eqsnn.learning.trainer import Batch, Trainer


@dataclass(frozen=True, eq=False)
class RatePenalty:
    """``weight`` times the mean over the neurons of ``group`` of (low - r)^2 where r < low and (r - high)^2 where r > high, to be added to a loss:
    ``CrossEntropy(...) + RatePenalty(hidden, low=1*Hz, high=50*Hz, weight=100)``. r is the rate of a neuron over all steps and samples of a batch;
    bounds and r are in spikes a step (bounds in Hz are multiplied by the time step)."""

    group: object
    low: float = 0.0
    high: float | None = None
    weight: float = 1.0

    def __post_init__(self):
        for name in ("low", "high"):
            bound = getattr(self, name)
            if bound is not None and dimensions_of(bound) not in (DIMENSIONLESS, hertz.dim):
                raise EqsnnError(f"{name}= of RatePenalty is a rate in Hz, or spikes a step; got {bound!r}")
        if self.high is not None and dimensions_of(self.low) == dimensions_of(self.high) and not self.high >= self.low:
            raise EqsnnError(f"RatePenalty leaves rates from low to high alone; got {self.low!r} to {self.high!r}")
        if not self.weight >= 0:
            raise EqsnnError(f"weight= of RatePenalty is 0 or more; got {self.weight!r}")

    def __rmul__(self, factor: float) -> RatePenalty:
        return replace(self, weight=self.weight * float(factor))

    __mul__ = __rmul__

    def __radd__(self, loss: Loss) -> Loss:
        return NotImplemented if not hasattr(loss, "with_penalty") else loss.with_penalty(self)

    def bounds(self, dt: float) -> tuple[float, float]:
        """From and to how many spikes a step nothing is added."""

        def in_steps(bound) -> float:
            return float(np.asarray(bound)) * (dt if dimensions_of(bound) == hertz.dim else 1.0)

        return in_steps(self.low), np.inf if self.high is None else in_steps(self.high)

    def of(self, rates: np.ndarray, dt: float) -> tuple[float, np.ndarray]:
        """The penalty for these rates, and its derivatives."""
        low, high = self.bounds(dt)
        beyond = np.minimum(rates - low, 0) + np.maximum(rates - high, 0)
        return float(self.weight * (beyond**2).mean()), 2 * self.weight * beyond / rates.size


@dataclass(frozen=True)
class Pushes:
    """Derivatives with respect to the events of layers that are the same in all steps that count: by layer [neuron]; ``counted``: which steps of
    which samples do, [block][step][sample]."""

    layers: dict[int, np.ndarray]
    counted: np.ndarray


def penalised(trainer: Trainer, batch: Batch, lo: int, hi: int, share: float = 1.0) -> tuple[float, Pushes | None]:
    """``share`` of what the events of the last forward pass, the steps lo to hi, add to the loss, and the derivatives."""
    if not trainer.loss.penalties:
        return 0.0, None
    counted = np.ones((len(batch.x), hi - lo), trainer.engine.dtype)
    if batch.mask is not None:
        counted *= batch.mask[:, lo:hi] != 0
    counted = into_blocks(counted, trainer.engine.width_for(len(batch.x)))
    total, value, layers = max(float(counted.sum(dtype=np.float64)), 1.0), 0.0, {}
    for p in trainer.loss.penalties:
        k = next(k for k, g in enumerate(trainer.network.groups) if g is p.group)
        one, slope = p.of(trainer.engine.events_of(k, counted) / total, trainer.network.dt)
        value += share * one
        layers[k] = layers.get(k, 0.0) + share * slope / total
    return value, Pushes(layers, counted)


def check(trainer: Trainer) -> None:
    """Raises EqsnnError for penalties of what has no events, or that the method cannot take."""
    from eqsnn.learning.eprop import Online

    for p in trainer.loss.penalties:
        found = [t for t in trainer.network.trained if t.group is p.group]
        name = getattr(p.group, "name", repr(p.group))
        if not found or not found[0].layer.spikes:
            raise EqsnnError(f"RatePenalty is about the spikes of a trained group; {name} has none in this network")
        if isinstance(trainer.method, Online):
            raise EqsnnError("RatePenalty needs errors that go back: method='bptt', 'tbptt' or 'fptt'")
