"""Statements bound to meanings: what each assigns to, which names are local, and whether the units agree."""

from __future__ import annotations

from dataclasses import replace

from eqsnn.errors import EquationError, Span, UnitError
from eqsnn.frozen import dataclass
from eqsnn.language.ast import Assign, Expr, Name, Statements, walk
from eqsnn.model.dimensions import Found, infer, literal_value, unit_hint
from eqsnn.model.functions import free_names, is_random, is_reserved, known_constant
from eqsnn.model.model import Scope, Symbol
from eqsnn.model.suggest import closest
from eqsnn.units import DIMENSIONLESS


@dataclass(frozen=True)
class Bound:
    """One assignment with the meaning of its target (owner 'local' for a name that the statements introduce)."""

    target: Symbol
    op: str
    value: Expr
    span: Span


def bind(statements: Statements, scope: Scope, everywhere: bool = False) -> tuple[tuple[Bound, ...], Scope]:
    """The statements with their targets, checked, and the scope with the local names. Raises EquationError or UnitError.

    ``everywhere``: they run for all elements at once, and may assign to shared variables what does not differ between elements.
    """
    bound = []
    locals_: dict[str, Span] = {}
    read: set[str] = set()
    for assign in statements.assignments:
        used = {n.id for n in walk(assign.value) if isinstance(n, Name)}
        read |= used if assign.op == "=" else used | {assign.target}
        found = infer(assign.value, scope)
        target = _target(assign, found, scope, locals_, everywhere)
        if target.owner == "local":
            scope = replace(scope, symbols={**scope.symbols, assign.target: target})
        bound.append(Bound(target, assign.op, assign.value, assign.span))
    for name, span in locals_.items():
        if name not in read:
            raise _unused(name, span, scope)
    return tuple(bound), scope


def _writable(scope: Scope) -> list[str]:
    """The variables that statements may change."""
    return [n for n, s in scope.symbols.items() if s.owner in ("self", "pre", "post") and not s.read_only]


def _unused(name: str, span: Span, scope: Scope) -> EquationError:
    near = closest(name, _writable(scope))
    hint = (
        f"did you mean '{near}'?"
        if near
        else f"define '{name}' in the equations if it is a variable, or remove the line"
    )
    return EquationError(f"'{name}' is no variable of the model, and nothing reads it", span, hint)


def _target(assign: Assign, found: Found, scope: Scope, locals_: dict[str, Span], everywhere: bool) -> Symbol:
    name = assign.target
    symbol = scope.symbols.get(name)
    if symbol is None:
        _may_be_local(assign, scope)
        locals_.setdefault(name, assign.target_span)
        alike = differing_name(assign.value, scope) is None and not _draws(assign.value, scope)
        return Symbol(name, "local", name, found.dim, dtype=found.dtype, shared=alike)
    if symbol.owner == "local":
        alike = differing_name(assign.value, scope) is None and not _draws(assign.value, scope)
        symbol = replace(symbol, shared=alike and (symbol.shared or assign.op == "="))
        joined = "float" if {symbol.dtype, found.dtype} == {"integer", "float"} else found.dtype
        if assign.op == "=":
            return replace(symbol, dim=found.dim, dtype=joined)
        _check_units(assign, symbol, found)
        return replace(symbol, dtype=joined if symbol.dtype != "boolean" else "boolean")
    _may_be_written(assign, symbol, scope, everywhere)
    _check_units(assign, symbol, found)
    return symbol


