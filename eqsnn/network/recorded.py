"""What a monitor has recorded, as arrays that take a condition in a string as an index: ``M.t['i == 0']``, ``M.rate['t > 10*ms']``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from eqsnn.language.parse import parse_expression
from eqsnn.model.model import Scope, Symbol
from eqsnn.network.base import host_site
from eqsnn.network.evaluate import HostExpression
from eqsnn.network.namespace import user_namespace
from eqsnn.units import DIMENSIONLESS, Dimension, Quantity

Columns = Mapping[str, tuple[np.ndarray, Dimension]]
"""Plain values by name, with their dimension; one value a row, or a single one."""


def rows_where(text: str, n: int, columns: Columns) -> np.ndarray:
    """Which of ``n`` rows fulfil a condition over the columns and constants of the user's code. Raises EquationError or UnitError."""
    symbols = {
        name: Symbol(name, "self", name, dim, shared=np.ndim(values) == 0, dtype=_kind(values))
        for name, (values, dim) in columns.items()
    }
    expr = HostExpression(parse_expression(text, "condition"), Scope(symbols), "boolean")
    found = expr.values(n, lambda owner, name: columns[name][0], [user_namespace()], host_site())
    return np.flatnonzero(found)


def _kind(values) -> str:
    return {"f": "float", "b": "boolean"}.get(np.asarray(values).dtype.kind, "integer")


class _Column:
    """An array that can be indexed by a condition; what is computed from it is an array like any other."""

    columns: Callable[[], Columns] | None = None

    def __getitem__(self, item):
        if isinstance(item, str) and self.columns is not None:
            item = rows_where(item, len(self), self.columns())
        return super().__getitem__(item)


class Column(_Column, np.ndarray):
    """Without a unit."""

    def __array_finalize__(self, parent) -> None:
        self.columns = None

    def __getitem__(self, item):
        found = super().__getitem__(item)
        return found.view(np.ndarray) if isinstance(found, Column) else found

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        inputs = tuple(x.view(np.ndarray) if isinstance(x, Column) else x for x in inputs)
        if out is not None:
            kwargs["out"] = tuple(x.view(np.ndarray) if isinstance(x, Column) else x for x in out)
        return getattr(ufunc, method)(*inputs, **kwargs)

    def __repr__(self) -> str:
        return repr(self.view(np.ndarray))

    def __reduce__(self):
        return self.view(np.ndarray).__reduce__()


class QuantityColumn(_Column, Quantity):
    """With a unit."""

    def __getitem__(self, item):
        found = super().__getitem__(item)
        return found.view(Quantity) if isinstance(found, QuantityColumn) else found


def column(values: np.ndarray, dim: Dimension, columns: Callable[[], Columns]):
    """``values`` of one column, with their unit, that find the others where a condition asks for them."""
    if dim == DIMENSIONLESS:
        made = values.view(Column)
    else:
        made = values.view(QuantityColumn)
        made.dim = dim
    made.columns = columns
    return made
