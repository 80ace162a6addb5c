public import Foundation
public import Unlearning

/// An error in reading a record, with the file, the fault and the remedy.
public struct RecordError: DescribedError, Equatable {
    /// The file's path.
    package let path: String
    /// The fault and the remedy.
    public let message: String

    /// The path and the message in one line.
    public var description: String { "\(path): \(message)" }
}

extension AuditRecord {
    /// The maximum size of a record's file in bytes.
    static let maximumFileSize = 64 << 20

    /// Encodes the record as JSON with sorted keys, one field per line.
    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return try encoder.encode(self) + Data("\n".utf8)
    }

    /// Writes the record atomically.
    /// - Throws: `FileError` if it cannot be written.
    public func write(to url: URL) throws {
        try AtomicFile.write(try json(), to: url)
    }

    /// Reads a record.
    /// - Throws: ``RecordError`` if the file is missing, damaged, not a record, or of a newer version.
    public init(contentsOf url: URL) throws(RecordError) {
        func refuse(_ message: String) -> RecordError { RecordError(path: url.path, message: message) }
        var data: Data
        do throws(FileError) {
            let file = try RandomAccessFile(url)
            guard file.size <= Self.maximumFileSize else {
                throw FileError(url.path, "is larger than any record; give a record, such as record.json")
            }
            data = Data(count: file.size)
            let read = data.withUnsafeMutableBytes { buffer in
                Result { () throws(FileError) in try file.read(at: 0, into: buffer) }
            }
            try read.get()
        } catch {
            throw refuse(error.message)
        }
        try self.init(data, path: url.path)
    }

    /// Reads a record from bytes.
    /// - Parameter path: the record's name in messages.
    /// - Throws: ``RecordError``.
    package init(_ data: Data, path: String) throws(RecordError) {
        struct Kind: Decodable {
            let schema: String?
            let schemaVersion: Int?
            let version: Int?
        }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        do {
            let kind = try Self.syntaxChecked { try decoder.decode(Kind.self, from: data) }
            guard kind.schema == Self.schemaName, let version = kind.schemaVersion ?? kind.version, version >= 1 else {
                throw RecordError(path: path, message: "is JSON, but not an audit record; give a record")
            }
            guard version <= Self.currentVersion else {
                throw RecordError(
                    path: path,
                    message: "has record version \(version), but this program reads versions up to "
                        + "\(Self.currentVersion); update the program")
            }
            self = try decoder.decode(AuditRecord.self, from: data)
        } catch let error as RecordError {
            throw error
        } catch {
            throw RecordError(path: path, message: Self.reason(error))
        }
        guard audit.schemaVersion <= AuditResult.schemaVersion else {
            throw RecordError(
                path: path,
                message: "has measures of version \(audit.schemaVersion), but this program reads versions up to "
                    + "\(AuditResult.schemaVersion); update the program")
        }
        do {
            try Self.check(requestID: requestID)
        } catch {
            throw RecordError(path: path, message: "is a damaged record: \(error)")
        }
    }

    private struct NotJSON: Error {}

    /// Runs the first decoding of a file, whose syntax errors mean that the file is not JSON.
    private static func syntaxChecked<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch DecodingError.dataCorrupted {
            throw NotJSON()
        }
    }

    private static func reason(_ error: any Error) -> String {
        func place(_ path: [any CodingKey]) -> String {
            path.isEmpty
                ? "the record" : path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
        }
        let remedy = "use the record as it was written"
        switch error {
        case DecodingError.keyNotFound(let key, let context):
            return "is a damaged record: \(place(context.codingPath + [key])) is missing; \(remedy)"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            return "is a damaged record: \(place(context.codingPath)) has the wrong type; \(remedy)"
        case DecodingError.dataCorrupted(let context):
            return "is a damaged record: \(place(context.codingPath)): \(context.debugDescription); \(remedy)"
        default:
            return "is not JSON, or is cut short; \(remedy)"
        }
    }
}
