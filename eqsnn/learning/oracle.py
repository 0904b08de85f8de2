"""A learner in plain numpy: kernels by the interpreter, projections as matrix products. Slow and obvious; the compiled engine must agree with it.

With a learner whose events are smooth (``layer_of(smooth=True)``) its gradients are those that finite differences see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.kernel.interpret import Memory, interpret
from eqsnn.kernel.ir import Kernel, Scalar
from eqsnn.kernel.learner import Learner
from eqsnn.learning.engine import Gradients, Past, Surroundings, Values, into_blocks, keys_of

if TYPE_CHECKING:
    from eqsnn.learning.penalties import Pushes


class Oracle:
    """As ``CompiledEngine``, with one block of all samples."""

    def __init__(self, learner: Learner, n_in: int, sizes: Sequence[int], surroundings: Surroundings):
        self.surroundings = surroundings
        self.learner, self.n_in, self.sizes = learner, n_in, list(sizes)
        self.dtype = np.float32 if learner.single else np.float64

    @property
    def width(self) -> int:
        """Samples in a block of the last batch."""
        return self.batch

    def width_for(self, samples: int) -> int:
        """Samples in a block of a batch: all of them."""
        return samples

    def forward(self, x: np.ndarray, values: Values, past: Past | None = None) -> np.ndarray:
        self.batch, self.steps, self.values = len(x), x.shape[1], values
        self.x = list(into_blocks(np.asarray(x, self.dtype), self.batch)[0])  # [step][input][sample]
        layers = self.learner.layers
        state = [{v: self._each(values.start[k][v]) for v in layer.states} for k, layer in enumerate(layers)]
        self.tape: list[list[dict[str, np.ndarray]]] = []
        self.spikes: list[list[np.ndarray]] = []
        self.sent: list[list[dict[str, np.ndarray]]] = []
        self.before = {-1: [{v: self._each(a) for v, a in sent.items()} for sent in values.sent]}
        self.earlier: dict[int, tuple] = {}
        if past is not None:
            state, self.earlier = past.by["state",], past.by["earlier",]
            self.before = {t: sent for t, (_, _, sent) in self.earlier.items()}
        self.begun = 0 if past is None else past.steps
        self.keys = keys_of(values)
        read = []
        for t in range(self.steps):
            self.tape.append([])
            self.spikes.append([])
            self.sent.append([])
            for k, layer in enumerate(layers):
                inputs = {v: self._arriving(t, k, v) for v in layer.inputs}
                known = {**state[k], **inputs, **self._parameters(k)}
                self.tape[t].append({**state[k], **inputs})
                made = self._do(layer.forward, known, k, t)
                state = [*state[:k], {v: made[v] for v in layer.states}, *state[k + 1 :]]
                self.spikes[t].append(made.get("spike", np.zeros((self.sizes[k], self.batch), self.dtype)))
                self.sent[t].append({v: made[v] for v in layer.sent})
            where = self.learner.readout
            read.append(
                self.spikes[t][where.layer] if where.variable == "spike" else state[where.layer][where.variable]
            )
        self.state = state
        return np.stack(read)[None]

    def past(self) -> Past:
        """Where the last ``forward`` has ended."""
        longest, earlier = max((1, *self.values.lags)) + self.learner.reach, {}
        for t in range(max(self.steps - longest, -self.begun), self.steps):
            one = (self.x[t], self.spikes[t], self.sent[t]) if t >= 0 else self.earlier[t]
            earlier[t - self.steps] = one
        return Past(self.begun + self.steps, {("state",): self.state, ("earlier",): earlier})

    def _each(self, values: np.ndarray) -> np.ndarray:
        if np.ndim(values) == 2:
            return np.array(values, self.dtype).T
        return np.repeat(np.asarray(values, self.dtype)[:, None], self.batch, 1)

    def _parameters(self, k: int) -> dict[str, np.ndarray]:
        values = self.values.parameters[k]
        return {v: np.repeat(np.asarray(a, self.dtype)[:, None], self.batch, 1) for v, a in values.items()}

    def _signal(self, t: int, projection: int) -> np.ndarray | None:
        """What a projection carries in step t: [source][sample]."""
        p, t = self.learner.projections[projection], t - self.values.lags[projection]
        if p.signal:
            return (self.sent[t] if t >= 0 else self.before[t])[p.source][p.signal]
        if t < 0 and t not in self.earlier:
            return None
        x, spikes = (self.x[t], self.spikes[t]) if t >= 0 else self.earlier[t][:2]
        if p.source < 0:
            return x if p.graded else (x != 0).astype(self.dtype)
        return spikes[p.source]

    def _arriving(self, t: int, layer: int, variable: str) -> np.ndarray:
        total = np.zeros((self.sizes[layer], self.batch), self.dtype)
        for k in self.learner.onto(layer, variable):
            signal = self._signal(t, k)
            if self.learner.projections[k].linked:
                total = signal
            elif signal is not None:
                total = total + self._weights(k).T @ signal
        return total

    def _weights(self, projection: int) -> np.ndarray:
        linked = sum(p.linked for p in self.learner.projections[:projection])
        return np.asarray(self.values.weights[projection - linked], self.dtype)

    def _do(self, kernel: Kernel, known: dict[str, np.ndarray], k: int, t: int) -> dict[str, np.ndarray]:
        n, buffers = self.sizes[k], {}
        for b in kernel.buffers:
            if b.owner == "table":
                buffers[b.name] = self.surroundings.tables[k][b.variable]
            else:
                buffers[b.name] = np.array(known.get(b.variable, np.zeros((n, self.batch))), self.dtype).ravel()
        scalars = {s.name: self._number(s, k, self.begun + t) for s in kernel.scalars}
        interpret(kernel, Memory(buffers, scalars), 0, n * self.batch)
        return {b.variable: buffers[b.name].reshape(n, self.batch) for b in kernel.buffers if b.owner != "table"}

    def _number(self, s: Scalar, k: int, t: int):
        """What a kernel of layer ``k`` reads beside arrays, in step ``t`` of the samples."""
        numbers = dict(zip(self.learner.layers[k].numbers, self.surroundings.numbers[k]))
        if s.owner == "sample":
            sample = np.arange(self.batch)
            whole = sample if s.variable == "sample" else sample * self.sizes[k] + np.arange(self.sizes[k])[:, None]
            return np.broadcast_to(whole, (self.sizes[k], self.batch)).ravel()
        if s.owner == "shape":
            return numbers[s.variable]
        return {"t": t * numbers["dt"], "step": t, "count": t, "key": self.keys[k]}[s.variable]

    def backward(self, slope: np.ndarray, pushes: Pushes | None = None, inputs: bool = False) -> Gradients:
        self.presented = np.zeros((self.steps, self.n_in, self.batch), self.dtype)
        layers, steps = self.learner.layers, self.steps
        zeros = lambda k: np.zeros((self.sizes[k], self.batch), self.dtype)  # noqa: E731
        adjoint = [{v: zeros(k) for v in (*layer.states, *layer.sought)} for k, layer in enumerate(layers)]
        events = [[zeros(k) for k in range(len(layers))] for _ in range(steps)]
        if pushes is not None:
            for k, push in pushes.layers.items():
                for t in range(steps):
                    events[t][k] = (push[:, None] * pushes.counted[0, t]).astype(self.dtype)
        sent = {
            t: [{v: zeros(k) for v in layer.sent} for k, layer in enumerate(layers)] for t in range(-1, steps)
        }  # derivatives of what is sent
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
                known |= {f"adj_{v}": a for v, a in (*adjoint[k].items(), *sent[t][k].items())}
                made = self._do(layer.backward, known, k, t)
                adjoint[k] = {v: made.get(f"adj_{v}", adjoint[k][v]) for v in adjoint[k]}
                for v in layer.inputs:
                    for p in self.learner.onto(k, v):
                        self._back(t, p, made.get(f"adj_{v}", zeros(k)), weights, events, sent)
        self.rates_ = [float(np.mean([s[k] for s in self.spikes])) for k in range(len(layers))]
        sums = [{v: a.astype(np.float64).sum(1) for v, a in layer.items()} for layer in adjoint]
        return Gradients(
            weights,
            [{v: s[v] for v in layer.sought} for layer, s in zip(layers, sums)],
            [{v: s[v] for v in layer.states} if not self.begun else {} for layer, s in zip(layers, sums)],
            [
                {v: sent[-1][k][v].astype(np.float64).sum(1) for v in values if not self.begun}
                for k, values in enumerate(self.values.sent)
            ],
            np.moveaxis(self.presented, 2, 0) if inputs else None,
        )

    def _back(self, t: int, projection: int, error: np.ndarray, weights: list, events: list, sent: dict) -> None:
        signal = self._signal(t, projection)
        if signal is None:
            return
        p, at = self.learner.projections[projection], t - self.values.lags[projection]
        if not p.linked:
            number = projection - sum(q.linked for q in self.learner.projections[:projection])
            weights[number] += signal.astype(np.float64) @ error.T.astype(np.float64)
        back = error if p.linked else self._weights(projection) @ error
        if p.signal:
            sent[at][p.source][p.signal] = sent[at][p.source][p.signal] + back
        elif p.source < 0 and at >= 0:
            self.presented[at] += back
        elif p.source >= 0 and at >= 0:
            events[at][p.source] = events[at][p.source] + back

    def events_of(self, k: int, counted: np.ndarray) -> np.ndarray:
        """How many events the neurons of layer ``k`` had in the steps that are ``counted``, [block][step][sample]: [neuron]."""
        return sum((s[k] * counted[0, t]).sum(axis=1, dtype=np.float64) for t, s in enumerate(self.spikes))

    def rates(self) -> list[float]:
        """The share of (step, neuron, sample) with an event, a layer."""
        return [float(np.mean([s[k] for s in self.spikes])) for k in range(len(self.learner.layers))]

    def tape_bytes(self) -> int:
        """How much the last batch has kept of its steps for the way back."""
        return sum(a.nbytes for step in self.tape for layer in step for a in layer.values())
