"""Training a network by backpropagation through time (Werbos 1990) with surrogate gradients."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.learning.engine import engine_of, into_blocks, out_of_blocks
from eqsnn.learning.initial import generator
from eqsnn.learning.losses import Loss, Target
from eqsnn.learning.network import LearnedNetwork
from eqsnn.learning.optimisers import Adam, Optimiser, StepLR, clipped
from eqsnn.runtime.settings import settings


@dataclass
class History:
    """What happened in each epoch: ``columns`` by name."""

    columns: dict[str, list[float]] = field(default_factory=dict)

    def add(self, **values: float) -> None:
        """One more epoch."""
        for name, value in values.items():
            self.columns.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> list[float]:
        return self.columns[name]

    def pandas(self):
        """As a DataFrame."""
        import pandas

        return pandas.DataFrame(self.columns)


class Trainer:
    """Trains what is (trainable) in ``net``.

    ``loss``: see ``losses``; ``optimizer``: see ``optimisers``; ``schedule``: the factor of the learning rate as a function of the epoch;
    ``clip``: the largest norm of a gradient. ``dtype``: float32, or float64. ``backend``: 'numpy', or compiled; ``threads``: as in runs. The
    network's objects have the trained values after ``fit``. Each sample begins with the values that states have when the trainer is made.
    """

    def __init__(
        self,
        net,
        *,
        loss: Loss,
        optimizer: Optimiser | None = None,
        method: str = "bptt",
        schedule: StepLR | None = None,
        clip: float | None = None,
        dtype="float32",
        backend: str | None = None,
        threads: int | None = None,
        smooth: bool = False,
    ):
        if method != "bptt":
            raise EqsnnError(f"method= is 'bptt'; got {method!r}")
        dtype = np.dtype(dtype)
        if dtype not in (np.float32, np.float64):
            raise EqsnnError(f"dtype= is float32 or float64; got {dtype}")
        backend = backend or settings.effective_backend()
        if smooth and backend != "numpy":
            raise EqsnnError("smooth=True needs backend='numpy': compiled learners keep spikes as bits")
        self.loss, self.optimizer = loss, optimizer or Adam()
        self.schedule, self.clip = schedule, clip
        objects = getattr(net, "objects", net)
        self.network = LearnedNetwork(objects, (loss.group, loss.variable), dtype == np.float32, smooth)
        if backend != "numpy":
            self.network.compile()
        self.engine = engine_of(
            self.network.learner,
            len(self.network.inputs),
            self.network.sizes,
            backend,
            settings.effective_threads() if threads is None else threads,
        )
        self.history = History()
        self.epoch = 0

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """What is trained, by 'object.variable': numbers as they are, times in steps, other quantities relative to their size at the start."""
        return self.network.parameters

    # -- one batch ------------------------------------------------------------------------------------------------------------

    def _samples(self, x) -> np.ndarray:
        x = np.asarray(x)
        n = len(self.network.inputs)
        if x.ndim != 3 or x.shape[2] != n:
            raise EqsnnError(
                f"samples have the shape (samples, steps, {n}), as many values a step as {self.network.inputs.name} has; got {x.shape}"
            )
        return x

    def _target(self, y, mask, x: np.ndarray) -> Target:
        n, steps = x.shape[:2]
        y = np.asarray(y)
        each = self.loss.over == "steps"
        size = self.network.sizes[self.network.learner.readout.layer]
        axes = ("samples", "steps") if each else ("samples",)
        wanted = (n, steps) if each else (n,)
        if not self.loss.integer_targets:
            axes, wanted = (*axes, "neurons"), (*wanted, size)
        if y.shape != wanted:
            raise EqsnnError(f"targets have the shape ({', '.join(axes)}) = {wanted}; got {y.shape}")
        weight = np.ones((n, steps), np.float32)
        if mask is not None:
            mask = np.asarray(mask)
            if mask.shape != (n, steps):
                raise EqsnnError(f"a mask has the shape (samples, steps) = {(n, steps)}; got {mask.shape}")
            weight *= mask
        weight[:, : self.loss.start] = 0
        if self.loss.integer_targets:
            if y.dtype.kind not in "iu" or y.max(initial=0) >= size:
                raise EqsnnError(
                    f"targets are the numbers of classes, from 0 to {size - 1} (-1: none); got {y.dtype} up to {y.max(initial=0)}"
                )
            if y.dtype.kind == "i" and y.min(initial=0) < 0:
                weight *= (y >= 0) if each else (y >= 0)[:, None]
                y = np.maximum(y, 0)
        width = self.engine.width
        y = into_blocks(y if each else y[:, None], width)
        return Target(y, into_blocks(weight.astype(self.engine.dtype), width))

    def _loss(self, x: np.ndarray, y, mask):
        readout = self.engine.forward(x, self.network.values())
        target = self._target(y, mask, x)
        value, slope = self.loss.value(readout, target)
        return readout, target, value, slope

    def loss_of(self, x, y, mask=None) -> float:
        """The loss of these samples."""
        return self._loss(self._samples(x), y, mask)[2]

    def gradients(self, x, y, mask=None) -> tuple[float, dict[str, np.ndarray]]:
        """The loss of these samples, and its derivatives with respect to ``parameters``."""
        x = self._samples(x)
        _, _, value, slope = self._loss(x, y, mask)
        return value, self.network.gradients(self.engine.backward(slope))

    def step(self, x, y, mask=None) -> float:
        """One step of the optimiser; the loss before it."""
        value, gradients = self.gradients(x, y, mask)
        self._descend(gradients)
        return value

    def _descend(self, gradients: dict[str, np.ndarray]) -> None:
        if self.clip is not None:
            gradients = clipped(gradients, self.clip)
        factor = 1.0 if self.schedule is None else self.schedule(self.epoch)
        self.optimizer.step(self.parameters, gradients, self.network.factors, self.optimizer.rate * factor)
        self.network.keep_in_bounds()

    # -- many -----------------------------------------------------------------------------------------------------------------

    def predict(self, x, mask=None, batch: int = 256) -> np.ndarray:
        """The variable that the loss reads, its time reduced: (samples, neurons), or (samples, steps, neurons) for ``over='steps'``."""
        x = self._samples(x)
        out = []
        for k in range(0, len(x), batch):
            part = x[k : k + batch]
            readout = self.engine.forward(part, self.network.values())
            weight = (
                np.ones(part.shape[:2], np.float32) if mask is None else np.asarray(mask[k : k + batch], np.float32)
            )
            weight[:, : self.loss.start] = 0
            reduced = self.loss.prediction(readout, into_blocks(weight, self.engine.width))
            out.append(out_of_blocks(reduced, len(part)).copy())
        whole = np.concatenate(out)
        return whole if self.loss.over == "steps" else whole[:, 0]

    def evaluate(self, x, y, mask=None, batch: int = 256) -> dict[str, float]:
        """Loss and, for classes, accuracy, in the mean over samples."""
        x = self._samples(x)
        found: dict[str, float] = {}
        for k in range(0, len(x), batch):
            part = slice(k, k + batch)
            readout, target, value, _ = self._loss(x[part], y[part], None if mask is None else mask[part])
            one = {"loss": value, **self._scores(readout, target)}
            found = {n: found.get(n, 0.0) + v * len(x[part]) / len(x) for n, v in one.items()}
        return found

    def _scores(self, readout, target) -> dict[str, float]:
        if not hasattr(self.loss, "accuracy"):
            return {}
        return {"accuracy": self.loss.accuracy(self.loss.prediction(readout, target.weight), target)}

    def fit(
        self, x, y, epochs: int = 1, batch: int = 64, validation=None, mask=None, shuffle: bool = True, report=None
    ) -> History:
        """``epochs`` times through all samples in batches of ``batch``. ``validation``: (x, y) or (x, y, mask), evaluated after each epoch.
        ``report``: called with the epoch and its row of the history. Returns the history of all epochs so far."""
        x, y = self._samples(x), np.asarray(y)
        if len(x) != len(y):
            raise EqsnnError(f"there are {len(x)} samples and {len(y)} targets")
        for _ in range(epochs):
            order = generator().permutation(len(x)) if shuffle else np.arange(len(x))
            row: dict[str, float] = {}
            for k in range(0, len(x), batch):
                chosen = order[k : k + batch]
                readout, target, value, slope = self._loss(x[chosen], y[chosen], None if mask is None else mask[chosen])
                one = {"loss": value, **self._scores(readout, target)}
                self._descend(self.network.gradients(self.engine.backward(slope)))
                row = {n: row.get(n, 0.0) + v * len(chosen) / len(x) for n, v in one.items()}
            row["rate"] = float(np.average(self.engine.rates(), weights=self.network.sizes))
            if validation is not None:
                row |= {f"validation_{n}": v for n, v in self.evaluate(*validation).items()}
            self.epoch += 1
            self.history.add(**row)
            if report is not None:
                report(self.epoch, row)
        self.network.write_back()
        return self.history
