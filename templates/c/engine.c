/* The engine: runs a table of operations for many steps without Python.
 *
 * Every thread of the team walks the same table. Work is cut into blocks whose number depends on the model alone; threads only share
 * the blocks out, so no result depends on their number. Operations of one block that touch the same memory form a chain, which the first
 * thread that comes to it does in the order of the table. The team meets where an operation needs what other threads have done (eq_op.after and
 * eq_op.chain, from runtime/conflicts.py), and at the end of a step. */
#if !defined(_WIN32) && !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef _WIN32
#include <io.h>
#define write_some(file, data, n) _write((int)(file), data, (unsigned)(n))
#else
#include <unistd.h>
#define write_some(file, data, n) write((int)(file), data, (size_t)(n))
#endif
#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#endif
#include "eq_abi.h"
#include "engine.h"

#ifdef _WIN32
#define EQ_API __declspec(dllexport)
#else
#define EQ_API __attribute__((visibility("default")))
#endif

/* ---- lists of events ------------------------------------------------------------------------------------------------------- */

static int list_reserve(eq_list *list, int64_t capacity)
{
    if (capacity <= list->capacity) return 0;
    int64_t wanted = list->capacity ? list->capacity : 64;
    while (wanted < capacity) wanted *= 2;
    int32_t *data = realloc(list->data, (size_t)wanted * sizeof *data);
    if (!data) return -1;
    list->data = data;
    list->capacity = wanted;
    return 0;
}

static int list_append(eq_list *list, const int32_t *values, int64_t n)
{
    if (list_reserve(list, list->n + n)) return -1;
    memcpy(list->data + list->n, values, (size_t)n * sizeof *values);
    list->n += n;
    return 0;
}

EQ_API eq_spikes *eq_spikes_new(int64_t depth)
{
    eq_spikes *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->depth = depth;
    s->ring = calloc((size_t)depth, sizeof *s->ring);
    if (!s->ring) { free(s); return NULL; }
    return s;
}

EQ_API void eq_spikes_free(eq_spikes *s)
{
    if (!s) return;
    for (int64_t k = 0; k < s->depth; k++) free(s->ring[k].data);
    free(s->ring);
    free(s);
}

/* Lengthens the memory of past events to depth steps; what is remembered stays. */
EQ_API int eq_spikes_deepen(eq_spikes *s, int64_t depth)
{
    if (depth <= s->depth) return 0;
    eq_list *ring = calloc((size_t)depth, sizeof *ring);
    if (!ring) return -1;
    for (int64_t back = 0; back < s->depth && back <= s->step; back++)
        ring[(s->step - back) % depth] = s->ring[(s->step - back) % s->depth];
    for (int64_t k = s->step + 1; k < s->depth; k++) free(s->ring[k].data);
    free(s->ring);
    s->ring = ring;
    s->depth = depth;
    return 0;
}

/* The events emitted `back` steps ago; copies at most capacity of them, returns how many there are. */
EQ_API int64_t eq_spikes_read(const eq_spikes *s, int64_t back, int32_t *out, int64_t capacity)
{
    if (back >= s->depth || back > s->step) return 0;
    const eq_list *list = &s->ring[(s->step - back) % s->depth];
    memcpy(out, list->data, (size_t)(list->n < capacity ? list->n : capacity) * sizeof *out);
    return list->n;
}

static eq_list *spikes_begin(eq_spikes *s)
{
    s->step++;
    eq_list *list = &s->ring[s->step % s->depth];
    list->n = 0;
    return list;
}

/* Remembers another step with these events. */
EQ_API int eq_spikes_append(eq_spikes *s, const int32_t *events, int64_t n)
{
    return list_append(spikes_begin(s), events, n);
}

/* First position in a sorted list whose value is at least bound. */
static int64_t lower_bound(const int32_t *data, int64_t n, int64_t bound)
{
    int64_t lo = 0, hi = n;
    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        if (data[mid] < bound) lo = mid + 1; else hi = mid;
    }
    return lo;
}

/* The part [first, last) of the events emitted `back` steps ago that lies in the range of a subgroup. */
static const int32_t *events_in(const eq_op *op, int64_t back, int64_t *n)
{
    const eq_spikes *s = op->source;
    *n = 0;
    if (back > s->step) return NULL;
    const eq_list *list = &s->ring[(s->step - back) % s->depth];
    int64_t a = op->first > 0 ? lower_bound(list->data, list->n, op->first) : 0;
    int64_t b = op->last < s->n ? lower_bound(list->data, list->n, op->last) : list->n;
    *n = b - a;
    return list->data + a;
}

/* ---- growing records ------------------------------------------------------------------------------------------------------- */

