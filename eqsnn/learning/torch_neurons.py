"""Neurons in equations as a module of PyTorch: two functions of autograd around compiled kernels. Imported by ``torch_face`` alone.

``_Constants`` makes of parameters what a step needs (exp(-dt/tau) ...), once for many steps; ``_Steps`` does steps. Arrays stay where torch has
them: kernels read and write rows of neurons.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from eqsnn.backends.neurons import BLOCK
from eqsnn.errors import EqsnnError
from eqsnn.kernel.learner import Layer
from eqsnn.kernel.passes.fit_memory import fit_memory
from eqsnn.learning.compiled import NativeKernels
from eqsnn.learning.layers import Parameters, external_values, layer_of
from eqsnn.learning.network import _scale
from eqsnn.learning.rows import RowEngine
from eqsnn.model.training import bounds_of
from eqsnn.network.neurongroup import NeuronGroup
from eqsnn.units import Dimension, Quantity, dimensions_of

_SPIKE = "spike"


@dataclass(frozen=True)
class Options:
    """What ``torch_module`` was given beside the model."""

    inputs: tuple[str, ...] | None
    returns: tuple[str, ...] | None
    bounds: str
    units: dict[str, object]
    dtype: torch.dtype | None
    threads: int | None
    smooth: bool


@dataclass(frozen=True)
class _Value:
    """A number of the model that the module holds. ``place``: the attribute with it; ``scale``: what counts as 1, in base SI; ``free``: whether
    the attribute is a number without bounds that is mapped into them."""

    name: str
    place: str
    scale: float
    bounds: tuple[float, float]
    dim: Dimension
    free: bool = False


class _Made:
    """What is made again where it is missing: neither copied nor pickled with a module."""

    def __init__(self):
        self.engines: dict[torch.dtype, RowEngine] = {}
        self.native: NativeKernels | None = None
        self.constants: tuple | None = None

    def __deepcopy__(self, memo) -> _Made:
        return _Made()

    def __reduce__(self):
        return _Made, ()


def _must_be_plain(group: NeuronGroup, layer: Layer) -> None:
    """A module has tensors of numbers, and steps that depend on these alone. Raises EqsnnError."""
    if layer.whole:
        what = "is refractory" if group.has_refractory else f"changes '{layer.whole[0]}', which is no float"
    elif layer.random:
        what = "draws random numbers"
    elif layer.moving or layer.tables:
        what = "depends on the time t"
    else:
        return
    raise EqsnnError(f"{group.name} {what}, which eq.Trainer trains and a torch module does not have")


class Neurons(torch.nn.Module):
    """See ``eqsnn.torch_module``. A trained parameter ``tau`` is the attribute ``tau``, the start of a state ``u`` is ``u_start``; times count in
    steps, other quantities relative to their largest value at the start, and plain numbers as they are. ``quantity(name)`` has units."""

    def __init__(self, group: NeuronGroup, options: Options):
        super().__init__()
        trained = layer_of(group, single=False, smooth=options.smooth)
        _must_be_plain(group, trained.layer)
        self._name, self._n, self._dt = group.name, len(group), group.clock.dt_
        self._layer: Layer = trained.layer
        self._parameters_of: Parameters = trained.parameters
        self._externals = external_values(group)
        self._threads = options.threads
        self._inputs = _chosen_inputs(group.name, self._layer, options.inputs)
        self._returns = _chosen_returns(group.name, self._layer, options.returns)
        self._units = {name: _unit(group, name, unit, self) for name, unit in options.units.items()}
        self._made = _Made()
        self._values: dict[str, _Value] = {}
        dtype = options.dtype or torch.get_default_dtype()
        if dtype not in (torch.float32, torch.float64):
            raise EqsnnError(f"dtype= is torch.float32 or torch.float64; got {dtype}")
        if options.bounds not in ("clamp", "transform"):
            raise EqsnnError(f"bounds= is 'clamp' or 'transform'; got {options.bounds!r}")
        self._hold(group, dtype, options.bounds == "transform")

    def _hold(self, group: NeuronGroup, dtype: torch.dtype, transform: bool) -> None:
        """Parameters and buffers for what the layer needs of the group."""
        kernel = self._parameters_of.forward
        read = {b.variable for b in kernel.buffers if b.owner != "derived" and not b.writable} if kernel else set()
        for v in group.model.variables:
            if v.name not in self._layer.states and v.name not in read:
                continue
            if v.dtype != "float":
                raise EqsnnError(
                    f"'{v.name}' of {group.name} is {v.dtype}, and tensors are numbers: declare it as ': 1'"
                )
            trainable = "trainable" in v.flags
            scale = _scale(group, v, self._dt)
            low, high = (b / scale for b in bounds_of(v)) if trainable else (-math.inf, math.inf)
            numbers = np.array(group.variables[v.name].read(None), np.float64).ravel() / scale
            free = transform and (math.isfinite(low) or math.isfinite(high))
            if free:
                numbers = _without_bounds(f"'{v.name}' of {group.name}", numbers, low, high)
            place = v.name + ("_start" if v.name in self._layer.states else "") + ("_free" if free else "")
            if hasattr(self, place):
                raise EqsnnError(
                    f"'{v.name}' of {group.name} would be the attribute '{place}' of a torch module, which has one of that name; "
                    "call the variable something else"
                )
            tensor = torch.tensor(numbers if not v.shared else numbers[0], dtype=dtype)
            if trainable:
                self.register_parameter(place, torch.nn.Parameter(tensor))
            else:
                self.register_buffer(place, tensor)
            self._values[v.name] = _Value(v.name, place, scale, (low, high), v.dim, free)

    # -- values ---------------------------------------------------------------------------------------------------------------

    def value(self, name: str) -> torch.Tensor:
        """A parameter, or the start of a state, as the optimiser counts, within its bounds; gradients go through it."""
        known = self._value(name)
        tensor = getattr(self, known.place)
        if known.free:
            return _within(tensor, *known.bounds)
        self._clamp(tensor, *known.bounds)
        return tensor

    def quantity(self, name: str) -> Quantity | np.ndarray:
        """A copy of a parameter, or of the start of a state, with its unit."""
        known = self._value(name)
        numbers = self.value(name).detach().numpy().astype(np.float64) * known.scale
        return Quantity(numbers, known.dim)

    def _value(self, name: str) -> _Value:
        if name not in self._values:
            raise EqsnnError(f"there is no '{name}' in {self._name}, which has {', '.join(self._values)}")
        return self._values[name]

    @staticmethod
    def _clamp(tensor: torch.Tensor, low: float, high: float) -> None:
        if not (math.isfinite(low) or math.isfinite(high)) or tensor.device.type != "cpu":
            return
        numbers = tensor.detach().numpy()
        if numbers.size and (numbers.min() < low or numbers.max() > high):
            with torch.no_grad():
                tensor.clamp_(low, high)

    def keep_in_bounds(self) -> None:
        """Put trained values back onto bounds that a step of the optimiser has carried them over; ``forward`` does so, too."""
        for name in self._values:
            self.value(name)

    def write_back(self, group: NeuronGroup) -> None:
        """Give a group of the same variables the values: parameters, and what states begin with."""
        for name in self._values:
            group.state(name)[:] = self.quantity(name)

    def get_extra_state(self) -> dict[str, float]:
        """What counts as 1 in the parameters, in base SI: part of ``state_dict``."""
        return {name: v.scale for name, v in self._values.items()}

    def set_extra_state(self, state: Mapping[str, float]) -> None:
        """The parameters that were loaded count so."""
        for name, scale in state.items():
            if name in self._values:
                old = self._values[name]
                bounds = tuple(b * old.scale / scale for b in old.bounds)
                self._values[name] = replace(old, scale=scale, bounds=bounds)
        self._made.constants = None

    def extra_repr(self) -> str:
        inputs, returns = ", ".join(self._inputs), ", ".join(self._returns)
        return f"{self._n} neurons of {self._name}, inputs=({inputs}), returns=({returns}), dt={self._dt!r} s"

    # -- forward --------------------------------------------------------------------------------------------------------------

    def start(self, batch: int) -> dict[str, torch.Tensor]:
        """What each state begins with, by name, (batch, n). Gradients go through it to what is trained."""
        found = {}
        for v in self._layer.states:
            value = self.value(v)
            scale = self._values[v].scale
            value = value if scale == 1.0 else value * scale
            found[v] = value.expand(batch, self._n)
        return found

    def forward(self, *inputs: torch.Tensor, state: Mapping[str, torch.Tensor] | None = None):
        """All steps of (batch, steps, n), or one of (batch, n) with the ``state`` before it. With a state: (output, state after). The output is a
        tensor, or a tuple where ``returns`` are several."""
        stepwise, batch = self._look_at(inputs, state)
        begin = self.start(batch)
        if state is not None:
            begin |= {name: self._checked_state(name, tensor, batch) for name, tensor in state.items()}
        sought, fixed = self._constants()
        inputs = tuple(x if v not in self._units else x * self._units[v] for v, x in zip(self._inputs, inputs))
        tensors = (*inputs, *(begin[v] for v in self._layer.states), *sought)
        taped = torch.is_grad_enabled() and any(t.requires_grad for t in tensors)
        call = _Call(self, self._engine(), fixed, stepwise, taped)
        made = _Steps.apply(call, *tensors)
        k = len(self._returns)
        out = tuple(o if v not in self._units else o / self._units[v] for v, o in zip(self._returns, made[:k]))
        whole = out if k > 1 else out[0]
        return whole if state is None else (whole, dict(zip(self._layer.states, made[k:])))

    def _dtype(self) -> torch.dtype:
        known = next(iter(self._values.values()), None)
        return torch.get_default_dtype() if known is None else getattr(self, known.place).dtype

    def _look_at(self, inputs, state) -> tuple[bool, int]:
        if len(inputs) != len(self._inputs):
            raise EqsnnError(
                f"{self._name} takes {len(self._inputs)} tensors ({', '.join(self._inputs)}); got {len(inputs)}"
            )
        wanted = self._dtype()
        if wanted not in (torch.float32, torch.float64):
            raise EqsnnError(f"{self._name} computes in float32 or float64; its parameters are {wanted}")
        for name, x in zip(self._inputs, inputs):
            self._usable(f"'{name}'", x, wanted)
            if x.ndim not in (2, 3) or x.shape[-1] != self._n:
                raise EqsnnError(
                    f"'{name}' of {self._name} has the shape (batch, steps, {self._n}), or (batch, {self._n}) for one step; got {tuple(x.shape)}"
                )
            if x.shape != inputs[0].shape:
                raise EqsnnError(
                    f"the inputs of {self._name} have one shape; got {', '.join(str(tuple(y.shape)) for y in inputs)}"
                )
        if inputs[0].ndim == 2 and state is None:
            raise EqsnnError(
                f"one step of {self._name}, (batch, {self._n}), needs the state before it: begin with "
                "state = module.start(batch), then out, state = module(x, state=state). Whole sequences are (batch, steps, neurons)"
            )
        return inputs[0].ndim == 2, len(inputs[0])

    def _usable(self, what: str, x, wanted: torch.dtype) -> None:
        if not isinstance(x, torch.Tensor):
            raise EqsnnError(f"{what} of {self._name} is a tensor; got {type(x).__name__}")
        if x.device.type != "cpu":
            raise EqsnnError(
                f"{what} of {self._name} is on the device '{x.device}', and the module computes on the CPU: give it x.cpu(), and leave the "
                "module itself on the CPU"
            )
        if x.dtype != wanted:
            raise EqsnnError(
                f"{what} of {self._name} is {x.dtype}, and its parameters are {wanted}: convert one of them (x.to({wanted}), module.to(...))"
            )

    def _checked_state(self, name: str, x: torch.Tensor, batch: int) -> torch.Tensor:
        if name not in self._layer.states:
            raise EqsnnError(f"{self._name} has no state '{name}'; its states are {', '.join(self._layer.states)}")
        self._usable(f"the state '{name}'", x, self._dtype())
        if tuple(x.shape) != (batch, self._n):
            raise EqsnnError(
                f"the state '{name}' of {self._name} has the shape ({batch}, {self._n}), as the input; got {tuple(x.shape)}"
            )
        return x

    # -- what is made -----------------------------------------------------------------------------------------------------------

    def _engine(self) -> RowEngine:
        dtype = self._dtype()
        if dtype not in self._made.engines:
            single = dtype == torch.float32
            self._made.engines[dtype] = RowEngine(_single(self._layer) if single else self._layer, single)
        return self._made.engines[dtype]

    def _constants(self) -> tuple[tuple[torch.Tensor, ...], dict[str, torch.Tensor]]:
        """(what the layer's sought parameters are, the others by name). They are made anew when a value, or whether it has a gradient, is another."""
        kernel = self._parameters_of.forward
        if kernel is None:
            return (), {}
        given = {name: self.value(name) for name in self._values if name not in self._layer.states}
        for name, x in given.items():
            if x.device.type != "cpu":
                raise EqsnnError(
                    f"'{name}' of {self._name} is on the device '{x.device}', and the module computes on the CPU: leave it there"
                )
        numbers = {name: x.detach().numpy().copy() for name, x in given.items()}
        mode = (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), self._dtype())
        kept = self._made.constants
        if (
            kept is not None
            and kept[0] == mode
            and all(kept[1][n] is x and kept[3][n] == x.requires_grad for n, x in given.items())
            and all(np.array_equal(kept[2][n], a) for n, a in numbers.items())
        ):
            return kept[4]
        if self._made.native is None:
            kernels = [k for k in (kernel, self._parameters_of.backward) if k is not None]
            self._made.native = NativeKernels(kernels)
        fixed: dict[str, torch.Tensor] = {}
        made = _Constants.apply(self, self._made.native, fixed, tuple(given), *given.values()), fixed
        self._made.constants = (mode, given, numbers, {n: x.requires_grad for n, x in given.items()}, made)
        return made


