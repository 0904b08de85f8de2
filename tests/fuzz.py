"""Fuzzing: whatever text is given, the outcome is a model or an error about the text, and a model can be taken all the way to its kernels.

``python tests/fuzz.py 100000`` draws so many cases (fuzz_texts.py), makes groups and synapses of them, and takes some of those on: the derivation
by the automatic choice and by the named methods, the kernels, their text, and a few steps on the numpy backend. Anything but a model, an
EquationError or a UnitError (and, in a run, a value that is not finite) is a crash: it is shrunk and printed, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import functools
import logging
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from fuzz_texts import cases
from hypothesis import HealthCheck, Phase, given, seed, settings
from wrong_inputs import LIF

import eqsnn as eq
from eqsnn.cli.check import describe
from eqsnn.errors import EquationError, IntegrationError, NotFiniteError, UnitError
from eqsnn.integrators.names import method_names
from eqsnn.language.parse import parse_expression, parse_generator

ABOUT_THE_TEXT = (EquationError, UnitError)
ABOUT_THE_RUN = (*ABOUT_THE_TEXT, NotFiniteError, IntegrationError)
LIMIT = 60
"""Seconds that one case may take in the script."""
SHRINKING = 40
"""Seconds for which a crash is made smaller."""


def made(case: dict, connected: bool = True) -> list:
    """The objects that a case describes, a NeuronGroup or Synapses first; without ``connected`` the rules of connect() are only parsed."""
    if "function" in case:
        return [eq.NeuronGroup(2, "x = 3 : 1", namespace={"f": eq.function(case["function"])})]
    if not {"synapse", "j", "connect"} & set(case):
        parts = {"model": LIF, **case}
        code = parts.pop("code", None)
        if "reset" in parts and "threshold" not in parts:
            parts["threshold"] = "v > 1*mV"
        group = eq.NeuronGroup(2, **parts, name="cells", namespace={})
        if code is not None:
            group.run_on_event("other", code)
        return [group]
    cells = _cells() if connected else _unconnected()
    text = case.get("synapse", "w : 1")
    synapses = eq.Synapses(
        *cells,
        text,
        on_pre=case.get("on_pre"),
        on_post=case.get("on_post"),
        method=case.get("method"),
        name="syn",
        namespace={},
    )
    if not connected:
        parse_generator(case.get("j") or "i", "j=")
        parse_expression(case.get("connect") or "True", "condition")
        return [synapses, *cells]
    synapses.connect(case.get("connect"), j=case.get("j"), skip_if_invalid="j" in case)
    return [synapses, *cells]


def _cells() -> list:
    return [eq.NeuronGroup(2, LIF + "\nI : amp", threshold="v > 1*mV", name=f"cells{k}", namespace={}) for k in (0, 1)]


_unconnected = functools.cache(_cells)


def attempt(case: dict) -> list | Exception:
    """The objects, or the error that the user sees."""
    try:
        return made(case, connected=False)
    except ABOUT_THE_TEXT as error:
        assert str(error) and (error.span is None or error.span.show())
        return error


def taken_on(case: dict, method: str | None) -> str:
    """The objects of a case that is right, as kernels by ``method``, and run for three steps: what came of it."""
    try:
        objects = made({**case, "method": method} if method else case)
        described = describe(objects[0], source=True)
        assert described and objects[0]._repr_html_()
        eq.Network(*objects).run(0.3 * eq.ms)
    except ABOUT_THE_RUN as error:
        assert str(error)
        return type(error).__name__
    return "run"


# -- the script


class _TooLong(BaseException):
    """A case takes more time than it may; no Exception, so that nothing on the way takes it for one."""


def _too_long(*_):
    raise _TooLong


class _Batch:
    """Some thousand cases in one process."""

    def __init__(self, every: int):
        self.count: collections.Counter = collections.Counter()
        self.crashes: dict[tuple, tuple[str, str]] = {}
        self.known: set[tuple] = set()
        self._first_seen: dict[tuple, float] = {}
        self._every = every

    def one(self, kind: str, case: dict) -> None:
        signal.alarm(LIMIT)
        try:
            self._count(kind, case)
        except _TooLong:
            self.count[kind, "too long"] += 1
            self.crashes[("too long", repr(case))] = (f"longer than {LIMIT} s", repr(case))
        except Exception as error:
            signal.alarm(0)
            where = traceback.extract_tb(error.__traceback__)[-1]
            place = (type(error).__name__, where.filename, where.lineno)
            if place not in self._first_seen:
                print(f"seen: {place} {error} from {case!r}", file=sys.__stderr__, flush=True)
            if place in self.known or time.time() > self._first_seen.setdefault(place, time.time()) + SHRINKING:
                self.count["again", *map(str, place)] += 1
                return
            text = "".join(traceback.format_exception(error)[-6:])
            if place not in self.crashes or len(repr(case)) <= len(self.crashes[place][1]):
                self.crashes[place] = (text, repr(case))
            raise
        finally:
            signal.alarm(0)

    def _count(self, kind: str, case: dict) -> None:
        self.count[kind, "strings"] += 1
        outcome = attempt(case)
        if isinstance(outcome, Exception):
            self.count[kind, type(outcome).__name__] += 1
            return
        self.count[kind, "model"] += 1
        if self._every and self.count[kind, "model"] % self._every == 0:
            names = [None, *method_names()]
            for method in {None, names[self.count[kind, "model"] // self._every % len(names)]}:
                self.count[kind, "kernels", taken_on(case, method)] += 1


def _batch(first: int, wanted: int, every: int):
    """``every``: of how many models one is taken on (0: none)."""
    signal.signal(signal.SIGALRM, _too_long)
    logging.disable()
    warnings.simplefilter("ignore")
    eq.settings.backend = "numpy"
    batch = _Batch(every)
    manner = settings(
        max_examples=wanted,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    for again in range(20):

        @seed(first + 1_000_000 * again)
        @manner
        @given(cases())
        def throw(drawn):
            batch.one(*drawn)

        with contextlib.redirect_stdout(None), contextlib.redirect_stderr(None):
            try:
                throw()
                break
            except Exception:
                assert batch.crashes.keys() - batch.known
        batch.known |= batch.crashes.keys()  # the rest of the batch goes on without them
    return batch.count, batch.crashes


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("count", type=int, nargs="?", default=100_000)
    parser.add_argument("--every", type=int, default=20, help="of how many models one is taken on to kernels and run")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    first = int.from_bytes(os.urandom(3)) if options.seed is None else options.seed
    started, size = time.time(), 1000
    total: collections.Counter = collections.Counter()
    crashes: dict[tuple, tuple[str, str]] = {}
    print(f"seed {first}, {options.jobs} processes", flush=True)
    with tempfile.TemporaryDirectory() as cache:
        os.environ["EQSNN_CACHE_DIR"] = cache
        for k, (count, found) in enumerate(_batches(options, first, size)):
            total += count
            for place, (error, case) in found.items():
                if place not in crashes:
                    print(f"\nCRASH\n{error}from {case}", flush=True)
                crashes.setdefault(place, (error, case))
            if (k + 1) % 10 == 0:
                print(f"{(k + 1) * size} after {time.time() - started:.0f} s", flush=True)
    _report(total, time.time() - started)
    print(f"{len(crashes)} crashes" if crashes else "no crash")
    return int(bool(crashes))


def _batches(options: argparse.Namespace, first: int, size: int):
    """The outcomes of all batches, by processes that are replaced now and then, since they grow. A process that dies ends it all."""
    starts = list(enumerate(range(0, options.count, size)))
    a_round = 20 * options.jobs
    for begin in range(0, len(starts), a_round):
        with ProcessPoolExecutor(options.jobs) as pool:
            work = [
                pool.submit(_batch, first + k, min(size, options.count - at), options.every)
                for k, at in starts[begin : begin + a_round]
            ]
            for batch in work:
                yield batch.result()


def _report(total: collections.Counter, seconds: float) -> None:
    print(f"{sum(n for key, n in total.items() if key[1] == 'strings')} cases in {seconds:.0f} s")
    for kind in sorted({key[0] for key in total}):
        words = [f"{n} {' '.join(key[1:])}" for key, n in sorted(total.items()) if key[0] == kind]
        print(f"  {kind:10} {', '.join(words)}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    sys.exit(_main())
