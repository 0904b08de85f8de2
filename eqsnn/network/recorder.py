"""What all monitors share: the engine's records, and the times that belong to their rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eqsnn.errors import EqsnnError, UnknownNameError
from eqsnn.network.base import SimObject
from eqsnn.network.variables import VariableInfo
from eqsnn.units import DIMENSIONLESS, Dimension, Quantity, second


@dataclass(frozen=True)
class Segment:
    """The rows of a record from ``row`` on were taken with the time step ``dt`` (seconds; 0: at the times of an EventClock).

    Where rows are regular, row ``row + k`` was taken in step ``step + k*every``; else each row knows its own step.
    """

    row: int
    dt: float
    step: float = 0
    every: int = 1

    def follows(self, last: Segment, rows: int) -> bool:
        """Whether this one, of regular rows, goes on where ``last`` with ``rows`` rows has ended."""
        return (self.dt, self.every) == (last.dt, last.every) and self.step == last.step + rows * last.every


class Recorder(SimObject):
    """Holds the engine's records from the first run on, and a segment for each stretch of time with one time step."""

    invalidates_magic_network = False
    records: tuple = ()
    segments: tuple[Segment, ...] = ()
    regular = True
    """Whether a row is taken in every step, or whenever something happens."""

    @property
    def rows(self) -> int:
        """How many rows have been recorded."""
        return len(self.records[0]) if self.records else 0

    def first_segment(self, step: int) -> Segment:
        """The segment that begins when a run begins in ``step`` of the clock."""
        return Segment(self.rows, self.clock.dt_, step)

    def begin(self, step: int) -> None:
        """A run begins in ``step`` of the clock."""
        self._begin(self.first_segment(step))

    def _begin(self, new: Segment) -> None:
        kept = tuple(s for s in self.segments if s.row < new.row)
        if kept:
            same = new.follows(kept[-1], new.row - kept[-1].row) if self.regular else new.dt == kept[-1].dt
            if same:
                self.__dict__["segments"] = kept
                return
        self.__dict__["segments"] = (*kept, new)

    def settle(self) -> None:
        """A run has ended: what is recorded to a file is there to be read."""
        for record in self.records:
            record.settle()

    def _column(self, k: int, dtype) -> np.ndarray:
        return self.records[k].array() if self.records else np.empty(0, dtype)

    def _spread(self, attribute: str) -> np.ndarray:
        """For each row the value of one attribute of its segment."""
        ends = [*(s.row for s in self.segments[1:]), self.rows]
        counts = [end - s.row for s, end in zip(self.segments, ends)]
        return np.repeat([getattr(s, attribute) for s in self.segments], counts)

    def _regular_times(self) -> np.ndarray:
        """The time of each row in seconds."""
        parts = [np.empty(0)]
        for k, s in enumerate(self.segments):
            end = self.segments[k + 1].row if k + 1 < len(self.segments) else self.rows
            steps = s.step + np.arange(end - s.row) * s.every
            parts.append(steps * s.dt if s.dt else self.clock.times_[steps])
        return np.concatenate(parts)

    def _event_times(self, steps: np.ndarray) -> np.ndarray:
        """The time of each row in seconds, from its step."""
        return steps * self._spread("dt") if len(steps) else np.empty(0)

    def _one_dt(self, what: str) -> float:
        """The time step in seconds of everything that was recorded."""
        found = sorted({s.dt for s in self.segments if s.row < self.rows} or {self.clock.dt_})
        if len(found) > 1:
            steps = ", ".join(f"{dt * 1e3:g} ms" for dt in found)
            raise EqsnnError(f"{self.name}: {what} needs one time step, and this has recorded with {steps}")
        return found[0]

    # -- values for the user ---------------------------------------------------------------------------------------------------

    @abstractmethod
    def _all_states(self) -> Mapping[str, tuple[np.ndarray, Dimension]]:
        """The plain values of everything that can be read, by name, with their dimensions."""

    def get_states(
        self,
        vars: list[str] | str | None = None,
        units: bool = True,
        format: str = "dict",
        subexpressions: bool = False,
        read_only_variables: bool = True,
        level: int = 0,
    ):
        """Everything recorded, or what ``vars`` names, by name; without ``units`` in base SI.

        ``format``: 'dict', or 'pandas' for a DataFrame (of names that have one value a row). The other arguments are those of groups: what was
        recorded cannot be set, so that ``read_only_variables=False`` leaves nothing, and as it is no expression, ``subexpressions`` and
        ``level`` make no difference.
        """
        states = self._all_states() if read_only_variables or vars is not None else {}
        wanted = [vars] if isinstance(vars, str) else list(states) if vars is None else list(vars)
        for name in wanted:
            if name not in states:
                raise UnknownNameError(f"{self.name} has no '{name}' to give; it has {', '.join(states)}")
        values = {n: with_unit(*states[n]) if units else states[n][0] for n in wanted}
        if format == "dict":
            return values
        if format == "pandas":
            return _frame(self.name, values)
        raise EqsnnError(f"{self.name}: the format of get_states() is 'dict' or 'pandas'; got {format!r}")


def _frame(name: str, values: Mapping[str, np.ndarray]):
    try:
        import pandas
    except ImportError as error:
        raise EqsnnError("get_states(format='pandas') needs pandas: pip install pandas") from error
    plain = {n: np.asarray(v) for n, v in values.items()}
    if len({v.shape for v in plain.values()}) > 1 or any(v.ndim != 1 for v in plain.values()):
        shapes = ", ".join(f"{n} {v.shape}" for n, v in plain.items())
        raise EqsnnError(f"{name}: a DataFrame needs columns of one length, and there are {shapes}; choose with vars=")
    return pandas.DataFrame(plain)


def with_unit(values: np.ndarray, dim: Dimension):
    """Plain values with their dimension."""
    return values if dim == DIMENSIONLESS or not isinstance(values, np.ndarray) else Quantity(values, dim=dim)


def times(seconds: np.ndarray) -> Quantity:
    """Seconds as times."""
    return Quantity(seconds, dim=second.dim)


def variable_names(owner: str, variables: object, more: str = "") -> list[str]:
    """``variables=``: a name or names, each once. Raises EqsnnError, which says what ``more`` it may be."""
    names = [variables] if isinstance(variables, str) else variables
    if isinstance(names, (bool, int, float)) or not hasattr(names, "__iter__"):
        raise EqsnnError(f"{owner} records a variable by its name, several in a list{more}; got {variables!r}")
    names = list(dict.fromkeys(names))
    for name in names:
        if not isinstance(name, str):
            raise EqsnnError(f"{owner} records variables by their names; got {name!r} among them")
    return names


def known_variables(owner: str, source, names: list[str]) -> dict[str, VariableInfo]:
    """What is known of the variables ``names`` of the group or pathway ``source``, by name. Raises EqsnnError."""
    from eqsnn.model.suggest import closest

    found = {name: source.known_variable(name) for name in names}
    for name, info in found.items():
        if info is None:
            near = closest(name, source.variables)
            hint = f"did you mean '{near}'?" if near else f"it has {', '.join(sorted(source.variables))}"
            raise UnknownNameError(f"{owner}: '{source.name}' has no variable '{name}' to record; {hint}")
    return found
