public import NeuralGraph

/// Reinitializes the forgotten classes' rows of the last layer, then trains the whole network on the retain data.
///
/// Each target is half the label and half the original's output with the forgotten logits masked before softmax. No
/// example of the forgotten classes is needed.
///
/// The rate falls from its start to 0 by a cosine, over two epochs or 64 steps. Left out, it is half the original's
/// training rate, else 5e-3 for networks with batch norm and 1e-3 for those without.
/// Source: this package. The masked teacher is that of Zhou et al. (arXiv 2503.23751), there used on the forget data.
public struct MaskedTeacherRepair: BuiltInMethod, Hashable {
    /// The part of the label in the target, 0 to 1; the rest is the masked original's output.
    package var labelShare: Float
    /// How it is trained, but for the rate if ``learningRate`` is nil.
    package var training: TrainingConfiguration
    /// The rate at the start, above 0; nil chooses one.
    package var learningRate: Double?

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

    package var traits: MethodTraits {
        MethodTraits(
            "masked-teacher",
            summary: "Reinitializes the classes' rows, then trains toward the original without the classes",
            requirements: [.retainData])
    }

    package func check() throws {
        try training.validate()
        if let learningRate { try Setting.check("learning rate", learningRate, isAbove: 0) }
        try Setting.check(share: "label share", Double(labelShare))
    }

    package func costs(of request: UnlearningRequest) -> [Double] {
        [Double(request.retainedCount), training.cost(examples: Double(request.retainedCount))]
    }

    /// The rate at the start for a model.
    package func rate(for model: Model) -> Double {
        if let learningRate { return learningRate }
        if let trained = model.metadata.learningRate { return trained / 2 }
        return model.graph.nodes.contains { $0.operation is BatchNormalization } ? 5e-3 : 1e-3
    }

    package func gentler(by divisor: Double, for model: Model) -> (any UnlearningMethod)? {
        var method = self
        method.learningRate = rate(for: model) / divisor
        return method
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let (model, retain) = (request.model, try request.retained())
        let logits = try session.outputs(of: model, on: retain).masking(request.forgottenClasses)
        let targets = try Softmax.probabilities(of: logits).mixed(with: retain.labels, share: labelShare)
        var configuration = training
        configuration.learningRate = rate(for: model)
        return try session.train(
            model.reinitializingHead(of: request.classes, seed: session.seed("\(name).rows"), method: name),
            TrainingLoop(
                examples: retain, examplesName: "retain", configuration: configuration, phase: .repair, stream: name,
                objective: TeacherObjective(loss: CrossEntropy(), table: targets, kind: .probabilities)))
    }
}
