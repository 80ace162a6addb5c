import NeuralGraph

/// Slicing, splitting, gathering and concatenation.
extension ONNXImporter {
    mutating func concat(_ node: ONNXNode) throws {
        var views = try node.inputs.indices.map { try expanded(try view(node, $0), named: node.label) }
        guard let number = try node.integer("axis"), let first = views.first(where: { $0.value != nil }) ?? views.first
        else {
            throw ONNXProblem(node, "lacks its axis or its inputs; the file is damaged")
        }
        let rank = first.rank
        let axis = try node.axis(number, rank: rank)
        for (index, view) in views.enumerated() { views[index] = try withoutExamples(view, like: first, node) }
        for view in views {
            let fits =
                view.rank == rank
                && view.axes.indices.allSatisfy { other in
                    other == axis || view.length(other) == first.length(other)
                        || (view.constant != nil && first.axes[other].first?.isBatch == true
                            && view.axes[other].isEmpty)
                }
            guard fits else {
                throw ONNXProblem(
                    node, "joins \(first.description) and \(view.description), which do not fit each other")
            }
        }
        guard !first.axes[axis].contains(where: \.isBatch) else {
            throw ONNXProblem(node, "joins along the batch, which cannot be run")
        }
        let order = try wholeAxes(of: first, node)
        var values: [Graph.Value] = []
        for view in views {
            let shape = TensorShape(order.map { view.length($0).count })
            let value = try materialize(view, order.map { view.places(ofAxis: $0) }, named: node.label)
            values.append(try reshaped(value, to: shape, named: node.label))
        }
        guard let place = order.firstIndex(of: axis) else {
            throw ONNXProblem(node, "joins along the batch, which cannot be run")
        }
        let value = try add(Concat(axis: place), named: unique(node), values)
        try define(node, view(of: value, axes: order, like: first))
    }

    /// A constant without its batch axis, to be concatenated with a value that has the batch there.
    ///
    /// Exporters for a fixed batch store a copy for each example, as of a class token.
    func withoutExamples(_ view: ValueView, like other: ValueView, _ node: ONNXNode) throws -> ValueView {
        guard let constant = view.constant, view.rank == other.rank,
            let axis = other.axes.indices.first(where: { axis in
                other.axes[axis].count == 1 && other.axes[axis][0].isBatch && view.places(ofAxis: axis).count == 1
                    && view.length(axis) == other.length(axis)
            })
        else { return view }
        var rows = view
        let examples = rows.axes.remove(at: axis)
        rows.axes.insert(examples, at: 0)
        let elements = try rowMajor(constant, rows).constant?.elements ?? []
        let count = elements.count / view.length(axis).count
        guard elements.indices.allSatisfy({ elements[$0].bitPattern == elements[$0 % count].bitPattern }) else {
            throw ONNXProblem(node, "reads a constant that differs from example to example, which cannot be run")
        }
        rows.axes[0] = []
        var lengths = rows.lengths.map(\.count)
        lengths.removeFirst()
        lengths.insert(1, at: axis)
        return ValueView(ONNXConstant(Array(elements[..<count])), dimensions: lengths)
    }

    mutating func split(_ node: ONNXNode) throws {
        let view = try expanded(try view(node, 0), named: node.label)
        let axis = try node.axis(try node.integer("axis") ?? 0, rank: view.rank)
        let sizes = try node.parts(
            of: view.length(axis).count, given: fixedIntegers(node, 1) ?? node.integers("split"))
        var start = 0
        for (output, size) in sizes.enumerated() {
            let name = node.outputs[output]
            if !name.isEmpty, plan.consumers[name] != nil || name == plan.outputName {
                try part(view, axis: axis, start: start, count: size, node, output: output)
            }
            start += size
        }
    }

    mutating func slice(_ node: ONNXNode) throws {
        var view = try view(node, 0)
        let starts = try node.integers("starts").map { $0.map { BatchInteger($0) } } ?? integers(node, 1).values
        let ends = try node.integers("ends").map { $0.map { BatchInteger($0) } } ?? integers(node, 2).values
        let axes = try fixedIntegers(node, 3) ?? node.integers("axes") ?? Array(0..<starts.count)
        let steps = try fixedIntegers(node, 4) ?? [Int](repeating: 1, count: starts.count)
        guard starts.count == ends.count, axes.count == starts.count, steps.count == starts.count, !starts.isEmpty
        else {
            throw ONNXProblem(node, "has starts, ends, axes and steps of different lengths; the file is damaged")
        }
        for (index, axis) in try node.uniqueAxes(axes, rank: view.rank).enumerated() {
            if view.axes[axis].contains(where: \.isBatch) {
                let takesAll =
                    starts[index] == BatchInteger(0) && steps[index] == 1
                    && (ends[index].constant >= Int(Int32.max) || AxisLength(ends[index]) == view.length(axis))
                guard takesAll else { throw ONNXProblem(node, "takes a part of the batch, which cannot be run") }
                continue
            }
            guard let start = starts[index].fixed, let end = ends[index].fixed else {
                throw ONNXProblem(node, "takes a part that depends on the batch size, which cannot be run")
            }
            let length = view.length(axis).count
            let range = try node.range(start: start, end: end, step: steps[index], length: length)
            if range.count == length, steps[index] == 1 { continue }
            guard range.count > 0 else { throw ONNXProblem(node, "takes nothing of an axis of length \(length)") }
            try part(view, axis: axis, start: range.first, count: range.count, step: steps[index], node)
            guard let name = node.outputs.first, case .view(let taken)? = operands[name] else { continue }
            view = taken
        }
        try define(node, view)
    }

