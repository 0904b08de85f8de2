"""The interpreter behind string expressions: one kernel over a plain list of elements, whose values are supplied from Python."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eqsnn.errors import EqsnnError, InternalError
from eqsnn.kernel.interpret import evaluate_hoisted
from eqsnn.kernel.ir import Buffer, Kernel, Scalar
from eqsnn.kernel.passes.number_from import number_from
from eqsnn.kernel.random import key_of
from eqsnn.language.ast import Expr
from eqsnn.model.functions import DrawnTable, TableFunction, UserFunction, fineness
from eqsnn.model.model import Scope
from eqsnn.network.evaluate import Supply
from eqsnn.network.hostrun import run_kernel
from eqsnn.pipeline import detached_expression

_NUMPY = {"f64": np.float64, "i64": np.int64, "b8": np.int64}


def interpret_expression(
    expr: Expr,
    scope: Scope,
    n: int,
    supply: Supply,
    constants: Mapping[str, float | int | bool],
    site: tuple,
    first: int | None = None,
) -> np.ndarray:
    """The values of ``expr`` for ``n`` elements. Random numbers are keyed by ``site``; element k has number k, or ``first`` + k."""
    kernel = detached_expression(expr, scope)
    if first is not None:
        kernel = number_from(kernel)
    buffers = {b.name: buffer_values(b, n, supply, scope) for b in kernel.buffers}
    asked = (s for s in kernel.scalars if s.owner not in ("derived", "part"))
    scalars = {s.name: scalar_value(s, supply, constants, scope, site) for s in asked}
    scalars |= {s.name: first for s in kernel.scalars if s.owner == "part"}
    evaluate_hoisted(kernel, buffers, scalars)
    functions = {e.function: function_of(scope, e.function).function.vector for e in kernel.externs}
    run_kernel(kernel, buffers, scalars, functions, n)
    name = result_name(kernel)
    return buffers[name] != 0 if kernel.buffer(name).type == "b8" else buffers[name]


def result_name(kernel: Kernel) -> str:
    """The buffer that a kernel writes."""
    return next(b.name for b in kernel.buffers if b.writable)


def table_of(scope: Scope, variable: str) -> TableFunction | DrawnTable:
    """The table that a kernel calls ``variable``: a name, or ``name@pre`` for one that belongs to a connected group."""
    name, _, frame = variable.partition("@")
    table = (scope.of(frame) if frame else scope).functions.get(name)
    if not isinstance(table, (TableFunction, DrawnTable)):
        raise InternalError(f"there is no table {variable}")
    return table


def function_of(scope: Scope, variable: str) -> UserFunction:
    """The function of the user that a kernel calls ``variable``: a name, or ``name@pre`` for one of a connected group's equations."""
    name, _, frame = variable.partition("@")
    owner = {"": scope, "pre": scope.pre, "post": scope.post}[frame]
    function = (owner or scope).functions.get(name)
    if not isinstance(function, UserFunction):
        raise InternalError(f"there is no function {variable}")
    return function


def shape_value(scope: Scope, variable: str, dt: float) -> float | int:
    """A property of a table: ``name#0`` and ``name#1`` are its lengths, ``name#K`` in how many parts each of its steps is cut for a time step of
    ``dt`` seconds, ``name#grid`` the length of a part."""
    name, _, which = variable.partition("#")
    table = table_of(scope, name)
    if which in ("K", "grid"):
        parts = fineness(table.dt, dt)
        return float(parts) if which == "K" else table.dt / parts
    return table.values.shape[int(which)]


def buffer_values(b: Buffer, n: int, supply: Supply, scope: Scope) -> np.ndarray:
    """The array behind a buffer of ``n`` elements; zeros if the kernel writes it."""
    if b.writable:
        return np.zeros(n, _NUMPY[b.type])
    if b.owner == "table":
        return table_of(scope, b.variable).values
    if b.owner == "derived":
        return np.empty(0)
    owner, _, variable = b.variable.partition(":")
    values = np.asarray(supply(owner, variable))
    if values.size not in (1, n):
        raise InternalError(f"{owner}.{variable} has {values.size} values for {n} elements")
    return np.broadcast_to(values.ravel() if values.size == n else values.ravel()[:1], (n,)).astype(
        _NUMPY[b.type], copy=False
    )


def scalar_value(s: Scalar, supply: Supply, constants: Mapping, scope: Scope, site: tuple) -> float | int:
    """The value of a scalar argument."""
    if s.owner == "external":
        name = s.variable.partition("@")[0]
        if name not in constants:
            raise EqsnnError(f"the name '{name}' has no value")
        return constants[name]
    if s.owner == "clock":
        t, dt = float(supply("clock", "t")), float(supply("clock", "dt"))
        return {"t": t, "dt": dt, "step": round(t / dt)}[s.variable]
    if s.owner == "index":
        return int(np.asarray(supply("index", s.variable)))
    if s.owner == "random":
        return key_of(*site) if s.variable == "key" else 0
    step = supply("clock", "dt") if s.variable.endswith(("#K", "#grid")) else 1.0
    return shape_value(scope, s.variable, float(step))
