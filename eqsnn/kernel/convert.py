"""Sympy expressions to typed expressions in a fixed order: with ``lower`` the only door between the two.

Sums and products are ordered by where their symbols first appear in the map, never by name, so that renaming a variable changes no bit.
Constant factors and terms are gathered first, so that they can be computed once before the run (passes/hoist_constants).
"""

from __future__ import annotations

from collections.abc import Iterable

import sympy

from eqsnn.errors import InternalError
from eqsnn.integrators import vocabulary as voc
from eqsnn.kernel.ir import (
    Binary,
    Buffer,
    Call,
    Cast,
    Compare,
    Const,
    DomainKind,
    Drawn,
    Expr,
    Extern,
    HoistedPropagator,
    Let,
    Load,
    Local,
    Scalar,
    Select,
    Statement,
    Type,
    Unary,
    identifier,
)
from eqsnn.update_map import Repeat, UpdateMap

TYPES: dict[str, Type] = {"float": "f64", "integer": "i64", "boolean": "b8"}
_CALLS = {
    sympy.exp: "exp",
    sympy.log: "log",
    sympy.sin: "sin",
    sympy.cos: "cos",
    sympy.tan: "tan",
    sympy.sinh: "sinh",
    sympy.cosh: "cosh",
    sympy.tanh: "tanh",
    sympy.asin: "asin",
    sympy.acos: "acos",
    sympy.Abs: "abs",
    voc.Expm1: "expm1",
    voc.Exprel: "exprel",
    voc.ExprelPrime: "exprel_prime",
    voc.Log1p: "log1p",
    voc.Log10: "log10",
    voc.ArcTan: "atan",
    voc.Floor: "floor",
    voc.Ceil: "ceil",
    voc.Clip: "clip",
    voc.Modulo: "modulo",
    voc.Sign: "sign",
    sympy.sign: "sign",  # the derivative of abs
}
_COMPARE = {voc.Less: "<", voc.LessEqual: "<=", voc.Equal: "==", voc.NotEqual: "!="}


