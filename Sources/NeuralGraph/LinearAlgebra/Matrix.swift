internal import COpenBLAS

/// A non-owning view of a row-major matrix, which a product may read transposed.
struct Matrix {
    let pointer: UnsafePointer<Float>
    let rowStride: Int
    let isTransposed: Bool

    init(_ pointer: UnsafePointer<Float>, rowStride: Int, transposed: Bool = false) {
        self.pointer = pointer
        self.rowStride = rowStride
        self.isTransposed = transposed
    }

    init(_ pointer: UnsafeMutablePointer<Float>, rowStride: Int, transposed: Bool = false) {
        self.init(UnsafePointer(pointer), rowStride: rowStride, transposed: transposed)
    }
}

/// `C (+)= A B` with C `[rows, columns]`, A `[rows, inner]` and B `[inner, columns]`, on the calling thread.
///
/// ``OpenBLASRuntime/coreName`` must have been read before; every ``Executor`` does.
@inline(__always)
func multiply(
    rows: Int, columns: Int, inner: Int, _ a: Matrix, _ b: Matrix,
    into c: UnsafeMutablePointer<Float>, rowStride: Int, accumulates: Bool
) {
    cblas_sgemm(
        CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans, b.isTransposed ? CblasTrans : CblasNoTrans,
        blasint(rows), blasint(columns), blasint(inner), 1, a.pointer, blasint(a.rowStride),
        b.pointer, blasint(b.rowStride), accumulates ? 1 : 0, c, blasint(rowStride))
}
