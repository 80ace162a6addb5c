import NeuralGraph

/// A tensor of indices with a constant stride along each axis: `offset + sum of stride * index`.
///
/// One axis may be the batch. PyTorch's exporter writes `as_strided` with such a tensor.
struct IndexGrid {
    var axes: [(length: AxisLength, stride: Int)]
    var offset = 0

    /// An integer tensor as a grid; nil if its steps are not regular.
    init?(_ tensor: IntegerTensor) {
        let numbers = tensor.values.compactMap(\.fixed)
        guard numbers.count == tensor.values.count, let first = numbers.first else { return nil }
        var unit = 1
        var axes: [(length: AxisLength, stride: Int)] = []
        for length in tensor.dimensions.reversed() {
            axes.append((AxisLength(length), length > 1 ? numbers[unit] &- first : 0))
            unit *= length
        }
        self.init(axes: axes.reversed(), offset: first)
        for (position, number) in numbers.enumerated() {
            var rest = position
            var expected = first
            for axis in self.axes.reversed() {
                expected &+= axis.stride &* (rest % axis.length.count)
                rest /= axis.length.count
            }
            guard expected == number else { return nil }
        }
    }

    init(axes: [(length: AxisLength, stride: Int)], offset: Int = 0) {
        self.axes = axes
        self.offset = offset
    }

    /// The number, if the grid is a scalar.
    private var number: Int? { axes.allSatisfy { $0.length == .one } ? offset : nil }

    /// The sum of two grids that broadcast; nil if they do not.
    func adding(_ other: IndexGrid) -> IndexGrid? {
        let rank = max(axes.count, other.axes.count)
        func padded(_ grid: IndexGrid) -> [(length: AxisLength, stride: Int)] {
            [(length: AxisLength, stride: Int)](repeating: (.one, 0), count: rank - grid.axes.count) + grid.axes
        }
        var sum: [(length: AxisLength, stride: Int)] = []
        for (a, b) in zip(padded(self), padded(other)) {
            guard a.length == b.length || a.length == .one || b.length == .one else { return nil }
            sum.append((a.length == .one ? b.length : a.length, a.stride &+ b.stride))
        }
        return IndexGrid(axes: sum, offset: offset &+ other.offset)
    }

    /// The product; nil unless one of the grids is a scalar.
    func multiplied(by other: IndexGrid) -> IndexGrid? {
        guard let factor = other.number else { return number == nil ? nil : other.multiplied(by: self) }
        return IndexGrid(
            axes: axes.map { ($0.length, $0.stride &* factor) }, offset: offset &* factor)
    }

    /// Whether it is 0, 1, 2 and so on in row-major order.
    var countsUp: Bool {
        var unit = 1
        for axis in axes.reversed() where axis.length != .one {
            guard axis.stride == unit else { return false }
            unit = unit &* axis.length.count
            // Inside of the batch everything has a fixed length.
            if axis.length.hasBatch, axis.length.count != 1 { return false }
        }
        return offset == 0
    }
}

extension ONNXImporter {
    /// Imports a node that makes or uses a grid of indices.
    /// - Returns: whether it is such a node.
    mutating func foldGrid(_ node: ONNXNode) throws -> Bool {
        if node.operation == "Range" {
            let numbers = try (0..<3).map { position -> BatchInteger? in
                guard case .integers(let tensor) = try operand(node, position) else { return nil }
                return tensor.values.first
            }
            guard let end = numbers[1].flatMap({ AxisLength($0) }), end.hasBatch, numbers[0] == BatchInteger(0),
                numbers[2] == BatchInteger(1)
            else { return false }
            grids[node.outputs.first ?? ""] = IndexGrid(axes: [(end, 1)])
            return true
        }
        guard node.inputs.contains(where: { grids[$0] != nil }) else { return false }
        func grid(_ position: Int) throws -> IndexGrid? {
            if let grid = node.input(position).flatMap({ grids[$0] }) { return grid }
            guard case .integers(let tensor) = try operand(node, position) else { return nil }
            return IndexGrid(tensor)
        }
        var result: IndexGrid?
        switch node.operation {
        case "Identity", "Cast": result = try grid(0)
        case "Add": if let first = try grid(0), let second = try grid(1) { result = first.adding(second) }
        case "Mul": if let first = try grid(0), let second = try grid(1) { result = first.multiplied(by: second) }
        case "Unsqueeze":
            if var grid = try grid(0), let places = try fixedIntegers(node, 1) ?? node.integers("axes"),
                places.count <= Self.maximumAxes
            {
                for axis in try node.axes(places, rank: grid.axes.count + places.count) {
                    grid.axes.insert((.one, 0), at: axis)
                }
                result = grid
            }
        case "Gather":
            if let grid = try grid(1), grid.countsUp, try node.integer("axis") ?? 0 == 0 {
                let view = try view(node, 0)
                if view.rank == 1, let taken = view.regrouped(grid.axes.map(\.length)) {
                    try define(node, taken)
                    return true
                }
            }
        default: break
        }
        guard let result, let output = node.outputs.first, result.axes.count <= Self.maximumAxes else {
            throw ONNXProblem(node, "computes places that depend on the batch size, which cannot be run")
        }
        grids[output] = result
        return true
    }
}
