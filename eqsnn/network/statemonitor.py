"""Monitors of variables over time."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from eqsnn.errors import EqsnnError, WrongTypeError
from eqsnn.network.clock import Clock, EventClock
from eqsnn.network.group import NUMPY_TYPES, Group
from eqsnn.network.pathway import PathwayView
from eqsnn.network.rates import steps_of
from eqsnn.network.recorded import column
from eqsnn.network.recorder import Recorder, Segment, known_variables, variable_names, with_unit
from eqsnn.units import DIMENSIONLESS, Quantity, second

_KINDS = {"float": "f", "integer": "iu", "boolean": "b"}
_MARGIN = 1e-3
"""In steps: a time that is reached but for rounding counts as reached."""


class StateMonitor(Recorder):
    """Records variables of some elements in every step of a clock, at the start of the step unless ``when`` says else.

    ``variables``: a name or names (True: all of the equations, and what refractoriness adds to them); ``record``: True (all that exist now),
    False (none), an index, a list, a slice, a mask, a condition in a string, a subgroup, or ``S[i, j]`` of
    synapses. Synapses also have the variables of the neurons at their ends (``v_post``), and ``source`` may be one of their pathways,
    whose ``delay`` is its own. ``M.v`` has shape (elements, times), ``M.t`` the times;
    ``M[i].v`` is the trace of element ``i`` of the group.

    ``dt`` or ``clock`` (also an EventClock): when, if not in every step of the source. ``every=n``: only each n-th step; ``start``, ``stop``: only in
    ``start <= t < stop``. ``dtype``: a numpy type to store values in, or a dict of them by variable. ``file``: a npy file (one for each
    variable, their names appended, if there are several) to which the values are written while the run lasts, of shape (times,
    elements); memory then holds a megabyte of them, and ``M.v`` is a memory map.
    """

    takes_event_clock = True

    def __init__(
        self,
        source: Group | PathwayView,
        variables,
        record=True,
        *,
        dt: Quantity | None = None,
        clock: Clock | EventClock | None = None,
        every: int = 1,
        start: Quantity | None = None,
        stop: Quantity | None = None,
        dtype=None,
        file: str | os.PathLike | None = None,
        when: str = "start",
        order: int = 0,
        name: str = "statemonitor*",
    ):
        if not isinstance(source, (Group, PathwayView)):
            raise WrongTypeError(f"a StateMonitor records the variables of a group; got {source!r}")
        where, source = source, source.synapses if isinstance(source, PathwayView) else source
        super().__init__(name, clock=clock or (source.clock if dt is None else None), dt=dt, when=when, order=order)
        self.source = source
        names = (
            [v.name for v in source.model.visible]
            + [n for n in ("not_refractory", "lastspike") if source.model.refractory is not None]
            if variables is True
            else variable_names(self.name, variables, ", or True")
        )
        self.infos = known_variables(self.name, where, names)
        self.names = list(self.infos)
        self.record = _elements(self.name, source, record)
        self.dtypes = {n: _storage(self.name, n, self.infos[n].dtype, dtype) for n in self.names}
        self.dtypes |= {
            n: source.arrays[n].dtype
            for n in self.names
            if n in source.arrays and source.arrays[n].dtype.itemsize < 8 and source.arrays[n].dtype.kind in "fi"
        }
        self.every, self.start, self.stop = _gate(self.name, every, start, stop)
        self.files = _files(self.name, file, self.names)
        if self.files and not len(self.record):
            raise EqsnnError(f"{self.name}: there is nothing to write to a file, since no element is recorded")

    # -- when --------------------------------------------------------------------------------------------------------------------

    @property
    def record_variables(self) -> list[str]:
        """The names of what is recorded."""
        return list(self.names)

    @property
    def gate(self) -> tuple[int, int, int]:
        """``(every, since, until)``: it records in the steps since, since + every, ... < until; all 0 if in every step."""
        if self.every == 1 and self.start is None and self.stop is None:
            return 0, 0, 0
        since = 0 if self.start is None else self._step_from(self.start)
        until = 2**62 if self.stop is None else self._step_from(self.stop)
        return self.every, since, until

    def _step_from(self, t: float) -> int:
        """The first step of the clock at ``t`` seconds or later."""
        if isinstance(self.clock, EventClock):
            return int(np.searchsorted(self.clock.times_, t))
        return math.ceil(t / self.clock.dt_ - _MARGIN)

    def first_segment(self, step: int) -> Segment:
        every, since, _ = self.gate
        every = every or 1
        first = since + max(0, -(-(step - since) // every)) * every
        dt = 0.0 if isinstance(self.clock, EventClock) else self.clock.dt_
        return Segment(self.rows, dt, first, every)

    def width(self, name: str) -> int:
        """How many values of a variable are recorded at a time."""
        return 1 if self.infos[name].shared else len(self.record)

    @property
    def counts_rows(self) -> bool:
        """Whether a record of its own counts the rows, since no variable has a value in them."""
        return not any(self.width(n) for n in self.names)

    @property
    def rows(self) -> int:
        if not self.records:
            return 0
        if self.counts_rows:
            return len(self.records[-1])
        k = next(k for k, n in enumerate(self.names) if self.width(n))
        return len(self.records[k]) // self.width(self.names[k])

    def record_single_timestep(self) -> None:
        """Record the values as they are now, such as those at the end of a run, which the last step did not see."""
        if not self.records:
            raise EqsnnError(
                f"{self.name}: a single step can be recorded once the monitor has run; run(0*ms) is enough"
            )
        time = self.__dict__.get("_time", 0.0)
        dt = (time or 1.0) if isinstance(self.clock, EventClock) else self.clock.dt_
        exact = time / dt
        near = round(exact)
        self._begin(Segment(self.rows, dt, near if abs(exact - near) < 1e-6 else exact))
        for name, record in zip(self.names, self.records):
            info = self.infos[name]
            record.append(np.asarray(info.read(None if info.shared else self.record)))
        if self.counts_rows:
            self.records[-1].append(np.ones(1, np.int8))
        self.settle()

    # -- what ----------------------------------------------------------------------------------------------------------------------

    @property
    def n_indices(self) -> int:
        """How many elements are recorded."""
        return len(self.record)

    def __len__(self) -> int:
        """How many times were recorded."""
        return self.rows

    def __bool__(self) -> bool:
        return True

    @property
    def N(self) -> int:
        """How many times were recorded."""
        return self.rows

    @property
    def t_(self) -> np.ndarray:
        """The times in seconds, a plain array."""
        return column(self._regular_times(), DIMENSIONLESS, self._columns)

    @property
    def t(self) -> Quantity:
        """The times of the samples."""
        return column(self.t_, second.dim, self._columns)

    def _columns(self):
        """What a condition about samples may name."""
        return {"t": (self._regular_times(), second.dim), "N": (self.rows, DIMENSIONLESS)}

    def table(self, name: str) -> np.ndarray:
        """The plain values of a variable, shape (times, elements). Those in a file are a memory map."""
        width = self.width(name)
        flat = self._column(self.names.index(name), self.dtypes[name])
        values = flat.reshape(-1, width) if width else np.empty((self.rows, 0), self.dtypes[name])
        return np.broadcast_to(values, (len(values), len(self.record))) if width != len(self.record) else values

    def __getattr__(self, name: str):
        names = self.__dict__.get("names", ())
        if name in names:
            return with_unit(self.table(name).T, self.infos[name].dim)
        if name.endswith("_") and name[:-1] in names:
            return self.table(name[:-1]).T
        raise AttributeError(
            f"{self.__dict__.get('name', 'StateMonitor')} does not record '{name}'; it records {', '.join(names)}"
        )

    def _all_states(self):
        values = {n: (self.table(n), self.infos[n].dim) for n in self.names}
        return {"t": (self.t_, second.dim), **values, "N": (self.rows, DIMENSIONLESS)}

    def __getitem__(self, item) -> StateMonitorView:
        return StateMonitorView(self, item)

    def __repr__(self) -> str:
        return f"<StateMonitor {self.name!r} of {self.source.name!r}: {', '.join(self.names)} of {len(self.record)} elements>"


class StateMonitorView:
    """The traces of one element, or of several, of a StateMonitor."""

    def __init__(self, monitor: StateMonitor, item):
        self._monitor = monitor
        found = monitor.source.indices_of(item)
        wanted = np.atleast_1d(found)
        order = np.argsort(monitor.record, kind="stable")
        at = np.searchsorted(monitor.record, wanted, sorter=order)
        rows = order[np.minimum(at, len(order) - 1)] if len(order) else np.zeros(len(wanted), np.int64)
        known = monitor.record[rows] == wanted if len(order) else np.zeros(len(wanted), bool)
        if not known.all():
            shown = ", ".join(map(str, monitor.record[:10].tolist())) or "no element"
            raise IndexError(f"{monitor.name} does not record element {wanted[~known][0]}; it records {shown}")
        self._rows = rows if np.ndim(found) else int(rows[0])

    @property
    def t(self) -> Quantity:
        """The times of the samples."""
        return self._monitor.t

    @property
    def t_(self) -> np.ndarray:
        """The times of the samples in seconds, a plain array."""
        return self._monitor.t_

    def __getattr__(self, name: str):
        return getattr(self._monitor, name)[self._rows]

    def __repr__(self) -> str:
        return f"<elements {self._monitor.record[self._rows]} of {self._monitor!r}>"


def _elements(owner: str, source: Group, record) -> np.ndarray:
    """``record=`` as element numbers of the source, int64."""
    if record is True or record is None:
        if getattr(source, "unconnected", False):
            raise EqsnnError(f"{source.name} has no elements yet: connect before recording all of them")
        return np.arange(len(source))
    if record is False:
        return np.empty(0, np.int64)
    if isinstance(record, (list, tuple, range)) and not len(record):
        return np.empty(0, np.int64)
    if isinstance(record, range):
        record = list(record)
    try:
        return np.atleast_1d(source.indices_of(record)).astype(np.int64)
    except IndexError as error:
        raise IndexError(f"{owner}, record=: {error}") from None


def _storage(owner: str, name: str, kind: str, dtype) -> np.dtype:
    """The type in which a variable is stored."""
    given = dtype.get(name) if isinstance(dtype, Mapping) else dtype
    if given is None:
        return np.dtype(bool) if kind == "boolean" else np.dtype(NUMPY_TYPES[kind])
    found = np.dtype(given)
    if found.kind not in _KINDS[kind]:
        raise EqsnnError(f"{owner}: '{name}' is {_WORDS[kind]} and cannot be stored as {found.name}")
    if found not in _STORED:
        raise EqsnnError(f"{owner}: a record holds {', '.join(t.name for t in _STORED)}; got {found.name} for '{name}'")
    return found


_WORDS = {"float": "a real number", "integer": "an integer", "boolean": "boolean"}
_STORED = tuple(map(np.dtype, ("f8", "f4", "i8", "i4", "i2", "i1", "?")))


def _gate(owner: str, every, start, stop) -> tuple[int, float | None, float | None]:
    if isinstance(every, (bool, float)) or not isinstance(every, (int, np.integer)) or every < 1:
        raise EqsnnError(f"{owner}: every= is a number of steps, 1 or more; got {every!r}")
    lo, hi = (
        None if value is None else steps_of(f"{owner}: {what}=", value, 1.0)
        for what, value in (("start", start), ("stop", stop))
    )
    if hi is not None and not hi > (lo or 0.0):
        raise EqsnnError(f"{owner}: stop= must lie after start=; got {start!s} and {stop!s}")
    if lo is not None and not (math.isfinite(lo) and lo >= 0):
        raise EqsnnError(f"{owner}: start= cannot be negative; got {start!s}")
    return int(every), lo, hi


def _files(owner: str, file, names: Iterable[str]) -> dict[str, Path]:
    """The file of each variable: ``file`` itself for one, ``file`` with the names before its suffix for several."""
    if file is None:
        return {}
    path = Path(file).absolute()
    if path.suffix != ".npy":
        raise EqsnnError(f"{owner}: file= is the name of a npy file, such as 'trace.npy'; got {str(file)!r}")
    if not path.parent.is_dir():
        raise EqsnnError(f"{owner}: file= lies in {path.parent}, which does not exist")
    names = list(names)
    return {n: path if len(names) == 1 else path.with_stem(f"{path.stem}_{n}") for n in names}
