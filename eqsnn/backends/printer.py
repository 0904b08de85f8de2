"""Kernel IR to text: the common subset of C99, C++14 and CUDA. One file of text serves them all; templates hold the loops around it."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from eqsnn.errors import InternalError
from eqsnn.kernel.afterwards import beyond_for_event, checked_in_memory, event_from_memory, only_for_event
from eqsnn.kernel.counted import ARRIVALS, counted
from eqsnn.kernel.far_side import far_side, has_alias, same_for
from eqsnn.kernel.ir import (
    Binary,
    Buffer,
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
    Kernel,
    Let,
    Load,
    Local,
    Loop,
    Require,
    Scalar,
    Select,
    Store,
    Unary,
    expressions,
    names_made,
    walk,
)
from eqsnn.kernel.resting import Resting, resting
from eqsnn.kernel.withheld import withheld

_LOCAL = {"f64": "double", "f32": "float", "i32": "int32_t", "i64": "int64_t", "b8": "int"}
_LOCAL |= {"i16": "int16_t", "i8": "int8_t"}
_MEMORY = {"f64": "double", "f32": "float", "i64": "int64_t", "i32": "int32_t", "b8": "int64_t"}
_MEMORY |= {"f16": "uint16_t", "i16": "int16_t", "i8": "int8_t"}
_INDEX = {"@i": "i", "@s": "s", "@pre": "pre", "@post": "post", ARRIVALS.name: "n"}


@dataclass(frozen=True)
class CallText:
    """A user function called for a block of elements: the ``body`` of the loop that lays out its arguments, and the statement that enters it."""

    body: tuple[str, ...]
    enter: str


@dataclass(frozen=True)
class WithheldText:
    """The ``body`` of a pathway without its guard; the statements before the ``guard``; and name and type of the buffers that are put back."""

    body: tuple[str, ...]
    leading: tuple[str, ...]
    guard: str
    buffers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DrawnText:
    """Random numbers that are made for a chunk of elements at once: the ``array`` they go to, the ``function``, its ``key``, and what follows the
    element among its arguments."""

    array: str
    function: str
    key: str
    stream: str


@dataclass(frozen=True)
class CountedText:
    """What is done for a neuron at which ``n`` synapses have arrived: the statements that come first, and for each buffer what is added and the
    guard, if there is one."""

    leading: tuple[str, ...]
    adds: tuple[tuple[str, str, str | None], ...]
    each: tuple[str, ...]  # what one of them adds


@dataclass(frozen=True)
class ChanceText:
    """The ``probability`` of an element's event, the number of elements, and the ``stream`` (key, count, draw) that decides."""

    probability: str
    size: str
    stream: tuple[str, str, str]


@dataclass(frozen=True)
class FarText:
    """The statements that make the ``values`` of a far neuron, each a name and a type."""

    leading: tuple[str, ...]
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class SignText:
    """What tells that there was no event: the sign of a ``difference`` of ``type``, which is set where there may be one, or (``clear``) is not."""

    type: str
    difference: str
    clear: bool


@dataclass(frozen=True)
class RestingText:
    """Who rests: the statements before the ``guard``; the buffers to save, each with its type, and the statements that are then made for one who
    rests; whether who began first ends first; the buffer that marks who is awake, if there is one."""

    leading: tuple[str, ...]
    guard: str
    saved: tuple[tuple[str, str], ...]
    asleep: tuple[str, ...]
    in_order: bool
    mark: str | None


@dataclass(frozen=True)
class PointerText:
    """An array of a kernel: the name of the ``buffer``, the ``type`` of its elements, and ``restrict`` where no other is the same memory."""

    buffer: str
    type: str
    restrict: str


