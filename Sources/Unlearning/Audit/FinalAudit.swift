public import ImageDatasets
public import NeuralGraph

/// An audit that ``Unlearner`` runs before it returns a model.
///
/// ```swift
/// var unlearner = Unlearner(model: model, retaining: retain)
/// unlearner.audit = FinalAudit(
///     on: AuditData(test: try FashionMNIST(split: .test), training: try FashionMNIST(split: .train)),
///     refusesFailure: true)
/// let outcome = try await unlearner.forget(classes: [3])
/// print(outcome.audit?.verdict.total ?? .notJudged)
/// ```
public struct FinalAudit: Sendable {
    /// The settings of measures and the limits to judge by.
    package var configuration: AuditConfiguration
    /// The measures in the order to show them in.
    package var measures: [any AuditMeasure]
    /// The images to measure on, including the forgotten classes.
    package var data: AuditData
    /// Models retrained without the classes, if there are any.
    package var retrained: [Model]
    /// Whether to throw ``AuditFailure`` instead of returning a model whose audit does not end in a pass, which takes
    /// ``retrained`` models.
    package var refusesFailure: Bool

    /// Creates an audit; by default a quick one.
    public init(
        on data: AuditData, retrained: [Model] = [], configuration: AuditConfiguration = .quick,
        measures: [any AuditMeasure] = Audit.defaultMeasures, refusesFailure: Bool = false
    ) {
        self.configuration = configuration
        self.measures = measures
        self.data = data
        self.retrained = retrained
        self.refusesFailure = refusesFailure
    }

    /// The cost in forward passes of one example.
    var cost: Double {
        Double((2 + retrained.count) * (configuration.testSamples + configuration.trainingSamples))
    }

    /// Audits, and throws ``AuditFailure`` if the model has to be withheld.
    func run(
        original: Model, unlearned: Model, _ classes: Set<Int>, samples: (any ExampleSource)?, context: RunContext
    ) throws -> AuditResult {
        let models = PerModel(original: original, unlearned: unlearned, retrained: retrained)
        let result = try Audit(configuration: configuration, measures: measures, options: context.options).run(
            models, forgotten: samples.map { .samples($0) } ?? .classes(classes), data: data, context: context)
        if refusesFailure, result.verdict.total != .pass { throw AuditFailure(result: result) }
        return result
    }
}

/// How an audited model was made to forget, which the likelihood ratio attack repeats on its shadow models.
public struct AuditedForgetting: Sendable {
    /// The method, with its settings.
    public var method: any UnlearningMethod
    /// The retain data of the run; nil for the audit's own sample of retained training examples.
    public var retaining: (any LabeledData)?

    /// Describes a run.
    public init(method: any UnlearningMethod, retaining: (any LabeledData)? = nil) {
        self.method = method
        self.retaining = retaining
    }
}
