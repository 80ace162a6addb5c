public import ImageDatasets
public import NeuralGraph

/// Recovers the retained classes: an epoch over retain images alone, at a lower rate than impairing (Tarun et al.,
/// arXiv 2111.08947, section IV-B).
public struct RepairStep: Sendable {
    /// Epochs, batch size, optimizer and rate.
    public var configuration: TrainingConfiguration

    /// Creates a repair step; the defaults are the authors'.
    public init(configuration: TrainingConfiguration = TrainingConfiguration(learningRate: 0.01)) {
        self.configuration = configuration
    }

    /// Repairs a copy of a model.
    /// - Parameters:
    ///   - model: the impaired model, which is not changed.
    ///   - retain: examples of the classes to retain.
    ///   - options: seed and threads.
    ///   - progress: called after every step.
    /// - Throws: ``UnlearningError``, or `CancellationError`.
    public func repair(
        _ model: Model, retaining retain: any LabeledData, options: RunOptions = RunOptions(),
        progress: ProgressHandler? = nil
    ) async throws -> TrainingOutcome {
        let retain = try retain.examples(for: model, named: "retain")
        return try await RunContext.run(options, progress: progress) { context in
            try repair(model, retaining: retain, context: context)
        }
    }

    package func repair(
        _ model: Model, retaining retain: any ExampleSource, context: RunContext
    ) throws -> TrainingOutcome {
        try TrainingLoop(
            examples: retain, examplesName: "retain", configuration: configuration, phase: .repair,
            stream: "repair"
        ).run(model, context: context)
    }
}
