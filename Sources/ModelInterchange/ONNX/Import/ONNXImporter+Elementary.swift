import NeuralGraph

/// Less common elementwise functions, some of them composed of others.
extension ONNXImporter {
    mutating func elementary(_ node: ONNXNode, _ function: ElementaryFunction) throws {
        try define(node, try elementary(try view(node, 0), function, name: node.label))
    }

    mutating func elementary(_ view: ValueView, _ function: ElementaryFunction, name: String) throws -> ValueView {
        let x = try value(of: view, named: name)
        return ValueView(.value(try add(Elementary(function), named: unique(name), [x])), axes: view.axes)
    }

    /// `gamma elu(x)`
    mutating func selu(_ node: ONNXNode) throws {
        let curved = try pointwise(
            try view(node, 0), .elu(alpha: try node.float("alpha") ?? 1.67326319217681884765625),
            name: node.label + ".elu")
        let gamma = try node.float("gamma") ?? 1.05070102214813232421875
        try define(node, try pointwise(curved, .affine(scale: gamma, shift: 0), name: node.label))
    }

    /// `alpha elu(x / alpha)`, with ELU's own factor 1.
    mutating func continuousExponentialLinear(_ node: ONNXNode) throws {
        let alpha = try node.float("alpha") ?? 1
        guard alpha != 0, alpha.isFinite else { throw ONNXProblem(node, "has the alpha \(alpha)") }
        guard alpha > 0 else { throw ONNXProblem(node, "has the alpha \(alpha), and only those above 0 are run") }
        let scaled = try pointwise(try view(node, 0), .affine(scale: 1 / alpha, shift: 0), name: node.label + ".scale")
        let curved = try pointwise(scaled, .elu(alpha: 1), name: node.label + ".elu")
        try define(node, try pointwise(curved, .affine(scale: alpha, shift: 0), name: node.label))
    }

    /// `x tanh(softplus(x))` (Misra 2019)
    mutating func mish(_ node: ONNXNode) throws {
        let x = try view(node, 0)
        let inner = try pointwise(x, .softplus, name: node.label + ".softplus")
        let gate = try pointwise(inner, .tanh, name: node.label + ".tanh")
        try define(node, try combined(x, gate, .multiplication, node, name: node.label))
    }

    /// `x / (1 + |x|)`
    mutating func softsign(_ node: ONNXNode) throws {
        let x = try view(node, 0)
        let magnitude = try pointwise(x, .absolute, name: node.label + ".absolute")
        let divisor = try pointwise(magnitude, .affine(scale: 1, shift: 1), name: node.label + ".divisor")
        try define(node, try combined(x, divisor, .division, node, name: node.label))
    }

    mutating func mean(_ node: ONNXNode) throws {
        guard node.inputs.count > 1 else { return try arithmetic(node, .addition) }
        try arithmetic(node, .addition)
        guard let name = node.outputs.first, case .view(let sum)? = operands[name] else { return }
        let scale = 1 / Float(node.inputs.count)
        try define(node, try pointwise(sum, .affine(scale: scale, shift: 0), name: node.label + ".mean"))
    }

    // MARK: Truth values, which are 0 and 1

    /// A comparison of two inputs, which has no gradient.
    /// - Parameters:
    ///   - functions: functions of the difference that are 1 where the comparison holds; at most one is 1 at a time.
    ///   - swaps: whether the difference is the second minus the first.
    mutating func comparison(_ node: ONNXNode, _ functions: ElementaryFunction..., swaps: Bool = false) throws {
        let inputs = try [view(node, swaps ? 1 : 0), view(node, swaps ? 0 : 1)]
        if try isInfinite(inputs[0]) || isInfinite(inputs[1]) {
            guard functions == [.isZero] else {
                throw ONNXProblem(node, "compares what depends on the images with infinity, which is not supported")
            }
            let constantIsFirst = try isInfinite(inputs[0])
            return try equality(inputs[constantIsFirst ? 1 : 0], with: inputs[constantIsFirst ? 0 : 1], node)
        }
        let difference = try combined(inputs[0], inputs[1], .subtraction, node, name: node.label + ".difference")
        var result = try elementary(difference, functions[0], name: node.label)
        for function in functions.dropFirst() {
            let other = try elementary(difference, function, name: node.label)
            result = try combined(result, other, .addition, node, name: node.label + ".either")
        }
        try define(node, result)
    }

    private func isInfinite(_ view: ValueView) throws -> Bool { try Self.scalar(view)?.isInfinite ?? false }

    /// Compares with infinity, for which a difference does not help.
    private mutating func equality(_ x: ValueView, with infinite: ValueView, _ node: ONNXNode) throws {
        let sign: Float = (try Self.scalar(infinite) ?? 0) > 0 ? 1 : -1
        let isLarge = try elementary(x, .isInfinite, name: node.label + ".infinite")
        let directed = try pointwise(x, .affine(scale: sign, shift: 0), name: node.label + ".directed")
        let isOnSide = try elementary(directed, .isPositive, name: node.label + ".side")
        try define(node, try combined(isLarge, isOnSide, .multiplication, node, name: node.label))
    }

