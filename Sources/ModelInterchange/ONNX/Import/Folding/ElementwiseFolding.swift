import Foundation

/// Elementwise operators on constants that broadcast to each other.
extension Folding {
    static let elementwise: [String: Rule] = [
        "Add": { try $0.combined({ $0.adding($1) }, { $0 + $1 }) },
        "Sub": { try $0.combined({ $0.adding($1, times: -1) }, { $0 - $1 }) },
        "Mul": { try $0.combined({ $0.multiplied(by: $1) }, { $0 * $1 }) },
        "Div": { try $0.quotient() },
        "Mod": { try $0.remainder() },
        "Pow": { try $0.power() },
        "Min": { try $0.combined({ ordered($0, $1)?.0 }, { Float.minimum($0, $1) }) },
        "Max": { try $0.combined({ ordered($0, $1)?.1 }, { Float.maximum($0, $1) }) },
        "Sum": { try $0.combined({ $0.adding($1) }, { $0 + $1 }) },
        "Mean": { try $0.mean() },
        "Equal": { try $0.compared({ difference($0, $1)?.isZero }, { $0 == $1 }) },
        "Greater": { try $0.compared({ difference($0, $1)?.sign.map { $0 > 0 } }, { $0 > $1 }) },
        "GreaterOrEqual": { try $0.compared({ difference($0, $1)?.sign.map { $0 >= 0 } }, { $0 >= $1 }) },
        "Less": { try $0.compared({ difference($0, $1)?.sign.map { $0 < 0 } }, { $0 < $1 }) },
        "LessOrEqual": { try $0.compared({ difference($0, $1)?.sign.map { $0 <= 0 } }, { $0 <= $1 }) },
        "And": { try $0.compared({ a, b in both(a, b) { $0 && $1 } }, nil) },
        "Or": { try $0.compared({ a, b in both(a, b) { $0 || $1 } }, nil) },
        "Xor": { try $0.compared({ a, b in both(a, b) { $0 != $1 } }, nil) },
        "Not": { try $0.mapped({ $0.isZero.map { BatchInteger($0 ? 1 : 0) } }, nil) },
        "Neg": { try $0.mapped({ BatchInteger(0).adding($0, times: -1) }, { -$0 }) },
        "Abs": { try $0.mapped({ a in a.sign.flatMap { a.multiplied(by: BatchInteger($0)) } }, { abs($0) }) },
        "Sign": { try $0.mapped({ $0.sign.map { BatchInteger($0) } }, { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }) },
        "Floor": { try $0.mapped({ $0 }, { $0.rounded(.down) }) },
        "Ceil": { try $0.mapped({ $0 }, { $0.rounded(.up) }) },
        "Round": { try $0.mapped({ $0 }, { $0.rounded(.toNearestOrEven) }) },
        "Relu": { try $0.mapped({ a in a.sign.map { $0 < 0 ? BatchInteger(0) : a } }, { $0 < 0 ? 0 : $0 }) },
        "Sqrt": { try $0.mapped(nil, { $0.squareRoot() }) },
        "Reciprocal": { try $0.mapped(nil, { 1 / $0 }) },
        "Exp": { try $0.mapped(nil, { exp($0) }) },
        "Log": { try $0.mapped(nil, { log($0) }) },
        "Sin": { try $0.mapped(nil, { sin($0) }) },
        "Cos": { try $0.mapped(nil, { cos($0) }) },
        "Tanh": { try $0.mapped(nil, { tanh($0) }) },
        "Erf": { try $0.mapped(nil, { erf($0) }) },
        "Sigmoid": { try $0.mapped(nil, { 1 / (1 + exp(-$0)) }) },
        "IsNaN": { try $0.tested { $0.isNaN } },
        "IsInf": { folding in
            let (up, down) = (
                try folding.node.integer("detect_positive") ?? 1, try folding.node.integer("detect_negative") ?? 1
            )
            return try folding.tested { $0.isInfinite && ($0 > 0 ? up : down) != 0 }
        },
        "Clip": { try $0.clipped() },
        "Where": { try $0.choice() },
        "Cast": { folding in
            [try folding.cast(folding.input(0), to: ONNXScalarType(rawValue: folding.node.integer("to") ?? 0))]
        },
        "CastLike": { folding in
            guard case .integers = try folding.input(1) else {
                return [try folding.cast(folding.input(0), to: .float32)]
            }
            return [try folding.cast(folding.input(0), to: .int64)]
        },
        "Identity": { [try $0.input(0)] },
    ]

    private static func difference(_ a: BatchInteger, _ b: BatchInteger) -> BatchInteger? { a.adding(b, times: -1) }

