package import ImageDatasets
public import NeuralGraph

/// Training on random labels, in which only the weights that matter most for the forget data move.
///
/// These are the weights with the largest gradients of the forget data's loss; the others stay equal to the bit. An
/// epoch is a pass over the forget data, with labels redrawn from all classes, and then one over the retain data.
///
/// Source: Fan et al., "SalUn: Empowering Machine Unlearning via Gradient-based Weight Saliency" (ICLR 2024,
/// arXiv 2310.12508), equations 4 and 5; as the published code has it for CIFAR-10: the upper half of the weights, ten
/// epochs of gradient descent at 0.013 with momentum 0.9 and a decay of 5e-4, batches of 256. Its labels may be the
/// right ones, which equation 5 excludes; its script for the mask also takes a step of ascent after each batch, which
/// equation 4 does not, nor does this method.
public struct SaliencyUnlearning: TrainedMethod, Hashable {
    /// The part of all weights that may move, above 0 and at most 1.
    package var movingShare: Double
    /// Examples to forget that gradients are taken over, at most, 1 or more.
    package var exampleLimit: Int
    /// How it is trained.
    package var training: TrainingConfiguration

    /// Creates the method.
    public init(
        movingShare: Double = 0.5, exampleLimit: Int = 10_000,
        training: TrainingConfiguration = TrainingConfiguration(
            epochs: 10, optimizer: .sgd(momentum: 0.9, weightDecay: 5e-4), learningRate: 0.013)
    ) {
        self.movingShare = movingShare
        self.exampleLimit = exampleLimit
        self.training = training
    }

    package var traits: MethodTraits {
        MethodTraits(
            "salun", summary: "Random labels, but only the weights that matter for forget data move (SalUn)",
            requirements: [.retainData, .forgetData], supportsSamples: true)
    }

    package func check() throws {
        try training.validate()
        try Setting.check("example limit", exampleLimit, isIn: 1...100_000_000)
        guard movingShare > 0, movingShare <= 1 else {
            throw UnlearningError.invalidSetting(
                name: "moving share", value: "\(movingShare)", remedy: "use a number above 0 and at most 1")
        }
    }

    package func costs(of request: UnlearningRequest) -> [Double] {
        [
            3 * Double(min(exampleLimit, request.forgottenCount)),
            training.cost(examples: Double(request.retainedCount + request.forgottenCount)),
        ]
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let (forget, retain) = (try request.forgotten(), try request.retained())
        let mask = try session.phase(.importance) {
            let gradients = try GradientStatistics(
                quantity: .gradient, examplesPerGradient: 256, limit: exampleLimit, stream: name
            ).mean(of: request.model, over: forget, session)
            return Self.mask(ofLargest: movingShare, in: gradients)
        }
        return try train(request, retaining: retain, mask: mask, session) { epoch in
            forget.relabeled(
                classCount: request.model.classCount, incorrectly: false, excluding: request.earlierClasses,
                seed: session.seed("\(name).labels.\(epoch)"))
        }
    }

    /// Trains under a mask by turns over the forget data, relabeled for each epoch, and the retain data.
    package func train(
        _ request: UnlearningRequest, retaining retain: any ExampleSource, mask: [String: Tensor],
        _ session: UnlearningSession, relabeling: (_ epoch: Int) -> RelabeledExamples
    ) throws -> Model {
        let objective = Objective(LabelObjective(smoothing: training.labelSmoothing, excluding: request.earlierClasses))
        let epochs = try training.epochs(
            ofSteps: EpochBatches(
                retain, named: "retain", batchSize: training.batchSize, graph: request.model.graph, stream: name
            ).stepCount)
        let passes = (0..<epochs).flatMap { epoch in
            [("forget", relabeling(epoch) as any ExampleSource), ("retain", retain)].map { kind, examples in
                TrainingPass(over: examples, named: kind, batchSize: training.batchSize, minimizing: objective)
            }
        }
        return try session.train(
            request.model, passes: passes, training, phase: .forgetting, stream: name, mask: mask)
    }

    /// 1 for the share of numbers that are largest in magnitude over all tensors, 0 for the others.
    package static func mask(ofLargest share: Double, in tensors: [String: Tensor]) -> [String: Tensor] {
        var magnitudes = tensors.values.flatMap { $0.elements.map(\.magnitude) }
        magnitudes.sort(by: >)
        let kept = min(magnitudes.count, max(1, Int((share * Double(magnitudes.count)).rounded())))
        guard kept > 0 else { return tensors }
        let threshold = magnitudes[kept - 1]
        return tensors.mapValues { tensor in
            var mask = Tensor(repeating: 0, shape: tensor.shape)
            // A weight without any gradient matters for nothing, however few others there are.
            for index in 0..<tensor.count where tensor[index].magnitude >= threshold && tensor[index] != 0 {
                mask[index] = 1
            }
            return mask
        }
    }
}
