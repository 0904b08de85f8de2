"""The elementary functions of a kernel in single precision: the twin of ``templates/c/eq_single.h``, operation by operation, so that the bits agree.

As those in double precision (``kernel/functions.py``), with shorter series. Accurate to 2 units in the last place unless their docstring says else
(tests/test_single.py). What is smaller than the smallest normal number is 0, as in the engine, which flushes it.
"""

from __future__ import annotations

import numpy as np

from eqsnn.kernel import functions

F = np.float32
MAGIC = F(12582912.0)  # 1.5 * 2^23: adding it rounds to an integer, which then stands in the low bits
LOG2E = F(1.442695)
LN2_HI = F(0.693359375)  # 9 bits, so that its product with an exponent is exact
LN2_LO = F(-2.1219444e-4)
LN10 = F(2.3025851)
EXP_MIN, EXP_MAX, EXPM1_MAX = F(-87.33), F(88.72283), F(88.37)
TINY = F(1.1754944e-38)
PIO2_1, PIO2_2, PIO2_3 = F(1.5707964), F(-4.371139e-08), F(-1.7151245e-15)
HALF_PI, HALF_PI_LOW = F(1.5707964), F(-4.371139e-08)
CIRCLE_MAX = F(4194304.0)

EXP = [0.5, 0.16666576, 0.041666552, 0.008363233, 0.001392625]
"""(e^r - 1 - r)/r^2 for \\|r\\| <= ln2/2, as all series here interpolated at the Chebyshev nodes."""
LOG = [0.66666687, 0.3998876, 0.29580986]
SIN = [-0.16666667, 0.008333332, -0.00019840064, 2.724687e-06]
COS = [0.041666664, -0.0013888291, 2.454542e-05]
EXPREL_PRIME = [0.5, 0.33333334, 0.1250001, 0.033333346, 0.0069434545, 0.0011903764, 0.00017642135, 2.2329375e-05]
ASIN = [0.16666666, 0.07500094, 0.044599403, 0.031100662, 0.017149238, 0.033690847]
ATAN = [-0.3333333, 0.19999315, -0.14256576, 0.10668386, -0.062158115]
ATAN_HIGH = [0.4636476, 0.7853982, 0.98279375, 1.5707964]
ATAN_LOW = [5.0121587e-09, -2.1855694e-08, -2.5131424e-08, -4.371139e-08]
_SQRT_HALF = 0x3F3504F3
_MAGIC_BITS = 0x4B400000
_ALMOST_TINY = float(TINY) * (1 - 2.0**-25)
"""What a rounding to 24 bits makes a normal number; anything smaller is flushed."""


def narrow(x) -> np.ndarray:
    """Numbers as float32, rounded to nearest; what is too small for a normal number becomes 0 of its sign."""
    wide = np.asarray(x)
    with np.errstate(all="ignore"):
        return np.where(np.abs(wide) < _ALMOST_TINY, np.copysign(F(0), wide.astype(F)), wide.astype(F))


def flush(x) -> np.ndarray:
    """Float32 numbers, with 0 for those too small for a normal number."""
    return np.where(np.abs(x) < TINY, np.copysign(F(0), x), x)


def fma(a, b, c) -> np.ndarray:
    """a b + c with one rounding. In double precision the product is exact; the sum is rounded to odd there, and then to nearest.

    Rounding to odd first is as good as one rounding where the first has two bits more than the second (Boldo & Melquiond 2008), as here.
    """
    product = np.asarray(a, np.float64) * np.asarray(b, np.float64)
    c = np.asarray(c, np.float64)
    total = product + c
    from_c = total - product
    rest = (product - (total - from_c)) + (c - from_c)
    bits = np.asarray(total).view(np.int64)
    inexact = np.isfinite(total) & (rest != 0) & ((bits & 1) == 0)
    toward = np.where((rest > 0) == (total > 0), 1, -1)
    return narrow(np.where(inexact, bits + toward, bits).view(np.float64))


def _poly(coefficients: list[float], x: np.ndarray) -> np.ndarray:
    result = np.full_like(x, F(coefficients[-1]))
    for c in reversed(coefficients[:-1]):
        result = fma(result, x, F(c))
    return result


def _bits(x: np.ndarray) -> np.ndarray:
    return x.view(np.int32)


def _float(bits: np.ndarray) -> np.ndarray:
    return bits.astype(np.int32).view(F)


