"""Kernel IR to text: the common subset of C99, C++14 and CUDA. One file of text serves them all; templates hold the loops around it."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

from eqsnn.errors import InternalError
from eqsnn.kernel.ir import (
    Binary,
    Buffer,
    Call,
    Cast,
    CheckFinite,
    Compare,
    Const,
    Emit,
    Expr,
    Kernel,
    Let,
    Load,
    Local,
    Search,
    Select,
    Store,
    Unary,
    expressions,
    walk,
)

_LOCAL = {"f64": "double", "i64": "int64_t", "b8": "int"}
_MEMORY = {"f64": "double", "i64": "int64_t", "i32": "int32_t", "b8": "int64_t"}
_INDEX = {"@i": "i", "@s": "s", "@pre": "pre", "@post": "post"}


@dataclass(frozen=True)
class Text:
    """The parts of a kernel that a template puts together."""

    name: str
    owner: str
    arguments: tuple[str, ...]
    body: tuple[str, ...]
    emits: str | None
    checks: bool
    uses_synapse: bool
    far_type: str
    near: str
    far: str


def text_of(kernel: Kernel) -> Text:
    """The text of a kernel, without its loop."""
    return _Printer(kernel).text()


def comment(text: str) -> str:
    """``text`` as it may stand inside a C comment, on one line."""
    flat = " ".join(text.split()).replace("*/", "* /").replace("/*", "/ *").replace("\\", "/").replace("??", "? ?")
    return flat if len(flat) <= 110 else flat[:107] + "..."


class _Printer:
    def __init__(self, kernel: Kernel):
        self.kernel = kernel
        self.scalars = {s.name for s in kernel.scalars}
        self.place = {b.name: self._place(b) for b in kernel.buffers}
        self.types = {b.name: b.type for b in kernel.buffers}

    def _place(self, buffer: Buffer) -> str:
        if buffer.extent == "self":
            return "s" if self.kernel.domain == "pathway" else "i"
        return {"pre": "pre", "post": "post", "shared": "0", "table": ""}[buffer.extent]

    def text(self) -> Text:
        body, emits = [], None
        checked = [self.expr(Local(s.name, "f64")) for s in self.kernel.body if isinstance(s, CheckFinite)]
        for s in self.kernel.body:
            match s:
                case Let():
                    body.append(self._line(f"const {_LOCAL[s.expr.type]} x_{s.name} = {self.expr(s.expr)};", s))
                case Store():
                    body.append(self._line(self._store(s), s))
                case Emit():
                    emits = self.expr(s.condition)
        if checked:
            # 0 times a finite number is 0, added up by one operation each; anything else makes the sum NaN.
            zero = functools.reduce(lambda total, n: f"fma({n}, 0.0, {total})", dict.fromkeys(checked), "0.0")
            body.append(f"bad |= {zero} != 0.0;")
        uses_synapse = any(
            (isinstance(e, Local) and e.name == "@s") or (isinstance(e, Load) and self.place.get(e.buffer) == "s")
            for s in self.kernel.body
            for part in expressions(s)
            for e in walk(part)
        ) or any(isinstance(s, Store) and self.place[s.buffer] == "s" for s in self.kernel.body)
        near, far = ("pre", "post") if self.kernel.rows == "pre" else ("post", "pre")
        return Text(
            self.kernel.name,
            comment(self.kernel.owner),
            tuple(self._arguments()),
            tuple(body),
            emits,
            bool(checked),
            uses_synapse,
            "uint16_t" if self.kernel.index == "u16" else "int32_t",
            near,
            far,
        )

    @staticmethod
    def _line(text: str, statement) -> str:
        return text if statement.source is None else f"{text} /* {comment(statement.source.source)} */"

    def _used(self) -> set[str]:
        """The names that the body itself reads or writes; others serve what is computed before the run."""
        used = {s.buffer for s in self.kernel.body if isinstance(s, Store)}
        used |= {s.name for s in self.kernel.body if isinstance(s, CheckFinite)}
        for s in self.kernel.body:
            for part in expressions(s):
                used |= {
                    e.buffer if isinstance(e, (Load, Search)) else e.name
                    for e in walk(part)
                    if isinstance(e, (Load, Search, Local))
                }
        return used

    def _arguments(self):
        used = self._used()
        for k, b in enumerate(self.kernel.buffers):
            if b.name not in used:
                continue
            const = "" if b.writable else "const "
            restrict = "" if self._has_alias(b) else " EQ_RESTRICT"
            yield f"{const}{_MEMORY[b.type]} *{restrict} b_{b.name} = ({const}{_MEMORY[b.type]} *)ctx->buffer[{k}];"
        real = integer = 0
        for s in self.kernel.scalars:
            if s.type in ("f64", "f32"):
                place, real = f"ctx->real[{real}]", real + 1
            else:
                place, integer = f"ctx->integer[{integer}]", integer + 1
            if s.name in used:
                yield f"const {_LOCAL[s.type]} s_{s.name} = {place}{' != 0' if s.type == 'b8' else ''};"

    def _has_alias(self, buffer: Buffer) -> bool:
        """Source and target may be one group, and then two buffers are the same memory."""
        groups = [b for b in self.kernel.buffers if b.owner.split(".")[0] in ("self", "pre", "post")]
        same = [b for b in groups if b.variable == buffer.variable]
        return buffer in groups and buffer.owner != "self" and len(same) > 1 and any(b.writable for b in same)

    def _store(self, s: Store) -> str:
        place = f"b_{s.buffer}[{self.place[s.buffer]}]"
        value = self.expr(s.expr)
        if self.types[s.buffer] == "b8":
            value = f"(int64_t)({value})"
        text = f"{place} {'+=' if s.add else '='} {value};"
        return text if s.guard is None else f"if ({self.expr(s.guard)}) {text}"

    def expr(self, e: Expr) -> str:
        match e:
            case Const():
                return _literal(e)
            case Local(name, _):
                return _INDEX[name] if name in _INDEX else f"s_{name}" if name in self.scalars else f"x_{name}"
            case Load(buffer, type_, index):
                place = self.place[buffer] if index is None else self.expr(index)
                return f"(b_{buffer}[{place}] != 0)" if type_ == "b8" else f"b_{buffer}[{place}]"
            case Unary(op, a, _):
                return f"(!{self.expr(a)})" if op == "not" else f"(-{self.expr(a)})"
            case Binary(op, a, b, _):
                return f"({self.expr(a)} {({'and': '&', 'or': '|'}).get(op, op)} {self.expr(b)})"
            case Compare(op, a, b, _):
                return f"({self.expr(a)} {op} {self.expr(b)})"
            case Select(condition, a, b, _):
                return f"({self.expr(condition)} ? {self.expr(a)} : {self.expr(b)})"
            case Call(function, args, _):
                return f"eq_{function}({', '.join(self.expr(a) for a in args)})"
            case Cast(a, type_):
                return self._cast(a, type_)
            case Search(buffer, length, value, _):
                return f"eq_count_below(b_{buffer}, {self.expr(length)}, {self.expr(value)})"
        raise InternalError(f"no text for {e!r}")

    def _cast(self, a: Expr, type_: str) -> str:
        if type_ == "b8":
            return f"({self.expr(a)} != 0)"
        if type_ == "i64" and a.type == "f64":
            return f"eq_to_integer({self.expr(a)})"
        return f"(({_LOCAL[type_]})({self.expr(a)}))"


def _literal(e: Const) -> str:
    if e.type == "b8":
        return "1" if e.value else "0"
    if e.type == "i64":
        return f"INT64_C({e.value})" if e.value >= 0 else f"(-INT64_C({-e.value}))"
    value = float(e.value)
    if math.isinf(value):
        return "EQ_INF" if value > 0 else "(-EQ_INF)"
    if math.isnan(value):
        return "EQ_NAN"
    return repr(value) if value >= 0 and math.copysign(1, value) > 0 else f"({value!r})"
