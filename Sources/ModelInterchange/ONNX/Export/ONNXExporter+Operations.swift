import ModelFiles
import NeuralGraph

extension ONNXExporter {
    /// Writes one of our nodes as one or several there.
    mutating func export(_ node: Graph.Node) throws -> Exported {
        if let exported = try exportWindow(node) ?? exportLayer(node) ?? exportElementwise(node)
            ?? exportStructure(node)
        {
            return exported
        }
        throw ONNXProblem(
            "node \(quoted(node.name)) is a \(node.operation.kind), which has no counterpart in ONNX here; "
                + "write safetensors instead")
    }

    // MARK: Windows over images

    private mutating func exportWindow(_ node: Graph.Node) throws -> Exported? {
        let name: String
        switch node.operation {
        case let operation as Convolution:
            var inputs = [try self.name(of: node.inputs[0], .channelsFirst), try tensor(node, "weight")]
            if operation.hasBias { inputs.append(try tensor(node, "bias")) }
            name = add("Conv", inputs, named: node.name) { writer in
                Self.window(&writer, operation.kernelSize, operation.stride, operation.padding)
                writer.attribute("dilations", [operation.dilation.height, operation.dilation.width])
                writer.attribute("group", operation.groups)
            }
        case let operation as Pooling:
            let input = try self.name(of: node.inputs[0], .channelsFirst)
            name = add(operation.method == .maximum ? "MaxPool" : "AveragePool", [input], named: node.name) { writer in
                Self.window(&writer, operation.kernelSize, operation.stride, operation.padding)
                writer.attribute("ceil_mode", operation.roundsUp ? 1 : 0)
                if operation.method == .average(countsPadding: true) { writer.attribute("count_include_pad", 1) }
            }
        case let operation as Upsample:
            let input = try self.name(of: node.inputs[0], .channelsFirst)
            let factor = [Float(operation.factor.height), Float(operation.factor.width)]
            let scales = constant([1, 1] + factor, [4], named: node.name + ".scales")
            name = add("Resize", [input, "", scales], named: node.name, Self.nearest)
        case let operation as Resize:
            let input = try self.name(of: node.inputs[0], .channelsFirst)
            let sizes = batchShape([node.shape.channels, operation.height, operation.width], named: node.name)
            name = add("Resize", [input, "", "", sizes], named: node.name, Self.nearest)
        default: return nil
        }
        return Exported(name: name, order: .channelsFirst)
    }

    private static func window(_ writer: inout WireWriter, _ kernel: Size2D, _ stride: Size2D, _ padding: Padding) {
        writer.attribute("kernel_shape", [kernel.height, kernel.width])
        writer.attribute("strides", [stride.height, stride.width])
        writer.attribute("pads", [padding.top, padding.left, padding.bottom, padding.right])
    }

    private static func nearest(_ writer: inout WireWriter) {
        writer.attribute("mode", "nearest")
        writer.attribute("coordinate_transformation_mode", "asymmetric")
        writer.attribute("nearest_mode", "floor")
    }

    /// A shape whose first axis is the batch.
    mutating func batchShape(_ lengths: [Int], named name: String) -> String {
        let shape = add("Shape", ["input"], named: name + ".shape") { writer in
            writer.attribute("start", 0)
            writer.attribute("end", 1)
        }
        return add("Concat", [shape, integers(lengths)], named: name + ".sizes") { $0.attribute("axis", 0) }
    }

    // MARK: Layers

    private mutating func exportLayer(_ node: Graph.Node) throws -> Exported? {
        switch node.operation {
        case let operation as Linear: return try linear(operation, node)
        case let operation as BatchNormalization:
            let inputs = try ["weight", "bias", "running_mean", "running_var"].map { try tensor(node, $0) }
            let name = add(
                "BatchNormalization", [try name(of: node.inputs[0], .channelsFirst)] + inputs, named: node.name
            ) {
                $0.attribute("epsilon", operation.epsilon)
                $0.attribute("momentum", 1 - operation.momentum)
            }
            return Exported(name: name, order: .channelsFirst)
        case let operation as LayerNormalization:
            let features = node.shape.channels
            var inputs = [try name(of: node.inputs[0], .channelsLast)]
            inputs.append(
                operation.hasScale
                    ? try tensor(node, "weight")
                    : constant([Float](repeating: 1, count: features), [features], named: node.name + ".ones"))
            if operation.hasShift { inputs.append(try tensor(node, "bias")) }
            let name = add("LayerNormalization", inputs, named: node.name) {
                $0.attribute("axis", -1)
                $0.attribute("epsilon", operation.epsilon)
            }
            return Exported(name: name, order: .channelsLast)
        case let operation as GroupNormalization: return try groupNormalization(operation, node)
        case let operation as Softmax: return try softmax("Softmax", axis: operation.axis, node)
        case let operation as LogSoftmax: return try softmax("LogSoftmax", axis: operation.axis, node)
        case let operation as MatMul: return try matMul(operation, node)
        case let operation as ScaledDotProductAttention: return try attention(operation, node)
        default: return nil
        }
    }

    private mutating func softmax(_ name: String, axis: Int, _ node: Graph.Node) throws -> Exported {
        let input = try exported(node.inputs[0], for: node)
        let axis = self.axis(axis, rank: node.shape.rank, input.order)
        return Exported(
            name: add(name, [input.name], named: node.name) { $0.attribute("axis", axis) }, order: input.order)
    }

