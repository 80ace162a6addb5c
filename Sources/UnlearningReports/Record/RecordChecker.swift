import Unlearning

/// Checks a record for contradictions. Nothing in it is trusted: indices and counts may be any numbers.
struct RecordChecker {
    let record: AuditRecord
    private(set) var contradictions: [String] = []

    init(record: AuditRecord) {
        self.record = record
    }

    var audit: AuditResult { record.audit }

    mutating func run() -> RecordCheck {
        checkClasses()
        checkModels()
        let measures = judgedMeasures()
        checkShares()
        checkClassAccuracies()
        checkAnamnesis()
        let isOriginal =
            audit.verdict.isOriginal || record.models.original.sha256 == record.models.unlearned.sha256
        let verdict = AuditVerdict(
            measures, comparesWithRetraining: audit.retrainedModels > 0, isOriginal: isOriginal,
            hasOriginalFeatures: audit.verdict.hasOriginalFeatures)
        check(verdict)
        return RecordCheck(
            verdict: verdict.total, missingEvidence: verdict.missingEvidence, contradictions: contradictions,
            looserLimits: audit.looserLimits)
    }

    mutating func contradict(_ text: String) { contradictions.append(text) }

    /// Whether two numbers are finite and equal up to rounding.
    static func areEqual(_ first: Double, _ second: Double) -> Bool {
        first.isFinite && second.isFinite
            && abs(first - second) <= 1e-9 * max(1, abs(first), abs(second))
    }

    /// Whether limits are the same, up to rounding.
    private static func areEqual(_ first: [MeasureThreshold], _ second: [MeasureThreshold]) -> Bool {
        first.count == second.count
            && zip(first, second).allSatisfy { first, second in
                var rounded = first
                rounded.limit = second.limit
                return rounded == second && areEqual(first.limit, second.limit)
            }
    }

    // MARK: Classes and models

    private mutating func checkClasses() {
        let names = audit.classNames
        if record.classes.map(\.index) != audit.forgottenClasses {
            contradict(
                "the classes to forget are \(record.classes.map(\.index)), but the audited ones are "
                    + "\(audit.forgottenClasses)")
        }
        if audit.forgottenClasses != Set(audit.forgottenClasses).sorted() {
            contradict("the forgotten classes \(audit.forgottenClasses) are not in rising order")
        }
        for entry in record.classes {
            guard names.indices.contains(entry.index) else {
                contradict("class \(entry.index) was to be forgotten, but there are only \(names.count) classes")
                continue
            }
            if names[entry.index] != entry.name {
                contradict("class \(entry.index) has two names, '\(entry.name)' and '\(names[entry.index])'")
            }
        }
        for index in audit.adjacentClasses
        where !names.indices.contains(index) || audit.forgottenClasses.contains(index) {
            contradict("class \(index) cannot be an adjacent class")
        }
        if audit.forgottenClasses.isEmpty == (audit.forgottenSamples == nil) {
            contradict("either classes or samples were to be forgotten, but the record states neither or both")
        }
    }

    private mutating func checkModels() {
        let models = record.models
        if audit.retrainedModels != models.retrained.count {
            contradict(
                "\(audit.retrainedModels) retrained models were compared with, but \(models.retrained.count) are listed"
            )
        }
        if models.original.sha256 == models.unlearned.sha256 {
            contradict("the original and the unlearned model have the same digest")
        }
        for (position, file) in models.retrained.enumerated() {
            let others = [("the original", models.original), ("the unlearned model", models.unlearned)]
            if let other = others.first(where: { $0.1.sha256 == file.sha256 }) {
                contradict("retrained model \(position + 1) and \(other.0) have the same digest")
            } else if let other = models.retrained[..<position].firstIndex(where: { $0.sha256 == file.sha256 }) {
                contradict("retrained models \(other + 1) and \(position + 1) have the same digest")
            }
        }
    }

    // MARK: Measures

    /// Judges the measures by their values and the record's limits.
    private mutating func judgedMeasures() -> [MeasureResult] {
        let known = Dictionary(
            Audit(configuration: audit.configuration).descriptions.map { ($0.identifier, $0) },
            uniquingKeysWith: { first, _ in first })
        var seen: Set<MeasureIdentifier> = []
        for result in audit.measures {
            let measure = result.measure
            if !seen.insert(measure.identifier).inserted { contradict("\(measure.identifier) appears twice") }
            if let usual = known[measure.identifier], (usual.unit, usual.least) != (measure.unit, measure.least) {
                contradict("\(measure.identifier) has another description than in this program")
            }
            check(result)
        }
        let builtIn = Set(Audit().descriptions.map(\.identifier))
        for name in audit.configuration.thresholds.limits.keys.sorted() where !seen.contains(.init(rawValue: name)) {
            let identifier = MeasureIdentifier(rawValue: name)
            // Built-in measures have default limits even where the settings leave them out.
            if builtIn.contains(identifier), known[identifier] == nil { continue }
            // A single class has no worst one.
            if name == MeasureIdentifier.forgetAccuracyWorstClass.rawValue, audit.forgottenClasses.count < 2 {
                continue
            }
            contradict("\(name) has limits, but was neither measured nor left out")
        }
        let judged = audit.configuration.thresholds.judged(audit.measures, ofClasses: audit.forgottenSamples == nil)
        for (stated, judged) in zip(audit.measures, judged)
        where judged.verdict != stated.verdict || !Self.areEqual(judged.limits, stated.limits) {
            contradict(stated, judged)
        }
        return judged
    }

