import Foundation
package import NeuralGraph

/// How a model answers the examples that a ``RetainGuard`` watches.
package struct WatchedAnswers: Sendable, Hashable {
    /// How many there are.
    package let count: Int
    /// How many of them the model is right about.
    package let correct: Int
    /// The mean cross-entropy in nats.
    package let loss: Double
    /// The loss of a model that finds all classes equally likely.
    package let guess: Double

    package init(count: Int, correct: Int, loss: Double, guess: Double) {
        (self.count, self.correct, self.loss, self.guess) = (count, correct, loss, guess)
    }

    /// Takes a model's answers.
    /// - Parameters:
    ///   - logits: the logits, `[n, K]`, of classes that are no answer minus infinity.
    ///   - labels: the examples' classes.
    ///   - rows: the rows that are looked at; all if nil.
    package init(_ logits: Tensor, labels: [Int], rows: [Int]? = nil) throws {
        let rows = rows ?? Array(labels.indices)
        let (K, predicted) = (logits.shape[1], logits.largestInRows)
        let logarithms = try Softmax.logProbabilities(of: logits)
        let loss = rows.reduce(0) { $0 - logarithms[$1 * K + labels[$1]] }
        self.init(
            count: rows.count, correct: rows.count { predicted[$0] == labels[$0] },
            loss: loss / Double(max(1, rows.count)), guess: log(Double(K)))
    }

    /// Whether the loss is no number, or above that of a guess and above another's; of few examples one can make it so.
    func isWorseThanGuessing(after before: WatchedAnswers) -> Bool {
        !loss.isFinite || (count >= RetainGuard.fewestExamples && loss > max(guess, before.loss))
    }

    func isBetter(than others: WatchedAnswers) -> Bool {
        if correct != others.correct { return correct > others.correct }
        return loss < others.loss || (others.loss.isNaN && !loss.isNaN)
    }
}

extension RetainGuard {
    /// A model that a guard has a complaint about, or the reason why there is none.
    package struct Complaint: Sendable {
        /// What is wrong, in words.
        package let text: String
        /// Whether there is a model.
        package let hasModel: Bool
    }

    /// Makes a model, and makes it again with gentler settings while it answers the watched examples clearly worse than the
    /// original, diverges or has non-finite weights.
    ///
    /// Marks the session if the model that is handed over has the retained classes in ruins.
    /// - Parameters:
    ///   - settings: the first attempt's.
    ///   - before: the original's answers.
    ///   - kind: what messages call the examples, such as `held-out`.
    ///   - gentler: other settings; nil if there are none left.
    ///   - make: makes a model.
    ///   - answers: takes its answers to the watched examples.
    ///   - note: tells of a complaint, with the settings and those of the next attempt, if there is one.
    /// - Returns: the first model without a complaint, or else the best.
    /// - Throws: what the last attempt throws, if not one came to an end.
    package func attempts<Settings>(
        _ settings: Settings, after before: WatchedAnswers, kind: String, _ session: UnlearningSession,
        gentler: (Settings) -> Settings?, make: (Settings) throws -> Model,
        answers: (Model) throws -> WatchedAnswers,
        note: (Complaint, _ settings: Settings, _ next: Settings?) -> Void
    ) throws -> Model {
        var settings = settings
        var best: (model: Model, answers: WatchedAnswers)?
        for attempt in 1...attempts {
            let next = attempt < attempts ? gentler(settings) : nil
            do {
                let model = try make(settings)
                if let tensor = model.firstNonFiniteTensor {
                    throw UnlearningError.diverged(phase: .forgetting, step: 1, what: "tensor '\(tensor)'")
                }
                let after = try answers(model)
                let text = complaint(after, before, kind: kind)
                // A model without a complaint may still be right less often than one whose loss was too high.
                if text == nil || best.map({ after.isBetter(than: $0.answers) }) ?? true { best = (model, after) }
                guard let text else { break }
                note(Complaint(text: text, hasModel: true), settings, next)
            } catch let error as UnlearningError where error.code == .diverged || error.code == .notFinite {
                guard next != nil || best != nil else { throw error }
                note(Complaint(text: error.description, hasModel: false), settings, next)
            }
            guard let next else { break }
            settings = next
        }
        guard let best else { throw UnlearningError.diverged(phase: .forgetting, step: 1, what: "every attempt") }
        session.isRuined =
            Self.isFall(to: best.answers.correct, from: before.correct, of: before.count, beyond: Self.ruinousFall)
            || best.answers.isWorseThanGuessing(after: before)
        return best.model
    }

    /// What is wrong with a model's answers; nil if nothing is.
    private func complaint(_ after: WatchedAnswers, _ before: WatchedAnswers, kind: String) -> String? {
        if objects(to: after.correct, original: before.correct, of: before.count) {
            return
                "retain accuracy on \(before.count) \(kind) examples fell from "
                + "\(Self.percent(before.correct, before.count)) to \(Self.percent(after.correct, before.count))"
        }
        guard after.isWorseThanGuessing(after: before) else { return nil }
        return
            "the loss on \(before.count) \(kind) examples of retained classes rose from \(Self.text(before.loss)) to "
            + "\(Self.text(after.loss)), above that of a guess"
    }
}
