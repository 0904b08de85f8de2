"""Running a network: plan, build, and hand over to the engine until the end, an operation in Python, a failure or Ctrl-C."""

from __future__ import annotations

import contextlib
import math
import time
import warnings
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eqsnn import pipeline
from eqsnn.backends.backend import Backend, backend
from eqsnn.errors import EqsnnError, InternalError, UnitError, UnknownNameError, WrongTypeError, WrongValueError
from eqsnn.network.base import SimObject, of_this_process, registry
from eqsnn.network.clock import Clock, exact_seconds
from eqsnn.network.group import Group
from eqsnn.network.namespace import user_namespace
from eqsnn.network.neurongroup import NeuronGroup, SpikeSource, Subgroup
from eqsnn.network.notices import tell_once
from eqsnn.network.recorder import Recorder
from eqsnn.network.synapses import Synapses
from eqsnn.runtime import checkpoint
from eqsnn.runtime.checkpoint import Snapshot
from eqsnn.runtime.finite import not_finite
from eqsnn.runtime.functions import say_what_is_slow, unmet
from eqsnn.runtime.interrupts import Interrupts
from eqsnn.runtime.plan import Op, Plan
from eqsnn.runtime.planner import Built, Planner
from eqsnn.runtime.profile import gathered
from eqsnn.runtime.progress import reporter
from eqsnn.runtime.schedule import SchedulingSummary, checked_schedule
from eqsnn.runtime.settings import Settings, settings
from eqsnn.runtime.team import Team, say_if_fewer
from eqsnn.units import Quantity, dimensions_of, second

if TYPE_CHECKING:
    from eqsnn.runtime.costs import KernelCost

_engines: dict[str, object] = {}
planned: list[Callable[[Plan], None]] = []
"""Called with the plan of each run before it begins."""
running: list[Network] = []
"""The networks that run now: one, or more where an operation of one runs another."""


def engine_of(chosen: Backend):
    """The engine that runs what the backend builds."""
    kind = chosen.name if hasattr(chosen, "device") else "native" if chosen.compiled else "reference"
    if kind not in _engines:
        if kind == "native":
            from eqsnn.backends.c.build import engine_library, start_engine
            from eqsnn.runtime.native import NativeEngine

            if start_engine().running:  # the cache is empty, most likely: there is time for what will be needed next
                pipeline.make_ready()
            _engines[kind] = NativeEngine(engine_library())
        elif kind == "reference":
            from eqsnn.runtime.reference import ReferenceEngine

            _engines[kind] = ReferenceEngine()
        else:
            from eqsnn.runtime.cuda import CudaEngine
            from eqsnn.runtime.cuda_plan import Setting

            _engines[kind] = CudaEngine(chosen.device(), lambda: Setting(settings.deterministic))
    return _engines[kind]


def _begin_to_compile() -> None:
    """Let the backend compile what does not depend on the model. What is wrong with it is told by ``run``."""
    with contextlib.suppress(EqsnnError):
        backend(settings.effective_backend()).prepare()


pipeline.before_making = _begin_to_compile


before_run: Callable[[Network, float, Mapping[str, object]], None] | None = None
"""Called with the network, the duration in seconds and the namespace where a run begins (``eqsnn export SCRIPT.py``)."""


_MOST_TICKS = 1 << 53
"""Up to here times in seconds can be told from each other."""


def exporter(network: Network, *arguments):
    """What ``Network.export`` calls: the room ``export``, which knows this one, puts itself here."""
    raise InternalError("eqsnn.export was not imported")


