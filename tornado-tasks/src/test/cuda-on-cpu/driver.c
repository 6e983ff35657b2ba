/*
 * Stands in for libcuda: the part of the driver's interface that TornadoVM's CUDA backend calls, on the host's memory and
 * without waiting for anything, since every call is done when it returns. A "cubin" is the path of a shared object that
 * nvrtc.c made of a kernel. A captured graph is a list of launches, copies and calls of libraries, repeated in
 * their order.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, INVALID_IMAGE = 200, NOT_FOUND = 500, CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901 };

static const int HANDLE = 1;    /* contexts, streams and events have nothing in them, but are not null */
static const size_t MEMORY = (size_t) 16 << 30;
static const size_t ALIGNMENT = 512;

typedef struct { unsigned x, y, z; } Extent;
typedef struct { int (*launch)(Extent grid, Extent block, void **arguments); void **(*kept)(void **arguments); } Kernel;
typedef struct Step {
    struct Step *next;
    Kernel *kernel;         /* null for a copy or a call */
    void (*call)(void *);   /* of a library's function, with what it was called with */
    void *with;
    Extent grid, block;
    void **arguments;
    void *to;
    const void *from;
    size_t bytes;
} Step;
typedef struct { Step *first, **end; } Graph;

static Graph *capturing;

static int handle(void **to) { *to = (void *) &HANDLE; return OK; }

int cuInit(unsigned flags) { return OK; }
int cuDriverGetVersion(int *version) { *version = 13000; return OK; }
int cuGetErrorName(int code, const char **text) { *text = code == CAPTURE_UNSUPPORTED ? "not while a graph is captured" : "error of the stand-in"; return OK; }
int cuGetErrorString(int code, const char **text) { return cuGetErrorName(code, text); }

/* ---- the device */

int cuDeviceGetCount(int *count) { *count = 1; return OK; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return OK; }
int cuDeviceGetName(char *name, int length, int device) { snprintf(name, length, "CPU posing as sm_90"); return OK; }
int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = MEMORY; return OK; }

/* What sm_90 answers; the numbers are those of CUdevice_attribute. */
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    switch (attribute) {
        case 1: case 2: case 3: *value = 1024; break;      /* work-items of a group, in x, in y */
        case 4: *value = 64; break;                        /* in z */
        case 5: *value = INT32_MAX; break;                 /* groups in x */
        case 6: case 7: *value = 65535; break;             /* in y, in z */
        case 8: *value = 48 << 10; break;                  /* bytes of local memory of a group */
        case 10: *value = 32; break;                       /* work-items of a warp */
        case 13: *value = 1980000; break;                  /* kHz */
        case 16: *value = 132; break;                      /* multiprocessors */
        case 75: *value = 9; break;                        /* compute capability, 9.0 */
        case 76: *value = 0; break;
        default: *value = 1;
    }
    return OK;
}

int cuCtxCreate_v4(void **context) { return handle(context); }
int cuCtxDestroy_v2(void *context) { return OK; }
int cuCtxSetCurrent(void *context) { return OK; }
int cuCtxSynchronize(void) { return OK; }

/* ---- memory */

/* Filled with a pattern that is no plausible number: reading what nobody wrote shows. */
int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
    void *memory;
    if (capturing) return CAPTURE_UNSUPPORTED;
    if (posix_memalign(&memory, ALIGNMENT, bytes + ALIGNMENT)) return OUT_OF_MEMORY;
    memset(memory, 0xCD, bytes);
    *address = (uint64_t) memory;
    return OK;
}

int cuMemFree_v2(uint64_t address) { free((void *) address); return OK; }
int cuMemAllocHost_v2(void **memory, size_t bytes) { *memory = malloc(bytes); return *memory ? OK : OUT_OF_MEMORY; }
int cuMemFreeHost(void *memory) { free(memory); return OK; }
int cuMemHostRegister_v2(void *memory, size_t bytes, unsigned flags) { return OK; }
int cuMemHostUnregister(void *memory) { return OK; }

/* While a graph is captured, what is asked for is noted and not done. */
static Step *noted(void) {
    Step *step = calloc(1, sizeof *step);
    if (!step) abort();
    *capturing->end = step;
    capturing->end = &step->next;
    return step;
}

static int copy(void *to, const void *from, size_t bytes) {
    if (!capturing) {
        memmove(to, from, bytes);
        return OK;
    }
    Step *step = noted();
    step->to = to;
    step->from = from;
    step->bytes = bytes;
    return OK;
}

/* For the stand-ins of libraries: whether the call is noted, and is not to be made now. */
int noteCall(void (*call)(void *), void *with) {
    if (!capturing) return 0;
    Step *step = noted();
    step->call = call;
    step->with = with;
    return 1;
}

int cuMemcpyDtoD_v2(uint64_t to, uint64_t from, size_t bytes) { return copy((void *) to, (void *) from, bytes); }
int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *stream) { return copy(to, (void *) from, bytes); }
int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, void *stream) { return copy((void *) to, from, bytes); }
int cuMemsetD8_v2(uint64_t to, unsigned char value, size_t bytes) { memset((void *) to, value, bytes); return OK; }

