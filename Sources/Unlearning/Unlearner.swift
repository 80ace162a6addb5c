import ImageDatasets
import NeuralGraph

/// Makes a trained classifier forget classes, without their images: noise, impair, repair (UNSIR; Tarun et al.,
/// arXiv 2111.08947). This is approximate class unlearning: what is left over is for an audit to show.
///
/// ```swift
/// let retain = try FashionMNIST(split: .train).samples(perClass: 1000, excluding: [3])
/// let unlearner = Unlearner(model: model, retaining: retain)
/// let outcome = try await unlearner.forget(classes: [3])
/// try outcome.model.write(to: destination)
/// ```
public struct Unlearner: Sendable {
    /// The trained model. It is never changed.
    public let model: Model
    /// The three steps' settings.
    public var configuration: UnlearningConfiguration
    /// Seed and threads.
    public var options: RunOptions
    /// An audit of the new model before it is handed over; nil, as it is by default, leaves it out. It alone needs
    /// images of the forgotten classes.
    public var audit: FinalAudit?

    private let retain: LabelledData
    private var validation: LabelledData?

    /// Creates an unlearner that works on images, which it prepares for the model.
    /// - Parameters:
    ///   - model: the trained model.
    ///   - retain: images of classes to retain, some for each; none of a class to forget.
    ///   - validation: images to measure accuracy on before and after, forgotten classes among them if wanted.
    ///   - configuration: the three steps' settings.
    ///   - options: seed and threads.
    public init(
        model: Model, retaining retain: any ImageDataset, validation: (any ImageDataset)? = nil,
        configuration: UnlearningConfiguration = .default, options: RunOptions = RunOptions()
    ) {
        self.model = model
        self.configuration = configuration
        self.options = options
        self.retain = .images(retain)
        self.validation = validation.map { .images($0) }
    }

    /// Creates an unlearner that works on examples in the shape of the model's input: any numbers, not only images.
    public init(
        model: Model, retaining retain: any ExampleSource, validation: (any ExampleSource)? = nil,
        configuration: UnlearningConfiguration = .default, options: RunOptions = RunOptions()
    ) {
        self.model = model
        self.configuration = configuration
        self.options = options
        self.retain = .examples(retain)
        self.validation = validation.map { .examples($0) }
    }

    /// Forgets classes.
    /// - Parameters:
    ///   - classes: the classes' numbers, at least one and not all.
    ///   - progress: called after every step, on the thread that computes.
    /// - Returns: the new model and how it came about.
    /// - Throws: ``UnlearningError`` if the request, data or configuration is wrong or the run diverges, ``AuditError`` if
    ///   the audit's models or data are, ``AuditFailure`` if the model fails an audit that may refuse it, and
    ///   `CancellationError` if the calling task is cancelled.
    public func forget(
        classes: some Sequence<Int>, progress: ProgressHandler? = nil
    ) async throws -> UnlearningOutcome {
        let classes = Set(classes)
        return try await RunContext.run(options, progress: progress) { context in
            try run(classes, context: context)
        }
    }

    /// Forgets classes by their names in the model's metadata; numbers as text are taken too.
    public func forget(
        classesNamed names: [String], progress: ProgressHandler? = nil
    ) async throws -> UnlearningOutcome {
        try await forget(classes: model.classIndices(of: ClassList(names)), progress: progress)
    }

