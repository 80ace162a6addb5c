import Foundation
import ImageDatasets
package import NeuralGraph

/// Protects the retained classes: repeats a training at a lower rate if it harms the answers to held-out retain examples.
///
/// Some retain examples are kept out of the training. If the new model classifies clearly fewer of them correctly
/// than the original, or its loss on them is above a guess's, the training is repeated.
public struct RetainGuard: Sendable, Codable, Hashable {
    /// The share of the retain examples that is kept out, above 0 and at most 0.5; of many, 1,000 are.
    package var share: Double
    /// How far accuracy may fall below the original's, 0 to 1; for few examples twice the figure's own uncertainty comes on
    /// top.
    package var tolerance: Double
    /// How often the training is done at most, 1 to 100.
    package var attempts: Int
    /// What the rate is divided by for the next attempt, above 1.
    package var divisor: Double

    /// Creates a guard.
    public init(share: Double = 0.05, tolerance: Double = 0.02, attempts: Int = 3, divisor: Double = 4) {
        self.share = share
        self.tolerance = tolerance
        self.attempts = attempts
        self.divisor = divisor
    }

    static let mostExamples = 1000.0
    /// Fewer examples say too little to choose between models.
    static let fewestExamples = 10
    /// A fall of accuracy by more than this share, and its uncertainty, leaves the retained classes in ruins.
    package static let ruinousFall = 0.1

    /// Checks every setting.
    /// - Throws: ``UnlearningError``.
    package func validate() throws {
        guard share > 0, share <= 0.5 else {
            throw UnlearningError.invalidSetting(
                name: "guard's share", value: "\(share)", remedy: "use a number above 0, at most 0.5")
        }
        try Setting.check(share: "guard's tolerance", tolerance)
        try Setting.check("guard's attempts", attempts, isIn: 1...100)
        try Setting.check("guard's divisor", divisor, isAbove: 1)
    }

    /// Splits positions into those to train on, at least one, and those to watch, both in rising order.
    package func split(_ count: Int, seed: UInt64) -> (training: [Int], watched: [Int]) {
        var order = Array(0..<count)
        var random = SeededRandom(seed: seed, stream: "guard")
        let watched = min(max(0, count - 1), Int(min(Self.mostExamples, (Double(count) * share).rounded())))
        random.draw(watched, toFrontOf: &order)
        return (order[watched...].sorted(), order[..<watched].sorted())
    }

    /// Whether a number of correct examples is clearly below the original's.
    package func objects(to correct: Int, original: Int, of count: Int) -> Bool {
        Self.isFall(to: correct, from: original, of: count, beyond: tolerance)
    }

    /// Whether a number of correct examples is lower than another by a share of all examples, and by chance on top.
    static func isFall(to correct: Int, from original: Int, of count: Int, beyond tolerance: Double) -> Bool {
        guard count > 0 else { return false }
        let (before, after) = (Double(original) / Double(count), Double(correct) / Double(count))
        // One right and one wrong answer more, so that a few that are all right do not count as certain (Agresti and Coull 1998).
        let share = Double(original + 1) / Double(count + 2)
        let deviation = (share * (1 - share) / Double(count)).squareRoot()
        return after < before - tolerance - 2 * deviation
    }

    /// Whether accuracy on the retained classes of the validation data fell so far that they are in ruins.
    static func isRuinous(_ accuracy: Accuracy, after before: Accuracy) -> Bool {
        let retained = before.counts.indices.filter { !before.forgottenClasses.contains($0) }
        func sum(_ values: [Int]) -> Int { retained.reduce(0) { $0 + values[$1] } }
        return isFall(
            to: sum(accuracy.correct), from: sum(before.correct), of: sum(before.counts), beyond: ruinousFall)
    }

    /// Retries at lower rates until the answers hold; after the last attempt returns the best model.
    /// - Parameters:
    ///   - rate: the first attempt's.
    ///   - before: the original's answers to the watched examples.
    ///   - train: trains at a rate.
    ///   - answers: takes a model's answers.
    /// - Throws: what the last training throws, if not one came to an end.
    package func train(
        at rate: Double, after before: WatchedAnswers, _ session: UnlearningSession, train: (Double) throws -> Model,
        answers: (Model) throws -> WatchedAnswers
    ) throws -> Model {
        try attempts(
            rate, after: before, kind: "watched", session, gentler: { $0 / divisor }, make: train, answers: answers
        ) { complaint, rate, next in
            let found = complaint.hasModel ? "\(complaint.text) at a rate of \(Self.text(rate))" : complaint.text
            let otherwise = complaint.hasModel ? "no more attempts" : "an earlier attempt is handed over"
            session.note("\(found); \(next.map { "backed off to \(Self.text($0))" } ?? otherwise)")
        }
    }

    static func percent(_ part: Int, _ whole: Int) -> String {
        (Double(part) / Double(max(1, whole)) as Double?).percentText
    }

    static func text(_ rate: Double) -> String { String(format: "%.3g", rate) }
}

extension RetainGuard {
    /// Reads settings; those that are missing have their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let defaults = RetainGuard()
        share = try container.decode(.share, or: defaults.share)
        tolerance = try container.decode(.tolerance, or: defaults.tolerance)
        attempts = try container.decode(.attempts, or: defaults.attempts)
        divisor = try container.decode(.divisor, or: defaults.divisor)
    }
}
