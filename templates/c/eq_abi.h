/* What the engine hands to a kernel. The same text serves C99, C++14 and CUDA.
 *
 * A kernel is  int64_t NAME(const eq_ctx *ctx, int64_t lo, int64_t hi)  and does the elements (neuron), positions in the list of
 * events (event), row blocks (pathway) or rows (pair) lo <= . < hi. It returns how many events it emitted (neuron and pair), else 0;
 * EQ_NOT_FINITE is added where a checked value was NaN or infinite. EQ_FAILED alone says that a function of the user failed: the rest of
 * [lo, hi) is not done. EQ_UNMET + e: element e, the first of [lo, hi), does not meet a requirement. */
#ifndef EQ_ABI_H
#define EQ_ABI_H
#include <stdint.h>

#define EQ_NOT_FINITE (INT64_C(1) << 62)
#define EQ_FAILED (INT64_C(1) << 61)
#define EQ_UNMET (INT64_C(1) << 60)

/* A function of the user: for each k < n, result[k] from args[.][k]; a type other than double is int64_t. Not 0: it failed. */
typedef struct eq_call {
    int64_t (*enter)(void *self, int64_t n, void *const *args, void *result);
    void *self;
} eq_call;

#define EQ_VECTOR_GAIN 4  /* how much faster a loop over neurons one after the other is than one over neurons that are looked up */
#define EQ_CALLED 512  /* how many synapses at once a function of the user is entered with */

/* The synapses of one pathway that end (or start, for a pathway with shared targets) in one block of neurons, in compressed rows.
 * Row r holds the synapses k with start[r] <= k < start[r + 1]. */
typedef struct eq_rows {
    const int32_t *events;  /* the rows that arrive in this step, in order of emission */
    int64_t n_events;
    const int64_t *start;   /* n_rows + 1 offsets */
    const int32_t *near;    /* neuron of each row, or NULL where row r is neuron r */
    const void *far;        /* neuron at the other end of synapse k: uint16_t or int32_t, as narrow as fits */
    int64_t width;          /* bytes of each */
    const void *synapse;    /* internal index s of synapse k, or NULL where s = k: int32_t, or int64_t for a kernel that is `wide` */
    const int64_t *run;     /* runs of synapses that end at one neuron after the other and whose numbers are `apart` from each other: run q is the */
    const int64_t *runs;    /* synapses run[q] <= k < run[q + 1], and row r the runs runs[r] <= q < runs[r + 1]. NULL unless most runs are long */
    void *held;             /* room for the neurons first to stop, the ends of all synapses here: 8 bytes a neuron for each variable that the
                               kernel writes under a guard (kernel/withheld.py), or each value that it makes of them (kernel/far_side.py) */
    int64_t first, stop;
    int64_t many;           /* from so many events on, arrivals are counted before the kernel is called; 0: never (kernel/counted.py) */
    int64_t counted;        /* they were in this step */
    uint16_t *count;        /* for neuron first + q; room for a multiple of 64 neurons, as in bits */
    const uint64_t *bits;   /* a matrix: bit q % 64 of bits[(r - bits_from) * words + q / 64] tells whether row r leads to neuron first + q; or */
    int64_t words, bits_from; /* NULL. It has no rows for what comes before the first and after the last row with synapses. */
    int64_t apart;
    int64_t (*make)(struct eq_rows *rows, void *maker); /* puts rows that are made for the events of this step into these fields: 0, or -1 */
    void *maker;                                        /* without memory (row_maker.c.j2). NULL where rows are kept */
} eq_rows;

typedef struct eq_ctx {
    void *const *buffer;    /* in the order of Kernel.buffers */
    const double *real;     /* scalars of type f64 and f32, in their order in Kernel.scalars */
    const int64_t *integer; /* scalars of all other types, in their order */
    const int32_t *events;  /* domain event: the elements */
    int32_t *emitted;       /* domain neuron: events of block [lo, hi) go to emitted[lo], emitted[lo + 1], ...; pair: from emitted[0] on,
                               with room for one more than there are pairs */
    const eq_rows *rows;    /* domain pathway: one for each block */
    const eq_call *call;    /* the functions of the user, in the order of Kernel.externs */
    void *const *scratch;   /* domains neuron and event: for each of the functions an array for each argument and one for the result */
    int32_t *resting;       /* domain neuron, kernel/resting.py: from resting[8 * lo] on the elements of [lo, hi) that may rest; from */
    int64_t *rests;         /* rests[4 * lo] on when that was known (era), and three numbers about the list; and room for */
    double *saved;          /* what is saved of them: 8 bytes an element for each buffer */
    int64_t era;            /* another whenever [lo, hi) may be others than before; not 0 */
} eq_ctx;

typedef int64_t (*eq_kernel)(const eq_ctx *ctx, int64_t lo, int64_t hi);

#endif
