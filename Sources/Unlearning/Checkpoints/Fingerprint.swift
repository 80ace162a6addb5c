import ImageDatasets
import NeuralGraph
import Synchronization

/// A 128-bit checksum that tells contents apart that differ by accident; a forger is not kept out.
///
/// Each word of eight bytes enters two lanes by a multiplication with an odd number and a rotation, which loses nothing,
/// so that two lists that differ in one word always have different sums.
struct Fingerprint {
    private var first: UInt64 = 0x6a09_e667_f3bc_c908
    private var second: UInt64 = 0xbb67_ae85_84ca_a73b

    /// Adds a word.
    mutating func add(_ word: UInt64) {
        let mixed = (first ^ word) &* 0x9e37_79b9_7f4a_7c15
        first = mixed << 31 | mixed >> 33
        let other = (second &+ word) &* 0xd6e8_feb8_6659_fd93
        second = (other << 27 | other >> 37) ^ first
    }

    /// Adds bytes, and their number.
    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        add(UInt64(bytes.count))
        let words = bytes.count / 8
        for index in 0..<words {
            add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)))
        }
        guard bytes.count > 8 * words else { return }
        var rest: UInt64 = 0
        for index in 8 * words..<bytes.count { rest = rest << 8 | UInt64(bytes[index]) }
        add(rest)
    }

    /// Adds text.
    mutating func add(_ text: String) {
        Array(text.utf8).withUnsafeBytes { add($0) }
    }

    /// The two lanes, mixed once more.
    var words: [UInt64] {
        [first, second].map { word in
            var z = word
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
    }

    /// 32 hexadecimal digits.
    var text: String {
        words.map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

extension Fingerprint {
    /// The sum of a model's network, numbers and forgotten classes.
    static func text(of model: Model) -> String {
        var sum = Fingerprint()
        for node in model.graph.nodes { sum.add("\(node.name) \(node.operation.kind) \(node.shape)") }
        for (name, tensor) in model.stateDictionary.sorted(by: { $0.key < $1.key }) {
            sum.add("\(name) \(tensor.shape)")
            tensor.withUnsafeElements { sum.add(UnsafeRawBufferPointer($0)) }
        }
        sum.add("\(model.metadata.forgottenClasses.sorted()) \(model.metadata.learningRate ?? 0)")
        return sum.text
    }

    /// The sum of all examples as the network sees them, with their classes; of the first also as they are augmented.
    static func text(of examples: any ExampleSource, context: RunContext) throws -> String {
        let size = examples.exampleShape.count
        let perBlock = max(1, min(256, (4 << 20) / max(1, size)))
        var sum = Fingerprint()
        var block = [Float](repeating: 0, count: perBlock * size)
        func add(_ positions: Range<Int>, augmentationSeed: UInt64?) throws {
            let failure = FirstFailure()
            try block.withUnsafeMutableBufferPointer { buffer in
                guard let start = buffer.baseAddress else { return }
                nonisolated(unsafe) let target = start
                context.threads.forEach(positions.count) { position, _ in
                    failure.catching {
                        var room = UnsafeMutableBufferPointer(start: target + position * size, count: size).mutableSpan
                        try examples.write(
                            positions.lowerBound + position, augmentationSeed: augmentationSeed, into: &room)
                    }
                }
                try failure.check()
                sum.add(UnsafeRawBufferPointer(UnsafeBufferPointer(start: start, count: positions.count * size)))
            }
            for position in positions { sum.add(UInt64(truncatingIfNeeded: examples.label(at: position))) }
        }
        for start in stride(from: 0, to: examples.count, by: perBlock) {
            // Processes that see other data would not ask equally often.
            if context.processes.count == 1 { try context.checkCancellation() }
            try add(start..<min(start + perBlock, examples.count), augmentationSeed: nil)
        }
        try add(0..<min(16, perBlock, examples.count), augmentationSeed: 1)
        return "\(examples.count) examples, \(sum.text)"
    }
}

/// The first error of a parallel loop's body, which itself cannot throw.
final class FirstFailure: Sendable {
    private let error = Mutex<(any Error)?>(nil)

    /// Runs a part of the loop, and keeps its error.
    func catching(_ body: () throws -> Void) {
        do {
            try body()
        } catch {
            self.error.withLock { if $0 == nil { $0 = error } }
        }
    }

    /// Throws the error, if there was one.
    func check() throws {
        if let error = error.withLock({ $0 }) { throw error }
    }
}
