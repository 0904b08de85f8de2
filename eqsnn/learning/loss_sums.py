"""Sums of losses of one readout: ``CrossEntropy(readout, 'u', over='mean') + 0.1*EquationLoss(readout, 'u**2', 'u', over='mean', classes=True)``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.learning.losses import Loss


class SumOfLosses(Loss):
    """``terms``: factors and losses. They read the same variable of the same group, have the same targets and the same ``start``; accuracy and
    predictions are those of the first. Raises EqsnnError where they differ."""

    def __init__(self, terms: Sequence[tuple[float, Loss]]):
        self.terms = tuple(terms)
        first = self.terms[0][1]
        super().__init__(first.group, first.variable, first.over, first.start)
        self.integer_targets = first.integer_targets
        self.penalties = tuple(factor * p for factor, loss in self.terms for p in loss.penalties)
        if hasattr(first, "accuracy"):
            self.accuracy = first.accuracy
        for _, loss in self.terms[1:]:
            for what, ours, theirs in (
                ("group", first.group, loss.group),
                ("variable", first.variable, loss.variable),
                ("start", first.start, loss.start),
                ("kind of targets", first.integer_targets, loss.integer_targets),
                ("number of targets", first.over == "steps", loss.over == "steps"),
            ):
                if ours is not theirs and ours != theirs:
                    raise EqsnnError(
                        f"losses that are added have one {what}; got {_said(first, what, ours)} and {_said(loss, what, theirs)}"
                    )

    @classmethod
    def joined(cls, one: Loss, other: Loss) -> SumOfLosses:
        """The sum of two losses, which may be sums."""
        parts = [loss.terms if isinstance(loss, SumOfLosses) else ((1.0, loss),) for loss in (one, other)]
        made = cls([*parts[0], *parts[1]])
        made.penalties = (*one.penalties, *other.penalties)
        return made

    def __mul__(self, factor: float) -> SumOfLosses:
        made = SumOfLosses([(float(factor) * f, loss) for f, loss in self.terms])
        made.penalties = tuple(float(factor) * p for p in self.penalties)
        return made

    __rmul__ = __mul__

    def compile(self) -> None:
        for _, loss in self.terms:
            loss.compile()

    def value(self, readout, target):
        value, slope = 0.0, np.zeros_like(readout)
        for factor, loss in self.terms:
            one, back = loss.value(readout, target)
            value, slope = value + factor * one, slope + np.asarray(factor * back, slope.dtype)
        return value, slope

    def prediction(self, readout, weight):
        return self.terms[0][1].prediction(readout, weight)

    def count(self, target):
        return self.terms[0][1].count(target)

    def of(self, r, target):
        """For terms that reduce time alike; ``value`` lets each do it in its own way."""
        value, slope = 0.0, np.zeros_like(r)
        for factor, loss in self.terms:
            one, back = loss.of(r, target)
            value, slope = value + factor * one, slope + np.asarray(factor * back, slope.dtype)
        return value, slope


def _said(loss: Loss, what: str, value) -> str:
    if what == "group":
        return getattr(value, "name", repr(value))
    if what == "kind of targets":
        return "classes" if value else "values"
    if what == "number of targets":
        return "a target a step" if value else "a target a sample"
    return repr(value)
