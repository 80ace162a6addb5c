extension AuditThresholds {
    /// The default limits, for a network of a few million weights and ten classes.
    ///
    /// Each is slightly above the difference between two models retrained from different seeds, since smaller
    /// differences mean nothing; see `Docs/Audit.md`.
    public static let `default`: AuditThresholds = {
        var thresholds = AuditThresholds()
        thresholds[.forgetAccuracyTest] = [
            MeasureThreshold(.above, .retrained, pass: 0.02, partial: 0.10),
            MeasureThreshold(.above, .zero, pass: 0.02, partial: 0.10),
        ]
        // No class may come back, whatever the mean over all classes is.
        thresholds[.forgetAccuracyWorstClass] = thresholds[.forgetAccuracyTest]
        thresholds[.forgetAccuracyTraining] = thresholds[.forgetAccuracyTest]
        thresholds[.retainAccuracyTest] = [
            MeasureThreshold(.below, .retrained, pass: 0.015, partial: 0.04),
            MeasureThreshold(.below, .original, pass: 0.015, partial: 0.04),
        ]
        thresholds[.adjacentAccuracy] = [
            MeasureThreshold(.below, .retrained, pass: 0.03, partial: 0.08),
            MeasureThreshold(.below, .original, pass: 0.03, partial: 0.08),
        ]
        thresholds[.remoteAccuracy] = [
            MeasureThreshold(.below, .retrained, pass: 0.025, partial: 0.06),
            MeasureThreshold(.below, .original, pass: 0.025, partial: 0.06),
        ]
        // The first applies if two or more retrained models show how far they are from each other.
        thresholds[.totalVariation] = [
            MeasureThreshold(.above, .retrained, pass: 0.04, partial: 0.12),
            MeasureThreshold(.above, .zero, pass: 0.15, partial: 0.25),
        ]
        thresholds[.membershipEntropy] = [MeasureThreshold(.above, .retrained, pass: 0.10, partial: 0.20)]
        thresholds[.membershipConfidence] = [MeasureThreshold(.above, .retrained, pass: 0.05, partial: 0.15)]
        thresholds[.membershipLoss] = [
            MeasureThreshold(.above, .retrained, pass: 0.06, partial: 0.12),
            MeasureThreshold(.above, .zero, pass: 0.56, partial: 0.62),
        ]
        thresholds[.likelihoodRatioAttack] = thresholds[.membershipLoss]
        thresholds[.anamnesisIndex] = [MeasureThreshold(.below, .retrained, pass: 0.25, partial: 0.65)]
        thresholds[.linearProbe] = [MeasureThreshold(.above, .retrained, pass: 0.025, partial: 0.04)]
        // A larger share means that a few numbers hold the forgetting, and can undo it.
        thresholds[.headShareBias] = [MeasureThreshold(.above, .zero, pass: 0.10, partial: 0.30)]
        // The original's last layer brings up to a half of the class back on retrained features, by chance.
        thresholds[.headShareLayer] = [MeasureThreshold(.above, .zero, pass: 0.60, partial: 0.90)]
        return thresholds
    }()

    /// Checks that the limits are finite and in order.
    /// - Throws: ``UnlearningError``.
    package func validate() throws {
        for (name, list) in limits.sorted(by: { $0.key < $1.key }) {
            for threshold in list {
                guard threshold.pass >= 0, threshold.partial >= threshold.pass, threshold.partial.isFinite else {
                    throw UnlearningError.invalidSetting(
                        name: "limits of \(name)", value: "\(threshold.pass) and \(threshold.partial)",
                        remedy: "use two finite numbers, 0 or more, the second at least the first")
                }
            }
        }
    }
}

extension AuditThresholds {
    /// Sets a measure's limits; what they refer to stays, or follows from the measure's direction.
    package mutating func setLimits(of measure: MeasureDescription, pass: Double, partial: Double) {
        var list = AuditThresholds.default[measure.identifier]
        if list.isEmpty {
            list =
                switch measure.direction {
                case .lower:
                    [.init(.above, .retrained, pass: 0, partial: 0), .init(.above, .zero, pass: 0, partial: 0)]
                case .higher:
                    [.init(.below, .retrained, pass: 0, partial: 0), .init(.below, .original, pass: 0, partial: 0)]
                case .closerToRetrained, .none:
                    [.init(.either, .retrained, pass: 0, partial: 0)]
                }
        }
        for index in list.indices { (list[index].pass, list[index].partial) = (pass, partial) }
        self[measure.identifier] = list
    }
}

extension AuditConfiguration {
    /// Descriptions of all measures that an audit can take.
    package static var everyMeasure: [MeasureDescription] {
        var configuration = AuditConfiguration.full
        configuration.likelihoodRatioAttack = LikelihoodRatioAttackConfiguration(
            shadowModels: 2, training: TrainingConfiguration())
        return Audit(configuration: configuration).descriptions
    }
}
