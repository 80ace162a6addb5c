import NeuralGraph

// What each method's settings may be, and the paper that each method comes from. A test compares the keys with those that
// the methods encode, and the ranges with those that they check.

extension UnlearningMethod {
    /// The settings with ranges and sources; nil for a method of another package.
    package var settings: [SettingDescription]? { (self as? any BuiltInMethod).map { type(of: $0).settings } }

    /// The paper or package that the method comes from; nil for a method of another package.
    package var source: String? { (self as? any BuiltInMethod).map { type(of: $0).source } }

    /// Returns the method with some settings replaced.
    /// - Throws: ``UnlearningError`` if a key is unknown or ambiguous, or a value out of range.
    package func replacing(_ overrides: [SettingOverride]) throws -> any UnlearningMethod {
        guard !overrides.isEmpty else { return self }
        guard let method = self as? any BuiltInMethod else {
            throw UnlearningError(.unsupported, "method '\(name)' has settings of its own; set them in Swift")
        }
        let changed = try method.replacingSettings(overrides)
        try changed.validate()
        return changed
    }
}

extension BuiltInMethod {
    fileprivate func replacingSettings(_ overrides: [SettingOverride]) throws -> any BuiltInMethod {
        try ConfigurableSettings(of: "method '\(name)'", Self.settings).replacing(overrides, in: self)
    }
}

private let trainingSettings = TrainingConfiguration.settings.under("training")

/// The rate of a method that chooses one where none is given.
private let chosenRate = SettingDescription(
    "learningRate", .number(above: 0), optional: true, "the rate; none chooses one by the model")

private let labelShareSetting = SettingDescription(
    "labelShare", .within(0...1), "the label's part of the target; the rest is the masked original's output")

private func exampleLimitSetting(_ what: String) -> SettingDescription {
    SettingDescription("exampleLimit", .integer(1...100_000_000), "\(what) that gradients are taken over, at most")
}

private func heldOutSetting(_ what: String) -> SettingDescription {
    SettingDescription("heldOutShare", .number(NumberRange(lower: 0, includesLower: false, upper: 0.5)), what)
}

// MARK: This package's

extension PrototypeRepair {
    package static let source =
        "Tarun et al. (arXiv 2111.08947), section IV; targets: this package; masked teacher: Zhou et al. (arXiv 2503.23751)"

    package static let settings: [SettingDescription] =
        [
            labelShareSetting,
            SettingDescription(
                "featureWeight", .number(atLeast: 0), "μ, weight of the distance to class means",
                source: "Papyan et al. (arXiv 2008.08186)"),
            SettingDescription("trainedShare", .within(0...1), "share of the blocks, from the last, that is trained"),
            SettingDescription(
                "reinitializedShare", .within(0...1), "share of the blocks, from the last, that starts from new weights"
            ),
            chosenRate,
            SettingDescription(
                "rateFactor", .number(above: 0), "the chosen rate in multiples of the original's, with batch norm"),
            SettingDescription(
                "retainLimit", .integer(1...100_000_000), optional: true,
                "retain examples that are used, at most, drawn evenly over the classes; none uses all"),
            SettingDescription(
                "trainingShare", .number(above: 0), optional: true,
                "the most that the repair shows, as a share of what the original's training showed; none sets no bound"),
        ] + trainingSettings + [
            SettingDescription(
                "guarding", .group(defaults: RetainGuard.defaults), optional: true, "watches the retained classes")
        ] + RetainGuard.settings.under("guarding") + damageSettings

    private static let damageSettings: [SettingDescription] = {
        let paper = "Tarun et al. (arXiv 2111.08947), section IV"
        let defaults = (try? JSONValue(encoding: NoiseDamage())) ?? .object([:])
        var settings = [
            SettingDescription(
                "damage", .group(defaults: defaults), optional: true, "UNSIR's first two steps, before the repair",
                source: paper)
        ]
        settings += [
            SettingDescription(
                "damage.imageLimit", .integer(1...1_000_000), "noise images of all classes together, at most",
                source: paper)
        ]
        settings += NoiseMaximizer.Configuration.settings.under("damage.noise", source: paper)
        settings += ImpairStep.Configuration.settings.under("damage.impair", source: paper)
        return settings
    }()
}

extension MaskedTeacherRepair {
    package static let source = "this package; masked teacher: Zhou et al. (arXiv 2503.23751)"
    package static let settings: [SettingDescription] = [labelShareSetting, chosenRate] + trainingSettings
}

extension ZeroShotDistillation {
    package static let source =
        "this package; inputs: Yin et al. (CVPR 2020, arXiv 1912.08795), Chundawat et al. (arXiv 2201.05629), section "
        + "IV"
    package static let settings: [SettingDescription] =
        InputSynthesizer.settings.under("synthesizer") + trainingSettings
}