EQ_API eq_record *eq_record_new(int64_t item)
{
    eq_record *r = calloc(1, sizeof *r);
    if (r) { r->item = item; r->file = -1; }
    return r;
}

EQ_API void eq_record_free(eq_record *r)
{
    if (!r) return;
    free(r->data);
    free(r);
}

/* Writes what is in memory to the record's file, if it has one. Returns 0, or -1 with r->error set and what was not written kept. */
EQ_API int eq_record_flush(eq_record *r)
{
    int64_t done = 0, all = r->n * r->item;
    if (r->file < 0) return 0;
    while (done < all) {
        int64_t part = all - done < (1 << 30) ? all - done : 1 << 30;
        int64_t n = write_some(r->file, r->data + done, part);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) { r->error = n < 0 ? errno : EIO; break; }
        done += n;
    }
    int64_t whole = done / r->item;
    memmove(r->data, r->data + done, (size_t)(all - done));
    r->written += whole;
    r->n -= whole;
    return done < all ? -1 : 0;
}

static char *record_extend(eq_record *r, int64_t items)
{
    if (r->file >= 0 && r->n && (r->n + items) * r->item > r->chunk && eq_record_flush(r)) return NULL;
    if (r->n + items > r->capacity) {
        int64_t wanted = r->capacity ? r->capacity : 1024;
        while (wanted < r->n + items) wanted += wanted / 2;
        char *data = realloc(r->data, (size_t)(wanted * r->item));
        if (!data) return NULL;
        r->data = data;
        r->capacity = wanted;
    }
    char *end = r->data + r->n * r->item;
    r->n += items;
    return end;
}

EQ_API int eq_record_append(eq_record *r, const void *values, int64_t items)
{
    if (items == 0) return 0;
    char *end = record_extend(r, items);
    if (!end) return -1;
    memcpy(end, values, (size_t)(items * r->item));
    return 0;
}

/* ---- queues of row segments, for pathways with several delays --------------------------------------------------------------- */

EQ_API eq_queue *eq_queue_new(int64_t depth)
{
    eq_queue *q = calloc(1, sizeof *q);
    if (!q) return NULL;
    q->depth = depth;
    q->slot = calloc((size_t)depth, sizeof *q->slot);
    if (!q->slot) { free(q); return NULL; }
    return q;
}

EQ_API void eq_queue_free(eq_queue *q)
{
    if (!q) return;
    for (int64_t k = 0; k < q->depth; k++) free(q->slot[k].data);
    free(q->slot);
    free(q);
}

/* The row segments that wait for delivery in `ahead` steps; copies at most capacity of them, returns how many there are. */
EQ_API int64_t eq_queue_read(const eq_queue *q, int64_t ahead, int32_t *out, int64_t capacity)
{
    if (ahead >= q->depth) return 0;
    const eq_list *list = &q->slot[(q->step + ahead) % q->depth];
    memcpy(out, list->data, (size_t)(list->n < capacity ? list->n : capacity) * sizeof *out);
    return list->n;
}

EQ_API int eq_queue_put(eq_queue *q, int64_t ahead, const int32_t *segments, int64_t n)
{
    return list_append(&q->slot[(q->step + ahead) % q->depth], segments, n);
}

/* ---- operations -------------------------------------------------------------------------------------------------------------- */

static void share(int64_t n, int team, int rank, int64_t *lo, int64_t *hi)
{
    *lo = n * rank / team;
    *hi = n * (rank + 1) / team;
}

static void pause_briefly(int64_t *spins);

/* The step of an operation's clock. */
static int64_t step_of(const eq_table *table, const eq_op *op)
{
    int64_t period = table->period[op->clock];
    return period == 1 ? table->tick : period ? table->tick / period : table->at[op->clock];
}

/* Which thread comes first must not decide what is said: the first operation in their order counts, and there the first element. */
static void fail_at(eq_table *table, eq_op *op, int status, int64_t element)
{
    int64_t spins = 0;
    while (atomic_exchange(&table->lock, 1)) pause_briefly(&spins);
    int known = atomic_load(&table->failure);
    if (!known || op < table->failed_op || (op == table->failed_op && status < known)) {
        table->failed_op = op;
        op->step = step_of(table, op);
        table->unmet = element;
        atomic_store(&table->failure, status);
    } else if (op == table->failed_op && status == known && element < table->unmet) {
        table->unmet = element;
    }
    atomic_store(&table->lock, 0);
}

static void fail(eq_table *table, eq_op *op, int status) { fail_at(table, op, status, INT64_MAX); }

