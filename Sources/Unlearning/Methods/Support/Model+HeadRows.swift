import NeuralGraph

extension Model {
    /// The model with the last layer's rows of some classes drawn anew, as in an untrained network: weights evenly from
    /// ±1/√d for d features, biases 0.
    /// - Parameter method: what the message calls who asks.
    /// - Throws: ``UnlearningError/noLinearHead(method:)``.
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
