import Foundation

/// Membership inference from one number an example: a balanced logistic regression learns to tell training from test
/// images of the retained classes, and is then asked about training images of the forgotten ones. The figure is the
/// share that it calls members. 0 to 1.
///
/// The target is the retrained model's figure, neither 0 nor 1/2: images that were never seen look to some degree like
/// members, too. Sources: Chundawat et al. 2023 (arXiv 2205.08096), section 5, for the entropy; Yeom et al. 2018 and
/// Salem et al. 2019 for confidence.
public enum MembershipInference {
    /// 1 for each example that an attack calls a member, else 0; nil if there is nothing to learn from.
    /// - Parameters:
    ///   - members: the number of each retained training example.
    ///   - nonMembers: the number of each retained test example.
    ///   - examples: the number of each example that is asked about.
    public static func calledMembers(
        members: [Double], nonMembers: [Double], asking examples: [Double]
    ) -> [Double]? {
        LogisticRegression(members: members, others: nonMembers).map { attack in
            examples.map { attack.isMember($0) ? 1 : 0 }
        }
    }

    /// The entropy of each answer in nats, 0 to ln K.
    public static func entropies(_ predictions: Predictions) -> [Double] {
        (0..<predictions.count).map { row in
            // From logarithms, so that a tiny probability keeps its part.
            (0..<predictions.classes).reduce(0) {
                $0 - predictions.probability(row, $1) * predictions.logProbability(row, $1)
            }
        }
    }

    /// The probability of each example's label, 0 to 1.
    public static func confidences(_ predictions: Predictions, labels: [Int]) -> [Double] {
        labels.enumerated().map { predictions.probability($0.offset, $0.element) }
    }

    /// The cross-entropy of each example, `-log p_label` in nats, 0 or more.
    public static func losses(_ predictions: Predictions, labels: [Int]) -> [Double] {
        labels.enumerated().map { -predictions.logProbability($0.offset, $0.element) }
    }

    static let entropy = measure(
        .membershipEntropy, "Membership by entropy",
        "Share of the forgotten classes' training images that a balanced logistic regression on the entropy of answers, "
            + "fitted to retained training against retained test images, calls members.",
        source: "Chundawat et al. 2023, Can Bad Teaching Induce Forgetting? (arXiv 2205.08096), section 5")
    static let confidence = measure(
        .membershipConfidence, "Membership by confidence",
        "Share of the forgotten classes' training images that a balanced logistic regression on the true class's "
            + "probability, fitted to retained training against retained test images, calls members.",
        source: "Salem et al. 2019, ML-Leaks (arXiv 1806.01246)")
    static let loss = measure(
        .membershipLoss, "Membership by loss",
        "Balanced accuracy, by five-fold cross-validation, of a logistic regression on the loss that tells the forgotten "
            + "classes' training images from their test images; 50 % is guessing.",
        source: "Kurmanji et al. 2023, Towards Unbounded Machine Unlearning (arXiv 2302.09880), section 4.3")

    private static func measure(
        _ identifier: MeasureIdentifier, _ title: String, _ definition: String, source: String
    ) -> MeasureDescription {
        MeasureDescription(
            identifier, title: title, definition: definition, source: source, group: .membership, unit: .share,
            direction: .closerToRetrained)
    }
}
