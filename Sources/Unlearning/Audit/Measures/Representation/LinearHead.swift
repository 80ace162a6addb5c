package import NeuralGraph

/// A network's linear last layer, from penultimate features to logits, in Double.
package struct LinearHead: Sendable {
    /// `[classes, width]`.
    package var weights: DoubleMatrix
    /// One per class.
    package var biases: [Double]
    /// Whether the layer has a bias; without one the biases are 0.
    let hasBias: Bool

    /// Creates a head.
    /// - Parameters:
    ///   - weight: `[classes, width]`.
    ///   - bias: `[classes]`, or nil.
    /// - Throws: `ShapeError` if the two do not belong together.
    package init(weight: Tensor, bias: Tensor?) throws {
        weights = try DoubleMatrix(weight)
        hasBias = bias != nil
        biases = bias?.elements.map(Double.init) ?? [Double](repeating: 0, count: weights.rows)
        guard biases.count == weights.rows else {
            throw ShapeError("bias", "\(biases.count) numbers do not fit the weight's \(weights.rows) rows")
        }
    }

    /// Takes a model's last layer; nil if it is not a linear layer over a vector.
    package init?(of model: Model) {
        guard let node = model.graph.head, let weight = model.parameters[node.key("weight")],
            let head = try? LinearHead(weight: weight, bias: model.parameters[node.key("bias")])
        else { return nil }
        self = head
    }

    /// The number of input features.
    package var width: Int { weights.columns }

    /// Predicts each example's class, the first of equal ones.
    /// - Parameter features: penultimate features, `[examples, width]`.
    /// - Throws: `ShapeError` if the width is another.
    package func predictions(of features: Tensor) throws -> [Int] {
        try LabeledFeatures.check(features, width: width)
        return predictions(of: try DoubleMatrix(features))
    }

    func predictions(of features: DoubleMatrix) -> [Int] {
        // [examples x classes] = X [examples x width] · Wᵀ [width x classes]
        features.times(weights, transposingOther: true).subtracting(biases.map { -$0 }).largestInRows
    }
}
