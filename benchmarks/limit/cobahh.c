/* COBAHH by hand: one fused loop over the neurons with a vectorised exp. The limit to measure against.
 *
 *   cc -O3 -march=native -fno-math-errno -fno-trapping-math -I . cobahh.c -o cobahh -lm && ./cobahh 1.0
 *
 * Unlike eqsnn's kernels it contracts to fused multiply-add and uses a shorter polynomial (relative error 1e-13), which a simulator that
 * promises its bits could not. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N = 4000, NE = 3200, CHUNK = 400 }; /* N is a multiple of CHUNK, and that of 16 */
#define ALIGNED __attribute__((aligned(64)))
static double v[N] ALIGNED, m_[N] ALIGNED, n_[N] ALIGNED, h_[N] ALIGNED, ge[N] ALIGNED, gi[N] ALIGNED, until[N] ALIGNED;
static int64_t start[N + 1];
static uint16_t *target;
static int32_t spikes[N];

static uint64_t state = 88172645463325252ULL;
static double uniform(void)
{
    state ^= state << 13; state ^= state >> 7; state ^= state << 17;
    return (double)(state >> 11) * 0x1p-53;
}
static double normal(void) { return sqrt(-2 * log(1 - uniform())) * cos(6.283185307179586 * uniform()); }

static double wall(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* exp for |x| < 700 */
static inline __attribute__((always_inline)) double fexp(double x)
{
    const double magic = 6755399441055744.0;
    double t = x * 1.4426950408889634 + magic, n = t - magic;
    double r = x - n * 0.6931471805599453;
    double p = 1.0 / 39916800;
    p = p * r + 1.0 / 3628800; p = p * r + 1.0 / 362880; p = p * r + 1.0 / 40320; p = p * r + 1.0 / 5040; p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120; p = p * r + 1.0 / 24; p = p * r + 1.0 / 6; p = p * r + 0.5; p = p * r + 1.0; p = p * r + 1.0;
    int64_t b, k;
    memcpy(&b, &p, 8); memcpy(&k, &t, 8);
    b = (int64_t)((uint64_t)b + ((uint64_t)k << 52));
    memcpy(&p, &b, 8);
    return p;
}

int main(int argc, char **argv)
{
    const double duration = argc > 1 ? atof(argv[1]) : 1.0, dt = 1e-4;
    const double area = 20000e-12, Cm = 1e-2 * area, gl = 0.5 * area, gna = 1000 * area, gkd = 300 * area;
    const double El = -60e-3, EK = -90e-3, ENa = 50e-3, VT = -63e-3, Ei = -80e-3, we = 6e-9, wi = 67e-9;
    const double pe = exp(-dt / 5e-3), pi = exp(-dt / 10e-3);
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
    for (int repeat = 0; repeat < 2; repeat++) {
        for (int i = 0; i < N; i++) {
            v[i] = El + (normal() * 5 - 5) * 1e-3;
            ge[i] = (normal() * 1.5 + 4) * 10e-9;
            gi[i] = (normal() * 12 + 20) * 10e-9;
            m_[i] = n_[i] = h_[i] = 0;
            until[i] = -1;
        }
        total = 0;
        const double begin = wall();
        for (int64_t s = 0; s < steps; s++) {
            const double t = (double)s * dt;
            int n = 0;
            for (int c = 0; c < N; c += CHUNK) {
                const int stop = c + CHUNK < N ? c + CHUNK : N;
                int64_t fired[CHUNK];
                int any = 0;
#pragma GCC ivdep
                for (int i = c; i < stop; i++) {
                    const double u = (v[i] - VT) * 1e3, m = m_[i], nn = n_[i], h = h_[i];
                    const double xm = (13 - u) * 0.25, ym = (u - 40) * 0.2, xn = (15 - u) * 0.2;
                    const double em = fexp(xm) - 1, fm = fexp(ym) - 1, en = fexp(xn) - 1;
                    const double am = 0.32e3 * 4 * (fabs(xm) > 1e-6 ? xm / em : 1 - 0.5 * xm);
                    const double bm = 0.28e3 * 5 * (fabs(ym) > 1e-6 ? ym / fm : 1 - 0.5 * ym);
                    const double an = 0.032e3 * 5 * (fabs(xn) > 1e-6 ? xn / en : 1 - 0.5 * xn);
                    const double bn = 0.5e3 * fexp((10 - u) * 0.025);
                    const double ah = 0.128e3 * fexp((17 - u) * (1.0 / 18));
                    const double bh = 4e3 / (1 + fexp((40 - u) * 0.2));
                    const double na = gna * (m * m * m) * h, kd = gkd * (nn * nn) * (nn * nn);
                    const double sum = gl + ge[i] + gi[i] + na + kd;
                    const double inf = (gl * El + gi[i] * Ei + na * ENa + kd * EK) / sum;
                    const double now = inf + (v[i] - inf) * fexp(-dt * sum / Cm);
                    const double sm = am + bm, sn = an + bn, sh = ah + bh;
                    m_[i] = am / sm + (m - am / sm) * fexp(-dt * sm);
                    n_[i] = an / sn + (nn - an / sn) * fexp(-dt * sn);
                    h_[i] = ah / sh + (h - ah / sh) * fexp(-dt * sh);
                    v[i] = now;
                    ge[i] *= pe;
                    gi[i] *= pi;
                    const int fire = (now > -20e-3) & (until[i] <= t);
                    until[i] = fire ? t + 3e-3 - 1e-6 : until[i];
                    fired[i - c] = fire;
                    any |= fire;
                }
                if (any)
                    for (int i = c; i < stop; i += 16) {
                        int64_t some = 0;
                        for (int j = i; j < i + 16; j++) some |= fired[j - c];
                        if (some) for (int j = i; j < i + 16; j++) if (fired[j - c]) spikes[n++] = j;
                    }
            }
            for (int k = 0; k < n; k++) {
                const int i = spikes[k];
                const uint16_t *row = target + start[i];
                const int64_t q_end = start[i + 1] - start[i];
                if (i < NE) for (int64_t q = 0; q < q_end; q++) ge[row[q]] += we;
                else for (int64_t q = 0; q < q_end; q++) gi[row[q]] += wi;
            }
            total += n;
        }
        const double elapsed = wall() - begin;
        if (elapsed < best) best = elapsed;
    }
    printf("{\"benchmark\": \"cobahh\", \"simulator\": \"limit\", \"seconds\": %.6f, \"spikes_per_second\": %.0f}\n", best, (double)total / duration);
    return 0;
}
