"""Which variables of a synapse are the same for all synapses of one neuron, by what the model says of them.

A variable has one value for each source (or target) neuron if nothing that changes it differs between the synapses of that neuron: its
equation reads constants, the time, that neuron and other such variables; statements write it only where that neuron's events arrive at all its
synapses at once, and make what they write of the same; and nothing needs it as it was at the synapse's own last event. Whether its values are
equal when a run begins is not asked here (network/synaptic_storage.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from eqsnn.language.ast import Call, Expr, Name, Statements, walk
from eqsnn.model.functions import InlineFunction, UserFunction, is_random
from eqsnn.model.model import Model, Scope, Symbol, Variable, seen_from
from eqsnn.model.statements import Bound, bind

Side = Literal["pre", "post"]
SIDES: tuple[Side, Side] = ("pre", "post")
OWNER: dict[str, str] = {"pre": "each_pre", "post": "each_post"}
"""Whose a variable is, in maps and kernels, that synapses have once for each source or target."""

_OF_A_SIDE = {"i": "pre", "N_outgoing": "pre", "j": "post", "N_incoming": "post"}


@dataclass(frozen=True)
class Sharing:
    """``sides``: the side of each variable that is kept once a neuron. ``own_lastupdate``: each synapse remembers when it was updated, if
    at all: it has event-driven variables of its own, or events that do not arrive at all synapses of a neuron at once."""

    sides: Mapping[str, Side]
    own_lastupdate: bool

    def owner(self, variable: str) -> str:
        """Whose ``variable`` of a synapse is, in a map."""
        return OWNER[self.sides[variable]] if variable in self.sides else "self"


NOTHING_SHARED = Sharing({}, True)


@dataclass(frozen=True)
class Way:
    """A pathway: the side whose events it waits for, its statements, and whether an event arrives at all synapses of a neuron ``together``."""

    side: Side
    statements: Statements
    together: bool


def sharing_of(
    model: Model,
    ways: Sequence[Way],
    excluded: Collection[str] = (),
    possible: Collection[Side] = SIDES,
    alone: Collection[Side] = (),
) -> Sharing:
    """What the synapses of one neuron of a ``possible`` side have in common; never a variable that is ``excluded``.

    ``alone``: the sides on which some neurons have no synapse. Their own variables may have any value, so that nothing is computed of them.
    """
    sides: dict[str, Side] = {}
    for side in SIDES:
        found = _common(model, ways, side, {*excluded, *sides}, side in alone) if side in possible else ()
        sides.update(dict.fromkeys((v.name for v in model.variables if v.name in found), side))
    driven = [v for v in model.variables if _event_driven(v)]
    own = not driven or any(v.name not in sides for v in driven) or not all(w.together for w in ways)
    return Sharing(sides, own) if sides else NOTHING_SHARED


def _event_driven(v: Variable) -> bool:
    return v.kind == "state" and "event-driven" in v.flags


def _stepped(v: Variable) -> bool:
    return v.kind == "recurrence" or (v.kind == "state" and not _event_driven(v))


def _common(model: Model, ways: Sequence[Way], side: Side, excluded: Collection[str], alone: bool) -> set[str]:
    bound = [(w, *bind(w.statements, model.scope)) for w in ways]
    found = {
        v.name
        for v in model.variables
        if v.kind in ("state", "recurrence", "parameter") and not (v.shared or v.linked or v.name in excluded)
    }
    while True:
        judge = _Judge(model, side, found, alone)
        kept = {n for n in found if judge.equation(model[n])}
        for way, statements, scope in bound:
            kept -= judge.spoilt(way, statements, scope)
        kept -= _needed_elsewhere(model, kept)
        if kept == found:
            break
        found = kept
    moving = {b.target.variable for _, statements, _ in bound for b in statements if b.target.owner == "self"}
    moving |= {v.name for v in model.variables if v.kind in ("state", "recurrence")}
    read = _read_by(model, bound, found & moving)
    return {n for n in found if n in moving or n in read}


@dataclass(frozen=True)
class _Judge:
    """What may be read by something that is the same for all synapses of a neuron of ``side``, if the variables ``common`` are."""

    model: Model
    side: Side
    common: set[str]
    alone: bool = False

    def equation(self, v: Variable) -> bool:
        """Whether the equation of a variable keeps it common."""
        if v.expr is None:
            return True
        parameters = {p.name for p in self.model.variables if p.kind == "parameter" and not p.shared}
        for owner, known in reads(v.expr, self.model.scope):
            if owner == "self" and _stepped(v) and known.variable in parameters:
                return False  # the propagator of a step is made for each synapse
        return self.allows(v.expr, self.model.scope)

    def spoilt(self, way: Way, statements: Sequence[Bound], scope: Scope) -> set[str]:
        """The variables that a pathway may make differ between synapses."""
        written = {b.target.variable for b in statements if b.target.owner in SIDES}
        steady = way.side == self.side and way.together
        different: set[str] = set()
        while True:
            more = {
                b.target.name
                for b in statements
                if b.target.owner == "local" and not self.allows(b.value, scope, written, different)
            }
            if more <= different:
                break
            different |= more
        return {
            b.target.variable
            for b in statements
            if b.target.owner == "self" and not (steady and self.allows(b.value, scope, written, different))
        }

    def allows(self, expr: Expr, scope: Scope, written: Collection[str] = (), different: Collection[str] = ()) -> bool:
        """Whether an expression has one value for all synapses of a neuron. ``written``: variables of neurons that change meanwhile;
        ``different``: local names."""
        if unforeseeable(expr, scope):
            return False
        return all(self._may_read(o, known, written, different) for o, known in reads(expr, scope))

    def _may_read(self, owner: str, known: Symbol, written: Collection[str], different: Collection[str]) -> bool:
        if owner in ("external", "argument", "clock"):
            return True
        if owner == "local":
            return known.name not in different
        if owner == "index":
            return known.shared or _OF_A_SIDE.get(known.variable) == self.side
        if owner == "self":
            return known.shared or known.variable in self.common
        ours = known.shared or (owner == self.side and not self.alone)
        return owner in SIDES and ours and not known.linked and known.variable not in written


def unforeseeable(expr: Expr, scope: Scope) -> bool:
    """Whether an expression draws random numbers, has noise in it, or calls what nothing is known of."""
    if is_random(expr, scope.functions):
        return True
    for node in walk(expr):
        known = scope.symbols.get(node.id) if isinstance(node, Name) else None
        if isinstance(node, Name) and known is None and (node.id == "xi" or node.id.startswith("xi_")):
            return True
        inner = (
            None if known is None or known.expr is None else scope.of(known.owner) if known.owner in SIDES else scope
        )
        if inner is not None and unforeseeable(known.expr, inner):
            return True
        function = scope.functions.get(node.function) if isinstance(node, Call) else None
        if isinstance(function, UserFunction):
            return True
        if isinstance(function, InlineFunction) and any(
            isinstance(scope.functions.get(n.function), UserFunction)
            for n in walk(function.body)
            if isinstance(n, Call)
        ):
            return True
    return False


def reads(expr: Expr, scope: Scope, frame: str = "self") -> Iterator[tuple[str, Symbol]]:
    """What an expression reads, through subexpressions: the owner as seen from the synapse, and the meaning."""
    for node in walk(expr):
        known = scope.symbols.get(node.id) if isinstance(node, Name) else None
        if known is None:
            continue
        owner = seen_from(frame, known.owner)
        if known.expr is not None:
            inner = scope.of(known.owner) if known.owner in SIDES else scope
            yield from reads(known.expr, inner, owner)
        elif owner == "index" and frame != "self":
            yield (frame, known)  # the number of a neuron is a property of it
        else:
            yield owner, known


def _own_reads(expr: Expr, scope: Scope) -> set[str]:
    return {known.variable for owner, known in reads(expr, scope) if owner == "self"}


def _needed_elsewhere(model: Model, common: set[str]) -> set[str]:
    """Event-driven variables that something other than a pathway reads: it would see them as they were at the last event of the synapse. The
    states of one step are taken from the neuron all together or not at all, since they are integrated together."""
    found: set[str] = set()
    driven = {v.name for v in model.variables if _event_driven(v)}
    states = driven | {v.name for v in model.variables if _stepped(v)}
    for v in model.variables:
        if v.expr is None:
            continue
        used = _own_reads(v.expr, model.scope)
        if v.held:
            found |= used
        elif _event_driven(v):
            found |= set() if v.name in common else used & states
        elif _stepped(v) or "summed" in v.flags:
            found |= used & driven
    stepped = {v.name for v in model.variables if _stepped(v)}
    return found | (set() if stepped <= common else stepped)


def _read_by(model: Model, bound, names: set[str]) -> set[str]:
    """What the equations and statements of ``names`` read, directly or not."""
    read: set[str] = set()
    while True:
        more = set(read)
        for v in model.variables:
            if v.expr is not None and v.name in names | read:
                more |= _own_reads(v.expr, model.scope)
        for _, statements, scope in bound:
            wanted = {("self", n) for n in names | read}
            for b in reversed(statements):
                if (b.target.owner, b.target.variable) in wanted:
                    for owner, known in reads(b.value, scope):
                        wanted |= {(owner, known.variable)} if owner == "local" else set()
                        more |= {known.variable} if owner == "self" else set()
        if more == read:
            return read
        read = more
