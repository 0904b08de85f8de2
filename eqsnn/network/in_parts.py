"""``S.w = 'randn()*mV'`` for very many synapses: evaluated and written part by part, with the numbers that it would have as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eqsnn.errors import EquationError
from eqsnn.language.ast import Call, Expr, Name, walk
from eqsnn.language.parse import parse_expression
from eqsnn.model.model import Scope
from eqsnn.network.base import host_site
from eqsnn.network.evaluate import HostExpression
from eqsnn.network.heap import give_back
from eqsnn.network.variables import VariableInfo

if TYPE_CHECKING:
    from eqsnn.network.synapses import Synapses

AT_ONCE = 1 << 21
"""So many synapses are treated at once; of no more, all are."""


def assign_in_parts(synapses: Synapses, text: str, info: VariableInfo, units: bool = True) -> None:
    """Set the variable of all synapses to the values of ``text``. ``units=False``: of any unit, in base SI."""
    origin = f"expression for {synapses.name}.{info.name}"
    expected = "boolean" if info.dtype == "boolean" else info.dim if units else None
    expr = HostExpression(parse_expression(text, origin), synapses.expression_scope(), expected)
    site, spaces = host_site(), synapses.spaces()
    try:
        if not differs(expr.expr, expr.scope):
            info.write(None, expr.values(1, _supply(synapses, np.zeros(1, np.int64)), spaces, site))
            return
        for part, values in expr.parts(len(synapses), lambda p: _supply(synapses, p), spaces, site, AT_ONCE):
            info.write(part, values)
        give_back()
    except EquationError as error:
        raise error.with_traceback(None) from error.__cause__


def _supply(synapses: Synapses, index):
    return lambda owner, variable: synapses.host_values(owner, variable, index)


def differs(expr: Expr, scope: Scope) -> bool:
    """Whether an expression may have another value for each element."""
    for n in walk(expr):
        if isinstance(n, Call) and (n.function in ("rand", "randn", "poisson") or n.function in scope.functions):
            return True
        if isinstance(n, Name) and n.id in scope.symbols and not scope.symbols[n.id].shared:
            return True
    return False
