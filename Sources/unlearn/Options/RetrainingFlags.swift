import ArgumentParser
import Unlearning

/// What an unlearned model is compared with: retrained models that are there, or are trained now.
struct RetrainingFlags: ParsableArguments {
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Models trained without the classes, safetensors or ONNX files, after the other arguments.",
            valueName: "model"))
    var retrained: [String] = []

    @Flag(help: "Train models without the classes to compare with, as the original was trained.")
    var retrain = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many of them, each from a seed of its own; two or more show how far retraining is from itself. "
                + "(default: 1)", valueName: "number"),
        transform: NumberParsing.whole(.repetitions))
    var seeds: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Passes over the images in each of these trainings. (default: 3)", valueName: "number"),
        transform: NumberParsing.whole(.epochs))
    var epochs: Int = 3

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Images in one step of them. (default: 256)", valueName: "number"),
        transform: NumberParsing.whole(.batchSizes))
    var batchSize: Int = 256

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Their learning rate. (default: the original's, if its file says, or 0.001)", valueName: "rate"),
        transform: NumberParsing.positive)
    var learningRate: Double?

    @Flag(help: "Move their images by up to 4 pixels and mirror half of them, at random.")
    var augment = false

    func validate() throws {
        if retrain, !retrained.isEmpty {
            throw ValidationError("--retrained gives models and --retrain makes them; give one of them.")
        }
        if seeds != nil, !retrain {
            throw ValidationError("--seeds is how many models --retrain makes; give it too.")
        }
    }

    /// Which options are given.
    var given: [(String, Bool)] {
        [
            ("--retrained", !retrained.isEmpty), ("--retrain", retrain), ("--seeds", seeds != nil),
            ("--epochs", epochs != 3), ("--batch-size", batchSize != 256), ("--learning-rate", learningRate != nil),
            ("--augment", augment),
        ]
    }

    /// How models are trained like the original.
    func training(like original: Model) throws -> TrainingConfiguration {
        let configuration = TrainingConfiguration(
            epochs: epochs, batchSize: batchSize,
            learningRate: learningRate ?? original.metadata.learningRate ?? 1e-3, schedule: .oneCycle)
        try configuration.validate()
        return configuration
    }

    /// How models are made to compare with; nil if none are asked for.
    func retraining(like original: Model, options: RunOptions) throws -> Retraining? {
        guard retrain else { return nil }
        return Retraining(
            training: try training(like: original), augmentation: augment ? .standard : nil,
            seeds: (0..<UInt64(seeds ?? 1)).map { options.seed &+ $0 }, options: options)
    }
}
