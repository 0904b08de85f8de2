"""Ast to Model: each name gets its one meaning. Everything that can be decided without a namespace is checked here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from eqsnn.errors import EquationError, Span
from eqsnn.language import ast
from eqsnn.language.ast import Expr, Name, Statements, walk
from eqsnn.model import rules
from eqsnn.model.dimensions import SECOND, unit_of
from eqsnn.model.functions import free_names, known_constant
from eqsnn.model.model import Event, Model, Scope, Symbol, Variable
from eqsnn.model.statements import bind, externals_of
from eqsnn.model.suggest import closest
from eqsnn.units import DIMENSIONLESS

_KINDS = {
    ast.Differential: "state",
    ast.Recurrence: "recurrence",
    ast.Subexpression: "subexpression",
    ast.Parameter: "parameter",
}
_CLOCK = {
    "t": Symbol("t", "clock", "t", SECOND, shared=True, read_only=True),
    "dt": Symbol("dt", "clock", "dt", SECOND, shared=True, constant=True, read_only=True),
    "t_in_timesteps": Symbol("t_in_timesteps", "clock", "step", DIMENSIONLESS, "integer", shared=True, read_only=True),
}


def _index(name: str, shared: bool = False) -> Symbol:
    return Symbol(name, "index", name, DIMENSIONLESS, "integer", shared=shared, constant=True, read_only=True)


def resolve(
    equations: ast.Equations,
    *,
    name: str,
    threshold: Expr | None = None,
    reset: Statements | None = None,
    refractory: Expr | None = None,
    functions: Mapping[str, object] | None = None,
    events: Mapping[str, Expr] | None = None,
    hidden: tuple[Variable, ...] = (),
) -> Model:
    """The model of a neuron. Raises EquationError or UnitError.

    ``events``: the conditions of events other than 'spike'; ``hidden``: variables of its method of integration.
    """
    variables = (*_variables(equations, "neuron"), *hidden)
    symbols = {**_CLOCK, "i": _index("i"), "N": _index("N", shared=True), **_own(variables)}
    if refractory is not None:
        symbols["lastspike"] = Symbol("lastspike", "self", "lastspike", SECOND, read_only=True)
        symbols["not_refractory"] = Symbol(
            "not_refractory", "self", "not_refractory", DIMENSIONLESS, "boolean", read_only=True
        )
        symbols["_refractory"] = Symbol("_refractory", "external", "_refractory", SECOND, shared=True, constant=True)
    scope = Scope(symbols, dict(functions or {}))
    spike = (Event("spike", threshold, reset),) if threshold is not None or reset is not None else ()
    custom = tuple(Event(n, condition, None) for n, condition in (events or {}).items())
    model = Model(name, variables, scope, spike + custom, refractory, {}, equations.text)
    _check(model)
    return replace(model, externals=_externals(model, ()))


def with_event_code(model: Model, event: str, code: Statements, functions: Mapping[str, object]) -> Model:
    """The model in which ``code`` follows the event; ``functions``: those that the code uses."""
    events = tuple(replace(e, reset=code) if e.name == event else e for e in model.events)
    scope = replace(model.scope, functions={**model.scope.functions, **functions})
    model = replace(model, events=events, scope=scope)
    _check(model)
    return replace(model, externals=_externals(model, ()))


def with_functions(
    model: Model,
    functions: Mapping[str, object],
    pre: Scope | None = None,
    post: Scope | None = None,
    statements: tuple[Statements, ...] = (),
) -> Model:
    """The model with the functions that a run finds under the names that it calls; ``pre`` and ``post``: the ends of synapses, whose models
    have theirs already; ``statements``: of their pathways."""
    if not functions and pre is model.scope.pre and post is model.scope.post:
        return model
    scope = replace(model.scope, functions={**model.scope.functions, **functions}, pre=pre, post=post)
    model = replace(model, scope=scope)
    return replace(model, externals=_externals(model, statements))


def resolve_synapses(
    equations: ast.Equations,
    *,
    name: str,
    pre: Scope,
    post: Scope,
    functions: Mapping[str, object] | None = None,
    statements: tuple[Statements, ...] = (),
    one_group: bool = False,
    delayed: bool = False,
    hidden: tuple[Variable, ...] = (),
) -> Model:
    """The model of a synapse between groups whose names are ``pre`` and ``post``; ``statements`` are those of its pathways;
    ``one_group``: both ends lie in one group; ``delayed``: it has the variable ``delay``; ``hidden``: variables of its method of
    integration."""
    variables = (*_variables(equations, "synapse"), *hidden)
    for v, d in zip(variables, equations.definitions):
        rules.name_of_synapse(v, d.name_span, pre, post)
    own = _own([v for v in variables if "summed" not in v.flags])
    symbols = {
        **_group_symbols(post, "post", ""),
        **_CLOCK,
        **{n: _index(n) for n in ("i", "j", "N_incoming", "N_outgoing")},
        **{n: _index(n, shared=True) for n in ("N", "N_pre", "N_post")},
        "i_pre": replace(_index("i"), name="i_pre"),
        "i_post": replace(_index("j"), name="i_post"),
        "t_pre": replace(_CLOCK["t"], name="t_pre"),
        "t_post": replace(_CLOCK["t"], name="t_post"),
        **_group_symbols(pre, "pre", "_pre"),
        **_group_symbols(post, "post", "_post"),
        **own,
    }
    if delayed:
        symbols["delay"] = Symbol("delay", "self", "delay", SECOND, constant=True, read_only=True)
    if any("event-driven" in v.flags for v in variables):
        symbols["lastupdate"] = Symbol("lastupdate", "self", "lastupdate", SECOND, read_only=True)
    scope = Scope(symbols, dict(functions or {}), pre, post)
    model = Model(name, variables, scope, (), None, {}, equations.text)
    _check(model)
    rules.separate_time_courses(model)
    for v, d in zip(variables, equations.definitions):
        if "summed" in v.flags:
            rules.summed_targets(v, d.name_span, scope)
            rules.sum_reads_others(v, model, one_group)
    rules.own_lastupdate(variables, equations.definitions)
    rules.one_sum_each(variables, equations.definitions, one_group)
    for part in statements:
        bind(part, scope)
    externals = _externals(model, statements)
    for n, span in externals.items():
        if n.endswith(("_pre", "_post")):
            stem, side = n.rsplit("_", 1)
            group, inner = ("source", pre) if side == "pre" else ("target", post)
            near = closest(stem, [v for v, known in inner.symbols.items() if known.owner == "self"])
            hint = (
                f"did you mean '{near}_{side}'?"
                if near
                else "names that end in _pre or _post belong to the connected neurons"
            )
            raise EquationError(f"'{n}' is no variable of the {group} group", span, hint)
    return replace(model, externals=externals)


def statement_scope(model: Model) -> Scope:
    """The names that statements and string expressions about the model's elements may use."""
    return model.scope


