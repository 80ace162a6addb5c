import Foundation
import Unlearning

/// One request to forget, from the model before to the verdict, as a file for archives and programs. Its fields are
/// described in `Docs/Formats.md`.
public struct AuditRecord: Sendable, Codable, Hashable {
    /// The version of the structure that is written; it rises when a field changes its meaning or goes away.
    public static let currentVersion = 2
    /// What ``schema`` says in every record.
    public static let schemaName = "unlearning-audit-record"

    /// A class that was to be forgotten.
    public struct ForgottenClass: Sendable, Codable, Hashable {
        /// Its number.
        public let index: Int
        /// Its name; the number if it has none.
        public let name: String
    }

    /// A model's file.
    public struct ModelFile: Sendable, Codable, Hashable {
        /// The file's name without its folder; nil if the model was in memory alone.
        public let name: String?
        /// The digest of the file, or of the file that the model would be written to.
        public let sha256: SHA256Digest

        /// Takes a file's name and digest.
        /// - Throws: `FileError` if the file cannot be read.
        public init(_ url: URL) throws(FileError) {
            name = url.lastPathComponent
            sha256 = try SHA256Digest(ofFile: url)
        }

        /// Takes the digest of a model that is not in a file, or not yet.
        /// - Parameter url: the file that it will be written to, if there is one.
        public init(_ model: Model, goingTo url: URL? = nil) throws {
            name = url?.lastPathComponent
            sha256 = try SHA256Digest(of: model, goingTo: url)
        }
    }

    /// The audited models.
    public struct Models: Sendable, Codable, Hashable {
        /// Before forgetting.
        public var original: ModelFile
        /// After forgetting.
        public var unlearned: ModelFile
        /// Trained anew without the classes; may be empty.
        public var retrained: [ModelFile]

        /// Puts the models together.
        public init(original: ModelFile, unlearned: ModelFile, retrained: [ModelFile] = []) {
            self.original = original
            self.unlearned = unlearned
            self.retrained = retrained
        }
    }

    /// What kind of file it is: ``schemaName``.
    public let schema: String
    /// The version of its structure.
    public let version: Int
    /// The request's name, by default a UUID.
    public let requestID: String
    /// When the record was made, to the second.
    public let date: Date
    /// The version of this package that made it.
    public let packageVersion: String
    /// The classes that were to be forgotten, in rising order.
    public let classes: [ForgottenClass]
    /// The models.
    public let models: Models
    /// How the model was made to forget; nil if the audit was given files alone.
    public let forgetting: ForgettingRun?
    /// Everything that was measured, and the verdict. Its figures are left out: they are in the report.
    public let audit: AuditResult

    /// Makes a record.
    /// - Parameters:
    ///   - result: what the audit found.
    ///   - models: the models that were audited.
    ///   - forgetting: how the model was made to forget, if known.
    ///   - requestID: the request's name, 1 to 200 characters without control characters.
    ///   - date: when, by default now.
    /// - Throws: `UnlearningError.invalidSetting` if the name is not possible.
    public init(
        _ result: AuditResult, models: Models, forgetting: ForgettingRun? = nil,
        requestID: String = UUID().uuidString.lowercased(), date: Date = Date()
    ) throws(UnlearningError) {
        try Self.check(requestID: requestID)
        schema = Self.schemaName
        version = Self.currentVersion
        self.requestID = requestID
        self.date = Date(timeIntervalSince1970: date.timeIntervalSince1970.rounded(.down))
        packageVersion = PackageVersion.current
        classes = result.forgottenClasses.map {
            ForgottenClass(
                index: $0,
                name: result.classNames.indices.contains($0) ? result.classNames[$0] : String($0))
        }
        self.models = models
        self.forgetting = forgetting
        var audit = result
        audit.figures = AuditFigures()
        self.audit = audit
    }

    /// Checks a request's name, before the work that it is for.
    /// - Throws: `UnlearningError.invalidSetting`.
    public static func check(requestID: String) throws(UnlearningError) {
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
