import Foundation
import ModelFiles
import NeuralGraph

/// Writes a network as an ONNX graph for operator set 17.
///
/// ONNX images are `[N, C, H, W]`, the engine's are channels-last. Each value is written in the layout that its ONNX
/// operator has, and a `Transpose` converts it where the next operator needs the other; element-wise operators accept
/// either layout.
struct ONNXExporter {
    /// The version of the operators that are written.
    static let operatorSet = 17
    /// The version of the file's structure that goes with it.
    static let structure = 8

    /// The position of a value's channels.
    enum Order {
        /// First, as in ONNX images.
        case channelsFirst
        /// Last, as in the engine.
        case channelsLast
    }

    /// A value of the graph in the file.
    struct Exported {
        var name: String
        var order: Order
    }

    let model: Model
    /// Whether operators of newer sets are used, by a writer of another format that has them.
    let usesNewerOperators: Bool
    private var graph = WireWriter()
    private var names: Set<String>
    private var values: [Graph.Value: Exported] = [:]
    private var turned: [String: String] = [:]
    private var integerConstants: [[Int]: String] = [:]
    private var written: Set<String> = []

    private init(_ model: Model, usingNewerOperators: Bool = false) {
        self.model = model
        usesNewerOperators = usingNewerOperators
        names = Set(model.stateDictionary.keys).union(["input", "output"])
    }

    /// Writes a model, whole or not at all.
    static func write(_ model: Model, to url: URL) throws {
        var exporter = ONNXExporter(model)
        let bytes = try exporter.encoded()
        guard bytes.count < Int(Int32.max) else {
            throw ONNXProblem("the model takes \(bytes.count) bytes, and an ONNX file has at most \(Int32.max)")
        }
        let file = try AtomicFile(replacing: url)
        try file.append(bytes)
        try file.commit()
    }

    /// The file's bytes.
    /// - Parameter usingNewerOperators: whether `Gelu` and `Swish` are used, which the operator set does not have.
    static func bytes(of model: Model, usingNewerOperators: Bool) throws -> [UInt8] {
        var exporter = ONNXExporter(model, usingNewerOperators: usingNewerOperators)
        return try exporter.encoded()
    }

    private mutating func encoded() throws -> [UInt8] {
        let input = model.graph.inputShape
        values[.input] = Exported(name: "input", order: input.rank == 3 ? .channelsFirst : .channelsLast)
        graph.string(2, "network")
        for (index, node) in model.graph.nodes.enumerated() {
            values[Graph.Value.output(of: index)] = try export(node)
        }
        let last = Graph.Value.output(of: model.graph.nodes.count - 1)
        try finish(last)
        graph.content(
            11, Self.declaration("input", input.rank == 3 ? [input[2], input[0], input[1]] : input.dimensions))
        graph.content(12, Self.declaration("output", model.graph.outputShape.dimensions))

        var file = WireWriter()
        file.integer(1, Self.structure)
        file.string(2, "Unlearning")
        file.content(7, graph.bytes)
        file.message(8) { $0.integer(2, Self.operatorSet) }
        let description = ModelDescription(
            metadata: model.metadata, inputShape: input.dimensions, classes: model.classCount)
        for (key, value) in try description.properties().sorted(by: { $0.key < $1.key }) {
            file.message(14) { entry in
                entry.string(1, key)
                entry.string(2, value)
            }
        }
        return file.bytes
    }

    /// Names the network's output.
    private mutating func finish(_ value: Graph.Value) throws {
        let name = try self.name(of: value, .channelsLast)
        write("Identity", [name], ["output"], named: unique("output"))
    }

    // MARK: Values

    /// A value's shape here.
    func shape(_ value: Graph.Value) -> TensorShape { model.graph.shape(of: value) }

    /// A value as it was exported.
    func exported(_ value: Graph.Value, for node: Graph.Node) throws -> Exported {
        guard let exported = values[value] else { throw ONNXProblem("node \(quoted(node.name)) reads no value") }
        return exported
    }

    /// A value's name in a wanted order; it is turned if it was exported in the other.
    mutating func name(of value: Graph.Value, _ order: Order) throws -> String {
        guard let exported = values[value] else { throw ONNXProblem("a node reads no value") }
        let rank = shape(value).rank
        guard exported.order != order, rank > 1 else { return exported.name }
        return turn(exported.name, rank: rank, to: order)
    }

    /// A tensor with a batch axis and others, transposed.
    mutating func turn(_ name: String, rank: Int, to order: Order) -> String {
        let key = name + (order == .channelsFirst ? " first" : " last")
        if let known = turned[key] { return known }
        let axes = Array(1...rank)
        let order = order == .channelsFirst ? [0, rank] + axes.dropLast() : [0] + axes.dropFirst().map { $0 } + [1]
        let result = add("Transpose", [name], named: name + ".turned") { $0.attribute("perm", order) }
        turned[key] = result
        return result
    }

