import ImageDatasets
import NeuralGraph
import Synchronization

/// How the images of a network of shards were divided, and what each shard holds, as its file remembers it.
package struct ShardRecord: Sendable, Codable, Hashable {
    /// The images of one shard.
    struct Content: Sendable, Codable, Hashable {
        /// Their number.
        var count = 0
        /// The sums of their checksums, classes included, which depend on no order.
        var sums: [UInt64] = [0, 0]

        mutating func add(_ image: [UInt64]) {
            count += 1
            sums = zip(sums, image).map { $0 &+ $1 }
        }

        static func + (one: Content, other: Content) -> Content {
            Content(count: one.count + other.count, sums: zip(one.sums, other.sums).map { $0 &+ $1 })
        }
    }

    /// The seed of the division, of the first weights and of the order of the images.
    let seed: UInt64
    /// What each shard was trained on.
    let contents: [Content]
    /// The checksum of the numbers that training ended with.
    let weights: String

    /// The checksum of a model's network and numbers.
    static func checksum(of model: Model) -> String {
        var model = model
        model.metadata = ModelMetadata()
        return Fingerprint.text(of: model)
    }
}

/// Which examples belong to which shard.
///
/// An example's shard follows from its pixels and the seed alone. It stays where it is when others are left out, and equal
/// images share a shard, so that none of them is left in another when all are to be forgotten.
struct ShardDivision {
    /// The positions of each shard's examples, in rising order.
    private(set) var members: [[Int]]
    /// What each shard holds.
    private(set) var contents: [ShardRecord.Content]
    /// A checksum of each example with its class, in the order of the examples.
    private var checksums: [UInt64] = []

    private static let blockSize = 4096

    /// Reads all examples once.
    /// - Throws: what reading throws, or `CancellationError`.
    init(_ examples: any ExampleSource, shards: Int, seed: UInt64, context: RunContext) throws {
        members = [[Int]](repeating: [], count: shards)
        contents = [ShardRecord.Content](repeating: ShardRecord.Content(), count: shards)
        for start in stride(from: 0, to: examples.count, by: Self.blockSize) {
            if context.processes.count == 1 { try context.checkCancellation() }
            let end = min(start + Self.blockSize, examples.count)
            let words = Mutex([[UInt64]](repeating: [], count: end - start))
            let failure = FirstFailure()
            context.threads.forEach(end - start) { position, _ in
                failure.catching {
                    let own = try Self.words(of: examples, at: start + position, seed: seed)
                    words.withLock { $0[position] = own }
                }
            }
            try failure.check()
            for (position, words) in words.withLock({ $0 }).enumerated() {
                let shard = Int(words[0] % UInt64(shards))
                members[shard].append(start + position)
                contents[shard].add(Array(words[1...]))
                checksums.append(words[1])
            }
        }
    }

    /// Whether a shard has an example that one of the same shard of another division equals.
    func hasCommon(with other: ShardDivision, in shard: Int) -> Bool {
        let theirs = Set(other.members[shard].map { other.checksums[$0] })
        return members[shard].contains { theirs.contains(checksums[$0]) }
    }

    /// The word that chooses an example's shard, and two that tell it apart together with its class.
    private static func words(of examples: any ExampleSource, at index: Int, seed: UInt64) throws -> [UInt64] {
        try withUnsafeTemporaryAllocation(of: Float.self, capacity: examples.exampleShape.count) { memory in
            memory.initialize(repeating: 0)
            var room = memory.mutableSpan
            try examples.write(index, augmentationSeed: nil, into: &room)
            var sum = Fingerprint()
            sum.add(seed)
            sum.add(UnsafeRawBufferPointer(memory))
            let place = sum.words[0]
            sum.add(UInt64(truncatingIfNeeded: examples.label(at: index)))
            return [place] + sum.words
        }
    }
}
