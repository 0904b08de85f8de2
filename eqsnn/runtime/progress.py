"""How far a run is: text, a bar, or a function of the user's."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from eqsnn.errors import EqsnnError
from eqsnn.units import second

Reporter = Callable[[float, float], None]
"""``report(elapsed wall seconds, fraction done)``"""


def reporter(report, start: float, duration: float) -> Reporter | None:
    """What ``run(report=...)`` stands for: None, 'text' (or 'stdout', 'stderr'), 'bar', or a function
    ``f(elapsed, completed, t_start, duration)`` as in Brian 2."""
    if report is None or report is False:
        return None
    if report in ("text", "stdout", True):
        return _text(sys.stdout, duration)
    if report == "stderr":
        return _text(sys.stderr, duration)
    if report in ("bar", "tqdm"):
        return _bar(duration)
    if callable(report):
        return lambda elapsed, done: report(elapsed * second, done, start * second, duration * second)
    raise EqsnnError(f"report= is 'text', 'stderr', 'bar', a function or None; got {report!r}")


def _clock(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.3g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _text(stream, duration: float) -> Reporter:
    def report(elapsed: float, done: float) -> None:
        if done == 0:
            line = f"Starting simulation for a duration of {duration:g} s"
        elif done >= 1:
            line = f"{duration:g} s (100%) simulated in {_clock(elapsed)}"
        else:
            left = elapsed * (1 - done) / done
            line = f"{done * duration:g} s ({done:.0%}) simulated in {_clock(elapsed)}, estimated {_clock(left)} remaining."
        print(line, file=stream, flush=True)

    return report


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
        text = f"\r{done:4.0%} |{'#' * filled}{'.' * (40 - filled)}| {done * duration:.3g}/{duration:.3g} s [{_clock(time.monotonic() - began)}]"
        print(text, end=end, file=sys.stderr, flush=True)

    return report