extension LastRowEdit {
    package static let source = "this package"
    package static let settings: [SettingDescription] = []
}

extension FullRetraining {
    package static let source = "this package"
    package static let settings: [SettingDescription] = []
}

extension SISA {
    package static let source = "Bourtoule et al. (arXiv 1912.03817), section IV"
    package static let settings: [SettingDescription] = []
}

// MARK: Published

extension UNSIR {
    private static let paper = "Tarun et al. (arXiv 2111.08947)"
    package static let source = "\(paper), section IV"

    package static let settings: [SettingDescription] =
        (NoiseMaximizer.Configuration.settings.under("noise", source: "\(paper), section IV-A")
        + ImpairStep.Configuration.settings.under("impair", source: "\(paper), section IV-B")
        + TrainingConfiguration.settings.under("repair", source: "\(paper), section IV-B"))
        .under("configuration")
}

extension FineTuning {
    package static let source =
        "Golatkar et al. (CVPR 2020, arXiv 1911.04933), section 6; rate and length: this package"
    package static let settings: [SettingDescription] = trainingSettings
}

extension RandomLabels {
    package static let source =
        "Golatkar et al. (CVPR 2020, arXiv 1911.04933), section 6; rate and length: this package"
    package static let settings: [SettingDescription] = trainingSettings
}

extension FisherForgetting {
    package static let source = "Golatkar et al. (CVPR 2020, arXiv 1911.04933), equation 8 and section 6"

    package static let settings: [SettingDescription] = [
        SettingDescription(
            "scale", .number(above: 0), "α, the scale of the variance",
            source: "Golatkar et al. (CVPR 2020), equation 8"),
        exampleLimitSetting("retain examples"),
    ]
}

extension NegativeGradient {
    package static let source =
        "Golatkar et al. (CVPR 2020, arXiv 1911.04933), section 6; Kurmanji et al. (arXiv 2302.09880), section 5; rate: "
        + "Fan et al. (arXiv 2310.12508)"

    package static let settings: [SettingDescription] =
        [
            SettingDescription(
                "retainWeight",
                .number(NumberRange(lower: 0, includesLower: false, upper: 1, includesUpper: false)), optional: true,
                "β, weight of the retain data; none uses the forget data alone",
                source: "Kurmanji et al. (arXiv 2302.09880), section 5"),
            SettingDescription(
                "forgetBatchSize", .integer(1...1_000_000), "forget examples in one step with retain data"),
        ] + trainingSettings
}

extension NegativePreference {
    package static let source =
        "Zhang et al. (COLM 2024, arXiv 2404.05868), equation 3; rate and length: this package"

    package static let settings: [SettingDescription] =
        [
            SettingDescription(
                "beta", .number(above: 0), "β, the inverse temperature",
                source: "Zhang et al. (arXiv 2404.05868), equation 3"),
            SettingDescription(
                "retainWeight", .number(atLeast: 0), "weight of cross-entropy on the retain data",
                source: "Zhang et al. (arXiv 2404.05868), section 4"),
        ] + trainingSettings
}

extension AmnesiacRelabeling {
    package static let source =
        "Graves et al. (AAAI 2021, arXiv 2010.10981), section 4; rate: Chundawat et al. (arXiv 2205.08096)"
    package static let settings: [SettingDescription] = trainingSettings
}

extension BoundaryShrink {
    package static let source = "Chen et al. (CVPR 2023, arXiv 2303.11570), equations 2 and 3, and published code"

    package static let settings: [SettingDescription] =
        [
            SettingDescription(
                "step", .number(above: 0), "ε, the step across the boundary, in units of the full pixel range",
                source: "Chen et al. (arXiv 2303.11570), equation 2")
        ] + trainingSettings
}

extension SelectiveSynapticDampening {
    private static let paper = "Foster et al. (AAAI 2024, arXiv 2308.07707)"
    package static let source = "\(paper), equations 7 and 8"

    package static let settings: [SettingDescription] = [
        SettingDescription(
            "selection", .number(above: 0), "α, ratio of importance above which a weight is dampened",
            source: "\(paper), equation 7"),
        SettingDescription(
            "dampening", .number(above: 0), "λ, the factor of dampening", source: "\(paper), equation 8"),
        SettingDescription(
            "examplesPerGradient", .integer(1...1_000_000), "examples whose mean gradient counts as one"),
        exampleLimitSetting("examples of each kind"),
    ]
}

extension SCRUB {
    private static let paper = "Kurmanji et al. (NeurIPS 2023, arXiv 2302.09880)"
    package static let source = "\(paper), equation 3 and algorithm 1"

