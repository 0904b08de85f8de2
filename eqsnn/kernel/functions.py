"""The elementary functions of a kernel in numpy: the twin of ``templates/c/eq_math.h``, operation by operation, so that the bits agree.

All are branch-free, use no fused multiply-add (numpy has none, and with it no second reference could exist), and are accurate to 2 units in
the last place unless their docstring says else. Results below the smallest normal number are 0, as in the engine, which flushes them.
"""

from __future__ import annotations

from math import factorial

import numpy as np

MAGIC = 6755399441055744.0  # 1.5 * 2^52: adding it rounds to an integer, which then stands in the low bits
LOG2E = 1.4426950408889634
LN2_HI = 6.93147180369123816490e-01  # 32 bits, so that its product with an exponent is exact
LN2_LO = 1.90821492927058770002e-10
TWO_PI = 6.283185307179586
LN10 = 2.302585092994046
EXP_MIN, EXP_MAX = -708.39, 709.782712893384
TINY = 2.2250738585072014e-308
PIO2_1, PIO2_2, PIO2_3 = 1.57079632673412561417e00, 6.07710050630396597660e-11, 2.02226624879595063154e-21
SPLIT = 134217729.0

EXP = [1.0 / factorial(k) for k in range(2, 14)]
LOG = [2.0 / (2 * k + 1) for k in range(1, 12)]
SIN = [(-1) ** k / factorial(2 * k + 1) for k in range(1, 9)]
COS = [(-1) ** k / factorial(2 * k) for k in range(2, 10)]
EXPREL_PRIME = [1.0 / (factorial(k) * (k + 2)) for k in range(17)]
_SQRT_HALF = 0x3FE6A09E667F3BCD
_MAGIC_BITS = 0x4338000000000000


