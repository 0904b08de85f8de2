"""How far a training is: lines, a bar, or a function of the user's."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping

from eqsnn.errors import EqsnnError
from eqsnn.runtime.progress import clock_text

_SHOWN = ("loss", "accuracy", "rate", "validation_loss", "validation_accuracy")


def told(row: Mapping[str, float]) -> str:
    """Loss, accuracy and rate as text: 'loss 0.345, accuracy 0.912, rate 0.043, validation loss 0.4, validation accuracy 0.9'."""
    return ", ".join(f"{n.replace('_', ' ')} {row[n]:.3g}" for n in _SHOWN if n in row)


class Report:
    """The contract, and what says nothing. ``batch`` is called after each batch, with what share of the epoch is done (None: not known) and the row
    of the history so far; ``epoch`` after each epoch; ``end`` when the training is over."""

    def batch(self, epoch: int, share: float | None, row: Mapping[str, float]) -> None:
        """After a batch of ``epoch``, counted from 1."""

    def epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        """After an epoch."""

    def end(self) -> None:
        """After the last."""


class Lines(Report):
    """A line for each epoch."""

    def __init__(self, stream, last: int):
        self.stream, self.last, self.began = stream, last, time.monotonic()

    def epoch(self, epoch, row):
        spent = clock_text(time.monotonic() - self.began)
        print(
            f"epoch {epoch:{len(str(self.last))}} of {self.last}: {told(row)} [{spent}]", file=self.stream, flush=True
        )


class Call(Report):
    """A function of the epoch and its row."""

    def __init__(self, function: Callable[[int, Mapping[str, float]], object]):
        self.function = function

    def epoch(self, epoch, row):
        self.function(epoch, row)


class Bar(Report):
    """A bar over all epochs, with loss, accuracy and rate of the epoch so far; tqdm's where it is installed."""

    def __init__(self, first: int, last: int):
        self.first, self.last, self.began, self.drawn = first, last, time.monotonic(), 0.0
        try:
            from tqdm import tqdm
        except ImportError:
            self.bar = None
        else:
            layout = "{l_bar}{bar}| {n:.3g}/{total:.3g} epochs [{elapsed}<{remaining}{postfix}]"
            self.bar = tqdm(total=last - first, bar_format=layout)

    def batch(self, epoch, share, row):
        self._show(epoch - 1 - self.first + (share or 0.0), row, time.monotonic() - self.drawn > 0.1)

    def epoch(self, epoch, row):
        self._show(epoch - self.first, row, True)

    def _show(self, done: float, row, now: bool) -> None:
        if not now:
            return
        self.drawn = time.monotonic()
        if self.bar is not None:
            self.bar.set_postfix_str(told(row), refresh=False)
            self.bar.update(done - self.bar.n)
            return
        whole = max(self.last - self.first, 1)
        filled = int(30 * done / whole)
        spent = clock_text(self.drawn - self.began)
        text = f"\r{done / whole:4.0%} |{'#' * filled}{'.' * (30 - filled)}| {done:.3g}/{whole} epochs [{spent}, {told(row)}]"
        print(text, end="", file=sys.stderr, flush=True)

    def end(self):
        if self.bar is not None:
            self.bar.close()
        else:
            print(file=sys.stderr, flush=True)


def report_of(report, first: int, last: int) -> Report:
    """What ``fit(report=...)`` stands for, where epochs go from ``first`` (those done before) to ``last``."""
    if report is None or report is False:
        return Report()
    if report in ("text", "stdout", True):
        return Lines(sys.stdout, last)
    if report == "stderr":
        return Lines(sys.stderr, last)
    if report in ("bar", "tqdm"):
        return Bar(first, last)
    if hasattr(report, "write"):
        return Lines(report, last)
    if isinstance(report, Report):
        return report
    if callable(report):
        return Call(report)
    raise EqsnnError(
        f"report= is 'text', 'stderr', 'bar', an open text file, a function of (epoch, row) or None; got {report!r}"
    )
