import NeuralGraph

extension ONNXImporter {
    mutating func batchNormalization(_ node: ONNXNode) throws {
        let input = try expanded(try view(node, 0), named: node.label)
        try checkBatch(input, node)
        guard input.rank >= 2 else { throw ONNXProblem(node, "has an input of \(input.description) without channels") }
        let (x, order) = try materialize(input, last: input.places(ofAxis: 1), named: node.label)
        let channels: TensorShape = [input.length(1).count]
        let name = unique(node)
        var parameters: [ONNXParameter] = []
        var isFrozen = false
        for (position, own) in ["weight", "bias", "running_mean", "running_var"].enumerated() {
            let view = try view(node, position + 1)
            let found = try parameter(view, order: view.places, shape: channels, node: name, own, learns: position < 2)
            parameters.append(found)
            if position >= 2, found.key == nil, !keepsApart("\(name).\(own)", node, position + 1) { isFrozen = true }
        }
        let epsilon = try node.float("epsilon") ?? 1e-5
        if isFrozen {
            let value = try frozenNormalization(x, parameters, epsilon: epsilon, name: name)
            return try define(node, input.restrided(value, order: order))
        }
        let counter = parameters[2].key.flatMap { key in
            key.hasSuffix(".running_mean") ? key.dropLast("running_mean".count) + "num_batches_tracked" : nil
        }
        parameters.append(
            ONNXParameter(
                name: "num_batches_tracked", key: counter.map { String($0) }, tensor: Tensor(repeating: 0, shape: []),
                learns: false))
        let operation = BatchNormalization(
            epsilon: epsilon, momentum: 1 - (try node.float("momentum") ?? 0.9))
        let value = try add(operation, named: name, [x], parameters)
        try define(node, input.restrided(value, order: order))
    }

    /// Statistics belong to their node, even where several of them are stored once because they are equal, as exporters
    /// do before any training.
    /// - Returns: whether they can be.
    private mutating func keepsApart(_ key: String, _ node: ONNXNode, _ position: Int) -> Bool {
        guard node.field != nil, let output = node.outputs.first, let stored = node.input(position),
            plan.tensors[stored] != nil
        else { return false }
        shared[key] = ONNXSharedInput(output: output, position: position, stored: stored)
        untrained[key] = nil
        return true
    }

    /// Batch norm with statistics that the file computes, or that functions share, and that could not be written back once
    /// training had moved them: they stay as they are.
    private mutating func frozenNormalization(
        _ x: Graph.Value, _ parameters: [ONNXParameter], epsilon: Float, name: String
    ) throws -> Graph.Value {
        let (means, variances) = (parameters[2].tensor.elements, parameters[3].tensor.elements)
        let factors = variances.map { 1 / ($0 + epsilon).squareRoot() }
        let shape = parameters[2].tensor.shape
        let fixed = [factors, zip(means, factors).map { -$0 * $1 }]
        var value = x
        for (index, kind) in [ArithmeticKind.multiplication, .addition, .multiplication, .addition].enumerated() {
            let parameter =
                index < 2
                ? ONNXParameter(name: "weight", key: nil, tensor: try Tensor(fixed[index], shape: shape), learns: false)
                : ONNXParameter(
                    name: "weight", key: parameters[index - 2].key, tensor: parameters[index - 2].tensor,
                    learns: parameters[index - 2].learns)
            let operation = ParametricArithmetic(
                kind, shape: shape, initializer: .constant(0), parameterFirst: false, learns: parameter.learns)
            let own = unique(index == 3 ? name : "\(name).\(index)")
            value = try add(operation, named: own, [value], [parameter])
            if parameter.key == nil {
                untrained["\(own).weight"] = "the file computes the statistics, or shares them"
            }
        }
        return value
    }

