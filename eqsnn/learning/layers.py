"""A group of neurons as a layer that can be trained: its step and reset as one map, its adjoint, and the kernels of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import sympy

from eqsnn.derivations.adjoint import PREFIX, adjoint
from eqsnn.derivations.constants import split
from eqsnn.derivations.pause import COUNTS
from eqsnn.derivations.reals import as_reals
from eqsnn.derivations.surrogate import SPIKE, Spike, sharp, smoothed, with_slope
from eqsnn.errors import EqsnnError, EquationError
from eqsnn.integrators.builder import MapBuilder
from eqsnn.kernel.interpret import Memory, evaluate_hoisted, interpret
from eqsnn.kernel.ir import (
    RANDOM,
    Call,
    Const,
    Kernel,
    Local,
    Scalar,
    children,
    expressions,
    names_made,
    rebuild,
    walk,
    with_expressions,
)
from eqsnn.kernel.learner import Layer
from eqsnn.kernel.lower import lower
from eqsnn.kernel.passes.fit_memory import fit_memory
from eqsnn.learning.graded import Sent
from eqsnn.learning.one_step import live, must_be_differentiable, one_step, whole_states
from eqsnn.model.model import Scope, Symbol
from eqsnn.network.namespace import constants
from eqsnn.network.neurongroup import NeuronGroup
from eqsnn.network.surrogate import Surrogate
from eqsnn.units import DIMENSIONLESS
from eqsnn.update_map import Input, UpdateMap, symbol


@dataclass(frozen=True)
class Parameters:
    """What a layer makes of a group's parameters before a batch, and the way of gradients back: kernels over neurons (None: nothing to do)."""

    forward: Kernel | None
    backward: Kernel | None

    def values(
        self, supply: Mapping[str, np.ndarray], constants: Mapping[str, float], dt: float, n: int, run=interpret
    ) -> dict[str, np.ndarray]:
        """The layer's parameters, one value a neuron each, from the group's. ``run``: what does a kernel, the interpreter or NativeKernels."""
        return {} if self.forward is None else _run(self.forward, supply, constants, dt, n, run)

    def gradients(
        self, found, supply, constants: Mapping[str, float], dt: float, n: int, run=interpret
    ) -> dict[str, np.ndarray]:
        """The derivatives with respect to the group's parameters, one value a neuron, from those with respect to the layer's (``found``)."""
        if self.backward is None:
            return {}
        adjoints = {
            b.variable: np.zeros(n) for b in self.backward.buffers if b.variable.startswith(PREFIX)
        }  # not found: 0
        adjoints |= {f"{PREFIX}{name}": g for name, g in found.items()}
        out = _run(self.backward, {**supply, **adjoints}, constants, dt, n, run)
        return {name.removeprefix(PREFIX): g for name, g in out.items()}


def _run(kernel: Kernel, supply: Mapping[str, np.ndarray], constants: Mapping[str, float], dt: float, n: int, run):
    buffers: dict[str, np.ndarray] = {}
    for b in kernel.buffers:
        if b.owner != "derived":
            known = np.zeros(n) if b.writable else supply[b.variable]
            lies = np.float64 if b.type == "f64" else np.int64  # conditions lie in memory as integers
            buffers[b.name] = np.array(np.broadcast_to(known, (n,)), lies)
    scalars: dict[str, float | int] = {}
    for s in kernel.scalars:
        if s.owner == "external":
            scalars[s.name] = constants[s.variable]
        elif s.owner == "clock":
            scalars[s.name] = dt
        elif s.owner == "index":
            scalars[s.name] = n
    evaluate_hoisted(kernel, buffers, scalars, {"@i": np.arange(n)})
    run(kernel, Memory(buffers, scalars), 0, n)
    return {b.variable: buffers[b.name] for b in kernel.buffers if b.writable}


@dataclass(frozen=True)
class Trained:
    """A layer, its parameters, the group behind it, and the variables of the group that are trained. ``starting``: how what arrives in the first
    step, as if it had been sent before, comes from the group's variables."""

    layer: Layer
    parameters: Parameters
    group: NeuronGroup
    trainable: tuple[str, ...]
    step: UpdateMap
    prepare: UpdateMap
    starting: Parameters = Parameters(None, None)


def trainable_parameters(group) -> tuple[str, ...]:
    """The parameters with the flag (trainable)."""
    return tuple(v.name for v in group.model.variables if "trainable" in v.flags and v.kind == "parameter")


