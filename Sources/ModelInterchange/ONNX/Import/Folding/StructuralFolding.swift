/// Slicing, joining, reordering and repeating of constants.
extension Folding {
    static let structural: [String: Rule] = [
        "Concat": { try $0.concat() },
        "Split": { try $0.split() },
        "Slice": { try $0.slice() },
        "Gather": { try $0.gather() },
        "GatherND": { try $0.gatherByIndices() },
        "Transpose": { try $0.transposed() },
        "Reshape": { try $0.reshaped() },
        "Flatten": { try $0.flattened() },
        "Squeeze": { try $0.squeezed() },
        "Unsqueeze": { try $0.unsqueezed() },
        "Expand": { try $0.expanded() },
        "Tile": { try $0.tiled() },
        "Trilu": { try $0.triangle() },
        "Range": { try $0.range() },
        "CumSum": { try $0.runningSum() },
        "NonZero": { try $0.nonZero() },
    ]

    /// The axes that an operator names in an input, or, in older operator sets, in an attribute.
    func axes(input position: Int, attribute: String = "axes") throws -> [Int]? {
        try integers(position) ?? node.integers(attribute)
    }

    private func concat() throws -> [KnownNumbers] {
        let inputs = try allInputs()
        guard let number = try node.integer("axis"), let first = inputs.first else {
            throw ONNXProblem(node, "lacks its axis or its inputs; the file is damaged")
        }
        let axis = try node.axis(number, rank: first.dimensions.count)
        var shape = first.dimensions
        shape[axis] = 0
        for input in inputs {
            var other = input.dimensions
            guard other.count == shape.count else { throw unequal(inputs) }
            let (sum, overflow) = shape[axis].addingReportingOverflow(other[axis])
            (shape[axis], other[axis]) = (sum, sum)
            guard other == shape, !overflow else { throw unequal(inputs) }
        }
        try check(shape)
        func joined<Element>(_ tensors: [KnownTensor<Element>]) -> KnownTensor<Element> {
            let outer = shape[..<axis].reduce(1, *)
            var values: [Element] = []
            for row in 0..<outer {
                for tensor in tensors {
                    let run = tensor.dimensions[axis...].reduce(1, *)
                    values += tensor.values[(row * run)..<((row + 1) * run)]
                }
            }
            return KnownTensor(dimensions: shape, values: values)
        }
        switch try alike(inputs) {
        case .integers(let tensors): return [.integers(joined(tensors))]
        case .reals(let tensors): return [.real(joined(tensors))]
        case .floats(let tensors): return [.floats(joined(tensors))]
        }
    }

    private func unequal(_ inputs: [KnownNumbers]) -> ONNXProblem {
        let shapes = inputs.map { "\($0.dimensions)" }.joined(separator: " and ")
        return ONNXProblem(node, "joins \(shapes), which do not fit each other")
    }

    /// Takes elements at strides.
    private func taking(
        _ numbers: KnownNumbers, _ steps: [ONNXBinding.Step], from first: Int = 0, as shape: [Int]? = nil
    ) throws -> KnownNumbers {
        try check(steps.map(\.count))
        func taken<Element>(_ tensor: KnownTensor<Element>) -> KnownTensor<Element> {
            var result = tensor.stepping(steps, from: first)
            if let shape { result.dimensions = shape }
            return result
        }
        return restructured(numbers, integers: taken, floats: taken)
    }

    func steps(_ dimensions: [Int]) -> [ONNXBinding.Step] {
        zip(dimensions, KnownTensor<Int>(dimensions: dimensions, values: []).strides)
            .map { ONNXBinding.Step(count: $0, stride: $1) }
    }

    private func split() throws -> [KnownNumbers] {
        let numbers = try input(0)
        let axis = try node.axis(try node.integer("axis") ?? 0, rank: numbers.dimensions.count)
        let sizes = try node.parts(of: numbers.dimensions[axis], given: axes(input: 1, attribute: "split"))
        let all = steps(numbers.dimensions)
        var start = 0
        return try sizes.map { size in
            var own = all
            own[axis] = ONNXBinding.Step(count: size, stride: all[axis].stride)
            defer { start += size }
            return try taking(numbers, own, from: start * all[axis].stride)
        }
    }

    private func slice() throws -> [KnownNumbers] {
        let numbers = try input(0)
        let rank = numbers.dimensions.count
        guard let starts = try axes(input: 1, attribute: "starts"), let ends = try axes(input: 2, attribute: "ends")
        else { throw ONNXProblem(node, "lacks its starts or ends; the file is damaged") }
        let axes = try axes(input: 3) ?? Array(starts.indices)
        let strides = try integers(4) ?? starts.map { _ in 1 }
        let named = try node.uniqueAxes(axes, rank: rank)
        guard starts.count == ends.count, axes.count == starts.count, strides.count == starts.count else {
            throw ONNXProblem(node, "has starts, ends, axes and steps of different lengths; the file is damaged")
        }
        var own = steps(numbers.dimensions)
        var first = 0
        for (index, axis) in named.enumerated() {
            let range = try node.range(
                start: starts[index], end: ends[index], step: strides[index], length: numbers.dimensions[axis])
            if range.count > 0 { first += range.first * own[axis].stride }
            // A step beyond the axis takes one number at most.
            own[axis] = ONNXBinding.Step(
                count: range.count, stride: range.count > 1 ? own[axis].stride * strides[index] : 0)
        }
        return [try taking(numbers, own, from: first)]
    }

