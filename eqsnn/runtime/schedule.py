"""The order of a step as a user sees it: the slots of a network's schedule, and who acts in which."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from eqsnn.errors import WrongTypeError, WrongValueError
from eqsnn.network.base import SLOTS, SimObject, slot_rank
from eqsnn.network.clock import Clock
from eqsnn.network.group import Group
from eqsnn.network.inputs import PoissonInput, SpikeGeneratorGroup
from eqsnn.network.neurongroup import NeuronGroup
from eqsnn.network.regular import CodeRunner
from eqsnn.network.synapses import Synapses
from eqsnn.runtime.place_names import PlaceNames
from eqsnn.runtime.questions import order_of_sum, root_of
from eqsnn.units import Quantity, second

_COLUMNS = ("object", "part of", "clock dt", "when", "order", "active")


def checked_schedule(slots: Sequence[str] | None) -> tuple[str, ...]:
    """A schedule as ``net.schedule = [...]`` may give it; None is the default. Raises EqsnnError."""
    if slots is None:
        return SLOTS
    if isinstance(slots, str) or not isinstance(slots, Sequence):
        raise WrongTypeError(f"a schedule is a list of slots, such as {list(SLOTS)}; got {slots!r}")
    for slot in slots:
        if not isinstance(slot, str) or not slot.isidentifier():
            raise WrongTypeError(f"a slot of the schedule is a name; got {slot!r}")
        if slot.startswith(("before_", "after_")):
            raise WrongValueError(
                f"the slot '{slot}' exists by itself: each slot has a before_ and an after_; leave it out"
            )
        if list(slots).count(slot) > 1:
            raise WrongValueError(f"the schedule has the slot '{slot}' twice")
    return tuple(slots)


def rank_in(slots: Sequence[str], when: str, o: SimObject) -> int:
    """The rank of the slot ``when`` in which ``o`` acts. Raises EqsnnError if the schedule lacks it."""
    try:
        return slot_rank(when, slots)
    except ValueError:
        known = [*slots, *(f"{p}_{s}" for p in ("before", "after") for s in slots)]
        close = difflib.get_close_matches(when, known, 1)
        hint = f"did you mean '{close[0]}'?" if close else "set net.schedule to a list that has it"
        raise WrongValueError(
            f"'{o.name}' acts in the slot '{when}', which is not in the schedule; it has {', '.join(slots)} (and before_..., "
            f"after_...); {hint}"
        ) from None


@dataclass(frozen=True)
class Entry:
    """One line of the summary: what acts, for whom, and where in the step."""

    name: str
    kind: str
    owner: SimObject
    when: str
    order: int

    @property
    def dt_(self) -> float | None:
        """The time step in seconds; None at the times of an EventClock."""
        return self.owner.clock.dt_ if isinstance(self.owner.clock, Clock) else None

    @property
    def dt(self) -> Quantity | None:
        """The time step; None at the times of an EventClock."""
        return None if self.dt_ is None else self.dt_ * second

    @property
    def whole(self) -> SimObject:
        """The object of which it is a part: the group for code that runs regularly and for Poisson inputs."""
        part = {CodeRunner: "group", PoissonInput: "target"}
        return next(
            (root_of(getattr(self.owner, a)) for kind, a in part.items() if isinstance(self.owner, kind)), self.owner
        )

    @property
    def active(self) -> bool:
        """Whether it takes part in a run."""
        return self.owner.active


def entries(o: SimObject) -> list[Entry]:
    """What an object does in a step, in Brian 2's words: a group is a state updater, a thresholder and a resetter."""
    if isinstance(o, SpikeGeneratorGroup):
        return [Entry(o.name, type(o).__name__, o, o.when, o.order)]
    if isinstance(o, NeuronGroup):
        return _of_neurons(o)
    if isinstance(o, Synapses):
        return _of_synapses(o)
    return [Entry(o.name, type(o).__name__, o, o.when, o.order)]


