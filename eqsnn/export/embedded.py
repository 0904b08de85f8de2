"""The embedded profile: a network planned as if all of its groups had ``dtype=float32``, and what it takes of a microcontroller."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from eqsnn.errors import InternalError
from eqsnn.export.memory import Field, Struct
from eqsnn.kernel.single import narrow
from eqsnn.network.base import SimObject
from eqsnn.network.group import Group
from eqsnn.network.inputs import PoissonGroup
from eqsnn.network.recorder import Recorder
from eqsnn.network.statemonitor import StateMonitor
from eqsnn.network.synapses import Synapses
from eqsnn.network.synaptic_storage import SynapticArrays

_TIMES = ("lastspike", "lastupdate")


@contextmanager
def in_single_precision(objects: Iterable[SimObject]) -> Iterator[None]:
    """While this holds, groups have their floats as float32, and monitors record them so. A plan of the same objects was made before, so
    that synapses lie as they will. Afterwards all is as it was."""
    objects = list(objects)
    groups = [o for o in objects if isinstance(o, Group) and not isinstance(o, PoissonGroup) and "arrays" in o.__dict__]
    kept = [(o, _held(o)) for o in groups]
    recorders = [(o, dict(o.__dict__)) for o in objects if isinstance(o, Recorder)]
    lying = [(o, o.ends.version) for o in groups if isinstance(o, Synapses)]
    try:
        for o in groups:
            _narrow(o)
        for o, _ in recorders:
            o.__dict__["records"] = ()
            if isinstance(o, StateMonitor):
                o.__dict__["dtypes"] = {n: _recorded(o, n, t) for n, t in o.dtypes.items()}
        yield
    finally:
        for o, (own, once) in kept:
            dict.clear(o.arrays)
            dict.update(o.arrays, own)
            if isinstance(o.arrays, SynapticArrays):
                o.arrays.once = once
        for o, before in recorders:
            for name in ("records", "dtypes"):
                o.__dict__.pop(name, None)
                o.__dict__ |= {name: before[name]} if name in before else {}
    if any(o.ends.version != version for o, version in lying):
        raise InternalError("synapses were put in another order while they were planned in single precision")


def _held(o: Group):
    arrays = o.arrays
    if isinstance(arrays, SynapticArrays):
        return {n: dict.__getitem__(arrays, n) for n in arrays.own()}, arrays.once
    return dict(arrays), None


def _single(name: str, array: np.ndarray) -> np.ndarray:
    return narrow(array) if array.dtype == np.float64 and name not in _TIMES else array


def _narrow(o: Group) -> None:
    own, once = _held(o)
    dict.update(o.arrays, {n: _single(n, a) for n, a in own.items()})
    if once is not None:
        found = {side: {n: _single(n, a) for n, a in of.items()} for side, of in once.arrays.items()}
        o.arrays.once = replace(once, arrays=found)


def _recorded(o: StateMonitor, name: str, dtype: np.dtype) -> np.dtype:
    """In what type a monitor keeps a variable: that of the variable, if it was that before."""
    arrays = o.source.root.arrays if hasattr(o.source, "root") else o.source.arrays
    own = name in (arrays.own() if isinstance(arrays, SynapticArrays) else arrays)
    single = own and dtype == np.float64 and arrays[name].dtype == np.float32
    return np.dtype(np.float32) if single else dtype


def size_of(structs: Iterable[Struct], pointer: int, held: Iterable[Field]) -> int:
    """The bytes of the network's struct in C, on a machine whose pointers have so many; ``held``: the fields that are part of it."""
    held = set(map(id, held))
    at = _up(_up(16, pointer) + pointer, 8) + 8
    for struct in structs:
        fields = [f for f in struct.fields if id(f) in held]
        if not fields:
            continue
        inner, widest = 0, max(f.dtype.itemsize for f in fields)
        for f in fields:
            inner = _up(inner, f.dtype.itemsize) + f.nbytes
        at = _up(at, widest) + _up(inner, widest)
    return _up(at, 8)


def _up(at: int, alignment: int) -> int:
    return -(-at // alignment) * alignment
