import ArgumentParser
import Unlearning

/// How a model is made to forget, and with which data: the options that every command with such a run shares.
struct ForgettingRunFlags: ParsableArguments {
    @OptionGroup var samples: SampleFlags
    @OptionGroup var presets: PresetFlags

    @Option(
        help: ArgumentHelp(
            "The data set whose training split has images of the retained classes: "
                + "\(DatasetArgument.helpForms).", valueName: "data set"),
        completion: DatasetArgument.completion, transform: DatasetArgument.init(parsing:))
    var retain: DatasetArgument

    @Option(
        help: ArgumentHelp(
            "The data set whose test split accuracy is measured on, before and after.", valueName: "data set"),
        completion: DatasetArgument.completion, transform: DatasetArgument.init(parsing:))
    var validation: DatasetArgument?

    @Option(
        name: .customLong("method"),
        help: ArgumentHelp(
            "The method, instead of a preset: \(UnlearningMethods.names.joined(separator: ", ")).", valueName: "name"),
        completion: MethodArgument.completion, transform: MethodArgument.init(parsing:))
    var namedMethod: MethodArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Passes over the images for --method retrain. (default: 3)",
            valueName: "number"),
        transform: NumberParsing.integer(.epochs))
    var epochs: Int?

    @OptionGroup var pictures: PictureFlags

    /// The method that is named, or the preset's.
    var method: any UnlearningMethod { namedMethod?.method ?? presets.preset.method }

    /// The preset; nil if a method was named.
    var preset: UnlearningPreset? { namedMethod == nil ? presets.preset : nil }

    /// Checks that the options fit together.
    func check() throws {
        if namedMethod != nil, presets.isGiven {
            throw ValidationError("--method and --preset exclude each other; give one.")
        }
        try refuse(
            [("--epochs", epochs != nil)], unless: method.requirements.contains(.originalTraining),
            "is for --method \(FullRetraining().name); leave it out.")
        try samples.check(for: [method])
        try pictures.check(for: [retain, validation])
    }

    /// How the original was trained, for the method that retrains.
    func training(like original: Model) -> TrainingConfiguration {
        TrainingConfiguration(
            epochs: epochs ?? 3, learningRate: original.metadata.learningRate ?? 1e-3, schedule: .oneCycle)
    }
}