class Network:
    """Objects that run together. ``Network(a, b, [c, d])``; ``net.add``, ``net.remove``; ``net['name']``; ``net.run(1*second)``.

    Lists, tuples, sets and dicts of objects count as what they hold, however deep. Two objects of one name are refused. ``backend``: what this
    network runs with, whatever ``settings.backend`` says (EQSNN_BACKEND binds both); None: that.
    """

    def __init__(self, *objects, name: str = "network", backend: str | None = None):
        self.name, self.backend = name, backend
        self._objects: dict[str, SimObject] = {}
        self._time = Fraction(0)
        self._stop = False
        self.stop_if_not_finite = True
        self.of_magic = False  # whether it is the network of run(), which holds its objects during a run only
        self._steps: dict[Clock, Fraction] = {}
        self._schedule: tuple[str, ...] | None = None
        self._snapshots: dict[str, Snapshot] = {}
        self._profile: list[tuple[str, float]] | None = None
        self._costs: list[KernelCost] | None = None
        self._team: Team | None = None
        self.messages: tuple[str, ...] = ()
        self._last: Built | None = None
        registry.networks.add(self)
        self.add(*objects)

    def __reduce__(self):
        return of_this_process, (*SimObject.__reduce__(self)[1][:2], f"the network '{self.name}'")

    # -- what belongs to it --------------------------------------------------------------------------------------------------------

    def add(self, *objects) -> None:
        """Add objects, or collections of them."""
        for o in _flat(objects, "add"):
            known = self._objects.get(o.name)
            if known is not None and known is not o:
                raise WrongValueError(
                    f"the network has another object called '{o.name}' already; names within a network differ: take the old one out "
                    "first (net.remove), or choose another name="
                )
            self._objects[o.name] = o
            o._watch.network = self.name
            self.add(*o.contained())

    def remove(self, *objects) -> None:
        """Take objects out again, or collections of them. They may then run in another network."""
        for o in _flat(objects, "remove"):
            if self._objects.get(o.name) is not o:
                raise EqsnnError(
                    f"'{o.name}' is not in the network; it has {', '.join(sorted(self._objects)) or 'nothing'}"
                )
            del self._objects[o.name]
            o._network = None
            self.remove(*o.contained())

    def _hold(self, objects: Iterable[SimObject]) -> None:
        """Consist of exactly these objects (for ``magic_network``, which holds nothing between runs)."""
        self._objects, self._last = {}, None
        self.add(*objects)

    @property
    def objects(self) -> tuple[SimObject, ...]:
        """The objects, by name."""
        return tuple(self._objects[n] for n in sorted(self._objects))

    def __getitem__(self, name: str) -> SimObject:
        if name not in self._objects:
            raise UnknownNameError(
                f"there is no '{name}' in the network; it has {', '.join(sorted(self._objects)) or 'nothing'}"
            )
        return self._objects[name]

    def __delitem__(self, name: str) -> None:
        self.remove(self[name])

    def __contains__(self, item: str | SimObject) -> bool:
        return item in self._objects if isinstance(item, str) else any(o is item for o in self._objects.values())

    def __iter__(self):
        return iter(self.objects)

    def __len__(self) -> int:
        return len(self._objects)

    @property
    def t(self) -> Quantity:
        """The time that has been simulated."""
        return float(self._time) * second

    @property
    def t_(self) -> float:
        """The time that has been simulated, in seconds."""
        return float(self._time)

    def stop(self) -> None:
        """End the run after the current step; called from a network operation or a report."""
        self._stop = True

    # -- the order of a step -----------------------------------------------------------------------------------------------------

    @property
    def schedule(self) -> list[str]:
        """The slots of a step, in order. Set it to a list of names (None: ``settings.schedule``); ``before_`` and ``after_`` come with each name."""
        return list(self._schedule or checked_schedule(settings.schedule))

    @schedule.setter
    def schedule(self, slots: Sequence[str] | None) -> None:
        self._schedule = None if slots is None else checked_schedule(slots)

    def scheduling_summary(self) -> SchedulingSummary:
        """The objects in the order in which they act in a step."""
        return SchedulingSummary(self._objects.values(), self.schedule)

    # -- state -------------------------------------------------------------------------------------------------------------------

    def store(self, name: str = "default", filename: str | Path | None = None) -> None:
        """Keep the whole state under ``name``: variables, connectivity, events on their way, records, time, random streams.

        ``filename``: keep it in that file, together with the snapshots of other names that it holds; it is a zip of JSON and npy.
        """
        self._not_during_a_run("store")
        snapshot = checkpoint.take(self)
        if filename is None:
            self._snapshots[name] = snapshot
        else:
            from eqsnn.runtime import checkpoint_file

            checkpoint_file.write(Path(filename), name, snapshot)

    def restore(
        self, name: str = "default", filename: str | Path | None = None, restore_random_state: bool = False
    ) -> None:
        """Go back to the state kept under ``name``, of this network or of one that the same script made in another process.

        The random streams go on from where they are, so that trials differ; with ``restore_random_state`` they go back too, and what
        follows is what followed then, bit by bit. Raises EqsnnError if the objects are not those that were stored; then nothing has
        changed.
        """
        self._not_during_a_run("restore")
        if filename is not None:
            from eqsnn.runtime import checkpoint_file

            snapshot = checkpoint_file.read(Path(filename), name)
        elif name in self._snapshots:
            snapshot = self._snapshots[name]
        else:
            known = ", ".join(map(repr, self._snapshots)) or "nothing"
            raise UnknownNameError(f"restore(): nothing was stored under {name!r}; there is {known}")
        checkpoint.bring_back(self, snapshot, restore_random_state)

    def _not_during_a_run(self, what: str) -> None:
        if self in running:
            raise EqsnnError(f"{what}() in the middle of a step; end the run first (stop()), then {what}")

    def get_states(self, units: bool = True, **options) -> dict[str, dict[str, object]]:
        """The values of the variables of every object that has some: ``states['neurongroup']['v']``. Options as for a group's."""
        return {o.name: o.get_states(units=units, **options) for o in self.objects if hasattr(o, "get_states")}

    def set_states(self, values: Mapping[str, Mapping[str, object]], units: bool = True, **options) -> None:
        """Set variables, as ``get_states`` gave them."""
        for name, states in values.items():
            if name not in self._objects:
                raise EqsnnError(
                    f"set_states(): there is no '{name}' in the network; it has {', '.join(sorted(self._objects))}"
                )
            self._objects[name].set_states(states, units=units, **options)

    # -- running -----------------------------------------------------------------------------------------------------------------

    def run(
        self,
        duration: Quantity,
        report=None,
        report_period: Quantity | None = None,
        namespace: Mapping[str, object] | None = None,
        profile: bool | None = None,
        level: int = 0,
    ) -> None:
        """Simulate for ``duration`` (a time).

        ``report``: 'text', 'stderr', 'bar', an open text file, a function ``f(elapsed, completed, t_start, duration)`` or None;
        ``report_period``: how often (default 10 s; 'bar': 0.1 s). ``namespace``: external constants, instead of those around the call, or
        around the call ``level`` further out. ``profile``: measure the time of each operation (``profiling_info``). Raises EquationError,
        UnitError or CompileError before the first step; NotFiniteError when a variable becomes NaN or infinite; KeyboardInterrupt at
        Ctrl-C, with the state of the last whole step.
        """
        seconds = in_seconds(duration, "duration")
        period = 0.1 if report in ("bar", "tqdm") else 10.0
        period = period if report_period is None else in_seconds(report_period, "report_period")
        tell = reporter(report, float(self._time), seconds)
        space = dict(namespace) if namespace is not None else user_namespace(level)
        if before_run is not None:
            before_run(self, seconds, space)
        self._may_run()
        if registry.listener is not None:
            registry.listener.ran(self, space, lambda names: self.run(duration, report, report_period, names, profile))
        chosen_settings = self._settings()
        chosen = backend(chosen_settings.effective_backend())
        chosen.prepare()
        planner = Planner(
            self._objects.values(),
            space,
            LazyEngine(chosen),
            chosen_settings,
            self.stop_if_not_finite,
            tuple(self.schedule),
            watched=callable(report),
        )
        built = planner.build()
        self.messages = built.messages
        for message in built.messages:
            if not message.endswith("as given"):
                tell_once(message)
        self._last, self._team = built, built.team
        for tell_plan in planned:
            tell_plan(built.plan)
        if chosen.compiled:
            say_if_fewer(chosen_settings)
        addresses = chosen.build(built.plan.kernels())
        say_what_is_slow(built.plan, chosen.name)
        loaded = engine_of(chosen).load(
            built.plan, addresses, built.team.threads, chosen.name, bool(profile), settings.all_threads
        )
        self._claim()
        running.append(self)
        try:
            self._advance(built, loaded, seconds, tell, period)
        finally:
            running.remove(self)
            if profile:
                loaded.save_seconds()
                self._profile = gathered(built.plan.ops)
                self._costs = _costs(built.plan.ops, built.team.threads if chosen.compiled else 1)

    def export(
        self,
        directory: str | Path,
        language: str = "c",
        profile: str | None = None,
        overwrite: bool = False,
        duration: Quantity | None = None,
        namespace: Mapping[str, object] | None = None,
        level: int = 0,
    ):
        """Write the network as it stands now as a project that builds without Python, and whose spikes are those of a run in Python, bit by bit.

        ``directory``: where to; it must be empty or not exist, unless ``overwrite``, which replaces what an earlier export wrote and nothing else.
        ``language``: 'c' (C99), or 'cuda' for an NVIDIA GPU, where sums have a fixed order with ``settings.deterministic``. ``profile``: None, or
        'embedded' for a microcontroller: single precision, no files, no memory from the system. ``duration``: how long the program runs if it
        is not told. ``namespace``, ``level``: as of :meth:`run`. Returns what was written (``eqsnn.export.project.Exported``). Raises EqsnnError,
        before anything is written, for what cannot leave Python.
        """
        return exporter(self, directory, language, profile, overwrite, duration, namespace, level)

    def _settings(self) -> Settings:
        """Those of the process, with the backend of this network."""
        return settings if self.backend is None else replace(settings, backend=self.backend)

    @property
    def profiling_info(self) -> list[tuple[str, Quantity]]:
        """``(name, time)`` of each operation in the last run with ``profile=True``, the longest first."""
        if self._profile is None:
            raise WrongValueError("there is no profile: run(..., profile=True) makes one")
        return [(name, seconds * second) for name, seconds in self._profile]

    @property
    def team(self) -> Team:
        """How many threads worked in the last run, how many were asked for, and why there were fewer."""
        if self._team is None:
            raise EqsnnError("there was no run yet, and so no threads that worked in it")
        return self._team

    @property
    def kernel_costs(self) -> list[KernelCost]:
        """What each operation did in the last run with ``profile=True``, the dearest first: see ``kernel_summary``."""
        if self._costs is None:
            raise WrongValueError("there is no profile: run(..., profile=True) makes one")
        return self._costs

    def _may_run(self, what: str = "run") -> None:
        """Every object runs in one network, and one run at a time."""
        if self in running:
            raise EqsnnError(f"{what}() was called from within a run of the same network")
        if registry.in_trial is self:
            raise EqsnnError(
                f"{what}() within a trial: Trials.run() runs all of them; for one alone make Trials(net, [number])"
            )
        for o in self._objects.values():
            if o._network not in (None, self):
                raise EqsnnError(
                    f"'{o.name}' has run in another network, and its time is that of the other; "
                    "change what is in a network with add() and remove() instead of making a new one"
                )

    def _claim(self) -> None:
        """The run begins. Objects that could have been in it and are not remember that."""
        for o in self._objects.values():
            o._network = self
        for o in list(registry.objects):
            if o._network is None and o.add_to_magic_network and o._watch.missed is None:
                part = next((p for p in parts_of(o) if p in self), None)
                if part is not None:
                    o._watch.missed = f"'{part.name}' did; add it to the network: net.add(...)"

    def _ticks(self, built: Built, seconds: float) -> tuple[int, int]:
        regular = [clock for clock in built.clocks if isinstance(clock, Clock)]
        for clock in regular:
            dt = exact_seconds(clock.dt_)
            if self._steps.get(clock, dt) != dt and (self._time / dt).denominator != 1:
                raise EqsnnError(
                    f"the clock '{clock.name}' has a new dt, {clock.dt!s}, and the time so far, {float(self._time):g} s, is no multiple of it"
                )
        self._steps = {clock: exact_seconds(clock.dt_) for clock in regular}
        self._set_clocks()
        first, last = _first_tick(self._time, built.tick), _first_tick(self._end(seconds), built.tick)
        if last > _MOST_TICKS:
            raise WrongValueError(
                f"run(): {seconds:g} s have more steps than can be counted: there are {float(built.tick):g} s from one to the next"
            )
        return first, last

    def _end(self, seconds: float) -> Fraction:
        """The time at which a run of so many seconds ends. It may lie within a step; the step is then run, and counts for the next run too."""
        return self._time + (exact_seconds(seconds) if seconds else 0)

    def _advance(self, built: Built, loaded, seconds: float, tell, period: float) -> None:
        tick, end = self._ticks(built, seconds)
        first, last, cursor = tick, end, 0
        finish = self._end(seconds)
        interrupts = Interrupts()
        self._stop = False
        began = time.monotonic()
        self._begin(built, tick)
        status = "done"
        if tell:
            tell(0.0, 0.0)
        try:
            with interrupts:
                while tick < end or cursor:
                    status, tick, cursor = loaded.advance(tick, end, cursor, period if tell else 0.0, interrupts)
                    if status == "python":
                        self._python(built, built.plan.ops[cursor], tick)
                        cursor += 1
                        if self._stop or interrupts.requested:
                            end = min(end, tick + 1)
                    elif status == "paused" and tell:
                        self._set_time(tick * built.tick)
                        tell(time.monotonic() - began, (tick - first) / (end - first))
                        if self._stop or interrupts.requested:
                            break
                    if status in ("interrupted", "not finite", "failed", "unmet"):
                        break
        finally:
            # A slow clock may have carried the tick beyond the end; a run that was cut short ends with its last whole step.
            cut = status != "done" or end != last
            self._settle(built, loaded, (tick if status != "done" else end) * built.tick if cut else finish)
        self._conclude(built, loaded, status)
        if interrupts.requested:
            raise KeyboardInterrupt
        if tell:
            tell(time.monotonic() - began, 1.0)
        if not self.stop_if_not_finite:
            self._warn_if_not_finite()

    def _begin(self, built: Built, tick: int) -> None:
        """A run begins at a tick."""
        steps = {clock: plan.step_from(tick) for clock, plan in zip(built.clocks, built.plan.clocks)}
        self._set_time(self._time)
        for o in self._objects.values():
            if isinstance(o, Recorder) and o.clock in steps:
                o.begin(steps[o.clock])

    def _settle(self, built: Built, loaded, now: Fraction) -> None:
        """The run has ended at the time ``now``: what the engine counted and recorded is there to be read."""
        loaded.save_counts()
        for o in self._objects.values():
            if isinstance(o, Recorder):
                o.settle()
        for o, label, op in built.counts:
            o.set_count(label, op.count)
        self._set_time(now)

    def _conclude(self, built: Built, loaded, status: str) -> None:
        """Bring variables up to date that were not stored, and raise what ended the run."""
        for r in built.refresh:
            r.run(_first_tick(self._time, exact_seconds(r.group.clock.dt_)))
        if status == "failed":
            raise loaded.failure()
        if status == "unmet":
            op, step = loaded.failed()
            raise unmet(op, loaded.unmet(), step * built.plan.clocks[op.clock].dt)
        if status == "not finite":
            op, step = loaded.failed()
            dt = built.plan.clocks[op.clock].dt
            raise not_finite(self._objects.values(), op, step * dt, dt)

    def _warn_if_not_finite(self) -> None:
        for o in self._objects.values():
            for v in o.model.variables if isinstance(o, Group) else ():
                array = o.arrays.held(v.name) if isinstance(o, Synapses) else o.arrays.get(v.name)
                if array is not None and array.dtype.kind == "f" and not np.all(np.isfinite(array)):
                    warnings.warn(f"{o.name}.{v.name} has NaN or infinite values", RuntimeWarning, stacklevel=4)

    def _set_clocks(self) -> None:
        for clock, dt in self._steps.items():
            clock.step = _first_tick(self._time, dt)

    def _set_time(self, t: Fraction) -> None:
        self._time = t
        self._set_clocks()
        for o in self._objects.values():
            o.__dict__["_time"] = float(t)

    def _python(self, built: Built, op: Op, tick: int) -> None:
        clock = built.plan.clocks[op.clock]
        now = clock.time_of(clock.step_from(tick))
        for o in self._objects.values():
            o.__dict__["_time"] = now
        self._time = tick * built.tick
        self._set_clocks()
        began = time.perf_counter()
        op.call()
        op.seconds += time.perf_counter() - began

    def __repr__(self) -> str:
        return f"<Network of {len(self)} objects at t = {self.t!s}: {', '.join(sorted(self._objects))}>"


