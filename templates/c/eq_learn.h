/* What the learner's loops are made of. EQ_LANES samples lie beside each other, one vector of 64 bytes; an array of a layer is [neuron][sample].
 * Spikes of a neuron are the bits of a uint16_t, one a sample. EQ_REAL is float or double. */
typedef EQ_REAL eq_lanes __attribute__((vector_size(64), aligned(64), may_alias));
typedef EQ_REAL eq_part __attribute__((vector_size(64), aligned(4), may_alias));
#if defined(__AVX512F__)
#define EQ_TILE EQ_LANES
#else
#define EQ_TILE 4
#endif
#define EQ_PADDED(n) (((n) + EQ_LANES - 1) / EQ_LANES * EQ_LANES)

/* Arrivals: acc[sample][target] += weights[source][target] for each source with an event, in the order of sources. `values`, if there are any:
 * [source][sample], what the event counts for. */
static void eq_arrive(const EQ_REAL *EQ_RESTRICT weights, const uint16_t *EQ_RESTRICT bits, const EQ_REAL *EQ_RESTRICT values,
                      EQ_REAL *EQ_RESTRICT acc, int64_t n_source, int64_t n_target)
{
    const int64_t padded = EQ_PADDED(n_target), whole = n_target / EQ_LANES;
    for (int64_t i = 0; i < n_source; i++) {
        unsigned active = bits[i];
        const EQ_REAL *row = weights + i * padded;
        (void)whole;
        while (active) {
            const int l = __builtin_ctz(active);
            EQ_REAL *into = acc + l * padded;
            active &= active - 1;
            if (values) {
                const EQ_REAL v = values[i * EQ_LANES + l];
                for (int64_t j = 0; j < padded; j += EQ_LANES)
                    *(eq_lanes *)(into + j) += v * *(const eq_lanes *)(row + j);
            } else {
                for (int64_t j = 0; j < padded; j += EQ_LANES)
                    *(eq_lanes *)(into + j) += *(const eq_lanes *)(row + j);
            }
        }
    }
}

/* [sample][target] to [target][sample]; the first becomes 0. */
static void eq_hand_over(EQ_REAL *EQ_RESTRICT acc, EQ_REAL *EQ_RESTRICT sums, int64_t n_target)
{
    const int64_t padded = EQ_PADDED(n_target);
    for (int64_t j = 0; j < n_target; j++)
        for (int64_t l = 0; l < EQ_LANES; l++) sums[j * EQ_LANES + l] = acc[l * padded + j];
    for (int64_t k = 0; k < EQ_LANES * padded; k += EQ_LANES) *(eq_lanes *)(acc + k) = (eq_lanes){ 0 };
}

/* [target][sample] to [sample][target]. */
static void eq_turn(const EQ_REAL *EQ_RESTRICT error, EQ_REAL *EQ_RESTRICT turned, int64_t n_target)
{
    const int64_t padded = EQ_PADDED(n_target);
    for (int64_t j = 0; j < n_target; j++)
        for (int64_t l = 0; l < EQ_LANES; l++) turned[l * padded + j] = error[j * EQ_LANES + l];
}

/* The outer product: grad[source][target] += turned[sample][target] for each event, in the order of sources and samples. */
static void eq_outer(const EQ_REAL *EQ_RESTRICT turned, const uint16_t *EQ_RESTRICT bits, const EQ_REAL *EQ_RESTRICT values,
                     EQ_REAL *EQ_RESTRICT grad, int64_t n_source, int64_t n_target)
{
    const int64_t padded = EQ_PADDED(n_target);
    for (int64_t i = 0; i < n_source; i++) {
        unsigned active = bits[i];
        EQ_REAL *row = grad + i * padded;
        while (active) {
            const int l = __builtin_ctz(active);
            const EQ_REAL *from = turned + l * padded;
            active &= active - 1;
            if (values) {
                const EQ_REAL v = values[i * EQ_LANES + l];
                for (int64_t j = 0; j < padded; j += EQ_LANES) *(eq_lanes *)(row + j) += v * *(const eq_lanes *)(from + j);
            } else {
                for (int64_t j = 0; j < padded; j += EQ_LANES) *(eq_lanes *)(row + j) += *(const eq_lanes *)(from + j);
            }
        }
    }
}

/* The transpose: back[source][sample] += sum over targets of weights[source][target] * error[target][sample]. */
EQ_CONTRACT static void eq_transpose(const EQ_REAL *EQ_RESTRICT weights, const EQ_REAL *EQ_RESTRICT error, EQ_REAL *EQ_RESTRICT back,
                                     int64_t n_source, int64_t n_target)
{
    const int64_t padded = EQ_PADDED(n_target);
    const eq_lanes *e = (const eq_lanes *)error;
    eq_lanes *into = (eq_lanes *)back;
    int64_t i = 0;
    for (; i + 6 <= n_source; i += 6) {
        const EQ_REAL *w = weights + i * padded;
        eq_lanes a = into[i], b = into[i + 1], c = into[i + 2], d = into[i + 3], f = into[i + 4], g = into[i + 5];
        for (int64_t j = 0; j < n_target; j++) {
            const eq_lanes x = e[j];
            a += w[j] * x;
            b += w[padded + j] * x;
            c += w[2 * padded + j] * x;
            d += w[3 * padded + j] * x;
            f += w[4 * padded + j] * x;
            g += w[5 * padded + j] * x;
        }
        into[i] = a; into[i + 1] = b; into[i + 2] = c; into[i + 3] = d; into[i + 4] = f; into[i + 5] = g;
    }
    for (; i < n_source; i++) {
        eq_lanes a = into[i];
        for (int64_t j = 0; j < n_target; j++) a += weights[i * padded + j] * e[j];
        into[i] = a;
    }
}

