import Foundation
public import ImageDatasets
public import NeuralGraph

/// A run of an ``UnlearningMethod``: the steps that methods are composed of.
///
/// A session carries threads, seed, progress and cancellation, and records losses, noise and times by phase. Only the
/// method uses it, on the thread that it runs on. Every step checks its arguments, reports progress, and throws
/// `CancellationError` once the run is cancelled.
public final class UnlearningSession {
    let context: RunContext
    /// The loss of each step by phase.
    package private(set) var losses: [RunPhase: [Double]] = [:]
    /// How long each phase took.
    private(set) var times: [RunPhase: Duration] = [:]
    /// The noise that was learned.
    private(set) var noise: [Noise] = []
    /// Remarks for people, in their order.
    package private(set) var notes: [String] = []
    /// Whether the run left the retained classes in ruins; see ``UnlearningOutcome/isRuined``.
    package var isRuined = false
    /// The accuracy that a phase left, by phase.
    private(set) var accuracies: [RunPhase: Accuracy] = [:]
    /// Measures a model on the validation data; nil if there are none.
    var measure: ((Model) throws -> Accuracy)?
    private var costsAhead: ArraySlice<Double> = []

    package init(context: RunContext) {
        self.context = context
    }

    /// Seed, threads and algorithms.
    public var options: RunOptions { context.options }

    /// Returns a seed for one part of the run, independent of the other parts'.
    /// - Parameter stream: names the part.
    public func seed(_ stream: String) -> UInt64 { context.seed(stream) }

    /// Throws `CancellationError` if the run was cancelled; for loops of a method's own.
    public func checkCancellation() throws { try context.checkCancellation() }

    /// Runs a part of the work that is timed and reported on its own; times of equal phases add up.
    public func phase<Result>(_ phase: RunPhase, _ body: () throws -> Result) throws -> Result {
        let cost = costsAhead.popFirst() ?? 0
        let (result, time) = try context.phase(
            workAhead: cost > 0 ? costsAhead.reduce(0, +) / cost : 0, body)
        // What only measures is no part of what is timed.
        if phase != .evaluation, phase != .audit { times[phase, default: .zero] += time }
        return result
    }

    /// Reports a finished step of a phase.
    /// - Parameters:
    ///   - step: the number of steps done, from 1.
    ///   - stepCount: the phase's number of steps.
    ///   - phase: the current phase.
    ///   - loss: the step's loss, which is recorded.
    /// - Throws: `CancellationError` if the run was cancelled.
    public func finished(_ step: Int, of stepCount: Int, in phase: RunPhase, loss: Double? = nil) throws {
        if let loss { losses[phase, default: []].append(loss) }
        try context.finished(step, of: stepCount, in: phase, loss: loss)
    }

    /// Records a remark for people, such as that a rate was lowered: one sentence.
    public func note(_ text: String) {
        notes.append(text)
    }

    /// Records the accuracy of what a phase made, on the validation data, if there are any.
    ///
    /// A method calls it between its phases, never within one; it is not counted in times.
    func measure(_ model: Model, after phase: RunPhase) throws {
        accuracies[phase] = try measure?(model)
    }

    /// The accuracy that phases left, with that of the finished model after a repair.
    func accuracies(to last: Accuracy?) -> [RunPhase: Accuracy] {
        guard times[.repair] != nil, !accuracies.isEmpty else { return accuracies }
        return accuracies.merging([.repair: last].compactMapValues(\.self)) { $1 }
    }

    /// Restores or computes a part of a phase with the losses that its steps record; see `RunContext.part`.
    func part<Value>(
        of phase: RunPhase, encode: @escaping (Value) -> CheckpointContent,
        decode: (CheckpointContent) throws -> Value, _ body: (PartProgress) throws -> Value
    ) throws -> Value {
        let name = "session/losses"
        let before = losses[phase]?.count ?? 0
        let (value, added) = try context.part(
            phase.rawValue,
            encode: { (result: (Value, [Double])) in
                var content = encode(result.0)
                content.doubles[name] = result.1
                return content
            }, decode: { (try decode($0), try $0.doubles(name)) }
        ) { (try body($0), Array((losses[phase] ?? []).dropFirst(before))) }
        if !added.isEmpty { losses[phase] = (losses[phase] ?? []).prefix(before) + added }
        return value
    }

    func expect(_ costs: [Double]) {
        costsAhead = costs[...]
    }

    private func keep(_ phase: RunPhase, _ body: () throws -> TrainingOutcome) throws -> Model {
        let outcome = try self.phase(phase, body)
        losses[phase, default: []] += outcome.losses
        return outcome.model
    }
}

