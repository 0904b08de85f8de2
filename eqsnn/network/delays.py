"""The delays of many synapses in two bytes each.

Up to ``EXACT_UP_TO`` delays are kept as they were set, in seconds. Of more, each is kept as a whole number of parts of the time step: 1024 parts
a step, or a smaller power of two where the longest delay needs it. Whole steps are exact so; others differ by less than a thousandth of a step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EXACT_UP_TO = 1 << 20
_FINEST, _MOST = 10, (1 << 16) - 1
_AT_ONCE = 1 << 21


@dataclass
class SteppedDelays:
    """``parts[k] * 2**-fineness`` time steps of ``dt`` seconds each. Once ``frozen`` it is replaced, not changed."""

    parts: np.ndarray  # uint16
    dt: float
    fineness: int = _FINEST
    frozen: bool = False

    @property
    def size(self) -> int:
        return len(self.parts)

    def seconds(self, index) -> np.ndarray:
        """Delays in seconds; ``index`` a slice or numbers."""
        return self.parts[index] * (self.dt * 2.0**-self.fineness)

    def steps(self, dt: float, part: slice) -> np.ndarray:
        """Delays in steps of ``dt``, rounded, in 16 bits where they fit."""
        return self._table(dt)[self.parts[part]]

    def _table(self, dt: float) -> np.ndarray:
        steps = np.floor(np.arange(_MOST + 1) * (self.dt * 2.0**-self.fineness) / dt + 0.5)
        return steps.astype(np.uint16 if steps[-1] <= _MOST else np.int32)

    def one(self) -> float | None:
        """The delay in seconds where all are equal."""
        lowest, highest = int(self.parts.min()), int(self.parts.max())
        return float(self.seconds(slice(0, 1))[0]) if lowest == highest else None

    def put(self, index: slice, values: np.ndarray) -> bool:
        """Set some delays; False, with nothing changed, where they are too long for 16 bits."""
        longest = float(np.max(values, initial=0.0)) / self.dt
        while self.fineness and longest * 2.0**self.fineness > _MOST:
            self._coarsen()
        if not longest <= _MOST:
            return False
        self.parts[index] = np.floor(values * (2.0**self.fineness / self.dt) + 0.5)
        return True

    def _coarsen(self) -> None:
        for start in range(0, len(self.parts), _AT_ONCE):
            part = self.parts[start : start + _AT_ONCE]
            part[:] = (part.astype(np.uint32) + 1) >> 1
        self.fineness -= 1


Held = np.ndarray | SteppedDelays
"""Delays of synapses: one for all, one each in seconds, or in two bytes each."""


def seconds_of(held: Held) -> np.ndarray:
    """All delays in seconds: one where it is that of all."""
    return held.seconds(slice(None)) if isinstance(held, SteppedDelays) else held


def one_of(held: Held) -> float | None:
    """The delay in seconds where there is one for all."""
    if isinstance(held, SteppedDelays):
        return held.one()
    return float(held.flat[0]) if held.size == 1 or np.ptp(held) == 0 else None


def steps_in_part(held: Held, dt: float, part: slice) -> np.ndarray:
    """The delays of some synapses in steps of ``dt``, rounded, where each has its own."""
    return held.steps(dt, part) if isinstance(held, SteppedDelays) else np.floor(held[part] / dt + 0.5).astype(np.int32)


def with_values(held: Held, n: int, dt: float, index, values: np.ndarray) -> Held:
    """The delays of ``n`` synapses after those of ``index`` (None: all; numbers or a slice) were set to ``values`` in seconds."""
    if index is None:
        index = slice(None)
        values = np.broadcast_to(values, max(n, 1))
        if np.ptp(values) == 0:
            return np.array(values[:1], np.float64)
        if n <= EXACT_UP_TO:
            return values.astype(np.float64)
        held = np.zeros(1)
    if n > EXACT_UP_TO:
        stepped = _stepped(held, n, dt)
        if stepped is not None and _put(stepped, index, values):
            return stepped
    full = np.broadcast_to(seconds_of(held), n).copy()
    full[index] = values
    return full


def _put(stepped: SteppedDelays, index, values: np.ndarray) -> bool:
    if not isinstance(index, slice):
        return stepped.put(index, values)
    first, last, _ = index.indices(len(stepped.parts))
    for start in range(first, last, _AT_ONCE):
        stop = min(start + _AT_ONCE, last)
        here = values if np.ndim(values) == 0 or len(values) == 1 else values[start - first : stop - first]
        if not stepped.put(slice(start, stop), here):
            return False
    return True


def _stepped(held: Held, n: int, dt: float) -> SteppedDelays | None:
    """A state of ``n`` delays that may be changed, or None where they are kept in seconds."""
    if isinstance(held, SteppedDelays):
        if not held.frozen and held.dt == dt:
            return held
        if held.dt == dt:
            return SteppedDelays(held.parts.copy(), dt, held.fineness)
    if held.size > 1:
        new = SteppedDelays(np.zeros(n, np.uint16), dt)
        return new if _put(new, slice(None), seconds_of(held)) else None
    new = SteppedDelays(np.zeros(n, np.uint16), dt)
    return new if float(held.flat[0]) == 0 or _put(new, slice(None), held) else None
