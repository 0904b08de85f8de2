"""Clocks: the time step of each object, and the common ticks of a network.

Time is kept in whole steps; a clock's ``t`` in seconds is its step times ``dt``. Several clocks of one run are compared in ticks of
the greatest common divisor of their steps, as integers, so that no rounding decides which of two clocks comes first.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from eqsnn.errors import EqsnnError, UnitError, WrongValueError
from eqsnn.units import Quantity, dimensions_of, second

_SECOND = second.dim


class Clock:
    """A time step. ``dt`` is a time (a Quantity); it may be changed between runs. ``step`` counts the steps of the network that runs."""

    def __init__(self, dt: Quantity, name: str = "clock"):
        self.name = name
        self._dt = _seconds(dt)
        self.step = 0

    @property
    def t(self) -> Quantity:
        """The time of the clock in the run that goes on or went last: that of its next step."""
        return self.step * self._dt * second

    @property
    def dt(self) -> Quantity:
        """The time step."""
        return self._dt * second

    @dt.setter
    def dt(self, value: Quantity) -> None:
        self._dt = _seconds(value)

    @property
    def dt_(self) -> float:
        """The time step in seconds, as a plain float."""
        return self._dt

    @property
    def t_(self) -> float:
        """The same in seconds, as a plain float."""
        return self.step * self._dt

    @property
    def timestep(self) -> int:
        """How many steps of ``dt`` that time has."""
        return self.step

    def __repr__(self) -> str:
        return f"Clock(dt={self.dt!s}, name={self.name!r})"


class EventClock:
    """A clock that ticks at given ``times``, for a StateMonitor or a network operation: ``EventClock([1, 10, 100]*ms)``."""

    def __init__(self, times: Quantity, name: str = "eventclock"):
        if dimensions_of(times) != _SECOND:
            raise UnitError(f"the times of an EventClock must be times, such as [1, 10]*ms; got {times!r}")
        plain = np.sort(np.atleast_1d(np.asarray(times, np.float64)).ravel())
        if not (np.all(np.isfinite(plain)) and np.all(plain >= 0)):
            raise WrongValueError("the times of an EventClock must be finite and not negative")
        if np.any(np.diff(plain) == 0):
            twice = plain[:-1][np.diff(plain) == 0][0]
            raise WrongValueError(f"the times of an EventClock differ; {twice * 1e3:g} ms is given twice")
        self.name, self.times_ = name, plain

    @property
    def times(self) -> Quantity:
        """When it ticks."""
        return self.times_ * second

    @property
    def dt_(self) -> float:
        """There is none: EqsnnError."""
        raise EqsnnError(f"the clock '{self.name}' ticks at given times and has no time step")

    dt = dt_

    def __repr__(self) -> str:
        return f"EventClock({len(self.times_)} times, name={self.name!r})"


def unique_times(times: Quantity) -> Quantity:
    """The times without those that are given twice; what is no time is left to the clock to refuse."""
    return times if dimensions_of(times) != _SECOND else np.unique(np.asarray(times, np.float64)) * second


def _seconds(dt: Quantity) -> float:
    if dimensions_of(dt) != _SECOND:
        raise UnitError(f"a time step must be a time, such as 0.1*ms; got {dt!r}")
    value = float(dt / second)
    if not (math.isfinite(value) and value > 0):
        raise WrongValueError(f"a time step must be positive and finite; got {dt!s}")
    return value


def exact_seconds(dt: float) -> Fraction:
    """The decimal number that the user most likely wrote for ``dt`` seconds: the simplest fraction within a relative 1e-12."""
    for digits in range(1, 17):
        candidate = Fraction(f"{dt:.{digits}e}")
        if abs(candidate - Fraction(dt)) <= Fraction(dt) * Fraction(1, 10**12):
            return candidate
    return Fraction(dt)


def common_ticks(dts: list[float]) -> tuple[Fraction, list[int]]:
    """The tick (seconds, exact) of several clocks and the period of each in ticks."""
    exact = [exact_seconds(dt) for dt in dts]
    denominator = math.lcm(*(f.denominator for f in exact))
    tick = Fraction(math.gcd(*(int(f * denominator) for f in exact)), denominator)
    return tick, [int(f / tick) for f in exact]


_FINE = 10_000
"""Into so many parts a tick is divided where an EventClock ticks between two steps: the least distance of two times, as in Brian 2."""


def common_grid(clocks: list[Clock | EventClock]) -> tuple[Fraction, list[int | np.ndarray]]:
    """The tick (seconds, exact) of several clocks, and for each its period in ticks, or the ticks of its times."""
    tick, periods = common_ticks([c.dt_ for c in clocks if isinstance(c, Clock)] or [1e-4])
    found = iter(periods)
    places: list[int | np.ndarray] = []
    between = False
    for clock in clocks:
        if isinstance(clock, Clock):
            places.append(next(found))
        else:
            exact = clock.times_ / float(tick)
            between |= bool(np.any(np.abs(exact - np.round(exact)) * _FINE >= 1))
            places.append(exact)
    if between:
        tick = tick / _FINE
    fine = _FINE if between else 1
    return tick, [p * fine if isinstance(p, int) else _moments(c, p, fine) for c, p in zip(clocks, places)]


def _moments(clock: EventClock, exact: np.ndarray, fine: int) -> np.ndarray:
    moments = np.round(exact * fine).astype(np.int64)
    if np.any(np.diff(moments) == 0):
        k = int(np.flatnonzero(np.diff(moments) == 0)[0])
        close = " and ".join(f"{t * 1e3:.9g} ms" for t in clock.times_[k : k + 2])
        raise WrongValueError(f"the clock '{clock.name}' ticks at {close}, closer than a {_FINE}th of the time step")
    return moments


def rests_for_a_step(table_dt: float, dt: float) -> bool:
    """Whether a value that changes every ``table_dt`` seconds can be taken as constant in each step of ``dt`` seconds."""
    return (exact_seconds(table_dt) / exact_seconds(dt)).denominator == 1


def steps_in(duration: float, dt: float) -> int:
    """How many steps of ``dt`` seconds a delay or a refractory period of ``duration`` seconds has, rounded to the nearest step."""
    return int(math.floor(duration / dt + 0.5))


defaultclock = Clock(0.1e-3 * second, "defaultclock")
