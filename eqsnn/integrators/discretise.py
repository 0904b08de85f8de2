"""Model to update maps: the step of a neuron or synapse, its marks at a spike, statements, and single expressions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import sympy
from sympy.core.parameters import distribute

from eqsnn.integrators import vocabulary as voc
from eqsnn.integrators.builder import MapBuilder
from eqsnn.integrators.event_driven import bring_up_to_date
from eqsnn.integrators.integrator import choose
from eqsnn.integrators.system import System
from eqsnn.language.ast import Expr, Statements
from eqsnn.model.dimensions import infer
from eqsnn.model.model import Model, Scope
from eqsnn.model.sharing import NOTHING_SHARED, OWNER, Sharing, Side, reads
from eqsnn.model.statements import bind
from eqsnn.update_map import UpdateMap

MARGIN = 1e-3
"""In steps: a refractory time that is reached but for rounding counts as reached (as in ``timestep``)."""


@dataclass(frozen=True)
class Step:
    """The map of one step, and what is to be said about the choice of the method (None: nothing was chosen)."""

    map: UpdateMap
    method: str | None
    message: str | None


def step_map(
    model: Model,
    method: str | None,
    varying: frozenset[str] = frozenset(),
    *,
    update: bool = True,
    threshold: bool = True,
    event: str = "spike",
) -> Step:
    """What one neuron does in a step: refractoriness, its equations (``update``), and the condition of its ``event`` (``threshold``)."""
    builder = MapBuilder(model.name, model.scope)
    chosen = None
    not_refractory = None
    if model.refractory is not None and (update or event == "spike"):
        not_refractory = (
            _refractoriness(builder, model) if update else builder.input("self", "not_refractory", "boolean")
        )
    if update:
        chosen = _equations(builder, model, method, varying, not_refractory, model.of_kind("state"))
        for v in model.of_kind("input"):
            builder.set(("self", v.name), builder.assign(v.name, sympy.S.Zero, v.span))
            builder.write(("self", v.name), builder.current[("self", v.name)], source=v.span)
    condition = next((e.condition for e in model.events if e.name == event), None)
    if threshold and condition is not None:
        crossed = builder.translate(condition)
        if not_refractory is not None and event == "spike":
            crossed = voc.And(crossed, not_refractory)
        builder.event = builder.assign("spike", crossed, condition.span, "boolean").name
    message = chosen.message if chosen is not None else None
    return Step(builder.finish(), chosen.integrator.name if chosen else None, message)


def _refractoriness(builder: MapBuilder, model: Model) -> sympy.Symbol:
    """not_refractory of this step: the period since the last spike is over, or the condition no longer holds."""
    span = model.refractory.span
    found = infer(model.refractory, model.scope)
    value = builder.translate(model.refractory)
    is_condition = found.dtype == "boolean"
    if is_condition:
        before = builder.input("self", "not_refractory", "boolean")
        fresh = builder.assign("not_refractory", voc.Or(before, voc.Not(value)), span, "boolean")
    else:
        dt = builder.time_step()
        least = builder.assign("refractory_time", (voc.Floor(value / dt + MARGIN) - MARGIN) * dt, span)
        since = builder.time() - builder.input("self", "lastspike")
        fresh = builder.assign("not_refractory", voc.LessEqual(least, since), span, "boolean")
    builder.set(("self", "not_refractory"), fresh)
    builder.write(("self", "not_refractory"), fresh, source=span)
    return fresh


def _equations(builder: MapBuilder, model: Model, method, varying, not_refractory, states, resting=frozenset()):
    """The differential equations by the chosen method, then the maps, from the values at the beginning of the step."""
    varying = varying | {v.name for v in model.variables if v.held or v.linked}
    recurrences = model.of_kind("recurrence")
    nexts = {v: builder.translate(v.expr) for v in recurrences}
    chosen = None
    if states:
        trial = System(MapBuilder(model.name, model.scope, builder.sharing), states, varying, not_refractory, resting)
        chosen = choose(trial, method, model.name)
        chosen.integrator.advance(System(builder, states, varying, not_refractory, resting))
    if recurrences:
        System(builder, recurrences, varying, not_refractory)
        _apply_maps(builder, nexts, not_refractory)
    return chosen


def _apply_maps(builder: MapBuilder, nexts, not_refractory) -> None:
    assigned = {}
    for v, expr in nexts.items():
        before = builder.current[("self", v.name)]
        if not_refractory is not None and "unless refractory" in v.flags:
            expr = voc.Select(not_refractory, expr, before)
        assigned[v] = builder.assign(v.name, expr, v.span)
    for v, s in assigned.items():
        builder.set(("self", v.name), s)
        builder.write(("self", v.name), s, source=v.span)


def synapse_step_map(
    model: Model,
    method: str | None,
    varying: frozenset[str] = frozenset(),
    sharing: Sharing = NOTHING_SHARED,
    resting: frozenset[str] = frozenset(),
) -> Step | None:
    """What one synapse does in a step: its clock-driven equations; None if there are none. ``resting``: see ``System``."""
    states = tuple(v for v in model.of_kind("state") if "event-driven" not in v.flags)
    if not states and not model.of_kind("recurrence"):
        return None
    builder = MapBuilder(model.name, model.scope, sharing)
    chosen = _equations(builder, model, method, varying, None, states, resting)
    return Step(builder.finish(), chosen.integrator.name if chosen else None, chosen.message if chosen else None)


def spike_marks(model: Model) -> UpdateMap | None:
    """What a spike leaves behind for refractoriness: ``lastspike`` and ``not_refractory``; None without refractoriness."""
    if model.refractory is None:
        return None
    builder = MapBuilder(model.name, model.scope)
    span = model.refractory.span
    builder.write(("self", "lastspike"), builder.assign("lastspike", builder.time(), span), source=span)
    builder.write(
        ("self", "not_refractory"), builder.assign("not_refractory", voc.Truth(0), span, "boolean"), source=span
    )
    return builder.finish()


def statements_map(
    name: str, statements: Statements, scope: Scope, guarded: bool = False, everywhere: bool = False
) -> UpdateMap:
    """A reset, or other statements about one element. ``guarded``: writes to (unless refractory) variables respect refractoriness;
    ``everywhere``: all elements run them, so that shared variables may be written."""
    builder = MapBuilder(name, scope)
    _run_statements(builder, statements, scope, guarded, everywhere)
    return builder.finish()


def pathway_map(
    model: Model,
    name: str,
    statements: Statements,
    changing: frozenset[tuple[str, str]] = frozenset(),
    sharing: Sharing = NOTHING_SHARED,
    side: Side = "pre",
    together: bool = True,
) -> UpdateMap:
    """What happens at a synapse when a spike of ``side`` arrives: event-driven variables are brought up to date, then the statements are run.

    ``changing``: the (owner, variable) of neurons' parameters that are written during the run. What the synapses of a neuron have in common
    by ``sharing`` remembers when it was updated for itself: an event of the other side needs its value and leaves it as it is. ``together``:
    the event arrives at all synapses of the neuron at once.
    """
    builder = MapBuilder(name, model.scope, sharing)
    driven = [v for v in model.of_kind("state") if "event-driven" in v.flags]
    moved = []
    for owner in dict.fromkeys(sharing.owner(v.name) for v in driven):
        system = System(builder, tuple(v for v in driven if sharing.owner(v.name) == owner))
        last = builder.input(owner, "lastupdate")
        bring_up_to_date(system, model.name, builder.assign("elapsed", builder.time() - last), changing)
        moved += builder.writes if owner == "self" or (owner == OWNER[side] and together) else []
        builder.writes = []
    _run_statements(builder, statements, model.scope, True)
    if driven:
        written = {(w.owner, w.variable) for w in builder.writes}
        builder.writes = [w for w in moved if (w.owner, w.variable) not in written] + builder.writes
        for owner in _updated(sharing, OWNER[side], together, driven):
            builder.write((owner, "lastupdate"), builder.assign("lastupdate", builder.time()))
    return builder.finish()


def _updated(sharing: Sharing, here: str, together: bool, driven) -> list[str]:
    """Who remembers that an event arrived: the neuron whose event it is (``here``), if its synapses have something in common that moves or
    remember nothing themselves, and the synapse, if it has something of its own."""
    moves = any(sharing.owner(v.name) == here for v in driven)
    return [here] * (together and (moves or not sharing.own_lastupdate)) + ["self"] * sharing.own_lastupdate


def brought_up_to_map(model: Model, sharing: Sharing, side: Side) -> UpdateMap:
    """The event-driven variables that the synapses of a neuron of ``side`` have in common, ``elapsed`` seconds after their own last update."""
    builder = MapBuilder(f"{model.name}_{side}", model.scope)
    states = [v for v in model.of_kind("state") if "event-driven" in v.flags and sharing.sides.get(v.name) == side]
    bring_up_to_date(System(builder, tuple(states)), model.name, builder.input("self", "elapsed"))
    return builder.finish()


def _run_statements(builder: MapBuilder, statements: Statements, scope: Scope, guarded: bool, everywhere: bool = False):
    bound, scope = bind(statements, scope, everywhere)
    builder.scope = scope
    accumulated = _accumulated(bound, scope)
    order: dict[tuple[str, str], object] = {}
    for b in bound:
        key = (b.target.owner, b.target.variable)
        if key in accumulated:
            value = builder.number(b.value, scope)
            _write(
                builder,
                b,
                builder.assign(f"change_{b.target.name}", value if b.op == "+=" else -value, b.span),
                "add",
                guarded,
            )
            continue
        builder.execute(b, scope)
        if b.target.owner != "local":
            order[key] = b
    for key, b in order.items():
        _write(builder, b, builder.current[key], "set", guarded)


def _write(builder: MapBuilder, b, value, kind: str, guarded: bool) -> None:
    guard = None
    owner = b.target.owner
    if guarded and b.target.unless_refractory:
        name = "not_refractory" if owner == "self" else f"not_refractory_{owner}"
        known = builder.scope.symbols.get(name)
        if known is not None:
            guard = builder.read(known, builder.scope)
    builder.write((owner, b.target.variable), value, kind, guard, b.span)


def _accumulated(bound, scope: Scope) -> set[tuple[str, str]]:
    """The float variables of connected neurons that are only added to, and that nothing reads: their sums need no order of reads."""
    added: set[tuple[str, str]] = set()
    other: set[tuple[str, str]] = set()
    for b in bound:
        key = (b.target.owner, b.target.variable)
        if key[0] in ("pre", "post"):
            (added if b.op in ("+=", "-=") and b.target.dtype == "float" else other).add(key)
        other |= {(owner, known.variable) for owner, known in reads(b.value, scope)}
    return added - other


def summed_map(model: Model, variable_name: str, sharing: Sharing = NOTHING_SHARED) -> UpdateMap:
    """The contribution of one synapse to a summed variable of a connected neuron."""
    v = model[variable_name]
    name, side = v.name.rsplit("_", 1)
    builder = MapBuilder(f"{model.name}_{v.name}", model.scope, sharing)
    dtype = model.scope.of(side).symbols[name].dtype  # of the memory that is added to
    value = builder.assign(f"change_{v.name}", builder.translate(v.expr), v.span, dtype)
    builder.write((side, name), value, "add", source=v.span)
    return builder.finish()


def held_map(model: Model) -> UpdateMap | None:
    """The subexpressions that are (constant over dt), at the start of a step; None if there are none."""
    held = {v.name: v for v in model.variables if v.held}
    if not held:
        return None
    builder = MapBuilder(f"{model.name}_held", model.scope)

    def evaluate(v) -> None:
        for owner, name in sorted({(o, k.variable) for o, k in reads(v.expr, model.scope)}):
            if owner == "self" and name in held and ("self", name) not in builder.current:
                evaluate(held[name])
        builder.one_for_all = v.shared
        builder.set(("self", v.name), builder.assign(v.name, builder.translate(v.expr), v.span, v.dtype))
        builder.one_for_all = False
        builder.write(("self", v.name), builder.current[("self", v.name)], source=v.span)

    for v in held.values():
        if ("self", v.name) not in builder.current:
            evaluate(v)
    return builder.finish()


def expression_map(name: str, expr: Expr, scope: Scope) -> UpdateMap:
    """The value of one expression, written to the variable ``result``."""
    builder = MapBuilder(name, scope)
    dtype = infer(expr, scope).dtype
    with distribute(
        False
    ):  # 0.1*(j + 0.5) stays so, for the last bits that it has when written out: a delay may lie half between steps
        translated = builder.translate(expr)
    value = builder.assign("result", translated, expr.span, dtype)
    builder.write(("self", "result"), value, source=expr.span)
    return builder.finish()


def poisson_input_map(scope: Scope, variable: str, weight: Expr | None, name: str) -> UpdateMap:
    """``variable += weight * n`` with a binomial number n from the alias table 'binomial'."""
    builder = MapBuilder(name, scope)
    target = scope.symbols[variable]
    builder.read(target, scope)
    value = (
        builder.input("external", "_weight", shared=True, constant=True)
        if weight is None
        else builder.translate(weight)
    )
    builder.lookups["binomial"] = None
    count = voc.Drawn(sympy.Symbol("binomial", real=True), builder.draw("uniform"))
    key = ("self", variable)
    builder.set(
        key, builder.assign(variable, builder.current.get(key, sympy.Symbol(variable, real=True)) + value * count)
    )
    guard = None
    if target.unless_refractory and "not_refractory" in scope.symbols:
        guard = builder.read(scope.symbols["not_refractory"], scope)
    builder.write(key, builder.current[key], guard=guard)
    return builder.finish()


def detached(map_: UpdateMap) -> UpdateMap:
    """The map with every input that differs between elements as a variable ``owner:variable`` of its own elements.

    So an expression about synapses, pairs of neurons or parts of a group becomes one about a plain list of elements.
    """
    inputs = []
    for i in map_.inputs:
        count = i.variable.partition("@")[0] in ("N", "N_pre", "N_post")
        per_element = i.owner not in ("external", "clock") and not (i.owner == "index" and count)
        inputs.append(
            replace(i, owner="self", variable=f"{i.owner}:{i.variable}", shared=False, constant=False, linked=False)
            if per_element
            else i
        )
    return replace(map_, inputs=tuple(inputs))
