"""Pathways of synapses: what happens at a synapse when a neuron of one side emits an event, and after which delay."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.errors import EqsnnError, EquationError, UnitError, WrongValueError
from eqsnn.language.ast import Statements
from eqsnn.language.parse import parse_expression, parse_statements
from eqsnn.network.base import registry
from eqsnn.network.clock import Clock
from eqsnn.network.delays import Held, SteppedDelays, one_of, seconds_of, with_values
from eqsnn.network.in_parts import differs
from eqsnn.network.procedural import check_delays
from eqsnn.network.variables import VariableInfo, VariableView
from eqsnn.units import Quantity, dimensions_of, second

if TYPE_CHECKING:
    from eqsnn.network.synapses import Synapses


@dataclass
class Pathway:
    """What happens when a neuron of one side emits ``event``: ``prepost`` 'pre' or 'post', after ``delay`` (seconds; one, or one a synapse).

    ``when`` and ``order`` are its place in the schedule.
    """

    name: str
    prepost: str
    statements: Statements
    order: int
    held: Held = field(default_factory=lambda: np.zeros(1))
    fixed_delay: bool = False
    event: str = "spike"
    when: str = "synapses"

    @property
    def delay(self) -> np.ndarray:
        """The delay in seconds: one, or one a synapse."""
        return seconds_of(self.held)

    @delay.setter
    def delay(self, seconds: np.ndarray) -> None:
        self.held = seconds

    def one_delay(self) -> float | None:
        """The delay in seconds where it is the same for all."""
        return one_of(self.held)

    def delays(self, n: int, index: np.ndarray | slice | None) -> np.ndarray:
        """The delay of those of ``n`` synapses, in seconds."""
        if self.held.size > 1 and index is not None:
            return self.held.seconds(index) if isinstance(self.held, SteppedDelays) else self.held[index]
        values = np.broadcast_to(self.delay, n)
        return values.copy() if index is None else values[index]

    def grow(self, old: int, new: int) -> None:
        """``new`` synapses join ``old`` ones; if there is no single delay for all, theirs is 0."""
        if self.held.size > 1 or (old and self.held[0] != 0 and not self.fixed_delay):
            if isinstance(self.held, SteppedDelays):
                self.held = replace(self.held, parts=np.concatenate([self.held.parts, np.zeros(new, np.uint16)]))
            else:
                self.delay = np.concatenate([np.broadcast_to(self.delay, old), np.zeros(new)])


def pathways(side: str, given: str | Mapping[str, str] | None) -> list[Pathway]:
    """The pathways that ``on_pre`` or ``on_post`` describes, in the user's order."""
    if given is None or given == "":
        return []
    named = dict(given) if isinstance(given, Mapping) else {side: given}
    order = -1 if side == "pre" else 1
    result = []
    for name, text in named.items():
        if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
            raise WrongValueError(f"on_{side}: the name of a pathway is letters, digits and underscores; got {name!r}")
        if not isinstance(text, str):
            raise EquationError(f"on_{side} must be a string of statements; got {text!r}")
        origin = f"on_{side}" if name == side else f"on_{side} '{name}'"
        result.append(Pathway(name, side, parse_statements(text, origin), order))
    return result


def main_pathway(known: Mapping[str, Pathway]) -> Pathway | None:
    """The pathway whose delay is the ``delay`` of the synapses: 'pre', or the only one."""
    if "pre" in known:
        return known["pre"]
    return next(iter(known.values())) if len(known) == 1 else None


def delay_info(synapses: Synapses, pathway: Pathway) -> VariableInfo:
    """The delay of a pathway as a variable of its synapses; one value for all if the constructor got it."""

    def read(index):
        return pathway.delay.copy() if pathway.fixed_delay else pathway.delays(len(synapses), index)

    def write(index, values):
        if not np.min(values, initial=0.0) >= 0:
            raise WrongValueError(f"a delay cannot be negative; got {np.min(values):g} s")
        if not pathway.fixed_delay:
            synapses.must_exist("delay")
        if synapses.ends.made is not None:
            check_delays(synapses, index, values)
        if len(values) == 0:
            return
        registry.refuse_in_a_trial(f"setting a delay of {synapses.name}")
        synapses.in_order()
        spiking = synapses.source if pathway.prepost == "pre" else synapses.target
        dt = getattr(spiking, "root", spiking).clock.dt_
        pathway.held = with_values(pathway.held, len(synapses), dt, index, values)
        synapses.connectivity_version += 1

    return VariableInfo("delay", second.dim, "float", pathway.fixed_delay, read, write)


