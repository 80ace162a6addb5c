import ModelFiles
package import NeuralGraph

/// A summary of what a model consists of.
package struct ModelSummary: Sendable {
    /// One kind of operation in the network.
    package struct Operation: Sendable, Codable, Hashable {
        /// Its name, such as `Convolution`.
        package let kind: String
        /// The number of its nodes.
        package let count: Int
        /// The number of their trained elements.
        package let parameters: Int
    }

    /// A tensor that training leaves as it is.
    package struct FixedTensor: Sendable, Codable, Hashable {
        /// Its name among the model's.
        package let name: String
        /// The number of its elements.
        package let count: Int
        /// The reason.
        package let reason: String
    }

    /// One output of a file that has several.
    package struct Output: Sendable, Codable, Hashable {
        /// Its name.
        package let name: String
        /// Its shape as the file declares it, such as `[N, 10]`; nil if it does not.
        package let shape: String?
        /// Whether it is the output whose class scores were read.
        package let isRead: Bool
    }

    /// The shape of one example, `[height, width, channels]` for images.
    package let inputShape: TensorShape
    /// The number of classes.
    package let classCount: Int
    /// Architecture, class names and input preparation.
    package let metadata: ModelMetadata
    /// The kinds of operations in the order of their first nodes.
    package let operations: [Operation]
    /// The tensors among the parameters that are not trained, by name.
    package let fixed: [FixedTensor]
    /// The number of elements that training updates along gradients.
    package let trainedCount: Int
    /// The number of elements that training updates otherwise, such as running statistics.
    package let stateCount: Int
    /// The file's outputs, if it has several.
    package let outputs: [Output]
    /// Notes on what was read differently from how the file is written.
    package let notes: [String]
    /// The file's format, such as `ONNX, operator set 17`.
    package let source: String

    /// Summarizes a model.
    package init(_ model: Model) {
        let origin = model.origin as? any NetworkFileOrigin
        inputShape = model.graph.inputShape
        classCount = model.classCount
        metadata = model.metadata
        trainedCount = model.parameterCount
        stateCount = model.state.values.reduce(0) { $0 + $1.count }
        var operations: [Operation] = []
        var fixed: [FixedTensor] = []
        for node in model.graph.nodes {
            let trained = node.parameters.reduce(0) { $0 + ($1.isTrained ? $1.shape.count : 0) }
            let kind = node.operation.kind
            if let place = operations.firstIndex(where: { $0.kind == kind }) {
                let known = operations[place]
                operations[place] = Operation(
                    kind: kind, count: known.count + 1, parameters: known.parameters + trained)
            } else {
                operations.append(Operation(kind: kind, count: 1, parameters: trained))
            }
            for specification in node.parameters where !specification.isTrained {
                let key = node.key(specification.name)
                fixed.append(
                    FixedTensor(
                        name: key, count: specification.shape.count, reason: Self.reason(key, node, origin)))
            }
        }
        self.operations = operations
        self.fixed = fixed.sorted { $0.name < $1.name }
        var notes: [String] = []
        if origin?.endsInSoftmax == true {
            notes.append("the softmax at the end is omitted: outputs are the scores before it, which losses need")
        }
        if let others = origin?.outputs.others, !others.isEmpty {
            let names = others.map { ONNXOutputs.label($0.name, $0.shape) }.joined(separator: ", ")
            notes.append(
                "the file has other classifiers, which are not made to forget with this one: \(names); "
                    + "--output-name picks one")
        }
        self.notes = notes
        outputs = model.outputs.map { Output(name: $0.name, shape: $0.shape, isRead: $0.isRead) }
        if let origin {
            source = origin.source
        } else {
            let prefix = (model.origin as? SafetensorsOrigin).map { ", all names after \(quoted($0.prefix))" } ?? ""
            source = "safetensors\(prefix)"
        }
    }

    private static func reason(_ key: String, _ node: Graph.Node, _ origin: (any NetworkFileOrigin)?) -> String {
        if let reason = origin?.stored.untrained[key] { return reason }
        if let origin, origin.stored.bindings[key] == nil { return "the file computes it, or has it as a constant" }
        if let arithmetic = node.operation as? ParametricArithmetic,
            ![.addition, .subtraction, .multiplication].contains(arithmetic.arithmetic)
        {
            return "an exponent, divisor or limit"
        }
        return "it prepares the images, before the first weight"
    }
}
