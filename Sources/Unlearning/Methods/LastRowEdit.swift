package import NeuralGraph

/// Reinitializes the forgotten classes' rows of the last layer and trains nothing: the baseline to beat.
///
/// It needs no data and no time, and deceives every measure of outputs alone.
///
/// What the layers before know of the class stays: a linear probe finds it as before, and a few steps relearn it.
public struct LastRowEdit: BuiltInMethod, Hashable {
    /// Creates the method.
    public init() {}

    package var traits: MethodTraits {
        MethodTraits(
            "last-row",
            summary: "Reinitializes the classes' rows of the last layer, without training; the baseline to beat",
            requirements: [])
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        try session.phase(.forgetting) {
            let model = try request.model.reinitializingHead(
                of: request.classes, seed: session.seed("\(name).rows"), method: name)
            try session.finished(1, of: 1, in: .forgetting)
            return model
        }
    }
}

extension Model {
    /// The model with the last layer's rows of some classes reinitialized as in an untrained network.
    ///
    /// Weights are uniform in ±1/√d for d features, biases 0.
    /// - Parameter method: the method's name, for the message.
    /// - Throws: ``UnlearningError``.
    func reinitializingHead(of classes: Set<Int>, seed: UInt64, method: String) throws -> Model {
        guard let head = graph.head, var weight = parameters[head.key("weight")], weight.shape.rank == 2 else {
            throw UnlearningError.noLinearHead(method: method)
        }
        let width = weight.shape[1]
        let bound = 1 / Double(max(1, width)).squareRoot()
        var changed: [String: Tensor] = [:]
        for label in classes.sorted() {
            var random = SeededRandom(seed: seed, stream: "row \(label)")
            for column in 0..<width { weight[label * width + column] = Float((2 * random.uniform() - 1) * bound) }
        }
        changed[head.key("weight")] = weight
        if var bias = parameters[head.key("bias")] {
            for label in classes { bias[label] = 0 }
            changed[head.key("bias")] = bias
        }
        return try replacing(changed)
    }
}
