/// The nodes that read each value of a graph, in the forward and in the backward pass.
struct ValueReaders {
    /// Whether each value needs a gradient, the graph's input first.
    let needsGradient: [Bool]
    /// Whether each node has a backward pass.
    let runsBackward: [Bool]
    /// The nodes whose forward passes read each value.
    let forward: [[Int]]
    /// The nodes whose backward passes read each value, in the order in which they run: the last node first.
    let backward: [[Int]]

    init(graph: Graph, kernels: [any Kernel], request: GradientRequest) {
        let nodes = graph.nodes
        var consumers = [[Int]](repeating: [], count: nodes.count + 1)
        for (index, node) in nodes.enumerated() {
            for input in node.inputs { consumers[input.index].append(index) }
        }
        // A value needs a gradient if something wanted lies upstream of it.
        var needs = [request.input]
        for node in nodes {
            needs.append(request.wantsParameters(of: node) || node.inputs.contains { needs[$0.index] })
        }
        // A node that leads nowhere gets no gradient from downstream.
        var reachesOutput = [Bool](repeating: false, count: nodes.count)
        for index in nodes.indices.reversed() {
            reachesOutput[index] =
                index == nodes.count - 1 || consumers[index + 1].contains { reachesOutput[$0] }
        }
        let runsBackward = nodes.indices.map { needs[$0 + 1] && reachesOutput[$0] }

        var readers = [[Int]](repeating: [], count: nodes.count + 1)
        for index in nodes.indices.reversed() where runsBackward[index] {
            let reads = kernels[index].backwardReads
            for (position, input) in nodes[index].inputs.enumerated()
            where reads.contains(.inputs) || reads.contains(.firstInput) && position == 0 {
                // A value may be an input twice.
                if readers[input.index].last != index { readers[input.index].append(index) }
            }
            if reads.contains(.output) { readers[index + 1].append(index) }
        }
        needsGradient = needs
        self.runsBackward = runsBackward
        forward = consumers
        backward = readers
    }

    /// The last node whose forward pass reads a value, or the one that writes it.
    func lastInForwardPass(_ value: Int) -> Int { max(value - 1, forward[value].last ?? 0) }

    /// The nodes whose backward passes read a value, in groups of near ones: first the group whose passes run first.
    func backwardGroups(_ value: Int) -> [ClosedRange<Int>] {
        var groups: [ClosedRange<Int>] = []
        for reader in backward[value] {
            if let group = groups.last, group.lowerBound - reader <= Self.nearNodes {
                groups[groups.count - 1] = reader...group.upperBound
            } else {
                groups.append(reader...reader)
            }
        }
        return groups
    }

    /// Nodes between two readers up to which a restored value waits for the second one.
    private static let nearNodes = 2
}
