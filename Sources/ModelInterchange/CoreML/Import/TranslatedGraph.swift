import NeuralGraph

/// An ONNX graph that is put together from another format's operations, so that one importer reads both.
struct TranslatedGraph {
    /// The version of the standard operators that are used.
    static let operatorSet = 24

    private(set) var graph = ONNXGraph()
    /// What is translated now, for messages.
    var place = ""
    /// The name of what is translated now.
    var name = ""
    private var names: Set<String>

    /// - Parameter names: the names that the file has for its values.
    init(names: Set<String>) {
        self.names = names
    }

    /// The graph as a document.
    func document(structure: Int, properties: [String: String]) -> ONNXDocument {
        var document = ONNXDocument()
        document.structure = structure
        document.operatorSets = ["": Self.operatorSet]
        document.graph = graph
        document.properties = properties
        return document
    }

    // MARK: Values

    /// Declares an input; nil for an axis that is open.
    mutating func declareInput(_ name: String, _ axes: [Int?]) {
        graph.inputs.append(Self.value(name, axes))
    }

    mutating func declareOutput(_ name: String, _ axes: [Int?]?) {
        graph.outputs.append(Self.value(name, axes))
    }

    private static func value(_ name: String, _ axes: [Int?]?) -> ONNXValue {
        ONNXValue(
            name: name, scalarType: ONNXScalarType.float32.rawValue,
            axes: axes.map { $0.map { length in length.map { .fixed($0) } ?? .named("") } })
    }

    /// Adds a stored tensor.
    mutating func store(_ tensor: ONNXTensor) { graph.initializers.append(tensor) }

    /// Integers that the file has as a setting.
    mutating func integers(_ values: [Int], shape: [Int]? = nil) -> String {
        var writer = WireWriter()
        for value in values { writer.append(Int64(value)) }
        return memory(.int64, shape ?? [values.count], writer.bytes)
    }

    /// Numbers that the file has as a setting, or does not have.
    mutating func numbers(_ values: [Float], shape: [Int]? = nil) -> String {
        var writer = WireWriter()
        for value in values { writer.append(value.bitPattern) }
        return memory(.float32, shape ?? [values.count], writer.bytes)
    }

    /// One number.
    mutating func number(_ value: Float) -> String { numbers([value], shape: []) }

    private mutating func memory(_ type: ONNXScalarType, _ shape: [Int], _ bytes: [UInt8]) -> String {
        let name = unique("\(self.name).setting")
        store(
            ONNXTensor(name: name, scalarType: type, dimensions: shape, storage: .memory(bytes), message: 0..<0))
        return name
    }

    // MARK: Nodes

    /// Adds a node that gives values of the file.
    mutating func add(
        _ operation: String, _ inputs: [String], to outputs: [String], _ attributes: [String: ONNXAttribute] = [:]
    ) {
        graph.nodes.append(
            ONNXNode(
                name: name, operation: operation, domain: "", inputs: inputs, outputs: outputs, attributes: attributes,
                field: nil, operatorSet: Self.operatorSet, foreignPlace: place))
    }

    /// Adds a node that gives a value between others.
    /// - Returns: the value's name.
    mutating func add(
        _ operation: String, _ inputs: [String], _ attributes: [String: ONNXAttribute] = [:]
    ) -> String {
        let output = unique("\(name).\(operation)")
        add(operation, inputs, to: [output], attributes)
        return output
    }

    /// A name that nothing has yet.
    mutating func unique(_ name: String) -> String {
        var candidate = name
        var number = 2
        while !names.insert(candidate).inserted {
            candidate = "\(name).\(number)"
            number += 1
        }
        return candidate
    }
}
