/* Inverse trigonometric functions; the twin is eqsnn/kernel/arcs.py. Libraries differ among themselves, and from numpy, in the last bit. */
#ifndef EQ_ARC_H
#define EQ_ARC_H

EQ_FN double eq_arc_series(double z)
{
    double p = {{ asin[-1] }};
{%- for c in asin[:-1] | reverse %}
    p = fma(p, z, {{ c }});
{%- endfor %}
    return p;
}

EQ_FN double eq_asin(double x)
{
    double a = fabs(x), z = a < 0.5 ? x * x : 0.5 * (1.0 - a), s = a < 0.5 ? x : sqrt(z);
    double p = fma(s * z, eq_arc_series(z), s);
    double far = 1.5707963267948966 - (2.0 * p - 6.123233995736766e-17);
    far = x < 0.0 ? -far : far;
    return a < 0.5 ? p : far;
}

EQ_FN double eq_acos(double x)
{
    double a = fabs(x), z = a < 0.5 ? x * x : 0.5 * (1.0 - a), s = a < 0.5 ? x : sqrt(z);
    double p = fma(s * z, eq_arc_series(z), s);
    double near = 1.5707963267948966 - (p - 6.123233995736766e-17);
    double far = x < 0.0 ? 3.141592653589793 - (2.0 * p - 1.2246467991473532e-16) : 2.0 * p;
    return a < 0.5 ? near : far;
}

/* atan(a) = atan(c) + atan((a - c) / (1 + a c)) with c one of 0, 1/2, 1, 3/2 and infinity, so that the argument is below 7/16. */
EQ_FN double eq_atan(double x)
{
    double a = fabs(x);
    int k0 = a < 0.4375, k1 = a < 0.6875, k2 = a < 1.1875, k3 = a < 2.4375;
    double top = k0 ? a : (k1 ? 2.0 * a - 1.0 : (k2 ? a - 1.0 : (k3 ? a - 1.5 : -1.0)));
    double bottom = k0 ? 1.0 : (k1 ? 2.0 + a : (k2 ? a + 1.0 : (k3 ? 1.0 + 1.5 * a : a)));
    double high = k0 ? 0.0 : (k1 ? {{ atan_high[0] }} : (k2 ? {{ atan_high[1] }} : (k3 ? {{ atan_high[2] }} : {{ atan_high[3] }})));
    double low = k0 ? 0.0 : (k1 ? {{ atan_low[0] }} : (k2 ? {{ atan_low[1] }} : (k3 ? {{ atan_low[2] }} : {{ atan_low[3] }})));
    double t = top / bottom, z = t * t;
    double p = {{ atan[-1] }};
{%- for c in atan[:-1] | reverse %}
    p = fma(p, z, {{ c }});
{%- endfor %}
    double result = high + (fma(t * z, p, low) + t);
    return x < 0.0 ? -result : result;
}

#endif
