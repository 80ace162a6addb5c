import Unlearning

/// What came out when a record was checked against itself.
///
/// A record states many numbers twice: shares with their counts and intervals, gaps with what they are the difference of,
/// verdicts with values and limits. Whoever changes one of them alone is found out. Whoever changes all of them is not:
/// only a signature, or a digest that is kept elsewhere, shows that.
public struct RecordCheck: Sendable, Hashable {
    /// The verdict that follows from the record's values and limits by the rules of this version.
    public let verdict: MeasureVerdict
    /// Where the record contradicts itself or those rules, one line each; empty if nowhere.
    public let contradictions: [String]
    /// The settings that let more pass than the default ones, one line each.
    public let looserLimits: [String]
}

extension AuditRecord {
    /// Works the verdict out again from the record's own numbers and limits, and compares what it states twice.
    public func check() -> RecordCheck {
        var checker = RecordChecker(record: self)
        return checker.run()
    }

    /// Where the classes that a model's file names are not the record's; empty also if the file names none.
    public func contradictions(in model: ModelMetadata) -> [String] {
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
