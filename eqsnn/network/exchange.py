"""The values of many variables at once: ``get_states`` and ``set_states`` of a group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.errors import EqsnnError

if TYPE_CHECKING:
    from eqsnn.network.group import Group

FORMATS = ("dict", "pandas")


def values_of(
    group: Group, names: Iterable[str] | None, units: bool, format: str, subexpressions: bool, read_only: bool
):
    """Copies of the values of variables by name: a dict of arrays (quantities with ``units``), or a DataFrame of plain columns."""
    _check_format(format, units)
    if names is None:
        computed = {v.name for v in group.model.variables if v.kind == "subexpression" and not v.held}
        names = [
            n
            for n, info in group.variables.items()
            if n not in computed and (read_only or info.write is not None) and not n.startswith("_")
        ]
        names += [n for n in group.variables if n in computed] if subexpressions and read_only else []
    else:
        names = [names] if isinstance(names, str) else list(names)
    views = {n: group.state(n, use_units=units) for n in names}
    values = {n: view[:] for n, view in views.items()}
    if format == "dict":
        return values
    return _pandas().DataFrame({n: np.broadcast_to(v, len(group)) for n, v in values.items()})


def set_values(group: Group, values, units: bool, format: str) -> None:
    """Set variables from a dict or a DataFrame."""
    _check_format(format, units)
    if format == "pandas":
        values = {name: _column(group, name, values[name].to_numpy()) for name in values.columns}
    if not isinstance(values, Mapping):
        raise EqsnnError(f"set_states() of {group.name} takes a dict of names and values; got {values!r}")
    views = {name: group.state(name, use_units=units) for name in values}
    for view in views.values():
        view.check_writable()
    for name, view in views.items():
        view[:] = values[name]


def _column(group: Group, name: str, column: np.ndarray):
    shared = name in group.variables and group.variables[name].shared
    return column[0] if shared and len(column) else column


def _check_format(format: str, units: bool) -> None:
    if format not in FORMATS:
        raise EqsnnError(f"format={format!r} is not known; there are {' and '.join(map(repr, FORMATS))}")
    if format == "pandas" and units:
        raise EqsnnError("a DataFrame holds plain numbers: say units=False with format='pandas'")


def _pandas():
    try:
        import pandas
    except ImportError:
        raise EqsnnError("format='pandas' needs pandas; install it: pip install pandas") from None
    return pandas
