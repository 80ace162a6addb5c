import Foundation
import Unlearning

extension AuditRecord {
    /// Which of a record's models a file is.
    public enum Match: Sendable, Hashable {
        /// The one after forgetting, that the verdict is about.
        case unlearned
        /// The one before forgetting.
        case original
        /// One of those that were trained anew, by its position.
        case retrained(Int)
        /// None of them: another model, or one that was changed by a byte or more.
        case none
    }

    /// Compares a file with the record's digests. It says nothing of who made the record: keep it where it can't be
    /// changed, or sign it.
    /// - Throws: `FileError` if the file cannot be read.
    public func verify(_ file: URL) throws(FileError) -> Match {
        let digest = try SHA256Digest(ofFile: file)
        if digest == models.unlearned.sha256 { return .unlearned }
        if digest == models.original.sha256 { return .original }
        if let position = models.retrained.firstIndex(where: { $0.sha256 == digest }) { return .retrained(position) }
        return .none
    }
}