/* What a kernel says of itself; returns the number of events it emitted. */
static int64_t heed(eq_table *table, eq_op *op, int64_t result)
{
    if (result & EQ_FAILED) { fail(table, op, EQ_STATUS_FAILED); return 0; }
    if (result & EQ_UNMET) { fail_at(table, op, EQ_STATUS_UNMET, result & ~EQ_UNMET); return 0; }
    if (result & EQ_NOT_FINITE) fail(table, op, EQ_STATUS_NOT_FINITE);
    return result & ~EQ_NOT_FINITE;
}

#define EQ_LAID_OUT 1024

/* A thread's blocks in one call: the way into a kernel costs as much as some dozen neurons. The functions of the user get so many neurons at
 * once that what is laid out for them stays in the cache. */
static void run_blocks(eq_table *table, eq_op *op, int team, int rank)
{
    int64_t lo, hi;
    share(op->n_blocks, team, rank, &lo, &hi);
    if (lo < hi) op->entered[rank * EQ_COUNTERS]++;
    int64_t at_once = op->ctx.call ? (EQ_LAID_OUT + op->block - 1) / op->block : hi - lo;
    for (int64_t b = lo; b < hi; b += at_once) {
        int64_t next = b + at_once < hi ? b + at_once : hi;
        int64_t start = b * op->block, stop = next * op->block < op->n ? next * op->block : op->n;
        int64_t result = heed(table, op, op->kernel(&op->ctx, start, stop));
        if (!op->counts) continue;
        op->counts[b] = result;
        for (int64_t rest = b + 1; rest < next; rest++) op->counts[rest] = 0;
    }
}

static void gather_events(eq_table *table, eq_op *op)
{
    eq_list *list = spikes_begin(op->emits);
    for (int64_t b = 0; b < op->n_blocks; b++)
        if (op->counts[b] && list_append(list, op->ctx.emitted + b * op->block, op->counts[b])) fail(table, op, EQ_STATUS_MEMORY);
}

/* The events of this step, each thread those in its blocks of elements. */
static void run_events(eq_table *table, eq_op *op, int team, int rank)
{
    int64_t n = op->n, lo, hi, first, last;
    eq_ctx ctx = op->ctx; /* the list differs from step to step, and a thread may be ahead of another */
    share(op->n_blocks, team, rank, &lo, &hi);
    if (op->own) {
        for (int64_t b = lo; b < hi; b++) {
            if (!op->own->counts[b]) continue;
            ctx.events = op->own->ctx.emitted + b * op->own->block;
            op->entered[rank * EQ_COUNTERS]++;
            heed(table, op, op->kernel(&ctx, 0, op->own->counts[b]));
        }
        return;
    }
    if (op->source) {
        ctx.events = events_in(op, op->delay, &n);
        first = lo > 0 ? lower_bound(ctx.events, n, op->first + lo * op->block) : 0;
        last = hi < op->n_blocks ? lower_bound(ctx.events, n, op->first + hi * op->block) : n;
    } else { /* the elements are given: ctx.events */
        first = lo * op->block;
        last = hi * op->block < n ? hi * op->block : n;
    }
    if (first < last) {
        op->entered[rank * EQ_COUNTERS]++;
        heed(table, op, op->kernel(&ctx, first, last));
    }
}

static int enqueue(eq_op *op, int64_t b)
{
    const eq_segments *seg = &op->segments[b];
    eq_queue *q = op->queue[b];
    int64_t n;
    const int32_t *events = events_in(op, 0, &n);
    for (int64_t e = 0; e < n; e++)
        for (int64_t k = seg->first[events[e]]; k < seg->first[events[e] + 1]; k++) {
            int32_t id = (int32_t)k;
            if (list_append(&q->slot[(q->step + seg->delay[k]) % q->depth], &id, 1)) return -1;
        }
    return 0;
}

/* ---- arrivals that are counted ----------------------------------------------------------------------------------------------- */

/* Bit matrices need an instruction that adds where a bit is set. It is written out: the header that names it takes the compiler 0.15 s. */
#if defined(__AVX512BW__) && defined(__GNUC__)
#define EQ_BITS 1
typedef uint8_t eq_bytes __attribute__((vector_size(64)));

static inline void add_where(eq_bytes *count, eq_bytes one, uint64_t bits)
{
    __asm__("vpaddb %1, %0, %0 %{%2%}" : "+v"(*count) : "v"(one), "Yk"(bits));
}

