import Foundation
import Unlearning

extension AuditRecord {
    /// The model of a record that a file holds.
    public enum Match: Sendable, Hashable {
        /// The model after forgetting, which the verdict is about.
        case unlearned
        /// The model before forgetting.
        case original
        /// A retrained model, by its position.
        case retrained(Int)
        /// Another model, or a file that was changed.
        case none
    }

    /// Compares a file with the record's digests.
    ///
    /// This does not show who made the record: keep it where it cannot be changed, or sign it.
    /// - Throws: `FileError` if the file cannot be read.
    public func verify(_ file: URL) throws(FileError) -> Match {
        let digest = try SHA256Digest(ofFile: file)
        if digest == models.unlearned.sha256 { return .unlearned }
        if digest == models.original.sha256 { return .original }
        if let position = models.retrained.firstIndex(where: { $0.sha256 == digest }) { return .retrained(position) }
        return .none
    }
}
