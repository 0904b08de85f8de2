"""What makes a model well formed, one function a rule. All speak about the user's line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from eqsnn.errors import EquationError, Span, UnitError
from eqsnn.language import ast
from eqsnn.language.ast import Name, walk
from eqsnn.model.dimensions import SECOND, XI_DIM, as_number, condition, infer, unit_hint, unit_of
from eqsnn.model.functions import is_random, is_reserved, known_constant
from eqsnn.model.model import Model, Scope, Symbol, Variable, seen_from
from eqsnn.model.statements import bind
from eqsnn.model.suggest import closest
from eqsnn.model.training import legal_training
from eqsnn.units import DIMENSIONLESS

FLAGS = {
    "neuron": {
        "state": {"unless refractory", "trainable"},
        "recurrence": {"unless refractory", "trainable"},
        "subexpression": {"shared", "constant over dt"},
        "parameter": {"constant", "shared", "input", "trainable", "linked"},
    },
    "synapse": {
        "state": {"event-driven", "clock-driven"},
        "recurrence": {"clock-driven"},
        "subexpression": {"shared", "summed", "constant over dt"},
        "parameter": {"constant", "shared", "trainable", "linked"},
    },
}
STORAGE = {
    "float": ("float64", "float32", "float16"),
    "integer": ("int64", "int32", "int16", "int8"),
    "boolean": (),
}
"""In what types values may be kept: the flag ``dtype=``."""
_RESERVED = {
    "t": "the time", "dt": "the time step", "t_in_timesteps": "the number of the step", "i": "the index of the element",
    "j": "the index of the target", "N": "the number of elements", "lastspike": "the time of the last spike",
    "not_refractory": "the state of refractoriness", "lastupdate": "the time of the last event",
    "N_pre": "the number of sources", "N_post": "the number of targets", "N_incoming": "the number of synapses onto the target",
    "N_outgoing": "the number of synapses from the source", "delay": "the delay of the synapse",
}  # fmt: skip
_OPERATORS = ("and", "or", "not", "True", "False")


def unique_names(definitions: Iterable[ast.Definition]) -> None:
    """No name is defined twice."""
    first: dict[str, ast.Definition] = {}
    for d in definitions:
        if d.name in first:
            line = first[d.name].name_span.line_number
            raise EquationError(f"'{d.name}' is defined twice", d.name_span, f"the first definition is in line {line}")
        first[d.name] = d


_ALWAYS_RESERVED = ("t", "dt", "t_in_timesteps", "i", "N")
_OF_SYNAPSES = ("j", "delay", "lastupdate", "N_pre", "N_post", "N_incoming", "N_outgoing")


def possible_name(name: str, span: Span, reserved: Iterable[str] = _ALWAYS_RESERVED) -> None:
    """The name has no other meaning in the language; ``reserved`` are those that depend on what it is a variable of."""
    if name in reserved:
        raise EquationError(f"'{name}' is {_RESERVED[name]} and cannot be defined", span, "choose another name")
    if name == "xi" or name.startswith("xi_"):
        raise EquationError(
            f"'{name}' is a noise and cannot be defined", span, "choose a name that does not begin with xi"
        )
    if name.startswith("_"):
        raise EquationError(f"the name '{name}' begins with an underscore", span, "such names are reserved")
    if is_reserved(name):
        raise EquationError(f"'{name}' is a function and cannot be defined", span, "choose another name")
    if name in _OPERATORS:
        raise EquationError(f"'{name}' is a word of the language", span, "choose another name")
    if not (name.isascii() and name.isidentifier()):
        raise EquationError(f"'{name}' is no name", span, "a name consists of letters, digits and underscores")
    if known_constant(name) is not None:
        raise EquationError(f"'{name}' is a constant or a unit and cannot be defined", span, "choose another name")


def free_name(d: ast.Definition, kind: str) -> None:
    """The name of a variable of a 'neuron' or 'synapse' has no other meaning there."""
    name, span = d.name, d.name_span
    reserved = [n for n in _RESERVED if kind == "synapse" or n not in _OF_SYNAPSES]
    if isinstance(d, ast.Parameter) and kind == "synapse":
        reserved.remove("lastupdate")  # for updates that are written by hand
    possible_name(name, span, reserved)
    if name.endswith(("_pre", "_post")) and not (kind == "synapse" and "summed" in d.flags):
        raise EquationError(
            f"the name '{name}' ends like that of a connected neuron's variable",
            span,
            "choose a name without _pre or _post",
        )


def name_of_synapse(variable: Variable, span: Span, pre: Scope, post: Scope) -> None:
    """A variable of synapses is not called like one of a connected group: a plain name means the target's (as in Brian 2)."""
    if "summed" in variable.flags or variable.name == "lastupdate":
        return
    for where, scope in (("source", pre), ("target", post)):
        symbol = scope.symbols.get(variable.name)
        if symbol is not None and symbol.owner == "self":
            raise EquationError(
                f"the {where} group has a variable '{variable.name}' too",
                span,
                f"rename one of them, for example this one to '{variable.name}_syn'",
            )


