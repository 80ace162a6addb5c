import CMeasurement
import Unlearning

/// A layer of products of a network, measured by itself.
public struct Layer: Sendable {
    /// What distinguishes it from other layers of the same network.
    public let name: String
    /// How many layers of the network are the same.
    public fileprivate(set) var count: Int
    private let node: Graph.Node

    /// A network's layers of products, each kind once, in the order in which they first occur.
    public static func all(of network: String, imageSize: Int) throws -> [Layer] {
        let graph = try Workloads.network(network).graph(inputShape: [imageSize, imageSize, 3], classes: 10)
        var layers: [Layer] = []
        for node in graph.nodes where ["Convolution", "Linear", "Attention"].contains(node.operation.kind) {
            let layer = Layer(node)
            if let known = layers.firstIndex(where: { $0.name == layer.name }) {
                layers[known].count += 1
            } else {
                layers.append(layer)
            }
        }
        return layers
    }

    private init(_ node: Graph.Node) {
        self.node = node
        count = 1
        // [outputs, inputs, height, width], [outputs, inputs], or nothing
        let weights = node.parameters.first?.shape.dimensions ?? []
        let kernel = weights.count == 4 ? " \(weights[2])x\(weights[3])" : ""
        name = "\(node.operation.kind)\(kernel) \(node.inputShapes[0]) to \(node.shape)"
    }

    /// Seconds of processor time and floating-point operations of a pass.
    public struct Speed: Sendable {
        /// The algorithms that the plan picked for the three passes.
        public let algorithm: String
        /// The fastest of several passes.
        public fileprivate(set) var seconds = Double.infinity
        /// Products of the definition.
        public let operations: Double
    }

    /// Measures forward and backward pass, both gradients, on one thread.
    /// - Parameter budget: seconds for each of them.
    public func measure(
        batch: Int, precision: Precision, budget: Double
    ) throws -> (forward: Speed, backward: Speed) {
        var builder = GraphBuilder(inputShape: node.inputShapes[0])
        _ = try builder.add(node.operation, named: "layer", builder.input)
        let graph = try builder.graph()
        let executor = Executor(
            model: Model(graph: graph, seed: 1), batchCapacity: batch, computing: .both,
            threads: ThreadTeam(workers: 1), precision: precision)
        executor.input.fillWithNoise()
        executor.outputGradient.fillWithNoise()
        let operations = Double(batch) * graph.directOperations()
        let algorithm = executor.algorithms.first ?? ""
        var forward = Speed(algorithm: algorithm, operations: operations)
        var backward = Speed(
            algorithm: algorithm, operations: Double(batch) * graph.directOperations(computing: .both) - operations)
        try Self.repeating(budget, &forward) { try executor.forward(batch: batch, mode: .training) }
        try Self.repeating(budget, &backward) { try executor.backward() }
        return (forward, backward)
    }

    private static func repeating(_ budget: Double, _ speed: inout Speed, _ pass: () throws -> Void) throws {
        let start = cm_thread_seconds()
        var before = start
        repeat {
            try pass()
            let now = cm_thread_seconds()
            speed.seconds = min(speed.seconds, now - before)
            before = now
        } while before - start < budget
    }
}
