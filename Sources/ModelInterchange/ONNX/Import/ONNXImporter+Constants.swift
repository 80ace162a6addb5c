import NeuralGraph

/// Operators whose result is known when a file is read.
extension ONNXImporter {
    mutating func constant(_ node: ONNXNode) throws {
        let operand: Operand
        switch node.attributes.first?.value {
        case .tensor(let tensor) where node.attributes["value"] != nil:
            operand = try self.operand(tensor, name: node.outputs.first ?? "", isStored: false)
        case .float(let number): operand = .view(ValueView(ONNXConstant([number]), dimensions: []))
        case .floats(let numbers): operand = .view(ValueView(ONNXConstant(numbers), dimensions: [numbers.count]))
        case .integer(let number): operand = .integers(IntegerTensor(BatchInteger(number)))
        case .integers(let numbers): operand = .integers(IntegerTensor(numbers.map { BatchInteger($0) }))
        default: throw ONNXProblem(node, "has a value that is no tensor of numbers, which is not supported")
        }
        try define(node, operand)
    }

    mutating func shape(_ node: ONNXNode) throws {
        let lengths: [BatchInteger]
        switch try operand(node, 0) {
        case .view(let view): lengths = view.lengths.map(\.number)
        case .integers(let tensor), .reals(let tensor): lengths = tensor.dimensions.map { BatchInteger($0) }
        }
        func place(_ name: String, _ standard: Int) throws -> Int {
            let number = try node.integer(name) ?? standard
            return min(max(number < 0 ? number + lengths.count : number, 0), lengths.count)
        }
        let (start, end) = (try place("start", 0), try place("end", lengths.count))
        try define(node, .integers(IntegerTensor(Array(lengths[min(start, end)..<end]))))
    }

    mutating func size(_ node: ONNXNode) throws {
        var total = BatchInteger(1)
        for length in try view(node, 0).lengths {
            guard let product = total.multiplied(by: length.number) else {
                throw ONNXProblem(node, "has more elements than any memory holds")
            }
            total = product
        }
        try define(node, .integers(IntegerTensor(total)))
    }

    mutating func constantOfShape(_ node: ONNXNode) throws {
        let lengths = try integers(node, 0).values
        var value: Operand = .view(ValueView(ONNXConstant([0]), dimensions: []))
        if case .tensor(let tensor)? = node.attributes["value"] {
            value = try operand(tensor, name: "", isStored: false)
        }
        if case .integers(let tensor) = value, let dimensions = Self.fixed(lengths) {
            let count = dimensions.reduce(1.0) { $0 * Double(max(1, $1)) }
            guard count <= Double(Self.maximumIntegers), let first = tensor.values.first else {
                throw ONNXProblem(node, "makes more than \(Self.maximumIntegers) integers")
            }
            let total = dimensions.reduce(1, *)
            try budget.spend(total, node)
            return try define(
                node,
                .integers(IntegerTensor(dimensions: dimensions, values: [BatchInteger](repeating: first, count: total)))
            )
        }
        // A single number that is looked at again and again.
        let number: Float
        switch value {
        case .view(let view): number = try view.constant?.elements.first ?? 0
        case .integers(let tensor), .reals(let tensor): number = try floats(tensor, node).first ?? 0
        }
        var axes: [[ValueView.Factor]] = []
        var total = 1.0
        for length in lengths {
            total *= Double(AxisLength(length)?.count ?? 0)
            guard let length = AxisLength(length), (1...Double(Self.largestValue)).contains(total) else {
                throw ONNXProblem(node, "makes a constant of a length below 1, or too large")
            }
            guard !length.hasBatch || length == plan.batch else {
                throw ONNXProblem(node, "makes a constant with several entries an example of the batch's axis")
            }
            axes.append(length == .one ? [] : length.hasBatch ? [.batch(length)] : [.repeated(length.count)])
        }
        try define(node, ValueView(.constant(ONNXConstant([number])), axes: axes))
    }

