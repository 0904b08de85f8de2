/* What the loops by hand share: random numbers for the setting up, the clocks, and the protocol of a measurement. */
#ifndef LIMIT_H
#define LIMIT_H
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef REAL
#define REAL double
#endif
#define ALIGNED __attribute__((aligned(64)))

static uint64_t limit_state = 88172645463325252ULL;
static inline double uniform(void)
{
    limit_state ^= limit_state << 13; limit_state ^= limit_state >> 7; limit_state ^= limit_state << 17;
    return (double)(limit_state >> 11) * 0x1p-53;
}
static inline double normal(void) { return sqrt(-2 * log(1 - uniform())) * cos(6.283185307179586 * uniform()); }

/* How many failures precede a success of probability p. */
static inline int64_t gap(double p) { return p >= 1 ? 0 : (int64_t)fmin(log(1 - uniform()) / log1p(-p), 1e15); }

/* Each pair (i, j) of n with probability p: rows of targets, start[i] to start[i + 1]. */
#define CONNECT(start, target, n, p) do { \
        const double _p = (p); \
        int64_t _n = 0, _room = (int64_t)((n) * (_p * (n) + 6 * sqrt(_p * (n)) + 8)); \
        target = malloc((size_t)_room * sizeof *target); \
        for (int64_t _i = 0; _i < (n); _i++) { \
            start[_i] = _n; \
            for (int64_t _j = gap(_p); _j < (n) && _n < _room; _j += 1 + gap(_p)) target[_n++] = (__typeof__(*target))_j; \
        } \
        start[n] = _n; \
    } while (0)

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* PROGRAM [duration [settle [repeat]]]: `settle` seconds of activity, then `repeat` windows of `duration`; prints the fastest.
 * `advance` runs so many more steps and returns how many spikes there were. */
static int measure(const char *name, int argc, char **argv, double dt, int64_t (*advance)(int64_t steps))
{
    const double duration = argc > 1 ? atof(argv[1]) : 1.0, settle = argc > 2 ? atof(argv[2]) : 0.1;
    const int repeat = argc > 3 ? atoi(argv[3]) : 3;
    double wall = 1e9, cpu = 1e9;
    int64_t spikes = 0;
    advance((int64_t)(settle / dt + 0.5));
    for (int k = 0; k < repeat; k++) {
        const double w = seconds_of(CLOCK_MONOTONIC), c = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
        spikes += advance((int64_t)(duration / dt + 0.5));
        wall = fmin(wall, seconds_of(CLOCK_MONOTONIC) - w);
        cpu = fmin(cpu, seconds_of(CLOCK_PROCESS_CPUTIME_ID) - c);
    }
    printf("{\"benchmark\": \"%s\", \"simulator\": \"limit\", \"precision\": \"%s\", \"duration\": %g, \"seconds\": %.6f, \"cpu_seconds\": %.6f, "
           "\"spikes_per_second\": %.1f}\n", name, sizeof(REAL) == 4 ? "single" : "double", duration, wall, cpu, (double)spikes / (duration * repeat));
    return 0;
}
#endif
