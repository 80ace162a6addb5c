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
    /// What the factors of products, and activations for the gradients, are rounded to; 32-bit floats, the default, stay.
    ///
    /// With `Precision.bfloat16` training takes about half of the memory, besides that of parameters. Results are others,
    /// and as reproducible: they depend on the kind of processor, not on the number of threads.
    public var precision: Precision
    /// Where an interrupted run goes on from; nil, the default, keeps nothing.
    public var checkpoint: Checkpoint?
    /// Examples in each shard of a batch, 1 to 1,000,000; nil, the default, computes batches as a whole.
    ///
    /// A batch in shards is what several processes share: with equal shards they compute the same bits as one process, on
    /// any number of them. Against whole batches results differ by rounding.
    public var shardSize: Int?
    /// The processes that share the work; nil for one.
    package var processes: (any ProcessGroup)?

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

    /// Examples in a shard where several processes share the work and no other number is given.
    package static let defaultShardSize = 32

    /// How batches are cut and shared; nil for whole batches.
    package var sharding: Sharding? {
        guard shardSize != nil || processes.map({ $0.count > 1 }) ?? false else { return nil }
        return Sharding(size: shardSize ?? Self.defaultShardSize, group: processes ?? SingleProcess())
    }

    /// Checks thread count and shards.
    /// - Throws: ``UnlearningError``.
    package func validate() throws(UnlearningError) {
        if let shardSize, !(1...1_000_000).contains(shardSize) {
            throw .invalidSetting(
                name: "shard size", value: "\(shardSize)", remedy: "use a number from 1 to 1000000")
        }
        guard let threadCount, !(1...Self.mostThreads).contains(threadCount) else { return }
        throw .invalidSetting(
            name: "threads", value: "\(threadCount)", remedy: "use a number from 1 to \(Self.mostThreads)")
    }
}
