import NeuralGraph

extension ONNXImporter {
    typealias Place = ValueView.Place

    /// A value of the engine's graph that holds a view's elements in a given order.
    /// - Parameter groups: for each axis of the value, the view's factors that it steps over, outermost first.
    mutating func materialize(_ view: ValueView, _ groups: [[Place]], named name: String) throws -> Graph.Value {
        let source = try stored(view, named: name)
        let order = groups.flatMap { $0 }
        let memory = view.memoryOrder
        let shape = TensorShape(groups.map { $0.reduce(1) { $0 * view[$1].length.count } })
        guard order != memory else { return try reshaped(source, to: shape, named: name) }
        let runs = Self.runs(order, in: memory)
        let sorted = runs.sorted { $0.lowerBound < $1.lowerBound }
        let sizes = sorted.map { $0.reduce(1) { $0 * view[memory[$1]].length.count } }
        let axes = runs.compactMap { run in sorted.firstIndex(of: run) }
        let key = Reordering(value: source, sizes: sizes, axes: axes, shape: shape)
        if let known = reordered[key] { return known }
        let own = builder.shape(of: source)
        let value: Graph.Value
        if own.rank == 3, shape.rank == 1, axes == [1, 0], sizes == [own.positions, own.channels] {
            value = try add(Flatten(), named: unique(name + ".flatten"), [source])
        } else {
            let parts = try reshaped(source, to: TensorShape(sizes), named: name)
            let turned = try add(Transpose(axes: axes), named: unique(name + ".transpose"), [parts])
            value = try reshaped(turned, to: shape, named: name)
        }
        reordered[key] = value
        return value
    }

    /// The wanted order as the fewest contiguous runs of the memory order.
    private static func runs(_ order: [Place], in memory: [Place]) -> [Range<Int>] {
        let positions = Dictionary(uniqueKeysWithValues: memory.enumerated().map { ($1, $0) })
        var runs: [Range<Int>] = []
        for position in order.compactMap({ positions[$0] }) {
            if let last = runs.last, last.upperBound == position {
                runs[runs.count - 1] = last.lowerBound..<(position + 1)
            } else {
                runs.append(position..<(position + 1))
            }
        }
        return runs
    }

    /// The value under a view; for a constant, a node that repeats it for each example.
    private mutating func stored(_ view: ValueView, named name: String) throws -> Graph.Value {
        switch view.source {
        case .value(let value): return value
        case .constant:
            let own = unique(name + ".value")
            let parameter = try parameter(view, order: view.memoryOrder, node: own, "weight", learns: true)
            let operation = ParameterValue(
                shape: parameter.tensor.shape, initializer: .constant(0), learns: parameter.learns)
            return try add(operation, named: own, [], [parameter])
        }
    }

    /// The same elements in the same order with another shape.
    mutating func reshaped(_ value: Graph.Value, to shape: TensorShape, named name: String) throws -> Graph.Value {
        guard builder.shape(of: value) != shape else { return value }
        // Of a reshaped value, what it was before will do as well.
        if let maker = maker(value), maker.operation is Reshape {
            return try reshaped(maker.inputs[0], to: shape, named: name)
        }
        let key = Reordering(value: value, sizes: [], axes: [], shape: shape)
        if let known = reordered[key] { return known }
        let result = try add(Reshape(shape: shape), named: unique(name + ".reshape"), [value])
        reordered[key] = result
        return result
    }

    /// A view whose repeated factors are copied out, for operations that depend on positions.
    mutating func expanded(_ view: ValueView, named name: String) throws -> ValueView {
        let repeats = view.axes.contains { $0.contains { if case .repeated = $0 { true } else { false } } }
        guard repeats else { return view }
        // One axis for each factor: those that repeat have length 1 before and their own after.
        var (short, long): ([Int], [Int]) = ([], [])
        var result = view
        var order: [Place] = []
        let strided = view.memoryOrder
        for (axis, factors) in view.axes.enumerated() {
            for (index, factor) in factors.enumerated() {
                guard case .repeated(let count) = factor else { continue }
                short.append(1)
                long.append(count)
                result.axes[axis][index] = .strided(count, stride: 0)
                order.append(Place(axis: axis, index: index))
            }
        }
        for place in strided {
            short.append(view[place].length.count)
            long.append(view[place].length.count)
        }
        let source = try materialize(view, [strided], named: name)
        let parts = try reshaped(source, to: TensorShape(short), named: name)
        let spread = try add(Expand(shape: TensorShape(long)), named: unique(name + ".expand"), [parts])
        return result.restrided(spread, order: order + strided)
    }

