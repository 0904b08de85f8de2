"""Units of expressions. What is not known yet (an external constant before a run) is None and agrees with everything."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from eqsnn.errors import EquationError, Span, UnitError
from eqsnn.frozen import dataclass
from eqsnn.language.ast import Binary, Boolean, Call, Compare, Expr, Logical, Name, Number, Unary
from eqsnn.model.functions import (
    FUNCTIONS,
    DrawnTable,
    FunctionSpec,
    InlineFunction,
    TableFunction,
    UserFunction,
    constants_of,
    is_reserved,
    known_constant,
)
from eqsnn.model.model import DType, Scope, Symbol
from eqsnn.model.suggest import closest
from eqsnn.units import DIMENSIONLESS, Dimension, dimensions_of, unit_named

SECOND = unit_named("second").dim
XI_DIM = SECOND ** Fraction(-1, 2)
UNIT_NAMES = ("volt", "amp", "second", "siemens", "farad", "ohm", "hertz", "Hz", "metre", "meter", "mole", "mmolar", "coulomb", "kelvin",
              "kilogram", "joule", "watt", "newton", "boolean", "integer")  # fmt: skip
OTHER_NAMES = {
    "ln": "log", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "uniform": "rand", "random": "rand", "normal": "randn",
    "pow": "x**y", "heaviside": "int(x > 0)", "max": "clip(x, low, inf)", "min": "clip(x, -inf, high)", "fabs": "abs", "round": "floor(x + 0.5)",
}  # fmt: skip
OTHER_UNITS = {
    "bool": "boolean", "int": "integer", **dict.fromkeys(("float", "double", "real", "number", "dimensionless", "unitless", "none", "None"), "1"),
    "V": "volt", "A": "amp", "s": "second", "sec": "second", "S": "siemens", "F": "farad", "m": "metre", "C": "coulomb", "K": "kelvin", "J": "joule",
    "W": "watt", "N": "newton", "g": "gram", "M": "molar", "Ohm": "ohm",
}  # fmt: skip
OTHER_WORDS = {"true": "True", "TRUE": "True", "false": "False", "FALSE": "False", "Inf": "inf", "INF": "inf",
               "infinity": "inf", "PI": "pi", "Pi": "pi"}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What is known of an expression: its dimension (None: not known yet) and type."""

    dim: Dimension | None
    dtype: DType


def check_value(expr: Expr, scope: Scope, expected: Dimension | str | None) -> Found:
    """``expr`` is legal in ``scope`` and has the expected dimension, or is a condition where 'boolean' is expected."""
    found = infer(expr, scope)
    if expected == "boolean":
        condition(expr, found, "this")
    elif expected is not None:
        found = as_number(found)
        if found.dim is not None and found.dim != expected:
            raise UnitError(
                f"this has unit {found.dim}, and {expected} is expected", expr.span, unit_hint(expr, expected)
            )
    return found


def unit_hint(expr: Expr, wanted: Dimension) -> str:
    """What to write instead of a plain number."""
    plain = isinstance(expr, Number) or (isinstance(expr, Unary) and isinstance(expr.operand, Number))
    return f"give the number its unit, {wanted}" if plain and wanted != DIMENSIONLESS else ""


def as_number(found: Found) -> Found:
    """Where a number is needed, a condition is 1 or 0."""
    return Found(DIMENSIONLESS, "integer") if found.dtype == "boolean" else found


def condition(expr: Expr, found: Found, what: str) -> None:
    """Refuse a number where a condition is needed; an external name may turn out to be one."""
    if found.dtype != "boolean" and not (isinstance(expr, Name) and found.dim is None):
        raise EquationError(
            f"{what} is a number, and a condition is expected", expr.span, "compare it with something, such as v > 0*mV"
        )


def infer(expr: Expr, scope: Scope) -> Found:
    """The dimension and type of ``expr``. Raises EquationError or UnitError at the part that is wrong."""
    match expr:
        case Number(value):
            return Found(DIMENSIONLESS, "integer" if isinstance(value, int) else "float")
        case Boolean():
            return Found(DIMENSIONLESS, "boolean")
        case Name():
            return _name(expr, scope)
        case Unary("not"):
            condition(expr.operand, infer(expr.operand, scope), "the operand of 'not'")
            return Found(DIMENSIONLESS, "boolean")
        case Unary():
            return as_number(infer(expr.operand, scope))
        case Logical():
            for side in (expr.left, expr.right):
                condition(side, infer(side, scope), f"an operand of '{expr.op}'")
            return Found(DIMENSIONLESS, "boolean")
        case Compare():
            return _compare(expr, scope)
        case Binary():
            return _binary(expr, scope)
        case Call():
            return _call(expr, scope)
    raise TypeError(f"not an expression: {expr!r}")


