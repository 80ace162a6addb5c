public import ImageDatasets
public import NeuralGraph

/// Measures what a model has forgotten and what it still knows, against the original and retrained models.
///
/// ```swift
/// let audit = Audit()
/// let result = try await audit.run(
///     original: model, unlearned: outcome.model, retrained: [gold], forgotten: [3],
///     data: AuditData(test: try FashionMNIST(split: .test), training: try FashionMNIST(split: .train)))
/// print(result.verdict.total)
/// ```
///
/// Audits do not change the models: relearning trains copies. Every model runs once over each example, and all measures
/// share the outputs. An audit finds residual leakage against retraining; it cannot show that there is none.
public struct Audit: Sendable {
    /// The settings of measures and the limits to judge by.
    public var configuration: AuditConfiguration
    /// The measures in the order to show them in; see ``AuditMeasure`` for measures of your own.
    public var measures: [any AuditMeasure]
    /// How the model was made to forget, for attacks that repeat it; nil for the attack's settings.
    public var forgetting: AuditedForgetting?
    /// Seed and threads.
    public var options: RunOptions

    /// Creates an audit.
    public init(
        configuration: AuditConfiguration = .full, measures: [any AuditMeasure] = Audit.defaultMeasures,
        forgetting: AuditedForgetting? = nil, options: RunOptions = RunOptions()
    ) {
        self.forgetting = forgetting
        self.configuration = configuration
        self.measures = measures
        self.options = options
    }

    /// Every measure of this package, in the order to show them in.
    public static let defaultMeasures: [any AuditMeasure] = [
        AccuracyMeasures(), OutputDistanceMeasures(), ZeroRetrainForgettingMeasure(), PredictionSpreadMeasure(),
        ClassRankMeasure(), ClassAttackMeasure(), MembershipMeasures(), InterpolatedMembershipMeasure(),
        ShadowModelAttacks(), RelearningMeasures(), ProbeMeasures(), PrototypeRelearningMeasure(),
        HeadShareMeasures(), WeightDistanceMeasure(), AlignmentMeasure(), RetrainedAlignmentMeasure(),
    ]

    /// The descriptions of all measures that the configuration asks for, in the order to show them in.
    public var descriptions: [MeasureDescription] { usedMeasures.flatMap(\.descriptions) }

    /// Measures and judges the forgetting of classes.
    /// - Parameters:
    ///   - original: the model before forgetting.
    ///   - unlearned: the model after forgetting.
    ///   - retrained: models trained without the classes, preferably from several seeds; without any, measures that
    ///     compare with retraining are left out.
    ///   - forgotten: the classes that were to be forgotten, by this request and by earlier ones.
    ///   - data: the images to measure on.
    ///   - progress: called after every step, on the thread that computes.
    /// - Throws: ``AuditError`` or ``UnlearningError`` if models, measures, data or settings are wrong, and
    ///   `CancellationError`.
    public func run(
        original: Model, unlearned: Model, retrained: [Model] = [], forgotten: some Sequence<Int>,
        data: AuditData, progress: ProgressHandler? = nil
    ) async throws -> AuditResult {
        let forgotten = AuditTarget.classes(Set(forgotten))
        let models = PerModel(original: original, unlearned: unlearned, retrained: retrained)
        return try await RunContext.run(options, progress: progress) { context in
            try context.phase { try run(models, forgotten: forgotten, data: data, context: context) }.0
        }
    }

    /// Measures and judges the forgetting of some examples of retained classes.
    ///
    /// Measures that apply to whole classes, such as probes of the class, are left out with the reason.
    /// - Parameters:
    ///   - original: the model before forgetting.
    ///   - unlearned: the model after forgetting.
    ///   - retrained: models trained without the samples; without any, measures that compare with retraining are left
    ///     out.
    ///   - samples: the samples that were to be forgotten, with their classes.
    ///   - data: the images to measure on: test examples, and training examples without the samples.
    ///   - progress: called after every step, on the thread that computes.
    /// - Throws: as ``run(original:unlearned:retrained:forgotten:data:progress:)``.
    public func run(
        original: Model, unlearned: Model, retrained: [Model] = [], forgottenSamples samples: any LabeledData,
        data: AuditData, progress: ProgressHandler? = nil
    ) async throws -> AuditResult {
        let models = PerModel(original: original, unlearned: unlearned, retrained: retrained)
        return try await RunContext.run(options, progress: progress) { context in
            let target = AuditTarget.samples(try samples.examples(for: original, named: "forget"))
            return try context.phase { try run(models, forgotten: target, data: data, context: context) }.0
        }
    }
}

/// What an audited model was to forget.
enum AuditTarget: Sendable {
    case classes(Set<Int>)
    case samples(any ExampleSource)

    /// The classes; empty if samples were to be forgotten.
    var classes: Set<Int> { if case .classes(let classes) = self { classes } else { [] } }

    /// The samples; nil if classes were to be forgotten.
    var samples: (any ExampleSource)? { if case .samples(let samples) = self { samples } else { nil } }

    /// Adds the classes of earlier requests, none of which may come back.
    func covering(_ earlier: Set<Int>) -> AuditTarget {
        if case .classes(let classes) = self { .classes(classes.union(earlier)) } else { self }
    }
}

/// The images that an audit measures on.
///
/// Unlike forgetting, an audit needs images of the forgotten classes, to see whether the model still knows them. They
/// are used for measuring, never for changing a model.
public struct AuditData: Sendable {
    let test: any LabeledData
    let training: (any LabeledData)?

    /// Creates data of images, which are prepared for the model, or of examples in the shape of its input.
    /// - Parameters:
    ///   - test: images or examples that no model was trained on, of all classes, the forgotten ones included.
    ///   - training: images or examples that the original was trained on, of all classes. Without them the audit has no
    ///     membership inference, relearning or probes.
    public init(test: any LabeledData, training: (any LabeledData)? = nil) {
        self.test = test
        self.training = training
    }
}
