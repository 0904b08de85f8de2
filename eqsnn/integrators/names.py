"""The names of the methods, known without importing one: a group is checked when it is made, and then sympy may not be needed."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from eqsnn.errors import EquationError, Span
from eqsnn.model.suggest import closest

RENAMED = {"linear": "exact", "independent": "exact", "rk3": "rk4", "midpoint": "rk2", "exp_euler": "exponential_euler"}


@cache
def method_names() -> tuple[str, ...]:
    """The ``name`` of every Integrator of this room, sorted."""
    texts = (path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.py"))
    return tuple(sorted({name for text in texts for name in re.findall(r'^    name = "(\w+)"$', text, re.MULTILINE)}))


def check_method(method: object, owner: str, span: Span | None) -> None:
    """Refuse what is no method of integration (None: the automatic choice)."""
    if method is None or method in method_names():
        return
    near = RENAMED.get(method) or closest(method, method_names()) if isinstance(method, str) else None
    hint = f"did you mean '{near}'?" if near else f"there are {', '.join(method_names())}"
    raise EquationError(f"{owner}: there is no method {method!r}", span, hint)
