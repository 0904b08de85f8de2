/* A CPU meaning for the CUDA words that our kernels use: the same .cu text, compiled by g++ or clang++ with this file in front, runs here.
 *
 * It is made to find mistakes, not to be fast. The threads of a block are fibers: each runs until it ends or meets a barrier, and between two
 * barriers they run in an order that the caller chooses (ascending, descending, or shuffled by a seed), as do the blocks. So a kernel that forgets
 * a barrier reads what is not there yet. Shared memory is filled with nonsense when a block begins. A barrier that some threads of a block never
 * reach is an error. Memory outside every buffer cannot be touched (eqsnn/backends/cuda/host.py puts a closed page behind each): what does is told by
 * the name of the kernel, its block and its thread. Compiled with EQ_HOST_RACES (and -fsanitize=thread, whose calls arrive here and not in its
 * library) every access is watched: two threads at one address, one of them writing, with no barrier between them and not both by atomics, is an
 * error whatever the order was. */
#ifndef EQ_HOST_H
#define EQ_HOST_H
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#else
#include <ucontext.h>
#endif

#define EQ_HOST 1
#define __global__ __attribute__((visibility("default")))
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __shared__ static __attribute__((section("eq_shared")))
#define EQ_HOST_UNWATCHED __attribute__((no_sanitize("thread"), noinline, unused))

struct eq_host_dim { unsigned x, y, z; };
static eq_host_dim threadIdx, blockIdx, blockDim, gridDim;

struct eq_host_launch {
    void *kernel;
    int64_t (*enter)(const eq_host_launch *, int64_t order); /* eq_host_enter of the module that has the kernel */
    int64_t grid, block, n_args;
    uint64_t args[8];
};

enum { EQ_FIBER_NEW, EQ_FIBER_READY, EQ_FIBER_AT_BLOCK, EQ_FIBER_AT_WARP, EQ_FIBER_DONE };
enum { EQ_HOST_FINE, EQ_HOST_FAULT, EQ_HOST_DIVERGED, EQ_HOST_RACE, EQ_HOST_TOO_LARGE };
#define EQ_HOST_THREADS 1024
#define EQ_HOST_STACK (128 * 1024)

struct eq_host_fiber {
    int state, line, flag;
    unsigned ballot;
    char *stack;
#if defined(__x86_64__)
    void *sp;
#else
    ucontext_t context;
#endif
};

static eq_host_fiber eq_fibers[EQ_HOST_THREADS], eq_scheduler;
static char *eq_stacks[EQ_HOST_THREADS];
static int eq_n_stacks, eq_running;
static const eq_host_launch *eq_launch;
static uint64_t eq_random;
static int64_t eq_phase;     /* barriers that this block has passed */
static sigjmp_buf eq_escape; /* out of a kernel that cannot go on */
static char eq_message[512];
extern "C" __attribute__((weak, visibility("hidden"))) char __start_eq_shared[], __stop_eq_shared[];

/* ---- fibers ---------------------------------------------------------------------------------------------------------------- */

static void eq_host_call(const eq_host_launch *l)
{
    const uint64_t *a = l->args;
    ((void (*)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t))l->kernel)(a[0], a[1], a[2], a[3], a[4], a[5]);
}

#if defined(__x86_64__)
extern "C" void eq_host_switch(void **from, void *to) __asm__("eq_host_switch");
__asm__(".text\n.local eq_host_switch\n.type eq_host_switch,@function\neq_host_switch:\n"
        "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
        "movq %rsp, (%rdi)\nmovq %rsi, %rsp\n"
        "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n");
EQ_HOST_UNWATCHED static void eq_to_fiber(eq_host_fiber *f) { eq_host_switch(&eq_scheduler.sp, f->sp); }
EQ_HOST_UNWATCHED static void eq_to_scheduler(eq_host_fiber *f) { eq_host_switch(&f->sp, eq_scheduler.sp); }
#else
EQ_HOST_UNWATCHED static void eq_to_fiber(eq_host_fiber *f) { swapcontext(&eq_scheduler.context, &f->context); }
EQ_HOST_UNWATCHED static void eq_to_scheduler(eq_host_fiber *f) { swapcontext(&f->context, &eq_scheduler.context); }
#endif

