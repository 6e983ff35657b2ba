package uk.ac.manchester.tornado.cublas;

import java.util.Arrays;
import uk.ac.manchester.tornado.api.common.Access;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;

/** Library tasks of cuBLAS. Matrices are stored column after column. */
public final class CuBlas {

    public static final String LIBRARY_NAME = "cublas";
    private static final int ARGUMENTS = 13;
    private static final int C = 11;

    private CuBlas() {
    }

    /** {@code C = alpha op(A) op(B) + beta C}: halves in, sums and results in single precision. C: [m, n], op(A): [m, k], op(B): [k, n]. */
    public static LibraryTaskDescriptor cublasGemmExFP16FP32(int transa, int transb, int m, int n, int k, float alpha,
            HalfFloatArray matrixA, int lda, HalfFloatArray matrixB, int ldb, float beta, FloatArray matrixC, int ldc) {
        Access[] access = new Access[ARGUMENTS];
        Arrays.fill(access, Access.READ_ONLY);
        access[C] = beta == 0 ? Access.WRITE_ONLY : Access.READ_WRITE;
        return new LibraryTaskDescriptor().withLibrary(LIBRARY_NAME).withFunction("cublasGemmExFP16FP32")
                .withParameters(new Object[] {transa, transb, m, n, k, alpha, matrixA, lda, matrixB, ldb, beta, matrixC, ldc})
                .withAccess(access);
    }
}
