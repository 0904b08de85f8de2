"""What continuous variables send to other groups: sums in the equations of ``Dense`` (``g_post = w*u_pre : 1 (summed)``) and linked variables.

A sum is a product of the synapse's own weight and of a signal, an expression of the source's variables. The weight is a projection's, the signal
one more value that the source leaves in each step. As in a run, a sum that is made after the source's update reads it before its reset (the same
step); one made before the update reads what the last step has left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sympy

from eqsnn.errors import EqsnnError, EquationError, Span
from eqsnn.integrators.discretise import summed_map
from eqsnn.learning.dense import Dense, Inputs
from eqsnn.model.model import Variable
from eqsnn.network.neurongroup import NeuronGroup
from eqsnn.runtime.place_names import PlaceNames
from eqsnn.runtime.questions import order_of_sum
from eqsnn.update_map import Assignment, Input, UpdateMap, Write, symbol


@dataclass(frozen=True)
class Sent:
    """``expr``, of the source's variables (``inputs``), as the layer's value ``name``; ``early``: after the update and before the reset of the
    step in which it arrives, else as the step before has left it."""

    name: str
    expr: sympy.Expr
    inputs: tuple[Input, ...]
    early: bool
    span: Span | None = None

    def as_map(self) -> UpdateMap:
        """The value that is sent, from variables as they stand."""
        return UpdateMap(
            self.name,
            self.inputs,
            (Assignment(f"{self.name}@now", self.expr, self.span),),
            (Write("self", self.name, f"{self.name}@now"),),
        )


@dataclass(frozen=True)
class Sum:
    """A summed variable of ``dense``: into ``variable`` of the target, ``weight`` times ``signal``; ``owners``: what its symbols stand for."""

    dense: Dense
    declared: Variable
    variable: str
    map: UpdateMap
    weight: sympy.Expr
    signal: sympy.Expr
    owners: Mapping[sympy.Symbol, Input]


def sums_of(dense: Dense) -> list[Sum]:
    """The sums in the equations of a projection. Raises EquationError for one that is no weight times a signal of the source."""
    return [_sum(dense, v) for v in dense.model.variables if "summed" in v.flags]


def _sum(dense: Dense, v: Variable) -> Sum:
    if v.name.endswith("_pre"):
        raise EquationError(
            f"'{v.name}' of {dense.name} sums into its source, and a dense projection leads to its target",
            v.span,
            "write a Dense from there to here",
        )
    map_ = summed_map(dense.model, v.name)
    owners = {symbol(i.name): i for i in map_.inputs}
    (write,) = map_.writes
    expr = symbol(write.value)
    for a in reversed(map_.flat()):
        expr = expr.xreplace({symbol(a.target): a.expr})
    of_source = {s for s, i in owners.items() if i.owner == "pre" or i.variable.endswith("@pre")}
    factors = expr.args if isinstance(expr, sympy.Mul) else (expr,)
    signal = sympy.Mul(*(f for f in factors if f.free_symbols & of_source))
    weight = sympy.Mul(*(f for f in factors if not f.free_symbols & of_source))
    what = f"'{v.name}' of {dense.name} is no weight times a signal of {dense.source.name}"
    for s in sorted((weight * signal).free_symbols, key=lambda s: s.name):
        i = owners[s]
        if i.owner == "post" or i.variable.endswith("@post"):
            raise EquationError(
                f"{what}: it reads '{i.name}'", v.span, "use variables of the synapse and of the source, as in w*u_pre"
            )
        if s in signal.free_symbols and s not in of_source:
            raise EquationError(
                f"{what}: '{i.variable}' stands inside the signal",
                v.span,
                f"write the signal as a subexpression of {dense.source.name}, as in r = tanh(u), and sum w*r_pre",
            )
    if not any(owners[s].owner == "pre" for s in signal.free_symbols):
        raise EquationError(f"{what}: it reads no variable of the source", v.span, "sum something like w*u_pre")
    return Sum(dense, v, v.name.rpartition("_")[0], map_, weight, signal, owners)


def sent_value(sum_: Sum, name: str, early: bool, resting: frozenset[str]) -> Sent:
    """The signal of a sum as a value of its source. ``resting``: variables of the source that hold sums or arrivals, which nobody may send on."""
    source = sum_.dense.source
    inputs, names = [], {}
    for s in sorted(sum_.signal.free_symbols, key=lambda s: s.name):
        i = sum_.owners[s]
        if i.owner == "external":
            variable = i.variable.removesuffix("@pre")
            inputs.append(replace(i, name=f"{variable}@const", variable=variable))
        else:
            _can_be_sent(source, i.variable, resting, sum_.declared.span)
            inputs.append(Input(i.variable, "self", i.variable, i.dtype, i.shared, i.constant))
        names[s] = symbol(inputs[-1].name)
    return Sent(name, sum_.signal.xreplace(names), tuple(inputs), early, sum_.declared.span)


def _can_be_sent(source: NeuronGroup, variable: str, resting: frozenset[str], span: Span | None) -> None:
    if variable in resting:
        raise EquationError(
            f"'{variable}' of {source.name} gathers what arrives, and has no value that could be sent on",
            span,
            f"let an equation keep it, such as d[n+1] = {variable}, and send that",
        )


def changes(source: NeuronGroup, names: set[str]) -> bool:
    """Whether a step changes one of these variables."""
    evolving = {v.name for v in source.model.of_kind("state", "recurrence")}
    reset = {a.target for e in source.model.events if e.reset is not None for a in e.reset.assignments}
    return bool(names & (evolving | reset))


def with_sent(map_: UpdateMap, sent: Sequence[Sent]) -> UpdateMap:
    """``map_`` that also leaves these values, of its variables as it leaves them."""
    if not sent:
        return map_
    after = {w.variable: symbol(w.value) for w in map_.writes if w.kind == "set"}
    inputs = {i.name: i for i in map_.inputs}
    assignments, writes = list(map_.assignments), list(map_.writes)
    for s in sent:
        names = {symbol(i.name): after[i.variable] for i in s.inputs if i.owner == "self" and i.variable in after}
        for i in s.inputs:
            if symbol(i.name) not in names:
                inputs.setdefault(i.name, i)
        assignments.append(Assignment(f"{s.name}@value", s.expr.xreplace(names), s.span))
        writes.append(Write("self", s.name, f"{s.name}@value", source=s.span))
    return replace(map_, inputs=tuple(inputs.values()), assignments=tuple(assignments), writes=tuple(writes))


class Order:
    """In which order a run does the parts of a step."""

    def __init__(self, objects):
        self.names = PlaceNames(objects)

    def of_update(self, group: NeuronGroup) -> tuple[int, str]:
        """The place of a group's equations in the slot 'groups'."""
        return group.order, self.names(group, f"{group.name}_stateupdater")

    def of_sum(self, sum_: Sum) -> tuple[int, str]:
        """The place of a summed variable."""
        name = self.names(sum_.dense, f"{sum_.dense.name}_summed_variable_{sum_.declared.name}")
        return order_of_sum(sum_.dense.target), name

    def early(self, sum_: Sum) -> bool:
        """Whether the sum is made after its source's update. ``Inputs`` have their values from the start of the step on."""
        if isinstance(sum_.dense.source, Inputs):
            return True
        early = self.of_update(sum_.dense.source) < self.of_sum(sum_)
        if sum_.dense._same_step and not early:
            raise EqsnnError(
                f"{sum_.dense.name} arrives in the same step, and {sum_.dense.target.name} is updated before {sum_.dense.source.name}: "
                "layers form a circle"
            )
        return early


