import ArgumentParser
import Unlearning

/// The network to train, its data and its training.
struct TrainingFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The images to train on: \(DatasetArgument.helpForms).",
            valueName: "data set"),
        completion: DatasetArgument.completion, transform: DatasetArgument.init(parsing:))
    var dataset: DatasetArgument

    @Option(
        help: ArgumentHelp("The network: \(Architectures.helpForms).", valueName: "name"),
        completion: Architectures.completion)
    var architecture: String

    @Option(
        help: ArgumentHelp(
            "The same as --architecture NAME:stem=STEM. For ResNets: imagenet (7x7, stride 2, pooling) or small (3x3). "
                + "(default: imagenet)", valueName: "stem"))
    var stem: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Height and width of a vision transformer's patches. (default: 16)", valueName: "pixels"),
        transform: NumberParsing.integer(.lengths))
    var patchSize: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Train this many copies of the network, each on its own part of the images, and average their logits (SISA): "
                + "'forget --method sisa' then forgets exactly by training a part again. The same as --architecture "
                + "NAME:shards=NUMBER.", valueName: "number"),
        transform: NumberParsing.integer(ShardEnsemble.range))
    var shards: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Height and width of the inputs; smaller images are padded with zeros, a folder's pictures are resized. "
                + "(default: 32)",
            valueName: "pixels"),
        transform: NumberParsing.integer(.lengths))
    var imageSize: Int = 32

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Channels of the inputs; gray images are repeated. A folder's pictures have 3, or 1 for gray. (default: 3)",
            valueName: "number"),
        transform: NumberParsing.integer(.lengths))
    var channels: Int = 3

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Images in one step. (default: 256)", valueName: "number"),
        transform: NumberParsing.integer(.batchSizes))
    var batchSize: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Adam's learning rate, the largest of the schedule. (default: 0.001)", valueName: "rate"),
        transform: NumberParsing.positive)
    var learningRate: Double?

    @Option(
        help: ArgumentHelp(
            "How the learning rate changes: one-cycle (up for 30 % of the steps, then down to about 0), cosine or "
                + "constant. (default: one-cycle)", valueName: "schedule"),
        completion: WordParsing.completion(Schedule.self), transform: WordParsing.word("schedule"))
    var schedule: Schedule?

    @OptionGroup var pictures: PictureFlags

    @Flag(help: "Shift training images by up to 4 pixels and mirror half of them, at random.")
    var augment = false

    /// The learning rate's schedules by the option's names.
    enum Schedule: String, CaseIterable, Sendable {
        case oneCycle = "one-cycle"
        case cosine
        case constant

        var schedule: LearningRateSchedule {
            switch self {
            case .oneCycle: .oneCycle
            case .cosine: .cosine
            case .constant: .constant
            }
        }
    }

    func validate() throws {
        try identifier().check()
        try pictures.check(for: [dataset])
        if dataset.isFolder, ![1, 3].contains(channels) {
            throw ValidationError("--channels cannot be \(channels) for a folder; pictures have 3, or 1 for gray.")
        }
    }

    private func identifier() throws -> ArchitectureIdentifier {
        try ArchitectureIdentifier(parsing: architecture, stem: stem, patch: patchSize, shards: shards)
    }

    /// How images are changed at random.
    var augmentation: Augmentation? { augment ? .standard : nil }

    /// How to train.
    /// - Parameters:
    ///   - epochs: passes over the images; nil where the settings say.
    ///   - file: settings of a configuration's file, which the options win over.
    ///   - sets: single settings, which win over all.
    func configuration(
        epochs: Int?, file: ConfigurationFile = ConfigurationFile(), sets: [SettingOverride] = []
    ) throws -> TrainingConfiguration {
        let defaults = TrainingConfiguration(
            epochs: epochs ?? 1, batchSize: 256, learningRate: 1e-3, schedule: .oneCycle)
        var configuration = try file.naming { try defaults.replacing(file.training) }
        if let epochs { configuration.epochs = epochs }
        if let batchSize { configuration.batchSize = batchSize }
        if let learningRate { configuration.learningRate = learningRate }
        if let schedule { configuration.schedule = schedule.schedule }
        configuration = try configuration.replacing(sets)
        try configuration.validate()
        return configuration
    }

    /// The images to train on.
    /// - Parameter excluded: classes that need no pictures.
    func images(excluding excluded: ClassList? = nil, _ console: Console) throws -> any ImageDataset {
        try pictures.load(
            dataset, split: .train, imageSize: imageSize, channels: channels, excluding: excluded, console)
    }

    /// The images to judge a network on.
    func testImages(for model: Model, _ console: Console) throws -> any ImageDataset {
        try pictures.load(dataset, split: .test, for: model, console)
    }

    /// The network.
    func network() throws -> any Architecture {
        try Architectures.named(try identifier())
    }

    /// A new network for the data set.
    func untrainedModel(_ network: any Architecture, for dataset: any ImageDataset, seed: UInt64) throws
        -> Model
    {
        try Model(
            untrained: network, for: dataset, imageSize: imageSize, channels: channels, seed: seed)
    }
}