    private func gather() throws -> [KnownNumbers] {
        let numbers = try input(0)
        let shape = numbers.dimensions
        guard let indices = try integers(1) else { throw ONNXProblem(node, "lacks its indices; the file is damaged") }
        let axis = try node.axis(try node.integer("axis") ?? 0, rank: shape.count)
        let length = shape[axis]
        let places = try indices.map { number in
            guard (-length..<length).contains(number) else {
                throw ONNXProblem(node, "takes the entry \(number) of an axis of length \(length)")
            }
            return number < 0 ? number + length : number
        }
        let result = Array(shape[..<axis]) + (try input(1).dimensions) + Array(shape[(axis + 1)...])
        try check(result)
        let (outer, inner) = (shape[..<axis].reduce(1, *), shape[(axis + 1)...].reduce(1, *))
        func taken<Element>(_ tensor: KnownTensor<Element>) -> KnownTensor<Element> {
            var values: [Element] = []
            for row in 0..<outer {
                for place in places {
                    let first = (row * length + place) * inner
                    values += tensor.values[first..<(first + inner)]
                }
            }
            return KnownTensor(dimensions: result, values: values)
        }
        return [restructured(numbers, integers: taken, floats: taken)]
    }

    private func gatherByIndices() throws -> [KnownNumbers] {
        let numbers = try input(0)
        let (shape, table) = (numbers.dimensions, try input(1).dimensions)
        let batch = try node.integer("batch_dims") ?? 0
        guard let indices = try integers(1), let depth = table.last, batch >= 0, batch < table.count,
            depth >= 1, depth <= shape.count - batch, shape.count >= batch, shape[..<batch] == table[..<batch]
        else { throw ONNXProblem(node, "has indices of \(table) for an input of \(shape), which do not fit") }
        let result = Array(table.dropLast()) + Array(shape[(batch + depth)...])
        try check(result)
        let inner = shape[(batch + depth)...].reduce(1, *)
        let tuples = table.dropLast().reduce(1, *)
        let each = max(1, tuples / max(1, table[..<batch].reduce(1, *)))
        let starts = try (0..<tuples).map { tuple in
            var place = tuple / each
            for index in 0..<depth {
                let (length, number) = (shape[batch + index], indices[tuple * depth + index])
                guard (-length..<length).contains(number) else {
                    throw ONNXProblem(node, "takes the entry \(number) of an axis of length \(length)")
                }
                place = place * length + (number < 0 ? number + length : number)
            }
            return place * inner
        }
        func taken<Element>(_ tensor: KnownTensor<Element>) -> KnownTensor<Element> {
            KnownTensor(dimensions: result, values: starts.flatMap { tensor.values[$0..<($0 + inner)] })
        }
        return [restructured(numbers, integers: taken, floats: taken)]
    }

    private func transposed() throws -> [KnownNumbers] {
        let numbers = try input(0)
        let rank = numbers.dimensions.count
        let order = try node.integers("perm") ?? Array((0..<rank).reversed())
        guard order.sorted() == Array(0..<rank) else { throw ONNXProblem(node, "has a perm that orders other axes") }
        let all = steps(numbers.dimensions)
        return [try taking(numbers, order.map { all[$0] })]
    }

    private func expanded() throws -> [KnownNumbers] {
        let numbers = try input(0)
        guard let target = try integers(1), target.allSatisfy({ $0 >= 0 }),
            let shape = broadcastShape([numbers.dimensions, target])
        else { throw ONNXProblem(node, "expands \(numbers.dimensions) to a shape that it does not fit") }
        try check(shape)
        return [restructured(numbers, integers: { $0.broadcast(to: shape) }, floats: { $0.broadcast(to: shape) })]
    }

    private func tiled() throws -> [KnownNumbers] {
        let numbers = try input(0)
        let shape = numbers.dimensions
        guard let repeats = try integers(1), repeats.count == shape.count,
            repeats.allSatisfy({ (0...ONNXImporter.largestValue).contains($0) })
        else {
            throw ONNXProblem(node, "has repeats that are not one number of 0 or more for each of \(shape.count) axes")
        }
        let all = steps(shape)
        let both = zip(all, repeats).flatMap { [ONNXBinding.Step(count: $1, stride: 0), $0] }
        try check(both.map(\.count))
        return [try taking(numbers, both, as: zip(shape, repeats).map { $0 * $1 })]
    }
}
