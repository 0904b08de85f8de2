"""How far a run is: text, a bar, or a function of the user's."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from eqsnn.errors import WrongTypeError, WrongValueError
from eqsnn.units import second

Reporter = Callable[[float, float], None]
"""``report(elapsed wall seconds, fraction done)``"""


def reporter(report, start: float, duration: float) -> Reporter | None:
    """What ``run(report=...)`` stands for: None, 'text' (or 'stdout', 'stderr'), 'bar', an open text file, or a function
    ``f(elapsed, completed, t_start, duration)`` as in Brian 2."""
    if report is None or report is False:
        return None
    if report in ("text", "stdout", True):
        report = TextReport(sys.stdout)
    if report == "stderr":
        report = TextReport(sys.stderr)
    if report in ("bar", "tqdm"):
        return _bar(duration)
    if hasattr(report, "write"):
        report = TextReport(report)
    if callable(report):
        return lambda elapsed, done: report(elapsed * second, done, start * second, duration * second)
    kind = WrongValueError if isinstance(report, str) else WrongTypeError
    raise kind(f"report= is 'text', 'stderr', 'bar', an open text file, a function or None; got {report!r}")


def clock_text(seconds: float) -> str:
    """Seconds as people say them: '3.2 s', '2 min 5 s'."""
    if seconds < 60:
        return f"{seconds:.3g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


class TextReport:
    """Writes lines about the progress of a run to a stream: ``run(..., report=TextReport(file))``."""

    def __init__(self, stream):
        self.stream = stream

    def __call__(self, elapsed, completed: float, start, duration) -> None:
        """``elapsed``, ``start`` and ``duration`` are times, ``completed`` is a fraction."""
        took, whole = float(elapsed / second), float(duration / second)
        if completed == 0:
            line = f"Starting simulation at t = {start!s} for a duration of {whole:g} s"
        elif completed >= 1:
            line = f"{whole:g} s (100%) simulated in {clock_text(took)}"
        else:
            left = took * (1 - completed) / completed
            line = f"{completed * whole:g} s ({completed:.0%}) simulated in {clock_text(took)}, estimated {clock_text(left)} remaining."
        print(line, file=self.stream, flush=True)


def _bar(duration: float) -> Reporter:
    try:
        from tqdm import tqdm
    except ImportError:
        return _plain_bar(duration)
    bar = tqdm(
        total=round(duration, 9),
        unit="s",
        unit_scale=False,
        bar_format="{l_bar}{bar}| {n:.3g}/{total:.3g} s [{elapsed}<{remaining}]",
    )

    def report(elapsed: float, done: float) -> None:
        bar.update(done * duration - bar.n)
        if done >= 1:
            bar.close()

    return report


def _plain_bar(duration: float) -> Reporter:
    began = time.monotonic()

    def report(elapsed: float, done: float) -> None:
        filled = int(40 * done)
        end = "\n" if done >= 1 else ""
        text = f"\r{done:4.0%} |{'#' * filled}{'.' * (40 - filled)}| {done * duration:.3g}/{duration:.3g} s [{clock_text(time.monotonic() - began)}]"
        print(text, end=end, file=sys.stderr, flush=True)

    return report