def _held(o: Group) -> list[Entry]:
    """The subexpressions that keep one value in a step."""
    held = any("constant over dt" in v.flags for v in o.model.variables)
    return [Entry(f"{o.name}_subexpression_update", "SubexpressionUpdater", o, "before_start", o.order)] if held else []


def _of_neurons(o: NeuronGroup) -> list[Entry]:
    found = _held(o)
    if o.model.of_kind("state", "recurrence", "input") or o.model.refractory is not None:
        found.append(Entry(f"{o.name}_stateupdater", "StateUpdater", o, "groups", o.order))
    found += [Entry(c.name, "Thresholder", o, c.when, c.order) for c in o.thresholder.values()]
    found += [Entry(c.name, "Resetter", o, c.when, c.order) for c in o.resetter.values() if c.active]
    return found


def _of_synapses(o: Synapses) -> list[Entry]:
    found = _held(o)
    for v in o.model.variables:
        if "summed" in v.flags:
            target = o.target if v.name.endswith("_post") else o.source
            name = f"{o.name}_summed_variable_{v.name}"
            found.append(Entry(name, "SummedVariableUpdater", o, "groups", order_of_sum(target)))
    if any(v.kind == "state" and "event-driven" not in v.flags for v in o.model.variables):
        found.append(Entry(f"{o.name}_stateupdater", "StateUpdater", o, "groups", o.order))
    for p in o.pathways.values():
        found.append(Entry(f"{o.name}_{p.name}", "SynapticPathway", o, p.when, p.order))
    return found


class SchedulingSummary:
    """The objects of a network in the order in which they act in a step. Prints as a table, in notebooks too."""

    def __init__(self, objects: Iterable[SimObject], slots: Sequence[str]):
        objects = list({id(o): o for o in objects}.values())
        names = PlaceNames(objects)
        found = [e for o in objects for e in entries(o)]
        found = [replace(e, when=f"before_{slots[0]}") if e.kind == "SubexpressionUpdater" else e for e in found]
        self.entries = sorted(found, key=lambda e: (rank_in(slots, e.when, e.owner), e.order, names(e.owner, e.name)))
        self._shortest = min((e.dt_ for e in self.entries if e.dt_ is not None), default=1.0)

    def rows(self) -> list[tuple[str, ...]]:
        """The cells of the table, without its head."""
        return [
            (
                f"{e.name} ({e.kind})",
                f"{e.whole.name} ({type(e.whole).__name__})",
                "at given times" if e.dt_ is None else f"{e.dt!s} ({self._every(e.dt_)})",
                e.when,
                str(e.order),
                "yes" if e.active else "no",
            )
            for e in self.entries
        ]

    def _every(self, dt: float) -> str:
        ratio = dt / self._shortest
        near = round(ratio)
        steps = f"{near}" if abs(ratio - near) < 1e-6 * ratio else f"{ratio:.3g}"
        return "every step" if steps == "1" else f"every {steps} steps"

    def __str__(self) -> str:
        return table(_COLUMNS, self.rows(), right={4})

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_table(_COLUMNS, self.rows(), right={4})


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: set[int]) -> str:
    """A table in text; the columns ``right`` are set flush right."""
    widths = [max(map(len, column)) for column in zip(head, *rows)]

    def line(cells: Sequence[str]) -> str:
        set_ = (c.rjust(w) if k in right else c.ljust(w) for k, (c, w) in enumerate(zip(cells, widths)))
        return " | ".join(set_).rstrip()

    return "\n".join([line(head), "-+-".join("-" * w for w in widths), *map(line, rows)])


def html_table(head: Sequence[str], rows: Sequence[Sequence[str]], right: set[int]) -> str:
    """The same in HTML."""
    from html import escape

    def cell(tag: str, k: int, text: str) -> str:
        return f'<{tag} style="text-align:{"right" if k in right else "left"}">{escape(text)}</{tag}>'

    lines = [("th", head), *(("td", r) for r in rows)]
    inner = "".join(f"<tr>{''.join(cell(tag, k, c) for k, c in enumerate(cells))}</tr>" for tag, cells in lines)
    return f"<table>{inner}</table>"
