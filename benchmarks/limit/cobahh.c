/* COBAHH by hand: one fused loop over the neurons with a vectorised exp. The limit to measure against.
 *
 *   cc -O3 -march=native -fno-math-errno -fno-trapping-math -mprefer-vector-width=512 cobahh.c -o cobahh -lm && ./cobahh
 *
 * -DN=4000 for another size, -DDEGREE=80 for the synapses onto a neuron, -DREAL=float for single precision. Unlike eqsnn's kernels it contracts
 * to fused multiply-add and uses a shorter polynomial (relative error 1e-13), which a simulator that promises its bits could not. */
#include "limit.h"

#ifndef N
#define N 4000
#endif
#ifndef DEGREE
#define DEGREE 80
#endif
enum { NE = N / 5 * 4, CHUNK = 400 };
_Static_assert(N % 16 == 0 && N <= 65536, "N is a multiple of 16 that 16 bits hold");
/* INT is as wide as REAL, so that one vector holds as many of both. */
typedef __typeof__(__builtin_choose_expr(sizeof(REAL) == 8, (int64_t)0, (int32_t)0)) INT;

static REAL v[N] ALIGNED, m_[N] ALIGNED, n_[N] ALIGNED, h_[N] ALIGNED, ge[N] ALIGNED, gi[N] ALIGNED;
static INT until[N] ALIGNED; /* the step in which a neuron may spike again */
static int64_t start[N + 1], step;
static uint16_t *target;
static int32_t spikes[N];

/* exp where neither it nor its inverse overflows. Single precision needs five terms less. */
static inline __attribute__((always_inline)) REAL fexp(REAL x)
{
    const int bits = sizeof(REAL) == 8 ? 52 : 23;
    const REAL magic = sizeof(REAL) == 8 ? 6755399441055744.0 : 12582912.0;
    REAL t = x * (REAL)1.4426950408889634 + magic, n = t - magic;
    REAL r = x - n * (REAL)0.6931471805599453;
    REAL p = 1.0 / 720;
    if (sizeof(REAL) == 8) {
        p = 1.0 / 39916800;
        p = p * r + 1.0 / 3628800; p = p * r + 1.0 / 362880; p = p * r + 1.0 / 40320; p = p * r + 1.0 / 5040; p = p * r + 1.0 / 720;
    }
    p = p * r + (REAL)(1.0 / 120); p = p * r + (REAL)(1.0 / 24); p = p * r + (REAL)(1.0 / 6);
    p = p * r + (REAL)0.5; p = p * r + 1; p = p * r + 1;
    INT b, k;
    memcpy(&b, &p, sizeof b); memcpy(&k, &t, sizeof k);
    b = (INT)((uint64_t)b + ((uint64_t)k << bits));
    memcpy(&p, &b, sizeof p);
    return p;
}

/* x / (exp(x) - 1), given exp(x). */
static inline __attribute__((always_inline)) REAL ratio(REAL x, REAL e)
{
    const REAL small = sizeof(REAL) == 8 ? 1e-6 : 1e-3;
    return (x > small) | (x < -small) ? x / (e - 1) : 1 - (REAL)0.5 * x;
}

static int64_t advance(int64_t steps)
{
    const REAL area = 20000e-12, Cm = 1e-2 * area, gl = 0.5 * area, gna = 1000 * area, gkd = 300 * area, dt = 1e-4;
    const REAL El = -60e-3, EK = -90e-3, ENa = 50e-3, VT = -63e-3, Ei = -80e-3, we = 6e-9, wi = 67e-9;
    const REAL pe = exp(-1e-4 / 5e-3), pi = exp(-1e-4 / 10e-3);
    int64_t total = 0;
    for (int64_t s = step; s < step + steps; s++) {
        const INT here = (INT)s;
        int n = 0;
        for (int c = 0; c < N; c += CHUNK) {
            const int stop = c + CHUNK < N ? c + CHUNK : N;
            INT fired[CHUNK], any = 0;
#pragma GCC ivdep
            for (int i = c; i < stop; i++) {
                const REAL u = (v[i] - VT) * (REAL)1e3, m = m_[i], nn = n_[i], h = h_[i];
                const REAL xm = (13 - u) * (REAL)0.25, ym = (u - 40) * (REAL)0.2, xn = (15 - u) * (REAL)0.2;
                const REAL am = (REAL)(0.32e3 * 4) * ratio(xm, fexp(xm)), bm = (REAL)(0.28e3 * 5) * ratio(ym, fexp(ym));
                const REAL an = (REAL)(0.032e3 * 5) * ratio(xn, fexp(xn)), bn = (REAL)0.5e3 * fexp((10 - u) * (REAL)0.025);
                const REAL ah = (REAL)0.128e3 * fexp((17 - u) * (REAL)(1.0 / 18)), bh = (REAL)4e3 / (1 + fexp((40 - u) * (REAL)0.2));
                const REAL na = gna * (m * m * m) * h, kd = gkd * (nn * nn) * (nn * nn);
                const REAL sum = gl + ge[i] + gi[i] + na + kd;
                const REAL inf = (gl * El + gi[i] * Ei + na * ENa + kd * EK) / sum;
                const REAL now = inf + (v[i] - inf) * fexp(-dt * sum / Cm);
                const REAL sm = am + bm, sn = an + bn, sh = ah + bh;
                m_[i] = am / sm + (m - am / sm) * fexp(-dt * sm);
                n_[i] = an / sn + (nn - an / sn) * fexp(-dt * sn);
                h_[i] = ah / sh + (h - ah / sh) * fexp(-dt * sh);
                v[i] = now;
                ge[i] *= pe;
                gi[i] *= pi;
                const INT fire = (now > (REAL)-20e-3) & (until[i] <= here);
                until[i] = fire ? here + 30 : until[i];
                fired[i - c] = fire;
                any |= fire;
            }
            if (any)
                for (int i = c; i < stop; i += 16) {
                    INT some = 0;
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
    step += steps;
    return total;
}

int main(int argc, char **argv)
{
    CONNECT(start, target, N, (double)DEGREE / N);
    for (int i = 0; i < N; i++) {
        v[i] = (REAL)(-60e-3 + (normal() * 5 - 5) * 1e-3);
        ge[i] = (REAL)((normal() * 1.5 + 4) * 10e-9);
        gi[i] = (REAL)((normal() * 12 + 20) * 10e-9);
    }
    return measure("cobahh", argc, argv, 1e-4, advance);
}
