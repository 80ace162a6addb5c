/// A kernel whose result for one example depends on the others of the batch, through sums over them.
///
/// Where a batch is computed in shards, each shard's sums are measured, combined over all shards, and handed to each shard's
/// pass. Without shards the passes of ``Kernel`` do all of this themselves.
protocol BatchStatisticsKernel: Kernel {
    /// The number of sums in the forward and in the backward pass.
    var forwardSumCount: Int { get }
    var backwardSumCount: Int { get }

    /// Whether passes in a mode depend on other examples; if not, shards run the passes of ``Kernel``.
    func combinesExamples(in mode: Mode) -> Bool

    /// Measures one shard.
    func measure(_ pass: ForwardPass, into sums: UnsafeMutablePointer<Double>)

    /// Adds the sums of the forward pass of other examples to those of some.
    func combine(_ sums: UnsafeMutablePointer<Double>, with others: UnsafePointer<Double>)

    /// Updates the state by the sums of the whole batch.
    func updateState(_ state: [UnsafeMutablePointer<Float>], by sums: UnsafePointer<Double>)

    /// Computes one shard's output with the sums of the whole batch.
    func forward(_ pass: ForwardPass, sums: UnsafePointer<Double>)

    /// Measures one shard's gradients, and writes what it adds to the parameters' gradients. Sums over shards are plain sums.
    func measureGradients(_ pass: BackwardPass, into sums: UnsafeMutablePointer<Double>)

    /// Computes one shard's gradients by the inputs with the sums of the whole batch.
    /// - Parameter examples: the number of examples in the batch.
    func backward(_ pass: BackwardPass, sums: UnsafePointer<Double>, examples: Int)
}

/// A kernel whose backward pass has two parts, each of which prepares working memory from the parameters.
///
/// Where a batch is computed in shards, the first part runs for all of them, then the second, so that what was prepared
/// serves all shards.
protocol TwoPartKernel: Kernel {
    /// Computes the gradients by the inputs.
    func backwardInputs(_ pass: BackwardPass)
    /// Computes the gradients by the parameters.
    func backwardParameters(_ pass: BackwardPass)
}
