/* Trials of CUBA by hand: one after the other against interleaved, the value of trial b of neuron i at i * B + b (docs/decisions/0012-trials.md).
 *
 *   cc -O3 -march=native -fno-math-errno -fno-trapping-math -mprefer-vector-width=512 -DN=4000 -DB=16 trials.c -o trials && ./trials */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifndef N
#define N 4000
#endif
#ifndef B
#define B 16
#endif
enum { K = 80, STEPS = 2000, ROUNDS = 7, REST = 50 };

static uint16_t target[(size_t)N * K];
static double *v, *ge, *gi;
static int32_t *rest, *list;
static uint64_t state;

static double uniform(void)
{
    state ^= state << 13; state ^= state >> 7; state ^= state << 17;
    return (double)(state >> 11) * 0x1p-53;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A step of n neurons of one trial or of all; lists who spikes. */
static long update(double *V, double *E, double *I, int32_t *R, long n)
{
    for (long k = 0; k < n; k++) {
        const double moved = 0.995012479192682 * (V[k] + 49) + 0.0049376 * E[k] + 0.0049627 * I[k] - 49;
        V[k] = R[k] > 0 ? V[k] : moved;
        E[k] *= 0.980198673306755;
        I[k] *= 0.990049833749168;
        R[k] = R[k] > 0 ? R[k] - 1 : 0;
    }
    long m = 0;
    for (long k = 0; k < n; k++) if (V[k] > -50 && R[k] == 0) list[m++] = (int32_t)k;
    return m;
}

static long one_after_the_other(void)
{
    long spikes = 0;
    for (long b = 0; b < B; b++) {
        double *V = v + b * N, *E = ge + b * N, *I = gi + b * N;
        int32_t *R = rest + b * N;
        for (int t = 0; t < STEPS; t++) {
            const long m = update(V, E, I, R, N);
            spikes += m;
            for (long q = 0; q < m; q++) {
                const long i = list[q];
                V[i] = -60; R[i] = REST;
                double *G = i < N / 5 * 4 ? E : I;
                const double w = i < N / 5 * 4 ? 1.62 : -9;
                for (long k = 0; k < K; k++) G[target[i * K + k]] += w;
            }
        }
    }
    return spikes;
}

static long interleaved(void)
{
    long spikes = 0;
    for (int t = 0; t < STEPS; t++) {
        const long m = update(v, ge, gi, rest, (long)N * B);
        spikes += m;
        for (long q = 0, end; q < m; q = end) { /* the trials in which one neuron has spiked */
            const long i = list[q] / B;
            for (end = q; end < m && list[end] / B == i; end++) { v[list[end]] = -60; rest[list[end]] = REST; }
            double *G = i < N / 5 * 4 ? ge : gi;
            const double w = i < N / 5 * 4 ? 1.62 : -9;
            for (long k = 0; k < K; k++)
                for (long z = q; z < end; z++) G[(long)target[i * K + k] * B + list[z] % B] += w;
        }
    }
    return spikes;
}

static void start(int innermost)
{
    state = 88172645463325252ULL;
    for (long b = 0; b < B; b++)
        for (long i = 0; i < N; i++) {
            const long k = innermost ? i * B + b : b * N + i;
            v[k] = -60 + 10 * uniform();
            ge[k] = gi[k] = 0;
            rest[k] = 0;
        }
}

int main(void)
{
    const size_t n = (size_t)N * B;
    state = 1;
    for (long k = 0; k < (long)N * K; k++) target[k] = (uint16_t)(uniform() * N);
    v = aligned_alloc(64, n * 8); ge = aligned_alloc(64, n * 8); gi = aligned_alloc(64, n * 8);
    rest = aligned_alloc(64, n * 4); list = aligned_alloc(64, n * 4);
    if (!v || !ge || !gi || !rest || !list) return 1;
    double best[2] = {1e9, 1e9};
    long spikes[2] = {0, 0};
    for (int round = 0; round < 2 * ROUNDS; round++) { /* in turn, so that both see the same machine */
        const int innermost = round % 2;
        start(innermost);
        const double before = seconds();
        spikes[innermost] = innermost ? interleaved() : one_after_the_other();
        const double took = seconds() - before;
        if (took < best[innermost]) best[innermost] = took;
    }
    for (int k = 0; k < 2; k++)
        printf("%d neurons x %d trials, %s: %.3f s, %ld spikes\n", N, B, k ? "batch innermost" : "one after the other", best[k], spikes[k]);
    return 0;
}
