/* The elementary functions in single precision, for kernels whose variables are float32: as in eq_math.h, with shorter series. The twin in numpy is
 * eqsnn/kernel/single.py; it states the accuracies. */
#ifndef EQ_SINGLE_H
#define EQ_SINGLE_H

#define EQF_MAGIC 12582912.0f
#define EQF_INF ((float)INFINITY)
#define EQF_NAN ((float)NAN)

EQ_FN int32_t eqf_bits(float x) { int32_t b; memcpy(&b, &x, sizeof b); return b; }
EQ_FN float eqf_float(int32_t b) { float x; memcpy(&x, &b, sizeof x); return x; }
EQ_FN int32_t eqf_add(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }
EQ_FN int32_t eqf_shift_up(int32_t b) { return (int32_t)((uint32_t)b << 23); }

EQ_FN float eqf_exp_series(float r)
{
    float p = {{ exp[-1] }};
{%- for c in exp[:-1] | reverse %}
    p = fmaf(p, r, {{ c }});
{%- endfor %}
    return p;
}

/* x = n ln2 + r; n stands in the low bits of t */
EQ_FN float eqf_exp_reduce(float x, float *t)
{
    *t = fmaf(x, 1.442695f, EQF_MAGIC);
    float n = *t - EQF_MAGIC;
    return fmaf(-n, -2.1219444e-4f, fmaf(-n, 0.693359375f, x));
}

/* Outside the range the first lines give nonsense, which the last two replace. */
EQ_FN float eqf_exp(float x)
{
    float t, r = eqf_exp_reduce(x, &t);
    float p = fmaf(fmaf(eqf_exp_series(r), r, 1.0f), r, 1.0f);
    float result = eqf_float(eqf_add(eqf_bits(p), eqf_shift_up(eqf_bits(t))));
    result = x < -87.33f ? 0.0f : result;
    return x <= 88.72283f ? result : x + EQF_INF;
}

EQ_FN float eqf_expm1(float x)
{
    float t, r = eqf_exp_reduce(x, &t);
    float scale = eqf_float(eqf_add(eqf_shift_up(eqf_bits(t)), INT32_C(0x3F800000)));
    float result = fmaf(scale, fmaf(r * r, eqf_exp_series(r), r), scale - 1.0f);
    result = x < -17.5f ? -1.0f : result;
    return x <= 88.37f ? result : x + EQF_INF;
}

EQ_FN float eqf_exprel(float x)
{
    float far = eqf_expm1(x) / x;
    return fabsf(x) < 1e-30f ? 1.0f : far;
}

EQ_FN float eqf_exprel_inverse(float x)
{
    float far = x / eqf_expm1(x);
    return fabsf(x) < 1e-30f ? 1.0f : far;
}

EQ_FN float eqf_exprel_prime(float x)
{
    int near = fabsf(x) < 0.75f;
    float z = near ? x : 0.0f, safe = near ? 1.0f : x;
    float p = {{ exprel_prime[-1] }};
{%- for c in exprel_prime[:-1] | reverse %}
    p = fmaf(p, z, {{ c }});
{%- endfor %}
    float far = (eqf_exp(safe) - eqf_expm1(safe) / safe) / safe;
    return near ? p : far;
}

EQ_FN float eqf_log(float x)
{
    int32_t bits = eqf_bits(x);
    int32_t e = eqf_add(bits, -INT32_C(0x3F3504F3)) >> 23;
    float f = eqf_float((int32_t)((uint32_t)bits - (uint32_t)eqf_shift_up(e))) - 1.0f;
    float k = eqf_float(eqf_add(e, INT32_C(0x4B400000))) - EQF_MAGIC;
    float s = f / (2.0f + f);
    float z = s * s;
    float half = 0.5f * f * f;
    float p = {{ log[-1] }};
{%- for c in log[:-1] | reverse %}
    p = fmaf(p, z, {{ c }});
{%- endfor %}
    float rest = z * p;
    float result = k * 0.693359375f - ((half - (s * (half + rest) + k * -2.1219444e-4f)) - f);
    result = x < 1.1754944e-38f ? -EQF_INF : result;
    result = x < 0.0f ? EQF_NAN : result;
    return x < EQF_INF ? result : x;
}

EQ_FN float eqf_log1p(float x)
{
    float u = 1.0f + x, d = u - 1.0f;
    float safe = d == 0.0f ? 1.0f : d;
    float far = eqf_log(u) * (x / safe);
    far = u < EQF_INF ? far : u;
    return d == 0.0f ? x : far;
}

EQ_FN float eqf_log10(float x) { return eqf_log(x) / 2.3025851f; }

EQ_FN float eqf_sin_cos(float x, int32_t shift)
{
    float t = fmaf(x, 0.63661975f, EQF_MAGIC);
    float n = t - EQF_MAGIC;
    float r = fmaf(-n, -1.7151245e-15f, fmaf(-n, -4.371139e-08f, fmaf(-n, 1.5707964f, x)));
    int32_t q = eqf_add(eqf_bits(t), shift);
    float z = r * r;
    float a = {{ sin[-1] }}, b = {{ cos[-1] }};
{%- for c in sin[:-1] | reverse %}
    a = fmaf(a, z, {{ c }});
{%- endfor %}
{%- for c in cos[:-1] | reverse %}
    b = fmaf(b, z, {{ c }});
{%- endfor %}
    float sine = fmaf(r * z, a, r), cosine = fmaf(z * z, b, fmaf(-0.5f, z, 1.0f));
    float result = (q & 1) != 0 ? cosine : sine;
    return (q & 2) != 0 ? -result : result;
}

