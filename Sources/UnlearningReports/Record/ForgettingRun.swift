import Foundation
import Unlearning

/// How a model was made to forget, as records keep it.
public struct ForgettingRun: Sendable, Codable, Hashable {
    /// The method's name; nil in records of versions that had one.
    public let method: String?
    /// The settings of UNSIR's three steps; nil if the method was another one.
    public let configuration: UNSIR.Configuration?
    /// The method's settings as JSON, if it was not UNSIR.
    public let settings: String?
    /// The seed of everything random.
    public let seed: UInt64
    /// Seconds by phase, such as `noise`, `impair`, `repair`.
    public let phaseSeconds: [String: Double]
    /// The loss of each step by phase; of noise, the objective.
    public let losses: [String: [Double]]
    /// Which images it was shown; nil if they come from no data set.
    public let retained: RetainList?
    /// The file's other classifiers, which were not made to forget; nil if it has none.
    public let otherOutputs: [OtherOutput]?

    /// Takes a run's record from its outcome.
    public init(_ outcome: UnlearningOutcome, retained: RetainList? = nil, otherOutputs: [OtherOutput] = []) {
        self.otherOutputs = otherOutputs.isEmpty ? nil : otherOutputs
        method = outcome.method.name
        configuration = outcome.configuration
        settings = outcome.configuration == nil ? Self.settings(of: outcome.method) : nil
        seed = outcome.options.seed
        phaseSeconds = Dictionary(
            uniqueKeysWithValues: outcome.phaseTimes.map { ($0.key.rawValue, $0.value.seconds) })
        losses = Dictionary(uniqueKeysWithValues: outcome.losses.map { ($0.key.rawValue, $0.value) })
        self.retained = retained
    }

    /// A method's settings, with their names in order. Settings are numbers and words, which always have a JSON form; a
    /// method of the user's own that has none is recorded by its name.
    private static func settings(of method: any UnlearningMethod) -> String? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(method)).map { String(decoding: $0, as: UTF8.self) }
    }
}
