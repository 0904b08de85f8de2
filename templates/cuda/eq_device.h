/* What lies in the memory of the device, and what kernels and the engine do with it. All fields have 64 bits; eqsnn/backends/cuda/layout.py reads
 * their names from here. */
#ifndef EQ_DEVICE_H
#define EQ_DEVICE_H

#ifndef EQ_HOST
#define EQ_AFTER_OTHERS() ((void)0)
#endif
#define EQ_DEVICE static __device__ __forceinline__
#define EQ_TILE 256    /* threads of a block, and elements whose events it lists; a multiple of 32 */

enum { EQ_RUNNING, EQ_DONE, EQ_FULL, EQ_NOT_FINITE_VALUE, EQ_NOT_MET };
#define EQ_EVERYTHING_MET INT64_C(0x7fffffffffffffff)

/* The events that a group emitted in the last `depth` steps. The lists lie one after the other in `list`, which is used round and round. */
struct eq_ring {
    int32_t *list;
    int64_t capacity;
    int64_t *start;     /* of the list of step s, at s % depth */
    int64_t *count;
    int64_t depth;
    int64_t step;       /* the last step with a list, from -1 */
    int64_t n;          /* elements of the group: the most events of a step */
};

/* A table of recorded values that the host fetches when there may be no room for those of another step. */
struct eq_store {
    char *data;
    int64_t n;
    int64_t capacity;
    int64_t item;       /* bytes of each */
    int64_t bound;      /* the most items of a step */
    int64_t ticket;
};

/* Row segments that wait for their time of delivery: those of turn u lie in slot u % depth. */
struct eq_waiting {
    int32_t *list;      /* depth times capacity */
    int64_t *count;
    int64_t depth;
    int64_t capacity;   /* of each slot */
    const int64_t *most; /* for each delay, how many segments have it; NULL where a slot has room for all there are */
    const int64_t *first; /* of each neuron: its segments, ascending in delay */
    const int32_t *delay;
};

/* One operation of a step. */
struct eq_op {
    int64_t due;        /* in this step */
    int64_t clock;
    int64_t every;      /* only in the steps from, from + every, ... < until; every = 0: in all */
    int64_t from;
    int64_t until;
    int64_t step;       /* of its clock */
    int64_t count;      /* its updates so far */
    int64_t turn;       /* the same, of this run */
    void *const *buffer; /* in the order of Kernel.buffers */
    double *real;       /* scalars of type f64 and f32, in their order in Kernel.scalars */
    int64_t *integer;   /* scalars of all other types */
    int64_t at_t;       /* where in these t, step and count stand; -1: nowhere */
    int64_t at_step;
    int64_t at_count;
    int64_t bad;        /* something was not finite */
    int64_t unmet;      /* the first element that did not meet a requirement */
    int64_t n;          /* elements */
    int32_t *emitted;   /* tile by tile, before they are joined */
    int64_t *counts;    /* in each tile */
    int64_t n_tiles;
    int64_t tile;       /* elements */
    int64_t ticket;
    int64_t total;
    eq_ring *emits;
    const eq_ring *source; /* NULL: all rows arrive, or the elements are given */
    int64_t first;      /* the range of a subgroup */
    int64_t last;
    int64_t back;       /* the delay in steps */
    const int32_t *given; /* the elements */
    eq_waiting *queue;
    const int64_t *start; /* rows, as in eq_rows of eq_abi.h */
    const int32_t *near_end;
    const void *far;
    int64_t width;
    const void *synapse; /* int32_t, or int64_t of very many (Kernel.wide) */
    int64_t n_rows;
    int64_t lanes;      /* threads that share a row, a power of 2 */
    int64_t pieces;     /* so many parts, of `piece` synapses, may be done apart */
    int64_t piece;
    int64_t many;       /* from so many events on, what arrives is counted and multiplied; 0: never */
    int64_t base;       /* neurons base to base + n_keys may be reached */
    int64_t n_keys;
    int32_t *arrived;   /* synapses at which something has arrived, for each of these neurons */
    int32_t *filled;
    int64_t *place;     /* where their list begins in `sorted` */
    int64_t *sorted;    /* arrivals, neuron by neuron */
    int64_t *offset;    /* of each arriving row: how many synapses the ones before have */
    int64_t fixed;      /* the lists never change */
    const int64_t *due_step; /* a schedule, sorted by step, then index */
    const int32_t *due_index;
    int64_t n_due;
    int64_t origin;
    int64_t period;
    eq_store *store;
    eq_store *times;
    char *array;        /* what is recorded, counted in or cleared (n bytes) */
    const int64_t *index;
    int64_t stride;
    int64_t cast;
};

struct eq_table {
    eq_op *ops;
    int64_t n_ops;
    int64_t n_clocks;
    const int64_t *period;  /* of each clock, in ticks; 0 for one that ticks at given moments */
    const double *dt;
    const int64_t *const *moments;
    const double *const *times;
    const int64_t *n_moments;
    int64_t *at;            /* the first moment that is not over */
    int64_t tick;
    int64_t end;
    int64_t in_step;
    int64_t trouble;        /* some operation has `bad` or `unmet` set */
    int64_t status;
    int64_t failed;         /* the number of the operation that stopped the run */
};

EQ_DEVICE int64_t eq_thread(void) { return (int64_t)blockIdx.x * blockDim.x + threadIdx.x; }
EQ_DEVICE int64_t eq_threads(void) { return (int64_t)gridDim.x * blockDim.x; }
EQ_DEVICE long long eq_add(int64_t *p, int64_t value) { return (long long)atomicAdd((unsigned long long *)p, (unsigned long long)value); }
EQ_DEVICE void eq_add(double *p, double value) { atomicAdd(p, value); }
EQ_DEVICE void eq_add(float *p, float value) { atomicAdd(p, value); }
EQ_DEVICE void eq_add(int32_t *p, int32_t value) { atomicAdd(p, value); }

