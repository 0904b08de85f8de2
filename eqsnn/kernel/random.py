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
_AT_ONCE = 8192
"""So many counters stay in the processor's cache for all rounds."""


def key_of(*site: object) -> int:
    """The 64-bit key of a call site, given as numbers and strings; as a signed integer, which is how kernels take it."""
    digest = hashlib.blake2b(repr(site).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def philox(counter: tuple[np.ndarray, ...], key: int) -> tuple[np.ndarray, ...]:
    """Four 32-bit words for each counter of four 32-bit words; all are held in uint64."""
    counter = tuple(np.asarray(c, np.uint64) for c in counter)
    n = max(c.size for c in counter)
    if n > _AT_ONCE and all(c.shape == (n,) for c in counter):
        words = tuple(np.empty(n, np.uint64) for _ in counter)
        for start in range(0, n, _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            for word, here in zip(words, _rounds(tuple(c[part] for c in counter), key)):
                word[part] = here
        return words
    return _rounds(counter, key)


def _rounds(counter: tuple[np.ndarray, ...], key: int) -> tuple[np.ndarray, ...]:
    c0, c1, c2, c3 = counter
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


PAIRED = 64
"""A power of two: one call of the generator makes the numbers of the elements e and e + PAIRED, for every e in which this bit is not set."""


def _pair(key: int, element, count, draw: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The two uniform numbers of each element's pair, and whether the element is the second of it."""
    element = np.asarray(element).astype(np.int64)
    return *two_uniform(key, element & ~np.int64(PAIRED), count, draw), element & PAIRED != 0


def uniform(key: int, element, count=0, draw: int = 0) -> np.ndarray:
    """Numbers in [0, 1), multiples of 2^-53, one an element."""
    one, other, second = _pair(key, element, count, draw)
    return np.where(second, other, one)


def two_uniform(key: int, element, count=0, draw: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two independent numbers for each element."""
    r = _words(int(key), element, count, draw)
    return _unit(r[0], r[1]), _unit(r[2], r[3])


def normal(key: int, element, count=0, draw: int = 0) -> np.ndarray:
    """Numbers of mean 0 and variance 1 by the transform of Box and Muller (1958), one an element: a pair has one radius, at right angles."""
    one, other, second = _pair(key, element, count, draw)
    radius, angle = np.sqrt(-2.0 * functions.log(1.0 - one)), functions.TWO_PI * other
    return radius * np.where(second, functions.sin(angle), functions.cos(angle))


STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156]


def log_factorial(k: np.ndarray) -> np.ndarray:
    """log(k!), by Stirling's series for the Gamma function at k + 8 and the recurrence down from there; relative error 1e-14."""
    y = k + 8.0
    w = 1.0 / (y * y)
    product = (k + 1.0) * (k + 2.0) * (k + 3.0) * (k + 4.0) * (k + 5.0) * (k + 6.0) * (k + 7.0)
    p = np.full_like(y, STIRLING[-1])
    for c in reversed(STIRLING[:-1]):
        p = p * w + c
    return (((y - 0.5) * functions.log(y) - y) + 0.9189385332046727 + p / y) - functions.log(product)


def poisson(key: int, element, count=0, draw: int = 0, mean=1.0) -> np.ndarray:
    """Poisson numbers with these means, one an element, as floats; NaN for a mean that is negative, NaN or above 1e18.

    By inversion for means below 10, else by transformed rejection (Hoermann 1993, Insurance: Mathematics and Economics 12:39, algorithm PTRS);
    the number of the attempt stands in the high 16 bits of the count.
    """
    element, mean = np.broadcast_arrays(np.asarray(element), np.asarray(mean, np.float64))
    shape, element, mean = element.shape, element.ravel(), mean.ravel()
    result = np.full(mean.shape, np.nan)
    with np.errstate(all="ignore"):
        small = np.flatnonzero((mean >= 0.0) & (mean < 10.0))
        large = np.flatnonzero((mean >= 10.0) & (mean < 1e18))
        result[small] = _by_inversion(mean[small], _unit(*_words(int(key), element[small], count, draw)[:2]))
        for attempt in range(65536):
            if not large.size:
                break
            numbered = np.uint64(int(count) | (attempt << 48))
            r = _words(int(key), element[large], numbered, draw)
            k, accepted = _by_rejection(mean[large], _unit(r[0], r[1]) - 0.5, _unit(r[2], r[3]))
            result[large[accepted]] = k[accepted]
            large = large[~accepted]
        result[large] = np.floor(mean[large])
    return result.reshape(shape)


def _by_inversion(mean: np.ndarray, u: np.ndarray) -> np.ndarray:
    p = functions.exp(-mean)
    s, k = p, np.zeros_like(mean)
    more = u >= s
    for _ in range(200):
        if not np.any(more):
            break
        k = np.where(more, k + 1.0, k)
        p = np.where(more, p * (mean / k), p)
        s = np.where(more, s + p, s)
        more &= u >= s
    return k


def _by_rejection(mean: np.ndarray, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One attempt: the numbers, and whether they are accepted."""
    b = 0.931 + 2.53 * np.sqrt(mean)
    a = -0.059 + 0.02483 * b
    inverse_alpha, certain = 1.1239 + 1.1328 / (b - 3.4), 0.9277 - 3.6224 / (b - 2.0)
    edge = 0.5 - np.abs(u)
    k = np.floor((2.0 * a / edge + b) * u + mean + 0.43)
    sure = (edge >= 0.07) & (v <= certain)
    refused = (k < 0.0) | ((edge < 0.013) & (v > edge))
    left = functions.log(v * inverse_alpha / (a / (edge * edge) + b))
    likely = left <= (k * functions.log(mean) - mean) - log_factorial(np.where(k < 0.0, 0.0, k))
    return k, sure | (~refused & likely)


def alias_table(first: int, probabilities: np.ndarray) -> np.ndarray:
    """The distribution ``P(first + k) = probabilities[k]`` for the method of Walker (1977, ACM Trans. Math. Software 3:253).

    A uniform number u from [0, 1) falls into one of m equally wide columns, m a power of two; the column k of ``x = u*m`` gives k where x lies
    below its mark, else its alias. The table holds ``first``, then mark and alias of each column. The columns are filled as by Vose (1991, IEEE
    Trans. Software Eng. 17:972); x has as many exact binary digits as u, so that a probability is right to 2^-53.
    """
    m = 1 << max(len(probabilities) - 1, 0).bit_length()
    share = np.zeros(m)
    share[: len(probabilities)] = probabilities
    share *= m / share.sum()
    kept, alias = np.ones(m), np.arange(m)
    left = share.tolist()
    small = [k for k in range(m) if left[k] < 1.0]
    large = [k for k in range(m) if left[k] >= 1.0]
    while small and large:
        k, donor = small.pop(), large[-1]
        kept[k], alias[k] = left[k], donor
        left[donor] -= 1.0 - left[k]
        if left[donor] < 1.0:
            small.append(large.pop())
    # What remains differs from 1 by rounding only.
    table = np.empty(1 + 2 * m)
    table[0], table[1::2], table[2::2] = first, np.arange(m) + kept, alias
    return table


def drawn(table: np.ndarray, u: np.ndarray) -> np.ndarray:
    """The numbers that an alias table makes of uniform numbers ``u`` from [0, 1)."""
    x = np.asarray(u) * float(len(table) >> 1)
    k = x.astype(np.int64)
    return np.int64(table[0]) + np.where(x < table[2 * k + 1], k, table[2 * k + 2].astype(np.int64))


def binomial_table(n: int, p: float) -> np.ndarray:
    """The alias table of the number of successes in ``n`` trials of probability ``p``, cut where less than 1e-30 is left on either side."""
    from math import lgamma, log, log1p

    if p <= 0 or p >= 1:
        return alias_table(n if p >= 1 else 0, np.ones(1))
    mean, spread = n * p, (n * p * (1 - p)) ** 0.5
    first, last = max(0, int(mean - 12 * spread - 40)), min(n, int(mean + 12 * spread + 40))
    k = np.arange(first, last + 1)
    log_terms = (
        np.array([lgamma(n + 1) - lgamma(j + 1) - lgamma(n - j + 1) for j in k]) + k * log(p) + (n - k) * log1p(-p)
    )
    return alias_table(first, np.exp(log_terms))