def _elementwise(function):
    def call(*args):
        shape = np.broadcast_shapes(*map(np.shape, args))
        arrays = [np.array(np.broadcast_to(np.asarray(a, F), shape), F, ndmin=1) for a in args]
        with np.errstate(all="ignore"):
            return flush(function(*arrays)).astype(F).reshape(shape)

    call.__name__, call.__doc__ = function.__name__, function.__doc__
    return call


def _reduce(x):
    """x = n ln2 + r: r, and the float that holds n in its low bits."""
    t = fma(x, LOG2E, MAGIC)
    n = t - MAGIC
    return fma(-n, LN2_LO, fma(-n, LN2_HI, x)), t


@_elementwise
def exp(x):
    """e^x; 0 below -87.33. Outside the range the steps before the last two give nonsense, which those replace."""
    r, t = _reduce(x)
    p = fma(fma(_poly(EXP, r), r, F(1)), r, F(1))
    result = _float(_bits(p) + (_bits(t) << 23))
    result = np.where(x < EXP_MIN, F(0), result)
    return np.where(x <= EXP_MAX, result, x + F(np.inf))


@_elementwise
def expm1(x):
    """e^x - 1; infinite above 88.37, where 2^n no longer is a number."""
    r, t = _reduce(x)
    scale = _float((_bits(t) << 23) + 0x3F800000)
    result = fma(scale, fma(flush(r * r), _poly(EXP, r), r), scale - F(1))
    result = np.where(x < F(-17.5), F(-1), result)
    return np.where(x <= EXPM1_MAX, result, x + F(np.inf))


@_elementwise
def exprel(x):
    """(e^x - 1)/x, 1 at 0; to 3 ulp."""
    return np.where(np.abs(x) < F(1e-30), F(1), expm1(x) / x)


@_elementwise
def exprel_inverse(x):
    """x/(e^x - 1), 1 at 0, 0 where e^x is infinite; to 3 ulp."""
    return np.where(np.abs(x) < F(1e-30), F(1), x / expm1(x))


@_elementwise
def exprel_prime(x):
    """The derivative of exprel; relative error 2e-6."""
    near = np.abs(x) < F(0.75)
    safe = np.where(near, F(1), x)
    far = (exp(safe) - flush(expm1(safe) / safe)) / safe
    return np.where(near, _poly(EXPREL_PRIME, np.where(near, x, F(0))), far)


@_elementwise
def log(x):
    """Natural logarithm."""
    bits = _bits(x)
    k = (bits - np.int32(_SQRT_HALF)) >> 23
    f = _float(bits - (k << 23)) - F(1)
    k = _float(k + _MAGIC_BITS) - MAGIC
    s = f / (F(2) + f)
    z = flush(s * s)
    half = flush(F(0.5) * f * f)
    rest = z * _poly(LOG, z)
    result = k * LN2_HI - ((half - (s * (half + rest) + k * LN2_LO)) - f)
    result = np.where(x < TINY, F(-np.inf), result)
    result = np.where(x < 0, F(np.nan), result)
    return np.where(x < F(np.inf), result, x)


@_elementwise
def log1p(x):
    """log(1 + x); to 3 ulp."""
    u = F(1) + x
    d = u - F(1)
    exact = d == 0
    far = log(u) * (x / np.where(exact, F(1), d))
    return np.where(exact, x, np.where(u < F(np.inf), far, u))


@_elementwise
def log10(x):
    """Decimal logarithm; to 3 ulp."""
    return log(x) / LN10


def _sin_cos(x, shift: int):
    t = fma(x, F(0.63661975), MAGIC)
    n = t - MAGIC
    r = fma(-n, PIO2_3, fma(-n, PIO2_2, fma(-n, PIO2_1, x)))
    q = _bits(t) + shift
    z = flush(r * r)
    sine = fma(flush(r * z), _poly(SIN, z), r)
    cosine = fma(flush(z * z), _poly(COS, z), fma(F(-0.5), z, F(1)))
    result = np.where((q & 1) != 0, cosine, sine)
    return np.where((q & 2) != 0, -result, result)


@_elementwise
def sin(x):
    """Sine; to 2 ulp for \\|x\\| < 100, from there on with an absolute error of 2e-7 up to 1e4; 0 beyond 2^22."""
    odd = np.where(np.abs(x) < F(np.inf), F(0), F(np.nan))
    return np.where(np.abs(x) < CIRCLE_MAX, _sin_cos(x, 0), odd)


