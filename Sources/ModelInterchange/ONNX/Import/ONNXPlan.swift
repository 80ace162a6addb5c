import ModelFiles
import NeuralGraph

/// The nodes of an ONNX graph that are imported, checked before anything is computed.
///
/// Functions are inlined, and nodes that the output does not depend on are dropped.
struct ONNXPlan {
    let inputName: String
    let outputName: String
    /// The nodes in topological order.
    private(set) var nodes: [ONNXNode] = []
    /// The stored tensors by name.
    private(set) var tensors: [String: ONNXTensor]
    /// The stored tensor's name for each name that `Identity` nodes give it.
    private(set) var aliases: [String: String] = [:]
    /// The operator set's version.
    let operatorSet: Int
    /// The batch size that the file was exported with; nil if it was exported for single examples.
    let batch: AxisLength?
    /// How many nodes read each value.
    private(set) var readers: [String: Int] = [:]
    /// The nodes that read each value.
    private(set) var consumers: [String: [Int]] = [:]

    /// The batch as the factor of an axis.
    var batchFactors: [ValueView.Factor] { batch.map { [.batch($0)] } ?? [] }

    /// Whether exactly one input reads a stored tensor.
    func isOwn(_ name: String) -> Bool { readers[name] == 1 && name != outputName }

    /// The only node that reads a value, if there is one.
    func onlyReader(of name: String) -> ONNXNode? {
        guard name != outputName, let readers = consumers[name], readers.count == 1 else { return nil }
        return nodes[readers[0]]
    }

    /// - Parameter output: the output's name.
    init(_ document: ONNXDocument, output: String, supported: (ONNXNode) -> Bool) throws {
        let graph = document.graph
        operatorSet = document.operatorSet
        var tensors: [String: ONNXTensor] = [:]
        for tensor in graph.initializers {
            guard !tensor.name.isEmpty else { throw ONNXProblem("a stored tensor has no name; the file is damaged") }
            guard tensors.updateValue(tensor, forKey: tensor.name) == nil else {
                throw ONNXProblem("there are two stored tensors named \(quoted(tensor.name)); the file is damaged")
            }
        }
        // Old files list stored tensors among the inputs too.
        let names = Set(tensors.keys)
        let inputs = graph.inputs.filter { !names.contains($0.name) }
        guard let input = inputs.first, inputs.count == 1, !input.name.isEmpty else {
            throw ONNXProblem(
                "the graph has \(inputs.count) inputs (\(inputs.map { quoted($0.name) }.joined(separator: ", "))); "
                    + "a classifier has one, the images")
        }
        self.tensors = tensors
        inputName = input.name
        outputName = output
        batch = try Self.batch(input)
        var inliner = ONNXFunctionInliner(document)
        let all = try hoistConstants(of: inliner.inlined(graph.nodes))
        try sort(all)
        if let node = nodes.first(where: { !supported($0) }) { throw Self.unsupported(node, all: nodes, supported) }
        count()
    }

    /// Treats the tensors of the graph's `Constant` nodes as stored ones, since some exporters keep all weights there.
    /// - Returns: the other nodes.
    private mutating func hoistConstants(of all: [ONNXNode]) throws -> [ONNXNode] {
        var rest: [ONNXNode] = []
        for node in all {
            guard node.operation == "Constant", node.domain.isEmpty, node.field != nil, node.attributes.count == 1,
                case .tensor(let tensor)? = node.attributes["value"], node.outputs.count == 1, !node.outputs[0].isEmpty
            else {
                rest.append(node)
                continue
            }
            guard tensors.updateValue(tensor, forKey: node.outputs[0]) == nil, node.outputs[0] != inputName else {
                throw ONNXProblem(node, "gives \(quoted(node.outputs[0])), which is given twice; the file is damaged")
            }
        }
        return rest
    }

    private static func batch(_ input: ONNXValue) throws -> AxisLength? {
        guard let axes = input.axes, let first = axes.first, axes.count >= 2 else {
            throw ONNXProblem(
                "the input \(quoted(input.name)) has no declared shape with a batch axis and one more; "
                    + "export the model with an example input")
        }
        switch first {
        case .named: return AxisLength(1, hasBatch: true)
        case .fixed(1): return nil
        case .fixed(let count):
            guard (1...65_536).contains(count) else {
                throw ONNXProblem(
                    "the input \(quoted(input.name)) has a batch of \(count); export it with a batch of 1")
            }
            return AxisLength(count)
        }
    }

    private static func unsupported(
        _ node: ONNXNode, all: [ONNXNode], _ supported: (ONNXNode) -> Bool
    ) -> ONNXProblem {
        let others = Set(all.filter { !supported($0) }.map(\.operation)).subtracting([node.operation]).sorted()
        let more = others.isEmpty ? "" : " (as are \(others.joined(separator: ", ")))"
        return ONNXProblem(
            node,
            "is an operator that is not supported\(more); export the model without it, or build the network in Swift")
    }

    /// Sorts the nodes that the output depends on topologically.
    private mutating func sort(_ all: [ONNXNode]) throws {
        var makers: [String: Int] = [:]
        for (index, node) in all.enumerated() {
            for output in node.outputs where !output.isEmpty {
                guard makers.updateValue(index, forKey: output) == nil, tensors[output] == nil, output != inputName
                else {
                    throw ONNXProblem(node, "gives \(quoted(output)), which is given twice; the file is damaged")
                }
            }
        }
        guard makers[outputName] != nil else {
            throw ONNXProblem("no node gives the output \(quoted(outputName)); the file is damaged")
        }
        // Depth first without recursion, so that no chain of nodes exhausts the stack.
        enum State { case new, open, done }
        var states = [State](repeating: .new, count: all.count)
        var stack = [makers[outputName] ?? 0]
        var order: [Int] = []
        while let index = stack.last {
            guard states[index] != .done else {
                stack.removeLast()
                continue
            }
            states[index] = .open
            var waits = false
            for name in all[index].inputs where !name.isEmpty {
                guard let maker = makers[name] else {
                    guard tensors[name] != nil || name == inputName else {
                        throw ONNXProblem(all[index], "reads \(quoted(name)), which nothing gives; the file is damaged")
                    }
                    continue
                }
                if states[maker] == .done { continue }
                guard states[maker] == .new else {
                    throw ONNXProblem(
                        all[index], "reads \(quoted(name)), which depends on this node itself; a graph has no cycles")
                }
                stack.append(maker)
                waits = true
            }
            guard !waits else { continue }
            states[index] = .done
            stack.removeLast()
            order.append(index)
        }
        // The file's own order, where it is one.
        let isSorted = order.allSatisfy { index in all[index].inputs.allSatisfy { (makers[$0] ?? -1) < index } }
        nodes = (isSorted ? order.sorted() : order).map { all[$0] }
    }

    /// Counts the readers of each value; an `Identity` of a stored tensor is another name for it, and also a reader.
    private mutating func count() {
        for (index, node) in nodes.enumerated() {
            for input in Set(node.inputs) where !input.isEmpty { consumers[input, default: []].append(index) }
            if node.operation == "Identity", let source = node.inputs.first, let name = node.outputs.first {
                let root = aliases[source] ?? source
                if let tensor = tensors[root], tensor.scalarType.isFloat {
                    aliases[name] = root
                    continue
                }
            }
            for input in node.inputs where !input.isEmpty { readers[input, default: 0] += 1 }
        }
    }
}
