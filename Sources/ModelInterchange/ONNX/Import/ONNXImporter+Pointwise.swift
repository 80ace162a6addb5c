import NeuralGraph

extension ONNXImporter {
    /// An elementwise function of one input, applied in the present memory order.
    mutating func pointwise(_ node: ONNXNode, _ function: PointwiseFunction) throws {
        try define(node, try pointwise(try view(node, 0), function, name: node.label))
    }

    mutating func pointwise(_ view: ValueView, _ function: PointwiseFunction, name: String) throws -> ValueView {
        let x = try value(of: view, named: name)
        let merged = merging(function, of: x)
        let result = try add(Pointwise(merged.function), named: unique(name), [merged.value])
        return ValueView(.value(result), axes: view.axes)
    }

    /// The value under a view, in memory order.
    mutating func value(of view: ValueView, named name: String) throws -> Graph.Value {
        if let value = view.value { return value }
        return try materialize(view, [view.memoryOrder], named: name)
    }

    mutating func relu(_ node: ONNXNode) throws {
        let view = try view(node, 0)
        let value = try add(ReLU(), for: node, "", try value(of: view, named: node.label))
        try define(node, ValueView(.value(value), axes: view.axes))
    }

    mutating func clip(_ node: ONNXNode) throws {
        let view = try view(node, 0)
        for position in 1...2 where node.input(position) != nil {
            guard try scalar(node, position) != nil else {
                throw ONNXProblem(node, "has limits that are not known when the file is read, which is not supported")
            }
        }
        // Limits were attributes before set 11.
        let minimum = try scalar(node, 1) ?? node.float("min") ?? -.infinity
        let maximum = try scalar(node, 2) ?? node.float("max") ?? .infinity
        guard !minimum.isNaN, !maximum.isNaN else {
            throw ONNXProblem(node, "clips between \(minimum) and \(maximum)")
        }
        // Where the limits cross, the upper one holds.
        let lower = min(minimum, maximum)
        if lower == 0, maximum > 0 {
            let x = try value(of: view, named: node.label)
            let value = try add(ReLU(ceiling: maximum), for: node, "", x)
            return try define(node, ValueView(.value(value), axes: view.axes))
        }
        try define(node, try pointwise(view, .clamp(minimum: lower, maximum: maximum), name: node.label))
    }

    mutating func swish(_ node: ONNXNode) throws {
        let alpha = try node.float("alpha") ?? 1
        let view = try view(node, 0)
        guard alpha != 1 else { return try define(node, try pointwise(view, .silu, name: node.label)) }
        // x sigmoid(a x) = silu(a x) / a
        guard alpha != 0, alpha.isFinite else { throw ONNXProblem(node, "has the factor \(alpha)") }
        let scaled = try pointwise(view, .affine(scale: alpha, shift: 0), name: node.label + ".scale")
        let curved = try pointwise(scaled, .silu, name: node.label + ".silu")
        try define(node, try pointwise(curved, .affine(scale: 1 / alpha, shift: 0), name: node.label))
    }

    mutating func prelu(_ node: ONNXNode) throws {
        let input = try view(node, 0)
        let slope = try view(node, 1)
        let pair = try arranged(input, slope.padded(toRank: input.rank), node)
        let x = try materialize(pair.first, pair.groups, named: node.label)
        let name = unique(node)
        let parameter = try parameter(
            pair.second, order: pair.secondOrder, shape: pair.secondShape, node: name, "weight", learns: true)
        let value = try add(PReLU(shape: pair.secondShape), named: name, [x], [parameter])
        try define(node, pair.first.restrided(value, order: pair.groups.flatMap { $0 }))
    }

    mutating func dropout(_ node: ONNXNode) throws {
        let view = try view(node, 0)
        let probability = try scalar(node, 1) ?? node.float("ratio") ?? 0.5
        if let trains = try fixedIntegers(node, 2), trains.contains(where: { $0 != 0 }) {
            throw ONNXProblem(
                node,
                "is in training mode, so that its result is random; export the model in evaluation mode "
                    + "(model.eval())")
        }
        let value = try add(Dropout(probability: probability), for: node, "", try value(of: view, named: node.label))
        try define(node, ValueView(.value(value), axes: view.axes))
    }

