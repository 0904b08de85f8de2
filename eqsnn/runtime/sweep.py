"""``eq.sweep``: one function at many points of its parameters, side by side in worker processes.

The points share every compiled kernel: values are arguments of kernels, never text, and what one process has compiled the others find in the
cache. The first point runs before the others start, so that they find it there. A point is a world of its own: it begins with a seed that
follows from that of the sweep and the number of the point, the time step and the settings of the caller, and leaves nothing behind for the
next, so that no result depends on how many workers there are or on which of them a point runs.
"""

from __future__ import annotations

import gc
import itertools
import random
import sys
import time
import traceback
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

import numpy as np

from eqsnn.errors import EqsnnError, SweepError
from eqsnn.kernel.random import key_of
from eqsnn.network.base import host_site, registry
from eqsnn.network.base import seed as start_streams
from eqsnn.network.clock import defaultclock
from eqsnn.network.notices import leave_to_the_caller, tell_once, told
from eqsnn.network.variables import VariableView
from eqsnn.runtime.magic import magic_network
from eqsnn.runtime.progress import clock_text
from eqsnn.runtime.settings import settings
from eqsnn.runtime.simulation import Network
from eqsnn.runtime.sweep_names import named_in_texts, put_back
from eqsnn.runtime.sweep_table import SweepTable, portable

_ERRORS = ("raise", "keep")


@dataclass(frozen=True)
class _World:
    """What a point finds: the seed of its random streams, the settings and the time step of the caller (seconds)."""

    seed: int
    settings: Mapping[str, object]
    dt: float
    names: Mapping[str, object]  # constants that the function's equations name, in another process than the caller's
    elsewhere: bool


@dataclass(frozen=True)
class _Outcome:
    """What came of a point: its ``result``, or what went wrong, as text; ``notices`` for the user."""

    result: object = None
    error: str = ""
    trace: str = ""
    notices: tuple[str, ...] = ()
    exception: BaseException | None = None  # where it did not have to cross from another process


def sweep(
    function: Callable,
    points: Mapping[str, object] | Iterable[Mapping[str, object]],
    *,
    repeat: int = 1,
    jobs: int | None = None,
    seed: int | None = None,
    report: str | Callable[[int, int], None] | None = None,
    errors: str = "raise",
) -> SweepTable:
    """Call ``function(**point)`` for many points and gather what it returns in a table.

    ``points``: a mapping of names to values stands for all combinations of them, the last name changing fastest (a single value is one
    value); else a sequence of mappings, one a point. ``function`` builds a network, runs it, and returns a number, a quantity, an array or
    anything else that can be pickled (the column ``value``), or a dict of such (a column each). ``repeat``: run every point so many times,
    each with other random numbers; the column ``repeat`` counts them.

    ``jobs``: the number of worker processes (default: as many as there are processors); 1 runs the points here, one after the other. More
    than one needs joblib. ``seed``: of the random numbers; default: it follows from the last ``eq.seed()``. ``report``: 'text', 'bar' or a
    function ``f(done, total)``. ``errors``: 'raise' ends the sweep at the first point that fails with a SweepError that names it; 'keep'
    goes on, and the table has a column ``error``.
    """
    axes, found = _points(points)
    repeat = _whole(repeat, "repeat")
    jobs = _jobs(jobs)
    if errors not in _ERRORS:
        raise EqsnnError(f"sweep(): errors= is 'raise' or 'keep'; got {errors!r}")
    if not callable(function):
        raise EqsnnError(f"sweep() takes a function that is called with the parameters of a point; got {function!r}")
    if repeat > 1 and any("repeat" in p for p in found):
        raise EqsnnError("sweep(): 'repeat' is a parameter of the points; give it another name, or leave out repeat=")
    tasks = list(itertools.product(range(len(found)), range(repeat)))
    base = host_site()[:1] + host_site()[2:] if seed is None else (_seed(seed),)
    shared = {name: getattr(settings, name) for name in vars(settings)}
    if jobs > 1:
        shared["threads"] = 1  # the processors are busy with other points; results do not depend on it
    names = named_in_texts(function) if jobs > 1 else {}
    seeds = (key_of(*base, "sweep", k) & (1 << 63) - 1 for k in range(len(tasks)))
    worlds = [_World(one, shared, defaultclock.dt_, names, jobs > 1) for one in seeds]
    calls = [(function, found[k], world) for (k, _), world in zip(tasks, worlds)]
    tell = _reporter(report, len(tasks))
    results: list[object] = []
    failures: list[str] = []
    with closing(_outcomes(calls, jobs)) as outcomes:
        for (k, r), outcome in zip(tasks, outcomes):
            for message in outcome.notices:
                tell_once(message)
            if outcome.error and errors == "raise":
                raise _failure(outcome, found[k], len(results), len(tasks), r if repeat > 1 else None)
            results.append(outcome.result)
            failures.append(outcome.error)
            tell(len(results))
    columns = [found[k] for k, _ in tasks]
    if repeat > 1:
        columns = [{**point, "repeat": r} for point, (_, r) in zip(columns, tasks)]
        axes = None if axes is None else {**axes, "repeat": list(range(repeat))}
    return SweepTable(columns, results, failures if errors == "keep" else None, axes)


