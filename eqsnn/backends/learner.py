"""A learner (kernel/learner.py) as C: one loop over time forward and one backward, around the printed kernels and the projections of eq_learn.h.

The two functions take an array of addresses and one of sizes, in the order of ``Places``. Arrays begin on 64 bytes; all but weights, gradients of
weights and parameters have a leading axis of blocks of ``lanes`` samples.
"""

from __future__ import annotations

import ctypes
import functools
from dataclasses import dataclass

from eqsnn.backends import cache, compiler
from eqsnn.backends.c.build import EXPORT
from eqsnn.backends.render import learner_text, learner_version
from eqsnn.errors import CompileError
from eqsnn.kernel.ir import Kernel, identifier
from eqsnn.kernel.learner import Layer, Learner

_ADJOINT = "adj_"
_NUMBER = {"f64": "double", "f32": "float", "i64": "int64_t"}
_SAMPLE = {"sample": "block * EQ_LANES + l", "element": "(block * EQ_LANES + l) * n_neurons + n"}
"""The number of a sample, and that of a neuron of it among the neurons of all samples."""
_OPTIONS = ("-shared", "-fvisibility=hidden", "-std=gnu11", "-Wno-psabi", "-Wno-unused-function")


def lanes(single: bool) -> int:
    """Samples in one vector of 64 bytes."""
    return 16 if single else 8


@dataclass(frozen=True)
class Places:
    """Where arrays and numbers stand in what the functions are called with, by (kind, layer or projection, variable)."""

    arrays: dict[tuple, int]
    sizes: dict[tuple, int]


def places(learner: Learner) -> Places:
    """The order of arguments. Arrays: events presented, their values and the derivatives of these; for each layer bits, the ring of derivatives
    of events, states, inputs, tape, parameters, derivatives, what it sends with its derivatives, tables and numbers; for each projection with
    weights these and their gradient; scratch; readout. Sizes: steps, number of inputs, of each layer, the lag of each projection, the ring of
    each layer, scratch a block; how many steps of the past lie before the first in arrays of what is presented, bits and what is sent, and how
    many of these have been; the key of each layer's random numbers."""
    keys: list[tuple] = [("in_bits",), ("in_values",), ("in_slope",), ("counted",)]
    keys += [("push", k) for k in range(len(learner.layers))]
    for k, layer in enumerate(learner.layers):
        keys += [("bits", k), ("ring", k)]
        keys += [("state", k, v) for v in layer.states] + [("input", k, v) for v in layer.inputs]
        keys += [("echo", k, v) for v in layer.echoes] + [("start", k, v) for v in layer.echoes]
        keys += [("tape", k, v) for v in layer.taped] + [("parameter", k, v) for v in layer.parameters]
        keys += [("adjoint", k, v) for v in (*layer.states, *layer.inputs, *layer.sought)]
        keys += [(kind, k, v) for v in layer.sent for kind in ("sent", "sent_adjoint")]
        keys += [("table", k, v) for v in layer.tables] + [("numbers", k)]
    for k, p in enumerate(learner.projections):
        keys += [] if p.linked else [("weights", k), ("gradient", k)]
    keys += [("scratch",), ("readout",)]
    sizes: list[tuple] = [("steps",), ("n_in",)]
    sizes += [("n", k) for k in range(len(learner.layers))]
    sizes += [("lag", k) for k in range(len(learner.projections))]
    sizes += [("ring", k) for k in range(len(learner.layers))] + [
        ("scratch",),
        ("history",),
        ("before",),
        ("carried",),
        ("in_steps",),
        ("counted_steps",),
    ]
    sizes += [("key", k) for k in range(len(learner.layers))]
    return Places({key: n for n, key in enumerate(keys)}, {key: n for n, key in enumerate(sizes)})


def beside(kernel: Kernel, k: int, layer: Layer, places: Places) -> tuple[list[str], list[str]]:
    """The arguments of a kernel of layer ``k`` that are no arrays of neurons: tables, and numbers."""
    arguments, call = ["int64_t block"], ["block"]
    for b in _used(kernel):
        if b.owner == "table":
            arguments.append(f"const {_NUMBER[b.type]} *EQ_RESTRICT b_{b.name}")
            call.append(f"(const {_NUMBER[b.type]} *)at[{places.arrays['table', k, b.variable]}]")
    numbers = layer.numbers
    for s in kernel.scalars:
        if s.owner == "sample":
            continue
        arguments.append(f"{_NUMBER[s.type]} s_{s.name}")
        if s.owner == "shape":
            what = f"((const double *)at[{places.arrays['numbers', k]}])[{numbers.index(s.variable)}]"
        elif s.variable == "key":
            what = f"size[{places.sizes['key', k]}]"
        elif s.variable == "t":
            what = f"(double)(before + t) * ((const double *)at[{places.arrays['numbers', k]}])[0]"
        else:
            what = "before + t"
        call.append(f"({_NUMBER[s.type]})({what})")
    return arguments, call


