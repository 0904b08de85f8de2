"""The online rules of a network: which traces its trained quantities need, found from the derivatives of each layer's step."""

from __future__ import annotations

from dataclasses import dataclass, replace

from eqsnn.derivations.eligibility import (
    Entry,
    Filter,
    Jacobian,
    errors,
    jacobian,
    memory_of,
    shared_traces,
    traces,
    without_reset,
)
from eqsnn.derivations.pause import COUNTS
from eqsnn.derivations.reals import as_reals
from eqsnn.derivations.surrogate import SPIKE, sharp, smoothed, with_slope
from eqsnn.errors import EqsnnError, EquationError
from eqsnn.kernel.ir import Kernel
from eqsnn.kernel.learner import Layer, Learner, Projection
from eqsnn.kernel.lower import lower
from eqsnn.kernel.passes.fit_memory import fit_memory
from eqsnn.kernel.traces import Family, Feedback, Local, Rule
from eqsnn.learning.layers import Trained, _closed, _safe, _surrogate
from eqsnn.learning.network import LearnedNetwork
from eqsnn.learning.one_step import live
from eqsnn.update_map import UpdateMap, symbol


@dataclass(frozen=True)
class Wishes:
    """``name``: of the rule, for messages; ``through``: the variables whose reset passes derivatives (True: all); ``symmetric``: errors come by the
    weights of the readout's projections, else by weights of their own; ``spatial``: they go from layer to layer within a step."""

    name: str
    through: bool | tuple[str, ...] = True
    symmetric: bool = True
    spatial: bool = False


def differing(prepare: UpdateMap) -> frozenset[str]:
    """The parameters of a layer that are not the same for all of its neurons."""
    varied = {
        symbol(i.name) for i in prepare.inputs if i.owner in ("self", "index") and not i.shared and i.variable != "N"
    }
    for p in prepare.propagators:
        if any(e.free_symbols & varied for row in p.matrix for e in row):
            varied |= {symbol(e) for row in p.entries for e in row if e is not None}
    for a in prepare.flat():
        if a.expr.free_symbols & varied:
            varied.add(symbol(a.target))
    return frozenset(w.variable for w in prepare.writes if symbol(w.value) in varied)


