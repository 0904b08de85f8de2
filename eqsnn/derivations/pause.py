"""Refractoriness in a step that is trained: how many steps ago the last event was, in place of its time.

A time in seconds would need 64 bits, and the difference of two times is what models use: ``t - lastspike`` becomes ``since*dt`` with a whole number
``since`` that a step counts up and an event sets to 0. None of it has a derivative: while a neuron rests its clamped variables stay, so that
derivatives pass through them unchanged, and what moves passes them on as ever.
"""

from __future__ import annotations

from dataclasses import replace

import sympy

from eqsnn.derivations.sequence import replaced
from eqsnn.derivations.surrogate import FIRED
from eqsnn.integrators import vocabulary as voc
from eqsnn.update_map import Assignment, Input, UpdateMap, Write, symbol

SINCE = "since@spike"
"""The variable that counts the steps since the last event."""
_MARKED, _NEXT = "since@marked", "since@next"
COUNTS = (SINCE, _MARKED, _NEXT)
"""The names of that number in a map."""
_LAST, _OPEN = "lastspike", "not_refractory"
LONGEST = 1 << 22
"""An event that is longer ago counts as this long ago: float32 holds every whole number up to it."""


def since_the_last(map_: UpdateMap, marked: bool) -> UpdateMap:
    """``map_`` with ``t - since*dt`` in place of the time of the last event; ``marked``: as the event of this step leaves it."""
    if all(i.variable != _LAST for i in map_.inputs):
        return map_
    t, dt, since = symbol("t"), symbol("dt"), symbol(_MARKED if marked else SINCE)
    inputs = {i.name: i for i in map_.inputs if i.variable != _LAST}
    inputs.setdefault("t", Input("t", "clock", "t", shared=True))
    inputs.setdefault("dt", Input("dt", "clock", "dt", shared=True, constant=True))
    if not marked:
        inputs[SINCE] = Input(SINCE, "self", SINCE, "integer")
    return replace(
        map_,
        inputs=tuple(inputs.values()),
        assignments=tuple(replaced(a, {symbol(_LAST): t - since * dt}) for a in map_.assignments),
        types={**map_.types, SINCE: "integer"},
    )


def with_marks(map_: UpdateMap) -> UpdateMap:
    """``map_``, which has passed ``with_event``, with what an event leaves behind for refractoriness."""
    fired, since = symbol(FIRED), symbol(SINCE)
    after = {w.variable: symbol(w.value) for w in map_.writes}
    inputs = {i.name: i for i in map_.inputs}
    inputs.setdefault(SINCE, Input(SINCE, "self", SINCE, "integer"))
    if _OPEN not in after:
        inputs.setdefault(_OPEN, Input(_OPEN, "self", _OPEN, "boolean"))
    made = (
        Assignment(_MARKED, voc.Select(fired, sympy.S.Zero, since)),
        Assignment(_NEXT, symbol(_MARKED) + 1),
        Assignment(f"{_OPEN}@marked", voc.Select(fired, voc.Truth(0), after.get(_OPEN, symbol(_OPEN)))),
    )
    types = {SINCE: "integer", _MARKED: "integer", _NEXT: "integer", f"{_OPEN}@marked": "boolean", _OPEN: "boolean"}
    return replace(
        map_,
        inputs=tuple(inputs.values()),
        assignments=(*map_.assignments, *made),
        writes=(
            *(w for w in map_.writes if w.variable != _OPEN),
            Write("self", SINCE, _NEXT),
            Write("self", _OPEN, f"{_OPEN}@marked"),
        ),
        types={**map_.types, **types},
    )
