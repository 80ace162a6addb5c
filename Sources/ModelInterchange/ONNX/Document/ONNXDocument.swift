/// What an ONNX file says, as far as it is read: https://github.com/onnx/onnx, `onnx.proto`. Numbers stay where they
/// are until they are asked for.
package struct ONNXDocument: Sendable {
    /// The newest version of the file's structure that is read.
    static let newestStructure = 14
    /// The versions of the standard operators that are read.
    package static let operatorSets = 7...28

    var structure = 0
    var producer = ""
    /// The version of each operator set by its domain; the standard one's is empty.
    var operatorSets: [String: Int] = [:]
    package var graph = ONNXGraph()
    var functions: [ONNXFunction] = []
    package var properties: [String: String] = [:]

    /// The version of the standard operators.
    var operatorSet: Int { operatorSets[""] ?? 1 }
}

/// A graph of an ONNX file.
package struct ONNXGraph: Sendable {
    package var nodes: [ONNXNode] = []
    package var initializers: [ONNXTensor] = []
    var inputs: [ONNXValue] = []
    var outputs: [ONNXValue] = []
}

/// A named value's type, as far as it is declared.
struct ONNXValue: Sendable {
    /// The length of an axis.
    enum Axis: Sendable, Hashable {
        case fixed(Int)
        case named(String)
    }

    var name = ""
    /// The number of the element type; 0 if the value is no tensor.
    var scalarType = 0
    /// The axes; nil if they are not declared.
    var axes: [Axis]?
}

/// A function of a model, which a node of its name stands for.
struct ONNXFunction: Sendable {
    var name = ""
    var domain = ""
    var overload = ""
    var inputs: [String] = []
    var outputs: [String] = []
    /// The defaults of its attributes.
    var defaults: [String: ONNXAttribute] = [:]
    var nodes: [ONNXNode] = []
    /// The version of the standard operators that its nodes are of; the graph's if nil.
    var operatorSet: Int?
}

extension ONNXDocument {
    /// Reads a document.
    package init(_ bytes: [UInt8]) throws(ONNXProblem) {
        var hasGraph = false
        var reader = WireReader(bytes, in: 0..<bytes.count)
        while let field = try reader.next() {
            switch field.number {
            case 1: structure = try field.integer("the version")
            case 2: producer = try bytes.text(field.content("the producer"))
            case 7:
                guard !hasGraph else { throw ONNXProblem("the file has two graphs; it is damaged") }
                hasGraph = true
                graph = try ONNXGraph(bytes, in: field.content("the graph"))
            case 8:
                let (domain, version) = try Self.operatorSet(bytes, in: field.content("an operator set"))
                operatorSets[domain] = version
            case 14:
                let (key, value) = try bytes.entry(field.content("a property"))
                properties[key] = try bytes.text(value)
            case 25: functions.append(try ONNXFunction(bytes, in: field.content("a function")))
            default: break
            }
        }
        guard hasGraph, structure > 0 else {
            throw ONNXProblem("the file has no graph or no version; it is not an ONNX file")
        }
        guard structure <= Self.newestStructure else {
            throw ONNXProblem(
                "the file has structure version \(structure), and up to \(Self.newestStructure) are read; "
                    + "export it for an older version")
        }
        for version in [operatorSet] + functions.compactMap(\.operatorSet) {
            guard Self.operatorSets.contains(version) else {
                throw ONNXProblem(
                    "the file is for operator set \(version), and sets \(Self.operatorSets.lowerBound) to "
                        + "\(Self.operatorSets.upperBound) are read; export it for one of them (torch.onnx.export: "
                        + "opset_version=17), or convert it (onnx.version_converter.convert_version(model, 17))")
            }
        }
        for index in graph.nodes.indices { graph.nodes[index].operatorSet = operatorSet }
        for function in functions.indices {
            let version = functions[function].operatorSet ?? operatorSet
            for index in functions[function].nodes.indices { functions[function].nodes[index].operatorSet = version }
        }
    }

