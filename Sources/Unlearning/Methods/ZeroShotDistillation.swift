import NeuralGraph

/// For those who have the model and no data at all: inputs are made from the model (``InputSynthesizer``), the forgotten
/// classes' rows of the last layer are drawn anew, and the network is trained on the made inputs towards the original with
/// the forgotten logits masked. Inputs that were made for a forgotten class are among them, so that what looks like the
/// class comes to be answered as the original would without it.
///
/// The running statistics of batch norm stay the original's, which saw real data. It removes the class from the answers;
/// what the layers before the last know of the class mostly stays. Source: this package; see ``InputSynthesizer`` for the
/// inputs, and ``MaskedDistillation`` for the teacher.
public struct ZeroShotDistillation: UnlearningMethod, Hashable {
    /// How inputs are made.
    public var synthesizer: InputSynthesizer
    /// How the network is trained on them.
    public var training: TrainingConfiguration

    /// Creates the method.
    public init(
        synthesizer: InputSynthesizer = InputSynthesizer(),
        training: TrainingConfiguration = TrainingConfiguration(
            epochs: 10, batchSize: 125, learningRate: 1e-4, schedule: .cosine)
    ) {
        self.synthesizer = synthesizer
        self.training = training
    }

    public var name: String { "zero-shot" }
    public var requirements: Set<Requirement> { [] }

    public func validate() throws {
        try synthesizer.validate()
        try training.validate()
    }

    public func phaseCosts(of request: UnlearningRequest) -> [Double] {
        let count = Double(synthesizer.perClass * request.model.classCount)
        return [synthesizer.cost(classes: request.model.classCount), count, training.cost(examples: count)]
    }

    public func run(_ request: UnlearningRequest, _ run: UnlearningSession) throws -> Model {
        let model = request.model
        // Found out before the inputs are made, which takes long.
        let start = try model.reinitializingHead(of: request.classes, seed: run.seed("\(name).rows"), method: name)
        let examples = try run.phase(.synthesis) {
            try synthesizer.examples(for: model, without: request.earlierClasses, run)
        }
        let teacher = try run.answers(of: model, to: examples).masking(request.forgottenClasses)
        let trained = try run.train(
            start,
            TrainingLoop(
                examples: examples, examplesName: "synthetic", configuration: training, phase: .forgetting,
                stream: name,
                objective: TeacherObjective(loss: DistillationLoss(temperature: 1), table: teacher, kind: .logits)))
        return try trained.replacing(model.state)
    }
}

extension ZeroShotDistillation {
    public var summary: String {
        "Needs the model alone: synthesizes inputs and distills the original without the classes"
    }
}