def legal_flags(d: ast.Definition, variable_kind: str, kind: str) -> None:
    """Only flags that this kind of definition has, once each, and not together where they exclude one another."""
    allowed = FLAGS[kind][variable_kind]
    words = {
        "state": "a differential equation",
        "recurrence": "a map",
        "subexpression": "a subexpression",
        "parameter": "a parameter",
    }
    for k, (flag, span) in enumerate(zip(d.flags, d.flag_spans)):
        if flag.partition("=")[0] == "dtype":
            _legal_storage(d, variable_kind, flag, span, d.flags[:k])
        elif flag.partition("=")[0] in ("bounds", "rate"):
            legal_training(d, variable_kind, flag, span, unit_of(d.unit)[0])
        elif flag not in allowed:
            everywhere = set().union(*(f for room in FLAGS.values() for f in room.values()))
            near = _several_flags(flag, everywhere) or closest(flag, allowed)
            what = "has no meaning" if flag in everywhere else "is not known"
            of = f" for {words[variable_kind]} of a {kind}" if flag in everywhere else ""
            hint = (
                f"did you mean '{near}'?"
                if near
                else f"{words[variable_kind]} may have {', '.join(sorted(allowed)) or 'no flags'}"
            )
            raise EquationError(f"the flag '{flag}' {what}{of}", span, hint)
        if flag in d.flags[:k]:
            raise EquationError(f"the flag '{flag}' is given twice", span, "remove one")
    if "linked" in d.flags and len(d.flags) > 1:
        other = next(k for k, f in enumerate(d.flags) if f != "linked")
        raise EquationError(
            "a linked variable has no other flags: it is what the other group's variable is",
            d.flag_spans[other],
            "remove it",
        )
    if {"event-driven", "clock-driven"} <= set(d.flags):
        raise EquationError(
            "an equation is either event-driven or clock-driven", d.flag_spans[1], "remove one of the flags"
        )


def _legal_storage(d: ast.Definition, variable_kind: str, flag: str, span: Span, before: tuple[str, ...]) -> None:
    """``dtype=`` names a type that keeps values of this kind, once, and there are values to keep."""
    if variable_kind == "subexpression":
        raise EquationError("a subexpression is computed where it is read; no values are kept", span, "remove the flag")
    kind = unit_of(d.unit)[1]
    if any(f.startswith("dtype=") for f in before):
        raise EquationError("the flag 'dtype' is given twice", span, "remove one")
    if flag.removeprefix("dtype=") not in STORAGE[kind]:
        words = {"float": "a number with a unit", "integer": "an integer", "boolean": "a boolean"}[kind]
        types = " or ".join(STORAGE[kind])
        raise EquationError(
            f"'{flag}' does not keep {words}",
            span,
            f"use {types}" if types else "remove it: a boolean has one type only",
        )


def _several_flags(text: str, known: set[str]) -> str | None:
    """``text`` with commas, if it is flags without them."""
    words = text.split()
    for k in range(1, len(words)):
        first, rest = " ".join(words[:k]), " ".join(words[k:])
        others = rest if rest in known else _several_flags(rest, known)
        if first in known and others:
            return f"{first}, {others}"
    return None