def _name(expr: Name, scope: Scope) -> Found:
    symbol = scope.symbols.get(expr.id)
    if symbol is not None:
        return Found(symbol.dim, symbol.dtype)
    constant = known_constant(expr.id)
    if constant is not None:
        return Found(constant[1], "float")
    if is_reserved(expr.id) or expr.id in scope.functions:
        raise EquationError(f"'{expr.id}' is a function", expr.span, f"call it: {expr.id}(...)")
    symbol = scope.find(expr.id)
    if symbol is None:
        raise unknown_name(expr.id, expr.span, scope)
    return Found(symbol.dim, symbol.dtype)


def unknown_name(name: str, span: Span, scope: Scope) -> EquationError:
    """The error for a name that is nothing."""
    sides = [f"{name}{end}" for end in ("_post", "_pre") if f"{name}{end}" in scope.symbols]
    near = (
        sides[0]
        if sides
        else OTHER_WORDS.get(name) or closest(name, [*scope.symbols, *scope.others]) or unit_meant(name)
    )
    if name == "xi" or name.startswith("xi_"):
        hint = "noise such as xi stands in differential equations only"
    elif near:
        hint = f"did you mean '{near}'?"
    elif re.search(r"(//|%)[ \t]*$", span.text[: span.start]):
        hint = f"define it; or write '#' before '{name}' if a comment begins there"
    else:
        hint = f"define '{name}' in the equations, give it in namespace=, or assign it before run()"
    return EquationError(f"the name '{name}' is not known", span, hint)


def unit_meant(name: str) -> str | None:
    """The unit that a name other than one seems to mean: 'mv', 'volts', 'millivolt', 'msec'."""
    tried = [name.rstrip("s")]
    for word, prefix in (("milli", "m"), ("micro", "u"), ("nano", "n"), ("pico", "p"), ("kilo", "k"), ("mega", "M")):
        if name.startswith(word):
            tried += [prefix + name[len(word) :].rstrip("s"), prefix + name[len(word) :]]
    if name.endswith("sec"):
        tried.append(name[:-2])
    tried += [name[:1] + name[1:].capitalize(), name.capitalize(), name[:1].lower() + name[1:].upper(), name.lower()]
    return next((t for t in tried if len(t) > 1 and t != name and unit_named(t) is not None), None)


def _compare(expr: Compare, scope: Scope) -> Found:
    left, right = infer(expr.left, scope), infer(expr.right, scope)
    _agree(expr, left, right, f"'{expr.op}' compares values")
    return Found(DIMENSIONLESS, "boolean")


def _agree(expr, left: Found, right: Found, what: str) -> None:
    if left.dim is not None and right.dim is not None and left.dim != right.dim:
        hint = unit_hint(expr.left, right.dim) or unit_hint(expr.right, left.dim)
        raise UnitError(f"{what} with units {left.dim} and {right.dim}", expr.span, hint)


def _binary(expr: Binary, scope: Scope) -> Found:
    left, right = as_number(infer(expr.left, scope)), as_number(infer(expr.right, scope))
    both: DType = "integer" if left.dtype == right.dtype == "integer" else "float"
    if expr.op in ("+", "-", "%"):
        _agree(expr, left, right, f"'{expr.op}' combines values")
        return Found(left.dim if left.dim is not None else right.dim, both)
    if expr.op == "**":
        return _power(expr, left, right, both)
    known = left.dim is not None and right.dim is not None
    if expr.op == "*":
        return Found(left.dim * right.dim if known else None, both)
    if expr.op == "//" and known and left.dim != right.dim:
        raise UnitError(f"'//' combines values with units {left.dim} and {right.dim}", expr.span, "both need one unit")
    return Found(left.dim / right.dim if known else None, both if expr.op == "//" else "float")


def _power(expr: Binary, base: Found, exponent: Found, both: DType) -> Found:
    if exponent.dim is not None and exponent.dim != DIMENSIONLESS:
        raise UnitError(f"an exponent is a plain number; this has unit {exponent.dim}", expr.right.span)
    if base.dim is None:
        return Found(None, "float")
    value = literal_value(expr.right)
    if base.dim == DIMENSIONLESS:
        return Found(DIMENSIONLESS, both if value is not None and value >= 0 else "float")
    if value is None:
        raise UnitError(
            f"a value with unit {base.dim} is raised to a power that is not a number",
            expr.right.span,
            "write the exponent as a number, or make the base dimensionless",
        )
    try:
        return Found(base.dim**value, "float")
    except ValueError as error:
        raise UnitError(str(error), expr.right.span, "use a simple fraction") from None


