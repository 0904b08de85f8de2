"""All that a neuron does in a step as one map: what is (constant over dt), its equations, its threshold, what an event leaves behind, its reset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eqsnn.derivations.pause import since_the_last, with_marks
from eqsnn.derivations.sequence import one_after_the_other
from eqsnn.derivations.surrogate import SPIKE, in_one_step, with_event
from eqsnn.errors import EqsnnError, EquationError
from eqsnn.integrators import vocabulary as voc
from eqsnn.integrators.discretise import held_map, statements_map, step_map
from eqsnn.learning.graded import Sent, with_sent
from eqsnn.network.neurongroup import NeuronGroup
from eqsnn.update_map import Repeat, UpdateMap, symbol


def one_step(group: NeuronGroup, sent: Sequence[Sent] = ()) -> UpdateMap:
    """The map of ``group``, with its event as the variable 'spike' and what it sends. Raises EquationError for what has no gradient."""
    model = group.model
    _must_be_known(group)
    step = step_map(model, group.method).map
    held = held_map(model)
    if held is not None:
        step = one_after_the_other(held, step, "held_")
    step = since_the_last(with_sent(with_event(step), [s for s in sent if s.early]), marked=False)
    event = next((e for e in model.events if e.name == "spike"), None)
    if model.refractory is not None and event is not None:
        step = with_marks(step)
    if event is not None and event.reset is not None:
        step = in_one_step(step, statements_map(model.name, event.reset, model.scope))
    step = since_the_last(with_sent(step, [s for s in sent if not s.early]), marked=True)
    resting, written = {v.name for v in model.variables if v.held}, {w.variable for w in step.writes}
    return replace(
        step,
        inputs=tuple(replace(i, shared=i.shared and i.variable not in written) for i in step.inputs),
        writes=tuple(w for w in step.writes if w.variable not in resting),
    )


def live(map_: UpdateMap) -> UpdateMap:
    """The map without what none of its writes needs, and without integers and conditions that nothing else needs."""
    kept, needed = _walked(map_, {w.value for w in map_.writes if map_.types.get(w.value, "float") == "float"})
    writes: list = []
    while True:  # what a condition keeps for the next step is needed where this step reads it
        wanted = [
            w
            for w in map_.writes
            if map_.types.get(w.value, "float") == "float"
            or any(i.variable == w.variable and symbol(i.name) in needed for i in map_.inputs)
        ]
        if wanted == writes:
            break
        writes = wanted
        kept, needed = _walked(map_, {w.value for w in writes})
    states = {w.variable for w in writes}
    matrices = {s for p in map_.propagators for row in p.matrix for e in row for s in e.free_symbols}
    return replace(
        map_,
        assignments=kept,
        writes=tuple(writes),
        inputs=tuple(i for i in map_.inputs if symbol(i.name) in needed | matrices or i.variable in states),
        noise=tuple(n for n in map_.noise if symbol(n.name) in needed),
    )


def _walked(map_: UpdateMap, values) -> tuple[tuple, set]:
    """The assignments that ``values`` need, and all that these read."""
    needed, kept = {symbol(v) for v in values}, []
    for a in reversed(map_.assignments):
        if symbol(a.target) in needed:
            kept.append(a)
            needed |= a.expr.free_symbols
    return tuple(reversed(kept)), needed


def _must_be_known(group: NeuronGroup) -> None:
    model = group.model
    for v in model.variables:
        if v.name == SPIKE:
            raise EquationError("the learner calls the event 'spike'", v.span, "give the variable another name")
    for event in model.events:
        if event.name != "spike" and event.reset is not None:
            raise EqsnnError(
                f"{group.name} runs code at its event '{event.name}', through which no gradient is known; "
                "write it into the reset, or into the equations"
            )


def must_be_differentiable(group: NeuronGroup, map_: UpdateMap) -> None:
    """Raises EquationError where the step of ``group`` has no derivative."""
    first = next((v.span for v in group.model.variables if v.expr is not None), None)
    for a in map_.assignments:
        if isinstance(a, Repeat):
            raise EquationError(
                f"the method of {group.name} has no fixed number of steps", first, "use euler, rk4 or exponential_euler"
            )
        if a.expr.has(voc.UserCall):
            raise EquationError(
                f"{group.name} calls a function of yours, whose derivative is not known",
                a.source,
                "write it as an expression of the model's variables",
            )
    for i in map_.inputs:
        if i.linked or i.owner not in ("self", "external", "clock", "index"):
            raise EquationError(
                f"'{i.variable}' of {group.name} is a variable of another group", first, "let synapses bring it"
            )


def whole_states(map_: UpdateMap) -> frozenset[str]:
    """The variables that a step leaves and that are no floats."""
    return frozenset(w.variable for w in map_.writes if map_.types.get(w.value, "float") != "float")
