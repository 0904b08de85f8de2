"""What synapses keep once a neuron in a run: decided from the equations, the delays and who else looks at their variables, before anything is bound.

The decision is the same for every engine and any number of threads. Where something needs a value for each synapse, each gets its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.language.ast import Name
from eqsnn.model.sharing import NOTHING_SHARED, SIDES, Sharing, Side, Way, reads, sharing_of
from eqsnn.model.statements import bind
from eqsnn.network.operations import NetworkOperation
from eqsnn.network.regular import CodeRunner
from eqsnn.network.statemonitor import StateMonitor
from eqsnn.network.synapses import Synapses
from eqsnn.runtime.plan_synapses import arrive_together
from eqsnn.runtime.questions import root_of

if TYPE_CHECKING:
    from eqsnn.runtime.planner import Planner


def decide_sharing(plan: Planner, o: Synapses) -> None:
    """Say in ``plan.sharing`` what the synapses ``o`` keep once a neuron, and have them keep it so."""
    together = _together(plan, o)
    sharing = _wanted(plan, o, together)
    once = o.arrays.once
    if once is not None and (once.sharing != sharing or once.constants not in (None, plan.constants[o])):
        o.arrays.expand()
    if o.arrays.once is None:
        while sharing.sides:
            different = o.arrays.unequal(sharing)
            if not different:
                o.arrays.share(sharing, plan.constants[o])
                break
            sharing = _wanted(plan, o, together, different | (_all(o) - set(sharing.sides)))
    else:
        o.arrays.once.constants = dict(plan.constants[o])
    plan.sharing[o] = sharing
    plan.together[o] = together


def possible_sharing(plan: Planner, o: Synapses) -> Sharing:
    """What can be kept once a neuron, whatever the values are now."""
    return _wanted(plan, o, _together(plan, o))


def _together(plan: Planner, o: Synapses) -> dict[str, bool]:
    return {p.name: arrive_together(plan, o, p) for p in o.pathways.values()}


def _all(o: Synapses) -> set[str]:
    return {v.name for v in o.model.variables}


def _wanted(plan: Planner, o: Synapses, together: dict[str, bool], different: set[str] = frozenset()) -> Sharing:
    if not o.active or o.ends.made is not None or _looked_at(plan, o):
        return NOTHING_SHARED
    ways = [Way(p.prepost, p.statements, together[p.name]) for p in o.pathways.values()]
    excluded = {*different, *_used_by_others(plan, o), *_about_lastupdate(o), *_stepped_with_their_ends(o)}
    counts = {side: _synapses_of_each(o, side) for side in SIDES}
    possible = [side for side in SIDES if 0 < len(counts[side]) <= len(o)]
    alone = {side for side in SIDES if not np.all(counts[side])}
    return sharing_of(o.model, ways, excluded | {o.multisynaptic_index}, possible, alone)


def _synapses_of_each(o: Synapses, side: Side) -> np.ndarray:
    """How many synapses each neuron of the source or target has."""
    return o.N_outgoing_pre if side == "pre" else o.N_incoming_post


def _looked_at(plan: Planner, o: Synapses) -> bool:
    """Whether something may look at or change any variable of a synapse in the run: Python code, or who is connected or linked to synapses."""
    code = any(isinstance(other, NetworkOperation) for other in plan.objects)
    return plan.watched or code or connected_or_linked(plan, o)


def connected_or_linked(plan: Planner, o: Synapses) -> bool:
    """Whether other synapses or linked variables read from or write into synapses."""
    for other in plan.objects:
        if isinstance(other, Synapses) and o in (root_of(other.source), root_of(other.target)):
            return True
        if any(link.source is o for link in getattr(other, "links", {}).values()):
            return True
    return bool(o.links)


def _used_by_others(plan: Planner, o: Synapses) -> Iterator[str]:
    """The variables that monitors record and that regular operations read or write."""
    for other in plan.objects:
        if isinstance(other, StateMonitor) and root_of(other.source) is o:
            for name in other.names:
                yield name
                span = next((v.span for v in o.model.variables if v.name == name), None)
                yield from _own(Name(name, span), o.model.scope)
        elif isinstance(other, CodeRunner) and root_of(other.group) is o:
            statements, scope = bind(other.statements, other.scope(), everywhere=True)
            for b in statements:
                yield b.target.variable
                yield from _own(b.value, scope)


def _stepped_with_their_ends(o: Synapses) -> Iterator[str]:
    """The clock-driven states where an equation has coefficients of the neurons: its propagator is one of each synapse."""
    states = [v for v in o.model.of_kind("state") if "event-driven" not in v.flags]
    if any(owner in SIDES for v in states for owner, _ in reads(v.expr, o.model.scope)):
        yield from (v.name for v in states)


def _own(expr, scope) -> Iterator[str]:
    return (known.variable for owner, known in reads(expr, scope) if owner == "self")


def _about_lastupdate(o: Synapses) -> set[str]:
    """The event-driven variables, if an equation or a statement reads when they were updated: each synapse has its own answer to that."""
    scope = o.model.scope
    read = {n for v in o.model.variables if v.expr is not None for n in _own(v.expr, scope)}
    for p in o.pathways.values():
        statements, inner = bind(p.statements, scope)
        read |= {n for b in statements for n in _own(b.value, inner)}
    return {v.name for v in o.model.variables if "event-driven" in v.flags} if "lastupdate" in read else set()