    /// The number of an axis there.
    func axis(_ axis: Int, rank: Int, _ order: Order) -> Int {
        let axis = axis < 0 ? axis + rank : axis
        guard order == .channelsFirst else { return axis + 1 }
        return axis == rank - 1 ? 1 : axis + 2
    }

    // MARK: Tensors

    /// The name of a node's parameter or state tensor, which is written if it is not there yet.
    mutating func tensor(_ node: Graph.Node, _ name: String) throws -> String {
        let key = node.key(name)
        guard let tensor = model.parameters[key] ?? model.state[key] else {
            throw ONNXProblem("node \(quoted(node.name)) has no tensor \(quoted(key))")
        }
        if written.insert(key).inserted { writeTensor(key, tensor.shape.dimensions, tensor.elements) }
        return key
    }

    /// A tensor of numbers.
    mutating func constant(_ elements: [Float], _ dimensions: [Int], named name: String) -> String {
        let name = unique(name)
        writeTensor(name, dimensions, elements)
        return name
    }

    /// One number.
    mutating func scalar(_ value: Float, named name: String) -> String { constant([value], [], named: name) }

    /// A list of integers.
    mutating func integers(_ values: [Int]) -> String {
        if let known = integerConstants[values] { return known }
        let name = unique("integers." + values.map(String.init).joined(separator: "_"))
        var raw = WireWriter()
        for value in values { raw.append(Int64(value)) }
        graph.message(5) { tensor in
            tensor.packed(1, [values.count])
            tensor.integer(2, ONNXScalarType.int64.rawValue)
            tensor.string(8, name)
            tensor.content(9, raw.bytes)
        }
        integerConstants[values] = name
        return name
    }

    private mutating func writeTensor(_ name: String, _ dimensions: [Int], _ elements: [Float]) {
        var raw = WireWriter()
        for element in elements { raw.append(element.bitPattern) }
        graph.message(5) { tensor in
            tensor.packed(1, dimensions)
            tensor.integer(2, ONNXScalarType.float32.rawValue)
            tensor.string(8, name)
            tensor.content(9, raw.bytes)
        }
    }

    // MARK: Nodes

    /// Adds a node with one output.
    /// - Returns: the output's name, which is the node's.
    mutating func add(
        _ operation: String, _ inputs: [String], named name: String, _ attributes: (inout WireWriter) -> Void = { _ in }
    ) -> String {
        let name = unique(name)
        write(operation, inputs, [name], named: name, attributes)
        return name
    }

    /// Adds a node with several outputs.
    mutating func add(
        _ operation: String, _ inputs: [String], outputs count: Int, named name: String,
        _ attributes: (inout WireWriter) -> Void = { _ in }
    ) -> [String] {
        let outputs = (0..<count).map { unique("\(name).\($0)") }
        write(operation, inputs, outputs, named: unique(name), attributes)
        return outputs
    }

    private mutating func write(
        _ operation: String, _ inputs: [String], _ outputs: [String], named name: String,
        _ attributes: (inout WireWriter) -> Void = { _ in }
    ) {
        graph.message(1) { node in
            for input in inputs { node.string(1, input) }
            for output in outputs { node.string(2, output) }
            node.string(3, name)
            node.string(4, operation)
            attributes(&node)
        }
    }

    private mutating func unique(_ name: String) -> String {
        var candidate = name.isEmpty ? "node" : name
        var number = 2
        while !names.insert(candidate).inserted {
            candidate = "\(name)_\(number)"
            number += 1
        }
        return candidate
    }

    private static func declaration(_ name: String, _ lengths: [Int]) -> [UInt8] {
        var value = WireWriter()
        value.string(1, name)
        value.message(2) { type in
            type.message(1) { tensor in
                tensor.integer(1, ONNXScalarType.float32.rawValue)
                tensor.message(2) { shape in
                    shape.message(1) { $0.string(2, "N") }
                    for length in lengths { shape.message(1) { $0.integer(1, length) } }
                }
            }
        }
        return value.bytes
    }
}

extension WireWriter {
    /// Writes a node's whole-number attribute.
    package mutating func attribute(_ name: String, _ value: Int) {
        message(5) { attribute in
            attribute.string(1, name)
            attribute.integer(3, value)
            attribute.integer(20, 2)
        }
    }

    /// Writes a node's list of integers.
    package mutating func attribute(_ name: String, _ values: [Int]) {
        message(5) { attribute in
            attribute.string(1, name)
            for value in values { attribute.integer(8, value) }
            attribute.integer(20, 7)
        }
    }

    /// Writes a node's number.
    package mutating func attribute(_ name: String, _ value: Float) {
        message(5) { attribute in
            attribute.string(1, name)
            attribute.float(2, value)
            attribute.integer(20, 1)
        }
    }

    /// Writes a node's word.
    package mutating func attribute(_ name: String, _ value: String) {
        message(5) { attribute in
            attribute.string(1, name)
            attribute.string(4, value)
            attribute.integer(20, 3)
        }
    }
}
