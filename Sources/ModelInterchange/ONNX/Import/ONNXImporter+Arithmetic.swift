import NeuralGraph

extension ONNXImporter {
    /// Two inputs in the same order of axes, for elementwise operations.
    struct Pair {
        /// The input that has every factor, and the other one, with their axes split into the same factors.
        var first: ValueView
        var second: ValueView
        /// The axes of the first input's engine value.
        var groups: [[Place]]
        /// The second's factors in that order, and its shape, which broadcasts to the first's.
        var secondGroups: [[Place]]
        var secondShape: TensorShape
        var secondOrder: [Place] { secondGroups.flatMap { $0 } }
    }

    /// Combines two or more inputs elementwise.
    mutating func arithmetic(_ node: ONNXNode, _ kind: ArithmeticKind) throws {
        guard node.inputs.count >= 2 else {
            guard node.inputs.count == 1 else { throw ONNXProblem(node, "has no input; the file is damaged") }
            return try define(node, try view(node, 0))
        }
        var result = try view(node, 0)
        for position in 1..<node.inputs.count {
            let name = position == node.inputs.count - 1 ? node.label : "\(node.label).\(position)"
            result = try combined(result, try view(node, position), kind, node, name: name)
        }
        try define(node, result)
    }

    /// Combines two views elementwise.
    mutating func combined(
        _ first: ValueView, _ second: ValueView, _ kind: ArithmeticKind, _ node: ONNXNode, name: String
    ) throws -> ValueView {
        let rank = max(first.rank, second.rank)
        let (left, right) = (first.padded(toRank: rank), second.padded(toRank: rank))
        if right.broadcasts(to: left), let number = try Self.scalar(right),
            let function = kind.function(withSecond: number)
        {
            return try pointwise(left, function, name: name)
        }
        if left.broadcasts(to: right), let number = try Self.scalar(left),
            let function = kind.function(withFirst: number)
        {
            return try pointwise(right, function, name: name)
        }
        if kind == .multiplication, let x = left.value, let y = right.value, left.axes == right.axes,
            let curve = curvedProduct(x, y)
        {
            let value = try add(Pointwise(curve.function), named: unique(name), [curve.value])
            return ValueView(.value(value), axes: left.axes)
        }
        if kind == .division, let normalized = try spelledNormalization(left, right, name: name) { return normalized }
        return try broadcast(left, right, kind, node, name: name)
    }

    /// Arithmetic of two views, of which one may be a constant.
    private mutating func broadcast(
        _ left: ValueView, _ right: ValueView, _ kind: ArithmeticKind, _ node: ONNXNode, name: String
    ) throws -> ValueView {
        // A constant, or the one that is repeated, comes second.
        let swaps = left.constant != nil || (right.constant == nil && left.places.count < right.places.count)
        let summand = try withoutExamples(swaps ? left : right, like: swaps ? right : left, node)
        let pair = try arranged(swaps ? right : left, summand, node)
        let x = try materialize(pair.first, pair.groups, named: name)
        let value: Graph.Value
        let own = unique(name)
        if pair.second.constant != nil {
            let learns = [.addition, .subtraction, .multiplication].contains(kind) && learned.contains(x)
            let parameter = try parameter(
                pair.second, order: pair.secondOrder, shape: pair.secondShape, node: own, "weight", learns: learns)
            let operation = ParametricArithmetic(
                kind, shape: pair.secondShape, initializer: .constant(0), parameterFirst: swaps,
                learns: parameter.learns)
            value = try add(operation, named: own, [x], [parameter])
        } else {
            let y = try materialize(pair.second, pair.secondGroups, named: name)
            if kind == .addition, builder.shape(of: x) == builder.shape(of: y) {
                value = try add(Add(), named: own, swaps ? [y, x] : [x, y])
            } else {
                value = try add(Arithmetic(kind), named: own, swaps ? [y, x] : [x, y])
            }
        }
        return pair.first.restrided(value, order: pair.groups.flatMap { $0 })
    }

