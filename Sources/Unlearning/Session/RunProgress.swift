/// A part of a run that is timed and reported on its own.
public enum RunPhase: String, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
    /// Training a network.
    case training
    /// Learning error-maximizing noise.
    case noise
    /// Damaging the weights that carry the forgotten classes.
    case impair
    /// Recovering the retained classes.
    case repair
    /// Changing the weights with examples of what is to be forgotten, or by hand.
    case forgetting
    /// Computing outputs of the original, or of another network, as targets.
    case teaching
    /// Measuring how much each weight matters for examples.
    case importance
    /// Synthesizing examples from the model.
    case synthesis
    /// Measuring accuracy.
    case evaluation
    /// Auditing the new model.
    case audit
}

/// The progress of a run, reported after every step.
public struct RunProgress: Sendable {
    /// The current phase.
    public let phase: RunPhase
    /// Steps of this phase that are done, from 1.
    public let step: Int
    /// Steps of this phase in all.
    public let stepCount: Int
    /// The loss of the step's batch, if the phase has one.
    public let loss: Double?
    /// The share of the phase's latest examples that were classified right, 0 to 1, if the phase classifies.
    public let accuracy: Double?
    /// Time since the run began.
    public let elapsed: Duration
    /// An estimate of the time until the run ends.
    public let timeLeft: Duration

    /// Creates a report, for tests of an app's own.
    public init(
        phase: RunPhase, step: Int, stepCount: Int, loss: Double? = nil, accuracy: Double? = nil,
        elapsed: Duration = .zero, timeLeft: Duration = .zero
    ) {
        self.phase = phase
        self.step = step
        self.stepCount = stepCount
        self.loss = loss
        self.accuracy = accuracy
        self.elapsed = elapsed
        self.timeLeft = timeLeft
    }
}

/// Takes progress reports on the thread that computes, so it must be quick.
public typealias ProgressHandler = @Sendable (RunProgress) -> Void
