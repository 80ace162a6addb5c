package import Unlearning

/// What the audit at the end of a run measures, and what it compares with.
package struct AuditPlan: Sendable {
    var configuration = AuditConfiguration.full
    /// The paths of retrained models.
    var retrained: [String] = []
    /// How many models to retrain now, if none are given.
    var retrainings = 0

    package init(
        configuration: AuditConfiguration = .full, retrained: [String] = [], retrainings: Int = 0
    ) {
        (self.configuration, self.retrained, self.retrainings) = (configuration, retrained, retrainings)
    }

    /// How models to compare with are trained; nil if none are asked for.
    func retraining(_ training: TrainingConfiguration, _ options: RunOptions) -> Retraining? {
        guard retrainings > 0 else { return nil }
        return Retraining(
            training: training, augmentation: nil, seeds: (0..<UInt64(retrainings)).map { options.seed &+ $0 },
            options: options)
    }
}
