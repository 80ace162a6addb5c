import NeuralGraph

// Settings of the parts that several methods have. Defaults are each method's own.

extension TrainingConfiguration {
    /// Its settings, with keys as it encodes them.
    package static let settings: [SettingDescription] = [
        SettingDescription("epochs", .integer(1...1_000_000), "passes over the examples"),
        SettingDescription(
            "minimumSteps", .integer(0...1_000_000), "steps at least; few examples are shown more often"),
        SettingDescription("batchSize", .integer(1...1_000_000), "examples in one step"),
        SettingDescription("optimizer", .choice(OptimizerConfiguration.choices), "the optimizer"),
        SettingDescription("learningRate", .number(above: 0), "the learning rate before the schedule"),
        SettingDescription("schedule", .choice(LearningRateSchedule.choices), "how the rate changes over the steps"),
        SettingDescription(
            "labelSmoothing", .number(NumberRange(lower: 0, upper: 1, includesUpper: false)),
            "probability mass spread over all classes"),
        SettingDescription("clipping", .choice(GradientClipping.choices), "limit to the gradient"),
        SettingDescription("frozen", .names, "parameters or nodes that are not trained"),
        SettingDescription(
            "freezesBatchNorm", .boolean, "whether batch norm keeps its running statistics and uses them"),
        SettingDescription(
            "anchorWeight", .number(atLeast: 0), "λ, weight of the squared distance from the first weights"),
    ]

    /// Returns the configuration with some settings replaced.
    /// - Throws: ``UnlearningError`` if a key is unknown, or a value out of range.
    package func replacing(_ overrides: [SettingOverride]) throws -> TrainingConfiguration {
        let configuration = try ConfigurableSettings(of: "the training", Self.settings).replacing(overrides, in: self)
        try configuration.validate()
        return configuration
    }
}

extension OptimizerConfiguration {
    static let choices: [SettingChoice] = [
        SettingChoice(
            "sgd", ["momentum": .integer(0), "nesterov": .boolean(false), "weightDecay": .integer(0)]),
        SettingChoice(
            "adam",
            ["beta1": .number(0.9), "beta2": .number(0.999), "epsilon": .number(1e-8), "weightDecay": .integer(0)]),
        SettingChoice(
            "adamW",
            ["beta1": .number(0.9), "beta2": .number(0.999), "epsilon": .number(1e-8), "weightDecay": .number(0.01)]),
    ]
}

extension LearningRateSchedule {
    static let choices: [SettingChoice] = [
        SettingChoice("constant"), SettingChoice("step", ["every": .null, "factor": .null]),
        SettingChoice("cosine", ["minimum": .integer(0)]),
        SettingChoice(
            "oneCycle",
            ["warmUpFraction": .number(0.3), "initialDivisor": .integer(25), "finalDivisor": .integer(10_000)]),
    ]
}

extension GradientClipping {
    static let choices: [SettingChoice] = [
        SettingChoice("none"), SettingChoice("value", ["_0": .null]), SettingChoice("norm", ["_0": .null]),
    ]
}

extension RetainGuard {
    /// Its settings, with keys as it encodes them.
    static let settings: [SettingDescription] = [
        SettingDescription(
            "share", .number(NumberRange(lower: 0, includesLower: false, upper: 0.5)),
            "retain examples kept out to watch"),
        SettingDescription("tolerance", .within(0...1), "how far accuracy on them may fall"),
        SettingDescription("attempts", .integer(1...100), "trainings at most, each at a lower rate"),
        SettingDescription("divisor", .number(above: 1), "what the rate is divided by for the next attempt"),
    ]

    /// The default guard, for a method that has none.
    static let defaults: JSONValue = .object([
        "share": .number(RetainGuard().share), "tolerance": .number(RetainGuard().tolerance),
        "attempts": .integer(RetainGuard().attempts), "divisor": .number(RetainGuard().divisor),
    ])
}

extension InputSynthesizer {
    /// Its settings, with keys as it encodes them.
    static let settings: [SettingDescription] = [
        SettingDescription("perClass", .integer(1...100_000), "inputs for each class"),
        SettingDescription("batchSize", .integer(2...1_000_000), "inputs that are made together"),
        SettingDescription("steps", .integer(1...1_000_000), "gradient steps for each batch"),
        SettingDescription("learningRate", .number(above: 0), "Adam's learning rate"),
        SettingDescription(
            "statisticsWeight", .number(atLeast: 0), "β, weight of the distance of batch statistics",
            source: "Yin et al. (CVPR 2020, arXiv 1912.08795), section 3.2"),
        SettingDescription("normWeight", .number(atLeast: 0), "λ, weight of the inputs' mean squared norm"),
    ]
}

extension NoiseMaximizer.Configuration {
    /// Its settings, with keys as it encodes them.
    static let settings: [SettingDescription] = [
        SettingDescription("imagesPerClass", .integer(1...100_000), "images of noise for each class"),
        SettingDescription("steps", .integer(0...1_000_000), "gradient steps; 0 keeps random noise"),
        SettingDescription("optimizer", .choice(OptimizerConfiguration.choices), "the optimizer of the noise"),
        SettingDescription("learningRate", .number(above: 0), "its learning rate"),
        SettingDescription("lambda", .number(atLeast: 0), "λ, weight of the mean squared norm"),
        SettingDescription(
            "normalization", .choice(Normalization.allCases.map { SettingChoice($0.rawValue, isText: true) }),
            "statistics that batch norm uses meanwhile"),
    ]
}

extension ImpairStep.Configuration {
    /// Its settings, with keys as it encodes them.
    static let settings: [SettingDescription] =
        [
            SettingDescription("noiseRepetitions", .integer(1...10_000), "how often an epoch shows each noise image"),
            SettingDescription(
                "retainLimit", .integer(1...100_000_000), optional: true,
                "retain examples that are mixed in, at most; none mixes in all"),
        ]
        + TrainingConfiguration.settings.under("training")
}
