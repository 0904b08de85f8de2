/* CUBA by hand: everything that a general simulator could know about this one network, fused into one loop. The limit to measure against.
 *
 *   cc -O3 -march=native -ffp-contract=off -fno-math-errno -fno-trapping-math cuba.c -o cuba -lm && ./cuba
 *
 * -DN=40000 for another size, -DDEGREE=80 for the synapses onto a neuron, -DREAL=float for single precision, -DTEAM=2 -pthread for threads. */
#include "limit.h"
#include <sched.h>
#if TEAM > 1
#include <pthread.h>
#include <stdatomic.h>
#endif

#ifndef N
#define N 4000
#endif
#ifndef DEGREE
#define DEGREE 80
#endif
#ifndef TEAM
#define TEAM 1
#endif
enum { NE = N / 5 * 4, CHUNK = 160, PART = (N / TEAM + CHUNK - 1) / CHUNK * CHUNK }; /* a thread has PART neurons, of which the last has fewer */
_Static_assert(N % 16 == 0 && N <= 65536, "N is a multiple of 16 that 16 bits hold");

static REAL v[N] ALIGNED, ge[N] ALIGNED, gi[N] ALIGNED;
static uint16_t *target;
static int64_t start[TEAM + 1][N + 1]; /* row i for thread r: start[r][i] to start[r + 1][i]; for the last, to the next row */
/* Who spiked, one after the other, of each thread; where the spikes of a step begin, and how many they are. Those of the last 49 steps stay at the
 * reset, all others move freely. */
enum { KEPT = 1 << 22 };
static int32_t resting[TEAM][KEPT];
static int64_t begins[TEAM][64];
static int n_resting[TEAM][64];
static int64_t step, total[TEAM * 8], n_steps;

#if TEAM > 1
static atomic_int arrived, generation;
static void meet(void)
{
    const int now = atomic_load(&generation);
    if (atomic_fetch_add(&arrived, 1) == TEAM - 1) {
        atomic_store(&arrived, 0);
        atomic_store(&generation, now + 1);
    } else for (int k = 0; atomic_load_explicit(&generation, memory_order_acquire) == now; k++) if (k > 2000) sched_yield();
}
#else
#define meet()
#endif

static void *member(void *given)
{
    const int rank = (int)(intptr_t)given, first = rank * PART, end = first + PART < N ? first + PART : N;
    const double dt = 1e-4, taum = 20e-3, taue = 5e-3, taui = 10e-3, El = -49e-3;
    const REAL Vt = -50e-3, Vr = -60e-3, we = 1.62e-3, wi = -9e-3;
    const REAL pm = exp(-dt / taum), pe = exp(-dt / taue), pi = exp(-dt / taui);
    const REAL ce = (exp(-dt / taue) - exp(-dt / taum)) / (taum * (1 / taum - 1 / taue));
    const REAL ci = (exp(-dt / taui) - exp(-dt / taum)) / (taum * (1 / taum - 1 / taui)), cv = El * (1 - exp(-dt / taum));
    for (int64_t s = step; s < step + n_steps; s++) {
        int32_t *queue = resting[rank];
        const int64_t begin = begins[rank][(s - 1) & 63] + n_resting[rank][(s - 1) & 63];
        int n = 0;
        for (int c = first; c < end; c += CHUNK) {
            const int stop = c + CHUNK < end ? c + CHUNK : end;
            int64_t any = 0;
#pragma GCC ivdep
            for (int i = c; i < stop; i++) {
                const REAL now = cv + pm * v[i] + ce * ge[i] + ci * gi[i];
                v[i] = now;
                ge[i] *= pe;
                gi[i] *= pi;
                const int64_t fire = now > Vt;
                any |= fire;
            }
            if (any)
                for (int i = c; i < stop; i += 16) {
                    int64_t some = 0;
                    for (int j = i; j < i + 16; j++) some |= v[j] > Vt;
                    if (some) for (int j = i; j < i + 16; j++) if (v[j] > Vt) queue[(begin + n++) & (KEPT - 1)] = j;
                }
        }
        for (int64_t k = s < 49 ? 0 : begins[rank][(s - 49) & 63]; k < begin + n; k++) v[queue[k & (KEPT - 1)]] = Vr;
        begins[rank][s & 63] = begin;
        n_resting[rank][s & 63] = n;
        total[rank * 8] += n;
        meet();
        for (int r = 0; r < TEAM; r++)
            for (int k = 0; k < n_resting[r][s & 63]; k++) {
                const int i = resting[r][(begins[r][s & 63] + k) & (KEPT - 1)];
                const uint16_t *row = target + start[rank][i];
                const int64_t m = (rank + 1 < TEAM ? start[rank + 1][i] : start[0][i + 1]) - start[rank][i];
                if (i < NE) for (int64_t q = 0; q < m; q++) ge[row[q]] += we;
                else for (int64_t q = 0; q < m; q++) gi[row[q]] += wi;
            }
    }
    return NULL;
}

static int64_t advance(int64_t steps)
{
    int64_t before = 0, after = 0;
    for (int r = 0; r < TEAM; r++) before += total[r * 8];
    n_steps = steps;
#if TEAM > 1
    pthread_t other[TEAM];
    for (int r = 1; r < TEAM; r++) pthread_create(&other[r], NULL, member, (void *)(intptr_t)r);
    member((void *)0);
    for (int r = 1; r < TEAM; r++) pthread_join(other[r], NULL);
#else
    member((void *)0);
#endif
    step += steps;
    for (int r = 0; r < TEAM; r++) after += total[r * 8];
    return after - before;
}

int main(int argc, char **argv)
{
    CONNECT(start[0], target, N, (double)DEGREE / N);
    for (int r = 1; r < TEAM; r++)
        for (int i = 0; i < N; i++) {
            start[r][i] = start[r - 1][i];
            while (start[r][i] < start[0][i + 1] && target[start[r][i]] < r * PART) start[r][i]++;
        }
    for (int i = 0; i < N; i++) v[i] = (REAL)(-60e-3 + uniform() * 10e-3);
    return measure("cuba", argc, argv, 1e-4, advance);
}
