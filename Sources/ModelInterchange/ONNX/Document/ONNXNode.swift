import ModelFiles

/// One node of an ONNX graph.
package struct ONNXNode: Sendable {
    package var name: String
    var operation: String
    var domain: String
    /// The names of the inputs; empty where an optional one is left out.
    package var inputs: [String]
    var outputs: [String]
    var attributes: [String: ONNXAttribute]
    /// Where the node's field lies in the file; nil for a node that stands for several.
    var field: Range<Int>?
    /// The version of the standard operators that the node is of.
    package var operatorSet = 0
    /// What the node is in the file, for messages, if that is not ONNX.
    var foreignPlace: String?

    package init(
        name: String, operation: String, domain: String, inputs: [String], outputs: [String],
        attributes: [String: ONNXAttribute], field: Range<Int>? = nil, operatorSet: Int = 0, foreignPlace: String? = nil
    ) {
        self.name = name
        self.operation = operation
        self.domain = domain
        self.inputs = inputs
        self.outputs = outputs
        self.attributes = attributes
        self.field = field
        self.operatorSet = operatorSet
        self.foreignPlace = foreignPlace
    }

    /// The node for messages, as in `node 'conv1' (Conv)`.
    var place: String {
        if let foreignPlace { return foreignPlace }
        let label = name.isEmpty ? outputs.first ?? "" : name
        return "node \(quoted(label)) (\(domain.isEmpty ? "" : domain + ".")\(operation.isEmpty ? "?" : operation))"
    }

    /// The input at a position, nil if it is left out.
    func input(_ position: Int) -> String? {
        guard position < inputs.count, !inputs[position].isEmpty else { return nil }
        return inputs[position]
    }
}

/// The value of a node's attribute.
package enum ONNXAttribute: Sendable {
    case float(Float)
    case integer(Int)
    case text(String)
    case tensor(ONNXTensor)
    case floats([Float])
    case integers([Int])
    case texts([String])
    /// The attribute of a function that stands here (`ref_attr_name`).
    case reference(String)
    /// A subgraph or another thing that no operator here has.
    case other
}

extension ONNXNode {
    init(_ bytes: [UInt8], in range: Range<Int>, field whole: Range<Int>) throws(ONNXProblem) {
        self.init(name: "", operation: "", domain: "", inputs: [], outputs: [], attributes: [:], field: whole)
        var reader = WireReader(bytes, in: range)
        while let field = try reader.next() {
            switch field.number {
            case 1: inputs.append(try bytes.text(field.content("a node's input")))
            case 2: outputs.append(try bytes.text(field.content("a node's output")))
            case 3: name = try bytes.text(field.content("a node's name"))
            case 4: operation = try bytes.text(field.content("a node's operator"))
            case 5:
                let (key, value) = try ONNXAttribute.read(bytes, in: field.content("a node's attribute"))
                guard attributes.updateValue(value, forKey: key) == nil else {
                    throw ONNXProblem(self, "has the attribute \(quoted(key)) twice; the file is damaged")
                }
            case 7:
                let text = try bytes.text(field.content("a node's domain"))
                domain = text == "ai.onnx" ? "" : text
            default: break
            }
        }
    }
}

extension ONNXAttribute {
    static func read(
        _ bytes: [UInt8], in range: Range<Int>
    ) throws(ONNXProblem) -> (String, ONNXAttribute) {
        var name = ""
        var reference: String?
        var type = 0
        var float: Float = 0
        var integer = 0
        var text: Range<Int> = 0..<0
        var tensor: Range<Int>?
        var floats: [Float] = []
        var integers: [Int] = []
        var texts: [Range<Int>] = []
        var reader = WireReader(bytes, in: range)
        while let field = try reader.next() {
            switch field.number {
            case 1: name = try bytes.text(field.content("an attribute's name"))
            case 2: float = try field.float("an attribute")
            case 3: integer = try field.integer("an attribute")
            case 4: text = try field.content("an attribute")
            case 5: tensor = try field.content("an attribute")
            case 7: floats += try bytes.floats(of: field, "an attribute")
            case 8: integers += try bytes.integers(of: field, "an attribute")
            case 9: texts.append(try field.content("an attribute"))
            case 20: type = try field.integer("an attribute's type")
            case 21: reference = try bytes.text(field.content("an attribute's reference"))
            default: break
            }
        }
        if let reference, !reference.isEmpty { return (name, .reference(reference)) }
        switch type {
        case 1: return (name, .float(float))
        case 2: return (name, .integer(integer))
        // Strings are bytes in the format; one that is no text is no setting that an operator here knows.
        case 3: return (name, String(validating: bytes[text], as: UTF8.self).map { .text($0) } ?? .other)
        case 4:
            guard let tensor else {
                throw ONNXProblem("the attribute \(quoted(name)) has no tensor; the file is damaged")
            }
            return (name, .tensor(try ONNXTensor(bytes, in: tensor)))
        case 6: return (name, .floats(floats))
        case 7: return (name, .integers(integers))
        case 8: return (name, .texts(try texts.map { range throws(ONNXProblem) in try bytes.text(range) }))
        default: return (name, .other)
        }
    }
}
