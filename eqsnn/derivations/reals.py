"""A map on memory that holds real numbers alone: integers and conditions are read from such numbers and written as such.

They are computed as what they are. What is called as in ``counts`` is whole anyway, and is computed as a real number.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import sympy

from eqsnn.integrators import vocabulary as voc
from eqsnn.update_map import Assignment, UpdateMap, symbol


def as_reals(map_: UpdateMap, counts: Collection[str] = ()) -> UpdateMap:
    """``map_`` whose own variables are all floats."""
    types = {n: t for n, t in map_.types.items() if n not in counts}
    inputs, read, written, writes = [], [], [], []
    for i in map_.inputs:
        if i.owner != "self" or i.dtype == "float":
            inputs.append(i)
        elif i.variable in counts:
            inputs.append(replace(i, dtype="float"))
        else:
            name = f"{i.name}@real"
            inputs.append(replace(i, name=name, dtype="float"))
            number = symbol(name)
            read.append(
                Assignment(i.name, voc.NotEqual(number, sympy.S.Zero) if i.dtype == "boolean" else voc.ToInt(number))
            )
    for w in map_.writes:
        if types.get(w.value, "float") != "float":
            name = f"{w.variable}@real@out"
            written.append(Assignment(name, symbol(w.value), w.source))
            w = replace(w, value=name)
        writes.append(w)
    return replace(
        map_,
        inputs=tuple(inputs),
        assignments=(*read, *map_.assignments, *written),
        writes=tuple(writes),
        types=types,
    )
