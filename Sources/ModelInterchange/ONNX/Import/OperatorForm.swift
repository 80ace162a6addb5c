import ModelFiles

/// The inputs, outputs and attributes of an operator that are supported, from one operator set on.
///
/// Anything else that a node has is an error, so that no attribute is ignored silently.
package struct OperatorForm: Sendable, Hashable {
    /// The values of an attribute that are supported.
    package enum Setting: Sendable, Hashable {
        /// Any value: the importer reads it, or it has no effect on 32-bit floats.
        case any
        /// Only this value, which is also the default.
        case only(String)
    }

    /// The first operator set that has the operator in this form.
    package let since: Int
    /// The most inputs that are read; nil if there is no limit.
    package let inputs: Int?
    /// The most outputs that are given; nil if there is no limit.
    package let outputs: Int?
    package let attributes: [String: Setting]

    /// - Parameter settings: the attributes' names with a space between; `name=value` where only that value is run.
    init(_ since: Int, inputs: Int?, outputs: Int? = 1, _ settings: String = "") {
        self.since = since
        self.inputs = inputs
        self.outputs = outputs
        attributes = Dictionary(
            settings.split(separator: " ").map { part in
                let pieces = part.split(separator: "=", maxSplits: 1).map { String($0) }
                return (pieces[0], pieces.count > 1 ? .only(pieces[1]) : .any)
            }, uniquingKeysWith: { first, _ in first })
    }
}

extension OperatorForm {
    /// The form in a node's operator set; nil if the operator is not in it.
    package static func form(of operation: String, inSet version: Int) -> OperatorForm? {
        guard let forms = all[operation], !(operation == "Upsample" && version > 9) else { return nil }
        return forms.last { $0.since <= version }
    }

    /// Throws unless all that a node has is supported.
    /// - Parameter isRead: whether any node reads a value.
    static func check(_ node: ONNXNode, isRead: (String) -> Bool) throws(ONNXProblem) {
        guard let form = form(of: node.operation, inSet: node.operatorSet) else {
            if node.operation == "Upsample" {
                throw ONNXProblem(
                    node,
                    "is of operator set 9, and this graph is of set \(node.operatorSet), which has Resize in its "
                        + "place; bring the file to one set (onnx.version_converter)")
            }
            let first = all[node.operation]?.first?.since ?? 0
            throw ONNXProblem(
                node,
                "is in operator sets from \(first) on, and the graph is of set \(node.operatorSet); export it for "
                    + "a newer set, or convert the file (onnx.version_converter)")
        }
        for (name, value) in node.attributes.sorted(by: { $0.key < $1.key }) {
            switch form.attributes[name] {
            case .any?: break
            case .only(let neutral)?:
                guard value.text == neutral else {
                    throw ONNXProblem(
                        node, "has \(name) \(value.text), and only \(neutral) is supported; " + remedy(for: name))
                }
            case nil:
                throw ONNXProblem(
                    node,
                    "has the attribute \(quoted(name)) (\(value.text)), which operator set \(node.operatorSet) "
                        + "does not have or which is not supported; export the model without it")
            }
        }
        // Before set 14 more outputs than one meant training.
        if node.operation == "BatchNormalization", node.operatorSet < 14,
            node.outputs.dropFirst().contains(where: { !$0.isEmpty })
        {
            throw ONNXProblem(
                node,
                "is in training mode, since it has \(node.outputs.count) outputs; export the model in evaluation mode "
                    + "(model.eval())")
        }
        if let most = form.inputs, let name = node.inputs.dropFirst(most).first(where: { !$0.isEmpty }) {
            throw ONNXProblem(
                node,
                "has an input \(quoted(name)) beyond the first \(most), which is not supported; export the model "
                    + "without it")
        }
        if let most = form.outputs, let name = node.outputs.dropFirst(most).first(where: { !$0.isEmpty && isRead($0) })
        {
            throw ONNXProblem(
                node,
                "gives the output \(quoted(name)), which is read, beyond its first \(most), which is not "
                    + "supported; export the model without it")
        }
    }

    private static func remedy(for name: String) -> String {
        switch name {
        case "training_mode": "export the model in evaluation mode (model.eval())"
        default: "export the model without it"
        }
    }
}

extension ONNXAttribute {
    /// The value for messages and comparisons.
    fileprivate var text: String {
        switch self {
        case .integer(let value): "\(value)"
        case .float(let value): value == value.rounded() && abs(value) < 1e6 ? "\(Int(value))" : "\(value)"
        case .text(let value): value.count <= 40 ? value : value.prefix(40) + "..."
        case .integers(let values): "[" + values.prefix(8).map { "\($0)" }.joined(separator: ", ") + "]"
        case .floats(let values): "[" + values.prefix(8).map { "\($0)" }.joined(separator: ", ") + "]"
        case .tensor(let tensor): "a tensor of \(tensor.dimensions.prefix(8))"
        case .texts: "a list of words"
        case .reference(let name): "the function's \(name)"
        case .other: "a thing of another kind"
        }
    }
}