class RuleMaker:
    """Finds the ``rule`` of a network, and the ``learner`` that keeps what it needs. Raises EqsnnError or EquationError where there is none."""

    def __init__(self, network: LearnedNetwork, wishes: Wishes):
        self.network, self.wishes = network, wishes
        self.learner: Learner = network.learner
        self.single = self.learner.single
        self.jacobians = [self._jacobian(t) for t in network.trained]
        self.used: list[set[str]] = [set() for _ in network.trained]
        self.at = self.learner.readout.layer
        self.outputs = [self._outputs(k) for k in range(len(network.trained))]
        self.behind = [0 if wishes.spatial or k == self.at else self._behind(k) for k in range(len(network.trained))]
        self.families = [f for k in range(len(network.trained)) for f in self._families(k)]
        self._must_be_reached()
        local = tuple(self._local(k) for k in range(len(network.trained)))
        self.rule = Rule(local, tuple(self.families), tuple(self._feedback()), wishes.spatial, self.single)
        self.learner = replace_reach(self.learner, self._layers(), self.rule.reach)

    # -- derivatives ------------------------------------------------------------------------------------------------------------

    def _jacobian(self, t: Trained) -> Jacobian:
        step, through = t.step, self.wishes.through
        if through is not True:
            step = without_reset(step, through or ())
        columns = (*(s for s in t.layer.states if s not in t.layer.whole), *t.layer.inputs, *t.layer.sought)
        moving = (i.variable for i in step.inputs if i.owner == "clock" and i.variable != "dt")
        return jacobian(step, columns, (*t.layer.states, *t.layer.inputs, *moving), differing(t.prepare))

    def _kernel(self, map_: UpdateMap, name: str, k: int, writes=None) -> Kernel:
        map_ = as_reals(live(map_ if writes is None else replace(map_, writes=tuple(writes))), COUNTS)
        kernel = _closed(lower(map_, "neuron", name=f"eqt_{_safe(name)}", owner=self.network.groups[k].name))
        numbers = {b.name: "f32" for b in kernel.buffers if b.type == "f64" and b.owner != "table"}
        return fit_memory(kernel, numbers) if self.single else kernel

    def _note(self, k: int, kernel: Kernel | None) -> Kernel | None:
        """The derivatives that ``kernel`` reads are kept."""
        for b in () if kernel is None else kernel.buffers:
            if b.variable.startswith("read_d_"):
                self.used[self.at].add(b.variable.removeprefix("read_"))
            elif b.variable.startswith("d_"):
                self.used[k].add(b.variable)
        return kernel

    def _local(self, k: int) -> Local:
        t, jac = self.network.trained[k], self.jacobians[k]
        leads = None
        if self.wishes.spatial and self.outputs[k] and t.layer.inputs:
            leads = self._note(
                k, self._kernel(errors(jac.entries, self.outputs[k], t.layer.inputs, "errors"), f"errors_{k}", k)
            )
        names = tuple(e.name for e in jac.entries.values() if e.name in self.used[k])
        if not names:
            return Local(None, (), self.outputs[k], self.behind[k], leads)
        slope, primitive = _surrogate(t.group, t.layer.spikes, self.network.smooth)
        map_ = jac.map if slope is None else with_slope(jac.map, slope)
        map_ = smoothed(map_, primitive) if self.network.smooth and primitive is not None else sharp(map_)
        kernel = self._kernel(map_, f"local_{k}", k, [w for w in map_.writes if w.variable in names])
        return Local(kernel, names, self.outputs[k], self.behind[k], leads)

    def _layers(self) -> tuple[Layer, ...]:
        """The layers, whose tape keeps what local derivatives read; states that are the last event are among it."""
        out = []
        for t, local in zip(self.network.trained, self.rule.local):
            layer = t.layer
            kernels = (layer.backward, *(() if local.kernel is None else (local.kernel,)))
            read = {b.variable for kernel in kernels for b in kernel.buffers}
            out.append(replace(layer, taped=tuple(v for v in (*layer.states, *layer.inputs) if v in read), echoes=()))
        return tuple(out)

    # -- what learns ------------------------------------------------------------------------------------------------------------

    def _into_readout(self, k: int) -> list[tuple[int, Projection]]:
        return [(n, p) for n, p in enumerate(self.learner.projections) if p.source == k and p.target == self.at]

    def _name(self, k: int) -> str:
        return self.network.groups[k].name

    def _outputs(self, k: int) -> tuple[str, ...]:
        """What of a layer has a learning signal."""
        layer = self.network.trained[k].layer
        if k == self.at:
            if any(p.signal for _, p in self._into_readout(k)):
                raise EqsnnError(
                    f"{self.wishes.name}: the readout {self._name(k)} hears itself, and errors would go through "
                    "time; leave out that projection or use method='bptt'"
                )
            own = (self.learner.readout.variable,)
        else:
            own = ()
        if self.wishes.spatial:
            leads = [p for n, p in enumerate(self.learner.projections) if p.source == k and self.network.lags[n] == 0]
        else:
            leads = [] if k == self.at else [p for _, p in self._into_readout(k)]
        told = tuple(dict.fromkeys(p.signal or SPIKE for p in leads))
        if not told and not own and not self.wishes.symmetric:
            told = (SPIKE,) if layer.spikes else layer.sent[:1]
        return (*own, *(o for o in told if o not in own))

    def _behind(self, k: int) -> int:
        lags = {self.network.lags[n] for n, _ in self._into_readout(k)}
        if len(lags) > 1:
            raise EqsnnError(
                f"{self.wishes.name}: {self._name(k)} reaches the readout {self._name(self.at)} by projections of different delays, "
                f"{' and '.join(str(lag) for lag in sorted(lags))} steps; give them one"
            )
        return lags.pop() if lags else 1

    def _through(self, k: int) -> Filter | None:
        """How the readout filters what layer ``k`` tells it."""
        if k == self.at or self.wishes.spatial:
            return None
        arriving = {p.variable for _, p in self._into_readout(k)}
        if len(arriving) > 1:
            raise EqsnnError(
                f"{self.wishes.name}: {self._name(k)} reaches the readout {self._name(self.at)} by "
                f"{' and '.join(sorted(arriving))}; let one of them sum both"
            )
        layer, jac, reads = self.network.trained[self.at].layer, self.jacobians[self.at], self.learner.readout.variable
        arrives = arriving.pop() if arriving else self._an_input(jac, layer, reads)
        states = memory_of(jac.entries, layer.states, arrives, (reads,))
        rows = {*states, reads}
        for (row, column), e in jac.entries.items():
            if row in rows and column in (*states, arrives) and not (e.constant and e.alike):
                self._no_filter(row, e)
        if not any(row in rows and column == arrives for row, column in jac.entries):
            raise EqsnnError(f"{self.wishes.name}: '{reads}' of {self._name(self.at)} does not depend on '{arrives}'")
        return Filter(states, jac.entries, arrives, reads)

    def _an_input(self, jac: Jacobian, layer: Layer, reads: str) -> str:
        for i in layer.inputs:
            if (reads, i) in jac.entries or memory_of(jac.entries, layer.states, i, (reads,)):
                return i
        raise EqsnnError(f"{self.wishes.name}: '{reads}' of the readout {self._name(self.at)} depends on no input")

    def _no_filter(self, row: str, e: Entry) -> None:
        group = self.network.groups[self.at]
        span = next((v.span for v in group.model.variables if v.name == row), None)
        if row == SPIKE:
            span = next((ev.condition.span for ev in group.model.events if ev.name == "spike"), None)
        if e.constant:
            raise EquationError(
                f"{self.wishes.name} filters traces as the readout does, once for all of its neurons, and those of {group.name} do it each in "
                "its own way",
                span,
                "declare what it depends on, such as a time constant, as (shared)",
            )
        raise EquationError(
            f"{self.wishes.name} filters traces as the readout does, and '{row}' of {group.name} does it otherwise in each step",
            span,
            "read a leaky variable of a group without threshold and without products of variables",
        )

    def _families(self, k: int) -> list[Family]:
        t, jac, outputs = self.network.trained[k], self.jacobians[k], self.outputs[k]
        found: list[Family] = []
        wanted = [(p, n) for n, p in enumerate(self.learner.projections) if p.target == k and self._trains(n)]
        starts = [v for v in t.layer.states if f"{t.group.name}.{v}" in self.network.parameters]
        if not (wanted or starts or t.layer.sought):
            return []
        if not outputs:
            raise EqsnnError(self._unheard(k))
        through = self._through(k)
        if self.wishes.spatial:
            self._leaks(k)
        for p, n in wanted:
            found += self._of_weights(k, n, p.variable, outputs, through)
        for name in (*t.layer.sought, *starts):
            made = traces(jac.entries, t.layer.states, name, outputs, through, f"{name} of {t.group.name}", False)
            if made is not None:
                kernel = self._note(k, self._kernel(made.map, f"own_{k}_{name}", k))
                found.append(Family("neurons", k, -1, name, made.traces, kernel))
        return found

    def _of_weights(
        self, k: int, n: int, begins: str, outputs: tuple[str, ...], through: Filter | None
    ) -> list[Family]:
        states, entries = self.network.trained[k].layer.states, self.jacobians[k].entries
        together = shared_traces(entries, states, begins, outputs, through)
        if together is not None:
            made, rows = together
            kernel = self._note(k, self._kernel(made.map, f"sources_{n}", k)) if made.traces else None
            return [
                Family("sources", k, n, begins, made.traces, kernel, self._note(k, self._kernel(rows, f"rows_{n}", k)))
            ]
        made = traces(entries, states, begins, outputs, through)
        if made is None:
            return []
        return [Family("pairs", k, n, begins, made.traces, self._note(k, self._kernel(made.map, f"pairs_{n}", k)))]

    def _trains(self, projection: int) -> bool:
        """Whether the weights of a projection are trained."""
        p = self.learner.projections
        if p[projection].linked:
            return False
        return bool(self.network.weighing[projection - sum(q.linked for q in p[:projection])].trainable)

    def _unheard(self, k: int) -> str:
        who, readout = self._name(k), self._name(self.at)
        if self.wishes.spatial:
            return (
                f"{self.wishes.name} carries errors through one step, and {who} reaches nothing in the same step; give its Dense "
                "same_step=True, or use method='eprop'"
            )
        if self.wishes.symmetric:
            return (
                f"{self.wishes.name}: {who} sends nothing to the readout {readout}, so that there is no learning signal for it; connect it, or use "
                "EProp(feedback='random')"
            )
        return f"{self.wishes.name}: {who} has neither events nor sums that others read, so that nothing of it could be learnt"

    def _leaks(self, k: int) -> None:
        """OTTT: traces decay as the membrane leaks, the same in all steps."""
        t = self.network.trained[k]
        for (row, column), e in self.jacobians[k].entries.items():
            if row in t.layer.states and column in (*t.layer.states, *t.layer.inputs) and not e.constant:
                span = next((v.span for v in t.group.model.variables if v.name == row), None)
                raise EquationError(
                    f"{self.wishes.name} keeps what a neuron leaks, and '{row}' of {t.group.name} depends on '{column}' otherwise in each step",
                    span,
                    "use method='eprop'",
                )

    def _must_be_reached(self) -> None:
        """Something must learn."""
        if not self.families:
            raise EqsnnError(
                f"{self.wishes.name}: nothing that is trained has an effect on '{self.learner.readout.variable}' of {self._name(self.at)}"
            )

    def _feedback(self) -> list[Feedback]:
        if self.wishes.spatial:
            return []
        learning = {f.layer for f in self.families} - {self.at}
        found = []
        for k in sorted(learning):
            for o in self.outputs[k]:
                ways = [n for n, p in self._into_readout(k) if (p.signal or SPIKE) == o]
                found += [Feedback(k, o, n) for n in ways] if self.wishes.symmetric else [Feedback(k, o, -1)]
        return found

    # -- memory -----------------------------------------------------------------------------------------------------------------

    def memory(self) -> dict[str, int]:
        """Bytes for each sample that traces of synapses take, by projection, where they do not factorise."""
        number, real = 0, 4 if self.single else 8
        found: dict[str, int] = {}
        weighted = [n for n, p in enumerate(self.learner.projections) if not p.linked]
        for f in self.families:
            if f.kind == "pairs":
                number = weighted.index(f.projection)
                dense = self.network.weighing[number].dense
                found[dense.name] = (
                    found.get(dense.name, 0) + len(dense.source) * len(dense.target) * len(f.traces) * real
                )
        return found


def replace_reach(learner: Learner, layers: tuple[Layer, ...], reach: int) -> Learner:
    """``learner`` with other layers, and so many more steps of the past kept."""
    return replace(learner, layers=layers, reach=reach)