def literal_value(expr: Expr) -> Fraction | None:
    """The value of an expression of number literals, or None."""
    match expr:
        case Number(value):
            return Fraction(value).limit_denominator(10**6) if isinstance(value, float) else Fraction(value)
        case Unary("-" | "+"):
            inner = literal_value(expr.operand)
            return None if inner is None else -inner if expr.op == "-" else inner
        case Binary("+" | "-" | "*" | "/"):
            left, right = literal_value(expr.left), literal_value(expr.right)
            if left is None or right is None or (expr.op == "/" and right == 0):
                return None
            if expr.op == "/":
                return left / right
            return {"+": left + right, "-": left - right, "*": left * right}[expr.op]
    return None


def _call(expr: Call, scope: Scope) -> Found:
    if expr.function in scope.functions:
        given = scope.functions[expr.function]
        kinds = {TableFunction: _table, DrawnTable: _drawn, InlineFunction: _inline, UserFunction: _user}
        return kinds[type(given)](expr, given, scope)
    spec = FUNCTIONS.get(expr.function)
    if spec is None:
        return _late_function(expr, scope)
    if len(expr.args) != spec.arity:
        wanted = {0: "no arguments", 1: "one argument"}.get(spec.arity, f"{spec.arity} arguments")
        raise EquationError(
            f"{spec.name}() takes {wanted}; {len(expr.args)} given", expr.span, f"{spec.name}: {spec.meaning}"
        )
    return _apply_rule(expr, spec, [infer(a, scope) for a in expr.args])


def _late_function(expr: Call, scope: Scope) -> Found:
    """A function that the namespace of a run may have, as it may have a constant; what looks like a slip of the pen is refused at once."""
    name = expr.function
    if name in scope.symbols or known_constant(name) is not None:
        raise EquationError(f"'{name}' is not a function", expr.name_span, _instead_of_call(expr))
    if name.lower() in ("and", "or", "not"):
        raise EquationError(f"'{name}' is not an operator", expr.name_span, f"write '{name.lower()}'")
    near = OTHER_NAMES.get(name) or closest(name, FUNCTIONS if _of_time(expr) else [*FUNCTIONS, *scope.functions])
    like_a_table = _first_is_time(expr) and name not in OTHER_NAMES  # TimedArrays are called 'ta' and the like
    if not scope.open_ended or (near and not like_a_table):
        raise unknown_function(expr, near)
    for argument in expr.args:
        infer(argument, scope)
    return Found(None, "float")


def unknown_function(expr: Call, near: str | None = None) -> EquationError:
    """The error for a call of what is no function."""
    name = expr.function
    hint = f"there are {', '.join(sorted(FUNCTIONS))}, TimedArrays, and functions of your own"
    if near:
        hint = f"did you mean '{near}'?"
    elif _of_time(expr):
        hint = f"declare '{name} : unit' and write '{name}' alone, or give a TimedArray called '{name}'"
    return EquationError(f"the function '{name}' is not known", expr.name_span, hint)


def _of_time(expr: Call) -> bool:
    return len(expr.args) == 1 and _first_is_time(expr)


def _first_is_time(expr: Call) -> bool:
    return bool(expr.args) and isinstance(expr.args[0], Name) and expr.args[0].id == "t"


def _instead_of_call(expr: Call) -> str:
    """What to write instead of the call of a variable."""
    if _of_time(expr):
        return f"write '{expr.function}' alone: every variable is a function of time"
    if len(expr.args) == 1 and isinstance(expr.args[0], Binary) and expr.args[0].left.span.source == "t":
        return (
            "its value at another time is not kept; synapses may have a delay, and a TimedArray is called with a time"
        )
    return f"multiply with '*': {expr.function}*(...)"