@_elementwise
def cos(x):
    """Cosine; accuracy as sin; 1 beyond 2^22."""
    odd = np.where(np.abs(x) < F(np.inf), F(1), F(np.nan))
    return np.where(np.abs(x) < CIRCLE_MAX, _sin_cos(x, 1), odd)


@_elementwise
def tan(x):
    """Tangent; to 4 ulp where sin is accurate to 2."""
    return sin(x) / cos(x)


@_elementwise
def sinh(x):
    """Hyperbolic sine; to 3 ulp."""
    a = np.abs(x)
    u, big = expm1(a), exp(F(0.5) * a)
    result = np.where(a < F(87), F(0.5) * (u + u / (u + F(1))), (F(0.5) * big) * big)
    return np.where(x < 0, -result, result)


@_elementwise
def cosh(x):
    """Hyperbolic cosine; to 3 ulp."""
    a = np.abs(x)
    u, big = exp(a), exp(F(0.5) * a)
    return np.where(a < F(87), F(0.5) * (u + F(1) / u), (F(0.5) * big) * big)


@_elementwise
def tanh(x):
    """Hyperbolic tangent; to 3 ulp."""
    a = np.abs(x)
    u = expm1(F(2) * np.where(a > F(10), F(10), a))
    result = u / (u + F(2))
    return np.where(x < 0, -result, result)


def _half_arc(x):
    a = np.abs(x)
    z = np.where(a < F(0.5), flush(x * x), F(0.5) * (F(1) - a))
    s = np.where(a < F(0.5), x, np.sqrt(z))
    return fma(flush(s * z), _poly(ASIN, z), s), a


@_elementwise
def asin(x):
    """Inverse sine; to 3 ulp."""
    p, a = _half_arc(x)
    far = HALF_PI - (F(2) * p - HALF_PI_LOW)
    return np.where(a < F(0.5), p, np.where(x < 0, -far, far))


@_elementwise
def acos(x):
    """Inverse cosine; to 3 ulp."""
    p, a = _half_arc(x)
    near = HALF_PI - (p - HALF_PI_LOW)
    far = np.where(x < 0, F(3.1415927) - (F(2) * p - F(-8.742278e-08)), F(2) * p)
    return np.where(a < F(0.5), near, far)


@_elementwise
def atan(x):
    """Inverse tangent, as in double precision."""
    a = np.abs(x)
    below = [a < F(limit) for limit in (0.4375, 0.6875, 1.1875, 2.4375)]
    top = np.select(below, [a, F(2) * a - F(1), a - F(1), a - F(1.5)], F(-1))
    bottom = np.select(below, [np.ones_like(a), F(2) + a, a + F(1), F(1) + F(1.5) * a], a)
    high = np.select(below, [F(0), *map(F, ATAN_HIGH[:3])], F(ATAN_HIGH[3]))
    low = np.select(below, [F(0), *map(F, ATAN_LOW[:3])], F(ATAN_LOW[3]))
    t = flush(top / bottom)
    z = flush(t * t)
    result = high + (fma(flush(t * z), _poly(ATAN, z), low) + t)
    return np.where(x < 0, -result, result)


@_elementwise
def power(x, y):
    """x^y, by way of double precision; to 1 ulp."""
    return narrow(functions.power(x.astype(np.float64), y.astype(np.float64)))


@_elementwise
def modulo(a, b):
    """a - b floor(a/b): the remainder with the sign of b."""
    return a - flush(np.floor(flush(a / b)) * b)


@_elementwise
def sign(x):
    """-1, 0 or 1."""
    return np.where(x > 0, F(1), np.where(x < 0, F(-1), F(0)))


@_elementwise
def clip(x, low, high):
    """x, but not below low nor above high."""
    x = np.where(x < low, low, x)
    return np.where(x > high, high, x)


@_elementwise
def timestep(t, dt):
    """The whole steps of dt in t, cut towards 0, a thousandth of a step allowed for rounding."""
    return np.trunc((t + F(1e-3) * dt) / dt)


TABLE = {
    **{
        f.__name__: f
        for f in (exp, expm1, exprel, exprel_inverse, exprel_prime, log, log1p, log10, sin, cos, tan, sinh, cosh, tanh)
    },
    **{f.__name__: f for f in (asin, acos, atan, power, modulo, sign, clip, timestep)},
    "sqrt": np.sqrt,
    "abs": np.abs,
    "floor": np.floor,
    "ceil": np.ceil,
}
"""The functions of ``ir.Call`` of type f32, by name."""
