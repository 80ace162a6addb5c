import NeuralGraph

/// Distillation on the forget data from the original without the right answer: `KL(teacher || f)`, where the teacher is
/// the original's softmax with the example's own logit masked, and for classes all forgotten logits. What the original
/// thought of the other classes stays; no retain data are needed.
///
/// Source: Zhou et al., "Decoupled Distillation to Erase" (CVPR 2025, arXiv 2503.23751), DELETE. Its rate is searched for
/// in the paper; by default 1e-3, with gradient descent and momentum 0.9 for ten epochs.
public struct MaskedDistillation: UnlearningMethod, Hashable {
    /// How it is trained.
    public var training: TrainingConfiguration

    /// Creates the method.
    public init(
        training: TrainingConfiguration = TrainingConfiguration(
            epochs: 10, optimizer: .sgd(momentum: 0.9), learningRate: 1e-3)
    ) {
        self.training = training
    }

    public var name: String { "delete" }
    public var requirements: Set<Requirement> { [.forgetData] }
    public var supportsSamples: Bool { true }

    public func validate() throws { try training.validate() }

    public func phaseCosts(of request: UnlearningRequest) -> [Double] {
        [Double(request.forgottenCount), training.cost(examples: Double(request.forgottenCount))]
    }

    public func run(_ request: UnlearningRequest, _ run: UnlearningSession) throws -> Model {
        let forget = try request.forgotten()
        let teacher = try run.answers(of: request.model, to: forget).masking { row in
            request.forgottenClasses.union([forget.label(at: row)])
        }
        return try run.train(
            request.model,
            TrainingLoop(
                examples: forget, examplesName: "forget", configuration: training, phase: .forgetting, stream: name,
                objective: TeacherObjective(loss: DistillationLoss(temperature: 1), table: teacher, kind: .logits)))
    }
}

extension MaskedDistillation {
    public var summary: String {
        "Distills forget data from the original with the right answer masked (DELETE)"
    }
}
