"""What every kernel keeps to. A violation is a defect of eqsnn, found before any compiler sees it."""

from __future__ import annotations

from eqsnn.errors import InternalError
from eqsnn.kernel.functions import TABLE
from eqsnn.kernel.ir import (
    FLOATS,
    RANDOM,
    Binary,
    Call,
    Cast,
    Chance,
    CheckFinite,
    Compare,
    Const,
    Drawn,
    Emit,
    Expr,
    Extern,
    Hoisted,
    Kernel,
    Let,
    Load,
    Local,
    Loop,
    Require,
    Select,
    Store,
    Unary,
    children,
    expressions,
    names_made,
)

_INDICES = {"neuron": {"@i"}, "event": {"@i"}, "pathway": {"@s", "@pre", "@post"}, "pair": {"@pre", "@post"}}


def verify(kernel: Kernel) -> None:
    """Raises InternalError if a name is used before it is made, a type does not fit, or a buffer is written that may not be."""
    _Verifier(kernel).run()


class _Verifier:
    def __init__(self, kernel: Kernel):
        self.kernel = kernel
        self.locals = dict.fromkeys(_INDICES[kernel.domain], "i64") | {s.name: s.type for s in kernel.scalars}
        self.buffers = {b.name: b for b in kernel.buffers}

    def run(self) -> None:
        kernel = self.kernel
        self.need(kernel.batch == 1, "batches of more than one are not rendered yet")
        names = [s.name for s in kernel.scalars] + [b.name for b in kernel.buffers]
        names += [name for s in kernel.body for name in names_made(s)]
        self.need(len(names) == len(set(names)), f"a name stands for two things in {sorted(names)}")
        for h in kernel.hoisted:
            for e in (h.expr,) if isinstance(h, Hoisted) else [e for row in h.matrix for e in row]:
                self.expr(e)
        for k, statement in enumerate(kernel.body):
            self.statement(statement, k == len(kernel.body) - 1)

    def need(self, condition: bool, what: str) -> None:
        if not condition:
            raise InternalError(f"kernel {self.kernel.name} of {self.kernel.owner}: {what}")

    def loop(self, loop: Loop) -> None:
        """The parts of a loop see the carried values, and those after it too; the names of its body end with it."""
        for c in loop.carried:
            self.expr(c.first)
            self.need(c.first.type == c.next.type, f"{c.name} goes from {c.first.type} to {c.next.type}")
        self.locals |= {c.name: c.type for c in loop.carried}
        self.expr(loop.again)
        self.need(loop.again.type == "b8", "a loop goes on by a condition")
        outside = dict(self.locals)
        for s in loop.body:
            self.statement(s, False)
        for c in loop.carried:
            self.expr(c.next)
        self.locals = outside

    def statement(self, statement, last: bool) -> None:
        if isinstance(statement, Loop):
            self.loop(statement)
            return
        for e in expressions(statement):
            if isinstance(statement, Let) and isinstance(e, Extern):
                for part in e.args:
                    self.expr(part)
            else:
                self.expr(e)
        match statement:
            case Let(name, expr):
                self.need(name not in self.locals, f"{name} is made twice")
                self.locals[name] = expr.type
            case Store():
                buffer = self.buffers.get(statement.buffer)
                self.need(buffer is not None and buffer.writable, f"{statement.buffer} is not to be written")
                self.need(
                    buffer.type == statement.expr.type,
                    f"{statement.buffer} of {buffer.type} gets {statement.expr.type}",
                )
                self.need(statement.guard is None or statement.guard.type == "b8", "a guard is a condition")
            case Emit():
                self.need(last and self.kernel.domain in ("neuron", "pair"), "an event stands last in a neuron kernel")
                self.need(statement.condition.type == "b8", "an event is a condition")
            case Chance(probability, draw, size):
                self.need(last and self.kernel.domain == "neuron", "an event stands last in a neuron kernel")
                alone = all(isinstance(s, Let) and not isinstance(s.expr, Extern) for s in self.kernel.body[:-1])
                self.need(alone, "an event by chance stands alone")
                self.need((probability.type, draw.function, size.type) == ("f64", "uniform", "i64"), "a chance")
            case Require():
                self.need(statement.condition.type == "b8", "a requirement is a condition")
            case CheckFinite(name):
                self.need(self.locals.get(name) in FLOATS, f"{name} is checked and is no float")

    def expr(self, expr: Expr) -> None:
        for part in children(expr):
            self.expr(part)
        match expr:
            case Local(name, type_):
                self.need(self.locals.get(name) == type_, f"{name} is {self.locals.get(name)} and used as {type_}")
            case Load(buffer, type_, index):
                known = self.buffers.get(buffer)
                self.need(known is not None and known.type == type_, f"{buffer} is read as {type_}")
                self.need((known.extent == "table") == (index is not None), f"{buffer} is read at a wrong place")
                self.need(
                    known.extent not in ("pre", "post") or self.kernel.domain in ("pathway", "pair"),
                    f"{buffer} is not in reach",
                )
            case Unary(op, a, type_):
                self.need(a.type == type_ and (op == "not") == (type_ == "b8"), f"{op} on {a.type}")
            case Binary(op, a, b, type_):
                self.need(a.type == b.type == type_, f"{op} on {a.type} and {b.type}")
                self.need(
                    (op in ("and", "or")) == (type_ == "b8") and (op != "/" or type_ in FLOATS), f"{op} on {type_}"
                )
            case Compare(op, a, b, _):
                self.need(a.type == b.type, f"{op} on {a.type} and {b.type}")
            case Select(condition, a, b, type_):
                self.need(condition.type == "b8" and a.type == b.type == type_, f"a choice of {a.type} and {b.type}")
            case Call(function, args, type_):
                known = function in RANDOM or function in TABLE
                self.need(known and type_ in FLOATS, f"there is no function {function} of {type_}")
                wanted = RANDOM.get(function, (type_,) * len(args))
                self.need(tuple(a.type for a in args) == wanted, f"{function} on {[a.type for a in args]}")
            case Extern(function):
                self.need(False, f"{function} is called inside an expression")
            case Drawn(buffer, length, value, _):
                self.need(
                    self.buffers[buffer].extent == "table" and length.type == "i64" and value.type == "f64", "a search"
                )
            case Const() | Cast():
                pass
