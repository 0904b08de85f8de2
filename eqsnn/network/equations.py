"""Equations as an object: read, added up, with names and values put in place of names, and given to several groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from eqsnn.errors import EqsnnError, EquationError, Span, UnknownNameError
from eqsnn.language import ast
from eqsnn.language.ast import Binary, Call, Expr, Name, Unary, names, walk
from eqsnn.language.parse import parse, parse_expression
from eqsnn.language.show import definition_latex, definition_text, number_with_unit, text_of
from eqsnn.model import rules
from eqsnn.model.dimensions import unit_of
from eqsnn.model.functions import FUNCTIONS, InlineFunction, is_reserved
from eqsnn.network.functions import Function
from eqsnn.units import DIMENSIONLESS, Dimension, Quantity, dimensions_of
from eqsnn.units.show import best_unit, get_unit

_TYPES = {
    ast.Differential: "differential equation",
    ast.Recurrence: "map",
    ast.Subexpression: "subexpression",
    ast.Parameter: "parameter",
}


@dataclass(frozen=True)
class SingleEquation:
    """One definition: its ``type`` ('differential equation', 'subexpression', 'parameter' or 'map'), name, dimension and flags."""

    definition: ast.Definition

    @property
    def type(self) -> str:
        return _TYPES[type(self.definition)]

    @property
    def varname(self) -> str:
        return self.definition.name

    @property
    def dim(self) -> Dimension:
        """The dimension of the variable."""
        return unit_of(self.definition.unit)[0]

    @property
    def var_type(self) -> str:
        """'float', 'integer' or 'boolean'."""
        return unit_of(self.definition.unit)[1]

    @property
    def unit(self):
        """The unit of the variable."""
        return get_unit(self.dim)

    @property
    def expr(self) -> str | None:
        """The right-hand side as text; None for a parameter."""
        return None if isinstance(self.definition, ast.Parameter) else text_of(self.definition.rhs)

    @property
    def flags(self) -> list[str]:
        return list(self.definition.flags)

    @property
    def identifiers(self) -> set[str]:
        """The names and functions on the right-hand side."""
        if isinstance(self.definition, ast.Parameter):
            return set()
        return {
            n.id if isinstance(n, Name) else n.function
            for n in walk(self.definition.rhs)
            if isinstance(n, (Name, Call))
        }

    @property
    def stochastic_variables(self) -> set[str]:
        """The noises on the right-hand side."""
        return {n for n in self.identifiers if n == "xi" or n.startswith("xi_")}

    def __str__(self) -> str:
        return definition_text(self.definition)

    def __repr__(self) -> str:
        return f"<{self.type} {self}>"

    def _repr_latex_(self) -> str:
        return f"$\\begin{{aligned}}{definition_latex(self.definition)}\\end{{aligned}}$"


class Equations(Mapping):
    """Parsed equations, a mapping from names to :class:`SingleEquation`.

    ``text``: the equations. ``substitutions``: for a name, another name or an expression as a string, a number or a quantity to put in its place.
    ``Equations(a) + Equations(b)`` (or ``+ 'text'``) joins the definitions. Raises EquationError for what is wrong with syntax, names, units or a
    definition given twice; unknown names and units of expressions are checked where a group is made.
    """

    def __init__(self, text: str | ast.Equations | Iterable[SingleEquation], **substitutions):
        if isinstance(text, str):
            found = parse(text)
        elif isinstance(text, ast.Equations):
            found = text
        elif isinstance(text, Iterable) and not isinstance(text, (bytes, Mapping)):
            definitions = tuple(_definition(e) for e in text)
            found = ast.Equations(definitions, "\n".join(map(definition_text, definitions)))
        else:
            raise EquationError(f"equations must be a string; got {text!r}")
        self.ast = _substituted(found, substitutions) if substitutions else found
        _check(self.ast)
        self._definitions = {d.name: SingleEquation(d) for d in self.ast.definitions}

    def substitute(self, **substitutions) -> Equations:
        """The equations with other names, numbers or quantities in place of names."""
        return Equations(self.ast, **substitutions)

    # -- a mapping, and sums ---------------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> SingleEquation:
        if name not in self._definitions:
            raise UnknownNameError(
                f"the equations define no '{name}'; they define {', '.join(self._definitions) or 'nothing'}"
            )
        return self._definitions[name]

    def __iter__(self):
        return iter(self._definitions)

    def __len__(self) -> int:
        return len(self._definitions)

    def __add__(self, other: Equations | str) -> Equations:
        if isinstance(other, str):
            other = Equations(other)
        if not isinstance(other, Equations):
            return NotImplemented
        joined = self.ast.definitions + other.ast.definitions
        return Equations(ast.Equations(joined, "\n".join((self.ast.text, other.ast.text))))

    def __radd__(self, other: str) -> Equations:
        return Equations(other) + self if isinstance(other, str) else NotImplemented

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Equations) and set(self.ast.definitions) == set(other.ast.definitions)

    def __hash__(self) -> int:
        return hash(frozenset(self.ast.definitions))

    def __str__(self) -> str:
        return "\n".join(map(str, self.values()))

    def __repr__(self) -> str:
        return f"Equations({str(self)!r})"

    def _repr_latex_(self) -> str:
        rows = r" \\ ".join(definition_latex(d) for d in self.ast.definitions)
        return f"$\\begin{{aligned}}{rows}\\end{{aligned}}$"

    # -- what they define --------------------------------------------------------------------------------------------------------

    def _of(self, *kinds: type) -> set[str]:
        return {d.name for d in self.ast.definitions if isinstance(d, kinds)}

    @property
    def names(self) -> set[str]:
        """All names that are defined."""
        return set(self._definitions)

    @property
    def diff_eq_names(self) -> set[str]:
        """The names with a differential equation."""
        return self._of(ast.Differential)

    @property
    def subexpr_names(self) -> set[str]:
        """The names of subexpressions."""
        return self._of(ast.Subexpression)

    @property
    def eq_names(self) -> set[str]:
        """The names with a right-hand side: differential equations, subexpressions and maps."""
        return self._of(ast.Differential, ast.Subexpression, ast.Recurrence)

    @property
    def parameter_names(self) -> set[str]:
        """The names of parameters."""
        return self._of(ast.Parameter)

    @property
    def dimensions(self) -> dict[str, Dimension]:
        """The dimension of each variable."""
        return {name: e.dim for name, e in self.items()}

    @property
    def identifiers(self) -> set[str]:
        """The names and functions that the equations use and do not define."""
        return set().union(*(e.identifiers for e in self.values())) - self.names

    @property
    def ordered(self) -> list[SingleEquation]:
        """Subexpressions, each after those it uses, then differential equations, then parameters."""
        done: dict[str, SingleEquation] = {}

        def visit(e: SingleEquation) -> None:
            for other in sorted(e.identifiers & self.subexpr_names):
                if other not in done:
                    visit(self[other])
            done[e.varname] = e

        for name in sorted(self.subexpr_names):
            if name not in done:
                visit(self[name])
        rest = [e for e in self.values() if e.varname not in done]
        return [
            *done.values(),
            *(e for e in rest if e.type != "parameter"),
            *(e for e in rest if e.type == "parameter"),
        ]

    @property
    def diff_eq_expressions(self) -> list[tuple[str, str]]:
        """Names and right-hand sides of the differential equations."""
        return [(n, e.expr) for n, e in self.items() if e.type == "differential equation"]

    @property
    def eq_expressions(self) -> list[tuple[str, str]]:
        """Names and right-hand sides of all that have one."""
        return [(n, e.expr) for n, e in self.items() if e.expr is not None]

    def get_substituted_expressions(self, include_subexpressions: bool = False) -> list[tuple[str, str]]:
        """As ``diff_eq_expressions``, with the expressions of subexpressions in place of their names; theirs too if asked for, each after those
        that it uses."""
        inner: dict[str, Expr] = {}
        out = []
        for e in self.ordered:
            if e.expr is not None:
                rhs = _replaced(e.definition.rhs, inner)
                if e.type == "subexpression":
                    inner[e.varname] = rhs
                if include_subexpressions or e.type == "differential equation":
                    out.append((e.varname, text_of(rhs)))
        return out

    @property
    def stochastic_variables(self) -> set[str]:
        """The noises, ``xi`` and ``xi_...``."""
        return {n for n in self.identifiers if n == "xi" or n.startswith("xi_")}

    @property
    def is_stochastic(self) -> bool:
        """Whether there is a noise."""
        return bool(self.stochastic_variables)

    @property
    def stochastic_type(self) -> str | None:
        """None without noise; 'multiplicative' if a factor of a noise depends on the time or on a variable with a differential equation;
        else 'additive'."""
        if not self.is_stochastic:
            return None
        changing = self.diff_eq_names | {"t"}
        for d in self.ast.definitions:
            if isinstance(d, ast.Differential) and self._reached(_noise_factors(d.rhs)) & changing:
                return "multiplicative"
        return "additive"

    def _reached(self, found: set[str]) -> set[str]:
        """The names that values of these names depend on, through subexpressions."""
        reached, waiting = set(), list(found)
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                if name in self.subexpr_names:
                    waiting += self[name].identifiers
        return reached

    @staticmethod
    def check_identifier(name: str) -> None:
        """Raise EquationError if ``name`` cannot be the name of a variable."""
        rules.possible_name(name, Span(name, 0, len(name), "name"))


def _noise_factors(expr: Expr) -> set[str]:
    """The names in what a noise is multiplied with."""
    if not any(n == "xi" or n.startswith("xi_") for n in names(expr)):
        return set()
    match expr:
        case Unary():
            return _noise_factors(expr.operand)
        case Binary("+" | "-"):
            return _noise_factors(expr.left) | _noise_factors(expr.right)
        case Binary():
            found = set()
            for side, other in ((expr.left, expr.right), (expr.right, expr.left)):
                if any(n == "xi" or n.startswith("xi_") for n in names(side)):
                    found |= _noise_factors(side) | set(names(other))
            return found
    return set(names(expr)) if not isinstance(expr, Name) else set()


def _definition(e: object) -> ast.Definition:
    if not isinstance(e, SingleEquation):
        raise EquationError(f"a list of equations consists of those of other Equations; got {e!r}")
    return e.definition


def _check(equations: ast.Equations) -> None:
    """What can be said without knowing what the equations are for."""
    rules.unique_names(equations.definitions)
    rules.recursive_free(equations.definitions)
    for d in equations.definitions:
        rules.possible_name(d.name, d.name_span)
        unit_of(d.unit)
    rules.noise_of_definitions(equations.definitions)
    rules.no_cycles(equations.definitions)


# -- substitution ------------------------------------------------------------------------------------------------------------------


def _substituted(equations: ast.Equations, substitutions: Mapping[str, object]) -> ast.Equations:
    replacements = {name: _replacement(name, value) for name, value in substitutions.items()}
    definitions = tuple(_renamed(d, replacements) for d in equations.definitions)
    text = "\n".join(map(definition_text, definitions))
    return ast.Equations(definitions, text)


def _replacement(name: str, value: object) -> Expr:
    if isinstance(value, str):
        return parse_expression(value, f"replacement of '{name}'")
    try:
        dim, array = dimensions_of(value), np.asarray(value)
    except (TypeError, ValueError):
        dim, array = None, np.empty(0)
    if dim is None or array.ndim or array.dtype.kind not in "fiub":
        raise EquationError(
            f"'{name}' cannot be replaced by {value!r}",
            None,
            "give another name, an expression, a number or a quantity",
        )
    plain = array.item()
    if not np.isfinite(plain):
        raise EquationError(f"'{name}' cannot be replaced by {plain}", None, "give a finite value")
    return _literal(plain, dim)


def _literal(value: float | int | bool, dim: Dimension) -> Expr:
    """The value as a user would write it, if that is the same to the last bit; else in base units."""
    text_span = lambda text: Span(text, 0, len(text), "value")  # noqa: E731
    if dim == DIMENSIONLESS:
        return number_with_unit(value, [], text_span(repr(value)))
    unit = best_unit(Quantity(value, dim=dim))
    scaled = float(f"{value / float(unit):.15g}")
    if " " not in unit.name and scaled * float(unit) == value:
        return number_with_unit(scaled, [(unit.name, 1)], text_span(f"{scaled:g}*{unit.name}"))
    bases = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candela")
    units = [(n, e) for n, e in zip(bases, dim.exponents) if e]
    return number_with_unit(float(value), units, text_span(repr(value)))


def _renamed(d: ast.Definition, replacements: Mapping[str, Expr]) -> ast.Definition:
    name = d.name
    if name in replacements:
        new = replacements[name]
        if not isinstance(new, Name):
            raise EquationError(
                f"'{name}' is defined by the equations and can only be given another name",
                d.name_span,
                f"write {name}='new_name'",
            )
        name = new.id
    changes = {} if isinstance(d, ast.Parameter) else {"rhs": _replaced(d.rhs, replacements)}
    return replace(d, name=name, **changes)


def _replaced(expr: Expr, replacements: Mapping[str, Expr]) -> Expr:
    """``expr`` with names replaced; each part keeps its place in the user's text."""
    match expr:
        case Name(name):
            return _placed(replacements[name], expr.span) if name in replacements else expr
        case Unary():
            return replace(expr, operand=_replaced(expr.operand, replacements))
        case Call():
            return replace(expr, args=tuple(_replaced(a, replacements) for a in expr.args))
        case ast.Number() | ast.Boolean():
            return expr
    return replace(expr, left=_replaced(expr.left, replacements), right=_replaced(expr.right, replacements))


