/// The result of one measure: a value for each model, or the reason for leaving it out.
public struct MeasureResult: Sendable, Codable, Hashable {
    /// The measure.
    public var measure: MeasureDescription
    /// The value of the model before forgetting.
    public var original: MeasureValue?
    /// The value of the model after forgetting.
    public var unlearned: MeasureValue?
    /// The values of the models retrained without the classes, if there are any.
    public var retrained: RetrainedValue?
    /// The unlearned model's value minus the retrained models' mean.
    public var gap: MeasureValue?
    /// The same measure in parts, such as by class or by layer.
    public var rows: [MeasureRow]
    /// The kind of parts; nil without rows.
    public var rowKind: RowKind?
    /// The unit of the rows' values; nil if it is the measure's.
    public var rowUnit: MeasureDescription.Unit?
    /// The limits by which it was judged; nil if it was not judged.
    public var threshold: MeasureThreshold?
    /// The verdict on this measure.
    public var verdict: MeasureVerdict
    /// The reason for leaving it out; nil if it was measured.
    public var omission: String?
    /// A remark for readers, such as the number of examples.
    public var note: String?

    /// The kind of parts that a measure is split into.
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
    /// - Parameters:
    ///   - measure: the measure's description.
    ///   - reason: the reason, with what would be needed.
    public init(_ measure: MeasureDescription, omitted reason: String) {
        self.init(measure)
        omission = reason
    }

    /// Whether it was left out.
    package var isOmitted: Bool { omission != nil }
}

/// A measure's values for one part, such as a class or a layer.
public struct MeasureRow: Sendable, Codable, Hashable {
    /// The class's, layer's or variant's name.
    public var name: String
    /// The class's index, if the row is a class.
    public var index: Int?
    /// The models' values; the mean if there are several retrained ones.
    public var values: ByModel<Double>

    /// Creates a row.
    public init(name: String, index: Int? = nil, values: ByModel<Double>) {
        self.name = name
        self.index = index
        self.values = values
    }
}