class Conversion:
    """What the expressions of ``map_`` are for each element of ``domain``: the names that they need, and the values that they have."""

    def __init__(self, map_: UpdateMap, domain: DomainKind):
        self.map, self.domain = map_, domain
        self.buffers: dict[str, Buffer] = {}
        self.scalars: dict[str, Scalar] = {}
        self.hoisted: list[HoistedPropagator] = []
        self.values: dict[str, Expr] = {}
        self.loads: dict[str, Expr] = {}
        self.constness: dict[str, int] = {}  # 0: one constant for all, 1: a constant for each element, 2: changes
        self._taken: set[str] = set()
        self._of: dict[tuple, str] = {}
        self.ordinal: dict[str, int] = {}
        self._order: dict = {}
        self._statements: list[Statement] = []
        self._externs: dict = {}
        self._source = None
        self._number_symbols()

    # -- names ----------------------------------------------------------------------------------------------------------------

    def _fresh(self, base: str) -> str:
        stem = identifier(base)
        name, k = stem, 1
        while name in self._taken:
            k += 1
            name = f"{stem}_{k}"
        self._taken.add(name)
        return name

    def _number_symbols(self) -> None:
        names = [i.name for i in self.map.inputs] + [n.name for n in self.map.noise]
        names += [e for p in self.map.propagators for row in p.entries for e in row if e is not None]
        for a in self.map.assignments:
            names += [c.name for c in a.carried] if isinstance(a, Repeat) else []
            names += [x.target for x in (a.body if isinstance(a, Repeat) else (a,))]
        self.ordinal = {n: k for k, n in enumerate(dict.fromkeys(names))}

    def scalar(self, owner: str, variable: str, type_: Type) -> Local:
        """A number handed to the kernel."""
        key = ("scalar", owner, variable)
        if key not in self._of:
            self._of[key] = self._fresh(variable)
            self.scalars[self._of[key]] = Scalar(self._of[key], type_, owner, variable)
        return Local(self._of[key], type_)

    def buffer(self, owner: str, variable: str, type_: Type, extent: str) -> str:
        """The name of a buffer of the kernel."""
        key = ("buffer", owner, variable)
        if key not in self._of:
            base = variable if owner in ("self", "table") else f"{variable}_{owner}"
            self._of[key] = self._fresh(base)
            self.buffers[self._of[key]] = Buffer(self._of[key], type_, extent, owner, variable)
        return self._of[key]

    def _element(self) -> Local:
        """The number by which random streams tell elements apart."""
        return Local("@s" if self.domain == "pathway" else "@i", "i64")

    # -- expressions ------------------------------------------------------------------------------------------------------------

    def convert(self, node) -> tuple[Expr, int]:
        """A sympy expression as a typed expression, and how constant it is."""
        if isinstance(node, sympy.Symbol):
            return self.values[node.name], self.constness[node.name]
        if isinstance(node, sympy.Integer):
            value = int(node)
            return (Const(value, "i64"), 0) if abs(value) < 2**62 else (Const(float(value), "f64"), 0)
        if isinstance(node, (sympy.Rational, sympy.Float, sympy.NumberSymbol)):
            return Const(float(node), "f64"), 0
        if isinstance(node, sympy.Add):
            return self._sum(node)
        if isinstance(node, sympy.Mul):
            return self._product(node)
        if isinstance(node, sympy.Pow):
            return self._power(node)
        return self._function(node)

    def _arguments(self, node) -> tuple[list[Expr], int]:
        pairs = [self.convert(a) for a in node.args]
        return [e for e, _ in pairs], max((k for _, k in pairs), default=0)

    def _function(self, node) -> tuple[Expr, int]:
        kind = node.func
        if kind in (voc.Stop, voc.Via):
            return self.convert(node.args[0])
        if kind is voc.Truth:
            return Const(bool(node.args[0]), "b8"), 0
        if kind is voc.Infinite:
            return Const(float("inf"), "f64"), 0
        if kind is voc.Table:
            return self._table(node)
        if kind is voc.Element:
            return self._element(), 2
        if kind is voc.Poisson:
            return self._poisson(node)
        if kind is voc.UserCall:
            return self._extern(node)
        if kind is voc.Drawn:
            value, _ = self.convert(node.args[1])
            variable = node.args[0].name
            length = self.scalar("shape", f"{variable}#0", "i64")
            return Drawn(self.buffer("table", variable, "f64", "table"), length, cast(value, "f64")), 2
        args, level = self._arguments(node)
        if kind in _WHOLE and all(a.type == "i64" for a in args):
            return _WHOLE[kind](*args), level
        if kind in _CALLS:
            return Call(_CALLS[kind], tuple(cast(a, "f64") for a in args), "f64"), level
        if kind in _COMPARE:
            a, b = _same(*args)
            return Compare(_COMPARE[kind], a, b), level
        if kind in (voc.And, voc.Or):
            a, b = (cast(x, "b8") for x in args)
            return Binary("and" if kind is voc.And else "or", a, b, "b8"), level
        if kind is voc.Not:
            return Unary("not", cast(args[0], "b8"), "b8"), level
        if kind is voc.Select:
            a, b = _same(*args[1:])
            return Select(cast(args[0], "b8"), a, b, a.type), level
        if kind is voc.ToInt:
            return cast(args[0], "i64"), level
        if kind is voc.Timestep:
            return Cast(Call("timestep", tuple(cast(a, "f64") for a in args), "f64"), "i64"), level
        if kind is voc.FloorDivide:
            whole = all(a.type == "i64" for a in args)
            a, b = (cast(x, "f64") for x in args)
            quotient = Call("floor", (Binary("/", a, b, "f64"),), "f64")
            return (Cast(quotient, "i64") if whole else quotient), level
        raise InternalError(f"no lowering for {kind} in {self.map.name}")

    def _poisson(self, node) -> tuple[Expr, int]:
        mean, _ = self.convert(node.args[0])
        key, count = self.scalar("random", "key", "i64"), self.scalar("random", "count", "i64")
        draw = Const(int(node.args[1]), "i64")
        element = Const(0, "i64") if node.args[2] == 1 else self._element()
        return Call("poisson", (key, element, count, draw, cast(mean, "f64")), "f64"), 2

    def _extern(self, node) -> tuple[Expr, int]:
        """A call of a user's function as a statement of its own, once for each call of the map."""
        if node not in self._externs:
            name = node.args[0].name
            function = self.map.lookups[name]
            args = [self.convert(a)[0] for a in node.args[2:]]
            kinds = (*function.arg_types, "any")
            args = [cast(a, {"float": "f64", "integer": "i64"}.get(k, a.type)) for a, k in zip(args, kinds)]
            highest = next((t for t in ("f64", "i64", "b8") if any(a.type == t for a in args)), "f64")
            type_ = TYPES.get(function.result_type, highest)
            local = self._fresh(name)
            self._statements.append(Let(local, Extern(name, tuple(args), type_, not function.stateless), self._source))
            self._externs[node] = Local(local, type_)
        return self._externs[node], 2

    def _table(self, node) -> tuple[Expr, int]:
        """A TimedArray: the value of the step in which t lies, held before the first and after the last. Times are rounded to a K-th of a step, so
        that rounding errors do not decide between two steps (model/functions.py: fineness). There is no value outside the columns: NaN."""
        variable = node.args[0].name
        t, _ = self.convert(node.args[1])
        grid, fineness = (self.scalar("shape", f"{variable}#{n}", "f64") for n in ("grid", "K"))
        steps = self.scalar("shape", f"{variable}#0", "i64")
        fine = Binary("+", Binary("/", cast(t, "f64"), grid, "f64"), Const(0.5, "f64"), "f64")
        step = Cast(Binary("/", fine, fineness, "f64"), "i64")
        zero, one = Const(0, "i64"), Const(1, "i64")
        last = Binary("-", steps, one, "i64")
        step = Select(Compare("<", step, zero), zero, step, "i64")
        step = Select(Compare(">", step, last), last, step, "i64")
        if len(node.args) == 3:
            columns = self.scalar("shape", f"{variable}#1", "i64")
            column = cast(self.convert(node.args[2])[0], "i64")
            end = Binary("-", columns, one, "i64")
            outside = Binary("or", Compare("<", column, zero), Compare(">", column, end), "b8")
            step = Binary("+", Binary("*", step, columns, "i64"), Select(outside, zero, column, "i64"), "i64")
            value = Load(self.buffer("table", variable, "f64", "table"), "f64", step)
            return Select(outside, Const(float("nan"), "f64"), value, "f64"), 2
        return Load(self.buffer("table", variable, "f64", "table"), "f64", step), 2

    def _key(self, node) -> tuple:
        """An order of expressions that does not know names."""
        if node in self._order:
            return self._order[node]
        if isinstance(node, sympy.Symbol):
            key = (1, self.ordinal.get(node.name, -1))
        elif node.is_Number:
            key = (0, float(node))
        else:
            inner = (
                sorted(self._key(a) for a in node.args)
                if isinstance(node, (sympy.Add, sympy.Mul))
                else [self._key(a) for a in node.args]
            )
            lead = next((k for k in _leaves(inner) if k[0] == 1), (0, 0.0))
            key = (1, lead[1], node.func.__name__, len(inner), repr(inner))
        self._order[node] = key
        return key

    def _sum(self, node) -> tuple[Expr, int]:
        terms = []
        for term in sorted(node.args, key=self._key):
            coefficient = term.as_coeff_Mul()[0]
            negative = bool(coefficient.is_number and coefficient < 0)
            expr, level = self.convert(_without_minus(term) if negative else term)
            terms.append((level, negative, expr))
        result, top = None, 0
        type_ = "f64" if any(e.type != "i64" for _, _, e in terms) else "i64"
        for wanted in (0, 1, 2):
            group = [t for t in terms if t[0] == wanted]
            if group:
                result = self._add_up(result, group, type_)
                top = wanted
        return result, top

    @staticmethod
    def _add_up(result: Expr | None, group: list, type_: Type) -> Expr:
        """The terms of one level added among themselves, positive ones first, then to what is there."""
        group = sorted(group, key=lambda t: t[1])
        part = None
        negate = all(negative for _, negative, _ in group)
        for _, negative, expr in group:
            expr = cast(expr, type_)
            if part is None:
                part = expr
            else:
                part = Binary("-" if negative and not negate else "+", part, expr, type_)
        if result is None:
            return Unary("-", part, type_) if negate else part
        return Binary("-" if negate else "+", result, part, type_)

    def _product(self, node) -> tuple[Expr, int]:
        coefficient, rest = node.as_coeff_Mul()
        above: list[tuple[int, Expr]] = []
        below: list[tuple[int, Expr]] = []
        negative = bool(coefficient < 0)
        coefficient = abs(coefficient)
        if isinstance(coefficient, sympy.Rational):
            if coefficient.p != 1:
                above.append((0, Const(int(coefficient.p), "i64")))
            if coefficient.q != 1:
                below.append((0, Const(int(coefficient.q), "i64")))
        elif coefficient != 1:
            above.append((0, Const(float(coefficient), "f64")))
        for factor in sorted(sympy.Mul.make_args(rest), key=self._key):
            base, exponent = factor.as_base_exp()
            if (
                exponent.is_number
                and exponent.is_negative
                and not isinstance(base, sympy.exp)
                and factor.func is sympy.Pow
            ):
                expr, level = self.convert(base ** (-exponent))
                if isinstance(expr, Call) and expr.function == "exprel":  # rates such as a/exprel(x): one division less
                    above.append((level, Call("exprel_inverse", expr.args, "f64")))
                else:
                    below.append((level, expr))
            else:
                expr, level = self.convert(factor)
                above.append((level, expr))
        for k, (factor_level, expr) in enumerate(above):
            if isinstance(expr, Unary) and expr.op == "-":  # the sign belongs to the product
                above[k], negative = (factor_level, expr.a), not negative
        whole = not below and all(e.type == "i64" for _, e in above)
        type_: Type = "i64" if whole else "f64"
        result = None
        for wanted in (0, 1, 2):
            ups = [cast(e, type_) for k, e in above if k == wanted]
            downs = [cast(e, type_) for k, e in below if k == wanted]
            if not ups and not downs:
                continue
            # Sums come last, so that g*m**3*h*(v - E) and g*m**3*h have a part in common.
            for part in ([e for e in ups if not _is_sum(e)], [e for e in ups if _is_sum(e)]):
                up = _chain("*", part, type_)
                result = up if result is None else result if up is None else Binary("*", result, up, type_)
            down = _chain("*", downs, type_)
            if down is not None:
                result = Binary("/", result or Const(1.0, "f64"), down, type_)
            if negative and wanted < 2:  # once, before the run
                result, negative = Unary("-", result, type_), False
        level = max((k for k, _ in (*above, *below)), default=0)
        return (Unary("-", result, type_) if negative else result), level

    def _power(self, node) -> tuple[Expr, int]:
        base, exponent = node.args
        if base == sympy.E:
            inner, level = self.convert(exponent)
            return Call("exp", (cast(inner, "f64"),), "f64"), level
        if isinstance(exponent, sympy.Integer) and 1 <= abs(int(exponent)) <= 64:
            value, level = self.convert(base)
            raised = _repeated(value, abs(int(exponent)))
            if exponent > 0:
                return raised, level
            return Binary("/", Const(1.0, "f64"), cast(raised, "f64"), "f64"), level
        if exponent in (sympy.S.Half, -sympy.S.Half):
            value, level = self.convert(base)
            root = Call("sqrt", (cast(value, "f64"),), "f64")
            return (root if exponent > 0 else Binary("/", Const(1.0, "f64"), root, "f64")), level
        (a, b), level = self._arguments(node)
        return Call("power", (cast(a, "f64"), cast(b, "f64")), "f64"), level


