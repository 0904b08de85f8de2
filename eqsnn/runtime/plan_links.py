"""Where kernels find the values of linked variables: in the memory of the other group itself, or, where the source is a subexpression, in an
array that is computed right before each operation that reads it.

The same array serves an operation that writes what it reads through a link: it reads the values from before, whatever the order of elements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eqsnn import pipeline
from eqsnn.errors import EqsnnError, Span
from eqsnn.kernel.ir import Kernel
from eqsnn.language.ast import Name
from eqsnn.network.group import NUMPY_TYPES, Group, zeros
from eqsnn.network.hostkernel import result_name
from eqsnn.network.linked import Link
from eqsnn.runtime.plan import Op, fit

if TYPE_CHECKING:
    from eqsnn.runtime.planner import Planner


@dataclass(frozen=True)
class Source:
    """The array of a linked variable's source and the element of it that each element of the group reads (int64).

    ``of``: the group and variable whose values have to be computed into ``array`` first; None where the array is the variable's own.
    """

    array: np.ndarray
    index: np.ndarray
    of: tuple[Group, str] | None = None


def link_of(o: Group, name: str) -> Link:
    """The link of a variable declared (linked). Raises EqsnnError where none was made."""
    if name not in o.links:
        raise EqsnnError(
            f"'{name}' of '{o.name}' is declared (linked) and not linked: {o.name}.{name} = linked_var(...)"
        )
    return o.links[name]


def check_links(o: Group) -> None:
    """Every linked variable is linked, to an element that exists."""
    for v in o.model.variables:
        if v.linked:
            link_of(o, v.name).places(None)


def written_source(o: Group, name: str) -> tuple[Group, str]:
    """The group and variable that statements change which assign to the linked variable ``name`` of ``o``.

    Each element must have one of its own in the source: the groups are as large, and no index says else. Raises EqsnnError.
    """
    link = link_of(o, name)
    root, variable, n = link.source, link.variable, len(o)
    own = np.array_equal(link.places(None), np.arange(n)) and n == len(root) and not isinstance(link.place, str)
    if not own or root.variables[variable].shared:
        raise EqsnnError(
            f"'{o.name}' assigns to '{name}', which is linked to '{variable}' of '{root.name}': its {n} elements do not have one each there; "
            "assign to a parameter of its own, or send the changes through Synapses"
        )
    if variable not in root.arrays or root.variables[variable].write is None:
        raise EqsnnError(
            f"'{o.name}' assigns to '{name}', which is linked to '{variable}' of '{root.name}', and that cannot be set"
        )
    return root, variable


def source_of(plan: Planner, o: Group, name: str, copied: bool = False) -> Source:
    """Where the linked variable ``name`` of ``o`` is read. ``copied``: not from memory that the reader itself writes."""
    link = link_of(o, name)
    index = _index(o, link)
    root, variable = link.source, link.variable
    if (
        variable in root.links
    ):  # linked in turn: the places are those of the inner link, as they stand at the start of the run
        inner = source_of(plan, root, variable, copied)
        if inner.index.size and isinstance(root.links[variable].place, str) and _changes(plan, root, variable):
            raise EqsnnError(
                f"'{name}' of '{o.name}' is linked to '{variable}' of '{root.name}', whose index changes during the run"
            )
        return Source(inner.array, np.ascontiguousarray(inner.index[index]), inner.of)
    if variable in root.arrays and not copied:
        return Source(root.arrays[variable], index)
    known = next((v for v in root.model.variables if v.name == variable), None)
    if known is None and variable not in root.arrays:  # i, N: fixed
        return Source(np.ascontiguousarray(root.variables[variable].read(None)), index)
    return Source(plan.computed_array(root, variable), index, (root, variable))


def _index(o: Group, link: Link) -> np.ndarray:
    """One place for each element, in internal order. An integer variable of the group is read where it lies."""
    if isinstance(link.place, str):
        link.places(None)
        own = o.arrays[link.place]
        return own if link.start == 0 else own + link.start
    if isinstance(link.place, int):
        return np.full(len(o), link.place, np.int64)
    return link.place


def _changes(plan: Planner, o: Group, name: str) -> bool:
    return o.links[name].place in plan.written.get(o, ())


def bind_link(plan: Planner, kernel: Kernel, o: Group, owner: str, name: str, buffers: dict) -> None:
    """Bind the two buffers of a linked variable of ``o``, which the kernel calls ``owner``."""
    link = link_of(o, name)
    if isinstance(link.place, str) and link.start and _changes(plan, o, name):
        raise EqsnnError(
            f"'{link.place}' of '{o.name}' changes during the run; link '{name}' to the whole group, not to a subgroup"
        )
    found = source_of(plan, o, name)
    written = [buffers[b.name] for b in kernel.buffers if b.writable and b.name in buffers]
    if any(np.may_share_memory(found.array, w) for w in written):
        found = source_of(plan, o, name, copied=True)
    for b in kernel.buffers:
        if b.owner == owner and b.variable == f"{name}@index":
            buffers[b.name] = found.index
        elif b.owner == owner and b.variable == f"{name}@source":
            buffers[b.name] = found.array


def compute(plan: Planner, o: Group, variable: str, array: np.ndarray, clock) -> Op:
    """The operation that computes a variable of ``o`` into ``array``, at the time of ``clock``."""
    known = next((v for v in o.model.variables if v.name == variable), None)
    span = known.span if known is not None else Span(variable, 0, len(variable), "linked variable")
    stem = plan.name(o.name, variable, "source")
    kernel = pipeline.expression(Name(variable, span), o.model.scope, stem, o.name, "neuron")
    binding = plan.binding(kernel, o, {"self": o}, clock, f"source {variable}", {result_name(kernel): array})
    label = f"source {variable}"
    return Op(
        "map", plan.clock(clock), label, o, kernel, binding, n=len(array), block=plan.settings.block_for(len(array))
    )


def new_array(o: Group, variable: str) -> np.ndarray:
    """Memory for the values of a variable of a whole group."""
    info = o.variables[variable]
    return zeros(1 if info.shared else len(o), NUMPY_TYPES[info.dtype])


def with_computed(plan: Planner, ops: list[Op]) -> list[Op]:
    """The operations of a step, each after those that compute what it reads through links."""
    if not plan.computed:
        return ops
    result: list[Op] = []
    fresh: dict[tuple[int, int], Op] = {}
    kernels: dict[int, Kernel] = {}

    def ready(op: Op) -> None:
        for (root, variable), array in list(plan.computed.items()):
            if not _reads(op, array):
                continue
            clock = plan.clocks[op.clock]
            key = (id(array), op.clock)
            if key not in fresh:
                one = fit(compute(plan, root, variable, array, clock))
                one.kernel = kernels.setdefault(id(array), one.kernel)  # one text, however often it is run
                ready(one)
                result.append(one)
                fresh[key] = one

    for op in ops:
        ready(op)
        result.append(op)
        for key, one in list(fresh.items()):
            if _disturbs(op, one):
                del fresh[key]
    return result


def _reads(op: Op, array: np.ndarray) -> bool:
    if op.array is array:
        return True
    if op.binding is None:
        return False
    writable = {b.name for b in op.kernel.buffers if b.writable}
    return any(a is array for n, a in op.binding.buffers.items() if n not in writable)


def _disturbs(op: Op, one: Op) -> bool:
    """Whether ``op`` may have changed what ``one`` reads."""
    if op.kind in ("python", "clear"):
        return True
    if op.binding is None:
        return False
    written = [op.binding.buffers[b.name] for b in op.kernel.buffers if b.writable]
    return any(np.may_share_memory(w, r) for w in written for r in one.binding.buffers.values())
