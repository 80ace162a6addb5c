import ModelFiles
import NeuralGraph

/// Resizing, tiling, and moving elements between positions and channels.
extension ONNXImporter {
    mutating func resizing(_ node: ONNXNode) throws {
        let input = try view(node, 0)
        let (axes, lengths, scales) = try sizes(node, input)
        var result = input
        for (index, axis) in axes.enumerated() where input.length(axis).count != lengths[index] || scales[index] != 1 {
            let places = try Self.places(
                node, from: input.length(axis).count, to: lengths[index], scale: scales[index])
            result = try selected(result, axis: axis, places: places, node, name: "\(node.label).\(axis)")
        }
        try define(node, result)
    }

    /// The resized axes with their new lengths and scale factors.
    private func sizes(
        _ node: ONNXNode, _ input: ValueView
    ) throws -> (axes: [Int], lengths: [Int], scales: [Double]) {
        let isOld = node.operation == "Upsample" || node.operatorSet < 11
        let mode = try node.text("mode") ?? "nearest"
        guard mode == "nearest" else {
            throw ONNXProblem(node, "resizes by \(quoted(mode)); only nearest is supported")
        }
        let axes = try node.integers("axes").map { try node.uniqueAxes($0, rank: input.rank) } ?? Array(0..<input.rank)
        let own = axes.map { input.length($0) }
        let given = try isOld || node.input(3) == nil ? [] : integers(node, 3).values
        var lengths: [Int] = []
        var scales: [Double] = []
        if !given.isEmpty {
            // The batch stays as long as it is; other lengths are numbers.
            let fits = given.count == axes.count
            lengths = try given.enumerated().map { index, value in
                if fits, AxisLength(value) == own[index] { return own[index].count }
                guard let number = value.fixed, fits, !own[index].hasBatch else {
                    throw ONNXProblem(node, "has sizes that change the batch, or that are not one for each axis")
                }
                return number
            }
            scales = zip(lengths, own).map { Double($0) / Double(max(1, $1.count)) }
        } else {
            let factors = try node.floats("scales") ?? view(node, isOld ? 1 : 2).constant?.elements ?? []
            guard factors.allSatisfy({ $0 > 0 && $0 < 4096 }) else {
                throw ONNXProblem(node, "has the scales \(factors.prefix(8)), which are not known, or out of range")
            }
            scales = factors.map { Double($0) }
            lengths = zip(own, scales).map { Int((Double($0.count) * $1).rounded(.down)) }
        }
        guard lengths.count == axes.count, scales.count == axes.count,
            lengths.allSatisfy({ (1...65_536).contains($0) })
        else { throw ONNXProblem(node, "has sizes \(lengths.prefix(8)) for \(axes.count) axes, or out of range") }
        for (index, axis) in axes.enumerated() where input.axes[axis].contains(where: \.isBatch) {
            guard lengths[index] == own[index].count, scales[index] == 1 else {
                throw ONNXProblem(node, "resizes along the batch, which cannot be run")
            }
        }
        return (axes, lengths, scales)
    }

    /// The source coordinate of each position of a resized axis.
    private static func places(_ node: ONNXNode, from length: Int, to target: Int, scale: Double) throws -> [Int] {
        let isOld = node.operation == "Upsample" || node.operatorSet < 11
        let coordinates = try node.text("coordinate_transformation_mode") ?? (isOld ? "asymmetric" : "half_pixel")
        let rounding = try node.text("nearest_mode") ?? (isOld ? "floor" : "round_prefer_floor")
        return try (0..<target).map { place in
            let x = Double(place)
            let source: Double
            switch coordinates {
            case "half_pixel": source = (x + 0.5) / scale - 0.5
            case "half_pixel_symmetric":
                let adjustment = Double(target) / (scale * Double(length))
                source = Double(length) / 2 * (1 - adjustment) + (x + 0.5) / scale - 0.5
            case "pytorch_half_pixel": source = target > 1 ? (x + 0.5) / scale - 0.5 : 0
            case "asymmetric": source = x / scale
            case "align_corners": source = target > 1 ? x * Double(length - 1) / Double(target - 1) : 0
            default:
                throw ONNXProblem(node, "resizes with coordinates by \(quoted(coordinates)), which is not supported")
            }
            let nearest: Double
            switch rounding {
            case "round_prefer_floor": nearest = (source - 0.5).rounded(.up)
            case "round_prefer_ceil": nearest = (source + 0.5).rounded(.down)
            case "floor": nearest = source.rounded(.down)
            case "ceil": nearest = source.rounded(.up)
            default: throw ONNXProblem(node, "resizes with the unknown nearest_mode \(quoted(rounding))")
            }
            return Int(min(max(nearest, 0), Double(length - 1)))
        }
    }

