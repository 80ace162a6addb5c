public import Foundation
public import Unlearning

/// The result of checking a record for contradictions.
///
/// A record states many numbers twice: shares with their counts and intervals, gaps with the values they are the
/// difference of, verdicts with values and limits. A change to only one of them is detected. A consistent change to all
/// of them is not: only a signature, or a digest kept elsewhere, reveals it.
public struct RecordCheck: Sendable, Hashable {
    /// The verdict that follows from the record's values and limits by this version's rules.
    public let verdict: MeasureVerdict
    /// The evidence that a pass would take besides, one line each.
    public let missingEvidence: [String]
    /// The contradictions within the record or with those rules, one line each.
    public let contradictions: [String]
    /// The settings that let more pass than the default ones, one line each.
    public let looserLimits: [String]
}

extension AuditRecord {
    /// Derives the verdict from the record's values and limits, and compares everything that the record states twice.
    public func check() -> RecordCheck {
        var checker = RecordChecker(record: self)
        return checker.run()
    }

    /// Lists the classes of a model's file that differ from the record's; empty if the file names none.
    package func contradictions(in model: ModelMetadata) -> [String] {
        let dropped = Set(forgetting?.droppedOutputs ?? [])
        let names = audit.classNames.enumerated().filter { !dropped.contains($0.offset) }.map(\.element)
        let own = model.classNames
        guard !own.isEmpty else { return [] }
        guard names.count == own.count else {
            return ["the record has \(names.count) classes, and the model's file names \(own.count)"]
        }
        return zip(names, own).enumerated().compactMap { index, pair in
            pair.0 == pair.1
                ? nil : "class \(index) is '\(pair.0)' in the record, and '\(pair.1)' in the model's file"
        }
    }
}

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
