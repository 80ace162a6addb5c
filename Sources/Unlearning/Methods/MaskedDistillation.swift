public import NeuralGraph

/// Distillation on the forget data from the original without the correct class: `KL(teacher || f)`.
///
/// The teacher is the original's softmax with the example's own logit masked and, where classes are forgotten, all
/// forgotten logits. The original's preferences among the other classes stay. No retain data are needed.
///
/// Source: Zhou et al., "Decoupled Distillation to Erase" (CVPR 2025, arXiv 2503.23751), DELETE; as in the authors'
/// configuration for ResNet-18 on CIFAR-10: 20 epochs of gradient descent at 1e-4 with momentum 0.9, batches of 128. Their
/// switch that freezes batch norm, off by default, is ``TrainingConfiguration/freezesBatchNorm``.
public struct MaskedDistillation: TrainedMethod, Hashable {
    /// How it is trained.
    package var training: TrainingConfiguration

    /// Creates the method.
    public init(
        training: TrainingConfiguration = TrainingConfiguration(
            epochs: 20, batchSize: 128, optimizer: .sgd(momentum: 0.9), learningRate: 1e-4)
    ) {
        self.training = training
    }

    package var traits: MethodTraits {
        MethodTraits(
            "delete", summary: "Distills forget data from the original with the right answer masked (DELETE)",
            requirements: [.forgetData], supportsSamples: true)
    }

    package func check() throws { try training.validate() }

    package func costs(of request: UnlearningRequest) -> [Double] {
        [Double(request.forgottenCount), training.cost(examples: Double(request.forgottenCount))]
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let forget = try request.forgotten()
        let teacher = try session.outputs(of: request.model, on: forget).masking { row in
            request.forgottenClasses.union([forget.label(at: row)])
        }
        return try session.train(
            request.model,
            TrainingLoop(
                examples: forget, examplesName: "forget", configuration: training, phase: .forgetting, stream: name,
                objective: TeacherObjective(loss: DistillationLoss(temperature: 1), table: teacher, kind: .logits)))
    }
}
