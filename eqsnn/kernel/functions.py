"""The elementary functions of a kernel in numpy: the twin of ``templates/c/eq_math.h``, operation by operation, so that the bits agree.

All are branch-free, use fused multiply-add where it is written (``fma`` below is exact), and are accurate to 2 units in the last place unless their
docstring says else. Results below the smallest normal number are 0, as in the engine, which flushes them.
"""

from __future__ import annotations

from math import factorial

import numpy as np

from eqsnn.kernel.arcs import ASIN, ATAN, ATAN_HIGH, ATAN_LOW

MAGIC = 6755399441055744.0  # 1.5 * 2^52: adding it rounds to an integer, which then stands in the low bits
LOG2E = 1.4426950408889634
LN2_HI = 6.93147180369123816490e-01  # 32 bits, so that its product with an exponent is exact
LN2_LO = 1.90821492927058770002e-10
TWO_PI = 6.283185307179586
LN10 = 2.302585092994046
EXP_MIN, EXP_MAX, EXPM1_MAX = -708.39, 709.782712893384, 709.436
TINY = 2.2250738585072014e-308
PIO2_1, PIO2_2, PIO2_3 = 1.57079632673412561417e00, 6.07710050630396597660e-11, 2.02226624879595063154e-21
SPLIT = 134217729.0

EXP = [
    0.5000000000000001,
    0.16666666666666669,
    0.04166666666662399,
    0.008333333333330051,
    0.0013888888917281794,
    0.00019841269863105968,
    2.480152119021773e-05,
    2.7557268378684192e-06,
    2.7620138719733994e-07,
    2.5100424157005067e-08,
]
"""(e^r - 1 - r)/r^2 for \\|r\\| <= ln2/2: interpolation at the Chebyshev nodes; e^r has a relative error below 2^-55."""
LOG = [2.0 / (2 * k + 1) for k in range(1, 12)]
SIN = [(-1) ** k / factorial(2 * k + 1) for k in range(1, 9)]
COS = [(-1) ** k / factorial(2 * k) for k in range(2, 10)]
EXPREL_PRIME = [1.0 / (factorial(k) * (k + 2)) for k in range(17)]
_SQRT_HALF = 0x3FE6A09E667F3BCD
_MAGIC_BITS = 0x4338000000000000


def fma(a, b, c):
    """a b + c with one rounding, by error-free transformations and rounding to odd.

    Boldo & Melquiond (2008), IEEE Trans. Comput. 57:462, algorithm 5; exact where the product loses no bits below the normal numbers.
    """
    a, b, c = np.broadcast_arrays(*(np.asarray(x, np.float64) for x in (a, b, c)))
    if np.any(np.maximum(np.abs(a), np.abs(b)) > 2.0**900) or np.any(np.abs(c) > 2.0**1000):
        return _fma_of_large(a, b, c)
    product = a * b
    low = _product_error(a, b, product)
    t, t_low = _two_sum(c, low)
    v, v_low = _two_sum(product, t)
    z, rest = _two_sum(t_low, v_low)
    even = (_bits(z) & 1) == 0
    odd = np.where((rest != 0) & even, np.nextafter(z, np.where(rest > 0, np.inf, -np.inf)), z)
    return np.where(np.isfinite(product + c), v + odd, product + c)


def _fma_of_large(a, b, c):
    """The transformations overflow above 2^996; there everything is scaled down first."""
    scale = 2.0**-200
    large = (np.abs(a) > 2.0**900) | (np.abs(b) > 2.0**900) | (np.abs(c) > 2.0**1000)
    first = np.abs(a) >= np.abs(b)
    x = np.where(np.isfinite(a), np.where(large & first, a * scale, a), 0.0)
    y = np.where(np.isfinite(b), np.where(large & ~first, b * scale, b), 0.0)
    z = np.where(np.isfinite(c), np.where(large, c * scale, c), 0.0)
    # What is still large after one scaling is the product of two large numbers, which overflows whatever is added.
    both = (np.abs(x) > 2.0**900) | (np.abs(y) > 2.0**900)
    exact = fma(np.where(both, 0.0, x), np.where(both, 0.0, y), z)
    finite = np.isfinite(a) & np.isfinite(b) & np.isfinite(c) & ~both
    return np.where(finite, np.where(large, exact / scale, exact), a * b + c)


def _product_error(a, b, product):
    """What the rounding of a product took away (Dekker)."""
    a1, a2 = _split(a)
    b1, b2 = _split(b)
    return ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def _two_sum(a, b):
    """The rounded sum of two numbers, and what the rounding took away (Knuth)."""
    total = a + b
    from_b = total - a
    return total, (a - (total - from_b)) + (b - from_b)