def _apply_rule(expr: Call, spec: FunctionSpec, found: list[Found]) -> Found:
    if spec.rule == "random":
        return Found(DIMENSIONLESS, "float")
    if spec.rule == "count":
        _plain(expr, spec, found)
        return Found(DIMENSIONLESS, "integer")
    if spec.rule == "int":
        _plain(expr, spec, found)
        return Found(DIMENSIONLESS, "integer")
    found = [as_number(f) for f in found]
    dim = found[0].dim
    if spec.rule == "keep":
        return found[0]
    if spec.rule == "round":
        return Found(dim, "float")
    if spec.rule == "sign":
        return Found(DIMENSIONLESS, found[0].dtype)
    if spec.rule == "sqrt":
        return Found(None if dim is None else dim ** Fraction(1, 2), "float")
    if spec.rule == "timestep":
        for arg, f in zip(expr.args, found):
            if f.dim not in (None, SECOND):
                raise UnitError(f"timestep() takes times; this has unit {f.dim}", arg.span, "write timestep(t, dt)")
        return Found(DIMENSIONLESS, "integer")
    if spec.rule == "same":
        for arg, f in zip(expr.args[1:], found[1:]):
            if f.dim is not None and dim is not None and f.dim != dim:
                raise UnitError(f"{spec.name}() mixes units {dim} and {f.dim}", arg.span, unit_hint(arg, dim))
        whole = all(f.dtype == "integer" for f in found)
        return Found(next((f.dim for f in found if f.dim is not None), None), "integer" if whole else "float")
    _plain(expr, spec, found)
    return Found(DIMENSIONLESS, "float")


def _plain(expr: Call, spec: FunctionSpec, found: list[Found]) -> None:
    for arg, f in zip(expr.args, found):
        if f.dim not in (None, DIMENSIONLESS):
            raise UnitError(
                f"{spec.name}() takes a plain number; this has unit {f.dim}",
                arg.span,
                "divide it by a scale of the same unit, as in exp(v/mV)",
            )


def _counted(expr: Call, hint: str, wanted: int) -> None:
    if len(expr.args) != wanted:
        many = {0: "no arguments", 1: "one argument"}.get(wanted, f"{wanted} arguments")
        raise EquationError(f"the function '{expr.function}' takes {many}; {len(expr.args)} given", expr.span, hint)


def _inline(expr: Call, function: InlineFunction, scope: Scope) -> Found:
    _counted(expr, f"call it as {expr.function}({', '.join(function.parameters)})", len(function.parameters))
    found = [infer(a, scope) for a in expr.args]
    for name, span in constants_of(function, scope.functions).items():
        known = scope.symbols.get(name)
        if known is not None and known.owner != "external":
            raise EquationError(
                f"the function '{expr.function}' uses '{name}', which is a variable here", span, "make it an argument"
            )
    try:
        return infer(function.body, inline_scope(function, found, scope))
    except (EquationError, UnitError) as error:
        place = f" in line {expr.span.line_number}" if "\n" in expr.span.text.strip() else ""
        message = f"{error.message}, in the function '{expr.function}' called as {expr.span.source}{place}"
        raise type(error)(message, error.span, error.hint) from None


def inline_scope(function: InlineFunction, found: list[Found], scope: Scope) -> Scope:
    """The names inside an inline function: its parameters, and constants."""
    outside = {n: s for n, s in scope.symbols.items() if s.owner == "external"}
    inside = {p: Symbol(p, "argument", p, f.dim, f.dtype, read_only=True) for p, f in zip(function.parameters, found)}
    return replace(scope, symbols={**outside, **inside}, pre=None, post=None)


def _user(expr: Call, function: UserFunction, scope: Scope) -> Found:
    units = ", ".join("any" if not isinstance(a, Dimension) else str(a) for a in function.args)
    _counted(expr, f"the units of its arguments are {units}" if units else "call it without any", len(function.args))
    found = [infer(a, scope) for a in expr.args]
    same: dict[str, Dimension] = {}
    for arg, f, wanted, kind in zip(expr.args, found, function.args, function.arg_types):
        if isinstance(wanted, str):
            wanted = f.dim if f.dim is None else same.setdefault(wanted, f.dim)
        if None not in (wanted, f.dim) and f.dim != wanted:
            what = "a plain number" if wanted == DIMENSIONLESS else f"a value with unit {wanted}"
            raise UnitError(f"{expr.function}() takes {what}; this has unit {f.dim}", arg.span, unit_hint(arg, wanted))
        if kind == "boolean":
            condition(arg, f, f"this argument of {expr.function}()")
        elif kind == "integer" and f.dtype == "float" and f.dim is not None:
            raise EquationError(f"{expr.function}() takes an integer here", arg.span, "write int(...)")
    return Found(_result_of(expr, function, found), result_type(function, [f.dtype for f in found]))


def result_type(function: UserFunction, types: list[DType]) -> DType:
    """The type of what a user's function gives for arguments of these types."""
    if function.result_type != "highest":
        return function.result_type
    return next((t for t in ("float", "integer", "boolean") if t in types), "float")


