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
    /// The limits by which it was judged, as they follow from the retrained models; empty if it was not judged.
    public var limits: [MeasureThreshold]
    /// Whether the same limits find that the original leaks; nil without a value of the original.
    ///
    /// If they do not, a pass of the measure says little.
    public var findsOriginal: Bool?
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
        /// Single images.
        case images
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
        limits = []
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

extension MeasureResult {
    /// Keys of record versions 1 to 3.
    private enum FormerKeys: String, CodingKey {
        case threshold
    }

    /// Reads a result. Versions 1 to 3 had one limit.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        measure = try container.decode(MeasureDescription.self, forKey: .measure)
        original = try container.decodeIfPresent(MeasureValue.self, forKey: .original)
        unlearned = try container.decodeIfPresent(MeasureValue.self, forKey: .unlearned)
        retrained = try container.decodeIfPresent(RetrainedValue.self, forKey: .retrained)
        gap = try container.decodeIfPresent(MeasureValue.self, forKey: .gap)
        rows = try container.decode(.rows, or: [])
        rowKind = try container.decodeIfPresent(RowKind.self, forKey: .rowKind)
        rowUnit = try container.decodeIfPresent(MeasureDescription.Unit.self, forKey: .rowUnit)
        let former = try decoder.container(keyedBy: FormerKeys.self)
            .decodeIfPresent(MeasureThreshold.self, forKey: .threshold)
        let identifier = measure.identifier
        limits =
            try container.decodeIfPresent([MeasureThreshold].self, forKey: .limits)
            ?? [former?.withFormerFinding(of: identifier)].compactMap(\.self)
        findsOriginal = try container.decodeIfPresent(Bool.self, forKey: .findsOriginal)
        omission = try container.decodeIfPresent(String.self, forKey: .omission)
        note = try container.decodeIfPresent(String.self, forKey: .note)
        let stated = try container.decode(MeasureVerdict.self, forKey: .verdict)
        verdict =
            former != nil && stated == .leak && MeasureThreshold.retainedMeasures.contains(identifier)
            ? .overForgotten : stated
    }
}
