package import NeuralGraph

/// A source repeated several times; augmentation changes each repetition differently.
package struct RepeatedExamples: ExampleSource {
    /// What is repeated.
    package let source: any ExampleSource
    /// How many times.
    package let times: Int

    /// Repeats a source.
    /// - Throws: ``DatasetError`` if `times` is below 1 or the total is out of reach.
    package init(_ source: any ExampleSource, times: Int) throws(DatasetError) {
        guard times >= 1, !source.count.multipliedReportingOverflow(by: times).overflow else {
            throw .invalidSetting(
                name: "repetitions", value: "\(times)", remedy: "give a number of at least 1")
        }
        self.source = source
        self.times = times
    }

    /// The number of examples, repetitions counted.
    package var count: Int { source.count * times }

    /// Every example's shape.
    package var exampleShape: TensorShape { source.exampleShape }

    /// Whether the source decodes when it is read.
    package var isDecodedOnRead: Bool { source.isDecodedOnRead }

    /// The class of one example.
    package func label(at index: Int) -> Int { source.label(at: index % source.count) }

    /// Writes one example.
    package func write(
        _ index: Int, augmentationSeed: UInt64?, into target: inout MutableSpan<Float>
    ) throws {
        try source.write(index % source.count, augmentationSeed: augmentationSeed, into: &target)
    }
}
