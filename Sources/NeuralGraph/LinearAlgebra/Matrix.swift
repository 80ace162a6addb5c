import COpenBLAS

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

/// The one place that changes OpenBLAS's process-wide settings.
///
/// OpenBLAS's thread count becomes 1, since the engine's own loops are the parallelism. A host application that calls
/// OpenBLAS itself can raise it again afterwards; the engine's results stay the same, only its speed changes.
///
/// Which kernels OpenBLAS uses is left to its own detection of the processor, and to the environment variable
/// `OPENBLAS_CORETYPE` if it is set: on an AVX-512 machine pinned to `Haswell`, products run at half their speed.
enum OpenBLASRuntime {
    /// The name of the kernels in use, such as `SkylakeX`. Reading it applies the settings, once.
    static let coreName: String = {
        openblas_set_num_threads(1)
        return openblas_get_corename().map { String(cString: $0) } ?? "unknown"
    }()
}
