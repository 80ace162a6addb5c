import Foundation

/// The likelihood ratio attack (LiRA; Carlini et al. 2022, arXiv 2112.03570) as it is used on unlearning (U-LiRA; Hayes
/// et al. 2024, arXiv 2403.01218): shadow models that did and did not see an example tell how confident a model is to
/// be in either case, and a Gaussian for each case weighs what the attacked model says.
///
/// The area under the ROC curve (AUC) is 0 to 1, and 1/2 is guessing; the true positive rate (TPR) at a small false
/// positive rate (FPR) says what an attacker finds who must be sure. The target is the retrained model's figure.
public enum LikelihoodRatioAttack {
    /// How confident a model is in each example's label: `φ = log p_y - log Σ_{j≠y} p_j`, any number.
    public static func confidences(_ predictions: Predictions, labels: [Int]) -> [Double] {
        labels.enumerated().map { row, label in
            let others = (0..<predictions.classes).filter { $0 != label }.map { predictions.logProbability(row, $0) }
            let largest = others.max() ?? 0
            let sum = others.reduce(0) { $0 + exp($1 - largest) }
            return predictions.logProbability(row, label) - largest - log(sum)
        }
    }

    /// The logarithm of the likelihood ratio of each example: above 0 speaks for having been seen.
    ///
    /// With fewer than 64 models a case, the deviations are those over all examples, as Carlini et al. advise.
    /// - Parameters:
    ///   - attacked: the attacked model's φ of each example.
    ///   - seen: for each example φ of shadow models that saw it, one or more.
    ///   - unseen: for each example φ of shadow models that did not, one or more.
    public static func scores(attacked: [Double], seen: [[Double]], unseen: [[Double]]) -> [Double] {
        let seenDeviations = deviations(seen)
        let unseenDeviations = deviations(unseen)
        return attacked.indices.map { index in
            logDensity(attacked[index], mean: Statistics.mean(seen[index]) ?? 0, deviation: seenDeviations[index])
                - logDensity(
                    attacked[index], mean: Statistics.mean(unseen[index]) ?? 0, deviation: unseenDeviations[index])
        }
    }

    /// Models a case from which on each example has a deviation of its own.
    private static let modelsForOwnDeviation = 64
    /// No deviation is smaller: equal answers of few models do not mean certainty.
    private static let leastDeviation = 1e-3

    private static func deviations(_ values: [[Double]]) -> [Double] {
        let squares = values.map { values in
            let mean = Statistics.mean(values) ?? 0
            return values.map { ($0 - mean) * ($0 - mean) }
        }
        let all = Statistics.mean(squares.flatMap { $0 }) ?? 0
        return squares.map { squares in
            let variance = squares.count < modelsForOwnDeviation ? all : Statistics.mean(squares) ?? all
            return max(leastDeviation, variance.squareRoot())
        }
    }

    private static func logDensity(_ value: Double, mean: Double, deviation: Double) -> Double {
        let distance = (value - mean) / deviation
        return -0.5 * distance * distance - log(deviation) - 0.5 * log(2 * Double.pi)
    }

    static let measure = MeasureDescription(
        .likelihoodRatioAttack, title: "Likelihood ratio attack (U-LiRA)",
        definition:
            "Area under the ROC curve of an attack that tells the forgotten classes' training images from their test "
            + "images by likelihoods over shadow models; 50 % is guessing.",
        source: "Hayes et al. 2024, Inexact Unlearning Needs More Careful Evaluations (arXiv 2403.01218)",
        group: .membership, unit: .share, direction: .closerToRetrained)
}

/// How well a score tells members from others.
public struct ReceiverOperatingCharacteristic: Sendable, Hashable {
    private let members: [Double]
    private let others: [Double]

    /// Compares scores; higher ones are to speak for membership. Neither list may be empty.
    public init(members: [Double], others: [Double]) {
        precondition(!members.isEmpty && !others.isEmpty, "a curve needs members and others")
        self.members = members.sorted()
        self.others = others.sorted()
    }

    /// The area under the curve: the chance that a member scores higher than another example, equal scores counting
    /// half. 0 to 1.
    public var area: Double {
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

    /// The largest share of members found by a threshold that calls at most a share of the others members. 0 to 1.
    public func truePositiveRate(atFalsePositiveRate rate: Double) -> Double {
        // So many others may lie above the threshold, which is then the next one's score.
        let allowed = Int((rate * Double(others.count)).rounded(.down))
        guard allowed < others.count else { return 1 }
        let threshold = others[others.count - 1 - allowed]
        return Double(members.count { $0 > threshold }) / Double(members.count)
    }
}