/* Counts of 8 bits: one more for each row in which the bit of a neuron is set. Four rows at once, as the counts are read and written for each. */
static void add_rows(uint8_t *count, const uint64_t *const *row, int64_t n, int64_t words)
{
    eq_bytes one;
    memset(&one, 1, sizeof one);
    int64_t e = 0;
    for (; e + 4 <= n; e += 4)
        for (int64_t w = 0; w < words; w++) {
            eq_bytes sum = *(eq_bytes *)(count + 64 * w);
            for (int k = 0; k < 4; k++) add_where(&sum, one, row[e + k][w]);
            *(eq_bytes *)(count + 64 * w) = sum;
        }
    for (; e < n; e++)
        for (int64_t w = 0; w < words; w++) add_where((eq_bytes *)(count + 64 * w), one, row[e][w]);
}
#else
#define EQ_BITS 0
static void add_rows(uint8_t *count, const uint64_t *const *row, int64_t n, int64_t words)
{
    (void)count; (void)row; (void)n; (void)words;
}
#endif

/* Whether arrivals can be counted in bit matrices here. */
EQ_API int eq_has_bits(void) { return EQ_BITS; }

static void count_arrivals(eq_rows *rows)
{
    const int64_t n = rows->stop - rows->first;
    uint16_t *count = rows->count;
    memset(count, 0, (size_t)n * sizeof *count);
    if (rows->bits) {
        uint8_t *few = (uint8_t *)(count + 64 * rows->words); /* room behind the counts */
        const uint64_t *row[255];
        for (int64_t e = 0; e < rows->n_events;) {
            int64_t some = 0;
            for (; e < rows->n_events && some < 255; e++) {
                const int64_t r = rows->events[e];
                if (rows->start[r] < rows->start[r + 1]) row[some++] = rows->bits + (r - rows->bits_from) * rows->words;
            }
            memset(few, 0, (size_t)(64 * rows->words));
            add_rows(few, row, some, rows->words);
            for (int64_t q = 0; q < n; q++) count[q] = (uint16_t)(count[q] + few[q]);
        }
    } else if (rows->width == 2) {
        const uint16_t *far = rows->far;
        for (int64_t e = 0; e < rows->n_events; e++)
            for (int64_t k = rows->start[rows->events[e]]; k < rows->start[rows->events[e] + 1]; k++) count[far[k] - rows->first]++;
    } else {
        const int32_t *far = rows->far;
        for (int64_t e = 0; e < rows->n_events; e++)
            for (int64_t k = rows->start[rows->events[e]]; k < rows->start[rows->events[e] + 1]; k++) count[far[k] - rows->first]++;
    }
}

/* Fills the matrix of a block (zeros before) from its rows up to `stop`; 1 if two synapses join the same neurons, which a bit cannot tell. */
EQ_API int eq_fill_bits(const eq_rows *rows, int64_t stop, uint64_t *bits)
{
    for (int64_t r = rows->bits_from; r < stop; r++)
        for (int64_t k = rows->start[r]; k < rows->start[r + 1]; k++) {
            const int64_t far = rows->width == 2 ? (int64_t)((const uint16_t *)rows->far)[k] : (int64_t)((const int32_t *)rows->far)[k];
            const int64_t q = far - rows->first;
            const uint64_t bit = UINT64_C(1) << (q % 64);
            uint64_t *word = &bits[(r - rows->bits_from) * rows->words + q / 64];
            if (*word & bit) return 1;
            *word |= bit;
        }
    return 0;
}

static void run_pathway(eq_table *table, eq_op *op, int team, int rank)
{
    int64_t lo, hi;
    share(op->n_blocks, team, rank, &lo, &hi);
    for (int64_t b = lo; b < hi; b++) {
        eq_rows *rows = &op->rows[b];
        eq_list *slot = NULL;
        if (op->queue) {
            eq_queue *q = op->queue[b];
            if (enqueue(op, b)) fail(table, op, EQ_STATUS_MEMORY);
            slot = &q->slot[q->step % q->depth];
            q->step++;
            rows->events = slot->data;
            rows->n_events = slot->n;
        } else if (op->source) {
            rows->events = events_in(op, op->delay, &rows->n_events);
        }
        if (rows->make && rows->n_events && rows->make(rows, rows->maker)) { fail(table, op, EQ_STATUS_MEMORY); continue; }
        rows->counted = rows->many && rows->n_events >= rows->many;
        if (rows->counted) count_arrivals(rows);
        if (rows->n_events) {
            op->entered[rank * EQ_COUNTERS]++;
            heed(table, op, op->kernel(&op->ctx, b, b + 1));
        }
        if (slot) slot->n = 0;
    }
}

static void run_generator(eq_table *table, eq_op *op, int64_t step)
{
    eq_list *list = spikes_begin(op->emits);
    eq_schedule *g = op->schedule;
    int64_t now = step - g->origin;
    if (g->period > 0) {
        int64_t cycle = now / g->period;
        now %= g->period;
        if (cycle != g->cycle) { g->cycle = cycle; g->next = 0; }
    }
    while (g->next < g->n && g->step[g->next] < now) g->next++;
    int64_t start = g->next;
    while (g->next < g->n && g->step[g->next] == now) g->next++;
    if (list_append(list, g->index + start, g->next - start)) fail(table, op, EQ_STATUS_MEMORY);
}

