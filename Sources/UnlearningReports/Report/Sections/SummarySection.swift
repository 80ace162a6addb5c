import Foundation
import Plotting
import Unlearning

extension AuditReport {
    /// Title and verdict.
    func addSummary(to markup: inout Markup) {
        let verdict = result.verdict
        markup.add("h1", text: "Audit of approximate class unlearning: \(forgottenNames)")
        markup.add("div", ["class": "verdict \(verdict.total.rawValue)", "role": "status"]) { markup in
            markup.add("p", ["class": "word"], text: "\(verdict.total.sign) Verdict: \(verdict.total.title)")
            markup.add("p", text: verdictText)
            if !verdict.missingEvidence.isEmpty {
                markup.add("p", text: "Too little was judged to say that the model has forgotten:")
                markup.add("ul") { markup in
                    for missing in verdict.missingEvidence { markup.add("li", text: missing) }
                }
            }
            for sentence in findings { markup.add("p", text: sentence.keepingUnits) }
        }
        let looser = result.looserLimits
        if !looser.isEmpty {
            markup.add("p", text: "Judged by limits that are looser than the default:")
            markup.add("ul") { markup in
                for limit in looser { markup.add("li", text: limit) }
            }
        }
        markup.add(
            "p", ["class": "faint"],
            text: "A pass says that no judged measure found more than its limit allows. It is no proof that nothing "
                + "is left, and nothing here is a statement about the law.")
        markup.add(
            "p", ["class": "faint"],
            text: "Request \(record.requestID), \(Self.dateText(record.date)). Measured on "
                + "\(result.samples.forgottenTest) test images of the forgotten and \(result.samples.retainedTest) of "
                + "the retained classes\(trainingText).")
    }

    private var trainingText: String {
        let samples = result.samples
        guard samples.forgottenTraining + samples.retainedTraining > 0 else {
            return "; there was no training data to measure on"
        }
        return ", and on \(samples.forgottenTraining) and \(samples.retainedTraining) training images"
    }

    /// What the verdict rests on, in a sentence.
    private var verdictText: String {
        let verdict = result.verdict
        let judged = verdict.passed.count + verdict.partial.count + verdict.failed.count
        let comparison =
            switch result.retrainedModels {
            case 0: "No retrained model was given, so residual leakage against retraining is not known."
            case 1: "Compared with one model retrained without the class."
            case let count: "Compared with \(count) models retrained without the class."
            }
        guard judged > 0 else { return "No measure was judged. " + comparison }
        var parts = ["\(verdict.passed.count) of \(judged) judged measures pass"]
        if !verdict.partial.isEmpty { parts.append("partial: \(titles(verdict.partial))") }
        if !verdict.failed.isEmpty { parts.append("failed: \(titles(verdict.failed))") }
        return parts.joined(separator: "; ") + ". " + comparison
    }

    private func titles(_ identifiers: [MeasureIdentifier]) -> String {
        identifiers.map { result[$0]?.measure.title ?? $0.rawValue }.inWords
    }

    /// The figures that people ask for first.
    private var findings: [String] {
        [
            (MeasureIdentifier.forgetAccuracyTest, "Accuracy on the forgotten classes"),
            (.forgetAccuracyWorstClass, "On the one of them that is known best"),
            (.retainAccuracyTest, "Accuracy on the retained classes"),
        ].compactMap { identifier, name in
            guard let measure = result[identifier], let after = measure.unlearned else { return nil }
            var text = "\(name): \(measure.measure.text(after))"
            if let before = measure.original { text += ", \(measure.measure.text(before)) before" }
            if let retrained = measure.retrained {
                text += ", \(measure.measure.text(retrained)) after retraining without them"
            }
            return text + "."
        }
    }

    static func dateText(_ date: Date) -> String {
        date.formatted(.iso8601.year().month().day().dateSeparator(.dash)) + ", "
            + date.formatted(.iso8601.time(includingFractionalSeconds: false).timeSeparator(.colon)) + " UTC"
    }
}
