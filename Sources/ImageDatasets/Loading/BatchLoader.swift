import Foundation
import NeuralGraph

/// Reads one epoch's batches ahead of time, on a thread of its own.
///
/// A few batches are used in turn, so that a step allocates nothing. Order and content depend on the settings alone.
/// Make a loader for each epoch, with other seeds. A loader serves one consumer: calls of ``next()`` must not
/// overlap.
///
/// ```swift
/// let loader = try BatchLoader(examples, batchSize: 256, order: .shuffled(seed: 7))
/// while let batch = try loader.next() { step(batch) }
/// ```
package final class BatchLoader: Sendable {
    /// In which order examples are read.
    package enum Order: Sendable, Hashable {
        /// As the source has them.
        case sequential
        /// In an order drawn from the seed (Fisher and Yates).
        case shuffled(seed: UInt64)
    }

    /// The number of batches of the whole epoch.
    package let batchCount: Int
    /// The number of examples of the whole epoch, without those that are dropped.
    package let exampleCount: Int
    /// The number of examples in every batch but perhaps the last.
    package let batchSize: Int

    private let queue: BatchQueue

    /// Starts to read.
    /// - Parameters:
    ///   - source: the examples.
    ///   - batchSize: at least 1.
    ///   - augmentationSeed: the epoch's seed for random changes; nil leaves examples unchanged.
    ///   - dropsLast: whether a last batch that is not full is left out.
    ///   - prefetch: how many batches are read ahead, 0 to 64; 0 reads in ``next()`` itself, without a thread. One
    ///     batch more than this is allocated.
    ///   - part: the places in a batch of a size whose inputs are read, since others read the rest; nil for all. Labels and
    ///     indices are always read.
    ///   - workers: the threads that decode examples that are decoded when they are read, such as pictures; nil for one on
    ///     each processor.
    /// - Throws: ``DatasetError``.
    package convenience init(
        _ source: any ExampleSource, batchSize: Int, order: Order = .sequential,
        augmentationSeed: UInt64? = nil, dropsLast: Bool = false, prefetch: Int = 2,
        part: (@Sendable (_ batchSize: Int) -> Range<Int>)? = nil, workers: Int? = nil
    ) throws(DatasetError) {
        try self.init(
            source, batchSize: batchSize, order: order, augmentationSeed: augmentationSeed, dropsLast: dropsLast,
            prefetch: prefetch, startingAt: 0, part: part, workers: workers)
    }

    /// Starts to read an epoch that was interrupted, as the other initializer does, without its first batches.
    /// - Parameter firstBatch: how many batches are skipped, which are not read; 0 or more.
    /// - Throws: ``DatasetError``.
    package init(
        _ source: any ExampleSource, batchSize: Int, order: Order, augmentationSeed: UInt64?, dropsLast: Bool,
        prefetch: Int = 2, startingAt firstBatch: Int, part: (@Sendable (_ batchSize: Int) -> Range<Int>)? = nil,
        workers: Int? = nil
    ) throws(DatasetError) {
        guard batchSize >= 1 else {
            throw .invalidSetting(
                name: "batch size", value: "\(batchSize)", remedy: "give a number of at least 1")
        }
        guard (0...64).contains(prefetch) else {
            throw .invalidSetting(
                name: "batches to prefetch", value: "\(prefetch)", remedy: "give a number from 0 to 64")
        }
        var indices = Array(0..<source.count)
        if case .shuffled(let seed) = order {
            var random = SeededRandom(seed: seed, stream: "order of examples")
            random.draw(indices.count, toFrontOf: &indices)
        }
        let full = indices.count / batchSize
        let hasPart = indices.count % batchSize > 0 && !dropsLast
        self.batchSize = batchSize
        batchCount = full + (hasPart ? 1 : 0)
        exampleCount = hasPart ? indices.count : full * batchSize
        let capacity = min(batchSize, max(indices.count, 1))
        let bytes = try checkedProduct(
            [prefetch + 1, capacity, MemoryLayout<Float>.stride] + source.exampleShape.dimensions,
            path: "batches of \(batchSize)")
        guard bytes <= MemoryLimit.byteCount else {
            throw .invalidSetting(
                name: "batch size", value: "\(batchSize)",
                remedy:
                    "the batches would take \(bytes) bytes, more memory than this program may use; give a smaller one")
        }
        queue = BatchQueue(
            source: source, indices: indices, batchSize: batchSize, batchCount: batchCount,
            augmentationSeed: augmentationSeed, capacity: capacity, depth: prefetch, firstBatch: max(0, firstBatch),
            part: part, workers: workers)
        queue.start()
    }

    deinit {
        // The thread holds the queue, never the loader: it sees this, ends and frees everything.
        queue.cancel()
    }

    /// Returns the next batch, or nil at the end of the epoch; waits until it has been read.
    ///
    /// The batch before it becomes invalid: its memory is used again.
    /// - Throws: what the source throws, in the place of the batch that could not be read and on every later call;
    ///   `CancellationError` after ``cancel()``.
    package func next() throws -> Batch? { try queue.next() }

    /// Returns a batch early, so that it can be filled before the next one is asked for.
    package func recycle(_ batch: Batch) { queue.recycle(batch) }

    /// Stops reading after the current example, and ends a waiting call of ``next()``.
    package func cancel() { queue.cancel() }
}
