"""Clocks: the time step of each object, and the common ticks of a network.

Time is kept in whole steps; a clock's ``t`` in seconds is its step times ``dt``. Several clocks of one run are compared in ticks of
the greatest common divisor of their steps, as integers, so that no rounding decides which of two clocks comes first.
"""

from __future__ import annotations

import math
from fractions import Fraction

from eqsnn.errors import EqsnnError, UnitError
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

    def __repr__(self) -> str:
        return f"Clock(dt={self.dt!s}, name={self.name!r})"


def _seconds(dt: Quantity) -> float:
    if dimensions_of(dt) != _SECOND:
        raise UnitError(f"a time step must be a time, such as 0.1*ms; got {dt!r}")
    value = float(dt / second)
    if not (math.isfinite(value) and value > 0):
        raise EqsnnError(f"a time step must be positive and finite; got {dt!s}")
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


def steps_in(duration: float, dt: float) -> int:
    """How many steps of ``dt`` seconds a delay or a refractory period of ``duration`` seconds has, rounded to the nearest step."""
    return int(math.floor(duration / dt + 0.5))


defaultclock = Clock(0.1e-3 * second, "defaultclock")