def layer_of(
    group: NeuronGroup,
    single: bool,
    smooth: bool = False,
    seeks: bool = True,
    arriving: Sequence[str] = (),
    sent: Sequence[Sent] = (),
) -> Trained:
    """The layer of a group. ``smooth``: with the primitive of the surrogate in place of the event; ``arriving``: the parameters that sums and links
    set in each step; ``sent``: what others read. Raises EquationError where it cannot be one."""
    map_ = one_step(group, sent)
    inputs = (*(v.name for v in group.model.of_kind("input")), *arriving)
    sending = tuple(s.name for s in sent)
    map_ = replace(
        map_,
        writes=tuple(w for w in map_.writes if w.variable not in inputs),
        inputs=tuple(Input(i.name, "self", i.variable) if i.variable in arriving else i for i in map_.inputs),
    )
    must_be_differentiable(group, map_)
    map_ = live(map_)
    states = tuple(dict.fromkeys(w.variable for w in map_.writes if w.variable not in (SPIKE, *sending)))
    known = {i.variable for i in map_.inputs}  # what is written and not read has the derivative 0 before the step
    map_ = replace(map_, inputs=(*map_.inputs, *(Input(v, "self", v) for v in states if v not in known)))
    moving = {i.variable for i in map_.inputs if i.owner == "clock" and i.variable != "dt"}
    prepare, step = split(map_, frozenset((*states, *inputs, *moving)))
    if any(a.expr.has(Spike) for a in prepare.flat()):
        raise EquationError(
            f"the threshold of {group.name} depends on nothing that a step changes",
            next(e.condition.span for e in group.model.events if e.name == "spike"),
            "let it read a state; an (input) variable is cleared before it",
        )
    whole = whole_states(step)
    trainable = trainable_parameters(group)
    for name in trainable:
        if name in states:
            span = next(v.span for v in group.model.variables if v.name == name)
            raise EquationError(
                f"'{name}' of {group.name} is trainable, and its reset changes it",
                span,
                "train another parameter that it starts from",
            )
    sought = _reached(prepare, set(trainable))
    spikes = any(w.variable == SPIKE for w in step.writes)
    slope, primitive = _surrogate(group, spikes, smooth)
    back = adjoint(step)
    back = with_slope(back, slope) if slope is not None else back
    alter = (lambda m: smoothed(m, primitive)) if smooth else sharp
    back = _without_incoming(alter(back), {f"{PREFIX}{i}" for i in inputs})
    wanted = {f"{PREFIX}{n}" for n in (*states, *inputs, *sought)}
    back = as_reals(replace(back, writes=tuple(w for w in back.writes if w.variable in wanted)), COUNTS)
    writes = back.writes
    ahead = as_reals(alter(step), COUNTS)
    forward = lower(ahead, "neuron", name=f"eqk_{_safe(group.name)}_forward", owner=group.name)
    backward = lower(back, "neuron", name=f"eqk_{_safe(group.name)}_backward", owner=group.name, writes=writes)
    forward, backward = _closed(forward), _closed(backward)
    read = {b.variable for b in backward.buffers}
    if single:
        forward, backward = (
            fit_memory(k, {b.name: "f32" for b in k.buffers if b.type == "f64" and b.owner != "table"})
            for k in (forward, backward)
        )
    echoes = _echoes(step)
    layer = Layer(
        group.name,
        states,
        inputs,
        tuple(w.variable for w in prepare.writes),
        sought,
        tuple(v for v in (*states, *inputs) if v in read and v not in echoes),
        spikes,
        forward,
        backward,
        tuple(v for v in echoes if v in read),
        sending,
        tuple(v for v in states if v in whole),
    )
    parameters = _parameters(prepare, group, set(trainable), set(sought))
    return Trained(layer, parameters, group, trainable, step, prepare, _starting(group, sent, {*trainable, *states}))


def _starting(group: NeuronGroup, sent: Sequence[Sent], variables: set[str]) -> Parameters:
    """How the values that arrive a step after they are sent begin."""
    late = [s for s in sent if not s.early]
    if not late:
        return Parameters(None, None)
    parts = [s.as_map() for s in late]
    whole = replace(
        parts[0],
        name=f"start of {group.name}",
        inputs=tuple({i.name: i for p in parts for i in p.inputs}.values()),
        assignments=tuple(a for p in parts for a in p.assignments),
        writes=tuple(w for p in parts for w in p.writes),
    )
    return _parameters(whole, group, variables, {s.name for s in late}, what="start")


def _echoes(step: UpdateMap) -> tuple[str, ...]:
    """The states that a step sets to its event."""
    exprs = {a.target: a.expr for a in step.flat()}
    event = next((symbol(w.value) for w in step.writes if w.variable == SPIKE), None)
    return tuple(
        w.variable for w in step.writes if w.variable != SPIKE and event is not None and exprs.get(w.value) == event
    )