    /// The smaller and the larger of two numbers; nil if that depends on the batch size.
    private static func ordered(_ a: BatchInteger, _ b: BatchInteger) -> (BatchInteger, BatchInteger)? {
        guard let difference = difference(a, b) else { return nil }
        if let sign = difference.sign { return sign <= 0 ? (a, b) : (b, a) }
        // N and 1 may be equal, and N is never below.
        let (atOne, overflow) = difference.constant.addingReportingOverflow(difference.perExample)
        guard !overflow, atOne == 0 else { return nil }
        return difference.perExample < 0 ? (a, b) : (b, a)
    }

    private static func both(
        _ a: BatchInteger, _ b: BatchInteger, _ function: (Bool, Bool) -> Bool
    ) -> Bool? {
        guard let first = a.isZero, let second = b.isZero else { return nil }
        return function(!first, !second)
    }

    // MARK: Shared by operators

    /// A function of one input; nil for an element type that the operator does not take.
    private func mapped(
        _ whole: ((BatchInteger) -> BatchInteger?)?, _ fraction: ((Float) -> Float)?
    ) throws -> [KnownNumbers] {
        let numbers = try input(0)
        try check(numbers.dimensions)
        func integers(_ tensor: IntegerTensor) throws -> IntegerTensor {
            guard let whole else { throw unknown }
            return IntegerTensor(
                dimensions: tensor.dimensions,
                values: try tensor.values.map { value in
                    guard let result = whole(value) else { throw unknown }
                    return result
                })
        }
        switch numbers {
        case .integers(let tensor):
            guard whole != nil else { throw wrongKind("integers") }
            return [.integers(try integers(tensor))]
        case .reals(let tensor): return [.real(try integers(tensor))]
        case .floats(let tensor):
            guard let fraction else { throw wrongKind("numbers with a fraction") }
            return [.floats(KnownTensor(dimensions: tensor.dimensions, values: tensor.values.map(fraction)))]
        }
    }

    private func wrongKind(_ kind: String) -> ONNXProblem {
        ONNXProblem(node, "takes no \(kind); the file is damaged")
    }

    /// Combines all inputs from the first to the last, elementwise.
    private func combined(
        _ whole: (BatchInteger, BatchInteger) -> BatchInteger?, _ fraction: (Float, Float) -> Float
    ) throws -> [KnownNumbers] {
        let inputs = try allInputs()
        let shape = try shape(inputs)
        func integers(_ tensors: [IntegerTensor]) throws -> IntegerTensor {
            var result = tensors[0].broadcast(to: shape)
            for next in tensors.dropFirst() {
                let other = next.broadcast(to: shape)
                for index in result.values.indices {
                    guard let value = whole(result.values[index], other.values[index]) else { throw unknown }
                    result.values[index] = value
                }
            }
            return result
        }
        guard !inputs.isEmpty else { throw ONNXProblem(node, "has no input; the file is damaged") }
        switch try alike(inputs) {
        case .integers(let tensors): return [.integers(try integers(tensors))]
        case .reals(let tensors): return [.real(try integers(tensors))]
        case .floats(let tensors):
            var result = tensors[0].broadcast(to: shape)
            for next in tensors.dropFirst() {
                let other = next.broadcast(to: shape)
                for index in result.values.indices {
                    result.values[index] = fraction(result.values[index], other.values[index])
                }
            }
            return [.floats(result)]
        }
    }

    /// A comparison of two inputs.
    private func compared(
        _ whole: (BatchInteger, BatchInteger) -> Bool?, _ fraction: ((Float, Float) -> Bool)?
    ) throws -> [KnownNumbers] {
        let inputs = [try input(0), try input(1)]
        let shape = try shape(inputs)
        let values: [BatchInteger]
        switch try alike(inputs) {
        case .integers(let tensors), .reals(let tensors):
            let (a, b) = (tensors[0].broadcast(to: shape), tensors[1].broadcast(to: shape))
            values = try zip(a.values, b.values).map { first, second in
                guard let result = whole(first, second) else { throw unknown }
                return BatchInteger(result ? 1 : 0)
            }
        case .floats(let tensors):
            guard let fraction else { throw wrongKind("numbers with a fraction") }
            let (a, b) = (tensors[0].broadcast(to: shape), tensors[1].broadcast(to: shape))
            values = zip(a.values, b.values).map { BatchInteger(fraction($0, $1) ? 1 : 0) }
        }
        return [.integers(IntegerTensor(dimensions: shape, values: values))]
    }

