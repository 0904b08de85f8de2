"""Forward propagation through time: the optimiser steps within a sample, and a regulariser that evolves with the losses keeps its steps together.

Kag & Saligrama, "Training recurrent neural networks via forward propagation through time", ICML 2021; for spiking networks, Yin, Corradi & Bohte,
"Accurate online training of dynamical spiking neural networks through forward propagation through time", Nature Machine Intelligence 5 (2023). In
their notation, with the loss l_t of a window, parameters W, their running mean Wbar and an estimate lambda of the last gradient:

    L_t     = l_t(W) - (1 - rho)*lambda.W + alpha/2*|W - Wbar|^2    the dynamic risk
    W      <- W - eta*grad L_t                                      one step of any optimiser
    lambda <- lambda - alpha*(W - Wbar)                             what the gradient of l_t is where that of L_t is 0
    Wbar   <- (1 - beta)*Wbar + beta*W - beta/alpha*lambda          with beta = 1/2 the mean of the paper

With rho = 0 the regulariser is alpha/2*|W - Wbar - lambda/alpha|^2 up to a constant. The paper takes the gradient itself for lambda; its authors'
program, and that of Yin et al., the recursion, which needs no second gradient. Both set W <- Wbar at the end of an epoch.
"""

from __future__ import annotations

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.learning.methods import Found, Windowed
from eqsnn.learning.penalties import penalised


class FPTT(Windowed):
    """One step of the optimiser after every ``window`` steps of time (1 unless the trainer says more), with gradients of that window alone.

    ``over=`` of the loss reduces the steps of each window, and each window has the target of its sample; its loss counts the more the later the
    window ends (t/T, as little can be known at the start). With ``over='steps'``, where each step has a target, all windows count alike. A window
    without targets is passed through without a step. ``alpha``, ``beta``, ``rho``: as above; ``alpha=0``: no regulariser, and W stays at the end
    of an epoch.
    """

    def __init__(self, alpha: float = 0.5, beta: float = 0.5, rho: float = 0.0):
        super().__init__()
        if not alpha >= 0:
            raise EqsnnError(f"alpha= weighs the square of W - Wbar in FPTT, and is 0 or more; got {alpha!r}")
        if not 0 < beta <= 1:
            raise EqsnnError(f"beta= is the share of W in Wbar in FPTT, above 0 and up to 1; got {beta!r}")
        if not 0 <= rho <= 1:
            raise EqsnnError(f"rho= takes its share from lambda.W in FPTT, from 0 to 1; got {rho!r}")
        self.alpha, self.beta, self.rho = float(alpha), float(beta), float(rho)
        self.mean: dict[str, np.ndarray] = {}
        self.dual: dict[str, np.ndarray] = {}

    def memory(self):
        return {n: {"mean": self.mean[n], "dual": self.dual[n]} for n in self.mean}

    def remember(self, memory):
        self.mean = {n: own["mean"] for n, own in memory.items()}
        self.dual = {n: own["dual"] for n, own in memory.items()}

    def gradients(self, trainer, batch):
        raise EqsnnError("FPTT changes parameters within a sample, which so has no gradient; use step() or fit()")

    def train(self, trainer, batch):
        if not self.mean:
            self.mean = {n: p.copy() for n, p in trainer.parameters.items()}
            self.dual = {n: np.zeros_like(p) for n, p in trainer.parameters.items()}
        each, past, steps = trainer.loss.over == "steps", None, batch.steps
        rates, loss, scores, seen = np.zeros(len(trainer.network.sizes)), 0.0, {}, 0.0
        for lo, hi in self.windows(steps):
            values = trainer.values(len(batch.x)) if past is None else trainer.network.values()
            readout = trainer.engine.forward(batch.x[:, lo:hi], values, past)
            rates += np.array(trainer.engine.rates()) * ((hi - lo) / steps)
            past = trainer.engine.past()
            target = batch.target(lo, hi)
            count = trainer.loss.count(target)
            if not count:
                continue
            value, slope = trainer.loss.value(readout, target)
            seen = seen + count if each else count  # the prediction of a sample is that of its last window
            share = count / seen
            loss += share * (value - loss)
            scores = {
                n: scores.get(n, 0.0) + share * (s - scores.get(n, 0.0))
                for n, s in trainer.scores(readout, target).items()
            }
            weight = slope.dtype.type(1.0 if each else hi / steps)
            _, pushes = penalised(trainer, batch, lo, hi)
            self._step(trainer, trainer.network.gradients(trainer.engine.backward(slope * weight, pushes)))
        return Found(loss, scores, rates)

    def _step(self, trainer, gradients: dict[str, np.ndarray]) -> None:
        """One step down the dynamic risk, and what follows for lambda and Wbar."""
        if not self.alpha:
            trainer.descend(gradients)
            return
        parameters = trainer.parameters
        for n, g in gradients.items():
            gradients[n] = g - (1 - self.rho) * self.dual[n] + self.alpha * (parameters[n] - self.mean[n])
        trainer.descend(gradients)
        for n, p in parameters.items():
            dual, mean = self.dual[n], self.mean[n]
            dual -= self.alpha * (p - mean)
            mean *= 1 - self.beta
            mean += self.beta * p - self.beta / self.alpha * dual

    def end_of_epoch(self, trainer) -> None:
        if self.alpha and self.mean:
            for n, p in trainer.parameters.items():
                p[...] = self.mean[n]
            trainer.network.keep_in_bounds()
