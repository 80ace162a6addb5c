/// The limits that an audit judges by, one or several for each measure.
///
/// Of several with the same ``MeasureThreshold/finding``, the first whose reference is available counts. A measure
/// without limits is shown, but not judged.
public struct AuditThresholds: Sendable, Codable, Hashable {
    /// The limits by the measure's name.
    package var limits: [String: [MeasureThreshold]]
    /// The probability that a truly retrained model exceeds any of the limits that follow from the spread of retrained
    /// models, between 0 and 1.
    ///
    /// It is divided evenly among these limits (Bonferroni).
    public var falseAlarmRate: Double

    /// The default of ``falseAlarmRate``.
    package static let defaultFalseAlarmRate = 0.05

    /// Creates thresholds without limits, with which nothing is judged.
    public init() {
        self.init(limits: [:])
    }

    package init(limits: [String: [MeasureThreshold]], falseAlarmRate: Double = Self.defaultFalseAlarmRate) {
        self.limits = limits
        self.falseAlarmRate = falseAlarmRate
    }

    /// The limits of a measure; with an empty list it is not judged.
    public subscript(identifier: MeasureIdentifier) -> [MeasureThreshold] {
        get { limits[identifier.rawValue] ?? [] }
        set { limits[identifier.rawValue] = newValue.isEmpty ? nil : newValue }
    }
}

extension AuditThresholds {
    /// Reads limits; nothing is judged if there are none.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let limits: [String: [MeasureThreshold]] = try container.decode(.limits, or: [:])
        self.limits = Dictionary(
            uniqueKeysWithValues: limits.map { name, list in
                (name, list.map { $0.withFormerFinding(of: MeasureIdentifier(rawValue: name)) })
            })
        falseAlarmRate = try container.decode(.falseAlarmRate, or: Self.defaultFalseAlarmRate)
    }
}

extension MeasureThreshold {
    /// The measures of retained classes, below whose limits a model forgot more than it should.
    static let retainedMeasures: Set<MeasureIdentifier> = [.retainAccuracyTest, .adjacentAccuracy, .remoteAccuracy]

    /// A limit of a measure as read from a file: versions 1 to 3 did not say what a value beyond it means.
    func withFormerFinding(of measure: MeasureIdentifier) -> MeasureThreshold {
        var result = self
        if Self.retainedMeasures.contains(measure), side == .below { result.finding = .overForgotten }
        return result
    }

    /// Checks that the limit is finite and not negative.
    fileprivate func validate(_ name: String) throws(UnlearningError) {
        guard limit >= 0, limit.isFinite else {
            throw UnlearningError.invalidSetting(
                name: "limit of \(name)", value: "\(limit)", remedy: "use a finite number, 0 or more")
        }
        if let spread, !(spread.deviation > 0 && spread.freedom > 0 && spread.deviation.isFinite) {
            throw UnlearningError.invalidSetting(
                name: "spread of \(name)", value: "\(spread.deviation) with \(spread.freedom) degrees of freedom",
                remedy: "use two finite numbers above 0")
        }
    }
}

extension AuditThresholds {
    /// Checks that the limits are finite and not negative.
    /// - Throws: ``UnlearningError``.
    package func validate() throws {
        for (name, list) in limits.sorted(by: { $0.key < $1.key }) {
            for threshold in list { try threshold.validate(name) }
        }
        guard falseAlarmRate > 0, falseAlarmRate < 1 else {
            throw UnlearningError.invalidSetting(
                name: "false alarm rate", value: "\(falseAlarmRate)",
                remedy: "use a number between 0 and 1, such as 0.05")
        }
    }
}
