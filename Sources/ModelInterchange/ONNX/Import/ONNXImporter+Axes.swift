import NeuralGraph

/// Operators that change axes or types without moving elements.
extension ONNXImporter {
    mutating func identity(_ node: ONNXNode) throws {
        // Exporters store equal tensors once, and name the others by Identity: parameters of their own.
        if let name = node.outputs.first, let root = plan.aliases[name], let tensor = plan.tensors[root] {
            return try define(node, try operand(tensor, name: name, isStored: true))
        }
        try define(node, try operand(node, 0))
    }

    /// A cast between floating-point types, all of which are computed as 32-bit floats.
    mutating func cast(_ node: ONNXNode) throws {
        let type = ONNXScalarType(rawValue: try node.integer("to") ?? 0)
        try cast(node, isFloat: type?.isFloat == true)
    }

    /// A cast to the type of a second input.
    mutating func castLike(_ node: ONNXNode) throws {
        if case .view = try operand(node, 1) { try cast(node, isFloat: true) } else { try cast(node, isFloat: false) }
    }

    private mutating func cast(_ node: ONNXNode, isFloat: Bool) throws {
        guard isFloat else {
            throw ONNXProblem(
                node,
                "casts what depends on the images to a type without a fraction, or one that is not read; export "
                    + "the model without it")
        }
        try identity(node)
    }

    mutating func flatten(_ node: ONNXNode) throws {
        let view = try view(node, 0)
        let number = try node.integer("axis") ?? 1
        let axis = number == view.rank ? number : try node.axis(number, rank: view.rank)
        let lengths = view.lengths
        func product(_ part: ArraySlice<AxisLength>) throws -> AxisLength {
            try part.reduce(.one) { product, length in
                guard let next = product.multiplied(by: length) else { throw tooLarge(node) }
                return next
            }
        }
        let target = [try product(lengths[..<axis]), try product(lengths[axis...])]
        try define(node, try regrouped(view, target, node))
    }

    mutating func reshape(_ node: ONNXNode) throws {
        let view = try view(node, 0)
        let wanted = try integers(node, 1)
        let keepsZeros = try node.integer("allowzero") == 1
        var target: [AxisLength?] = []
        for (axis, number) in wanted.values.enumerated() {
            if number == BatchInteger(-1) {
                target.append(nil)
            } else if number == BatchInteger(0), !keepsZeros, axis < view.rank {
                target.append(view.length(axis))
            } else if let length = AxisLength(number), length.count > 0 {
                target.append(length)
            } else {
                throw ONNXProblem(node, "reshapes to an axis of length \(number.constant) + \(number.perExample) N")
            }
        }
        var known = AxisLength.one
        for length in target.compactMap({ $0 }) {
            guard let product = known.multiplied(by: length) else { throw tooLarge(node) }
            known = product
        }
        var total = AxisLength.one
        for length in view.lengths {
            guard let product = total.multiplied(by: length) else { throw tooLarge(node) }
            total = product
        }
        guard target.filter({ $0 == nil }).count <= 1, let rest = total.divided(by: known),
            rest == .one || target.contains(where: { $0 == nil })
        else {
            let text = wanted.values.map { $0.perExample == 0 ? "\($0.constant)" : "\($0.perExample)N" }
            throw ONNXProblem(
                node,
                "reshapes \(view.description) to [\(text.joined(separator: ", "))], which has another number of "
                    + "elements")
        }
        try define(node, try regrouped(view, target.map { $0 ?? rest }, node))
    }

    private func tooLarge(_ node: ONNXNode) -> ONNXProblem {
        ONNXProblem(node, "has more elements than any memory holds")
    }

    /// A view with other axes; elements move only if the new axes do not fit the present memory order.
    mutating func regrouped(_ view: ValueView, _ target: [AxisLength], _ node: ONNXNode) throws -> ValueView {
        if let result = view.regrouped(target) { return result }
        if let result = try straightened(view, node).regrouped(target) { return result }
        throw ONNXProblem(
            node, "reshapes \(view.description) across the batch, so that examples would mix, which cannot be run")
    }

