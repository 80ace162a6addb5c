import Foundation
import Plotting
import Unlearning

extension AuditReport {
    /// The first screen: title, verdict in plain words, four figures, what they do not prove, and what to do next.
    func addSummary(to markup: inout Markup) {
        let verdict = result.verdict
        markup.add("h1", text: "Audit of approximate class unlearning: \(forgottenNames)")
        markup.add("div", ["class": "verdict \(verdict.total.rawValue)", "role": "status"]) { markup in
            markup.add("p", ["class": "word"], text: "\(verdict.total.sign) Verdict: \(verdict.total.title)")
            markup.add("p", text: plainVerdict)
            for sentence in record.duplicates?.findings ?? [] { markup.add("p", text: sentence) }
        }
        markup.add("ul", ["class": "figures4"]) { markup in
            for figure in headlines {
                markup.add("li") { markup in
                    markup.add("span", text: figure.name)
                    markup.add("strong", text: figure.value.keepingUnits)
                    markup.add("small", text: figure.comparison.keepingUnits)
                }
            }
        }
        markup.add("div", ["class": "aside"]) { markup in
            Self.add("What to do next", nextSteps, to: &markup)
            Self.add("What this does not prove", Self.limitations(retrained: result.retrainedModels), to: &markup)
        }
        addReasons(to: &markup)
    }

    private static func add(_ title: String, _ items: [String], to markup: inout Markup) {
        markup.add("div") { markup in
            markup.add("h2", text: title)
            markup.add("ul") { markup in
                for item in items { markup.add("li", text: item) }
            }
        }
    }

    /// The measures behind the verdict, missing evidence, looser limits, and the request.
    private func addReasons(to markup: inout Markup) {
        markup.add("h2", text: "How the verdict came about")
        markup.add("p", text: verdictText)
        let lists = [
            ("There is not enough evidence that the model has forgotten:", result.verdict.missingEvidence),
            ("Some limits are looser than the default:", result.looserLimits),
        ]
        for (lead, items) in lists where !items.isEmpty {
            markup.add("p", text: lead)
            markup.add("ul") { markup in
                for item in items { markup.add("li", text: item) }
            }
        }
        markup.add(
            "p", ["class": "faint"],
            text: "Request \(record.requestID), \(Self.dateText(record.date)). Measured on "
                + "\(result.samples.forgottenTest) test images of the forgotten classes and "
                + "\(result.samples.retainedTest) of the retained classes\(trainingText)."
                + (result.configuration.weights.map { " All models' weights were rounded to \($0.rawValue) first." }
                    ?? ""))
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
        let judged = verdict.passed.count + verdict.leaks.count + verdict.overForgotten.count
        let comparison =
            switch result.retrainedModels {
            case 0: "No retrained model was given, so leakage compared with retraining is unknown."
            case 1: "Compared with one model that was retrained without \(forgottenObject)."
            case let count: "Compared with \(count) models that were retrained without \(forgottenObject)."
            }
        guard judged > 0 else { return "No measure was judged. " + comparison }
        var parts = ["\(verdict.passed.count) of \(judged) judged measures passed"]
        if !verdict.leaks.isEmpty { parts.append("leak: \(titles(verdict.leaks))") }
        if !verdict.overForgotten.isEmpty { parts.append("over-forgotten: \(titles(verdict.overForgotten))") }
        if verdict.total == .pass { parts.append("the pass is carried by \(titles(verdict.carriedBy))") }
        return parts.joined(separator: "; ") + ". " + comparison
    }

    /// What was to be forgotten, in two words.
    var forgottenObject: String {
        if result.forgottenSamples != nil { return "the samples" }
        return result.forgottenClasses.count == 1 ? "the class" : "the classes"
    }

    func titles(_ identifiers: [MeasureIdentifier]) -> String {
        identifiers.map { result[$0]?.measure.title ?? $0.rawValue }.inWords
    }

    static func dateText(_ date: Date) -> String {
        date.formatted(.iso8601.year().month().day().dateSeparator(.dash)) + ", "
            + date.formatted(.iso8601.time(includingFractionalSeconds: false).timeSeparator(.colon)) + " UTC"
    }
}
