"""The contract of an integration method, the choice among them, and the discretisation of a model's equations."""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from dataclasses import dataclass

from eqsnn.errors import EquationError, InternalError, Span
from eqsnn.integrators.names import ALIASES
from eqsnn.integrators.system import System


@dataclass(frozen=True)
class Reason:
    """Why a method cannot take a model, as the second half of a sentence: 'the equation of v is not linear'; ``span``: that equation."""

    text: str
    span: Span | None = None

    def __str__(self) -> str:
        return self.text


class Integrator(ABC):
    """Turns dx/dt = f(x, t) + g(x, t) xi into one step.

    ``order``: the order of convergence on smooth deterministic equations (``math.inf`` for an exact solution); ``strong_order``: on
    stochastic ones (None where there is no support for noise). ``source``: where the method is published.
    """

    name: str
    order: float
    strong_order: float | None = None
    source: str = ""

    @abstractmethod
    def supports(self, system: System) -> Reason | None:
        """None if the method can integrate the system."""

    @abstractmethod
    def advance(self, system: System) -> None:
        """Append one step to the system's map. ``supports`` was None."""

    def declines(self, system: System) -> Reason | None:
        """Why a method that supports the system is not the one to take where no method is given; None if it is."""
        return None


def methods() -> dict[str, Integrator]:
    """All methods by name: every module of this room that defines Integrators."""
    import eqsnn.integrators as room

    found = {}
    for module in pkgutil.iter_modules(room.__path__):
        contents = vars(importlib.import_module(f"eqsnn.integrators.{module.name}"))
        for value in contents.values():
            if (
                isinstance(value, type)
                and issubclass(value, Integrator)
                and isinstance(getattr(value, "name", None), str)
            ):
                found[value.name] = value()
    return found


DEFAULT_CHOICE = ("exact", "euler", "heun")
"""What is tried, in this order, when no method is given (as Brian 2 documents)."""


@dataclass(frozen=True)
class Choice:
    """The method taken and the sentence that says why."""

    integrator: Integrator
    message: str


def _check_name(method: str, available: dict[str, Integrator], owner: str) -> None:
    if method not in available:
        raise InternalError(f"{owner}: {method} has no integrator")


def choose(system: System, method: str | tuple[str, ...] | None, owner: str) -> Choice:
    """The integrator called ``method``, or the first of several (None: the default choice) that supports the system. Raises EquationError."""
    available = methods()
    span = system.variables[0].span if system.variables else None
    if isinstance(method, tuple):
        method = tuple(ALIASES.get(n, n) for n in method)
    elif method is not None:
        method = ALIASES.get(method, method)
    names = DEFAULT_CHOICE if method is None else method
    if isinstance(names, str):
        _check_name(method, available, owner)
        reason = available[method].supports(system)
        if reason is not None:
            others = [
                n
                for n in (*DEFAULT_CHOICE, "exponential_euler", "rk4", "milstein")
                if available[n].supports(system) is None
            ]
            raise EquationError(
                f"{owner}: the method '{method}' cannot integrate these equations: {reason}",
                reason.span or span,
                f"use {' or '.join(dict.fromkeys(others))}",
            )
        return Choice(available[method], f"{owner}: method '{method}' as given")
    refused = []
    for name in names:
        _check_name(name, available, owner)
        reason = available[name].supports(system)
        if reason is None and method is None:
            reason = available[name].declines(system)
        if reason is None:
            why = f" ({'; '.join(refused)})" if refused else " (the equations are linear)"
            given = "no method given" if method is None else f"of the methods {', '.join(names)}"
            return Choice(available[name], f"{owner}: {given}, '{name}' chosen{why}")
        refused.append(f"not '{name}': {reason}")
    which = "no method" if method is None else "none of these methods"
    raise EquationError(f"{owner}: {which} can integrate these equations", span, "; ".join(refused))
