public import NeuralGraph

/// Labeled examples as numbers that a network takes: images after their preparation, noise, features.
///
/// Several threads may read at the same time.
public protocol ExampleSource: LabeledData {
    /// Every example's shape, channels last, without a batch axis: `[height, width, channels]` of an image.
    var exampleShape: TensorShape { get }

    /// Whether writing an example is work that is worth sharing among threads; false if left out.
    var isDecodedOnRead: Bool { get }

    /// The class of one example, not negative.
    /// - Parameter index: in `0..<count`; anything else is a programming error.
    func label(at index: Int) -> Int

    /// Writes one example.
    /// - Parameters:
    ///   - index: in `0..<count`; anything else is a programming error.
    ///   - augmentationSeed: chooses the random change of an example that has one; the same seed makes the same
    ///     change. nil asks for the example unchanged.
    ///   - target: `exampleShape.count` floats; all are written.
    /// - Throws: what reading the example throws.
    func write(_ index: Int, augmentationSeed: UInt64?, into target: inout MutableSpan<Float>) throws
}

extension ExampleSource {
    /// false: examples are copied from memory.
    public var isDecodedOnRead: Bool { false }

    /// Some examples as one tensor `[indices.count, ...exampleShape]`, without augmentation, and their labels.
    /// - Throws: ``DatasetError``, or what reading an example throws.
    public func tensor(at indices: [Int]) throws -> (inputs: Tensor, labels: [Int]) {
        if let wrong = indices.first(where: { $0 < 0 || $0 >= count }) {
            throw DatasetError.indexOutOfRange(name: "examples", index: wrong, count: count)
        }
        let size = exampleShape.count
        let inputs = try unsafe Tensor(
            shape: TensorShape([indices.count] + exampleShape.dimensions),
            writingElements: { buffer in
                for (position, index) in indices.enumerated() {
                    let place = unsafe UnsafeMutableBufferPointer(
                        rebasing: buffer[position * size..<(position + 1) * size])
                    var target = unsafe place.mutableSpan
                    try write(index, augmentationSeed: nil, into: &target)
                }
            })
        return (inputs, indices.map { label(at: $0) })
    }

    /// All labels, in the order of the examples.
    public var labels: [Int] { (0..<count).map { label(at: $0) } }
}
