"""How the work of a step is shared out over threads."""

from __future__ import annotations

from collections.abc import Iterable

from eqsnn.network.base import SimObject
from eqsnn.network.synapses import Synapses
from eqsnn.runtime.questions import root_of

_EVEN = 0.75
"""A population gets so much of a thread's share of all synapses at most, where each is done by whoever is free."""


def pathways_stay_whole(objects: Iterable[SimObject], threads: int) -> bool:
    """Whether there are so many populations that threads find enough to do with a pathway each, so that no row has to be cut.

    Pathways onto one population follow on each other in one thread, those onto others may be done by another at the same time
    (runtime/conflicts.py). A row that is cut in two costs more than a whole one, almost twice as much where delays have cut it before.
    """
    onto: dict[SimObject, int] = {}
    for o in objects:
        if isinstance(o, Synapses) and o.active and o.pathways and not o.unconnected:
            target = root_of(o.target)
            onto[target] = onto.get(target, 0) + len(o)
    return threads > 1 and max(onto.values(), default=0) * threads < _EVEN * sum(onto.values())
