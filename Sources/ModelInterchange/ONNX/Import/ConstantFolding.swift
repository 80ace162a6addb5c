import Foundation

/// Computes nodes whose inputs are whole numbers that are known when a file is read.
struct IntegerFolding {
    let node: ONNXNode

    /// The outputs; nil if the operator is none that computes with whole numbers.
    func result(_ inputs: [IntegerTensor?]) throws -> [IntegerTensor]? {
        guard let results = try computed(inputs) else { return nil }
        for tensor in results {
            let count = tensor.dimensions.reduce(1.0) { $0 * Double($1) }
            guard count == Double(tensor.values.count) else { throw unknown }
        }
        return results
    }

    private func computed(_ inputs: [IntegerTensor?]) throws -> [IntegerTensor]? {
        let given = inputs.compactMap { $0 }
        guard let first = inputs.first ?? nil else { return nil }
        switch node.operation {
        case "Identity": return [first]
        case "Add": return [try combine(given) { $0.adding($1) }]
        case "Sub": return [try combine(given) { $0.adding($1, times: -1) }]
        case "Mul": return [try combine(given) { $0.multiplied(by: $1) }]
        case "Div": return [try combine(given) { $0.divided(by: $1) }]
        case "Mod": return [try combine(given) { Self.remainder($0, $1) }]
        case "Min": return [try combine(given) { Self.ordered($0, $1)?.0 }]
        case "Max": return [try combine(given) { Self.ordered($0, $1)?.1 }]
        case "Equal": return [try combine(given) { BatchInteger($0 == $1 ? 1 : 0) }]
        case "Greater":
            return [try combine(given) { a, b in Self.ordered(a, b).map { BatchInteger($0.1 == a && a != b ? 1 : 0) } }]
        case "Less":
            return [try combine(given) { a, b in Self.ordered(a, b).map { BatchInteger($0.0 == a && a != b ? 1 : 0) } }]
        case "And": return [try combine(given) { $0.multiplied(by: $1) }]
        case "Or":
            return [try combine(given) { a, b in BatchInteger(a == BatchInteger(0) && b == BatchInteger(0) ? 0 : 1) }]
        case "Not": return [try map(first) { BatchInteger($0 == BatchInteger(0) ? 1 : 0) }]
        case "Neg": return [try map(first) { BatchInteger(0).adding($0, times: -1) }]
        case "Floor", "Ceil": return [first]
        case "Abs": return [try map(first) { $0.fixed.flatMap { $0 == .min ? nil : BatchInteger(abs($0)) } }]
        case "ReduceProd": return [IntegerTensor(try product(first))]
        case "Where": return [try choice(given)]
        case "Range": return [try range(given)]
        case "Concat": return [try concatenation(given)]
        case "Gather": return [try gather(given)]
        case "Slice": return [try slice(inputs)]
        case "Squeeze", "Unsqueeze", "Reshape", "Expand": return [try reshaped(inputs)]
        case "Transpose": return [try transposed(first)]
        default: return nil
        }
    }

    private var unknown: ONNXProblem {
        ONNXProblem(node, "computes a shape that is not a fixed number, or one for each example; it cannot be run")
    }

    private func map(_ tensor: IntegerTensor, _ function: (BatchInteger) -> BatchInteger?) throws -> IntegerTensor {
        IntegerTensor(
            dimensions: tensor.dimensions,
            values: try tensor.values.map { value in
                guard let result = function(value) else { throw unknown }
                return result
            })
    }

    /// Number by number, of inputs of one shape or single numbers.
    private func combine(
        _ inputs: [IntegerTensor], _ function: (BatchInteger, BatchInteger) -> BatchInteger?
    ) throws -> IntegerTensor {
        guard var result = inputs.first else { throw unknown }
        for next in inputs.dropFirst() {
            let (a, b) = (result, next)
            let shape = a.values.count >= b.values.count ? a : b
            let fits = { (tensor: IntegerTensor) in
                tensor.values.count == 1 || tensor.dimensions.filter { $0 != 1 } == shape.dimensions.filter { $0 != 1 }
            }
            guard fits(a), fits(b) else { throw ONNXProblem(node, "has inputs whose shapes do not fit each other") }
            let count = a.values.isEmpty || b.values.isEmpty ? 0 : shape.values.count
            result = IntegerTensor(
                dimensions: a.dimensions.count > b.dimensions.count ? a.dimensions : shape.dimensions,
                values: try (0..<count).map { index in
                    let pair = (a.values[a.values.count == 1 ? 0 : index], b.values[b.values.count == 1 ? 0 : index])
                    guard let value = function(pair.0, pair.1) else { throw unknown }
                    return value
                })
        }
        return result
    }