    // MARK: Patterns

    /// A function of a value in fewer nodes: scalings are combined, and known compositions become one function.
    func merging(_ function: PointwiseFunction, of value: Graph.Value) -> (
        function: PointwiseFunction, value: Graph.Value
    ) {
        guard case .affine(let scale, let shift) = function else { return (function, value) }
        if let inner = affine(value) {
            let merged = (scale: scale * inner.scale, shift: scale * inner.shift + shift)
            return merging(.affine(scale: merged.scale, shift: merged.shift), of: inner.value)
        }
        guard shift == 0, let maker = maker(value) else { return (function, value) }
        // clip(x + 3, 0, 6) / 6
        if isClose(scale, 1 / 6), let x = shiftedReLU(value) {
            return (.hardSigmoid(alpha: 1 / 6, beta: 0.5), x)
        }
        if let operation = maker.operation as? Arithmetic, operation.arithmetic == .multiplication {
            let (first, second) = (maker.inputs[0], maker.inputs[1])
            for (x, other) in [(first, second), (second, first)] {
                // x * clip(x + 3, 0, 6) / 6
                if isClose(scale, 1 / 6), shiftedReLU(other) == x { return (.hardSwish, x) }
                if let gate = errorGate(x, other), isClose(gate.factor * scale, 0.5) { return (.gelu, gate.value) }
            }
        }
        return (function, value)
    }

    /// Fuses a product of two values that is a known activation of one value.
    ///
    /// `x * sigmoid(x)`, `x * hardSigmoid(x)`, and GELU by the error function (Hendrycks and Gimpel 2016).
    func curvedProduct(_ first: Graph.Value, _ second: Graph.Value) -> (
        function: PointwiseFunction, value: Graph.Value
    )? {
        for (x, other) in [(first, second), (second, first)] {
            if let maker = maker(other), let gate = maker.operation as? Pointwise, maker.inputs[0] == x {
                if gate.function == .sigmoid { return (.silu, x) }
                if case .hardSigmoid(let alpha, let beta) = gate.function, isClose(alpha, 1 / 6), isClose(beta, 0.5) {
                    return (.hardSwish, x)
                }
            }
            if let gate = errorGate(x, other), isClose(gate.factor, 0.5) { return (.gelu, gate.value) }
        }
        return nil
    }

    /// Returns x if the value is `clip(x + 3, 0, 6)`.
    private func shiftedReLU(_ value: Graph.Value) -> Graph.Value? {
        guard let clip = maker(value), (clip.operation as? ReLU)?.ceiling == 6,
            let sum = affine(clip.inputs[0]), sum.scale == 1, sum.shift == 3
        else { return nil }
        return sum.value
    }

    /// Returns x and p if the product of two values is `p x (1 + erf(x / sqrt 2))`.
    private func errorGate(_ first: Graph.Value, _ second: Graph.Value) -> (value: Graph.Value, factor: Float)? {
        guard let gate = affine(second), gate.scale == gate.shift, let error = maker(gate.value),
            (error.operation as? Pointwise)?.function == .erf, let inner = affine(error.inputs[0]), inner.shift == 0,
            isClose(inner.scale, Float(0.5).squareRoot())
        else { return nil }
        if first == inner.value { return (first, gate.scale) }
        guard let scaled = affine(first), scaled.shift == 0, scaled.value == inner.value else { return nil }
        return (scaled.value, gate.scale * scaled.scale)
    }

    /// Returns x, a and b if the value is `a x + b`.
    func affine(_ value: Graph.Value) -> (scale: Float, shift: Float, value: Graph.Value)? {
        guard let maker = maker(value), case .affine(let scale, let shift) = (maker.operation as? Pointwise)?.function
        else { return nil }
        return (scale, shift, maker.inputs[0])
    }

    func isClose(_ first: Float, _ second: Float) -> Bool { abs(first - second) <= 1e-5 * abs(second) }
}
