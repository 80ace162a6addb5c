/// A measure's name in records, on the command line and in thresholds: words joined by hyphens.
public struct MeasureIdentifier: RawRepresentable, Sendable, Hashable, Codable, CustomStringConvertible {
    /// The name, such as `retain-accuracy-test`.
    public let rawValue: String

    /// Names a measure.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// The name.
    public var description: String { rawValue }

    /// Reads the name as one string.
    public init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(String.self)
    }

    /// Writes the name as one string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

extension MeasureIdentifier {
    // Outputs
    /// Accuracy on test images of the forgotten classes.
    public static let forgetAccuracyTest = MeasureIdentifier(rawValue: "forget-accuracy-test")
    /// Accuracy on test images of the forgotten class that is known best, where several were forgotten.
    public static let forgetAccuracyWorstClass = MeasureIdentifier(rawValue: "forget-accuracy-worst-class")
    /// Accuracy on training images of the forgotten classes.
    public static let forgetAccuracyTraining = MeasureIdentifier(rawValue: "forget-accuracy-training")
    /// Accuracy on test images of the other classes.
    public static let retainAccuracyTest = MeasureIdentifier(rawValue: "retain-accuracy-test")
    /// Accuracy on training images of the other classes.
    public static let retainAccuracyTraining = MeasureIdentifier(rawValue: "retain-accuracy-training")
    /// Accuracy of each class.
    public static let classAccuracy = MeasureIdentifier(rawValue: "class-accuracy")
    /// Accuracy of the classes most like the forgotten ones.
    public static let adjacentAccuracy = MeasureIdentifier(rawValue: "adjacent-accuracy")
    /// Accuracy of the classes least like the forgotten ones.
    public static let remoteAccuracy = MeasureIdentifier(rawValue: "remote-accuracy")
    /// Half the absolute difference of probabilities to a retrained model.
    public static let totalVariation = MeasureIdentifier(rawValue: "total-variation")
    /// The Jensen-Shannon divergence to a retrained model.
    public static let jensenShannon = MeasureIdentifier(rawValue: "jensen-shannon")
    /// The Euclidean distance of probabilities to a retrained model.
    public static let softmaxDistance = MeasureIdentifier(rawValue: "softmax-distance")
    /// How often the predicted class is a retrained model's.
    public static let predictionAgreement = MeasureIdentifier(rawValue: "prediction-agreement")
    /// How close answers are to an untrained network's.
    public static let zeroRetrainForgetting = MeasureIdentifier(rawValue: "zero-retrain-forgetting")
    /// How widely the forgotten classes' images are spread over the others.
    public static let predictionEntropy = MeasureIdentifier(rawValue: "prediction-entropy")
    // Membership
    /// Membership inference from the prediction's entropy.
    public static let membershipEntropy = MeasureIdentifier(rawValue: "membership-entropy")
    /// Membership inference from the true class's probability.
    public static let membershipConfidence = MeasureIdentifier(rawValue: "membership-confidence")
    /// Membership inference from the loss, cross-validated.
    public static let membershipLoss = MeasureIdentifier(rawValue: "membership-loss")
    /// Membership inference by likelihood ratio over shadow models (U-LiRA).
    public static let likelihoodRatioAttack = MeasureIdentifier(rawValue: "likelihood-ratio-attack")
    // Relearning
    /// Steps until the forgotten classes are known again.
    public static let relearnTime = MeasureIdentifier(rawValue: "relearn-time")
    /// Relearn time against retraining.
    public static let anamnesisIndex = MeasureIdentifier(rawValue: "anamnesis-index")
    /// Accuracy after a head's row is rewritten from a few examples.
    public static let prototypeRelearning = MeasureIdentifier(rawValue: "prototype-relearning")
    // Inside the network
    /// What a linear probe of features recovers.
    public static let linearProbe = MeasureIdentifier(rawValue: "linear-probe")
    /// What the nearest class centroid of features recovers.
    public static let nearestCentroid = MeasureIdentifier(rawValue: "nearest-centroid")
    /// What restoring the last layer's bias brings back.
    public static let headShareBias = MeasureIdentifier(rawValue: "head-share-bias")
    /// What restoring the last layer brings back.
    public static let headShareLayer = MeasureIdentifier(rawValue: "head-share-layer")
    /// How far weights moved, by layer.
    public static let weightDistance = MeasureIdentifier(rawValue: "weight-distance")
    /// How alike features stayed, by stage (linear CKA).
    public static let kernelAlignment = MeasureIdentifier(rawValue: "kernel-alignment")
}
