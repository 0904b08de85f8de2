"""Monitors of events and rates. Times are kept as steps, values in base SI; both are read with units."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable

import numpy as np

from eqsnn.errors import EqsnnError, UnknownNameError, WrongTypeError, WrongValueError
from eqsnn.network.events import known_event
from eqsnn.network.neurongroup import SpikeSource
from eqsnn.network.rates import bin_steps, smoothed, window_of
from eqsnn.network.recorded import Columns, column
from eqsnn.network.recorder import Recorder, known_variables, times, variable_names
from eqsnn.units import DIMENSIONLESS, Quantity, hertz, second


class RateMonitor(Recorder):
    """What monitors of rates and of events share: rates in bins, and smoothed ones."""

    def binned_rate(self, bin_size: Quantity) -> tuple[Quantity, Quantity]:
        """The start of each whole bin of ``bin_size`` (a multiple of dt), and the rates in it."""
        dt = self._one_dt("binned_rate()")
        start, rates = self._binned(bin_steps(bin_size, dt), dt)
        return times(start), rates * hertz

    def smooth_rate(self, window: str | np.ndarray = "gaussian", width: Quantity | None = None) -> Quantity:
        """The rate in each step, smoothed by a window of area 1: 'flat' (``width`` long, rounded to an odd number of steps), 'gaussian'
        (standard deviation ``width``), or an array of odd length."""
        dt = self._one_dt("smooth_rate()")
        weights = window_of(window, width, dt)
        return smoothed(self._binned(1, dt)[1], weights) * hertz

    @abstractmethod
    def _binned(self, steps: int, dt: float) -> tuple[np.ndarray, np.ndarray]:
        """The start in seconds of each whole bin of ``steps`` steps, and the rates in Hz with the bins along the last axis."""


class EventMonitor(RateMonitor):
    """Records an event of a group or subgroup: ``i`` (element) and ``t`` (time) of each, in order of time; ``count`` per element.

    ``variables``: variables of the source whose values at the event are recorded too, read as ``M.v``. ``record=False`` keeps only the
    counts, and what ``variables`` asks for. Events are recorded where they become known, before a reset, unless ``when`` (and ``order``) say else.
    """

    regular = False

    def __init__(
        self,
        source: SpikeSource,
        event: str,
        variables: str | Iterable[str] | None = None,
        record: bool = True,
        *,
        when: str | None = None,
        order: int | None = None,
        name: str = "eventmonitor*",
    ):
        kind = type(self).__name__
        if not isinstance(source, SpikeSource):
            raise WrongTypeError(f"{_a(kind)} records a group that emits events, such as a NeuronGroup; got {source!r}")
        known_event(source, event, f"{_a(kind)} records")
        if when is None and order is not None:
            raise WrongValueError(f"{kind}: order= is the rank within a slot; give when= as well")
        if when is None:
            when, order = source.place_of_event(event)
            order += 1
        super().__init__(name, clock=source.root.clock, when=when, order=order or 0)
        self.source, self.event = source, event
        if not isinstance(record, (bool, np.bool_)):
            raise EqsnnError(f"{self.name}: record= is True or False; to record some elements, monitor a subgroup")
        self.record = bool(record)
        names = [] if variables is None else variable_names(self.name, variables)
        self.asked = {"i", "t"} if self.record else {"i", "t"} & set(names)
        self.infos = known_variables(self.name, source, [n for n in names if n not in ("i", "t")])
        self.names = list(self.infos)
        self.counts = None if self.record else np.zeros(len(source), np.int64)

    @property
    def i(self) -> np.ndarray:
        """The element of each event, int32."""
        self._needs_record("i")
        return column(self._elements(), DIMENSIONLESS, self._columns)

    @property
    def keeps_events(self) -> bool:
        """Whether the first two records are the element and the step of each event."""
        return bool(self.asked)

    def _elements(self) -> np.ndarray:
        return self._column(0, np.int32)

    @property
    def it_(self) -> tuple[np.ndarray, np.ndarray]:
        """Elements and times in seconds, plain."""
        return self.i, self.t_

    @property
    def t(self) -> Quantity:
        """The time of each event."""
        return column(self.t_, second.dim, self._columns)

    @property
    def t_(self) -> np.ndarray:
        """The time of each event in seconds, a plain array."""
        self._needs_record("t")
        return column(self._times(), DIMENSIONLESS, self._columns)

    def _times(self) -> np.ndarray:
        return self._event_times(self._column(1, np.int64))

    @property
    def it(self) -> tuple[np.ndarray, Quantity]:
        """``(i, t)``"""
        return self.i, self.t

    @property
    def count(self) -> np.ndarray:
        """How many events each element has emitted, int64."""
        return np.bincount(self.i, minlength=len(self.source)) if self.record else self.counts.copy()

    @property
    def num_events(self) -> int:
        """How many events there were."""
        return self.rows if self.record else int(self.counts.sum())

    @property
    def N(self) -> int:
        """How many events there were."""
        return self.num_events

    def event_trains(self) -> dict[int, Quantity]:
        """For each element the times of its events."""
        return self.values("t")

    def values(self, var: str) -> dict[int, np.ndarray]:
        """For each element the values of a recorded variable (or 't') at its events, in order of time."""
        return self._by_element([var])[var]

    def all_values(self) -> dict[str, dict[int, np.ndarray]]:
        """``values`` of each recorded variable and of 't', by name."""
        return self._by_element(["t", *self.names])

    def _by_element(self, names: list[str]) -> dict[str, dict[int, np.ndarray]]:
        self._needs_record("i")
        i = self._elements()
        order = np.argsort(i, kind="stable")
        bounds = np.searchsorted(i[order], np.arange(len(self.source) + 1))
        sorted_values = {n: self._recorded(n)[order] for n in names}
        return {
            n: {k: values[bounds[k] : bounds[k + 1]] for k in range(len(self.source))}
            for n, values in sorted_values.items()
        }

    def _recorded(self, name: str, units: bool = True):
        """The values of a recorded variable, 'i' or 't', one an event."""
        if name in ("i", "t"):
            return getattr(self, name if units or name == "i" else "t_")
        if name not in self.names:
            raise UnknownNameError(
                f"{self.name} does not record '{name}'; it records {', '.join(['i', 't', *self.names])} (variables= asks for more)"
            )
        info = self.source.variables[name]
        values = self._column(2 * self.keeps_events + self.names.index(name), np.float64)
        values = values.astype(bool) if info.dtype == "boolean" else values
        return column(values, info.dim if units else DIMENSIONLESS, self._columns)

    def _columns(self) -> Columns:
        """What a condition about events may name."""
        known = {**self._events(), "N": (self.rows, DIMENSIONLESS)}
        recorded = {n: (self._recorded(n, units=False), self.source.variables[n].dim) for n in self.names}
        return {**known, **recorded}

    def __getattr__(self, name: str):
        names = self.__dict__.get("names", ())
        if name in names:
            return self._recorded(name)
        if name.endswith("_") and name[:-1] in names:
            return self._recorded(name[:-1], units=False)
        if name.rstrip("_") in ("i", "t", "it") and "asked" in self.__dict__:
            self._needs_record("t" if name.startswith("t") or "i" in self.asked else "i")
        own = self.__dict__.get("name", type(self).__name__)
        raise UnknownNameError(
            f"{own} has no attribute '{name}'; it records {', '.join(['i', 't', *names])} (variables= asks for more)"
        )

    def _all_states(self):
        counts = {"count": (self.count, DIMENSIONLESS), "N": (self.num_events, DIMENSIONLESS)}
        values = {n: (self._recorded(n, units=False), self.source.variables[n].dim) for n in self.names}
        return {**self._events(), **values, **counts}

    def _events(self) -> Columns:
        """The elements and times, as far as they are recorded."""
        own = {"i": (self._elements, DIMENSIONLESS), "t": (self._times, second.dim)}
        return {n: (read(), dim) for n, (read, dim) in own.items() if n in self.asked}

    def _binned(self, steps: int, dt: float) -> tuple[np.ndarray, np.ndarray]:
        self._needs_record("i")
        self._needs_record("t")
        bins = int(round(self._simulated / dt)) // steps
        inside = (at := self._column(1, np.int64) // steps) < bins
        counts = np.zeros((len(self.source), bins))
        np.add.at(counts, (self.i[inside], at[inside]), 1)
        return np.arange(bins) * steps * dt, counts / (steps * dt)

    @property
    def _simulated(self) -> float:
        """The time in seconds up to which the monitor has run."""
        return self.__dict__.get("_time", 0.0)

    def _needs_record(self, what: str) -> None:
        if what not in self.asked:
            known = ", ".join([*sorted(self.asked), *self.names, "count"])
            raise UnknownNameError(
                f"{self.name} was made with record=False and has no '{what}'; it has {known} and num_{self._plural}"
            )

    _plural = "events"

    def __repr__(self) -> str:
        what = "" if self.event == "spike" else f" of {self.event!r}"
        return f"<{type(self).__name__} {self.name!r} of {self.source.name!r}: {self.num_events} {self._plural}{what}>"


class SpikeMonitor(EventMonitor):
    """Records the spikes of a group or subgroup: the EventMonitor of its event 'spike'.

    ``i`` (element) and ``t`` (time) of each spike, in order of time; ``count`` per element; ``variables`` as of an EventMonitor.
    """

    _plural = "spikes"

    def __init__(
        self,
        source: SpikeSource,
        variables: str | Iterable[str] | None = None,
        record: bool = True,
        *,
        when: str | None = None,
        order: int | None = None,
        name: str = "spikemonitor*",
    ):
        super().__init__(source, "spike", variables, record, when=when, order=order, name=name)

    @property
    def num_spikes(self) -> int:
        """How many spikes there were."""
        return self.num_events

    def spike_trains(self) -> dict[int, Quantity]:
        """For each element the times of its spikes."""
        return self.event_trains()


class PopulationRateMonitor(RateMonitor):
    """Records the share of a group that spikes in each step, as a rate: ``rate`` (Hz) at ``t``."""

    def __init__(self, source: SpikeSource, *, when: str = "end", order: int = 0, name: str = "populationratemonitor*"):
        if not isinstance(source, SpikeSource):
            raise WrongTypeError(f"a PopulationRateMonitor records a group that emits spikes; got {source!r}")
        self.event = known_event(source, "spike", "a PopulationRateMonitor records")
        super().__init__(name, clock=source.root.clock, when=when, order=order)
        self.source = source

    @property
    def t(self) -> Quantity:
        """The start of each step."""
        return column(self.t_, second.dim, self._columns)

    @property
    def t_(self) -> np.ndarray:
        """The start of each step in seconds, a plain array."""
        return column(self._regular_times(), DIMENSIONLESS, self._columns)

    @property
    def rate_(self) -> np.ndarray:
        """The rate in Hz, a plain array."""
        counts = self._column(0, np.int64)
        rate = counts / (len(self.source) * self._spread("dt")) if len(counts) else np.empty(0)
        return column(rate, DIMENSIONLESS, self._columns)

    @property
    def rate(self) -> Quantity:
        """The rate in each step."""
        return column(self.rate_, hertz.dim, self._columns)

    def _columns(self) -> Columns:
        """What a condition about steps may name."""
        return self._all_states()

    @property
    def N(self) -> int:
        """How many steps were recorded."""
        return self.rows

    def _all_states(self):
        return {"rate": (self.rate_, hertz.dim), "t": (self.t_, second.dim), "N": (self.rows, DIMENSIONLESS)}

    def _binned(self, steps: int, dt: float) -> tuple[np.ndarray, np.ndarray]:
        rate = self.rate_
        bins = len(rate) // steps
        return self.t_[: bins * steps : steps], rate[: bins * steps].reshape(bins, steps).mean(axis=1)

    def __repr__(self) -> str:
        return f"<PopulationRateMonitor {self.name!r} of {self.source.name!r}: {self.rows} steps>"


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "AEIOU" else f"a {kind}"