def _closed(kernel: Kernel) -> Kernel:
    """The kernel with literals for the scalars that are made of literals; those of the step, of random numbers and of tables stay. Random numbers
    differ between samples, too."""
    scalars: dict[str, float | int] = {}
    evaluate_hoisted(kernel, {}, scalars)
    taken = {s.name for s in kernel.scalars} | {b.name for b in kernel.buffers}
    taken |= {name for s in kernel.body for name in names_made(s)}
    number, sample = (Scalar(_free(of, taken), "i64", "sample", of) for of in ("element", "sample"))

    def closed(e):
        if isinstance(e, Local) and e.name in scalars:
            return Const(scalars[e.name], e.type)
        if isinstance(e, Call) and e.function in RANDOM:
            key, element, *rest = map(closed, e.args)
            of = sample if element == Const(0, "i64") else number
            return replace(e, args=(key, Local(of.name, "i64"), *rest))
        parts = children(e)
        return rebuild(e, tuple(map(closed, parts))) if parts else e

    body = tuple(with_expressions(s, tuple(map(closed, expressions(s)))) for s in kernel.body)
    read = {e.name for s in body for part in expressions(s) for e in walk(part) if isinstance(e, Local)}
    kept = tuple(s for s in (*kernel.scalars, number, sample) if s.name in read)
    return replace(kernel, body=body, scalars=kept, hoisted=())


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _safe(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)


def _surrogate(group: NeuronGroup, spikes: bool, smooth: bool):
    """The slope of the group's event and (if ``smooth``) its primitive as expressions of the margin."""
    if not spikes:
        return None, None
    given: Surrogate | None = group.surrogate
    if given is None:
        span = next(e.condition.span for e in group.model.events if e.name == "spike")
        raise EquationError(
            f"the spike of {group.name} has no derivative",
            span,
            f"give {group.name} a surrogate, such as surrogate='multi_gaussian'",
        )
    scaled = symbol("x") / sympy.Float(given.scale) if given.scale != 1.0 else symbol("x")
    slope = sympy.Float(given.height / given.scale) * _translated(given.expr).xreplace({symbol("x"): scaled})
    if not smooth:
        return slope, None
    if given.primitive is None:
        raise EqsnnError(
            f"the surrogate {given.name!r} of {group.name} has no primitive; give Surrogate(..., primitive='...')"
        )
    return slope, sympy.Float(given.height) * _translated(given.primitive).xreplace({symbol("x"): scaled})


def _translated(expr) -> sympy.Expr:
    scope = Scope({"x": Symbol("x", "self", "x", DIMENSIONLESS)}, {})
    return MapBuilder("surrogate", scope).number(expr, scope)


def _without_incoming(map_: UpdateMap, names: set[str]) -> UpdateMap:
    """``map_`` with 0 for these derivatives: nothing reads an input after its step."""
    zero = {symbol(n): sympy.S.Zero for n in names}
    return replace(
        map_,
        inputs=tuple(i for i in map_.inputs if i.name not in names),
        assignments=tuple(replace(a, expr=a.expr.xreplace(zero)) for a in map_.assignments),
    )


def _reached(prepare: UpdateMap, names: set[str]) -> tuple[str, ...]:
    """The parameters of the layer that depend on the group's parameters ``names``."""
    reached = {symbol(n) for n in names}
    for p in prepare.propagators:
        if any(e.free_symbols & reached for row in p.matrix for e in row):
            reached |= {symbol(e) for row in p.entries for e in row if e is not None}
    for a in prepare.flat():
        if a.expr.free_symbols & reached:
            reached.add(symbol(a.target))
    return tuple(w.variable for w in prepare.writes if symbol(w.value) in reached)


def _parameters(
    prepare: UpdateMap, group: NeuronGroup, trainable: set[str], sought: set[str], what: str = "parameters"
) -> Parameters:
    if not prepare.writes:
        return Parameters(None, None)
    own = replace(
        prepare, inputs=tuple(replace(i, shared=i.shared and i.owner != "self", constant=False) for i in prepare.inputs)
    )
    forward = lower(own, "neuron", name=f"eqk_{_safe(group.name)}_{what}", owner=group.name)
    if not sought:
        return Parameters(forward, None)
    back = adjoint(own)
    others = {f"{PREFIX}{w.variable}" for w in own.writes if w.variable not in sought}
    others |= {f"{PREFIX}{i.name}" for i in own.inputs}
    back = _without_incoming(back, others)
    writes = [w for w in back.writes if w.variable.removeprefix(PREFIX) in trainable]
    name = f"eqk_{_safe(group.name)}_{what}_backward"
    return Parameters(forward, lower(back, "neuron", name=name, owner=group.name, writes=writes))


def external_values(group) -> dict[str, float]:
    """The external constants of a group's equations, as a run would find them."""
    from eqsnn.model.resolve import missing_external

    found, _ = constants(group.model.externals, group.spaces())
    if getattr(group, "refractory_constant", None) is not None:
        found["_refractory"] = group.refractory_constant
    for name, span in group.model.externals.items():
        if name not in found:
            raise missing_external(name, span, group.model.scope)
    return found
