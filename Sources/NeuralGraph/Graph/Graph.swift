/// A network: named nodes in topological order, each with its operation, its inputs and its output's shape.
/// Immutable once built; parameters and state live in ``Model``.
public struct Graph: Sendable {
    /// One value in the graph: the input, or a node's output.
    public struct Value: Sendable, Hashable {
        /// 0 for the network's input, `k + 1` for the output of node `k`.
        public let index: Int

        /// The output of a node.
        /// - Parameter node: the node's position in the graph.
        public static func output(of node: Int) -> Value { Value(index: node + 1) }

        /// The network's input.
        public static let input = Value(index: 0)
    }

    /// One step of the network.
    public struct Node: Sendable {
        /// The name, unique in the graph; parameters are called `name.parameter`.
        public let name: String
        /// What is computed.
        public let operation: any GraphOperation
        /// Where the inputs come from, earlier in the graph.
        public let inputs: [Value]
        /// The inputs' shapes for one example.
        public let inputShapes: [TensorShape]
        /// The output's shape for one example.
        public let shape: TensorShape
        /// The parameters.
        public let parameters: [ParameterSpecification]
        /// The state tensors.
        public let state: [StateSpecification]
        /// The names in the state dictionary of tensors that are not called after the node.
        var keys: [String: String] = [:]

        /// A parameter's or state tensor's name in the state dictionary.
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

    /// The shape of a value.
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

/// Builds a ``Graph`` node by node. Shapes are inferred and checked as nodes are added, so that an error names the
/// node that it is about.
public struct GraphBuilder {
    /// The network's input.
    public let input = Graph.Value(index: 0)
    private let inputShape: TensorShape
    private var nodes: [Graph.Node] = []
    private var names: Set<String> = []
    private var tensors: Set<String> = []

    /// Starts a network over examples of a shape, `[height, width, channels]` for images.
    public init(inputShape: TensorShape) {
        self.inputShape = inputShape
    }

    /// The shape of a value for one example.
    public func shape(of value: Graph.Value) -> TensorShape {
        value.index == 0 ? inputShape : nodes[value.index - 1].shape
    }

    /// Adds a node.
    /// - Parameters:
    ///   - operation: what it computes.
    ///   - name: its name; parameters are called `name.parameter`. Must be new.
    ///   - inputs: values of this builder.
    /// - Throws: ``ShapeError`` if the inputs do not fit, or the name is taken.
    public mutating func add(
        _ operation: some GraphOperation, named name: String, _ inputs: Graph.Value...
    ) throws(ShapeError) -> Graph.Value {
        try add(operation, named: name, inputs)
    }

    /// Adds a node with any number of inputs; see ``add(_:named:_:)-(_,_,Graph.Value...)``.
    /// - Parameter keys: names in the state dictionary for parameters and state tensors that are not to be called after
    ///   the node, such as `["weight": "pos_embed"]`.
    /// - Parameter constants: parameters of the node, such as `weight`, that no training moves.
    public mutating func add(
        _ operation: some GraphOperation, named name: String, _ inputs: [Graph.Value], keys: [String: String] = [:],
        constants: Set<String> = []
    ) throws(ShapeError) -> Graph.Value {
        guard !names.contains(name) else {
            throw ShapeError(name, "there is a node of this name already; give each node its own")
        }
        guard inputs.allSatisfy({ $0.index <= nodes.count }) else {
            throw ShapeError(name, "an input is not a value of this builder")
        }
        let shapes = inputs.map { shape(of: $0) }
        let output = try operation.outputShape(for: shapes, node: name)
        let node = Graph.Node(
            name: name, operation: operation, inputs: inputs, inputShapes: shapes, shape: output,
            parameters: operation.parameters(for: shapes).map { constants.contains($0.name) ? $0.untrained : $0 },
            state: operation.state(for: shapes), keys: keys)
        let tensorNames = node.parameters.map { node.key($0.name) } + node.state.map { node.key($0.name) }
        for (place, tensor) in tensorNames.enumerated()
        where tensors.contains(tensor) || tensorNames[..<place].contains(tensor) {
            throw ShapeError(name, "there is a tensor '\(tensor)' already; give each node's tensors their own names")
        }
        // Now that nothing can fail: after an error the names are still free.
        names.insert(name)
        tensors.formUnion(tensorNames)
        nodes.append(node)
        return Graph.Value(index: nodes.count)
    }

    /// The node that gives a value; nil for the network's input.
    public func node(of value: Graph.Value) -> Graph.Node? {
        value.index > 0 && value.index <= nodes.count ? nodes[value.index - 1] : nil
    }

    /// The finished network with a node's value as its output. Nodes that have no part in it are left out.
    /// - Throws: ``ShapeError`` if the value is not one of a node of this builder.
    public func graph(output: Graph.Value) throws(ShapeError) -> Graph {
        guard node(of: output) != nil else {
            throw ShapeError("graph", "the output is not a node's value; a network needs at least one node")
        }
        return Graph(inputShape: inputShape, nodes: nodes).upTo(output.index - 1)
    }

    /// The finished network, whose output is the node added last.
    public func graph() throws(ShapeError) -> Graph {
        guard !nodes.isEmpty else { throw ShapeError("graph", "a network needs at least one node") }
        return Graph(inputShape: inputShape, nodes: nodes)
    }
}
