public import NeuralGraph

/// Distillation without any data, on inputs that are synthesized from the model.
///
/// For each class, inputs are optimized until the original is sure of them and their statistics inside the network match
/// its batch norms'. The rows of the last layer for the classes to forget are reinitialized, and the network is trained
/// on these inputs towards the original with the forgotten logits masked. Inputs for the forgotten classes are among
/// them, so that inputs like the class are classified as the original would without it.
///
/// The running statistics of batch norm stay the original's. The class disappears from the outputs; what earlier layers
/// know of it mostly stays. Source: this package. Inputs: Yin et al. (arXiv 1912.08795) and Chundawat et al. (arXiv
/// 2201.05629); the teacher is that of ``MaskedDistillation``.
public struct ZeroShotDistillation: TrainedMethod, Hashable {
    /// How inputs are made.
    package var synthesizer = InputSynthesizer()
    /// How the network is trained on them.
    package var training: TrainingConfiguration

    /// Creates the method.
    public init(
        training: TrainingConfiguration = TrainingConfiguration(
            epochs: 10, batchSize: 125, learningRate: 1e-4, schedule: .cosine)
    ) {
        self.training = training
    }

    package init(synthesizer: InputSynthesizer, training: TrainingConfiguration) {
        self.synthesizer = synthesizer
        self.training = training
    }

    package var traits: MethodTraits {
        MethodTraits(
            "zero-shot",
            summary: "Needs the model alone: synthesizes inputs and distills the original without the classes",
            requirements: [])
    }

    package func check() throws {
        try synthesizer.validate()
        try training.validate()
    }

    package func costs(of request: UnlearningRequest) -> [Double] {
        let count = Double(synthesizer.perClass * request.model.classCount)
        return [synthesizer.cost(classes: request.model.classCount), count, training.cost(examples: count)]
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let model = request.model
        // Found out before the inputs are made, which takes long.
        let start = try model.reinitializingHead(of: request.classes, seed: session.seed("\(name).rows"), method: name)
        let examples = try session.phase(.synthesis) {
            try synthesizer.examples(for: model, without: request.earlierClasses, session)
        }
        let teacher = try session.outputs(of: model, on: examples).masking(request.forgottenClasses)
        let trained = try session.train(
            start,
            TrainingLoop(
                examples: examples, examplesName: "synthetic", configuration: training, phase: .forgetting,
                stream: name,
                objective: TeacherObjective(loss: DistillationLoss(temperature: 1), table: teacher, kind: .logits)))
        return try trained.replacing(model.state)
    }
}