class _Constants(torch.autograd.Function):
    """The layer's parameters from the module's. ``fixed`` is filled with those that have no gradient."""

    @staticmethod
    def forward(ctx, module: Neurons, run, fixed: dict, names: tuple[str, ...], *tensors: torch.Tensor):
        supply = {
            n: x.detach().numpy().astype(np.float64) * module._values[n].scale for n, x in zip(names, tensors)
        }  # fmt: skip
        made = module._parameters_of.values(supply, module._externals, module._dt, module._n, run)
        dtype = module._dtype()
        tensor = {p: torch.from_numpy(np.array(made[p])).to(dtype) for p in module._layer.parameters}
        sought = module._layer.sought
        fixed |= {p: t for p, t in tensor.items() if p not in sought}
        ctx.held = (module, run, names, supply, [(x.shape, x.dtype) for x in tensors])
        return tuple(tensor[p] for p in sought)

    @staticmethod
    def backward(ctx, *grads):
        module, run, names, supply, forms = ctx.held
        found = {
            p: np.zeros(module._n) if g is None else g.detach().numpy().astype(np.float64)
            for p, g in zip(module._layer.sought, grads)
        }
        made = module._parameters_of.gradients(found, supply, module._externals, module._dt, module._n, run)
        out = []
        for name, (shape, dtype) in zip(names, forms):
            g = made.get(name)
            if g is None:
                out.append(None)
                continue
            g = (g if shape else g.sum()) * module._values[name].scale
            out.append(torch.as_tensor(g, dtype=dtype).reshape(shape))
        given = [g for g in grads if g is not None]
        return (None, None, None, None, *_once(module._name, out, given))