def _placed(expr: Expr, span: Span) -> Expr:
    """``expr`` at the place of the name that it replaces."""
    match expr:
        case Unary():
            return replace(expr, operand=_placed(expr.operand, span), span=span)
        case Call():
            return replace(expr, args=tuple(_placed(a, span) for a in expr.args), span=span, name_span=span)
        case Name() | ast.Number() | ast.Boolean():
            return replace(expr, span=span)
    return replace(expr, left=_placed(expr.left, span), right=_placed(expr.right, span), span=span)


# -- the functions that they call ----------------------------------------------------------------------------------------------------


def expressions_of(part) -> Iterable[ast.Expr]:
    """The expressions in equations, statements, or an expression."""
    if part is None:
        return
    if isinstance(part, ast.Equations):
        yield from (d.rhs for d in part.definitions if not isinstance(d, ast.Parameter))
    elif isinstance(part, ast.Statements):
        yield from (a.value for a in part.assignments)
    elif isinstance(part, (list, tuple)):
        for p in part:
            yield from expressions_of(p)
    else:
        yield part


def functions_used(*parts, spaces: Iterable[Mapping[str, object]]) -> dict[str, object]:
    """The specifications of those called functions that are not of the vocabulary but are found in ``spaces``; what inline functions
    call is among them."""
    found: dict[str, object] = {}
    spaces = list(spaces)

    def look(expr: Expr, path: tuple[str, ...]) -> None:
        for node in walk(expr):
            if not isinstance(node, Call) or is_reserved(node.function):
                continue
            name = node.function
            if name in path:
                raise EquationError(
                    f"the function '{name}' calls itself", node.span, f"the cycle is {' -> '.join([*path, name])}"
                )
            value = next((s[name] for s in spaces if name in s), None)
            if name in FUNCTIONS and not hasattr(value, "specification"):
                continue
            if value is not None and name not in found:
                found[name] = specification(name, value, node.name_span)
            if isinstance(found.get(name), InlineFunction):
                look(found[name].body, (*path, name))

    for expr in expressions_of(parts):
        look(expr, ())
    return found


def specification(name: str, value: object, span: Span | None) -> object:
    """What the equation checker needs to know of an object that is called as ``name``."""
    if hasattr(value, "specification"):
        return value.specification()
    if isinstance(value, np.ufunc) or (callable(value) and getattr(value, "__module__", None) == "numpy"):
        raise EquationError(
            f"'{name}' is a function of numpy and does not say its units",
            span,
            f"make it known with {name} = Function(numpy.{getattr(value, '__name__', name)}, arg_units=[1, ...], return_unit=1)",
        )
    if callable(value) and not isinstance(value, type):
        try:
            return Function(value, name=name).specification()
        except EquationError:
            raise
        except EqsnnError as error:
            raise EquationError(str(error), span) from None
    raise EqsnnError(
        f"'{name}' is a {type(value).__name__}; equations call the functions of the vocabulary, TimedArrays and functions with units"
    )
