/// Reshaping of constants.
extension Folding {
    /// The same elements with another shape.
    private func shaped(_ numbers: KnownNumbers, _ shape: [Int]) throws -> KnownNumbers {
        guard shape.count <= ONNXImporter.maximumAxes else {
            throw ONNXProblem(
                node, "gives a value of \(shape.count) axes, and up to \(ONNXImporter.maximumAxes) are run")
        }
        try check(shape)
        func shaped<Element>(_ tensor: KnownTensor<Element>) -> KnownTensor<Element> {
            KnownTensor(dimensions: shape, values: tensor.values)
        }
        return restructured(numbers, integers: shaped, floats: shaped)
    }

    func reshaped() throws -> [KnownNumbers] {
        let numbers = try input(0)
        let own = numbers.dimensions
        guard let wanted = try integers(1) else { throw ONNXProblem(node, "lacks its shape; the file is damaged") }
        let keepsZeros = try node.integer("allowzero") ?? 0 == 1
        let count = own.reduce(1, *)
        var shape = wanted
        for (axis, length) in wanted.enumerated() where length == 0 && !keepsZeros && axis < own.count {
            shape[axis] = own[axis]
        }
        let known = shape.filter { $0 != -1 }.reduce(1.0) { $0 * Double($1) }
        let open = shape.filter { $0 == -1 }.count
        if open == 1, known > 0, known <= Double(max(1, count)), let place = shape.firstIndex(of: -1) {
            shape[place] = count / Int(known)
        }
        guard open <= 1, shape.allSatisfy({ $0 >= 0 }), shape.reduce(1.0, { $0 * Double($1) }) == Double(count) else {
            throw ONNXProblem(
                node, "reshapes \(own) to \(wanted.prefix(16)), which has another number of elements")
        }
        return [try shaped(numbers, shape)]
    }

    func flattened() throws -> [KnownNumbers] {
        let numbers = try input(0)
        let shape = numbers.dimensions
        let number = try node.integer("axis") ?? 1
        let axis = number == shape.count ? number : try node.axis(number, rank: shape.count)
        return [try shaped(numbers, [shape[..<axis].reduce(1, *), shape[axis...].reduce(1, *)])]
    }

    func squeezed() throws -> [KnownNumbers] {
        let numbers = try input(0)
        let shape = numbers.dimensions
        let axes =
            try axes(input: 1).map { try node.axes($0, rank: shape.count) } ?? shape.indices.filter { shape[$0] == 1 }
        guard axes.allSatisfy({ shape[$0] == 1 }) else {
            throw ONNXProblem(node, "leaves out axes \(axes) of \(shape), which are not of length 1")
        }
        return [try shaped(numbers, shape.indices.filter { !axes.contains($0) }.map { shape[$0] })]
    }

    func unsqueezed() throws -> [KnownNumbers] {
        let numbers = try input(0)
        guard let given = try axes(input: 1) else { throw ONNXProblem(node, "lacks its axes; the file is damaged") }
        var shape = numbers.dimensions
        guard given.count <= ONNXImporter.maximumAxes else {
            throw ONNXProblem(node, "has \(given.count) axes, too many")
        }
        for axis in try node.axes(given, rank: shape.count + given.count) { shape.insert(1, at: axis) }
        return [try shaped(numbers, shape)]
    }
}