@dataclass(frozen=True)
class _Call:
    """What a call of ``_Steps`` knows beside tensors."""

    module: Neurons
    engine: RowEngine
    fixed: dict[str, torch.Tensor]
    stepwise: bool
    taped: bool

    @property
    def threads(self) -> int:
        """How many work."""
        return self.module._threads or torch.get_num_threads()


class _Steps(torch.autograd.Function):
    """Steps of a layer: inputs, starts and sought parameters to what is returned and the states after the last step."""

    @staticmethod
    def forward(ctx, call: _Call, *tensors: torch.Tensor):
        module, layer = call.module, call.module._layer
        inputs, starts, sought = _parted(module, tensors)
        first = next(iter(inputs.values()))
        samples, steps = len(first), 1 if call.stepwise else first.shape[1]
        shape = (samples, steps, module._n)
        make = lambda *s: torch.empty(s, dtype=first.dtype)  # noqa: E731
        read = call.engine.read
        wanted = {v for v in module._returns if v != _SPIKE}
        if call.taped and steps > 1:
            wanted |= {v for v in layer.states if v in read and v not in layer.echoes}
        records = {v: make(*shape) for v in layer.states if v in wanted}
        ends = {v: make(samples, module._n) for v in layer.states}
        rows = {("input", v): _row(x) for v, x in inputs.items()}
        rows |= {("start", v): _row(x) for v, x in starts.items()}
        rows |= {("state", v): _row(x) for v, x in ends.items()}
        rows |= {("record", v): _row(x) for v, x in records.items()}
        parameters = {**call.fixed, **sought}
        rows |= {("parameter", p): (parameters[p].data_ptr(), 0, 0) for p in layer.parameters}
        spikes = make(*shape) if layer.spikes else None
        if spikes is not None:
            rows[("spike",)] = _row(spikes)
        call.engine.forward(rows, samples, steps, module._n, call.threads)
        if call.taped:
            kept = {("input", v): x for v, x in inputs.items() if v in read}
            kept |= {("start", v): x for v, x in starts.items() if v in read}
            kept |= {("record", v): x for v, x in records.items() if v in read and steps > 1}
            if layer.echoes and steps > 1:
                kept[("spike",)] = spikes
            kept |= {("parameter", p): x for p, x in parameters.items()}
            kept |= {("seen", k): x for k, x in enumerate(tensors) if x.requires_grad}
            ctx.call, ctx.keys, ctx.size, ctx.dtype = call, tuple(kept), (samples, steps), first.dtype
            ctx.set_materialize_grads(False)
        made = {_SPIKE: spikes, **records}
        out = [made[v] for v in module._returns]
        out = [o[:, 0] for o in out] if call.stepwise else out
        if call.taped:
            ctx.save_for_backward(*kept.values())
        return (*out, *ends.values())

    @staticmethod
    def backward(ctx, *grads):
        call, (samples, steps) = ctx.call, ctx.size
        kept = dict(zip(ctx.keys, ctx.saved_tensors))
        with torch.no_grad():
            found = _back(ctx, call, kept, grads, samples, steps)
        seen = [x for key, x in kept.items() if key[0] == "seen"]
        return (None, *_once(call.module._name, found, [*(g for g in grads if g is not None), *seen]))


