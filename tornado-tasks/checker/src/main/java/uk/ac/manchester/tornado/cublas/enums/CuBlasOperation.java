package uk.ac.manchester.tornado.cublas.enums;

/** How cuBLAS reads an operand: as it is, or transposed. */
public enum CuBlasOperation {
    CUBLAS_OP_N(0), CUBLAS_OP_T(1);

    private final int operation;

    CuBlasOperation(int operation) {
        this.operation = operation;
    }

    public int operation() {
        return operation;
    }
}
