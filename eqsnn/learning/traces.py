"""Traces in plain numpy, beside the oracle: kernels by the interpreter, learning signals as matrix products. Compiled traces must agree with it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eqsnn.derivations.eligibility import GRADIENT, LEARNING, SIGNAL
from eqsnn.errors import EqsnnError
from eqsnn.kernel.interpret import Memory, interpret
from eqsnn.kernel.ir import Kernel
from eqsnn.kernel.traces import Family, Rule
from eqsnn.learning.engine import Gradients
from eqsnn.learning.oracle import Oracle

Matrices = Mapping[tuple[int, str], np.ndarray]
"""Weights [neuron][readout's neuron] by which errors come to an output of a layer, by (layer, output)."""


class NumpyTraces:
    """The traces of one batch after another. ``begin`` forgets all; ``window`` goes through the steps of the engine's last ``forward``."""

    def __init__(self, rule: Rule, engine: Oracle):
        self.rule, self.engine = rule, engine
        self.learner = engine.learner

    def begin(self) -> None:
        """A new batch."""
        self.local: list[dict[int, dict[str, np.ndarray]]] = [{} for _ in self.rule.local]
        self.traces: list[dict[str, np.ndarray]] = [{} for _ in self.rule.families]
        self.sums: list[np.ndarray] | None = None

    def _shape(self, f: Family) -> tuple[int, ...]:
        """Axes of what a family's kernel works on: (source, target, sample), (source, sample) or (neuron, sample)."""
        e, n = self.engine, self.engine.sizes[f.layer]
        if f.kind == "neurons":
            return (n, e.batch)
        source = self.learner.projections[f.projection].source
        sources = e.n_in if source < 0 else e.sizes[source]
        return (sources, n, e.batch) if f.kind == "pairs" else (sources, e.batch)

    def _begin_sums(self) -> None:
        self.sums = []
        for f, traces in zip(self.rule.families, self.traces):
            shape = self._shape(f)
            for name in f.traces:
                traces[name] = np.full(shape, float(name == f.starts), self.engine.dtype)
            n = self.engine.sizes[f.layer]
            self.sums.append(np.zeros(shape if f.kind != "sources" else (shape[0], n), self.engine.dtype))

    def window(self, slope: np.ndarray, feedback: Matrices) -> None:
        """The steps of a window; ``slope``: the derivatives of the loss with respect to the readout."""
        if self.sums is None:
            self._begin_sums()
        for t in range(self.engine.steps):
            now = self.engine.begun + t
            for k, local in enumerate(self.rule.local):
                self._derive(k, t, now)
                self.local[k].pop(now - local.behind - 1, None)
            learning = self._signals(slope[0, t], feedback)
            for k in reversed(range(len(self.rule.local))):
                behind = self.rule.local[k].behind
                if now < behind:
                    continue
                self._lead(k, now, learning)
                for number, f in enumerate(self.rule.families):
                    if f.layer == k:
                        self._advance(number, t - behind, now - behind, learning)

    def _derive(self, k: int, t: int, now: int) -> None:
        local, known = self.rule.local[k], {**self.engine.tape[t][k], **self.engine._parameters(k)}
        self.local[k][now] = {} if local.kernel is None else self.engine._do(local.kernel, known, k, t)

    def _do(self, kernel: Kernel, known: Mapping[str, np.ndarray], shape: tuple[int, ...]) -> dict[str, np.ndarray]:
        """The variables that a kernel leaves, each of ``shape``; what it reads is broadcast."""
        buffers = {
            b.name: np.array(np.broadcast_to(known.get(b.variable, 0.0), shape), self.engine.dtype).ravel()
            for b in kernel.buffers
        }
        interpret(kernel, Memory(buffers, {}), 0, int(np.prod(shape)))
        return {b.variable: buffers[b.name].reshape(shape) for b in kernel.buffers if b.writable}

    def _signals(self, slope: np.ndarray, feedback: Matrices) -> list[dict[str, np.ndarray]]:
        """The learning signals of a step, by layer and output: [neuron][sample]."""
        at = self.learner.readout.layer
        learning = [
            {o: np.zeros((n, self.engine.batch), self.engine.dtype) for o in local.outputs}
            for n, local in zip(self.engine.sizes, self.rule.local)
        ]
        learning[at][self.learner.readout.variable] = slope
        for (k, o), matrix in feedback.items():
            learning[k][o] = learning[k][o] + np.asarray(matrix, self.engine.dtype) @ slope
        return learning

    def _lead(self, k: int, now: int, learning: list[dict[str, np.ndarray]]) -> None:
        """Errors from the inputs of layer ``k`` to what arrives there in the same step."""
        kernel = self.rule.local[k].errors
        if kernel is None:
            return
        known = {**self.local[k][now], **{f"{LEARNING}_{o}": a for o, a in learning[k].items()}}
        made = self._do(kernel, known, (self.engine.sizes[k], self.engine.batch))
        for n, p in enumerate(self.learner.projections):
            if p.target == k and p.source >= 0 and self.engine.values.lags[n] == 0:
                error, o = made[f"error_{p.variable}"], p.signal or "spike"
                back = error if p.linked else self.engine._weights(n) @ error
                learning[p.source][o] = learning[p.source][o] + back

    def _advance(self, number: int, t: int, now: int, learning: list[dict[str, np.ndarray]]) -> None:
        """The traces of a family in step ``t`` of the window, ``now`` of the sample."""
        f, traces = self.rule.families[number], self.traces[number]
        known = {**self.local[f.layer][now], **{f"{LEARNING}_{o}": a for o, a in learning[f.layer].items()}}
        readout = self.local[self.learner.readout.layer]
        known |= {f"read_{v}": a[0] for v, a in readout[max(readout)].items()}  # the same for all neurons
        if f.kind == "neurons":
            made = self._do(f.kernel, {**known, **traces, GRADIENT: self.sums[number]}, self._shape(f))
            self.sums[number] = made.pop(GRADIENT)
            traces.update(made)
            return
        x = self.engine._signal(t, f.projection)
        x = np.zeros((self._shape(f)[0], self.engine.batch), self.engine.dtype) if x is None else x
        if f.kind == "pairs":
            given = {**known, **traces, SIGNAL: x[:, None], GRADIENT: self.sums[number]}
            made = self._do(f.kernel, given, self._shape(f))
            self.sums[number] = made.pop(GRADIENT)
            traces.update(made)
            return
        rows = self._do(f.rows, known, (self.engine.sizes[f.layer], self.engine.batch))
        for name in f.traces:
            if f"row_{name}" in rows:
                self.sums[number] = self.sums[number] + traces[name] @ rows[f"row_{name}"].T
        if f"row_{SIGNAL}" in rows:
            self.sums[number] = self.sums[number] + x @ rows[f"row_{SIGNAL}"].T
        if f.kernel is not None:
            own = {v: a[0] for v, a in self.local[f.layer][now].items()}
            traces.update(self._do(f.kernel, {**own, **traces, SIGNAL: x}, self._shape(f)))

    def gradients(self) -> Gradients:
        """What all windows of the batch have brought."""
        layers, projections = self.learner.layers, self.learner.projections
        weighted = [n for n, p in enumerate(projections) if not p.linked]
        weights = [np.zeros_like(np.asarray(w, np.float64)) for w in self.engine.values.weights]
        parameters = [dict[str, np.ndarray]() for _ in layers]
        start = [dict[str, np.ndarray]() for _ in layers]
        for f, total in zip(self.rule.families, self.sums or []):
            total = total.astype(np.float64)
            if f.kind == "neurons":
                where = parameters if f.begins in layers[f.layer].sought else start
                where[f.layer][f.begins] = total.sum(1)
            else:
                weights[weighted.index(f.projection)] += total.sum(2) if f.kind == "pairs" else total
        return Gradients(weights, parameters, start, [{} for _ in layers])


def traces_of(rule: Rule, engine):
    """What carries a rule's traces, beside the engine of a trainer. Raises EqsnnError."""
    from eqsnn.learning.cuda_engine import CudaEngine

    if isinstance(engine, Oracle):
        return NumpyTraces(rule, engine)
    if isinstance(engine, CudaEngine):
        raise EqsnnError(
            "eligibility traces are not computed on a GPU; use method='bptt', 'tbptt' or 'fptt' there, or backend='c'"
        )
    from eqsnn.learning.compiled_traces import CompiledTraces

    return CompiledTraces(rule, engine)
