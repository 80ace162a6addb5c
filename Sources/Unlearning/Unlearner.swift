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
    /// - Throws: ``UnlearningError`` if the request, data or configuration is wrong or the run diverges, and
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

    /// Forgets classes as a stream: progress after every step, then the outcome. Ending the iteration early, or
    /// cancelling its task, stops the run.
    public func events(forgetting classes: some Sequence<Int>) -> AsyncThrowingStream<UnlearningEvent, any Error> {
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

    private func run(_ classes: Set<Int>, context: RunContext) throws -> UnlearningOutcome {
        try configuration.validate()
        try model.checkForgettable(classes)
        let retain = try retain.examples(for: model)
        try model.check(retain, named: "retain")
        for label in classes.sorted() {
            let shown = retain.labels.count { $0 == label }
            guard shown == 0 else { throw UnlearningError.retainsForgottenClass(index: label, count: shown) }
        }
        let validation = try validation?.examples(for: model)
        if let validation { try model.check(validation, named: "validation") }

        let clock = ContinuousClock()
        let start = clock.now
        var record = RunRecord()
        let repair = try RepairStep(configuration: configuration.repair).run(retaining: retain)
        let impairStep = ImpairStep(configuration: configuration.impair)
        let impairExamples =
            retain.count + classes.count * configuration.noise.imagesPerClass * configuration.impair.noiseRepetitions
        let impairBatch = configuration.impair.training.batchSize
        let impairSteps =
            (impairExamples + impairBatch - 1) / impairBatch * configuration.impair.training.epochs

        let before = try measure(model, on: validation, classes, context: context)
        let noise = try record.run(.noise, context, stepsAhead: impairSteps + repair.stepCount) {
            try NoiseMaximizer(configuration: configuration.noise)
                .noise(for: classes.sorted(), model: model, context: context)
        }
        record.note(.noise, losses: NoiseMaximizer.meanObjectives(noise))
        let impaired = try record.run(.impair, context, stepsAhead: repair.stepCount) {
            try impairStep.run(noise: noise, retaining: retain).run(model, context: context)
        }
        record.note(.impair, losses: impaired.losses)
        let repaired = try record.run(.repair, context, stepsAhead: 0) {
            try repair.run(impaired.model, context: context)
        }
        record.note(.repair, losses: repaired.losses)
        let total = clock.now - start
        let after = try measure(repaired.model, on: validation, classes, context: context)
        return UnlearningOutcome(
            model: repaired.model, forgottenClasses: classes, noise: noise, losses: record.losses,
            phaseTimes: record.times, totalTime: total - (before?.time ?? .zero), accuracyBefore: before?.accuracy,
            accuracyAfter: after?.accuracy, configuration: configuration, options: options)
    }

    private func measure(
        _ model: Model, on validation: (any ExampleSource)?, _ classes: Set<Int>, context: RunContext
    ) throws -> (accuracy: Accuracy, time: Duration)? {
        guard let validation else { return nil }
        let (accuracy, time) = try context.phase {
            try Evaluator().accuracy(of: model, on: validation, forgottenClasses: classes, context: context)
        }
        return (accuracy, time)
    }
}

/// What the stream of a run brings.
public enum UnlearningEvent: Sendable {
    /// A step is done.
    case progress(RunProgress)
    /// The run is done; nothing follows.
    case finished(UnlearningOutcome)
}

/// Labelled images or ready examples.
private enum LabelledData: Sendable {
    case images(any ImageDataset)
    case examples(any ExampleSource)

    func examples(for model: Model) throws -> any ExampleSource {
        switch self {
        case .images(let images): try model.prepare(images)
        case .examples(let examples): examples
        }
    }
}

/// Losses and times by phase, as a run goes on.
private struct RunRecord {
    private(set) var losses: [RunPhase: [Double]] = [:]
    private(set) var times: [RunPhase: Duration] = [:]

    mutating func run<Result>(
        _ phase: RunPhase, _ context: RunContext, stepsAhead: Int, _ body: () throws -> Result
    ) throws -> Result {
        let (result, time) = try context.phase(stepsAhead: stepsAhead, body)
        times[phase] = time
        return result
    }

    mutating func note(_ phase: RunPhase, losses: [Double]) {
        self.losses[phase] = losses
    }
}
