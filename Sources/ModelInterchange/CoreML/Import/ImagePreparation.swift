import ModelFiles
import NeuralGraph

/// What a Core ML model does to its pictures before the first weight.
///
/// The model takes pixels from 0 to 255, scales them and adds a bias. Our networks take numbers that are prepared already:
/// the scale and bias become a normalization, and what computed them leaves the graph. Learned noise and other changes of
/// inputs then have the size that they are meant to have.
enum ImagePreparation {
    /// Takes a picture's preparation out of a graph.
    /// - Parameters:
    ///   - graph: the graph with one input.
    ///   - color: the order of the channels that the model takes.
    ///   - reader: reads the factors and addends.
    /// - Returns: the normalization in the order red, green, blue.
    static func remove(
        from graph: inout ONNXGraph, color: CoreMLFeature.ColorSpace, _ reader: ONNXTensorReader
    ) throws -> Normalization {
        let channels = [.rgb, .bgr].contains(color) ? 3 : 1
        let steps = try leadingSteps(of: graph, channels: channels, reader)
        var (scale, shift) = ([Double](repeating: 1, count: channels), [Double](repeating: 0, count: channels))
        for step in steps { step.apply(&scale, &shift) }
        if let last = steps.last?.output, scale.allSatisfy({ $0 > 0 && $0.isFinite }), shift.allSatisfy(\.isFinite) {
            let removed = Set(steps.map(\.output))
            graph.nodes.removeAll { removed.contains($0.outputs.first ?? "") }
            graph.inputs[0].name = last
        } else {
            (scale, shift) = ([Double](repeating: 1, count: channels), [Double](repeating: 0, count: channels))
        }
        if color == .bgr {
            exchangeChannels(&graph)
            scale.reverse()
            shift.reverse()
        }
        return Normalization(
            mean: zip(scale, shift).map { Float(-$1 / (255 * $0)) },
            standardDeviation: scale.map { Float(1 / (255 * $0)) })
    }

    /// One node that scales or shifts each channel.
    private struct Step {
        let output: String
        let operation: String
        /// The numbers, one or one for each channel; none for a node that changes nothing.
        let numbers: [Double]

        func apply(_ scale: inout [Double], _ shift: inout [Double]) {
            guard !numbers.isEmpty else { return }
            for channel in scale.indices {
                let number = numbers.count == 1 ? numbers[0] : numbers[channel]
                switch operation {
                case "Mul": (scale[channel], shift[channel]) = (scale[channel] * number, shift[channel] * number)
                case "Div": (scale[channel], shift[channel]) = (scale[channel] / number, shift[channel] / number)
                case "Sub": shift[channel] -= number
                default: shift[channel] += number
                }
            }
        }
    }

    /// The nodes from the input on, as long as each is the only one that reads the value before it.
    private static func leadingSteps(
        of graph: ONNXGraph, channels: Int, _ reader: ONNXTensorReader
    ) throws -> [Step] {
        guard var current = graph.inputs.first?.name else { return [] }
        var readers: [String: [Int]] = [:]
        for (index, node) in graph.nodes.enumerated() {
            for input in node.inputs where !input.isEmpty { readers[input, default: []].append(index) }
        }
        let tensors = Dictionary(graph.initializers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let outputs = Set(graph.outputs.map(\.name))
        var steps: [Step] = []
        while let nodes = readers[current], nodes.count == 1, !outputs.contains(current), steps.count < 16 {
            let node = graph.nodes[nodes[0]]
            guard let step = try step(node, reading: current, tensors, channels: channels, reader) else { break }
            steps.append(step)
            current = step.output
        }
        return steps
    }

    private static func step(
        _ node: ONNXNode, reading current: String, _ tensors: [String: ONNXTensor], channels: Int,
        _ reader: ONNXTensorReader
    ) throws -> Step? {
        guard let output = node.outputs.first, node.outputs.count == 1 else { return nil }
        switch node.operation {
        case "Identity": return Step(output: output, operation: "Identity", numbers: [])
        case "Cast":
            guard ONNXScalarType(rawValue: try node.integer("to") ?? 0)?.isFloat == true else { return nil }
            return Step(output: output, operation: "Cast", numbers: [])
        case "Mul", "Add", "Sub", "Div":
            let isCommutative = ["Mul", "Add"].contains(node.operation)
            guard node.inputs.count == 2, isCommutative || node.inputs[0] == current,
                let other = node.inputs.first(where: { $0 != current }), let tensor = tensors[other],
                tensor.scalarType.isFloat, tensor.count == 1 || isPerChannel(tensor.dimensions, channels)
            else { return nil }
            return Step(output: output, operation: node.operation, numbers: try reader.floats(tensor).map(Double.init))
        default: return nil
        }
    }

    /// Whether a shape is `[C, 1, 1]`, with or without an axis in front.
    private static func isPerChannel(_ dimensions: [Int], _ channels: Int) -> Bool {
        [[channels, 1, 1], [1, channels, 1, 1]].contains(dimensions)
    }

    /// Lets the network read pictures in the order red, green, blue.
    private static func exchangeChannels(_ graph: inout ONNXGraph) {
        let name = graph.inputs[0].name
        var taken = Set(graph.nodes.flatMap(\.outputs) + graph.initializers.map(\.name))
        taken.insert(name)
        func unique(_ base: String) -> String {
            var candidate = base
            while !taken.insert(candidate).inserted { candidate += "_" }
            return candidate
        }
        let (order, exchanged) = (unique(name + ".order"), unique(name + ".bgr"))
        for index in graph.nodes.indices {
            graph.nodes[index].inputs = graph.nodes[index].inputs.map { $0 == name ? exchanged : $0 }
        }
        var numbers = WireWriter()
        for channel in [2, 1, 0] { numbers.append(Int64(channel)) }
        graph.initializers.append(
            ONNXTensor(
                name: order, scalarType: .int64, dimensions: [3], storage: .memory(numbers.bytes), message: 0..<0))
        graph.nodes.insert(
            ONNXNode(
                name: exchanged, operation: "Gather", domain: "", inputs: [name, order], outputs: [exchanged],
                attributes: ["axis": .integer(1)], field: nil, operatorSet: TranslatedGraph.operatorSet,
                foreignPlace: "the order of the channels of \(quoted(name))"), at: 0)
    }
}