    /// A test of one floating-point input.
    private func tested(_ test: (Float) -> Bool) throws -> [KnownNumbers] {
        let numbers = try input(0)
        try check(numbers.dimensions)
        guard case .floats(let tensor) = numbers else {
            // Integers are neither NaN nor infinite.
            let count = numbers.dimensions.reduce(1, *)
            return [
                .integers(
                    IntegerTensor(
                        dimensions: numbers.dimensions, values: [BatchInteger](repeating: BatchInteger(0), count: count)
                    ))
            ]
        }
        return [
            .integers(
                IntegerTensor(
                    dimensions: tensor.dimensions, values: tensor.values.map { BatchInteger(test($0) ? 1 : 0) }))
        ]
    }

    // MARK: Operators

    /// Divides integers towards 0, and numbers that depend on the batch size only without remainder.
    private func quotient() throws -> [KnownNumbers] {
        let inputs = try allInputs()
        if case .reals = try alike(inputs) {
            return try combined(
                { a, b in
                    guard let result = a.divided(by: b), result.multiplied(by: b) == a else { return nil }
                    return result
                }, { $0 / $1 })
        }
        return try combined({ $0.divided(by: $1) }, { $0 / $1 })
    }

    private func remainder() throws -> [KnownNumbers] {
        let followsDividend = try node.integer("fmod") ?? 0 == 1
        if case .floats = try input(0), !followsDividend {
            throw ONNXProblem(node, "has fmod 0 for numbers with a fraction, which is not defined; the file is damaged")
        }
        return try combined(
            { $0.remainder($1, followsDividend: followsDividend) }, { $0.truncatingRemainder(dividingBy: $1) })
    }

    /// Raises to a power; the result has the base's element type.
    private func power() throws -> [KnownNumbers] {
        var inputs = [try input(0), try input(1)]
        if case .integers(let base) = inputs[0], case .floats = inputs[1] {
            inputs[0] = .real(base)
            guard case .floats = inputs[0] else { throw unknown }
            let powers = try Folding(node: node, inputs: inputs, budget: budget).power()
            return try powers.map { try cast($0, to: .int64) }
        }
        if case .floats = inputs[0], case .integers(let exponent) = inputs[1] {
            inputs[1] = .real(exponent)
            return try Folding(node: node, inputs: inputs, budget: budget).power()
        }
        return try combined({ $0.raised(to: $1) }, { pow($0, $1) })
    }

    private func mean() throws -> [KnownNumbers] {
        let sums = try combined({ _, _ in nil }, { $0 + $1 })
        guard case .floats(var sum) = sums[0] else { throw wrongKind("integers") }
        for index in sum.values.indices { sum.values[index] /= Float(inputs.count) }
        return [.floats(sum)]
    }

    private func clipped() throws -> [KnownNumbers] {
        var limits: [KnownNumbers?] = [nil, nil]
        for position in 1...2 where position < inputs.count { limits[position - 1] = inputs[position] }
        // Limits were attributes before set 11.
        if let minimum = try node.float("min") { limits[0] = .floats(KnownTensor(minimum)) }
        if let maximum = try node.float("max") { limits[1] = .floats(KnownTensor(maximum)) }
        var result = try input(0)
        for (limit, isLower) in zip(limits, [true, false]) {
            guard let limit else { continue }
            let pair = Folding(node: node, inputs: [result, limit], budget: budget)
            result =
                try isLower
                ? pair.combined({ Self.ordered($0, $1)?.1 }, { $0 < $1 ? $1 : $0 })[0]
                : pair.combined({ Self.ordered($0, $1)?.0 }, { $0 > $1 ? $1 : $0 })[0]
        }
        return [result]
    }

    private func choice() throws -> [KnownNumbers] {
        let inputs = [try input(0), try input(1), try input(2)]
        guard case .integers(let condition) = inputs[0] else {
            throw ONNXProblem(node, "chooses by numbers with a fraction; the file is damaged")
        }
        let shape = try shape(inputs)
        let chosen = try condition.broadcast(to: shape).values.map { value in
            guard let isZero = value.isZero else { throw unknown }
            return !isZero
        }
        func choose<Element>(_ tensors: [KnownTensor<Element>]) -> KnownTensor<Element> {
            let (a, b) = (tensors[0].broadcast(to: shape), tensors[1].broadcast(to: shape))
            return KnownTensor(
                dimensions: shape, values: chosen.indices.map { chosen[$0] ? a.values[$0] : b.values[$0] })
        }
        switch try alike(Array(inputs[1...])) {
        case .integers(let tensors): return [.integers(choose(tensors))]
        case .reals(let tensors): return [.real(choose(tensors))]
        case .floats(let tensors): return [.floats(choose(tensors))]
        }
    }
}
