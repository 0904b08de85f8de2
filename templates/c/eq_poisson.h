/* Poisson numbers, drawn from counter-based random numbers like all others; the twin is eqsnn/kernel/random.py. */
#ifndef EQ_POISSON_H
#define EQ_POISSON_H

/* log(k!), by Stirling's series for the Gamma function at k + 8 and the recurrence down from there. */
EQ_FN double eq_log_factorial(double k)
{
    double y = k + 8.0, w = 1.0 / (y * y);
    double product = (k + 1.0) * (k + 2.0) * (k + 3.0) * (k + 4.0) * (k + 5.0) * (k + 6.0) * (k + 7.0);
    double p = {{ stirling[-1] }};
{%- for c in stirling[:-1] | reverse %}
    p = p * w + {{ c }};
{%- endfor %}
    return (((y - 0.5) * eq_log(y) - y) + 0.9189385332046727 + p / y) - eq_log(product);
}

/* By inversion for small means, else by transformed rejection (Hoermann 1993, Insurance: Mathematics and Economics 12:39, algorithm PTRS). The number
 * of the attempt stands in the high 16 bits of the count. */
EQ_FN double eq_poisson(int64_t key, int64_t element, int64_t count, int64_t draw, double mean)
{
    uint64_t high, low;
    if (!(mean >= 0.0) || mean >= 1e18) return EQ_NAN;
    if (mean < 10.0) {
        eq_philox(key, element, count, draw, &high, &low);
        double u = eq_unit(high), p = eq_exp(-mean), s = p, k = 0.0;
        while (u >= s && k < 200.0) {
            k += 1.0;
            p = p * (mean / k);
            s = s + p;
        }
        return k;
    }
    double b = 0.931 + 2.53 * sqrt(mean), a = -0.059 + 0.02483 * b;
    double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), accepted = 0.9277 - 3.6224 / (b - 2.0), log_mean = eq_log(mean);
    for (int64_t attempt = 0; attempt < 65536; attempt++) {
        eq_philox(key, element, (int64_t)((uint64_t)count | ((uint64_t)attempt << 48)), draw, &high, &low);
        double u = eq_unit(high) - 0.5, v = eq_unit(low), edge = 0.5 - fabs(u);
        double k = floor((2.0 * a / edge + b) * u + mean + 0.43);
        if (edge >= 0.07 && v <= accepted) return k;
        if (k < 0.0 || (edge < 0.013 && v > edge)) continue;
        double left = eq_log(v * inverse_alpha / (a / (edge * edge) + b));
        if (left <= (k * log_mean - mean) - eq_log_factorial(k)) return k;
    }
    return floor(mean);
}

#endif
