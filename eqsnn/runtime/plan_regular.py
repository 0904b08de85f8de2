"""The operations of run_regularly() and run_at()."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eqsnn import pipeline
from eqsnn.kernel.ir import Kernel
from eqsnn.model.statements import bind, externals_of
from eqsnn.network.namespace import constants
from eqsnn.network.regular import CodeRunner
from eqsnn.network.synapses import Synapses
from eqsnn.runtime.plan import Op
from eqsnn.runtime.plan_synapses import rows_for
from eqsnn.runtime.questions import root_of, start_of

if TYPE_CHECKING:
    from eqsnn.runtime.planner import Planner


def close_runner(plan: Planner, o: CodeRunner) -> dict:
    """The external constants of the statements and of the group, which are checked with their units."""
    root = root_of(o.group)
    _, bound = bind(o.statements, o.scope(), everywhere=True)
    values, dims = constants(externals_of(o.statements, bound), plan.spaces(root))
    scope = o.scope()
    bind(o.statements, scope.with_externals({**root_dims(plan, root), **dims}), everywhere=True)
    return {**plan.constants[root], **values}


def root_dims(plan: Planner, root) -> dict:
    """The dimensions of the external constants of a group."""
    return constants(root.model.externals, plan.spaces(root))[1]


def written_by(o: CodeRunner) -> list[tuple[str, str]]:
    """The (owner, variable) pairs that the statements assign to."""
    targets = [b.target for b in bind(o.statements, o.scope(), everywhere=True)[0]]
    return [(t.owner, t.variable) for t in targets if t.owner in ("self", "pre", "post")]


def place_runner(plan: Planner, o: CodeRunner) -> None:
    """One kernel for what each element has, then one for what all share; both begin with the values from before."""
    root = root_of(o.group)
    kernels = pipeline.regular(root.model, o.statements, o.scope(), plan.name(o.name), plan.check)
    label = "run"
    if kernels.own is not None and len(o.group):
        op = _everyone(plan, o, root, kernels.own, label)
        op.name = o.name
        plan.add(o, o.when, o.order, 0, op, label)
    if kernels.shared is not None:
        binding = plan.binding(kernels.shared, o, {"self": root}, o.clock, label)
        op = Op("map", plan.clock(o.clock), label, root, kernels.shared, binding, n=1)
        op.name = o.name
        plan.add(o, o.when, o.order, 1, op, label)


def _everyone(plan: Planner, o: CodeRunner, root, kernel: Kernel, label: str) -> Op:
    groups = {"self": root}
    clock = plan.clock(o.clock)
    if isinstance(root, Synapses) and kernel.domain == "pathway":
        groups.update(pre=root_of(root.source), post=root_of(root.target))
        rows = rows_for(plan, root, kernel, None)
        return Op(
            "pathway",
            clock,
            label,
            root,
            kernel,
            plan.binding(kernel, o, groups, o.clock, label),
            n=len(root),
            rows=rows,
        )
    binding = plan.binding(kernel, o, groups, o.clock, label)
    first, n = start_of(o.group), len(o.group)
    if n < len(root):
        binding.buffers = {b.name: part_of(binding.buffers[b.name], b, first, first + n) for b in kernel.buffers}
    return Op("map", clock, label, root, kernel, binding, n=n, block=plan.settings.block_for(n))


def part_of(array: np.ndarray, buffer, first: int, last: int) -> np.ndarray:
    """The part of an array that belongs to a subgroup."""
    return array[first:last] if buffer.extent == "self" else array
