import Foundation
import Unlearning

/// The result of `unlearn compare-distributions`.
struct DistributionsReport: Report {
    let result: DistributionalResult
    let classes: Set<Int>
    /// How many samples were to be forgotten; nil if classes were.
    let samples: Int?
    let classNames: [String]
    /// The method of the models that were trained here; nil where models were given.
    let method: String?
    let seed: UInt64

    private enum CodingKeys: CodingKey {
        case forgottenClasses, forgottenSamples, method, seed
    }

    func encode(to encoder: any Encoder) throws {
        try result.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(classes.sorted(), forKey: .forgottenClasses)
        try container.encodeIfPresent(samples, forKey: .forgottenSamples)
        try container.encodeIfPresent(method, forKey: .method)
        try container.encode(seed, forKey: .seed)
    }

    /// The columns: all models, and halves where there are enough.
    private var columns: [(title: String, measures: DistributionalMeasures)] {
        let all = [("all models", result.measures)]
        guard let halves = result.halves else { return all }
        return all + [("half, unlearned", halves.unlearned), ("half, retrained", halves.retrained)]
    }

    private static let groups: [(ImageGroup, String)] = [
        (.forgottenTraining, "forgotten training images"), (.retainedTraining, "retained training images"),
        (.forgottenTest, "forgotten classes' test images"), (.retainedTest, "retained classes' test images"),
    ]

    private func number(_ value: Double?) -> String { value.map { String(format: "%.3f", $0) } ?? "-" }

    var text: String {
        let what = samples.map { "\($0) samples" } ?? classNames.names(of: classes)
        var text =
            "\(result.unlearnedModels) unlearned models against \(result.retrainedModels) retrained without \(what)\n\n"
        text += table.text
        text += """

            Challenge epsilon: the best rule by the answers to one image; 0 tells nothing, and \(result.measures.models) models \
            show at most \(number(result.epsilonCeiling)), or tell them without an error. Score: 1 is as retrained. KLoM: 0 means equal \
            margins, and \(number(MarginDivergence.maximum)) no common ones.

            """
        if let halves = result.halves {
            text +=
                "Halves compare \(halves.retrained.models) models with \(halves.retrained.models) retrained ones; the last column "
                + "is what truly retrained models reach.\n"
        } else {
            text +=
                "With \(DistributionalComparison.modelsForHalves) or more models of either kind, halves show what chance "
                + "does.\n"
        }
        return text
    }

    private var table: TextTable {
        var table = TextTable()
        table.add(["measure"] + columns.map(\.title))
        func add(_ name: String, _ value: (DistributionalMeasures) -> String) {
            table.add([name] + columns.map { value($0.measures) })
        }
        add("challenge epsilon, median") { number($0.epsilon.median) }
        add("images told without an error") { Double?($0.epsilon.cappedShare).percentText }
        add("forgetting quality") { number($0.epsilon.forgettingQuality) }
        add("retain accuracy ratio, training") { number($0.epsilon.retainRatio) }
        add("retain accuracy ratio, test") { number($0.epsilon.testRatio) }
        add("challenge score") { number($0.epsilon.score) }
        for (group, name) in Self.groups where result.measures.divergence[group] != nil {
            add("KLoM, \(name)") { number($0.divergence[group]?.mean) }
            add("  95th percentile") { number($0.divergence[group]?.percentile95) }
        }
        return table
    }
}
