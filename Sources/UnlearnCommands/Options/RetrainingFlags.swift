import ArgumentParser
import Foundation
import Logging
import Unlearning
import UnlearningReports

/// The retrained models that an unlearned model is compared with: given as files, or trained now.
struct RetrainingFlags: ParsableArguments {
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Models trained without the classes, safetensors, ONNX or Core ML files, after the other arguments.",
            valueName: "model"), completion: .model)
    var retrained: [String] = []

    @Flag(help: "Train models without the classes to compare with, as the original was trained.")
    var retrain = false

    @Option(
        name: .customLong("keep-retrained"),
        help: ArgumentHelp(
            "A folder that --retrain keeps its models in, and takes them from when network, training, classes and images "
                + "are the same.", valueName: "folder"), completion: .directory)
    var keptFolder: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many models to retrain, each from its own seed; two or more show how much retraining varies. (default: 1)",
            valueName: "number"),
        transform: NumberParsing.integer(.repetitions))
    var seeds: Int?

    @Option(
        name: .customLong("epochs"), parsing: .unconditional,
        help: ArgumentHelp(
            "Passes over the images in each of these trainings. (default: as the original's file says, or 3)",
            valueName: "number"),
        transform: NumberParsing.integer(.epochs))
    var givenEpochs: Int?

    @Option(
        name: .customLong("batch-size"), parsing: .unconditional,
        help: ArgumentHelp(
            "Images in one training step. (default: as the original's file says, or 256)", valueName: "number"),
        transform: NumberParsing.integer(.batchSizes))
    var givenBatchSize: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The learning rate of these trainings. (default: as the original's file says, or 0.001)",
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
        try refuse(
            [("--keep-retrained", keptFolder != nil)], unless: retrain, "keeps the models of --retrain; give it too.")
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
            ("--keep-retrained", keptFolder != nil),
            ("--augment", augment),
        ]
            + givenTraining
    }

    /// How models are trained like the original.
    func training(like original: Model) throws -> TrainingConfiguration {
        var configuration = original.usualTraining.configuration
        if let givenEpochs { configuration.epochs = givenEpochs }
        if let givenBatchSize { configuration.batchSize = givenBatchSize }
        if let learningRate { configuration.learningRate = learningRate }
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

    /// Trains models to compare with, or takes those that an earlier audit kept.
    func models(
        _ retraining: Retraining, like original: Model, classes: Set<Int>, images: any ImageDataset, _ console: Console
    ) async throws -> [Model] {
        let progress = console.progress("retrained")
        guard let keptFolder else {
            return try await retraining.models(like: original, classes: classes, images: images, progress: progress)
        }
        let store = RetrainedModelStore(folder: URL(fileURLWithPath: keptFolder))
        let (models, found) = try await store.models(
            retraining, like: original, classes: classes, images: images, progress: progress)
        if found > 0 { console.logger.info("\(found) of \(models.count) retrained models were in \(keptFolder)") }
        return models
    }
}
