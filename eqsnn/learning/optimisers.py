"""Steps down the gradient. An optimiser keeps what it remembers of each parameter by name; ``rate`` is the learning rate of the moment."""

from __future__ import annotations

import abc
from collections.abc import Mapping

import numpy as np

from eqsnn.errors import EqsnnError


class Optimiser(abc.ABC):
    """The contract: ``step`` takes parameters and gradients by name and changes the parameters in place; ``factors``: of the learning rate."""

    def __init__(self, rate: float = 1e-3):
        if not rate > 0:
            raise EqsnnError(f"a learning rate is positive; got {rate!r}")
        self.rate = float(rate)
        self.steps = 0
        self.memory: dict[str, dict[str, np.ndarray]] = {}

    def step(
        self,
        parameters: Mapping[str, np.ndarray],
        gradients: Mapping[str, np.ndarray],
        factors: Mapping[str, float],
        rate: float,
    ) -> None:
        """One step with the learning rate ``rate``."""
        self.steps += 1
        for name, p in parameters.items():
            memory = self.memory.setdefault(name, {})
            p -= rate * factors.get(name, 1.0) * self.direction(np.asarray(gradients[name], np.float64), p, memory)

    @abc.abstractmethod
    def direction(self, g: np.ndarray, p: np.ndarray, memory: dict[str, np.ndarray]) -> np.ndarray:
        """The change for a learning rate of 1."""

    @staticmethod
    def _kept(memory: dict[str, np.ndarray], name: str, g: np.ndarray) -> np.ndarray:
        return memory.setdefault(name, np.zeros_like(g))


class SGD(Optimiser):
    """Stochastic gradient descent, with ``momentum`` (Polyak 1964) if it is not 0."""

    def __init__(self, rate: float = 1e-2, momentum: float = 0.0):
        super().__init__(rate)
        self.momentum = momentum

    def direction(self, g, p, memory):
        if not self.momentum:
            return g
        v = self._kept(memory, "v", g)
        v *= self.momentum
        v += g
        return v


class Adam(Optimiser):
    """Kingma & Ba 2015."""

    decay = 0.0

    def __init__(self, rate: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), epsilon: float = 1e-8):
        super().__init__(rate)
        self.betas, self.epsilon = betas, epsilon

    def direction(self, g, p, memory):
        a, b = self.betas
        m, v = self._kept(memory, "m", g), self._kept(memory, "v", g)
        m += (1 - a) * (g - m)
        v += (1 - b) * (g * g - v)
        return m / (1 - a**self.steps) / (np.sqrt(v / (1 - b**self.steps)) + self.epsilon) + self.decay * p


class AdamW(Adam):
    """Adam with decay of the parameters themselves (Loshchilov & Hutter 2019)."""

    def __init__(self, rate: float = 1e-3, betas=(0.9, 0.999), epsilon: float = 1e-8, decay: float = 1e-2):
        super().__init__(rate, betas, epsilon)
        self.decay = decay


class Adamax(Adam):
    """Adam with the largest gradient of late in place of the mean square (Kingma & Ba 2015, section 7.1)."""

    def direction(self, g, p, memory):
        a, b = self.betas
        m, u = self._kept(memory, "m", g), self._kept(memory, "u", g)
        m += (1 - a) * (g - m)
        np.maximum(b * u, np.abs(g) + self.epsilon, out=u)
        return m / (1 - a**self.steps) / u


class StepLR:
    """The learning rate times ``factor`` after every ``every`` epochs."""

    def __init__(self, every: int, factor: float = 0.1):
        self.every, self.factor = int(every), float(factor)

    def __call__(self, epoch: int) -> float:
        """What the learning rate is multiplied by in an epoch, counted from 0."""
        return self.factor ** (epoch // self.every)


def clipped(gradients: dict[str, np.ndarray], norm: float) -> dict[str, np.ndarray]:
    """The gradients, scaled down together where their norm is larger than ``norm`` (Pascanu et al. 2013)."""
    size = float(np.sqrt(sum(float((g * g).sum()) for g in gradients.values())))
    return gradients if size <= norm or size == 0 else {n: g * (norm / size) for n, g in gradients.items()}