    private static func remainder(_ a: BatchInteger, _ b: BatchInteger) -> BatchInteger? {
        guard let divisor = b.fixed, divisor > 0 else { return nil }
        if let number = a.fixed {
            let rest = number % divisor
            return BatchInteger(rest < 0 ? rest + divisor : rest)
        }
        return a.constant % divisor == 0 && a.perExample % divisor == 0 ? BatchInteger(0) : nil
    }

    /// The smaller and the larger; nil if that depends on the batch.
    private static func ordered(_ a: BatchInteger, _ b: BatchInteger) -> (BatchInteger, BatchInteger)? {
        guard a.perExample == b.perExample else { return nil }
        return a.constant <= b.constant ? (a, b) : (b, a)
    }

    private func product(_ tensor: IntegerTensor) throws -> BatchInteger {
        try tensor.values.reduce(BatchInteger(1)) { product, value in
            guard let next = product.multiplied(by: value) else { throw unknown }
            return next
        }
    }

    private func choice(_ inputs: [IntegerTensor]) throws -> IntegerTensor {
        guard inputs.count == 3 else { throw unknown }
        let shape = inputs.max { $0.values.count < $1.values.count } ?? inputs[0]
        guard inputs.allSatisfy({ $0.values.count == 1 || $0.values.count == shape.values.count }) else {
            throw unknown
        }
        func value(_ tensor: IntegerTensor, _ index: Int) -> BatchInteger {
            tensor.values[tensor.values.count == 1 ? 0 : index]
        }
        return IntegerTensor(
            dimensions: shape.dimensions,
            values: shape.values.indices.map { index in
                value(inputs[0], index) == BatchInteger(0) ? value(inputs[2], index) : value(inputs[1], index)
            })
    }

    private func range(_ inputs: [IntegerTensor]) throws -> IntegerTensor {
        let numbers = inputs.compactMap { $0.values.first?.fixed }
        guard numbers.count == 3, numbers[2] > 0 else { throw unknown }
        let (distance, overflow) = numbers[1].subtractingReportingOverflow(numbers[0])
        guard !overflow, distance / numbers[2] < ONNXImporter.mostIntegers else {
            throw ONNXProblem(node, "counts further than \(ONNXImporter.mostIntegers)")
        }
        return IntegerTensor(stride(from: numbers[0], to: numbers[1], by: numbers[2]).map { BatchInteger($0) })
    }

    private func concatenation(_ inputs: [IntegerTensor]) throws -> IntegerTensor {
        guard inputs.allSatisfy({ $0.dimensions.count == 1 }) else { throw unknown }
        let values = inputs.flatMap(\.values)
        guard values.count <= ONNXImporter.mostIntegers else { throw unknown }
        return IntegerTensor(values)
    }

    private func gather(_ inputs: [IntegerTensor]) throws -> IntegerTensor {
        guard inputs.count == 2, inputs[0].dimensions.count == 1 else { throw unknown }
        let count = inputs[0].values.count
        let values = try inputs[1].values.map { index in
            guard let number = index.fixed, (-count..<count).contains(number) else {
                throw ONNXProblem(node, "takes an entry that is not one of \(count)")
            }
            return inputs[0].values[number < 0 ? number + count : number]
        }
        return IntegerTensor(dimensions: inputs[1].dimensions, values: values)
    }

    private func slice(_ inputs: [IntegerTensor?]) throws -> IntegerTensor {
        guard let tensor = inputs[0], inputs.count >= 3, let starts = inputs[1]?.values, let ends = inputs[2]?.values,
            starts.count == ends.count
        else { throw unknown }
        let axes = (inputs.count > 3 ? inputs[3]?.values : nil) ?? starts.indices.map { BatchInteger($0) }
        let steps = (inputs.count > 4 ? inputs[4]?.values : nil) ?? starts.map { _ in BatchInteger(1) }
        guard axes.count == starts.count, steps.count == starts.count else { throw unknown }
        var result = tensor
        for index in starts.indices {
            guard let start = starts[index].fixed, let end = ends[index].fixed, let step = steps[index].fixed,
                let number = axes[index].fixed
            else { throw unknown }
            let axis = try node.axis(number, rank: result.dimensions.count)
            let length = result.dimensions[axis]
            let range = try node.range(start: start, end: end, step: step, length: length)
            let inner = result.dimensions[(axis + 1)...].reduce(1, *)
            let outer = result.dimensions[..<axis].reduce(1, *)
            var values: [BatchInteger] = []
            for row in 0..<outer {
                for place in 0..<range.count {
                    let first = (row * length + range.first + place * step) * inner
                    values.append(contentsOf: result.values[first..<(first + inner)])
                }
            }
            result.values = values
            result.dimensions[axis] = range.count
        }
        return result
    }

