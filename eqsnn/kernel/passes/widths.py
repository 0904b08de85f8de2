"""In which precision each value of a kernel is computed, once it is known which of its variables are kept as float32 (docs/decisions/0008).

The rule, in the order in which it is applied:

- Literals, constants of the namespace, ``dt``, what is computed from these before a run, integers, tables and normal random numbers take the
  precision of what they meet.
- A float32 variable is computed with in single precision: float32 and float32 make float32, functions included.
- An expression in which a float32 meets a double is computed in double precision. Doubles are variables kept as float64, the time, ``lastspike``,
  ``lastupdate`` and uniform random numbers.
- What gets a name (a variable's new value, a subexpression, a local) and is made of float32 variables is float32, unless a variable kept as
  float64 went into it: time alone widens the expression in which it stands, not what is made of that.
"""

from __future__ import annotations

from dataclasses import replace

from eqsnn.kernel.ir import (
    FLOATS,
    RANDOM,
    Binary,
    Call,
    Cast,
    Chance,
    Compare,
    Const,
    Drawn,
    Expr,
    Extern,
    Kernel,
    Let,
    Load,
    Local,
    Loop,
    Select,
    Statement,
    Store,
    Type,
    Unary,
    children,
    expressions,
    rebuild,
    with_expressions,
)

_SINGLE, _TIME, _DOUBLE = 1, 2, 4
_TIMES = ("lastspike", "lastupdate")


def narrow_arithmetic(kernel: Kernel) -> Kernel:
    """``kernel``, whose buffers may be f32 already, with the operations on them in single precision. What is hoisted is computed before."""
    if not any(b.type == "f32" for b in kernel.buffers):
        return kernel
    return _Widths(kernel).run()


def _width(made_of: int) -> Type | None:
    """The precision of an expression; None if it takes that of what it meets."""
    return "f64" if made_of & (_TIME | _DOUBLE) else "f32" if made_of & _SINGLE else None


def _named(made_of: int) -> int:
    """What a value is once it has a name."""
    return next((kind for kind in (_DOUBLE, _SINGLE, _TIME) if made_of & kind), 0)


