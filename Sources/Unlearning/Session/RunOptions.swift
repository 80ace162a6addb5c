public import NeuralGraph

/// Seed, threads, algorithms and precision of a run.
///
/// Equal options, data and settings give bit-identical results for any number of threads.
public struct RunOptions: Sendable {
    /// The seed of all random numbers.
    public var seed: UInt64
    /// The number of threads, 1 to 1,024; nil for one per processor.
    public var threadCount: Int?
    /// `.fast`, or `.strict` for the universal algorithms alone.
    public var algorithms: Algorithms
    /// What the factors of products are rounded to; 32-bit floats, the default, stay as they are.
    ///
    /// With ``Precision/bfloat16`` results are others, and as reproducible: they depend on the kind of processor, not on
    /// the number of threads.
    public var precision: Precision
    /// Where an interrupted run goes on from; nil, the default, keeps nothing.
    public var checkpoint: Checkpoint?

    /// Creates options.
    public init(
        seed: UInt64 = 0, threadCount: Int? = nil, algorithms: Algorithms = .fast, precision: Precision = .float32
    ) {
        self.seed = seed
        self.threadCount = threadCount
        self.algorithms = algorithms
        self.precision = precision
    }

    /// The most threads that are started.
    package static let mostThreads = 1024

    /// Checks the thread count.
    /// - Throws: ``UnlearningError``.
    package func validate() throws(UnlearningError) {
        guard let threadCount, !(1...Self.mostThreads).contains(threadCount) else { return }
        throw .invalidSetting(
            name: "threads", value: "\(threadCount)", remedy: "use a number from 1 to \(Self.mostThreads)")
    }
}