    /// A value with the given factors as its last axis and the view's other factors before it in memory order.
    /// - Returns: the value, and the order of its factors.
    mutating func materialize(
        _ view: ValueView, last: [Place], named name: String
    ) throws -> (value: Graph.Value, order: [Place]) {
        let front = view.memoryOrder.filter { !last.contains($0) }
        let order = front + last
        let length = last.reduce(1) { $0 * view[$1].length.count }
        if let value = view.value, order == view.memoryOrder, builder.shape(of: value).channels == length,
            builder.shape(of: value).rank > 0
        {
            return (value, order)
        }
        // Factors of one axis of the file make one axis.
        var groups: [[Place]] = []
        for place in front {
            if let previous = groups.last?.last, previous.axis == place.axis, previous.index + 1 == place.index {
                groups[groups.count - 1].append(place)
            } else {
                groups.append([place])
            }
        }
        return (try materialize(view, groups + [last], named: name), order)
    }

    /// An image `[height, width, channels]` from axes `[N, C, H, W]`, or `[N, C, W]` with a height of 1.
    mutating func image(_ view: ValueView, _ node: ONNXNode) throws -> Graph.Value {
        guard view.rank == 3 || view.rank == 4 else {
            throw ONNXProblem(
                node, "has an input of \(view.description); only images [N, C, H, W] and rows [N, C, W] are run")
        }
        let view = try expanded(view, named: node.label)
        try checkBatch(view, node)
        let places = view.rank == 4 ? [[2], [3], [1]] : [[], [2], [1]]
        return try materialize(
            view, places.map { axes in axes.flatMap { view.places(ofAxis: $0) } }, named: unique(node, ".input"))
    }

    /// The view of an operation's image output, with as many axes as the input had.
    func view(ofImage value: Graph.Value, rank: Int) -> ValueView {
        let shape = builder.shape(of: value)
        func axis(_ length: Int, _ stride: Int) -> [ValueView.Factor] {
            length == 1 ? [] : [.strided(length, stride: stride)]
        }
        var axes = [axis(shape[2], 1), axis(shape[0], shape[1] * shape[2]), axis(shape[1], shape[2])]
        if rank == 3 { axes.remove(at: 1) }
        return ValueView(.value(value), axes: [plan.batchFactors] + axes)
    }

    /// Runs an operation on a value that has one axis for each of the view's except the batch, in memory order.
    /// - Parameter body: makes the operation's output from the value and the view's axes in the value's order.
    mutating func onWholeAxes(
        _ view: ValueView, _ node: ONNXNode, output: Int = 0,
        _ body: (inout ONNXImporter, Graph.Value, [Int], String) throws -> Graph.Value
    ) throws {
        let order = try wholeAxes(of: view, node)
        let x = try materialize(view, order.map { view.places(ofAxis: $0) }, named: node.label)
        let value = try body(&self, x, order, unique(node, output == 0 ? "" : ".\(output)"))
        try define(node, self.view(of: value, axes: order, like: view), output: output)
    }

    /// The axes except the batch, in memory order where they have one.
    func wholeAxes(of view: ValueView, _ node: ONNXNode) throws -> [Int] {
        let axes = view.axes.indices.filter { $0 != view.batchAxis && !($0 == 0 && view.axes[0].isEmpty) }
        guard !axes.contains(where: { view.axes[$0].contains(where: \.isBatch) }) else {
            throw ONNXProblem(node, "has an input of \(view.description) that mixes examples, which cannot be run")
        }
        let candidates = [axes.dropFirst() + axes.prefix(1), axes[...]].map { Array($0) }
        let fitting = candidates.first { candidate in
            candidate.flatMap { view.places(ofAxis: $0) } == view.memoryOrder
        }
        return fitting
            ?? axes.sorted { first, second in
                let strides = [first, second].map { axis in view.axes[axis].compactMap(\.stride).max() ?? 0 }
                return strides[0] > strides[1]
            }
    }

    /// The view of a value with one axis for each given axis; the other axes are as in another view.
    func view(of value: Graph.Value, axes order: [Int], like view: ValueView) -> ValueView {
        var result = ValueView(.value(value), axes: view.axes)
        var stride = 1
        for (axis, length) in zip(order, builder.shape(of: value).dimensions).reversed() {
            result.axes[axis] = length == 1 ? [] : [.strided(length, stride: stride)]
            stride *= length
        }
        return result
    }

    /// Throws unless the first axis is exactly the batch.
    func checkBatch(_ view: ValueView, _ node: ONNXNode) throws {
        let isFirst = view.rank > 0 && view.axes[0] == plan.batchFactors
        let isElsewhere = view.axes.dropFirst().contains { $0.contains { $0.isBatch } }
        guard isFirst, !isElsewhere else {
            throw ONNXProblem(
                node, "has an input of \(view.description) whose first axis is not the batch, which cannot be run")
        }
    }
}

extension ValueView {
    /// The factors of one axis that step over the engine's value.
    func places(ofAxis axis: Int) -> [Place] { places.filter { $0.axis == axis } }
}

extension ONNXNode {
    /// The name for the engine's node: the node's name, or its first output's.
    var label: String { name.isEmpty ? outputs.first ?? operation : name }
}
