"""Online learning: eligibility traces go forwards with the steps, and meet a learning signal in each; memory does not grow with the number of steps.

e-prop: Bellec, Scherr, Subramoney, Hajek, Salaj, Legenstein & Maass, "A solution to the learning dilemma for recurrent networks of spiking neurons",
Nat. Commun. 11:3625 (2020). OTTT: Xiao, Meng, Zhang, He & Lin, "Online training through time for spiking neural networks", NeurIPS 2022.
"""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.derivations.surrogate import SPIKE
from eqsnn.errors import EqsnnError
from eqsnn.learning.eligible import RuleMaker, Wishes
from eqsnn.learning.initial import generator, xavier
from eqsnn.learning.methods import Accumulated
from eqsnn.learning.traces import traces_of
from eqsnn.network.notices import tell_once

if TYPE_CHECKING:
    from eqsnn.learning.trainer import Trainer

FEEDBACK = ("symmetric", "random", "adaptive")
_STEPS = 32
"""How many steps are computed before traces go through them. The result does not depend on it."""


class Online(Accumulated):
    """The contract of rules whose traces go forwards. ``window`` is how many steps are computed before traces go through them: the result does not
    depend on it."""

    def __init__(self):
        super().__init__(_STEPS)
        self._maker: RuleMaker | None = None
        self._traces = None

    @abc.abstractmethod
    def wishes(self) -> Wishes:
        """What the rule asks of a network."""

    @abc.abstractmethod
    def matrices(self, weights: list[np.ndarray]) -> dict[tuple[int, str], np.ndarray]:
        """The weights by which errors come to the outputs of layers, with the network's ``weights`` of the moment."""

    def learner(self, network):
        self._maker, self._traces = RuleMaker(network, self.wishes()), None
        memory = self._maker.memory()
        if memory:
            each = ", ".join(f"{name}: {size / 1e6:.3g} MB" for name, size in memory.items())
            tell_once(
                f"{self.wishes().name} keeps traces of each synapse for each sample of a batch, {sum(memory.values()) / 1e6:.3g} MB a sample "
                f"({each}); one for each source is enough only where all targets decay alike, in all steps, and the readout has no memory"
            )
        return self._maker.learner

    def _begin(self, trainer: Trainer):
        if self._traces is None:
            self._traces = traces_of(self._maker.rule, trainer.engine)
        self._traces.begin()
        return self._traces

    def _back(self, trainer, batch, values, slope):
        traces, past, rates = self._begin(trainer), None, np.zeros(len(trainer.network.sizes))
        matrices = self.matrices(values.weights)
        for lo, hi in self.windows(batch.steps):
            readout = trainer.engine.forward(batch.x[:, lo:hi], values, past)
            rates += np.array(trainer.engine.rates()) * ((hi - lo) / batch.steps)
            past = trainer.engine.past()
            traces.window(slope(readout, lo, hi), matrices)
        return trainer.network.gradients(traces.gradients()), rates

    def _weights_of(self, weights: list[np.ndarray]) -> dict[tuple[int, str], np.ndarray]:
        """The weights between outputs and the readout, where there are such projections."""
        projections = self._maker.learner.projections
        weighted = [n for n, p in enumerate(projections) if not p.linked]
        at, found = self._maker.at, {}
        told = {(f.layer, f.output) for f in self._maker.rule.feedback}
        for n, p in enumerate(projections):
            key = (p.source, p.signal or SPIKE)
            if p.target == at and key in told:
                w = (
                    np.eye(self._maker.network.sizes[at])
                    if p.linked
                    else np.asarray(weights[weighted.index(n)], np.float64)
                )
                found[key] = found[key] + w if key in found else w
        return found


class EProp(Online):
    """e-prop (Bellec et al. 2020): the gradient is the sum over time of a learning signal of each neuron times an eligibility trace of each synapse,
    dE/dW_ji = sum_t L_j e_ji (eq. 1), where the trace follows all ways through the neuron's own states (eqs. 13, 14) and the signal none through
    other neurons' spikes. A readout of leaky variables filters the traces (eq. 28), so that nothing is lost there.

    ``feedback``: 'symmetric', errors come to a neuron by its weights to the readout; 'random', by weights of their own (broadcast alignment), to
    every layer; 'adaptive', by weights that begin at random, share each change of the readout's, and approach them by ``decay`` in each step (as
    Kolen & Pollack 1994). ``through_reset``: whether traces go through what a reset does; False, or the variables for which they do.
    """

    def __init__(
        self, feedback: str = "symmetric", through_reset: bool | str | tuple[str, ...] = True, decay: float = 0.01
    ):
        super().__init__()
        if feedback not in FEEDBACK:
            raise EqsnnError(f"feedback= of EProp is {', '.join(map(repr, FEEDBACK))}; got {feedback!r}")
        if not 0 <= decay <= 1:
            raise EqsnnError(
                f"decay= of EProp is the share by which feedback weights approach the readout's, from 0 to 1; got {decay!r}"
            )
        self.feedback, self.decay = feedback, float(decay)
        self.through_reset = (through_reset,) if isinstance(through_reset, str) else through_reset
        self.random: dict[tuple[int, str], np.ndarray] = {}
        self._before: dict[tuple[int, str], np.ndarray] = {}

    def memory(self):
        return {
            f"{layer} {output}": {"random": w.ravel(), "before": self._before.get((layer, output), w[:0]).ravel()}
            for (layer, output), w in self.random.items()
        }

    def remember(self, memory):
        sizes, at = self._maker.network.sizes, self._maker.at
        random, before = {}, {}
        for f in self._maker.rule.feedback:
            own, shape = memory.get(f"{f.layer} {f.output}", {}), (sizes[f.layer], sizes[at])
            for kept, of in ((random, own.get("random")), (before, own.get("before"))):
                if of is not None and of.size not in (0, shape[0] * shape[1]):
                    raise EqsnnError(
                        f"the file has {of.size} weights of feedback, and this network {shape[0]} x {shape[1]}"
                    )
                if of is not None and of.size:
                    kept[f.layer, f.output] = of.reshape(shape)
        self.random, self._before = random, before

    def wishes(self):
        return Wishes("e-prop", self.through_reset, self.feedback == "symmetric")

    def matrices(self, weights):
        known = self._weights_of(weights)
        if self.feedback == "symmetric":
            return known
        sizes, at = self._maker.network.sizes, self._maker.at
        for f in self._maker.rule.feedback:
            key = (f.layer, f.output)
            if key not in self.random:
                self.random[key] = xavier(sizes[f.layer], sizes[at], generator())
            elif self.feedback == "adaptive" and key in known:
                own, before = self.random[key], self._before[key]
                own += known[key] - before + self.decay * (before - own)
        self._before = {key: w.copy() for key, w in known.items()}
        return self.random


class OTTT(Online):
    """Online training through time (Xiao et al. 2022): in each step errors go back through the layers of that step alone, and meet, in place of the
    presynaptic spike, a trace of spikes that decays as the membrane leaks, dL/dW = sum_t g_u(t) a(t)^T, a(t) = lambda a(t-1) + s(t) (eqs. 7 to 9).

    Layers follow each other in the same step (``same_step=True``). The reset passes no derivative. Without a leak between steps that all neurons
    of a layer share, there is a trace for each synapse.
    """

    def wishes(self):
        return Wishes("OTTT", through=False, spatial=True)

    def matrices(self, weights):
        return {}
