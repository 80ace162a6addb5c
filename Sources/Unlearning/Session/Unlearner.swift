import ImageDatasets
import NeuralGraph

/// Makes a trained classifier forget: by default classes, without their images (``PrototypeRepair``). This is approximate
/// unlearning: what is left over is for an audit to show.
///
/// ```swift
/// let retain = try FashionMNIST(split: .train).samples(perClass: 1000, excluding: [3])
/// let unlearner = Unlearner(model: model, retaining: retain)
/// let outcome = try await unlearner.forget(classes: [3])
/// try outcome.model.write(to: destination)
/// ```
///
/// Other methods need other things, which each says (``UnlearningMethod/needs``):
///
/// ```swift
/// let unlearner = Unlearner(model: model, method: SCRUB(), retaining: .images(retain), forgetting: .images(theirs))
/// ```
public struct Unlearner: Sendable {
    /// The trained model. It is never changed.
    public let model: Model
    /// How the model is made to forget.
    public var method: any UnlearningMethod
    /// Seed and threads.
    public var options: RunOptions
    /// An audit of the new model before it is handed over; nil, as it is by default, leaves it out. It needs images of
    /// the forgotten classes.
    public var audit: FinalAudit?

    private let retain: LabeledData?
    private let forget: LabeledData?
    private let training: TrainingConfiguration?
    private let validation: LabeledData?

    /// Creates an unlearner that works on images, which it prepares for the model.
    /// - Parameters:
    ///   - model: the trained model.
    ///   - retain: images of classes to retain, some for each; none of a class to forget.
    ///   - validation: images to measure accuracy on before and after, forgotten classes among them if wanted.
    ///   - preset: how the model is made to forget.
    ///   - options: seed and threads.
    public init(
        model: Model, retaining retain: any ImageDataset, validation: (any ImageDataset)? = nil,
        preset: UnlearningPreset = .default,
        options: RunOptions = RunOptions()
    ) {
        self.init(
            model: model, method: preset.method, retaining: .images(retain), validation: validation.map { .images($0) },
            options: options)
    }

    /// Creates an unlearner that runs UNSIR on images with settings of its three steps.
    public init(
        model: Model, retaining retain: any ImageDataset, validation: (any ImageDataset)? = nil,
        configuration: UNSIR.Configuration, options: RunOptions = RunOptions()
    ) {
        self.init(
            model: model, method: UNSIR(configuration: configuration), retaining: .images(retain),
            validation: validation.map { .images($0) }, options: options)
    }

    /// Creates an unlearner that works on examples in the shape of the model's input: any numbers, not only images.
    /// - Parameters:
    ///   - model: the trained model.
    ///   - retain: examples of classes to retain, some for each; none of a class to forget.
    ///   - validation: examples to measure accuracy on before and after, forgotten classes among them if wanted.
    ///   - preset: how the model is made to forget.
    ///   - options: seed and threads.
    public init(
        model: Model, retaining retain: any ExampleSource, validation: (any ExampleSource)? = nil,
        preset: UnlearningPreset = .default,
        options: RunOptions = RunOptions()
    ) {
        self.init(
            model: model, method: preset.method, retaining: .examples(retain),
            validation: validation.map { .examples($0) },
            options: options)
    }

    /// Creates an unlearner that runs UNSIR on examples with settings of its three steps.
    public init(
        model: Model, retaining retain: any ExampleSource, validation: (any ExampleSource)? = nil,
        configuration: UNSIR.Configuration, options: RunOptions = RunOptions()
    ) {
        self.init(
            model: model, method: UNSIR(configuration: configuration), retaining: .examples(retain),
            validation: validation.map { .examples($0) }, options: options)
    }

