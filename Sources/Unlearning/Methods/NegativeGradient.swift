import ImageDatasets
public import NeuralGraph

/// Gradient ascent on the forget data, optionally with descent on the retain data (NegGrad+).
///
/// Minimizes `-CE(f(x), y)` over the forget data or, with a weight β of the retain data,
///
///     β (CE(retain) + λ/2 ‖w - w₀‖²) - (1 - β) CE(forget)
///
/// where w₀ are the original's weights and λ is ``TrainingConfiguration/anchorWeight``. Each step of the latter takes a
/// batch of either kind. Ascent has no optimum: only its length stops it, and too many steps destroy a network.
///
/// Sources: Golatkar, Achille and Soatto (CVPR 2020, arXiv 1911.04933), section 6, for ascent alone, which runs by
/// default as in the benchmark of Fan et al. (arXiv 2310.12508): five epochs of gradient descent at 1e-4 with momentum
/// 0.9 and a decay of 5e-4, batches of 256. Kurmanji et al., "Towards Unbounded Machine Unlearning" (arXiv 2302.09880),
/// section 5, for both terms, which run as in the published notebook for small data sets: β 0.95, λ 0.1, ten epochs of
/// gradient descent at 0.01 without momentum, batch norm frozen, batches of 128 and 64.
public struct NegativeGradient: TrainedMethod, Hashable {
    /// The weight β of the retain data, above 0 and below 1; nil uses the forget data alone.
    package var retainWeight: Double?
    /// Examples to forget in one step with retain data, 1 to 1,000,000.
    package var forgetBatchSize = 64
    /// How it is trained; with a retain weight, epochs and batch size are those of the retain data.
    package var training: TrainingConfiguration

    /// Creates ascent on the forget data alone.
    public init(
        training: TrainingConfiguration = TrainingConfiguration(
            epochs: 5, optimizer: .sgd(momentum: 0.9, weightDecay: 5e-4), learningRate: 1e-4)
    ) {
        retainWeight = nil
        self.training = training
    }

    /// Creates ascent on the forget data with descent on the retain data.
    public init(
        retainWeight: Double,
        training: TrainingConfiguration = TrainingConfiguration(
            epochs: 10, batchSize: 128, optimizer: .sgd, learningRate: 0.01, freezesBatchNorm: true, anchorWeight: 0.1)
    ) {
        self.retainWeight = retainWeight
        self.training = training
    }

    package var traits: MethodTraits {
        MethodTraits(
            retainWeight == nil ? "negative-gradient" : "negative-gradient-retain",
            summary: retainWeight == nil
                ? "Gradient ascent on forget data; destroys the network if it runs too long"
                : "Gradient ascent on forget data, descent on retain data (NegGrad+)",
            requirements: retainWeight == nil ? [.forgetData] : [.forgetData, .retainData], supportsSamples: true)
    }

    package func check() throws {
        try training.validate()
        try Setting.check("forget batch size", forgetBatchSize, isIn: 1...1_000_000)
        if let retainWeight, !(retainWeight > 0 && retainWeight < 1) {
            throw UnlearningError.invalidSetting(
                name: "retain weight", value: "\(retainWeight)", remedy: "use a number above 0 and below 1")
        }
    }

    package func costs(of request: UnlearningRequest) -> [Double] {
        guard retainWeight != nil else { return [training.cost(examples: Double(request.forgottenCount))] }
        let retained = Double(request.retainedCount)
        return [training.cost(examples: retained) * (1 + Double(forgetBatchSize) / Double(training.batchSize))]
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let forget = try request.forgotten()
        let earlier = request.earlierClasses
        let loss = LabelObjective(smoothing: training.labelSmoothing, excluding: earlier)
        // Ascent moves outputs to any other class, which must not be one that was forgotten before.
        func ascent(_ weight: Double) -> any BatchObjective {
            HidingObjective(classes: earlier, WeightedObjective((-weight, loss)))
        }
        guard let retainWeight else {
            return try session.train(
                request.model,
                TrainingLoop(
                    examples: forget, examplesName: "forget", configuration: training, phase: .forgetting,
                    stream: name, objective: ascent(1)))
        }
        var training = training
        // The penalty is part of what the retain data's weight multiplies.
        training.anchorWeight *= retainWeight
        return try session.train(
            request.model, pairing: forget, batchSize: forgetBatchSize, with: request.retained(), training,
            stream: name,
            objective: SplitObjective(
                boundary: forget.count, first: ascent(1 - retainWeight),
                second: WeightedObjective((retainWeight, loss))))
    }
}
