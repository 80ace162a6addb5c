/// Evaluates one node whose inputs are all constants, by the semantics of https://onnx.ai/onnx/operators.
///
/// It supports every operator that shapes and indices are computed with, for all element types.
package struct Folding {
    let node: ONNXNode
    let inputs: [KnownNumbers?]
    let budget: ONNXBudget

    package init(node: ONNXNode, inputs: [KnownNumbers?], budget: ONNXBudget) {
        self.node = node
        self.inputs = inputs
        self.budget = budget
    }

    /// The rules by operator.
    package typealias Rule = @Sendable (Folding) throws -> [KnownNumbers]

    /// The rule for an operator; nil if it is not computed while a file is read.
    package static func rule(for operation: String) -> Rule? {
        elementwise[operation] ?? structural[operation] ?? reductions[operation]
    }

    /// The outputs.
    package func results(_ rule: Rule) throws -> [KnownNumbers] { try rule(self) }

    // MARK: Inputs

    /// An input that must be there.
    func input(_ position: Int) throws -> KnownNumbers {
        guard position < inputs.count, let input = inputs[position] else {
            throw ONNXProblem(node, "lacks its input \(position); the file is damaged")
        }
        return input
    }

    /// All inputs, each of which must be there.
    func allInputs() throws -> [KnownNumbers] { try inputs.indices.map { try input($0) } }

    /// An optional input as plain integers.
    func integers(_ position: Int) throws -> [Int]? {
        guard position < inputs.count, let input = inputs[position] else { return nil }
        guard case .integers(let tensor) = input else {
            throw ONNXProblem(
                node, "has an input \(position) of numbers with a fraction where integers are needed")
        }
        return try tensor.values.map { value in
            guard let number = value.fixed else { throw unknown }
            return number
        }
    }

    // MARK: Outputs

    /// An error for a result that depends on the batch size N in another way than `a + b N`.
    var unknown: ONNXProblem {
        ONNXProblem(
            node,
            "computes numbers from the batch size that are neither fixed nor a fixed number per example; export the model "
                + "with a fixed batch of 1")
    }

    /// Checks that a result of a shape may be made. Axes of length 0 count as 1, so that no product of others overflows.
    func check(_ dimensions: [Int]) throws {
        let count = dimensions.reduce(1.0) { $0 * Double(max(1, $1)) }
        guard count <= Double(ONNXImporter.largestValue), dimensions.count <= ONNXImporter.maximumAxes else {
            throw ONNXProblem(node, "makes a constant of \(dimensions.prefix(8)), which is larger than any memory")
        }
        try budget.spend(Int(count), node)
    }

    /// The shape that all inputs broadcast to.
    func shape(_ inputs: [KnownNumbers]) throws -> [Int] {
        guard let shape = broadcastShape(inputs.map(\.dimensions)) else {
            let shapes = inputs.map { "\($0.dimensions)" }.joined(separator: " and ")
            throw ONNXProblem(node, "has inputs of \(shapes), which do not fit each other")
        }
        try check(shape)
        return shape
    }

    /// Applies a structural change to a constant of any element type.
    func restructured(
        _ numbers: KnownNumbers, integers: (IntegerTensor) throws -> IntegerTensor,
        floats: (KnownTensor<Float>) throws -> KnownTensor<Float>
    ) rethrows -> KnownNumbers {
        switch numbers {
        case .integers(let tensor): .integers(try integers(tensor))
        case .reals(let tensor): .real(try integers(tensor))
        case .floats(let tensor): .floats(try floats(tensor))
        }
    }

    /// Constants of one element type: integers, floats, or floats of which some depend on the batch size.
    enum Alike {
        case integers([IntegerTensor])
        case reals([IntegerTensor])
        case floats([KnownTensor<Float>])
    }

    /// The inputs converted to one element type.
    func alike(_ inputs: [KnownNumbers]) throws -> Alike {
        var integers: [IntegerTensor] = []
        var floats: [KnownTensor<Float>] = []
        var isWhole = true
        for input in inputs {
            switch input {
            case .integers(let tensor): integers.append(tensor)
            case .floats(let tensor):
                isWhole = false
                floats.append(tensor)
            case .reals: isWhole = false
            }
        }
        if integers.count == inputs.count { return .integers(integers) }
        if floats.count == inputs.count { return .floats(floats) }
        guard !isWhole, integers.isEmpty else {
            throw ONNXProblem(node, "has inputs of integers and of fractions together; the file is damaged")
        }
        return .reals(
            try inputs.map { input in
                switch input {
                case .integers(let tensor), .reals(let tensor): return tensor
                case .floats(let tensor):
                    return IntegerTensor(
                        dimensions: tensor.dimensions,
                        values: try tensor.values.map { number in
                            guard let whole = Int(exactly: number) else { throw unknown }
                            return BatchInteger(whole)
                        })
                }
            })
    }
}

/// A limit on the elements that are computed while a file is read.
///
/// Without it, a few nodes could make constants larger than any memory, each twice as long as the last.
package final class ONNXBudget {
    private var left: Int

    /// A budget in proportion to the size of the file, plus a constant.
    package init(fileSize: Int) {
        left = fileSize + 1 << 22
    }

    /// Spends elements on a node.
    func spend(_ count: Int, _ node: ONNXNode? = nil) throws {
        guard count <= left else {
            let message = "computes more numbers than the file has bytes; it is damaged or made to fill memory"
            throw node.map { ONNXProblem($0, message) } ?? ONNXProblem("the file \(message)")
        }
        left -= count
    }
}
