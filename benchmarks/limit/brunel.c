/* Brunel (2000) by hand: rows of 16-bit targets that count arrivals, and a drive from a table by a generator of 16 lanes.
 *
 *   cc -O3 -march=native -fno-math-errno -fno-trapping-math -mprefer-vector-width=512 brunel.c -o brunel -lm && ./brunel 0.2
 *
 * -DN=12500 for another size, -DREAL=float for single precision. All synapses of a kind have one weight, so that a step counts what arrives
 * and multiplies once; the counts of a kind (25 KB) stay in the first cache. */
#include "limit.h"

#ifndef N
#define N 12500
#endif
enum { NE = N / 5 * 4, CE = NE / 10 > 0 ? NE / 10 : 1, DELAY = 15, REST = 20, RING = 32, LANES = 16, CHUNK = 160 };
enum { ROOM = (N + CHUNK - 1) / CHUNK * CHUNK };
_Static_assert(N <= 65536, "16 bits hold a target");

static REAL v[ROOM] ALIGNED;
static uint16_t from_e[ROOM] ALIGNED, from_i[ROOM] ALIGNED; /* what arrived in this step */
static uint16_t *target;
static int64_t start[N + 1], step;
static int32_t spikes[RING][N];
static int n_spikes[RING];
static uint32_t table[64], lane[4][LANES] ALIGNED;
static int n_table;

/* xoshiro128+ (Blackman & Vigna 2021) in each lane. */
static inline void words(uint32_t *out)
{
    for (int k = 0; k < LANES; k++) {
        const uint32_t t = lane[1][k] << 9;
        out[k] = lane[0][k] + lane[3][k];
        lane[2][k] ^= lane[0][k]; lane[3][k] ^= lane[1][k]; lane[1][k] ^= lane[2][k]; lane[0][k] ^= lane[3][k];
        lane[2][k] ^= t;
        lane[3][k] = lane[3][k] << 11 | lane[3][k] >> 21;
    }
}

/* The cumulative distribution of the binomial numbers of the drive, in units of 2^-32: a word w becomes the count of entries <= w. */
static void prepare_table(double p)
{
    double term = pow(1 - p, CE), sum = term;
    for (int k = 0; k < 63 && sum < 1 - 0x1p-32; k++) {
        table[n_table++] = (uint32_t)(sum * 0x1p32);
        term *= (double)(CE - k) / (k + 1) * p / (1 - p);
        sum += term;
    }
}

static int64_t advance(int64_t steps)
{
    const REAL pm = exp(-1e-4 / 20e-3), theta = 20e-3, Vr = 10e-3, J = 0.1e-3 * 1000 / CE, JI = -5 * J;
    const int entries = n_table;
    int64_t total = 0;
    for (int64_t s = step; s < step + steps; s++) {
        int32_t *now = spikes[s % RING];
        int n = 0;
        for (int c = 0; c < N; c += CHUNK) {
            const int stop = c + CHUNK < N ? c + CHUNK : N;
            uint32_t word[CHUNK] ALIGNED, drive[CHUNK] ALIGNED;
            int any = 0;
            for (int i = 0; i < CHUNK; i += LANES) words(word + i);
            for (int i = 0; i < CHUNK; i++) drive[i] = 0;
            for (int k = 0; k < entries; k++)
                for (int i = 0; i < CHUNK; i++) drive[i] += word[i] >= table[k];
#pragma GCC ivdep
            for (int i = c; i < stop; i++) {
                const REAL u = pm * v[i];
                const int fire = u > theta;
                any |= fire;
                v[i] = u; /* what arrives now may not be seen by the threshold of this step */
            }
            if (any) for (int i = c; i < stop; i++) if (v[i] > theta) now[n++] = i;
#pragma GCC ivdep
            for (int i = c; i < stop; i++) v[i] += J * (REAL)(int)drive[i - c];
        }
        n_spikes[s % RING] = n;
        total += n;
        if (s >= DELAY) {
            const int slot = (int)((s - DELAY) % RING);
            int k = 0;
            for (; k < n_spikes[slot] && spikes[slot][k] < NE; k++)
                for (int64_t q = start[spikes[slot][k]]; q < start[spikes[slot][k] + 1]; q++) from_e[target[q]]++;
            for (; k < n_spikes[slot]; k++)
                for (int64_t q = start[spikes[slot][k]]; q < start[spikes[slot][k] + 1]; q++) from_i[target[q]]++;
#pragma GCC ivdep
            for (int i = 0; i < N; i++) {
                v[i] += J * (REAL)from_e[i] + JI * (REAL)from_i[i];
                from_e[i] = from_i[i] = 0;
            }
        }
        for (int64_t back = 0; back < REST && back <= s; back++) {
            const int slot = (int)((s - back) % RING);
            for (int k = 0; k < n_spikes[slot]; k++) v[spikes[slot][k]] = Vr;
        }
    }
    step += steps;
    return total;
}

int main(int argc, char **argv)
{
    const double J = 0.1e-3 * 1000 / CE;
    prepare_table(2 * 20e-3 / (J * CE * 20e-3) * 1e-4);
    CONNECT(start, target, N, 0.1);
    for (int i = 0; i < N; i++) v[i] = (REAL)(uniform() * 20e-3);
    for (int k = 0; k < 4 * LANES; k++) lane[k / LANES][k % LANES] = (uint32_t)(uniform() * 0x1p32);
    return measure("brunel", argc, argv, 1e-4, advance);
}
