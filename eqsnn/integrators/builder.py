"""Building an update map: expressions of the Ast become sympy, names become inputs, every new value a new name."""

from __future__ import annotations

import math

import sympy
from sympy import Float, Integer

from eqsnn.errors import EquationError, InternalError, Span
from eqsnn.integrators import vocabulary as voc
from eqsnn.language.ast import Binary, Boolean, Call, Compare, Expr, Logical, Name, Number, Unary
from eqsnn.model.dimensions import infer, inline_scope, result_type, unknown_function
from eqsnn.model.functions import DrawnTable, InlineFunction, UserFunction, known_constant
from eqsnn.model.model import DType, Scope, Symbol, seen_from
from eqsnn.model.sharing import NOTHING_SHARED, Sharing
from eqsnn.model.statements import Bound
from eqsnn.update_map import (
    Assignment,
    Carried,
    Input,
    Noise,
    Propagator,
    Repeat,
    Requirement,
    UpdateMap,
    Write,
    symbol,
)

Key = tuple[str, str]
"""(owner, variable)"""


class MapBuilder:
    """Collects the parts of an update map. ``current`` holds the newest name of each variable; ``sharing`` says which of a synapse's variables
    its neurons have for it."""

    def __init__(self, name: str, scope: Scope, sharing: Sharing = NOTHING_SHARED):
        self.name, self.scope, self.sharing = name, scope, sharing
        self.inputs: dict[str, Input] = {}
        self.assignments: list[Assignment | Repeat] = []
        self.writes: list[Write] = []
        self.noise: list[Noise] = []
        self.propagators: list[Propagator] = []
        self.types: dict[str, DType] = {}
        self.lookups: dict[str, object] = {}
        self.event: str | None = None
        self.one_for_all = False  # what is drawn now is one number for all elements
        self.current: dict[Key, sympy.Symbol] = {}
        self._versions: dict[str, int] = {}
        self._expanded: dict[tuple, sympy.Symbol] = {}
        self._called: dict[tuple, sympy.Symbol] = {}
        self._draws = 0
        self.requirements: list[Requirement] = []
        self._outside: list[Assignment | Repeat] = []
        self._first: dict[str, sympy.Expr] = {}
        self._carried: dict[str, str] = {}
        self.held_time: sympy.Symbol | None = None
        """While this is set, tables are read at this time in place of the newest."""

    # -- names ----------------------------------------------------------------------------------------------------------------

    def fresh(self, base: str) -> str:
        """A name that the map does not use yet: ``base@1``, ``base@2`` ..."""
        self._versions[base] = self._versions.get(base, 0) + 1
        return f"{base}@{self._versions[base]}"

    def input(self, owner: str, variable: str, dtype: DType = "float", shared=False, constant=False, linked=False):
        """The symbol of a value that the map reads."""
        owner = self.sharing.owner(variable) if owner == "self" else owner
        suffix = {"self": "", "external": "", "clock": "", "index": ""}.get(owner, f"_{owner}")
        name = f"{variable}{suffix}" if owner != "external" else f"{variable}@const"
        if name not in self.inputs:
            self.inputs[name] = Input(name, owner, variable, dtype, shared, constant, linked)
            if dtype != "float":
                self.types[name] = dtype
        elif self.inputs[name].owner != owner:
            raise InternalError(f"two inputs of {self.name} are called {name}")
        return symbol(name)

    def time_step(self) -> sympy.Symbol:
        """The symbol of dt."""
        return self.input("clock", "dt", shared=True, constant=True)

    def time(self) -> sympy.Symbol:
        """The symbol of t, at the beginning of the step unless a stage has moved it."""
        return self.current.get(("clock", "t")) or self.input("clock", "t", shared=True)

    def assign(self, base: str, expr, source: Span | None = None, dtype: DType = "float") -> sympy.Symbol:
        """Append ``base@k = expr`` and return its symbol."""
        name = self.fresh(base)
        self.assignments.append(
            Assignment(name, expr if isinstance(expr, sympy.Basic) else sympy.Integer(expr), source)
        )
        if dtype != "float":
            self.types[name] = dtype
        return symbol(name)

    def begin_repeat(self, first: dict[str, tuple[sympy.Expr, DType]]) -> dict[str, sympy.Symbol]:
        """From here on, assignments are repeated; ``first`` gives the values that are carried through the rounds. Returns their symbols."""
        names = {base: self.fresh(base) for base in first}
        self.types |= {names[base]: dtype for base, (_, dtype) in first.items() if dtype != "float"}
        self._first = {base: expr for base, (expr, _) in first.items()}
        self._carried = names
        self._outside, self.assignments = self.assignments, []
        self._expanded.clear()
        return {base: symbol(name) for base, name in names.items()}

    def end_repeat(self, again: sympy.Expr, following: dict[str, sympy.Symbol]) -> None:
        """The repetition goes on while ``again``, with the values ``following``."""
        carried = tuple(Carried(n, self._first[base], following[base].name) for base, n in self._carried.items())
        repeat = Repeat(carried, again, tuple(self.assignments))
        self.assignments = [*self._outside, repeat]
        self._expanded.clear()

    def require(self, condition: sympy.Symbol, message: str, variables: frozenset[str]) -> None:
        """The run stops with ``message`` where ``condition`` is false."""
        self.requirements.append(Requirement(condition.name, message, variables))

    def draw(self, kind: str) -> sympy.Symbol:
        """The symbol of a new random number."""
        name = self.fresh(f"random_{kind}")
        self.noise.append(Noise(name, kind, self._next_draw(), self.one_for_all))
        return symbol(name)

    def _next_draw(self) -> int:
        self._draws += 1
        return self._draws - 1

    def set(self, key: Key, value: sympy.Symbol) -> None:
        """From here on the variable has this value; subexpressions are evaluated anew."""
        self.current[key] = value
        self._expanded.clear()

    def write(self, key: Key, value: sympy.Symbol, kind: str = "set", guard=None, source: Span | None = None) -> None:
        """At the end of the step, the variable becomes ``value`` or grows by it."""
        owner = self.sharing.owner(key[1]) if key[0] == "self" else key[0]
        self.writes.append(Write(owner, key[1], value.name, kind, None if guard is None else guard.name, source))

    def finish(self) -> UpdateMap:
        """The map."""
        return UpdateMap(
            self.name,
            tuple(self.inputs.values()),
            tuple(self.assignments),
            tuple(self.writes),
            tuple(self.noise),
            tuple(self.propagators),
            self.event,
            dict(self.types),
            dict(self.lookups),
            tuple(self.requirements),
        )

    # -- expressions ------------------------------------------------------------------------------------------------------------

    def translate(self, expr: Expr, scope: Scope | None = None, frame: str = "self") -> sympy.Expr:
        """``expr`` in sympy. ``frame`` says whose names they are: 'self', or 'pre'/'post' inside a connected group's subexpression."""
        return _finite(self._node(expr, scope or self.scope, frame), expr.span)

    def _node(self, expr: Expr, scope: Scope, frame: str):
        match expr:
            case Number(value):
                return Integer(value) if isinstance(value, int) else Float(value)
            case Boolean(value):
                return voc.Truth(int(value))
            case Name():
                return self._name(expr, scope, frame)
            case Unary("not"):
                return voc.Not(self._node(expr.operand, scope, frame))
            case Unary():
                operand = self._number(expr.operand, scope, frame)
                return -operand if expr.op == "-" else operand
            case Logical():
                function = voc.And if expr.op == "and" else voc.Or
                return function(self._node(expr.left, scope, frame), self._node(expr.right, scope, frame))
            case Compare():
                both = _is_condition(expr.left, scope) and _is_condition(expr.right, scope)
                side = self._node if both else self._number
                return voc.COMPARISONS[expr.op](side(expr.left, scope, frame), side(expr.right, scope, frame))
            case Binary():
                left, right = self._number(expr.left, scope, frame), self._number(expr.right, scope, frame)
                return self._binary(expr, left, right)
            case Call():
                return self._call(expr, scope, frame)
        raise InternalError(f"no translation for {expr!r}")

    def number(self, expr: Expr, scope: Scope) -> sympy.Expr:
        """``expr`` in sympy, where a number is wanted: a condition is 1 or 0."""
        return voc.ToInt(self.translate(expr, scope)) if _is_condition(expr, scope) else self.translate(expr, scope)

    def _number(self, expr: Expr, scope: Scope, frame: str):
        node = self._node(expr, scope, frame)
        return voc.ToInt(node) if _is_condition(expr, scope) else node

    def _binary(self, expr: Binary, left, right):
        match expr.op:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "/":
                return left / right
            case "%":
                return voc.Modulo(left, right)
            case "//":
                return voc.FloorDivide(left, right)
        if left.is_Number and right.is_Number:
            return self._literal_power(expr, left, right)
        return left**right

    @staticmethod
    def _literal_power(expr: Binary, left, right):
        """Sympy would compute 9**9**9 exactly."""
        if left.is_Integer and right.is_Integer and abs(left) < 2**20 and 0 <= right <= 3:
            return left**right
        try:
            value = float(left) ** float(right)
        except (OverflowError, ZeroDivisionError):
            value = math.inf
        if isinstance(value, complex) or not math.isfinite(value):
            raise EquationError("this power has no finite real value", expr.span, "use smaller numbers")
        return Float(value)

    def _name(self, expr: Name, scope: Scope, frame: str):
        known = scope.symbols.get(expr.id)
        if known is None:
            constant = known_constant(expr.id)
            if constant is not None:
                return voc.Infinite() if math.isinf(constant[0]) else _number(constant[0])
            known = scope.find(expr.id)
            if known is None:
                raise InternalError(f"the name {expr.id} in {self.name} has no meaning")
        return self.read(known, scope, frame)

    def read(self, known: Symbol, scope: Scope, frame: str = "self"):
        """The current value of a symbol of ``scope``."""
        owner = seen_from(frame, known.owner)
        if known.expr is not None:
            return self._subexpression(known, owner, scope)
        if owner == "index" and frame != "self":
            return self._index_of_other(known, scope, frame)
        if owner == "external":
            variable = known.variable if frame == "self" else f"{known.variable}@{frame}"
            return self.input("external", variable, known.dtype, True, True)
        if owner == "clock" and known.variable == "t":
            return self.time()
        key = (owner, known.variable)
        if key in self.current:
            return self.current[key]
        if owner == "local":
            raise InternalError(f"the local {known.name} in {self.name} is read before it is set")
        return self.input(owner, known.variable, known.dtype, known.shared, known.constant, known.linked)

    def _index_of_other(self, known: Symbol, scope: Scope, frame: str):
        """``i`` or ``N`` in a subexpression of a connected group: counted in the whole of it; of connected synapses, their ends."""
        if scope.pre is not None and known.variable in ("i", "j", "N_incoming", "N_outgoing"):
            return self.input(frame, known.variable, "integer", constant=True)
        return self.input("index", f"{known.variable}@{frame}", "integer", known.shared, True)

    def _subexpression(self, known: Symbol, owner: str, scope: Scope):
        inner, frame = (self.scope.of(owner), owner) if owner != "self" else (scope, "self")
        key = (owner, known.variable)
        if key in self._expanded:
            return self._expanded[key]
        base = known.variable if owner == "self" else f"{known.variable}_{owner}"
        translated = self.translate(known.expr, inner, frame)
        if (
            known.dtype == "integer" and infer(known.expr, inner).dtype == "float"
        ):  # an external constant, which is an integer
            translated = voc.ToInt(translated)
        elif known.dtype != "boolean" and _is_condition(known.expr, inner):
            translated = voc.ToInt(translated)
        value = self.assign(base, translated, known.expr.span, known.dtype)
        self._expanded[key] = value
        return value

    def _call(self, expr: Call, scope: Scope, frame: str):
        if expr.function in ("rand", "randn"):
            return self.draw("uniform" if expr.function == "rand" else "normal")
        if expr.function in scope.functions:
            args = [self._node(a, scope, frame) for a in expr.args]
            return self._given(expr, scope.functions[expr.function], args, scope, frame)
        take = self._node if expr.function == "int" else self._number  # int() is what makes a number of a condition
        args = [take(a, scope, frame) for a in expr.args]
        if expr.function == "poisson":
            alike = Integer(int(self.one_for_all))
            return self.assign("poisson", voc.Poisson(*args, Integer(self._next_draw()), alike), expr.span)
        if expr.function not in voc.FUNCTIONS:  # no namespace has been asked for it yet
            raise unknown_function(expr)
        return voc.FUNCTIONS[expr.function](*args)

    def _given(self, expr: Call, function: object, args: list, scope: Scope, frame: str):
        """A call of what the user gave: a table, an inline function or a function in another language."""
        if isinstance(function, InlineFunction):
            return self._inline(function, expr, args, scope, frame)
        name = expr.function if frame == "self" else f"{expr.function}@{frame}"
        self.lookups[name] = function
        if isinstance(function, DrawnTable):
            return sympy.Float(1.0) * voc.Drawn(symbol(name), self.draw("uniform"))
        if isinstance(function, UserFunction):
            return self._user(function, name, expr, args, scope)
        if self.held_time is not None:
            args = [a.xreplace({self.time(): self.held_time}) for a in args]
        return voc.Table(symbol(name), *args)

    def _inline(self, function: InlineFunction, expr: Call, args: list, scope: Scope, frame: str):
        inner = inline_scope(function, [infer(a, scope) for a in expr.args], scope)
        outside = {k: v for k, v in self.current.items() if k[0] == "argument"}
        self.current |= {("argument", p): a for p, a in zip(function.parameters, args)}
        try:
            return self._node(function.body, inner, frame)
        finally:
            for p in function.parameters:
                del self.current[("argument", p)]
            self.current |= outside

    def _user(self, function: UserFunction, name: str, expr: Call, args: list, scope: Scope):
        """Each call is a name of the map, so that it is made once; calls with the same arguments are one, if the function has no state."""
        if function.indexed:
            args = [*args, voc.Element()]
        key = (name, *args)
        if key in self._called and function.stateless:
            return self._called[key]
        dtype = result_type(function, [infer(a, scope).dtype for a in expr.args])
        call = voc.UserCall(symbol(name), Integer(len(self._called)), *args)
        self._called[key if function.stateless else (*key, len(self._called))] = found = self.assign(
            expr.function, call, expr.span, dtype
        )
        return found

    # -- statements ---------------------------------------------------------------------------------------------------------------

    def execute(self, bound: Bound, scope: Scope) -> None:
        """One assignment: the target's newest value."""
        key = (bound.target.owner, bound.target.variable)
        self.one_for_all = bound.target.shared
        value = (
            self.translate(bound.value, scope) if bound.target.dtype == "boolean" else self.number(bound.value, scope)
        )
        self.one_for_all = False
        if bound.op != "=":
            value = self._binary(
                Binary(bound.op[:-1], bound.value, bound.value, bound.span), self.read(bound.target, scope), value
            )
            value = _finite(value, bound.span)
        base = bound.target.name
        self.set(key, self.assign(base, value, bound.span, bound.target.dtype))


def _finite(value, span: Span):
    """``value``, unless sympy has found that it is infinite, not a number or not real whatever the variables are."""
    if value.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I):
        raise EquationError(
            "this has no finite real value", span, "look for a division by 0, or a root or log of a negative number"
        )
    return value


def _number(value: float):
    return Integer(int(value)) if value == int(value) and abs(value) < 2**31 else Float(value)


def _is_condition(expr: Expr, scope: Scope) -> bool:
    """Whether the value is true or false."""
    match expr:
        case Number() | Binary() | Unary("-" | "+"):
            return False
        case Name():
            known = scope.symbols.get(expr.id)
            return known is not None and known.dtype == "boolean"
    return infer(expr, scope).dtype == "boolean"