def set_constructor_delays(synapses: Synapses, delay: Quantity | Mapping[str, Quantity] | None) -> None:
    """The delays given to the constructor: one for all synapses of a pathway, then and later."""
    if delay is None:
        return
    if not isinstance(delay, Mapping):
        if "pre" not in synapses.pathways:
            raise WrongValueError(
                f"{synapses.name}: delay= is that of the pathway 'pre', and there is no on_pre; use delay={{'post': ...}}"
            )
        delay = {"pre": delay}
    for name, value in delay.items():
        pathway = known_pathway(synapses, name)
        if dimensions_of(value) != second.dim or np.ndim(value):
            raise UnitError(f"{synapses.name}: delay must be one time such as 2*ms; got {value!r}")
        if not float(value / second) >= 0:
            raise WrongValueError(f"{synapses.name}: a delay cannot be negative; got {value!s}")
        pathway.delay = np.array([float(value / second)])
        pathway.fixed_delay = True


def known_pathway(synapses: Synapses, name: str) -> Pathway:
    """The pathway called ``name``; EqsnnError if there is none."""
    if name not in synapses.pathways:
        known = ", ".join(synapses.pathways) or "none"
        raise WrongValueError(f"{synapses.name} has no pathway '{name}'; it has {known}")
    return synapses.pathways[name]


class DelayView(VariableView):
    """The delay of a pathway; where the constructor got one for all synapses, only another such can be set."""

    def __setitem__(self, item, value) -> None:
        if self.info.shared:
            each = isinstance(value, str) and differs(
                parse_expression(value, "expression for delay"), self.group.expression_scope()
            )
            whole = isinstance(item, slice) and item == slice(None)
            if each or not whole or np.size(value) > 1:
                raise EqsnnError(
                    f"{self.group.name} was made with one delay for all synapses; leave delay= out to set it for each"
                )
        super().__setitem__(item, value)


class PathwayView:
    """One pathway of synapses from Python: its ``delay``, ``order`` and ``when`` can be set, what it does can be read."""

    def __init__(self, synapses: Synapses, pathway: Pathway):
        object.__setattr__(self, "_synapses", synapses)
        object.__setattr__(self, "_pathway", pathway)

    @property
    def delay(self) -> DelayView:
        """The delay of each synapse on this pathway (a time)."""
        return DelayView(self._synapses, delay_info(self._synapses, self._pathway))

    @property
    def delay_(self) -> DelayView:
        """The delay in seconds, without unit."""
        return DelayView(self._synapses, delay_info(self._synapses, self._pathway), unitless=True)

    @property
    def order(self) -> int:
        """Its rank within its slot of the schedule: -1 for a 'pre', 1 for a 'post' pathway unless it was set."""
        return self._pathway.order

    @property
    def when(self) -> str:
        """Its slot of the schedule, 'synapses' unless it was set."""
        return self._pathway.when

    @property
    def name(self) -> str:
        """The name under which it stands in the schedule."""
        return f"{self._synapses.name}_{self._pathway.name}"

    @property
    def code(self) -> str:
        """Its statements as the user wrote them."""
        return self._pathway.statements.text

    @property
    def event(self) -> str:
        """The event that it waits for."""
        return self._pathway.event

    @property
    def prepost(self) -> str:
        """Whose events it waits for: 'pre' or 'post'."""
        return self._pathway.prepost

    @property
    def source(self):
        """The group whose events it waits for."""
        return self._synapses.source if self.prepost == "pre" else self._synapses.target

    @property
    def target(self):
        """The group at the other end."""
        return self._synapses.target if self.prepost == "pre" else self._synapses.source

    @property
    def clock(self) -> Clock:
        """The clock of the group whose events it waits for."""
        return getattr(self.source, "root", self.source).clock

    @property
    def dt(self) -> Quantity:
        """The time step of its clock."""
        return self.clock.dt

    @property
    def synapses(self) -> Synapses:
        """The synapses to which it belongs."""
        return self._synapses

    @property
    def variables(self) -> dict[str, VariableInfo]:
        """The variables of its synapses; ``delay`` is its own."""
        return {**self._synapses.variables, "delay": delay_info(self._synapses, self._pathway)}

    def known_variable(self, name: str) -> VariableInfo | None:
        """The variable of its synapses, or of the neurons at their ends; ``delay`` is its own."""
        return self.variables["delay"] if name == "delay" else self._synapses.known_variable(name)

    def __len__(self) -> int:
        return len(self._synapses)

    def __setattr__(self, name: str, value) -> None:
        if name in ("delay", "delay_"):
            if isinstance(value, VariableView) and value.group is self._synapses and value.info.name == "delay":
                return  # S.pre.delay += x has already written in place
            getattr(self, name)[:] = value
        elif name == "order":
            self._pathway.order = operator.index(value)
        elif name == "when":
            if not isinstance(value, str):
                raise WrongValueError(f"when= is the name of a slot of the schedule, such as 'synapses'; got {value!r}")
            self._pathway.when = value
        else:
            raise AttributeError(f"of a pathway, delay, order and when can be set; got '{name}'")

    def __repr__(self) -> str:
        side = "source" if self.prepost == "pre" else "target"
        text = "; ".join(str(self._pathway.statements).splitlines())
        what = "spikes" if self.event == "spike" else f"events '{self.event}'"
        return f"<pathway {self._pathway.name!r} of {self._synapses.name!r}: at {what} of the {side}, {text}>"
