/// A measure's name in records, on the command line and in thresholds, such as `retain-accuracy-test`.
///
/// Names consist of lower-case letters, digits and hyphens.
public struct MeasureIdentifier: RawRepresentable, Sendable, Hashable, Codable {
    /// The name.
    public let rawValue: String

    /// Names a measure.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// Whether the name has lower-case letters, digits and hyphens only, at least one.
    var isWellFormed: Bool {
        !rawValue.isEmpty
            && rawValue.utf8.allSatisfy { byte in
                switch UInt8(byte) {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}

extension MeasureIdentifier: ExpressibleByStringLiteral, CustomStringConvertible {
    /// Names a measure.
    public init(stringLiteral name: String) { self.init(rawValue: name) }

    /// The name.
    public var description: String { rawValue }
}

extension MeasureIdentifier {
    // Outputs
    /// Accuracy on test images of the forgotten classes.
    public static let forgetAccuracyTest = MeasureIdentifier(rawValue: "forget-accuracy-test")
    /// The highest accuracy among several forgotten classes, on test images.
    public static let forgetAccuracyWorstClass = MeasureIdentifier(rawValue: "forget-accuracy-worst-class")
    /// Accuracy on training images of the forgotten classes.
    public static let forgetAccuracyTraining = MeasureIdentifier(rawValue: "forget-accuracy-training")
    /// Mean probability of the true class on test images of the forgotten classes.
    public static let forgetConfidence = MeasureIdentifier(rawValue: "forget-confidence")
    /// Accuracy on test images of the retained classes.
    public static let retainAccuracyTest = MeasureIdentifier(rawValue: "retain-accuracy-test")
    /// Accuracy on training images of the retained classes.
    public static let retainAccuracyTraining = MeasureIdentifier(rawValue: "retain-accuracy-training")
    /// Accuracy of each class.
    public static let classAccuracy = MeasureIdentifier(rawValue: "class-accuracy")
    /// Accuracy of the retained classes most similar to the forgotten ones.
    public static let adjacentAccuracy = MeasureIdentifier(rawValue: "adjacent-accuracy")
    /// Accuracy of the other retained classes.
    public static let remoteAccuracy = MeasureIdentifier(rawValue: "remote-accuracy")
    /// Total variation distance of probabilities to a retrained model.
    public static let totalVariation = MeasureIdentifier(rawValue: "total-variation")
    /// The Jensen-Shannon divergence to a retrained model.
    public static let jensenShannon = MeasureIdentifier(rawValue: "jensen-shannon")
    /// The Euclidean distance of probabilities to a retrained model.
    public static let softmaxDistance = MeasureIdentifier(rawValue: "softmax-distance")
    /// Share of images for which the predicted class is the same as a retrained model's.
    public static let predictionAgreement = MeasureIdentifier(rawValue: "prediction-agreement")
    /// Similarity of probabilities to an untrained network's.
    public static let zeroRetrainForgetting = MeasureIdentifier(rawValue: "zero-retrain-forgetting")
    /// Entropy of the classes predicted for the forgotten classes' images.
    public static let predictionEntropy = MeasureIdentifier(rawValue: "prediction-entropy")
    /// Mean rank of the true class on test images of the forgotten classes.
    public static let forgottenClassRank = MeasureIdentifier(rawValue: "forgotten-class-rank")
    /// The retained class that a linear attack on logits takes forgotten images for.
    public static let classAttack = MeasureIdentifier(rawValue: "class-attack")
    // Membership
    /// Membership inference from the prediction's entropy.
    public static let membershipEntropy = MeasureIdentifier(rawValue: "membership-entropy")
    /// Membership inference from the true class's probability.
    public static let membershipConfidence = MeasureIdentifier(rawValue: "membership-confidence")
    /// Membership inference from the loss, cross-validated.
    public static let membershipLoss = MeasureIdentifier(rawValue: "membership-loss")
    /// Membership inference by likelihood ratio over shadow models (U-LiRA).
    public static let likelihoodRatioAttack = MeasureIdentifier(rawValue: "likelihood-ratio-attack")
    /// Membership inference by densities over shadow models that forgot (RULI).
    public static let rectifiedLikelihoodAttack = MeasureIdentifier(rawValue: "rectified-likelihood-attack")
    /// How far each image's confidence has moved to that of models that never saw it (IAM).
    public static let interpolatedMembership = MeasureIdentifier(rawValue: "interpolated-membership")
    // Relearning
    /// Steps until the forgotten classes are known again.
    public static let relearnTime = MeasureIdentifier(rawValue: "relearn-time")
    /// Relearn time against retraining.
    public static let anamnesisIndex = MeasureIdentifier(rawValue: "anamnesis-index")
    /// Accuracy after the last layer's row is rewritten from a few examples.
    public static let prototypeRelearning = MeasureIdentifier(rawValue: "prototype-relearning")
    // Inside the network
    /// Recall by a linear probe of features.
    public static let linearProbe = MeasureIdentifier(rawValue: "linear-probe")
    /// Recall by the nearest class centroid of features.
    public static let nearestCentroid = MeasureIdentifier(rawValue: "nearest-centroid")
    /// Share of lost accuracy that restoring the last layer's bias brings back.
    public static let headShareBias = MeasureIdentifier(rawValue: "head-share-bias")
    /// Share of lost accuracy that restoring the last layer brings back.
    public static let headShareLayer = MeasureIdentifier(rawValue: "head-share-layer")
    /// Distance of the weights to the original's, by layer.
    public static let weightDistance = MeasureIdentifier(rawValue: "weight-distance")
    /// Similarity of features to retrained models' on forgotten images (linear CKA).
    public static let retrainedAlignmentForgotten = MeasureIdentifier(rawValue: "retrained-alignment-forgotten")
    /// Similarity of features to retrained models' on retained images (linear CKA).
    public static let retrainedAlignmentRetained = MeasureIdentifier(rawValue: "retrained-alignment-retained")
    /// Similarity of features to the original's by stage (linear CKA).
    public static let kernelAlignment = MeasureIdentifier(rawValue: "kernel-alignment")
}

extension MeasureIdentifier {
    /// Distances to the retrained models, whose own value is their distance from each other.
    package static let distances: Set<MeasureIdentifier> = [
        .totalVariation, .jensenShannon, .softmaxDistance, .predictionAgreement, .classAttack,
        .retrainedAlignmentForgotten, .retrainedAlignmentRetained,
    ]
}
