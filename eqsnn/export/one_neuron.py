"""One neuron model as one function, for people who embed it in a simulator of their own: ``eqsnn export --kernel MODEL.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from eqsnn import pipeline
from eqsnn.backends.backend import backend
from eqsnn.backends.printer import text_of
from eqsnn.backends.render import environment, prelude
from eqsnn.errors import EqsnnError
from eqsnn.export.c import commented, number
from eqsnn.export.names import Names, safe
from eqsnn.kernel.ir import (
    Buffer,
    Expr,
    Kernel,
    Load,
    Local,
    Scalar,
    Store,
    children,
    expressions,
    rebuild,
    walk,
    with_expressions,
)
from eqsnn.kernel.passes.dead_code import remove_dead_code
from eqsnn.language.parse import parse_expression
from eqsnn.model.model import Scope
from eqsnn.network.clock import Clock
from eqsnn.network.evaluate import HostExpression
from eqsnn.network.neurongroup import NeuronGroup
from eqsnn.runtime.planner import Planner
from eqsnn.runtime.settings import settings
from eqsnn.runtime.simulation import Network, engine_of
from eqsnn.units import DIMENSIONLESS, Quantity, second

LANGUAGES = ("c", "cython", "cuda")
KEYS = ("equations", "threshold", "reset", "refractory", "method", "name", "dt", "parameters")
_TYPES = {"f64": "double", "f32": "float", "i64": "int64_t", "b8": "int64_t"}
_NUMBER_AND_UNIT = re.compile(r"\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s+(\S.*)")


@dataclass(frozen=True)
class Argument:
    """What the function gets: its ``name``, type in C, and what it is. A ``pointer`` is read and written."""

    name: str
    type: str
    about: str
    pointer: bool = False

    @property
    def declaration(self) -> str:
        return f"{self.type} {'*' if self.pointer else ''}{self.name}"


@dataclass(frozen=True)
class Part:
    """The statements of one kernel of the neuron, with the numbers that they use; ``spikes``: the condition of its spike, if it decides
    that."""

    about: str
    numbers: tuple[str, ...]
    body: tuple[str, ...]
    spikes: str | None = None


def model_from_toml(path: Path, method: str | None = None, dt: str | None = None) -> NeuronGroup:
    """The neuron of a model file, with the constants that its table ``parameters`` gives. Raises EqsnnError."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EqsnnError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise EqsnnError(f"{path} is no TOML file: {error}") from None
    unknown = sorted(set(found) - set(KEYS))
    if unknown or "equations" not in found:
        what = f"does not know '{unknown[0]}'" if unknown else "needs 'equations'"
        raise EqsnnError(f"{path}: a model file {what}; its keys are {', '.join(sorted(KEYS))}")
    parameters = found.get("parameters", {})
    if not isinstance(parameters, Mapping):
        raise EqsnnError(f"{path}: 'parameters' is a table of names and values, such as [parameters] and tau = '10 ms'")
    values = {name: quantity(name, value, path) for name, value in parameters.items()}
    step = quantity("dt", dt or found.get("dt", "0.1 ms"), path)
    if getattr(step, "dim", DIMENSIONLESS) != second.dim:
        raise EqsnnError(f"{path}: dt is a time, such as '0.1 ms'; got {dt or found.get('dt')!r}")
    return NeuronGroup(
        1,
        found["equations"],
        threshold=found.get("threshold"),
        reset=found.get("reset"),
        refractory=found.get("refractory", False),
        method=method or found.get("method"),
        namespace=values,
        clock=Clock(step),
        name=safe(found.get("name", path.stem.replace("-", "_"))),
    )


def quantity(name: str, value: object, path: Path):
    """A number of a model file, or a text such as '10 ms' or '-70*mV', as a number or quantity."""
    if isinstance(value, (bool, int, float)):
        return value
    if not isinstance(value, str):
        raise EqsnnError(f"{path}: '{name}' is a number or a text such as '10 ms'; got {value!r}")
    match = _NUMBER_AND_UNIT.fullmatch(value)
    text = f"{match[1]}*({match[2]})" if match and match[2][0] not in "*/+-" else value
    expr = HostExpression(parse_expression(text, f"'{name}' in {path}"), Scope({}))
    plain = float(expr.values(1, lambda owner, variable: 0.0, [], ("model file",))[0])
    dim = expr.dimension([])
    return plain if dim in (None, DIMENSIONLESS) else Quantity(plain, dim=dim)