    private mutating func linear(_ operation: Linear, _ node: Graph.Node) throws -> Exported {
        let input = try name(of: node.inputs[0], .channelsLast)
        let weight = try tensor(node, "weight")
        var name: String
        if node.shape.rank == 1 {
            let inputs = operation.hasBias ? [input, weight, try tensor(node, "bias")] : [input, weight]
            name = add("Gemm", inputs, named: node.name) { $0.attribute("transB", 1) }
        } else {
            let turned = add("Transpose", [weight], named: weight + ".turned") { $0.attribute("perm", [1, 0]) }
            name = add("MatMul", [input, turned], named: operation.hasBias ? node.name + ".product" : node.name)
            if operation.hasBias { name = add("Add", [name, try tensor(node, "bias")], named: node.name) }
        }
        return Exported(name: name, order: .channelsLast)
    }

    private mutating func groupNormalization(_ operation: GroupNormalization, _ node: Graph.Node) throws -> Exported {
        let shape = node.shape
        let input = try name(of: node.inputs[0], .channelsFirst)
        let (weight, bias) = (try tensor(node, "weight"), try tensor(node, "bias"))
        func normalize(_ exporter: inout ONNXExporter, _ inputs: [String], _ name: String) -> String {
            exporter.add("InstanceNormalization", inputs, named: name) { $0.attribute("epsilon", operation.epsilon) }
        }
        guard operation.groups != shape.channels else {
            return Exported(name: normalize(&self, [input, weight, bias], node.name), order: .channelsFirst)
        }
        let groups = operation.groups
        let parts = add("Reshape", [input, integers([0, groups, -1])], named: node.name + ".groups")
        let ones = constant([Float](repeating: 1, count: groups), [groups], named: node.name + ".ones")
        let zeros = constant([Float](repeating: 0, count: groups), [groups], named: node.name + ".zeros")
        let normalized = normalize(&self, [parts, ones, zeros], node.name + ".normalized")
        let front = [shape.channels] + shape.dimensions.dropLast()
        let whole = add("Reshape", [normalized, integers([0] + front)], named: node.name + ".whole")
        let spread = integers([shape.channels] + [Int](repeating: 1, count: shape.rank - 1))
        let scale = add("Reshape", [weight, spread], named: node.name + ".scale")
        let shift = add("Reshape", [bias, spread], named: node.name + ".shift")
        let scaled = add("Mul", [whole, scale], named: node.name + ".scaled")
        return Exported(name: add("Add", [scaled, shift], named: node.name), order: .channelsFirst)
    }

    private mutating func matMul(_ operation: MatMul, _ node: Graph.Node) throws -> Exported {
        let rank = node.shape.rank
        let first = try padded(node.inputs[0], toRank: rank, node)
        var second = try padded(node.inputs[1], toRank: rank, node)
        if operation.transposesSecond {
            let order = Array(0..<(rank - 1)) + [rank, rank - 1]
            second = add("Transpose", [second], named: node.name + ".second") { $0.attribute("perm", order) }
        }
        return Exported(name: add("MatMul", [first, second], named: node.name), order: .channelsLast)
    }

    /// A value with axes of length 1 in front, up to a rank.
    mutating func padded(_ value: Graph.Value, toRank rank: Int, _ node: Graph.Node) throws -> String {
        let name = try self.name(of: value, .channelsLast)
        let shape = shape(value)
        guard shape.rank < rank else { return name }
        let lengths = [Int](repeating: 1, count: rank - shape.rank) + shape.dimensions
        return add("Reshape", [name, integers([0] + lengths)], named: node.name + ".padded")
    }

    /// softmax(q kT scale) v over heads that lie side by side in the features.
    private mutating func attention(_ operation: ScaledDotProductAttention, _ node: Graph.Node) throws -> Exported {
        let features = node.shape.channels
        let (heads, depth) = (operation.heads, features / operation.heads)
        var parts: [String]
        if node.inputs.count == 1 {
            let input = try name(of: node.inputs[0], .channelsLast)
            parts = add(
                "Split", [input, integers([features, features, features])], outputs: 3, named: node.name + ".split"
            ) { $0.attribute("axis", 2) }
        } else {
            parts = try node.inputs.map { try self.name(of: $0, .channelsLast) }
        }
        for (index, order) in [[0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]].enumerated() {
            let label = node.name + [".query", ".key", ".value"][index]
            let cut = add("Reshape", [parts[index], integers([0, -1, heads, depth])], named: label + ".heads")
            parts[index] = add("Transpose", [cut], named: label) { $0.attribute("perm", order) }
        }
        let scale = scalar(operation.scale ?? 1 / Float(depth).squareRoot(), named: node.name + ".scale")
        let scores = add("MatMul", [parts[0], parts[1]], named: node.name + ".scores")
        let scaled = add("Mul", [scores, scale], named: node.name + ".scaled")
        let weights = add("Softmax", [scaled], named: node.name + ".weights") { $0.attribute("axis", -1) }
        let mixed = add("MatMul", [weights, parts[2]], named: node.name + ".mixed")
        let turned = add("Transpose", [mixed], named: node.name + ".tokens") { $0.attribute("perm", [0, 2, 1, 3]) }
        let name = add("Reshape", [turned, integers([0, -1, features])], named: node.name)
        return Exported(name: name, order: .channelsLast)
    }
}
