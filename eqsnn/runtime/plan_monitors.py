"""The operations of monitors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eqsnn import pipeline
from eqsnn.errors import Span
from eqsnn.language.ast import Name
from eqsnn.model.model import Symbol
from eqsnn.network.group import Group, zeros
from eqsnn.network.hostkernel import result_name
from eqsnn.network.monitors import EventMonitor, PopulationRateMonitor
from eqsnn.network.recorder import Recorder
from eqsnn.network.statemonitor import StateMonitor
from eqsnn.network.synapses import Synapses
from eqsnn.runtime.npyfile import NpyFile
from eqsnn.runtime.plan import CASTS, Op
from eqsnn.runtime.plan_synapses import rows_for
from eqsnn.runtime.questions import internal, root_of, symbols_of

if TYPE_CHECKING:
    from eqsnn.runtime.planner import Planner


def place_event_monitor(plan: Planner, o: EventMonitor) -> None:
    if not o.record:
        op = _listener(plan, o, "count_events", "count")
        op.array = o.counts
        plan.add(o, o.when, o.order, 0, op)
    found = [_value_of_events(plan, o, name, 2 * k + 1) for k, name in enumerate(o.names)]
    own = [np.int32, np.int64] if o.keeps_events else []
    records = _records(plan, o, [*own, *(array.dtype for array, _ in found)])
    if own:
        op = _listener(plan, o, "record_events", "record")
        op.records = records[:2]
        plan.add(o, o.when, o.order, 0, op)
    for k, (array, shared) in enumerate(found):
        op = _listener(plan, o, "record_values", f"record {o.names[k]}")
        op.records, op.array, op.stride = (records[len(own) + k],), array, 0 if shared else 1
        plan.add(o, o.when, o.order, 2 * k + 2, op)


def place_rate_monitor(plan: Planner, o: PopulationRateMonitor) -> None:
    op = _listener(plan, o, "record_count", "record")
    op.records = _records(plan, o, [np.int64])
    plan.add(o, o.when, o.order, 0, op)


def place_state_monitor(plan: Planner, o: StateMonitor) -> None:
    found = [_recorded(plan, o, name, 2 * k) for k, name in enumerate(o.names)]
    files = [NpyFile(o.files[n], o.dtypes[n], o.width(n)) if o.files and not o.records else None for n in o.names]
    records = _records(plan, o, [*o.dtypes.values(), *[np.int8] * o.counts_rows], [*files, None])
    for k, (array, index) in enumerate(found):
        n = o.width(o.names[k])
        cast = _cast(array.dtype, records[k].dtype)
        op = _sampler(plan, o, f"record {o.names[k]}", n, (records[k],), array, cast)
        op.index, op.first = _contiguous(index)
        plan.add(o, o.when, o.order, 2 * k + 1, op)
    if o.counts_rows:
        op = _sampler(plan, o, "record the time", 1, (records[-1],), np.ones(1, np.int8))
        plan.add(o, o.when, o.order, 2 * len(o.names), op)


def _listener(plan: Planner, o: EventMonitor | PopulationRateMonitor, kind: str, label: str) -> Op:
    """An operation on the events of this step."""
    source = root_of(o.source)._last_events[o.event]
    return Op(
        kind, plan.clock(o.clock), label, o, n=len(o.source), source=source, first=o.source.start, last=o.source.stop
    )


def _sampler(plan: Planner, o: StateMonitor, label: str, n: int, records, array: np.ndarray, cast: int = 0) -> Op:
    """An operation that copies ``n`` values in the steps in which the monitor records."""
    op = Op("record_state", plan.clock(o.clock), label, o, n=n, records=records, array=array, cast=cast)
    op.every, op.since, op.until = o.gate
    return op


def _records(plan: Planner, o: Recorder, dtypes, files=None) -> tuple:
    """The records of a monitor; those of an engine that ran before are taken over by the one that runs now."""
    files = files or [None] * len(dtypes)
    if o.records and type(o.records[0]) is type(plan.engine.new_record(np.int8)):
        return o.records
    before, o.__dict__["records"] = o.records, tuple(plan.engine.new_record(d, f) for d, f in zip(dtypes, files))
    for old, new in zip(before, o.records):
        if getattr(old, "file", None) is not None:
            new.adopt(old)
        else:
            new.append(old.array())
    return o.records


def _cast(array: np.dtype, record: np.dtype) -> int:
    """How the engine turns a value of an array into one of a record."""
    if array == record:
        return 0
    return CASTS.index((array.str[1:], "i1" if record.kind == "b" else record.str[1:]))


def _contiguous(index: np.ndarray) -> tuple[np.ndarray | None, int]:
    """``(None, first)`` where the index counts up from ``first`` one by one, else ``(index, 0)``."""
    if len(index) and np.array_equal(index, np.arange(index[0], index[0] + len(index))):
        return None, int(index[0])
    return index, 0


def _recorded(plan: Planner, o: StateMonitor, name: str, position: int) -> tuple[np.ndarray, np.ndarray]:
    """The array that holds a variable and the places of the recorded elements in it; a subexpression is computed into one first, with
    the ``dt`` of its group."""
    group = o.source
    root = root_of(group)
    info = o.infos[name]
    index = np.zeros(1, np.int64) if info.shared else internal(group, o.record)
    of_an_end = name not in group.variables and name in root.model.scope.symbols
    if name in root.arrays:
        return root.arrays[name], index
    if not of_an_end and all(v.name != name for v in root.model.variables) and name not in ("t", "t_in_timesteps"):
        values = np.ascontiguousarray(info.read(None))
        return values, np.zeros(1, np.int64) if info.shared else np.ascontiguousarray(o.record, np.int64)
    expr = _expression(root, name)
    if isinstance(root, Synapses) and any(_of_the_ends(s) for _, s in symbols_of(expr, root.model.scope)):
        kernel, result = _kernel(plan, o, root, name, "pathway")
        sides = {"self": root, "pre": root_of(root.source), "post": root_of(root.target)}
        rows = rows_for(plan, root, kernel, None)
        binding = plan.binding(kernel, root, sides, root.clock, name, {result_name(kernel): result})
        op = Op("pathway", 0, name, root, kernel, binding, n=len(root), rows=rows)
    else:
        kernel, result = _kernel(plan, o, root, name, "event")
        binding = plan.binding(kernel, root, {"self": root}, root.clock, name, {result_name(kernel): result})
        elements = np.ascontiguousarray(index, np.int32)
        op = Op("events", 0, name, root, kernel, binding, n=len(elements), index=elements)
        op.block = plan.settings.block_for(len(elements))
    if any((s.owner, s.variable) == ("clock", "step") for s in kernel.scalars):
        op.clock = plan.clock(root.clock)  # the steps are those of the group
    else:
        op.clock = plan.clock(o.clock)
        op.every, op.since, op.until = o.gate
    plan.add(o, o.when, o.order, position, op)
    return result, index


def _value_of_events(plan: Planner, o: EventMonitor, name: str, position: int) -> tuple[np.ndarray, bool]:
    """The array that holds a variable of all elements, and whether it is shared; a subexpression is computed at the events first."""
    root = root_of(o.source)
    info = root.variables[name]
    if name in root.arrays:
        return root.arrays[name], info.shared
    if all(v.name != name for v in root.model.variables):
        return np.ascontiguousarray(info.read(None)), info.shared
    kernel, result = _kernel(plan, o, root, name, "event")
    binding = plan.binding(kernel, root, {"self": root}, root.clock, name, {result_name(kernel): result})
    op = _listener(plan, o, "events", name)
    op.owner, op.kernel, op.binding, op.block = root, kernel, binding, plan.settings.block_for(len(root))
    plan.add(o, o.when, o.order, position, op)
    return result, False


def _of_the_ends(s: Symbol) -> bool:
    """Whether a name in an expression about a synapse stands for something of the neurons at its ends."""
    return s.owner in ("pre", "post") or (s.owner == "index" and s.variable in ("i", "j", "N_incoming", "N_outgoing"))


def _expression(root: Group, name: str) -> Name:
    known = next((v.span for v in root.model.variables if v.name == name), None)
    return Name(name, known or Span(name, 0, len(name), "variable"))


def _kernel(plan: Planner, o: Recorder, root: Group, name: str, domain: str):
    """The kernel of a subexpression of a group, and the array for its values."""
    kernel = pipeline.expression(_expression(root, name), root.model.scope, plan.name(o.name, name), root.name, domain)
    dtype = np.float64 if root.known_variable(name).dtype == "float" else np.int64
    return kernel, zeros(max(len(root), 1), dtype)
