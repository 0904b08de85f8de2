/* CUBA by hand: everything that a general simulator could know about this one network, fused into one loop. The limit to measure against.
 *
 *   cc -O3 -march=native -ffp-contract=off -fno-math-errno -fno-trapping-math cuba.c -o cuba -lm && ./cuba 1.0
 *
 * Prints the seconds of the fastest of three runs, and the spikes in a second. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N = 4000, NE = 3200, CHUNK = 160 }; /* N is a multiple of CHUNK, and that of 16 */
static double v[N] __attribute__((aligned(64))), ge[N] __attribute__((aligned(64))), gi[N] __attribute__((aligned(64)));
static int32_t resting[64][N]; /* who spiked in each of the last 50 steps: these stay at the reset, all others move freely */
static int n_resting[64];
static int64_t start[N + 1];
static uint16_t *target;
static int32_t spikes[N];

static uint64_t state = 88172645463325252ULL;
static double uniform(void)
{
    state ^= state << 13; state ^= state >> 7; state ^= state << 17;
    return (double)(state >> 11) * 0x1p-53;
}

static double wall(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    const double duration = argc > 1 ? atof(argv[1]) : 1.0, dt = 1e-4;
    const double taum = 20e-3, taue = 5e-3, taui = 10e-3, Vt = -50e-3, Vr = -60e-3, El = -49e-3, we = 1.62e-3, wi = -9e-3;
    const double pm = exp(-dt / taum), pe = exp(-dt / taue), pi = exp(-dt / taui);
    const double ce = (pe - pm) / (taum * (1 / taum - 1 / taue)), ci = (pi - pm) / (taum * (1 / taum - 1 / taui)), cv = El * (1 - pm);
    target = malloc((size_t)N * N / 25 * sizeof *target);
    int64_t n_syn = 0;
    for (int i = 0; i < N; i++) {
        start[i] = n_syn;
        for (int j = 0; j < N; j++) if (uniform() < 0.02) target[n_syn++] = (uint16_t)j;
    }
    start[N] = n_syn;
    double best = 1e9;
    int64_t total = 0;
    const int64_t steps = (int64_t)(duration / dt + 0.5);
    for (int repeat = 0; repeat < 3; repeat++) {
        for (int i = 0; i < N; i++) { v[i] = Vr + uniform() * (Vt - Vr); ge[i] = gi[i] = 0; }
        memset(n_resting, 0, sizeof n_resting);
        total = 0;
        const double begin = wall();
        for (int64_t s = 0; s < steps; s++) {
            int n = 0;
            for (int c = 0; c < N; c += CHUNK) {
                const int stop = c + CHUNK < N ? c + CHUNK : N;
                int any = 0;
#pragma GCC ivdep
                for (int i = c; i < stop; i++) {
                    const double now = cv + pm * v[i] + ce * ge[i] + ci * gi[i];
                    v[i] = now;
                    ge[i] *= pe;
                    gi[i] *= pi;
                    const int fire = now > Vt;
                    any |= fire;
                }
                if (any)
                    for (int i = c; i < stop; i += 16) {
                        int some = 0;
                        for (int j = i; j < i + 16; j++) some |= v[j] > Vt;
                        if (some) for (int j = i; j < i + 16; j++) if (v[j] > Vt) spikes[n++] = j;
                    }
            }
            for (int64_t back = 1; back < 50; back++) {
                const int slot = (int)((s - back) & 63);
                for (int k = 0; s >= back && k < n_resting[slot]; k++) v[resting[slot][k]] = Vr;
            }
            n_resting[s & 63] = n;
            for (int k = 0; k < n; k++) {
                const int i = resting[s & 63][k] = spikes[k];
                v[i] = Vr;
                const uint16_t *row = target + start[i];
                const int64_t m = start[i + 1] - start[i];
                if (i < NE) for (int64_t q = 0; q < m; q++) ge[row[q]] += we;
                else for (int64_t q = 0; q < m; q++) gi[row[q]] += wi;
            }
            total += n;
        }
        const double elapsed = wall() - begin;
        if (elapsed < best) best = elapsed;
    }
    printf("{\"benchmark\": \"cuba\", \"simulator\": \"limit\", \"seconds\": %.6f, \"spikes_per_second\": %.0f}\n", best, (double)total / duration);
    return 0;
}