/* Room for n items, or NULL with the failure noted. */
static void *room(eq_table *table, eq_op *op, int which, int64_t n)
{
    void *end = record_extend(op->record[which], n);
    if (!end) fail(table, op, op->record[which]->error ? EQ_STATUS_WRITING : EQ_STATUS_MEMORY);
    return end;
}

static void record_events(eq_table *table, eq_op *op, int64_t step)
{
    int64_t n;
    const int32_t *events = events_in(op, 0, &n);
    if (!n) return;
    int32_t *index = room(table, op, 0, n);
    int64_t *when = room(table, op, 1, n);
    if (!index || !when) return;
    for (int64_t k = 0; k < n; k++) {
        index[k] = events[k] - (int32_t)op->first;
        when[k] = step;
    }
}

static void record_count(eq_table *table, eq_op *op)
{
    int64_t n;
    events_in(op, 0, &n);
    int64_t *count = room(table, op, 0, 1);
    if (count) *count = n;
}

static void count_events(eq_op *op)
{
    int64_t n;
    const int32_t *events = events_in(op, 0, &n);
    int64_t *count = (int64_t *)op->array;
    for (int64_t k = 0; k < n; k++) count[events[k] - op->first]++;
}

/* One value from an array of values of `size` bytes into a record. */
static inline void store(char *out, const char *from, int64_t k, int64_t size, int64_t cast)
{
    switch (cast) {
    case EQ_CAST_F64_F32: *(float *)out = (float)((const double *)from)[k]; break;
    case EQ_CAST_I64_I32: *(int32_t *)out = (int32_t)((const int64_t *)from)[k]; break;
    case EQ_CAST_I64_I16: *(int16_t *)out = (int16_t)((const int64_t *)from)[k]; break;
    case EQ_CAST_I64_I8: *(int8_t *)out = (int8_t)((const int64_t *)from)[k]; break;
    default: memcpy(out, from + size * k, (size_t)size);
    }
}

/* The value of a variable at each element that has just emitted an event. */
static void record_values(eq_table *table, eq_op *op)
{
    int64_t n, size = op->record[0]->item;
    const int32_t *events = events_in(op, 0, &n);
    char *out = n ? room(table, op, 0, n) : NULL;
    if (!out) return;
    for (int64_t k = 0; k < n; k++) store(out + size * k, op->array, events[k] * op->stride, size, op->cast);
}

/* The value of a variable at chosen elements. */
static void record_state(eq_table *table, eq_op *op)
{
    int64_t size = op->record[0]->item;
    if (op->n == 0) return;
    char *out = room(table, op, 0, op->n);
    if (!out) return;
    if (!op->index && op->cast == EQ_CAST_NONE) {
        memcpy(out, op->array + size * op->first, (size_t)(size * op->n));
    } else if (size == 8) {
        for (int64_t k = 0; k < op->n; k++) memcpy(out + 8 * k, op->array + 8 * op->index[k], 8);
    } else {
        for (int64_t k = 0; k < op->n; k++)
            store(out + size * k, op->array, op->index ? op->index[k] : op->first + k, size, op->cast);
    }
}

/* ---- the team ---------------------------------------------------------------------------------------------------------------- */

/* The others are at most some microseconds behind, unless the machine has less processors to give than the team has threads: then the only
 * way forward is to let them run. */
static void pause_briefly(int64_t *spins)
{
    if (++*spins < 200) {
#if defined(__x86_64__) || defined(_M_X64)
        _mm_pause();
#endif
    } else {
        sched_yield();
    }
}

/* Whether the caller is the last of the team to arrive: it then does what has to be done between, and lets the team go. The others wait. */
static int is_last(eq_table *table, int team)
{
    if (team == 1) return 1; /* without the tens of cycles that an atomic operation takes */
    int phase = atomic_load(&table->phase);
    if (atomic_fetch_add(&table->arrived, 1) + 1 == team) return 1;
    int64_t spins = 0;
    while (atomic_load(&table->phase) == phase) pause_briefly(&spins);
    return 0;
}

static void let_go(eq_table *table, int team)
{
    if (team == 1) return;
    atomic_store(&table->arrived, 0);
    atomic_fetch_add(&table->phase, 1);
}

