#pragma once
/*
 * What generated kernels are compiled behind: the words of CUDA C that TornadoVM writes, played by the CPU. Work-items of a
 * group take turns: each runs until a barrier or an exchange of its warp, where the next one goes on. Groups run one after the
 * other, so that what a group leaves behind for another is seen; races are not.
 */
#include <cmath>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ucontext.h>
#include <utility>

#define __global__
#define __device__ static
#define __shared__ static
using std::exp; using std::fma; using std::floor; using std::isinf; using std::isnan; using std::log; using std::pow; using std::sqrt;

struct Extent { unsigned x, y, z; };

namespace items {
    constexpr int MOST = 1024, WARP = 32, STACK = 128 << 10, LAUNCH_FAILED = 719;

    struct Item {
        jmp_buf at;
        ucontext_t first;
        Extent id;
        int number;
        bool alive, started;
        char *stack;
    };

    /** A barrier of so many work-items. */
    struct Barrier { int size, here; unsigned turn; };

    /** A warp's registers on their way: written in one turn, read in the same, overwritten at the earliest in the turn after the next. */
    struct Warp { Barrier barrier; uint64_t values[2][WARP]; };

    static Item all[MOST];
    static Item *now;
    static jmp_buf scheduler;
    static Barrier group;
    static Warp warps[MOST / WARP];
    static bool progress;
    static void (*play)();

    /** A work-item's life, again and again: one time for each group. */
    static void live() {
        for (;;) {
            play();
            now->alive = false;
            if (!_setjmp(now->at)) _longjmp(scheduler, 1);
        }
    }

    static void go(Item &item) {
        now = &item;
        if (_setjmp(scheduler)) return;
        if (item.started) _longjmp(item.at, 1);
        item.started = true;
        setcontext(&item.first);
    }

    static void rest() {
        if (!_setjmp(now->at)) _longjmp(scheduler, 1);
    }

    static void wait(Barrier &b) {
        unsigned turn = b.turn;
        progress = true;
        if (++b.here == b.size) {
            b.here = 0;
            b.turn++;
        } else while (b.turn == turn) rest();
    }

    static void make(int count, Extent block) {
        for (int i = 0; i < count; i++) {
            Item &item = all[i];
            item.number = i;
            item.id = {i % block.x, i / block.x % block.y, i / (block.x * block.y)};
            item.started = false;
            if (!item.stack) item.stack = (char *) malloc(STACK);
            getcontext(&item.first);
            item.first.uc_stack.ss_sp = item.stack;
            item.first.uc_stack.ss_size = STACK;
            makecontext(&item.first, live, 0);
        }
    }

    /** Whether all work-items came to their end. */
    static bool run(int count) {
        group = {count, 0, 0};
        for (int w = 0; w * WARP < count; w++) warps[w].barrier = {count - w * WARP < WARP ? count - w * WARP : WARP, 0, 0};
        for (int i = 0; i < count; i++) all[i].alive = true;
        for (int left = count; left > 0; ) {
            progress = false;
            for (int i = 0; i < count; i++)
                if (all[i].alive) {
                    go(all[i]);
                    if (!all[i].alive) {
                        left--;
                        progress = true;
                    }
                }
            if (!progress) return false;
        }
        return true;
    }

    /** What another lane has; its own where there is no such lane. */
    template<class T> static T exchange(T value, int lane, int from) {
        Warp &w = warps[now->number / WARP];
        uint64_t *values = w.values[w.barrier.turn & 1];
        memcpy(&values[lane], &value, sizeof value);
        wait(w.barrier);
        if (from >= 0 && from < w.barrier.size) memcpy(&value, &values[from], sizeof value);
        return value;
    }

    /** What all lanes have; good until the exchange after the next. */
    static uint64_t *gather(uint64_t value, int lane) {
        Warp &w = warps[now->number / WARP];
        uint64_t *values = w.values[w.barrier.turn & 1];
        values[lane] = value;
        wait(w.barrier);
        return values;
    }

    template<class T> static T argument(void *at) { return *(T *) at; }
}

static Extent blockIdx, blockDim, gridDim;
#define threadIdx (items::now->id)

static void __syncthreads() { items::wait(items::group); }

// ---- warps

static int lane() { return items::now->number % items::WARP; }
template<class T> static T __shfl_sync(unsigned, T value, int from) { return items::exchange(value, lane(), from % items::WARP); }
template<class T> static T __shfl_down_sync(unsigned, T value, int by) { return items::exchange(value, lane(), lane() + by); }
template<class T> static T __shfl_xor_sync(unsigned, T value, int mask) { return items::exchange(value, lane(), lane() ^ mask); }

// ---- numbers

