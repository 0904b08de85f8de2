/* The elementary functions of kernels. Branch-free, so that a loop over elements becomes vector code, and with fused multiply-add only where fma()
 * stands, so that every machine, vector width and backend gives the same bits. eqsnn/kernel/functions.py is the twin in numpy; it states the
 * accuracies. */
#ifndef EQ_MATH_H
#define EQ_MATH_H
#ifndef __CUDACC_RTC__ /* has no headers: templates/cuda/eq_words.h */
#include <math.h>
#include <stdint.h>
#include <string.h>
#endif

/* A call that is not inlined keeps its whole loop from becoming vector code, so inlining is not left to the compiler's taste. */
#ifdef __CUDACC__
#define EQ_FN static __host__ __device__ __forceinline__
#define EQ_RESTRICT __restrict__
#elif defined(__GNUC__)
#define EQ_FN static inline __attribute__((always_inline))
#define EQ_RESTRICT __restrict__
#elif defined(__cplusplus)
#define EQ_FN static inline
#define EQ_RESTRICT __restrict
#else
#define EQ_FN static inline
#define EQ_RESTRICT restrict
#endif

/* Before a loop over elements: none depends on another, whatever the compiler can prove about the pointers. */
#if defined(__CUDACC__)
#define EQ_INDEPENDENT
#elif defined(__clang__)
#define EQ_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define EQ_INDEPENDENT _Pragma("GCC ivdep")
#else
#define EQ_INDEPENDENT
#endif

/* Synapses that lie scattered in memory are asked for EQ_AHEAD before their turn. */
#define EQ_AHEAD 16
/* So are short rows, this many rows before. */
#define EQ_ROWS_AHEAD 8
#if defined(__GNUC__) && !defined(__CUDACC__)
#define EQ_FETCH(p) __builtin_prefetch(p, 1)
#else
#define EQ_FETCH(p) ((void)(p))
#endif

#define EQ_INF ((double)INFINITY)
#define EQ_NAN ((double)NAN)
#define EQ_MAGIC 6755399441055744.0
#define EQ_TWO_PI 6.283185307179586

EQ_FN int64_t eq_bits(double x) { int64_t b; memcpy(&b, &x, sizeof b); return b; }
EQ_FN double eq_float(int64_t b) { double x; memcpy(&x, &b, sizeof x); return x; }
EQ_FN int64_t eq_shift_up(int64_t b) { return (int64_t)((uint64_t)b << 52); }

/* (exp(r) - 1 - r) / r^2 for |r| <= ln2 / 2, where z = r^2: the odd and the even powers side by side. */
EQ_FN double eq_exp_series(double r, double z)
{
    double a = {{ exp[-2] }}, b = {{ exp[-1] }};
{%- for c in exp[:-2:2] | reverse %}
    a = fma(a, z, {{ c }});
{%- endfor %}
{%- for c in exp[1:-2:2] | reverse %}
    b = fma(b, z, {{ c }});
{%- endfor %}
    return fma(b, r, a);
}

/* x = n ln2 + r; n stands in the low bits of t */
EQ_FN double eq_exp_reduce(double x, double *t)
{
    *t = fma(x, 1.4426950408889634, EQ_MAGIC);
    double n = *t - EQ_MAGIC;
    return fma(-n, 1.90821492927058770002e-10, fma(-n, 6.93147180369123816490e-01, x));
}

/* Outside the range the first lines give nonsense, which the last two replace. */
EQ_FN double eq_exp(double x)
{
    double t, r = eq_exp_reduce(x, &t);
    double p = fma(fma(eq_exp_series(r, r * r), r, 1.0), r, 1.0);
    double result = eq_float((int64_t)((uint64_t)eq_bits(p) + (uint64_t)eq_shift_up(eq_bits(t))));
    result = x < -708.39 ? 0.0 : result;
    return x <= 709.782712893384 ? result : x + EQ_INF;
}

