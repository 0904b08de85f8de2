"""How weights begin: names from the literature, an expression as for any variable of synapses, numbers, or a function of (n, m, generator)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.kernel.random import key_of
from eqsnn.model.suggest import closest
from eqsnn.network.base import host_site


def generator() -> np.random.Generator:
    """Random numbers that ``seed()`` decides, a stream of their own for each call."""
    return np.random.Generator(np.random.Philox(key=np.uint64(key_of(*host_site()) & (2**64 - 1))))


def xavier(n: int, m: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform with variance 2/(n + m) (Glorot & Bengio 2010)."""
    bound = np.sqrt(6.0 / (n + m))
    return rng.uniform(-bound, bound, (n, m))


def kaiming(n: int, m: int, rng: np.random.Generator) -> np.ndarray:
    """Normal with variance 2/n (He et al. 2015)."""
    return rng.normal(0.0, np.sqrt(2.0 / n), (n, m))


def uniform(n: int, m: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform within 1/sqrt(n)."""
    return rng.uniform(-1.0, 1.0, (n, m)) / np.sqrt(n)


def orthogonal(n: int, m: int, rng: np.random.Generator) -> np.ndarray:
    """Rows or columns that are orthogonal and of length 1 (Saxe et al. 2014)."""
    a = rng.normal(size=(max(n, m), min(n, m)))
    q, r = np.linalg.qr(a)
    q = q * np.sign(np.diag(r))
    return q if n >= m else q.T


def zeros(n: int, m: int, rng: np.random.Generator) -> np.ndarray:
    """All 0."""
    return np.zeros((n, m))


INITIALISERS: dict[str, Callable] = {f.__name__: f for f in (xavier, kaiming, uniform, orthogonal, zeros)}


def weights(given, n: int, m: int) -> np.ndarray | str:
    """The values that ``init=`` stands for, or the expression that it is."""
    if callable(given):
        return _shaped(given(n, m, generator()), n, m)
    if isinstance(given, str):
        if given in INITIALISERS:
            return INITIALISERS[given](n, m, generator())
        if given.isidentifier() and closest(given, INITIALISERS):
            raise EqsnnError(f"there is no init='{given}'; did you mean '{closest(given, INITIALISERS)}'?")
        return given
    return _shaped(given, n, m)


def _shaped(values, n: int, m: int) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim and values.shape != (n, m):
        raise EqsnnError(f"weights have the shape (source, target) = ({n}, {m}); init= has {values.shape}")
    return np.broadcast_to(values, (n, m))
