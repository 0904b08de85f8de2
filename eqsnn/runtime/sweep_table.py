"""The result of a sweep, or of trials: a row for each point, a column for each parameter and each value that came out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from eqsnn.errors import EqsnnError, UnitError, UnknownNameError
from eqsnn.network.base import SimObject
from eqsnn.network.variables import VariableView
from eqsnn.runtime.schedule import html_table, table
from eqsnn.units import DIMENSIONLESS, Quantity, dimensions_of

_SHOWN = 20


class SweepTable:
    """``table['rate']`` is a column, ``table[3]`` a row as a dict, ``table.grid('rate')`` a column in the shape of the parameters.

    A column of numbers or quantities is an array with their unit; arrays of one shape are stacked (the first axis counts the points);
    anything else is an array of objects. ``parameters`` and ``values`` name the columns; ``axes`` holds the values along each parameter where
    the points were all combinations of them, else None.
    """

    def __init__(
        self,
        points: Sequence[Mapping[str, object]],
        results: Sequence[Mapping[str, object] | None],
        errors: Sequence[str] | None = None,
        axes: Mapping[str, Sequence] | None = None,
    ):
        self.parameters = tuple(dict.fromkeys(name for p in points for name in p))
        self.values = tuple(dict.fromkeys(name for r in results if r is not None for name in r))
        for name in self.values:
            if name in self.parameters or (errors is not None and name == "error"):
                raise EqsnnError(f"the function returns '{name}', which is a column already; give it another name")
        self.axes = None if axes is None else {name: _column(values, name) for name, values in axes.items()}
        self._rows = [{**p, **(r or {})} for p, r in zip(points, results)]
        if errors is not None:
            self._rows = [{**row, "error": error} for row, error in zip(self._rows, errors)]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns."""
        return self.parameters + self.values + (("error",) if self._rows and "error" in self._rows[0] else ())

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[dict[str, object]]:
        return (dict(row) for row in self._rows)

    def __getitem__(self, item: str | int):
        if not isinstance(item, str):
            return dict(self._rows[item])
        if item not in self.columns:
            raise UnknownNameError(f"there is no column '{item}'; there are {', '.join(self.columns)}")
        return _column([row.get(item) for row in self._rows], item)

    def grid(self, name: str):
        """A column with one axis for each parameter, in their order. Raises EqsnnError where the points were not all combinations."""
        if self.axes is None:
            raise EqsnnError(
                "grid() needs points that are all combinations of values: sweep(f, {'a': [...], 'b': [...]})"
            )
        column = self[name]
        return column.reshape(*(len(a) for a in self.axes.values()), *column.shape[1:])

    def to_pandas(self):
        """A pandas DataFrame with plain numbers in base SI units; what is no number stays what it is."""
        try:
            import pandas
        except ImportError:
            raise EqsnnError("to_pandas() needs pandas; install it: pip install pandas") from None
        plain = {}
        for name in self.columns:
            column = self[name]
            flat = np.asarray(column)
            plain[name] = flat if flat.ndim == 1 else list(flat)
        return pandas.DataFrame(plain)

    def _cells(self) -> list[tuple[str, ...]]:
        rows = [tuple(_shown(row.get(name)) for name in self.columns) for row in self._rows[:_SHOWN]]
        left = len(self) - len(rows)
        return [*rows, (f"... {left} more", *[""] * (len(self.columns) - 1))] if left else rows

    def __repr__(self) -> str:
        return table(self.columns, self._cells(), right=set(range(len(self.columns))))

    def _repr_html_(self) -> str:
        return html_table(self.columns, self._cells(), right=set(range(len(self.columns))))


def _shown(value) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    shape = np.shape(value) if isinstance(value, (np.ndarray, list, tuple)) else ()
    return f"array of {' x '.join(map(str, shape))}" if shape else str(value)


def _column(cells: Sequence, name: str):
    """The cells as one array: with their unit, stacked where their shapes agree. A cell that is missing is NaN among floats."""
    known = [c for c in cells if c is not None]
    numbers = bool(known) and all(np.asarray(c).dtype.kind in "fiub" for c in known)
    shapes = {np.shape(c) for c in known}
    if not numbers or len(shapes) > 1:
        column = np.empty(len(cells), object)
        for k, cell in enumerate(cells):
            column[k] = cell
        return column
    dims = {dimensions_of(c) for c in known}
    if len(dims) > 1:
        raise UnitError(f"the column '{name}' has values with the units {' and '.join(map(str, dims))}")
    missing = np.full(shapes.pop(), np.nan) if len(known) < len(cells) else None
    values = np.stack([np.asarray(missing if c is None else c) for c in cells])
    dim = dims.pop()
    return values if dim == DIMENSIONLESS else Quantity(values, dim=dim)


def portable(result) -> dict[str, object]:
    """The columns that a function returned, without the network behind them."""
    if isinstance(result, Mapping):
        for name in result:
            if not isinstance(name, str):
                raise EqsnnError(f"the function returns a dict whose keys are names; got {name!r}")
        return {name: _portable_value(value) for name, value in result.items()}
    return {"value": _portable_value(result)}


def _portable_value(value):
    if isinstance(value, VariableView):
        return value.get()
    if isinstance(value, SimObject):
        raise EqsnnError(
            f"the function returns numbers and arrays, and this one the {type(value).__name__} '{value.name}'; "
            "return what you need of it, such as M.i[:] or M.num_spikes"
        )
    return value