EQ_FN float eqf_sin(float x)
{
    float result = eqf_sin_cos(x, 0), odd = fabsf(x) < EQF_INF ? 0.0f : EQF_NAN;
    return fabsf(x) < 4194304.0f ? result : odd;
}

EQ_FN float eqf_cos(float x)
{
    float result = eqf_sin_cos(x, 1), odd = fabsf(x) < EQF_INF ? 1.0f : EQF_NAN;
    return fabsf(x) < 4194304.0f ? result : odd;
}

EQ_FN float eqf_tan(float x) { return eqf_sin(x) / eqf_cos(x); }

EQ_FN float eqf_sinh(float x)
{
    float a = fabsf(x), u = eqf_expm1(a), big = eqf_exp(0.5f * a);
    float near = 0.5f * (u + u / (u + 1.0f)), far = (0.5f * big) * big;
    float result = a < 87.0f ? near : far;
    return x < 0.0f ? -result : result;
}

EQ_FN float eqf_cosh(float x)
{
    float a = fabsf(x), u = eqf_exp(a), big = eqf_exp(0.5f * a);
    float near = 0.5f * (u + 1.0f / u), far = (0.5f * big) * big;
    return a < 87.0f ? near : far;
}

EQ_FN float eqf_tanh(float x)
{
    float a = fabsf(x);
    float u = eqf_expm1(2.0f * (a > 10.0f ? 10.0f : a));
    float result = u / (u + 2.0f);
    return x < 0.0f ? -result : result;
}

EQ_FN float eqf_arc_series(float z)
{
    float p = {{ asin[-1] }};
{%- for c in asin[:-1] | reverse %}
    p = fmaf(p, z, {{ c }});
{%- endfor %}
    return p;
}

EQ_FN float eqf_asin(float x)
{
    float a = fabsf(x), z = a < 0.5f ? x * x : 0.5f * (1.0f - a), s = a < 0.5f ? x : sqrtf(z);
    float p = fmaf(s * z, eqf_arc_series(z), s);
    float far = 1.5707964f - (2.0f * p - -4.371139e-08f);
    far = x < 0.0f ? -far : far;
    return a < 0.5f ? p : far;
}

EQ_FN float eqf_acos(float x)
{
    float a = fabsf(x), z = a < 0.5f ? x * x : 0.5f * (1.0f - a), s = a < 0.5f ? x : sqrtf(z);
    float p = fmaf(s * z, eqf_arc_series(z), s);
    float near = 1.5707964f - (p - -4.371139e-08f);
    float far = x < 0.0f ? 3.1415927f - (2.0f * p - -8.742278e-08f) : 2.0f * p;
    return a < 0.5f ? near : far;
}

EQ_FN float eqf_atan(float x)
{
    float a = fabsf(x);
    int k0 = a < 0.4375f, k1 = a < 0.6875f, k2 = a < 1.1875f, k3 = a < 2.4375f;
    float top = k0 ? a : (k1 ? 2.0f * a - 1.0f : (k2 ? a - 1.0f : (k3 ? a - 1.5f : -1.0f)));
    float bottom = k0 ? 1.0f : (k1 ? 2.0f + a : (k2 ? a + 1.0f : (k3 ? 1.0f + 1.5f * a : a)));
    float high = k0 ? 0.0f : (k1 ? {{ atan_high[0] }} : (k2 ? {{ atan_high[1] }} : (k3 ? {{ atan_high[2] }} : {{ atan_high[3] }})));
    float low = k0 ? 0.0f : (k1 ? {{ atan_low[0] }} : (k2 ? {{ atan_low[1] }} : (k3 ? {{ atan_low[2] }} : {{ atan_low[3] }})));
    float t = top / bottom, z = t * t;
    float p = {{ atan[-1] }};
{%- for c in atan[:-1] | reverse %}
    p = fmaf(p, z, {{ c }});
{%- endfor %}
    float result = high + (fmaf(t * z, p, low) + t);
    return x < 0.0f ? -result : result;
}

/* The logarithm needs more bits than a float has; double precision has them. */
EQ_FN float eqf_power(float x, float y) { return (float)eq_power((double)x, (double)y); }

EQ_FN float eqf_modulo(float a, float b) { return a - floorf(a / b) * b; }
EQ_FN float eqf_sign(float x) { return x > 0.0f ? 1.0f : (x < 0.0f ? -1.0f : 0.0f); }
EQ_FN float eqf_clip(float x, float low, float high)
{
    float y = x < low ? low : x;
    return y > high ? high : y;
}
EQ_FN float eqf_timestep(float t, float dt) { return truncf((t + 1e-3f * dt) / dt); }
EQ_FN float eqf_sqrt(float x) { return sqrtf(x); }
EQ_FN float eqf_abs(float x) { return fabsf(x); }
EQ_FN float eqf_floor(float x) { return floorf(x); }
EQ_FN float eqf_ceil(float x) { return ceilf(x); }

#endif
