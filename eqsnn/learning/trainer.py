"""Training a network with surrogate gradients, by a method of ``methods`` or ``fptt``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eqsnn.backends.backend import backend as known_backend
from eqsnn.errors import EqsnnError
from eqsnn.learning import fitting, penalties, training_file
from eqsnn.learning.engine import Values, engine_of, into_blocks, out_of_blocks
from eqsnn.learning.eprop import OTTT, EProp
from eqsnn.learning.fptt import FPTT
from eqsnn.learning.history import Best, EarlyStopping, History
from eqsnn.learning.losses import Loss, Target
from eqsnn.learning.methods import BPTT, Method, TruncatedBPTT, Windowed
from eqsnn.learning.network import LearnedNetwork
from eqsnn.learning.optimisers import Adam, Optimiser, StepLR, clipped
from eqsnn.learning.samples import Samples, as_array, samples_of
from eqsnn.learning.starts import Start, Starts
from eqsnn.runtime.settings import settings


@dataclass(frozen=True)
class Batch:
    """Samples, targets and what is masked, as the user gives them."""

    trainer: Trainer
    x: np.ndarray
    y: np.ndarray
    mask: np.ndarray | None

    @property
    def steps(self) -> int:
        """How many steps the samples have."""
        return self.x.shape[1]

    def target(self, lo: int = 0, hi: int | None = None) -> Target:
        """The target of the steps ``lo`` to ``hi``, as the engine lays it."""
        return self.trainer._target(self, lo, self.steps if hi is None else hi)


METHODS = {"bptt": BPTT, "tbptt": TruncatedBPTT, "fptt": FPTT, "eprop": EProp, "ottt": OTTT}


def method_of(method: str | Method, window: int | None) -> Method:
    """What ``method=`` and ``window=`` stand for."""
    made = METHODS[method]() if isinstance(method, str) and method in METHODS else method
    if not isinstance(made, Method):
        raise EqsnnError(
            f"method= is 'bptt', 'tbptt', 'fptt', 'eprop', 'ottt' or such a method, FPTT(...), EProp(...); got {method!r}"
        )
    if window is not None:
        if not isinstance(made, Windowed):
            raise EqsnnError("window= cuts samples, which method='bptt' does not; use method='tbptt' or 'fptt'")
        made.window = window
    elif isinstance(made, TruncatedBPTT):
        raise EqsnnError("method='tbptt' needs window=, the number of steps through which errors go back")
    return made


class Trainer:
    """Trains what is (trainable) in ``net``.

    ``method``: 'bptt'; 'tbptt', errors propagated back through ``window`` steps at most; 'fptt' or ``FPTT(alpha, beta)``, a step of the optimiser
    after every ``window`` steps (default: each); 'eprop' or ``EProp(feedback)`` and 'ottt', whose traces go forwards with the steps.
    ``loss``: see ``losses``; ``optimizer``: see ``optimisers``; ``schedule``: the factor of the learning rate as a function of the epoch;
    ``clip``: the largest norm of a gradient. ``dtype``: float32, or float64. ``backend``: 'numpy', or compiled; ``threads``: as in runs. The
    network's objects have the trained values after ``fit``. Each sample begins with the values that states have when the trainer is made,
    or with what a function in ``start`` gives: ``start={'hidden.u': lambda samples, neurons, rng: rng.random((samples, neurons))}``.
    ``checkpoints``: with 'bptt', keep of T steps what sqrt(T) need, and do the others again on the way back; no bit of a gradient differs.
    """

    def __init__(
        self,
        net,
        *,
        loss: Loss,
        optimizer: Optimiser | None = None,
        method: str | Method = "bptt",
        window: int | None = None,
        schedule: StepLR | None = None,
        clip: float | None = None,
        dtype="float32",
        backend: str | None = None,
        threads: int | None = None,
        smooth: bool = False,
        start: Mapping[str | tuple[str, ...], Start] | None = None,
        checkpoints: bool = False,
    ):
        self.method = method_of(method, window)
        dtype = np.dtype(dtype)
        if dtype not in (np.float32, np.float64):
            raise EqsnnError(f"dtype= is float32 or float64; got {dtype}")
        backend = backend or settings.effective_backend()
        known_backend(backend)
        if checkpoints and not isinstance(self.method, BPTT):
            raise EqsnnError(
                "checkpoints=True is about the memory of method='bptt'; other methods need none that grows with the steps"
            )
        if smooth and backend != "numpy":
            raise EqsnnError("smooth=True needs backend='numpy': compiled learners keep spikes as bits")
        self.loss, self.optimizer = loss, optimizer or Adam()
        self.schedule, self.clip = schedule, clip
        objects = getattr(net, "objects", net)
        self.network = LearnedNetwork(objects, (loss.group, loss.variable), dtype == np.float32, smooth)
        penalties.check(self)
        if backend != "numpy":
            self.network.compile()
            loss.compile()
        self.engine = engine_of(
            self.method.learner(self.network),
            len(self.network.inputs),
            self.network.sizes,
            self.network.surroundings,
            backend,
            settings.effective_threads() if threads is None else threads,
            checkpoints,
        )
        self._starts = Starts(start, self.network)
        self.history = History()
        self.epoch = 0
        self.best: Best | None = None

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """What is trained, by 'object.variable': numbers as they are, times in steps, other quantities relative to their size at the start."""
        return self.network.parameters

    def values(self, samples: int) -> Values:
        """What the engine computes a batch of so many samples with."""
        return self._starts.of(self.network.values(), samples)

    # -- one batch ------------------------------------------------------------------------------------------------------------

    def _samples(self, x) -> np.ndarray:
        x = as_array(x)
        n = len(self.network.inputs)
        if x.ndim != 3 or x.shape[2] != n:
            raise EqsnnError(
                f"samples have the shape (samples, steps, {n}), as many values a step as {self.network.inputs.name} has; got {x.shape}"
            )
        return x

    def _batch(self, x, y, mask=None) -> Batch:
        """The samples as a batch. Raises EqsnnError where shapes do not agree."""
        part = Samples(x, y, mask).whole()
        x, y, mask = self._samples(part.x), part.y, part.mask
        n, steps = x.shape[:2]
        each = self.loss.over == "steps"
        size = self.network.sizes[self.network.learner.readout.layer]
        axes = ("samples", "steps") if each else ("samples",)
        wanted = (n, steps) if each else (n,)
        if not self.loss.integer_targets:
            axes, wanted = (*axes, "neurons"), (*wanted, size)
        if y.shape != wanted:
            raise EqsnnError(f"targets have the shape ({', '.join(axes)}) = {wanted}; got {y.shape}")
        if mask is not None and mask.shape != (n, steps):
            raise EqsnnError(f"a mask has the shape (samples, steps) = {(n, steps)}; got {mask.shape}")
        return Batch(self, x, y, mask)

    def _weight(self, n: int, mask: np.ndarray | None, lo: int, hi: int) -> np.ndarray:
        """How much each of the steps counts."""
        weight = np.ones((n, hi - lo), np.float32)
        if mask is not None:
            weight *= mask[:, lo:hi]
        weight[:, : max(self.loss.start - lo, 0)] = 0
        return weight

    def _target(self, batch: Batch, lo: int, hi: int) -> Target:
        each = self.loss.over == "steps"
        size = self.network.sizes[self.network.learner.readout.layer]
        y = batch.y[:, lo:hi] if each else batch.y
        weight = self._weight(len(y), batch.mask, lo, hi)
        if self.loss.integer_targets:
            if y.dtype.kind not in "iu" or y.max(initial=0) >= size:
                raise EqsnnError(
                    f"targets are the numbers of classes, from 0 to {size - 1} (-1: none); got {y.dtype} up to {y.max(initial=0)}"
                )
            if y.dtype.kind == "i" and y.min(initial=0) < 0:
                weight *= (y >= 0) if each else (y >= 0)[:, None]
                y = np.maximum(y, 0)
        width = self.engine.width_for(len(batch.x))
        y = into_blocks(y if each else y[:, None], width)
        compiled = self.engine if hasattr(self.engine, "softmax") else None
        return Target(y, into_blocks(weight.astype(self.engine.dtype), width), compiled)

    def scores(self, readout: np.ndarray, target: Target) -> dict[str, float]:
        """How good the readout is, beside its loss."""
        if not hasattr(self.loss, "accuracy"):
            return {}
        return {"accuracy": self.loss.accuracy(self.loss.prediction(readout, target.weight), target)}

    def _judge(self, batch: Batch) -> dict[str, float]:
        readout = self.method.readout(self, batch.x)
        target = batch.target()
        added = penalties.penalised(self, batch, 0, batch.steps)[0] if isinstance(self.method, BPTT) else 0.0
        return {"loss": self.loss.value(readout, target)[0] + added, **self.scores(readout, target)}

    def loss_of(self, x, y, mask=None) -> float:
        """The loss of these samples."""
        return self._judge(self._batch(x, y, mask))["loss"]

    def gradients(self, x, y, mask=None) -> tuple[float, dict[str, np.ndarray]]:
        """The loss of these samples, and its derivatives with respect to ``parameters``."""
        found, gradients = self.method.gradients(self, self._batch(x, y, mask))
        return found.loss, gradients

    def input_gradients(self, x, y, mask=None) -> tuple[float, np.ndarray]:
        """The loss of these samples, and its derivatives with respect to what is presented, (samples, steps, inputs): to the value that weighs
        an input (``w*x_pre``), or to how much an event counts where events count as 1. Through all steps, whatever the method."""
        batch = self._batch(x, y, mask)
        readout, target = self.engine.forward(batch.x, self.values(len(batch.x))), batch.target()
        loss, slope = self.loss.value(readout, target)
        return loss, self.engine.backward(slope, inputs=True).inputs

    def step(self, x, y, mask=None) -> float:
        """What the method makes of one batch: one step of the optimiser, or one a window; the loss before it."""
        return self.method.train(self, self._batch(x, y, mask)).loss

    def descend(self, gradients: dict[str, np.ndarray]) -> None:
        """One step of the optimiser. Raises EqsnnError where a gradient is not finite."""
        wrong = next((n for n, g in gradients.items() if not np.isfinite(g).all()), None)
        if wrong is not None:
            raise EqsnnError(
                f"the gradient of {wrong} is not finite in epoch {self.epoch + 1}: errors grow from step to step on their way back. A smaller "
                "learning rate, a lower surrogate (Surrogate(name, height=0.3)) or shorter windows (method='tbptt', window=...) help"
            )
        if self.clip is not None:
            gradients = clipped(gradients, self.clip)
        factor = 1.0 if self.schedule is None else self.schedule(self.epoch)
        self.optimizer.step(self.parameters, gradients, self.network.factors, self.optimizer.rate * factor)
        self.network.keep_in_bounds()

    # -- many -----------------------------------------------------------------------------------------------------------------

    def predict(self, x, mask=None, batch: int = 256) -> np.ndarray:
        """The variable that the loss reads, its time reduced: (samples, neurons), or (samples, steps, neurons) for ``over='steps'``."""
        data = Samples(x, None, mask)
        out = []
        for part in data.parts(batch):
            readout = self.method.readout(self, self._samples(part.x))
            weight = self._weight(len(part.x), part.mask, 0, part.x.shape[1])
            reduced = self.loss.prediction(readout, into_blocks(weight, self.engine.width))
            out.append(out_of_blocks(reduced, len(part.x)).copy())
        steps = max(o.shape[1] for o in out)
        whole = np.concatenate([np.pad(o, ((0, 0), (0, steps - o.shape[1]), (0, 0))) for o in out])
        return whole if self.loss.over == "steps" else whole[:, 0]

    def evaluate(self, x, y=None, mask=None, batch: int = 256) -> dict[str, float]:
        """Loss and, for classes, accuracy, in the mean over targets. ``x``, ``y``: as in ``fit``."""
        return fitting.evaluate(self, samples_of(x, y, mask), batch)

    def fit(
        self,
        x,
        y=None,
        epochs: int = 1,
        batch: int = 64,
        validation=None,
        mask=None,
        shuffle: bool = True,
        report=None,
        stop: EarlyStopping | None = None,
        checkpoint: str | Path | None = None,
    ) -> History:
        """``epochs`` times through all samples. Returns the history of all epochs so far.

        ``x`` (samples, steps, inputs) and ``y`` are arrays, tensors, or lists of sequences of different lengths, of which ``batch`` are taken at a
        time. Without ``y``, ``x`` is an iterable of batches (x, y) or (x, y, mask), or a function that makes one for each epoch. ``validation``:
        (x, y), (x, y, mask) or an iterable of batches, evaluated after each epoch. ``report``: 'text', 'bar', a file, or a function of the epoch
        and its row of the history. ``stop``: see ``EarlyStopping``. ``checkpoint``: a file for ``load``, written after each epoch.
        """
        data, validation = samples_of(x, y, mask), fitting.validation_of(validation)
        if isinstance(data, Samples):
            self._samples(data.part(slice(0, 1)).x if data.ragged else data.x)
        fitting.fit(self, data, epochs, batch, validation, shuffle, report, stop, checkpoint)
        return self.history

    # -- files ----------------------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write all that decides how this training goes on to a file."""
        training_file.save(self, path)

    def load(self, path: str | Path) -> None:
        """Go on where the trainer that wrote the file was, bit by bit. The script makes network and trainer as it did then. Raises EqsnnError, and
        changes nothing, where the file is of another network, optimiser or method."""
        training_file.load(self, path)
