package import NeuralGraph

/// Several sources of one shape, one after the other.
package struct CombinedExamples: ExampleSource {
    /// The sources in their order.
    package let sources: [any ExampleSource]
    /// Every example's shape.
    package let exampleShape: TensorShape

    // The position at which each source begins, and the total count at the end.
    private let starts: [Int]

    /// Puts sources one after the other.
    /// - Throws: ``DatasetError`` if there is no source, or shapes differ.
    package init(_ sources: [any ExampleSource]) throws(DatasetError) {
        guard let first = sources.first else { throw .empty(name: "combined examples") }
        var starts = [0]
        for (position, source) in sources.enumerated() {
            guard source.exampleShape == first.exampleShape else {
                throw .incompatibleShape(
                    name: "combined examples, source \(position)", found: source.exampleShape,
                    expected: first.exampleShape, remedy: "give sources of one shape")
            }
            starts.append(starts[position] + source.count)
        }
        self.sources = sources
        self.starts = starts
        exampleShape = first.exampleShape
    }

    /// The number of examples of all sources together.
    package var count: Int { starts[sources.count] }

    /// Whether one of the sources decodes when it is read.
    package var isDecodedOnRead: Bool { sources.contains { $0.isDecodedOnRead } }

    /// The class of one example.
    package func label(at index: Int) -> Int {
        let place = locate(index)
        return sources[place.source].label(at: place.index)
    }

    /// Writes one example.
    package func write(
        _ index: Int, augmentationSeed: UInt64?, into target: inout MutableSpan<Float>
    ) throws {
        let place = locate(index)
        try sources[place.source].write(place.index, augmentationSeed: augmentationSeed, into: &target)
    }

    private func locate(_ index: Int) -> (source: Int, index: Int) {
        precondition(index >= 0 && index < count, "there is no example \(index) among \(count)")
        var low = 0
        var high = sources.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= index { low = middle } else { high = middle }
        }
        return (low, index - starts[low])
    }
}
