/*
 * Stands in for libcublas: a product of halves or of upper halves of floats, summed in double. The other libraries that TornadoVM's bridge to cuBLAS wants to
 * see (libcublasLt, libcudart) are made empty, since nothing of them is called.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, NOT_SUPPORTED = 15, HALF = 2, BRAIN = 14, FLOAT = 0, TRANSPOSED = 1 };

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