// Noise.
extension UnlearningSession {
    /// Learns noise for the classes of a request, in their rising order.
    public func noise(_ maximizer: NoiseMaximizer, for request: UnlearningRequest) throws -> [Noise] {
        noise = try phase(.noise) {
            try maximizer.noise(classes: request.classes.sorted(), model: request.model, context: context)
        }
        losses[.noise] = NoiseMaximizer.meanObjectives(noise)
        return noise
    }

    /// Trains a copy of a model on noise mixed with retain examples, which damages what it knows of the noise's classes.
    public func impair(
        _ step: ImpairStep, _ model: Model, noise: [Noise], retaining retain: any ExampleSource
    ) throws -> Model {
        try keep(.impair) { try step.impair(model, noise: noise, retaining: retain, context: context) }
    }
}

// Training.
extension UnlearningSession {
    /// Trains a copy of a model on labeled examples.
    /// - Parameters:
    ///   - model: the model to start from; it does not change.
    ///   - examples: the examples, with their labels.
    ///   - configuration: how to train.
    ///   - phase: what the training is reported as. It also names the random numbers, so use each phase once.
    ///   - objective: what is minimized; nil for cross-entropy with the labels.
    ///   - mask: factors of the gradients by parameter name, in the parameters' shapes: 0 keeps a weight as it is. A
    ///     parameter that is not named keeps all its gradients.
    /// - Throws: ``UnlearningError`` if a setting, an example or the objective is wrong or the training diverges.
    public func train(
        _ model: Model, on examples: any ExampleSource, _ configuration: TrainingConfiguration, phase: RunPhase,
        minimizing objective: Objective? = nil, mask: [String: Tensor]? = nil
    ) throws -> Model {
        try train(
            model,
            TrainingLoop(
                examples: examples, examplesName: "retain", configuration: configuration, phase: phase,
                stream: phase.rawValue, objective: objective?.base,
                mask: try mask.map { try model.completed(mask: $0) }))
    }

    /// Trains a copy of a model by passes over examples in their order, such as in turns over forget and retain data.
    /// - Parameters:
    ///   - model: the model to start from; it does not change.
    ///   - passes: at least one; each has its own objective and batch size.
    ///   - configuration: optimizer, rate, schedule over the steps of all passes, clipping and frozen parameters; its
    ///     epochs and batch size are not used.
    ///   - phase: what the training is reported as; it also names the random numbers.
    /// - Throws: ``UnlearningError`` if a setting, an example or an objective is wrong or the training diverges.
    public func train(
        _ model: Model, passes: [TrainingPass], _ configuration: TrainingConfiguration, phase: RunPhase
    ) throws -> Model {
        try train(model, passes: passes, configuration, phase: phase, stream: phase.rawValue)
    }

    func train(
        _ model: Model, passes: [TrainingPass], _ configuration: TrainingConfiguration, phase: RunPhase, stream: String,
        mask: [String: Tensor]? = nil
    ) throws -> Model {
        try configuration.validate()
        try model.checkNumbers()
        guard !passes.isEmpty else {
            throw UnlearningError.invalidSetting(name: "passes", value: "empty", remedy: "give at least one")
        }
        var numbers: [String: Int] = [:]
        let ordered = try passes.map { pass in
            try Setting.check("batch size", pass.batchSize, isIn: 1...1_000_000)
            try model.check(pass.examples, named: pass.name)
            defer { numbers[pass.name, default: 0] += 1 }
            return PassInOrder(
                batches: try EpochBatches(
                    pass.examples, named: pass.name, batchSize: pass.batchSize, graph: model.graph,
                    stream: "\(stream).\(pass.name)"), number: numbers[pass.name, default: 0],
                objective: pass.objective, rateFactor: pass.rateFactor)
        }
        return try keep(phase) {
            try PassSequence(
                passes: ordered, configuration: configuration, phase: phase, stream: stream, mask: mask
            ).run(model, context: context)
        }
    }

    /// Trains a copy of a model in steps on a batch of retain data and a batch of forget data each.
    ///
    /// An epoch goes over the retain data; forget data start over in the same order when all have been shown.
    /// - Parameter objective: of the examples of both, the forget data first.
    func train(
        _ model: Model, pairing forget: any ExampleSource, batchSize: Int, with retain: any ExampleSource,
        _ configuration: TrainingConfiguration, stream: String, objective: any BatchObjective
    ) throws -> Model {
        try configuration.validate()
        try model.checkNumbers()
        try model.check(forget, named: "forget")
        try model.check(retain, named: "retain")
        let batches = try EpochBatches(
            pairing: forget, batchSize: batchSize, with: retain, batchSize: configuration.batchSize, stream: stream)
        let passes = (0..<configuration.epochs(ofSteps: batches.stepCount)).map {
            PassInOrder(batches: batches, number: $0, objective: objective)
        }
        return try keep(.forgetting) {
            try PassSequence(passes: passes, configuration: configuration, phase: .forgetting, stream: stream)
                .run(model, context: context)
        }
    }

