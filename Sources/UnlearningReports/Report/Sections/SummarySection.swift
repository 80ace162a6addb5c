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
                markup.add("p", text: "There is not enough evidence that the model has forgotten:")
                markup.add("ul") { markup in
                    for missing in verdict.missingEvidence { markup.add("li", text: missing) }
                }
            }
            for sentence in findings { markup.add("p", text: sentence.keepingUnits) }
        }
        for sentence in record.duplicates?.findings ?? [] { markup.add("p", text: sentence) }
        let looser = result.looserLimits
        if !looser.isEmpty {
            markup.add("p", text: "Some limits are looser than the default:")
            markup.add("ul") { markup in
                for limit in looser { markup.add("li", text: limit) }
            }
        }
        markup.add(
            "p", ["class": "faint"],
            text: "A pass means that no judged measure exceeds its limit. It does not prove that nothing is left, and "
                + "this report is not a legal assessment.")
        markup.add(
            "p", ["class": "faint"],
            text: "Request \(record.requestID), \(Self.dateText(record.date)). Measured on "
                + "\(result.samples.forgottenTest) test images of the forgotten classes and "
                + "\(result.samples.retainedTest) of the retained classes\(trainingText).")
    }

    private var trainingText: String {
        let samples = result.samples
        guard samples.forgottenTraining + samples.retainedTraining > 0 else {
            return "; no training images were given"
        }
        return ", and on \(samples.forgottenTraining) and \(samples.retainedTraining) training images of them"
    }

    /// The measures that decide the verdict, in a sentence.
    private var verdictText: String {
        let verdict = result.verdict
        let judged = verdict.passed.count + verdict.partial.count + verdict.failed.count
        let comparison =
            switch result.retrainedModels {
            case 0: "No retrained model was given, so leakage compared with retraining is unknown."
            case 1: "Compared with one model that was retrained without \(forgottenObject)."
            case let count: "Compared with \(count) models that were retrained without \(forgottenObject)."
            }
        guard judged > 0 else { return "No measure was judged. " + comparison }
        var parts = ["\(verdict.passed.count) of \(judged) judged measures passed"]
        if !verdict.partial.isEmpty { parts.append("partial: \(titles(verdict.partial))") }
        if !verdict.failed.isEmpty { parts.append("failed: \(titles(verdict.failed))") }
        return parts.joined(separator: "; ") + ". " + comparison
    }

    /// What was to be forgotten, in two words.
    private var forgottenObject: String {
        if result.forgottenSamples != nil { return "the samples" }
        return result.forgottenClasses.count == 1 ? "the class" : "the classes"
    }

    private func titles(_ identifiers: [MeasureIdentifier]) -> String {
        identifiers.map { result[$0]?.measure.title ?? $0.rawValue }.inWords
    }

    /// The accuracies, in sentences.
    private var findings: [String] {
        [
            (MeasureIdentifier.forgetAccuracyTest, "Accuracy on the forgotten classes"),
            (.forgetAccuracyWorstClass, "Highest accuracy on one of them"),
            (.retainAccuracyTest, "Accuracy on the retained classes"),
        ].compactMap { identifier, name in
            guard let measure = result[identifier], let after = measure.unlearned else { return nil }
            var text = "\(name): \(measure.measure.text(after)) after unlearning"
            if let before = measure.original { text += ", \(measure.measure.text(before)) before" }
            if let retrained = measure.retrained {
                text += ", \(measure.measure.text(retrained)) after retraining without \(forgottenObject)"
            }
            return text + "."
        }
    }

    static func dateText(_ date: Date) -> String {
        date.formatted(.iso8601.year().month().day().dateSeparator(.dash)) + ", "
            + date.formatted(.iso8601.time(includingFractionalSeconds: false).timeSeparator(.colon)) + " UTC"
    }
}
