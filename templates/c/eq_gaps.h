/* Events by chance, found by the gaps between them; the twin is eqsnn/kernel/gaps.py. */
#ifndef EQ_GAPS_H
#define EQ_GAPS_H

#define EQ_GAPS {{ gaps }}
#define EQ_GAPS_LARGEST {{ largest }}

/* The mean gap, kept from one run of elements to the next with the same largest probability. */
typedef struct eq_gap { double top, mean; } eq_gap;

/* Of the elements `start` to `stop` with probabilities p[0] ..., the largest of which has the bits `largest`: those from `lo` to `hi` that have
 * their event are listed, ascending. */
EQ_FN int64_t eq_taken(const double *p, int64_t largest, int64_t start, int64_t stop, int64_t lo, int64_t hi, int64_t key, int64_t count,
                       int64_t draw, eq_gap *known, int32_t *emitted)
{
    const double top = eq_float(largest);
    int64_t n = 0;
    if (top > EQ_GAPS_LARGEST) {
        for (int64_t i = start > lo ? start : lo; i < (stop < hi ? stop : hi); i++)
            if (eq_uniform(key, i, count, draw) < p[i - start]) emitted[n++] = (int32_t)i;
        return n;
    }
    if (!(top > 0.0)) return 0;
    if (known->top != top) {
        known->top = top;
        known->mean = -1.0 / eq_log1p(-top);
    }
    for (int64_t i = start; i < stop; i++) {
        uint64_t high, low;
        eq_philox(key, i, count, draw, &high, &low);
        const double gap = -eq_log(1.0 - eq_unit(high)) * known->mean;
        if (!(gap < (double)(stop - i))) break;
        i += (int64_t)gap;
        if (i >= lo && i < hi && eq_unit(low) * top < p[i - start]) emitted[n++] = (int32_t)i;
    }
    return n;
}

#endif
