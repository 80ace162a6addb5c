import ModelFiles
import NeuralGraph

/// A window's settings for both image axes, from a node for one or two.
struct ONNXWindow {
    var kernelSize: Size2D
    var stride: Size2D
    var dilation: Size2D
    var padding: Padding

    /// A pooling's window, for an image of some rank in the file.
    init(_ node: ONNXNode, rank: Int, lengths: [Int]) throws {
        guard let kernelSize = try node.extents("kernel_shape", count: rank - 2) else {
            throw ONNXProblem(node, "lacks its kernel_shape; the file is damaged")
        }
        try self.init(node, kernelSize: kernelSize, lengths: lengths)
    }

    /// - Parameters:
    ///   - kernelSize: the window's size along the image axes, one or two of them.
    ///   - lengths: the image's.
    init(_ node: ONNXNode, kernelSize: [Int], lengths: [Int]) throws {
        let count = kernelSize.count
        let strides = try node.extents("strides", count: count) ?? [Int](repeating: 1, count: count)
        let dilations = try node.extents("dilations", count: count) ?? [Int](repeating: 1, count: count)
        var before = [Int](repeating: 0, count: count)
        var after = before
        switch try node.text("auto_pad") ?? "NOTSET" {
        case "NOTSET":
            if let pads = try node.extents("pads", count: 2 * count, minimum: 0) {
                (before, after) = (Array(pads[..<count]), Array(pads[count...]))
            }
        case "VALID": break
        case let mode where mode == "SAME_UPPER" || mode == "SAME_LOWER":
            for axis in 0..<count {
                let output = (lengths[axis] + strides[axis] - 1) / strides[axis]
                let reach = (output - 1) * strides[axis] + dilations[axis] * (kernelSize[axis] - 1) + 1
                let total = max(0, reach - lengths[axis])
                before[axis] = mode == "SAME_UPPER" ? total / 2 : total - total / 2
                after[axis] = total - before[axis]
            }
        case let mode: throw ONNXProblem(node, "has the unknown auto_pad \(quoted(mode))")
        }
        func extent(_ values: [Int]) -> Size2D {
            count == 2 ? Size2D(height: values[0], width: values[1]) : Size2D(height: 1, width: values[0])
        }
        self.kernelSize = extent(kernelSize)
        stride = extent(strides)
        dilation = extent(dilations)
        padding =
            count == 2
            ? Padding(top: before[0], left: before[1], bottom: after[0], right: after[1])
            : Padding(top: 0, left: before[0], bottom: 0, right: after[0])
    }
}

extension ONNXImporter {
    mutating func convolution(_ node: ONNXNode) throws {
        let input = try view(node, 0)
        let weight = try view(node, 1)
        guard (3...4).contains(weight.rank), input.rank == weight.rank else {
            throw ONNXProblem(
                node,
                "has an input of \(input.description) and weights of \(weight.description); convolutions over one "
                    + "or two axes are run")
        }
        let x = try image(input, node)
        let lengths = weight.lengths.map(\.count)
        let kernelSize = Array(lengths[2...])
        if let declared = try node.integers("kernel_shape"), declared != kernelSize {
            throw ONNXProblem(node, "declares a kernel of \(declared), but its weights have \(kernelSize)")
        }
        let groups = try node.integer("group") ?? 1
        guard (1...Self.largestSetting).contains(groups), builder.shape(of: x).channels == groups * lengths[1] else {
            throw ONNXProblem(
                node,
                "has \(groups) groups and weights of \(weight.description) for an input of \(input.description), "
                    + "which do not fit each other")
        }
        let window = try ONNXWindow(node, kernelSize: kernelSize, lengths: input.lengths[2...].map(\.count))
        let name = unique(node)
        let hasBias = node.input(2) != nil
        var parameters = [
            try parameter(
                weight, order: weight.places,
                shape: TensorShape([lengths[0], lengths[1], window.kernelSize.height, window.kernelSize.width]),
                node: name, "weight",
                learns: true)
        ]
        if hasBias {
            let bias = try view(node, 2)
            parameters.append(
                try parameter(bias, order: bias.places, shape: [lengths[0]], node: name, "bias", learns: true))
        }
        let operation = Convolution(
            outputChannels: lengths[0], kernelSize: window.kernelSize, stride: window.stride, padding: window.padding,
            dilation: window.dilation, groups: groups, hasBias: hasBias)
        let value = try add(operation, named: name, [x], parameters)
        try define(node, view(ofImage: value, rank: input.rank))
    }

