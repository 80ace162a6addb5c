package import Foundation
import ModelFiles

/// A file of a checkpoint: a header that says what is in it, the numbers, and a checksum of both.
///
/// `Docs/Formats.md` has the layout. The file is written whole or not at all; the checksum finds what a disk or a copy
/// has damaged afterwards.
package enum CheckpointFile {
    private static let magic = Array("unlearning-ckpt\n".utf8)
    /// The version of the layout; it rises when a field changes its meaning or goes away.
    static let schemaVersion = 1
    /// The longest header that is read, in bytes.
    private static let longestHeader = 64 << 20
    private static let checksumLength = 16

    private struct Header: Codable {
        struct Entry: Codable {
            let name: String
            let type: String
            let count: Int
        }

        let schemaVersion: Int
        let part: String
        let seconds: Double
        let integers: [String: Int]
        let arrays: [Entry]
    }

    /// A file that is not whole, or not what its name says.
    struct Damage: Error {}

    /// Writes a file.
    /// - Parameter part: the name of what it holds, by which a file in the wrong place is recognized.
    /// - Throws: `FileError`.
    static func write(_ content: CheckpointContent, part: String, to url: URL) throws {
        let floats = content.floats.sorted { $0.key < $1.key }
        let doubles = content.doubles.sorted { $0.key < $1.key }
        let header = Header(
            schemaVersion: schemaVersion, part: part, seconds: content.seconds, integers: content.integers,
            arrays: floats.map { .init(name: $0.key, type: "F32", count: $0.value.count) }
                + doubles.map { .init(name: $0.key, type: "F64", count: $0.value.count) })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes = [UInt8](try encoder.encode(header))
        var sum = Fingerprint()
        let file = try AtomicFile(replacing: url)
        func append<Element: BitwiseCopyable>(_ elements: [Element]) throws {
            elements.withUnsafeBytes { sum.add($0) }
            try file.append(elements)
        }
        try append(magic)
        try append([UInt64(bytes.count).littleEndian])
        try append(bytes)
        for (_, elements) in floats { try append(elements) }
        for (_, elements) in doubles { try append(elements) }
        try file.append(sum.words.map(\.littleEndian))
        try file.commit()
    }

    /// Reads a file.
    /// - Throws: ``Damage`` if it is not whole or of another part, or `FileError` if it cannot be read.
    package static func read(_ url: URL, part: String) throws -> CheckpointContent {
        let file = try RandomAccessFile(url)
        var sum = Fingerprint()
        var offset = 0
        func next<Element: BitwiseCopyable>(_ count: Int, of zero: Element, sums: Bool = true) throws -> [Element] {
            let (bytes, overflows) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
            guard count >= 0, !overflows, bytes <= file.size - offset else { throw Damage() }
            var elements = [Element](repeating: zero, count: count)
            try elements.withUnsafeMutableBytes { try file.read(at: offset, into: $0) }
            if sums { elements.withUnsafeBytes { sum.add($0) } }
            offset += bytes
            return elements
        }
        guard try next(magic.count, of: UInt8(0)) == magic, let length = try next(1, of: UInt64(0)).first,
            UInt64(littleEndian: length) <= UInt64(longestHeader)
        else { throw Damage() }
        let bytes = try next(Int(UInt64(littleEndian: length)), of: UInt8(0))
        guard let header = try? JSONDecoder().decode(Header.self, from: Data(bytes)),
            header.schemaVersion == schemaVersion, header.part == part
        else { throw Damage() }
        var content = CheckpointContent()
        for array in header.arrays {
            switch array.type {
            case "F32": content.floats[array.name] = try next(array.count, of: Float(0))
            case "F64": content.doubles[array.name] = try next(array.count, of: 0.0)
            default: throw Damage()
            }
        }
        content.integers = header.integers
        content.seconds = header.seconds
        let expected = sum.words
        let found = try next(checksumLength / 8, of: UInt64(0), sums: false).map { UInt64(littleEndian: $0) }
        guard found == expected, offset == file.size else { throw Damage() }
        return content
    }
}
