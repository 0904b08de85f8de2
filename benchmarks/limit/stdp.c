/* STDP by hand: traces per neuron, a matrix of weights in double precision, and inputs drawn by the gaps between their spikes.
 *
 *   cc -O3 -march=native -fno-math-errno -fno-trapping-math -mprefer-vector-width=512 stdp.c -o stdp -lm && ./stdp
 *
 * -DN=1000 inputs onto -DM=1 targets. Synapses from one input share its trace, those onto one target share that of the target: a trace that
 * decays in every step costs a multiplication for each neuron, no exponential for each synapse. */
#include "limit.h"

#ifndef N
#define N 1000
#endif
#ifndef M
#define M 1
#endif

static double *w; /* w[j * N + i]: there are more updates by spikes of targets than of inputs, and these find their weights in one row */
static double Apre[N] ALIGNED, Apost[M] ALIGNED, v[M] ALIGNED, ge[M] ALIGNED;
static int64_t step, next; /* the next spike of the inputs, as step * N + input */

static inline double clipped(double x, double high) { return x < 0 ? 0 : x > high ? high : x; }

static int64_t advance(int64_t steps)
{
    const double dt = 1e-4, taum = 10e-3, taue = 5e-3, Ee = 0, Vt = -54e-3, Vr = -60e-3, El = -74e-3, p = 15 * dt;
    const double gmax = 0.01 * 1000 / N, dApre = 0.01 * gmax, dApost = -0.01 * 1.05 * gmax, decay = exp(-dt / 20e-3);
    const double pm = exp(-dt / taum), pe = exp(-dt / taue), cv = El * (1 - pm);
    const double ce = (Ee - Vr) / taum * (pe - pm) / (1 / taum - 1 / taue);
    int64_t total = 0;
    for (int64_t s = step; s < step + steps; s++) {
        int32_t fired[M];
        int n = 0;
        for (int j = 0; j < M; j++) {
            v[j] = cv + pm * v[j] + ce * ge[j];
            ge[j] *= pe;
            Apost[j] *= decay;
        }
        for (int i = 0; i < N; i++) Apre[i] *= decay;
        for (int j = 0; j < M; j++) if (v[j] > Vt) fired[n++] = j;
        for (; next < (s + 1) * N; next += 1 + gap(p)) {
            const int64_t i = next - s * N;
            Apre[i] += dApre;
            for (int64_t j = 0; j < M; j++) {
                ge[j] += w[j * N + i];
                w[j * N + i] = clipped(w[j * N + i] + Apost[j], gmax);
            }
        }
        for (int k = 0; k < n; k++) {
            double *row = w + (int64_t)fired[k] * N;
            Apost[fired[k]] += dApost;
#pragma GCC ivdep
            for (int i = 0; i < N; i++) row[i] = clipped(row[i] + Apre[i], gmax);
            v[fired[k]] = Vr;
        }
        total += n;
    }
    step += steps;
    return total;
}

int main(int argc, char **argv)
{
    w = malloc(sizeof *w * N * M);
    for (int64_t k = 0; k < (int64_t)N * M; k++) w[k] = uniform() * 0.01 * 1000 / N;
    for (int j = 0; j < M; j++) v[j] = -60e-3;
    next = gap(15 * 1e-4);
    return measure("stdp", argc, argv, 1e-4, advance);
}