@dataclass(frozen=True)
class Text:
    """The parts of a kernel that a template puts together."""

    name: str
    owner: str
    arguments: tuple[str, ...]
    body: tuple[str, ...]
    emits: str | None
    emits_again: str | None
    checks: str | None
    confirms: str | None
    uses_synapse: bool
    near: str
    far: str
    calls: tuple[CallText, ...] = ()
    requires: bool = False
    independent: bool = False  # each synapse writes to itself alone: its row may become vector code
    by_runs: bool = False  # the synapses of a run may become vector code
    row: tuple[str, ...] = ()  # what is the same for all synapses of a row
    fetched: tuple[str, ...] = ()  # what of a synapse is read or written: asked for some synapses ahead
    withheld: WithheldText | None = None  # how the guard is asked once a neuron
    drawn: tuple[DrawnText, ...] = ()  # random numbers of a neuron kernel that are made in pairs
    counted: CountedText | None = None  # how counted arrivals are applied
    chance: ChanceText | None = None  # in place of ``emits``: events by the gaps between them
    mask: str = "int64_t"  # the type of conditions
    far_side: FarText | None = None  # what is computed once for each neuron at the far end
    few_rows: bool = False  # rows of long runs arrive here and there
    runs_apart: bool = False  # the synapses of a run lie at one distance from each other
    number: str = "int32_t"  # the type of the numbers of synapses
    sign: SignText | None = None  # how it knows that there was no event
    resting: RestingText | None = None  # the loop is that of elements awake, and keeps a list of the others
    pointers: tuple[PointerText, ...] = ()  # what the ``arguments`` declare, for templates that find it elsewhere
    numbers: tuple[Scalar, ...] = ()


def text_of(
    kernel: Kernel,
    pairs: bool = True,
    lists: bool = False,
    plain: bool = False,
    atomic: frozenset[str] = frozenset(),
    user: str = "",
) -> Text:
    """The text of a kernel, without its loop. ``pairs``: the loop makes random numbers for two elements at once (``Text.drawn``); ``lists``: it keeps
    lists: of elements at rest, where it can (``Text.resting``), and of events, which it looks for where signs say so (``Text.sign``). ``plain``:
    each element computes all it needs, and calls the functions of the user by their names, as on a GPU or in a program that is read
    (``eqsnn/export``). ``atomic``: buffers to which several elements may add at once, by ``eq_add``. ``user``: what comes before the names of
    the user's functions then."""
    rest = resting(kernel) if lists else None
    if rest is None:
        return _Printer(kernel, pairs, lists, plain, atomic, user).text()
    whole, awake = _Printer(kernel, False), _Printer(rest.awake, pairs, lists).text()
    return replace(awake, arguments=tuple(whole._arguments()), resting=whole.resting(rest))


def expression_text(kernel: Kernel, expr: Expr) -> str:
    """The text of an expression of a kernel, such as what is computed before a run."""
    return _Printer(kernel, False, plain=True, user="user_").expr(expr)


def lines_of(kernel: Kernel, place: Mapping[str, str], plain: bool = False) -> tuple[str, ...]:
    """The statements of a kernel of ``Let`` and ``Store`` alone, for a loop of somebody else's; ``place``: the index at which each buffer is;
    ``plain``: for CUDA."""
    printer = _Printer(kernel, False, plain=plain)
    printer.place |= place
    return tuple(
        printer._let(s) if isinstance(s, Let) else printer._line(printer._store(s), s)
        for s in kernel.body
        if not isinstance(s, CheckFinite)
    )


def comment(text: str) -> str:
    """``text`` as it may stand inside a C comment, on one line."""
    flat = " ".join(text.split()).replace("*/", "* /").replace("/*", "/ *").replace("\\", "/").replace("??", "? ?")
    return flat if len(flat) <= 110 else flat[:107] + "..."


def closed(equation: str) -> str:
    """An equation with flags, whose span ends with the last of them."""
    return f"{equation})" if equation.count("(") == equation.count(")") + 1 else equation


