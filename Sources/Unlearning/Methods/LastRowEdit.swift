import NeuralGraph

/// The forgotten classes' rows of the last layer drawn anew, and nothing trained: the baseline that every method has to
/// beat, since it needs no data and no time, and fools every measure of outputs alone.
///
/// Where the class is known inside, it stays known: a linear probe finds it as before, and a few steps relearn it.
public struct LastRowEdit: UnlearningMethod, Hashable {
    /// Creates the method.
    public init() {}

    public var name: String { "last-row" }
    public var requirements: Set<Requirement> { [] }

    public func run(_ request: UnlearningRequest, _ run: UnlearningSession) throws -> Model {
        try run.phase(.forgetting) {
            let model = try request.model.reinitializingHead(
                of: request.classes, seed: run.seed("\(name).rows"), method: name)
            try run.finished(1, of: 1, in: .forgetting)
            return model
        }
    }
}

extension LastRowEdit {
    public var summary: String {
        "Reinitializes the classes' rows of the last layer, without training; the baseline to beat"
    }
}
