import NeuralGraph

/// Lp pooling, and normalization over channels or positions.
extension ONNXImporter {
    /// The p-th root of the sum of p-th powers in a window, of which `p` is 1 or 2.
    mutating func powerPooling(_ node: ONNXNode) throws {
        let input = try view(node, 0)
        let p = try exponent(node, standard: 2)
        let powers = try pointwise(input, p == 1 ? .absolute : .power(2), name: node.label + ".power")
        let x = try image(powers, node)
        let window = try ONNXWindow(node, rank: input.rank, lengths: input.lengths[2...].map(\.count))
        guard window.dilation == 1 else { throw ONNXProblem(node, "pools with dilation, which is not supported") }
        let operation = Pooling(
            .average(countsPadding: true), kernelSize: window.kernelSize, stride: window.stride, padding: window.padding
        )
        let mean = try add(operation, for: node, ".mean", x)
        let count = Float(window.kernelSize.height * window.kernelSize.width)
        var view = try pointwise(
            view(ofImage: mean, rank: input.rank), .affine(scale: count, shift: 0), name: node.label + ".sum")
        if p == 2 { view = try pointwise(view, .squareRoot, name: node.label) }
        try define(node, view)
    }

    mutating func globalPowerPooling(_ node: ONNXNode) throws {
        let input = try view(node, 0)
        guard input.rank >= 3 else {
            throw ONNXProblem(node, "has an input of \(input.description), which is no image")
        }
        try define(node, try norm(input, axes: Array(2..<input.rank), p: exponent(node, standard: 2), node))
    }

    /// `x / |x|_p` along an axis; 0 where the norm is 0.
    mutating func powerNormalization(_ node: ONNXNode) throws {
        let input = try view(node, 0)
        let axis = try node.axis(try node.integer("axis") ?? -1, rank: input.rank)
        let length = try norm(input, axes: [axis], p: exponent(node, standard: 2), node)
        // A length of 0 is that of zeros, which stay zeros.
        let divisor = try pointwise(
            length, .clamp(minimum: .leastNormalMagnitude, maximum: .infinity), name: node.label + ".divisor")
        try define(node, try combined(input, divisor, .division, node, name: node.label))
    }

    private func exponent(_ node: ONNXNode, standard: Int) throws -> Int {
        let p = try node.integer("p") ?? standard
        guard p == 1 || p == 2 else { throw ONNXProblem(node, "has p \(p), and only 1 and 2 are supported") }
        return p
    }

    private mutating func norm(_ input: ValueView, axes: [Int], p: Int, _ node: ONNXNode) throws -> ValueView {
        let powers = try pointwise(input, p == 1 ? .absolute : .power(2), name: node.label + ".power")
        let sum = try reduced(powers, axes: axes, keepsAxes: true, .sum, node)
        return p == 1 ? sum : try pointwise(sum, .squareRoot, name: node.label + ".root")
    }

    /// `x / (bias + alpha / size sum of squares over neighboring channels)^beta` (Krizhevsky et al. 2012).
    mutating func localResponseNormalization(_ node: ONNXNode) throws {
        let input = try expanded(try view(node, 0), named: node.label)
        try checkBatch(input, node)
        guard let size = try node.integer("size"), (1...Self.largestSetting).contains(size), input.rank >= 2 else {
            throw ONNXProblem(node, "lacks its size, or has one out of range")
        }
        let (alpha, beta) = (try node.float("alpha") ?? 1e-4, try node.float("beta") ?? 0.75)
        let bias = try node.float("bias") ?? 1
        let (x, order) = try materialize(input, last: input.places(ofAxis: 1), named: node.label)
        let squares = try add(Pointwise(.power(2)), named: unique(node.label + ".squares"), [x])
        let shape = builder.shape(of: x)
        // A window over rows of channels.
        let rows = try reshaped(
            squares, to: [max(1, shape.count / max(1, shape.channels)), shape.channels, 1], named: node.label)
        let before = (size - 1) / 2
        let mean = try add(
            Pooling(
                .average(countsPadding: true), kernelSize: Size2D(height: 1, width: size), stride: 1,
                padding: Padding(top: 0, left: before, bottom: 0, right: size - 1 - before)), for: node, ".mean", rows)
        let sums = try reshaped(mean, to: shape, named: node.label)
        let base = try add(Pointwise(.affine(scale: alpha, shift: bias)), named: unique(node.label + ".base"), [sums])
        let factor = try add(Pointwise(.power(-beta)), named: unique(node.label + ".factor"), [base])
        let value = try add(Arithmetic(.multiplication), named: unique(node), [x, factor])
        try define(node, input.restrided(value, order: order))
    }

    /// `x / sqrt(mean of squares + epsilon)`, scaled (Zhang and Sennrich 2019).
    mutating func rootMeanSquareNormalization(_ node: ONNXNode) throws {
        let input = try view(node, 0)
        let first = try node.axis(try node.integer("axis") ?? -1, rank: input.rank)
        let squares = try pointwise(input, .power(2), name: node.label + ".squares")
        let mean = try reduced(squares, axes: Array(first..<input.rank), keepsAxes: true, .mean, node)
        let shifted = try pointwise(
            mean, .affine(scale: 1, shift: try node.float("epsilon") ?? 1e-5), name: node.label + ".shifted")
        let factor = try pointwise(shifted, .power(-0.5), name: node.label + ".factor")
        let normalized = try combined(input, factor, .multiplication, node, name: node.label + ".normalized")
        try define(node, try combined(normalized, try view(node, 1), .multiplication, node, name: node.label))
    }

    /// `(x - mean) / (deviation + 1e-9)` over some axes, as the operator's own definition has it.
    mutating func meanVarianceNormalization(_ node: ONNXNode) throws {
        let input = try view(node, 0)
        let axes = try node.axes(try node.integers("axes") ?? [0, 2, 3], rank: input.rank)
        let mean = try reduced(input, axes: axes, keepsAxes: true, .mean, node)
        let difference = try combined(input, mean, .subtraction, node, name: node.label + ".difference")
        let squares = try pointwise(difference, .power(2), name: node.label + ".squares")
        let variance = try reduced(squares, axes: axes, keepsAxes: true, .mean, node)
        let deviation = try pointwise(variance, .squareRoot, name: node.label + ".deviation")
        let divisor = try pointwise(deviation, .affine(scale: 1, shift: 1e-9), name: node.label + ".divisor")
        try define(node, try combined(difference, divisor, .division, node, name: node.label))
    }
}
