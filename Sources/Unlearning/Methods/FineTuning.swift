import NeuralGraph

/// Training on with the retain data alone, in the hope that the rest fades: the simplest baseline, and a weak one.
///
/// Source: Golatkar, Achille and Soatto, "Eternal Sunshine of the Spotless Net" (CVPR 2020, arXiv 1911.04933), section 6,
/// where the rate is raised at first; Warnecke et al. (arXiv 2108.11577). Rate and length are this package's: Adam at
/// 1e-3 for two epochs.
public struct FineTuning: UnlearningMethod, Hashable {
    /// How it is trained.
    public var training: TrainingConfiguration

    /// Creates the method.
    public init(training: TrainingConfiguration = TrainingConfiguration(epochs: 2, learningRate: 1e-3)) {
        self.training = training
    }

    public var name: String { "fine-tune" }
    public var requirements: Set<Requirement> { [.retainData] }
    public var supportsSamples: Bool { true }

    public func validate() throws { try training.validate() }

    public func phaseCosts(of request: UnlearningRequest) -> [Double] {
        [training.cost(examples: Double(request.retainedCount))]
    }

    public func run(_ request: UnlearningRequest, _ run: UnlearningSession) throws -> Model {
        try run.train(request.model, on: request.retained(), training, phase: .repair)
    }
}

extension FineTuning {
    public var summary: String {
        "Continues training with retain data alone; a weak baseline"
    }
}
