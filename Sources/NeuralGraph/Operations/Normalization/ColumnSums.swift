internal import CNeuralKernels

/// Sums over the rows of a matrix `[rows, channels]`, in parallel and in a fixed order: float sums of blocks of rows,
/// then the blocks in Double.
enum ColumnSums {
    /// Rows of one block: enough work for a task, few enough that a float sums them accurately.
    static func blockRows(channels: Int) -> Int { max(64, min(512, 32 * 1024 / max(1, channels))) }

    static func blocks(rows: Int, channels: Int) -> Int {
        let size = blockRows(channels: channels)
        return (rows + size - 1) / size
    }

    static func scratchCount(rows: Int, channels: Int) -> Int { blocks(rows: rows, channels: channels) * channels }

    static func compute(
        _ x: UnsafePointer<Float>, rows: Int, channels: Int, into sums: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        reduce(rows: rows, channels: channels, scratch: scratch, threads: threads) { block, partial in
            cnk_column_sums(x + block.lowerBound * channels, block.count, channels, partial)
        } combine: { channel, total in
            sums[channel] = Float(total)
        }
    }

    /// Calls `partial` for each block of rows to write its sums, then `combine` with each channel's total.
    static func reduce(
        rows: Int, channels: Int, scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam,
        partial: (Range<Int>, UnsafeMutablePointer<Float>) -> Void, combine: (Int, Double) -> Void
    ) {
        let size = blockRows(channels: channels)
        let count = blocks(rows: rows, channels: channels)
        threads.forEach(count) { block, _ in
            partial(block * size..<min(rows, (block + 1) * size), scratch + block * channels)
        }
        for channel in 0..<channels {
            var total = 0.0
            for block in 0..<count { total += Double(scratch[block * channels + channel]) }
            combine(channel, total)
        }
    }
}
