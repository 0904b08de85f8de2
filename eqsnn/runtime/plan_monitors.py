"""The operations of monitors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eqsnn import pipeline
from eqsnn.errors import EqsnnError
from eqsnn.language.ast import Name
from eqsnn.network.group import zeros
from eqsnn.network.hostkernel import result_name
from eqsnn.network.monitors import PopulationRateMonitor, SpikeMonitor, StateMonitor
from eqsnn.network.neurongroup import SpikeSource
from eqsnn.network.synapses import Synapses
from eqsnn.runtime.plan import Op
from eqsnn.runtime.plan_synapses import rows_for
from eqsnn.runtime.questions import internal, root_of, symbols_of

if TYPE_CHECKING:
    from eqsnn.runtime.planner import Planner


def _records(plan: Planner, o, dtypes) -> tuple:
    if not o.records or type(o.records[0]) is not type(plan.engine.new_record(np.int64)):
        o.__dict__["records"] = tuple(plan.engine.new_record(d) for d in dtypes)
    if o.recorded_dt is not None and o.recorded_dt != o.clock.dt_:
        raise EqsnnError(f"'{o.name}' has recorded with another dt; make a new monitor after a change of dt")
    o.__dict__["recorded_dt"] = o.clock.dt_
    return o.records


def place_spike_monitor(plan: Planner, o: SpikeMonitor) -> None:
    records = _records(plan, o, (np.int32, np.int64))
    op = Op(
        "record_events",
        plan.clock(o.clock),
        "record",
        o,
        n=len(o.source),
        source=root_of(o.source).spikes,
        records=records,
    )
    op.first, op.last = o.source.start, o.source.stop
    plan.add(o, o.when, o.order, 0, op)


def place_rate_monitor(plan: Planner, o: PopulationRateMonitor) -> None:
    records = _records(plan, o, (np.int64,))
    op = Op(
        "record_count",
        plan.clock(o.clock),
        "record",
        o,
        n=len(o.source),
        source=root_of(o.source).spikes,
        records=records,
    )
    op.first, op.last = o.source.start, o.source.stop
    plan.add(o, o.when, o.order, 0, op)


def place_state_monitor(plan: Planner, o: StateMonitor) -> None:
    dtypes = [np.int64]
    for name in o.names:
        dtypes.append({"float": np.float64, "integer": np.int64, "boolean": np.int64}[o.source.variables[name].dtype])
    records = _records(plan, o, dtypes)
    clock = plan.clock(o.clock)
    for position, name in enumerate(o.names):
        array, index = _recorded(plan, o, name, 2 * position)
        op = Op(
            "record_state",
            clock,
            f"record {name}",
            o,
            n=len(index),
            records=(records[position + 1],),
            array=array,
            index=index,
        )
        if position == 0:
            op.records = (records[1], records[0])
        plan.add(o, o.when, o.order, 2 * position + 1, op)


def _recorded(plan: Planner, o: StateMonitor, name: str, position: int) -> tuple[np.ndarray, np.ndarray]:
    """The array that holds a variable and the places of the recorded elements in it; a subexpression is computed into one first."""
    group, record = o.source, o.record
    root = root_of(group) if isinstance(group, SpikeSource) else group
    shared = group.variables[name].shared
    known = next((v for v in root.model.variables if v.name == name), None)
    if name in root.arrays:
        index = np.zeros(1, np.int64) if shared else internal(group, record)
        return root.arrays[name], index
    if known is None:
        values = np.ascontiguousarray(group.variables[name].read(None))
        return values, np.zeros(1, np.int64) if shared else np.ascontiguousarray(record, np.int64)
    expr = Name(name, known.span)
    n = 1 if shared else len(root)
    stem = plan.name(o.name, name)
    counts = ("N", "N_pre", "N_post")
    own = all(
        s.owner not in ("pre", "post") and (s.owner != "index" or s.variable in counts)
        for _, s in symbols_of(expr, root.model.scope)
    )
    domain = "pathway" if isinstance(root, Synapses) and not own else "neuron"
    kernel = pipeline.expression(expr, root.model.scope, stem, root.name, domain)
    result = zeros(max(n, 1), np.float64 if known.dtype == "float" else np.int64)
    extra = {result_name(kernel): result}
    if domain == "pathway":
        sides = {"self": root, "pre": root_of(root.source), "post": root_of(root.target)}
        kernel, rows = rows_for(plan, root, kernel, None)
        binding = plan.binding(kernel, root, sides, o.clock, name, extra)
        op = Op("pathway", plan.clock(o.clock), name, root, kernel, binding, n=n, rows=rows)
    else:
        binding = plan.binding(kernel, root, {"self": root}, o.clock, name, extra)
        block = plan.settings.neurons_per_block
        op = Op("map", plan.clock(o.clock), name, root, kernel, binding, n=n, block=block)
    plan.add(o, o.when, o.order, position, op, None)
    index = np.zeros(1, np.int64) if shared else internal(group, record)
    return result, index
