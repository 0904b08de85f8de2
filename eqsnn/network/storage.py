"""In what types a group keeps the values of its variables: ``dtype=`` of a group. Arithmetic is in double precision (docs/decisions/0005)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.model.model import Model
from eqsnn.model.suggest import closest
from eqsnn.network.group import NUMPY_TYPES

_ALLOWED = {
    "float": (np.dtype(np.float64), np.dtype(np.float32)),
    "integer": (np.dtype(np.int64), np.dtype(np.int32)),
    "boolean": (np.dtype(np.bool_),),
}


def storage_types(model: Model, dtype, owner: str) -> dict[str, np.dtype]:
    """The numpy type of each stored variable. ``dtype``: one float type for all floats, or types by variable, or None."""
    stored = {v.name: v.dtype for v in model.variables if (v.kind != "subexpression" or v.held) and not v.linked}
    types = {name: np.dtype(NUMPY_TYPES[kind]) for name, kind in stored.items()}
    if dtype is None:
        return types
    if not isinstance(dtype, Mapping):
        found = _numpy_type(dtype, owner)
        if found not in _ALLOWED["float"]:
            raise EqsnnError(
                f"{owner}: dtype is that of the floats, float32 or float64; got {found.name}. Others: dtype={{'name': ...}}"
            )
        dtype = {name: found for name, kind in stored.items() if kind == "float"}
    for name, wanted in dtype.items():
        if name == "lastspike" and model.refractory is not None and _numpy_type(wanted, owner) == np.float64:
            continue  # a time, always kept so
        if name not in stored:
            near = closest(str(name), stored)
            hint = f"; did you mean '{near}'?" if near else ""
            raise EqsnnError(f"{owner}: dtype= names '{name}', which is no stored variable{hint}")
        found, allowed = _numpy_type(wanted, owner), _ALLOWED[stored[name]]
        if found not in allowed:
            kinds = " or ".join(t.name for t in allowed)
            raise EqsnnError(f"{owner}: '{name}' is kept as {kinds}; dtype= says {found.name}")
        if stored[name] != "boolean":
            types[name] = found
    return types


def _numpy_type(dtype, owner: str) -> np.dtype:
    try:
        return np.dtype(dtype)
    except TypeError:
        raise EqsnnError(
            f"{owner}: dtype must be a numpy type such as float32, or a dict by variable; got {dtype!r}"
        ) from None
