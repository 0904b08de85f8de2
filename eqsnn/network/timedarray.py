"""Values given for each of a series of times, used in equations as a function: ``I(t)``, or ``I(t, i)`` for one column an element."""

from __future__ import annotations

import numpy as np

from eqsnn.errors import UnitError, WrongTypeError, WrongValueError
from eqsnn.model.functions import TableFunction, fineness
from eqsnn.network.clock import defaultclock
from eqsnn.units import DIMENSIONLESS, Quantity, dimensions_of, second


class TimedArray:
    """``values[k]`` holds from ``k*dt`` until ``(k+1)*dt``; before 0 the first value, after the end the last.

    ``values``: array of shape (T,) or (T, M), with a unit or without; ``dt``: a time. In equations it is called ``f(t)``, or ``f(t, i)`` with
    the column; there it is constant in a time step if ``dt`` is a multiple of that. Outside the columns its value is NaN.
    """

    def __init__(self, values, dt: Quantity, name: str = "timedarray"):
        if dimensions_of(dt) != second.dim:
            raise UnitError(f"TimedArray: dt must be a time, such as 1*ms; got {dt!r}")
        if not (np.isfinite(float(dt / second)) and float(dt / second) > 0):
            raise WrongValueError(f"TimedArray: dt must be positive and finite; got {dt!s}")
        if np.asarray(values).dtype.kind not in "fiub":
            raise WrongValueError(f"TimedArray: values must be numbers; got {values!r}")
        self.dim = dimensions_of(values)
        self.values_ = np.ascontiguousarray(np.asarray(values), np.float64)
        if self.values_.ndim not in (1, 2) or self.values_.size == 0:
            raise WrongValueError(
                f"TimedArray: values must have shape (T,) or (T, M) and at least one value; got {self.values_.shape}"
            )
        self.dt_ = float(dt / second)
        self.name = name

    @property
    def dt(self) -> Quantity:
        """How long each value holds."""
        return self.dt_ * second

    @property
    def values(self):
        """The values with their unit."""
        return self.values_ if self.dim == DIMENSIONLESS else Quantity(self.values_, dim=self.dim)

    def specification(self) -> TableFunction:
        """What the equation checker needs to know."""
        return TableFunction(dim=self.dim, ndim=self.values_.ndim, dt=self.dt_, key=id(self), values=self.values_)

    def __call__(self, t, i=None):
        """The value at time ``t`` (a time), and of column ``i`` where there are several."""
        if dimensions_of(t) != second.dim:
            raise UnitError(f"a TimedArray takes a time, such as 3*ms; got {t!r}")
        parts = fineness(self.dt_, defaultclock.dt_)
        grid = np.floor(np.asarray(t / second, np.float64) / (self.dt_ / parts) + 0.5)
        step = np.clip((grid / parts).astype(np.int64), 0, len(self.values_) - 1)
        if (i is None) != (self.values_.ndim == 1):
            raise WrongTypeError("a TimedArray of shape (T,) is called as I(t), one of shape (T, M) as I(t, i)")
        values = self.values_[step] if i is None else self._column(step, np.asarray(i))
        return values if self.dim == DIMENSIONLESS else Quantity(values, dim=self.dim)

    def _column(self, step: np.ndarray, i: np.ndarray) -> np.ndarray:
        if i.dtype.kind not in "iu":
            raise WrongValueError(f"the column of a TimedArray is an integer; got {i!r}")
        outside = (i < 0) | (i >= self.values_.shape[1])
        return np.where(outside, np.nan, self.values_[step, np.where(outside, 0, i)])

    def __repr__(self) -> str:
        return f"TimedArray(shape={self.values_.shape}, unit={self.dim}, dt={self.dt!s})"
