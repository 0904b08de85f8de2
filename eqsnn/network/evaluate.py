"""String expressions evaluated once from Python (``G.v = '...'``, conditions, ``connect``): the road as far as the interpreter.

Such an expression is checked, discretised and lowered like any other and then interpreted in numpy over all elements at once, so that
it has the same meaning and the same random streams as in a kernel, without a compiler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from eqsnn.language.ast import Expr, Name, walk
from eqsnn.model.dimensions import check_value, infer
from eqsnn.model.model import Scope
from eqsnn.network.equations import functions_used

Supply = Callable[[str, str], object]
"""Gives the values of ``(owner, variable)``: an array with one value an element, or a number."""


class HostExpression:
    """An expression over the elements of a group, checked against ``scope`` and an ``expected`` dimension (or 'boolean', or None)."""

    def __init__(self, expr: Expr, scope: Scope, expected=None):
        self.expr, self.scope, self.expected = expr, scope, expected

    def names(self) -> set[str]:
        """The free names of the expression."""
        return {part.id for part in walk(self.expr) if isinstance(part, Name)}

    def dimension(self, spaces: Iterable[Mapping[str, object]]):
        """The dimension of the values, or None where it cannot be known."""
        scope, _ = close_scope(self.expr, self.scope, spaces)
        return infer(self.expr, scope).dim

    def closed(self, spaces: Iterable[Mapping[str, object]]) -> tuple[Scope, dict[str, float | int | bool]]:
        """The checked expression's scope and external constants."""
        scope, constants = close_scope(self.expr, self.scope, spaces)
        check_value(self.expr, scope, self.expected)
        return scope, constants

    def values(self, n: int, supply: Supply, spaces: Iterable[Mapping[str, object]], site: tuple) -> np.ndarray:
        """The values for ``n`` elements; random numbers come from the stream of ``site``."""
        from eqsnn.network.hostkernel import interpret_expression

        scope, constants = self.closed(spaces)
        result = interpret_expression(self.expr, scope, n, supply, constants, site)
        return np.broadcast_to(np.asarray(result), (n,))

    def parts(
        self,
        n: int,
        supply_of: Callable[[slice], Supply],
        spaces: Iterable[Mapping[str, object]],
        site: tuple,
        most: int,
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """The same values for at most ``most`` elements at a time: ``supply_of(part)`` gives what they read."""
        from eqsnn.network.hostkernel import interpret_expression

        scope, constants = self.closed(spaces)
        for start in range(0, n, most):
            part = slice(start, min(start + most, n))
            size = part.stop - start
            result = interpret_expression(self.expr, scope, size, supply_of(part), constants, site, start)
            yield part, np.broadcast_to(np.asarray(result), (size,))


def _frames(scope: Scope) -> Iterator[Scope]:
    """The scope, those of the connected groups, and of what those connect."""
    yield scope
    for frame in (scope.pre, scope.post):
        if frame is not None:
            yield from _frames(frame)


def close_scope(
    expr: Expr, scope: Scope, spaces: Iterable[Mapping[str, object]]
) -> tuple[Scope, dict[str, float | int | bool]]:
    """``scope`` with the functions and external constants that the expression uses, and the values of these."""
    from eqsnn.model.resolve import external_names
    from eqsnn.network.namespace import constants as find

    spaces = list(spaces)
    scope = replace(scope, functions={**functions_used(expr, spaces=spaces), **scope.functions})
    externals = external_names(expr, scope)
    for frame in _frames(scope):
        for known in frame.symbols.values():
            if known.expr is not None and known.owner == "self":
                externals.update({n: s for n, s in external_names(known.expr, frame).items() if n not in externals})
    values, dims = find(externals, spaces)
    own = {n: d for n, d in dims.items() if n not in scope.symbols}
    return scope.with_externals(own), values
