public import Foundation
public import Unlearning

/// One request to forget with its models, measures and verdict, as a JSON file for archives and programs.
///
/// `Docs/Formats.md` describes the fields.
public struct AuditRecord: Sendable, Codable, Hashable {
    /// The version of the structure that is written; it rises when a field changes its meaning or goes away.
    package static let currentVersion = 4
    /// The value of ``schema`` in every record.
    package static let schemaName = "unlearning-audit-record"

    /// A class that was to be forgotten.
    public struct ForgottenClass: Sendable, Codable, Hashable {
        /// The class's index.
        public let index: Int
        /// The class's name; the index if it has none.
        public let name: String

        package init(index: Int, name: String) {
            self.index = index
            self.name = name
        }
    }

    /// A model's file and its digest.
    public struct ModelFile: Sendable, Codable, Hashable {
        /// The file's name without its folder; nil if the model was only in memory.
        public package(set) var name: String?
        /// The digest of the file, or of the file that the model would be written as.
        public package(set) var sha256: SHA256Digest

        /// Computes the digest of a file.
        /// - Throws: `FileError` if the file cannot be read.
        public init(_ url: URL) throws(FileError) {
            name = url.lastPathComponent
            sha256 = try SHA256Digest(ofFile: url)
        }

        /// Computes the digest of the safetensors file that a model in memory would be written as.
        public init(_ model: Model) throws {
            name = nil
            sha256 = try SHA256Digest(of: model)
        }

        /// Computes the digest of the file that a model would be written as.
        /// - Parameters:
        ///   - url: the file that the model will be written to, if any.
        ///   - write: writes a model to a file.
        package init(_ model: Model, goingTo url: URL?, write: (Model, URL) throws -> Void) throws {
            name = url?.lastPathComponent
            sha256 = try SHA256Digest(of: model, goingTo: url, write: write)
        }

        /// Names a file that ``AuditRecord/bind(to:goingTo:write:)`` will know the digest of.
        package init(goingTo url: URL?) {
            name = url?.lastPathComponent
            sha256 = SHA256Digest(of: Data())
        }
    }

    /// The audited models.
    public struct Models: Sendable, Codable, Hashable {
        /// The model before forgetting.
        public var original: ModelFile
        /// The model after forgetting.
        public var unlearned: ModelFile
        /// The models retrained without the classes; may be empty.
        public var retrained: [ModelFile]

        /// Groups models.
        public init(original: ModelFile, unlearned: ModelFile, retrained: [ModelFile] = []) {
            self.original = original
            self.unlearned = unlearned
            self.retrained = retrained
        }
    }

    /// The kind of file: `unlearning-audit-record`.
    public let schema: String
    /// The version of the structure.
    public let schemaVersion: Int
    /// The request's identifier, by default a UUID.
    public let requestID: String
    /// The time when the record was made, in whole seconds.
    public let date: Date
    /// The version of the package that made the record.
    public let packageVersion: String
    /// The classes that were to be forgotten, in rising order.
    public let classes: [ForgottenClass]
    /// The samples that were to be forgotten, as a digest; nil if classes were.
    package let samples: RetainList?
    /// Pictures that occur in more than one part of the data; nil if they were not looked for.
    package let duplicates: DuplicatePictures?
    /// The models.
    public package(set) var models: Models
    /// The run that made the model forget; nil if the audit was given files only.
    public var forgetting: ForgettingRun? { sharedForgetting?.value }
    /// The measures and the verdict, without the report's figures.
    public var audit: AuditResult { sharedAudit.value }

    private let sharedForgetting: Shared<ForgettingRun>?
    private let sharedAudit: Shared<AuditResult>

