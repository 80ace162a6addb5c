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
    /// Asking the original, or another network, what it answers to examples.
    case teaching
    /// Finding out which weights matter for what.
    case importance
    /// Making examples from nothing but the model.
    case synthesis
    /// Measuring accuracy.
    case evaluation
    /// Measuring what was forgotten and what was not.
    case audit
}

/// How far a run is, reported after every step.
public struct RunProgress: Sendable {
    /// What is being done.
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
}

/// Takes progress reports. Called on the thread that computes, so it must be quick.
public typealias ProgressHandler = @Sendable (RunProgress) -> Void