class _Printer:
    def __init__(
        self,
        kernel: Kernel,
        pairs: bool,
        signs: bool = False,
        plain: bool = False,
        atomic: frozenset[str] = frozenset(),
        user: str = "",
    ):
        self.kernel, self.pairs, self.plain, self.atomic, self.user = kernel, pairs, plain, atomic, user
        self.beyond = beyond_for_event(kernel) if signs else None
        self.left_out = () if self.beyond is None else only_for_event(kernel, self.beyond)
        self.scalars = {s.name for s in kernel.scalars}
        self.place = {b.name: self._place(b) for b in kernel.buffers}
        self.types = {b.name: b.type for b in kernel.buffers}
        self.local_type = {s.name: s.type for s in kernel.scalars}
        self.local_type |= {s.name: s.expr.type for s in kernel.body if isinstance(s, Let)}
        self.local_type |= {c.name: c.type for s in kernel.body if isinstance(s, Loop) for c in s.carried}
        self.call_number: dict[str, int] = {}
        self.calls: list[CallText] = []
        self.paired = {s.name: s for s in kernel.body if isinstance(s, Let) and self._is_paired(s.expr)}
        self.fresh = None if plain else far_side(kernel)
        self.blockwise = not plain and (kernel.domain != "pathway" or not kernel.one_by_one)
        for s in kernel.body:
            if isinstance(s, Let) and isinstance(s.expr, Extern):
                self.call_number[s.name] = len(self.call_number)

    def _place(self, buffer: Buffer) -> str:
        if buffer.extent == "self":
            return "s" if self.kernel.domain == "pathway" else "i"
        return {"pre": "pre", "post": "post", "shared": "0", "table": ""}[buffer.extent]

    def text(self) -> Text:
        body, emits, chance = [], None, None
        row = self._same_for_a_row()
        checked = [s.name for s in self.kernel.body if isinstance(s, CheckFinite)]
        checks, confirms = self._check(checked) if checked else (None, None)
        fresh = () if self.fresh is None else [s for s in self.fresh.leading if s not in row]
        again = event_from_memory(self.kernel)
        if again is None or confirms is None:
            self.beyond, self.left_out = None, ()
        for s in self.kernel.body:
            match s:
                case Let() if s in self.left_out:
                    continue
                case Let(expr=Extern()):
                    if self.blockwise:
                        self.calls.append(self._call(s))
                    body += self._result_of_call(s)
                case Let():
                    body += [] if s in row else self._of_far_side(s) if s in fresh else [self._let(s)]
                case Loop():
                    body += self._loop(s)
                case Require(condition):
                    body.append(f"if (!{self.expr(condition)} && unmet < 0) unmet = {self._element()};")
                case Store():
                    body.append(self._line(self._store(s), s))
                case Emit():
                    emits = self.expr(s.condition)
                case Chance(probability, Call(args=(key, _, count, draw)), size):
                    stream = (self.expr(key), self.expr(count), self.expr(draw))
                    chance = ChanceText(self.expr(probability), self.expr(size), stream)
        uses_synapse = any(
            isinstance(s, Require)
            or (isinstance(e, Local) and e.name == "@s")
            or (isinstance(e, Load) and self.place.get(e.buffer) == "s")
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
            None if again is None else self.expr(again),
            checks,
            confirms,
            uses_synapse,
            near,
            far,
            tuple(self.calls),
            any(isinstance(s, Require) for s in self.kernel.body),
            self._independent(),
            self._by_runs(),
            tuple(self._let(s) for s in row),
            tuple(f"b_{b.name}" for b in self.kernel.buffers if self.place[b.name] == "s" and b.name in self._used()),
            self._withheld(row),
            tuple(self._drawn(s) for s in self.paired.values()),
            self._counted(),
            chance,
            self._mask(checked),
            self._far_side(),
            self.kernel.long_runs != "" and self._by_runs() and uses_synapse,
            self.kernel.long_runs == "apart",
            "int64_t" if self.kernel.wide else "int32_t",
            self._sign(),
            pointers=tuple(self._pointers()),
            numbers=tuple(self._numbers()),
        )

    def resting(self, rest: Resting) -> RestingText:
        """The text of what happens to elements at rest."""
        asleep = [self._let(s) if isinstance(s, Let) else self._line(self._store(s), s) for s in rest.asleep]
        leading = tuple(self._let(s) for s in rest.leading)
        saved = tuple((b, _MEMORY[self.types[b]]) for b in rest.saved)
        return RestingText(leading, self.expr(rest.guard), saved, tuple(asleep), rest.in_order, rest.mark)

    def _withheld(self, row: list[Let]) -> WithheldText | None:
        back = withheld(self.kernel)
        if back is None:
            return None
        body = []
        for s in self.kernel.body:
            if isinstance(s, Store):
                body.append(self._line(self._store(replace(s, guard=None)), s))
            elif s not in row:
                body.append(self._let(s))
        leading = tuple(self._let(s) for s in back.leading)
        buffers = tuple((b, _MEMORY[self.types[b]]) for b in back.buffers)
        return WithheldText(tuple(body), leading, self.expr(back.guard), buffers)

    def _is_paired(self, e: Expr) -> bool:
        """Whether a random number is that of the element of a plain loop over elements."""
        plain = self.pairs and self.kernel.domain == "neuron" and not self.kernel.externs
        plain = plain and not isinstance(self.kernel.body[-1], Chance)
        return plain and isinstance(e, Call) and e.function in ("uniform", "normal") and e.args[1] == Local("@i", "i64")

    def _drawn(self, s: Let) -> DrawnText:
        key, _, count, draw = (self.expr(a) for a in s.expr.args)
        return DrawnText(f"drawn_{s.name}", s.expr.function, key, f"{count}, {draw}")

    def _counted(self) -> CountedText | None:
        how = counted(self.kernel)
        if how is None:
            return None
        adds = tuple((s.buffer, self.expr(s.expr), None if s.guard is None else self.expr(s.guard)) for s in how.stores)
        each = tuple(self.expr(s.expr) for s in self.kernel.body if isinstance(s, Store))
        return CountedText(tuple(self._let(s) for s in how.leading), adds, each)

    def _mask(self, checked: list[str]) -> str:
        """The type of conditions in a loop: as wide as what it works on, since a loop of one width becomes the better vector code."""
        stored = {self.types[s.buffer] for s in self.kernel.body if isinstance(s, Store)}
        single = "f32" in stored and "f64" not in stored and all(self.local_type[n] == "f32" for n in checked)
        return "int32_t" if single else "int64_t"

    def _check(self, checked: list[str]) -> tuple[str, str | None]:
        """Bits that are all 0 if the values are finite, for the loop; and, where those may be set for finite values, too, the bits that tell.

        0 times a finite number is 0, added up by one operation each; anything else makes the sum NaN, and +0 has no bit set. A product of two
        values plus the next, minus itself, takes half of that, but may overflow: where it does, a second loop looks at what the first one has
        stored.
        """
        names = list(dict.fromkeys(checked))
        single = all(self.local_type[n] == "f32" for n in names)
        values = [self.expr(Local(n, self.local_type[n])) for n in reversed(names)]
        bits = "eqf_bits" if single else "eq_bits"
        stored = checked_in_memory(self.kernel)
        if stored is None:
            return _finite(values, single), None
        total = values.pop() if len(values) % 2 else f"({values.pop()} * {values.pop()})"
        while values:
            total = f"{'fmaf' if single else 'fma'}({values.pop()}, {values.pop()}, {total})"
        return f"{bits}({total} - {total})", _finite([self.expr(load) for load in stored], single)

    def _sign(self) -> SignText | None:
        if self.beyond is None:
            return None
        small, large = self.expr(self.beyond.a), self.expr(self.beyond.b)
        # a - b has its sign where a < b, also where it is too small for a number and becomes zero
        clear = self.beyond.op == "<="
        return SignText(_LOCAL[self.beyond.a.type], f"{large} - {small}" if clear else f"{small} - {large}", clear)

    def _same_for_a_row(self) -> list[Let]:
        """The statements of a pathway that use nothing but the neuron of the row: a compiler does not always see that once is enough."""
        if self.kernel.domain != "pathway" or self.kernel.externs:
            return []
        return same_for(self.kernel, self.kernel.rows)

    def _far_side(self) -> FarText | None:
        if self.fresh is None:
            return None
        leading = tuple(self._let(s) for s in self.fresh.leading)
        return FarText(leading, tuple((s.name, _LOCAL[s.expr.type]) for s in self.fresh.values))

    def _of_far_side(self, s: Let) -> list[str]:
        """A value of the far neuron, where it has been computed before."""
        if s not in self.fresh.values:
            return []
        far = "post" if self.kernel.rows == "pre" else "pre"
        return [f"const {_LOCAL[s.expr.type]} x_{s.name} = fresh_{s.name}[{far} - rows->first];"]

    def _independent(self) -> bool:
        plain = all(isinstance(s, (Let, CheckFinite)) or self._own_store(s) for s in self.kernel.body)
        return plain and self.kernel.domain == "pathway" and not self.kernel.one_by_one and not self.kernel.externs

    def _by_runs(self) -> bool:
        """Whether the synapses of a run, which end at different neurons, may be done at once: it pays where all of them are, in every step,
        and where the runs are long."""
        far = "post" if self.kernel.rows == "pre" else "pre"
        plain = all(
            isinstance(s, (Let, CheckFinite)) or (isinstance(s, Store) and self.place[s.buffer] in ("s", far))
            for s in self.kernel.body
        )
        return (
            plain
            and (self.kernel.whole or self.kernel.long_runs != "")
            and not self.kernel.externs
            and not any(map(self._has_alias, self.kernel.buffers))
        )

    def _own_store(self, s) -> bool:
        return isinstance(s, Store) and self.place[s.buffer] == "s"

    def _element(self) -> str:
        return "s" if self.kernel.domain == "pathway" else "i"

    def _loop(self, loop: Loop) -> list[str]:
        """Carried values are the only variables of a kernel that change; they take their next values all at once."""
        lines = [f"{_LOCAL[c.type]} x_{c.name} = {self.expr(c.first)};" for c in loop.carried]
        lines.append(f"while ({self.expr(loop.again)}) {{")
        lines += [f"    {self._let(s)}" for s in loop.body]
        lines += [f"    const {_LOCAL[c.type]} next_{c.name} = {self.expr(c.next)};" for c in loop.carried]
        lines += [f"    x_{c.name} = next_{c.name};" for c in loop.carried]
        return [*lines, "}"]

    # -- functions of the user -------------------------------------------------------------------------------------------------
    #
    # A kernel over elements calls each of them once a block: a loop before the main one computes the arguments from the beginning, which
    # is possible since no statement before the first store has a side effect, and random numbers are functions of their counters. Where
    # a synapse may read what the one before has written, they are called for one at a time.

    def _call(self, let: Let) -> CallText:
        number, call = self.call_number[let.name], let.expr
        wanted: set[str] = set()
        lines = []
        for k, argument in enumerate(call.args):
            wanted |= {e.name for e in walk(argument) if isinstance(e, Local)}
            lines.append(f"{_array(number, k)}[{self._position()}] = {self.expr(argument)};")
        for s in reversed(self.kernel.body[: self.kernel.body.index(let)]):
            if not wanted & set(names_made(s)):
                continue
            wanted |= {e.name for part in expressions(s) for e in walk(part) if isinstance(e, Local)}
            if isinstance(s, Loop):
                lines[:0] = self._loop(s)
            else:
                lines[:0] = self._result_of_call(s) if isinstance(s.expr, Extern) else [self._let(s)]
        offset, n = ("", "n") if self.kernel.domain == "pathway" else (" + lo", "hi - lo")
        arrays = [f"{_array(number, k)}{offset}" for k in range(len(call.args) + 1)]
        return CallText(tuple(lines), self._enter(number, n, arrays[:-1], arrays[-1]))

    def _result_of_call(self, let: Let) -> list[str]:
        number, call = self.call_number[let.name], let.expr
        if self.plain:
            value = _read(f"{self.user}{call.function}({', '.join(self.expr(a) for a in call.args)})", call.type)
            return [self._line(f"const {_LOCAL[call.type]} x_{let.name} = {value};", let)]
        if self.blockwise:
            value = f"{_array(number, len(call.args))}[{self._position()}]"
            return [self._line(f"const {_LOCAL[call.type]} x_{let.name} = {_read(value, call.type)};", let)]
        lines = [f"{_MEMORY[a.type]} {_array(number, k)} = {self.expr(a)};" for k, a in enumerate((*call.args,))]
        lines.append(f"{_MEMORY[call.type]} {_array(number, len(call.args))};")
        addresses = [f"&{_array(number, k)}" for k in range(len(call.args) + 1)]
        lines.append(self._enter(number, "1", addresses[:-1], addresses[-1]))
        value = _read(_array(number, len(call.args)), call.type)
        return [*lines, self._line(f"const {_LOCAL[call.type]} x_{let.name} = {value};", let)]

    @staticmethod
    def _enter(number: int, n: str, arguments: list[str], result: str) -> str:
        return (
            f"{{ void *args[] = {{ {', '.join([*arguments, '0'])} }}; "
            f"if (ctx->call[{number}].enter(ctx->call[{number}].self, {n}, args, {result})) return EQ_FAILED; }}"
        )

    def _position(self) -> str:
        return {"event": "e", "neuron": "i", "pathway": "q"}[self.kernel.domain]

    def _scratch(self):
        place = 0
        for number, call in enumerate(self.kernel.externs if self.blockwise else ()):
            for k, type_ in enumerate((*(a.type for a in call.args), call.type)):
                if self.kernel.domain == "pathway":
                    yield f"{_MEMORY[type_]} {_array(number, k)}[EQ_CALLED];"
                    continue
                yield f"{_MEMORY[type_]} *const {_array(number, k)} = ({_MEMORY[type_]} *)ctx->scratch[{place}];"
                place += 1

    def _let(self, s: Let) -> str:
        if s.name in self.paired:
            return self._line(f"const double x_{s.name} = drawn_{s.name}[i - base];", s)
        return self._line(f"const {_LOCAL[s.expr.type]} x_{s.name} = {self.expr(s.expr)};", s)

    @staticmethod
    def _line(text: str, statement) -> str:
        return text if statement.source is None else f"{text} /* {comment(closed(statement.source.source))} */"

    def _used(self) -> set[str]:
        """The names that the body itself reads or writes; others serve what is computed before the run."""
        used = {s.buffer for s in self.kernel.body if isinstance(s, Store)}
        used |= {s.name for s in self.kernel.body if isinstance(s, CheckFinite)}
        used |= {"columns"} if self.kernel.domain == "pair" else set()
        for s in self.kernel.body:
            for part in expressions(s):
                used |= {
                    e.buffer if isinstance(e, (Load, Drawn)) else e.name
                    for e in walk(part)
                    if isinstance(e, (Load, Drawn, Local))
                }
        return used

    def _arguments(self):
        place = {b.name: k for k, b in enumerate(self.kernel.buffers)}
        for p in self._pointers():
            yield f"{p.type} *{p.restrict} b_{p.buffer} = ({p.type} *)ctx->buffer[{place[p.buffer]}];"
        real = integer = 0
        places = {}
        for s in self.kernel.scalars:
            if s.type in ("f64", "f32"):
                places[s.name], real = f"ctx->real[{real}]", real + 1
            else:
                places[s.name], integer = f"ctx->integer[{integer}]", integer + 1
        for s in self._numbers():
            cast, test = "(float)" if s.type == "f32" else "", " != 0" if s.type == "b8" else ""
            yield f"const {_LOCAL[s.type]} s_{s.name} = {cast}{places[s.name]}{test};"
        yield from self._scratch()

    def _pointers(self):
        """The arrays that the body uses."""
        used = self._used()
        for b in self.kernel.buffers:
            if b.name in used:
                const = "" if b.writable else "const "
                yield PointerText(b.name, f"{const}{_MEMORY[b.type]}", "" if self._has_alias(b) else " EQ_RESTRICT")

    def _numbers(self):
        """The numbers that it uses."""
        used = self._used()
        return (s for s in self.kernel.scalars if s.name in used)

    def _has_alias(self, buffer: Buffer) -> bool:
        return has_alias(self.kernel, buffer)

    def _store(self, s: Store) -> str:
        place = f"b_{s.buffer}[{self.place[s.buffer]}]"
        value = self.expr(s.expr)
        if self.types[s.buffer] == "b8":
            value = f"(int64_t)({value})"
        text = f"{place} {'+=' if s.add else '='} {value};"
        if s.add and s.buffer in self.atomic:
            text = f"eq_add(&{place}, {value});"
        return text if s.guard is None else f"if ({self.expr(s.guard)}) {text}"

    def expr(self, e: Expr) -> str:
        match e:
            case Const():
                return literal(e)
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
            case Call(function, args, type_):
                return f"{'eqf' if type_ == 'f32' else 'eq'}_{function}({', '.join(self.expr(a) for a in args)})"
            case Cast(a, type_):
                return self._cast(a, type_)
            case Drawn(buffer, length, value, _):
                return f"eq_drawn(b_{buffer}, {self.expr(length)}, {self.expr(value)})"
        raise InternalError(f"no text for {e!r}")

    def _cast(self, a: Expr, type_: str) -> str:
        if type_ == "b8":
            return f"({self.expr(a)} != 0)"
        if type_ == "f16":
            return f"eq_to_half({self.expr(a)})"
        if a.type == "f16":
            return f"(({_LOCAL[type_]})eq_from_half({self.expr(a)}))"
        if self.plain and a.type == "b8" and not isinstance(a, Local):
            # a comparison that is cast to a number is still one to compilers, which warn of what is compared with it
            return f"({self.expr(a)} ? {literal(Const(1, type_))} : {literal(Const(0, type_))})"
        if type_ == "i64" and a.type in ("f64", "f32"):
            return f"eq_to_integer({self.expr(a)})"
        return f"(({_LOCAL[type_]})({self.expr(a)}))"


