import NeuralGraph

/// Reductions over axes.
extension ONNXImporter {
    mutating func reduction(_ node: ONNXNode, _ kind: ReductionKind) throws {
        try reduction(node) { importer, input, axes, keepsAxes in
            try importer.reduced(input, axes: axes, keepsAxes: keepsAxes, kind, node)
        }
    }

    /// Reads a reduction's settings.
    /// - Parameter body: makes the result from the input, the axes and whether these are kept with length 1.
    private mutating func reduction(
        _ node: ONNXNode, _ body: (inout ONNXImporter, ValueView, [Int], Bool) throws -> ValueView
    ) throws {
        let input = try view(node, 0)
        // Axes were an attribute once.
        let given = try fixedIntegers(node, 1) ?? node.integers("axes")
        let keepsAxes = try node.integer("keepdims") ?? 1 == 1
        let none = given?.isEmpty ?? true
        if none, try node.integer("noop_with_empty_axes") == 1 {
            return try define(node, try body(&self, input, [], true))
        }
        let axes = try node.axes(none ? Array(0..<input.rank) : given ?? [], rank: input.rank)
        try define(node, try body(&self, input, axes, keepsAxes))
    }

    /// A reduction of a function of the elements, followed by a function of the result.
    mutating func reduction(
        _ node: ONNXNode, of before: [PointwiseFunction], _ kind: ReductionKind, then after: [PointwiseFunction] = []
    ) throws {
        try reduction(node) { importer, input, axes, keepsAxes in
            var view = input
            for function in before { view = try importer.pointwise(view, function, name: node.label + ".of") }
            view = try importer.reduced(view, axes: axes, keepsAxes: keepsAxes, kind, node)
            for function in after { view = try importer.pointwise(view, function, name: node.label + ".then") }
            return view
        }
    }

    /// The logarithm of a sum of exponentials, with the largest element subtracted first.
    mutating func logSumExp(_ node: ONNXNode) throws {
        try reduction(node) { importer, input, axes, keepsAxes in
            let name = node.label
            let largest = try importer.reduced(input, axes: axes, keepsAxes: true, .maximum, node)
            let distance = try importer.combined(input, largest, .subtraction, node, name: name + ".distance")
            let powers = try importer.pointwise(distance, .exponential, name: name + ".exponential")
            let sum = try importer.reduced(powers, axes: axes, keepsAxes: true, .sum, node)
            let logarithm = try importer.pointwise(sum, .logarithm, name: name + ".logarithm")
            var result = try importer.combined(logarithm, largest, .addition, node, name: name)
            if !keepsAxes {
                result.axes = result.axes.indices.filter { !axes.contains($0) }.map { result.axes[$0] }
            }
            return result
        }
    }

    /// Reduces a value along some axes.
    mutating func reduced(
        _ input: ValueView, axes: [Int], keepsAxes: Bool, _ kind: ReductionKind, _ node: ONNXNode
    ) throws -> ValueView {
        if axes.isEmpty { return input }
        let view = try expanded(input, named: node.label)
        guard !axes.contains(where: { view.axes[$0].contains(where: \.isBatch) }) else {
            throw ONNXProblem(node, "goes across examples, which cannot be run")
        }
        let order = view.memoryOrder
        let reduced = order.filter { axes.contains($0.axis) }
        let kept = order.filter { !axes.contains($0.axis) }
        let x = try value(of: view, named: node.label)
        var value = x
        let own = builder.shape(of: x)
        if kind == .mean, own.rank == 3, order == reduced + kept,
            own.channels == kept.reduce(1, { $0 * view[$1].length.count })
        {
            value = try add(GlobalAveragePool(), for: node, "", x)
        } else if !reduced.isEmpty {
            // Stretches of memory that are reduced or not, as axes.
            var groups: [[Place]] = []
            for place in order {
                if let last = groups.last?.last, axes.contains(last.axis) == axes.contains(place.axis) {
                    groups[groups.count - 1].append(place)
                } else {
                    groups.append([place])
                }
            }
            let shape = TensorShape(groups.map { $0.reduce(1) { $0 * view[$1].length.count } })
            let parts = try reshaped(x, to: shape, named: node.label)
            let places = groups.indices.filter { axes.contains(groups[$0][0].axis) }
            value = try add(
                Reduction(kind, axes: places, keepsAxes: places.count == groups.count), for: node, "", parts)
        }
        var result = view
        for axis in axes { result.axes[axis] = [] }
        result = result.restrided(value, order: kept)
        if !keepsAxes { result.axes = result.axes.indices.filter { !axes.contains($0) }.map { result.axes[$0] } }
        return result
    }
}
