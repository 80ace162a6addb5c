package import ArgumentParser
package import Unlearning

/// How a model is made to forget, and with which data: the options that every command with such a run shares.
package struct ForgettingRunFlags: ParsableArguments {
    @OptionGroup var samples: SampleFlags
    @OptionGroup package var methods: MethodFlags

    @Option(
        help: ArgumentHelp(
            "The data set whose training split has images of the retained classes: "
                + "\(DatasetArgument.helpForms).", valueName: "data set"),
        completion: DatasetArgument.completion, transform: DatasetArgument.init(parsing:))
    var retain: DatasetArgument

    @Option(
        help: ArgumentHelp(
            "The data set on whose test split accuracy is measured, before and after.", valueName: "data set"),
        completion: DatasetArgument.completion, transform: DatasetArgument.init(parsing:))
    package var validation: DatasetArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Passes over the images for --method retrain. (default: as the original's file says, or 3)",
            valueName: "number"),
        transform: NumberParsing.integer(.epochs))
    var epochs: Int?

    @Flag(help: "Write the model even if its retained classes are in ruins.")
    package var keepRuined = false

    @OptionGroup var pictures: PictureFlags

    package init() {}

    /// The method with its settings, by the options and a configuration's file.
    package func choice(_ file: ConfigurationFile) throws -> MethodChoice {
        try MethodChoice(methods, samples: samples.given, file)
    }

    /// What a run's result depends on besides the model, the request, the seed, and the method with its settings.
    package var settings: [String: String] {
        var settings = [
            "retain": retain.text, "pictures": pictures.settings,
        ]
        settings["validation"] = validation?.text
        settings["epochs"] = epochs.map(String.init)
        return settings
    }

    /// Checks that the options fit together, as far as they say so without a configuration's file.
    package func check() throws {
        if methods.configuration.file == nil { try check(choice(ConfigurationFile())) }
        try pictures.check(for: [retain, validation])
    }

    /// Checks that every option has an effect on the chosen method.
    func check(_ choice: MethodChoice) throws {
        try refuse(
            [("--epochs", epochs != nil)], unless: choice.method.requirements.contains(.originalTraining),
            "is for --method \(FullRetraining().name); leave it out.")
        try samples.check(for: [choice.method])
    }

    /// The files that the run reads.
    /// - Parameters:
    ///   - model: the model's path.
    ///   - files: others, such as lists of samples.
    func inputs(of model: String, besides files: [String] = []) -> InputFiles {
        InputFiles(
            models: [model], files: pictures.files + methods.configuration.files + files,
            datasets: [retain, validation])
    }

    /// How the original was trained, for the method that retrains.
    package func training(like original: Model) -> TrainingConfiguration {
        var training = original.usualTraining.configuration
        if let epochs { training.epochs = epochs }
        return training
    }
}
