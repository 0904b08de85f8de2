"""Synapses that take no memory: ``connect(..., procedural=True)``. Their rows are made at every spike by a rule (row_rules.py), and their variables
computed from their numbers, as they would have been set: the synapses are those that ``connect`` makes without it.

What may be so is what nothing changes: parameters, each with one value for all or the values of an expression of random numbers and constants.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.errors import EqsnnError, EquationError
from eqsnn.kernel.interpret import evaluate_hoisted
from eqsnn.kernel.ir import Kernel
from eqsnn.kernel.passes.number_from import FIRST, number_from
from eqsnn.language.ast import Expr, Name, walk
from eqsnn.language.parse import parse_expression
from eqsnn.model.functions import is_random
from eqsnn.model.statements import bind
from eqsnn.network.base import host_site
from eqsnn.network.evaluate import HostExpression
from eqsnn.network.hostkernel import buffer_values, result_name, scalar_value
from eqsnn.network.hostrun import run_kernel
from eqsnn.network.row_rules import RowRule
from eqsnn.network.storage import fitting
from eqsnn.network.synapse_index import Ends
from eqsnn.pipeline import detached_expression

if TYPE_CHECKING:
    from eqsnn.network.synapses import Synapses
    from eqsnn.network.variables import VariableInfo

_HINT = "leave procedural=True out, and the synapses are kept"
_AT_ONCE = 1 << 18


class MadeEnds(Ends):
    """The ends of synapses that are made by ``rule`` between parts of groups of ``n_pre`` and ``n_post`` neurons, which begin at ``first_pre``
    and ``first_post``. Kept are where each row begins, and how many synapses each target has; all else is made when it is asked for."""

    def __init__(self, rule: RowRule, first_pre: int, n_pre: int, first_post: int, n_post: int):
        super().__init__()
        self.rule, self.first_pre, self.first_post, self._n_pre, self._n_post = (
            rule,
            first_pre,
            first_post,
            n_pre,
            n_post,
        )
        out, into = rule.counts()
        self._pre, self._pre_start = None, np.zeros(n_pre + 1, np.int64)
        self._pre_start[first_pre + 1 : first_pre + 1 + len(out)] = out
        np.cumsum(self._pre_start, out=self._pre_start)
        self.incoming = np.zeros(n_post, np.int64)
        self.incoming[first_post : first_post + len(into)] = into

    def __len__(self) -> int:
        return int(self._pre_start[-1])

    @property
    def targets(self) -> np.ndarray:
        made = self.rule.pairs()
        return made.within(self.first_pre, self._n_pre, self.first_post, self._n_post).post

    @property
    def lying(self) -> np.ndarray:
        return self.targets

    def targets_of(self, k: np.ndarray | slice) -> np.ndarray:
        k = np.arange(*k.indices(len(self))) if isinstance(k, slice) else np.asarray(k)
        row = np.searchsorted(self._pre_start, k, side="right") - 1
        rows = np.unique(row)
        if len(rows) > self.rule.n_near // 4:
            return self.targets[k]
        _, far = self.rule.rows(rows - self.first_pre)
        length = np.diff(self._pre_start)[rows]
        at = (np.cumsum(length) - length)[np.searchsorted(rows, row)] + k - self._pre_start[row]
        return far[at] + self.first_post

    @property
    def signature(self) -> str:
        """Another for other synapses, or other values of their variables."""
        r = self.rule
        size = None if r.size is None else r.size.tobytes()
        values = [
            (n, v.constant, None if v.scalars is None else sorted(v.scalars.items()))
            for n, v in self.made.values.items()
        ]
        text = repr((r.kind, r.key, r.n_near, r.n_far, r.p, size, r.shift, values))
        return hashlib.sha256(text.encode()).hexdigest()

    def copy(self) -> MadeEnds:
        return self  # they never change


@dataclass(frozen=True, eq=False)
class MadeValue:
    """The values of a variable: ``constant`` for all, or what ``kernel`` computes for the number of each synapse."""

    constant: np.generic
    kernel: Kernel | None = None
    buffers: Mapping[str, np.ndarray] | None = None
    scalars: Mapping[str, float | int] | None = None

    def of_range(self, lo: int, hi: int) -> np.ndarray:
        """Those of the synapses ``lo`` to ``hi``, in the type of the variable."""
        if self.kernel is None:
            return np.full(hi - lo, self.constant)
        kernel, name = number_from(self.kernel), result_name(self.kernel)
        buffers = {**self.buffers, name: np.zeros(hi - lo, self.buffers[name].dtype)}
        run_kernel(kernel, buffers, {**self.scalars, FIRST.name: lo}, {}, hi - lo)
        return buffers[name].astype(self.constant.dtype)

    def of(self, k: np.ndarray) -> np.ndarray:
        """Those of some synapses."""
        values, part = np.empty(len(k), self.constant.dtype), k // _AT_ONCE
        for p in np.unique(part):
            here = part == p
            lo = int(k[here].min())
            values[here] = self.of_range(lo, int(k[here].max()) + 1)[k[here] - lo]
        return values


class Made:
    """The variables of synapses that are made: by name, in the types in which they would be kept."""

    def __init__(self, synapses: Synapses):
        self._synapses = synapses
        own = [v.name for v in synapses.model.variables if v.name in synapses.arrays.own() and not v.shared]
        self.values = {name: MadeValue(synapses.arrays[name].dtype.type(0)) for name in own}

    def read(self, name: str, index: np.ndarray | slice | None) -> np.ndarray:
        """The values of some synapses (None: all)."""
        if index is None or isinstance(index, slice):
            first, last, step = (index or slice(None)).indices(len(self._synapses))
            if step == 1:
                return self.values[name].of_range(first, max(first, last))
            index = np.arange(first, last, step)
        return self.values[name].of(np.asarray(index, np.int64))

    def set(self, name: str, index: np.ndarray | None, values: np.ndarray) -> None:
        """One value for all synapses."""
        o = self._synapses
        if index is not None or not _alike(values):
            raise EqsnnError(
                f"'{name}' of {o.name} is set for all synapses at once, to one value or an expression of random numbers and constants, since "
                f"procedural synapses keep no values; {_HINT}"
            )
        dtype = self.values[name].constant.dtype
        if len(values):
            self.values[name] = MadeValue(fitting(np.asarray(values[:1]), dtype, name, o.name).astype(dtype)[0])

    def set_expression(self, text: str, info: VariableInfo, units: bool) -> None:
        """The values of an expression, computed from the number of each synapse."""
        o = self._synapses
        expr = parse_expression(text, f"expression for {o.name}.{info.name}")
        expected = "boolean" if info.dtype == "boolean" else info.dim if units else None
        known, site = HostExpression(expr, o.expression_scope(), expected), host_site()
        scope, constants = known.closed(o.spaces())
        _refuse_what_differs(expr, scope, info.name)

        def supply(owner: str, variable: str):
            return o.host_values(owner, variable, np.zeros(1, np.int64))

        if info.name == "delay" and is_random(expr, scope.functions):
            raise EquationError("procedural synapses of a pathway have one delay", expr.span, _HINT)
        if not is_random(expr, scope.functions):
            info.write(None, known.values(1, supply, o.spaces(), site))
            return
        kernel = detached_expression(expr, scope)
        if kernel.externs:
            raise EquationError(
                "it calls a function in Python", expr.span, f"use rand(), randn() and constants, or {_HINT}"
            )
        dtype = self.values[info.name].constant.dtype
        result = kernel.buffer(result_name(kernel)).type
        if dtype == np.float16 or (result == "f64") != (dtype.kind == "f"):
            raise EquationError(
                f"its values are {'fractions' if result == 'f64' else 'whole numbers'}, and '{info.name}' is kept as {dtype}",
                expr.span,
                "procedural synapses compute float64, float32 or, from whole numbers, integers",
            )
        buffers = {b.name: buffer_values(b, 1, supply, scope) for b in kernel.buffers}
        scalars = {
            s.name: scalar_value(s, supply, constants, scope, site) for s in kernel.scalars if s.owner != "derived"
        }
        evaluate_hoisted(kernel, buffers, scalars)
        self.values[info.name] = MadeValue(dtype.type(0), kernel, buffers, scalars)


def _alike(values: np.ndarray) -> bool:
    values = np.asarray(values)
    return values.size < 2 or values.strides == (0,) or bool(np.all(values == values[0]))


def _refuse_what_differs(expr: Expr, scope, name: str) -> None:
    for node in walk(expr):
        symbol = scope.symbols.get(node.id) if isinstance(node, Name) else None
        if symbol is not None and not symbol.shared:
            raise EquationError(
                f"'{name}' of procedural synapses is computed from the number of the synapse alone, and '{node.id}' differs between them",
                node.span,
                f"use rand(), randn() and constants, or {_HINT}",
            )


def check(o: Synapses) -> None:
    """Refuse to make synapses that must be kept. The errors name what must."""
    if len(o) or not o.unconnected:
        raise EqsnnError(
            f"{o.name}: procedural synapses are connected by one call of connect(), and there are synapses already"
        )
    for side, group in (("source", o.source), ("target", o.target)):
        if hasattr(getattr(group, "root", group), "pathways"):
            raise EqsnnError(
                f"{o.name}: the {side} of procedural synapses is a group of neurons; got the synapses {group.name}; {_HINT}"
            )
    if o.multisynaptic_index is not None:
        raise EqsnnError(f"{o.name}: procedural synapses keep no multisynaptic_index; {_HINT}")
    for v in o.model.variables:
        if v.linked or v.held or "summed" in v.flags or v.kind not in ("parameter", "subexpression"):
            raise EquationError(f"procedural synapses keep nothing, and '{v.name}' changes in a run", v.span, _HINT)
        if v.expr is not None and is_random(v.expr, o.model.scope.functions):
            raise EquationError("procedural synapses have no random numbers of their own in a run", v.span, _HINT)
    for p in o.pathways.values():
        bound, scope = bind(p.statements, o.model.scope)
        for b in bound:
            if p.prepost == "post":
                raise EquationError(
                    "procedural synapses are made by source, and on_post asks for those of a target", b.span, _HINT
                )
            if b.target.owner == "self":
                raise EquationError(
                    f"procedural synapses keep nothing, and '{b.target.variable}' is set here", b.span, _HINT
                )
            if is_random(b.value, scope.functions):
                raise EquationError(
                    "procedural synapses have no random numbers of their own in a run", b.value.span, _HINT
                )


def check_delays(o: Synapses, index: np.ndarray | None, values: np.ndarray) -> None:
    """A delay of procedural synapses is that of all."""
    if index is not None or not _alike(values):
        raise EqsnnError(f"{o.name}: procedural synapses of a pathway have one delay; {_HINT}")