/* Whether this thread does a chain until the team meets next: the first that comes to one of its operations does. */
static int takes(eq_table *table, eq_op *chain, int rank)
{
    int64_t now = INT64_C(1) << 40 | (int64_t)(uint32_t)atomic_load(&table->phase) << 8;
    int64_t known = atomic_load(&chain->taken);
    if ((known & ~INT64_C(255)) == now) return known == (now | rank);
    return atomic_compare_exchange_strong(&chain->taken, &known, now | rank);
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static int is_due(const eq_table *table, const eq_op *op)
{
    /* A step comes only when some clock is due; with one clock that is it. Divisions in every step would cost more than small kernels. */
    int64_t c = op->clock, period = table->period[c];
    if (period == 0) {
        if (table->at[c] >= table->n_moments[c] || table->moments[c][table->at[c]] != table->tick) return 0;
    } else if (table->n_clocks > 1 && table->tick % period != 0) {
        return 0;
    }
    if (op->every == 0) return 1;
    int64_t step = period ? table->tick / period : table->at[c];
    return step >= op->from && step < op->until && (step - op->from) % op->every == 0;
}

/* Before the operations of a step: the time, the step and the count of updates, for those that ask. What is written here lies in the cache of one
 * thread and is read by the others, so that nothing is written for nobody. */
static void prepare_step(eq_table *table)
{
    for (int64_t k = 0; k < table->n_ops; k++) {
        eq_op *op = &table->ops[k];
        if ((op->at_t < 0 && op->at_step < 0 && op->at_count < 0) || !is_due(table, op)) continue;
        int64_t step = step_of(table, op);
        if (op->at_t >= 0)
            op->real[op->at_t] = table->period[op->clock] ? (double)step * table->dt[op->clock] : table->times[op->clock][step];
        if (op->at_step >= 0) op->integer[op->at_step] = step;
        if (op->at_count >= 0) op->integer[op->at_count] = op->count++;
    }
}

static int is_shared(const eq_op *op)
{
    return op->n_blocks > 1 && (op->kind == EQ_OP_MAP || op->kind == EQ_OP_PATHWAY || op->kind == EQ_OP_EVENTS);
}

static void run_op(eq_table *table, eq_op *op, int team, int rank)
{
    if (!is_shared(op)) {
        if (team > 1 && !takes(table, op->chain, rank)) return;
        team = 1;
        rank = 0;
    }
    switch (op->kind) {
    case EQ_OP_MAP:
        run_blocks(table, op, team, rank);
        break;
    case EQ_OP_EVENTS: run_events(table, op, team, rank); break;
    case EQ_OP_PATHWAY: run_pathway(table, op, team, rank); break;
    case EQ_OP_GENERATOR: run_generator(table, op, step_of(table, op)); break;
    case EQ_OP_RECORD_EVENTS: record_events(table, op, step_of(table, op)); break;
    case EQ_OP_RECORD_COUNT: record_count(table, op); break;
    case EQ_OP_RECORD_STATE: record_state(table, op); break;
    case EQ_OP_RECORD_VALUES: record_values(table, op); break;
    case EQ_OP_COUNT_EVENTS: count_events(op); break;
    case EQ_OP_CLEAR: memset((void *)op->array, 0, (size_t)op->n); break;
    }
}

/* How much an operation had to do in this step: for profiles, and not part of the time that they show. */
static void tally(eq_op *op)
{
    int64_t n;
    op->runs++;
    switch (op->kind) {
    case EQ_OP_MAP:
        op->items += op->n;
        for (int64_t b = 0; op->counts && b < op->n_blocks; b++) op->events += op->counts[b];
        break;
    case EQ_OP_EVENTS:
        n = op->n;
        if (op->source) events_in(op, op->delay, &n);
        op->items += n;
        if (op->source) op->events += n;
        break;
    case EQ_OP_PATHWAY:
        for (int64_t b = 0; b < op->n_blocks; b++) {
            const eq_rows *rows = &op->rows[b];
            int64_t synapses = 0;
            for (int64_t e = 0; e < rows->n_events; e++) synapses += rows->start[rows->events[e] + 1] - rows->start[rows->events[e]];
            if (op->queue || b == 0) op->events += rows->n_events;
            op->items += synapses;
            if (rows->counted) { op->counted += synapses; op->counts_made++; }
        }
        break;
    case EQ_OP_RECORD_STATE: op->items += op->n; break;
    case EQ_OP_CLEAR: op->items += op->n; break;
    case EQ_OP_RECORD_EVENTS: case EQ_OP_RECORD_VALUES: case EQ_OP_COUNT_EVENTS:
        events_in(op, 0, &n);
        op->items += n;
        op->events += n;
        break;
    default: break;
    }
}

static int64_t nanoseconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + (int64_t)now.tv_nsec;
}

/* For the clocks that tick at given moments: the first that is not over. */
static void seek(eq_table *table)
{
    for (int64_t c = 0; c < table->n_clocks; c++)
        while (table->at[c] < table->n_moments[c] && table->moments[c][table->at[c]] < table->tick) table->at[c]++;
}
static double wall(void) { return 1e-9 * (double)nanoseconds(CLOCK_MONOTONIC); }

