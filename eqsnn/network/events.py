"""The events of a group of neurons: when each condition is checked, and what follows it."""

from __future__ import annotations

from collections.abc import Mapping

from eqsnn.errors import EquationError, WrongValueError
from eqsnn.language.ast import Expr
from eqsnn.language.parse import parse_expression
from eqsnn.model.suggest import closest
from eqsnn.network.base import check_slot


class EventCheck:
    """When the condition of an event is checked: slot ``when``, rank ``order``. One each in ``group.thresholder``."""

    def __init__(self, group: str, event: str, order: int):
        self.name, self.event = f"{group}_{event}_thresholder", event
        self.when, self.order = ("thresholds" if event == "spike" else "after_thresholds"), order

    def __repr__(self) -> str:
        return f"<{self.name}: the event '{self.event}' is checked in the slot '{self.when}', order {self.order}>"


class EventCode:
    """The statements that follow an event. One each in ``group.resetter``; ``active = False`` leaves them out of the next runs."""

    def __init__(self, group: str, event: str, code: str, when: str, order: int):
        check_slot(when)
        self.name, self.event, self.code = f"{group}_{event}_resetter", event, code
        self.when, self.order, self.active = when, int(order), True

    def __repr__(self) -> str:
        return f"<{self.name}: after '{self.event}', in the slot '{self.when}', order {self.order}: {self.code!r}>"


def conditions(name: str, threshold: str | None, events: Mapping[str, str] | None) -> dict[str, Expr]:
    """The parsed conditions of all events of the group ``name``, 'spike' first. Raises EquationError."""
    given = {} if threshold is None else {"spike": threshold}
    if events is not None and not isinstance(events, Mapping):
        raise EquationError(
            f"{name}: events must be a dict of names and conditions, such as {{'name': 'x > 1'}}; got {events!r}"
        )
    for event, text in (events or {}).items():
        if not isinstance(event, str) or not (event.isidentifier() and event.isascii()):
            raise EquationError(f"{name}: the name of an event has letters, digits and underscores; got {event!r}")
        if event in given:
            raise EquationError(
                f"{name} defines the event 'spike' twice: threshold= is its condition", None, "leave one of them out"
            )
        given[event] = text
    return {event: _condition(event, text) for event, text in sorted(given.items(), key=lambda g: g[0] != "spike")}


def _condition(event: str, text: object) -> Expr:
    what = "threshold" if event == "spike" else f"condition of the event '{event}'"
    if not isinstance(text, str):
        raise EquationError(f"{what} must be a string; got {text!r}")
    return parse_expression(text, what)


def known_event(source, event: object, what: str, where: str = "") -> str:
    """``event`` if the group ``source`` defines it; else an error: ``what`` asks for it. A source that emits nothing has none."""
    names = getattr(source, "event_names", ())
    if event in names:
        return event
    if event == "spike":
        raise WrongValueError(f"{what} the spikes of '{source.name}'{where}, which has no threshold")
    near = closest(event, list(names)) if isinstance(event, str) else None
    hint = f"did you mean '{near}'?" if near else f"it has {', '.join(names)}" if names else "it has no events"
    raise WrongValueError(f"{what} the event {event!r} of '{source.name}'{where}, which does not define it; {hint}")
