import NeuralGraph

/// What a run depends on besides its data and configuration. The same options give bit-identical results, whatever
/// the thread count.
public struct RunOptions: Sendable {
    /// The seed of everything random.
    public var seed: UInt64
    /// How many threads compute; all of the machine's processors if nil.
    public var threadCount: Int?
    /// `.strict` leaves the universal algorithms alone.
    public var algorithms: Algorithms

    /// Creates options.
    public init(seed: UInt64 = 0, threadCount: Int? = nil, algorithms: Algorithms = .fast) {
        self.seed = seed
        self.threadCount = threadCount
        self.algorithms = algorithms
    }

    /// The most threads that are started.
    public static let mostThreads = 1024

    /// Checks the thread count.
    /// - Throws: ``UnlearningError/invalidSetting(name:value:remedy:)``.
    public func validate() throws(UnlearningError) {
        guard let threadCount, !(1...Self.mostThreads).contains(threadCount) else { return }
        throw .invalidSetting(
            name: "threads", value: "\(threadCount)", remedy: "use a number from 1 to \(Self.mostThreads)")
    }
}
