import ArgumentParser
import Unlearning

/// The retrained models that an unlearned model is compared with: given as files, or trained now.
struct RetrainingFlags: ParsableArguments {
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Models trained without the classes, safetensors, ONNX or Core ML files, after the other arguments.",
            valueName: "model"), completion: .model)
    var retrained: [String] = []

    @Flag(help: "Train models without the classes to compare with.")
    var retrain = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many models to retrain, each from its own seed; two or more show how much retraining varies. (default: 1)",
            valueName: "number"),
        transform: NumberParsing.integer(.repetitions))
    var seeds: Int?

    @Option(
        name: .customLong("epochs"), parsing: .unconditional,
        help: ArgumentHelp("Passes over the images in each of these trainings. (default: 3)", valueName: "number"),
        transform: NumberParsing.integer(.epochs))
    var givenEpochs: Int?

    @Option(
        name: .customLong("batch-size"), parsing: .unconditional,
        help: ArgumentHelp("Images in one training step. (default: 256)", valueName: "number"),
        transform: NumberParsing.integer(.batchSizes))
    var givenBatchSize: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The learning rate of these trainings. (default: the original's, if its file has it, or 0.001)",
            valueName: "rate"),
        transform: NumberParsing.positive)
    var learningRate: Double?

    @Flag(help: "Shift the images of --retrain by up to 4 pixels and mirror half of them, at random.")
    var augment = false

    func validate() throws {
        if retrain, !retrained.isEmpty {
            throw ValidationError("--retrained gives models and --retrain makes them; give one of them.")
        }
        try refuse([("--seeds", seeds != nil)], unless: retrain, "is how many models --retrain makes; give it too.")
        try refuse([("--augment", augment)], unless: retrain, "changes the images of --retrain; give it too.")
    }

    /// Refuses settings of trainings where nothing is trained.
    /// - Parameter makesShadows: whether shadow models are trained.
    func check(makesShadows: Bool) throws {
        try refuse(
            givenTraining, unless: retrain || makesShadows,
            "sets how --retrain and --shadow-models train; give one of them too.")
    }

    private var givenTraining: [GivenOption] {
        [
            ("--epochs", givenEpochs != nil), ("--batch-size", givenBatchSize != nil),
            ("--learning-rate", learningRate != nil),
        ]
    }

    /// Which options are given.
    var given: [GivenOption] {
        [
            ("--retrained", !retrained.isEmpty), ("--retrain", retrain), ("--seeds", seeds != nil),
            ("--augment", augment),
        ]
            + givenTraining
    }

    /// How models are trained like the original.
    func training(like original: Model) throws -> TrainingConfiguration {
        let configuration = TrainingConfiguration(
            epochs: givenEpochs ?? 3, batchSize: givenBatchSize ?? 256,
            learningRate: learningRate ?? original.metadata.learningRate ?? 1e-3, schedule: .oneCycle)
        try configuration.validate()
        return configuration
    }

    /// How models to compare with are trained; nil if none are asked for.
    func retraining(like original: Model, options: RunOptions) throws -> Retraining? {
        guard retrain else { return nil }
        return Retraining(
            training: try training(like: original), augmentation: augment ? .standard : nil,
            seeds: (0..<UInt64(seeds ?? 1)).map { options.seed &+ $0 }, options: options)
    }
}