def no_cycles(definitions: Iterable[ast.Definition]) -> None:
    """No subexpression depends on itself."""
    expressions = {d.name: d.rhs for d in definitions if isinstance(d, ast.Subexpression)}
    state: dict[str, int] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        state[name] = 1
        for node in walk(expressions[name]):
            if isinstance(node, Name) and node.id in expressions:
                if state.get(node.id) == 1:
                    chain = " -> ".join([*path[path.index(node.id) :], node.id] if node.id in path else [name, node.id])
                    raise EquationError("a subexpression depends on itself", node.span, f"the cycle is {chain}")
                if node.id not in state:
                    visit(node.id, (*path, node.id))
        state[name] = 2

    for name in expressions:
        if name not in state:
            visit(name, (name,))


def shared_reads_shared(variable: Variable, scope: Scope) -> None:
    """A shared subexpression depends on shared values only."""
    if not variable.shared or variable.expr is None:
        return
    for node in walk(variable.expr):
        if isinstance(node, Name):
            symbol = scope.symbols.get(node.id)
            if symbol is not None and not symbol.shared:
                raise EquationError(
                    f"'{variable.name}' is shared, and '{node.id}' differs between elements",
                    node.span,
                    f"declare '{node.id}' as shared",
                )


def one_value_a_step(variable: Variable, scope: Scope) -> None:
    """A subexpression means its text; with a random number in it, each reader would see another value (as in Brian 2, which asks for the flag)."""
    if variable.kind != "subexpression" or variable.held:
        return
    for node in walk(variable.expr):
        if isinstance(node, ast.Call) and is_random(replace(node, args=()), scope.functions):
            raise EquationError(
                f"'{variable.name}' calls {node.function}(), and would be another number wherever it is read",
                node.span,
                "add the flag (constant over dt) for one number a step",
            )


def noise_scope(expr: ast.Expr, scope: Scope) -> Scope:
    """``scope`` with the noises that a differential equation uses: xi and xi_<name>, in second**-0.5."""
    noises = {
        n.id: Symbol(n.id, "function", n.id, XI_DIM)
        for n in walk(expr)
        if isinstance(n, Name) and (n.id == "xi" or n.id.startswith("xi_"))
    }
    return (
        Scope({**scope.symbols, **noises}, scope.functions, scope.pre, scope.post, scope.open_ended)
        if noises
        else scope
    )


def units_of_variable(variable: Variable, scope: Scope) -> None:
    """The two sides of a definition have one unit and one type."""
    if variable.expr is None:
        return
    expr = variable.expr
    if variable.kind == "state":
        found = as_number(infer(expr, noise_scope(expr, scope)))
        wanted = variable.dim / SECOND
        if found.dim is not None and found.dim != wanted:
            hint = unit_hint(expr, wanted)
            if found.dim == variable.dim:
                hint = "divide by a time constant: dx/dt = (...)/tau"
            raise UnitError(
                f"d{variable.name}/dt must have unit {wanted}, and this has unit {found.dim}", expr.span, hint
            )
        return
    found = infer(expr, scope)
    if variable.dtype == "boolean":
        condition(expr, found, f"'{variable.name}' is declared boolean; this")
        return
    found = as_number(found)
    if found.dim is not None and found.dim != variable.dim:
        raise UnitError(
            f"'{variable.name}' is declared with unit {variable.dim}, and this has unit {found.dim}",
            expr.span,
            unit_hint(expr, variable.dim),
        )
    if (
        variable.dtype == "integer"
        and found.dtype == "float"
        and found.dim is not None
        and not _comes_late(expr, scope)
    ):
        raise EquationError(f"'{variable.name}' is declared integer, and this is not", expr.span, "write int(...)")


def _comes_late(expr: ast.Expr, scope: Scope) -> bool:
    """Whether ``expr`` uses a constant of the namespace that may turn out to be an integer."""
    names = [n.id for n in walk(expr) if isinstance(n, Name)] if scope.open_ended else []
    return any(n not in scope.symbols and known_constant(n) is None for n in names)


