"""What a network is trained on: arrays, tensors of other libraries, lists of sequences of different lengths, or anything that gives batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.learning.initial import generator


class Part(NamedTuple):
    """Some samples (sample, step, input), their targets, their mask (sample, step) if there is one, and what share of all they complete."""

    x: np.ndarray
    y: np.ndarray
    mask: np.ndarray | None
    share: float | None = None


def as_array(values, what: str = "samples") -> np.ndarray:
    """``values`` as a numpy array, without a copy where DLPack or the buffer protocol allows it. Raises EqsnnError for what lies on a GPU."""
    if isinstance(values, np.ndarray) or not hasattr(values, "__dlpack__"):
        return np.asarray(values)
    if getattr(values, "requires_grad", False):
        values = values.detach()
    if hasattr(values, "__dlpack_device__") and values.__dlpack_device__()[0] not in (1, 3, 11, 13):  # CPU, or pinned
        raise EqsnnError(
            f"{what} lie on {getattr(values, 'device', 'another device')}; give a tensor on the CPU (.cpu())"
        )
    try:
        return np.from_dlpack(values)
    except (BufferError, TypeError, RuntimeError):
        return np.asarray(values)  # types that DLPack does not carry, such as booleans of older versions


def _ragged(values) -> bool:
    """Whether it is a list of sequences whose lengths differ."""
    if isinstance(values, np.ndarray) and values.dtype != object:
        return False
    if not isinstance(values, (list, tuple, np.ndarray)) or not len(values):
        return False
    return len({len(v) if hasattr(v, "__len__") else -1 for v in values}) > 1 or (
        isinstance(values, np.ndarray) and values.dtype == object
    )


class Samples:
    """Samples ``x`` and targets ``y`` that are all there: arrays (sample, ...), or lists of sequences (step, ...) that are filled up with zeros,
    batch by batch, and masked. Raises EqsnnError where numbers do not agree."""

    def __init__(self, x, y=None, mask=None):
        self.ragged = _ragged(x)
        self.x = [as_array(s) for s in x] if self.ragged else as_array(x)
        if self.ragged and any(s.ndim != 2 or s.shape[1] != self.x[0].shape[-1] for s in self.x):
            shapes = ", ".join(str(s.shape) for s in self.x[:3])
            raise EqsnnError(f"sequences of different lengths have the shape (steps, inputs); got {shapes} ...")
        self.y = None if y is None else self._targets(y)
        self.mask = None if mask is None else self._masks(mask)
        for what, values in (("targets", self.y), ("masks", self.mask)):
            if values is not None and len(values) != len(self.x):
                raise EqsnnError(f"there are {len(self.x)} samples and {len(values)} {what}")

    def __len__(self) -> int:
        return len(self.x)

    def _targets(self, y):
        if not (self.ragged and _ragged(y)):
            return as_array(y, "targets")
        y = [as_array(t, "targets") for t in y]
        for k, (s, t) in enumerate(zip(self.x, y)):
            if len(s) != len(t):
                raise EqsnnError(f"sample {k} has {len(s)} steps, and its targets {len(t)}")
        return y

    def _masks(self, mask):
        if not self.ragged:
            return as_array(mask, "masks")
        for k, (s, m) in enumerate(zip(self.x, mask)):
            if len(s) != len(m):
                raise EqsnnError(f"sample {k} has {len(s)} steps, and its mask {len(m)}")
        return [as_array(m, "masks") for m in mask]

    def part(self, chosen: Sequence[int] | np.ndarray | slice, share: float | None = None) -> Part:
        """These samples, filled up to the longest of them."""
        if isinstance(chosen, slice):
            chosen = range(*chosen.indices(len(self))) if self.ragged else chosen
        y = None
        if self.y is not None:
            y = (
                _filled([self.y[k] for k in chosen])
                if isinstance(self.y, list)
                else self.y[np.r_[chosen] if self.ragged else chosen]
            )
        if not self.ragged:
            return Part(self.x[chosen], y, None if self.mask is None else self.mask[chosen], share)
        sequences = [self.x[k] for k in chosen]
        masks = [np.ones(len(s), np.float32) if self.mask is None else self.mask[k] for k, s in zip(chosen, sequences)]
        return Part(_filled(sequences), y, _filled(masks), share)

    def whole(self) -> Part:
        """All of them."""
        return self.part(slice(None), 1.0)

    def parts(self, batch: int, shuffle: bool = False) -> Iterator[Part]:
        """``batch`` samples at a time, in an order of their own if ``shuffle``."""
        order = generator().permutation(len(self)) if shuffle else None
        for k in range(0, len(self), batch):
            stop = min(k + batch, len(self))
            yield self.part(slice(k, stop) if order is None else order[k:stop], stop / len(self))


def _filled(sequences: list[np.ndarray]) -> np.ndarray:
    """Sequences one above the other, with zeros behind the shorter ones."""
    longest = max(map(len, sequences), default=0)
    out = np.zeros((len(sequences), longest, *sequences[0].shape[1:]), np.result_type(*sequences))
    for row, s in zip(out, sequences):
        row[: len(s)] = s
    return out


class Batches:
    """Batches (x, y) or (x, y, mask) from an iterable, or from a function that makes one for each epoch."""

    def __init__(self, source: Iterable | Callable[[], Iterable]):
        if not callable(source) and not hasattr(source, "__iter__"):
            raise EqsnnError(
                f"without y=, x is an iterable of batches (x, y) or (x, y, mask); got {type(source).__name__}"
            )
        self.source, self.used = source, 0

    def parts(self, batch: int = 0, shuffle: bool = False) -> Iterator[Part]:
        """The batches of one epoch."""
        source = self.source() if callable(self.source) else self.source
        total = len(source) if hasattr(source, "__len__") else None
        count = 0
        for count, given in enumerate(source, 1):
            if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
                raise EqsnnError(f"a batch is (x, y) or (x, y, mask); got {_described(given)}")
            x, y, mask = Samples(*given).whole()[:3]
            yield Part(x, y, mask, count / total if total else None)
        if not count:
            hint = (
                "an iterator is used up by its first epoch; give a list, a DataLoader, or a function that makes a new iterator"
                if self.used
                else "it is empty"
            )
            raise EqsnnError(f"no batch came from {_described(source)}: {hint}")
        self.used += 1


def _described(value) -> str:
    if isinstance(value, (tuple, list)):
        return f"{type(value).__name__} of {len(value)}"
    return f"{type(value).__name__}{f' of shape {tuple(value.shape)}' if hasattr(value, 'shape') else ''}"


def samples_of(x, y=None, mask=None) -> Samples | Batches:
    """What ``fit(x, y, mask)`` and ``evaluate(x, y, mask)`` stand for. Raises EqsnnError where numbers do not agree."""
    if y is not None:
        return Samples(x, y, mask)
    if hasattr(x, "shape"):
        raise EqsnnError(
            "samples need targets: fit(x, y); without y, x is an iterable of batches (x, y) or (x, y, mask)"
        )
    if mask is not None:
        raise EqsnnError("mask= goes with arrays; an iterable of batches gives (x, y, mask)")
    return Batches(x)