    private func transposed(_ tensor: IntegerTensor) throws -> IntegerTensor {
        let rank = tensor.dimensions.count
        let order = try node.integers("perm") ?? Array((0..<rank).reversed())
        guard order.sorted() == Array(0..<rank) else { throw ONNXProblem(node, "has a perm that orders other axes") }
        var strides = [Int](repeating: 1, count: rank)
        for axis in (0..<max(0, rank - 1)).reversed() {
            strides[axis] = strides[axis + 1] * tensor.dimensions[axis + 1]
        }
        let steps = order.map { ONNXBinding.Step(count: tensor.dimensions[$0], stride: strides[$0]) }
        var values: [BatchInteger] = []
        ONNXBinding.visit(steps) { values.append(tensor.values[$0]) }
        return IntegerTensor(dimensions: order.map { tensor.dimensions[$0] }, values: values)
    }

    private func reshaped(_ inputs: [IntegerTensor?]) throws -> IntegerTensor {
        guard let tensor = inputs[0] else { throw unknown }
        let count = tensor.values.count
        switch node.operation {
        case "Squeeze" where count == 1: return IntegerTensor(dimensions: [], values: tensor.values)
        case "Squeeze": return IntegerTensor(dimensions: tensor.dimensions.filter { $0 != 1 }, values: tensor.values)
        case "Unsqueeze":
            let axes = inputs.count > 1 ? inputs[1]?.values.count ?? 1 : 1
            guard axes <= 16 else { throw unknown }
            return IntegerTensor(
                dimensions: tensor.dimensions.isEmpty || count == 1
                    ? [Int](repeating: 1, count: tensor.dimensions.count + axes) : [1] + tensor.dimensions,
                values: tensor.values)
        case "Reshape":
            guard inputs.count > 1, let target = inputs[1], target.values.count <= 16 else { throw unknown }
            let known = try target.values.enumerated().map { axis, value in
                guard let number = value.fixed, number >= -1, number <= count else { throw unknown }
                guard number == 0 else { return number }
                guard axis < tensor.dimensions.count else { throw unknown }
                return tensor.dimensions[axis]
            }
            let product = known.filter { $0 > 0 }.reduce(1.0) { $0 * Double($1) }
            guard product <= Double(max(1, count)) else { throw unknown }
            return IntegerTensor(
                dimensions: known.map { $0 == -1 ? count / Int(product) : $0 }, values: tensor.values)
        default:
            guard inputs.count > 1, let target = inputs[1], let length = target.values.first?.fixed,
                target.values.count == 1, (1...ONNXImporter.mostIntegers).contains(length),
                count == 1 || count == length
            else { throw unknown }
            return IntegerTensor(
                dimensions: [length], values: (0..<length).map { tensor.values[count == 1 ? 0 : $0] })
        }
    }
}

/// Computes nodes whose inputs are numbers with fractions that are known when a file is read.
enum FloatFolding {
    /// The operators by name; those of one input are given 0 as the second.
    static let functions: [String: @Sendable (Float, Float) -> Float] = [
        "Add": { $0 + $1 }, "Sub": { $0 - $1 }, "Mul": { $0 * $1 }, "Div": { $0 / $1 },
        "Pow": { pow($0, $1) }, "Min": { min($0, $1) }, "Max": { max($0, $1) },
        "Sqrt": { a, _ in a.squareRoot() }, "Neg": { a, _ in -a }, "Abs": { a, _ in abs(a) },
        "Reciprocal": { a, _ in 1 / a }, "Exp": { a, _ in exp(a) }, "Log": { a, _ in log(a) },
        "Floor": { a, _ in a.rounded(.down) }, "Ceil": { a, _ in a.rounded(.up) },
    ]
}
