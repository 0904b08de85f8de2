"""A program as a C99 project: text from the same printer as the kernels that run in Python, in functions and structs that a person reads."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

import numpy as np

import eqsnn
from eqsnn.backends.printer import Text, comment, expression_text, literal, single_literal, text_of
from eqsnn.backends.render import environment, prelude
from eqsnn.export.embedded import size_of
from eqsnn.export.memory import Field, Ref, Struct
from eqsnn.export.names import Names
from eqsnn.export.program import Column, Program, Recording, Ring, Step
from eqsnn.export.readme import description
from eqsnn.kernel.ir import Const, Hoisted, Kernel, Scalar
from eqsnn.kernel.single import TINY
from eqsnn.runtime.plan import ClockPlan, Op

_PREFIX = re.compile(r"\b(?:s|x|b|eq)_(?=\w)")
_EQUATION = re.compile(r"^(.*?) /\* (.*) \*/$")


class CProject:
    """The files of a project in C. ``embedded``: what never changes is text of the program, and nothing is read from files."""

    def __init__(self, program: Program, embedded: bool = False):
        self.program, self.embedded = program, embedded
        self.number = number
        self._names, self._data_names, self._words = Names(), {}, set()

    def sources(self) -> dict[str, str]:
        """Path and text of every file but the data."""
        functions = [self.function(s) for s in self.program.steps]
        self._words = set(re.findall(r"\w+", " ".join(functions)))
        self.helpers = {name: any(f"{name}(" in text for text in functions) for name in ("fail", "past", "position")}
        names = dict(p=self.program, c=self, functions=functions, version=eqsnn.__version__, cuda=False)
        made = {
            "network.h": "network.h.j2",
            "network.c": "network.c.j2",
            "README.md": "README.md.j2",
        }
        made |= (
            {"network_data.h": "network_data.h.j2", "example.c": "example.c.j2"}
            if self.embedded
            else {f"{name}": f"{name}.j2" for name in ("main.c", "npy.h", "npy.c", "CMakeLists.txt")}
        )
        files = {path: _rendered(template, **names) for path, template in made.items()}
        return files | {"eq_math.h": prelude()[1]}

    host_command = None

    @property
    def command(self) -> str:
        """What builds it."""
        flags = "-O2 -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -c network.c"
        return (
            f"arm-none-eabi-gcc -std=c99 {flags}"
            if self.embedded
            else "cc -std=c99 -O3 -march=native *.c -lm -o network"
        )

    def held(self, f: Field) -> bool:
        """Whether a field is a part of the network's struct; if not, it is constant data of the program."""
        return f.written or not f.kept or not self.embedded

    def fields_of(self, struct: Struct) -> list[Field]:
        """The fields of a struct."""
        return [f for f in struct.fields if self.held(f)]

    @property
    def state(self) -> list[Field]:
        """All fields that the struct has."""
        return [f for f in self.program.fields if self.held(f)]

    @property
    def data(self) -> list[Field]:
        """What lies in files."""
        return [] if self.embedded else [f for f in self.program.fields if f.start == "data"]

    @property
    def constants(self) -> list[tuple[str, Field]]:
        """The data that are text of the program: what never changes and is asked for, and where variables begin."""
        return [
            (self.data_name(f), f)
            for f in self.program.fields
            if self.embedded and (f.start == "data" if self.held(f) else self.data_name(f) in self._words)
        ]

    def data_name(self, f: Field) -> str:
        """The name of the constant array of a field."""
        if id(f) not in self._data_names:
            self._data_names[id(f)] = self._names.new(f"{'start' if self.held(f) else 'data'}_{f.struct}_{f.name}")
        return self._data_names[id(f)]

    @property
    def ram(self) -> int:
        """The bytes of the struct."""
        return size_of(self.program.structs, 4 if self.embedded else 8, self.state)

    @property
    def flash(self) -> int:
        """The bytes of constant data."""
        return sum(f.nbytes for _, f in self.constants)

    def literals(self, f: Field) -> str:
        """The values of a field as an initialiser."""
        flat = f.values.reshape(-1)
        if f.dtype == np.float16:
            flat = flat.view(np.uint16)
        if f.dtype.kind == "f":
            texts = [single_literal(float(v)) if f.dtype == np.float32 else number(float(v), "f64") for v in flat]
        else:
            texts = [number(int(v), "i64") for v in flat]
        return textwrap.fill(
            ", ".join(texts or ["0"]), 140, initial_indent="    ", subsequent_indent="    ", break_long_words=False
        )

    def description(self) -> str:
        """The model in words and equations."""
        return description(self.program.objects, self.program.constants, self.program.built.messages)

    # -- memory ------------------------------------------------------------------------------------------------------------------

    def place(self, found: Ref | Field) -> str:
        """The expression of a pointer."""
        ref = found if isinstance(found, Ref) else Ref(found)
        name = self._named(ref.field)
        name = f"&{name}" if ref.field.single else name
        return name if not ref.offset else f"{name} + {ref.offset}"

    def _named(self, f: Field) -> str:
        return f"net->{f.struct}.{f.name}" if self.held(f) else self.data_name(f)

    def element(self, found: Ref | Field, index: str) -> str:
        """The expression of an element."""
        ref = found if isinstance(found, Ref) else Ref(found)
        name = self._named(ref.field)
        return name if ref.field.single else f"{name}[{index if not ref.offset else f'{ref.offset} + {index}'}]"

    def one(self, found: Ref | Field) -> str:
        """The expression of the first element."""
        offset = found.offset if isinstance(found, Ref) else 0
        return self.element(found.field if isinstance(found, Ref) else found, str(offset))

    def value(self, f: Field) -> str:
        """The first element of a field as a literal."""
        first = f.values.reshape(-1)[0]
        if f.dtype == np.float16:
            return str(int(np.asarray(first).view(np.uint16)))
        if f.dtype == np.float32:
            return single_literal(float(first))
        return number(float(first), "f64") if f.dtype.kind == "f" else number(int(first), "i64")

    def npy_type(self, f: Field) -> str:
        """The type of an array in a .npy file."""
        return f.dtype.str.replace(">", "<")

    def groups(self) -> list[Ring]:
        """The groups whose spikes can be asked for."""
        return [r for r in self.program.rings if r.event == "spike"]

    # -- what is recorded ----------------------------------------------------------------------------------------------------------

    def columns(self, r: Recording) -> list[tuple[str, Column]]:
        """The files of a monitor, each with a name that differs from the others'."""
        names = Names()
        return [(names.new(column.name), column) for column in r.columns]

    def column_names(self, r: Recording) -> list[str]:
        """These names."""
        return [name for name, _ in self.columns(r)]

    def column_type(self, column: Column) -> str:
        """The type of what a file holds."""
        return "<f8" if column.values is None or column.name == "rate" else self.npy_type(column.values)

    def column_size(self, column: Column) -> int:
        """The bytes of a value in it."""
        return 8 if column.values is None or column.name == "rate" else column.values.dtype.itemsize

    def column_width(self, r: Recording, column: Column) -> int:
        """How many values a row of a file has; 0 where the file is no table."""
        return column.width if r.kind == "state" and column.values is not None else 0

    # -- time --------------------------------------------------------------------------------------------------------------------

    def step_of(self, k: int) -> str:
        """The number of the step of a clock."""
        clock = self.program.clocks[k]
        if not clock.period:
            return self.one(self.program.moments[k][2])
        return "net->tick" if clock.period == 1 else f"net->tick / {clock.period}"

    def clock_due(self, k: int) -> str:
        """Whether a clock is due."""
        clock = self.program.clocks[k]
        if clock.period:
            return f"net->tick % {clock.period} == 0"
        ticks, _, at = self.program.moments[k]
        return f"{self.one(at)} < {ticks.count} && {self.place(ticks)}[{self.one(at)}] == net->tick"

    def timed_clocks(self) -> list[int]:
        """The clocks that something follows."""
        used = {s.op.clock for s in self.program.steps}
        return [k for k in range(len(self.program.clocks)) if k in used]

    def counted_clocks(self) -> list[int]:
        """The clocks the numbers of whose steps are used."""
        return sorted({s.op.clock for s in self.program.steps if s.needs_step or s.op.every})

    def event_clocks(self) -> list[int]:
        """Those that tick at given moments."""
        return sorted(self.program.moments)

    def next_tick(self) -> str:
        """The statements that move the time on to the next step of a clock."""
        periods = sorted({c.period for c in self.program.clocks if c.period})
        if not self.program.moments and len(periods) == 1 and self.program.first % periods[0] == 0:
            return f"    net->tick += {periods[0]};"
        due = [f"(net->tick / {p} + 1) * {p}" for p in periods]
        lines = ["    int64_t next = INT64_MAX, due;"]
        lines += [f"    due = {d};\n    next = due < next ? due : next;" for d in due]
        for ticks, _, at in (self.program.moments[k] for k in self.event_clocks()):
            lines.append(
                f"    due = {self.one(at)} < {ticks.count} ? {self.place(ticks)}[{self.one(at)}] : INT64_MAX;\n    next = due < "
                f"next ? due : next;"
            )
        return "\n".join([*lines, "    net->tick = next;"])

    def always(self, k: int) -> bool:
        """Whether every tick is a step of a clock."""
        return (len(self.program.clocks) == 1 and self.program.clocks[0].period > 0) or self.program.clocks[
            k
        ].period == 1

    def condition(self, op: Op) -> str:
        """When an operation takes place, as a condition on its clock's step."""
        parts = [] if self.always(op.clock) else [f"due_{op.clock}"]
        if op.every:
            step = f"step_{op.clock}"
            parts.append(f"{step} >= {op.since}") if op.since else None
            parts.append(f"{step} < {number(op.until, 'i64')}") if op.until < 1 << 62 else None
            parts.append(f"({step} - {op.since}) % {op.every} == 0") if op.every > 1 else None
        return " && ".join(parts)

    def time(self, step: Step) -> str:
        """The time of a step in seconds."""
        clock: ClockPlan = self.program.clocks[step.op.clock]
        if clock.period:
            return f"(double)step * {number(clock.dt, 'f64')}"
        return f"{self.place(self.program.moments[step.op.clock][1])}[step]"

    # -- functions ---------------------------------------------------------------------------------------------------------------

    def function(self, step: Step) -> str:
        """The text of one operation."""
        kernel = step.op.kernel
        text = None if kernel is None else text_of(kernel, plain=True, user="user_")
        return _rendered(
            f"{step.op.kind}.c.j2", s=step, op=step.op, c=self, k=None if text is None else KernelText(self, step, text)
        ).strip("\n")