static int min(int a, int b) { return a < b ? a : b; }
static int max(int a, int b) { return a > b ? a : b; }
static long long min(long long a, long long b) { return a < b ? a : b; }
static long long max(long long a, long long b) { return a > b ? a : b; }
static float fmin(float a, float b) { return std::fmin(a, b); }
static float fmax(float a, float b) { return std::fmax(a, b); }
static float rsqrt(float x) { return 1 / std::sqrt(x); }
static double rsqrt(double x) { return 1 / std::sqrt(x); }
template<class T, class F> static T bits(F from) { T to; memcpy(&to, &from, sizeof to); return to; }
static float __int_as_float(int i) { return bits<float>(i); }
static int __float_as_int(float f) { return bits<int>(f); }
static unsigned __float_as_uint(float f) { return bits<unsigned>(f); }
static int atomicAdd(int *at, int by) { int before = *at; *at += by; return before; }

/** d = c + sum over the four bytes of a and b, with their signs. */
static void ptx_dp4a_s32_s32(int &d, int a, int b, int c) {
    for (int i = 0; i < 32; i += 8) c += (int8_t) (a >> i) * (int8_t) (b >> i);
    d = c;
}

// ---- half precision

/** 1 sign bit, 5 of the exponent (bias 15), 10 of the fraction; rounds to the nearest, ties to even. */
struct __half {
    uint16_t bits16;

    __half() = default;

    __half(float f) {
        uint32_t u = bits<uint32_t>(f), sign = u >> 16 & 0x8000, abs = u & 0x7FFFFFFF;
        if (abs > 0x7F800000) bits16 = sign | 0x7E00;
        else if (abs >= 0x477FF000) bits16 = sign | 0x7C00;
        else if (abs < 0x38800000) bits16 = sign | (uint16_t) std::nearbyint(std::ldexp(bits<float>(abs), 24));
        else bits16 = sign | (abs + 0xFFF + (abs >> 13 & 1) - 0x38000000) >> 13;
    }

    operator float() const {
        uint32_t exponent = bits16 >> 10 & 31, fraction = bits16 & 1023;
        float abs = exponent == 31 ? (fraction ? NAN : INFINITY)
                : exponent ? std::ldexp((float) (1024 + fraction), (int) exponent - 25) : std::ldexp((float) fraction, -24);
        return bits16 & 0x8000 ? -abs : abs;
    }
};

struct __half2 { __half x, y; };
static __half __float2half(float f) { return f; }
static float __half2float(__half h) { return h; }
static unsigned short __half_as_ushort(__half h) { return h.bits16; }
static __half2 __floats2half2_rn(float x, float y) { return {x, y}; }
static float __low2float(__half2 h) { return h.x; }
static float __high2float(__half2 h) { return h.y; }
static __half2 __hadd2(__half2 a, __half2 b) { return {(float) a.x + (float) b.x, (float) a.y + (float) b.y}; }
static __half2 __hmul2(__half2 a, __half2 b) { return {(float) a.x * (float) b.x, (float) a.y * (float) b.y}; }
static __half2 __hfma2(__half2 a, __half2 b, __half2 c) { return {std::fma((float) a.x, b.x, c.x), std::fma((float) a.y, b.y, c.y)}; }

// ---- tensor cores

/** Addresses of local memory have 32 bits: counted from here, since a kernel's arrays are in the same library. */
static char anchor;

static void ptx__(unsigned &address, const char *at) { address = (unsigned) (at - &anchor); }

/** The row at the address that a lane gave, of a matrix of 8 x 8 halves. */
static const uint16_t *matrix_row(uint64_t address) {
    if ((uint64_t) (&anchor + (int) address) % 16) fprintf(stderr, "[ERROR] a row of a matrix does not lie at a multiple of 16 bytes\n");
    return (const uint16_t *) (&anchor + (int) address);
}

/** Two neighbours of a row of each matrix; the rows' addresses are those of eight lanes. */
template<class R> static void ptx_ldmatrix_sync_aligned_m8n8_x4_shared_b16(R &r0, R &r1, R &r2, R &r3, unsigned address) {
    uint64_t *all = items::gather(address, lane());
    R *to[] = {&r0, &r1, &r2, &r3};
    for (int m = 0; m < 4; m++) memcpy(to[m], matrix_row(all[8 * m + lane() / 4]) + lane() % 4 * 2, 4);
}

/** Two neighbours of a column. */
template<class R> static void ptx_ldmatrix_sync_aligned_m8n8_x2_trans_shared_b16(R &r0, R &r1, unsigned address) {
    uint64_t *all = items::gather(address, lane());
    R *to[] = {&r0, &r1};
    for (int m = 0; m < 2; m++)
        for (int i = 0; i < 2; i++)
            memcpy((char *) to[m] + 2 * i, matrix_row(all[8 * m + lane() % 4 * 2 + i]) + lane() / 4, 2);
}

/** Copies to local memory are through when they are asked for. */
static void ptx_cp_async_ca_shared_global(unsigned to, const char *from) {
    if ((uint64_t) from % 4) fprintf(stderr, "[ERROR] four bytes are copied from an address that is no multiple of 4\n");
    memcpy(&anchor + (int) to, from, 4);
}
static void ptx_cp_async_commit_group_() {}
static void ptx_cp_async_wait_group() {}

static float half_of(uint64_t pair, int i) {
    __half h;
    h.bits16 = (uint16_t) (pair >> 16 * i);
    return h;
}

