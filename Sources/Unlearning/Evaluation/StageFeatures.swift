public import NeuralGraph

/// Features of examples at one node of a network, the end of a stage.
public struct StageFeatures: Sendable {
    /// The node's name.
    public let node: String
    /// The features, `[examples, width]`; maps are averaged over their positions.
    public let values: Tensor
}

/// Features as they come in, batch after batch.
struct PooledFeatures {
    let node: String
    private let positions: Int
    private let width: Int
    private var elements: [Float] = []

    /// - Parameter shape: the node's output for one example; the last axis are its channels.
    init(node: String, shape: TensorShape, examples: Int) {
        self.node = node
        positions = max(1, shape.positions)
        width = shape.channels
        elements.reserveCapacity(examples * width)
    }

    /// Adds a batch of the node's outputs, `[examples, positions, width]`.
    mutating func add(_ values: UnsafeBufferPointer<Float>, examples: Int) {
        guard let start = values.baseAddress else { return }
        var sums = [Float](repeating: 0, count: width)
        let scale = 1 / Float(positions)
        for example in 0..<examples {
            for channel in 0..<width { sums[channel] = 0 }
            for position in 0..<positions {
                let row = start + (example * positions + position) * width
                for channel in 0..<width { sums[channel] += row[channel] }
            }
            for channel in 0..<width { elements.append(sums[channel] * scale) }
        }
    }

    func finished() throws -> StageFeatures {
        StageFeatures(node: node, values: try Tensor(elements, shape: [elements.count / max(1, width), width]))
    }
}

extension Graph {
    /// The shape of a node's output for one example.
    /// - Throws: `GraphError` if there is no such node.
    func shape(ofNode name: String) throws -> TensorShape {
        guard let node = nodes.first(where: { $0.name == name }) else {
            throw GraphError.unknownNode(name: name, known: nodes.map(\.name))
        }
        return node.shape
    }
}
