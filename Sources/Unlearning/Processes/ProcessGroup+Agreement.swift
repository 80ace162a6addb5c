import Foundation
import ImageDatasets
import NeuralGraph

extension RunIdentity {
    /// Checks that all processes do the same work on the same model and data, with the same program.
    /// - Throws: ``UnlearningError`` on all of them, naming the first that differs from process 0.
    func checkAgreement(in processes: any ProcessGroup) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let all = processes.gather([UInt8](try encoder.encode(self)))
        guard let first = all.first, all.contains(where: { $0 != first }) else { return }
        let identities = try all.map { try JSONDecoder().decode(RunIdentity.self, from: Data($0)) }
        for (rank, identity) in identities.enumerated() {
            guard let difference = identities[0].difference(to: identity) else { continue }
            throw UnlearningError.otherProcess(
                rank: rank, name: difference.name, found: difference.found, expected: difference.expected)
        }
    }
}

extension ProcessGroup {
    /// Checks that all processes are the same version of the program with the same arguments, and compute with the same
    /// kernels.
    /// - Throws: ``UnlearningError`` on all of them, naming the first that differs from process 0.
    package func checkSameProgram(arguments: [String]) throws {
        guard count > 1 else { return }
        let text = arguments.map { $0.debugDescription }.joined(separator: " ")
        try RunIdentity("start", options: RunOptions(), [("arguments", text)]).checkAgreement(in: self)
    }
}

extension RunContext {
    /// Checks that all processes evaluate the same model on the same examples: their number, labels and the first of them.
    /// - Throws: ``UnlearningError`` on all processes if one of them differs.
    func checkAgreement(on model: Model, _ examples: any ExampleSource, work: String) throws {
        guard processes.count > 1 else { return }
        let first = try ExampleSubset(examples, indices: Array(0..<min(16, examples.count)))
        try RunIdentity(
            work, options: options,
            [
                ("model", Fingerprint.text(of: model)),
                ("number of images and their labels", "\(examples.count), \(Fingerprint.text(of: examples.labels))"),
                ("first images", try Fingerprint.text(of: first, context: self)),
            ]
        ).checkAgreement(in: processes)
    }
}

extension Fingerprint {
    fileprivate static func text(of labels: [Int]) -> String {
        var sum = Fingerprint()
        labels.withUnsafeBytes { sum.add($0) }
        return sum.text
    }
}

extension UnlearningError {
    static func otherProcess(rank: Int, name: String, found: String, expected: String) -> Self {
        func short(_ text: String) -> String { text.count > 300 ? text.prefix(300) + "..." : text }
        return Self(
            .processesDiffer,
            "rank \(rank) differs from rank 0 in the \(name): \(short(found)) there, \(short(expected)) on rank 0; give all "
                + "processes the same program, files and kind of processor")
    }
}

extension ProcessGroup {
    /// Hands a checkpoint's content from process 0 to all; what the others pass is not used.
    func share(_ content: CheckpointContent?) -> CheckpointContent? {
        let bytes = broadcast(isFirst ? content?.bytes ?? [] : [])
        return bytes.isEmpty || isFirst ? content : CheckpointContent(bytes: bytes)
    }
}

extension CheckpointContent {
    private struct Header: Codable {
        var floats: [String: Int] = [:]
        var doubles: [String: Int] = [:]
        var integers: [String: Int] = [:]
        var seconds = 0.0
    }

    /// The content for another process of the same program: the header's length, the header, and the arrays.
    package var bytes: [UInt8] {
        let header = Header(
            floats: floats.mapValues(\.count), doubles: doubles.mapValues(\.count), integers: integers,
            seconds: seconds)
        guard let text = try? JSONEncoder().encode(header) else { return [] }
        var bytes: [UInt8] = []
        withUnsafeBytes(of: text.count) { bytes += $0 }
        bytes += text
        for name in floats.keys.sorted() { floats[name]?.withUnsafeBytes { bytes += $0 } }
        for name in doubles.keys.sorted() { doubles[name]?.withUnsafeBytes { bytes += $0 } }
        return bytes
    }

    /// Reads what another process of the same program sent.
    /// - Returns: nil if it is something else.
    package init?(bytes: [UInt8]) {
        self.init()
        let word = MemoryLayout<Int>.stride
        guard bytes.count > word else { return nil }
        let length = bytes.withUnsafeBytes { $0.loadUnaligned(as: Int.self) }
        guard length > 0, length <= bytes.count - word,
            let header = try? JSONDecoder().decode(Header.self, from: Data(bytes[word..<word + length]))
        else { return nil }
        var start = word + length
        func next<Element: BitwiseCopyable>(_ count: Int, of zero: Element) -> [Element]? {
            let size = count * MemoryLayout<Element>.stride
            guard count >= 0, size <= bytes.count - start else { return nil }
            var elements = [Element](repeating: zero, count: count)
            elements.withUnsafeMutableBytes { $0.copyBytes(from: bytes[start..<start + size]) }
            start += size
            return elements
        }
        for (name, count) in header.floats.sorted(by: { $0.key < $1.key }) {
            guard let elements = next(count, of: Float(0)) else { return nil }
            floats[name] = elements
        }
        for (name, count) in header.doubles.sorted(by: { $0.key < $1.key }) {
            guard let elements = next(count, of: 0.0) else { return nil }
            doubles[name] = elements
        }
        (integers, seconds) = (header.integers, header.seconds)
    }
}
