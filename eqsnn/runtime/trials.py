"""``eq.Trials``: one network many times over, with the same connectivity and kernels, each trial with a state and random numbers of its own.

A trial is the network with other memory behind it: for each object the attributes that a run changes, and nothing else. While a trial is
looked at, or planned, they stand in the object's place; the rows of synapses, their bit matrices and the compiled kernels are those of the
network. In a run every trial is a plan of its own on one thread, and the threads take trial after trial: no barrier is met, and what one trial
touches stays in the cache of its core (docs/decisions/0012-trials.md says why the trials are not interleaved).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from eqsnn.backends.backend import Backend, backend
from eqsnn.errors import EqsnnError
from eqsnn.network.base import SimObject, registry
from eqsnn.network.clock import Clock
from eqsnn.network.group import Group, own_array, zeros
from eqsnn.network.monitors import EventMonitor
from eqsnn.network.namespace import user_namespace
from eqsnn.network.notices import tell_once
from eqsnn.network.operations import NetworkOperation
from eqsnn.network.synapse_index import Ends
from eqsnn.network.synapses import Synapses
from eqsnn.network.synaptic_storage import SynapticArrays
from eqsnn.runtime.functions import say_what_is_slow
from eqsnn.runtime.in_flight import Flight
from eqsnn.runtime.interrupts import Interrupts
from eqsnn.runtime.memory import KeptRecord, KeptSpikes
from eqsnn.runtime.planner import Built, Planner
from eqsnn.runtime.progress import reporter
from eqsnn.runtime.settings import Settings, settings
from eqsnn.runtime.simulation import LazyEngine, Network, engine_of, in_seconds, running
from eqsnn.runtime.sweep_table import SweepTable, portable
from eqsnn.runtime.team import say_if_fewer, within_processors
from eqsnn.units import Quantity, second

_OF_A_RUN = (
    "arrays",
    "counts",
    "records",
    "segments",
    "_counts",
    "_counts_epoch",
    "_in_flight",
    "_indices",
    "_last_events",
    "_period",
    "_seconds",
    "_spikes_dt",
    "_time",
    "ends",
)
"""The attributes of objects that a run changes, or that a user may set differently in each trial."""
_PAUSE = 0.1
"""After so many seconds at the latest a trial hears of Ctrl-C."""


@dataclass
class _Memory:
    """What a trial has of its own: ``of`` each object its attributes; the ``time``; ``draws`` counts random assignments since the seed."""

    of: dict[SimObject, dict[str, object]]
    time: Fraction
    steps: dict[Clock, Fraction]
    draws: int
    epoch: int


class _OneThread(Settings):
    """The settings of a run in which every trial has one thread."""

    def effective_threads(self) -> int:
        return 1


@dataclass
class _Course:
    """A trial in a run: how far it is, why it stopped, and what went wrong."""

    built: Built
    loaded: object
    tick: int
    end: int
    finish: Fraction
    cursor: int = 0
    status: str = "done"
    stopped: bool = False
    error: BaseException | None = None
    first: int = field(init=False)
    last: int = field(init=False)

    def __post_init__(self) -> None:
        self.first, self.last = self.tick, self.end

    @property
    def done(self) -> float:
        """The fraction that is done."""
        return (min(self.tick, self.last) - self.first) / max(self.last - self.first, 1)

    @property
    def now(self) -> Fraction:
        """The time that was reached."""
        if self.status == "done" and self.end == self.last and not self.stopped:
            return self.finish
        return (self.tick if self.status != "done" else self.end) * self.built.tick


class Trial:
    """One of the trials. In ``with trial:`` the objects of the network are in its state, to be read and set."""

    def __init__(self, trials: Trials, place: int):
        self._trials, self._place = trials, place
        self.number = trials.numbers[place]

    def __enter__(self) -> Trial:
        self._visit = self._trials._visiting(self._place)
        self._visit.__enter__()
        return self

    def __exit__(self, *error) -> None:
        self._visit.__exit__(*error)

    def __repr__(self) -> str:
        return f"<trial {self.number} of {self._trials.network.name}>"


class Trials:
    """Independent trials of ``network``, which all begin in its present state. ``trials``: how many, or their numbers.

    Each trial draws its own random numbers. They follow from the seed and the number of the trial alone: trial 0 is what ``network.run()``
    would be, and trial 7 is the same alone (``Trials(network, [7])``) as among a hundred. The network itself stays as it is.
    Synapses and delays are common to all; variables, events on their way and what monitors record are not.
    """

    def __init__(self, network: Network, trials: int | Sequence[int]):
        if not isinstance(network, Network):
            raise EqsnnError(f"Trials() takes a Network; got {network!r}")
        self.network = network
        self.numbers = _numbers(trials)
        network._not_during_a_run("Trials")
        if registry.in_trial is not None:
            raise EqsnnError("Trials() within a trial: make them outside of it")
        self._objects = network.objects
        self._versions = {o: o.connectivity_version for o in self._objects if isinstance(o, Synapses)}
        for o in self._objects:
            if getattr(o, "files", None):
                raise EqsnnError(f"'{o.name}' records to a file, and trials have none of their own: leave out file=")
        common = {o: _in_common(o) for o in self._versions}
        whole = any(
            isinstance(o, NetworkOperation) for o in self._objects
        )  # which may set what it likes in the middle of a run
        self._memories = [self._memory(common, whole) for _ in self.numbers]
        self._lock = threading.Lock()

    def _memory(self, common: Mapping[Synapses, tuple[Ends, dict[str, np.ndarray]]], whole: bool) -> _Memory:
        of = {}
        for o in self._objects:
            of[o] = {n: _copied(n, o.__dict__[n]) for n in _OF_A_RUN if n in o.__dict__ and n not in ("arrays", "ends")}
            if o in common:
                ends, found = common[o]
                arrays = SynapticArrays(o)
                arrays.update({n: a.copy() if whole else a for n, a in found.items()})
                arrays.once = None if o.arrays.once is None else o.arrays.once.copy()
                of[o] |= {"arrays": arrays, "ends": ends}
            elif isinstance(o, Group):
                of[o]["arrays"] = {n: _aligned(a) for n, a in o.arrays.items()}
        network = self.network
        return _Memory(of, network._time, dict(network._steps), registry.draws, registry.epoch)

    # -- looking at a trial ----------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Trial]:
        return (Trial(self, place) for place in range(len(self)))

    def __getitem__(self, number: int) -> Trial:
        """The trial with that number."""
        if isinstance(number, bool) or number not in self.numbers:
            raise IndexError(f"there is no trial {number!r}; the trials are {_ranges(self.numbers)}")
        return Trial(self, self.numbers.index(number))

    @property
    def t(self) -> Quantity:
        """The time up to which every trial has run."""
        return float(min(m.time for m in self._memories)) * second

    def each(self, function: Callable[[], object]) -> SweepTable:
        """A table of what ``function()`` returns with the objects in the state of each trial: a number, an array, or a dict of such."""
        results = []
        for trial in self:
            with trial:
                results.append(portable(function()))
        return SweepTable([{"trial": n} for n in self.numbers], results, None, {"trial": list(self.numbers)})

    def spikes(self, monitor: EventMonitor) -> tuple[np.ndarray, np.ndarray, Quantity]:
        """``(trial, i, t)`` of all events that a monitor has recorded, trial after trial."""
        if not isinstance(monitor, EventMonitor) or monitor not in self._memories[0].of:
            raise EqsnnError(f"spikes() takes a monitor of spikes or events that is in the network; got {monitor!r}")
        parts = []
        for trial in self:
            with trial:
                i, t = np.asarray(monitor.i), np.asarray(monitor.t_)
                parts.append((np.full(len(i), trial.number), i, t))
        number, i, t = (np.concatenate(column) for column in zip(*parts))
        return number, i, t * second

    @contextmanager
    def _visiting(self, place: int):
        """The objects in the state of a trial; what was changed stays with it."""
        if registry.in_trial is not None:
            raise EqsnnError("a trial is looked at already; leave its 'with' block first")
        for o, version in self._versions.items():
            if o.connectivity_version != version:
                raise EqsnnError(
                    f"'{o.name}' got other synapses or delays after the trials were made, which have them in common; make new trials"
                )
        memory, network = self._memories[place], self.network
        before = {o: _exchanged(o, memory.of[o]) for o in self._objects}
        time_, steps, draws, owners = network._time, network._steps, registry.draws, [o._network for o in self._objects]
        clocks = {o.clock: o.clock.step for o in self._objects if isinstance(o.clock, Clock)}
        network._time, network._steps = memory.time, memory.steps
        if memory.epoch == registry.epoch:
            registry.draws = memory.draws
        registry.trial, registry.in_trial = self.numbers[place], network
        network._set_clocks()
        try:
            yield
        finally:
            memory.of = {o: _exchanged(o, before[o]) for o in self._objects}
            memory.time, memory.steps = network._time, network._steps
            memory.draws, memory.epoch = registry.draws, registry.epoch
            network._time, network._steps, registry.draws = time_, steps, draws
            registry.trial, registry.in_trial = 0, None
            for o, owner in zip(self._objects, owners):
                o._network = owner
            for clock, step in clocks.items():
                clock.step = step

    # -- running -----------------------------------------------------------------------------------------------------------------------

    def run(
        self,
        duration: Quantity,
        report=None,
        report_period: Quantity | None = None,
        namespace: Mapping[str, object] | None = None,
        level: int = 0,
    ) -> None:
        """Run every trial for ``duration``, ``settings.threads`` of them at a time. The arguments are those of ``Network.run``.

        Each trial does what it would do alone, bit for bit. Raises what ``Network.run`` raises, with a note that names the trial; the
        others have then run to their end.
        """
        seconds = in_seconds(duration, "duration")
        period = 10.0 if report_period is None else in_seconds(report_period, "report_period")
        space = dict(namespace) if namespace is not None else user_namespace(level)
        network = self.network
        network._may_run()
        if network.objects != self._objects:
            raise EqsnnError("the network has other objects than when its trials were made; make new trials")
        if len({m.time for m in self._memories}) > 1:
            raise EqsnnError(
                "the trials stand at different times, for one of them was stopped; what they recorded can be read, and new trials made"
            )
        tell = reporter(report, float(self._memories[0].time), seconds)
        chosen = backend(network._settings().effective_backend())
        chosen.prepare()
        courses = self._courses(space, chosen, seconds)
        running.append(network)
        try:
            threads = _at_a_time(network._settings()) if chosen.compiled else 1
            interrupted = self._go(courses, threads, tell, period)
            self._settle(courses)
        finally:
            running.remove(network)
        for number, course in zip(self.numbers, courses):
            if course.error is not None:
                course.error.add_note(f"This was in trial {number}.")
                raise course.error
        if interrupted:
            raise KeyboardInterrupt

    def _courses(self, space: Mapping[str, object], chosen: Backend, seconds: float) -> list[_Course]:
        """The plan of each trial, ready to go."""
        courses = []
        self._own_what_is_written(space, chosen)
        for place in range(len(self)):
            with self._visiting(place):
                built = self._built(space, chosen)
                if not courses:
                    self.network.messages = built.messages
                    for message in built.messages:
                        if not message.endswith("as given"):
                            tell_once(message)
                    addresses = chosen.build(built.plan.kernels())
                    say_what_is_slow(built.plan, chosen.name)
                loaded = engine_of(chosen).load(built.plan, addresses, 1, chosen.name, False)
                tick, end = self.network._ticks(built, seconds)
                self.network._begin(built, tick)
                courses.append(_Course(built, loaded, tick, end, self.network._end(seconds)))
        return courses

    def _built(self, space: Mapping[str, object], chosen: Backend) -> Built:
        network = self.network
        one = _OneThread(**vars(settings))
        engine = LazyEngine(chosen)
        check, schedule = network.stop_if_not_finite, tuple(network.schedule)
        return Planner(self._objects, space, engine, one, check, schedule, moves=False).build()

    def _own_what_is_written(self, space: Mapping[str, object], chosen: Backend) -> None:
        """Variables of synapses are common to all trials until one writes them; those that the run writes are copied before it."""
        arrays = [self._memories[0].of[o]["arrays"] for o in self._versions]
        if not any(not of[n].flags.writeable for of in arrays for n in of.own()):
            return
        with self._visiting(0):
            written = list(_written(self._built(space, chosen)))
            names = [
                (o, name)
                for o in self._versions
                for name in o.arrays.own()
                if any(np.may_share_memory(o.arrays[name], w) for w in written)
            ]
        for memory in self._memories:
            for o, name in names:
                own_array(memory.of[o]["arrays"], name)

    def _go(self, courses: list[_Course], threads: int, tell, period: float) -> bool:
        """Let all trials run; returns whether Ctrl-C ended them."""
        began = last = time.monotonic()
        stop = threading.Event()
        if tell:
            tell(0.0, 0.0)
        with Interrupts() as interrupts, ThreadPoolExecutor(min(threads, len(courses))) as pool:
            waiting: set[Future] = {
                pool.submit(self._follow, place, course, stop) for place, course in enumerate(courses)
            }
            while waiting:
                _, waiting = wait(waiting, _PAUSE)
                if interrupts.requested:
                    stop.set()
                if tell and time.monotonic() - last >= period:
                    last = time.monotonic()
                    tell(last - began, sum(c.done for c in courses) / len(courses))
        if tell and not interrupts.requested:
            tell(time.monotonic() - began, 1.0)
        return interrupts.requested

    def _follow(self, place: int, c: _Course, stop: threading.Event) -> None:
        """One trial from beginning to end, on the thread that calls."""
        quiet = Interrupts()  # Ctrl-C is noted by the main thread
        try:
            while c.tick < c.end or c.cursor:
                if stop.is_set() and not c.cursor:
                    c.stopped, c.status = True, "interrupted"
                    return
                c.status, c.tick, c.cursor = c.loaded.advance(c.tick, c.end, c.cursor, _PAUSE, quiet)
                if c.status == "python":
                    self._operate(place, c)
                elif c.status in ("not finite", "failed", "unmet"):
                    return
        except BaseException as error:
            c.error, c.stopped, c.status = error, True, "interrupted"

    def _operate(self, place: int, c: _Course) -> None:
        """An operation in Python: it sees the objects in the state of this trial, and no other trial looks at them meanwhile."""
        with self._lock, self._visiting(place):
            self.network._stop = False
            self.network._python(c.built, c.built.plan.ops[c.cursor], c.tick)
            c.cursor += 1
            if self.network._stop:
                c.end = min(c.end, c.tick + 1)

    def _settle(self, courses: list[_Course]) -> None:
        """What was counted and recorded belongs to the trials again."""
        for place, c in enumerate(courses):
            with self._visiting(place):
                self.network._settle(c.built, c.loaded, c.now)
                try:
                    self.network._conclude(c.built, c.loaded, c.status)
                except Exception as error:
                    c.error = c.error or error

    def __repr__(self) -> str:
        return f"<Trials {_ranges(self.numbers)} of {self.network.name} at t = {self.t!s}>"


def _at_a_time(settings: Settings) -> int:
    """How many trials run side by side."""
    asked = settings.effective_threads()
    say_if_fewer(settings)
    return asked if settings.all_threads else within_processors(asked)


def _numbers(trials: int | Sequence[int]) -> tuple[int, ...]:
    """The numbers of the trials."""
    whole = isinstance(trials, (int, np.integer)) and not isinstance(trials, bool)
    found = range(int(trials)) if whole and trials > 0 else trials
    ok = not isinstance(found, (str, bytes)) and hasattr(found, "__iter__")
    found = tuple(found) if ok else ()
    ok = ok and all(isinstance(k, (int, np.integer)) and not isinstance(k, bool) and k >= 0 for k in found)
    if not ok or not found or len(set(found)) < len(found):
        raise EqsnnError(f"Trials(): how many trials, or their numbers, each once and none negative; got {trials!r}")
    return tuple(int(k) for k in found)


def _ranges(numbers: Sequence[int]) -> str:
    if len(numbers) > 1 and list(numbers) == list(range(numbers[0], numbers[0] + len(numbers))):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers))


def _exchanged(o: SimObject, new: dict[str, object]) -> dict[str, object]:
    """Give an object these attributes; returns those that it had."""
    here = o.__dict__
    old = {name: here.pop(name) for name in _OF_A_RUN if name in here}
    here.update(new)
    return old


def _aligned(array: np.ndarray) -> np.ndarray:
    """A copy that begins on a cache line, as the arrays of neurons do."""
    copy = zeros(len(array), array.dtype)
    copy[:] = array
    return copy


def _in_common(o: Synapses) -> tuple[Ends, dict[str, np.ndarray]]:
    """The ends of synapses and their variables, as all trials begin with them, in one order."""
    ends = o.ends.copy()
    kept = ends.order is o.ends.order
    return ends, {n: _sealed(o.arrays[n] if kept else o.arrays.created(n)) for n in o.arrays.own()}


def _sealed(array: np.ndarray) -> np.ndarray:
    """A copy that several trials may have in common."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def _copied(name: str, value):
    """What a trial gets of an attribute of the network's objects."""
    if name == "_last_events":
        return {event: KeptSpikes(s.n, tuple(s.read(back) for back in range(s.depth))) for event, s in value.items()}
    if name == "_in_flight":
        carried = {p: f.pending() if isinstance(f, Flight) and f.queues else f for p, f in value.items()}
        return {p: replace(f) if isinstance(f, Flight) else f for p, f in carried.items()}
    if name == "records":
        return tuple(KeptRecord(np.array(r.array())) for r in value)
    return value.copy() if isinstance(value, (np.ndarray, dict)) else value


def _written(built: Built) -> Iterator[np.ndarray]:
    """The arrays that a run writes."""
    for op in built.plan.ops:
        if op.kernel is not None:
            yield from (op.binding.buffers[b.name] for b in op.kernel.buffers if b.writable)
        if op.kind == "clear":
            yield op.array
