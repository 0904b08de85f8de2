"""A network as a learner: which objects are layers and projections, in which order a step does them, and where their numbers lie."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import sympy

from eqsnn.derivations.pause import LONGEST, SINCE
from eqsnn.errors import EqsnnError, EquationError
from eqsnn.integrators.discretise import pathway_map
from eqsnn.kernel.interpret import interpret
from eqsnn.kernel.learner import Learner, Projection, Readout
from eqsnn.kernel.random import key_of
from eqsnn.learning.dense import Dense, Inputs
from eqsnn.learning.engine import Gradients, Surroundings, Values
from eqsnn.learning.graded import Linked, Order, Sent, Sum, changes, links_of, sent_value, sums_of
from eqsnn.learning.layers import Parameters, Trained, _parameters, external_values, layer_of, trainable_parameters
from eqsnn.model.training import bounds_of, rate_of
from eqsnn.network.base import host_site
from eqsnn.network.hostkernel import shape_value, table_of
from eqsnn.network.monitors import EventMonitor, PopulationRateMonitor
from eqsnn.network.neurongroup import NeuronGroup
from eqsnn.network.regular import CodeRunner
from eqsnn.network.statemonitor import StateMonitor
from eqsnn.update_map import Input, UpdateMap, Write, symbol

_BYSTANDERS = (EventMonitor, PopulationRateMonitor, StateMonitor, CodeRunner)


@dataclass(frozen=True)
class Weighing:
    """How the weights of a projection come from the variables of its synapses; None: the one called ``variable`` as it is."""

    dense: Dense
    parameters: Parameters | None
    variable: str
    trainable: tuple[str, ...]


class LearnedNetwork:
    """The learner of a network, and the way between its numbers and the variables of the network's objects. Raises EqsnnError or EquationError for
    what cannot be trained."""

    def __init__(self, objects: Iterable, readout: tuple[object, str], single: bool, smooth: bool = False):
        objects = list(objects)
        self.run, self.smooth = interpret, smooth
        self.inputs, self.groups, self.dense = _sorted_out(objects)
        self.dt = _one_dt([*self.groups, *self.dense, self.inputs])
        order = Order(objects)
        self.groups.sort(key=order.of_update)
        self.sent: list[list[Sent]] = [[] for _ in self.groups]
        self.arriving: list[list[str]] = [[] for _ in self.groups]
        self.lags: list[int] = []
        self.weighing: list[Weighing] = []
        self.projections: list[Projection] = []
        self._find_projections(order)
        self.trained: list[Trained] = [
            layer_of(g, single, smooth, arriving=arriving, sent=sent)
            for g, arriving, sent in zip(self.groups, self.arriving, self.sent)
        ]
        self.learner = Learner(
            tuple(t.layer for t in self.trained), tuple(self.projections), self._readout(*readout), single
        )
        self.sizes = [len(g) for g in self.groups]
        self.externals = [external_values(o) for o in (*self.groups, *self.dense)]
        self.parameters: dict[str, np.ndarray] = {}
        self.factors: dict[str, float] = {}
        self.bounds: dict[str, tuple[float, float]] = {}
        self._start = {(t.group.name, v): _begins(t.group, v) for t in self.trained for v in t.layer.states}
        self._collect()

    # -- projections ----------------------------------------------------------------------------------------------------------

    def _find_projections(self, order: Order) -> None:
        """Projections by events, then those by sums, then links."""
        for d in self.dense:
            for variable, weighing, graded in _by_events(d):
                source, target = self._source(d), self._number(d.target)
                if d._same_step and source >= target:
                    raise EqsnnError(
                        f"{d.name} arrives in the same step, and {d.target.name} is updated before {d.source.name}: layers form a circle"
                    )
                self._project(Projection(source, target, variable, graded), _lag(d, self.dt), weighing)
        sums = [s for d in self.dense for s in sums_of(d)]
        links = [link for g in self.groups for link in links_of(g, self.groups)]
        for s in sums:
            target = self._number(s.dense.target)
            if s.variable not in (v.name for v in s.dense.target.model.of_kind("input")):
                self.arriving[target].append(s.variable)
        for link in links:
            self.arriving[self._number(link.target)].append(link.name)
        for s in sums:
            self._add_sum(s, order)
        for link in links:
            self._add_link(link)

    def _project(self, projection: Projection, lag: int, weighing: Weighing | None = None) -> None:
        self.projections.append(projection)
        self.lags.append(lag)
        if weighing is not None:
            self.weighing.append(weighing)

    def _source(self, d: Dense) -> int:
        return -1 if d.source.root is self.inputs else self._number(d.source)

    def _gathering(self, source: int) -> frozenset[str]:
        group = self.groups[source]
        return frozenset((*self.arriving[source], *(v.name for v in group.model.of_kind("input"))))

    def _add_sum(self, s: Sum, order: Order) -> None:
        source, target, early = self._source(s.dense), self._number(s.dense.target), order.early(s)
        weighing = _weights_of(s.dense, s.map, s.weight, s.owners)
        if source < 0:
            if s.signal != symbol("x_pre"):
                raise EquationError(
                    f"'{s.declared.name}' of {s.dense.name} must be proportional to x_pre, which is what is presented",
                    s.declared.span,
                    "such as w*x_pre",
                )
            self._project(Projection(source, target, s.variable, True), 0, weighing)
            return
        if not changes(self.groups[source], {i.variable for i in s.owners.values() if i.owner == "pre"}):
            raise EquationError(
                f"'{s.declared.name}' of {s.dense.name} reads no variable of {s.dense.source.name} that a step changes",
                s.declared.span,
                "a constant drive is a parameter of the target",
            )
        name = self._send(source, sent_value(s, f"sent@{len(self.sent[source]) + 1}", early, self._gathering(source)))
        self._project(Projection(source, target, s.variable, signal=name), 0 if early else 1, weighing)

    def _add_link(self, link: Linked) -> None:
        source, target = self._number(link.source), self._number(link.target)
        value = Sent(
            f"sent@{len(self.sent[source]) + 1}",
            symbol(link.variable),
            (Input(link.variable, "self", link.variable),),
            source < target,
            link.span,
        )
        projection = Projection(source, target, link.name, signal=self._send(source, value), linked=True)
        self._project(projection, 0 if value.early else 1)

    def _send(self, source: int, value: Sent) -> str:
        """The name under which the source sends the value: one for all that carry the same."""
        for known in self.sent[source]:
            if (known.expr, known.early) == (value.expr, value.early):
                return known.name
        self.sent[source].append(value)
        return value.name

    def _number(self, end) -> int:
        for k, g in enumerate(self.groups):
            if end is g:
                return k
        raise EqsnnError(f"{end.name} is no whole group of the network; dense projections join whole groups")

    def _readout(self, group, variable: str) -> Readout:
        if all(group is not g for g in self.groups):
            raise EqsnnError(
                f"the loss reads '{variable}' of {getattr(group, 'name', group)!r}, which is no trained group of the network"
            )
        k = self._number(group)
        layer = self.trained[k].layer
        known = (*(v for v in layer.states if v not in layer.whole), *(("spike",) if layer.spikes else ()))
        if variable not in known:
            dtype = next((v.dtype for v in group.model.variables if v.name == variable), "float")
            why = "does not change in a step" if dtype == "float" else f"is {dtype} and has no derivative"
            raise EqsnnError(
                f"the loss reads '{variable}' of {group.name}, which {why}; it can read {', '.join(known)}"
            )
        return Readout(k, variable)

    @property
    def surroundings(self) -> Surroundings:
        """The tables and numbers that steps read."""
        tables, numbers = [], []
        for t in self.trained:
            scope = t.group.model.scope
            tables.append({v: np.ascontiguousarray(table_of(scope, v).values, np.float64) for v in t.layer.tables})
            shapes = [float(shape_value(scope, v, self.dt)) for v in t.layer.numbers[1:]]
            numbers.append([self.dt, *shapes])
        return Surroundings(tables, numbers)

    def compile(self) -> None:
        """Have what is made of parameters done by machine code from now on."""
        from eqsnn.learning.compiled import NativeKernels

        ways = [
            *(t.parameters for t in self.trained),
            *(t.starting for t in self.trained),
            *(w.parameters for w in self.weighing if w.parameters is not None),
        ]
        kernels = [k for w in ways for k in (w.forward, w.backward) if k is not None]
        if kernels:
            self.run = NativeKernels(kernels)

    # -- parameters -----------------------------------------------------------------------------------------------------------

    def _collect(self) -> None:
        for o in (*self.groups, *self.dense):
            for v in o.model.variables:
                if "trainable" not in v.flags:
                    continue
                name = f"{o.name}.{v.name}"
                scale = _scale(o, v, self.dt)
                self.parameters[name] = _plain(o, v.name) / scale
                self.factors[name] = rate_of(v)
                self.bounds[name] = tuple(b / scale for b in bounds_of(v))
                self.scales = {**getattr(self, "scales", {}), name: scale}
        if not self.parameters:
            raise EqsnnError(
                "nothing in the network is trainable; write (trainable) behind a parameter, or weights as Dense(...)"
            )

    def keep_in_bounds(self) -> None:
        """Values that training has carried out of their bounds are put back onto them."""
        for name, (low, high) in self.bounds.items():
            if np.isfinite(low) or np.isfinite(high):
                np.clip(self.parameters[name], low, high, out=self.parameters[name])

    def write_back(self) -> None:
        """Give the network's objects the trained values."""
        for o in (*self.groups, *self.dense):
            for v in o.model.variables:
                name = f"{o.name}.{v.name}"
                if name in self.parameters:
                    info = o.variables[v.name]
                    values = self.parameters[name] * self.scales[name]
                    info.write(None, values if not v.shared else values[:1])

    def untrained(self) -> dict[str, dict[str, np.ndarray]]:
        """What samples are computed with beside the parameters, by object and variable, in base SI: where states begin, and what rests."""
        found: dict[str, dict[str, np.ndarray]] = {}
        for o in (*self.groups, *self.dense):
            mine = {v: a for (name, v), a in self._start.items() if name == o.name}
            mine |= {v: _plain(o, v) for v in self._resting(o)}
            found[o.name] = {v: a for v, a in mine.items() if f"{o.name}.{v}" not in self.parameters}
        return found

    def set_untrained(self, values: dict[str, dict[str, np.ndarray]]) -> None:
        """Put back what ``untrained`` gave."""
        for o in (*self.groups, *self.dense):
            for v, a in values[o.name].items():
                if (o.name, v) in self._start:
                    self._start[o.name, v] = a
                else:
                    info = o.variables[v]
                    info.write(None, a if info.dtype == "float" else a.astype(bool if info.dtype == "boolean" else int))

    def _resting(self, o) -> list[str]:
        """The variables that no step changes and nobody trains, as they can be set."""
        return [
            v.name
            for v in o.model.variables
            if v.kind == "parameter"
            and (o.name, v.name) not in self._start
            and f"{o.name}.{v.name}" not in self.parameters
            and o.variables[v.name].write is not None
        ]

    def _supply(self, o) -> dict[str, np.ndarray]:
        found = {v.name: _plain(o, v.name) for v in o.model.variables if v.kind not in ("subexpression", "input")}
        if isinstance(o, NeuronGroup) and o.has_refractory:
            found |= {name: _plain(o, name) for name in ("lastspike", "not_refractory")}
        found |= {v: a for (name, v), a in self._start.items() if name == o.name}
        found |= {
            v.name: self.parameters[f"{o.name}.{v.name}"] * self.scales[f"{o.name}.{v.name}"]
            for v in o.model.variables
            if f"{o.name}.{v.name}" in self.parameters
        }
        return found

    def values(self) -> Values:
        """What the next batch is computed with."""
        self._supplied = [self._supply(o) for o in (*self.groups, *self.dense)]
        parameters = [
            t.parameters.values(s, e, self.dt, len(t.group), self.run)
            for t, s, e in zip(self.trained, self._supplied, self.externals)
        ]
        start = [
            {v: np.broadcast_to(s[v], (len(t.group),)) for v in t.layer.states}
            for t, s in zip(self.trained, self._supplied)
        ]
        sent = [
            t.starting.values(s, e, self.dt, len(t.group), self.run)
            for t, s, e in zip(self.trained, self._supplied, self.externals)
        ]
        weights = []
        for w in self.weighing:
            n, at = len(w.dense), self._place(w)
            s, e = self._supplied[at], self.externals[at]
            flat = s[w.variable] if w.parameters is None else w.parameters.values(s, e, self.dt, n, self.run)["weight"]
            weights.append(w.dense.matrix(flat))
        draws = any(t.layer.random for t in self.trained)
        return Values(weights, parameters, start, self.lags, sent, key_of(*host_site()) if draws else 0)

    def _place(self, w: Weighing) -> int:
        return len(self.groups) + next(k for k, d in enumerate(self.dense) if d is w.dense)

    def gradients(self, found: Gradients) -> dict[str, np.ndarray]:
        """The derivatives with respect to ``parameters``, from those with respect to the last ``values``."""
        out: dict[str, np.ndarray] = {}
        for k, t in enumerate(self.trained):
            made = t.parameters.gradients(
                found.parameters[k], self._supplied[k], self.externals[k], self.dt, len(t.group), self.run
            )
            self._take(out, t.group, made)
            self._take(out, t.group, found.start[k])
            made = t.starting.gradients(
                found.sent[k], self._supplied[k], self.externals[k], self.dt, len(t.group), self.run
            )
            self._take(out, t.group, made)
        for w, weights in zip(self.weighing, found.weights):
            flat = weights.ravel() if w.dense.pairs is None else weights[w.dense.pairs]
            made = {w.variable: flat}
            if w.parameters is not None:
                at = self._place(w)
                made = w.parameters.gradients(
                    {"weight": flat}, self._supplied[at], self.externals[at], self.dt, flat.size, self.run
                )
            self._take(out, w.dense, made)
        return {n: out.get(n, np.zeros_like(p)) for n, p in self.parameters.items()}

    def _take(self, out, o, made) -> None:
        """Add gradients of the variables of ``o`` to those found so far."""
        for variable, g in made.items():
            name = f"{o.name}.{variable}"
            if name in self.parameters:
                g = g.sum(keepdims=True) if self.parameters[name].size == 1 else g
                out[name] = out[name] + g * self.scales[name] if name in out else g * self.scales[name]


