import NeuralGraph

/// Examples for one step. Its memory is used again: what a ``BatchLoader`` hands out is valid until its next batch is
/// asked for or this one is recycled.
public final class Batch: @unchecked Sendable {
    // Unchecked, since a batch is in one pair of hands at a time: the loader's thread fills it, then the caller has it.

    /// The most examples that fit.
    public let capacity: Int
    /// One example's shape, channels last.
    public let exampleShape: Shape
    /// The number of examples in the batch; the last batch of an epoch may have fewer than the others.
    public private(set) var count = 0

    private let inputStorage: UnsafeMutableBufferPointer<Float>
    private let labelStorage: UnsafeMutableBufferPointer<Int32>
    private let indexStorage: UnsafeMutableBufferPointer<Int>

    init(capacity: Int, exampleShape: Shape) {
        self.capacity = capacity
        self.exampleShape = exampleShape
        inputStorage = .allocate(capacity: capacity * exampleShape.count)
        labelStorage = .allocate(capacity: capacity)
        indexStorage = .allocate(capacity: capacity)
        inputStorage.initialize(repeating: 0)
        labelStorage.initialize(repeating: 0)
        indexStorage.initialize(repeating: 0)
    }

    deinit {
        inputStorage.deallocate()
        labelStorage.deallocate()
        indexStorage.deallocate()
    }

    /// The inputs: `[count, ...exampleShape]`, row-major.
    public var inputs: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: inputStorage.baseAddress, count: count * exampleShape.count)
    }

    /// The classes: `[count]`.
    public var labels: UnsafeMutableBufferPointer<Int32> {
        UnsafeMutableBufferPointer(start: labelStorage.baseAddress, count: count)
    }

    /// The examples' positions in their source: `[count]`.
    public var indices: UnsafeMutableBufferPointer<Int> {
        UnsafeMutableBufferPointer(start: indexStorage.baseAddress, count: count)
    }

    /// A copy of the inputs: `[count, ...exampleShape]`.
    public var inputTensor: Tensor {
        Tensor(shape: Shape([count] + exampleShape.dimensions)) { target in
            _ = target.update(fromContentsOf: inputs)
        }
    }

    /// Reads examples into the batch, whose old content is gone.
    /// - Parameters:
    ///   - indices: at most ``capacity`` positions in the source.
    ///   - augmentationSeed: the epoch's; each example gets one of its own from it.
    ///   - isCancelled: asked before each example; true leaves the batch half filled.
    func fill(
        from source: any ExampleSource, indices: ArraySlice<Int>, augmentationSeed: UInt64?,
        isCancelled: () -> Bool
    ) throws {
        count = indices.count
        let size = exampleShape.count
        for (position, index) in zip(0..., indices) {
            if isCancelled() { return }
            guard let label = Int32(exactly: source.label(at: index)), label >= 0 else {
                throw DatasetError.labelOutOfRange(
                    path: "examples", index: index, label: source.label(at: index),
                    classes: Int(Int32.max) + 1)
            }
            indexStorage[position] = index
            labelStorage[position] = label
            guard let target = inputStorage.baseAddress else { continue }
            // The position in the source, not in the batch: an example changes the same way wherever it stands.
            let seed = augmentationSeed.map { $0 &+ UInt64(index + 1) &* 0x9e37_79b9_7f4a_7c15 }
            try source.write(index, augmentationSeed: seed, into: target + position * size)
        }
    }
}
