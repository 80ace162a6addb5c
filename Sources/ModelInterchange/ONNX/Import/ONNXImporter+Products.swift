import NeuralGraph

extension ONNXImporter {
    /// `alpha A B + beta C` of matrices.
    mutating func generalProduct(_ node: ONNXNode) throws {
        var (first, second) = (try view(node, 0), try view(node, 1))
        guard first.rank == 2, second.rank == 2 else {
            throw ONNXProblem(node, "takes matrices, not \(first.description) and \(second.description)")
        }
        if try node.integer("transA") == 1 { first.axes.swapAt(0, 1) }
        if try node.integer("transB") == 1 { second.axes.swapAt(0, 1) }
        let alpha = try node.float("alpha") ?? 1
        let beta = try node.float("beta") ?? 1
        let bias = node.input(2) == nil ? nil : try view(node, 2)
        if second.constant != nil, alpha == 1, beta == 1 || bias == nil, bias == nil || fitsAsBias(bias, of: second) {
            return try define(node, try linear(first, weight: second, bias: bias, node))
        }
        // Rows of the first may be examples, which stored weights take as they are.
        var result =
            if second.constant != nil {
                try linear(first, weight: second, bias: nil, node)
            } else {
                try product(first, second, node, name: node.label + ".product")
            }
        if alpha != 1 {
            result = try pointwise(result, .affine(scale: alpha, shift: 0), name: node.label + ".alpha")
        }
        if var bias {
            if beta != 1 { bias = try scaled(bias, by: beta, node) }
            result = try sum(result, bias, node)
        }
        try define(node, result)
    }

    /// A matrix product over the last two axes; the axes before them are batch axes, and broadcast.
    mutating func matMul(_ node: ONNXNode) throws {
        let (first, second) = (try view(node, 0), try view(node, 1))
        guard first.rank >= 1, second.rank >= 1, first.rank + second.rank > 2 else {
            throw ONNXProblem(node, "takes matrices, not \(first.description) and \(second.description)")
        }
        if first.rank == 1 || second.rank == 1 { return try vectorProduct(first, second, node) }
        if second.constant != nil, second.rank == 2 {
            // The bias that follows, if nothing else reads the product.
            if let output = node.outputs.first, let sum = plan.onlyReader(of: output), sum.operation == "Add",
                sum.inputs.count == 2, let other = sum.inputs.first(where: { $0 != output }),
                operands[other] != nil || plan.tensors[other] != nil,
                let bias = try? view(sum, sum.inputs[0] == output ? 1 : 0), fitsAsBias(bias, of: second)
            {
                absorbed.insert(sum.outputs[0])
                return try define(sum, try linear(first, weight: second, bias: bias, node))
            }
            return try define(node, try linear(first, weight: second, bias: nil, node))
        }
        if let attention = try attention(first, second, node) { return try define(node, attention) }
        try define(node, try product(first, second, node, name: node.label))
    }

    /// A vector counts as a row on the left and as a column on the right; its axis is removed from the result.
    private mutating func vectorProduct(_ first: ValueView, _ second: ValueView, _ node: ONNXNode) throws {
        let row = first.rank == 1 ? ValueView(first.source, axes: [[]] + first.axes) : first
        let column = second.rank == 1 ? ValueView(second.source, axes: second.axes + [[]]) : second
        var result = try product(row, column, node, name: node.label)
        if second.rank == 1 { result.axes.removeLast() }
        if first.rank == 1 { result.axes.remove(at: result.rank - (second.rank == 1 ? 1 : 2)) }
        try define(node, result)
    }

    private func fitsAsBias(_ bias: ValueView?, of weight: ValueView) -> Bool {
        guard let bias, bias.constant != nil, let last = bias.axes.last else { return false }
        return bias.axes.dropLast().allSatisfy(\.isEmpty) && bias.length(bias.rank - 1) == weight.length(1)
            && !last.isEmpty
    }

    /// A product with stored weights `[inputs, outputs]`.
    mutating func linear(
        _ input: ValueView, weight: ValueView, bias: ValueView?, _ node: ONNXNode
    ) throws -> ValueView {
        let input = try expanded(input, named: node.label)
        let last = input.rank - 1
        let (inputs, outputs) = (weight.length(0).count, weight.length(1).count)
        guard !input.axes[last].contains(where: \.isBatch), input.length(last).count == inputs else {
            throw ONNXProblem(
                node, "multiplies \(input.description) by \(weight.description), which do not fit each other")
        }
        let (x, order) = try materialize(input, last: input.places(ofAxis: last), named: node.label)
        let name = unique(node)
        var parameters = [
            try parameter(
                weight, order: weight.places(ofAxis: 1) + weight.places(ofAxis: 0), shape: [outputs, inputs],
                node: name,
                "weight", learns: true)
        ]
        if let bias {
            parameters.append(
                try parameter(bias, order: bias.places, shape: [outputs], node: name, "bias", learns: true))
        }
        let value = try add(Linear(outputs: outputs, hasBias: bias != nil), named: name, [x], parameters)
        var result = input
        result.axes[last] = outputs == 1 ? [] : [.strided(outputs, stride: 1)]
        let front = order.filter { $0.axis != last }
        return result.restrided(value, order: front + result.places(ofAxis: last))
    }