def _back(ctx, call: _Call, kept, grads, samples: int, steps: int) -> list[torch.Tensor | None]:
    module, layer = call.module, call.module._layer
    n = module._n
    dtype = ctx.dtype
    rows = {key: _row(_laid(x)) for key, x in kept.items() if key[0] not in ("seen", "parameter")}
    held = [_laid(x) for x in kept.values()]  # until the kernels have ended
    rows |= {key: (x.data_ptr(), 0, 0) for key, x in kept.items() if key[0] == "parameter"}
    slopes = dict(zip(module._returns, grads))
    for v, g in slopes.items():
        if g is not None:
            g = _laid(g[:, None] if call.stepwise else g)
            held.append(g)
            rows["slope", v] = _row(g)
    if slopes.get(_SPIKE) is None:
        held.append(torch.zeros(n, dtype=dtype))
        rows["slope", _SPIKE] = (held[-1].data_ptr(), 0, 0)
    for v, g in zip(layer.states, grads[len(module._returns) :]):
        if g is not None:
            held.append(_laid(g))
            rows["after", v] = _row(held[-1])
    adjoint = {v: torch.empty(samples, n, dtype=dtype) for v in layer.states}
    needs = dict(zip(module._inputs, ctx.needs_input_grad[1:]))
    blocks = -(-samples // BLOCK)
    whole = {v: torch.zeros(samples, steps, n, dtype=dtype) for v in layer.inputs if needs[v]}
    rest = {v: torch.empty(blocks, n, dtype=dtype) for v in layer.inputs if not needs[v]}
    sought = {p: torch.zeros(blocks, n, dtype=dtype) for p in layer.sought}
    rows |= {("adjoint", v): _row(x) for v, x in adjoint.items()}
    rows |= {("drive", v): _row(x) for v, x in whole.items()}
    per_block = {("gradient", p): x.data_ptr() for p, x in sought.items()}
    per_block |= {("drive", v): x.data_ptr() for v, x in rest.items()}
    call.engine.backward(rows, per_block, samples, steps, n, call.threads)
    drives = [whole.get(v) for v in module._inputs]
    drives = [d[:, 0] if call.stepwise and d is not None else d for d in drives]
    return [*drives, *(adjoint[v] for v in layer.states), *(_in_order(sought[p]) for p in layer.sought)]


def _in_order(rows: torch.Tensor) -> torch.Tensor:
    """The sum of the rows, one after the other."""
    total = rows[0].clone() if len(rows) else torch.zeros(rows.shape[1:], dtype=rows.dtype)
    for row in rows[1:]:
        total += row
    return total


def _row(x: torch.Tensor) -> tuple[int, int, int]:
    """Where a tensor of (samples, steps, n), or (samples, n), lies."""
    strides = x.stride()
    return x.data_ptr(), strides[0], strides[1] if x.ndim == 3 else 0


def _laid(x: torch.Tensor) -> torch.Tensor:
    """``x`` with its neurons side by side."""
    return x if x.shape[-1] < 2 or x.stride(-1) == 1 else x.contiguous()


class _Once(torch.autograd.Function):
    """Gradients as they are, which have no gradient themselves."""

    @staticmethod
    def forward(ctx, name: str, n: int, *tensors: torch.Tensor):
        ctx.name = name
        return tuple(t.view_as(t) for t in tensors[:n])

    @staticmethod
    def backward(ctx, *grads):
        raise EqsnnError(
            f"the gradients of {ctx.name} have no gradient: second derivatives through neurons in equations are not known; leave out "
            "create_graph=True, or detach what they lead to"
        )


def _once(name: str, found: list[torch.Tensor | None], through: list[torch.Tensor]) -> list[torch.Tensor | None]:
    """``found``; where a graph of the backward pass is made, its nodes refuse to be gone through."""
    if not torch.is_grad_enabled() or not any(t.requires_grad for t in through):
        return found
    some = [g for g in found if g is not None]
    made = iter(_Once.apply(name, len(some), *some, *through) if some else ())
    return [None if g is None else next(made) for g in found]


# -- what a module is asked for ---------------------------------------------------------------------------------------------------


def _chosen_inputs(name: str, layer: Layer, given: tuple[str, ...] | None) -> tuple[str, ...]:
    if not layer.inputs:
        raise EqsnnError(
            f"{name} has no (input) variable, so there is nothing to give to a torch module; write 'I : 1 (input)' in its equations"
        )
    if given is None:
        return layer.inputs
    for v in given:
        if v not in layer.inputs:
            raise EqsnnError(
                f"inputs= names '{v}', which is no (input) variable of {name}; write '{v} : 1 (input)' in its equations, "
                f"or name {', '.join(layer.inputs)}"
            )
    if sorted(given) != sorted(layer.inputs):
        raise EqsnnError(f"inputs= names each (input) variable of {name} once: {', '.join(layer.inputs)}")
    return given


def _chosen_returns(name: str, layer: Layer, given: tuple[str, ...] | None) -> tuple[str, ...]:
    known = (*((_SPIKE,) if layer.spikes else ()), *layer.states)
    if given is None:
        if layer.spikes:
            return (_SPIKE,)
        if len(layer.states) == 1:
            return layer.states
        raise EqsnnError(f"{name} has no threshold; say by returns= what comes out: {', '.join(known)}")
    if not given or len(set(given)) != len(given):
        raise EqsnnError(f"returns= names what comes out of {name}, each once: {', '.join(known)}")
    for v in given:
        if v not in known:
            raise EqsnnError(
                f"returns= names '{v}', which does not change in a step of {name}; there are {', '.join(known)}"
            )
    return given


def _unit(group: NeuronGroup, name: str, unit, module: Neurons) -> float:
    """The size of a unit in base SI."""
    if name not in module._inputs and name not in module._returns:
        raise EqsnnError(f"units= names '{name}', which neither goes into {group.name} nor comes out of it")
    wanted = next(v.dim for v in group.model.variables if v.name == name)
    if dimensions_of(unit) != wanted:
        raise EqsnnError(f"units= gives '{name}' of {group.name} the unit {unit!r}; it is measured in {wanted}")
    return float(np.asarray(unit))


def _single(layer: Layer) -> Layer:
    """The layer in float32."""
    narrow = lambda k: fit_memory(k, {b.name: "f32" for b in k.buffers if b.type == "f64"})  # noqa: E731
    return replace(layer, forward=narrow(layer.forward), backward=narrow(layer.backward))


def _within(x: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """A number without bounds mapped between two, one of which may be infinite."""
    if math.isfinite(low) and math.isfinite(high):
        return low + (high - low) * torch.sigmoid(x)
    return low + torch.nn.functional.softplus(x) if math.isfinite(low) else high - torch.nn.functional.softplus(x)


def _without_bounds(what: str, numbers: np.ndarray, low: float, high: float) -> np.ndarray:
    """The inverse of ``_within``."""
    if not np.all((numbers > low) & (numbers < high)):
        raise EqsnnError(
            f"{what} begins on one of its bounds or outside, and bounds='transform' keeps values between them"
        )
    if math.isfinite(low) and math.isfinite(high):
        share = (numbers - low) / (high - low)
        return np.log(share) - np.log1p(-share)
    distance = numbers - low if math.isfinite(low) else high - numbers
    return distance + np.log(-np.expm1(-distance))


def _parted(module: Neurons, tensors: tuple[torch.Tensor, ...]):
    """Inputs, starts and sought parameters by name, with neurons side by side."""
    layer, laid = module._layer, [_laid(t) for t in tensors]
    a, b = len(module._inputs), len(module._inputs) + len(layer.states)
    return dict(zip(module._inputs, laid[:a])), dict(zip(layer.states, laid[a:b])), dict(zip(layer.sought, laid[b:]))
