/// A kernel whose output can be computed again before the backward pass, for little more than it costs to read it.
///
/// In bfloat16 the output need not wait for the backward pass then, if the first input does. The output is that of the rounded
/// input, with everything else that the forward pass saved.
protocol RepeatableKernel: Kernel {
    /// Whether this node can do it.
    var repeatsForward: Bool { get }

    /// Writes the output of the last forward pass.
    /// - Parameters:
    ///   - memory: the node's memory; its inputs and output no longer hold their values.
    ///   - batch: the number of examples.
    ///   - halves: the first input, two rounded numbers in each float.
    ///   - output: the memory to write.
    func repeatForward(
        _ memory: NodeMemory, batch: Int, halves: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>,
        threads: ThreadTeam)
}