    /// A view of a value whose memory order is that of the view's axes.
    mutating func straightened(_ view: ValueView, _ node: ONNXNode) throws -> ValueView {
        if let constant = view.constant {
            return try rowMajor(constant, view)
        }
        let view = try expanded(view, named: node.label)
        let value = try materialize(view, [view.places], named: node.label)
        return view.restrided(value, order: view.places)
    }

    /// A constant with its elements in the order of a view.
    func rowMajor(_ constant: ONNXConstant, _ view: ValueView) throws -> ValueView {
        let steps = view.axes.flatMap { $0 }.filter { !$0.isBatch }
            .map { ONNXBinding.Step(count: $0.length.count, stride: $0.stride ?? 0) }
        guard steps.reduce(1.0, { $0 * Double($1.count) }) <= Double(Self.largestValue) else {
            throw ONNXProblem("a constant of \(view.description) is larger than any memory")
        }
        try budget.spend(steps.reduce(1) { $0 * $1.count })
        let elements = ONNXBinding.gathered(try constant.elements, steps)
        var result = ValueView(.constant(ONNXConstant(elements)), axes: view.axes)
        var stride = 1
        for axis in view.axes.indices.reversed() {
            for index in view.axes[axis].indices.reversed() where !view.axes[axis][index].isBatch {
                let count = view.axes[axis][index].length.count
                result.axes[axis][index] = .strided(count, stride: stride)
                stride *= count
            }
        }
        return result
    }

    mutating func transpose(_ node: ONNXNode) throws {
        let view = try view(node, 0)
        let order = try node.integers("perm") ?? Array((0..<view.rank).reversed())
        guard order.sorted() == Array(0..<view.rank) else {
            throw ONNXProblem(node, "has the perm \(order.prefix(16)), which does not order \(view.rank) axes")
        }
        try define(node, ValueView(view.source, axes: order.map { view.axes[$0] }))
    }

    mutating func squeeze(_ node: ONNXNode) throws {
        let view = try view(node, 0)
        let given = try fixedIntegers(node, 1) ?? node.integers("axes")
        let axes =
            try given.map { try node.axes($0, rank: view.rank) } ?? view.axes.indices.filter { view.axes[$0].isEmpty }
        guard axes.allSatisfy({ view.length($0) == .one }) else {
            throw ONNXProblem(node, "leaves out axes \(axes) of \(view.description), which are not of length 1")
        }
        try define(
            node, ValueView(view.source, axes: view.axes.indices.filter { !axes.contains($0) }.map { view.axes[$0] }))
    }

    mutating func unsqueeze(_ node: ONNXNode) throws {
        let view = try view(node, 0)
        guard let given = try fixedIntegers(node, 1) ?? node.integers("axes") else {
            throw ONNXProblem(node, "lacks its axes; the file is damaged")
        }
        guard given.count <= 16 else { throw ONNXProblem(node, "has \(given.count) axes, too many") }
        var axes = view.axes
        for axis in try node.axes(given, rank: view.rank + given.count) { axes.insert([], at: axis) }
        try define(node, ValueView(view.source, axes: axes))
    }

    mutating func expand(_ node: ONNXNode) throws {
        let target = try integers(node, 1).values
        let view = try view(node, 0).padded(toRank: target.count)
        var result = view
        var total = 1.0
        for (position, number) in target.enumerated() {
            let axis = view.rank - target.count + position
            guard let length = AxisLength(number), length.count > 0 else {
                throw ONNXProblem(node, "expands to an axis of length \(number.constant)")
            }
            total *= Double(length.count)
            if length == .one || length == view.length(axis) { continue }
            guard view.axes[axis].isEmpty else {
                throw ONNXProblem(node, "expands \(view.description) to another length than 1 or its own")
            }
            let isBatch = length == plan.batch && (length.hasBatch || (axis == 0 && view.constant != nil))
            guard isBatch || !length.hasBatch else {
                throw ONNXProblem(node, "repeats along the batch, so that examples would mix, which cannot be run")
            }
            result.axes[axis] = [isBatch ? .batch(length) : .repeated(length.count)]
        }
        guard total <= Double(Self.largestValue) else { throw tooLarge(node) }
        try define(node, result)
    }
}
