package import NeuralGraph

/// Some of a source's examples, in any order; an example may occur more than once.
package struct ExampleSubset: ExampleSource {
    /// The source that the examples come from.
    package let source: any ExampleSource
    /// The examples' positions in ``source``.
    package let indices: [Int]

    /// Chooses examples by their positions.
    /// - Throws: ``DatasetError``.
    package init(_ source: any ExampleSource, indices: [Int]) throws(DatasetError) {
        if let wrong = indices.first(where: { $0 < 0 || $0 >= source.count }) {
            throw .indexOutOfRange(name: "examples", index: wrong, count: source.count)
        }
        self.source = source
        self.indices = indices
    }

    /// The number of examples chosen.
    package var count: Int { indices.count }

    /// Every example's shape.
    package var exampleShape: TensorShape { source.exampleShape }

    /// Whether the source decodes when it is read.
    package var isDecodedOnRead: Bool { source.isDecodedOnRead }

    /// The class of one example.
    package func label(at index: Int) -> Int { source.label(at: indices[index]) }

    /// Writes one example.
    package func write(
        _ index: Int, augmentationSeed: UInt64?, into target: inout MutableSpan<Float>
    ) throws {
        try source.write(indices[index], augmentationSeed: augmentationSeed, into: &target)
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