def _whole_abs(a: Expr) -> Expr:
    return Select(Compare("<", a, Const(0, "i64")), Unary("-", a, "i64"), a, "i64")


def _whole_sign(a: Expr) -> Expr:
    zero = Const(0, "i64")
    below = Select(Compare("<", a, zero), Const(-1, "i64"), zero, "i64")
    return Select(Compare(">", a, zero), Const(1, "i64"), below, "i64")


def _whole_clip(a: Expr, low: Expr, high: Expr) -> Expr:
    a = Select(Compare("<", a, low), low, a, "i64")
    return Select(Compare(">", a, high), high, a, "i64")


_WHOLE = {sympy.Abs: _whole_abs, voc.Sign: _whole_sign, voc.Clip: _whole_clip}
"""Functions that give integers for integers."""


def _without_minus(term):
    """``-term``; a number in front of a sum is not multiplied into it."""
    coefficient, rest = term.as_coeff_Mul()
    if not rest.is_Add:
        return -term
    return rest if coefficient == -1 else sympy.Mul(-coefficient, rest, evaluate=False)


def _leaves(key) -> Iterable[tuple]:
    for k in key:
        if isinstance(k, tuple) and k and k[0] in (0, 1) and not isinstance(k[0], bool):
            yield k


def _is_sum(expr: Expr) -> bool:
    return isinstance(expr, Binary) and expr.op in ("+", "-")


def _chain(op: str, parts: list[Expr], type_: Type) -> Expr | None:
    result = None
    for p in parts:
        result = p if result is None else Binary(op, result, p, type_)
    return result


def _repeated(value: Expr, n: int) -> Expr:
    """value^n by squaring."""
    if n == 1:
        return value
    half = _repeated(value, n // 2)
    square = Binary("*", half, half, value.type)
    return square if n % 2 == 0 else Binary("*", square, value, value.type)


def cast(expr: Expr, type_: Type) -> Expr:
    if expr.type == type_:
        return expr
    if isinstance(expr, Const):
        value = bool(expr.value) if type_ == "b8" else float(expr.value) if type_ in ("f64", "f32") else int(expr.value)
        return Const(value, type_)
    return Cast(expr, type_)


def _same(a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """Two operands of one type."""
    if a.type == b.type:
        return a, b
    joined = "f64" if "f64" in (a.type, b.type) else "i64"
    return cast(a, joined), cast(b, joined)


def times(expr: Expr, factor: Expr) -> Expr:
    """A product, and nothing where it is 0."""
    return expr if expr == Const(0.0, "f64") else Binary("*", expr, factor, "f64")
