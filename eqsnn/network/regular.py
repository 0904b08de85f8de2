"""Statements that run for all elements of a group, in every step of a clock or at given times: ``run_regularly`` and ``run_at``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eqsnn.errors import EquationError
from eqsnn.language.parse import parse_statements
from eqsnn.model.model import Scope
from eqsnn.model.resolve import statement_scope
from eqsnn.model.statements import bind
from eqsnn.network.base import SimObject
from eqsnn.network.clock import Clock, EventClock
from eqsnn.network.equations import functions_used
from eqsnn.units import Quantity

if TYPE_CHECKING:
    from eqsnn.network.group import Group


class CodeRunner(SimObject):
    """Runs ``code`` for every element of ``group`` in the slot ``when``; it belongs to the group and runs with it.

    ``active = False`` leaves it out.
    """

    takes_event_clock = True

    def __init__(
        self,
        group: Group,
        code: str,
        *,
        kind: str,
        dt: Quantity | None = None,
        clock: Clock | EventClock | None = None,
        when: str = "start",
        order: int = 0,
        name: str | None = None,
    ):
        if not isinstance(code, str):
            raise EquationError(f"{group.name}.{kind}() takes statements in a string; got {code!r}")
        if dt is None and clock is None:
            clock = group.clock
        name = name or f"{group.name}_{kind}*"
        super().__init__(name, clock=clock, dt=dt, when=when, order=order, namespace=group.namespace)
        self.group, self.code = group, code
        self.statements = parse_statements(code, f"code for {kind}()")
        self.functions = functions_used(self.statements, spaces=group.spaces())
        bind(self.statements, self.scope(), everywhere=True)

    def scope(self) -> Scope:
        """The names that the statements may use: those of the group, and the functions that they call."""
        scope = statement_scope(self.group.model)
        return Scope(scope.symbols, {**scope.functions, **self.functions}, scope.pre, scope.post, scope.open_ended)

    def __repr__(self) -> str:
        text = "; ".join(line.strip() for line in self.code.strip().splitlines())
        return f"<CodeRunner {self.name!r} of {self.group.name!r}: {text}>"