/* The sum of `flag` over the threads of the block before this one, and over all of it. Every thread of the block comes here. */
EQ_DEVICE int eq_rank(int flag, int *total)
{
    __shared__ int of_warp[32];
    const unsigned lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const unsigned bits = __ballot_sync(0xffffffffu, flag);
    if (lane == 0) of_warp[warp] = __popc(bits);
    __syncthreads();
    int before = 0, all = 0;
    for (unsigned w = 0; w < blockDim.x / 32; w++) {
        before += w < warp ? of_warp[w] : 0;
        all += of_warp[w];
    }
    __syncthreads();
    *total = all;
    return before + __popc(bits & ((1u << lane) - 1));
}

/* The sum of `value` over the threads of the block up to this one, and over all of it. Every thread of a block of at most 1024 comes here. */
EQ_DEVICE int64_t eq_sum_up(int64_t value, int64_t *total)
{
    __shared__ int64_t part[1024];
    part[threadIdx.x] = value;
    __syncthreads();
    for (unsigned step = 1; step < blockDim.x; step *= 2) {
        const int64_t other = threadIdx.x >= step ? part[threadIdx.x - step] : 0;
        __syncthreads();
        part[threadIdx.x] += other;
        __syncthreads();
    }
    const int64_t sum = part[threadIdx.x];
    *total = part[blockDim.x - 1];
    __syncthreads();
    return sum;
}

/* Whether this is the last block of the launch to come here: what the others have written is seen then. Every thread of every block comes here, and
 * once in a kernel. */
EQ_DEVICE int eq_last_block(int64_t *ticket)
{
    __shared__ int last;
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        last = eq_add(ticket, 1) == (long long)gridDim.x - 1;
        if (last) {
            EQ_AFTER_OTHERS();
            *ticket = 0;
            __threadfence();
        }
    }
    __syncthreads();
    return last;
}

/* First position in a sorted list whose value is at least bound. */
template <class T> EQ_DEVICE int64_t eq_lower_bound(const T *data, int64_t n, int64_t bound)
{
    int64_t lo = 0, hi = n;
    while (lo < hi) {
        const int64_t mid = (lo + hi) / 2;
        if (data[mid] < bound) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

/* The part [first, last) of the events emitted `back` steps ago. */
EQ_DEVICE const int32_t *eq_events_in(const eq_op *op, int64_t back, int64_t *n)
{
    const eq_ring *s = op->source;
    *n = 0;
    if (back > s->step) return s->list;
    const int64_t slot = (s->step - back) % s->depth, count = s->count[slot];
    const int32_t *list = s->list + s->start[slot];
    const int64_t a = op->first > 0 ? eq_lower_bound(list, count, op->first) : 0;
    const int64_t b = op->last < s->n ? eq_lower_bound(list, count, op->last) : count;
    *n = b - a;
    return list + a;
}

/* The rows that arrive in this step; NULL where all of them do. */
EQ_DEVICE const int32_t *eq_arriving(const eq_op *op, int64_t *n)
{
    if (op->queue) {
        const int64_t slot = op->turn % op->queue->depth;
        *n = op->queue->count[slot];
        return op->queue->list + slot * op->queue->capacity;
    }
    if (op->source) return eq_events_in(op, op->back, n);
    *n = op->n_rows;
    return 0;
}

EQ_DEVICE int64_t eq_far(const eq_op *op, int64_t k)
{
    return op->width == 2 ? (int64_t)((const uint16_t *)op->far)[k] : (int64_t)((const int32_t *)op->far)[k];
}

/* Where the list of the next step begins in a ring, or -1 if there may be no room for it. */
EQ_DEVICE int64_t eq_ring_begin(const eq_ring *s)
{
    if (s->depth == 1 || s->step < 0) return s->n <= s->capacity ? 0 : -1;
    const int64_t newest = s->step % s->depth, end = s->start[newest] + s->count[newest];
    const int64_t kept = s->step + 1 < s->depth - 1 ? s->step + 1 : s->depth - 1; /* lists that must stay */
    const int64_t oldest = s->start[(s->step - kept + 1) % s->depth];
    if (oldest > end) return end + s->n < oldest ? end : -1;
    if (end + s->n <= s->capacity) return end;
    return s->n < oldest ? 0 : -1;
}

/* Ascending, in place (heapsort: no list is too long for it). */
EQ_DEVICE void eq_sort(int64_t *list, int64_t n)
{
    for (int64_t end = n, next = n / 2; end > 1;) {
        int64_t hole, value;
        if (next > 0) {
            hole = --next;
            value = list[hole];
        } else {
            value = list[--end];
            list[end] = list[0];
            hole = 0;
        }
        for (int64_t child = 2 * hole + 1; child < end; child = 2 * hole + 1) {
            if (child + 1 < end && list[child] < list[child + 1]) child++;
            if (value >= list[child]) break;
            list[hole] = list[child];
            hole = child;
        }
        list[hole] = value;
    }
}

/* What a kernel says of itself. */
EQ_DEVICE void eq_tell(eq_table *table, eq_op *op, int64_t bad, int64_t unmet)
{
    if (bad) eq_add(&op->bad, 1);
    if (unmet >= 0) atomicMin((long long *)&op->unmet, (long long)unmet);
    if (bad || unmet >= 0) eq_add(&table->trouble, 1);
}
#endif