    /// Gathers positions of one axis, in any order.
    mutating func selected(
        _ view: ValueView, axis: Int, places: [Int], _ node: ONNXNode, name: String
    ) throws -> ValueView {
        guard !view.axes[axis].contains(where: \.isBatch) else {
            throw ONNXProblem(node, "takes a part of the batch, which cannot be run")
        }
        let length = view.length(axis).count
        if places == Array(0..<length) { return view }
        if places.allSatisfy({ $0 == 0 }), length == 1 {
            var result = view
            result.axes[axis] = places.count == 1 ? [] : [.repeated(places.count)]
            return result
        }
        let whole = try expanded(view, named: name)
        let order = try wholeAxes(of: whole, node)
        guard let place = order.firstIndex(of: axis) else {
            throw ONNXProblem(node, "takes parts of an axis of length 1")
        }
        let x = try materialize(whole, order.map { whole.places(ofAxis: $0) }, named: name)
        // Twice or three times as large is an operation of its own.
        let own = builder.shape(of: x)
        let factor = places.count / max(1, length)
        let value: Graph.Value
        if own.rank == 3, place < 2, places.count == factor * length, places == (0..<places.count).map({ $0 / factor })
        {
            let extent = Size2D(height: place == 0 ? factor : 1, width: place == 1 ? factor : 1)
            value = try add(Upsample(extent), named: unique(name), [x])
        } else {
            value = try add(Gather(axis: place, places: places), named: unique(name), [x])
        }
        return self.view(of: value, axes: order, like: whole)
    }

    // MARK: Blocks

    /// Moves channels to blocks of positions (depth to space).
    mutating func depthToSpace(_ node: ONNXNode) throws {
        let (input, size, isColumnFirst) = try blocks(node)
        let lengths = input.lengths
        guard lengths[1].count % (size * size) == 0 else {
            throw ONNXProblem(node, "has \(lengths[1].count) channels, which blocks of \(size)x\(size) do not divide")
        }
        let depth = AxisLength(lengths[1].count / (size * size))
        let block = AxisLength(size)
        let parts = isColumnFirst ? [block, block, depth] : [depth, block, block]
        let cut = try regrouped(input, [lengths[0]] + parts + [lengths[2], lengths[3]], node)
        let (row, column, channel) = isColumnFirst ? (1, 2, 3) : (2, 3, 1)
        try define(
            node,
            ValueView(
                cut.source,
                axes: [cut.axes[0], cut.axes[channel], cut.axes[4] + cut.axes[row], cut.axes[5] + cut.axes[column]]))
    }

    /// Moves blocks of positions to channels (space to depth).
    mutating func spaceToDepth(_ node: ONNXNode) throws {
        let (input, size, isColumnFirst) = try blocks(node)
        let lengths = input.lengths
        guard lengths[2].count % size == 0, lengths[3].count % size == 0 else {
            throw ONNXProblem(
                node, "has an input of \(input.description), which blocks of \(size)x\(size) do not divide")
        }
        let block = AxisLength(size)
        let cut = try regrouped(
            input,
            [
                lengths[0], lengths[1], AxisLength(lengths[2].count / size), block, AxisLength(lengths[3].count / size),
                block,
            ], node)
        let blocks = cut.axes[3] + cut.axes[5]
        try define(
            node,
            ValueView(
                cut.source,
                axes: [
                    cut.axes[0], isColumnFirst ? blocks + cut.axes[1] : cut.axes[1] + blocks, cut.axes[2], cut.axes[4],
                ]))
    }

    private func blocks(_ node: ONNXNode) throws -> (input: ValueView, size: Int, isColumnFirst: Bool) {
        let input = try view(node, 0)
        guard input.rank == 4, let size = try node.integer("blocksize"), (1...4096).contains(size) else {
            throw ONNXProblem(node, "takes images [N, C, H, W] and a blocksize from 1 to 4096")
        }
        let mode = try node.text("mode") ?? "DCR"
        guard ["DCR", "CRD"].contains(mode) else { throw ONNXProblem(node, "has the unknown mode \(quoted(mode))") }
        return (input, size, mode == "DCR")
    }

    /// A view repeated along its axes.
    mutating func tile(_ node: ONNXNode) throws {
        var view = try view(node, 0)
        guard let repeats = try fixedIntegers(node, 1), repeats.count == view.rank,
            repeats.allSatisfy({ (1...Self.largestSetting).contains($0) })
        else {
            throw ONNXProblem(node, "has repeats that are not one number of 1 or more for each of \(view.rank) axes")
        }
        var total = view.lengths.reduce(1.0) { $0 * Double($1.count) }
        for (axis, count) in repeats.enumerated() where count > 1 {
            guard !view.axes[axis].contains(where: \.isBatch) else {
                throw ONNXProblem(node, "repeats along the batch, so that examples would mix, which cannot be run")
            }
            total *= Double(count)
            guard total <= Double(Self.largestValue) else {
                throw ONNXProblem(node, "gives a value that is larger than any memory")
            }
            view.axes[axis].insert(.repeated(count), at: 0)
        }
        try define(node, view)
    }
}