/* Sums: sums[target][sample] += sum over sources of weights[source][target] * values[source][sample]. As many targets at once as there are
 * registers; weights are padded with zeros, so that the last ones need no loop of their own. */
EQ_CONTRACT static void eq_dense(const EQ_REAL *EQ_RESTRICT weights, const EQ_REAL *EQ_RESTRICT values, EQ_REAL *EQ_RESTRICT sums,
                                 int64_t n_source, int64_t n_target)
{
    const int64_t padded = EQ_PADDED(n_target);
    const eq_lanes *x = (const eq_lanes *)values;
    eq_lanes *into = (eq_lanes *)sums;
    for (int64_t j = 0; j < n_target; j += EQ_TILE) {
        const EQ_REAL *w = weights + j;
        eq_lanes a[EQ_TILE] = { { 0 } };
        for (int64_t i = 0; i < n_source; i++, w += padded) {
            const eq_lanes v = x[i];
#pragma GCC unroll 16
            for (int k = 0; k < EQ_TILE; k++) a[k] += w[k] * v;
        }
#pragma GCC unroll 16
        for (int k = 0; k < EQ_TILE; k++)
            if (j + k < n_target) into[j + k] += a[k];
    }
}

/* The outer product: grad[source][target] += sum over samples of values[source][sample] * turned[sample][target]. */
EQ_CONTRACT static void eq_dense_outer(const EQ_REAL *EQ_RESTRICT turned, const EQ_REAL *EQ_RESTRICT values, EQ_REAL *EQ_RESTRICT grad,
                                       int64_t n_source, int64_t n_target)
{
    const int64_t padded = EQ_PADDED(n_target);
    int64_t i = 0;
    for (; i + 8 <= n_source; i += 8)
        for (int64_t j = 0; j < padded; j += EQ_LANES) {
            eq_lanes a[8];
#pragma GCC unroll 8
            for (int k = 0; k < 8; k++) a[k] = *(const eq_lanes *)(grad + (i + k) * padded + j);
            for (int l = 0; l < EQ_LANES; l++) {
                const eq_lanes e = *(const eq_lanes *)(turned + l * padded + j);
#pragma GCC unroll 8
                for (int k = 0; k < 8; k++) a[k] += values[(i + k) * EQ_LANES + l] * e;
            }
#pragma GCC unroll 8
            for (int k = 0; k < 8; k++) *(eq_lanes *)(grad + (i + k) * padded + j) = a[k];
        }
    for (; i < n_source; i++)
        for (int64_t j = 0; j < padded; j += EQ_LANES) {
            eq_lanes a = *(const eq_lanes *)(grad + i * padded + j);
            for (int l = 0; l < EQ_LANES; l++) a += values[i * EQ_LANES + l] * *(const eq_lanes *)(turned + l * padded + j);
            *(eq_lanes *)(grad + i * padded + j) = a;
        }
}

/* sums[neuron][sample] += values[neuron][sample]. */
static void eq_add(const EQ_REAL *EQ_RESTRICT values, EQ_REAL *EQ_RESTRICT sums, int64_t n_neurons)
{
    for (int64_t k = 0; k < n_neurons; k++) ((eq_lanes *)sums)[k] += ((const eq_lanes *)values)[k];
}

/* How the derivatives of the events of a step begin: 0, or what is the same in all steps that count. */
static void eq_pushed(const EQ_REAL *push, const EQ_REAL *counted, EQ_REAL *EQ_RESTRICT spike, int64_t n_neurons)
{
    if (!push || !counted) {
        memset(spike, 0, sizeof(EQ_REAL) * (size_t)(n_neurons * EQ_LANES));
        return;
    }
    for (int64_t n = 0; n < n_neurons; n++)
        for (int l = 0; l < EQ_LANES; l++) spike[n * EQ_LANES + l] = push[n] * counted[l];
}

/* The events of a step as numbers; before the first step, what the state began with. */
static void eq_echo(const uint16_t *EQ_RESTRICT bits, const EQ_REAL *EQ_RESTRICT start, EQ_REAL *EQ_RESTRICT echo, int64_t n_neurons)
{
    for (int64_t n = 0; n < n_neurons; n++)
        for (int l = 0; l < EQ_LANES; l++) echo[n * EQ_LANES + l] = bits ? (EQ_REAL)((bits[n] >> l) & 1) : start[n * EQ_LANES + l];
}