EQ_HOST_UNWATCHED static void eq_fiber_main(void)
{
    eq_host_call(eq_launch);
    eq_fibers[eq_running].state = EQ_FIBER_DONE;
    eq_to_scheduler(&eq_fibers[eq_running]);
    abort();
}

EQ_HOST_UNWATCHED static void eq_fiber_begin(eq_host_fiber *f)
{
    if (!eq_n_stacks) {
        void *memory = mmap(NULL, EQ_HOST_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) abort();
        eq_stacks[eq_n_stacks++] = (char *)memory;
    }
    f->stack = eq_stacks[--eq_n_stacks];
#if defined(__x86_64__)
    void **top = (void **)(f->stack + EQ_HOST_STACK - 64);
    *--top = NULL; /* where a function would return to: the stack is then aligned as at any entry */
    *--top = (void *)eq_fiber_main;
    for (int k = 0; k < 6; k++) *--top = NULL;
    f->sp = top;
#else
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = f->stack;
    f->context.uc_stack.ss_size = EQ_HOST_STACK;
    f->context.uc_link = NULL;
    makecontext(&f->context, eq_fiber_main, 0);
#endif
}

EQ_HOST_UNWATCHED static void eq_fail(int status) { siglongjmp(eq_escape, status); }

EQ_HOST_UNWATCHED static void eq_wait(int state, int line)
{
    eq_host_fiber *f = &eq_fibers[eq_running];
    f->state = state;
    f->line = line;
    eq_to_scheduler(f);
}

#define __syncthreads() eq_wait(EQ_FIBER_AT_BLOCK, __LINE__)

EQ_HOST_UNWATCHED static unsigned eq_host_ballot(int flag, int line)
{
    eq_fibers[eq_running].flag = flag != 0;
    eq_wait(EQ_FIBER_AT_WARP, line);
    return eq_fibers[eq_running].ballot;
}
#define __ballot_sync(mask, flag) ((void)(mask), eq_host_ballot(flag, __LINE__))
#define __syncwarp() ((void)eq_host_ballot(0, __LINE__))

static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
template <class T> static inline T __ldg(const T *p) { return *p; }

/* ---- the watch over accesses ----------------------------------------------------------------------------------------------- */

#ifdef EQ_HOST_RACES
enum { EQ_PLAIN, EQ_ATOMIC };
struct eq_host_access { int64_t block, thread, phase; int kind, some; };
struct eq_host_shadow { uintptr_t address; int64_t epoch; eq_host_access read[2], write; }; /* of readers two are enough: one differs from any writer */
#define EQ_HOST_SHADOWS (1 << 20)
static eq_host_shadow *eq_shadows;
static int64_t eq_epoch;
static int eq_watching;

EQ_HOST_UNWATCHED static int eq_is_shared(const void *p) { return (char *)p >= __start_eq_shared && (char *)p < __stop_eq_shared; }

EQ_HOST_UNWATCHED static int eq_apart(const void *p, const eq_host_access *a, int kind)
{
    if (a->block != (int64_t)blockIdx.x && eq_is_shared(p)) return 1; /* each block has its own */
    if (!a->some || (a->block == (int64_t)blockIdx.x && a->thread == (int64_t)threadIdx.x)) return 1;
    if (a->block == (int64_t)blockIdx.x && a->phase != eq_phase) return 1;
    return a->kind == EQ_ATOMIC && kind == EQ_ATOMIC;
}

EQ_HOST_UNWATCHED static void eq_host_race(const void *p, const eq_host_access *a)
{
    snprintf(eq_message, sizeof eq_message,
             "threads %lld of block %lld and %u of block %u touch one address without a barrier between them, and one of them writes%s",
             (long long)a->thread, (long long)a->block, threadIdx.x, blockIdx.x,
             eq_is_shared(p) ? " (shared memory)" : "");
    eq_watching = 0;
    eq_fail(EQ_HOST_RACE);
}

