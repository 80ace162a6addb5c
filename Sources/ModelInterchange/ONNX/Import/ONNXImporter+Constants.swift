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
        case .integers(let tensor): lengths = tensor.dimensions.map { BatchInteger($0) }
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
        switch value {
        case .view(let view):
            let number = try Self.scalar(view.constant.map { ValueView(.constant($0), axes: []) } ?? view) ?? 0
            // A single number that is looked at again and again.
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
        case .integers(let tensor):
            var count = 1
            let dimensions = try lengths.map { length in
                guard let number = length.fixed, (0...Self.mostIntegers).contains(number) else {
                    throw ONNXProblem(node, "makes whole numbers in a shape that depends on the batch, or too many")
                }
                count = min(count * number, Self.mostIntegers + 1)
                return number
            }
            guard count <= Self.mostIntegers, let first = tensor.values.first else {
                throw ONNXProblem(node, "makes more than \(Self.mostIntegers) whole numbers")
            }
            try define(
                node,
                .integers(IntegerTensor(dimensions: dimensions, values: [BatchInteger](repeating: first, count: count)))
            )
        }
    }

    /// Computes a node whose inputs are all known.
    /// - Returns: whether it was one.
    mutating func fold(_ node: ONNXNode) throws -> Bool {
        if let result = try foldedCast(node) {
            try define(node, result)
            return true
        }
        guard !node.inputs.isEmpty, node.inputs.contains(where: { !$0.isEmpty }) else { return false }
        if try foldGrid(node) { return true }
        // A comparison with what depends on the images is no operand.
        if node.inputs.contains(where: { comparisons[$0] != nil }) { return false }
        var inputs: [IntegerTensor?] = []
        var isKnown = true
        for position in node.inputs.indices {
            guard node.input(position) != nil else {
                inputs.append(nil)
                continue
            }
            guard case .integers(let tensor) = try operand(node, position) else {
                isKnown = false
                break
            }
            inputs.append(tensor)
        }
        if isKnown {
            guard let result = try IntegerFolding(node: node).result(inputs) else { return false }
            for (output, tensor) in result.enumerated() { try define(node, .integers(tensor), output: output) }
            return true
        }
        return try foldFloats(node)
    }

    /// A cast of known numbers from one kind to the other; others change nothing here.
    private func foldedCast(_ node: ONNXNode) throws -> Operand? {
        guard node.operation == "Cast", let type = try node.integer("to") else { return nil }
        let toFloat = [1, 10, 11, 16].contains(type)
        switch try operand(node, 0) {
        case .integers(let tensor):
            // Lengths that depend on the batch stay what they are: they may be divided and cast back.
            guard toFloat, tensor.values.allSatisfy({ $0.perExample == 0 }) else { return .integers(tensor) }
            return .view(ValueView(ONNXConstant(try floats(tensor, node)), dimensions: tensor.dimensions))
        case .view(let view):
            guard !toFloat, let constant = view.constant, view.places.count <= 1 else { return nil }
            let elements = try constant.elements
            guard elements.count <= Self.mostIntegers else { return nil }
            let values = try elements.map { element in
                guard let number = Int(exactly: element.rounded(.towardZero)) else {
                    throw ONNXProblem(node, "casts \(element) to a whole number")
                }
                return BatchInteger(number)
            }
            return .integers(IntegerTensor(dimensions: view.lengths.map(\.count), values: values))
        }
    }

    /// Computes a node of one or two constants with fractions, such as the root of a head's size.
    private mutating func foldFloats(_ node: ONNXNode) throws -> Bool {
        guard (1...2).contains(node.inputs.count), let function = FloatFolding.functions[node.operation] else {
            return false
        }
        let views = try node.inputs.indices.map { try view(node, $0) }
        guard views.allSatisfy({ $0.constant != nil && !$0.axes.contains { $0.contains(where: \.isBatch) } }) else {
            return false
        }
        let rank = views.map(\.rank).max() ?? 0
        var lengths = [Int](repeating: 1, count: rank)
        let padded = views.map { $0.padded(toRank: rank) }
        for view in padded {
            for axis in 0..<rank where view.length(axis).count != 1 {
                guard lengths[axis] == 1 || lengths[axis] == view.length(axis).count else {
                    throw ONNXProblem(node, "has constants whose shapes do not fit each other")
                }
                lengths[axis] = view.length(axis).count
            }
        }
        guard lengths.reduce(1.0, { $0 * Double($1) }) <= Double(Self.largestValue) else {
            throw ONNXProblem(node, "makes a constant that is larger than any memory")
        }
        let count = lengths.reduce(1, *)
        try budget.spend(count, node)
        let spread = try padded.map { view in
            var view = view
            for axis in 0..<rank where view.axes[axis].isEmpty && lengths[axis] > 1 {
                view.axes[axis] = [.repeated(lengths[axis])]
            }
            guard let constant = view.constant else { return [Float]() }
            return try rowMajor(constant, view).constant?.elements ?? []
        }
        guard count > 0, spread.allSatisfy({ $0.count == count }) else {
            throw ONNXProblem(node, "has constants without numbers, or with fewer than their shapes say")
        }
        let values = spread[0].indices.map { function(spread[0][$0], spread.count > 1 ? spread[1][$0] : 0) }
        try define(node, ValueView(ONNXConstant(values), dimensions: lengths))
        return true
    }
}
