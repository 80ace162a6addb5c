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