def sample_numbers(kernel: Kernel) -> tuple[str, ...]:
    """Statements that number the sample, and the neuron among those of all samples, where a kernel asks for them."""
    return tuple(f"const int64_t s_{s.name} = {_SAMPLE[s.variable]};" for s in kernel.scalars if s.owner == "sample")


class _Writer:
    def __init__(self, learner: Learner, plain: bool = False):
        self.learner, self.places, self.plain = learner, places(learner), plain
        self.real = "float" if learner.single else "double"

    def at(self, *key) -> int:
        return self.places.arrays[key]

    def parts(self) -> dict:
        readout = self.learner.readout
        return dict(
            real=self.real,
            function="eqf" if self.learner.single else "eq",
            lanes=lanes(self.learner.single),
            export=EXPORT,
            layers=[self._layer(k, layer) for k, layer in enumerate(self.learner.layers)],
            projections=[self._projection(k) for k in range(len(self.learner.projections))],
            scratch=self.at("scratch"),
            counted=self.at("counted"),
            scratch_size=self.places.sizes[("scratch",)],
            history=self.places.sizes[("history",)],
            before=self.places.sizes[("before",)],
            carried=self.places.sizes[("carried",)],
            in_steps=self.places.sizes[("in_steps",)],
            counted_steps=self.places.sizes[("counted_steps",)],
            readout=self.at("readout"),
            readout_layer=readout.layer,
            readout_spikes=readout.variable == "spike",
            readout_variable=identifier(readout.variable),
        )

    def _projection(self, k: int) -> dict:
        p = self.learner.projections[k]
        presented = p.source < 0
        n_source = "n_in" if presented else f"n{p.source}"
        lag = f"lag{k}"
        values = (
            f"(in_values ? in_values + (t - {lag}) * n_in * EQ_LANES : NULL)" if p.graded else "(const EQ_REAL *)NULL"
        )
        signal = f"{p.source}_{identifier(p.signal)}"
        return dict(
            number=k,
            kind="link" if p.linked else "values" if p.signal else "events",
            source=p.source,
            lag=self.places.sizes[("lag", k)],
            weights=None if p.linked else self.at("weights", k),
            gradient=None if p.linked else self.at("gradient", k),
            source_bits="in_bits" if presented else f"bits{p.source}",
            n_source=n_source,
            worth=values,
            carried=f"sent{signal} + (t - {lag}) * {n_source} * EQ_LANES",
            carried_back=f"back{signal} + ((now + 2 - {lag}) & 1) * {n_source} * EQ_LANES",
        )

    def _layer(self, k: int, layer: Layer) -> dict:
        def placed(kind: str, names) -> list[tuple[str, int]]:
            return [(identifier(v), self.at(kind, k, v)) for v in names]

        forward, forward_call = self._forward(k, layer)
        backward, backward_call = self._backward(k, layer)
        return dict(
            number=k,
            owner=layer.name.replace("*/", ""),
            spikes=layer.spikes,
            bits=self.at("bits", k),
            ring=self.at("ring", k),
            push=self.at("push", k),
            ring_size=self.places.sizes[("ring", k)],
            taped=[(identifier(v), self._name_in(layer.forward, v)) for v in layer.taped],
            state_places=placed("state", layer.states),
            input_places=placed("input", layer.inputs),
            echo_places=[(identifier(v), self.at("echo", k, v), self.at("start", k, v)) for v in layer.echoes],
            prefetched=[self._name_in(layer.backward, v) for v in layer.taped],
            taped_places=placed("tape", layer.taped),
            adjoint_places=placed("adjoint", (*layer.states, *layer.inputs, *layer.sought)),
            sent_places=[(identifier(v), self.at("sent", k, v), self.at("sent_adjoint", k, v)) for v in layer.sent],
            arrivals=[(identifier(v), [self._projection(p) for p in self.learner.onto(k, v)]) for v in layer.inputs],
            forward=self._lines(layer, layer.forward),
            backward=self._lines(layer, layer.backward),
            forward_arguments=forward,
            forward_call=forward_call,
            backward_arguments=backward,
            backward_call=backward_call,
        )

    @staticmethod
    def _name_in(kernel: Kernel, variable: str) -> str:
        return next((b.name for b in kernel.buffers if b.variable == variable), f"only_{identifier(variable)}")

    def _lines(self, layer: Layer, kernel: Kernel) -> tuple[str, ...]:
        from eqsnn.backends.printer import lines_of

        place = {b.name: "n" if b.variable in layer.parameters else "i" for b in kernel.buffers}
        place |= {b.name: "l" for b in kernel.buffers if b.variable == "spike" and b.writable}
        lines = tuple(line.replace("b_spike[l]", "event[l]") for line in lines_of(kernel, place, self.plain))
        return (*sample_numbers(kernel), *lines)

    def _beside(self, k: int, kernel: Kernel) -> tuple[list[str], list[str]]:
        return beside(kernel, k, self.learner.layers[k], self.places)

    def _forward(self, k: int, layer: Layer) -> tuple[list[str], list[str]]:
        arguments, call = self._beside(k, layer.forward)
        for b in _used(layer.forward):
            name, v = b.name, b.variable
            if v == "spike" or b.owner == "table":
                continue
            if v in layer.sent:
                arguments.append(f"{self.real} *EQ_RESTRICT b_{name}")
                call.append(f"sent{k}_{identifier(v)} + t * n{k} * EQ_LANES")
                continue
            kind = "parameter" if v in layer.parameters else "input" if v in layer.inputs else "state"
            const = "const " if kind != "state" else ""
            arguments.append(f"{const}{self.real} *EQ_RESTRICT b_{name}")
            call.append(
                f"(const {self.real} *)at[{self.at('parameter', k, v)}]"
                if kind == "parameter"
                else f"{kind}{k}_{identifier(v)}"
            )
        for v in layer.taped:
            if all(b.variable != v for b in _used(layer.forward)):
                arguments.append(f"const {self.real} *EQ_RESTRICT b_{self._name_in(layer.forward, v)}")
                call.append(f"{'input' if v in layer.inputs else 'state'}{k}_{identifier(v)}")
            arguments.append(f"{self.real} *EQ_RESTRICT t_{identifier(v)}")
            call.append(f"tape{k}_{identifier(v)} + t * n{k} * EQ_LANES")
        if layer.spikes:
            arguments.append("uint16_t *EQ_RESTRICT bits")
            call.append(f"bits{k} + t * n{k}")
        return arguments, call

    def _backward(self, k: int, layer: Layer) -> tuple[list[str], list[str]]:
        arguments, call = self._beside(k, layer.backward)
        for b in _used(layer.backward):
            v = b.variable
            if b.owner == "table":
                continue
            if v == f"{_ADJOINT}spike":
                what, const = f"spike{k} + (now % ring{k}) * n{k} * EQ_LANES", "const "
            elif v.startswith(_ADJOINT) and v.removeprefix(_ADJOINT) in (*layer.states, *layer.inputs, *layer.sought):
                what, const = f"adj{k}_{identifier(v.removeprefix(_ADJOINT))}", ""
            elif v.startswith(_ADJOINT) and v.removeprefix(_ADJOINT) in layer.sent:
                what, const = f"back{k}_{identifier(v.removeprefix(_ADJOINT))} + (now & 1) * n{k} * EQ_LANES", "const "
            elif v in layer.echoes:
                what, const = f"echo{k}_{identifier(v)}", "const "
            elif v in layer.parameters:
                what, const = f"(const {self.real} *)at[{self.at('parameter', k, v)}]", "const "
            else:
                what, const = f"tape{k}_{identifier(v)} + t * n{k} * EQ_LANES", "const "
            arguments.append(f"{const}{self.real} *EQ_RESTRICT b_{b.name}")
            call.append(what)
        return arguments, call