/* The next tick at which some clock is due. */
static int64_t next_tick(const eq_table *table)
{
    int64_t best = INT64_MAX;
    for (int64_t c = 0; c < table->n_clocks; c++) {
        int64_t period = table->period[c], due;
        if (period == 0) {
            int64_t k = table->at[c];
            if (k < table->n_moments[c] && table->moments[c][k] <= table->tick) k++;
            due = k < table->n_moments[c] ? table->moments[c][k] : INT64_MAX;
        } else {
            due = period == 1 ? table->tick + 1 : (table->tick / period + 1) * period;
        }
        if (due < best) best = due;
    }
    return best;
}

static void finish_step(eq_table *table)
{
    table->tick = next_tick(table);
    seek(table);
    table->cursor = 0;
    table->steps_done++;
    int failure = atomic_load(&table->failure);
    if (failure) table->status = failure;
    else if (interrupted) table->status = EQ_STATUS_INTERRUPTED;
    else if (table->tick >= table->end) table->status = EQ_STATUS_DONE;
    else if (table->pause_at > 0 && (table->steps_done & 15) == 0 && wall() >= table->pause_at) table->status = EQ_STATUS_PAUSED;
}

#if defined(__x86_64__) || defined(_M_X64)
static unsigned flush_on(void) { unsigned old = _mm_getcsr(); _mm_setcsr(old | 0x8040u); return old; }
static void flush_restore(unsigned old) { _mm_setcsr(old); }
#elif defined(__aarch64__)
static unsigned flush_on(void)
{
    uint64_t old;
    __asm__ volatile("mrs %0, fpcr" : "=r"(old));
    __asm__ volatile("msr fpcr, %0" : : "r"(old | (UINT64_C(1) << 24)));
    return (unsigned)old;
}
static void flush_restore(unsigned old)
{
    uint64_t value = old;
    __asm__ volatile("msr fpcr, %0" : : "r"(value));
}
#else
static unsigned flush_on(void) { return 0; }
static void flush_restore(unsigned old) { (void)old; }
#endif

/* Makes lists of what the operations from `first` to before `end` have emitted. */
static void gather(eq_table *table, int64_t first, int64_t end)
{
    for (int64_t k = first; k < end; k++) {
        eq_op *op = &table->ops[k];
        if (op->kind == EQ_OP_MAP && op->emits && is_due(table, op)) gather_events(table, op);
    }
}

/* All are done with the operations from `first` to before `end`, and their events are in lists. */
static void meet(eq_table *table, int team, int64_t first, int64_t end, int emitted)
{
    if (!is_last(table, team)) return;
    if (emitted) gather(table, first, end);
    let_go(table, team);
}

/* A team is as fast as the slowest of its threads, and where other processes want the same processors that is one which waits for its turn,
 * while the others wait for it: two threads then take longer than one. The threads never sleep, so that they have had less processor time than
 * time went by where they did not get what they asked for. Then one goes on alone, and the team tries again after a while, each time a longer one. */
#define EQ_WINDOW 10000000     /* nanoseconds over which is looked */
#define EQ_ENOUGH 0.85         /* of the time of all threads */
#define EQ_AT_ONCE 1000000     /* nanoseconds alone, the first time: threads that were begun on one processor are begun anew */
#define EQ_ALONE 32000000      /* the second time, and then four times as long each time, up to */
#define EQ_ALONE_MOST 2048000000

static void begin_window(eq_table *table)
{
    table->window = nanoseconds(CLOCK_MONOTONIC);
    table->used = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
}

static void look_around(eq_table *table)
{
    int64_t now = nanoseconds(CLOCK_MONOTONIC), passed = now - table->window;
    if (table->team < table->n_threads) {
        if (passed < table->alone) return;
        table->team = table->n_threads;
        return;
    }
    if (passed < EQ_WINDOW) return;
    int64_t used = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - table->used;
    if ((double)used < EQ_ENOUGH * (double)passed * (double)table->team) {
        table->alone = table->alone == 0 ? EQ_AT_ONCE : table->alone < EQ_ALONE ? EQ_ALONE : 4 * table->alone;
        if (table->alone > EQ_ALONE_MOST) table->alone = EQ_ALONE_MOST;
        table->team = 1;
    } else {
        table->alone = 0;
    }
    begin_window(table);
}

/* What comes after the operations of a step, and before those of the next. `k`: the first that was not done, because it is one in Python. */
static void close_step(eq_table *table, int64_t k)
{
    if (k < table->n_ops) {
        table->status = EQ_STATUS_PYTHON;
        table->cursor = k;
        return;
    }
    finish_step(table);
    if (table->status != EQ_STATUS_RUNNING) return;
    prepare_step(table);
    if (table->n_threads > 1 && !table->always) look_around(table);
}