class KernelText:
    """The parts of a kernel for the templates of an exported function."""

    def __init__(self, project: CProject, step: Step, text: Text):
        self.project, self.step, self.text = project, step, text
        self.kernel: Kernel = step.op.kernel
        self.body = commented(text.body)
        self.row = commented(text.row)

    def arguments(self) -> list[str]:
        """The declarations of what the statements use."""
        refs = self.step.refs
        lines = [
            f"{p.type} *{p.restrict.strip()}{' ' if p.restrict else ''}b_{p.buffer} = {self.project.place(refs[p.buffer])};"
            for p in self.text.pointers
        ]
        return lines + [self._number(s) for s in self.text.numbers]

    def _number(self, s: Scalar) -> str:
        kind = {"f64": "double", "f32": "float", "b8": "int"}.get(s.type, "int64_t")
        return f"const {kind} s_{s.name} = {self._value(s)};{meaning(self.kernel, s)}"

    def _value(self, s: Scalar) -> str:
        if s.owner == "clock" and s.variable == "t":
            time = self.project.time(self.step)
            return f"(float)({time})" if s.type == "f32" else time
        if s.owner == "clock" and s.variable == "step":
            return "step"
        if s.owner == "random" and s.variable == "count":
            return f"{self.project.one(self.step.counter)}++"
        return number(self.step.op.binding.scalars.get(s.name, 0), s.type)

    commented = staticmethod(lambda lines: commented(lines))

    def uses(self, name: str) -> bool:
        """Whether the statements name a variable of the loop."""
        lines = [*self.text.body, self.text.checks or ""]
        return any(re.search(rf"\b{name}\b", line) for line in lines)


