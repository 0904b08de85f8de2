/* The table that eqsnn/runtime fills in and the engine runs. Mirrored by eqsnn/runtime/native.py, which compares the sizes. */
#ifndef EQ_ENGINE_H
#define EQ_ENGINE_H
#include <stdatomic.h>
#include <stdint.h>
#include "eq_abi.h"

#define EQ_MAX_THREADS 256
#define EQ_LINE 64
#define EQ_COUNTERS (EQ_LINE / 8) /* counters of threads stand so far apart */

enum { EQ_OP_MAP, EQ_OP_EVENTS, EQ_OP_PATHWAY, EQ_OP_GENERATOR, EQ_OP_RECORD_EVENTS, EQ_OP_RECORD_COUNT, EQ_OP_RECORD_STATE,
       EQ_OP_CLEAR, EQ_OP_PYTHON, EQ_OP_RECORD_VALUES, EQ_OP_COUNT_EVENTS };
enum { EQ_STATUS_RUNNING, EQ_STATUS_DONE, EQ_STATUS_PYTHON, EQ_STATUS_PAUSED, EQ_STATUS_INTERRUPTED, EQ_STATUS_NOT_FINITE,
       EQ_STATUS_MEMORY, EQ_STATUS_THREADS, EQ_STATUS_WRITING, EQ_STATUS_FAILED, EQ_STATUS_UNMET };

typedef struct eq_list { int32_t *data; int64_t n, capacity; } eq_list;

/* The events that a group emitted in the last `depth` steps; `step` counts its updates, from -1 before the first. */
typedef struct eq_spikes { eq_list *ring; int64_t depth, step, n; } eq_spikes;

/* A growing table of items. With a file (a descriptor, else -1), `data` holds only those that are not written yet, about `chunk` bytes;
 * `written` counts those that are. `error` is the errno of a write that failed. */
typedef struct eq_record { char *data; int64_t n, capacity, item, file, chunk, written, error; } eq_record;

/* How recorded values are stored: as they are, or narrower. */
enum { EQ_CAST_NONE, EQ_CAST_F64_F32, EQ_CAST_I64_I32, EQ_CAST_I64_I16, EQ_CAST_I64_I8 };

/* Row segments (synapses of one row with one delay) that wait for their time of delivery. */
typedef struct eq_queue { eq_list *slot; int64_t depth, step; } eq_queue;
typedef struct eq_segments { const int64_t *first; const int32_t *delay; } eq_segments;

/* Events given beforehand, sorted by step, then index. */
typedef struct eq_schedule { const int64_t *step; const int32_t *index; int64_t n, next, origin, period, cycle; } eq_schedule;

typedef struct eq_op {
    int64_t kind, clock;
    eq_kernel kernel;
    eq_ctx ctx;
    double *real;            /* the arrays behind ctx.real and ctx.integer, and where in them t, step and count stand (-1: nowhere) */
    int64_t *integer;
    int64_t at_t, at_step, at_count;
    int64_t n, block, n_blocks;
    int64_t *counts;         /* events emitted by each block */
    eq_spikes *emits;        /* MAP, GENERATOR: where the events go */
    eq_spikes *source;       /* EVENTS, PATHWAY, RECORD_*: where events come from; NULL for a pathway at which all rows arrive */
    int64_t first, last;     /* the range of a subgroup */
    int64_t delay;           /* EVENTS, PATHWAY without a queue: in steps */
    eq_rows *rows;           /* PATHWAY, one for each block; also ctx.rows */
    eq_queue **queue;        /* PATHWAY with several delays, one for each block, else NULL */
    const eq_segments *segments;
    eq_schedule *schedule;
    eq_record *record[2];
    const char *array;       /* RECORD_STATE, RECORD_VALUES: what is copied; COUNT_EVENTS: int64 counts; CLEAR: what is set to zero (n bytes) */
    const int64_t *index;    /* RECORD_STATE: the elements; NULL: n of them from `first` on */
    int64_t stride;          /* RECORD_VALUES: 1, or 0 for a value that the whole group shares */
    int64_t cast;            /* RECORD_*: how the values are stored */
    int64_t every, from, until; /* only in the steps from, from + every, ... < until; every = 0: in all */
    int64_t *entered;        /* for each thread, at EQ_COUNTERS times its number, how often it entered the kernel */
    int64_t after;           /* the last operation before this one in a step that all threads must be done with when it begins; -1: none */
    struct eq_op *chain;     /* the first operation of those that one thread does in their order, as they touch the same memory; NULL: shared out */
    struct eq_op *own;       /* EVENTS: the MAP whose events they are, cut into the same blocks: a thread does what it has emitted itself; or NULL */
    char apart[EQ_LINE];     /* what changes from step to step lies on other lines of the cache than what all threads read */
    int64_t count, step;     /* updates of this object so far, if its kernel asks for them; the step of its clock in which it failed */
    _Atomic int64_t taken;   /* of the first: by which thread, and between which meetings */
    int64_t nanoseconds;     /* spent here, if table->profile */
    int64_t runs, events, items, counted, counts_made; /* if table->profile: how often it ran, how many events and elements or synapses it treated,
                                how many of these synapses were counted first, and in how many steps */
    char apart_too[EQ_LINE];
} eq_op;

typedef struct eq_table {
    eq_op *ops;
    int64_t n_ops, n_clocks;
    const int64_t *period;   /* of each clock, in ticks; 0 for one that ticks at given moments */
    const double *dt;        /* of each clock, in seconds */
    const int64_t *const *moments; /* of a clock with period 0: its ticks, ascending, */
    const double *const *times;    /* and the same in seconds; */
    const int64_t *n_moments;
    int64_t *at;             /* the first of them that is not over */
    int64_t tick, end, cursor, steps_done;
    double pause_at;         /* monotonic seconds; 0: never */
    int64_t n_threads, catch_interrupt, profile, status;
    eq_op *failed_op;
    int64_t unmet;           /* the first element that did not meet a requirement of failed_op */
    int64_t always;          /* all threads work, whatever other processes do */
    int64_t team;            /* threads at work: n_threads, or 1 while other processes need the processors */
    int64_t window, used;    /* since when, in nanoseconds, that is looked at, and the processor time of the process then */
    int64_t alone;           /* how long one goes on alone, in nanoseconds; 0: the last look found processors enough */
    int64_t era, era_team;   /* how often the number of threads at work has changed, and what it was last */
    atomic_int failure, gate, lock; /* lock: of the four fields about failures */
    char apart[EQ_LINE];     /* what threads wait for lies on cache lines of its own */
    atomic_int arrived;
    char apart_too[EQ_LINE];
    atomic_int phase;
    char and_this[EQ_LINE];
} eq_table;

#endif
