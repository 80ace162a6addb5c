extension Graph {
    /// The same network with slices moved up, to before the operations of whose results they leave most out.
    ///
    /// The last block of a transformer that classifies by one token computes this token alone: its attention has one query, and
    /// everything behind the attention has one position. Nodes keep their names, parameters and order.
    /// - Parameter nodes: nodes whose outputs are read after the pass too, and stay whole.
    /// - Returns: the network, and the place in it of each value of this one that is still computed.
    func selectingEarly(keeping nodes: Set<Int>) -> (graph: Graph, values: [Int: Graph.Value]) {
        EarlySelection(graph: self, kept: nodes).rebuilt()
    }
}

private struct EarlySelection {
    /// What of a value is read.
    private enum Demand: Equatable {
        case all
        case part(Selection)
    }

    private struct Choice {
        let selection: Selection
        let selected: SelectedOperation
    }

    private struct Part: Hashable {
        let value: Int
        let selection: Selection
    }

    let graph: Graph
    /// The nodes that compute a part of their output.
    private var choices: [Int: Choice] = [:]

    init(graph: Graph, kept: Set<Int>) {
        self.graph = graph
        var demands = [Demand?](repeating: nil, count: graph.nodes.count + 1)
        for node in kept { demands[node + 1] = .all }
        demands[graph.nodes.count] = .all
        func read(_ value: Graph.Value, _ demand: Demand) {
            demands[value.index] = demands[value.index].map { $0 == demand ? demand : .all } ?? demand
        }
        for (index, node) in graph.nodes.enumerated().reversed() {
            if let selection = Self.selection(of: node) {
                read(node.inputs[0], .part(selection))
            } else if case .part(let selection)? = demands[index + 1],
                let selected = (node.operation as? any SelectiveOperation)?
                    .selecting(selection, inputs: node.inputShapes, output: node.shape)
            {
                choices[index] = Choice(selection: selection, selected: selected)
                for (input, isPart) in zip(node.inputs, selected.readsSelection) {
                    read(input, isPart ? .part(selection) : .all)
                }
            } else {
                for input in node.inputs { read(input, .all) }
            }
        }
        // What is elementwise alone costs little, or nothing where it is fused with what comes before.
        let isWorthIt = choices.keys.contains {
            (graph.nodes[$0].operation as? any SelectiveOperation)?.isElementwise == false
        }
        if !isWorthIt { choices = [:] }
    }

    /// What a slice leaves of its input, if that is half of it at most.
    private static func selection(of node: Graph.Node) -> Selection? {
        guard let slice = node.operation as? Slice, let shape = node.inputShapes.first else { return nil }
        let axis = slice.axis < 0 ? slice.axis + shape.rank : slice.axis
        guard 2 * slice.count <= shape[axis] else { return nil }
        return Selection(axis: axis, start: slice.start, count: slice.count, step: slice.step)
    }

    func rebuilt() -> (graph: Graph, values: [Int: Graph.Value]) {
        var values = [0: Graph.Value.input]
        guard !choices.isEmpty else {
            for index in 0...graph.nodes.count { values[index] = Graph.Value(index: index) }
            return (graph, values)
        }
        var nodes: [Graph.Node] = []
        var parts: [Part: Graph.Value] = [:]
        var names = Set(graph.nodes.map(\.name))
        func add(_ node: Graph.Node) -> Graph.Value {
            nodes.append(node)
            return Graph.Value(index: nodes.count)
        }
        /// The part of a value of the old network, sliced where the whole is computed.
        func part(_ old: Graph.Value, _ selection: Selection) -> Graph.Value? {
            let key = Part(value: old.index, selection: selection)
            if let value = parts[key] { return value }
            guard let whole = values[old.index] else { return nil }
            var name = (old.index == 0 ? "input" : graph.nodes[old.index - 1].name) + ".selection"
            while !names.insert(name).inserted { name += "'" }
            let shape = graph.shape(of: old)
            let value = add(
                Graph.Node(
                    name: name, operation: Slice(selection), inputs: [whole], inputShapes: [shape],
                    shape: shape.selecting(selection), parameters: [], state: []))
            parts[key] = value
            return value
        }
        for (index, node) in graph.nodes.enumerated() {
            if let choice = choices[index] {
                let inputs = zip(node.inputs, choice.selected.readsSelection).compactMap { input, isPart in
                    isPart ? part(input, choice.selection) : values[input.index]
                }
                let shapes = zip(node.inputShapes, choice.selected.readsSelection).map { shape, isPart in
                    isPart ? shape.selecting(choice.selection) : shape
                }
                parts[Part(value: index + 1, selection: choice.selection)] = add(
                    node.replacing(
                        choice.selected.operation, inputs: inputs, inputShapes: shapes,
                        shape: node.shape.selecting(choice.selection)))
            } else if let selection = Self.selection(of: node), values[node.inputs[0].index] == nil,
                let selected = part(node.inputs[0], selection)
            {
                // The last node's value is the network's, so that there has to be a node.
                values[index + 1] =
                    index < graph.nodes.count - 1
                    ? selected
                    : add(
                        node.replacing(
                            Reshape(shape: node.shape), inputs: [selected], inputShapes: [node.shape],
                            shape: node.shape))
            } else {
                values[index + 1] = add(
                    node.replacing(
                        node.operation, inputs: node.inputs.compactMap { values[$0.index] },
                        inputShapes: node.inputShapes, shape: node.shape))
            }
        }
        return (Graph(inputShape: graph.inputShape, nodes: nodes), values)
    }
}

extension Graph.Node {
    /// The same node with another operation, which has the same parameters.
    fileprivate func replacing(
        _ operation: any GraphOperation, inputs: [Graph.Value], inputShapes: [TensorShape], shape: TensorShape
    ) -> Graph.Node {
        Graph.Node(
            name: name, operation: operation, inputs: inputs, inputShapes: inputShapes, shape: shape,
            parameters: parameters, state: state, keys: keys)
    }
}

extension TensorShape {
    fileprivate func selecting(_ selection: Selection) -> TensorShape {
        replacing(selection.axis, by: selection.count)
    }
}

extension Slice {
    fileprivate init(_ selection: Selection) {
        self.init(axis: selection.axis, start: selection.start, count: selection.count, step: selection.step)
    }
}
