import Foundation

/// Reductions of constants over axes.
extension Folding {
    static let reductions: [String: Rule] = [
        "ReduceSum": { try $0.reduced({ $0.adding($1) }, { $0 + $1 }, from: 0) },
        "ReduceProd": { try $0.reduced({ $0.multiplied(by: $1) }, { $0 * $1 }, from: 1) },
        "ReduceMax": { folding in
            try folding.reduced({ Self.extreme($0, $1, 1) }, { Double.maximum($0, $1) }, from: nil)
        },
        "ReduceMin": { folding in
            try folding.reduced({ Self.extreme($0, $1, -1) }, { Double.minimum($0, $1) }, from: nil)
        },
        "ReduceMean": { try $0.reduced(nil, { $0 + $1 }, from: 0, finish: { $0 / Double($1) }) },
        "ReduceL1": { try $0.reduced(nil, { $0 + abs($1) }, from: 0) },
        "ReduceL2": { try $0.reduced(nil, { $0 + $1 * $1 }, from: 0, finish: { sum, _ in sum.squareRoot() }) },
        "ReduceSumSquare": { try $0.reduced(nil, { $0 + $1 * $1 }, from: 0) },
        "ReduceLogSum": { try $0.reduced(nil, { $0 + $1 }, from: 0, finish: { sum, _ in log(sum) }) },
        "ReduceLogSumExp": { try $0.reduced(nil, { $0 + exp($1) }, from: 0, finish: { sum, _ in log(sum) }) },
    ]

    private static func extreme(_ a: BatchInteger, _ b: BatchInteger, _ sign: Int) -> BatchInteger? {
        a.adding(b, times: -1)?.sign.map { $0 * sign >= 0 ? a : b }
    }

    /// - Parameters:
    ///   - whole: the function for integers; nil if the operator does not take them.
    ///   - start: the result for no elements; nil if there must be at least one.
    ///   - finish: the last step, from the result and the number of elements.
    private func reduced(
        _ whole: ((BatchInteger, BatchInteger) -> BatchInteger?)?, _ fraction: (Double, Double) -> Double,
        from start: Int?, finish: (Double, Int) -> Double = { number, _ in number }
    ) throws -> [KnownNumbers] {
        let numbers = try input(0)
        let shape = numbers.dimensions
        let given = try integers(1) ?? node.integers("axes") ?? []
        // Without axes nothing is reduced then, but what is done with each number is done.
        let isKept = try node.integer("noop_with_empty_axes") ?? 0 == 1
        let isWhole = given.isEmpty && !isKept
        let axes = try node.axes(isWhole ? Array(shape.indices) : given, rank: shape.count)
        let keepsAxes = try node.integer("keepdims") ?? 1 == 1
        let kept = shape.indices.filter { !axes.contains($0) }
        let result = shape.indices.compactMap { axes.contains($0) ? (keepsAxes ? 1 : nil) : shape[$0] }
        try check(shape)
        let count = axes.reduce(1) { $0 * shape[$1] }
        let places = kept.reduce(1) { $0 * shape[$1] }
        guard count > 0 || start != nil else { throw ONNXProblem(node, "reduces an axis of length 0") }
        /// The numbers that are reduced lie side by side.
        func rows<Element>(_ tensor: KnownTensor<Element>) -> [Element] {
            let strides = tensor.strides
            return tensor.stepping((kept + axes).map { ONNXBinding.Step(count: shape[$0], stride: strides[$0]) }).values
        }
        func wholeRows(_ tensor: IntegerTensor) throws -> IntegerTensor {
            guard let whole else { throw unknown }
            let ordered = rows(tensor)
            return IntegerTensor(
                dimensions: result,
                values: try (0..<places).map { place in
                    var row = ordered[(place * count)..<((place + 1) * count)]
                    var total = start.map { BatchInteger($0) } ?? row.removeFirst()
                    for number in row {
                        guard let next = whole(total, number) else { throw unknown }
                        total = next
                    }
                    return total
                })
        }
        switch numbers {
        case .integers(let tensor): return [.integers(try wholeRows(tensor))]
        case .reals(let tensor): return [.real(try wholeRows(tensor))]
        case .floats(let tensor):
            let ordered = rows(tensor)
            let values = (0..<places).map { place in
                var row = ordered[(place * count)..<((place + 1) * count)].map { Double($0) }[...]
                let first = start.map { Double($0) } ?? row.removeFirst()
                return Float(finish(row.reduce(first, fraction), count))
            }
            return [.floats(KnownTensor(dimensions: result, values: values))]
        }
    }
}
