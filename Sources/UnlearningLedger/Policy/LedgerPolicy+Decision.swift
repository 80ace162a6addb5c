package import Unlearning
package import UnlearningReports

extension LedgerPolicy {
    /// Whether a model may leave, and why not.
    package struct Decision: Sendable, Hashable {
        /// The verdict by the policy's limits; nil without an audit.
        package let verdict: MeasureVerdict?
        /// Why the model may not leave; empty if it may.
        package let reasons: [String]

        package init(verdict: MeasureVerdict?, reasons: [String]) {
            self.verdict = verdict
            self.reasons = reasons
        }

        package var isPassed: Bool { reasons.isEmpty }
    }

    /// Replaces an audit's limits by the policy's.
    package func apply(to thresholds: inout AuditThresholds) {
        for measure in AuditConfiguration.everyMeasure {
            guard let limit = limits[measure.identifier.rawValue] else { continue }
            thresholds.setLimits(of: measure, above: limit.above, below: limit.below)
        }
    }

    /// Refuses a method that the policy does not allow; nil if it does.
    package func objection(toMethod name: String) -> String? {
        guard let methods, !methods.contains(name) else { return nil }
        return "the policy allows the methods \(methods.joined(separator: ", ")), and not '\(name)'"
    }

    /// Decides by a record, whose numbers are judged again.
    /// - Parameters:
    ///   - record: the record of the audit; nil if there was none.
    ///   - method: the method's name.
    package func decision(on record: AuditRecord?, method: String) -> Decision {
        var reasons = [objection(toMethod: method)].compactMap(\.self)
        guard let record else {
            if requiresAudit {
                reasons.append("the policy requires an audit, which needs images of all classes; give --validation")
            }
            return Decision(verdict: nil, reasons: reasons)
        }
        reasons += record.check().contradictions.map { "the record contradicts itself: \($0)" }
        let judged = judgement(of: record)
        let verdict = judged.verdict.total
        func names(_ measures: [MeasureIdentifier]) -> String { measures.map(\.rawValue).joined(separator: ", ") }
        if !judged.verdict.leaks.isEmpty { reasons.append("leak: \(names(judged.verdict.leaks))") }
        if !judged.verdict.overForgotten.isEmpty, !acceptsOverForgotten {
            reasons.append("over-forgotten, which the policy does not accept: \(names(judged.verdict.overForgotten))")
        }
        if verdict == .incomplete, !acceptsIncomplete { reasons += judged.verdict.missingEvidence }
        if requiresRetraining, record.audit.retrainedModels == 0 {
            reasons.append("the policy requires a retrained model to compare with; give --retrained or --retrain")
        }
        let missing = requiredMeasures.filter { name in
            !judged.measures.contains { $0.measure.identifier.rawValue == name && $0.verdict != .notJudged }
        }
        if !missing.isEmpty {
            reasons.append("required measures that were not judged: \(missing.joined(separator: ", "))")
        }
        return Decision(verdict: verdict, reasons: reasons)
    }

    /// A record's measures and verdict by the policy's limits.
    private func judgement(of record: AuditRecord) -> (measures: [MeasureResult], verdict: AuditVerdict) {
        let audit = record.audit
        var thresholds = audit.configuration.thresholds
        apply(to: &thresholds)
        let measures = thresholds.judged(audit.measures, ofClasses: audit.forgottenSamples == nil)
        let verdict = AuditVerdict(
            measures, comparesWithRetraining: audit.retrainedModels > 0, isOriginal: audit.verdict.isOriginal,
            hasOriginalFeatures: audit.verdict.hasOriginalFeatures)
        return (measures.filter { !$0.isOmitted }, verdict)
    }
}