    mutating func maxPool(_ node: ONNXNode) throws {
        try pooling(node) { _ in .maximum }
    }

    mutating func averagePool(_ node: ONNXNode) throws {
        try pooling(node) { try .average(countsPadding: $0.integer("count_include_pad") == 1) }
    }

    private mutating func pooling(_ node: ONNXNode, _ method: (ONNXNode) throws -> Pooling.Method) throws {
        let input = try view(node, 0)
        let x = try image(input, node)
        let window = try ONNXWindow(node, rank: input.rank, lengths: input.lengths[2...].map(\.count))
        guard window.dilation == 1 else { throw ONNXProblem(node, "pools with dilation, which is not supported") }
        let operation = Pooling(
            try method(node), kernelSize: window.kernelSize, stride: window.stride, padding: window.padding,
            roundsUp: try node.integer("ceil_mode") == 1)
        let value = try add(operation, for: node, "", x)
        try define(node, view(ofImage: value, rank: input.rank))
    }

    mutating func globalPooling(_ node: ONNXNode, _ kind: ReductionKind) throws {
        let input = try view(node, 0)
        try checkBatch(input, node)
        guard input.rank >= 3 else {
            throw ONNXProblem(node, "has an input of \(input.description), which is no image")
        }
        try define(node, try reduced(input, axes: Array(2..<input.rank), keepsAxes: true, kind, node))
    }

    mutating func padding(_ node: ONNXNode) throws {
        let input = try expanded(try view(node, 0), named: node.label)
        let rank = input.rank
        guard let pads = try fixedIntegers(node, 1) ?? node.integers("pads") else {
            throw ONNXProblem(node, "lacks its pads; the file is damaged")
        }
        let axes = try fixedIntegers(node, 3).map { try $0.map { try node.axis($0, rank: rank) } } ?? Array(0..<rank)
        guard pads.count == 2 * axes.count, Set(axes).count == axes.count,
            pads.allSatisfy({ (0...Self.largestSetting).contains($0) })
        else {
            throw ONNXProblem(node, "has the pads \(pads.prefix(16)); two numbers an axis, 0 or more, are run")
        }
        var before = [Int](repeating: 0, count: rank)
        var after = before
        for (index, axis) in axes.enumerated() { (before[axis], after[axis]) = (pads[index], pads[axes.count + index]) }
        if before == after, !before.contains(where: { $0 > 0 }) { return try define(node, input) }
        let mode: PaddingMode
        switch try node.text("mode") ?? "constant" {
        case "constant": mode = .constant
        case "reflect": mode = .reflect
        case "edge": mode = .edge
        case "wrap" where node.operatorSet >= 19: return try wrapped(input, before: before, after: after, node)
        case let other: throw ONNXProblem(node, "pads by \(quoted(other)), which is not supported")
        }
        if node.input(2) != nil, try scalar(node, 2) == nil {
            throw ONNXProblem(node, "pads by a number that is not known when the file is read, which is not supported")
        }
        let value = try mode == .constant ? scalar(node, 2) ?? node.float("value") ?? 0 : 0
        guard input.axes.indices.allSatisfy({ before[$0] + after[$0] == 0 || !input.axes[$0].contains { $0.isBatch } })
        else { throw ONNXProblem(node, "pads the batch, which cannot be run") }
        try onWholeAxes(input, node) { importer, x, axisOrder, name in
            try importer.add(
                Pad(
                    before: axisOrder.map { before[$0] }, after: axisOrder.map { after[$0] }, value: value, mode: mode),
                named: name, [x])
        }
    }

    /// Circular padding: a border of elements from the opposite side.
    private mutating func wrapped(_ input: ValueView, before: [Int], after: [Int], _ node: ONNXNode) throws {
        var result = input
        for axis in 0..<input.rank where before[axis] + after[axis] > 0 {
            let length = input.length(axis).count
            guard length > 0, before[axis] + after[axis] <= Self.largestSetting else {
                throw ONNXProblem(node, "has the pads \(before[axis]) and \(after[axis]), which are out of range")
            }
            let places = (-before[axis]..<(length + after[axis])).map { (($0 % length) + length) % length }
            result = try selected(result, axis: axis, places: places, node, name: "\(node.label).\(axis)")
        }
        try define(node, result)
    }
}