@dataclass(frozen=True)
class Linked:
    """Variable ``name`` of ``target`` is ``variable`` of ``source``, neuron by neuron."""

    target: NeuronGroup
    name: str
    source: NeuronGroup
    variable: str
    span: Span | None


def links_of(group: NeuronGroup, groups: Sequence[NeuronGroup]) -> list[Linked]:
    """The linked variables of a group. Raises EqsnnError for one that is not linked neuron by neuron to a variable of a layer."""
    from eqsnn.runtime.plan_links import link_of

    found = []
    for v in group.model.variables:
        if not v.linked:
            continue
        link = link_of(group, v.name)
        where = f"'{v.name}' of {group.name} is linked to '{link.variable}' of {link.source.name}"
        if all(link.source is not g for g in groups) or link.source is group:
            raise EquationError(f"{where}, which is no other group of the trained network", v.span)
        n, place = len(group), link.place
        if isinstance(place, str) or link.info.shared or list(range(n)) != list(link.places(None)):
            raise EquationError(
                f"{where} by an index, and the learner links neuron k to neuron k",
                v.span,
                "link two groups of one size",
            )
        if n != len(link.source):
            raise EquationError(f"{where}: they have {n} and {len(link.source)} neurons", v.span)
        if link.source.model[link.variable].kind == "subexpression":
            raise EquationError(
                f"{where}, a subexpression", v.span, "link to a variable of an equation, and compute from it here"
            )
        if not changes(link.source, {link.variable}):
            raise EquationError(
                f"{where}, which no step changes", v.span, f"declare it as a parameter of {group.name} itself"
            )
        found.append(Linked(group, v.name, link.source, link.variable, v.span))
    return found
