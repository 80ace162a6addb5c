/// Replaces calls of a model's functions by the functions' nodes.
struct ONNXFunctionInliner {
    /// The most nodes that a graph may have after inlining.
    ///
    /// Without a limit, a few functions that call each other twice could need more than any memory.
    static let maximumNodes = 200_000
    /// The deepest nesting of function calls.
    static let deepest = 64

    private struct Key: Hashable {
        let domain: String
        let name: String
    }

    private let functions: [Key: ONNXFunction]
    private var calls = 0
    /// The bytes left for new names.
    private var namesLeft = 1 << 28

    init(_ document: ONNXDocument) {
        functions = Dictionary(
            document.functions.map { (Key(domain: $0.domain, name: $0.name), $0) },
            uniquingKeysWith: { first, _ in first })
    }

    /// The nodes with all function calls inlined, nested ones included.
    mutating func inlined(_ nodes: [ONNXNode]) throws -> [ONNXNode] {
        guard !functions.isEmpty else { return nodes }
        var result: [ONNXNode] = []
        // A stack instead of recursion; a function that calls itself ends at the limit of depth.
        var rest = nodes.reversed().map { (node: $0, depth: 0) }
        while let (node, depth) = rest.popLast() {
            guard depth < Self.deepest, result.count + rest.count < Self.maximumNodes, calls < Self.maximumNodes else {
                throw ONNXProblem(
                    node,
                    "stands for more than \(Self.maximumNodes) nodes or \(Self.deepest) functions in each other; "
                        + "does a function call itself?")
            }
            if let function = functions[Key(domain: node.domain, name: node.operation)] {
                rest += try body(of: function, for: node).reversed().map { ($0, depth + 1) }
            } else {
                result.append(node)
            }
        }
        return result
    }

    private mutating func body(of function: ONNXFunction, for call: ONNXNode) throws -> [ONNXNode] {
        calls += 1
        let prefix = "\(call.label.prefix(80))/\(calls)/"
        var names: [String: String] = ["": ""]
        for (position, name) in function.inputs.enumerated() { names[name] = call.input(position) ?? "" }
        for (position, name) in function.outputs.enumerated() where position < call.outputs.count {
            names[name] = call.outputs[position]
        }
        return try function.nodes.map { node in
            var node = node
            node.name = prefix + node.label
            node.field = nil
            node.inputs = node.inputs.map { names[$0] ?? prefix + $0 }
            node.outputs = node.outputs.map { names[$0] ?? prefix + $0 }
            var attributes: [String: ONNXAttribute] = [:]
            for (key, value) in node.attributes {
                if case .reference(let name) = value {
                    attributes[key] = call.attributes[name] ?? function.defaults[name]
                } else {
                    attributes[key] = value
                }
            }
            node.attributes = attributes
            namesLeft -= (node.inputs + node.outputs + [node.name]).reduce(0) { $0 + $1.utf8.count }
            guard namesLeft > 0 else { throw ONNXProblem(call, "stands for nodes whose names fill memory") }
            return node
        }
    }
}