def units_of_events(model: Model, scope: Scope) -> None:
    """Thresholds are conditions, resets are legal, and a refractory period is a time or a condition."""
    for event in model.events:
        if event.condition is not None:
            what = "the threshold" if event.name == "spike" else f"the condition of the event '{event.name}'"
            condition(event.condition, infer(event.condition, scope), what)
        if event.reset is not None:
            bind(event.reset, scope)
    if model.refractory is not None:
        found = infer(model.refractory, scope)
        if found.dtype != "boolean" and found.dim is not None and found.dim != SECOND:
            raise UnitError(
                f"refractory must be a time or a condition, and this has unit {found.dim}",
                model.refractory.span,
                "write e.g. 5*ms, or v > threshold" if found.dim == DIMENSIONLESS else "",
            )


def noise_of_definitions(definitions: Iterable[ast.Definition]) -> None:
    """Whether two equations share a noise must be said by its name; plain ``xi`` stands in one of them, and in differential equations only."""
    first = None
    for d in definitions:
        if isinstance(d, ast.Parameter):
            continue
        node = next((n for n in walk(d.rhs) if isinstance(n, Name) and n.id == "xi"), None)
        if node is None or not isinstance(d, ast.Differential):
            continue
        if first is not None:
            hint = f"write xi_name in both for one noise, or two names, such as xi_{first} and xi_{d.name}, for two"
            raise EquationError(f"'xi' stands in d{d.name}/dt and in d{first}/dt: one noise or two?", node.span, hint)
        first = d.name


def noise_is_usable(variable: Variable) -> None:
    """Noise stands in differential equations only."""
    if variable.kind == "state" or variable.expr is None:
        return
    for node in walk(variable.expr):
        if isinstance(node, Name) and (node.id == "xi" or node.id.startswith("xi_")):
            raise EquationError(
                f"the noise '{node.id}' stands in a {variable.kind}",
                node.span,
                "noise belongs into a differential equation; use randn() elsewhere",
            )


def recursive_free(definitions: Iterable[ast.Definition]) -> None:
    """Derivatives have a number as type."""
    for d in definitions:
        if isinstance(d, ast.Differential) and isinstance(d.unit, Name) and d.unit.id in ("boolean", "integer"):
            raise EquationError(
                f"'{d.name}' changes continuously and cannot be {d.unit.id}", d.unit.span, "give it a unit, or 1"
            )


def summed_targets(variable: Variable, d_span: Span, scope: Scope) -> None:
    """A summed variable names a parameter of a connected group with its unit."""
    name, side = variable.name.rsplit("_", 1) if variable.name.endswith(("_pre", "_post")) else (variable.name, "")
    group = {"pre": scope.pre, "post": scope.post}.get(side)
    if group is None:
        raise EquationError(
            f"'{variable.name}' is summed and must name its destination",
            d_span,
            f"write {variable.name}_post for a variable of the target group",
        )
    symbol = group.symbols.get(name)
    where = "source" if side == "pre" else "target"
    if symbol is None or symbol.owner != "self":
        near = closest(name, [n for n, s in group.symbols.items() if s.owner == "self"])
        raise EquationError(
            f"the {where} group has no variable '{name}'",
            d_span,
            f"did you mean '{near}_{side}'?" if near else "declare it there as a parameter",
        )
    if symbol.evolves:
        raise EquationError(
            f"'{name}' of the {where} group has an equation of its own and cannot be a sum",
            d_span,
            f"declare a parameter there, 'total : ...', use it in the equation, and sum into total_{side}",
        )
    if symbol.expr is not None or symbol.constant or symbol.read_only or symbol.linked:
        raise EquationError(
            f"'{name}' of the {where} group cannot be a sum", d_span, f"declare it there as a parameter, '{name} : ...'"
        )
    if symbol.dim != variable.dim:
        raise UnitError(
            f"'{name}' of the {where} group has unit {symbol.dim}, and the sum has unit {variable.dim}", d_span
        )
    if symbol.dtype == "boolean" or (symbol.dtype == "integer" and variable.dtype != "integer"):
        raise EquationError(
            f"'{name}' of the {where} group is {symbol.dtype} and cannot hold this sum",
            d_span,
            "declare the sum integer too" if symbol.dtype == "integer" else f"declare it there as '{name} : 1'",
        )