    /// Recognizes `x > number` as the condition that selects between x and its softplus.
    mutating func greater(_ node: ONNXNode) throws {
        try comparison(node, .isPositive)
        if let threshold = try scalar(node, 1), let output = node.outputs.first {
            thresholds[output] = (try view(node, 0), threshold)
        }
    }

    mutating func negation(_ node: ONNXNode) throws { try pointwise(node, .affine(scale: -1, shift: 1)) }

    mutating func exclusiveOr(_ node: ONNXNode) throws {
        let difference = try combined(
            try view(node, 0), try view(node, 1), .subtraction, node, name: node.label + ".difference")
        try define(node, try pointwise(difference, .absolute, name: node.label))
    }

    mutating func infinity(_ node: ONNXNode) throws {
        guard try node.integer("detect_positive") ?? 1 == 1, try node.integer("detect_negative") ?? 1 == 1 else {
            throw ONNXProblem(
                node, "looks for infinities of one sign, which is only supported where shapes are computed")
        }
        try elementary(node, .isInfinite)
    }

    /// Removes selections that PyTorch exports and that make no difference here.
    ///
    /// Its softplus returns x above 20, where both are equal in 32 bits; its attention replaces NaN in a softmax by 0,
    /// and a softmax of finite numbers has none.
    mutating func choice(_ node: ONNXNode) throws {
        let (condition, above, below) = (try view(node, 0), try view(node, 1), try view(node, 2))
        if isSoftplus(below, above: above, where: node.input(0)) || isSoftmax(below, whereDefined: condition) {
            return try define(node, below)
        }
        if let constant = condition.constant {
            // A mask with one value throughout, such as that of images without padding.
            let isSet = try constant.elements.map { $0 != 0 }
            if !isSet.contains(false), let whole = spread(above, like: [condition, below]) {
                return try define(node, whole)
            }
            if !isSet.contains(true), let whole = spread(below, like: [condition, above]) {
                return try define(node, whole)
            }
        }
        try define(node, try choice([condition, above, below], node))
    }

    /// Whether a view is the softplus of another view, which is selected above a threshold.
    private func isSoftplus(_ below: ValueView, above: ValueView, where condition: String?) -> Bool {
        guard let condition, let comparison = thresholds[condition], comparison.threshold >= 17,
            let x = comparison.value.value, above.value == x, let y = below.value, let curve = maker(y)
        else { return false }
        return (curve.operation as? Pointwise)?.function == .softplus && curve.inputs[0] == x
    }

    /// Whether a view is a softmax and a condition tests it for NaN.
    private func isSoftmax(_ below: ValueView, whereDefined condition: ValueView) -> Bool {
        guard let truth = condition.value, let test = maker(truth), let y = below.value else { return false }
        return (test.operation as? Elementary)?.function == .isUndefined && test.inputs[0] == y
            && below.axes == condition.axes && maker(unshaped(y))?.operation is Softmax
    }

    /// Selects elements of the first view where a condition is not 0, and of the second elsewhere.
    private mutating func choice(_ views: [ValueView], _ node: ONNXNode) throws -> ValueView {
        // All three whole, in the order of their axes.
        var values: [Graph.Value] = []
        var shape: ValueView?
        for (place, view) in views.enumerated() {
            guard let whole = spread(view, like: views) else {
                throw ONNXProblem(
                    node,
                    "chooses by and between \(views.map(\.description).joined(separator: ", ")), which do not fit "
                        + "each other")
            }
            let own = try expanded(withoutExamples(whole, like: shape ?? whole, node), named: node.label)
            values.append(
                try materialize(own, own.axes.indices.map { own.places(ofAxis: $0) }, named: "\(node.label).\(place)"))
            if view.value != nil || shape == nil { shape = own }
        }
        guard let shape else { throw ONNXProblem(node, "has no inputs; the file is damaged") }
        let value = try add(Where(), named: unique(node), values)
        return shape.restrided(value, order: shape.axes.indices.flatMap { shape.places(ofAxis: $0) })
    }

    /// A view broadcast to the lengths of others; nil if they do not broadcast.
    private func spread(_ view: ValueView, like others: [ValueView]) -> ValueView? {
        let rank = ([view] + others).map(\.rank).max() ?? 0
        var result = view.padded(toRank: rank)
        for other in others {
            let other = other.padded(toRank: rank)
            for axis in 0..<rank where result.length(axis) != other.length(axis) && other.length(axis) != .one {
                guard result.axes[axis].isEmpty else { return nil }
                result.axes[axis] = other.axes[axis].map { $0.isBatch ? $0 : .repeated($0.length.count) }
            }
        }
        return result
    }
}
