"""The operations of inputs and of Python functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eqsnn import pipeline
from eqsnn.kernel.random import binomial_table
from eqsnn.language.ast import Expr
from eqsnn.network.evaluate import close_scope
from eqsnn.network.inputs import PoissonInput, SpikeGeneratorGroup
from eqsnn.network.operations import NetworkOperation
from eqsnn.runtime.plan import Op, Schedule
from eqsnn.runtime.plan_regular import part_of
from eqsnn.runtime.questions import root_of, start_of

if TYPE_CHECKING:
    from eqsnn.runtime.planner import Planner


def place_generator(plan: Planner, o: SpikeGeneratorGroup) -> None:
    steps, indices, period = o.schedule(o.clock.dt_)
    schedule = Schedule(np.ascontiguousarray(steps, np.int64), np.ascontiguousarray(indices, np.int32), period, 0)
    op = Op("generator", plan.clock(o.clock), "spikes", o, n=len(o), emits=o._last_events["spike"], schedule=schedule)
    plan.add(o, o.when, o.order, 0, op)


def place_silence(plan: Planner, o, event: str) -> None:
    """A group that is not active: its elements are known not to spike."""
    nothing = Schedule(np.empty(0, np.int64), np.empty(0, np.int32))
    when, order = o.place_of_event(event)
    op = Op("generator", plan.clock(o.clock), "silence", o, n=len(o), emits=o._last_events[event], schedule=nothing)
    plan.add(o, when, order, 0, op)


def place_poisson_input(plan: Planner, o: PoissonInput) -> None:
    root, scope = root_of(o.target), o.scope()
    expr = o.amount if isinstance(o.amount, Expr) else None
    name = plan.name(o.name)
    kernel = pipeline.poisson_input(scope, o.target_var, expr, o.name, name, plan.check)
    table = binomial_table(o.n, o.probability())
    extra = {"binomial": table, "binomial#0": len(table)}
    if expr is None:
        extra["_weight"] = o.amount
    else:
        _, values = close_scope(expr, scope, plan.spaces(root))
        extra.update(values)
    first, last = start_of(o.target), start_of(o.target) + len(o.target)
    binding = plan.binding(kernel, o, {"self": root}, o.clock, "input", extra)
    binding.buffers = {b.name: part_of(binding.buffers[b.name], b, first, last) for b in kernel.buffers}
    op = Op(
        "map",
        plan.clock(o.clock),
        "input",
        o,
        kernel,
        binding,
        n=last - first,
        block=plan.settings.block_for(last - first),
    )
    plan.add(o, o.when, o.order, 0, op, "input")


def place_operation(plan: Planner, o: NetworkOperation) -> None:
    plan.add(o, o.when, o.order, 0, Op("python", plan.clock(o.clock), "python", o, call=o.call))