    private mutating func contradict(_ stated: MeasureResult, _ judged: MeasureResult) {
        let name = stated.measure.identifier
        guard judged.verdict != stated.verdict else {
            contradict("\(name): it was judged by other limits than those in the record's settings")
            return
        }
        var numbers: [String] = []
        if let value = stated.unlearned?.value { numbers.append("unlearned \(value)") }
        for threshold in judged.limits {
            let reference: Double? =
                switch threshold.reference {
                case .retrained: stated.retrained?.mean
                case .original: stated.original?.value
                case .zero: 0
                }
            if let reference, threshold.reference != .zero {
                numbers.append("\(threshold.reference.rawValue) \(reference)")
            }
            numbers.append("limit \(threshold.limit)")
        }
        let reason = numbers.isEmpty ? "" : " (\(numbers.joined(separator: ", ")))"
        contradict("\(name): stated \(stated.verdict.title), recomputed \(judged.verdict.title)\(reason)")
    }

    private mutating func check(_ result: MeasureResult) {
        let name = result.measure.identifier
        if result.isOmitted, result.original != nil || result.unlearned != nil || result.retrained != nil {
            contradict("\(name) was left out, but has values")
        }
        let values =
            [result.original, result.unlearned].compactMap(\.self) + (result.retrained?.values ?? [])
        for value in values { check(value, of: result.measure) }
        if let retrained = result.retrained {
            if RetrainedValue(retrained.values) != retrained {
                contradict("\(name): the retrained models' mean or range does not match their values")
            }
            if retrained.values.count > audit.retrainedModels {
                contradict(
                    "\(name) has values of \(retrained.values.count) retrained models, but there are "
                        + "\(audit.retrainedModels)")
            }
        }
        checkGap(of: result)
    }

    private mutating func check(_ value: MeasureValue, of measure: MeasureDescription) {
        let name = measure.identifier
        guard value.value.isFinite else { return contradict("\(name) has the value \(value.value)") }
        let rounding = 1e-6
        if let least = measure.least, value.value < least - rounding {
            contradict("\(name) has the value \(value.value), but the least possible value is \(least)")
        }
        if let greatest = measure.greatest, value.value > greatest + rounding {
            contradict("\(name) has the value \(value.value), but the greatest possible value is \(greatest)")
        }
        guard let interval = value.interval else { return }
        // An interval of a low confidence level need not contain the measured value.
        let holds = interval.lower - 1e-9 <= value.value && value.value <= interval.upper + 1e-9
        if !(interval.lower <= interval.upper) || interval.level >= 0.5 && !holds {
            contradict(
                "\(name) has the value \(value.value) outside its interval, \(interval.lower) to \(interval.upper)")
        }
    }

    private mutating func checkGap(of result: MeasureResult) {
        guard let unlearned = result.unlearned?.value, let retrained = result.retrained?.mean else { return }
        let name = result.measure.identifier
        guard let gap = result.gap?.value else {
            return contradict("\(name) has no gap between unlearned and retrained")
        }
        if !Self.areEqual(gap, unlearned - retrained) {
            contradict("\(name) has the gap \(gap), but unlearned minus retrained is \(unlearned - retrained)")
        }
    }

    // MARK: Verdict

    private mutating func check(_ recomputed: AuditVerdict) {
        let stated = audit.verdict
        // Earlier versions passed with less evidence; what they lack is told as missing.
        let isFormerPass = audit.schemaVersion < 4 && stated.total == .pass && recomputed.total == .incomplete
        if stated.total != recomputed.total, !isFormerPass {
            let reasons = recomputed.missingEvidence.map { "; \($0)" }.joined()
            contradict(
                "the verdict: stated \(stated.total.title), recomputed \(recomputed.total.title)\(reasons)")
        }
        let lists: [(String, KeyPath<AuditVerdict, [MeasureIdentifier]>)] = [
            ("pass", \.passed), ("leak", \.leaks), ("over-forgotten", \.overForgotten), ("not judged", \.notJudged),
            ("left out", \.omitted),
        ]
        for (name, list) in lists where Set(stated[keyPath: list]) != Set(recomputed[keyPath: list]) {
            contradict("the verdict's list of measures that are '\(name)' does not match the measures")
        }
        if stated.comparesWithRetraining != recomputed.comparesWithRetraining {
            contradict(
                "the verdict states that retrained models were \(stated.comparesWithRetraining ? "" : "not ")compared with"
            )
        }
    }
}