def _may_be_local(assign: Assign, scope: Scope) -> None:
    name = assign.target
    if assign.op != "=":
        near = closest(name, _writable(scope))
        raise EquationError(
            f"'{name}' is changed before it has a value",
            assign.target_span,
            f"did you mean '{near}'?" if near else "define it in the equations, or assign it with '='",
        )
    if is_reserved(name) or known_constant(name) is not None:
        what = "function" if is_reserved(name) else "constant or unit"
        raise EquationError(
            f"'{name}' is a {what} and cannot be assigned to", assign.target_span, "choose another name"
        )
    if name.startswith("_"):
        raise EquationError(
            f"the name '{name}' begins with an underscore", assign.target_span, "such names are reserved"
        )
    if name.endswith(("_pre", "_post")):
        raise EquationError(
            f"'{name}' is no variable of the {'source' if name.endswith('_pre') else 'target'} group",
            assign.target_span,
            "names that end in _pre or _post belong to the connected neurons",
        )


def _may_be_written(assign: Assign, symbol: Symbol, scope: Scope, everywhere: bool) -> None:
    name = assign.target
    if symbol.owner in ("clock", "index", "external", "function"):
        raise EquationError(f"'{name}' cannot be assigned to: eqsnn sets it", assign.target_span, "choose another name")
    if symbol.expr is not None:
        raise EquationError(
            f"'{name}' is a subexpression and cannot be assigned to",
            assign.target_span,
            f"declare it as a parameter ('{name} : unit') to set it",
        )
    if symbol.constant:
        hint = "remove the flag (constant)" if name != "delay" else "set the delays between two runs: S.delay = ..."
        raise EquationError(f"'{name}' is constant and cannot change during a run", assign.target_span, hint)
    if symbol.read_only:
        raise EquationError(f"'{name}' cannot be assigned to: eqsnn sets it", assign.target_span, "choose another name")
    if symbol.shared and everywhere:
        other = differing_name(assign.value, scope)
        if other is not None:
            raise EquationError(
                f"'{name}' is shared, and '{other.id}' differs between elements",
                other.span,
                f"remove the flag (shared) of '{name}', or declare '{other.id}' as shared",
            )
    elif symbol.shared:
        raise EquationError(
            f"'{name}' is shared, and each element would write it", assign.target_span, "remove the flag (shared)"
        )


def differing_name(expr: Expr, scope: Scope) -> Name | None:
    """A name in the expression whose value differs between elements."""
    for node in walk(expr):
        symbol = scope.symbols.get(node.id) if isinstance(node, Name) else None
        if symbol is not None and not symbol.shared:
            return node
    return None


def _draws(expr: Expr, scope: Scope) -> bool:
    return is_random(expr, scope.functions)


def _check_units(assign: Assign, symbol: Symbol, found: Found) -> None:
    if symbol.dtype == "boolean" != found.dtype and found.dim is not None and symbol.dim is not None:
        raise EquationError(
            f"'{assign.target}' is a condition, and a number is assigned",
            assign.value.span,
            "assign True, False or a comparison",
        )
    if found.dim is None or symbol.dim is None:
        return
    if assign.op in ("=", "+=", "-=", "%="):
        if found.dim != symbol.dim:
            raise UnitError(
                f"'{assign.target}' has unit {symbol.dim}, and a value with unit {found.dim} is "
                f"{'assigned' if assign.op == '=' else 'combined with it'}",
                assign.value.span,
                unit_hint(assign.value, symbol.dim),
            )
    elif assign.op == "**=":
        if symbol.dim != DIMENSIONLESS and literal_value(assign.value) != 1:
            raise UnitError(f"'{assign.target} **= ...' would change its unit {symbol.dim}", assign.span)
    elif found.dim != DIMENSIONLESS:
        raise UnitError(
            f"'{assign.target} {assign.op} ...' would change its unit: the value has unit {found.dim}",
            assign.value.span,
            "use a plain number",
        )


def externals_of(statements: Statements, scope: Scope) -> dict[str, Span]:
    """The names that statements read and that ``scope`` does not know, with their first use."""
    names: dict[str, Span] = {}
    for assign in statements.assignments:
        for name, span in free_names(assign.value, scope.functions).items():
            if name not in scope.symbols and known_constant(name) is None:
                names.setdefault(name, span)
    return names
