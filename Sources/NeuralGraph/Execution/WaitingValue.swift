internal import CNeuralKernels

/// The places of a value that waits for the backward pass in bfloat16: in floats, and rounded, in half of the memory.
///
/// Rounding is to the nearest number, halfway cases to the even one, element by element.
struct WaitingValue {
    /// The offset of the floats in the arena: those to round, or those to restore.
    let floats: Int
    /// The offset of the rounded numbers, two for each float of the arena.
    let halves: Int
    /// The numbers of one example.
    let count: Int
    /// The node that computes the value again, if the rounded numbers are that node's first input.
    let repeatedNode: Int?

    /// The floats of memory that rounded numbers take.
    static func floats(for count: Int) -> Int { (count + 1) / 2 }

    /// Rounds the value of a batch.
    func round(in arena: UnsafeMutablePointer<Float>, batch: Int, threads: ThreadTeam) {
        let (source, target) = (arena + floats, arena + halves)
        // Blocks of an even length, so that a pair is in one of them.
        threads.forEachChunk(of: batch * count, floatsEach: 1) { part in
            cnk_pair_columns(source + part.lowerBound, 1, part.count, target + part.lowerBound / 2)
        }
    }

    /// Writes the rounded value of a batch as floats.
    func restore(in arena: UnsafeMutablePointer<Float>, batch: Int, threads: ThreadTeam) {
        let (source, target) = (arena + halves, arena + floats)
        threads.forEachChunk(of: batch * count, floatsEach: 1) { part in
            cnk_widen(source + part.lowerBound / 2, target + part.lowerBound, part.count)
        }
    }
}

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
