package import NeuralGraph

/// Which side of its kinks every unit of one pass is on.
///
/// A network of ReLUs is smooth while no unit crosses 0, and its gradient jumps where one does: a unit that rounding puts on
/// the other side changes the gradient of a deep network by a percent. So the engine is compared with a Double reference that
/// takes its gates from the engine's own pass; what is left to compare is smooth, whatever order the engine sums in.
package struct ReferenceGates: Sendable {
    /// Where the input of a ReLU lies.
    package enum Side: Sendable {
        /// Below 0: the output is 0.
        case below
        /// In between: the output is the input.
        case between
        /// Above the ceiling: the output is the ceiling.
        case above
    }

    /// The side of each unit of each ReLU, by the node's name.
    package var sides: [String: [Side]] = [:]
    /// The position among the input's numbers that each output of a max pooling takes, by the node's name.
    package var winners: [String: [Int]] = [:]

    /// Creates an empty set.
    package init() {}

    /// Reads the gates of a pass from its values.
    /// - Parameter value: the output of a node, or the network's input.
    package init(
        of graph: Graph, batch: Int, value: (Graph.Value) throws -> [Double]
    ) rethrows {
        for (index, node) in graph.nodes.enumerated() {
            switch node.operation {
            case let operation as ReLU:
                let ceiling = Double(operation.ceiling)
                sides[node.name] = try value(.output(of: index)).map {
                    $0 >= ceiling ? .above : $0 > 0 ? .between : .below
                }
            case let operation as Pooling where operation.method == .maximum:
                let shape = graph.shape(of: node.inputs[0])
                let input = ReferenceTensor(try value(node.inputs[0]), batch: batch, shape: shape)
                winners[node.name] = Reference.maximumPlaces(input, operation)
            default: break
            }
        }
    }

    /// The nodes whose outputs the gates are read from.
    package static func sources(of graph: Graph) -> Set<String> {
        var names: Set<String> = []
        for node in graph.nodes {
            if node.operation is ReLU { names.insert(node.name) }
            if let operation = node.operation as? Pooling, operation.method == .maximum, node.inputs[0].index > 0 {
                names.insert(graph.nodes[node.inputs[0].index - 1].name)
            }
        }
        return names
    }
}
