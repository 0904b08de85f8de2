"""The operations of synapses: sums, clock-driven equations, pathways, and the rows they work on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from eqsnn import pipeline
from eqsnn.errors import EqsnnError, NotConnectedError
from eqsnn.kernel.counted import counted
from eqsnn.kernel.ir import Kernel, Local, expressions, identifier
from eqsnn.kernel.ir import walk as walk_kernel
from eqsnn.network.clock import Clock
from eqsnn.network.group import Group
from eqsnn.network.heap import MANY, give_back
from eqsnn.network.neurongroup import NeuronGroup
from eqsnn.network.pathway import Pathway
from eqsnn.network.synapse_index import numbers_within_pairs
from eqsnn.network.synapses import Synapses
from eqsnn.runtime.arranged_rows import arranged_rows
from eqsnn.runtime.counting import from_so_many_events
from eqsnn.runtime.in_flight import (
    Flight,
    Pending,
    Steps,
    cut_by_group,
    deliver,
    nothing_pending,
    ring_is_quiet,
    steps_ahead,
    with_delays,
)
from eqsnn.runtime.made_rows import made_rows, refuse_what_looks
from eqsnn.runtime.plan import Op, RowBlock
from eqsnn.runtime.questions import connected, member, order_of_sum, overlap, root_of, start_of
from eqsnn.runtime.rows import row_blocks

if TYPE_CHECKING:
    from eqsnn.runtime.planner import Planner


def place_synapses(plan: Planner, o: Synapses) -> None:
    if o.unconnected and o.pathways:
        raise NotConnectedError(
            f"'{o.name}' was never connected, so that no spike goes anywhere; call {o.name}.connect() before the run "
            f"(connect(False) for none), or set {o.name}.active = False"
        )
    if o.ends.made is not None:
        refuse_what_looks(o, plan.objects)
    stem = plan.name(o.name)
    sides = {"self": o, "pre": root_of(o.source), "post": root_of(o.target)}
    for v in o.model.variables:
        if "summed" in v.flags:
            _place_summed(plan, o, v.name, sides, stem)
    sharing, together, resting = plan.sharing[o], plan.together[o], _resting_at_the_ends(plan, sides)
    kernels = pipeline.synapse_step(o.model, o.method, plan.varying(o), f"{stem}_step", plan.check, sharing, resting)
    if kernels.message:
        plan.messages.append(kernels.message)
    if kernels.own is not None and len(o):
        if kernels.own.domain == "neuron":
            op = plan.map(o, kernels.own, "step", len(o))
        else:
            op = everywhere(plan, o, kernels.own, sides, "step", o.clock)
        plan.add(o, "groups", o.order, 0, op, "step")
    if kernels.once is not None and len(o):
        plan.add(o, "groups", o.order, 0, _step_of_neurons(plan, o, kernels.once, sides), "step")
    if kernels.shared is not None:
        plan.add(o, "groups", o.order, 1, plan.map(o, kernels.shared, "shared step", 1), "shared step")
    changing, stepped = _changing(plan, o), _checked_by_their_own_step(sides)
    for p in o.pathways.values():
        kernels = pipeline.pathway(
            o.model,
            p.statements,
            p.prepost,
            f"{stem}_{identifier(p.name)}",
            overlap(o.source, o.target),
            changing,
            plan.check,
            stepped,
            sharing,
            together[p.name],
        )
        if kernels.own is not None and len(o):
            plan.messages.extend(order_notice(o, p, kernels.order))
            op = _pathway(plan, o, p, kernels.own, sides)
            plan.add(o, p.when, p.order, 0, op, f"pathway {p.name}", name=f"{o.name}_{p.name}")
        if kernels.once is not None and len(o):
            if kernels.own is None:
                _remember_ring(o, p)
            op = _of_neurons(plan, o, p, kernels.once, sides)
            plan.add(o, p.when, p.order, 1, op, f"pathway {p.name} once", name=f"{o.name}_{p.name}")


def _changing(plan: Planner, o: Synapses) -> frozenset[tuple[str, str]]:
    """The parameters at the ends of event-driven synapses that operations of this run write."""
    if not any("event-driven" in v.flags for v in o.model.variables):
        return frozenset()
    return frozenset((owner, name) for owner, g in connected(o) for name in plan.written_in_steps.get(g, ()))


def _resting_at_the_ends(plan: Planner, sides: dict[str, Group]) -> frozenset[str]:
    """The parameters of the neurons at the ends, by their names in the synapses, that nothing writes during the run."""
    return frozenset(
        f"{v.name}_{side}"
        for side in ("pre", "post")
        for v in sides[side].model.of_kind("parameter")
        if not v.linked and v.name not in plan.written.get(sides[side], ())
    )


def _checked_by_their_own_step(sides: Mapping[str, Group]) -> frozenset[tuple[str, str]]:
    """The variables of connected neurons that their own update reads and checks: a check at each synapse would find nothing more."""
    return frozenset(
        (side, v.name)
        for side in ("pre", "post")
        if isinstance(sides[side], NeuronGroup)
        for v in sides[side].model.of_kind("state", "recurrence")
    )


def _place_summed(plan: Planner, o: Synapses, variable: str, sides: Mapping[str, Group], stem: str) -> None:
    name, side = variable.rsplit("_", 1)
    target = o.target if side == "post" else o.source
    clock, place = target.clock, f"{o.name}_summed_variable_{variable}"
    if not _gathers(sides[side], name):  # an (input) is cleared by its group, and takes any number of sums and arrivals
        _one_sum(plan, o, name, target)
        array = sides[side].arrays[name]
        cleared = array[start_of(target) : start_of(target) + len(target)]
        clear = Op("clear", plan.clock(clock), "clear", o, n=cleared.nbytes, array=cleared)
        plan.add(o, "groups", order_of_sum(target), 0, clear, name=place)
    if len(o):
        kernel = pipeline.summed(o.model, variable, f"{stem}_{identifier(variable)}", plan.check, plan.sharing[o])
        op = everywhere(plan, o, kernel, sides, f"summed {variable}", clock)
        plan.add(o, "groups", order_of_sum(target), 1, op, name=place)


def _gathers(group: Group, name: str) -> bool:
    """Whether the variable is an (input) of its group."""
    return any(v.name == name and v.kind == "input" for v in group.model.variables)


def _one_sum(plan: Planner, o: Synapses, name: str, target) -> None:
    """Refuse two sums that would overwrite one another."""
    for other in plan.objects:
        if isinstance(other, Synapses) and other is not o:
            for v in other.model.variables:
                other_side = {"post": other.target, "pre": other.source}.get(v.name.rsplit("_", 1)[-1])
                if (
                    "summed" in v.flags
                    and v.name.rsplit("_", 1)[0] == name
                    and other_side is not None
                    and overlap(other_side, target)
                ):
                    raise EqsnnError(
                        f"'{o.name}' and '{other.name}' both sum into '{name}' of '{root_of(target).name}'; use two variables"
                    )


def everywhere(plan: Planner, o: Synapses, kernel: Kernel, sides: Mapping[str, Group], label: str, clock: Clock) -> Op:
    """All synapses in every step of ``clock``."""
    rows = rows_for(plan, o, kernel, None)
    binding = plan.binding(kernel, o, sides, clock, label)
    return Op("pathway", plan.clock(clock), label, o, kernel, binding, n=len(o), rows=rows)


def _pathway(plan: Planner, o: Synapses, p: Pathway, kernel: Kernel, sides: Mapping[str, Group]) -> Op:
    label = f"pathway {p.name}"
    spiking = o.source if p.prepost == "pre" else o.target
    root = root_of(spiking)
    first, last = start_of(spiking), start_of(spiking) + len(spiking)
    flight = _carried(plan, o, p, kernel, root, (first, last))
    if not flight.queues and _stores_in_synapses(kernel):
        kernel = replace(kernel, long_runs=_long_runs(flight.rows))
    binding = plan.binding(kernel, o, sides, root.clock, label)
    op = Op("pathway", plan.clock(root.clock), label, o, kernel, binding, n=len(o), rows=flight.rows)
    op.source, op.first, op.last = root._last_events[p.event], first, last
    if flight.queues:
        op.queues = flight.queues
    else:
        op.delay = flight.steps.one
        op.many = _many(o, p, kernel)
    return op


def _many(o: Synapses, p: Pathway, kernel: Kernel) -> int:
    """From so many events on, what arrives is counted first; found once for the connectivity."""
    known = o.__dict__.setdefault("_many", {})
    if counted(kernel) is None:
        return 0
    key = p.name
    if known.get(key, (None, 0))[0] != o.connectivity_version:
        near, far = (o.source, o.target) if kernel.rows == "pre" else (o.target, o.source)
        degree = o.N_incoming_post if kernel.rows == "pre" else o.N_outgoing_pre
        many = from_so_many_events(kernel, len(o), lambda: int(degree.max()), len(near), len(far))
        known[key] = (o.connectivity_version, many)
    return known[key][1]


def _of_neurons(plan: Planner, o: Synapses, p: Pathway, kernel: Kernel, sides: Mapping[str, Group]) -> Op:
    """What an event does to what the synapses of its neuron have in common. It comes after what it does to the synapses, which see that as it
    was before."""
    label = f"pathway {p.name} once"
    spiking = o.source if p.prepost == "pre" else o.target
    root, steps = root_of(spiking), Steps(p.held, root_of(spiking).clock.dt_).one
    first, last = start_of(spiking), start_of(spiking) + len(spiking)
    ring = root._last_events[p.event]
    ring.deepen(steps + 1)
    binding = plan.binding(kernel, o, sides, root.clock, label)
    op = Op("events", plan.clock(root.clock), label, o, kernel, binding, n=len(spiking), source=ring)
    op.first, op.last, op.delay, op.block = first, last, steps, plan.settings.block_for(op.n)
    return op


def _remember_ring(o: Synapses, p: Pathway) -> None:
    """Remember that the events of a pathway lie in the ring of its source, for a later run with another delay."""
    spiking = o.source if p.prepost == "pre" else o.target
    root, first = root_of(spiking), start_of(spiking)
    dt, ring = root.clock.dt_, root._last_events[p.event]
    flight = Flight((o.connectivity_version, dt), len(o), Steps(p.held, dt), dt, ring, first, first + len(spiking), ())
    o.__dict__.setdefault("_in_flight", {})[p.name] = flight


def _step_of_neurons(plan: Planner, o: Synapses, kernel: Kernel, sides: Mapping[str, Group]) -> Op:
    """A step of what the synapses of a neuron have in common."""
    side = next(b.owner.removeprefix("each_") for b in kernel.buffers if b.writable)
    group = o.source if side == "pre" else o.target
    first, n = start_of(group), len(group)
    binding = plan.binding(kernel, o, sides, o.clock, "step")
    if n < len(root_of(group)):
        binding.buffers |= {
            b.name: binding.buffers[b.name][first : first + n] for b in kernel.buffers if b.extent == "self"
        }
        binding.scalars |= {s.name: 0 for s in kernel.scalars if s.variable in ("i_offset", "j_offset")}
    return Op("map", plan.clock(o.clock), "step", o, kernel, binding, n=n, block=plan.settings.block_for(n))


def arrive_together(plan: Planner, o: Synapses, p: Pathway) -> bool:
    """Whether an event arrives at all synapses of its neuron in one step of this run: one delay, and nothing on its way from before."""
    spiking = o.source if p.prepost == "pre" else o.target
    root, first = root_of(spiking), start_of(spiking)
    dt, ring = root.clock.dt_, root._last_events[p.event]
    steps = Steps(p.held, dt).one
    kept = o.__dict__.get("_in_flight", {}).get(p.name)
    if steps is None:
        return False
    same = isinstance(kept, Flight) and kept.signature == (o.connectivity_version, dt)
    if same and not kept.queues:
        return True
    if same and kept.ring is ring and ring.step - kept.began >= steps:
        return True
    pending = kept.pending() if isinstance(kept, Flight) else kept if kept is not None else nothing_pending()
    return not len(pending) and ring_is_quiet(ring, steps, first, first + len(spiking))


def _carried(plan: Planner, o: Synapses, p: Pathway, kernel: Kernel, root, span: tuple[int, int]) -> Flight:
    """How the events of a pathway are carried in this run; those of an earlier run that are on their way stay on it."""
    dt, ring = root.clock.dt_, root._last_events[p.event]
    steps = Steps(p.held, dt)
    uniform = steps.one is not None
    flights = o.__dict__.setdefault("_in_flight", {})
    kept: Flight | Pending | None = flights.get(p.name)
    signature = (o.connectivity_version, dt)
    same = isinstance(kept, Flight) and kept.signature == signature
    if same and kept.of is not None and not uniform and _still(plan, o, kernel, kept):
        return kept
    rows = rows_for(plan, o, kernel, None if uniform else steps, p)
    if same and uniform and not kept.queues:
        kept.ring, kept.rows = ring, rows
        ring.deepen(steps.one + 1)
        return kept
    if same and not uniform and _still(plan, o, kernel, kept):
        return kept
    if not (uniform and same and kept.ring is ring and ring.step - kept.began >= steps.one):
        pending = kept.pending() if isinstance(kept, Flight) else kept if kept is not None else nothing_pending()
        if len(pending) or (uniform and not ring_is_quiet(ring, steps.one, *span)):
            if o.ends.made is not None:
                raise EqsnnError(
                    f"{o.name}: with events on their way, the delay of procedural synapses and dt cannot change; "
                    "leave procedural=True out, or run until they have arrived"
                )
            return _continued(plan, o, p, kernel, root, span, steps, pending)
    flight = Flight(signature, len(o), steps, dt, ring, *span, rows, laid=o.ends.version)
    if uniform:
        ring.deepen(steps.one + 1)
    else:
        flight.queues = tuple(plan.engine.new_queue(steps.longest + 1) for _ in rows)
        flight.group = tuple(b.delay for b in rows)
    flights[p.name] = flight
    return flight


def _still(plan: Planner, o: Synapses, kernel: Kernel, kept: Flight) -> bool:
    """Whether the queues of a flight are those of this engine, and their rows lead to where the synapses lie."""
    many = len(kept.queues) == _shared_out(plan, o, kernel)[1]
    return many and kept.laid == o.ends.version and isinstance(kept.queues[0], type(plan.engine.new_queue(1)))


def _continued(plan: Planner, o: Synapses, p: Pathway, kernel, root, span, steps: Steps, pending: Pending) -> Flight:
    """A run that begins with events on their way, and with other synapses, delays, dt or engine than when they set out."""
    dt, ring = root.clock.dt_, root._last_events[p.event]
    none = int(pending.of.max(initial=0)) + 1  # the group of the synapses that did not exist
    group = np.full(len(o), none, np.int32)
    group[: len(pending.of)] = pending.of
    number, pairs = cut_by_group(np.broadcast_to(steps.each(), len(o)), group)
    rows = rows_for(plan, o, kernel, number, None)
    numbers = tuple(b.delay for b in rows)
    rows, groups = with_delays(rows, pairs)
    ahead = steps_ahead(pending, dt)
    depth = max(steps.longest, int(ahead.max(initial=0))) + 1
    signature = (o.connectivity_version, dt)
    queues = tuple(plan.engine.new_queue(depth) for _ in rows)
    deliver(pending, ahead, rows, groups, queues)
    flight = Flight(signature, len(o), steps, dt, ring, *span, rows, queues, numbers, number, ring.step, o.ends.version)
    o._in_flight[p.name] = flight
    return flight


def rows_for(
    plan: Planner,
    o: Synapses,
    kernel: Kernel,
    delays: Steps | np.ndarray | None,
    p: Pathway | None = None,
) -> tuple[RowBlock, ...]:
    """The compressed rows for a kernel, cut into blocks by the side that it writes. Those of no pathway ``p`` but with ``delays`` are not kept.

    There are no more blocks than threads: each block has a part of every row, and short parts are dear (measured: 10^7 synapses, rows of 1,000 in
    48 parts, 12 ns a synapse against 1.5 in one), and where whole pathways keep all threads busy there is one (runtime/team.py). That changes no
    bit: what a neuron gets is added up in the order of its synapses either way.
    """
    if o.ends.made is not None:
        return made_rows(o, kernel)
    by, n_blocks = _shared_out(plan, o, kernel)
    dt = root_of(o.source if p.prepost == "pre" else o.target).clock.dt_ if p is not None else 0
    arranged = arranged_rows(plan, o, kernel, p, by, n_blocks, delays is None, dt)
    if arranged is not None:
        return arranged
    pre, post = root_of(o.source), root_of(o.target)
    far_side = post if kernel.rows == "pre" else pre
    far_type = np.uint16 if len(far_side) <= 1 << 16 else np.int32
    cache = o.__dict__.setdefault("_rows_cache", {})
    numbered = _uses_synapses(kernel)
    key = (
        len(pre),
        len(post),
        kernel.rows,
        by,
        n_blocks,
        numbered,
        None if p is None else p.name,
        dt,
        delays is not None,
    )
    now = (o.connectivity_version, o.ends.version)
    version, rows = cache.get(key, (None, None))
    if version != now or (delays is not None and p is None):
        near, far = (o.sources, o.targets) if kernel.rows == "pre" else (o.targets, o.sources)
        n_near, n_far = (len(pre), len(post)) if kernel.rows == "pre" else (len(post), len(pre))
        side = None if by is None else "near" if by == kernel.rows else "far"
        plain = o.ends.rows is not None and o.ends.order is None and n_blocks == 1 and delays is None
        if kernel.rows == "pre" and plain:
            rows = (RowBlock(o.ends.rows, np.ascontiguousarray(far, far_type), None, None),)
        else:
            each = delays.each() if isinstance(delays, Steps) else delays
            rows = row_blocks(near, far, n_near, n_far, n_blocks, side, far_type, each, numbered, o.position)
            del near, far, each
            if len(o) > MANY:
                give_back()
        if delays is None or p is not None:
            cache[key] = (now, rows)
    return rows


def _shared_out(plan: Planner, o: Synapses, kernel: Kernel) -> tuple[str | None, int]:
    """By which side the rows for a kernel are cut into blocks, None if into one only, and how many these are."""
    written = {b.extent for b in kernel.buffers if b.writable}
    serial = {"pre", "post"} <= written or "shared" in written or kernel.ordered or _mixes(kernel, o)
    far = (
        "post" if kernel.rows == "pre" else "pre"
    )  # each row is cut, where that is free: often there is but one event in a step
    by = None if serial else next((side for side in ("pre", "post") if side in written), far)
    most = 1 if plan.whole else plan.team.threads
    return by, min(max(1, -(-len(o) // plan.settings.synapses_per_block)), most) if by else 1


def order_notice(o: Synapses, p: Pathway, order: tuple[tuple[str, str, str], ...]) -> Iterator[str]:
    """What is to be said where the outcome depends on the order of synapses, and there are synapses for which it does."""
    for sharing, variable, statement in order:
        if _share(o, sharing):
            yield (
                f"{o.name}, on_{p.prepost}{'' if p.name == p.prepost else f' {p.name!r}'}: what '{statement}' makes of '{variable}' may depend "
                "on the order in which synapses are treated when several spikes arrive in one step"
            )
            return


def _share(o: Synapses, what: str) -> bool:
    """Whether two synapses share their target, their source or both, or one leads where the other begins."""
    if what == "chain":
        return bool(np.intersect1d(o.sources, o.targets).size)
    if what == "pair":
        return bool(numbers_within_pairs(o.sources, o.targets).any())
    if what == "pre" and o.ends.rows is not None:
        return bool(np.diff(o.ends.rows).max(initial=0) > 1)
    degree = o.N_incoming_post if what == "post" else o.N_outgoing_pre
    return bool(degree.max(initial=0) > 1)


def _mixes(kernel: Kernel, o: Synapses) -> bool:
    """Whether a variable of one group is written at one end of the synapses and used at another: then they are treated in turn."""
    groups = {"self": o, "pre": root_of(o.source), "post": root_of(o.target)}
    held = [b for b in kernel.buffers if b.owner.split(".")[0] in groups and b.extent != "shared"]
    for w in (b for b in held if b.writable):
        for b in held:
            apart = {b.owner, w.owner} == {"pre", "post"} and not overlap(o.source, o.target)
            same = b.variable == w.variable and member(groups, b.owner) is member(groups, w.owner)
            if b is not w and same and not apart:
                return True
    return False


def _long_runs(rows: tuple[RowBlock, ...]) -> str:
    """How the synapses of the long runs lie, if there are any."""
    apart = {b.apart for b in rows if b.long_runs is not None}
    return "" if not apart else "next" if apart == {1} else "apart"


def _stores_in_synapses(kernel: Kernel) -> bool:
    return any(b.writable and b.extent == "self" for b in kernel.buffers)


def _uses_synapses(kernel: Kernel) -> bool:
    """Whether the kernel reads or writes anything of the synapses themselves."""
    used = any(b.extent == "self" for b in kernel.buffers)
    return used or any(
        isinstance(e, Local) and e.name == "@s"
        for s in kernel.body
        for part in expressions(s)
        for e in walk_kernel(part)
    )
