import ImageDatasets
import NeuralGraph

/// Gradient ascent on the forget data, optionally with descent on the retain data (NegGrad+).
///
/// Minimizes `-CE(f(x), y)` over the forget data or, with a weight β of the retain data, `β CE(retain) - (1 - β)
/// CE(forget)`. Ascent has no optimum: only its length stops it, and too many steps destroy a network.
///
/// Sources: Golatkar, Achille and Soatto (CVPR 2020, arXiv 1911.04933), section 6, for ascent alone; Kurmanji et al.,
/// "Towards Unbounded Machine Unlearning" (arXiv 2302.09880), section 5, for both terms, with β found by search, 0.95 in
/// their small experiments. Plain ascent runs by default as in the benchmark of Fan et al. (arXiv 2310.12508): five
/// epochs of gradient descent at 1e-4.
public struct NegativeGradient: BuiltInMethod, Hashable {
    /// The weight β of the retain data, above 0 and below 1; nil uses the forget data alone.
    public var retainWeight: Double?
    /// How it is trained; with a retain weight, an epoch goes over retain and forget data mixed.
    public var training: TrainingConfiguration

    /// Creates ascent on the forget data alone.
    public init(
        training: TrainingConfiguration = TrainingConfiguration(
            epochs: 5, optimizer: .sgd(momentum: 0.9), learningRate: 1e-4)
    ) {
        retainWeight = nil
        self.training = training
    }

    /// Creates ascent on the forget data with descent on the retain data.
    public init(
        retainWeight: Double,
        training: TrainingConfiguration = TrainingConfiguration(
            epochs: 5, optimizer: .sgd(momentum: 0.9), learningRate: 0.01)
    ) {
        self.retainWeight = retainWeight
        self.training = training
    }

    package var traits: MethodTraits {
        MethodTraits(
            retainWeight == nil ? "negative-gradient" : "negative-gradient-retain",
            requirements: retainWeight == nil ? [.forgetData] : [.forgetData, .retainData], supportsSamples: true)
    }

    package func check() throws {
        try training.validate()
        if let retainWeight, !(retainWeight > 0 && retainWeight < 1) {
            throw UnlearningError.invalidSetting(
                name: "retain weight", value: "\(retainWeight)", remedy: "use a number above 0 and below 1")
        }
    }

    package func costs(of request: UnlearningRequest) -> [Double] {
        [training.cost(examples: Double(request.forgottenCount + (retainWeight == nil ? 0 : request.retainedCount)))]
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
        return try session.train(
            request.model, forgetting: forget, retaining: request.retained(), training, stream: name,
            objective: SplitObjective(
                boundary: forget.count, first: ascent(1 - retainWeight),
                second: WeightedObjective((retainWeight, loss))))
    }
}

extension NegativeGradient {
    public var summary: String {
        retainWeight == nil
            ? "Gradient ascent on forget data; destroys the network if it runs too long"
            : "Gradient ascent on forget data, descent on retain data (NegGrad+)"
    }
}