EQ_HOST_UNWATCHED static void eq_watch(const void *p, int writes, int kind)
{
    if (!eq_watching) return;
    const char *stack = eq_fibers[eq_running].stack;
    if ((const char *)p >= stack && (const char *)p < stack + EQ_HOST_STACK) return;
    if (p == &threadIdx || p == &blockIdx || p == &blockDim || p == &gridDim) return;
    uintptr_t key = (uintptr_t)p;
    uint64_t place = (key * UINT64_C(0x9E3779B97F4A7C15)) >> 44;
    eq_host_shadow *s = &eq_shadows[place % EQ_HOST_SHADOWS];
    for (int64_t tries = 0; s->epoch == eq_epoch && s->address != key && tries < 64; tries++) s = &eq_shadows[++place % EQ_HOST_SHADOWS];
    if (s->epoch != eq_epoch || s->address != key) memset(s, 0, sizeof *s);
    s->epoch = eq_epoch;
    s->address = key;
    if (!eq_apart(p, &s->write, kind)) eq_host_race(p, &s->write);
    for (int k = 0; writes && k < 2; k++)
        if (!eq_apart(p, &s->read[k], kind)) eq_host_race(p, &s->read[k]);
    const eq_host_access now = { blockIdx.x, threadIdx.x, eq_phase, kind, 1 };
    if (writes) s->write = now;
    else if (eq_apart(p, &s->read[0], EQ_PLAIN)) s->read[0] = now;
    else if (eq_apart(p, &s->read[1], EQ_PLAIN)) s->read[1] = now;
}

/* What gcc puts before each access with -fsanitize=thread. */
#define EQ_HOST_WATCH(n) \
    extern "C" EQ_HOST_UNWATCHED __attribute__((used, visibility("hidden"))) void __tsan_read##n(void *p) { eq_watch(p, 0, EQ_PLAIN); } \
    extern "C" EQ_HOST_UNWATCHED __attribute__((used, visibility("hidden"))) void __tsan_write##n(void *p) { eq_watch(p, 1, EQ_PLAIN); } \
    extern "C" EQ_HOST_UNWATCHED __attribute__((used, visibility("hidden"))) void __tsan_unaligned_read##n(void *p) { eq_watch(p, 0, EQ_PLAIN); } \
    extern "C" EQ_HOST_UNWATCHED __attribute__((used, visibility("hidden"))) void __tsan_unaligned_write##n(void *p) { eq_watch(p, 1, EQ_PLAIN); }
EQ_HOST_WATCH(1)
EQ_HOST_WATCH(2)
EQ_HOST_WATCH(4)
EQ_HOST_WATCH(8)
EQ_HOST_WATCH(16)
extern "C" EQ_HOST_UNWATCHED __attribute__((used, visibility("hidden"))) void __tsan_init(void) {}
extern "C" EQ_HOST_UNWATCHED __attribute__((used, visibility("hidden"))) void __tsan_func_entry(void *) {}
extern "C" EQ_HOST_UNWATCHED __attribute__((used, visibility("hidden"))) void __tsan_func_exit(void) {}

EQ_HOST_UNWATCHED static void eq_watch_begin(void)
{
    if (!eq_shadows) {
        eq_shadows = (eq_host_shadow *)calloc(EQ_HOST_SHADOWS, sizeof *eq_shadows);
        if (!eq_shadows) abort();
    }
    eq_epoch++;
    eq_watching = 1;
}
#define EQ_HOST_ATOMIC(p) eq_watch((const void *)(p), 1, EQ_ATOMIC)
/* All that other blocks did before they drew a ticket lies behind the last one, which begins to look at it here. */
EQ_HOST_UNWATCHED static void eq_host_ordered(void) { eq_epoch++; }
#else
#define EQ_HOST_ATOMIC(p) ((void)0)
static inline void eq_host_ordered(void) {}
#endif
#define EQ_AFTER_OTHERS() eq_host_ordered()

