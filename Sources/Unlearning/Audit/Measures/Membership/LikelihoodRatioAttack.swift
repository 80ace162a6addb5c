import Foundation

/// The settings of the likelihood ratio attack's shadow models.
public struct LikelihoodRatioAttackConfiguration: Sendable, Codable, Hashable {
    /// The number of shadow models, even, from 2 to 1,000; half of them see each example.
    public var shadowModels: Int
    /// The training of each shadow model; use the original's settings.
    public var training: TrainingConfiguration
    /// UNSIR's settings if the audited model was made to forget by it; nil for the default method.
    public var unlearning: UNSIR.Configuration?

    /// Creates a configuration.
    public init(
        shadowModels: Int = 16, training: TrainingConfiguration = TrainingConfiguration(epochs: 3),
        unlearning: UNSIR.Configuration? = nil
    ) {
        self.shadowModels = shadowModels
        self.training = training
        self.unlearning = unlearning
    }

    /// The method by which each shadow model forgets the classes.
    var method: any UnlearningMethod {
        unlearning.map { UNSIR(configuration: $0) } ?? PrototypeRepair.default
    }

    /// Checks every setting.
    /// - Throws: ``UnlearningError``.
    package func validate() throws {
        guard (2...1000).contains(shadowModels), shadowModels % 2 == 0 else {
            throw UnlearningError.invalidSetting(
                name: "shadow models", value: "\(shadowModels)", remedy: "use an even number from 2 to 1000")
        }
        try training.validate()
        try unlearning?.validate()
    }
}

extension LikelihoodRatioAttackConfiguration {
    /// Reads settings, with defaults for those that are missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let defaults = LikelihoodRatioAttackConfiguration()
        shadowModels = try container.decode(.shadowModels, or: defaults.shadowModels)
        training = try container.decode(.training, or: defaults.training)
        unlearning = try container.decodeIfPresent(UNSIR.Configuration.self, forKey: .unlearning)
    }
}

/// The likelihood ratio attack (LiRA; Carlini et al. 2022, arXiv 2112.03570) on unlearning (U-LiRA; Hayes et al. 2024,
/// arXiv 2403.01218).
///
/// Shadow models that did and did not see an example give the distributions of confidence in both cases, as Gaussians,
/// which then weigh the attacked model's confidence. The area under the ROC curve (AUC) is 0 to 1, and 1/2 is guessing;
/// the true positive rate (TPR) at a small false positive rate (FPR) is what a careful attacker finds. The target is
/// the retrained models' value.
package enum LikelihoodRatioAttack {
    /// Computes a model's confidence in each example's label, `φ = log p_y - log Σ_{j≠y} p_j`, any number.
    package static func confidences(_ predictions: Predictions, labels: [Int]) -> [Double] {
        labels.enumerated().map { row, label in
            let others = (0..<predictions.classes).filter { $0 != label }.map { predictions.logProbability(row, $0) }
            let largest = others.max() ?? 0
            let sum = others.reduce(0) { $0 + exp($1 - largest) }
            return predictions.logProbability(row, label) - largest - log(sum)
        }
    }

    /// Computes the logarithm of each example's likelihood ratio; values above 0 suggest that it was seen.
    ///
    /// With fewer than 64 models per case, the standard deviations are those over all examples, as Carlini et al.
    /// advise.
    /// - Parameters:
    ///   - attacked: the attacked model's φ of each example.
    ///   - seen: for each example φ of shadow models that saw it, one or more.
    ///   - unseen: for each example φ of shadow models that did not, one or more.
    package static func scores(attacked: [Double], seen: [[Double]], unseen: [[Double]]) -> [Double] {
        let seenDeviations = deviations(seen)
        let unseenDeviations = deviations(unseen)
        return attacked.indices.map { index in
            logDensity(attacked[index], mean: Statistics.mean(seen[index]) ?? 0, deviation: seenDeviations[index])
                - logDensity(
                    attacked[index], mean: Statistics.mean(unseen[index]) ?? 0, deviation: unseenDeviations[index])
        }
    }

    /// The number of models per case from which on each example has a standard deviation of its own.
    private static let modelsForOwnDeviation = 64
    /// The minimum standard deviation, since equal confidences of few models do not mean certainty.
    private static let minimumDeviation = 1e-3

    private static func deviations(_ values: [[Double]]) -> [Double] {
        let squares = values.map { values in
            let mean = Statistics.mean(values) ?? 0
            return values.map { ($0 - mean) * ($0 - mean) }
        }
        let all = Statistics.mean(squares.flatMap { $0 }) ?? 0
        return squares.map { squares in
            let variance = squares.count < modelsForOwnDeviation ? all : Statistics.mean(squares) ?? all
            return max(minimumDeviation, variance.squareRoot())
        }
    }

    private static func logDensity(_ value: Double, mean: Double, deviation: Double) -> Double {
        let distance = (value - mean) / deviation
        return -0.5 * distance * distance - log(deviation) - 0.5 * log(2 * Double.pi)
    }

    static let description = MeasureDescription(
        .likelihoodRatioAttack, title: "Likelihood ratio attack (U-LiRA)",
        definition:
            "Area under the ROC curve of an attack that tells the forgotten classes' training images from their test "
            + "images by likelihood ratios over shadow models; 50 % is guessing.",
        source: "Hayes et al. 2024, Inexact Unlearning Needs More Careful Evaluations (arXiv 2403.01218)",
        group: .membership, unit: .share, direction: .closerToRetrained)
}

/// The ROC curve of a score that tells members from others.
package struct ReceiverOperatingCharacteristic: Sendable, Hashable {
    private let members: [Double]
    private let others: [Double]

    /// Compares scores, of which higher ones suggest membership. Neither list may be empty.
    package init(members: [Double], others: [Double]) {
        precondition(!members.isEmpty && !others.isEmpty, "a curve needs members and others")
        self.members = members.sorted()
        self.others = others.sorted()
    }

    /// Compares the first scores, which are members', with the others.
    package init(scores: [Double], members: Int) {
        self.init(members: Array(scores.prefix(members)), others: Array(scores.dropFirst(members)))
    }

    /// The area under the curve, 0 to 1: the probability that a member scores higher than another example, ties
    /// counting half.
    package var area: Double {
        var below = 0
        var notAbove = 0
        var sum = 0.0
        for score in members {
            while below < others.count, others[below] < score { below += 1 }
            while notAbove < others.count, others[notAbove] <= score { notAbove += 1 }
            sum += Double(below) + 0.5 * Double(notAbove - below)
        }
        return sum / (Double(members.count) * Double(others.count))
    }

    /// Computes the largest true positive rate of a threshold with at most a given false positive rate, 0 to 1.
    package func truePositiveRate(atFalsePositiveRate rate: Double) -> Double {
        // At most this many others may be above the threshold, which is the next one's score.
        let allowed = Int((rate * Double(others.count)).rounded(.down))
        guard allowed < others.count else { return 1 }
        let threshold = others[others.count - 1 - allowed]
        return Double(members.count { $0 > threshold }) / Double(members.count)
    }
}
