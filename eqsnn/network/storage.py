"""In what types a group keeps the values of its variables: ``dtype=`` of a group. Arithmetic follows (docs/decisions/0008)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.model.model import Model
from eqsnn.model.rules import STORAGE
from eqsnn.model.suggest import closest
from eqsnn.network.group import NUMPY_TYPES

_ALLOWED = {kind: tuple(np.dtype(name) for name in names) for kind, names in STORAGE.items()}
_ALLOWED["boolean"] = (np.dtype(np.bool_),)
_SMALLEST_NORMAL = np.float16(2.0**-14)
_OF_ALL = (np.dtype(np.float64), np.dtype(np.float32))


def storage_types(model: Model, dtype, owner: str) -> dict[str, np.dtype]:
    """The numpy type of each stored variable. ``dtype``: one float type for all floats, or types by variable, or None."""
    stored = {v.name: v.dtype for v in model.variables if (v.kind != "subexpression" or v.held) and not v.linked}
    computed = {v.name: v.dtype for v in model.variables if v.name not in stored}
    computed |= {} if model.refractory is None else {"lastspike": "float"}
    types = {name: np.dtype(NUMPY_TYPES[kind]) for name, kind in stored.items()}
    said = {v.name: np.dtype(v.storage) for v in model.variables if v.storage is not None}
    types |= said
    if dtype is None:
        return types
    if not isinstance(dtype, Mapping):
        found = _numpy_type(dtype, owner)
        if found not in _OF_ALL:
            raise EqsnnError(
                f"{owner}: dtype is that of the floats, float32 or float64; got {found.name}. Others: dtype={{'name': ...}}"
            )
        dtype = {name: found for name, kind in stored.items() if kind == "float" and name not in said}
    for name, wanted in dtype.items():
        if name in computed and _numpy_type(wanted, owner) == NUMPY_TYPES[computed[name]]:
            continue  # always so
        if name not in stored:
            near = closest(str(name), stored)
            hint = f"; did you mean '{near}'?" if near else ""
            raise EqsnnError(f"{owner}: dtype= names '{name}', which is no stored variable{hint}")
        found, allowed = _numpy_type(wanted, owner), _ALLOWED[stored[name]]
        if found not in allowed:
            kinds = " or ".join(t.name for t in allowed)
            raise EqsnnError(f"{owner}: '{name}' is kept as {kinds}; dtype= says {found.name}")
        if found != said.get(name, found):
            raise EqsnnError(f"{owner}: the equations keep '{name}' as {said[name].name}, and dtype= says {found.name}")
        if stored[name] != "boolean":
            types[name] = found
    return types


def fitting(values, dtype: np.dtype, name: str, owner: str) -> np.ndarray:
    """``values`` as they are kept in ``dtype``: integers as they are, floats rounded to the nearest, ties to even.

    Raises EqsnnError for a value that does not fit: an integer beyond the limits, or in float16 a number beyond 65504, or one that would become 0
    where all are small (below 6e-5). Of float32 what is beyond it becomes infinite or 0, as in a run.
    """
    values = np.asarray(values)
    if dtype.kind == "i" and dtype.itemsize < 8 and values.size:
        limits = np.iinfo(dtype)
        for found in (int(values.min()), int(values.max())):
            if not limits.min <= found <= limits.max:
                raise EqsnnError(
                    f"'{name}' of {owner} is kept as {dtype.name}, {limits.min} to {limits.max}; got {found}"
                )
    if dtype != np.float16:
        return values
    with np.errstate(over="ignore", under="ignore"):
        kept = values.astype(np.float16)
    wrong = np.isinf(kept) & np.isfinite(values)
    if not np.any(np.abs(kept) >= _SMALLEST_NORMAL):  # else what is lost is nothing beside the others
        wrong |= (kept == 0) & (values != 0)
    if np.any(wrong):
        found = float(values[wrong].flat[0])
        raise EqsnnError(
            f"'{name}' of {owner} is kept as float16, 6e-8 to 65504 in base units, and {found:g} does not fit; "
            "keep it as a number without unit, in parts of a unit by which the statements multiply it"
        )
    return kept


def readable(values: np.ndarray) -> np.ndarray:
    """A copy of values to compute with in numpy: float16 and the short integers in their full type."""
    if values.dtype == np.float16:
        return values.astype(np.float64)
    return values.astype(np.int64) if values.dtype in (np.int16, np.int8) else values.copy()


def _numpy_type(dtype, owner: str) -> np.dtype:
    try:
        return np.dtype(dtype)
    except TypeError:
        raise EqsnnError(
            f"{owner}: dtype must be a numpy type such as float32, or a dict by variable; got {dtype!r}"
        ) from None
