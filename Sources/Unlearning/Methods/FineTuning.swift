package import NeuralGraph

/// Continues training on the retain data alone, hoping that the rest fades: the simplest and a weak baseline.
///
/// Source: Golatkar, Achille and Soatto, "Eternal Sunshine of the Spotless Net" (CVPR 2020, arXiv 1911.04933), section 6,
/// where the rate is raised at first; Warnecke et al. (arXiv 2108.11577). Rate and length are this package's: Adam at
/// 1e-3 for two epochs.
public struct FineTuning: TrainedMethod, Hashable {
    /// How it is trained.
    package var training: TrainingConfiguration

    /// Creates the method.
    public init(training: TrainingConfiguration = TrainingConfiguration(epochs: 2, learningRate: 1e-3)) {
        self.training = training
    }

    package var traits: MethodTraits {
        MethodTraits(
            "fine-tune", summary: "Continues training with retain data alone; a weak baseline",
            requirements: [.retainData], supportsSamples: true)
    }

    package func check() throws { try training.validate() }

    package func costs(of request: UnlearningRequest) -> [Double] {
        [training.cost(examples: Double(request.retainedCount))]
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        try session.train(request.model, on: request.retained(), training, phase: .repair)
    }
}