def _finite(values: list[str], single: bool) -> str:
    bits, fma, zero = ("eqf_bits", "fmaf", "0.0f") if single else ("eq_bits", "fma", "0.0")
    return f"{bits}({functools.reduce(lambda total, n: f'{fma}({n}, {zero}, {total})', values, zero)})"


def _array(number: int, k: int) -> str:
    """The name of the k-th argument of a call; the result comes after the last."""
    return f"call{number}_{k}"


def _read(value: str, type_: str) -> str:
    return f"({value} != 0)" if type_ == "b8" else value


def single_literal(value: float) -> str:
    """A number as a float of C: the shortest digits that give the float32 which is nearest to it."""
    if math.isnan(value):
        return "EQF_NAN"
    with np.errstate(all="ignore"):
        rounded = np.float32(value)
    if np.isinf(rounded):
        return "EQF_INF" if rounded > 0 else "(-EQF_INF)"
    text = f"{abs(rounded)!s}f"
    return f"(-{text})" if np.signbit(rounded) else text


def literal(e: Const) -> str:
    """A constant in C: the shortest digits that give the same number."""
    if e.type == "b8":
        return "1" if e.value else "0"
    if e.type == "i64":
        return f"INT64_C({e.value})" if e.value >= 0 else f"(-INT64_C({-e.value}))"
    value = float(e.value)
    if e.type == "f32":
        return single_literal(value)
    if math.isinf(value):
        return "EQ_INF" if value > 0 else "(-EQ_INF)"
    if math.isnan(value):
        return "EQ_NAN"
    return repr(value) if value >= 0 and math.copysign(1, value) > 0 else f"({value!r})"