EQ_FN double eq_expm1(double x)
{
    double t, r = eq_exp_reduce(x, &t);
    double scale = eq_float((int64_t)((uint64_t)eq_shift_up(eq_bits(t)) + UINT64_C(0x3FF0000000000000)));
    double z = r * r, result = fma(scale, fma(eq_exp_series(r, z), z, r), scale - 1.0);
    result = x < -40.0 ? -1.0 : result;
    return x <= 709.436 ? result : x + EQ_INF;
}

EQ_FN double eq_exprel(double x)
{
    double far = eq_expm1(x) / x;
    return x == 0.0 ? 1.0 : far;
}

EQ_FN double eq_exprel_inverse(double x)
{
    double far = x / eq_expm1(x);
    return x == 0.0 ? 1.0 : far;
}

EQ_FN double eq_exprel_prime(double x)
{
    int near = fabs(x) < 0.75;
    double z = near ? x : 0.0, safe = near ? 1.0 : x;
    double p = {{ exprel_prime[-1] }};
{%- for c in exprel_prime[:-1] | reverse %}
    p = fma(p, z, {{ c }});
{%- endfor %}
    double far = (eq_exp(safe) - eq_expm1(safe) / safe) / safe;
    return near ? p : far;
}

EQ_FN double eq_log_series(double z)
{
    double p = {{ log[-1] }};
{%- for c in log[:-1] | reverse %}
    p = fma(p, z, {{ c }});
{%- endfor %}
    return p;
}

/* x = 2^k (1 + f); returns f */
EQ_FN double eq_log_parts(double x, double *k)
{
    int64_t bits = eq_bits(x);
    int64_t e = (bits - INT64_C(0x3FE6A09E667F3BCD)) >> 52;
    double m = eq_float((int64_t)((uint64_t)bits - (uint64_t)eq_shift_up(e)));
    *k = eq_float(e + INT64_C(0x4338000000000000)) - EQ_MAGIC;
    return m - 1.0;
}

EQ_FN double eq_log(double x)
{
    double k, f = eq_log_parts(x, &k);
    double s = f / (2.0 + f);
    double z = s * s;
    double half = 0.5 * f * f;
    double rest = z * eq_log_series(z);
    double result = k * 6.93147180369123816490e-01 - ((half - (s * (half + rest) + k * 1.90821492927058770002e-10)) - f);
    result = x < 2.2250738585072014e-308 ? -EQ_INF : result;
    result = x < 0.0 ? EQ_NAN : result;
    return x < EQ_INF ? result : x;
}

EQ_FN double eq_log1p(double x)
{
    double u = 1.0 + x, d = u - 1.0;
    double safe = d == 0.0 ? 1.0 : d;
    double far = eq_log(u) * (x / safe);
    far = u < EQ_INF ? far : u;
    return d == 0.0 ? x : far;
}

EQ_FN double eq_log10(double x) { return eq_log(x) / 2.302585092994046; }

EQ_FN double eq_sin_cos(double x, int64_t shift)
{
    double t = x * 0.6366197723675814 + EQ_MAGIC;
    double n = t - EQ_MAGIC;
    int64_t q = (int64_t)((uint64_t)eq_bits(t) + (uint64_t)shift);
    double r = ((x - n * 1.57079632673412561417e+00) - n * 6.07710050630396597660e-11) - n * 2.02226624879595063154e-21;
    double z = r * r;
    double a = {{ sin[-1] }}, b = {{ cos[-1] }};
{%- for c in sin[:-1] | reverse %}
    a = fma(a, z, {{ c }});
{%- endfor %}
{%- for c in cos[:-1] | reverse %}
    b = fma(b, z, {{ c }});
{%- endfor %}
    double sine = r + r * (z * a), cosine = 1.0 - (0.5 * z - (z * z) * b);
    double result = (q & 1) != 0 ? cosine : sine;
    return (q & 2) != 0 ? -result : result;
}

EQ_FN double eq_sin(double x)
{
    double result = eq_sin_cos(x, 0), odd = fabs(x) < EQ_INF ? 0.0 : EQ_NAN;
    return fabs(x) < 1e15 ? result : odd;
}

