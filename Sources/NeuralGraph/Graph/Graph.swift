/// A network: named nodes in topological order, each with its operation, inputs and output shape.
///
/// A graph is immutable; build one with ``GraphBuilder``. Parameters and state live in ``Model``.
public struct Graph: Sendable {
    /// One value in the graph: the input, or a node's output.
    public struct Value: Sendable, Hashable {
        /// 0 for the network's input, `k + 1` for the output of node `k`.
        public let index: Int

        /// The output of a node.
        /// - Parameter node: the node's position in the graph.
        package static func output(of node: Int) -> Value { Value(index: node + 1) }

        /// The network's input.
        package static let input = Value(index: 0)
    }

    /// One step of the network.
    public struct Node: Sendable {
        /// The name, unique in the graph; parameters are called `name.parameter`.
        public let name: String
        /// The operation that the node computes.
        public let operation: any GraphOperation
        /// The values that it reads, from earlier in the graph.
        public let inputs: [Value]
        /// The inputs' shapes for one example.
        public let inputShapes: [TensorShape]
        /// The output's shape for one example.
        public let shape: TensorShape
        /// The parameters.
        public let parameters: [ParameterSpecification]
        /// The state tensors.
        public let state: [StateSpecification]
        /// The state dictionary's names of tensors that are not named after the node.
        var keys: [String: String] = [:]

        /// Returns a parameter's or state tensor's name in the state dictionary.
        public func key(_ name: String) -> String {
            keys[name] ?? (self.name.isEmpty ? name : "\(self.name).\(name)")
        }
    }

    /// The shape of one example, `[height, width, channels]` for images.
    public let inputShape: TensorShape
    /// The nodes in topological order. The last one's output is the network's.
    public let nodes: [Node]

    /// The shape of one example's output.
    public var outputShape: TensorShape { nodes.last?.shape ?? inputShape }

    /// Returns the shape of a value for one example.
    public func shape(of value: Value) -> TensorShape {
        value.index == 0 ? inputShape : nodes[value.index - 1].shape
    }

    /// Every parameter's name in the state dictionary and its description, in graph order.
    public var parameters: [(key: String, specification: ParameterSpecification)] {
        nodes.flatMap { node in node.parameters.map { (node.key($0.name), $0) } }
    }

    /// Every state tensor's name in the state dictionary and its description, in graph order.
    public var state: [(key: String, specification: StateSpecification)] {
        nodes.flatMap { node in node.state.map { (node.key($0.name), $0) } }
    }
}
