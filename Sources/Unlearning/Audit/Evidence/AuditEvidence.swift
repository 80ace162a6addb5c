import ImageDatasets
public import NeuralGraph

/// A value for the original, the unlearned and each retrained model.
struct PerModel<Value> {
    var original: Value
    var unlearned: Value
    var retrained: [Value]

    func map<Result>(_ transform: (Value) throws -> Result) rethrows -> PerModel<Result> {
        PerModel<Result>(
            original: try transform(original), unlearned: try transform(unlearned),
            retrained: try retrained.map(transform))
    }
}

extension PerModel: Sendable where Value: Sendable {}

extension PerModel where Value == Double {
    /// The values as reports show them: the mean over the retrained models.
    var byModel: ByModel<Double> {
        ByModel(original: original, unlearned: unlearned, retrained: Statistics.mean(retrained))
    }
}

extension PerModel where Value == Double? {
    /// The values as reports show them: the mean over the retrained models, nil if one of them has none.
    var byModel: ByModel<Double> {
        let known = retrained.compactMap { $0 }
        return ByModel(
            original: original, unlearned: unlearned,
            retrained: known.count == retrained.count ? Statistics.mean(known) : nil)
    }
}

/// What one model computes from examples.
public struct ExampleOutputs: Sendable {
    /// The predictions.
    public let predictions: Predictions
    /// The features by stage, from input to output; the last are the penultimate features. Empty unless
    /// ``AuditConfiguration/examinesRepresentation`` is set.
    public let features: [StageFeatures]
}

/// What one model computes from all examples of an audit.
public struct ModelEvidence: Sendable {
    /// The model.
    public let model: Model
    /// The outputs for ``AuditEvidence/test``.
    public let test: ExampleOutputs
    /// The outputs for ``AuditEvidence/training``; nil without training data.
    public let training: ExampleOutputs?
}

/// The evidence that all measures of an audit share: models, examples, and one forward pass of each model over them.
public struct AuditEvidence: Sendable {
    /// The settings.
    public let configuration: AuditConfiguration
    /// The forgotten classes; empty if samples were to be forgotten.
    public let forgottenClasses: Set<Int>
    /// Whether samples of retained classes were to be forgotten, instead of whole classes.
    public let forgetsSamples: Bool
    /// The classes' names; their numbers if they have none.
    public let classNames: [String]
    /// The retained classes that the original confuses most with the forgotten ones, the most confused first.
    public let adjacentClasses: [Int]
    /// The test examples.
    public let test: AuditSamples
    /// The training examples, if there are any.
    public let training: AuditSamples?
    let models: PerModel<ModelEvidence>
    /// How the model was made to forget, if it was said.
    let forgetting: AuditedForgetting?
    /// Threads, seed, cancellation.
    private(set) var context: RunContext
    /// Takes reports of finished work.
    let progress: AuditProgress

    /// The model before forgetting.
    public var original: ModelEvidence { models.original }
    /// The model after forgetting.
    public var unlearned: ModelEvidence { models.unlearned }
    /// The models retrained without the forgotten classes; may be empty.
    public var retrained: [ModelEvidence] { models.retrained }

    /// A seed for something random, which follows from the audit's seed and a name.
    public func seed(_ name: String) -> UInt64 { context.seed(name) }

    /// Throws `CancellationError` if the audit was cancelled; for measures that take long.
    public func checkCancellation() throws { try context.checkCancellation() }

    /// A model's predictions for what was to be forgotten: test examples of the classes, or the samples.
    func forgottenPredictions(of model: ModelEvidence) -> Predictions {
        guard forgetsSamples, let training, let outputs = model.training else {
            return model.test.predictions[test.forgotten]
        }
        return outputs.predictions[training.forgotten]
    }

    /// The same evidence, worked on in another context.
    func with(_ context: RunContext) -> AuditEvidence {
        var evidence = self
        evidence.context = context
        return evidence
    }

    /// The number of classes.
    var classCount: Int { classNames.count }

    /// The retained classes that are not adjacent.
    var remoteClasses: [Int] {
        (0..<classCount).filter { !forgottenClasses.contains($0) && !adjacentClasses.contains($0) }
    }
}
