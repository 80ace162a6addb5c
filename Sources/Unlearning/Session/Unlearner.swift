public import ImageDatasets
public import NeuralGraph

/// Makes a trained classifier forget classes or examples.
///
/// The default method, ``PrototypeRepair``, needs no image of the classes to forget. Forgetting is approximate: an
/// ``Audit`` measures what is left.
///
/// ```swift
/// let retain = try FashionMNIST(split: .train).samples(perClass: 1000, excluding: [3])
/// let unlearner = Unlearner(model: model, retaining: retain)
/// let outcome = try await unlearner.forget(classes: [3])
/// try outcome.model.writeSafetensors(to: destination)
/// ```
///
/// Other methods have other requirements (``UnlearningMethod/requirements``):
///
/// ```swift
/// let unlearner = Unlearner(model: model, retaining: retain, forgetting: theirs, method: SCRUB())
/// ```
public struct Unlearner: Sendable {
    /// The trained model, which is never changed.
    public let model: Model
    /// How the model is made to forget.
    public var method: any UnlearningMethod
    /// Seed and threads.
    public var options: RunOptions
    /// An audit of the new model before it is returned; nil, the default, for none.
    ///
    /// It needs images of the forgotten classes.
    public var audit: FinalAudit?
    /// Watches the retained classes on a part of the retain data that the method does not see; nil watches nothing.
    ///
    /// If accuracy falls, the method runs again with gentler settings; ``UnlearningOutcome/notes`` say so.
    /// ``PrototypeRepair`` has a guard of its own. Without at least 200 examples to retain, or 10 for a method that needs
    /// none, nothing runs again, and ``UnlearningOutcome/isRuined`` is judged by the examples that the method has seen.
    public var guarding: RetainGuard? = RetainGuard()

    private let retain: (any LabeledData)?
    private let forget: (any LabeledData)?
    private let validation: (any LabeledData)?
    private let training: TrainingConfiguration?

    /// Creates an unlearner.
    /// - Parameters:
    ///   - model: the trained model.
    ///   - retain: images or examples of what is to be retained, or some of them; nothing that is to be forgotten.
    ///   - forget: images or examples of the classes to forget. Most methods need none.
    ///     ``forget(samples:progress:)`` takes the samples themselves and ignores this.
    ///   - validation: images or examples to measure accuracy on before and after; of any class.
    ///   - method: how the model is made to forget; its ``UnlearningMethod/requirements`` say what it needs.
    ///   - training: how the original was trained, for methods that retrain.
    ///   - options: seed and threads.
    public init(
        model: Model, retaining retain: (any LabeledData)? = nil, forgetting forget: (any LabeledData)? = nil,
        validation: (any LabeledData)? = nil, method: any UnlearningMethod = .default,
        training: TrainingConfiguration? = nil, options: RunOptions = RunOptions()
    ) {
        self.model = model
        self.retain = retain
        self.forget = forget
        self.validation = validation
        self.method = method
        self.training = training
        self.options = options
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
    /// - Throws: as ``forget(classes:progress:)``, and ``UnlearningError`` if the method
    ///   forgets whole classes alone, as UNSIR does.
    public func forget(
        samples: any LabeledData, progress: ProgressHandler? = nil
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

    /// Starts to forget classes, and streams progress after every step, then the outcome.
    ///
    /// Cancelling the task that iterates stops the run; so does releasing the stream, for example by leaving the loop.
    public func events(
        classes: some Sequence<Int>
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
        _ target: UnlearningRequest.Target, forgetting forget: (any LabeledData)?, context: RunContext
    ) throws -> UnlearningOutcome {
        try audit?.configuration.validate()
        try guarding?.validate()
        let request = try UnlearningRequest(
            model: model, target: target, retain: retain?.examples(for: model, named: "retain"),
            forget: forget?.examples(for: model, named: "forget"),
            training: training, method: method)
        let validation = try validation?.examples(for: model, named: "validation")
        if let validation { try model.check(validation, named: "validation") }
        let samples = target == .samples ? try request.forgotten() : nil
        try context.begin("forget") { try identity(of: request, validation: validation, context) }

        let session = UnlearningSession(context: context)
        let measuring = Double((validation?.count ?? 0) + (samples?.count ?? 0))
        session.expect([measuring] + method.phaseCosts(of: request) + [measuring, audit?.cost ?? 0])
        request.noteEarlierRequests(in: session)
        if let validation {
            session.measure = { model in
                try Evaluator().accuracy(
                    of: model, on: validation, forgottenClasses: request.forgottenClasses, context: context)
            }
        }
        let before = try session.phase(.evaluation) {
            try measure(model, validation, samples, request.forgottenClasses, context)
        }
        var unlearned =
            if let guarding {
                try GuardedRun(retainGuard: guarding, method: method, session: session).run(request)
            } else {
                try method.run(request, session)
            }
        unlearned.metadata.forgottenClasses = request.forgottenClasses
        unlearned.metadata.requests.append(
            ForgottenRequest(
                classes: request.classes.map(model.metadata.originalIndex).sorted(), samples: samples?.count))
        if let tensor = unlearned.firstNonFiniteTensor {
            throw UnlearningError.diverged(
                phase: .forgetting, step: session.losses.values.reduce(0) { $0 + $1.count }, what: "tensor '\(tensor)'")
        }
        // What is measured is what will be written, also where the file has 16-bit floats.
        unlearned = try unlearned.roundedToItsFile()
        let after = try session.phase(.evaluation) {
            try measure(unlearned, validation, samples, request.forgottenClasses, context)
        }
        if guarding != nil, !method.requirements.contains(.allRetainData), let before = before.validation,
            let after = after.validation
        {
            session.isRuined = session.isRuined || RetainGuard.isRuinous(after, after: before)
        }
        let found = try audit.map { audit in
            try session.phase(.audit) {
                try audit.run(
                    original: model, unlearned: unlearned, request.forgottenClasses, samples: samples, context: context)
            }
        }
        return UnlearningOutcome(
            model: unlearned, method: method, forgottenClasses: request.classes,
            forgottenSamples: samples?.count ?? 0, run: session, before: before, after: after, audit: found)
    }

    /// What the result depends on, for a checkpoint.
    private func identity(
        of request: UnlearningRequest, validation: (any ExampleSource)?, _ context: RunContext
    ) throws -> [(name: String, value: String)] {
        func sum(_ examples: (any ExampleSource)?) throws -> String {
            try examples.map { try Fingerprint.text(of: $0, context: context) } ?? "not given"
        }
        let classes = request.classes.sorted().map(String.init).joined(separator: ",")
        return [
            ("model", Fingerprint.text(of: model)),
            ("classes to forget", classes.isEmpty ? "none, but samples" : classes),
            ("method", method.name), ("method's settings", try MethodComparison.json(method)),
            ("retain data", try sum(request.retainedCount > 0 ? request.retained() : nil)),
            ("forget data", try sum(request.forgottenCount > 0 ? request.forgotten() : nil)),
            ("validation data", try sum(validation)),
            ("training settings", try training.map { try MethodComparison.json($0) } ?? "not given"),
        ]
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

/// Accuracy on validation data and on forgotten samples.
struct MeasuredAccuracy {
    let validation: Accuracy?
    let samples: Accuracy?
}

/// An event of a run's stream.
public enum UnlearningEvent: Sendable {
    /// A step is done.
    case progress(RunProgress)
    /// The run is done; nothing follows.
    case finished(UnlearningOutcome)
}
