import ImageDatasets
import NeuralGraph

/// Measures what a model has forgotten and what it has not, against the original and, where there are some, models
/// retrained without the classes.
///
/// ```swift
/// let audit = Audit()
/// let result = try await audit.run(
///     original: model, unlearned: outcome.model, retrained: [gold], forgotten: [3],
///     data: AuditData(test: try FashionMNIST(split: .test), training: try FashionMNIST(split: .train)))
/// print(result.verdict.total)
/// ```
///
/// No model is changed: what trains, trains a copy. Every model runs over each example once, and all measures share the
/// outcome. An audit finds residual leakage against retraining; it can't show that there is none.
public struct Audit: Sendable {
    /// What is measured, on how much, and by which limits it is judged.
    public var configuration: AuditConfiguration
    /// Seed and threads.
    public var options: RunOptions

    /// Creates an audit.
    public init(configuration: AuditConfiguration = .full, options: RunOptions = RunOptions()) {
        self.configuration = configuration
        self.options = options
    }

    /// Measures and judges.
    /// - Parameters:
    ///   - original: the model before forgetting.
    ///   - unlearned: the model after forgetting.
    ///   - retrained: models trained anew without the classes, from several seeds if possible; none leaves out what
    ///     cannot be said without.
    ///   - forgotten: the classes that were to be forgotten, by this request and by earlier ones.
    ///   - data: what to measure on.
    ///   - progress: called after every step, on the thread that computes.
    /// - Throws: ``AuditError`` or ``UnlearningError`` if models, data or settings are wrong, and `CancellationError`.
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

    /// Measures and judges a model that was to forget some examples of classes that stay. What makes sense for whole
    /// classes alone, such as probes of the class, is left out and says so.
    /// - Parameters:
    ///   - original: the model before forgetting.
    ///   - unlearned: the model after forgetting.
    ///   - retrained: models trained anew without the samples; none leaves out what cannot be said without.
    ///   - samples: what was to be forgotten, with its classes.
    ///   - data: what to measure on: test examples, and training examples without the samples.
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
    /// The classes with those that earlier requests had the model forget: none of them may come back.
    func covering(_ earlier: Set<Int>) -> AuditTarget {
        if case .classes(let classes) = self { .classes(classes.union(earlier)) } else { self }
    }

    /// The samples; nil if classes were to be forgotten.
    var samples: (any ExampleSource)? { if case .samples(let samples) = self { samples } else { nil } }
}
