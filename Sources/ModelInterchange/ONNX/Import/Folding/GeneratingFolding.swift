/// Ranges, cumulative sums, triangles and positions of nonzero elements.
extension Folding {
    /// The upper or lower triangle, with zeros elsewhere.
    func triangle() throws -> [KnownNumbers] {
        let numbers = try input(0)
        let shape = numbers.dimensions
        let diagonal = try integers(1) ?? [0]
        guard shape.count >= 2, diagonal.count == 1 else {
            throw ONNXProblem(node, "takes matrices and one diagonal")
        }
        let isUpper = try node.integer("upper") ?? 1 != 0
        let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
        func kept(_ index: Int) -> Bool {
            let (row, column) = (index / max(1, columns) % max(1, rows), index % max(1, columns))
            let (distance, overflow) = (column - row).subtractingReportingOverflow(diagonal[0])
            if overflow { return (diagonal[0] < 0) == isUpper }
            return isUpper ? distance >= 0 : distance <= 0
        }
        func masked<Element>(_ tensor: KnownTensor<Element>, _ zero: Element) -> KnownTensor<Element> {
            KnownTensor(
                dimensions: shape, values: tensor.values.enumerated().map { kept($0.offset) ? $0.element : zero })
        }
        try check(shape)
        return [restructured(numbers, integers: { masked($0, BatchInteger(0)) }, floats: { masked($0, 0) })]
    }

    func range() throws -> [KnownNumbers] {
        let inputs = try (0..<3).map { try input($0) }
        guard inputs.allSatisfy({ $0.dimensions.reduce(1, *) == 1 }) else {
            throw ONNXProblem(node, "takes three single numbers")
        }
        if case .floats(let tensors) = try alike(inputs) {
            let numbers = tensors.map { Double($0.values[0]) }
            let count = ((numbers[1] - numbers[0]) / numbers[2]).rounded(.up)
            guard count.isFinite, count < Double(ONNXImporter.maximumIntegers) else { throw tooLong }
            let length = max(0, Int(count))
            try check([length])
            return [.floats(KnownTensor((0..<length).map { Float(numbers[0] + Double($0) * numbers[2]) }))]
        }
        let numbers = try (0..<3).compactMap { try integers($0)?.first }
        guard numbers.count == 3, numbers[2] != 0 else { throw ONNXProblem(node, "counts by steps of 0") }
        let (distance, overflow) = numbers[1].subtractingReportingOverflow(numbers[0])
        guard !overflow, abs(Double(distance) / Double(numbers[2])) < Double(ONNXImporter.maximumIntegers) else {
            throw tooLong
        }
        let isEmpty = distance.signum() != numbers[2].signum()
        let count = isEmpty ? 0 : 1 + (distance - distance.signum()) / numbers[2]
        try check([count])
        return [.integers(IntegerTensor((0..<count).map { BatchInteger(numbers[0] + $0 * numbers[2]) }))]
    }

    private var tooLong: ONNXProblem {
        ONNXProblem(node, "counts beyond \(ONNXImporter.maximumIntegers)")
    }

    func runningSum() throws -> [KnownNumbers] {
        let numbers = try input(0)
        let shape = numbers.dimensions
        guard let number = try integers(1)?.first else {
            throw ONNXProblem(node, "lacks its axis; the file is damaged")
        }
        let axis = try node.axis(number, rank: shape.count)
        let isExclusive = try node.integer("exclusive") ?? 0 != 0
        let isReversed = try node.integer("reverse") ?? 0 != 0
        try check(shape)
        let (length, inner) = (shape[axis], shape[(axis + 1)...].reduce(1, *))
        func summed<Element>(
            _ tensor: KnownTensor<Element>, _ zero: Element, _ add: (Element, Element) -> Element?
        ) throws -> KnownTensor<Element> {
            var result = tensor
            for outer in 0..<shape[..<axis].reduce(1, *) {
                for column in 0..<inner {
                    var total = zero
                    for step in 0..<length {
                        let place = (outer * length + (isReversed ? length - 1 - step : step)) * inner + column
                        guard let next = add(total, tensor.values[place]) else { throw unknown }
                        result.values[place] = isExclusive ? total : next
                        total = next
                    }
                }
            }
            return result
        }
        return [
            try restructured(
                numbers, integers: { try summed($0, BatchInteger(0)) { $0.adding($1) } },
                floats: { try summed($0, 0) { $0 + $1 } })
        ]
    }

    /// The positions of elements that are not 0, with a row for each axis.
    func nonZero() throws -> [KnownNumbers] {
        let numbers = try input(0)
        let isSet: [Bool]
        switch numbers {
        case .floats(let tensor): isSet = tensor.values.map { $0 != 0 }
        case .integers(let tensor), .reals(let tensor):
            isSet = try tensor.values.map { value in
                guard let isZero = value.isZero else { throw unknown }
                return !isZero
            }
        }
        let places = isSet.indices.filter { isSet[$0] }
        let all = steps(numbers.dimensions)
        try check([all.count, places.count])
        let values = all.flatMap { step in places.map { BatchInteger($0 / step.stride % max(1, step.count)) } }
        return [.integers(IntegerTensor(dimensions: [all.count, places.count], values: values))]
    }
}