    mutating func layerNormalization(_ node: ONNXNode) throws {
        let input = try expanded(try view(node, 0), named: node.label)
        let first = try node.axis(try node.integer("axis") ?? -1, rank: input.rank)
        let last = (first..<input.rank).flatMap { input.places(ofAxis: $0) }
        guard !input.axes[first...].contains(where: { $0.contains(where: \.isBatch) }) else {
            throw ONNXProblem(node, "normalizes across examples, which cannot be run")
        }
        let scale = try view(node, 1)
        let bias = node.input(2) == nil ? nil : try view(node, 2)
        let epsilon = try node.float("epsilon") ?? 1e-5
        let (x, order) = try materialize(input, last: last, named: node.label)
        let name = unique(node)
        let features: TensorShape = [last.reduce(1) { $0 * input[$1].length.count }]
        var parameters = [
            try parameter(scale, order: scale.places, shape: features, node: name, "weight", learns: true)
        ]
        if let bias {
            parameters.append(
                try parameter(bias, order: bias.places, shape: features, node: name, "bias", learns: true))
        }
        let operation = LayerNormalization(epsilon: epsilon, hasScale: true, hasShift: bias != nil)
        let value = try add(operation, named: name, [x], parameters)
        try define(node, input.restrided(value, order: order))
    }

    mutating func groupNormalization(_ node: ONNXNode) throws {
        guard let groups = try node.integer("num_groups"), groups > 0 else {
            throw ONNXProblem(node, "lacks its num_groups; the file is damaged")
        }
        // Before set 21 scale and bias belonged to groups instead of channels.
        try normalizeGroups(node, groups: groups, isByGroup: node.operatorSet < 21)
    }

    mutating func instanceNormalization(_ node: ONNXNode) throws {
        let input = try view(node, 0)
        guard input.rank >= 3 else {
            throw ONNXProblem(node, "has an input of \(input.description), which is no image")
        }
        try normalizeGroups(node, groups: input.length(1).count)
    }

    private mutating func normalizeGroups(_ node: ONNXNode, groups: Int, isByGroup: Bool = false) throws {
        let input = try expanded(try view(node, 0), named: node.label)
        try checkBatch(input, node)
        let (x, order) = try materialize(input, last: input.places(ofAxis: 1), named: node.label)
        let channels: TensorShape = [input.length(1).count]
        let name = unique(node)
        var parameters: [ONNXParameter] = []
        for (position, own) in ["weight", "bias"].enumerated() {
            var view = try view(node, position + 1)
            if isByGroup { view = try spreadGroups(view, groups, channels: channels[0], node) }
            parameters.append(
                try parameter(view, order: view.places, shape: channels, node: name, own, learns: true))
        }
        let operation = GroupNormalization(groups: groups, epsilon: try node.float("epsilon") ?? 1e-5)
        let value = try add(operation, named: name, [x], parameters)
        try define(node, input.restrided(value, order: order))
    }

    /// One number a group as one a channel.
    private func spreadGroups(
        _ view: ValueView, _ groups: Int, channels: Int, _ node: ONNXNode
    ) throws -> ValueView {
        guard let constant = view.constant, view.rank == 1, view.length(0).count == groups, channels % groups == 0
        else { throw ONNXProblem(node, "has \(groups) groups and parameters of \(view.description), which do not fit") }
        let numbers = try rowMajor(constant, view).constant?.elements ?? []
        let spread = numbers.flatMap { [Float](repeating: $0, count: channels / groups) }
        return ValueView(ONNXConstant(spread), dimensions: [channels])
    }

    mutating func softmax(_ node: ONNXNode) throws { try softmax(node, Softmax(axis: -1)) }

    mutating func logSoftmax(_ node: ONNXNode) throws { try softmax(node, LogSoftmax(axis: -1)) }

    private mutating func softmax(_ node: ONNXNode, _ operation: some GraphOperation) throws {
        let input = try expanded(try view(node, 0), named: node.label)
        // Before set 13 all axes from the one named on were taken together.
        let isOld = node.operatorSet < 13
        let number = try node.integer("axis") ?? (isOld ? 1 : -1)
        let first = isOld && number == input.rank ? number : try node.axis(number, rank: input.rank)
        let axes = isOld ? Array(first..<input.rank) : [first]
        guard !axes.contains(where: { input.axes[$0].contains(where: \.isBatch) }) else {
            throw ONNXProblem(node, "goes across examples, which cannot be run")
        }
        // Training works on the scores before a last softmax.
        if isLast(node), input.axes.indices.allSatisfy({ axes.contains($0) || input.axes[$0].places == 0 }) {
            endsInSoftmax = true
            return try define(node, input)
        }
        let (x, order) = try materialize(input, last: axes.flatMap { input.places(ofAxis: $0) }, named: node.label)
        let value = try add(operation, for: node, "", x)
        try define(node, input.restrided(value, order: order))
    }