static inline void __threadfence(void) {}

#define EQ_HOST_ADD(T) \
    EQ_HOST_UNWATCHED static T atomicAdd(T *p, T value) { EQ_HOST_ATOMIC(p); T old = *p; *p = old + value; return old; }
EQ_HOST_ADD(int)
EQ_HOST_ADD(unsigned)
EQ_HOST_ADD(unsigned long long)
EQ_HOST_ADD(float)
EQ_HOST_ADD(double)
EQ_HOST_UNWATCHED static int atomicOr(int *p, int value) { EQ_HOST_ATOMIC(p); int old = *p; *p = old | value; return old; }
EQ_HOST_UNWATCHED static long long atomicMin(long long *p, long long value)
{
    EQ_HOST_ATOMIC(p);
    long long old = *p;
    if (value < old) *p = value;
    return old;
}

/* ---- blocks ---------------------------------------------------------------------------------------------------------------- */

EQ_HOST_UNWATCHED static void eq_shuffled(int64_t *at, int64_t n, int64_t order)
{
    for (int64_t k = 0; k < n; k++) at[k] = order == 1 ? n - 1 - k : k;
    if (order < 2) return;
    for (int64_t k = n - 1; k > 0; k--) {
        eq_random = eq_random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const int64_t other = (int64_t)((eq_random >> 33) % (uint64_t)(k + 1)), kept = at[k];
        at[k] = at[other];
        at[other] = kept;
    }
}

EQ_HOST_UNWATCHED static void eq_diverged(const char *what, int line)
{
    snprintf(eq_message, sizeof eq_message, "block %u: %s (line %d of the text)", blockIdx.x, what, line);
    eq_fail(EQ_HOST_DIVERGED);
}

/* All that wait for their warp go on; 1 if there were any. */
EQ_HOST_UNWATCHED static int eq_warps_go_on(int64_t n)
{
    int any = 0;
    for (int64_t first = 0; first < n; first += 32) {
        unsigned ballot = 0, waiting = 0, lanes = 0;
        int line = 0;
        for (int64_t k = first; k < first + 32 && k < n; k++) {
            lanes++;
            if (eq_fibers[k].state != EQ_FIBER_AT_WARP) continue;
            if (waiting && eq_fibers[k].line != line) eq_diverged("threads of a warp wait in different places", line);
            line = eq_fibers[k].line;
            waiting++;
            ballot |= (unsigned)eq_fibers[k].flag << (k - first);
        }
        if (!waiting) continue;
        if (waiting != lanes) eq_diverged("not all threads of a warp reach what they do together", line);
        for (int64_t k = first; k < first + 32 && k < n; k++) {
            eq_fibers[k].ballot = ballot;
            eq_fibers[k].state = EQ_FIBER_READY;
        }
        any = 1;
    }
    return any;
}

EQ_HOST_UNWATCHED static void eq_block(const eq_host_launch *l, int64_t order)
{
    static int64_t at[EQ_HOST_THREADS];
    memset(__start_eq_shared, 0xFB, (size_t)(__stop_eq_shared - __start_eq_shared));
    for (int64_t k = 0; k < l->block; k++) eq_fibers[k].state = EQ_FIBER_NEW;
    eq_phase = 0;
    for (;;) {
        eq_shuffled(at, l->block, order);
        for (int64_t k = 0; k < l->block; k++) {
            eq_host_fiber *f = &eq_fibers[at[k]];
            if (f->state != EQ_FIBER_NEW && f->state != EQ_FIBER_READY) continue;
            if (f->state == EQ_FIBER_NEW) eq_fiber_begin(f);
            eq_running = (int)at[k];
            threadIdx.x = (unsigned)at[k];
            eq_to_fiber(f);
            if (f->state == EQ_FIBER_DONE) { eq_stacks[eq_n_stacks++] = f->stack; f->stack = NULL; }
        }
        if (eq_warps_go_on(l->block)) continue;
        int64_t done = 0;
        int line = -1;
        for (int64_t k = 0; k < l->block; k++) {
            if (eq_fibers[k].state == EQ_FIBER_DONE) { done++; continue; }
            if (line >= 0 && eq_fibers[k].line != line) eq_diverged("threads wait at different barriers", line);
            line = eq_fibers[k].line;
        }
        if (done == l->block) return;
        if (done) eq_diverged("a barrier that not all threads reach", line);
        for (int64_t k = 0; k < l->block; k++) eq_fibers[k].state = EQ_FIBER_READY;
        eq_phase++;
    }
}