EQ_FN double eq_cos(double x)
{
    double result = eq_sin_cos(x, 1), odd = fabs(x) < EQ_INF ? 1.0 : EQ_NAN;
    return fabs(x) < 1e15 ? result : odd;
}

EQ_FN double eq_tan(double x) { return eq_sin(x) / eq_cos(x); }

EQ_FN double eq_sinh(double x)
{
    double u = eq_expm1(fabs(x)), big = eq_exp(0.5 * fabs(x));
    double near = 0.5 * (u + u / (u + 1.0)), far = (0.5 * big) * big;
    double result = fabs(x) < 700.0 ? near : far;
    return x < 0.0 ? -result : result;
}

EQ_FN double eq_cosh(double x)
{
    double u = eq_exp(fabs(x)), big = eq_exp(0.5 * fabs(x));
    double near = 0.5 * (u + 1.0 / u), far = (0.5 * big) * big;
    return fabs(x) < 700.0 ? near : far;
}

EQ_FN double eq_tanh(double x)
{
    double a = fabs(x);
    double u = eq_expm1(2.0 * (a > 20.0 ? 20.0 : a));
    double result = u / (u + 2.0);
    return x < 0.0 ? -result : result;
}

EQ_FN double eq_power(double x, double y)
{
    double a = fabs(x), k;
    double f = eq_log_parts(((a < 2.2250738585072014e-308) | !(a < EQ_INF)) ? 1.0 : a, &k);
    double d = 2.0 + f;
    double s = f / d;
    double d_lo = f - (d - 2.0);
    double ts = 134217729.0 * s, s1 = ts - (ts - s), s2 = s - s1;
    double td = 134217729.0 * d, d1 = td - (td - d), d2 = d - d1;
    double product = s * d;
    double error = ((s1 * d1 - product) + s1 * d2 + s2 * d1) + s2 * d2;
    double s_lo = (((f - product) - error) - s * d_lo) / d;
    double z = s * s;
    double small = (2.0 * s_lo + s * (z * eq_log_series(z))) + k * 1.90821492927058770002e-10;
    double big = k * 6.93147180369123816490e-01;
    double twice = 2.0 * s;
    double rough = big + twice;
    double v = rough - big;
    double lo = ((big - (rough - v)) + (twice - v)) + small;
    double hi = rough + lo;
    lo = lo - (hi - rough);
    double ty = 134217729.0 * y, y1 = ty - (ty - y), y2 = y - y1;
    double th = 134217729.0 * hi, h1 = th - (th - hi), h2 = hi - h1;
    double p = y * hi;
    double p_lo = (((y1 * h1 - p) + y1 * h2 + y2 * h1) + y2 * h2) + y * lo;
    p_lo = fabs(p) < 800.0 ? p_lo : 0.0;
    double e = eq_exp(p);
    double result = e < EQ_INF ? e + e * p_lo : e;
    result = a < 2.2250738585072014e-308 ? (y > 0.0 ? 0.0 : EQ_INF) : result;
    result = a < EQ_INF ? result : (y > 0.0 ? EQ_INF : 0.0);
    double half = 0.5 * y;
    int whole = floor(y) == y;
    int odd = whole & (floor(half) != half);
    double negative = whole ? (odd ? -result : result) : EQ_NAN;
    result = x < 0.0 ? negative : result;
    result = ((x == x) & (y == y)) ? result : x + y;
    return ((y == 0.0) | (x == 1.0)) ? 1.0 : result;
}

EQ_FN double eq_modulo(double a, double b) { return a - floor(a / b) * b; }
EQ_FN double eq_sign(double x) { return x > 0.0 ? 1.0 : (x < 0.0 ? -1.0 : 0.0); }
EQ_FN double eq_clip(double x, double low, double high)
{
    double y = x < low ? low : x;
    return y > high ? high : y;
}
EQ_FN double eq_timestep(double t, double dt) { return trunc((t + 1e-3 * dt) / dt); }
EQ_FN double eq_sqrt(double x) { return sqrt(x); }
EQ_FN double eq_abs(double x) { return fabs(x); }
EQ_FN double eq_floor(double x) { return floor(x); }
EQ_FN double eq_ceil(double x) { return ceil(x); }

