import Unlearning

/// How a model was made to forget, as records keep it.
public struct ForgettingRun: Sendable, Codable, Hashable {
    /// The settings of the three steps.
    public let configuration: UnlearningConfiguration
    /// The seed of everything random.
    public let seed: UInt64
    /// Seconds by phase: `noise`, `impair`, `repair`.
    public let phaseSeconds: [String: Double]
    /// The loss of each step by phase; of noise, the objective.
    public let losses: [String: [Double]]
    /// Which images it was shown; nil if they come from no data set.
    public let retained: RetainList?

    /// Takes a run's record from its outcome.
    public init(_ outcome: UnlearningOutcome, retained: RetainList? = nil) {
        configuration = outcome.configuration
        seed = outcome.options.seed
        phaseSeconds = Dictionary(
            uniqueKeysWithValues: outcome.phaseTimes.map { ($0.key.rawValue, $0.value.seconds) })
        losses = Dictionary(uniqueKeysWithValues: outcome.losses.map { ($0.key.rawValue, $0.value) })
        self.retained = retained
    }
}
