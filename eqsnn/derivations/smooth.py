"""The smooth twin of a step: the event becomes a number between 0 and 1 that has a derivative.

``a < b`` becomes the logistic function of ``slope*(b - a)`` (the sigmoid surrogate of Zenke & Ganguli 2018, Neural Comput. 30:1514, as the function
itself rather than only its derivative), ``and`` a product, ``not`` one minus. Conditions elsewhere stay as they are.
"""

from __future__ import annotations

from dataclasses import replace

import sympy

from eqsnn.errors import InternalError
from eqsnn.integrators import vocabulary as voc
from eqsnn.update_map import Assignment, UpdateMap, Write

SPIKE = "spike"
"""The variable of the group that holds the smooth event."""


def smooth_event(map_: UpdateMap, slope: float) -> UpdateMap:
    """``map_`` with its event written to the float variable 'spike' instead. ``slope`` is per unit of the threshold's own quantity."""
    if map_.event is None:
        return map_
    condition = next(a for a in map_.flat() if a.target == map_.event)
    name = f"{SPIKE}@smooth"
    assigned = Assignment(name, _soft(condition.expr, sympy.Float(slope)), condition.source)
    return replace(
        map_,
        assignments=(*map_.assignments, assigned),
        writes=(*map_.writes, Write("self", SPIKE, name, source=condition.source)),
        event=None,
        types={n: t for n, t in map_.types.items() if n != name},
    )


def _soft(expr, slope):
    if isinstance(expr, (voc.Less, voc.LessEqual)):
        a, b = expr.args
        return 1 / (1 + sympy.exp(-slope * (b - a)))
    if isinstance(expr, voc.And):
        return _soft(expr.args[0], slope) * _soft(expr.args[1], slope)
    if isinstance(expr, voc.Or):
        a, b = (_soft(x, slope) for x in expr.args)
        return 1 - (1 - a) * (1 - b)
    if isinstance(expr, voc.Not):
        return 1 - _soft(expr.args[0], slope)
    if isinstance(expr, voc.Truth):
        return expr.args[0]
    if isinstance(expr, (sympy.Symbol, voc.Equal, voc.NotEqual)):
        return voc.ToInt(expr)
    raise InternalError(f"no smooth twin of {expr}")
