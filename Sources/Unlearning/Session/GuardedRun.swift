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

    /// Makes the new model, and marks the session if the retained classes are in ruins.
    func run(_ request: UnlearningRequest) throws -> Model {
        guard let (request, watched) = try split(request) else {
            let model = try method.run(request, session)
            try checkUnwatched(model, request)
            return model
        }
        let before = try answers(of: request.model, to: watched, without: request.forgottenClasses)
        return try retainGuard.attempts(
            method, after: before, kind: "held-out", session,
            gentler: { ($0 as? any BuiltInMethod)?.gentler(by: retainGuard.divisor, for: request.model) },
            make: { try $0.run(request, session) },
            answers: { try answers(of: $0, to: watched, without: request.forgottenClasses) },
            note: { note($0.text, by: $1, $2) })
    }

    /// Marks the session if a model that was not watched while it was made is in ruins.
    ///
    /// Of few examples none are held out. Then the model answers those that the method has seen: one that is in ruins fails
    /// on these as well.
    private func checkUnwatched(_ model: Model, _ request: UnlearningRequest) throws {
        guard !session.isRuined, !method.requirements.contains(.allRetainData), let retain = request.retainedIfAny,
            retainGuard.split(retain.count, seed: 0).watched.count < RetainGuard.fewestExamples
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
            guard count >= RetainGuard.fewestExamples else { return nil }
            random.draw(count, toFrontOf: &order)
            return (request, try ExampleSubset(retain, indices: order.prefix(count).sorted()))
        }
        let (shown, watched) = retainGuard.split(retain.count, seed: seed)
        guard watched.count >= RetainGuard.fewestExamples else { return nil }
        return (try request.retaining(only: shown), try ExampleSubset(retain, indices: watched))
    }

    private func answers(
        of model: Model, to watched: any ExampleSource, without classes: Set<Int>
    ) throws -> WatchedAnswers {
        let logits = try session.phase(.evaluation) {
            try Predictor().logits(of: watched, by: model, context: session.context)
        }
        return try WatchedAnswers(logits.masking(classes), labels: watched.labels)
    }

    private func note(_ complaint: String, by method: any UnlearningMethod, _ next: (any UnlearningMethod)?) {
        session.note(
            next == nil
                ? "\(complaint); '\(method.name)' has no gentler settings left to try"
                : "\(complaint); '\(method.name)' is repeated with gentler settings, rates divided by "
                    + retainGuard.divisor.formattedShortly)
    }
}
