public import ImageDatasets
public import NeuralGraph

/// Measures a model's accuracy.
public struct Evaluator: Sendable {
    /// Computes the outputs.
    package var predictor: Predictor

    /// Creates an evaluator.
    public init(predictor: Predictor = Predictor()) {
        self.predictor = predictor
    }

    /// Measures a model's accuracy on labeled images or examples.
    /// - Throws: ``UnlearningError`` if the examples do not fit the model, or `CancellationError`.
    public func accuracy(
        of model: Model, on data: any LabeledData, forgottenClasses: some Sequence<Int> = [],
        options: RunOptions = RunOptions(), progress: ProgressHandler? = nil
    ) async throws -> Accuracy {
        let forgottenClasses = Set(forgottenClasses)
        let examples = try data.examples(for: model, named: "validation")
        return try await RunContext.run(options, progress: progress) { context in
            try context.checkAgreement(on: model, examples, work: "evaluate")
            return try accuracy(of: model, on: examples, forgottenClasses: forgottenClasses, context: context)
        }
    }

    func accuracy(
        of model: Model, on examples: any ExampleSource, forgottenClasses: Set<Int>, context: RunContext
    ) throws -> Accuracy {
        try model.check(examples, named: "validation")
        let logits = try predictor.logits(of: examples, by: model, context: context)
        return try Accuracy(logits: logits, labels: examples.labels, forgottenClasses: forgottenClasses)
    }
}
