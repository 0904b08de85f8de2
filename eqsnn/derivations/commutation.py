"""Whether it matters in which order synapses are treated: the maps of two synapses that share a neuron are composed both ways and compared.

Events that arrive in one step are dealt with one after the other. Where each synapse adds what only it knows, or scales by it, the order has
no effect; where it sets or clips a neuron's variable, or reads one that others change, it has. The comparison is symbolic, so it knows
nothing of values: ``x = 2*x`` commutes with itself, ``x = x + w`` too, ``x = clip(x + w, 0, 1)`` does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import sympy

from eqsnn.integrators.vocabulary import Select, unstopped
from eqsnn.update_map import UpdateMap, Write, symbol

Sharing = Literal["post", "pre", "pair", "chain"]
"""What two synapses have in common: the target, the source, both, or the target of one is the source of the other."""

_ENDS: dict[Sharing, tuple[tuple[str, str], tuple[str, str]]] = {
    "post": (("p", "q"), ("r", "q")),
    "pre": (("p", "q"), ("p", "r")),
    "pair": (("p", "q"), ("p", "q")),
    "chain": (("p", "q"), ("q", "r")),
}
_SIDE = {"i": 0, "N_outgoing": 0, "j": 1, "N_incoming": 1}


@dataclass(frozen=True)
class OrderDependence:
    """Two synapses that share something leave another value behind if their order is changed: that of ``write``."""

    sharing: Sharing
    write: Write


def order_dependence(map_: UpdateMap, one_group: bool) -> Iterator[OrderDependence]:
    """The kinds of sharing for which the order matters. ``one_group``: source and target have neurons in common."""
    if not any(w.owner in ("pre", "post") for w in map_.writes):
        return
    for sharing in _ENDS:
        if sharing != "chain" or one_group:
            write = _difference(map_, sharing, one_group)
            if write is not None:
                yield OrderDependence(sharing, write)


def _difference(map_: UpdateMap, sharing: Sharing, one_group: bool) -> Write | None:
    """The first write whose outcome differs between the two orders."""
    outcomes = []
    for order in ((0, 1), (1, 0)):
        neurons: dict[tuple, sympy.Expr] = {}
        own: dict[tuple, sympy.Expr] = {}
        for synapse in order:
            _apply(map_, synapse, _ENDS[sharing][synapse], one_group, neurons, own)
        outcomes.append({**neurons, **own})
    first, second = outcomes
    for w in map_.writes:
        for synapse in (0, 1):
            key = _place(w.owner, w.variable, synapse, _ENDS[sharing][synapse], one_group)
            if not _equal(first[key], second[key]):
                return w
    return None


def _place(owner: str, variable: str, synapse: int, ends: tuple[str, str], one_group: bool) -> tuple:
    """Where a variable is kept: by the neuron, or by the synapse."""
    if owner not in ("pre", "post"):
        return ("synapse", variable, synapse)
    return ("one" if one_group else owner, variable, ends[owner == "post"])


def _apply(map_: UpdateMap, synapse: int, ends: tuple[str, str], one_group: bool, neurons: dict, own: dict) -> None:
    """One synapse's map on the state that earlier ones have left."""
    values: dict[sympy.Symbol, sympy.Expr] = {}
    for i in map_.inputs:
        if i.owner in ("pre", "post") and not i.shared:
            key = _place(i.owner, i.variable, synapse, ends, one_group)
            values[symbol(i.name)] = neurons.setdefault(key, symbol("|".join(key)))
        elif i.owner == "index" and i.variable in _SIDE:
            values[symbol(i.name)] = symbol(f"{i.variable}|{ends[_SIDE[i.variable]]}")
        elif not i.shared:
            values[symbol(i.name)] = symbol(f"{i.name}|{synapse}")
    values.update({symbol(n.name): symbol(f"{n.name}|{synapse}") for n in map_.noise})
    for a in map_.assignments:
        values[symbol(a.target)] = unstopped(a.expr).xreplace(values)
    after: dict[tuple, sympy.Expr] = {}
    for w in map_.writes:
        key = _place(w.owner, w.variable, synapse, ends, one_group)
        before = after.get(key, neurons.get(key, symbol("|".join(map(str, key)))))
        value = values.get(symbol(w.value), symbol(w.value))
        new = before + value if w.kind == "add" else value
        if w.guard is not None and not _rests(map_, w.guard):
            guard = values.get(symbol(w.guard), symbol(w.guard))
            new = before + Select(guard, value, 0) if w.kind == "add" else Select(guard, value, before)
        after[key] = new
    for key, value in after.items():
        (own if key[0] == "synapse" else neurons)[key] = value


def _rests(map_: UpdateMap, name: str) -> bool:
    """Whether a guard is a state of the neuron that the map leaves alone: then writes happen for all of its synapses or for none."""
    return any(i.name == name and i.owner in ("pre", "post") for i in map_.inputs) and not any(
        (w.owner, w.variable) == (i.owner, i.variable) for w in map_.writes for i in map_.inputs if i.name == name
    )


def _equal(a: sympy.Expr, b: sympy.Expr) -> bool:
    if a == b:
        return True
    difference = sympy.expand(a - b)
    return difference == 0 or sympy.cancel(sympy.together(difference)) == 0
