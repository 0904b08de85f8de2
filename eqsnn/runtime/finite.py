"""What to say of a value that is not finite: which variable of which object, which element, when."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from eqsnn.errors import NotFiniteError
from eqsnn.network.base import SimObject
from eqsnn.network.group import Group
from eqsnn.network.synapses import Synapses
from eqsnn.runtime.plan import Op

_ADVICE = (
    "the run was stopped; look for a division by 0, an exp of a large number, or a dt that is too long for the method"
)


def not_finite(objects: Iterable[SimObject], op: Op, t: float, dt: float) -> NotFiniteError:
    """The error about the operation ``op`` in the step at ``t`` (seconds), the first of a step to make a value that is not finite."""
    when = f"in the step at t = {t * 1e3:g} ms (dt = {dt * 1e3:g} ms)"
    for group, v in _written(objects, op):
        array = group.arrays[v.name]
        bad = _as_users_count(group, np.flatnonzero(~np.isfinite(array)), v.shared)
        if not len(bad):
            continue
        first = array[0] if v.shared else np.asarray(group.state(v.name)[:])[bad[0]]
        where = "" if v.shared else f"[{bad[0]}]"
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        what = "NaN" if np.isnan(first) else "infinite"
        return NotFiniteError(f"{group.name}.{v.name}{where} became {what}{more} {when}\n{v.span.show()}\n  {_ADVICE}")
    return NotFiniteError(f"a variable of {op.owner.name} became NaN or infinite {when}\n  {_ADVICE}")


def _written(objects: Iterable[SimObject], op: Op):
    """The float variables that the kernel of ``op`` writes, in the order in which their groups define them."""
    arrays = [op.binding.buffers[b.name] for b in op.kernel.buffers if b.writable and b.type == "f64"]
    for group in sorted((o for o in objects if isinstance(o, Group)), key=lambda o: o is not op.owner):
        for v in group.model.variables:
            known = group.arrays.get(v.name)
            if known is not None and any(np.may_share_memory(known, a) for a in arrays):
                yield group, v


def _as_users_count(group: Group, places: np.ndarray, shared: bool) -> np.ndarray:
    """Places in an array as the numbers by which a user knows the elements, ascending."""
    if shared or not isinstance(group, Synapses) or group._position is None:
        return places
    return np.flatnonzero(np.isin(group._position, places))