def _plain(o, name: str) -> np.ndarray:
    """A variable's values in base SI, in the order that users see."""
    return np.array(o.variables[name].read(None), np.float64).ravel()


def _begins(group, state: str) -> np.ndarray:
    """What a state of a group begins with: its value now."""
    if state != SINCE:
        return _plain(group, state)
    ago = (group.time() - _plain(group, "lastspike")) / group.clock.dt_
    return np.minimum(np.rint(ago), LONGEST)


def _scale(o, v, dt: float) -> float:
    """What counts as 1 for the optimiser: a number as it is, a time in steps, anything else by how large it is."""
    from eqsnn.units import DIMENSIONLESS, second

    if v.dim == DIMENSIONLESS:
        return 1.0
    if v.dim == second.dim:
        return dt
    size = float(np.abs(_plain(o, v.name)).max(initial=0.0))
    return size or 1.0


def _sorted_out(objects: list) -> tuple[Inputs, list[NeuronGroup], list[Dense]]:
    inputs = [o for o in objects if isinstance(o, Inputs)]
    groups = [o for o in objects if isinstance(o, NeuronGroup) and not isinstance(o, Inputs)]
    dense = [o for o in objects if isinstance(o, Dense)]
    for o in objects:
        if type(o) not in (NeuronGroup, Inputs) and not isinstance(o, (Dense, *_BYSTANDERS)):
            raise EqsnnError(
                f"{o.name} ({type(o).__name__}) cannot be trained through; a trained network has Inputs, NeuronGroup and Dense"
            )
        if isinstance(o, CodeRunner) and not isinstance(getattr(o, "group", None), Inputs):
            raise EqsnnError(f"{o.name} runs statements in each step, through which no gradient is known")
    if len(inputs) != 1:
        raise EqsnnError(
            f"a trained network has one Inputs group, which presents the samples; this one has {len(inputs)}"
        )
    groups.sort(key=lambda g: (g.order, g.name))
    dense.sort(key=lambda d: d.name)
    return inputs[0], groups, dense


