import Foundation
import ImageDatasets
package import NeuralGraph

/// Protects retain accuracy: repeats a training at a lower rate if accuracy on held-out retain examples falls.
///
/// Some retain examples are kept out of the training. If the new model classifies clearly fewer of them correctly
/// than the original, the training is repeated.
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

    /// Retries at lower rates until accuracy holds; after the last attempt returns the most accurate model.
    /// - Parameters:
    ///   - rate: the first attempt's.
    ///   - original: how many of the watched examples the original is right about, the forgotten classes left out.
    ///   - count: how many are watched.
    ///   - train: trains at a rate.
    ///   - correct: how many of the watched examples a model is right about.
    /// - Throws: what the last training throws, if not one came to an end.
    package func train(
        at rate: Double, original: Int, of count: Int, _ session: UnlearningSession, train: (Double) throws -> Model,
        correct: (Model) throws -> Int
    ) throws -> Model {
        var best: (model: Model, correct: Int)?
        var rate = rate
        for attempt in 1...attempts {
            let isLast = attempt == attempts
            do {
                let model = try train(rate)
                let found = try correct(model)
                guard objects(to: found, original: original, of: count) else { return model }
                let fall =
                    "retain accuracy on \(count) watched examples fell from "
                    + "\(Self.percent(original, count)) to \(Self.percent(found, count))"
                if best.map({ found > $0.correct }) ?? true { best = (model, found) }
                session.note(
                    isLast
                        ? "\(fall) at a rate of \(Self.text(rate)); no more attempts"
                        : "\(fall) at a rate of \(Self.text(rate)); backed off to \(Self.text(rate / divisor))")
            } catch let error as UnlearningError {
                guard error.code == .diverged, !isLast || best != nil else { throw error }
                session.note(
                    "\(error.description); "
                        + (isLast ? "an earlier attempt is handed over" : "backed off to \(Self.text(rate / divisor))"))
            }
            rate /= divisor
        }
        guard let best else { throw UnlearningError.diverged(phase: .repair, step: 1, what: "the loss") }
        session.isRuined = Self.isFall(to: best.correct, from: original, of: count, beyond: Self.ruinousFall)
        return best.model
    }

    static func percent(_ part: Int, _ whole: Int) -> String {
        (Double(part) / Double(max(1, whole)) as Double?).percentText
    }

    private static func text(_ rate: Double) -> String { String(format: "%.3g", rate) }
}
