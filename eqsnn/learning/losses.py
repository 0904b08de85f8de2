"""What training makes small. Each loss reads one variable of one group after each step ('spike': its events), and says how time is reduced.

``over``: 'steps' (a target for each step; the loss of each counts), 'sum', 'mean', 'max' or 'last' (one target a sample, for the variable so reduced
over time), or 'first', how many steps pass before the first event (all of them, if there is none). ``start``: the first step that counts. Arrays are
[block][step][neuron][sample] with the sample's axes as the engine lays them.
"""

from __future__ import annotations

import abc
import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.errors import EqsnnError

if TYPE_CHECKING:
    from eqsnn.learning.engine import CompiledEngine

REDUCTIONS = ("steps", "sum", "mean", "max", "last", "first")


@dataclass(frozen=True)
class Target:
    """``y``: what is wanted, [block][1 or step][...][sample]; ``weight``: how much each counts, 0 for what fills up: [block][step][sample].
    ``compiled``: the engine that does softmax and counts hits for losses, None for numpy."""

    y: np.ndarray
    weight: np.ndarray
    compiled: CompiledEngine | None = None


class Loss(abc.ABC):
    """The contract: ``value(readout, target)`` is the mean loss and its derivative with respect to the readout."""

    integer_targets = False
    penalties: tuple = ()
    """What is added for the rates of groups (``penalties``)."""

    def __init__(self, group, variable: str = "spike", over: str = "steps", start: int = 0):
        if over not in REDUCTIONS:
            raise EqsnnError(f"over= is one of {', '.join(REDUCTIONS)}; got {over!r}")
        if over == "first" and variable != "spike":
            raise EqsnnError(f"over='first' is the time of the first event, of the variable 'spike'; got {variable!r}")
        self.group, self.variable, self.over, self.start = group, variable, over, int(start)

    def __add__(self, other: Loss) -> Loss:
        from eqsnn.learning.loss_sums import SumOfLosses

        return SumOfLosses.joined(self, other) if isinstance(other, Loss) else NotImplemented

    def __mul__(self, factor: float) -> Loss:
        from eqsnn.learning.loss_sums import SumOfLosses

        return SumOfLosses([(float(factor), self)])

    __rmul__ = __mul__

    def with_penalty(self, penalty) -> Loss:
        """This loss and a penalty."""
        made = copy.copy(self)
        made.penalties = (*self.penalties, penalty)
        return made

    def compile(self) -> None:
        """Have what there is to compute done by machine code from now on, where there is such a thing."""
        return

    def value(self, readout: np.ndarray, target: Target) -> tuple[float, np.ndarray]:
        """The loss and its derivative with respect to the readout."""
        reduced, back = self._reduce(readout, target.weight)
        loss, slope = self.of(reduced, target)
        return loss, back(slope)

    def prediction(self, readout: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """The variable with its time reduced: [block][1 or step][neuron][sample]."""
        return self._reduce(readout, weight)[0]

    def _reduce(self, r: np.ndarray, weight: np.ndarray):
        """The readout with its time reduced, over the steps whose weight is not 0, and the way of derivatives back."""
        if self.over == "steps":
            return r, lambda g: g
        counts = (weight > 0)[:, :, None, :].astype(r.dtype)
        if self.over == "first":
            return first_event(r, counts)
        if self.over == "last":
            steps = counts.shape[1] - 1 - np.argmax(counts[:, ::-1], axis=1)  # [block][1][sample]
            at = np.broadcast_to(steps[:, None], (r.shape[0], 1, r.shape[2], r.shape[3]))
        elif self.over == "max":
            at = np.where(counts > 0, r, -np.inf).argmax(1)[:, None]
        else:
            share = counts if self.over == "sum" else counts / np.maximum(counts.sum(1, keepdims=True), 1)
            return (r * share).sum(1, keepdims=True), lambda g: g * share

        def back(g: np.ndarray) -> np.ndarray:
            whole = np.zeros_like(r)
            np.put_along_axis(whole, at, g, axis=1)
            return whole

        return np.take_along_axis(r, at, axis=1), back

    def weights(self, target: Target) -> np.ndarray:
        """How much each target counts: [block][1 or step][sample]."""
        return target.weight if self.over == "steps" else target.weight.max(1, keepdims=True)

    def count(self, target: Target) -> float:
        """How many targets there are, each as much as it counts: what ``of`` is the mean over."""
        return float(self.weights(target).sum(dtype=np.float64))

    @abc.abstractmethod
    def of(self, r: np.ndarray, target: Target) -> tuple[float, np.ndarray]:
        """The loss of the reduced readout, and its derivative."""


def first_event(s: np.ndarray, counts: np.ndarray):
    """How many of the steps that count pass before the first event, sum_t prod_{k <= t} (1 - s_k), and the way of derivatives back.

    The derivative with respect to s_k is what an event in step k would change: before the first event, the way from there to k; at the first, the
    way to the second, which would be the first without it; later none.
    """
    left = np.cumprod(1 - s * counts, axis=1)
    first = (left * counts).sum(axis=1, keepdims=True)

    def back(g: np.ndarray) -> np.ndarray:
        slope = np.empty_like(s)
        ahead = np.zeros_like(s[:, 0])  # how many steps would pass from the next one on
        for k in reversed(range(s.shape[1])):
            ahead = counts[:, k] + (1 - s[:, k + 1] * counts[:, k + 1]) * ahead if k + 1 < s.shape[1] else counts[:, k]
            slope[:, k] = -ahead * counts[:, k] * (left[:, k - 1] if k else 1)
        return slope * g

    return first, back


def class_accuracy(loss: Loss, r: np.ndarray, target: Target) -> float:
    """The share of targets that the largest value of the reduced readout hits; a loss with a negative ``scale`` wants the smallest."""
    weight = loss.weights(target) > 0
    if target.compiled is not None and getattr(loss, "scale", 1.0) > 0:
        return target.compiled.hits(r, target.y, loss.weights(target)) / max(int(weight.sum()), 1)
    read = (r * np.sign(getattr(loss, "scale", 1.0))).argmax(axis=2)
    return float(((read == target.y) & weight).sum() / max(weight.sum(), 1))


class CrossEntropy(Loss):
    """-log softmax of the variable at the class that is wanted, in the mean over targets (``over='steps'``: over steps and samples).

    Targets are the numbers of classes: (sample,), or (sample, step) for ``over='steps'``; -1 does not count. ``scale`` multiplies the variable.
    """

    integer_targets = True

    def __init__(self, group, variable: str = "spike", over: str = "steps", start: int = 0, scale: float = 1.0):
        super().__init__(group, variable, over, start)
        self.scale = scale

    def of(self, r, target):
        if target.compiled is not None:
            return target.compiled.softmax(r, target.y, self.weights(target), self.scale)
        z = r * r.dtype.type(self.scale) if self.scale != 1.0 else r.copy()
        z -= z.max(axis=2, keepdims=True)
        weight = self.weights(target)
        y = target.y[:, :, None, :]
        total = max(float(weight.sum()), 1e-30)
        chosen = np.take_along_axis(z, y, axis=2)[:, :, 0]
        np.exp(z, out=z)
        sums = z.sum(axis=2, keepdims=True)
        loss = float((weight * (np.log(sums[:, :, 0]) - chosen)).sum(dtype=np.float64)) / total
        z /= sums
        np.put_along_axis(z, y, np.take_along_axis(z, y, axis=2) - 1, axis=2)
        z *= (weight * (self.scale / total))[:, :, None, :].astype(r.dtype)
        return loss, z

    def accuracy(self, r: np.ndarray, target: Target) -> float:
        """The share of targets that the largest value hits, or the smallest if ``scale`` is negative; ``r`` is the reduced readout."""
        return class_accuracy(self, r, target)


class MeanSquaredError(Loss):
    """(variable - target)^2 in the mean over targets: (sample, neuron), or (sample, step, neuron) for ``over='steps'``; NaN does not count."""

    def count(self, target):
        return float((self.weights(target)[:, :, None, :] * ~np.isnan(target.y)).sum(dtype=np.float64))

    def of(self, r, target):
        weight = np.broadcast_to(self.weights(target)[:, :, None, :], r.shape) * ~np.isnan(target.y)
        total = max(float(weight.sum()), 1e-30)
        difference = np.where(weight > 0, r - np.nan_to_num(target.y), 0)
        loss = float((weight * difference**2).sum(dtype=np.float64)) / total
        return loss, (2 * weight * difference / total).astype(r.dtype)