    /// A product of two values, computed for each position of the leading axes.
    mutating func product(
        _ first: ValueView, _ second: ValueView, _ node: ONNXNode, name: String
    ) throws -> ValueView {
        let rank = max(first.rank, second.rank, 2)
        let (left, right) = try fronts(
            expanded(first, named: node.label), expanded(second, named: node.label), rank: rank, node)
        guard left.length(rank - 1) == right.length(rank - 2),
            ![left.axes[rank - 1], left.axes[rank - 2], right.axes[rank - 1], right.axes[rank - 2]]
                .contains(where: { $0.contains(where: \.isBatch) })
        else {
            throw ONNXProblem(
                node, "multiplies \(first.description) by \(second.description), which do not fit each other")
        }
        let (front, frontPlaces) = shared(left, right, rank: rank)
        func groups(_ view: ValueView, _ last: [Int]) -> [[Place]] {
            frontPlaces.map { place in
                place.index < view.axes[place.axis].count && view[place].stride != nil ? [place] : []
            } + last.map { view.places(ofAxis: $0) }
        }
        let x = try materialize(left, groups(left, [rank - 2, rank - 1]), named: name)
        // Whichever way the second lies already.
        let straight = groups(right, [rank - 2, rank - 1])
        let turned = groups(right, [rank - 1, rank - 2])
        let transposes = turned.flatMap { $0 } == right.memoryOrder && straight.flatMap { $0 } != right.memoryOrder
        let y = try materialize(right, transposes ? turned : straight, named: name)
        let value = try add(MatMul(transposesSecond: transposes), named: unique(name), [x, y])
        var result = front
        result.axes[rank - 2] = left.axes[rank - 2]
        result.axes[rank - 1] = right.axes[rank - 1]
        let order = frontPlaces + result.places(ofAxis: rank - 2) + result.places(ofAxis: rank - 1)
        let view = result.restrided(value, order: order)
        products[value] = (left, right)
        return view
    }

    /// Both operands with the same number of axes, and leading axes split into the same factors.
    private func fronts(
        _ first: ValueView, _ second: ValueView, rank: Int, _ node: ONNXNode
    ) throws -> (ValueView, ValueView) {
        guard first.rank >= 2, second.rank >= 2 else {
            throw ONNXProblem(
                node, "multiplies \(first.description) by \(second.description); vectors are not supported")
        }
        let (left, right) = (first.padded(toRank: rank), second.padded(toRank: rank))
        var (a, b) = (left, right)
        for axis in [rank - 2, rank - 1] { (a.axes[axis], b.axes[axis]) = ([], []) }
        for axis in 0..<(rank - 2) {
            let (one, other) = (a.length(axis), b.length(axis))
            guard one == other || one == .one || other == .one else {
                throw ONNXProblem(
                    node, "multiplies \(first.description) by \(second.description), which do not fit each other")
            }
        }
        guard var (cutLeft, cutRight) = ValueView.aligned(a, b) else {
            throw ONNXProblem(
                node, "multiplies \(first.description) by \(second.description) in orders that do not fit")
        }
        for axis in [rank - 2, rank - 1] {
            cutLeft.axes[axis] = left.axes[axis]
            cutRight.axes[axis] = right.axes[axis]
        }
        return (cutLeft, cutRight)
    }

    /// The leading axes of a product, and their factors in the memory order of the first operand.
    private func shared(_ left: ValueView, _ right: ValueView, rank: Int) -> (ValueView, [Place]) {
        var front = left
        for axis in 0..<(rank - 2) where left.axes[axis].isEmpty { front.axes[axis] = right.axes[axis] }
        let own = left.memoryOrder.filter { $0.axis < rank - 2 }
        let others = right.memoryOrder.filter { $0.axis < rank - 2 && left.axes[$0.axis].isEmpty }
        return (front, own + others)
    }

    /// A bias or another summand after a product.
    private mutating func sum(_ view: ValueView, _ summand: ValueView, _ node: ONNXNode) throws -> ValueView {
        var sum = node
        sum.operation = "Add"
        sum.inputs = ["\(node.label).product", "\(node.label).summand"]
        operands[sum.inputs[0]] = .view(view)
        operands[sum.inputs[1]] = .view(summand)
        try arithmetic(sum, .addition)
        guard case .view(let result)? = operands[node.outputs.first ?? ""] else { return view }
        return result
    }

    private mutating func scaled(_ view: ValueView, by factor: Float, _ node: ONNXNode) throws -> ValueView {
        guard let constant = view.constant else {
            return try pointwise(view, .affine(scale: factor, shift: 0), name: node.label + ".beta")
        }
        return ValueView(.constant(ONNXConstant(try constant.elements.map { $0 * factor })), axes: view.axes)
    }
}