/** D = A B + C of bytes, A [16, 32], B [32, 8]: a lane has the rows and columns that it has of halves, and four neighbours along k. */
static void ptx_mma_sync_aligned_m16n8k32_row_col_s32_s8_s8_s32(int &d0, int &d1, int &d2, int &d3, unsigned a0, unsigned a1, unsigned a2,
        unsigned a3, unsigned b0, unsigned b1, int c0, int c1, int c2, int c3) {
    int8_t a[2][32], b[32][2];
    int sum[2][2] = {{c0, c1}, {c2, c3}};
    uint64_t bytes[] = {a0 | (uint64_t) a1 << 32, a2 | (uint64_t) a3 << 32};
    for (int h = 0; h < 2; h++) {
        uint64_t *all = items::gather(bytes[h], lane());
        for (int k = 0; k < 16; k++)
            for (int r = 0; r < 2; r++) a[r][16 * h + k] = (int8_t) (all[lane() / 4 * 4 + k / 4] >> (32 * r + k % 4 * 8));
    }
    uint64_t *all = items::gather(b0 | (uint64_t) b1 << 32, lane());
    for (int k = 0; k < 32; k++)
        for (int c = 0; c < 2; c++) b[k][c] = (int8_t) (all[(lane() % 4 * 2 + c) * 4 + k % 16 / 4] >> (k / 16 * 32 + k % 4 * 8));
    for (int r = 0; r < 2; r++)
        for (int c = 0; c < 2; c++)
            for (int k = 0; k < 32; k++) sum[r][c] += a[r][k] * b[k][c];
    d0 = sum[0][0];
    d1 = sum[0][1];
    d2 = sum[1][0];
    d3 = sum[1][1];
}

/** D = A B + C, A [16, 16], B [16, 8]: a lane has rows lane / 4 and that plus eight of A, C and D, and column lane / 4 of B. */
static void ptx_mma_sync_aligned_m16n8k16_row_col_f32_f16_f16_f32(float &d0, float &d1, float &d2, float &d3, unsigned a0, unsigned a1,
        unsigned a2, unsigned a3, unsigned b0, unsigned b1, float c0, float c1, float c2, float c3) {
    float a[2][16], b[16][2], sum[2][2] = {{c0, c1}, {c2, c3}};
    uint64_t halves[] = {a0 | (uint64_t) a1 << 32, a2 | (uint64_t) a3 << 32};
    for (int h = 0; h < 2; h++) {
        uint64_t *all = items::gather(halves[h], lane());
        for (int k = 0; k < 8; k++)
            for (int r = 0; r < 2; r++) a[r][8 * h + k] = half_of(all[lane() / 4 * 4 + k / 2], 2 * r + k % 2);
    }
    uint64_t *all = items::gather(b0 | (uint64_t) b1 << 32, lane());
    for (int k = 0; k < 16; k++)
        for (int c = 0; c < 2; c++) b[k][c] = half_of(all[(lane() % 4 * 2 + c) * 4 + k % 8 / 2], k / 8 * 2 + k % 2);
    for (int r = 0; r < 2; r++)
        for (int c = 0; c < 2; c++)
            for (int k = 0; k < 16; k++) sum[r][c] += a[r][k] * b[k][c];
    d0 = sum[0][0], d1 = sum[0][1], d2 = sum[1][0], d3 = sum[1][1];
}

// ---- a launch

static void **given;

template<class... A> struct Bound {
    static inline void (*function)(A...);
    template<size_t... I> static void call(std::index_sequence<I...>) { function(items::argument<A>(given[I])...); }
    static void play() { call(std::index_sequence_for<A...>()); }
};

/** Runs all groups; an error where work-items of a group wait for others that are through. */
template<class... A> static int launch(void (*function)(A...), Extent grid, Extent block, void **arguments) {
    int count = block.x * block.y * block.z;
    Bound<A...>::function = function;
    items::play = Bound<A...>::play;
    given = arguments;
    gridDim = grid;
    blockDim = block;
    items::make(count, block);
    for (unsigned z = 0; z < grid.z; z++)
        for (unsigned y = 0; y < grid.y; y++)
            for (unsigned x = 0; x < grid.x; x++) {
                blockIdx = {x, y, z};
                if (!items::run(count)) {
                    fprintf(stderr, "[ERROR] group (%u, %u, %u): work-items wait at a barrier that others never reach\n", x, y, z);
                    return items::LAUNCH_FAILED;
                }
            }
    return 0;
}

/** A copy of a launch's arguments: those of a captured launch are needed after it. */
template<class... A> static void **kept(void (*)(A...), void **arguments) {
    static const size_t sizes[] = {sizeof(A)..., 0};
    void **copy = (void **) calloc(sizeof...(A) + 1, sizeof(void *));
    for (size_t i = 0; copy && i < sizeof...(A); i++)
        if ((copy[i] = malloc(sizes[i]))) memcpy(copy[i], arguments[i], sizes[i]);
    return copy;
}
