import Foundation
import ImageDatasets
public import NeuralGraph

/// Moves the network away from the original on the forget data and keeps it near on the retain data, in turns.
///
/// In the first epochs a pass maximizes `T² KL(teacher || student)` over the forget data; in every epoch a pass
/// minimizes `α T² KL(teacher || student) + γ CE` over the retain data.
///
/// Source: Kurmanji et al., "Towards Unbounded Machine Unlearning" (NeurIPS 2023, arXiv 2302.09880), equation 3 and
/// algorithm 1. The authors publish two notebooks with settings of their own: ``largeScale``, the default here, and
/// ``smallScale``.
public struct SCRUB: TrainedMethod, Hashable {
    /// The weight α of the divergence on the retain data, 0 or more.
    package var divergenceWeight: Double
    /// The weight γ of cross-entropy on the retain data, 0 or more.
    package var labelWeight: Double
    /// What logits are divided by, above 0.
    package var temperature: Float
    /// In how many epochs, from the first, the divergence on the forget data is maximized; 0 or more.
    package var maximizingEpochs: Int
    /// Examples to forget in one step, 1 to 1,000,000.
    package var forgetBatchSize: Int
    /// Epochs, counted from 1, after each of which the rate is divided by 10.
    package var decayEpochs: [Int]
    /// Epochs over the retain data, their batch size, optimizer and rate; the schedule runs over all steps of both
    /// kinds.
    package var training: TrainingConfiguration

    /// Creates the method, by default with the settings of ``largeScale``.
    public init(
        divergenceWeight: Double = 0.001, labelWeight: Double = 0.99, temperature: Float = 4,
        maximizingEpochs: Int = 2, forgetBatchSize: Int = 32, decayEpochs: [Int] = [],
        training: TrainingConfiguration = TrainingConfiguration(
            epochs: 3, batchSize: 128, optimizer: .sgd(momentum: 0.9, weightDecay: 5e-4), learningRate: 5e-4)
    ) {
        self.divergenceWeight = divergenceWeight
        self.labelWeight = labelWeight
        self.temperature = temperature
        self.maximizingEpochs = maximizingEpochs
        self.forgetBatchSize = forgetBatchSize
        self.decayEpochs = decayEpochs
        self.training = training
    }

    /// The notebook for CIFAR-10 and Lacuna-10 as a whole: α 0.001, γ 0.99, temperature 4, three epochs of which two have
    /// a maximizing pass, gradient descent at 5e-4 with momentum 0.9 and a decay of 5e-4, batches of 128 and 32.
    public static let largeScale = SCRUB()

    /// The notebook for CIFAR-5 and Lacuna-5, a few hundred images: α 0.5, γ 1, temperature 2, ten epochs of which three
    /// have a maximizing pass, Adam at 5e-4 with a decay of 0.1, a tenth of the rate after epochs 5, 8 and 9, batches of 32
    /// and 64.
    public static let smallScale = SCRUB(
        divergenceWeight: 0.5, labelWeight: 1, temperature: 2, maximizingEpochs: 3, forgetBatchSize: 64,
        decayEpochs: [5, 8, 9],
        training: TrainingConfiguration(
            epochs: 10, batchSize: 32, optimizer: .adam(weightDecay: 0.1), learningRate: 5e-4))

    package var traits: MethodTraits {
        let isSmall = self == .smallScale
        return MethodTraits(
            isSmall ? "scrub-small" : "scrub",
            summary: "Moves away from the original on forget data and keeps to it on retain data, in turns"
                + (isSmall ? ", as published for small data sets" : ""),
            requirements: [.retainData, .forgetData], supportsSamples: true)
    }

    package func check() throws {
        try training.validate()
        try Setting.check("temperature", Double(temperature), isAbove: 0)
        try Setting.check("maximizing epochs", maximizingEpochs, isIn: 0...1_000_000)
        try Setting.check("forget batch size", forgetBatchSize, isIn: 1...1_000_000)
        try Setting.check("divergence weight", divergenceWeight, isAtLeast: 0)
        try Setting.check("label weight", labelWeight, isAtLeast: 0)
        for epoch in decayEpochs { try Setting.check("decay epoch", epoch, isIn: 1...1_000_000) }
    }

    package func costs(of request: UnlearningRequest) -> [Double] {
        let (retained, forgotten) = (Double(request.retainedCount), Double(request.forgottenCount))
        return [
            forgotten, retained,
            training.cost(examples: retained) + 3 * forgotten * Double(min(maximizingEpochs, training.epochs)),
        ]
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let (forget, retain) = (try request.forgotten(), try request.retained())
        let model = request.model
        let distillation = DistillationLoss(temperature: temperature)
        func keepingTo(_ teacher: Tensor) -> TeacherObjective {
            TeacherObjective(loss: distillation, table: teacher, kind: .logits)
        }
        // Classes that were forgotten before are neither predicted for the forget data nor for the retain data.
        let earlier = request.earlierClasses
        let away = HidingObjective(
            classes: earlier,
            WeightedObjective((-1, keepingTo(try session.outputs(of: model, on: forget).masking(earlier)))))
        let near = WeightedObjective(
            (divergenceWeight, keepingTo(try session.outputs(of: model, on: retain).masking(earlier))),
            (labelWeight, LabelObjective(smoothing: training.labelSmoothing, excluding: earlier)))
        let epochs = try training.epochs(
            ofSteps: EpochBatches(
                retain, named: "retain", batchSize: training.batchSize, graph: model.graph, stream: name
            ).stepCount)
        let passes = (0..<epochs).flatMap { epoch in
            var maximizing = TrainingPass(
                over: forget, named: "forget", batchSize: forgetBatchSize, minimizing: Objective(away))
            var minimizing = TrainingPass(
                over: retain, named: "retain", batchSize: training.batchSize, minimizing: Objective(near))
            let rateFactor = pow(0.1, Double(decayEpochs.count { $0 < epoch + 1 }))
            maximizing.rateFactor = rateFactor
            minimizing.rateFactor = rateFactor
            return epoch < maximizingEpochs ? [maximizing, minimizing] : [minimizing]
        }
        return try session.train(model, passes: passes, training, phase: .forgetting, stream: name)
    }
}
