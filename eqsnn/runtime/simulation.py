"""Running a network: plan, build, and hand over to the engine until the end, an operation in Python, a failure or Ctrl-C."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterable, Mapping
from fractions import Fraction

import numpy as np

from eqsnn.backends.backend import Backend, backend
from eqsnn.errors import EqsnnError, UnitError
from eqsnn.network.base import SimObject
from eqsnn.network.clock import Clock, exact_seconds
from eqsnn.network.group import Group
from eqsnn.network.namespace import user_namespace
from eqsnn.network.neurongroup import Subgroup
from eqsnn.network.recorder import Recorder
from eqsnn.runtime.finite import not_finite
from eqsnn.runtime.functions import say_what_is_slow, unmet
from eqsnn.runtime.interrupts import Interrupts
from eqsnn.runtime.notices import tell_once
from eqsnn.runtime.plan import Op
from eqsnn.runtime.planner import Built, Planner
from eqsnn.runtime.progress import reporter
from eqsnn.runtime.settings import settings
from eqsnn.units import Quantity, dimensions_of, second

_engines: dict[bool, object] = {}


def _engine(chosen: Backend):
    """The engine that runs what the backend builds."""
    if chosen.compiled not in _engines:
        if chosen.compiled:
            from eqsnn.backends.c.build import engine_library
            from eqsnn.runtime.native import NativeEngine

            _engines[True] = NativeEngine(engine_library())
        else:
            from eqsnn.runtime.reference import ReferenceEngine

            _engines[False] = ReferenceEngine()
    return _engines[chosen.compiled]


class Network:
    """Objects that run together. ``Network(a, b, [c, d])``; ``net.add``, ``net.remove``; ``net['name']``; ``net.run(1*second)``."""

    def __init__(self, *objects, name: str = "network"):
        self.name = name
        self._objects: dict[str, SimObject] = {}
        self._time = Fraction(0)
        self._stop = False
        self.stop_if_not_finite = True
        self._steps: dict[Clock, Fraction] = {}
        self.messages: tuple[str, ...] = ()
        self._last: Built | None = None
        self.add(*objects)

    # -- what belongs to it --------------------------------------------------------------------------------------------------------

    def add(self, *objects) -> None:
        """Add objects, or collections of them."""
        for o in objects:
            if isinstance(o, Subgroup):
                o = o.root
            if isinstance(o, SimObject):
                self._objects[o.name] = o
                self.add(*o.contained())
            elif isinstance(o, Mapping):
                self.add(*o.values())
            elif isinstance(o, Iterable) and not isinstance(o, str):
                self.add(*o)
            else:
                raise EqsnnError(f"a network consists of groups, synapses, monitors and operations; got {o!r}")

    def remove(self, *objects) -> None:
        """Take objects out again."""
        for o in objects:
            if isinstance(o, SimObject):
                if self._objects.pop(o.name, None) is None:
                    raise EqsnnError(f"'{o.name}' is not in the network")
            else:
                self.remove(*o)

    @property
    def objects(self) -> tuple[SimObject, ...]:
        """The objects, by name."""
        return tuple(self._objects[n] for n in sorted(self._objects))

    def __getitem__(self, name: str) -> SimObject:
        if name not in self._objects:
            raise KeyError(
                f"there is no '{name}' in the network; it has {', '.join(sorted(self._objects)) or 'nothing'}"
            )
        return self._objects[name]

    def __contains__(self, name: str) -> bool:
        return name in self._objects

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

    # -- running -----------------------------------------------------------------------------------------------------------------

    def run(
        self,
        duration: Quantity,
        report=None,
        report_period: Quantity | None = None,
        namespace: Mapping[str, object] | None = None,
    ) -> None:
        """Simulate for ``duration`` (a time).

        ``report``: 'text', 'bar', a function ``f(elapsed, completed, t_start, duration)`` or None; ``report_period``: how often (default
        10 s; 'bar': 0.1 s). ``namespace``: external constants, instead of those around the call. Raises EquationError, UnitError or
        CompileError before the first step; NotFiniteError when a variable becomes NaN or infinite; KeyboardInterrupt at Ctrl-C, with the
        state of the last whole step.
        """
        seconds = _seconds(duration, "duration")
        space = dict(namespace) if namespace is not None else user_namespace()
        chosen = backend(settings.effective_backend())
        threads = settings.effective_threads()
        chosen.prepare()
        planner = Planner(self._objects.values(), space, _LazyEngine(chosen), settings, self.stop_if_not_finite)
        built = planner.build()
        self.messages = built.messages
        for message in built.messages:
            if not message.endswith("as given"):
                tell_once(message)
        self._last = built
        addresses = chosen.build(built.plan.kernels())
        say_what_is_slow(built.plan, chosen.name)
        loaded = _engine(chosen).load(built.plan, addresses, threads, chosen.name)
        period = 0.1 if report in ("bar", "tqdm") else 10.0
        period = period if report_period is None else _seconds(report_period, "report_period")
        self._advance(built, loaded, seconds, reporter(report, float(self._time), seconds), period)

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
        return _first_tick(self._time, built.tick), _first_tick(self._end(seconds), built.tick)

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
        steps = {clock: plan.step_from(tick) for clock, plan in zip(built.clocks, built.plan.clocks)}
        for o in self._objects.values():
            if isinstance(o, Recorder) and o.clock in steps:
                o.begin(steps[o.clock])
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
                        tell(time.monotonic() - began, (tick - first) / (end - first))
                        if self._stop or interrupts.requested:
                            break
                    if status in ("interrupted", "not finite", "failed", "unmet"):
                        break
        finally:
            loaded.save_counts()
            for o in self._objects.values():
                if isinstance(o, Recorder):
                    o.settle()
            for o, label, op in built.counts:
                o.set_count(label, op.count)
            # A slow clock may have carried the tick beyond the end; a run that was cut short ends with its last whole step.
            cut = status != "done" or end != last
            self._set_time((tick if status != "done" else end) * built.tick if cut else finish)
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
        if interrupts.requested:
            raise KeyboardInterrupt
        if tell:
            tell(time.monotonic() - began, 1.0)
        if not self.stop_if_not_finite:
            self._warn_if_not_finite()

    def _warn_if_not_finite(self) -> None:
        for o in self._objects.values():
            for v in o.model.variables if isinstance(o, Group) else ():
                array = o.arrays.get(v.name)
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
        op.call()

    def __repr__(self) -> str:
        return f"<Network of {len(self)} objects at t = {self.t!s}: {', '.join(sorted(self._objects))}>"


class _LazyEngine:
    """The engine, waited for only when the plan needs it: until then it may still be compiling."""

    def __init__(self, chosen: Backend):
        self._chosen = chosen

    def __getattr__(self, name: str):
        return getattr(_engine(self._chosen), name)


def _first_tick(time: Fraction, tick: Fraction) -> int:
    """The first tick that does not lie before ``time``; a thousandth of a tick is rounding."""
    exact = time / tick
    near = round(exact)
    return near if abs(exact - near) < Fraction(1, 1000) else math.ceil(exact)


def _seconds(value: Quantity, what: str) -> float:
    if dimensions_of(value) != second.dim:
        raise UnitError(f"run(): {what} must be a time, such as 100*ms; got {value!r}")
    seconds = float(value / second)
    if not (math.isfinite(seconds) and seconds >= 0):
        raise EqsnnError(f"run(): {what} must be finite and not negative; got {value!s}")
    return seconds