    /// Lengths of at least 0 that do not depend on the batch size; nil if any does.
    private static func fixed(_ lengths: [BatchInteger]) -> [Int]? {
        let numbers = lengths.compactMap(\.fixed)
        return numbers.count == lengths.count && numbers.allSatisfy { (0...largestValue).contains($0) } ? numbers : nil
    }

    /// Evaluates a node if all its inputs are constants.
    /// - Returns: whether they are.
    mutating func fold(_ node: ONNXNode) throws -> Bool {
        guard node.inputs.contains(where: { !$0.isEmpty }) else { return false }
        if try foldGrid(node) { return true }
        guard let rule = Folding.rule(for: node.operation) else { return false }
        let operands = try node.inputs.indices.map { node.input($0) == nil ? nil : try operand(node, $0) }
        guard operands.allSatisfy({ $0.map(Self.isKnown) ?? true }), !keepsConstant(node, operands) else {
            return false
        }
        let inputs = try operands.map { operand in try operand.map { try known($0, node) } }
        let results = try Folding(node: node, inputs: inputs, budget: budget).results(rule)
        for (output, result) in results.enumerated() { try define(node, Operand(result), output: output) }
        return true
    }

    static func isKnown(_ operand: Operand) -> Bool {
        guard case .view(let view) = operand else { return true }
        return view.constant != nil && !view.axes.contains { $0.contains(where: \.isBatch) }
    }

    /// Whether a node of constants is imported as an operation instead of being evaluated.
    ///
    /// Reshaping and transposing keep the stored tensor behind the constant, and computing with weights keeps them
    /// trainable.
    private func keepsConstant(_ node: ONNXNode, _ operands: [Operand?]) -> Bool {
        // What is repeated for each example is looked at again and again.
        if node.operation == "Expand", operands.count > 1, case .integers(let shape)? = operands[1],
            shape.values.contains(where: { $0.fixed == nil })
        {
            return true
        }
        let views = operands.compactMap { operand in if case .view(let view)? = operand { view } else { nil } }
        guard let first = views.first, case .view? = operands.first ?? nil else { return false }
        switch node.operation {
        case "Identity", "Flatten", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Expand": return true
        case "Cast": return ONNXScalarType(rawValue: (try? node.integer("to")) ?? 0)?.isFloat == true
        case "CastLike": return views.count == operands.count
        case "Concat", "Clip", "Relu", "Sigmoid", "Tanh", "Erf", "Sum", "Mean", "ReduceSum", "ReduceMean", "ReduceMax":
            return views.contains(where: isWeight)
        case "Sin", "Cos", "Round", "Sign": return isWeight(first)
        default: return false
        }
    }

    /// Whether a constant is a stored tensor of weights and not a list of axes or lengths.
    private func isWeight(_ view: ValueView) -> Bool {
        guard let constant = view.constant, constant.isStored else { return false }
        let count = view.lengths.reduce(1.0) { $0 * Double($1.count) }
        return count > Double(Self.maximumAxes) || (view.rank >= 2 && count > 1)
    }

    /// The elements of an operand, read at once.
    func known(_ operand: Operand, _ node: ONNXNode) throws -> KnownNumbers {
        switch operand {
        case .integers(let tensor): return .integers(tensor)
        case .reals(let tensor): return .reals(tensor)
        case .view(let view):
            guard let constant = view.constant else {
                throw ONNXProblem(node, "has an input that is not known when the file is read")
            }
            let lengths = view.lengths.map(\.count)
            let elements = try rowMajor(constant, view).constant?.elements ?? []
            guard Double(elements.count) == lengths.reduce(1.0, { $0 * Double($1) }) else {
                throw ONNXProblem(node, "has a constant with other numbers than its shape says; the file is damaged")
            }
            return .floats(KnownTensor(dimensions: lengths, values: elements))
        }
    }
}
