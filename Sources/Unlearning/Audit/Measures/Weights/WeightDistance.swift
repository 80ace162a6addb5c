import NeuralGraph

/// How far a layer's weights moved: `|W' - W| / |W|` in Euclidean norm over all of a layer's parameters. 0 for a layer
/// that stayed as it was; no upper bound.
///
/// Neither more nor less is better in itself. A forgetting that sits in the last layer alone shows here, and so does
/// one that threw the network away; the retrained model's distance gives the scale, unless it began from other first
/// weights.
public struct WeightDistance: Sendable {
    /// One layer's distance.
    public struct Layer: Sendable, Hashable {
        /// The node's name.
        public let name: String
        /// The distance, 0 or more; nil where the layer moved away from zeros.
        public let value: Double?
    }

    /// The layers that have parameters, from input to output.
    public let layers: [Layer]
    /// The distance over all parameters together; nil where they moved away from zeros.
    public let total: Double?

    /// Measures how far a model is from another.
    /// - Throws: `StateDictionaryError` if the two have not the same layers.
    public init(from reference: Model, to model: Model) throws(StateDictionaryError) {
        var layers: [Layer] = []
        var (moved, length) = (0.0, 0.0)
        if let other = model.parameters.keys.filter({ reference.parameters[$0] == nil }).min() {
            throw .unexpected(name: other, others: 0)
        }
        for node in reference.graph.nodes where !node.parameters.isEmpty {
            var (nodeMoved, nodeLength) = (0.0, 0.0)
            for key in node.parameters.map({ node.key($0.name) }) {
                guard let old = reference.parameters[key], let new = model.parameters[key] else {
                    throw .missing(name: key)
                }
                guard old.shape == new.shape else {
                    throw .wrongShape(name: key, expected: old.shape, found: new.shape)
                }
                for (old, new) in zip(old.elements, new.elements) {
                    nodeMoved += (Double(new) - Double(old)) * (Double(new) - Double(old))
                    nodeLength += Double(old) * Double(old)
                }
            }
            layers.append(Layer(name: node.name, value: Self.quotient(nodeMoved, nodeLength)))
            moved += nodeMoved
            length += nodeLength
        }
        self.layers = layers
        total = Self.quotient(moved, length)
    }

    private static func quotient(_ moved: Double, _ length: Double) -> Double? {
        guard moved > 0 else { return 0 }
        return length > 0 ? (moved / length).squareRoot() : nil
    }

    static let measure = MeasureDescription(
        .weightDistance, title: "Weight distance",
        definition: "How far the weights are from the original's, relative to their length; 0 for unchanged weights.",
        source: "Tarun et al., Fast Yet Effective Machine Unlearning (arXiv 2111.08947), section V",
        group: .representation, unit: .number, direction: .none)
}
