"""Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, 'Parallel random numbers: as easy as 1, 2, 3'), in numpy.

The twin of ``templates/c/eq_random.h``: the same counter and key give the same bits. The counter is (element, draw, count): the element of
the group, the number of the draw in its kernel, and how often this object has been updated. The key is a hash of the call site.
"""

from __future__ import annotations

import hashlib

import numpy as np

from eqsnn.kernel import functions

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = 0x9E3779B9, 0xBB67AE85
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


def key_of(*site: object) -> int:
    """The 64-bit key of a call site, given as numbers and strings; as a signed integer, which is how kernels take it."""
    digest = hashlib.blake2b(repr(site).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def philox(counter: tuple[np.ndarray, ...], key: int) -> tuple[np.ndarray, ...]:
    """Four 32-bit words for each counter of four 32-bit words; all are held in uint64."""
    c0, c1, c2, c3 = (np.asarray(c, np.uint64) for c in counter)
    k0, k1 = key & 0xFFFFFFFF, (key >> 32) & 0xFFFFFFFF
    for _ in range(10):
        p0, p1 = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (p1 >> _32) ^ c1 ^ np.uint64(k0), p1 & _LOW, (p0 >> _32) ^ c3 ^ np.uint64(k1), p0 & _LOW
        k0, k1 = (k0 + _W0) & 0xFFFFFFFF, (k1 + _W1) & 0xFFFFFFFF
    return c0, c1, c2, c3


def _words(key: int, element, count, draw: int) -> tuple[np.ndarray, ...]:
    element, count = np.asarray(element).astype(np.uint64), np.asarray(count).astype(np.uint64)
    element, count = np.broadcast_arrays(element, count)
    c1 = ((element >> _32) & np.uint64(0xFFFF)) | np.uint64(draw << 16)
    return philox((element & _LOW, c1, count & _LOW, count >> _32), key)


def _unit(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    return (((high << _32) | low) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def uniform(key: int, element, count=0, draw: int = 0) -> np.ndarray:
    """Numbers in [0, 1), multiples of 2^-53, one an element."""
    r = _words(int(key), element, count, draw)
    return _unit(r[0], r[1])


def normal(key: int, element, count=0, draw: int = 0) -> np.ndarray:
    """Numbers of mean 0 and variance 1 by the transform of Box and Muller (1958), one an element."""
    r = _words(int(key), element, count, draw)
    radius = np.sqrt(-2.0 * functions.log(1.0 - _unit(r[0], r[1])))
    return radius * functions.cos(functions.TWO_PI * _unit(r[2], r[3]))


def binomial_table(n: int, p: float) -> np.ndarray:
    """The cumulative distribution of a binomial number, P(X <= 0), P(X <= 1) ..., cut where it reaches 1 to double precision.

    A uniform number u becomes the count of entries that are <= u.
    """
    from math import lgamma, log, log1p

    if p <= 0:
        return np.array([2.0])
    if p >= 1:
        return np.concatenate([np.zeros(n), [2.0]])
    mean, spread = n * p, (n * p * (1 - p)) ** 0.5
    last = min(n, int(mean + 12 * spread + 40))
    k = np.arange(last + 1)
    log_terms = (
        np.array([lgamma(n + 1) - lgamma(j + 1) - lgamma(n - j + 1) for j in k]) + k * log(p) + (n - k) * log1p(-p)
    )
    cdf = np.minimum(np.cumsum(np.exp(log_terms)), 1.0)
    cdf[-1] = 2.0  # no uniform number reaches it: the search ends inside the table
    return cdf
