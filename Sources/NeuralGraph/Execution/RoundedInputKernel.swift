/// A kernel that rounds its first input to bfloat16 in the forward pass, and reads it so in the backward pass.
///
/// It does so where ``NodeMemory/roundedInput`` is not nil: no other backward pass reads the input then, and its floats are gone.
/// From the rounded input it may compute its output again, so that the output need not wait for the backward pass too.
protocol RoundedInputKernel: Kernel {
    /// Whether this node computes its output again, for little more than it costs to read it.
    var repeatsForward: Bool { get }

    /// Writes the output of the rounded first input, with everything else that the forward pass saved.
    /// - Parameters:
    ///   - memory: the node's memory; its inputs and output no longer hold their values.
    ///   - batch: the number of examples.
    ///   - rounded: the first input, two numbers in each float.
    ///   - output: the memory to write.
    func repeatForward(
        _ memory: NodeMemory, batch: Int, rounded: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>,
        threads: ThreadTeam)
}
