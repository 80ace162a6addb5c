import NeuralGraph

extension ONNXExporter {
    /// Writes operations that move numbers, take some, or sum them up.
    mutating func exportStructure(_ node: Graph.Node) throws -> Exported? {
        if node.inputs.isEmpty {
            guard let operation = node.operation as? ParameterValue else { return nil }
            return try parameterValue(operation, node)
        }
        switch node.operation {
        case is Flatten:
            let input = try name(of: node.inputs[0], .channelsFirst)
            return Exported(
                name: add("Flatten", [input], named: node.name) { $0.attribute("axis", 1) }, order: .channelsLast)
        case is GlobalAveragePool: return try globalPooling(node)
        case let operation as Transpose:
            let input = try name(of: node.inputs[0], .channelsLast)
            let axes = [0] + operation.axes.map { ($0 < 0 ? $0 + node.shape.rank : $0) + 1 }
            return Exported(
                name: add("Transpose", [input], named: node.name) { $0.attribute("perm", axes) }, order: .channelsLast)
        case is Reshape:
            let input = try name(of: node.inputs[0], .channelsLast)
            let target = integers([0] + node.shape.dimensions)
            return Exported(name: add("Reshape", [input, target], named: node.name), order: .channelsLast)
        case is Expand:
            let input = try padded(node.inputs[0], toRank: node.shape.rank, node)
            let target = integers([1] + node.shape.dimensions)
            return Exported(name: add("Expand", [input, target], named: node.name), order: .channelsLast)
        case let operation as Slice: return try slice(operation, node)
        case let operation as Gather:
            let input = try exported(node.inputs[0], for: node)
            let axis = axis(operation.axis, rank: node.shape.rank, input.order)
            return Exported(
                name: add("Gather", [input.name, integers(operation.places)], named: node.name) {
                    $0.attribute("axis", axis)
                }, order: input.order)
        case let operation as Concat:
            let order = try exported(node.inputs[0], for: node).order
            let inputs = try node.inputs.map { try name(of: $0, order) }
            let axis = axis(operation.axis, rank: node.shape.rank, order)
            return Exported(
                name: add("Concat", inputs, named: node.name) { $0.attribute("axis", axis) }, order: order)
        case let operation as Pad: return try padding(operation, node)
        case let operation as Reduction: return try reduction(operation, node)
        default: return nil
        }
    }

    private mutating func globalPooling(_ node: Graph.Node) throws -> Exported {
        let input = node.inputs[0]
        guard shape(input).rank == 3 else {
            let axes = Array(1..<shape(input).rank)
            let name = add("ReduceMean", [try name(of: input, .channelsLast)], named: node.name) {
                $0.attribute("axes", axes)
                $0.attribute("keepdims", 0)
            }
            return Exported(name: name, order: .channelsLast)
        }
        let pooled = add(
            "GlobalAveragePool", [try name(of: input, .channelsFirst)], named: node.name + ".pooled")
        return Exported(
            name: add("Flatten", [pooled], named: node.name) { $0.attribute("axis", 1) }, order: .channelsLast)
    }

    /// A parameter once for each example.
    private mutating func parameterValue(_ operation: ParameterValue, _ node: Graph.Node) throws -> Exported {
        let weight = try tensor(node, "weight")
        let one = add("Unsqueeze", [weight, integers([0])], named: node.name + ".one")
        let sizes = batchShape(operation.shape.dimensions, named: node.name)
        return Exported(name: add("Expand", [one, sizes], named: node.name), order: .channelsLast)
    }

    private mutating func slice(_ operation: Slice, _ node: Graph.Node) throws -> Exported {
        let input = try exported(node.inputs[0], for: node)
        let axis = axis(operation.axis, rank: node.shape.rank, input.order)
        let last = operation.start + operation.count * operation.step
        // Going down, -1 would count from the end.
        let end = last < 0 ? Int(Int32.min) : last
        let name = add(
            "Slice",
            [
                input.name, integers([operation.start]), integers([end]), integers([axis]), integers([operation.step]),
            ], named: node.name)
        return Exported(name: name, order: input.order)
    }

    private mutating func padding(_ operation: Pad, _ node: Graph.Node) throws -> Exported {
        let input = try exported(node.inputs[0], for: node)
        let rank = node.shape.rank
        var pads = [Int](repeating: 0, count: 2 * (rank + 1))
        for index in 0..<rank {
            let axis = axis(index, rank: rank, input.order)
            pads[axis] = operation.before[index]
            pads[rank + 1 + axis] = operation.after[index]
        }
        let mode =
            switch operation.mode {
            case .constant: "constant"
            case .reflect: "reflect"
            case .edge: "edge"
            }
        var inputs = [input.name, integers(pads)]
        if operation.mode == .constant { inputs.append(scalar(operation.value, named: node.name + ".number")) }
        return Exported(
            name: add("Pad", inputs, named: node.name) { $0.attribute("mode", mode) }, order: input.order)
    }

    private mutating func reduction(_ operation: Reduction, _ node: Graph.Node) throws -> Exported {
        let rank = shape(node.inputs[0]).rank
        let own = operation.axes.map { $0 < 0 ? $0 + rank : $0 }.sorted()
        var order = try exported(node.inputs[0], for: node).order
        // Where axes go away, the others must be in our order; without rows and columns they are.
        if !operation.keepsAxes, own != Array(0..<(rank - 1)) { order = .channelsLast }
        let input = try name(of: node.inputs[0], order)
        let axes = own.map { axis($0, rank: rank, order) }
        let keeps = operation.keepsAxes ? 1 : 0
        let name: String
        switch operation.reduction {
        case .sum:
            name = add("ReduceSum", [input, integers(axes)], named: node.name) { $0.attribute("keepdims", keeps) }
        case .mean, .maximum:
            name = add(operation.reduction == .mean ? "ReduceMean" : "ReduceMax", [input], named: node.name) {
                $0.attribute("axes", axes)
                $0.attribute("keepdims", keeps)
            }
        }
        return Exported(name: name, order: operation.keepsAxes ? order : .channelsLast)
    }
}
