import ImageDatasets
import NeuralGraph

/// A run of a method: carries threads, seed, progress and the wish to stop, and keeps the losses, noise and times of the
/// phases. Used by the method alone, on the thread that it runs on.
public final class UnlearningSession {
    let context: RunContext
    /// The loss of each step by phase.
    public private(set) var losses: [RunPhase: [Double]] = [:]
    /// How long each phase took.
    public private(set) var times: [RunPhase: Duration] = [:]
    /// The noise that was learned.
    public private(set) var noise: [Noise] = []
    /// What people should know about how it went, in their order.
    public private(set) var notes: [String] = []
    private var costsAhead: ArraySlice<Double> = []

    init(context: RunContext) {
        self.context = context
    }

    /// Seed and threads.
    public var options: RunOptions { context.options }

    /// A seed for one part of the run, independent of the others.
    public func seed(_ stream: String) -> UInt64 { context.seed(stream) }

    /// Throws if the run was cancelled. For loops of a method's own; the steps below ask by themselves.
    public func checkCancellation() throws { try context.checkCancellation() }

    /// Does a part of the work that is timed and reported on its own. Phases of one name add up.
    public func phase<Result>(_ phase: RunPhase, _ body: () throws -> Result) throws -> Result {
        let cost = costsAhead.popFirst() ?? 0
        let (result, time) = try context.phase(
            workAhead: cost > 0 ? costsAhead.reduce(0, +) / cost : 0, body)
        // What only measures is no part of what is timed.
        if phase != .evaluation, phase != .audit { times[phase, default: .zero] += time }
        return result
    }

    /// Reports a finished step of a phase.
    /// - Throws: `CancellationError` if the run was cancelled.
    public func finished(_ step: Int, of stepCount: Int, in phase: RunPhase, loss: Double? = nil) throws {
        if let loss { losses[phase, default: []].append(loss) }
        try context.finished(step, of: stepCount, in: phase, loss: loss)
    }

    /// Learns noise for the classes of a request.
    public func noise(_ maximizer: NoiseMaximizer, for request: UnlearningRequest) throws -> [Noise] {
        noise = try phase(.noise) {
            try maximizer.noise(classes: request.classes.sorted(), model: request.model, context: context)
        }
        losses[.noise] = NoiseMaximizer.meanObjectives(noise)
        return noise
    }

    /// Damages weights with noise.
    public func impair(
        _ step: ImpairStep, _ model: Model, noise: [Noise], retaining retain: any ExampleSource
    ) throws -> Model {
        try keep(.impair) { try step.impair(model, noise: noise, retaining: retain, context: context) }
    }

    /// Trains a copy of a model on labeled examples.
    /// - Parameters:
    ///   - model: the model to start from; it does not change.
    ///   - examples: the examples, with their labels.
    ///   - configuration: how to train.
    ///   - phase: what the training is reported as. It also names the random numbers, so give each training its own.
    public func train(
        _ model: Model, on examples: any ExampleSource, _ configuration: TrainingConfiguration, phase: RunPhase
    ) throws -> Model {
        try train(
            model,
            TrainingLoop(
                examples: examples, examplesName: "retain", configuration: configuration, phase: phase,
                stream: phase.rawValue))
    }

    /// Trains a copy of a model on what is to be forgotten and what stays, in this order.
    func train(
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

    /// Adds losses of steps that were taken by hand.
    func record(_ values: [Double], in phase: RunPhase) {
        losses[phase, default: []] += values
    }

    /// Says something that people should know about how it went, such as that a rate was lowered: one sentence.
    public func note(_ text: String) {
        notes.append(text)
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