def _split(a):
    """A number as the sum of two of at most 26 bits (Veltkamp)."""
    t = SPLIT * a
    hi = t - (t - a)
    return hi, a - hi


def _poly(coefficients: list[float], x: np.ndarray) -> np.ndarray:
    """Horner's rule; the first coefficient is the constant."""
    result = np.full_like(x, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        result = fma(result, x, c)
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
    t = fma(x, LOG2E, MAGIC)
    n = t - MAGIC
    return fma(-n, LN2_LO, fma(-n, LN2_HI, x)), t


def _series(r):
    """(e^r - 1 - r)/r^2 for \\|r\\| <= ln2/2: the odd and the even powers side by side."""
    return fma(_poly(EXP[1::2], r * r), r, _poly(EXP[0::2], r * r))


@_elementwise
def exp(x):
    """e^x; 0 below -708.39. Outside the range the steps before the last two give nonsense, which those replace."""
    r, t = _reduce(x)
    p = fma(fma(_series(r), r, 1.0), r, 1.0)
    result = _float(_bits(p) + (_bits(t) << 52))
    result = np.where(x < EXP_MIN, 0.0, result)
    return np.where(x <= EXP_MAX, result, x + np.inf)


@_elementwise
def expm1(x):
    """e^x - 1; to 3 ulp, and infinite above 709.436, where 2^n no longer is a number."""
    r, t = _reduce(x)
    scale = _float((_bits(t) << 52) + 0x3FF0000000000000)
    result = np.where(x < -40.0, -1.0, fma(scale, fma(r * r, _series(r), r), scale - 1.0))
    return np.where(x <= EXPM1_MAX, result, x + np.inf)


@_elementwise
def exprel(x):
    """(e^x - 1)/x, 1 at 0; to 3 ulp."""
    return np.where(x == 0.0, 1.0, expm1(x) / x)


@_elementwise
def exprel_inverse(x):
    """x/(e^x - 1), 1 at 0, 0 where e^x is infinite; to 3 ulp."""
    return np.where(x == 0.0, 1.0, x / expm1(x))


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


def _half_arc(x):
    """asin of x where \\|x\\| < 1/2, else of sqrt((1 - \\|x\\|)/2); and \\|x\\|."""
    a = np.abs(x)
    z = np.where(a < 0.5, x * x, 0.5 * (1.0 - a))
    s = np.where(a < 0.5, x, np.sqrt(z))
    return fma(s * z, _poly(ASIN, z), s), a


@_elementwise
def asin(x):
    """Inverse sine; to 3 ulp."""
    p, a = _half_arc(x)
    far = 1.5707963267948966 - (2.0 * p - 6.123233995736766e-17)
    return np.where(a < 0.5, p, np.where(x < 0.0, -far, far))


@_elementwise
def acos(x):
    """Inverse cosine; to 3 ulp."""
    p, a = _half_arc(x)
    near = 1.5707963267948966 - (p - 6.123233995736766e-17)
    far = np.where(x < 0.0, 3.141592653589793 - (2.0 * p - 1.2246467991473532e-16), 2.0 * p)
    return np.where(a < 0.5, near, far)


@_elementwise
def atan(x):
    """Inverse tangent: atan(c) + atan((a - c)/(1 + a c)) with c one of 0, 1/2, 1, 3/2 and infinity."""
    a = np.abs(x)
    below = [a < limit for limit in (0.4375, 0.6875, 1.1875, 2.4375)]
    top = np.select(below, [a, 2.0 * a - 1.0, a - 1.0, a - 1.5], -1.0)
    bottom = np.select(below, [np.ones_like(a), 2.0 + a, a + 1.0, 1.0 + 1.5 * a], a)
    high = np.select(below, [0.0, *ATAN_HIGH[:3]], ATAN_HIGH[3])
    low = np.select(below, [0.0, *ATAN_LOW[:3]], ATAN_LOW[3])
    t = top / bottom
    z = t * t
    result = high + (fma(t * z, _poly(ATAN, z), low) + t)
    return np.where(x < 0.0, -result, result)


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
    product = s * d
    error = _product_error(s, d, product)
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
    p = y * hi
    p_lo = _product_error(y, hi, p) + y * lo
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
    """The whole steps of dt in t, cut towards 0, a thousandth of a step allowed for rounding."""
    with np.errstate(all="ignore"):
        return np.trunc((t + 1e-3 * dt) / dt)


TABLE = {
    "exp": exp,
    "expm1": expm1,
    "exprel": exprel,
    "exprel_inverse": exprel_inverse,
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
    "asin": asin,
    "acos": acos,
    "atan": atan,
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
