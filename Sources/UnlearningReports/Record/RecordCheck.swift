import Unlearning

/// The result of checking a record for contradictions.
///
/// A record states many numbers twice: shares with their counts and intervals, gaps with the values they are the difference
/// of, verdicts with values and limits. A change to only one of them is detected. A consistent change to all of them is not:
/// only a signature, or a digest kept elsewhere, reveals it.
public struct RecordCheck: Sendable, Hashable {
    /// The verdict that follows from the record's values and limits by this version's rules.
    public let verdict: MeasureVerdict
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
        let (names, own) = (audit.classNames, model.classNames)
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
