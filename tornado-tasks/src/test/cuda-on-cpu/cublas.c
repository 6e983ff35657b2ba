/*
 * Stands in for libcublas and libcublasLt: a product of halves or of upper halves of floats, summed in double. Of libcublasLt's suggestions, three for small
 * products and two for others, which would be slow to try, the last one says that it cuts columns; matrices with an odd number of rows have none. libcudart, which TornadoVM's bridge to cuBLAS wants to see too, is made empty,
 * since nothing of it is called.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, NOT_SUPPORTED = 15, HALF = 2, BRAIN = 14, FLOAT = 0, TRANSPOSED = 1 };
enum { TRANSPOSE_A = 3, PARTS = 2, CUTTING = 9, SMALL = 1 << 17 };

static const int HANDLE = 1;

int cublasCreate_v2(void **handle) { *handle = (void *) &HANDLE; return OK; }
int cublasDestroy_v2(void *handle) { return OK; }
int cublasSetStream_v2(void *handle, void *stream) { return OK; }
int cublasSetMathMode(void *handle, int mode) { return OK; }
int cublasSetWorkspace_v2(void *handle, void *memory, size_t bytes) { return OK; }

typedef struct {
    int transA, transB, m, n, k, lda, ldb, ldc, type;
    float alpha, beta;
    const uint16_t *a, *b;
    float *c;
} Product;

static double number(int type, const uint16_t *bits) {
    if (type == HALF) {
        _Float16 half;
        memcpy(&half, bits, sizeof half);
        return half;
    }
    uint32_t upper = (uint32_t) *bits << 16;
    float f;
    memcpy(&f, &upper, sizeof f);
    return f;
}

/* Column after column: C [m, n] = alpha op(A) [m, k] op(B) [k, n] + beta C. */
static void multiply(void *with) {
    const Product *p = with;
    for (int j = 0; j < p->n; j++)
        for (int i = 0; i < p->m; i++) {
            double sum = 0;
            for (int l = 0; l < p->k; l++)
                sum += number(p->type, p->a + (p->transA == TRANSPOSED ? (size_t) i * p->lda + l : (size_t) l * p->lda + i))
                     * number(p->type, p->b + (p->transB == TRANSPOSED ? (size_t) l * p->ldb + j : (size_t) j * p->ldb + l));
            float *to = p->c + (size_t) j * p->ldc + i;
            *to = p->alpha * (float) sum + (p->beta == 0 ? 0 : p->beta * *to);
        }
}

/* Of the stand-in for the driver, which is there before this library is. */
static int noted(Product product) {
    int (*note)(void (*)(void *), void *) = 0;
    void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    if (driver) *(void **) &note = dlsym(driver, "noteCall");
    Product *kept = note ? malloc(sizeof *kept) : 0;
    if (!kept) return 0;
    *kept = product;
    if (note(multiply, kept)) return 1;
    free(kept);
    return 0;
}

int cublasGemmEx(void *handle, int transA, int transB, int m, int n, int k, const float *alpha, const uint16_t *a, int typeA, int lda,
                 const uint16_t *b, int typeB, int ldb, const float *beta, float *c, int typeC, int ldc, int compute, int algorithm) {
    if (typeA != typeB || (typeA != HALF && typeA != BRAIN) || typeC != FLOAT) return NOT_SUPPORTED;
    Product product = {transA, transB, m, n, k, lda, ldb, ldc, typeA, *alpha, *beta, a, b, c};
    if (!noted(product)) multiply(&product);
    return OK;
}

typedef struct { int type; uint64_t rows, cols; int64_t leading; } Layout;
typedef struct { uint64_t algorithm[8]; size_t workspace; int state; float waves; int reserved[4]; } Suggestion;

static int made(void **to, size_t bytes) { return (*to = calloc(1, bytes)) ? OK : NOT_SUPPORTED; }
static int gone(void *what) { free(what); return OK; }

int cublasLtMatmulDescCreate(void **description, int compute, int scale) { return made(description, sizeof(int)); }
int cublasLtMatmulDescDestroy(void *description) { return gone(description); }
int cublasLtMatmulPreferenceCreate(void **preference) { return made(preference, 1); }
int cublasLtMatmulPreferenceDestroy(void *preference) { return gone(preference); }
int cublasLtMatmulPreferenceSetAttribute(void *preference, int which, const void *value, size_t bytes) { return OK; }
int cublasLtMatrixLayoutDestroy(void *layout) { return gone(layout); }

int cublasLtMatmulDescSetAttribute(int *transposed, int which, const int *value, size_t bytes) {
    if (which != TRANSPOSE_A || bytes != sizeof *value) return NOT_SUPPORTED;
    *transposed = *value;
    return OK;
}

int cublasLtMatrixLayoutCreate(void **layout, int type, uint64_t rows, uint64_t cols, int64_t leading) {
    if (made(layout, sizeof(Layout))) return NOT_SUPPORTED;
    *(Layout *) *layout = (Layout) {type, rows, cols, leading};
    return OK;
}

int cublasLtMatmulAlgoGetHeuristic(void *handle, void *description, const Layout *a, const Layout *b, const Layout *c, const Layout *d, void *preference, int most,
                                   Suggestion *found, int *count) {
    *count = c->rows % 2 || most < 3 ? 0 : c->rows * c->cols * a->rows < SMALL ? 3 : 2;
    for (int i = 0; i < *count; i++) found[i] = (Suggestion) {.algorithm = {i + 1 < *count ? i + 1 : CUTTING}};
    return *count ? OK : NOT_SUPPORTED;
}

int cublasLtMatmulAlgoConfigGetAttribute(const uint64_t *algorithm, int which, int *value, size_t bytes, size_t *written) {
    if (which != PARTS || bytes != sizeof *value) return NOT_SUPPORTED;
    *value = *algorithm == CUTTING ? 2 : 1;
    *written = sizeof *value;
    return OK;
}

int cublasLtMatmul(void *handle, const int *transposed, const float *alpha, const uint16_t *a, const Layout *of, const uint16_t *b, const Layout *with, const float *beta,
                   const float *c, const Layout *added, float *d, const Layout *result, const uint64_t *algorithm, void *workspace, size_t bytes, void *stream) {
    if (c != d || added != result || *algorithm == 0 || *algorithm >= CUTTING || *transposed != TRANSPOSED || of->rows != with->rows) return NOT_SUPPORTED;
    if (((uintptr_t) a | (uintptr_t) b | (uintptr_t) d) % 256) return NOT_SUPPORTED;
    return cublasGemmEx(handle, TRANSPOSED, 0, result->rows, result->cols, of->rows, alpha, a, of->type, of->leading, b, with->type, with->leading, beta, d, result->type,
                        result->leading, 0, 0);
}
