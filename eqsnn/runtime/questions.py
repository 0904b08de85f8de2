"""Small questions about objects that the planner asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from eqsnn.kernel.ir import HoistedPropagator, Kernel
from eqsnn.language.ast import Expr, Name, walk
from eqsnn.network.base import SimObject
from eqsnn.network.group import Group
from eqsnn.network.neurongroup import NeuronGroup, SpikeSource, Subgroup
from eqsnn.network.regular import CodeRunner
from eqsnn.network.synapses import Synapses


def root_of(group):
    """The group whose arrays and events ``group`` is a part of."""
    return group.root if isinstance(group, (Subgroup, SpikeSource)) else group


def start_of(group) -> int:
    """Where in its root a group begins."""
    return getattr(group, "start", 0)


_SUFFIXES = {
    "step": "stateupdater",
    "shared step": "stateupdater",
    "threshold": "thresholder",
    "marks": "thresholder",
    "silence": "thresholder",
    "reset": "resetter",
    "clear": "summed_variable",
    "summed": "summed_variable",
    "held": "subexpression_update",
}


def place_name(o: SimObject, label: str) -> str:
    """The name by which an operation of ``o`` goes among those of its slot and order: as Brian 2 calls that part of the object, so that
    'neurongroup_1_stateupdater' goes before 'neurongroup_stateupdater' here too."""
    if not isinstance(o, (NeuronGroup, Synapses)):
        return o.name
    kind, _, rest = label.partition(" ")
    suffix = rest if kind == "pathway" else _SUFFIXES.get(label) or _SUFFIXES.get(kind, label)
    return f"{o.name}_{suffix}"


def order_of_sum(target) -> int:
    """The order of a summed variable among the groups: before the equations of the group that has it. A subgroup has the order after that of
    its group, as in Brian 2: there a sum and the equations go by their names."""
    return root_of(target).order - (1 if root_of(target) is target else 0)


def places(o: SimObject) -> list[tuple[str, int, str]]:
    """The slots, orders and names at which an object acts."""
    if isinstance(o, Synapses):
        sums = [o.target if v.name.endswith("_post") else o.source for v in o.model.variables if "summed" in v.flags]
        return [
            *((p.when, p.order, place_name(o, f"pathway {p.name}")) for p in o.pathways.values()),
            *(("groups", order_of_sum(g), place_name(o, "clear")) for g in sums),
            ("groups", o.order, place_name(o, "step")),
        ]
    return [(o.when, o.order, o.name)]


def overlap(a, b) -> bool:
    """Whether two groups share an element."""
    return root_of(a) is root_of(b) and start_of(a) < start_of(b) + len(b) and start_of(b) < start_of(a) + len(a)


def internal(group, record: np.ndarray) -> np.ndarray:
    """Element numbers as a user counts them to places in the arrays."""
    if isinstance(group, Synapses):
        return np.ascontiguousarray(record if group._position is None else group._position[record], np.int64)
    return np.ascontiguousarray(record + start_of(group), np.int64)


def places_of_elements(kernel: Kernel, o: Group) -> dict[str, np.ndarray]:
    """The numbers of the elements of ``o``, or of the ends of its synapses, in the order of its arrays, where a kernel has derived values for
    each."""
    if not any(isinstance(h, HoistedPropagator) and h.per_element for h in kernel.hoisted):
        return {}
    if not isinstance(o, Synapses):
        return {"@i": np.arange(len(o))}
    order = slice(None) if o._position is None else np.argsort(o._position)
    return {"@pre": o.sources[order].astype(np.int64), "@post": o.targets[order].astype(np.int64)}


def degrees(o: Synapses, variable: str) -> np.ndarray:
    """How many synapses each neuron has: 'N_outgoing' of sources, 'N_incoming' of targets."""
    o = o.group if isinstance(o, CodeRunner) else o
    side, n = (o.sources, len(root_of(o.source))) if variable == "N_outgoing" else (o.targets, len(root_of(o.target)))
    return np.bincount(side, minlength=n).astype(np.int64)


def member(groups: Mapping[str, Group], owner: str) -> Group:
    """The group behind an owner: one of ``groups``, or for 'post.pre' the source of the synapses that are 'post'."""
    first, *rest = owner.split(".")
    group = groups[first]
    for side in rest:
        group = root_of(group.source if side == "pre" else group.target)
    return group


def values_of(group: Group, variable: str) -> np.ndarray:
    """The array of a variable of a group; of synapses also their ends, degrees and delay, which no array holds as kernels need them."""
    if variable in group.arrays:
        return group.arrays[variable]
    if variable in ("@sources", "@targets"):
        return (group.sources if variable == "@sources" else group.targets).astype(np.int64)
    owner = "index" if isinstance(group, Synapses) and variable in ("i", "j", "N_incoming", "N_outgoing") else "self"
    return np.ascontiguousarray(group.host_values(owner, variable, None))


def index_scalar(o: SimObject, variable: str) -> int:
    """The value of a name such as ``N`` that a kernel takes as an argument."""
    if isinstance(o, CodeRunner):
        o = o.group
    variable, _, frame = variable.partition("@")
    if frame:
        group = member({"pre": root_of(o.source), "post": root_of(o.target)}, frame)
        return index_scalar(group, variable)
    if isinstance(o, Synapses):
        return {
            "N": len(o),
            "N_pre": len(o.source),
            "N_post": len(o.target),
            "i_offset": start_of(o.source),
            "j_offset": start_of(o.target),
        }[variable]
    return len(getattr(o, "target", o))


def symbols_of(expr: Expr, scope):
    """The names an expression reads, through subexpressions."""
    for node in walk(expr):
        if isinstance(node, Name) and node.id in scope.symbols:
            known = scope.symbols[node.id]
            if known.expr is not None and known.owner == "self":
                yield from symbols_of(known.expr, scope)
            else:
                yield node.id, known


def connected(o: Synapses, frame: str = "") -> Iterator[tuple[str, Group]]:
    """The groups at the ends of synapses under the names of their owners, and, where these are synapses, the groups that those connect."""
    for side, group in (("pre", root_of(o.source)), ("post", root_of(o.target))):
        owner = f"{frame}.{side}" if frame else side
        yield owner, group
        if isinstance(group, Synapses):
            yield from connected(group, owner)