    /// Creates an unlearner for any method.
    /// - Parameters:
    ///   - model: the trained model.
    ///   - method: how the model is made to forget; it says which of the following it needs.
    ///   - retain: what is to be retained, or a part of it; nothing that is to be forgotten.
    ///   - forget: examples of the classes to forget. Not used where samples are forgotten, which are given then.
    ///   - training: how the original was trained.
    ///   - validation: what to measure accuracy on before and after.
    ///   - options: seed and threads.
    public init(
        model: Model, method: any UnlearningMethod, retaining retain: LabeledData? = nil,
        forgetting forget: LabeledData? = nil, training: TrainingConfiguration? = nil,
        validation: LabeledData? = nil, options: RunOptions = RunOptions()
    ) {
        self.model = model
        self.method = method
        self.options = options
        self.retain = retain
        self.forget = forget
        self.training = training
        self.validation = validation
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

    /// Forgets some examples of classes that stay, such as one person's pictures.
    /// - Parameters:
    ///   - samples: images or examples that the model was trained on, with their classes; none of them may be in the
    ///     retain data.
    ///   - progress: called after every step, on the thread that computes.
    /// - Returns: the new model and how it came about.
    /// - Throws: as ``forget(classes:progress:)``, and ``UnlearningError/forgetsNoSamples(method:)`` if the method
    ///   forgets whole classes alone, as UNSIR does.
    public func forget(
        samples: LabeledData, progress: ProgressHandler? = nil
    ) async throws -> UnlearningOutcome {
        try await RunContext.run(options, progress: progress) { context in
            try run(.samples, forgetting: samples, context: context)
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
        try run(.classes(classes), forgetting: forget, context: context)
    }

    private func run(
        _ target: UnlearningRequest.Target, forgetting forget: LabeledData?, context: RunContext
    ) throws -> UnlearningOutcome {
        try audit?.configuration.validate()
        let request = try UnlearningRequest(
            model: model, target: target, retain: retain?.examples(for: model), forget: forget?.examples(for: model),
            training: training, method: method)
        let validation = try validation?.examples(for: model)
        if let validation { try model.check(validation, named: "validation") }
        let samples = target == .samples ? try request.forgotten() : nil

        let run = UnlearningSession(context: context)
        let measuring = Double((validation?.count ?? 0) + (samples?.count ?? 0))
        run.expect([measuring] + method.phaseCosts(of: request) + [measuring, audit?.cost ?? 0])
        request.noteEarlierRequests(in: run)
        let before = try run.phase(.evaluation) {
            try measure(model, validation, samples, request.forgottenClasses, context)
        }
        var unlearned = try method.run(request, run)
        unlearned.metadata.forgottenClasses = request.forgottenClasses
        if let tensor = unlearned.firstNonFiniteTensor {
            throw UnlearningError.diverged(
                phase: .forgetting, step: run.losses.values.reduce(0) { $0 + $1.count }, what: "tensor '\(tensor)'")
        }
        let after = try run.phase(.evaluation) {
            try measure(unlearned, validation, samples, request.forgottenClasses, context)
        }
        let found = try audit.map { audit in
            try run.phase(.audit) {
                try audit.run(
                    original: model, unlearned: unlearned, request.forgottenClasses, samples: samples, context: context)
            }
        }
        return UnlearningOutcome(
            model: unlearned, method: method, forgottenClasses: request.classes,
            forgottenSamples: samples?.count ?? 0, run: run, before: before, after: after, audit: found)
    }

    private func measure(
        _ model: Model, _ validation: (any ExampleSource)?, _ samples: (any ExampleSource)?, _ classes: Set<Int>,
        _ context: RunContext
    ) throws -> MeasuredAccuracy {
        func accuracy(_ examples: any ExampleSource) throws -> Accuracy {
            try Evaluator().accuracy(of: model, on: examples, forgottenClasses: classes, context: context)
        }
        return MeasuredAccuracy(validation: try validation.map(accuracy), samples: try samples.map(accuracy))
    }
}

/// How right a model is on what there is to measure on.
struct MeasuredAccuracy {
    let validation: Accuracy?
    let samples: Accuracy?
}

/// What the stream of a run brings.
public enum UnlearningEvent: Sendable {
    /// A step is done.
    case progress(RunProgress)
    /// The run is done; nothing follows.
    case finished(UnlearningOutcome)
}