/* ---- kernels */

int cuModuleLoadDataEx(void **module, const void *image, unsigned options, int *names, void **values) {
    *module = dlopen(image, RTLD_NOW | RTLD_LOCAL);
    if (!*module) fprintf(stderr, "[ERROR] %s\n", dlerror());
    return *module ? OK : INVALID_IMAGE;
}

int cuModuleUnload(void *module) { return OK; }

/* A shared object has one kernel. */
int cuModuleGetFunction(void **function, void *module, const char *name) {
    Kernel *kernel = malloc(sizeof *kernel);
    if (!kernel) return OUT_OF_MEMORY;
    *(void **) &kernel->launch = dlsym(module, "launch");
    *(void **) &kernel->kept = dlsym(module, "kept");
    *function = kernel;
    return kernel->launch && kernel->kept ? OK : NOT_FOUND;
}

int cuLaunchKernel(Kernel *kernel, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                   void *stream, void **arguments, void **extra) {
    if (!gx || !gy || !gz || !bx || !by || !bz || (uint64_t) bx * by * bz > 1024) return INVALID_VALUE;
    Extent grid = {gx, gy, gz}, block = {bx, by, bz};
    if (!capturing) return kernel->launch(grid, block, arguments);
    Step *step = noted();
    step->kernel = kernel;
    step->grid = grid;
    step->block = block;
    step->arguments = kernel->kept(arguments);
    return OK;
}

int cuOccupancyMaxPotentialBlockSize(int *groups, int *size, void *function, void *shared, size_t bytes, int limit) {
    *groups = 132;
    *size = 256;
    return OK;
}

/* ---- streams, events, graphs */

int cuStreamCreate(void **stream, unsigned flags) { return handle(stream); }
int cuStreamDestroy_v2(void *stream) { return OK; }
int cuStreamSynchronize(void *stream) { return capturing ? CAPTURE_UNSUPPORTED : OK; }
int cuStreamWaitEvent(void *stream, void *event, unsigned flags) { return OK; }
int cuStreamIsCapturing(void *stream, int *status) { *status = capturing != NULL; return OK; }
int cuEventCreate(void **event, unsigned flags) { return handle(event); }
int cuEventDestroy_v2(void *event) { return OK; }
int cuEventRecord(void *event, void *stream) { return OK; }
int cuEventQuery(void *event) { return OK; }
int cuEventSynchronize(void *event) { return OK; }
int cuEventElapsedTime_v2(float *ms, void *from, void *to) { *ms = 0.001f; return OK; }
int cuEventElapsedTime(float *ms, void *from, void *to) { return cuEventElapsedTime_v2(ms, from, to); }

int cuStreamBeginCapture_v2(void *stream, int mode) {
    if (capturing) return CAPTURE_UNSUPPORTED;
    capturing = calloc(1, sizeof *capturing);
    if (!capturing) return OUT_OF_MEMORY;
    capturing->end = &capturing->first;
    return OK;
}

int cuStreamEndCapture(void *stream, void **graph) {
    if (!capturing) return CAPTURE_INVALIDATED;
    *graph = capturing;
    capturing = NULL;
    return OK;
}

/* Its steps are in one row, so that nobody need know the last ones. */
int cuStreamGetCaptureInfo_v2(void *stream, int *status, uint64_t *id, void **graph, const void **last, size_t *count) {
    *status = capturing != NULL;
    *id = 0;
    *graph = capturing;
    *last = NULL;
    *count = 0;
    return OK;
}

int cuGraphClone(void **clone, const Graph *graph) {
    Graph *made = calloc(1, sizeof *made);
    if (!made) return OUT_OF_MEMORY;
    made->end = &made->first;
    for (const Step *step = graph->first; step; step = step->next) {
        Step *copied = malloc(sizeof *copied);
        if (!copied) return OUT_OF_MEMORY;
        *copied = *step;
        copied->next = NULL;
        *made->end = copied;
        made->end = &copied->next;
    }
    *clone = made;
    return OK;
}

/* What runs is the graph itself, which is kept for as long as the process lives. */
int cuGraphInstantiateWithFlags(void **run, void *graph, uint64_t flags) { *run = graph; return OK; }
int cuGraphExecUpdate_v2(void *run, void *graph, void *result) { return CAPTURE_UNSUPPORTED; }
int cuGraphDestroy(void *graph) { return OK; }
int cuGraphExecDestroy(void *run) { return OK; }

int cuGraphLaunch(void *run, void *stream) {
    for (Step *step = ((Graph *) run)->first; step; step = step->next) {
        if (step->call) step->call(step->with);
        else if (!step->kernel) memmove(step->to, step->from, step->bytes);
        if (!step->kernel) continue;
        int failed = step->kernel->launch(step->grid, step->block, step->arguments);
        if (failed) return failed;
    }
    return OK;
}
