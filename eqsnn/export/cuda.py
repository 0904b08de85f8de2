"""A program as a CUDA project: the kernels as the backend 'cuda' has them, and the text that puts them to work without Python."""

from __future__ import annotations

import numpy as np

import eqsnn
from eqsnn.backends.cuda import build, host
from eqsnn.backends.cuda.layout import EVERYTHING_MET, types
from eqsnn.backends.cuda.source import beside_headers, engine_source
from eqsnn.backends.render import environment, prelude, templates
from eqsnn.export.c import meaning, number
from eqsnn.export.cuda_program import Addresses, CudaProgram, DeviceStep, Entry, Part
from eqsnn.export.memory import Field, Ref
from eqsnn.export.readme import description
from eqsnn.kernel.ir import Kernel, Scalar

_SMALL = 64
"""Arrays of the engine with so few elements are text of the program."""
_WAYS = {
    "free": "each synapse by itself",
    "counted": "what has arrived is counted first",
    "atomic": "sums in any order, by atomics",
    "gather far": "each neuron its arrivals, in their order",
    "gather near": "each neuron its arrivals, in their order",
    "serial": "one synapse after the other, by one thread",
}


class CudaProject:
    """The files of a project for a GPU."""

    FLAGS = build.FLAGS[1:-1]

    def __init__(self, program: CudaProgram, embedded: bool = False):
        self.program, self.number = program, number
        self._inner = set(map(id, program.inner))

    def sources(self) -> dict[str, str]:
        """Path and text of every file but the data."""
        names = dict(p=self.program, c=self, version=eqsnn.__version__, cuda=True)
        own = ("network.h", "network.cu", "main.cu", "CMakeLists.txt", "README.md")
        files = {path: environment().get_template(f"export/cuda/{path}.j2").render(**names) for path in own}
        files["kernels.cuh"] = (
            environment()
            .get_template("export/cuda/kernels.cuh.j2")
            .render(text=beside_headers(self.program.source.text), deterministic=self.program.deterministic)
        )
        files["engine.cuh"] = beside_headers(engine_source())
        files |= {"npy.h": environment().get_template("export/c/npy.h.j2").render(**names)}
        files |= {"npy.cu": environment().get_template("export/c/npy.c.j2").render(**names)}
        headers = ("eq_words.h", "eq_device.h", "eq_host.h", "eq_host_cuda.h")
        files |= {h: (templates() / "cuda" / h).read_text(encoding="utf-8") for h in headers}
        return files | {"eq_math.h": prelude()[1]}

    @property
    def command(self) -> str:
        """What builds it."""
        return f"nvcc {' '.join(build.FLAGS)} -arch=native network.cu main.cu npy.cu -o network"

    @property
    def host_command(self) -> str:
        """What builds it for a CPU."""
        flags = [f for f in host.FLAGS if f not in ("-O1", "-fPIC")]
        return f"c++ -O2 {' '.join(flags)} -march=native -DEQ_HOST -x c++ network.cu main.cu npy.cu -o network"

    @property
    def data(self) -> list[Field]:
        """What lies in files."""
        return [f for f in self.state if self.given(f)]

    @property
    def ram(self) -> int:
        """The bytes that it takes on the GPU."""
        tables = {"ops": "eq_op", "rings": "eq_ring", "queues": "eq_waiting", "stores": "eq_store"}
        sizes = [8 * len(types("eq_table"))]
        sizes += [8 * len(types(s)) * (len(self.program.tables[t]) + 1) for t, s in tables.items()]
        return sum(_up(n) for n in (*(f.nbytes for f in self.state), *sizes[:-1])) + sizes[-1]

    flash = 0

    def description(self) -> str:
        """The model in words and equations."""
        return description(self.program.objects, self.program.constants, self.program.built.messages)

    # -- arrays ------------------------------------------------------------------------------------------------------------------

    @property
    def state(self) -> list[Field]:
        """All arrays."""
        return [*self.program.fields, *self.program.inner]

    def is_inner(self, f: Field) -> bool:
        """Whether an array is no variable of the user's."""
        return id(f) in self._inner

    def inline(self, f: Field) -> bool:
        """Whether its values are text of the program."""
        return isinstance(f, Addresses) or (
            self.is_inner(f) and f.kept and f.start != "zero" and f.values.size <= _SMALL
        )

    def given(self, f: Field) -> bool:
        """Whether its values lie in a file."""
        return f.start == "data" and not self.inline(f)

    @property
    def alike(self) -> list[Field]:
        """Those that begin with one value in all elements."""
        return [f for f in self.state if f.start == "fill" and not self.inline(f)]

    def npy_type(self, f: Field) -> str:
        """The type of an array in a .npy file."""
        return f.dtype.str

    def value(self, f: Field) -> str:
        """The first element of a field as a literal."""
        return self._literal(f.values.reshape(-1)[0])

    @staticmethod
    def _literal(value) -> str:
        if value.dtype == np.float16:
            return str(int(value.view(np.uint16)))
        if value.dtype.kind == "f":
            return number(float(value), "f32" if value.dtype == np.float32 else "f64")
        return number(int(value), "i64")

    # -- tables ------------------------------------------------------------------------------------------------------------------

    def way(self, s: DeviceStep) -> str:
        """How the synapses of an operation are done."""
        return _WAYS.get(s.way, "") if s.op.kind == "pathway" else ""

    def times(self, clock: int) -> str:
        """Where the times of a clock that ticks at given moments lie on the GPU."""
        entries = self.program.table.fields["times"].field.entries
        return self._expression(entries[clock], "const double *")

    def shortest(self) -> int:
        """The fewest ticks from a step to the next."""
        return min((c.period for c in self.program.clocks if c.period), default=1)

    def filled(self, entry: Entry, step: DeviceStep | None = None) -> str:
        """The statements that fill an entry of a table, and the small arrays that it alone leads to."""
        struct = {"ops": "eq_op", "rings": "eq_ring", "queues": "eq_waiting", "stores": "eq_store", "table": "eq_table"}
        declared = types(struct[entry.part.table])
        at = "table" if entry.part.table == "table" else f"{entry.part.table}[{entry.part.k}]"
        lines = []
        for name, value in entry.fields.items():
            if isinstance(value, Ref):
                lines += self._values(value.field, name, step)
            lines.append(f"e->{at}.{name} = {self._expression(value, declared[name])};")
        return "\n".join(f"    {line}" for line in lines)

    def _expression(self, value: int | Ref | Part | None, type_: str) -> str:
        if value is None:
            return "NULL"
        if isinstance(value, Part):
            return f"e->gpu_{value.table}{f' + {value.k}' if value.k else ''}"
        if not isinstance(value, Ref):
            return "EQ_EVERYTHING_MET" if value == EVERYTHING_MET else number(value, "i64")
        pointer = f"net->{value.field.path}{f' + {value.offset}' if value.offset else ''}"
        own = f"{value.field.type}*" if isinstance(value.field, Addresses) else f"{value.field.type} *"
        plain = type_.replace("const ", "").replace("*const", "*").replace(" ", "")
        return pointer if plain in (own.replace(" ", ""), "void*") else f"({type_})(void *)({pointer})"

    def _values(self, f: Field, name: str, step: DeviceStep | None) -> list[str]:
        """Statements that put the values of a small array on the GPU."""
        if not self.inline(f):
            return []
        if isinstance(f, Addresses):
            more = [line for e in f.entries if e is not None for line in self._values(e.field, "", None)]
            found = [self._expression(e, f.type) for e in f.entries]
            start = f"{f.type}const {f.name}[]"
            return [*more, *_initialised(start, found), f"upload(net, net->{f.path}, {f.name}, sizeof {f.name});"]
        texts = [self._literal(v) for v in f.values]
        kernel = None if step is None else step.op.kernel
        if kernel is not None and name in ("real", "integer"):
            texts = [text + note for text, note in zip(texts, _meanings(kernel, name == "real"))]
        return [
            *_initialised(f"static const {f.type} {f.name}[]", texts),
            f"upload(net, net->{f.path}, {f.name}, sizeof {f.name});",
        ]


def _initialised(start: str, texts: list[str]) -> list[str]:
    line = f"{start} = {{ {', '.join(texts)} }};"
    if len(line) <= 150:
        return [line]
    return [f"{start} = {{", *(f"    {text}," for text in texts), "};"]


def _meanings(kernel: Kernel, real: bool) -> list[str]:
    """What the numbers of a kernel of one kind are, as comments."""
    found: list[Scalar] = [s for s in kernel.scalars if (s.type in ("f64", "f32")) == real]
    return [meaning(kernel, s) or f" /* {s.variable} */" for s in found] or [""]


def _up(n: int) -> int:
    return -(-n // 256) * 256
