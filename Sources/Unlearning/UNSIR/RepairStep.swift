public import ImageDatasets
public import NeuralGraph

/// Recovers the retained classes by training on retain images alone.
///
/// As published it is an epoch toward the labels, at a lower rate than impairing (Tarun et al., arXiv 2111.08947,
/// section IV-B). With ``targets`` it trains toward the original without the forgotten classes, which keeps more of the
/// retained classes' accuracy.
public struct RepairStep: Sendable {
    /// Epochs, batch size, optimizer and rate.
    public var configuration: TrainingConfiguration
    /// What ``repair(_:toward:forgetting:retaining:options:progress:)`` trains toward.
    public var targets: RepairTargets

    /// Creates a repair step; the defaults are the authors'.
    public init(
        configuration: TrainingConfiguration = TrainingConfiguration(learningRate: 0.01),
        targets: RepairTargets = RepairTargets()
    ) {
        self.configuration = configuration
        self.targets = targets
    }

    /// Repairs a copy of a model toward the labels, as published.
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

    /// Repairs a copy of a model toward labels, masked original and class means: ``targets``.
    ///
    /// The forgotten classes' rows of the last layer start from new weights.
    /// - Parameters:
    ///   - model: the impaired model, which is not changed.
    ///   - original: the model before it was impaired.
    ///   - classes: the classes to forget.
    ///   - retain: examples of the other classes.
    ///   - options: seed and threads.
    ///   - progress: called after every step.
    /// - Throws: ``UnlearningError``, or `CancellationError`.
    public func repair(
        _ model: Model, toward original: Model, forgetting classes: some Sequence<Int>,
        retaining retain: any LabeledData, options: RunOptions = RunOptions(), progress: ProgressHandler? = nil
    ) async throws -> TrainingOutcome {
        let classes = Set(classes)
        let retain = try retain.examples(for: model, named: "retain")
        return try await RunContext.run(options, progress: progress) { context in
            try repair(model, toward: original, forgetting: classes, retaining: retain, context: context)
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

    func repair(
        _ model: Model, toward original: Model, forgetting classes: Set<Int>, retaining retain: any ExampleSource,
        context: RunContext
    ) throws -> TrainingOutcome {
        try targets.validate()
        guard model.graph.outputShape == original.graph.outputShape,
            model.graph.withFeatureOutput?.outputShape == original.graph.withFeatureOutput?.outputShape
        else {
            throw UnlearningError.invalidSetting(
                name: "original", value: "a network with other features or classes",
                remedy: "give the model as it was before it was impaired")
        }
        try original.checkForgettable(classes)
        // The request's checks: retain data of the classes to forget, and numbers that are none.
        let request = try UnlearningRequest(
            model: original, target: .classes(classes), retain: retain, forget: nil, training: nil,
            method: .noiseless)
        let kept = try request.retained()
        let repair = try TargetedRepair(
            model, toward: original, classes: classes, masking: request.forgottenClasses, retaining: kept,
            as: targets, rowSeed: context.seed("\(TargetedRepair.stream).rows"), method: "repair"
        ) { teacher in
            try Predictor().outputs(of: kept, by: teacher, context: context) { _, _, _ in }.logits
        }
        let outcome = try repair.loop(on: kept, indices: Array(0..<kept.count), configuration)
            .run(repair.student, context: context)
        return TrainingOutcome(
            model: try model.replacing(outcome.model.stateDictionary), losses: outcome.losses)
    }
}
