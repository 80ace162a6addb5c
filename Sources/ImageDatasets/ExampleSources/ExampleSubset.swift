import NeuralGraph

/// Some of a source's examples, in an order of their own. An example may occur more than once.
public struct ExampleSubset: ExampleSource {
    /// The source that the examples come from.
    public let source: any ExampleSource
    /// The examples' positions in ``source``.
    public let indices: [Int]

    /// Chooses examples by their positions.
    /// - Throws: ``DatasetError/indexOutOfRange(name:index:count:)``.
    public init(_ source: any ExampleSource, indices: [Int]) throws(DatasetError) {
        if let wrong = indices.first(where: { $0 < 0 || $0 >= source.count }) {
            throw .indexOutOfRange(name: "examples", index: wrong, count: source.count)
        }
        self.source = source
        self.indices = indices
    }

    /// The number of examples chosen.
    public var count: Int { indices.count }

    /// Every example's shape.
    public var exampleShape: TensorShape { source.exampleShape }

    /// Whether the source decodes when it is read.
    public var isDecodedOnRead: Bool { source.isDecodedOnRead }

    /// The class of one example.
    public func label(at index: Int) -> Int { source.label(at: indices[index]) }

    /// Writes one example.
    public func write(
        _ index: Int, augmentationSeed: UInt64?, into target: UnsafeMutablePointer<Float>
    ) throws {
        try source.write(indices[index], augmentationSeed: augmentationSeed, into: target)
    }
}

extension ExampleSource {
    /// The examples of all classes but some; the source itself if it has none of them.
    package func excluding(_ classes: Set<Int>) throws(DatasetError) -> any ExampleSource {
        guard !classes.isEmpty else { return self }
        let kept = (0..<count).filter { !classes.contains(label(at: $0)) }
        return kept.count == count ? self : try ExampleSubset(self, indices: kept)
    }
}