/* A float as an integer: cut towards 0, and 0 where it is NaN or out of range (C leaves those undefined). */
EQ_FN int64_t eq_to_integer(double x) { return fabs(x) < 9.2e18 ? (int64_t)x : 0; }

/* The number that an alias table of n values makes of u from [0, 1); the twin is in eqsnn/kernel/random.py. Both values of the column are read in
 * any case: a loop over many elements then has no branch, and becomes vector instructions. */
EQ_FN int64_t eq_drawn(const double *table, int64_t n, double u)
{
    const double x = u * (double)(n >> 1);
    const int64_t k = (int64_t)x;
    const double keep = table[2 * k + 1], other = table[2 * k + 2];
    return (int64_t)table[0] + (x < keep ? k : (int64_t)other);
}

/* Philox4x32-10 (Salmon et al. 2011); the twin is eqsnn/kernel/random.py. The counter is (element, draw, count). */
EQ_FN void eq_philox(int64_t key, int64_t element, int64_t count, int64_t draw, uint64_t *high, uint64_t *low)
{
    const uint64_t m = UINT64_C(0xFFFFFFFF);
    uint64_t c0 = (uint64_t)element & m, c1 = (((uint64_t)element >> 32) & 0xFFFF) | ((uint64_t)draw << 16);
    uint64_t c2 = (uint64_t)count & m, c3 = (uint64_t)count >> 32;
    uint64_t k0 = (uint64_t)key & m, k1 = (uint64_t)key >> 32;
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = UINT64_C(0xD2511F53) * c0, p1 = UINT64_C(0xCD9E8D57) * c2;
        c0 = (p1 >> 32) ^ c1 ^ k0;
        c1 = p1 & m;
        c2 = (p0 >> 32) ^ c3 ^ k1;
        c3 = p0 & m;
        k0 = (k0 + 0x9E3779B9) & m;
        k1 = (k1 + 0xBB67AE85) & m;
    }
    *high = (c0 << 32) | c1;
    *low = (c2 << 32) | c3;
}

/* 53 bits as a number in [0, 1). */
EQ_FN double eq_unit(uint64_t word) { return (double)(int64_t)(word >> 11) * 1.1102230246251565e-16; }

/* One call of the generator makes the numbers of two elements, EQ_PAIRED apart. A loop over many elements makes both at once. */
#define EQ_PAIRED {{ paired }}

EQ_FN double eq_uniform(int64_t key, int64_t element, int64_t count, int64_t draw)
{
    uint64_t high, low;
    eq_philox(key, element & ~(int64_t)EQ_PAIRED, count, draw, &high, &low);
    return eq_unit(element & EQ_PAIRED ? low : high);
}

EQ_FN void eq_uniform_pair(int64_t key, int64_t element, int64_t count, int64_t draw, double *one, double *other)
{
    uint64_t high, low;
    eq_philox(key, element, count, draw, &high, &low);
    *one = eq_unit(high);
    *other = eq_unit(low);
}

/* Box & Muller (1958): two numbers of one radius at right angles. */
EQ_FN double eq_normal(int64_t key, int64_t element, int64_t count, int64_t draw)
{
    uint64_t high, low;
    eq_philox(key, element & ~(int64_t)EQ_PAIRED, count, draw, &high, &low);
    double radius = sqrt(-2.0 * eq_log(1.0 - eq_unit(high))), angle = EQ_TWO_PI * eq_unit(low);
    return radius * (element & EQ_PAIRED ? eq_sin(angle) : eq_cos(angle));
}

EQ_FN void eq_normal_pair(int64_t key, int64_t element, int64_t count, int64_t draw, double *one, double *other)
{
    uint64_t high, low;
    eq_philox(key, element, count, draw, &high, &low);
    double radius = sqrt(-2.0 * eq_log(1.0 - eq_unit(high))), angle = EQ_TWO_PI * eq_unit(low);
    *one = radius * eq_cos(angle);
    *other = radius * eq_sin(angle);
}

#endif
