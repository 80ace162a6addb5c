import Plotting
import Unlearning

extension AuditReport {
    /// The verdict in a sentence for people who do not build models.
    var plainVerdict: String {
        let object = result.forgottenSamples == nil ? forgottenNames : "the samples"
        return switch result.verdict.total {
        case .pass:
            "No measure found that the model still knows \(object): where it was judged, it behaves like models that were "
                + "trained without \(forgottenObject)."
        case .leak:
            "The model still knows something about \(object) that a model trained without \(forgottenObject) would not "
                + "know. Do not release it."
        case .overForgotten:
            "No measure found that the model still knows \(object), but it differs from models trained without "
                + "\(forgottenObject) in a way that damages other answers or shows what was removed."
        case .incomplete, .notJudged:
            "Nothing speaks against the model, but too little was measured to say that it has forgotten \(object)."
        }
    }

    /// A figure of the first screen.
    struct Headline {
        let name: String
        let value: String
        let comparison: String
    }

    /// The four figures of the first screen.
    var headlines: [Headline] {
        [
            headline(
                .forgetAccuracyTest, "Forgotten images recognized",
                "the model no longer gives \(forgottenObject) as its answer"),
            headline(.retainAccuracyTest, "Other images recognized", "share of the retained classes' test images"),
            headline(.totalVariation, "Distance of answers to retraining", "0 is the same answers, 1 the opposite"),
            Headline(
                name: "Compared with", value: "\(result.retrainedModels)",
                comparison: (result.retrainedModels == 1 ? "model" : "models")
                    + " retrained without \(forgottenObject), on "
                    + "\(result.samples.forgottenTest) test images of \(forgottenObject)"),
        ]
    }

    private func headline(_ identifier: MeasureIdentifier, _ name: String, _ fallback: String) -> Headline {
        guard let measured = result[identifier], !measured.isOmitted, let value = measured.unlearned else {
            return Headline(name: name, value: "not measured", comparison: result[identifier]?.omission ?? fallback)
        }
        let measure = measured.measure
        let comparisons = [
            measured.original.map { "\(measure.text($0)) before" },
            measured.retrained.map {
                identifier == .totalVariation
                    ? "\(measure.text($0)) between retrained models" : "\(measure.text($0)) after retraining"
            },
        ].compactMap(\.self)
        return Headline(
            name: name, value: measure.text(value),
            comparison: comparisons.isEmpty ? fallback : comparisons.joined(separator: ", "))
    }

    /// What to do after this verdict, in the order of importance.
    var nextSteps: [String] {
        switch result.verdict.total {
        case .pass:
            [
                "Keep this report and its record with the request.",
                "Release the new model, and delete the old one with its copies.",
                "Delete the images of \(forgottenObject): they are needed for this audit alone.",
            ]
        case .leak:
            [
                "Do not release the model.",
                "Forget again by a more thorough preset, or train again without \(forgottenObject).",
                "For engineers: \(titles(result.verdict.leaks)) found the leak; see the table below.",
            ]
        case .overForgotten:
            [
                "Decide whether this matters for the request: nothing was found that the model still knows.",
                "Forget again by a gentler preset, or train again without \(forgottenObject).",
                "For engineers: \(titles(result.verdict.overForgotten)); see the table below.",
            ]
        case .incomplete, .notJudged:
            ["Do not release the model on this evidence."]
                + result.verdict.missingEvidence.map {
                    "Supply what is missing: \($0)."
                }
        }
    }

    /// What no verdict proves.
    static func limitations(retrained: Int) -> [String] {
        [
            "That nothing is left: another attack may find more than these measures.",
            "Anything about a single image: the figures are averages over many.",
            "Anything about copies, older versions or the images themselves.",
            "That a law or a contract is fulfilled: this report is not a legal assessment.",
        ] + (retrained == 1 ? ["How much retraining varies: one retrained model does not show it."] : [])
    }
}
