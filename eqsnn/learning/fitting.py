"""Many epochs through many samples: what ``Trainer.fit`` and ``Trainer.evaluate`` do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.learning.history import EarlyStopping
from eqsnn.learning.reports import Report, report_of
from eqsnn.learning.samples import Batches, Samples, samples_of

if TYPE_CHECKING:
    from eqsnn.learning.trainer import Trainer


class Mean:
    """The mean of rows of numbers, each as much as it counts."""

    def __init__(self):
        self.row: dict[str, float] = {}
        self.weight = 0.0

    def add(self, row: dict[str, float], weight: float) -> None:
        """One more row."""
        self.weight += weight
        share = weight / self.weight if self.weight else 0.0
        for name, value in row.items():
            before = self.row.get(name, 0.0)
            self.row[name] = before + share * (value - before)


def fit(
    trainer: Trainer,
    data: Samples | Batches,
    epochs: int,
    batch: int,
    validation: Samples | Batches | None,
    shuffle: bool,
    report,
    stop: EarlyStopping | None,
    checkpoint,
) -> None:
    """See ``Trainer.fit``."""
    if stop is not None and not isinstance(stop, EarlyStopping):
        raise EqsnnError(f"stop= is EarlyStopping(patience, monitor) or None; got {stop!r}")
    teller = report_of(report, trainer.epoch, trainer.epoch + epochs)
    try:
        for _ in range(epochs):
            if stop is not None and _over(trainer, stop):
                break  # as a training that is taken up again where it had stopped
            row = _epoch(trainer, data, batch, shuffle, teller)
            trainer.method.end_of_epoch(trainer)
            if validation is not None:
                row |= {f"validation_{n}": v for n, v in evaluate(trainer, validation).items()}
            trainer.epoch += 1
            trainer.history.add(**row)
            if stop is not None:
                trainer.best = stop.judge(trainer.best, trainer.epoch, row, trainer.parameters)
            if checkpoint is not None:
                trainer.save(checkpoint)
            teller.epoch(trainer.epoch, row)
        if stop is not None and stop.restore and trainer.best is not None:
            for name, values in trainer.best.parameters.items():
                trainer.parameters[name][...] = values
    finally:
        trainer.network.write_back()
        teller.end()


def _over(trainer: Trainer, stop: EarlyStopping) -> bool:
    best = trainer.best
    return best is not None and best.monitor == stop.monitor and trainer.epoch - best.epoch >= stop.patience


def _epoch(trainer: Trainer, data: Samples | Batches, batch: int, shuffle: bool, teller: Report) -> dict[str, float]:
    """Once through all samples; the row of the history."""
    mean, names = Mean(), [t.group.name for t in trainer.network.trained]
    spiking = [t.layer.spikes for t in trainer.network.trained]
    sizes = np.array(trainer.network.sizes, float) * spiking
    for part in data.parts(batch, shuffle):
        found = trainer.method.train(trainer, trainer._batch(part.x, part.y, part.mask))
        rates = {f"rate_{n}": float(r) for n, r, s in zip(names, found.rates, spiking) if s}
        rate = float(np.dot(found.rates, sizes) / sizes.sum()) if any(spiking) else 0.0
        mean.add({"loss": found.loss, **found.scores, "rate": rate, **rates}, len(part.x))
        teller.batch(trainer.epoch + 1, part.share, mean.row)
    return mean.row


def evaluate(trainer: Trainer, data: Samples | Batches, batch: int = 256) -> dict[str, float]:
    """Loss and, for classes, accuracy, in the mean over all targets."""
    mean = Mean()
    for part in data.parts(batch):
        one = trainer._batch(part.x, part.y, part.mask)
        mean.add(trainer._judge(one), trainer.loss.count(one.target()))
    return mean.row


def validation_of(validation) -> Samples | Batches | None:
    """What ``validation=`` stands for: (x, y), (x, y, mask), or an iterable of batches."""
    if validation is None:
        return None
    if isinstance(validation, tuple) and len(validation) in (2, 3) and not isinstance(validation[0], tuple):
        return samples_of(*validation)
    return samples_of(validation)