    /// Forgets classes as a stream: progress after every step, then the outcome. The run begins at once. Cancelling
    /// the task that iterates stops it, and so does letting go of the stream, as by leaving a loop over it.
    public func events(
        forgetting classes: some Sequence<Int>
    ) -> AsyncThrowingStream<UnlearningEvent, any Error> {
        let classes = Set(classes)
        return AsyncThrowingStream { continuation in
            let task = Task {
                do {
                    let outcome = try await forget(classes: classes) { continuation.yield(.progress($0)) }
                    continuation.yield(.finished(outcome))
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    func run(_ classes: Set<Int>, context: RunContext) throws -> UnlearningOutcome {
        try configuration.validate()
        try audit?.configuration.validate()
        try model.checkForgettable(classes)
        let retain = try retain.examples(for: model)
        try model.check(retain, named: "retain")
        let shown = retain.labels.filter(classes.contains)
        if let label = shown.min() {
            throw UnlearningError.retainsForgottenClass(index: label, count: shown.count { $0 == label })
        }
        let validation = try validation?.examples(for: model)
        if let validation { try model.check(validation, named: "validation") }

        var record = RunRecord(
            costs: configuration.phaseCosts(
                classes: classes.count, retained: retain.count, validated: validation?.count ?? 0)
                + [audit?.cost ?? 0])
        let before = try record.run(.evaluation, context) {
            try measure(model, on: validation, classes, context: context)
        }
        let noise = try record.run(.noise, context) {
            try NoiseMaximizer(configuration: configuration.noise)
                .noise(for: classes.sorted(), model: model, context: context)
        }
        let impaired = try record.run(.impair, context) {
            try ImpairStep(configuration: configuration.impair)
                .impair(model, noise: noise, retaining: retain, context: context)
        }
        let repaired = try record.run(.repair, context) {
            try RepairStep(configuration: configuration.repair)
                .repair(impaired.model, retaining: retain, context: context)
        }
        let after = try record.run(.evaluation, context) {
            try measure(repaired.model, on: validation, classes, context: context)
        }
        let found = try audit.map { audit in
            try record.run(.audit, context) {
                try audit.run(original: model, unlearned: repaired.model, classes, context: context)
            }
        }
        return UnlearningOutcome(
            model: repaired.model, forgottenClasses: classes, noise: noise,
            losses: [
                .noise: NoiseMaximizer.meanObjectives(noise), .impair: impaired.losses,
                .repair: repaired.losses,
            ],
            phaseTimes: record.times, accuracyBefore: before, accuracyAfter: after,
            audit: found, configuration: configuration,
            options: options)
    }

    private func measure(
        _ model: Model, on validation: (any ExampleSource)?, _ classes: Set<Int>, context: RunContext
    ) throws -> Accuracy? {
        try validation.map {
            try Evaluator().accuracy(of: model, on: $0, forgottenClasses: classes, context: context)
        }
    }
}

/// What the stream of a run brings.
public enum UnlearningEvent: Sendable {
    /// A step is done.
    case progress(RunProgress)
    /// The run is done; nothing follows.
    case finished(UnlearningOutcome)
}

extension UnlearningConfiguration {
    /// What the phases of a run cost, evaluation first and last, in forward passes of one example. The input's
    /// gradient costs about another forward pass, the weights' gradients one more.
    fileprivate func phaseCosts(classes: Int, retained: Int, validated: Int) -> [Double] {
        let noiseImages = Double(classes * noise.imagesPerClass)
        let shown = noiseImages * Double(impair.noiseRepetitions) + Double(retained)
        func cost(_ training: TrainingConfiguration, _ examples: Double) -> Double {
            let stepsPerEpoch = max(1, Int(examples) / training.batchSize)
            return 3 * examples * Double(training.epochs(ofSteps: stepsPerEpoch))
        }
        return [
            Double(validated), 2 * noiseImages * Double(noise.steps), cost(impair.training, shown),
            cost(repair, Double(retained)), Double(validated),
        ]
    }
}

/// Times by phase, as a run goes on.
private struct RunRecord {
    private(set) var times: [RunPhase: Duration] = [:]
    private var costsAhead: ArraySlice<Double>

    init(costs: [Double]) {
        costsAhead = costs[...]
    }

    /// Runs the next phase. What only measures is no part of what is timed.
    mutating func run<Result>(_ phase: RunPhase, _ context: RunContext, _ body: () throws -> Result) throws
        -> Result
    {
        let cost = costsAhead.popFirst() ?? 0
        let (result, time) = try context.phase(
            workAhead: cost > 0 ? costsAhead.reduce(0, +) / cost : 0, body)
        if phase != .evaluation, phase != .audit { times[phase] = time }
        return result
    }
}
