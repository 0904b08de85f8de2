"""A learner in plain numpy: kernels by the interpreter, projections as matrix products. Slow and obvious; the compiled engine must agree with it.

With a learner whose events are smooth (``layer_of(smooth=True)``) its gradients are those that finite differences see.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eqsnn.kernel.interpret import Memory, interpret
from eqsnn.kernel.ir import Kernel
from eqsnn.kernel.learner import Learner
from eqsnn.learning.engine import Gradients, Values, into_blocks


class Oracle:
    """As ``CompiledEngine``, with one block of all samples."""

    def __init__(self, learner: Learner, n_in: int, sizes: Sequence[int]):
        self.learner, self.n_in, self.sizes = learner, n_in, list(sizes)
        self.dtype = np.float32 if learner.single else np.float64

    @property
    def width(self) -> int:
        """Samples in a block: all of them."""
        return self.batch

    def forward(self, x: np.ndarray, values: Values) -> np.ndarray:
        self.batch, self.steps, self.values = len(x), x.shape[1], values
        self.x = into_blocks(np.asarray(x, self.dtype), self.batch)[0]  # [step][input][sample]
        state = [
            {v: np.repeat(np.asarray(values.start[k][v], self.dtype)[:, None], self.batch, 1) for v in layer.states}
            for k, layer in enumerate(self.learner.layers)
        ]
        self.tape: list[list[dict[str, np.ndarray]]] = []
        self.spikes: list[list[np.ndarray]] = []
        read = []
        for t in range(self.steps):
            self.tape.append([])
            self.spikes.append([])
            for k, layer in enumerate(self.learner.layers):
                inputs = {v: self._arriving(t, k, v) for v in layer.inputs}
                known = {**state[k], **inputs, **self._parameters(k)}
                self.tape[t].append({**state[k], **inputs})
                made = self._do(layer.forward, known, self.sizes[k])
                state[k] = {v: made[v] for v in layer.states}
                self.spikes[t].append(made.get("spike", np.zeros((self.sizes[k], self.batch), self.dtype)))
            where = self.learner.readout
            read.append(
                self.spikes[t][where.layer] if where.variable == "spike" else state[where.layer][where.variable]
            )
        return np.stack(read)[None]

    def _parameters(self, k: int) -> dict[str, np.ndarray]:
        values = self.values.parameters[k]
        return {v: np.repeat(np.asarray(a, self.dtype)[:, None], self.batch, 1) for v, a in values.items()}

    def _signal(self, t: int, projection: int) -> np.ndarray | None:
        """What a projection carries in step t: [source][sample]."""
        p, t = self.learner.projections[projection], t - self.values.lags[projection]
        if t < 0:
            return None
        if p.source < 0:
            return self.x[t] if p.graded else (self.x[t] != 0).astype(self.dtype)
        return self.spikes[t][p.source]

    def _arriving(self, t: int, layer: int, variable: str) -> np.ndarray:
        total = np.zeros((self.sizes[layer], self.batch), self.dtype)
        for k in self.learner.onto(layer, variable):
            signal = self._signal(t, k)
            if signal is not None:
                total = total + np.asarray(self.values.weights[k], self.dtype).T @ signal
        return total

    def _do(self, kernel: Kernel, known: dict[str, np.ndarray], n: int) -> dict[str, np.ndarray]:
        buffers = {
            b.name: np.array(known.get(b.variable, np.zeros((n, self.batch))), self.dtype).ravel()
            for b in kernel.buffers
        }
        interpret(kernel, Memory(buffers, {}), 0, n * self.batch)
        return {b.variable: buffers[b.name].reshape(n, self.batch) for b in kernel.buffers}

    def backward(self, slope: np.ndarray) -> Gradients:
        layers, steps = self.learner.layers, self.steps
        zeros = lambda k: np.zeros((self.sizes[k], self.batch), self.dtype)  # noqa: E731
        adjoint = [{v: zeros(k) for v in (*layer.states, *layer.sought)} for k, layer in enumerate(layers)]
        events = [[zeros(k) for k in range(len(layers))] for _ in range(steps)]
        weights = [np.zeros_like(np.asarray(w, np.float64)) for w in self.values.weights]
        where = self.learner.readout
        for t in reversed(range(steps)):
            if where.variable == "spike":
                events[t][where.layer] = events[t][where.layer] + slope[0, t]
            else:
                adjoint[where.layer][where.variable] = adjoint[where.layer][where.variable] + slope[0, t]
            for k in reversed(range(len(layers))):
                layer = layers[k]
                known = {**self.tape[t][k], **self._parameters(k), "adj_spike": events[t][k]}
                known |= {f"adj_{v}": a for v, a in adjoint[k].items()}
                made = self._do(layer.backward, known, self.sizes[k])
                adjoint[k] = {v: made.get(f"adj_{v}", adjoint[k][v]) for v in adjoint[k]}
                for v in layer.inputs:
                    for p in self.learner.onto(k, v):
                        self._back(t, p, made.get(f"adj_{v}", zeros(k)), weights, events)
        self.rates_ = [float(np.mean([s[k] for s in self.spikes])) for k in range(len(layers))]
        sums = [{v: a.astype(np.float64).sum(1) for v, a in layer.items()} for layer in adjoint]
        return Gradients(
            weights,
            [{v: s[v] for v in layer.sought} for layer, s in zip(layers, sums)],
            [{v: s[v] for v in layer.states} for layer, s in zip(layers, sums)],
        )

    def _back(self, t: int, projection: int, error: np.ndarray, weights: list, events: list) -> None:
        signal = self._signal(t, projection)
        if signal is None:
            return
        weights[projection] += signal.astype(np.float64) @ error.T.astype(np.float64)
        source = self.learner.projections[projection].source
        if source >= 0:
            before = events[t - self.values.lags[projection]]
            before[source] = before[source] + np.asarray(self.values.weights[projection], self.dtype) @ error

    def rates(self) -> list[float]:
        """The share of (step, neuron, sample) with an event, a layer."""
        return [float(np.mean([s[k] for s in self.spikes])) for k in range(len(self.learner.layers))]

    def tape_bytes(self) -> int:
        """How much the last batch has kept of its steps for the way back."""
        return sum(a.nbytes for step in self.tape for layer in step for a in layer.values())
