import NeuralGraph

/// The forgotten classes' rows of the last layer drawn anew, then the whole network trained on the retain data towards
/// the original without the forgotten classes: each target is half the label and half the original's answer, in which the
/// forgotten logits are masked before softmax. Needs no example of what is forgotten.
///
/// The rate falls from its start to 0 by a cosine, over two epochs or 64 steps. Left out, it is half the original's
/// training rate, else 5e-3 for networks with batch norm and 1e-3 for those without.
/// Source: this package. The masked teacher is that of Zhou et al. (arXiv 2503.23751), there used on the forget data.
public struct MaskedTeacherRepair: UnlearningMethod, Hashable {
    /// The part of the label in the target, 0 to 1; the rest is the masked original's answer.
    public var labelShare: Float
    /// How it is trained, but for the rate if ``learningRate`` is nil.
    public var training: TrainingConfiguration
    /// The rate at the start, above 0; nil chooses one.
    public var learningRate: Double?

    /// Creates the method.
    public init(
        labelShare: Float = 0.5,
        training: TrainingConfiguration = TrainingConfiguration(epochs: 2, minimumSteps: 64, schedule: .cosine),
        learningRate: Double? = nil
    ) {
        self.labelShare = labelShare
        self.training = training
        self.learningRate = learningRate
    }

    public var name: String { "masked-teacher" }
    public var requirements: Set<Requirement> { [.retainData] }

    public func validate() throws {
        try training.validate()
        if let learningRate { try Setting.check("learning rate", learningRate, isAbove: 0) }
        guard labelShare >= 0, labelShare <= 1 else {
            throw UnlearningError.invalidSetting(
                name: "label share", value: "\(labelShare)", remedy: "use a number from 0 to 1")
        }
    }

    public func phaseCosts(of request: UnlearningRequest) -> [Double] {
        [Double(request.retainedCount), training.cost(examples: Double(request.retainedCount))]
    }

    /// The rate at the start for a model.
    func rate(for model: Model) -> Double {
        if let learningRate { return learningRate }
        if let trained = model.metadata.learningRate { return trained / 2 }
        return model.graph.nodes.contains { $0.operation is BatchNormalization } ? 5e-3 : 1e-3
    }

    public func run(_ request: UnlearningRequest, _ run: UnlearningSession) throws -> Model {
        let (model, retain) = (request.model, try request.retained())
        let logits = try run.answers(of: model, to: retain).masking(request.forgottenClasses)
        var targets = try Softmax.probabilities(of: logits)
        for row in 0..<targets.shape[0] {
            for label in 0..<targets.shape[1] {
                let index = row * targets.shape[1] + label
                targets[index] = (1 - labelShare) * targets[index] + (retain.label(at: row) == label ? labelShare : 0)
            }
        }
        var configuration = training
        configuration.learningRate = rate(for: model)
        return try run.train(
            model.reinitializingHead(of: request.classes, seed: run.seed("\(name).rows"), method: name),
            TrainingLoop(
                examples: retain, examplesName: "retain", configuration: configuration, phase: .repair, stream: name,
                objective: TeacherObjective(loss: CrossEntropy(), table: targets, kind: .probabilities)))
    }
}

extension MaskedTeacherRepair {
    public var summary: String {
        "Reinitializes the classes' rows, then trains toward the original without the classes"
    }
}
