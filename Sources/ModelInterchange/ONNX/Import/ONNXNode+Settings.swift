extension ONNXNode {
    /// An integer attribute.
    func integer(_ name: String) throws -> Int? {
        switch attributes[name] {
        case nil: return nil
        case .integer(let value): return value
        default: throw wrongType(name, "an integer")
        }
    }

    /// A list of integers.
    func integers(_ name: String) throws -> [Int]? {
        switch attributes[name] {
        case nil: return nil
        case .integers(let values): return values
        default: throw wrongType(name, "a list of integers")
        }
    }

    /// A floating-point attribute.
    func float(_ name: String) throws -> Float? {
        switch attributes[name] {
        case nil: return nil
        case .float(let value): return value
        default: throw wrongType(name, "a number")
        }
    }

    /// A list of floating-point numbers.
    func floats(_ name: String) throws -> [Float]? {
        switch attributes[name] {
        case nil: return nil
        case .floats(let values): return values
        default: throw wrongType(name, "a list of numbers")
        }
    }

    /// A string attribute.
    func text(_ name: String) throws -> String? {
        switch attributes[name] {
        case nil: return nil
        case .text(let value): return value
        default: throw wrongType(name, "a word")
        }
    }

    /// Integers for a window's axes, each from `minimum` to the largest that is supported.
    func extents(_ name: String, count: Int, minimum: Int = 1) throws -> [Int]? {
        guard let values = try integers(name) else { return nil }
        guard values.count == count, values.allSatisfy({ (minimum...ONNXImporter.largestSetting).contains($0) }) else {
            throw ONNXProblem(
                self, "has \(name) \(values.prefix(8)), where \(count) numbers from \(minimum) on are needed")
        }
        return values
    }

    /// An axis by its number, which may count from the end.
    func axis(_ number: Int, rank: Int) throws -> Int {
        guard (-rank..<rank).contains(number) else {
            throw ONNXProblem(self, "has the axis \(number), but its input has \(rank) axes")
        }
        return number < 0 ? number + rank : number
    }

    /// Axes by their numbers, in order and without repeats.
    func axes(_ numbers: [Int], rank: Int) throws -> [Int] {
        try uniqueAxes(numbers, rank: rank).sorted()
    }

    /// Axes by their numbers, in the order given and without repeats.
    func uniqueAxes(_ numbers: [Int], rank: Int) throws -> [Int] {
        let axes = try numbers.map { try axis($0, rank: rank) }
        guard Set(axes).count == axes.count else { throw ONNXProblem(self, "names an axis twice in \(numbers)") }
        return axes
    }

    /// The lengths that a split cuts an axis into, one for each output.
    /// - Parameter given: the lengths that the node names.
    func parts(of length: Int, given: [Int]?) throws -> [Int] {
        let count = outputs.count
        if let declared = try integer("num_outputs"), declared != count {
            throw ONNXProblem(self, "has num_outputs \(declared) and \(count) outputs; the file is damaged")
        }
        let size = (length + count - 1) / max(1, count)
        let sizes = given ?? (0..<count).map { max(0, min(size, length - $0 * size)) }
        guard sizes.count == count, sizes.allSatisfy({ (0...length).contains($0) }),
            sizes.reduce(0.0, { $0 + Double($1) }) == Double(length)
        else {
            throw ONNXProblem(
                self, "splits an axis of length \(length) into \(sizes.prefix(16)); the lengths do not add up")
        }
        return sizes
    }

    private func wrongType(_ name: String, _ expected: String) -> ONNXProblem {
        ONNXProblem(self, "has an attribute '\(name)' that is not \(expected); the file is damaged")
    }
}
