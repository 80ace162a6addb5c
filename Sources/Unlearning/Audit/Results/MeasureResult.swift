/// One measure's outcome: the numbers for each model, or the reason why there are none.
public struct MeasureResult: Sendable, Codable, Hashable {
    /// What was measured.
    public var measure: MeasureDescription
    /// Of the model before forgetting.
    public var original: MeasureValue?
    /// Of the model after forgetting.
    public var unlearned: MeasureValue?
    /// Of the models retrained without the classes, if there were any.
    public var retrained: RetrainedValue?
    /// The unlearned model's value minus the retrained models' mean.
    public var gap: MeasureValue?
    /// The same measure in parts: by class, by layer.
    public var rows: [MeasureRow]
    /// What the row names are, such as `class` or `layer`; nil without rows.
    public var rowKind: RowKind?
    /// The limits that it was judged by; nil if it was not judged.
    public var threshold: MeasureThreshold?
    /// How it was judged.
    public var verdict: MeasureVerdict
    /// Why it was left out; nil if it was measured.
    public var omission: String?
    /// What a reader should know besides, such as how many examples were used.
    public var note: String?

    /// What a measure is split by.
    public enum RowKind: String, Sendable, Codable {
        /// Classes of the model.
        case classes
        /// Layers or stages of the network, from input to output.
        case layers
        /// Variants of the measure, such as false positive rates.
        case variants
    }

    /// Creates a result that has not been judged.
    public init(
        _ measure: MeasureDescription, original: MeasureValue? = nil, unlearned: MeasureValue? = nil,
        retrained: [MeasureValue] = [], gap: MeasureValue? = nil, rows: [MeasureRow] = [],
        rowKind: RowKind? = nil, note: String? = nil
    ) {
        self.measure = measure
        self.original = original
        self.unlearned = unlearned
        self.retrained = RetrainedValue(retrained)
        self.gap = gap
        self.rows = rows
        self.rowKind = rowKind
        self.note = note
        verdict = .notJudged
        if gap == nil, let unlearned, let retrained = self.retrained {
            self.gap = MeasureValue(
                unlearned.value - retrained.mean, isLowerBound: unlearned.isLowerBound,
                isUpperBound: unlearned.isUpperBound || retrained.isLowerBound)
        }
    }

    /// Creates the result of a measure that was left out.
    /// - Parameter reason: why, in words that say what would be needed.
    public init(_ measure: MeasureDescription, omitted reason: String) {
        self.init(measure)
        omission = reason
    }

    /// Whether it was left out.
    public var isOmitted: Bool { omission != nil }
}

/// A part of a measure, such as one class's or one layer's.
public struct MeasureRow: Sendable, Codable, Hashable {
    /// The class's, layer's or variant's name.
    public var name: String
    /// The class's number, if the row is a class.
    public var index: Int?
    /// The models' values; the mean over several retrained ones.
    public var values: ByModel<Double>

    /// Creates a row.
    public init(name: String, index: Int? = nil, values: ByModel<Double>) {
        self.name = name
        self.index = index
        self.values = values
    }
}
