import Foundation
import ImageDatasets
import NeuralGraph

/// A method's run under a ``RetainGuard``.
///
/// A part of the retain data is held out from the method. If the new model answers it clearly worse than the original,
/// or training diverges, the method runs again with gentler settings, and of several models the best is taken.
struct GuardedRun {
    let retainGuard: RetainGuard
    let method: any UnlearningMethod
    let session: UnlearningSession

    /// With fewer held-out examples accuracy says too little to choose between models.
    private static let fewestExamples = 10

    /// How a model answers the held-out examples, forgotten classes left out.
    private struct Answers {
        let correct: Int
        let loss: Double
    }

    /// Makes the new model, and marks the session if the retained classes are in ruins.
    func run(_ request: UnlearningRequest) throws -> Model {
        guard let (request, watched) = try split(request) else {
            let model = try method.run(request, session)
            try checkUnwatched(model, request)
            return model
        }
        let before = try answers(of: request.model, to: watched, without: request.forgottenClasses)
        var method = method
        var best: (model: Model, answers: Answers)?
        for attempt in 1...retainGuard.attempts {
            let next =
                attempt < retainGuard.attempts
                ? (method as? any BuiltInMethod)?.gentler(by: retainGuard.divisor, for: request.model) : nil
            do {
                let model = try method.run(request, session)
                let after = try answers(of: model, to: watched, without: request.forgottenClasses)
                if best.map({ isBetter(after, than: $0.answers) }) ?? true { best = (model, after) }
                guard let complaint = complaint(after, before, of: watched.count, request.model) else { break }
                note(complaint, next)
            } catch let error as UnlearningError where error.code == .diverged || error.code == .notFinite {
                guard next != nil || best != nil else { throw error }
                note(error.description, next)
            }
            guard let next else { break }
            method = next
        }
        guard let best else { throw UnlearningError.diverged(phase: .forgetting, step: 1, what: "every attempt") }
        session.isRuined =
            RetainGuard.isFall(
                to: best.answers.correct, from: before.correct, of: watched.count, beyond: RetainGuard.ruinousFall)
            || isWorseThanGuessing(best.answers, before, request.model)
        return best.model
    }

    /// Marks the session if a model that was not watched while it was made is in ruins.
    ///
    /// Of few examples none are held out. Then the model answers those that the method has seen: one that is in ruins fails
    /// on these as well.
    private func checkUnwatched(_ model: Model, _ request: UnlearningRequest) throws {
        guard !session.isRuined, !method.requirements.contains(.allRetainData), let retain = request.retainedIfAny,
            retainGuard.split(retain.count, seed: 0).watched.count < Self.fewestExamples
        else { return }
        let count = min(retain.count, Int(RetainGuard.mostExamples))
        let seen = try ExampleSubset(retain, indices: Array(0..<count))
        let before = try answers(of: request.model, to: seen, without: request.forgottenClasses)
        let after = try answers(of: model, to: seen, without: request.forgottenClasses)
        guard
            RetainGuard.isFall(
                to: after.correct, from: before.correct, of: count, beyond: RetainGuard.ruinousFall)
        else { return }
        session.isRuined = true
        session.note(
            "retain accuracy on \(count) examples fell from \(RetainGuard.percent(before.correct, count)) to "
                + "\(RetainGuard.percent(after.correct, count)); they are too few to hold some out and try again")
    }

    /// The request without the examples to watch, and these; nil if there are too few.
    private func split(_ request: UnlearningRequest) throws -> (UnlearningRequest, any ExampleSource)? {
        guard let retain = request.retainedIfAny, (method as? any BuiltInMethod)?.guardsItself != true,
            !method.requirements.contains(.allRetainData)
        else { return nil }
        let seed = session.seed("guard")
        guard method.requirements.contains(.retainData) else {
            // The method sees none of them.
            var order = Array(0..<retain.count)
            var random = SeededRandom(seed: seed, stream: "guard")
            let count = min(order.count, Int(RetainGuard.mostExamples))
            guard count >= Self.fewestExamples else { return nil }
            random.draw(count, toFrontOf: &order)
            return (request, try ExampleSubset(retain, indices: order.prefix(count).sorted()))
        }
        let (shown, watched) = retainGuard.split(retain.count, seed: seed)
        guard watched.count >= Self.fewestExamples else { return nil }
        return (try request.retaining(only: shown), try ExampleSubset(retain, indices: watched))
    }

    private func answers(
        of model: Model, to watched: any ExampleSource, without classes: Set<Int>
    ) throws -> Answers {
        let logits = try session.phase(.evaluation) {
            try Predictor().logits(of: watched, by: model, context: session.context)
        }.masking(classes)
        let (K, labels) = (model.classCount, watched.labels)
        let logarithms = try Softmax.logProbabilities(of: logits)
        let correct = zip(logits.largestInRows, labels).count { $0 == $1 }
        let loss = labels.enumerated().reduce(0) { $0 - logarithms[$1.offset * K + $1.element] }
        return Answers(correct: correct, loss: loss / Double(max(1, labels.count)))
    }

    private func isBetter(_ answers: Answers, than others: Answers) -> Bool {
        (answers.correct, -answers.loss) > (others.correct, -others.loss)
    }

    /// What is wrong with a model's answers; nil if nothing is.
    private func complaint(_ after: Answers, _ before: Answers, of count: Int, _ model: Model) -> String? {
        if retainGuard.objects(to: after.correct, original: before.correct, of: count) {
            return
                "retain accuracy on \(count) held-out examples fell from \(RetainGuard.percent(before.correct, count)) "
                + "to \(RetainGuard.percent(after.correct, count))"
        }
        guard isWorseThanGuessing(after, before, model) else { return nil }
        return String(
            format:
                "the loss on %d held-out examples of retained classes rose from %.3g to %.3g, above that of a guess",
            count, before.loss, after.loss)
    }

    /// Whether the loss is above that of even answers, and above the original's.
    private func isWorseThanGuessing(_ after: Answers, _ before: Answers, _ model: Model) -> Bool {
        after.loss > max(log(Double(model.classCount)), before.loss)
    }

    private func note(_ complaint: String, _ next: (any UnlearningMethod)?) {
        session.note(
            next == nil
                ? "\(complaint); '\(method.name)' has no gentler settings left to try"
                : "\(complaint); '\(method.name)' is repeated with gentler settings, rates divided by "
                    + retainGuard.divisor.formattedShortly)
    }
}