class _Widths:
    def __init__(self, kernel: Kernel):
        self.kernel = kernel
        self.buffers = {b.name: b for b in kernel.buffers}
        self.made_of: dict[str, int] = {}
        self.types: dict[str, Type] = {}  # decided
        self.met: dict[str, set[Type]] = {}  # of names and buffers that take the precision of what they meet
        for s in kernel.scalars:
            if s.type == "f64":
                self.made_of[s.name] = _TIME if (s.owner, s.variable) == ("clock", "t") else 0

    def run(self) -> Kernel:
        for s in self.kernel.body:
            self._look_at(s)
        self.types |= {n: _width(k) for n, k in self.made_of.items() if k}
        for s in reversed(self.kernel.body):
            self._statement(s)
            self._decide(s)
        scalars = []
        for s in self.kernel.scalars:
            if s.type == "f64":
                self.types.setdefault(s.name, self._of_met(s.name))
                s = replace(s, type=self.types[s.name])
            scalars.append(s)
        buffers = []
        for b in self.kernel.buffers:
            if b.owner == "derived" and b.type == "f64":
                self.types[b.name] = self._of_met(b.name)
                b = replace(b, type=self.types[b.name])
            buffers.append(b)
        self.buffers = {b.name: b for b in buffers}
        body = tuple(self._statement(s) for s in self.kernel.body)
        return replace(self.kernel, body=body, scalars=tuple(scalars), buffers=tuple(buffers), hoisted=())

    # -- what values are made of -----------------------------------------------------------------------------------------------

    def _look_at(self, s: Statement) -> None:
        match s:
            case Let(name, Extern() as expr) if expr.type == "f64":
                self.made_of[name], self.types[name] = 0, "f64"
            case Let(name, expr) if expr.type == "f64":
                self.made_of[name] = _named(self._of(expr))
                if isinstance(expr, Call) and expr.function in RANDOM:  # as it is drawn; whoever uses it narrows it
                    self.types[name] = "f64"
            case Loop(carried, _, body):
                floats = [c for c in carried if c.type == "f64"]
                self.made_of |= {c.name: _named(self._of(c.first)) for c in floats}
                before = None
                while before != self.made_of:
                    before = dict(self.made_of)
                    for inner in body:
                        self._look_at(inner)
                    for c in floats:
                        self.made_of[c.name] = _named(self.made_of[c.name] | self._of(c.next))

    def _of(self, e: Expr) -> int:
        match e:
            case Local(name):
                return self.made_of.get(name, 0)
            case Load(buffer):
                return self._of_buffer(buffer)
            case Call(function) if function in RANDOM:
                return _TIME if function == "uniform" else 0
            case Select(_, a, b):
                return self._of(a) | self._of(b)
            case Unary() | Binary() | Call():
                found = 0
                for part in children(e):
                    found |= self._of(part)
                return found
            case Cast(a) if a.type in FLOATS:
                return self._of(a)
        return 0

    def _of_buffer(self, name: str) -> int:
        b = self.buffers[name]
        if b.type == "f32" and b.owner != "derived":
            return _SINGLE
        if b.owner in ("table", "derived"):
            return 0
        return _TIME if b.variable in _TIMES else _DOUBLE

    # -- what free values meet -------------------------------------------------------------------------------------------------

    def _of_met(self, name: str) -> Type:
        return "f32" if self.met.get(name) == {"f32"} else "f64"

    def _decide(self, s: Statement) -> None:
        """The type of what a statement makes, once all that follows it has been seen."""
        if isinstance(s, Let) and s.expr.type == "f64":
            if s.name not in self.types:
                self.types[s.name] = self._of_met(s.name)
                self._statement(s)
        elif isinstance(s, Loop):
            for c in s.carried:
                if c.type == "f64" and c.name not in self.types:
                    self.types[c.name] = self._of_met(c.name)
            self._statement(s)
            for inner in reversed(s.body):
                self._decide(inner)

    # -- the kernel again ------------------------------------------------------------------------------------------------------

    def _statement(self, s: Statement) -> Statement:
        match s:
            case Let(name, Extern() as call):
                return replace(s, expr=replace(call, args=tuple(self._natural(a, "f64") for a in call.args)))
            case Let(name, expr) if expr.type == "f64":
                return replace(s, expr=self._in(expr, self._type_of(name)))
            case Store(buffer, expr, guard):
                wanted = self.buffers[buffer].type
                expr = self._in(expr, wanted) if wanted in FLOATS else self._natural(expr)
                return replace(s, expr=expr, guard=None if guard is None else self._natural(guard))
            case Loop():
                return self._loop(s)
            case Chance(probability):
                return replace(s, probability=self._in(probability, "f64"))
        return with_expressions(s, tuple(self._natural(e) for e in expressions(s)))

    def _loop(self, loop: Loop) -> Loop:
        def as_carried(c, e: Expr) -> Expr:
            return self._in(e, self._type_of(c.name)) if c.type == "f64" else self._natural(e)

        carried = [replace(c, first=as_carried(c, c.first), next=as_carried(c, c.next)) for c in loop.carried]
        body = [self._statement(s) for s in reversed(loop.body)]
        return Loop(tuple(carried), self._natural(loop.again), tuple(reversed(body)))

    def _type_of(self, name: str) -> Type:
        return self.types.get(name, "f32")  # while it is not decided, what it meets first

    def _natural(self, e: Expr, otherwise: Type | None = None) -> Expr:
        """``e`` in the precision of its own parts; ``otherwise``, if given, is the precision that it must have if it is a float."""
        if e.type in FLOATS:
            return self._in(e, otherwise or _width(self._of(e)) or "f64")
        match e:
            case Compare(op, a, b) if a.type in FLOATS:
                width = _width(self._of(a) | self._of(b)) or "f64"
                return Compare(op, self._in(a, width), self._in(b, width))
            case Drawn():
                return replace(e, length=self._natural(e.length), value=self._in(e.value, "f64"))
        parts = children(e)
        return rebuild(e, tuple(self._natural(p) for p in parts)) if parts else e

    def _in(self, e: Expr, wanted: Type) -> Expr:
        """``e``, computed in its own precision, as a number of the ``wanted`` one."""
        width = _width(self._of(e)) or wanted
        made = self._built(e, width)
        return made if made.type == wanted else Cast(made, wanted)

    def _built(self, e: Expr, width: Type) -> Expr:
        match e:
            case Const(value):
                return Const(value, width)
            case Local(name):
                return self._free(name, Local(name, self._known(name, width)), width)
            case Load(buffer, _, index):
                kind = self.buffers[buffer]
                load = Load(buffer, kind.type, None if index is None else self._natural(index))
                if kind.owner == "derived":
                    self.met.setdefault(buffer, set()).add(width)
                return load if kind.type == width else Cast(load, width)
            case Call(function, args) if function in RANDOM:
                made = replace(e, args=tuple(self._natural(a, "f64" if a.type in FLOATS else None) for a in args))
                return made if width == "f64" else Cast(made, width)
            case Cast(a) if a.type in FLOATS:
                return self._built(a, width)
            case Cast(a):
                return Cast(self._natural(a), width)
            case Select(condition, a, b):
                return Select(self._natural(condition), self._built(a, width), self._built(b, width), width)
        return replace(rebuild(e, tuple(self._built(p, width) for p in children(e))), type=width)

    def _known(self, name: str, width: Type) -> Type:
        return self.types.get(name, width)

    def _free(self, name: str, local: Local, width: Type) -> Expr:
        if not self.made_of.get(name):
            self.met.setdefault(name, set()).add(width)
        return local if local.type == width else Cast(local, width)
