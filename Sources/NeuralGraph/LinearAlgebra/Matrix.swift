import CNeuralKernels
import COpenBLAS

/// A non-owning view of a row-major matrix, which a product may read transposed.
package struct Matrix {
    let pointer: UnsafePointer<Float>
    let rowStride: Int
    let isTransposed: Bool

    package init(_ pointer: UnsafePointer<Float>, rowStride: Int, transposed: Bool = false) {
        self.pointer = pointer
        self.rowStride = rowStride
        self.isTransposed = transposed
    }

    init(_ pointer: UnsafeMutablePointer<Float>, rowStride: Int, transposed: Bool = false) {
        self.init(UnsafePointer(pointer), rowStride: rowStride, transposed: transposed)
    }

    /// The part that starts at an element.
    func from(row: Int, column: Int) -> Matrix {
        let offset = isTransposed ? column * rowStride + row : row * rowStride + column
        return Matrix(pointer + offset, rowStride: rowStride, transposed: isTransposed)
    }

    fileprivate var view: cnk_matrix {
        cnk_matrix(pointer: pointer, row_stride: rowStride, is_transposed: isTransposed ? 1 : 0)
    }
}

/// What multiplies matrices that are not packed in a plan.
package enum MatrixKernel: Sendable {
    /// OpenBLAS, which the universal algorithms always use.
    case openBLAS
    /// The engine's own loops, where OpenBLAS does not know the processor.
    case ownLoops
    /// The engine's own loops for factors that are rounded to bfloat16.
    case rounding

    /// - Parameters:
    ///   - algorithms: which algorithms may be used.
    ///   - precision: what factors are rounded to.
    ///   - size: the largest number of rows or columns of a factor, if it is known.
    package init(_ algorithms: Algorithms, _ precision: Precision, size: Int = .max) {
        switch (precision, algorithms) {
        case (.bfloat16, _): self = .rounding
        case (.float32, .strict): self = .openBLAS
        case (.float32, .fast):
            let isSmall = size <= Self.smallSize && OpenBLASRuntime.isSlowerForSmallMatrices
            self = isSmall || OpenBLASRuntime.isSlowerThanOwnLoops ? .ownLoops : .openBLAS
        }
    }

    /// Up to this size OpenBLAS's preparations take a large share of a product's time.
    private static let smallSize = 128
}

/// `C (+)= A B` with C `[rows, columns]`, A `[rows, inner]` and B `[inner, columns]`, on the calling thread.
///
/// ``OpenBLASRuntime/coreName`` must have been read before; every ``Executor`` does.
@inline(__always)
func multiply(
    rows: Int, columns: Int, inner: Int, _ a: Matrix, _ b: Matrix,
    into c: UnsafeMutablePointer<Float>, rowStride: Int, accumulates: Bool, by kernel: MatrixKernel
) {
    guard kernel == .openBLAS else {
        var product = cnk_product(
            a: a.view, b: b.view, c: c, c_row: rowStride, rows: rows, columns: columns, inner: inner,
            accumulates: accumulates ? 1 : 0)
        return kernel == .ownLoops ? cnk_multiply_matrices(&product) : cnk_multiply_rounded(&product)
    }
    cblas_sgemm(
        CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans, b.isTransposed ? CblasTrans : CblasNoTrans,
        blasint(rows), blasint(columns), blasint(inner), 1, a.pointer, blasint(a.rowStride),
        b.pointer, blasint(b.rowStride), accumulates ? 1 : 0, c, blasint(rowStride))
}

/// The same in tasks of blocks of C, on all workers.
package func multiply(
    rows: Int, columns: Int, inner: Int, _ a: Matrix, _ b: Matrix,
    into c: UnsafeMutablePointer<Float>, rowStride: Int, accumulates: Bool, by kernel: MatrixKernel,
    threads: ThreadTeam
) {
    // Large enough that packing a block's factors is little work beside its products.
    let (blockRows, blockColumns) = (128, 512)
    let columnBlocks = (columns + blockColumns - 1) / blockColumns
    threads.forEach((rows + blockRows - 1) / blockRows * columnBlocks) { task, _ in
        let (rowBlock, columnBlock) = task.quotientAndRemainder(dividingBy: columnBlocks)
        let (row, column) = (rowBlock * blockRows, columnBlock * blockColumns)
        multiply(
            rows: min(blockRows, rows - row), columns: min(blockColumns, columns - column), inner: inner,
            a.from(row: row, column: 0), b.from(row: 0, column: column), into: c + row * rowStride + column,
            rowStride: rowStride, accumulates: accumulates, by: kernel)
    }
}

/// The one place that changes OpenBLAS's process-wide settings.
///
/// OpenBLAS's thread count becomes 1, since the engine's own loops are the parallelism. A host application that calls
/// OpenBLAS itself can raise it again afterwards; the engine's results stay the same, only its speed changes.
///
/// Which kernels OpenBLAS uses is left to its own detection of the processor, and to the environment variable
/// `OPENBLAS_CORETYPE` if it is set: on an AVX-512 machine pinned to `Haswell`, products run at half their speed.
package enum OpenBLASRuntime {
    /// The name of the kernels in use, such as `SkylakeX`. Reading it applies the settings, once.
    package static let coreName: String = {
        openblas_set_num_threads(1)
        return openblas_get_corename().map { String(cString: $0) } ?? "unknown"
    }()

    /// Whether the kernels are for an older instruction set than the engine's own loops.
    ///
    /// It is a matter of names, never of a measurement, so that results stay the same from run to run.
    static let isSlowerThanOwnLoops = isSlower(coreName, thanLoops: String(cString: cnk_level_name()))

    /// Whether the engine's own loops are faster for matrices of up to 128 rows and columns, where the kernels are for AVX2:
    /// by 4 to 44 % for attention of 17 to 128 tokens. With AVX-512, OpenBLAS has kernels for small matrices.
    static let isSlowerForSmallMatrices =
        ["haswell", "zen"].contains(coreName.lowercased()) && String(cString: cnk_level_name()) == "avx2"

    /// - Parameters:
    ///   - kernels: OpenBLAS's name for its kernels.
    ///   - level: the instruction set of the engine's own loops.
    package static func isSlower(_ kernels: String, thanLoops level: String) -> Bool {
        let kernels = kernels.lowercased()
        let hasAVX512 = ["skylakex", "cooperlake", "sapphirerapids"].contains(kernels)
        return switch level {
        case "avx512": !hasAVX512
        case "avx2": !hasAVX512 && !["haswell", "zen"].contains(kernels)
        default: false
        }
    }
}