/* The operations of a step from the cursor on. The team meets where an operation needs what others have done before, and at the end. */
static void run_step(eq_table *table, int team, int rank)
{
    int64_t k = table->cursor, first = k, before = table->profile && rank == 0 ? nanoseconds(CLOCK_MONOTONIC) : 0;
    int emitted = 0; /* something that is not in lists yet */
    for (; k < table->n_ops; k++) {
        eq_op *op = &table->ops[k];
        if (!is_due(table, op)) continue;
        if (op->kind == EQ_OP_PYTHON) break;
        if (op->after >= first) {
            meet(table, team, first, k, emitted);
            first = k;
            emitted = 0;
        }
        run_op(table, op, team, rank);
        emitted |= op->kind == EQ_OP_MAP && op->emits;
        if (table->profile) { /* an operation lasts until the last thread is done with it */
            meet(table, team, first, k + 1, emitted);
            first = k + 1;
            emitted = 0;
            if (rank == 0) {
                int64_t now = nanoseconds(CLOCK_MONOTONIC);
                op->nanoseconds += now - before;
                tally(op);
                before = nanoseconds(CLOCK_MONOTONIC);
            }
        }
    }
    if (!is_last(table, team)) return;
    if (emitted) gather(table, first, k);
    close_step(table, k);
    let_go(table, team);
}

static void work(eq_table *table, int team, int rank)
{
    unsigned mode = flush_on();
    do run_step(table, team, rank);
    while (table->status == EQ_STATUS_RUNNING && table->team == team);
    flush_restore(mode);
}

typedef struct { eq_table *table; int team, rank; } member;

static void *enter(void *argument)
{
    member *m = argument;
    int64_t spins = 0;
    while (atomic_load(&m->table->gate) == 0) pause_briefly(&spins);
    if (atomic_load(&m->table->gate) > 0) work(m->table, m->team, m->rank);
    return NULL;
}

/* One team, until the run stops or goes on with another. */
static void run_team(eq_table *table)
{
    pthread_t thread[EQ_MAX_THREADS];
    member m[EQ_MAX_THREADS];
    int started = 1, team = (int)table->team;
    if (team != table->era_team) { /* the threads' shares are others than before */
        table->era_team = team;
        table->era++;
        for (int64_t k = 0; k < table->n_ops; k++) table->ops[k].ctx.era = table->era;
    }
    atomic_store(&table->arrived, 0);
    atomic_store(&table->gate, 0);
    for (int rank = 1; rank < team; rank++) {
        m[rank] = (member){table, team, rank};
        if (pthread_create(&thread[rank], NULL, enter, &m[rank])) {
            table->status = EQ_STATUS_THREADS;
            break;
        }
        started++;
    }
    /* Nobody starts before the team is complete; an incomplete one is sent home. */
    atomic_store(&table->gate, started == team ? 1 : -1);
    if (started == team) work(table, team, 0);
    for (int rank = 1; rank < started; rank++) pthread_join(thread[rank], NULL);
}

/* Runs from table->tick to table->end. Returns why it stopped; the caller acts and may call again. After EQ_STATUS_PYTHON,
 * table->cursor is the operation that Python has to do; the caller adds 1 to it. */
EQ_API int eq_run(eq_table *table)
{
    if (table->cursor == 0 && table->tick >= table->end) return table->status = EQ_STATUS_DONE;
    interrupted = 0;
    /* sigaction, not signal: the latter would leave a handler behind that works only once. */
    struct sigaction ours = {.sa_handler = on_interrupt}, before;
    if (table->catch_interrupt) sigaction(SIGINT, &ours, &before);
    seek(table);
    table->status = EQ_STATUS_RUNNING;
    table->failed_op = NULL;
    atomic_store(&table->failure, 0);
    table->unmet = INT64_MAX;
    if (table->cursor == 0) prepare_step(table);
    table->team = table->alone ? 1 : table->n_threads;
    do {
        begin_window(table);
        run_team(table);
    } while (table->status == EQ_STATUS_RUNNING);
    if (table->catch_interrupt) {
        sigaction(SIGINT, &before, NULL);
        if (interrupted) raise(SIGINT); /* whatever the status is: Python hears of it, too */
    }
    return table->status;
}

EQ_API void eq_layout(int64_t *out)
{
    out[0] = sizeof(eq_op);
    out[1] = sizeof(eq_table);
    out[2] = sizeof(eq_rows);
    out[3] = sizeof(eq_segments);
    out[4] = sizeof(eq_schedule);
}