def _used(kernel: Kernel):
    from eqsnn.kernel.ir import Load, Store, expressions, walk

    names = {s.buffer for s in kernel.body if isinstance(s, Store)}
    names |= {e.buffer for s in kernel.body for part in expressions(s) for e in walk(part) if isinstance(e, Load)}
    return [b for b in kernel.buffers if b.name in names]


def parts_of(learner: Learner, plain: bool = False) -> dict:
    """What the templates of a learner are filled with; ``plain``: for CUDA."""
    return _Writer(learner, plain).parts()


def source_of(learner: Learner) -> str:
    """The C file of a learner."""
    return learner_text(parts_of(learner))


@functools.cache
def _load(path: str) -> ctypes.CDLL:
    return ctypes.CDLL(path)


def build(learner: Learner) -> ctypes.CDLL:
    """The compiled learner, from the cache if it was made before. Raises CompileError."""
    key = cache.key_of("learner", learner_version(), repr(learner), compiler.compiler().identity(), *_OPTIONS)
    path = cache.find(key, ".so")
    if path is None:
        try:
            path = compiler.start("learner.c", source_of(learner), suffix=".so", options=_OPTIONS, key=key).finish()
        except compiler.BuildFailure as failure:
            owners = ", ".join(layer.name for layer in learner.layers)
            raise CompileError(f"the learner of {owners} did not compile.\n{failure}") from None
    library = _load(str(path))
    for f in (library.eq_learn_forward, library.eq_learn_backward):
        f.restype = ctypes.c_int64
        f.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64]
    for f, arrays in (("present", 3), ("count", 3), ("softmax", 7), ("hits", 5)):
        function = getattr(library, f"eq_learn_{f}")
        function.restype, function.argtypes = None, [*[ctypes.c_void_p] * arrays, ctypes.c_int64, ctypes.c_int64]
    return library
