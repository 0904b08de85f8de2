"""A layer by itself (kernel/learner.py) as C, for arrays that others have made: what its input variables are comes in, and what its states and
events are goes out, all as [sample][step][neuron], with any strides but that neurons lie side by side.

The kernels are those of the learner. It lays samples side by side, and here neurons do, so that nobody has to turn an array over: neither
what the layer before has left, nor what the layer behind reads. The sum over samples of a parameter's gradient is one for each block of
``BLOCK`` samples, in their order; blocks are added by the caller, and neither threads nor timing change a bit.
"""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path

from eqsnn.backends import cache, compiler
from eqsnn.backends.c.build import EXPORT
from eqsnn.backends.learner import _OPTIONS, _used
from eqsnn.backends.render import environment, learner_version, prelude, templates
from eqsnn.errors import CompileError
from eqsnn.kernel.ir import Kernel, identifier
from eqsnn.kernel.learner import Layer

BLOCK = 16
_ADJOINT = "adj_"


def places(layer: Layer) -> dict[tuple, int]:
    """The order of arrays. Forward: ('input', v), ('parameter', p), ('start', v) and ('state', v), which begins as the start and ends as the last
    step leaves it, ('record', v) after each step (may be NULL), and 'spike'. Backward: the derivatives ('slope', v) and ('slope', 'spike') of
    what was recorded, ('after', v) of the last state (each NULL for 0, but that of spikes), and what is sought: ('adjoint', v) of the start,
    ('drive', v) of an input, ('gradient', p) of a parameter, a row for each block."""
    keys: list[tuple] = [("input", v) for v in layer.inputs] + [("parameter", p) for p in layer.parameters]
    for v in layer.states:
        keys += [("start", v), ("state", v), ("record", v), ("slope", v), ("after", v), ("adjoint", v)]
    keys += [("spike",), ("slope", "spike")]
    keys += [("drive", v) for v in layer.inputs] + [("gradient", p) for p in layer.sought]
    return {key: n for n, key in enumerate(keys)}


def read_behind(layer: Layer) -> frozenset[str]:
    """The variables that the way back reads as the steps found them: inputs, and states whose record it needs."""
    return frozenset(b.variable for b in _used(layer.backward) if b.variable in (*layer.states, *layer.inputs))


class _Writer:
    def __init__(self, layer: Layer, single: bool):
        self.layer, self.places = layer, places(layer)
        self.real = "float" if single else "double"

    def parts(self) -> dict:
        layer, at = self.layer, self.places
        forward, forward_call = self._forward()
        backward, backward_call = self._backward()
        kinds = ("start", "state", "record", "slope", "after", "adjoint")
        spike, read = at[("spike",)], read_behind(layer)
        return dict(
            real=self.real,
            block=BLOCK,
            export=EXPORT,
            owner=layer.name.replace("*/", ""),
            states=[{kind: at[(kind, v)] for kind in kinds} for v in layer.states],
            before=[
                (f"before_{identifier(v)}", spike if v in layer.echoes else at[("record", v)], at[("start", v)])
                for v in layer.states
                if v in read
            ],
            forward=self._lines(layer.forward),
            backward=self._lines(layer.backward),
            forward_arguments=forward,
            forward_call=forward_call,
            backward_arguments=backward,
            backward_call=backward_call,
        )

    def _lines(self, kernel: Kernel) -> tuple[str, ...]:
        from eqsnn.backends.printer import lines_of

        return lines_of(kernel, {b.name: "i" for b in kernel.buffers})

    def _row(self, *key) -> str:
        return f"EQ_ROW({self.places[key]})"

    def _forward(self) -> tuple[list[str], list[str]]:
        layer, arguments, call = self.layer, [], []
        for b in _used(layer.forward):
            v = b.variable
            key = (
                ("spike",) if v == "spike"
                else ("parameter", v) if v in layer.parameters
                else ("input", v) if v in layer.inputs
                else ("state", v)
            )  # fmt: skip
            const = "const " if key[0] in ("parameter", "input") else ""
            arguments.append(f"{const}{self.real} *EQ_RESTRICT b_{b.name}")
            call.append(self._row(*key))
        return arguments, call

    def _backward(self) -> tuple[list[str], list[str]]:
        layer, arguments, call = self.layer, [], []
        for b in _used(layer.backward):
            v, of = b.variable, b.variable.removeprefix(_ADJOINT)
            const = "const "
            if v == f"{_ADJOINT}spike":
                what = self._row("slope", "spike")
            elif v != of and of in (*layer.states, *layer.inputs, *layer.sought):
                kind = "adjoint" if of in layer.states else "drive" if of in layer.inputs else "gradient"
                what, const = self._row(kind, of), ""
            elif v in layer.parameters:
                what = self._row("parameter", v)
            elif v in layer.inputs:
                what = self._row("input", v)
            else:
                what = f"before_{identifier(v)}"
            arguments.append(f"{const}{self.real} *EQ_RESTRICT b_{b.name}")
            call.append(what)
        return arguments, call


def source_of(layer: Layer, single: bool) -> str:
    """The C file of a layer by itself."""
    abi, math = prelude()
    return environment().get_template("c/neurons.c.j2").render(abi=abi, math=math, **_Writer(layer, single).parts())


@functools.cache
def _version() -> str:
    own = (Path(__file__), templates() / "c" / "neurons.c.j2")
    return learner_version() + "".join(p.read_text(encoding="utf-8") for p in own)


@functools.cache
def _load(path: str) -> ctypes.CDLL:
    library = ctypes.CDLL(path)
    for f in (library.eq_neurons_forward, library.eq_neurons_backward):
        f.restype = ctypes.c_int64
        f.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64]
    return library


def build(layer: Layer, single: bool) -> ctypes.CDLL:
    """The compiled layer, from the cache if it was made before. Raises CompileError."""
    key = cache.key_of("neurons", _version(), repr(layer), str(single), compiler.compiler().identity(), *_OPTIONS)
    path = cache.find(key, ".so")
    if path is None:
        try:
            source = source_of(layer, single)
            path = compiler.start("neurons.c", source, suffix=".so", options=_OPTIONS, key=key).finish()
        except compiler.BuildFailure as failure:
            raise CompileError(f"the neurons of {layer.name} did not compile.\n{failure}") from None
    return _load(str(path))
