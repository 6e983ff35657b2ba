/*
 * Stands in for libcublas: a product of halves, summed in double. The other libraries that TornadoVM's bridge to cuBLAS wants to
 * see (libcublasLt, libcudart) are made empty, since nothing of them is called.
 */
#include <stddef.h>

enum { OK = 0, NOT_SUPPORTED = 15, HALF = 2, FLOAT = 0, TRANSPOSED = 1 };

static const int HANDLE = 1;

int cublasCreate_v2(void **handle) { *handle = (void *) &HANDLE; return OK; }
int cublasDestroy_v2(void *handle) { return OK; }
int cublasSetStream_v2(void *handle, void *stream) { return OK; }
int cublasSetMathMode(void *handle, int mode) { return OK; }
int cublasSetWorkspace_v2(void *handle, void *memory, size_t bytes) { return OK; }

/* Column after column: C [m, n] = alpha op(A) [m, k] op(B) [k, n] + beta C. */
int cublasGemmEx(void *handle, int transA, int transB, int m, int n, int k, const float *alpha, const _Float16 *a, int typeA, int lda,
                 const _Float16 *b, int typeB, int ldb, const float *beta, float *c, int typeC, int ldc, int compute, int algorithm) {
    if (typeA != HALF || typeB != HALF || typeC != FLOAT) return NOT_SUPPORTED;
    for (int j = 0; j < n; j++)
        for (int i = 0; i < m; i++) {
            double sum = 0;
            for (int l = 0; l < k; l++)
                sum += (double) a[transA == TRANSPOSED ? (size_t) i * lda + l : (size_t) l * lda + i]
                     * (double) b[transB == TRANSPOSED ? (size_t) l * ldb + j : (size_t) j * ldb + l];
            float *to = c + (size_t) j * ldc + i;
            *to = *alpha * (float) sum + (*beta == 0 ? 0 : *beta * *to);
        }
    return OK;
}
