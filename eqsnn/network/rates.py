"""Rates in bins and under windows, from counts in steps."""

from __future__ import annotations

import numpy as np

from eqsnn.errors import UnitError, WrongTypeError, WrongValueError
from eqsnn.units import Quantity, dimensions_of, second


def steps_of(what: str, value: Quantity, dt: float) -> float:
    """A time in steps of ``dt`` seconds."""
    if dimensions_of(value) != second.dim or np.ndim(value):
        raise UnitError(f"{what} must be a time such as 5*ms; got {value!r}")
    return float(value / second) / dt


def bin_steps(bin_size: Quantity, dt: float) -> int:
    """How many whole steps a bin has."""
    steps = steps_of("binned_rate(): bin_size", bin_size, dt)
    whole = round(steps)
    if whole < 1 or abs(steps - whole) > 1e-6:
        raise WrongValueError(f"binned_rate(): bin_size must be a multiple of dt = {dt * 1e3:g} ms; got {bin_size!s}")
    return whole


def window_of(window: str | np.ndarray, width: Quantity | None, dt: float) -> np.ndarray:
    """The weights of a window, of odd length and sum 1.

    'flat' is ``width`` long, rounded to an odd number of steps; 'gaussian' has the standard deviation ``width`` and reaches two of them to
    either side; an array is taken as it is.
    """
    if isinstance(window, str):
        if width is None:
            raise WrongTypeError("smooth_rate() needs width=, a time such as 5*ms")
        w = steps_of("smooth_rate(): width", width, dt)
        if not w > 0:
            raise WrongValueError(f"smooth_rate(): width must be positive; got {width!s}")
        if window == "flat":
            shape = np.ones(int(np.round(w / 2)) * 2 + 1)
        elif window == "gaussian":
            half = int(np.round(2 * w))
            shape = np.exp(-(np.arange(-half, half + 1) ** 2) / (2 * w**2))
        else:
            raise WrongValueError(f"smooth_rate(): window must be 'flat', 'gaussian' or an array; got {window!r}")
    else:
        if width is not None:
            raise WrongTypeError("smooth_rate(): width= belongs to a window given by name; an array has its own")
        shape = np.asarray(window, np.float64)
        if shape.ndim != 1 or len(shape) % 2 == 0:
            raise WrongTypeError("smooth_rate(): a window array has one dimension and odd length")
        if shape.sum() == 0:
            raise WrongValueError("smooth_rate(): the sum of a window array must not be 0")
    return shape / shape.sum()


def smoothed(rate: np.ndarray, window: np.ndarray) -> np.ndarray:
    """The rates (along the last axis) averaged under the window; beyond their ends they count as 0. The shape stays."""
    n, half = rate.shape[-1], len(window) // 2
    if n == 0:
        return rate.copy()
    return np.apply_along_axis(lambda r: np.convolve(r, window)[half : half + n], -1, rate)