def _one_dt(objects) -> float:
    found = {o.clock.dt_ for o in objects}
    if len(found) > 1:
        raise EqsnnError(
            f"a trained network has one time step; this one has {', '.join(f'{dt!r} s' for dt in sorted(found))}"
        )
    return found.pop()


def _lag(d: Dense, dt: float) -> int:
    delays = np.atleast_1d(np.asarray(d.delay[:], np.float64)) if "delay" in d.variables else np.zeros(1)
    if delays.size and np.ptp(delays) > 0:
        raise EqsnnError(f"the synapses of {d.name} have different delays, and a dense projection has one")
    return (0 if d._same_step else 1) + (round(float(delays[0]) / dt) if delays.size else 0)


def _by_events(d: Dense) -> list[tuple[str, Weighing, bool]]:
    """What the events of a projection do: the input variable that they add to, how the weights come from the projection's variables, and whether
    what is presented counts with its value."""
    return [_weighing(d, pathway) for pathway in d.pathways.values()]


def _weighing(d: Dense, pathway) -> tuple[str, Weighing, bool]:
    map_ = pathway_map(d.model, d.model.name, pathway.statements)
    span = pathway.statements.assignments[0].span
    what = f"{d.name}: on_pre must add to one (input) variable of {d.target.name}"
    if len(map_.writes) != 1 or map_.writes[0].kind != "add" or map_.writes[0].owner != "post":
        raise EquationError(what, span, "such as on_pre='I_post += w'")
    (write,) = map_.writes
    inputs = [v.name for v in d.target.model.of_kind("input")]
    if write.variable not in inputs:
        raise EquationError(
            what,
            span,
            f"declare '{write.variable} : ... (input)' in its equations, or add to {', '.join(inputs) or 'such a variable'}",
        )
    exprs = {a.target: a.expr for a in map_.flat()}
    expr = exprs[write.value]
    for target, e in reversed(list(exprs.items())):
        expr = expr.xreplace({symbol(target): e})
    owners = {symbol(i.name): i for i in map_.inputs}
    presented = next(
        (s for s, i in owners.items() if i.owner == "pre" and i.variable == "x" and isinstance(d.source, Inputs)), None
    )
    if presented is not None:
        slope = expr.diff(presented)
        if presented in slope.free_symbols or sympy.expand(expr - slope * presented) != 0:
            raise EquationError(
                f"{d.name}: what arrives must be proportional to x_pre", span, "such as on_pre='I_post += w*x_pre'"
            )
        expr = slope
    for s in expr.free_symbols:
        i = owners[s]
        if i.owner not in ("self", "external"):
            raise EquationError(
                f"{d.name}: what arrives depends on '{i.name}', and a dense projection has weights of its own alone",
                span,
                "use variables of the synapse and constants",
            )
    return write.variable, _weights_of(d, map_, expr, owners), presented is not None


def _weights_of(d: Dense, map_: UpdateMap, expr: sympy.Expr, owners) -> Weighing:
    """How the weights ``expr``, of symbols that ``owners`` explains, come from the projection's variables."""
    trainable = trainable_parameters(d)
    names = [s.name for s in expr.free_symbols]
    if names and expr == symbol(names[0]) and owners[expr].owner == "self":
        return Weighing(d, None, names[0], trainable)
    weight = replace(
        map_,
        inputs=tuple(i for i in map_.inputs if symbol(i.name) in expr.free_symbols),
        assignments=(replace(map_.flat()[-1], target="weight@1", expr=expr),),
        writes=(Write("self", "weight", "weight@1"),),
    )
    return Weighing(d, _parameters(weight, d, set(trainable), {"weight"}), "", trainable)
