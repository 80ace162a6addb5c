package import Foundation
import Unlearning

/// A model's file remembers its record, and the record has the digest of that file.
///
/// Neither can hold the other's digest as it is. So the model remembers the digest of the record's content: everything but
/// the unlearned model's file, and the times that the work took, which differ from run to run.
extension AuditRecord {
    /// Computes the digest of the content.
    /// - Throws: an encoding error.
    package func contentDigest() throws -> SHA256Digest { try Self.contentDigest(of: json()) }

    /// Computes the digest of the content of a record's file: of its JSON with sorted keys and without spaces, from which
    /// `models.unlearned`, `forgetting.phaseSeconds` and `audit.seconds` are taken.
    /// - Throws: a decoding error.
    package static func contentDigest(of json: Data) throws -> SHA256Digest {
        var content = try JSONDecoder().decode(JSONValue.self, from: json)
        for path in [["models", "unlearned"], ["forgetting", "phaseSeconds"], ["audit", "seconds"]]
        where content[path: path] != nil {
            content.set(.null, at: path)
        }
        return SHA256Digest(of: try content.json())
    }

    /// Writes the record's date and content digest into a model's memory, and then the digest of the model's file into the
    /// record.
    /// - Parameters:
    ///   - model: the unlearned model, whose last request is this record's.
    ///   - url: the file that it will be written to, if any.
    ///   - write: writes a model to a file.
    /// - Throws: an encoding error, or an error in writing to the system's temporary folder.
    package mutating func bind(
        to model: inout Model, goingTo url: URL?, write: (Model, URL) throws -> Void
    ) throws {
        if let last = model.metadata.requests.indices.last {
            model.metadata.requests[last].date = date.formatted(.iso8601)
            model.metadata.requests[last].record = try contentDigest().description
        }
        models.unlearned.sha256 = try SHA256Digest(of: model, goingTo: url, write: write)
    }
}