def _result_of(expr: Call, function: UserFunction, found: list[Found]) -> Dimension | None:
    if not callable(function.result):
        return function.result
    dims = [f.dim for f in found]
    if None in dims:
        return None
    try:
        given = function.result(*dims)
        return given if isinstance(given, Dimension) else dimensions_of(given)
    except Exception as error:
        raise EquationError(
            f"the unit of {expr.function}() for these arguments could not be found: {type(error).__name__}: {error}",
            expr.span,
            "its result unit is given as a function of the units of its arguments",
        ) from error


def _drawn(expr: Call, table: DrawnTable, scope: Scope) -> Found:
    if expr.args:
        raise EquationError(
            f"{expr.function}() takes no arguments; {len(expr.args)} given", expr.span, "it is a random number"
        )
    return Found(DIMENSIONLESS, "float")


def _table(expr: Call, table: TableFunction, scope: Scope) -> Found:
    if len(expr.args) != table.ndim:
        form = f"{expr.function}(t)" if table.ndim == 1 else f"{expr.function}(t, i)"
        raise EquationError(
            f"the TimedArray '{expr.function}' has {table.ndim} dimension{'s' * (table.ndim > 1)}",
            expr.span,
            f"call it as {form}",
        )
    time = infer(expr.args[0], scope)
    if time.dim not in (None, SECOND):
        raise UnitError(
            f"a TimedArray takes a time; this has unit {time.dim}", expr.args[0].span, f"write {expr.function}(t)"
        )
    if table.ndim == 2:
        index = infer(expr.args[1], scope)
        if index.dtype != "integer" and index.dim is not None:
            raise EquationError(
                "the column of a TimedArray is an integer", expr.args[1].span, "write i, or an integer variable"
            )
    return Found(table.dim, "float")


def unit_of(expr: Expr) -> tuple[Dimension, DType]:
    """The dimension and type that the unit after a definition's colon stands for. Only base units: ``volt``, never ``mV``."""
    if isinstance(expr, Name) and expr.id in ("boolean", "integer"):
        return DIMENSIONLESS, expr.id
    value, dim = _unit_value(expr)
    if abs(value - 1.0) > 1e-12:
        if dim == DIMENSIONLESS:
            raise EquationError("a variable without unit is declared with ': 1'", expr.span)
        raise UnitError(
            f"'{expr.span.source}' is not a base unit, and variables are kept in base units",
            expr.span,
            f"write the unit without prefix, here {_spelled(dim)} (volt, amp, siemens, second, metre ...); values may keep theirs: 5*mV",
        )
    return dim, "float"


def _spelled(dim: Dimension) -> str:
    """A dimension as it can be written after a colon, where one unit names it."""
    return next((n for n in UNIT_NAMES if (unit := unit_named(n)) is not None and unit.dim == dim), str(dim))


def _unit_value(expr: Expr) -> tuple[float, Dimension]:
    match expr:
        case Number(value):
            return float(value), DIMENSIONLESS
        case Name():
            unit = unit_named(expr.id)
            if unit is None:
                near = OTHER_UNITS.get(expr.id) or closest(expr.id, UNIT_NAMES)
                hint = (
                    f"did you mean '{near}'?"
                    if near
                    else "units are volt, amp, siemens, second ..., 1, boolean, integer"
                )
                raise EquationError(f"the unit '{expr.id}' is not known", expr.span, hint)
            return float(unit), unit.dim
        case Binary("*"):
            (a, p), (b, q) = _unit_value(expr.left), _unit_value(expr.right)
            return a * b, p * q
        case Binary("/"):
            (a, p), (b, q) = _unit_value(expr.left), _unit_value(expr.right)
            if b == 0:
                raise EquationError("a unit is divided by 0", expr.span, "write ': 1' for a variable without unit")
            return a / b, p / q
        case Binary("**"):
            a, p = _unit_value(expr.left)
            power = literal_value(expr.right)
            if power is None or abs(power) > 10:
                raise EquationError("the exponent of a unit is a small number", expr.right.span, "as in metre**2")
            if a <= 0:
                raise EquationError("0 is not a unit", expr.left.span, "write ': 1' for a variable without unit")
            try:
                return a ** float(power), p**power
            except ValueError:
                hint = "as in metre**2 or hertz**0.5"
                raise EquationError("the exponent of a unit is a simple fraction", expr.right.span, hint) from None
    raise EquationError("this is not a unit", expr.span, "write volt, amp/metre**2, 1 ...")