# -- the points ------------------------------------------------------------------------------------------------------------------------


def _points(points) -> tuple[dict[str, list] | None, list[dict[str, object]]]:
    """The values along each axis, where the points are a product, and the points."""
    if isinstance(points, Mapping):
        axes = {_name(name): _values(name, values) for name, values in points.items()}
        if not axes:
            raise EqsnnError("sweep(): there are no parameters: give names and values, {'I': [1*nA, 2*nA]}")
        return axes, [dict(zip(axes, combination)) for combination in itertools.product(*axes.values())]
    if isinstance(points, str) or not isinstance(points, Iterable):
        raise EqsnnError(
            f"sweep(): the points are a dict of names and values, or a list of dicts with one value a name; got {points!r}"
        )
    found = list(points)
    for point in found:
        if not isinstance(point, Mapping):
            raise EqsnnError(f"sweep(): each point is a dict of parameters; got {point!r}")
    if not found:
        raise EqsnnError("sweep(): there are no points")
    return None, [{_name(n): v for n, v in point.items()} for point in found]


def _name(name: object) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        raise EqsnnError(f"sweep(): the name of a parameter is that of an argument of the function; got {name!r}")
    return name


def _values(name: str, values) -> list:
    if isinstance(values, (str, Mapping)) or (np.ndim(values) == 0 and not isinstance(values, Iterable)):
        return [values]
    if isinstance(values, VariableView):
        values = values.get()
    found = [values] if isinstance(values, np.ndarray) and values.ndim == 0 else list(values)
    if not found:
        raise EqsnnError(f"sweep(): the parameter '{name}' has no values")
    return found


