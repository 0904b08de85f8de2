"""Monitors: what a run records. Spike times are kept as steps, values in base SI; both are read with units."""

from __future__ import annotations

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.network.base import SimObject
from eqsnn.network.clock import Clock
from eqsnn.network.group import Group
from eqsnn.network.neurongroup import SpikeSource
from eqsnn.units import DIMENSIONLESS, Quantity, hertz, second


class _Recorder(SimObject):
    """Holds the engine's records from the first run on."""

    records: tuple = ()
    recorded_dt: float | None = None

    def _column(self, k: int, dtype) -> np.ndarray:
        return self.records[k].array() if self.records else np.empty(0, dtype)

    def _seconds(self, steps: np.ndarray) -> np.ndarray:
        return steps * (self.recorded_dt if self.recorded_dt is not None else self.clock.dt_)


def _needs_spikes(name: str, source: SpikeSource) -> None:
    if not source.root.emits:
        raise EqsnnError(f"'{name}' records the spikes of '{source.root.name}', which has no threshold")


class SpikeMonitor(_Recorder):
    """Records the spikes of a group or subgroup: ``i`` (element) and ``t`` (time) of each, in order of time; ``count`` per element.

    ``record=False`` keeps only the counts.
    """

    def __init__(
        self,
        source: SpikeSource,
        record: bool = True,
        *,
        when: str | None = None,
        order: int = 1,
        name: str = "spikemonitor*",
    ):
        if not isinstance(source, SpikeSource):
            raise EqsnnError(f"a SpikeMonitor records a group that emits spikes; got {source!r}")
        super().__init__(name, clock=source.root.clock, when=when or "thresholds", order=order)
        _needs_spikes(self.name, source)
        self.source, self.record = source, bool(record)

    @property
    def i(self) -> np.ndarray:
        """The element of each spike, int32."""
        self._needs_record("i")
        return self._column(0, np.int32)

    @property
    def it_(self) -> tuple[np.ndarray, np.ndarray]:
        """Elements and times in seconds, plain."""
        return self.i, self._seconds(self._column(1, np.int64))

    @property
    def t(self) -> Quantity:
        """The time of each spike."""
        return self.t_ * second

    @property
    def t_(self) -> np.ndarray:
        """The time of each spike in seconds, a plain array."""
        self._needs_record("t")
        return self._seconds(self._column(1, np.int64))

    @property
    def it(self) -> tuple[np.ndarray, Quantity]:
        """``(i, t)``"""
        return self.i, self.t

    @property
    def count(self) -> np.ndarray:
        """How many spikes each element has emitted, int64."""
        return np.bincount(self._column(0, np.int32), minlength=len(self.source))

    @property
    def num_spikes(self) -> int:
        """How many spikes there were."""
        return len(self.records[0]) if self.records else 0

    def spike_trains(self) -> dict[int, Quantity]:
        """For each element the times of its spikes."""
        i, t = self.it
        order = np.argsort(i, kind="stable")
        bounds = np.searchsorted(i[order], np.arange(len(self.source) + 1))
        return {k: t[order[bounds[k] : bounds[k + 1]]] for k in range(len(self.source))}

    def _needs_record(self, what: str) -> None:
        if not self.record:
            raise AttributeError(
                f"{self.name} was made with record=False and has no '{what}'; it has count and num_spikes"
            )

    def __repr__(self) -> str:
        return f"<SpikeMonitor {self.name!r} of {self.source.name!r}: {self.num_spikes} spikes>"


class PopulationRateMonitor(_Recorder):
    """Records the share of a group that spikes in each step, as a rate: ``rate`` (Hz) at ``t``."""

    def __init__(self, source: SpikeSource, *, when: str = "end", order: int = 0, name: str = "populationratemonitor*"):
        if not isinstance(source, SpikeSource):
            raise EqsnnError(f"a PopulationRateMonitor records a group that emits spikes; got {source!r}")
        super().__init__(name, clock=source.root.clock, when=when, order=order)
        _needs_spikes(self.name, source)
        self.source = source
        self.first_step: int = 0

    @property
    def t(self) -> Quantity:
        """The start of each step."""
        return self._seconds(self.first_step + np.arange(len(self.rate_))) * second

    @property
    def rate_(self) -> np.ndarray:
        """The rate in Hz, a plain array."""
        dt = self.recorded_dt if self.recorded_dt is not None else self.clock.dt_
        return self._column(0, np.int64) / (len(self.source) * dt)

    @property
    def rate(self) -> Quantity:
        """The rate in each step."""
        return self.rate_ * hertz

    def smooth_rate(self, window: str | np.ndarray = "gaussian", width: Quantity | None = None) -> Quantity:
        """The rate smoothed by a window of area 1: 'flat' (``width`` long, made odd) or 'gaussian' (standard deviation ``width``), or an
        array of odd length that is used as it is."""
        dt = self.recorded_dt if self.recorded_dt is not None else self.clock.dt_
        if isinstance(window, str):
            if width is None:
                raise EqsnnError("smooth_rate() needs width=, a time such as 5*ms")
            w = float(width / second) / dt
            if window == "flat":
                shape = np.ones(2 * int(w / 2) + 1)
            elif window == "gaussian":
                half = int(np.round(2 * w))
                shape = np.exp(-(np.arange(-half, half + 1) ** 2) / (2 * w**2))
            else:
                raise EqsnnError(f"smooth_rate(): window must be 'flat', 'gaussian' or an array; got {window!r}")
        else:
            shape = np.asarray(window, np.float64)
            if shape.ndim != 1 or len(shape) % 2 == 0:
                raise EqsnnError("smooth_rate(): a window array has one dimension and odd length")
        if not len(self.rate_):
            return self.rate
        full = np.convolve(self.rate_, shape / shape.sum())
        half = len(shape) // 2
        return full[half : half + len(self.rate_)] * hertz

    def __repr__(self) -> str:
        return f"<PopulationRateMonitor {self.name!r} of {self.source.name!r}: {len(self.rate_)} steps>"


