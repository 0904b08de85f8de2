"""Names that mean something else in equations than where ``run`` is called: the group's own variables and the units come first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from eqsnn.errors import EquationError
from eqsnn.language.ast import Expr, Name, walk
from eqsnn.model.functions import known_constant
from eqsnn.network.equations import expressions_of
from eqsnn.network.group import Group
from eqsnn.network.namespace import constant
from eqsnn.units import Dimension, Quantity

_INDICES = ("i", "j")
"""Names of loops in Python everywhere, and never meant for a constant in equations."""


def hidden_names(group: Group, parts: Iterable[Expr], spaces: Iterable[Mapping[str, object]]) -> str | None:
    """A notice about the names in ``parts`` (expressions of the group) that have another value in ``spaces``, or None."""
    spaces = list(spaces)
    used = dict.fromkeys(n.id for expr in expressions_of(list(parts)) for n in walk(expr) if isinstance(n, Name))
    found = [(name, outside) for name in used if name not in _INDICES for outside in _outside(name, spaces)]
    own = sorted(n for n, outside in found if _is_own(group, n) and not _equal(group, n, *outside))
    units = sorted(n for n, outside in found if not _is_own(group, n) and known_constant(n) not in (None, outside))
    said = [
        f"{' and '.join(map(repr, names))} {'is' if len(names) == 1 else 'are'} {what}"
        for names, what in ((own, "of the group itself"), (units, "a unit or a constant of the language"))
        if names
    ]
    if not said:
        return None
    which = "that name has" if len(own) + len(units) == 1 else "those names have"
    return f"{group.name}: in its equations {', '.join(said)}; what {which} in the namespace of the run plays no part there"


def _outside(name: str, spaces: list[Mapping[str, object]]) -> Iterator[tuple[float, Dimension]]:
    """The number that a name stands for outside, if it does."""
    value = next((s[name] for s in spaces if name in s), None)
    if isinstance(value, (int, float, np.number, Quantity)) and not np.ndim(value):
        try:
            number, dim = constant(name, value, None)
        except EquationError:  # such as a complex number
            return
        yield float(number), dim


def _is_own(group: Group, name: str) -> bool:
    symbol = group.model.scope.symbols.get(name)
    return symbol is not None and symbol.owner != "external"


def _equal(group: Group, name: str, number: float, dim: Dimension) -> bool:
    """Whether the variable has that value in all elements, as when ``G.tau = tau`` has set it."""
    info = group.known_variable(name)
    if info is None or info.dim != dim:
        return False
    if name not in group.arrays and name not in ("N", "dt", "N_pre", "N_post"):
        return False
    return bool(np.all(info.read(None) == number))