def _whole(value, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise EqsnnError(f"sweep(): {what}= is a whole number from 1 on; got {value!r}")
    return int(value)


def _seed(value) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise EqsnnError(f"sweep(): seed= is an integer or None; got {value!r}")
    return int(value)


def _jobs(jobs: int | None) -> int:
    if jobs == 1:
        return 1
    try:
        import joblib
    except ImportError:
        raise EqsnnError(
            "sweep() runs points side by side with joblib, which is not installed: pip install 'eqsnn[sweep]'; "
            "with jobs=1 it runs them one after the other, without it"
        ) from None
    return joblib.cpu_count() if jobs is None else _whole(jobs, "jobs")


# -- running them ----------------------------------------------------------------------------------------------------------------------


def _outcomes(calls: Sequence[tuple], jobs: int) -> Iterator[_Outcome]:
    """What comes of each call, in their order. The first is waited for before the others start: it compiles what they need."""
    if jobs == 1:
        yield from (_run(*call) for call in calls)
        return
    import joblib

    for some in (calls[:1], calls[1:]):
        outcomes = joblib.Parallel(n_jobs=jobs, return_as="generator")(joblib.delayed(_run)(*call) for call in some)
        try:
            for outcome in outcomes:  # noqa: UP028  'yield from' would close it before it can be told to be quiet
                yield outcome
        except GeneratorExit:  # a point has failed: the others need not finish, which joblib would warn about
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                outcomes.close()
            raise
        except (TypeError, AttributeError, ValueError) as error:  # what pickle raises for what it cannot take along
            raise EqsnnError(
                "sweep(): the function or a parameter cannot be sent to a worker process: "
                f"{error}. Build groups and networks inside the function; what it uses from outside must be plain values, arrays or "
                "functions (jobs=1 sends nothing)"
            ) from error


def _run(function: Callable, point: Mapping[str, object], world: _World) -> _Outcome:
    """One point, in a world of its own."""
    before = told()
    if world.elsewhere:
        leave_to_the_caller()
        put_back(function, world.names)
    try:
        with _inside(world):
            result = portable(function(**point))
    except Exception as error:
        first = error.__traceback__.tb_next or error.__traceback__  # without our own frame
        trace = "".join(traceback.format_exception(type(error), error, first))
        kept = None if world.elsewhere else error
        return _Outcome(None, f"{type(error).__name__}: {error}", trace, tuple(told() - before), kept)
    finally:
        gc.collect()  # groups are circles of references; their names and memory are free for the next point
    return _Outcome(result, notices=tuple(told() - before))


@contextmanager
def _inside(world: _World):
    """The random streams, names, settings and time step of a point; afterwards those of the caller are back."""
    kept = ("seed_value", "epoch", "since_seed", "draws", "scope", "ever")
    before = {name: getattr(registry, name) for name in kept}
    chosen, clock, magic = dict(vars(settings)), dict(vars(defaultclock)), dict(vars(magic_network))
    numpy_state, python_state = np.random.get_state(), random.getstate()
    registry.scope, registry.ever = next(registry.scopes), 0
    start_streams(world.seed)
    np.random.seed(world.seed & 0xFFFFFFFF)
    random.seed(world.seed)
    vars(settings).update(world.settings)
    defaultclock._dt = world.dt
    magic_network._network, magic_network._ran = Network(), weakref.WeakSet()
    try:
        yield
    finally:
        vars(registry).update(before)
        vars(settings).update(chosen)
        vars(defaultclock).update(clock)
        vars(magic_network).update(magic)
        np.random.set_state(numpy_state)
        random.setstate(python_state)


# -- what the user hears ---------------------------------------------------------------------------------------------------------------


def _failure(outcome: _Outcome, point: Mapping[str, object], number: int, total: int, repeat: int | None) -> SweepError:
    values = ", ".join(f"{name} = {value!s}" for name, value in point.items())
    again = "" if repeat is None else f", repetition {repeat}"
    error = SweepError(f"point {number} of {total} ({values}{again}) failed: {outcome.error}", dict(point))
    error.add_note(outcome.trace.rstrip())
    error.__cause__ = outcome.exception
    return error


def _reporter(report, total: int) -> Callable[[int], None]:
    if report is None:
        return lambda done: None
    if report == "text":
        began = time.monotonic()
        return lambda done: print(_line(done, total, time.monotonic() - began), file=sys.stdout, flush=True)
    if report == "bar":
        try:
            from tqdm import tqdm
        except ImportError:
            raise EqsnnError(
                "sweep(): report='bar' needs tqdm: pip install 'eqsnn[progress]'; 'text' does not"
            ) from None
        bar = tqdm(total=total, unit="point")

        def advance(done: int) -> None:
            bar.update(done - bar.n)
            if done == total:
                bar.close()

        return advance
    if callable(report):
        return lambda done: report(done, total)
    raise EqsnnError(f"sweep(): report= is 'text', 'bar', a function f(done, total) or None; got {report!r}")


def _line(done: int, total: int, took: float) -> str:
    left = "" if done == total else f", estimated {clock_text(took * (total - done) / done)} remaining"
    return f"{done} of {total} points in {clock_text(took)}{left}"