def own_lastupdate(variables: Iterable[Variable], definitions: Iterable[ast.Definition]) -> None:
    """``lastupdate`` is the user's only where no equation is event-driven."""
    driven = next((v.name for v in variables if "event-driven" in v.flags), None)
    for v, d in zip(variables, definitions):
        if v.name == "lastupdate" and driven is not None:
            raise EquationError(
                f"'lastupdate' is kept by eqsnn, since '{driven}' is event-driven", d.name_span, "remove the definition"
            )


def one_sum_each(variables: Iterable[Variable], definitions: Iterable[ast.Definition], one_group: bool) -> None:
    """Two sums do not go into one variable of one group."""
    first: dict[str, str] = {}
    for v, d in zip(variables, definitions):
        if "summed" not in v.flags:
            continue
        stem = v.name.rsplit("_", 1)[0]
        if one_group and stem in first:
            raise EquationError(
                f"'{first[stem]}' and '{v.name}' both sum into '{stem}' of one group",
                d.name_span,
                "use two variables, and add them up in the equations of the group",
            )
        first[stem] = v.name


def separate_time_courses(model: Model) -> None:
    """Event-driven variables are known at events only, clock-driven ones and sums change in every step: neither may read the other."""
    driven = {v.name: "event-driven" for v in model.of_kind("state") if "event-driven" in v.flags}
    stepped = {v.name: "clock-driven" for v in model.of_kind("state", "recurrence") if v.name not in driven}
    stepped |= {v.name: "(constant over dt)" for v in model.variables if v.held}
    for v in model.variables:
        if v.name in driven:
            kind, others = "event-driven", stepped
        elif v.name in stepped or "summed" in v.flags:
            kind, others = stepped.get(v.name, "summed"), driven
        else:
            continue
        for node, name in reads(v.expr, model):
            if name in others:
                via = "" if node.id == name else f" (through '{node.id}')"
                hint = (
                    "an event-driven variable has its value at events only; make both equations (clock-driven)"
                    if kind != "summed"
                    else f"make the equation of '{name}' (clock-driven)"
                )
                raise EquationError(f"the {kind} '{v.name}' reads the {others[name]} '{name}'{via}", node.span, hint)


def sum_reads_others(variable: Variable, model: Model, one_group: bool) -> None:
    """A sum does not read the variable it is made in: while it grows, each synapse would read another part of it."""
    name, side = variable.name.rsplit("_", 1)
    for node, read in reads(variable.expr, model):
        owner, target = (
            read if isinstance(read, tuple) else (model.scope.symbols[read].owner, model.scope.symbols[read].variable)
        )
        if target == name and (owner == side or (one_group and owner in ("pre", "post"))):
            raise EquationError(
                f"'{variable.name}' sums into '{name}', and reads it",
                node.span,
                f"sum into a variable of its own, and use that in the equations of the {'source' if side == 'pre' else 'target'} group",
            )


def reads(expr: ast.Expr, model: Model) -> list[tuple[Name, str | tuple[str, str]]]:
    """The names in ``expr``, and those that its subexpressions read, each with the name in ``expr`` that leads there.

    What a subexpression of a connected group reads there is given as (owner, variable).
    """
    found, seen = [], set()

    def visit(part: ast.Expr, scope: Scope, frame: str, leads: Name | None) -> None:
        for node in walk(part):
            symbol = scope.symbols.get(node.id) if isinstance(node, Name) else None
            if symbol is None:
                continue
            first = leads or node
            found.append((first, node.id if frame == "self" else (seen_from(frame, symbol.owner), symbol.variable)))
            owner = seen_from(frame, symbol.owner)
            if symbol.expr is not None and (owner, symbol.variable) not in seen:
                seen.add((owner, symbol.variable))
                visit(symbol.expr, model.scope.of(owner), owner, first)

    visit(expr, model.scope, "self", None)
    return found


def check_model(model: Model, scope: Scope | None = None) -> None:
    """Every rule about units; with the closed scope of a run, the external constants are checked as well."""
    scope = scope if scope is not None else model.scope
    for variable in model.variables:
        noise_is_usable(variable)
        units_of_variable(variable, scope)
    units_of_events(model, scope)