class LazyEngine:
    """The engine, waited for only when the plan needs it: until then it may still be compiling."""

    def __init__(self, chosen: Backend):
        self._chosen = chosen

    def __getattr__(self, name: str):
        return getattr(engine_of(self._chosen), name)


def _costs(ops: Iterable[Op], threads: int) -> list[KernelCost]:
    from eqsnn.runtime.costs import costs_of  # with what measures the machine, for which other runs have no use

    return costs_of(ops, threads)


def _first_tick(time: Fraction, tick: Fraction) -> int:
    """The first tick that does not lie before ``time``; a thousandth of a tick is rounding."""
    exact = time / tick
    near = round(exact)
    return near if abs(exact - near) < Fraction(1, 1000) else math.ceil(exact)


def _flat(objects: Iterable, what: str) -> Iterator[SimObject]:
    """The objects in nested collections, a subgroup as the group that it is a part of."""
    for o in objects:
        if isinstance(o, Subgroup):
            yield o.root
        elif isinstance(o, SimObject):
            yield o
        elif isinstance(o, Mapping):
            yield from _flat(o.values(), what)
        elif isinstance(o, Iterable) and not isinstance(o, str):
            yield from _flat(o, what)
        else:
            raise WrongTypeError(
                f"{what}(): a network consists of groups, synapses, monitors and operations; got {o!r}"
            )


def parts_of(o: SimObject) -> list[SimObject]:
    """The groups that an object acts on, and cannot run without."""
    if isinstance(o, NeuronGroup):
        return []
    ends = (getattr(o, "source", None), getattr(o, "target", None))
    return [e.root if isinstance(e, SpikeSource) else e for e in ends if isinstance(e, SimObject)]


def missing_parts(o: SimObject, objects: Container[SimObject]) -> list[SimObject]:
    """Those of them that are not among ``objects``."""
    return [p for p in parts_of(o) if p not in objects]


def in_seconds(value: Quantity, what: str, caller: str = "run") -> float:
    if dimensions_of(value) != second.dim:
        raise UnitError(f"{caller}(): {what} must be a time, such as 100*ms; got {value!r}")
    seconds = float(value / second)
    if not (math.isfinite(seconds) and seconds >= 0):
        raise WrongValueError(f"{caller}(): {what} must be finite and not negative; got {value!s}")
    return seconds