    fileprivate static func operatorSet(
        _ bytes: [UInt8], in range: Range<Int>
    ) throws(ONNXProblem) -> (domain: String, version: Int) {
        var domain = ""
        var version = 1
        var reader = WireReader(bytes, in: range)
        while let field = try reader.next() {
            switch field.number {
            case 1: domain = try bytes.text(field.content("an operator set's domain"))
            case 2: version = try field.integer("an operator set's version")
            default: break
            }
        }
        return (domain == "ai.onnx" ? "" : domain, version)
    }
}

extension ONNXGraph {
    fileprivate init(_ bytes: [UInt8], in range: Range<Int>) throws(ONNXProblem) {
        var reader = WireReader(bytes, in: range)
        while let field = try reader.next() {
            switch field.number {
            case 1: nodes.append(try ONNXNode(bytes, in: field.content("a node"), field: field.bytes))
            case 5: initializers.append(try ONNXTensor(bytes, in: field.content("an initializer")))
            case 11: inputs.append(try ONNXValue(bytes, in: field.content("an input")))
            case 12: outputs.append(try ONNXValue(bytes, in: field.content("an output")))
            case 15:
                throw ONNXProblem("the graph has sparse initializers, which are not read; save them as dense ones")
            default: break
            }
        }
    }
}

extension ONNXFunction {
    fileprivate init(_ bytes: [UInt8], in range: Range<Int>) throws(ONNXProblem) {
        var reader = WireReader(bytes, in: range)
        while let field = try reader.next() {
            switch field.number {
            case 1: name = try bytes.text(field.content("a function's name"))
            case 4: inputs.append(try bytes.text(field.content("a function's input")))
            case 5: outputs.append(try bytes.text(field.content("a function's output")))
            case 7: nodes.append(try ONNXNode(bytes, in: field.content("a node"), field: field.bytes))
            case 9:
                let (domain, version) = try ONNXDocument.operatorSet(
                    bytes, in: field.content("a function's operator set"))
                if domain.isEmpty { operatorSet = version }
            case 10: domain = try bytes.text(field.content("a function's domain"))
            case 11:
                let (key, value) = try ONNXAttribute.read(bytes, in: field.content("a function's attribute"))
                defaults[key] = value
            case 13: overload = try bytes.text(field.content("a function's overload"))
            default: break
            }
        }
    }
}

extension ONNXValue {
    fileprivate init(_ bytes: [UInt8], in range: Range<Int>) throws(ONNXProblem) {
        var reader = WireReader(bytes, in: range)
        while let field = try reader.next() {
            switch field.number {
            case 1: name = try bytes.text(field.content("a value's name"))
            case 2:
                var type = WireReader(bytes, in: try field.content("a value's type"))
                while let field = try type.next() {
                    if field.number == 1 { try readTensorType(bytes, in: field.content("a tensor's type")) }
                }
            default: break
            }
        }
    }

    private mutating func readTensorType(_ bytes: [UInt8], in range: Range<Int>) throws(ONNXProblem) {
        var reader = WireReader(bytes, in: range)
        while let field = try reader.next() {
            switch field.number {
            case 1: scalarType = try field.integer("an element type")
            case 2:
                var axes: [Axis] = []
                var shape = WireReader(bytes, in: try field.content("a shape"))
                while let field = try shape.next() {
                    if field.number == 1 { axes.append(try Self.axis(bytes, in: field.content("a dimension"))) }
                }
                self.axes = axes
            default: break
            }
        }
    }

    private static func axis(_ bytes: [UInt8], in range: Range<Int>) throws(ONNXProblem) -> Axis {
        var axis = Axis.named("")
        var reader = WireReader(bytes, in: range)
        while let field = try reader.next() {
            switch field.number {
            case 1: axis = .fixed(try field.integer("a dimension"))
            case 2: axis = .named(try bytes.text(field.content("a dimension's name")))
            default: break
            }
        }
        return axis
    }
}
