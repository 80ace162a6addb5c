internal import CNeuralKernels

/// A ``Pointwise`` node's function, as the tasks of the node before it apply it to their results while those are in cache.
struct FollowingFunction {
    let function: cnk_function
    /// The memory of the function's values, in the results' layout; the results' own if they are not needed any more.
    let output: UnsafeMutablePointer<Float>

    /// Applies the function to a block of results.
    /// - Parameters:
    ///   - results: the block's first result.
    ///   - offset: its place in the whole.
    ///   - rowStride: the distance between rows.
    func apply(
        to results: UnsafeMutablePointer<Float>, at offset: Int, rows: Int, rowStride: Int, columns: Int
    ) {
        let target = output + offset
        guard columns < rowStride else { return cnk_pointwise(results, target, rows * columns, function) }
        for row in 0..<rows {
            cnk_pointwise(results + row * rowStride, target + row * rowStride, columns, function)
        }
    }
}

/// A kernel that may apply a ``FollowingFunction`` to its results.
protocol FollowedKernel: Kernel {
    /// Whether it does so if its memory has a function.
    var appliesFunction: Bool { get }
}
