import NeuralGraph

/// An audit that ``Unlearner`` makes before it hands a model over.
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
    /// What is measured, on how much, and by which limits it is judged.
    public var configuration: AuditConfiguration
    /// What to measure on, images of the forgotten classes among them.
    public var data: AuditData
    /// Models retrained without the classes, if there are any.
    public var retrained: [Model]
    /// Whether a model is not handed over that fails, or whose audit is inconclusive.
    public var refusesFailure: Bool

    /// Creates an audit; by default a quick one.
    public init(
        on data: AuditData, retrained: [Model] = [], configuration: AuditConfiguration = .quick,
        refusesFailure: Bool = false
    ) {
        self.configuration = configuration
        self.data = data
        self.retrained = retrained
        self.refusesFailure = refusesFailure
    }

    /// What it costs in forward passes of one example.
    var cost: Double {
        Double((2 + retrained.count) * (configuration.testSamples + configuration.trainingSamples))
    }

    /// Audits, and throws ``AuditFailure`` if the model is not to be handed over.
    func run(
        original: Model, unlearned: Model, _ classes: Set<Int>, samples: (any ExampleSource)?, context: RunContext
    ) throws -> AuditResult {
        let models = PerModel(original: original, unlearned: unlearned, retrained: retrained)
        let result = try Audit(configuration: configuration, options: context.options).run(
            models, forgotten: samples.map { .samples($0) } ?? .classes(classes), data: data, context: context)
        if refusesFailure, !result.verdict.total.isAcceptable { throw AuditFailure(result: result) }
        return result
    }
}
