"""The names of the methods, known without importing one: a group is checked when it is made, and then sympy may not be needed."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from eqsnn.errors import EquationError, Span
from eqsnn.model.suggest import closest

ALIASES = {"linear": "exact", "independent": "exact"}
"""Names that Brian 2 has for the same method (``independent`` for equations that do not read each other, which are a case of it)."""

RENAMED = {"rk3": "rk4", "midpoint": "rk2", "exp_euler": "exponential_euler"}


@cache
def method_names() -> tuple[str, ...]:
    """The ``name`` of every Integrator of this room, sorted."""
    texts = (path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.py"))
    return tuple(sorted({name for text in texts for name in re.findall(r'^    name = "(\w+)"$', text, re.MULTILINE)}))


def check_method(method: object, owner: str, span: Span | None) -> None:
    """Refuse what is no method of integration (None: the automatic choice; a tuple: names to be tried in turn)."""
    if isinstance(method, tuple) and method:
        for one in method:
            check_method(one, owner, span)
        return
    if method is None or method in (*method_names(), *ALIASES):
        return
    if callable(method) and not isinstance(method, str):
        raise EquationError(
            f"{owner}: a method is given by its name, and {getattr(method, '__name__', method)!r} is a Python function",
            span,
            "a method of your own is a file in eqsnn/integrators (README, 'To add a method of integration')",
        )
    near = RENAMED.get(method) or closest(method, method_names()) if isinstance(method, str) else None
    hint = f"did you mean '{near}'?" if near else f"there are {', '.join(method_names())}"
    raise EquationError(f"{owner}: there is no method {method!r}", span, hint)
