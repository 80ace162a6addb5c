/// Builds a ``Graph`` node by node, and checks shapes on the way.
///
/// Each method adds a layer and returns its output. Shapes leave out the batch and are channels-last:
///
/// ```swift
/// var net = GraphBuilder(inputShape: [32, 32, 3])
/// var x = net.input
/// x = try net.convolution(x, named: "conv", channels: 16, kernelSize: 3, padding: 1)  // [32, 32, 16]
/// x = try net.relu(x, named: "relu")
/// x = try net.globalAveragePool(x, named: "pool")  // [16]
/// _ = try net.linear(x, named: "head", outputs: 10)  // [10]
/// let graph = try net.graph()
/// ```
public struct GraphBuilder {
    /// The network's input.
    public let input = Graph.Value(index: 0)
    private let inputShape: TensorShape
    private var nodes: [Graph.Node] = []
    private var names: Set<String> = []
    private var tensors: Set<String> = []
    /// The names of the scopes that are open, joined by dots.
    private var prefix = ""

    /// Starts a network over examples of one shape, `[height, width, channels]` for images.
    public init(inputShape: TensorShape) {
        self.inputShape = inputShape
    }

    /// The shape of a value for one example.
    public func shape(of value: Graph.Value) -> TensorShape {
        value.index == 0 ? inputShape : nodes[value.index - 1].shape
    }

    /// Adds nodes whose names begin with a common prefix: `conv1` in the scope `layer1.0` is `layer1.0.conv1`.
    ///
    /// ```swift
    /// x = try net.scope("layer1.0") { net in
    ///     let y = try net.convolution(x, named: "conv1", channels: 64, kernelSize: 3, padding: 1)
    ///     return try net.add(x, y, named: "add")
    /// }
    /// ```
    /// - Parameters:
    ///   - name: the prefix, without the dot that follows it. Scopes nest.
    ///   - body: adds the nodes and returns, for example, the last one's output.
    /// - Throws: the ``ShapeError`` that `body` throws; of any other error it throws, one with its description.
    public mutating func scope<Result>(
        _ name: String, _ body: (_ net: inout GraphBuilder) throws -> Result
    ) throws(ShapeError) -> Result {
        let outer = prefix
        prefix = qualified(name)
        defer { prefix = outer }
        // A closure's errors are typed only where it says so, which no call of a scope should have to.
        do {
            return try body(&self)
        } catch let error as ShapeError {
            throw error
        } catch {
            throw ShapeError(prefix, "\(error)")
        }
    }

    /// A name within the scopes that are open.
    private func qualified(_ name: String) -> String {
        prefix.isEmpty ? name : name.isEmpty ? prefix : "\(prefix).\(name)"
    }

    /// Adds a node.
    /// - Parameters:
    ///   - operation: what it computes.
    ///   - name: a name that no other node of the scope has; parameters are called `name.parameter`.
    ///   - inputs: values of this builder.
    /// - Throws: ``ShapeError`` if the inputs do not fit, or the name is taken.
    public mutating func add(
        _ operation: some GraphOperation, named name: String, _ inputs: Graph.Value...
    ) throws(ShapeError) -> Graph.Value {
        try add(operation, named: name, inputs)
    }

    /// Adds a node with any number of inputs; see ``add(_:named:_:)-(_,_,Graph.Value...)``.
    /// - Parameters:
    ///   - operation: what it computes.
    ///   - name: a name that no other node of the scope has.
    ///   - inputs: values of this builder.
    ///   - keys: names in the state dictionary for parameters and state tensors that are not called after the node,
    ///     such as `["weight": "pos_embed"]`; the scope comes before them too.
    ///   - constants: parameters of the node, such as `weight`, that training leaves as they are.
    public mutating func add(
        _ operation: some GraphOperation, named name: String, _ inputs: [Graph.Value], keys: [String: String] = [:],
        constants: Set<String> = []
    ) throws(ShapeError) -> Graph.Value {
        let name = qualified(name)
        guard !names.contains(name) else {
            throw ShapeError(name, "another node has this name already; give each node its own")
        }
        guard inputs.allSatisfy({ $0.index <= nodes.count }) else {
            throw ShapeError(name, "an input is not a value of this builder; use values that it returned")
        }
        let shapes = inputs.map { shape(of: $0) }
        let output = try operation.checked(try operation.outputShape(for: shapes, node: name), node: name)
        let node = Graph.Node(
            name: name, operation: operation, inputs: inputs, inputShapes: shapes, shape: output,
            parameters: operation.parameters(for: shapes).map { constants.contains($0.name) ? $0.untrained : $0 },
            state: operation.state(for: shapes), keys: keys.mapValues { qualified($0) })
        let tensorNames = node.parameters.map { node.key($0.name) } + node.state.map { node.key($0.name) }
        for (place, tensor) in tensorNames.enumerated()
        where tensors.contains(tensor) || tensorNames[..<place].contains(tensor) {
            throw ShapeError(name, "another tensor is called '\(tensor)' already; give each tensor its own name")
        }
        for parameter in node.parameters { try parameter.check(node: name) }
        // Nothing can fail from here on: after an error the names are still free.
        names.insert(name)
        tensors.formUnion(tensorNames)
        nodes.append(node)
        return Graph.Value(index: nodes.count)
    }

    /// The node that computes a value; nil for the network's input.
    package func node(of value: Graph.Value) -> Graph.Node? {
        value.index > 0 && value.index <= nodes.count ? nodes[value.index - 1] : nil
    }

    /// Finishes the network with a node's value as its output; nodes that the output does not depend on are left out.
    /// - Throws: ``ShapeError`` if the value is not a node's of this builder.
    public func graph(output: Graph.Value) throws(ShapeError) -> Graph {
        guard node(of: output) != nil else {
            throw ShapeError("graph", "the output is not a node's value; a network needs at least one node")
        }
        return Graph(inputShape: inputShape, nodes: nodes).upTo(output.index - 1)
    }

    /// Finishes the network, whose output is that of the node added last.
    /// - Throws: ``ShapeError`` if there is no node.
    public func graph() throws(ShapeError) -> Graph {
        guard !nodes.isEmpty else { throw ShapeError("graph", "a network needs at least one node") }
        return Graph(inputShape: inputShape, nodes: nodes)
    }
}