class StateMonitor(_Recorder):
    """Records variables of some elements in every step of a clock, at the start of the step unless ``when`` says else.

    ``variables``: a name or names (True: all that can be read); ``record``: True, False (none), an index, a list or a slice. ``M.v`` has shape
    (elements, times), ``M.t`` the times; ``M[i].v`` is the trace of element ``i`` of the group.
    """

    def __init__(
        self,
        source: Group,
        variables,
        record=True,
        *,
        dt: Quantity | None = None,
        clock: Clock | None = None,
        when: str = "start",
        order: int = 0,
        name: str = "statemonitor*",
    ):
        if not isinstance(source, Group):
            raise EqsnnError(f"a StateMonitor records the variables of a group; got {source!r}")
        super().__init__(name, clock=clock or (source.clock if dt is None else None), dt=dt, when=when, order=order)
        names = (
            [variables] if isinstance(variables, str) else list(source.variables) if variables is True else variables
        )
        if not isinstance(names, (list, tuple)):
            raise EqsnnError(
                f"{self.name} records a variable by its name, several in a list, or True; got {variables!r}"
            )
        names = list(names)
        for variable in names:
            if variable not in source.variables:
                raise EqsnnError(
                    f"{source.name} has no variable '{variable}'; it has {', '.join(sorted(source.variables))}"
                )
        if record is True and getattr(source, "unconnected", False):
            raise EqsnnError(f"{source.name} has no elements yet: connect before recording all of them")
        self.source, self.names = source, names
        nothing = record is False or (isinstance(record, (list, tuple)) and not record)
        wanted = slice(None) if record is True else slice(0, 0) if nothing else record
        self.record = np.atleast_1d(source.indices_of(wanted)).astype(np.int64)
        self._sealed = True

    def _values(self, name: str) -> np.ndarray:
        info = self.source.variables[name]
        width = 1 if info.shared else len(self.record)
        flat = self._column(self.names.index(name) + 1, np.float64)
        values = flat.reshape(-1, width).T if width else np.empty((0, len(self.t_)))
        if info.shared:  # one value for the group, and a row for each recorded element, as for other variables
            values = np.broadcast_to(values, (max(1, len(self.record)), values.shape[1]))
        return values.astype(bool) if info.dtype == "boolean" else values

    @property
    def t_(self) -> np.ndarray:
        """The times in seconds, a plain array."""
        return self._seconds(self._column(0, np.int64))

    @property
    def t(self) -> Quantity:
        """The times of the samples."""
        return self.t_ * second

    def __getattr__(self, name: str):
        names = self.__dict__.get("names", ())
        if name in names:
            dim = self.source.variables[name].dim
            values = self._values(name)
            return values if dim == DIMENSIONLESS else Quantity(values, dim=dim)
        if name.endswith("_") and name[:-1] in names:
            return self._values(name[:-1])
        raise AttributeError(
            f"{self.__dict__.get('name', 'StateMonitor')} does not record '{name}'; it records {', '.join(names)}"
        )

    def __getitem__(self, item) -> StateMonitorView:
        return StateMonitorView(self, item)

    def __repr__(self) -> str:
        return f"<StateMonitor {self.name!r} of {self.source.name!r}: {', '.join(self.names)} of {len(self.record)} elements>"


class StateMonitorView:
    """The traces of one element, or of several, of a StateMonitor."""

    def __init__(self, monitor: StateMonitor, item):
        self._monitor = monitor
        wanted = np.atleast_1d(monitor.source.indices_of(item))
        missing = np.setdiff1d(wanted, monitor.record)
        if missing.size:
            raise IndexError(
                f"{monitor.name} does not record element {missing[0]}; record= has {monitor.record[:10].tolist()}"
            )
        lookup = {int(k): n for n, k in enumerate(monitor.record)}
        rows = [lookup[int(k)] for k in wanted]
        self._rows = rows[0] if np.ndim(item) == 0 and not isinstance(item, (slice, str)) else rows

    @property
    def t(self) -> Quantity:
        """The times of the samples."""
        return self._monitor.t

    def __getattr__(self, name: str):
        values = getattr(self._monitor, name)
        return values[0] if self._monitor.source.variables[name.rstrip("_")].shared else values[self._rows]