def _poly(coefficients: list[float], x: np.ndarray) -> np.ndarray:
    """Horner's rule; the first coefficient is the constant."""
    result = np.full_like(x, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        result = result * x + c
    return result


def _bits(x: np.ndarray) -> np.ndarray:
    return x.view(np.int64)


def _float(bits: np.ndarray) -> np.ndarray:
    return bits.view(np.float64)


def _array(x) -> np.ndarray:
    return np.array(x, np.float64, ndmin=1)


def _elementwise(function):
    """Works on arrays of one dimension; numbers go in and out as such."""

    def call(x):
        shape = np.shape(x)
        with np.errstate(all="ignore"):
            return function(_array(x)).reshape(shape)

    call.__name__, call.__doc__ = function.__name__, function.__doc__
    return call


def _reduce(x):
    """x = n ln2 + r: r, and the float that holds n in its low bits."""
    t = x * LOG2E + MAGIC
    n = t - MAGIC
    return (x - n * LN2_HI) - n * LN2_LO, t


def _expm1_reduced(r):
    """exp(r) - 1 for \\|r\\| <= ln2/2, by Taylor's series."""
    return r + (r * r) * _poly(EXP, r)


@_elementwise
def exp(x):
    """e^x; 0 below -708.39."""
    y = np.where(x < EXP_MIN, EXP_MIN, np.where(x > EXP_MAX, EXP_MAX, x))
    r, t = _reduce(y)
    p = 1.0 + _expm1_reduced(r)
    result = _float(_bits(p) + (_bits(t) << 52))
    result = np.where(x < EXP_MIN, 0.0, result)
    result = np.where(x > EXP_MAX, np.inf, result)
    return np.where(x == x, result, x)


@_elementwise
def expm1(x):
    """e^x - 1."""
    y = np.where(x < -40.0, -40.0, np.where(x > EXP_MAX, EXP_MAX, x))
    r, t = _reduce(y)
    half_scale = _float((_bits(t) << 52) + 0x3FE0000000000000)
    result = 2.0 * (half_scale * _expm1_reduced(r) + (half_scale - 0.5))
    result = np.where(x > EXP_MAX, np.inf, result)
    return np.where(x == x, result, x)


@_elementwise
def exprel(x):
    """(e^x - 1)/x, 1 at 0."""
    safe = np.where(x == 0.0, 1.0, x)
    return np.where(x == 0.0, 1.0, expm1(safe) / safe)


@_elementwise
def exprel_prime(x):
    """The derivative of exprel; relative error 1e-14."""
    near = np.abs(x) < 0.75
    safe = np.where(near, 1.0, x)
    far = (exp(safe) - expm1(safe) / safe) / safe
    return np.where(near, _poly(EXPREL_PRIME, np.where(near, x, 0.0)), far)


def _log_parts(x):
    """x = 2^k (1 + f): f, k as a float."""
    bits = _bits(x)
    k = (bits - _SQRT_HALF) >> 52
    m = _float(bits - (k << 52))
    return m - 1.0, _float(k + _MAGIC_BITS) - MAGIC


@_elementwise
def log(x):
    """Natural logarithm."""
    f, k = _log_parts(x)
    s = f / (2.0 + f)
    z = s * s
    half = 0.5 * f * f
    rest = z * _poly(LOG, z)
    result = k * LN2_HI - ((half - (s * (half + rest) + k * LN2_LO)) - f)
    result = np.where(x < TINY, -np.inf, result)
    result = np.where(x < 0.0, np.nan, result)
    return np.where(x < np.inf, result, x)


@_elementwise
def log1p(x):
    """log(1 + x); to 3 ulp."""
    u = 1.0 + x
    d = u - 1.0
    exact = d == 0.0
    safe = np.where(exact, 1.0, d)
    return np.where(exact, x, np.where(u < np.inf, log(u) * (x / safe), u))


@_elementwise
def log10(x):
    """Decimal logarithm; to 3 ulp."""
    return log(x) / LN10


def _circle(x):
    """x = q pi/2 + r: r, and the float that holds q in its low bits."""
    t = x * 0.6366197723675814 + MAGIC
    q = t - MAGIC
    return ((x - q * PIO2_1) - q * PIO2_2) - q * PIO2_3, _bits(t)


def _sin_cos(x, shift: int):
    r, q = _circle(x)
    q = q + shift
    z = r * r
    sine = r + r * (z * _poly(SIN, z))
    cosine = 1.0 - (0.5 * z - (z * z) * _poly(COS, z))
    result = np.where((q & 1) != 0, cosine, sine)
    return np.where((q & 2) != 0, -result, result)


@_elementwise
def sin(x):
    """Sine; to 3 ulp for \\|x\\| < 1e6 (elsewhere the error grows with \\|x\\|)."""
    return np.where(np.abs(x) < 1e15, _sin_cos(x, 0), x - x + np.where(np.abs(x) < np.inf, 0.0, np.nan))


@_elementwise
def cos(x):
    """Cosine; accuracy as sin."""
    return np.where(np.abs(x) < 1e15, _sin_cos(x, 1), np.where(np.abs(x) < np.inf, 1.0, np.nan))


@_elementwise
def tan(x):
    """Tangent; to 4 ulp."""
    return sin(x) / cos(x)


@_elementwise
def sinh(x):
    """Hyperbolic sine; to 3 ulp."""
    u = expm1(np.abs(x))
    big = exp(0.5 * np.abs(x))
    result = np.where(np.abs(x) < 700.0, 0.5 * (u + u / (u + 1.0)), (0.5 * big) * big)
    return np.where(x < 0.0, -result, result)


@_elementwise
def cosh(x):
    """Hyperbolic cosine; to 3 ulp."""
    u = exp(np.abs(x))
    big = exp(0.5 * np.abs(x))
    return np.where(np.abs(x) < 700.0, 0.5 * (u + 1.0 / u), (0.5 * big) * big)


@_elementwise
def tanh(x):
    """Hyperbolic tangent; to 3 ulp."""
    a = np.abs(x)
    u = expm1(2.0 * np.where(a > 20.0, 20.0, a))
    result = u / (u + 2.0)
    return np.where(x < 0.0, -result, result)


def _split(a):
    t = SPLIT * a
    hi = t - (t - a)
    return hi, a - hi


def power(x, y) -> np.ndarray:
    """x^y, with the logarithm carried to about 60 bits: to 2 ulp where \\|y log x\\| < 100, to 10 elsewhere."""
    shape = np.broadcast_shapes(np.shape(x), np.shape(y))
    x, y = (np.array(a, np.float64, ndmin=1) for a in np.broadcast_arrays(x, y))
    with np.errstate(all="ignore"):
        return _power(np.ascontiguousarray(x), np.ascontiguousarray(y)).reshape(shape)


def _power(x, y):
    a = np.abs(x)
    f, k = _log_parts(np.where((a < TINY) | ~(a < np.inf), 1.0, a))
    d = 2.0 + f
    s = f / d
    d_lo = f - (d - 2.0)
    s1, s2 = _split(s)
    d1, d2 = _split(d)
    product = s * d
    error = ((s1 * d1 - product) + s1 * d2 + s2 * d1) + s2 * d2
    s_lo = (((f - product) - error) - s * d_lo) / d
    z = s * s
    small = (2.0 * s_lo + s * (z * _poly(LOG, z))) + k * LN2_LO
    big = k * LN2_HI
    twice = 2.0 * s
    rough = big + twice
    v = rough - big
    lo = ((big - (rough - v)) + (twice - v)) + small
    hi = rough + lo
    lo = lo - (hi - rough)
    y1, y2 = _split(y)
    h1, h2 = _split(hi)
    p = y * hi
    p_lo = (((y1 * h1 - p) + y1 * h2 + y2 * h1) + y2 * h2) + y * lo
    p_lo = np.where(np.abs(p) < 800.0, p_lo, 0.0)
    e = exp(p)
    result = np.where(e < np.inf, e + e * p_lo, e)
    result = np.where(a < TINY, np.where(y > 0.0, 0.0, np.inf), result)
    result = np.where(a < np.inf, result, np.where(y > 0.0, np.inf, 0.0))
    half = 0.5 * y
    whole = np.floor(y) == y
    odd = whole & (np.floor(half) != half)
    result = np.where(x < 0.0, np.where(whole, np.where(odd, -result, result), np.nan), result)
    result = np.where((x == x) & (y == y), result, x + y)
    return np.where((y == 0.0) | (x == 1.0), 1.0, result)


def modulo(a, b):
    """a - b floor(a/b): the remainder with the sign of b."""
    with np.errstate(all="ignore"):
        return a - np.floor(a / b) * b


def sign(x):
    """-1, 0 or 1."""
    return np.where(x > 0.0, 1.0, np.where(x < 0.0, -1.0, 0.0))


def clip(x, low, high):
    """x, but not below low nor above high."""
    x = np.where(x < low, low, x)
    return np.where(x > high, high, x)


def timestep(t, dt):
    """The whole steps of dt in t, a thousandth of a step allowed for rounding."""
    with np.errstate(all="ignore"):
        return np.floor((t + 1e-3 * dt) / dt)


TABLE = {
    "exp": exp,
    "expm1": expm1,
    "exprel": exprel,
    "exprel_prime": exprel_prime,
    "log": log,
    "log1p": log1p,
    "log10": log10,
    "sin": sin,
    "cos": cos,
    "tan": tan,
    "sinh": sinh,
    "cosh": cosh,
    "tanh": tanh,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "floor": np.floor,
    "ceil": np.ceil,
    "power": power,
    "modulo": modulo,
    "sign": sign,
    "clip": clip,
    "timestep": timestep,
}
"""The functions of ``ir.Call`` besides the random ones, by name."""