    /// Brings two views into the memory order of the first, which must have every factor.
    mutating func arranged(_ first: ValueView, _ second: ValueView, _ node: ONNXNode) throws -> Pair {
        for axis in first.axes.indices {
            let (a, b) = (first.length(axis), second.length(axis))
            guard a == b || a == .one || b == .one else {
                throw ONNXProblem(
                    node, "has inputs of \(first.description) and \(second.description), which do not fit each other")
            }
        }
        var aligned = ValueView.aligned(first, second)
        if aligned == nil {
            aligned = ValueView.aligned(try straightened(first, node), try straightened(second, node))
        }
        guard let second = aligned?.1, var first = aligned?.0 else {
            throw ONNXProblem(
                node,
                "has inputs of \(first.description) and \(second.description) in orders that do not fit each other")
        }
        for axis in first.axes.indices where first.axes[axis].isEmpty && second.axes[axis].first?.isBatch == true {
            first.axes[axis] = second.axes[axis].filter(\.isBatch)
        }
        if isMissingFactors(first, second) { first = try spread(first, like: second, node) }
        let order = first.memoryOrder
        /// The second's factor at a place of the first, if it steps there.
        func other(_ place: Place) -> Place? {
            let factors = second.axes[place.axis]
            guard place.index < factors.count, factors[place.index].stride != nil else { return nil }
            return place
        }
        var groups = grouping(order, first) { places in
            let present = places.map { other($0) != nil }
            return present.allSatisfy { $0 } || !present.contains(true)
        }
        if groups == nil { groups = order.map { [$0] } }
        let chosen = groups ?? []
        var secondGroups = chosen.map { $0.compactMap { other($0) } }
        // Axes that the second lacks in front need not be there.
        let leading = secondGroups.prefix { $0.isEmpty }.count
        secondGroups = Array(secondGroups.dropFirst(leading == chosen.count ? max(0, leading - 1) : leading))
        let shape = TensorShape(secondGroups.map { $0.reduce(1) { $0 * second[$1].length.count } })
        return Pair(first: first, second: second, groups: chosen, secondGroups: secondGroups, secondShape: shape)
    }

    /// A value's factors as its axes have them, if its axes are made of whole factors and each group passes a test.
    private func grouping(_ order: [Place], _ view: ValueView, _ test: ([Place]) -> Bool) -> [[Place]]? {
        guard let value = view.value else { return nil }
        var rest = order[...]
        var groups: [[Place]] = []
        for length in builder.shape(of: value).dimensions {
            var group: [Place] = []
            var product = 1
            while product < length, let place = rest.popFirst() {
                group.append(place)
                product *= view[place].length.count
            }
            guard product == length, test(group) else { return nil }
            groups.append(group)
        }
        return rest.isEmpty ? groups : nil
    }

    private func isMissingFactors(_ first: ValueView, _ second: ValueView) -> Bool {
        second.places.contains { place in
            place.index >= first.axes[place.axis].count || first[place].stride == nil
        }
    }

    /// The first view with the second's factors that it lacks, repeated.
    private mutating func spread(_ first: ValueView, like second: ValueView, _ node: ONNXNode) throws -> ValueView {
        var result = first
        for axis in first.axes.indices where first.axes[axis].isEmpty {
            result.axes[axis] = second.axes[axis].map { factor in
                factor.isBatch ? factor : .repeated(factor.length.count)
            }
        }
        return try expanded(result, named: node.label)
    }
}

extension ValueView {
    /// Whether another view's axes are as long as those of this view that are longer than 1.
    fileprivate func broadcasts(to other: ValueView) -> Bool {
        axes.indices.allSatisfy { length($0) == .one || length($0) == other.length($0) }
    }
}

extension ArithmeticKind {
    /// The function of the first input if the second is a scalar constant.
    fileprivate func function(withSecond number: Float) -> PointwiseFunction? {
        switch self {
        case .addition: .affine(scale: 1, shift: number)
        case .subtraction: .affine(scale: 1, shift: -number)
        case .multiplication: .affine(scale: number, shift: 0)
        case .division: number == 0 ? nil : .affine(scale: 1 / number, shift: 0)
        case .power: .power(number)
        case .maximum: .clamp(minimum: number, maximum: .infinity)
        case .minimum: .clamp(minimum: -.infinity, maximum: number)
        }
    }

    /// The function of the second input if the first is a scalar constant.
    fileprivate func function(withFirst number: Float) -> PointwiseFunction? {
        switch self {
        case .addition, .multiplication, .maximum, .minimum: function(withSecond: number)
        case .subtraction: .affine(scale: -1, shift: number)
        case .division: number == 1 ? .reciprocal : nil
        case .power: nil
        }
    }
}