def _check(model: Model) -> None:
    for v in model.variables:
        rules.shared_reads_shared(v, model.scope)
        rules.one_value_a_step(v, model.scope)
    rules.check_model(model)


def _variables(equations: ast.Equations, kind: str) -> tuple[Variable, ...]:
    rules.unique_names(equations.definitions)
    rules.recursive_free(equations.definitions)
    variables = tuple(_variable(d, kind) for d in equations.definitions)
    rules.noise_of_definitions(equations.definitions)
    rules.no_cycles(equations.definitions)
    return variables


def _variable(d: ast.Definition, kind: str) -> Variable:
    variable_kind = _KINDS[type(d)]
    rules.free_name(d, kind)
    rules.legal_flags(d, variable_kind, kind)
    dim, dtype = unit_of(d.unit)
    if variable_kind == "parameter" and "input" in d.flags:
        variable_kind = "input"
    expr = None if isinstance(d, ast.Parameter) else d.rhs
    return Variable(d.name, variable_kind, dim, dtype, frozenset(d.flags), expr, d.span)


def _own(variables) -> dict[str, Symbol]:
    return {
        v.name: Symbol(
            v.name,
            "self",
            v.name,
            v.dim,
            v.dtype,
            shared=v.shared,
            constant=v.constant,
            read_only=v.kind == "subexpression",
            unless_refractory="unless refractory" in v.flags,
            expr=v.expr if v.kind == "subexpression" and not v.held else None,
            linked=v.linked,
            evolves=v.kind in ("state", "recurrence"),
        )
        for v in variables
    }


def _group_symbols(scope: Scope, owner: str, suffix: str) -> dict[str, Symbol]:
    """The variables of a connected group under their names with a suffix; with '' those of the target, which need none.

    Synapses that are connected have their own ``i`` and ``j`` as well.
    """
    ends = ("i", "j", "N_incoming", "N_outgoing") if scope.pre is not None else ()
    return {
        n + suffix: replace(s, name=n + suffix, owner=owner, variable=s.variable)
        for n, s in scope.symbols.items()
        if s.owner == "self" or (n in ends and s.owner == "index")
    }


def _externals(model: Model, statements: tuple[Statements, ...]) -> dict[str, Span]:
    """The names that a namespace must supply, with the span of their first use."""
    found: dict[str, Span] = {}
    for expr in (*(e.condition for e in model.events), model.refractory):
        for node in walk(expr) if expr is not None else ():
            if (
                isinstance(node, Name)
                and (node.id == "xi" or node.id.startswith("xi_"))
                and node.id not in model.scope.symbols
            ):
                raise missing_external(node.id, node.span, model.scope)
    expressions = [v.expr for v in model.variables] + [e.condition for e in model.events] + [model.refractory]
    for expr in expressions:
        if expr is not None:
            _add_external_names(expr, model.scope, found)
    for part in (*statements, *(e.reset for e in model.events if e.reset is not None)):
        _, scope = bind(part, model.scope)
        for n, span in externals_of(part, scope).items():
            found.setdefault(n, span)
    return found


def _add_external_names(expr: Expr, scope: Scope, found: dict[str, Span]) -> None:
    noisy = rules.noise_scope(expr, scope)
    for name, span in free_names(expr, scope.functions).items():
        if name not in noisy.symbols and known_constant(name) is None:
            found.setdefault(name, span)


def external_names(expr: Expr, scope: Scope) -> dict[str, Span]:
    """The external constants that one expression needs, with the span of their first use."""
    found: dict[str, Span] = {}
    _add_external_names(expr, scope, found)
    return found


def missing_external(name: str, span: Span, scope: Scope) -> EquationError:
    """The error for an external constant that no namespace has."""
    from eqsnn.model.dimensions import unknown_name

    return unknown_name(name, span, scope)
