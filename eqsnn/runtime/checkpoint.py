"""The whole state of a network as plain numbers and arrays, and back.

A snapshot holds what decides how a simulation goes on, and what it has recorded: variables, connectivity and delays, events on their way,
records, time and dt, and the position of every random stream. It says nothing of equations or constants: the script makes the network, a
snapshot fills it. Whatever is brought back is checked against the network first, also because it may come from a file: an index out of
range would be memory out of range.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.model.sharing import SIDES
from eqsnn.network.base import SimObject, registry
from eqsnn.network.clock import Clock, exact_seconds
from eqsnn.network.group import Group
from eqsnn.network.inputs import SpikeGeneratorGroup
from eqsnn.network.neurongroup import SpikeSource
from eqsnn.network.notices import tell_once
from eqsnn.network.recorder import Recorder, Segment
from eqsnn.network.synapses import Synapses
from eqsnn.runtime.in_flight import Flight, Pending, Steps
from eqsnn.runtime.memory import KeptRecord, KeptSpikes, kept_in_file

if TYPE_CHECKING:
    from eqsnn.runtime.simulation import Network

_PENDING = ("block", "ahead", "near", "group", "of")


@dataclass
class State:
    """One object: ``kind`` is its class, ``values`` numbers and texts by name, ``arrays`` by name."""

    kind: str
    values: dict[str, object] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass
class Snapshot:
    """A network at one time: ``time`` in seconds, exact; ``random`` the seed and the counts since it; ``objects`` by name."""

    time: Fraction
    random: dict[str, int]
    objects: dict[str, State]


def take(network: Network) -> Snapshot:
    """The state of a network, copied."""
    random = {"seed": registry.seed_value, "draws": registry.draws}
    return Snapshot(network._time, random, {o.name: state_of(o) for o in network.objects})


def state_of(o: SimObject) -> State:
    """The state of one object, copied."""
    state = State(type(o).__name__)
    state.values["dt"] = o.clock.dt_ if isinstance(o.clock, Clock) else None
    fresh = o._epoch == registry.epoch
    state.values["random"] = {"fresh": fresh, "number": o._ordinal if fresh else o._age}
    o.updates("")
    state.values["counts"] = dict(o._counts)
    if isinstance(o, Synapses):
        _take_connectivity(o, state)
    if isinstance(o, Synapses):
        for name in o.arrays.own():
            state.arrays[f"variables/{name}"] = o.arrays.created(name).copy()
        _take_once(o, state)
    elif isinstance(o, Group):
        for name, array in o.arrays.items():
            state.arrays[f"variables/{name}"] = array.copy()
    if isinstance(o, SpikeSource):
        for event, spikes in o._last_events.items():
            past = [spikes.read(back) for back in range(spikes.depth)]
            state.arrays[f"spikes/{event}/index"] = np.concatenate(past).astype(np.int32)
            state.arrays[f"spikes/{event}/count"] = np.array([len(p) for p in past], np.int64)
    if isinstance(o, SpikeGeneratorGroup):
        state.arrays |= {"generator/index": o._indices.copy(), "generator/seconds": o._seconds.copy()}
        state.values["period"] = o._period
    if isinstance(o, Recorder):
        state.values["segments"] = [[s.row, s.dt, s.step, s.every] for s in o.segments]
        for k, record in enumerate(o.records):
            state.arrays[f"records/{k}"] = np.array(record.array())
        if getattr(o, "counts", None) is not None:
            state.arrays["counted"] = o.counts.copy()
    return state


def _take_once(o: Synapses, state: State) -> None:
    """What the synapses of a neuron have in common."""
    if o.arrays.once is None:
        return
    for side, arrays in o.arrays.once.arrays.items():
        for name, array in arrays.items():
            state.arrays[f"once/{side}/{name}"] = array.copy()
    known = o.arrays.once.constants
    state.values["once"] = (
        None if known is None else {n: v.item() if isinstance(v, np.generic) else v for n, v in known.items()}
    )


def _take_connectivity(o: Synapses, state: State) -> None:
    if o.ends.made is not None:
        state.values["made"] = o.ends.signature
        state.arrays["i"] = state.arrays["j"] = np.empty(0, np.int64)
    else:
        state.arrays["i"], state.arrays["j"] = o._index("i", None), o._index("j", None)
    for name, p in o.pathways.items():
        state.arrays[f"delay/{name}"] = p.delay.copy()
        flight = o.__dict__.get("_in_flight", {}).get(name)
        if isinstance(flight, Flight) and not flight.queues:
            state.values[f"ring/{name}"] = True  # the source remembers its events
            continue
        pending = flight.pending() if isinstance(flight, Flight) else flight
        if pending is not None and len(pending):
            for column in _PENDING:
                state.arrays[f"pending/{name}/{column}"] = np.array(getattr(pending, column), np.int64)
            state.values[f"pending/{name}"] = {"dt": pending.dt, "blocks": pending.n_blocks}


# -- and back ------------------------------------------------------------------------------------------------------------------------


def bring_back(network: Network, snapshot: Snapshot, random: bool) -> None:
    """Fill a network with a snapshot; nothing has changed if it does not fit. ``random``: the random streams too."""
    _same_objects(network, snapshot)
    chosen = [(o, snapshot.objects[o.name]) for o in network.objects if o.name in snapshot.objects]
    for o, state in chosen:
        check(o, state)
    for o, state in chosen:
        if isinstance(o.clock, Clock):
            o.clock._dt = state.values["dt"]
        o._network = network
        _fill(o, state)
    for o, state in chosen:
        if isinstance(o, Synapses):
            _fill_flights(o, state)
    network._steps = {o.clock: exact_seconds(o.clock.dt_) for o, _ in chosen if isinstance(o.clock, Clock)}
    network._set_time(snapshot.time)
    if random:
        registry.seed_value, registry.draws = snapshot.random["seed"], snapshot.random["draws"]
        for o, state in chosen:
            _fill_random(o, state)


def _same_objects(network: Network, snapshot: Snapshot) -> None:
    """The objects must be those that were stored; a monitor that is new, or is gone, changes nothing for the others."""
    for o in network.objects:
        if o.name not in snapshot.objects and o.invalidates_magic_network and _has_state(o):
            raise EqsnnError(
                f"restore(): '{o.name}' is in the network and was not stored; the snapshot has {', '.join(sorted(snapshot.objects))}"
            )
    here = {o.name for o in network.objects}
    for name, state in snapshot.objects.items():
        if name in here:
            continue
        if "segments" in state.values:
            tell_once(f"restore(): the records of the monitor '{name}' were stored, and it is not in the network")
        elif state.arrays:
            raise EqsnnError(
                f"restore(): '{name}' ({state.kind}) was stored and is not in the network, which has {', '.join(sorted(here))}"
            )


def _has_state(o: SimObject) -> bool:
    return isinstance(o, Group)


def check(o: SimObject, state: State) -> None:
    """Raises EqsnnError, naming the object, where a state does not fit it."""
    _require(o, state.kind == type(o).__name__, f"it is a {type(o).__name__}, and a {state.kind} was stored")
    regular = isinstance(o.clock, Clock)
    _require(o, not regular or _is_time(state.values.get("dt")), "the stored dt is not a time step")
    if isinstance(o, Synapses):
        _check_connectivity(o, state)
    n = len(state.arrays["j"]) if isinstance(o, Synapses) else None
    if isinstance(o, Group):
        _check_variables(o, state, n)
    for event in _events_of(state):
        _check_spikes(o, state, event)
    if isinstance(o, SpikeGeneratorGroup):
        index, seconds = _array(o, state, "generator/index", "iu"), _array(o, state, "generator/seconds", "f")
        period = state.values.get("period")
        _require(
            o, len(index) == len(seconds) and _within(index, len(o)), "its stored spikes are not those of its neurons"
        )
        _require(
            o, bool(np.all(seconds >= 0)) and (period is None or _is_time(period)), "its stored times are not times"
        )
    if isinstance(o, Recorder):
        _check_records(o, state)
    counts = state.values.get("counts")
    _require(
        o, isinstance(counts, dict) and all(_is_count(c) for c in counts.values()), "the stored counts are no counts"
    )
    known = state.values.get("random")
    whole = isinstance(known, dict) and isinstance(known.get("fresh"), bool) and _is_count(known.get("number"))
    _require(o, whole, "the stored position of its random stream is none")


def _require(o: SimObject, ok: bool, what: str) -> None:
    if not ok:
        raise EqsnnError(f"restore(): '{o.name}' is not the object that was stored: {what}")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def _is_time(value: object) -> bool:
    return isinstance(value, float) and 0 < value < float("inf")


def _within(index: np.ndarray, n: int) -> bool:
    return index.size == 0 or (int(index.min()) >= 0 and int(index.max()) < n)


def _array(o: SimObject, state: State, key: str, kinds: str) -> np.ndarray:
    """A stored array of one dimension."""
    array = state.arrays.get(key)
    _require(o, array is not None, f"'{key}' was not stored")
    _require(o, array.ndim == 1 and array.dtype.kind in kinds, f"what was stored as '{key}' has another type")
    return array


def _check_connectivity(o: Synapses, state: State) -> None:
    made = None if o.ends.made is None else o.ends.signature
    _require(
        o, state.values.get("made") == made, "its procedural synapses are made by another rule, or with another seed"
    )
    i, j = _array(o, state, "i", "iu"), _array(o, state, "j", "iu")
    inside = len(i) == len(j) and _within(i, len(o.source)) and _within(j, len(o.target))
    _require(o, inside, f"its stored synapses lead outside its groups of {len(o.source)} and {len(o.target)}")
    stored = {key.removeprefix("delay/") for key in state.arrays if key.startswith("delay/")}
    _require(o, stored == set(o.pathways), f"its pathways are {_list(o.pathways)}, and {_list(stored)} were stored")
    for name, p in o.pathways.items():
        delay = _array(o, state, f"delay/{name}", "f")
        fits = delay.size in (1, len(i)) and bool(np.all((delay >= 0) & (delay < 1e6)))
        _require(o, fits and delay.dtype == p.delay.dtype, f"the stored delays of its pathway '{name}' are no delays")
        if f"pending/{name}" in state.values:
            _check_pending(o, state, name, len(i))


def _check_pending(o: Synapses, state: State, name: str, n: int) -> None:
    columns = [_array(o, state, f"pending/{name}/{c}", "iu") for c in _PENDING]
    block, ahead, near, group, of = columns
    known = state.values[f"pending/{name}"]
    spiking = o.source if o.pathways[name].prepost == "pre" else o.target
    ok = isinstance(known, dict) and _is_time(known.get("dt")) and _is_count(known.get("blocks"))
    ok = ok and len(block) == len(ahead) == len(near) == len(group) and len(of) <= n and known["blocks"] > 0
    ok = ok and _within(near, getattr(spiking, "root", spiking).__len__()) and _within(block, known["blocks"])
    ok = ok and all(_within(x, 1 << 31) for x in (ahead, group, of))
    _require(o, ok, f"the stored events on their way along '{name}' are none")


def _check_variables(o: Group, state: State, n: int | None) -> None:
    stored = {key.removeprefix("variables/") for key in state.arrays if key.startswith("variables/")}
    once = (
        {key.split("/", 2)[2] for key in state.arrays if key.startswith("once/")} if isinstance(o, Synapses) else set()
    )
    fits = stored | once == set(o.arrays) and not stored & once - {"lastupdate"}
    _require(o, fits, f"its variables are {_list(o.arrays)}, and {_list(stored | once)} were stored")
    for name in once:
        _check_once(o, state, name)
    for name in stored:
        array = o.arrays.held(name) if isinstance(o, Synapses) else o.arrays[name]
        found = _array(o, state, f"variables/{name}", array.dtype.kind)
        wanted = array.shape[0] if n is None or o.variables[name].shared else n
        _require(o, found.dtype == array.dtype, f"'{name}' is {array.dtype}, and {found.dtype} was stored")
        _require(o, len(found) == wanted, f"'{name}' has {wanted} values, and {len(found)} were stored")


def _check_once(o: Synapses, state: State, name: str) -> None:
    """A variable that was kept once a neuron."""
    sides = [side for side in SIDES if f"once/{side}/{name}" in state.arrays]
    like = o.arrays.held(name)
    _require(o, name == "lastupdate" or len(sides) == 1, f"'{name}' was stored for both sides")
    known = state.values.get("once")
    _require(o, known is None or isinstance(known, dict), "its stored constants are none")
    for side in sides:
        found = _array(o, state, f"once/{side}/{name}", like.dtype.kind)
        group = o.source if side == "pre" else o.target
        wanted = len(getattr(group, "root", group))
        _require(o, found.dtype == like.dtype, f"'{name}' is {like.dtype}, and {found.dtype} was stored")
        _require(o, len(found) == wanted, f"'{name}' has {wanted} values, and {len(found)} were stored")


def _events_of(state: State) -> list[str]:
    """The events whose last steps were stored."""
    return sorted({key.split("/")[1] for key in state.arrays if key.startswith("spikes/")})


def _check_spikes(o: SimObject, state: State, event: str) -> None:
    index = _array(o, state, f"spikes/{event}/index", "i")
    count = _array(o, state, f"spikes/{event}/count", "i")
    ok = (
        isinstance(o, SpikeSource)
        and event in o.event_names
        and bool(np.all(count >= 0))
        and int(count.sum()) == len(index)
    )
    ok = ok and _within(index, len(o)) and all(np.all(np.diff(p) >= 0) for p in _past(index, count))
    _require(o, ok, "its stored spikes are not those of its neurons")


def _check_records(o: SimObject, state: State) -> None:
    """A monitor that had not run when it was stored has no records; one that has not run yet takes what was stored."""
    keys = [key for key in state.arrays if key.startswith("records/")]
    _require(o, sorted(keys) == sorted(f"records/{k}" for k in range(len(keys))), "the stored records are not numbered")
    for k in range(len(keys)):
        array = _array(o, state, f"records/{k}", "fiub")
        fits = not o.records or (len(o.records) == len(keys) and array.dtype == o.records[k].dtype)
        _require(o, fits, "it records other variables than what was stored")
    segments = state.values.get("segments")
    whole = isinstance(segments, list) and all(isinstance(s, list) and len(s) == 4 for s in segments)
    whole = whole and all(
        _is_count(r) and _is_number(dt) and _is_number(t) and _is_count(e) for r, dt, t, e in segments
    )
    _require(o, whole, "the stored times of its records are none")
    counts = getattr(o, "counts", None)
    _require(
        o,
        (counts is not None) == ("counted" in state.arrays),
        "it keeps counts, or does not, other than what was stored",
    )
    if counts is not None:
        _require(
            o, _array(o, state, "counted", "i").shape == counts.shape, "it counts other elements than what was stored"
        )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < float("inf")


def _list(names) -> str:
    return ", ".join(sorted(names)) or "none"


def _past(index: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, ...]:
    ends = np.cumsum(count)
    return tuple(index[e - c : e].astype(np.int32) for c, e in zip(count, ends))


def _fill(o: SimObject, state: State) -> None:
    if isinstance(o, Synapses):
        _fill_connectivity(o, state)
    if isinstance(o, Synapses):
        _fill_once(o, state)
        for name in o.arrays.own():
            o.arrays[name][:] = state.arrays[f"variables/{name}"]
    elif isinstance(o, Group):
        for name in o.arrays:
            o.arrays[name][:] = state.arrays[f"variables/{name}"]
    if isinstance(o, SpikeSource):
        o._last_events.clear()
        for event in _events_of(state):
            past = _past(state.arrays[f"spikes/{event}/index"], state.arrays[f"spikes/{event}/count"])
            o._last_events[event] = KeptSpikes(len(o), past)
        o.__dict__["_spikes_dt"] = state.values["dt"]
    if isinstance(o, SpikeGeneratorGroup):
        o._indices, o._seconds = state.arrays["generator/index"].copy(), state.arrays["generator/seconds"].copy()
        o._period = state.values["period"]
    if isinstance(o, Recorder):
        _fill_records(o, state)


def _fill_once(o: Synapses, state: State) -> None:
    """What the synapses of a neuron had in common is theirs again."""
    arrays = {s: {} for s in SIDES}
    for key, array in state.arrays.items():
        if key.startswith("once/"):
            _, side, name = key.split("/", 2)
            arrays[side][name] = array.copy()
    if any(arrays.values()):
        o.arrays.bring_back(arrays, "variables/lastupdate" in state.arrays, state.values.get("once"))


def _fill_records(o: Recorder, state: State) -> None:
    n = sum(key.startswith("records/") for key in state.arrays)
    files = getattr(o, "files", None) or {}
    paths = [*files.items(), *[(None, None)] * n]
    kept = []
    for k in range(n):
        values, (name, path) = state.arrays[f"records/{k}"], paths[k]
        kept.append(KeptRecord(values.copy()) if path is None else kept_in_file(values, path, o.width(name)))
    o.__dict__["records"] = tuple(kept)
    o.__dict__["segments"] = tuple(Segment(*s) for s in state.values["segments"])
    if "counted" in state.arrays:
        o.counts[:] = state.arrays["counted"]


def _fill_connectivity(o: Synapses, state: State) -> None:
    if o.ends.made is None:
        o._replace(state.arrays["i"], state.arrays["j"])
    for name, p in o.pathways.items():
        p.delay = state.arrays[f"delay/{name}"].copy()


def _fill_flights(o: Synapses, state: State) -> None:
    """The events on their way; everything else must be in place."""
    o._in_flight = {}
    for name, p in o.pathways.items():
        known: Mapping | None = state.values.get(f"pending/{name}")
        if known is not None:
            columns = (state.arrays[f"pending/{name}/{c}"] for c in _PENDING)
            o._in_flight[name] = Pending(*columns, known["dt"], known["blocks"])
        elif f"ring/{name}" in state.values:
            spiking = o.source if p.prepost == "pre" else o.target
            first, root = getattr(spiking, "start", 0), getattr(spiking, "root", spiking)
            dt = root.clock.dt_
            steps = Steps(p.held, dt)
            if steps.one is not None and p.event in root._last_events:
                flight = Flight(
                    (o.connectivity_version, dt),
                    len(o),
                    steps,
                    dt,
                    root._last_events[p.event],
                    first,
                    first + len(spiking),
                    (),
                )
                o._in_flight[name] = flight


def _fill_random(o: SimObject, state: State) -> None:
    known = state.values["random"]
    o._epoch = registry.epoch if known["fresh"] else -1
    if known["fresh"]:
        o._ordinal = known["number"]
    else:
        o._age = known["number"]
    o._counts, o._counts_epoch = dict(state.values["counts"]), registry.epoch
