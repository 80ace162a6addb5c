package import NeuralGraph
import Synchronization

/// Examples for one step, in memory that is reused.
///
/// A batch of a ``BatchLoader`` is valid until the next one is asked for.
@safe package final class Batch: @unchecked Sendable {
    // Unchecked, since a batch is in one pair of hands at a time: the loader's thread fills it, then the caller has it.

    /// The most examples that fit.
    package let capacity: Int
    /// One example's shape, channels last.
    package let exampleShape: TensorShape
    /// The number of examples in the batch; the last batch of an epoch may have fewer than the others.
    package private(set) var count = 0

    private let inputStorage: UnsafeMutableBufferPointer<Float>
    private let labelStorage: UnsafeMutableBufferPointer<Int32>
    private let indexStorage: UnsafeMutableBufferPointer<Int>

    init(capacity: Int, exampleShape: TensorShape) {
        self.capacity = capacity
        self.exampleShape = exampleShape
        unsafe inputStorage = .allocate(capacity: capacity * exampleShape.count)
        unsafe labelStorage = .allocate(capacity: capacity)
        unsafe indexStorage = .allocate(capacity: capacity)
        unsafe inputStorage.initialize(repeating: 0)
        unsafe labelStorage.initialize(repeating: 0)
        unsafe indexStorage.initialize(repeating: 0)
    }

    deinit {
        unsafe inputStorage.deallocate()
        unsafe labelStorage.deallocate()
        unsafe indexStorage.deallocate()
    }

    /// The inputs: `[count, ...exampleShape]`, row-major.
    package var inputs: UnsafeMutableBufferPointer<Float> {
        unsafe UnsafeMutableBufferPointer(start: inputStorage.baseAddress, count: count * exampleShape.count)
    }

    /// The classes: `[count]`.
    package var labels: UnsafeMutableBufferPointer<Int32> {
        unsafe UnsafeMutableBufferPointer(start: labelStorage.baseAddress, count: count)
    }

    /// The examples' positions in their source: `[count]`.
    package var indices: UnsafeMutableBufferPointer<Int> {
        unsafe UnsafeMutableBufferPointer(start: indexStorage.baseAddress, count: count)
    }

    /// A copy of the inputs: `[count, ...exampleShape]`.
    package var inputTensor: Tensor {
        unsafe Tensor(
            shape: TensorShape([count] + exampleShape.dimensions),
            writingElements: { target in _ = unsafe target.update(fromContentsOf: inputs) })
    }

    /// Reads examples into the batch, whose old content is gone.
    /// - Parameters:
    ///   - indices: at most ``capacity`` positions in the source.
    ///   - augmentationSeed: the epoch's; each example gets one of its own from it.
    ///   - part: the places in the batch whose inputs are read; the others keep the inputs that they had.
    ///   - threads: share the reading; nil reads one example after the other.
    ///   - isCancelled: asked before each example; true leaves the batch half filled.
    /// - Throws: what the first unreadable example throws, for any number of threads.
    func fill(
        from source: any ExampleSource, indices: ArraySlice<Int>, augmentationSeed: UInt64?, part: Range<Int>? = nil,
        threads: ThreadTeam? = nil, isCancelled: () -> Bool
    ) throws {
        count = indices.count
        for position in 0..<count { try readLabel(position, from: source, indices: indices) }
        let part = (part ?? 0..<count).clamped(to: 0..<count)
        guard let threads else {
            for position in part where !isCancelled() {
                try read(position, from: source, indices: indices, augmentationSeed: augmentationSeed)
            }
            return
        }
        // Indices are given out in order, so every example before a failed one is read too.
        let failure = Mutex<(position: Int, error: any Error)?>(nil)
        threads.forEach(part.count) { place, _ in
            let position = part.lowerBound + place
            let isBeyond = failure.withLock { failure in failure.map { $0.position < position } ?? false }
            if isBeyond || isCancelled() { return }
            do {
                try read(position, from: source, indices: indices, augmentationSeed: augmentationSeed)
            } catch {
                failure.withLock { failure in
                    if failure.map({ position < $0.position }) ?? true { failure = (position, error) }
                }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure.error }
    }

    private func readLabel(_ position: Int, from source: any ExampleSource, indices: ArraySlice<Int>) throws {
        let index = indices[indices.startIndex + position]
        guard let label = Int32(exactly: source.label(at: index)), label >= 0 else {
            throw DatasetError.labelOutOfRange(
                path: "examples", index: index, label: source.label(at: index),
                classes: Int(Int32.max) + 1)
        }
        unsafe indexStorage[position] = index
        unsafe labelStorage[position] = label
    }

    private func read(
        _ position: Int, from source: any ExampleSource, indices: ArraySlice<Int>, augmentationSeed: UInt64?
    ) throws {
        let index = indices[indices.startIndex + position]
        // The position in the source, not in the batch: an example changes the same way wherever it stands.
        let seed = augmentationSeed.map { $0 &+ UInt64(index + 1) &* 0x9e37_79b9_7f4a_7c15 }
        let size = exampleShape.count
        let place = unsafe UnsafeMutableBufferPointer(rebasing: inputStorage[position * size..<(position + 1) * size])
        var target = unsafe place.mutableSpan
        try source.write(index, augmentationSeed: seed, into: &target)
    }
}