    /// Creates a record.
    /// - Parameters:
    ///   - result: the audit's result.
    ///   - models: the audited models.
    ///   - forgetting: the run that made the model forget, if known.
    ///   - requestID: the request's identifier, 1 to 200 characters without control characters.
    ///   - date: the time, by default now.
    /// - Throws: `UnlearningError.invalidSetting` if the identifier is not valid.
    public init(
        _ result: AuditResult, models: Models, forgetting: ForgettingRun? = nil,
        requestID: String = UUID().uuidString.lowercased(), date: Date = Date()
    ) throws(UnlearningError) {
        try self.init(
            result, models: models, forgetting: forgetting, samples: nil, requestID: requestID, date: date)
    }

    /// Creates a record that says which samples were to be forgotten, and which pictures occur twice.
    package init(
        _ result: AuditResult, models: Models, forgetting: ForgettingRun?, samples: RetainList?,
        duplicates: DuplicatePictures? = nil, requestID: String, date: Date
    ) throws(UnlearningError) {
        try Self.check(requestID: requestID)
        self.samples = samples
        self.duplicates = duplicates
        schema = Self.schemaName
        schemaVersion = Self.currentVersion
        self.requestID = requestID
        self.date = Date(timeIntervalSince1970: date.timeIntervalSince1970.rounded(.down))
        packageVersion = PackageVersion.current
        classes = result.forgottenClasses.map {
            ForgottenClass(
                index: $0,
                name: result.classNames.indices.contains($0) ? result.classNames[$0] : String($0))
        }
        self.models = models
        sharedForgetting = forgetting.map(Shared.init)
        var audit = result
        audit.figures = AuditFigures()
        sharedAudit = Shared(audit)
    }

    /// Checks a request's identifier.
    /// - Throws: `UnlearningError.invalidSetting`.
    package static func check(requestID: String) throws(UnlearningError) {
        let isPossible =
            (1...200).contains(requestID.count)
            && !requestID.unicodeScalars.contains { $0.properties.generalCategory == .control }
        guard isPossible else {
            throw .invalidSetting(
                name: "request id", value: "'\(requestID.prefix(40))'",
                remedy: "use 1 to 200 characters without line breaks")
        }
    }
}

extension AuditRecord {
    private enum CodingKeys: String, CodingKey {
        case schema, schemaVersion, requestID, date, packageVersion, classes, samples, duplicates, models
        case sharedForgetting = "forgetting"
        case sharedAudit = "audit"
    }

    private enum VersionKey: String, CodingKey {
        case version
    }

    /// Reads a record. Versions 1 and 2 have the version under the key `version`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        schema = try container.decode(String.self, forKey: .schema)
        schemaVersion =
            try container.decodeIfPresent(Int.self, forKey: .schemaVersion)
            ?? decoder.container(keyedBy: VersionKey.self).decode(Int.self, forKey: .version)
        requestID = try container.decode(String.self, forKey: .requestID)
        date = try container.decode(Date.self, forKey: .date)
        packageVersion = try container.decode(String.self, forKey: .packageVersion)
        classes = try container.decode([ForgottenClass].self, forKey: .classes)
        samples = try container.decodeIfPresent(RetainList.self, forKey: .samples)
        duplicates = try container.decodeIfPresent(DuplicatePictures.self, forKey: .duplicates)
        models = try container.decode(Models.self, forKey: .models)
        sharedForgetting = try container.decodeIfPresent(ForgettingRun.self, forKey: .sharedForgetting).map(Shared.init)
        sharedAudit = Shared(try container.decode(AuditResult.self, forKey: .sharedAudit))
    }
}

/// A large value that copies of a record share, so that a copy is a pointer.
///
/// A record has hundreds of fields, and code that copies them one by one made up much of the programs that use records.
private final class Shared<Value: Encodable & Hashable & Sendable>: Encodable, Hashable, Sendable {
    let value: Value

    init(_ value: Value) {
        self.value = value
    }

    func encode(to encoder: any Encoder) throws {
        try value.encode(to: encoder)
    }

    static func == (first: Shared, second: Shared) -> Bool {
        first === second || first.value == second.value
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(value)
    }
}
