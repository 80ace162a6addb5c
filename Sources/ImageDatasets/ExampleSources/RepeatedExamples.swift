import NeuralGraph

/// A source several times over. A loader's augmentation changes each repetition in its own way.
public struct RepeatedExamples: ExampleSource {
    /// What is repeated.
    public let source: any ExampleSource
    /// How many times.
    public let times: Int

    /// Repeats a source.
    /// - Throws: ``DatasetError`` if `times` is below 1 or the total is out of reach.
    public init(_ source: any ExampleSource, times: Int) throws(DatasetError) {
        guard times >= 1, !source.count.multipliedReportingOverflow(by: times).overflow else {
            throw .invalidSetting(
                name: "repetitions", value: "\(times)", remedy: "give a number of at least 1")
        }
        self.source = source
        self.times = times
    }

    /// The number of examples, repetitions counted.
    public var count: Int { source.count * times }

    /// Every example's shape.
    public var exampleShape: TensorShape { source.exampleShape }

    /// Whether the source decodes when it is read.
    public var isDecodedOnRead: Bool { source.isDecodedOnRead }

    /// The class of one example.
    public func label(at index: Int) -> Int { source.label(at: index % source.count) }

    /// Writes one example.
    public func write(
        _ index: Int, augmentationSeed: UInt64?, into target: UnsafeMutablePointer<Float>
    ) throws {
        try source.write(index % source.count, augmentationSeed: augmentationSeed, into: target)
    }
}
