/* The functions of the CUDA runtime that an exported project calls, on the CPU: memory is that of the machine, a launch is done at once, and a graph is a
 * list of launches. Goes with eq_host.h, which gives the words of kernels a meaning. */
#ifndef EQ_HOST_CUDA_H
#define EQ_HOST_CUDA_H
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int cudaError_t;
enum { cudaSuccess, cudaErrorMemoryAllocation = 2, cudaErrorUnknown = 999 };
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3 };
enum { cudaStreamNonBlocking = 1, cudaStreamCaptureModeRelaxed = 2 };

struct eq_host_graph { eq_host_launch *list; int64_t n, room; };
typedef eq_host_graph *cudaGraph_t, *cudaGraphExec_t;
struct eq_host_stream { eq_host_graph *captured; };
typedef eq_host_stream *cudaStream_t;
struct dim3 { unsigned x; explicit dim3(unsigned x_) : x(x_) {} };

static inline const char *cudaGetErrorString(cudaError_t error)
{
    return error == cudaErrorMemoryAllocation ? "out of memory" : error == cudaSuccess ? "no error" : eq_host_message();
}
static inline cudaError_t cudaMalloc(void **p, size_t n) { return (*p = malloc(n)) ? cudaSuccess : cudaErrorMemoryAllocation; }
static inline cudaError_t cudaFree(void *p) { free(p); return cudaSuccess; }

/* gcc 12 makes 1, 1, 1, 1 of a constant whose last 32 bytes are 1, 1, 0, 0 where it copies it for a processor with AVX-512: it must not see what is copied. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 8
#define EQ_HOST_UNSEEN __attribute__((noipa, unused))
#else
#define EQ_HOST_UNSEEN __attribute__((noinline, unused))
#endif
EQ_HOST_UNSEEN static cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t n, cudaMemcpyKind, cudaStream_t) { memcpy(to, from, n); return cudaSuccess; }
static inline cudaError_t cudaMemsetAsync(void *to, int value, size_t n, cudaStream_t) { memset(to, value, n); return cudaSuccess; }
static inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
static inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned)
{
    return (*s = (cudaStream_t)calloc(1, sizeof **s)) ? cudaSuccess : cudaErrorMemoryAllocation;
}
static inline cudaError_t cudaStreamDestroy(cudaStream_t s) { free(s); return cudaSuccess; }
static inline cudaError_t cudaStreamBeginCapture(cudaStream_t s, int)
{
    return (s->captured = (cudaGraph_t)calloc(1, sizeof *s->captured)) ? cudaSuccess : cudaErrorMemoryAllocation;
}
static inline cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t *graph)
{
    *graph = s->captured;
    s->captured = NULL;
    return cudaSuccess;
}
static inline cudaError_t cudaGraphDestroy(cudaGraph_t) { return cudaSuccess; } /* what was made of it is the same list */
static inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) { free(graph->list); free(graph); return cudaSuccess; }
static inline cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *made, cudaGraph_t graph, unsigned long long) { *made = graph; return cudaSuccess; }
static inline cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t) { return eq_host_launches(graph->list, graph->n, 1, 0) ? cudaErrorUnknown : cudaSuccess; }

/* Kernels have two arguments, or one. */
static inline cudaError_t cudaLaunchKernel(const void *kernel, dim3 grid, dim3 block, void **args, size_t, cudaStream_t s)
{
    eq_host_launch one;
    memset(&one, 0, sizeof one);
    one.kernel = const_cast<void *>(kernel);
    one.enter = eq_host_enter;
    one.grid = grid.x;
    one.block = block.x;
    one.n_args = 2;
    for (int k = 0; k < 2; k++) memcpy(&one.args[k], args[k], sizeof one.args[k]);
    eq_host_graph *graph = s->captured;
    if (!graph) return eq_host_launches(&one, 1, 1, 0) ? cudaErrorUnknown : cudaSuccess;
    if (graph->n == graph->room) {
        graph->room = 2 * graph->room + 16;
        eq_host_launch *list = (eq_host_launch *)realloc(graph->list, (size_t)graph->room * sizeof *list);
        if (!list) return cudaErrorMemoryAllocation;
        graph->list = list;
    }
    graph->list[graph->n++] = one;
    return cudaSuccess;
}
#endif