    mutating func gather(_ node: ONNXNode) throws {
        let view = try view(node, 0)
        let axis = try node.axis(try node.integer("axis") ?? 0, rank: view.rank)
        let table = try integers(node, 1).dimensions
        guard let numbers = try fixedIntegers(node, 1), !numbers.isEmpty, numbers.count <= Self.maximumIntegers else {
            throw ONNXProblem(node, "takes no entries, or more than \(Self.maximumIntegers)")
        }
        let length = view.length(axis).count
        guard numbers.allSatisfy({ (-length..<length).contains($0) }), !view.axes[axis].contains(where: \.isBatch)
        else {
            throw ONNXProblem(
                node, "takes entries \(numbers.prefix(8)) of an axis of length \(view.length(axis).count)")
        }
        let places = numbers.map { $0 < 0 ? $0 + length : $0 }
        var taken: ValueView
        if places.enumerated().allSatisfy({ $1 == places[0] + $0 }) {
            try define(node, view)
            if places.count < length { try part(view, axis: axis, start: places[0], count: places.count, node) }
            guard let name = node.outputs.first, case .view(let stretch)? = operands[name] else { return }
            taken = stretch
        } else {
            taken = try selected(view, axis: axis, places: places, node, name: node.label)
        }
        if table.count != 1 {
            // The axes of the table take the place of the one that entries are taken of.
            let lengths = taken.lengths
            taken = try regrouped(
                taken, Array(lengths[..<axis]) + table.map { AxisLength($0) } + Array(lengths[(axis + 1)...]), node)
        }
        try define(node, taken)
    }

    /// Gathers entries by indices along several axes at once, as exporters write adaptive pooling.
    mutating func gatherByIndices(_ node: ONNXNode) throws {
        let view = try view(node, 0)
        let table = try integers(node, 1).dimensions
        guard try node.integer("batch_dims") ?? 0 == 0, let depth = table.last, (1...view.rank).contains(depth),
            let numbers = try fixedIntegers(node, 1), !numbers.isEmpty,
            !view.axes[..<depth].contains(where: { $0.contains(where: \.isBatch) })
        else {
            throw ONNXProblem(node, "takes entries by places along the batch, or by none, which is not supported")
        }
        let lengths = view.lengths
        let places = try stride(from: 0, to: numbers.count, by: depth).map { first in
            try (0..<depth).reduce(0) { place, axis in
                let (length, number) = (lengths[axis].count, numbers[first + axis])
                guard (-length..<length).contains(number) else {
                    throw ONNXProblem(node, "takes the entry \(number) of an axis of length \(length)")
                }
                return place * length + (number < 0 ? number + length : number)
            }
        }
        let count = lengths[..<depth].reduce(1) { $0 * $1.count }
        let flat = try regrouped(view, [AxisLength(count)] + lengths[depth...], node)
        let taken = try selected(flat, axis: 0, places: places, node, name: node.label)
        try define(
            node, try regrouped(taken, table.dropLast().map { AxisLength($0) } + lengths[depth...], node))
    }

    /// A contiguous range of one axis.
    private mutating func part(
        _ view: ValueView, axis: Int, start: Int, count: Int, step: Int = 1, _ node: ONNXNode, output: Int = 0
    ) throws {
        guard !view.axes[axis].contains(where: \.isBatch), count > 0 else {
            throw ONNXProblem(node, "takes a part of the batch, or nothing of an axis, which cannot be run")
        }
        if let constant = view.constant {
            let plain = try rowMajor(constant, view)
            let elements = try plain.constant?.elements ?? []
            let (inner, length) = (plain.stride(ofAxis: axis), view.length(axis).count)
            var taken: [Float] = []
            for outer in 0..<(elements.count / max(1, inner * length)) {
                for index in 0..<count {
                    let first = (outer * length + start + index * step) * inner
                    taken.append(contentsOf: elements[first..<(first + inner)])
                }
            }
            var lengths = view.lengths.map(\.count)
            lengths[axis] = count
            for other in view.axes.indices where view.axes[other].contains(where: \.isBatch) { lengths[other] = 1 }
            var result = ValueView(ONNXConstant(taken), dimensions: lengths)
            for other in view.axes.indices where view.axes[other].contains(where: \.isBatch) {
                result.axes[other] = view.axes[other]
            }
            return try define(node, result, output: output)
        }
        try onWholeAxes(view, node, output: output) { importer, x, order, name in
            guard let place = order.firstIndex(of: axis) else {
                throw ONNXProblem(node, "takes a part of an axis of length 1")
            }
            return try importer.add(
                Slice(axis: place, start: start, count: count, step: step), named: name, [x])
        }
    }
}

extension ValueView {
    /// The stride of an axis: the number of elements from one entry to the next in row-major order.
    fileprivate func stride(ofAxis axis: Int) -> Int {
        axes[(axis + 1)...].flatMap { $0 }.filter { !$0.isBatch }.reduce(1) { $0 * $1.length.count }
    }
}

extension ONNXNode {
    /// The part of an axis that a slice takes: the first entry and the count.
    func range(start: Int, end: Int, step: Int, length: Int) throws -> (first: Int, count: Int) {
        guard step != 0, step != .min else { throw ONNXProblem(self, "has a step of \(step)") }
        func placed(_ number: Int, _ limits: ClosedRange<Int>) -> Int {
            let position = number < 0 && number >= -length ? number + length : number
            return min(max(position, limits.lowerBound), limits.upperBound)
        }
        if step > 0 {
            let (first, last) = (placed(start, 0...length), placed(end, 0...length))
            return (first, first < last ? (last - first - 1) / step + 1 : 0)
        }
        let (first, last) = (placed(start, -1...(length - 1)), placed(end, -1...(length - 1)))
        return (first, first > last ? (first - last - 1) / -step + 1 : 0)
    }
}
