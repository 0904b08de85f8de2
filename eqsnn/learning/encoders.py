"""Values and signals as what is presented to a network: ``eq.encoders``. Arrays are (samples, ..., neurons) in, (samples, steps, neurons) out.

What is random follows ``seed()``, a stream of its own for each call. Each encoder is a function of arrays alone, so that it can be applied to a batch
as it comes.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.learning.initial import generator
from eqsnn.learning.samples import as_array
from eqsnn.network.clock import defaultclock
from eqsnn.units import DIMENSIONLESS, Quantity, dimensions_of, hertz, second


def current(values, steps: int) -> np.ndarray:
    """A direct current: the same value in each step. ``on_pre='I_post += w*x_pre'`` weighs it. It is a view that takes no memory."""
    values = as_array(values, "values")
    _steps_given(steps)
    return np.broadcast_to(values[..., None, :], (*values.shape[:-1], steps, values.shape[-1]))


def poisson(rates, steps: int | None = None, dt=None) -> np.ndarray:
    """Events that come at random, each step by itself. ``rates``: probabilities of an event in a step, or rates in Hz, of which a step of ``dt``
    (default: of the default clock) makes rate*dt; with ``steps`` (samples, neurons), the same in all steps, else (samples, steps, neurons)."""
    p = _probabilities(rates, dt)
    if steps is not None:
        p = current(p, steps)
    return generator().random(p.shape) < p


def _probabilities(rates, dt) -> np.ndarray:
    dim = dimensions_of(rates)
    if dim not in (DIMENSIONLESS, hertz.dim):
        raise EqsnnError(f"encoders.poisson() takes probabilities a step, or rates in Hz; got {dim}")
    p = as_array(rates, "rates") if dim == DIMENSIONLESS else np.asarray(rates) * _seconds(dt)
    if p.size and not (p.min() >= 0 and p.max() <= 1):
        what = "probabilities a step" if dim == DIMENSIONLESS else "rate*dt"
        raise EqsnnError(
            f"encoders.poisson(): {what} lie between 0 and 1; got {p.min():.3g} to {p.max():.3g} (rates need their unit, Hz)"
        )
    return p


def _seconds(dt) -> float:
    dt = defaultclock.dt if dt is None else dt
    if dimensions_of(dt) != second.dim:
        raise EqsnnError(f"dt= is a time, such as 1*ms; got {dt!r}")
    return float(np.asarray(dt))


def latency(values, steps: int, tau: float | None = None, threshold: float = 0.0) -> np.ndarray:
    """One event a neuron, the earlier the larger its value, which lies between 0 and 1: in the step (1 - value)*(steps - 1), rounded.

    ``tau``: in place of that when a membrane that is charged by the value, with a time constant of so many steps, reaches ``threshold``:
    tau*log(value/(value - threshold)). Values up to ``threshold`` have no event, nor have those whose event would come later than all steps.
    """
    values = as_array(values, "values")
    _steps_given(steps)
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise EqsnnError(
            f"encoders.latency() takes values from 0 to 1; got {values.min():.3g} to {values.max():.3g}: scale them"
        )
    if tau is not None and not (tau > 0 and threshold > 0):
        raise EqsnnError(f"encoders.latency(): tau= and threshold= are positive; got {tau!r} and {threshold!r}")
    heard = values > threshold
    if tau is None:
        when = (1 - values) * (steps - 1)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            when = tau * np.log(values / (values - threshold))
    at = np.rint(np.where(heard, when, np.inf))
    return at[..., None, :] == np.arange(steps)[:, None]


def delta(signal, threshold: float, both: bool = True) -> np.ndarray:
    """Where a signal (samples, steps, n) has changed by ``threshold`` or more since the step before: (samples, steps, 2 n), rises in the first n
    channels and falls in the others; ``both=False``: rises alone. Nothing has changed in the first step."""
    signal = _signal(signal, threshold, "delta")
    change = np.diff(signal, axis=-2, prepend=signal[..., :1, :])
    up = change >= threshold
    return np.concatenate([up, change <= -np.asarray(threshold)], axis=-1) if both else up


def level_crossing(signal, threshold: float) -> np.ndarray:
    """How many levels, ``threshold`` apart, a signal (samples, steps, n) passes in each step: (samples, steps, 2 n), upwards in the first n channels,
    downwards in the others. The first level is where the signal begins, and the next step counts from the level that was passed last, so that
    noise of less than ``threshold`` gives no events (send on delta). The levels that were passed add up to the signal again."""
    signal = _signal(signal, threshold, "level_crossing")
    level = signal[..., 0, :].copy()
    up = np.zeros((*signal.shape[:-2], signal.shape[-2], 2 * signal.shape[-1]), np.int16)
    n = signal.shape[-1]
    for k in range(1, signal.shape[-2]):
        passed = np.trunc((signal[..., k, :] - level) / threshold)
        level += passed * threshold
        up[..., k, :n], up[..., k, n:] = np.maximum(passed, 0), np.maximum(-passed, 0)
    return up


def _signal(signal, threshold, what: str) -> np.ndarray:
    signal = np.asarray(as_array(signal, "signals"), np.float64)
    if signal.ndim < 2:
        raise EqsnnError(f"encoders.{what}() takes signals (samples, steps, n) or (steps, n); got {signal.shape}")
    if not np.all(np.asarray(threshold) > 0):
        raise EqsnnError(f"encoders.{what}(): threshold= is positive; got {threshold!r}")
    return signal


def population(values, n: int, low: float = 0.0, high: float = 1.0, width: float | None = None) -> np.ndarray:
    """How much each of ``n`` neurons is tuned to a value: exp(-(value - centre)^2/(2 width^2)) for centres from ``low`` to ``high`` at equal
    distances; (..., features) in, (..., features*n) out, between 0 and 1, to be presented by ``current``, ``poisson`` or ``latency`` (Bohte, Kok & La
    Poutre 2002). ``width``: default: the distance of the centres."""
    values = np.asarray(as_array(values, "values"), np.float64)
    if not (n > 1 and high > low):
        raise EqsnnError(
            f"encoders.population() takes two neurons or more from low to high; got {n} from {low} to {high}"
        )
    centres = np.linspace(low, high, n)
    width = (high - low) / (n - 1) if width is None else width
    if not width > 0:
        raise EqsnnError(f"encoders.population(): width= is positive; got {width!r}")
    tuned = np.exp(-(((values[..., None] - centres) / width) ** 2) / 2)
    return tuned.reshape(*values.shape[:-1], values.shape[-1] * n)


def events(samples: Iterable, n: int, steps: int | None = None, dt=None, counts: bool = False):
    """Events (times, neurons), one pair of arrays a sample, as what is presented. Times are steps, or quantities that ``dt`` (default: of the default
    clock) divides into steps; events after ``steps`` are left out. Without ``steps`` a list of arrays (steps, n), each as long as its sample; with it
    one array (samples, steps, n). ``counts``: how many events fall into a step, in place of whether one does."""
    made = [_presented(times, neurons, n, steps, dt, counts) for times, neurons in samples]
    return made if steps is None else np.stack(made) if made else np.zeros((0, steps, n), np.uint8)


def _presented(times, neurons, n: int, steps: int | None, dt, counts: bool) -> np.ndarray:
    dim = dimensions_of(times)
    if dim == second.dim:
        at = np.floor(np.asarray(times) / _seconds(dt) + 1e-6).astype(
            np.int64
        )  # a time that is a step's but for rounding
    elif dim == DIMENSIONLESS and as_array(times).dtype.kind in "iu":
        at = as_array(times).astype(np.int64)
    else:
        raise EqsnnError("encoders.events() takes times in seconds, or whole numbers of steps")
    neurons = as_array(neurons, "neurons").astype(np.int64)
    if at.shape != neurons.shape:
        raise EqsnnError(f"there are {at.size} times and {neurons.size} neurons of events")
    if neurons.size and not (neurons.min() >= 0 and neurons.max() < n):
        raise EqsnnError(f"neurons of events are from 0 to {n - 1}; got {neurons.min()} to {neurons.max()}")
    if at.size and at.min() < 0:
        raise EqsnnError("an event is before time 0")
    length = int(at.max(initial=-1)) + 1 if steps is None else steps
    kept = at < length
    out = np.zeros((length, n), np.uint16 if counts else np.uint8)
    if counts:
        np.add.at(out, (at[kept], neurons[kept]), 1)
    else:
        out[at[kept], neurons[kept]] = 1
    return out


def _steps_given(steps) -> None:
    if isinstance(steps, Quantity) or not (isinstance(steps, (int, np.integer)) and steps > 0):
        raise EqsnnError(f"steps= is how many time steps a sample has, 1 or more; got {steps!r}")