    /// The logarithm of a softmax is one operation, which does not run out of digits.
    mutating func logarithm(_ node: ONNXNode) throws {
        let view = try view(node, 0)
        guard let value = view.value, let source = maker(value), let softmax = source.operation as? Softmax else {
            return try pointwise(node, .logarithm)
        }
        if isLast(node), builder.shape(of: value).rank == 1 {
            endsInSoftmax = true
            return try define(node, ValueView(.value(source.inputs[0]), axes: view.axes))
        }
        let result = try add(LogSoftmax(axis: softmax.axis), for: node, "", source.inputs[0])
        try define(node, ValueView(.value(result), axes: view.axes))
    }

    /// Whether nothing but other views of the node's output comes after it.
    private func isLast(_ node: ONNXNode) -> Bool {
        var name = node.outputs.first ?? ""
        while name != plan.outputName {
            guard let next = plan.onlyReader(of: name),
                ["Identity", "Flatten", "Squeeze", "Cast"].contains(next.operation)
            else { return false }
            name = next.outputs.first ?? ""
        }
        return true
    }

    // MARK: Patterns

    /// `(x - mean) / sqrt(variance + epsilon)` over the last axis as one node; nil if the quotient is another.
    mutating func spelledNormalization(
        _ numerator: ValueView, _ denominator: ValueView, name: String
    ) throws -> ValueView? {
        guard let top = numerator.value, let bottom = denominator.value, let difference = maker(top),
            let x = meanDifference(difference), let root = maker(bottom), isRoot(root.operation),
            let variance = affine(root.inputs[0]), variance.scale == 1, variance.shift > 0,
            let mean = meanOfLast(variance.value), let square = maker(unshaped(mean)), isSquare(square.operation),
            square.inputs.allSatisfy({ unshaped($0) == unshaped(top) }),
            builder.shape(of: x) == builder.shape(of: top), builder.shape(of: x).rank > 0
        else { return nil }
        let operation = LayerNormalization(epsilon: variance.shift, hasScale: false, hasShift: false)
        return ValueView(.value(try add(operation, named: unique(name), [x])), axes: numerator.axes)
    }

    private func isRoot(_ operation: any GraphOperation) -> Bool {
        switch (operation as? Pointwise)?.function {
        case .squareRoot?: true
        case .power(let exponent)?: exponent == 0.5
        default: false
        }
    }

    private func isSquare(_ operation: any GraphOperation) -> Bool {
        if case .power(2)? = (operation as? Pointwise)?.function { return true }
        return (operation as? Arithmetic)?.arithmetic == .multiplication
    }

    /// The x of x - mean(x).
    private func meanDifference(_ node: Graph.Node) -> Graph.Value? {
        guard (node.operation as? Arithmetic)?.arithmetic == .subtraction, let mean = meanOfLast(node.inputs[1]),
            unshaped(mean) == unshaped(node.inputs[0])
        else { return nil }
        return node.inputs[0]
    }

    /// What a value is the mean over the last axis of.
    private func meanOfLast(_ value: Graph.Value) -> Graph.Value? {
        guard let node = maker(unshaped(value)), let mean = node.operation as? Reduction, mean.reduction == .mean,
            mean.axes == [node.inputShapes[0].rank - 1],
            builder.shape(of: unshaped(node.inputs[0])).channels == node.inputShapes[0].channels
        else { return nil }
        return node.inputs[0]
    }

    /// A value before it was given another shape.
    func unshaped(_ value: Graph.Value) -> Graph.Value {
        var value = value
        while let node = maker(value), node.operation is Reshape { value = node.inputs[0] }
        return value
    }
}

extension Array where Element == ValueView.Factor {
    /// How many factors step over our value.
    fileprivate var places: Int { filter { $0.stride != nil }.count }
}
