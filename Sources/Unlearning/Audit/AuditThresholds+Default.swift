extension AuditThresholds {
    /// The default limits.
    ///
    /// Limits against retrained models follow from how much these differ, so that a truly retrained model exceeds any of
    /// them with a probability of ``falseAlarmRate``. Usual spreads, which count as some further retrained models, and
    /// fixed limits were measured on several networks and data sets; see `Docs/Audit.md`.
    public static let `default`: AuditThresholds = {
        var thresholds = AuditThresholds()
        // Retrained models are at 0 here: training without a class pushes its logit down at every step.
        let accuracy = [
            MeasureThreshold(.above, .retrained, limit: 0.02), MeasureThreshold(.above, .zero, limit: 0.02),
        ]
        thresholds[.forgetAccuracyTest] = accuracy
        // No class may come back, whatever the mean over all classes is.
        thresholds[.forgetAccuracyWorstClass] = accuracy
        thresholds[.forgetAccuracyTraining] = accuracy
        thresholds[.forgetConfidence] = accuracy
        thresholds[.retainAccuracyTest] = retained(least: 0.03, deviation: 0.007)
        thresholds[.adjacentAccuracy] = retained(least: 0.06, deviation: 0.014)
        thresholds[.remoteAccuracy] = retained(least: 0.05, deviation: 0.005)
        // One retrained model has no distance to others, which on three tasks is 0.2 to 0.5, so that no limit would do.
        thresholds[.totalVariation] = [spread(.above, least: 0.03, deviation: 0.026)]
        thresholds[.membershipEntropy] = twoSided(least: 0.05, deviation: 0.031)
        thresholds[.membershipConfidence] = [spread(.above, least: 0.02, deviation: 0.01)]
        thresholds[.membershipLoss] = [
            spread(.above, least: 0.03, deviation: 0.022), MeasureThreshold(.above, .zero, limit: 0.62),
        ]
        thresholds[.likelihoodRatioAttack] = thresholds[.membershipLoss]
        // A ratio of times differs by factors: one retrained model that learns fast would make a difference very large.
        thresholds[.anamnesisIndex] = [
            spread(.below, least: 0.2, deviation: 0.37, scale: .logarithmic),
            spread(.above, least: 0.5, deviation: 0.37, scale: .logarithmic, finding: .overForgotten),
        ]
        thresholds[.linearProbe] = twoSided(least: 0.02, deviation: 0.037)
        thresholds[.nearestCentroid] = twoSided(least: 0.03, deviation: 0.052)
        thresholds[.prototypeRelearning] = [spread(.above, least: 0.03, deviation: 0.053)]
        // A larger share means that a few numbers hold the forgetting, and can undo it.
        thresholds[.headShareBias] = [MeasureThreshold(.above, .zero, limit: 0.30)]
        // Retrained features, too, bring some of it back by chance; untouched ones all.
        thresholds[.headShareLayer] = [MeasureThreshold(.above, .zero, limit: 0.90)]
        return thresholds
    }()

    /// The number of further retrained models that a usual spread counts for.
    private static let freedom = 4.0

    private static func spread(
        _ side: MeasureThreshold.Side, least: Double, deviation: Double, scale: ReferenceSpread.Scale = .linear,
        finding: MeasureThreshold.Finding = .leak
    ) -> MeasureThreshold {
        MeasureThreshold(
            side, .retrained, limit: least, finding: finding,
            spread: ReferenceSpread(deviation: deviation, freedom: freedom, scale: scale))
    }

    /// Limits of a measure that leaks above retraining, and gives away below it that something was removed.
    private static func twoSided(least: Double, deviation: Double) -> [MeasureThreshold] {
        [
            spread(.above, least: least, deviation: deviation),
            spread(.below, least: least, deviation: deviation, finding: .overForgotten),
        ]
    }

    /// Limits of accuracy on retained classes, of which a small loss is no fault however close retrained models are.
    private static func retained(least: Double, deviation: Double) -> [MeasureThreshold] {
        [
            spread(.below, least: least, deviation: deviation, finding: .overForgotten),
            MeasureThreshold(.below, .original, limit: least, finding: .overForgotten),
        ]
    }
}