def meaning(kernel: Kernel, s: Scalar) -> str:
    """What a number was computed from, as a comment; nothing where that is no question."""
    if s.owner != "derived":
        return ""
    for h in kernel.hoisted:
        if isinstance(h, Hoisted) and h.name == s.name:
            return f" /* {comment(_PREFIX.sub('', expression_text(kernel, h.expr)))} */"
        if not isinstance(h, Hoisted) and any(s.name in row for row in h.entries):
            return " /* an entry of exp(A dt), where dx/dt = A x + b */"
    return " /* computed from the constants when this was exported */"


def commented(lines: Iterable[str]) -> list[str]:
    """Statements, each under the equation that it came from; one that goes on with the same equation stands below the one before."""
    found, last = [], None
    for line in lines:
        match = _EQUATION.match(line)
        if match and match[2] != last:
            found.append(f"/* {match[2]} */")
        last = match[2] if match else last
        found.append(match[1] if match else line)
    return found


def number(value: float | int | bool, type_: str) -> str:
    """A number as a literal of a kernel's type."""
    if type_ == "f32":
        return single_literal(0.0 if abs(value) < float(TINY) else value)
    if type_ == "f64":
        return literal(Const(float(value), "f64"))
    if type_ == "b8":
        return "1" if value else "0"
    value = int(value)
    if value == -(1 << 63):
        return "(-INT64_C(9223372036854775807) - 1)"
    return str(value) if abs(value) < 1 << 31 else f"INT64_C({value})" if value >= 0 else f"(-INT64_C({-value}))"


def _rendered(template: str, **names) -> str:
    return environment().get_template(f"export/c/{template}").render(**names)
