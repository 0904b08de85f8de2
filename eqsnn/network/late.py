"""Functions that come late: the functions which equations call are looked up again at each run, as external constants are.

So a TimedArray may be made after the group whose equations call it, and another one may take its name between two runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from eqsnn.model.resolve import with_functions
from eqsnn.network.base import SimObject
from eqsnn.network.equations import functions_used
from eqsnn.network.group import Group
from eqsnn.network.inputs import PoissonInput
from eqsnn.network.neurongroup import NeuronGroup
from eqsnn.network.regular import CodeRunner
from eqsnn.network.synapses import Synapses

Spaces = Callable[[SimObject], list[Mapping[str, object]]]
"""Where the names of an object are looked up in this run."""


def look_up_functions(objects: Iterable[SimObject], spaces: Spaces) -> None:
    """Give every object the functions that ``spaces`` has under the names which it calls; those that it lacks stay what they were."""
    objects = list(objects)
    for o in objects:
        if isinstance(o, NeuronGroup):
            o.model = with_functions(o.model, functions_used(code_of(o), spaces=spaces(o)))
    for o in sorted(
        (o for o in objects if isinstance(o, Synapses)), key=lambda o: o._age
    ):  # synapses onto others are younger
        statements = tuple(p.statements for p in o.pathways.values())
        found = functions_used(code_of(o), statements, spaces=spaces(o))
        o.model = with_functions(o.model, found, o.source.expression_scope(), o.target.expression_scope(), statements)
    for o in objects:
        if isinstance(o, CodeRunner):
            o.functions |= functions_used(o.statements, spaces=spaces(_root(o.group)))
        elif isinstance(o, PoissonInput) and not isinstance(o.amount, float):
            o.functions |= functions_used(o.amount, spaces=spaces(_root(o.target)))


def code_of(o: Group) -> list:
    """The expressions and statements of a group's model."""
    model = o.model
    events = [part for e in model.events for part in (e.condition, e.reset)]
    return [*(v.expr for v in model.variables), *events, model.refractory]


def _root(group: Group) -> Group:
    return getattr(group, "root", group)