class OneNeuron:
    """The function of a neuron model. Raises EqsnnError for a model that is not about one neuron alone."""

    def __init__(self, group: NeuronGroup):
        self.group = group
        self.plan = self._planned()
        self.name = safe(group.name)
        self.names = Names((f"{self.name}_step", "i", "spiked", "unmet"))
        self.arguments: dict[tuple[str, str], Argument] = {}
        self.kernels = self._kernels()
        self.written = {b.variable for _, k in self.kernels for b in k.buffers if b.writable}
        self.parts = [self._part(about, k) for about, k in self.kernels]

    # -- the kernels -------------------------------------------------------------------------------------------------------------

    def _planned(self) -> Planner:
        """A plan of the group alone: it finds what is wrong with the model."""
        net = Network(self.group)
        plan = Planner(net.objects, {}, engine_of(backend("numpy")), settings, False)
        plan.build()
        return plan

    def _kernels(self) -> list[tuple[str, Kernel]]:
        o = self.group
        if o.model.of_kind("subexpression") and any(v.held for v in o.model.variables):
            raise self._refused("subexpressions that are (constant over dt)", "write the expression where it is used")
        others = [e for e in o.event_names if e != "spike"]
        if others:
            raise self._refused(f"the event '{others[0]}'", "a function knows the spike alone")
        if any(v.linked for v in o.model.variables):
            raise self._refused("linked variables", "make them parameters")
        varying = frozenset(v.name for v in o.model.of_kind("parameter"))
        threshold = "spike" in o.event_names
        step = pipeline.neuron_step(
            o.model, o.method, varying | self.plan.varying(o), f"{o.name}_step", True, threshold, False
        )
        if step.shared is not None:
            raise self._refused("shared variables that change", "a neuron alone shares nothing")
        found = [("the step of the equations" + (", and the threshold" if threshold else ""), step.own)]
        if threshold:
            found.append(("what a spike leaves behind", pipeline.marks_of_a_spike(o.model, f"{o.name}_marks")))
            for e in o.model.events:
                if e.reset is not None:
                    found.append(("the reset", pipeline.reset(o.model, e.reset, f"{o.name}_reset", False)))
        found = [(about, k) for about, k in found if k is not None]
        for _, k in found:
            if any(b.extent == "table" for b in k.buffers) or k.externs:
                raise self._refused(
                    "TimedArrays and functions of the user",
                    "give their values as a parameter, which you set before each step",
                )
        return self._without_unread(found)

    def _without_unread(self, kernels: list[tuple[str, Kernel]]) -> list[tuple[str, Kernel]]:
        """``not_refractory`` is stored only if something reads it."""
        loads = {
            k.buffer(e.buffer).variable
            for _, k in kernels
            for s in k.body
            for x in expressions(s)
            for e in walk(x)
            if isinstance(e, Load)
        }
        if "not_refractory" in loads:
            return kernels
        found = []
        for about, k in kernels:
            gone = {b.name for b in k.buffers if b.variable == "not_refractory"}
            body = tuple(s for s in k.body if not (isinstance(s, Store) and s.buffer in gone))
            if body:
                found.append((about, remove_dead_code(replace(k, body=body)) if gone else k))
        return found

    def _refused(self, what: str, hint: str) -> EqsnnError:
        return EqsnnError(f"'{self.group.name}' has {what}, which one function for one neuron does not have: {hint}")

    # -- the text ----------------------------------------------------------------------------------------------------------------

    def _part(self, about: str, kernel: Kernel) -> Part:
        scalars = self.plan.binding(kernel, self.group, {"self": self.group}, self.group.clock, about).scalars
        kernel = self._as_one(kernel)
        text = text_of(kernel, pairs=False, plain=True, user="user_")
        numbers = [f"{p.type} *b_{p.buffer} = {self._pointer(kernel.buffer(p.buffer))};" for p in text.pointers]
        for s in text.numbers:
            kind = {"f64": "double", "f32": "float", "b8": "int"}.get(s.type, "int64_t")
            numbers.append(f"const {kind} s_{s.name} = {self._number(s, scalars, about)};")
        spikes = text.emits
        if text.chance is not None:
            raise self._refused("spikes by chance alone", "compare a random number with the probability yourself")
        return Part(about, tuple(numbers), tuple(commented(text.body)), spikes)

    def _as_one(self, kernel: Kernel) -> Kernel:
        """The kernel with the number of the neuron as a number given, and what is only read as a value."""
        read = {b.name: b for b in kernel.buffers if b.variable not in self.written and b.owner == "self"}
        taken = {s.name for s in kernel.scalars}
        names = {n: f"{n}_given" if n in taken else n for n in read}

        def changed(e: Expr) -> Expr:
            if isinstance(e, Local) and e.name == "@i":
                return Local("element", "i64")
            if isinstance(e, Load) and e.buffer in read:
                return Local(names[e.buffer], e.type)
            parts = children(e)
            return rebuild(e, tuple(changed(p) for p in parts)) if parts else e

        body = tuple(with_expressions(s, tuple(changed(e) for e in expressions(s))) for s in kernel.body)
        values = tuple(Scalar(names[n], b.type, "given", b.variable) for n, b in read.items())
        scalars = (*kernel.scalars, *values, Scalar("element", "i64", "given", "@i"))
        return replace(
            kernel, body=body, scalars=scalars, buffers=tuple(b for b in kernel.buffers if b.name not in read)
        )

    def _argument(self, key: tuple[str, str], name: str, type_: str, about: str, pointer: bool = False) -> str:
        if key not in self.arguments:
            self.arguments[key] = Argument(self.names.new(name), type_, about, pointer)
        return self.arguments[key].name

    def _pointer(self, b: Buffer) -> str:
        return self._argument(("state", b.variable), b.variable, _TYPES[b.type], self._about(b.variable), True)

    def _about(self, variable: str) -> str:
        if variable == "lastspike":
            return "the time of the last spike in seconds, below -1e3 before there was one"
        if variable == "not_refractory":
            return "whether the neuron is not refractory, at first 1"
        known = self.group.variables.get(variable)
        unit = "" if known is None else f" ({known.dim})"
        definition = next((v for v in self.group.model.variables if v.name == variable), None)
        return f"{definition.span.line if definition is not None else variable}{unit}"

    def _number(self, s: Scalar, scalars: Mapping[str, float | int], part: str) -> str:
        match (s.owner, s.variable):
            case ("given", "@i"):
                return self._argument(("element", ""), "element", "int64_t", "the number of the neuron")
            case ("given", name):
                return self._argument(("value", name), name, _TYPES[s.type], self._about(name))
            case ("clock", "t"):
                return self._argument(("t", ""), "t", "double", "the time at the start of the step in seconds")
            case ("clock", "step"):
                return self._argument(("step", ""), "step", "int64_t", "the number of the step")
            case ("random", "key"):
                key = self._argument(("key", ""), "key", "int64_t", "which random numbers: any number")
                return f"(int64_t)((uint64_t){key} + {[about for about, _ in self.kernels].index(part)}u)"
            case ("random", "count"):
                return self._argument(
                    ("count", ""), "count", "int64_t", "the number of the step, for random numbers: others in each step"
                )
        return f"{number(scalars.get(s.name, 0), s.type)}"

    # -- files -------------------------------------------------------------------------------------------------------------------

    def sources(self, language: str) -> dict[str, str]:
        """Path and text of each file. Raises EqsnnError for a language that there is not."""
        if language not in LANGUAGES:
            raise EqsnnError(
                f"there is no language {language!r} for a kernel; there is {', '.join(map(repr, LANGUAGES))}"
            )
        names = dict(
            o=self,
            arguments=[self.arguments[k] for k in sorted(self.arguments, key=self._rank)],
            group=self.group,
            dt=self.group.clock.dt_,
            model=self.model_lines(),
        )
        files = {f"{self.name}.h": _rendered("kernel.h.j2", **names), "eq_math.h": prelude()[1]}
        if language == "cython":
            files[f"{self.name}_steps.pyx"] = _rendered("kernel.pyx.j2", **names)
        if language == "cuda":
            files[f"{self.name}.cu"] = _rendered("kernel.cu.j2", **names)
        return files

    def _rank(self, key: tuple[str, str]) -> tuple[int, int]:
        """The order of arguments: what the neuron keeps and what it is given, as in the equations; then time, and what random numbers
        need."""
        kinds = ("state", "value", "t", "step", "element", "key", "count")
        variables = [v.name for v in self.group.model.variables]
        return kinds.index(key[0]), variables.index(key[1]) if key[1] in variables else len(variables)

    def model_lines(self) -> list[str]:
        """The model as it was written, and the constants."""
        from eqsnn.export.readme import code_of

        values = self.plan.constants.get(self.group, {})
        shown = [f"{n} = {v!r} (SI units)" for n, v in sorted(values.items()) if not n.startswith("_")]
        return [line.replace("*/", "* /") for line in [*code_of(self.group), *shown]]


def _rendered(template: str, **names) -> str:
    return environment().get_template(f"export/kernel/{template}").render(**names)
