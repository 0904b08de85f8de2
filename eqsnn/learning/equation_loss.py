"""A loss that is written as an equation; its derivative is that of sympy, and both are kernels as everything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import sympy

from eqsnn.errors import EquationError
from eqsnn.integrators.builder import MapBuilder
from eqsnn.kernel.interpret import interpret
from eqsnn.kernel.ir import Kernel
from eqsnn.kernel.lower import lower
from eqsnn.language.ast import Call, Expr, Name, children, names, walk
from eqsnn.language.parse import parse_expression
from eqsnn.learning.layers import _run
from eqsnn.learning.losses import Loss, Target, class_accuracy
from eqsnn.model.dimensions import check_value, infer
from eqsnn.model.model import Scope, Symbol
from eqsnn.network.namespace import constants, names_of_numbers, user_namespace
from eqsnn.units import DIMENSIONLESS
from eqsnn.update_map import Assignment, Input, UpdateMap, Write, symbol

TARGET = "target"


class EquationLoss(Loss):
    """``EquationLoss(readout, '(u - target)**2', variable='u')``: the sum over neurons of an expression of the variable and of ``target``, in the
    mean over targets. ``sum(...)`` in it is a sum over the neurons of a sample, so that '-target*log(exp(u)/sum(exp(u)))' is a cross-entropy.

    Targets are as for ``MeanSquaredError``, NaN where there is none; with ``classes=True`` as for ``CrossEntropy``, and ``target`` is 1 for the
    class that is wanted and 0 for others. Constants come from ``namespace``, the group's namespace, or where the loss is written. The expression has
    no unit. Raises EquationError.
    """

    def __init__(
        self,
        group,
        equation: str,
        variable: str = "spike",
        over: str = "steps",
        start: int = 0,
        classes: bool = False,
        namespace: Mapping[str, object] | None = None,
    ):
        super().__init__(group, variable, over, start)
        self.equation, self.integer_targets = equation, bool(classes)
        if classes:
            self.accuracy = class_accuracy.__get__(self)
        self.run = interpret
        spaces = [dict(namespace or {}), dict(getattr(group, "namespace", None) or {}), user_namespace()]
        ast = parse_expression(equation, "loss")
        whole, sums = _without_sums(ast)
        known = _externals((whole, *sums), {variable, TARGET}, spaces)
        self.constants = known[0]
        self._sums, self._whole = _kernels(
            whole, sums, _scope(group, variable, known[1], spaces, bool(classes)), variable
        )
        self._names = [_sum_name(k) for k in range(len(sums))]

    def compile(self) -> None:
        from eqsnn.learning.compiled import NativeKernels

        self.run = NativeKernels([k for k in (self._sums, self._whole) if k is not None])

    def _done(self, kernel: Kernel, supply: dict[str, np.ndarray], shape) -> dict[str, np.ndarray]:
        flat = {n: np.broadcast_to(a, shape).ravel() for n, a in supply.items()}
        found = _run(kernel, flat, self.constants, 0.0, int(np.prod(shape)), self.run)
        return {n: a.reshape(shape) for n, a in found.items()}

    def of(self, r, target):
        weight, supply = self._supply(r, target)
        shape = r.shape
        inner = self._done(self._sums, supply, shape) if self._sums is not None else {}
        counts = ~np.isnan(supply["given"])
        for name in self._names:
            supply[name] = (inner[name] * counts).sum(axis=2, keepdims=True)
        outer = self._done(self._whole, supply, shape)
        total = max(float(weight.sum(dtype=np.float64)), 1e-30)
        share = np.where(counts, weight[:, :, None, :] / total, 0.0)
        value = float((share * np.where(share > 0, outer["value@loss"], 0)).sum())
        slope = share * outer["slope@loss"]
        for k in range(len(self._names)):
            through = (share * outer[f"by@{k + 1}"]).sum(axis=2, keepdims=True)
            slope = slope + through * inner[f"slope@{k + 1}"] * counts
        return value, np.where(share > 0, slope, 0).astype(r.dtype)

    def _supply(self, r: np.ndarray, target: Target) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """How much each target counts, and what the kernels read; ``given``: NaN where a neuron has no target."""
        weight = self.weights(target)
        if self.integer_targets:
            given = (np.arange(r.shape[2])[:, None] == target.y[:, :, None, :]).astype(np.float64)
        else:
            given = np.asarray(target.y, np.float64)
        given = np.broadcast_to(given, r.shape)
        return weight, {self.variable: r.astype(np.float64), TARGET: np.nan_to_num(given), "given": given}


def _sum_name(k: int) -> str:
    return f"sum@{k + 1}"


def _without_sums(ast: Expr) -> tuple[Expr, list[Expr]]:
    """The expression with a name in the place of each sum over neurons, and what is summed."""
    sums: list[Expr] = []

    def of(node: Expr, inside: bool) -> Expr:
        if isinstance(node, Call) and node.function == "sum":
            if len(node.args) != 1:
                raise EquationError(
                    "sum() is the sum over the neurons of one expression", node.span, "such as sum(exp(u))"
                )
            if inside:
                raise EquationError(
                    "a sum over neurons stands within another", node.span, "take it out of the outer one"
                )
            sums.append(of(node.args[0], True))
            return Name(_sum_name(len(sums) - 1), node.span)
        parts = {
            f: _each(getattr(node, f), lambda n: of(n, inside))
            for f in ("operand", "left", "right", "args")
            if hasattr(node, f)
        }
        return replace(node, **parts) if parts and children(node) else node

    return of(ast, False), sums


def _each(value, function):
    return tuple(map(function, value)) if isinstance(value, tuple) else function(value)


def _externals(parts, own: set[str], spaces):
    wanted = {n: s for part in parts for n, s in names(part).items() if n not in own and "@" not in n}
    from eqsnn.model.functions import known_constant

    return constants({n: s for n, s in wanted.items() if known_constant(n) is None}, spaces)


def _scope(group, variable: str, dims, spaces, classes: bool) -> Scope:
    model = getattr(group, "model", None)
    dim = next((v.dim for v in model.variables if v.name == variable), DIMENSIONLESS) if model else DIMENSIONLESS
    symbols = {
        variable: Symbol(variable, "self", variable, dim),
        TARGET: Symbol(TARGET, "self", TARGET, DIMENSIONLESS if classes else dim),
    }
    symbols |= {n: Symbol(n, "external", n, d, shared=True, constant=True) for n, d in dims.items()}
    return Scope(symbols, open_ended=False, others=tuple(names_of_numbers(spaces[:2])))


def _kernels(whole: Expr, sums: list[Expr], scope: Scope, variable: str) -> tuple[Kernel | None, Kernel]:
    """What makes the terms of the sums with their derivatives, and what makes the loss and its."""
    for part in sums:
        _deterministic(part)
    inner, u = {}, symbol(variable)
    for k, part in enumerate(sums):
        found = infer(part, scope)
        expr = _translated(part, scope)
        inner |= {_sum_name(k): expr, f"slope@{k + 1}": expr.diff(u)}
        made = Symbol(_sum_name(k), "self", _sum_name(k), found.dim)
        scope = replace(scope, symbols={**scope.symbols, _sum_name(k): made})
    _deterministic(whole)
    check_value(whole, scope, DIMENSIONLESS)
    expr = _translated(whole, scope)
    outer = {"value@loss": expr, "slope@loss": expr.diff(u)}
    outer |= {f"by@{k + 1}": expr.diff(symbol(_sum_name(k))) for k in range(len(sums))}
    if not any(e.has(u) for e in (*inner.values(), expr)):
        raise EquationError(
            f"the loss does not depend on '{variable}'", whole.span, f"such as ({variable} - target)**2"
        )
    return (_kernel("terms", inner, scope) if sums else None), _kernel("loss", outer, scope)


def _deterministic(expr: Expr) -> None:
    for node in walk(expr):
        if isinstance(node, Call) and node.function in ("rand", "randn", "poisson"):
            raise EquationError(f"'{node.function}' cannot stand in a loss", node.name_span, "a loss has a derivative")


def _translated(part: Expr, scope: Scope) -> sympy.Expr:
    builder = MapBuilder("loss", scope)
    return builder.number(part, scope)


def _kernel(name: str, exprs: Mapping[str, sympy.Expr], scope: Scope) -> Kernel:
    used = {s.name for e in exprs.values() for s in e.free_symbols}
    inputs = []
    for s in scope.symbols.values():
        own = s.name if s.owner == "self" else f"{s.name}@const"
        if own in used:
            inputs.append(Input(own, s.owner, s.variable, s.dtype, s.shared, s.constant))
    assignments = tuple(Assignment(f"made@{k}", e) for k, e in enumerate(exprs.values()))
    writes = tuple(Write("self", n, f"made@{k}") for k, n in enumerate(exprs))
    map_ = UpdateMap(name=f"the {name}", inputs=tuple(inputs), assignments=assignments, writes=writes)
    return lower(map_, "neuron", name=f"eqk_{name}", owner="the loss")