    package static let settings: [SettingDescription] =
        [
            SettingDescription(
                "divergenceWeight", .number(atLeast: 0), "α, weight of the divergence on retain data",
                source: "\(paper), equation 3"),
            SettingDescription(
                "labelWeight", .number(atLeast: 0), "γ, weight of cross-entropy on retain data",
                source: "\(paper), equation 3"),
            SettingDescription("temperature", .number(above: 0), "what logits are divided by"),
            SettingDescription(
                "maximizingEpochs", .integer(0...1_000_000), "first epochs that move away from the original",
                source: "\(paper), algorithm 1"),
            SettingDescription("forgetBatchSize", .integer(1...1_000_000), "forget examples in one step"),
            SettingDescription(
                "decayEpochs", .integers(1...1_000_000), "epochs after each of which the rate is divided by 10"),
        ] + trainingSettings
}

extension BadTeacher {
    package static let source = "Chundawat et al. (AAAI 2023, arXiv 2205.08096), equation 5"

    package static let settings: [SettingDescription] =
        [
            SettingDescription("temperature", .number(above: 0), "what all logits are divided by"),
            SettingDescription(
                "retainShare", .number(NumberRange(lower: 0, includesLower: false, upper: 1)),
                "share of the retain data that is used"),
        ] + trainingSettings
}

extension SaliencyUnlearning {
    private static let paper = "Fan et al. (ICLR 2024, arXiv 2310.12508)"
    package static let source = "\(paper), equations 4 and 5"

    package static let settings: [SettingDescription] =
        [
            SettingDescription(
                "movingShare", .number(NumberRange(lower: 0, includesLower: false, upper: 1)),
                "part of all weights that may move", source: "\(paper), equation 4"),
            exampleLimitSetting("forget examples"),
        ] + trainingSettings
}

extension MaskedDistillation {
    package static let source = "Zhou et al. (CVPR 2025, arXiv 2503.23751), and published configuration"
    package static let settings: [SettingDescription] = trainingSettings
}

extension LastStages {
    package static let source = "Goel et al. (arXiv 2201.06640), section 4"

    package static let settings: [SettingDescription] =
        [
            SettingDescription("resets", .boolean, "whether the stages start from new weights"),
            SettingDescription("stages", .integer(0...10_000), "stages before the last layer that are trained"),
        ] + trainingSettings
}

extension SubspaceProjection {
    private static let paper = "Kodge et al. (TMLR 2024, arXiv 2312.00761)"
    package static let source = "\(paper), and published code"

    package static let settings: [SettingDescription] = [
        SettingDescription(
            "retainAlphas", .integers(1...1_000_000), "values of α for retain data that are tried; more protects more",
            source: paper),
        SettingDescription(
            "forgetAlphas", .integers(1...1_000_000), "values of α for forget data that are tried; more removes more",
            source: paper),
        SettingDescription(
            "exampleLimit", .integer(2...100_000_000), "examples of each kind that spaces are computed from, at most"),
        SettingDescription("patchLimit", .integer(1...100_000_000), "vectors of each layer and kind, at most"),
        heldOutSetting("share of each kind that scores the grid"),
    ]
}

extension DepthAwareProjection {
    private static let paper = "Hatami et al. (arXiv 2604.15166)"
    package static let source = "\(paper); windows, probe and stand-ins: this package"

    package static let settings: [SettingDescription] =
        [
            SettingDescription("stages", .integer(2...1000), "L, the largest number of stages", source: paper),
            SettingDescription(
                "strength", .number(NumberRange(lower: 0, includesLower: false, upper: 1)), "what α is multiplied by"),
            SettingDescription("exampleLimit", .integer(8...100_000_000), "examples of each kind, at most"),
            heldOutSetting("share of the probe's examples that measure it"),
            SettingDescription(
                "standIn", .choice(StandIn.allCases.map { SettingChoice($0.rawValue, isText: true) }), optional: true,
                "what is used in place of forget data; none uses forget data"),
            SettingDescription("rounds", .integer(1...100), "how often directions are removed, of the model so far"),
        ] + InputSynthesizer.settings.under("synthesizer")
}

extension TiltedReweighting {
    private static let paper = "Ebrahimpour-Boroojeny et al. (ICML 2026, arXiv 2506.20893)"
    package static let source = "\(paper); similarity's temperature, rate and length: this package"

    package static let settings: [SettingDescription] =
        [
            SettingDescription("tilt", .number(atLeast: 0), "β, strength of the tilt", source: paper),
            SettingDescription("temperature", .number(above: 0), "τ, temperature of the similarities"),
            SettingDescription(
                "components", .integer(1...1_000_000), optional: true,
                "principal components that similarities are taken in; none takes all", source: paper),
        ] + trainingSettings
}