EQ_HOST_UNWATCHED static void eq_on_fault(int, siginfo_t *info, void *)
{
    snprintf(eq_message, sizeof eq_message, "thread %u of block %u (of %lld blocks of %lld) touches memory outside its buffers, at %p", threadIdx.x,
             blockIdx.x, (long long)eq_launch->grid, (long long)eq_launch->block, info->si_addr);
    siglongjmp(eq_escape, EQ_HOST_FAULT);
}

extern "C" __attribute__((visibility("default"))) const char *eq_host_message(void) { return eq_message; }

/* One launch: 0, or why it was given up (eq_host_message). */
extern "C" EQ_HOST_UNWATCHED __attribute__((visibility("default"))) int64_t eq_host_enter(const eq_host_launch *l, int64_t order)
{
    static int64_t *blocks;
    static int64_t room;
    if (l->block > EQ_HOST_THREADS || l->block < 1) {
        snprintf(eq_message, sizeof eq_message, "a block has 1 to %d threads, not %lld", EQ_HOST_THREADS, (long long)l->block);
        return EQ_HOST_TOO_LARGE;
    }
    if (room < l->grid) {
        blocks = (int64_t *)realloc(blocks, (size_t)l->grid * sizeof *blocks);
        if (!blocks) abort();
        room = l->grid;
    }
    struct sigaction ours, segv, bus;
    memset(&ours, 0, sizeof ours);
    ours.sa_sigaction = eq_on_fault;
    ours.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGSEGV, &ours, &segv);
    sigaction(SIGBUS, &ours, &bus);
#if defined(__x86_64__)
    const unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | 0x8040u); /* float32 results below the normal numbers are 0, as with -ftz=true */
#endif
    eq_launch = l;
    blockDim.x = (unsigned)l->block;
    gridDim.x = (unsigned)l->grid;
    blockDim.y = blockDim.z = gridDim.y = gridDim.z = 1;
    eq_random = (uint64_t)order * UINT64_C(0x9E3779B97F4A7C15);
    const int status = sigsetjmp(eq_escape, 1);
    if (!status) {
#ifdef EQ_HOST_RACES
        eq_watch_begin();
#endif
        eq_shuffled(blocks, l->grid, order);
        for (int64_t b = 0; b < l->grid; b++) {
            blockIdx.x = (unsigned)blocks[b];
            eq_block(l, order);
        }
    } else {
        for (int k = 0; k < EQ_HOST_THREADS; k++)
            if (eq_fibers[k].stack) { eq_stacks[eq_n_stacks++] = eq_fibers[k].stack; eq_fibers[k].stack = NULL; }
    }
#if defined(__x86_64__)
    _mm_setcsr(mode);
#endif
    sigaction(SIGSEGV, &segv, NULL);
    sigaction(SIGBUS, &bus, NULL);
    return status;
}

/* A list of launches, one after the other, `times` times. Returns 0, or 256 times the number of the launch that failed plus why. */
extern "C" EQ_HOST_UNWATCHED __attribute__((visibility("default"))) int64_t eq_host_launches(const eq_host_launch *list, int64_t n, int64_t times, int64_t order)
{
    for (int64_t t = 0; t < times; t++)
        for (int64_t k = 0; k < n; k++) {
            const int64_t status = list[k].enter(&list[k], order < 2 ? order : order + t * n + k);
            if (status) return 256 * k + status;
        }
    return 0;
}
#endif