    /// Trains a copy of a model on what is to be forgotten and what stays, in this order.
    package func train(
        _ model: Model, forgetting forget: any ExampleSource, retaining retain: any ExampleSource,
        _ configuration: TrainingConfiguration, stream: String, objective: (any BatchObjective)? = nil,
        mask: [String: Tensor]? = nil
    ) throws -> Model {
        try train(
            model,
            TrainingLoop(
                examples: CombinedExamples([forget, retain]), examplesName: "forget and retain",
                configuration: configuration, phase: .forgetting, stream: stream, objective: objective, mask: mask))
    }

    func train(_ model: Model, _ training: TrainingLoop) throws -> Model {
        try keep(training.phase) { try training.run(model, context: context) }
    }
}

// What networks compute.
extension UnlearningSession {
    /// Computes a model's logits for examples in inference mode, `[examples, classes]`.
    /// - Throws: ``UnlearningError`` if the examples do not fit the model or a number is not finite.
    public func outputs(of model: Model, on examples: any ExampleSource) throws -> Tensor {
        try phase(.teaching) {
            try context.outputsPart(examples: examples.count, classes: model.classCount) {
                try Predictor().outputs(of: examples, by: model, context: context) { step, count, _ in
                    try context.finished(step, of: count, in: .teaching)
                }.logits
            }
        }
    }

    /// Computes the mean of a model's cross-entropy gradients over examples, or of their squares, by parameter name.
    ///
    /// The network runs in inference mode. The mean of squares is the diagonal of the empirical Fisher information,
    /// which tells how much each weight matters for the examples.
    /// - Parameters:
    ///   - model: the model, whose parameters the gradients are by.
    ///   - examples: labeled with the model's classes, in the shape of its input.
    ///   - squared: whether gradients are squared before they are averaged.
    ///   - examplesPerGradient: examples whose mean gradient counts as one, 1 to 1,000,000; more is faster.
    ///   - limit: at most this many examples are used, drawn at random; 1 or more.
    /// - Throws: ``UnlearningError`` if the examples do not fit the model or a gradient is not finite.
    public func meanGradients(
        of model: Model, on examples: any ExampleSource, squared: Bool = false, examplesPerGradient: Int = 1,
        limit: Int = .max
    ) throws -> [String: Tensor] {
        try Setting.check("examples per gradient", examplesPerGradient, isIn: 1...1_000_000)
        try Setting.check("example limit", limit, isIn: 1...Int.max)
        try model.checkNumbers()
        try model.check(examples, named: "gradient")
        return try phase(.importance) {
            try GradientStatistics(
                quantity: squared ? .square : .gradient, examplesPerGradient: examplesPerGradient, limit: limit,
                stream: "gradients"
            ).mean(of: model, over: examples, self)
        }
    }

    /// Computes what a part of a network makes of examples, in inference mode, as examples for the part after it.
    /// - Throws: ``UnlearningError`` if there is not enough memory.
    func features(of examples: any ExampleSource, by part: Model) throws -> TensorExamples {
        let available = MemoryLimit.byteCount
        let (bytes, overflows) = examples.count.multipliedReportingOverflow(
            by: part.graph.outputShape.count * MemoryLayout<Float>.stride)
        guard !overflows, bytes <= available else {
            throw UnlearningError.outOfMemory(
                batch: examples.count, needed: overflows ? .max : bytes, available: available)
        }
        let outputs = try outputs(of: part, on: examples)
        return try TensorExamples(
            outputs.reshaped(to: TensorShape([examples.count] + part.graph.outputShape.dimensions)),
            labels: examples.labels)
    }
}

extension Model {
    /// A mask of every parameter: 1 where a mask of some names nothing.
    fileprivate func completed(mask: [String: Tensor]) throws -> [String: Tensor] {
        if let name = Set(mask.keys).subtracting(parameters.keys).min() {
            throw UnlearningError.invalidSetting(
                name: "mask", value: "'\(name)'", remedy: "name parameters of the model")
        }
        return parameters.reduce(into: mask) { mask, parameter in
            if mask[parameter.key] == nil {
                mask[parameter.key] = Tensor(repeating: 1, shape: parameter.value.shape)
            }
        }
    }
}
